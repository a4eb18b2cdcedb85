"""Pauses before another try differ by chance, so that those who failed together do not come back together."""

import asyncio

from adapters.manifest import Limits
from adapters.ports import Deadline, Fetch
from adapters.transport.guard import Guarded
from standards.errors import SourceUnavailableError
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.builders import small_manifest
from tests.fakes import ScriptedAdapter
from tests.virtual_time import VirtualLoop, run

REQUEST = Fetch("small", "person", (Identifier("UIN", "1"),), frozenset(), "t-1")
LONGEST_S = 0.05
"""Of the first pause."""


def test_those_who_failed_together_try_again_at_different_moments():
    """Each after a pause of its own, none longer than the first may be."""

    async def main(loop: VirtualLoop) -> list[float]:
        async def second_try() -> float:
            down = SourceUnavailableError("small", UnavailableReason.SOURCE_DOWN)
            adapter = ScriptedAdapter(small_manifest("small"), [down])
            start = loop.now
            await Guarded(adapter, Limits(retries=1)).fetch(REQUEST, Deadline.after(5.0))
            assert len(adapter.asked) == 2
            return loop.now - start

        return await asyncio.gather(*(second_try() for _ in range(50)))

    pauses = run(main)

    assert len({round(pause, 6) for pause in pauses}) > 40
    assert all(0 <= pause <= LONGEST_S + 0.001 for pause in pauses)
    assert max(pauses) - min(pauses) > LONGEST_S / 2

"""The gateway's own bound on old records holds whatever an agreement allows: `cache.max_stale_s`."""

import pytest

from adapters.ports import Record
from gateway.cache import MemoryCache
from gateway.stages.calls import Calls, Heard, Terms
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.builders import KEY, NEVER, NOW, lookup, small_manifest
from tests.fakes import StillClock, connected, in_memory

ASHA = Identifier("UIN", "1000000001")
AREA = frozenset({"land_area_ha"})
TERMS = Terms(max_age_s=60.0, stale_if_error_s=86_400.0)
"""Of an agreement that takes records a day old."""


async def heard_in_an_outage(after_s: float, max_stale_s: float) -> Heard:
    """What is said of Asha when her registry falls silent some time after it was heard."""
    land = small_manifest("land", lookup(attributes=sorted(AREA)))
    registries = in_memory([land], {("land", "person"): [Record({"UIN": ASHA.value}, {"land_area_ha": 1.25})]})
    clock = StillClock(NOW)
    cache = MemoryCache(KEY, 1_000_000, clock.monotonic)
    calls = Calls(connected(registries), cache, clock, max_age_s=60.0, max_stale_s=max_stale_s)
    for _ in range(2):
        errand = calls.errand(("land", "person"), [ASHA], AREA, TERMS, NEVER)
        await calls.carry_out(errand)
        clock.move(after_s)
        registries["land"].failing = {"person": UnavailableReason.SOURCE_DOWN}
    return errand.heard[ASHA]


@pytest.mark.parametrize(("after_s", "is_told"), [(659, True), (661, False)])
async def test_what_is_older_than_the_gateway_allows_never_stands_in(after_s, is_told):
    """Though the agreement would take it."""
    said = await heard_in_an_outage(after_s, max_stale_s=600.0)

    assert (said.record is not None) is is_told
    assert said.provenance.stale is is_told
    assert said.reason is (None if is_told else UnavailableReason.SOURCE_DOWN)


async def test_where_the_gateway_allows_none_nothing_old_stands_in():
    """`max_stale_s: 0` switches it off for every agreement."""
    assert (await heard_in_an_outage(61, max_stale_s=0.0)).reason is UnavailableReason.SOURCE_DOWN

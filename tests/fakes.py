"""In-memory versions of ports, for tests above them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, cast

from adapters.catalogue import Registries, Registry
from adapters.ports import Response, SearchAnswer, SourceAnswer
from adapters.said import note
from standards.errors import SourceUnavailableError
from standards.filters import holds
from standards.identifiers import Identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from adapters.manifest import Manifest
    from adapters.ports import Deadline, Fetch, Record, SearchFetch
    from adapters.transport.guard import Guarded
    from standards.states import UnavailableReason


class Sent(NamedTuple):
    """One request that an InMemoryClient was given."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None


class InMemoryClient:
    """A SourceClient without a network: keeps every request, and answers with what it was given.

    answers: responses or errors to raise, one per request in order, or one function of the request.
    """

    def __init__(self, answers: Iterable[Response | Exception] | Callable[[Sent], Response]) -> None:
        self.sent: list[Sent] = []
        self._answers = answers if callable(answers) else list(answers)

    async def send(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        request = Sent(method, path, params or {}, headers or {}, body)
        self.sent.append(request)
        if callable(self._answers):
            return self._answers(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class ScriptedAdapter:
    """A RegistryAdapter that does, call by call, what its script says.

    script: a SourceAnswer to give, an error to raise, or a number of seconds to hang before answering with nothing.
    """

    def __init__(self, manifest: Manifest, script: Iterable[SourceAnswer | BaseException | float] = ()) -> None:
        self.manifest = manifest
        self.asked: list[tuple[Fetch, Deadline]] = []
        self._script = list(script)

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        self.asked.append((request, deadline))
        step = self._script.pop(0) if self._script else SourceAnswer(dict.fromkeys(request.subjects))
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, SourceAnswer):
            return step
        await asyncio.sleep(step)
        return SourceAnswer(dict.fromkeys(request.subjects))


class HandClock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def __call__(self) -> float:
        return self.now


class StillClock:
    """A time of day that stands still until a test moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        """The same time as a count of seconds."""
        return self.now.timestamp()

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class InMemoryRegistry:
    """A registry over records in memory: RegistryAdapter and SearchableAdapter, with a log of what it was asked.

    records: lookup -> everything it holds; a record is found by each of its own numbers, one of a group also by
        the numbers of its members.
    failing: lookup -> why it gives no answer.
    turns: how often others get their turn before it answers; decides the order of arrival, without waiting.
    """

    def __init__(
        self,
        manifest: Manifest,
        records: Mapping[str, Sequence[Record]],
        *,
        failing: Mapping[str, UnavailableReason] | None = None,
        turns: int = 0,
    ) -> None:
        self.manifest, self.records = manifest, records
        self.failing = dict(failing or {})
        self.turns = turns
        self.asked: list[Fetch] = []
        self.searched: list[SearchFetch] = []

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Answer with no more than was asked for; a subject of a type the lookup does not take is a test's mistake."""
        self.asked.append(request)
        for _ in range(self.turns):
            await asyncio.sleep(0)
        lookup = self.manifest.lookup(request.lookup)
        assert request.subjects
        assert len(request.subjects) <= lookup.batch
        assert len(set(request.subjects)) == len(request.subjects)
        assert {s.type for s in request.subjects} <= set(lookup.by)
        assert request.names <= set(lookup.attributes)
        self._fail(request.lookup)
        records = {s: self._record(request, s) for s in request.subjects}
        note(200, repr((self.manifest.id, request.lookup, records)).encode())
        return SourceAnswer(records)

    async def search(self, request: SearchFetch, deadline: Deadline) -> SearchAnswer:
        """Find what the filter holds for, in the order of the records."""
        self.searched.append(request)
        search = next(s for s in self.manifest.searches if s.entity == request.entity)
        lookup = next(k for k in self.manifest.lookups if k.entity == request.entity)
        self._fail(lookup.name)
        found = [
            Identifier(search.yields, record.identifiers[search.yields])
            for record in self.records.get(lookup.name, ())
            if holds(request.filter, _known(record))
        ]
        first = (request.page_number - 1) * request.page_size
        answer = SearchAnswer(tuple(found[first : first + request.page_size]), len(found))
        note(200, repr((self.manifest.id, answer)).encode())
        return answer

    def _fail(self, lookup: str) -> None:
        if (reason := self.failing.get(lookup)) is not None:
            raise SourceUnavailableError(self.manifest.id, reason)

    def _record(self, request: Fetch, subject: Identifier) -> Record | None:
        for record in self.records.get(request.lookup, ()):
            numbers = [record.identifiers, *(m.identifiers for m in record.members)]
            if any(n.get(subject.type) == subject.value for n in numbers):
                values = {name: value for name, value in record.values.items() if name in request.names}
                return record._replace(values=values)
        return None


def _known(record: Record) -> Callable[[str], tuple[bool, object]]:
    return lambda name: (True, record.values.get(name))


def in_memory(
    manifests: Iterable[Manifest],
    truth: Mapping[tuple[str, str], Sequence[Record]],
    *,
    failing: Mapping[tuple[str, str], UnavailableReason] | None = None,
    turns: Mapping[str, int] | None = None,
) -> dict[str, InMemoryRegistry]:
    """Return every registry over one truth.

    truth, failing: by source and lookup; turns: by source.
    """
    found = {}
    for manifest in manifests:
        names = [lookup.name for lookup in manifest.lookups]
        found[manifest.id] = InMemoryRegistry(
            manifest,
            {name: truth.get((manifest.id, name), ()) for name in names},
            failing={name: why for (id_, name), why in (failing or {}).items() if id_ == manifest.id},
            turns=(turns or {}).get(manifest.id, 0),
        )
    return found


def connected(registries: Mapping[str, InMemoryRegistry]) -> Registries:
    """Return registries as the stages take them; without a guard, which has tests of its own."""
    return Registries(Registry(r.manifest, cast("Guarded", r)) for r in registries.values())

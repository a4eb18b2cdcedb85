"""Registries whose requests are declared: who goes into which call, and what comes of all of them together."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from adapters.generic.asking.at_once import each
from adapters.generic.asking.checks import check_request, requests_by_type
from adapters.generic.asking.placeholders import ENTRIES
from adapters.generic.graphql.roots import needed
from adapters.generic.mapping.candidates import Candidates, known_in_blocks, writer
from adapters.generic.mapping.records import Found, Records
from adapters.ports import SourceAnswer, TraitAnswer
from adapters.reading import Reader
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.generic.asking.answered import Asked
    from adapters.generic.asking.paging import Whole
    from adapters.generic.mapping.layout import RecordLayout
    from adapters.manifest import Lookup, Manifest
    from adapters.ports import Candidate, Deadline, Fetch, Record, SourceClient, TraitFetch
    from standards.identifiers import Identifier
    from standards.states import JsonValue


class Declared(Protocol):
    """A request of a manifest, compiled by the driver of its protocol."""

    @property
    def asked(self) -> Asked:
        """Whom it is about."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """Placeholders that stand in it, outside lists with an entry for each subject."""
        ...

    @property
    def each(self) -> frozenset[str]:
        """Placeholders that stand in such lists."""
        ...

    @property
    def is_single(self) -> bool:
        """Whether it is about one subject at a time."""
        ...

    @property
    def is_selective(self) -> bool:
        """Whether only the fields wanted are asked for."""
        ...

    @property
    def tells_nobody(self) -> bool:
        """Whether its answer can say that nobody is held by the one number asked about."""
        ...

    @property
    def paged_by(self) -> str | None:
        """How the answer comes in pages; None when it comes whole."""
        ...

    async def whole(
        self,
        client: SourceClient,
        values: Mapping[str, Any],
        wanted: frozenset[str],
        deadline: Deadline,
        *,
        enough: int | None = None,
    ) -> Whole | None:
        """Return its answer, all pages of it; None when it says that it holds nobody by the one number.

        values: what its placeholders stand for. wanted: attributes. enough: so many records are enough.
        Raises: SourceError.
        """
        ...


class _Call(NamedTuple):
    """One call: which request, and about whom."""

    request: Declared
    subjects: tuple[Identifier, ...]


class _Lookup:
    """One lookup, with its requests."""

    def __init__(self, source_id: str, lookup: Lookup, layout: RecordLayout, requests: Sequence[Declared]) -> None:
        self.layout, self.requests, self.traits = layout, requests, lookup.by_traits
        self.records = Records(source_id, layout, is_whole=not any(one.is_selective for one in requests))
        if self.traits is None:
            self._by_type = requests_by_type(lookup, requests)
            for one in requests:
                check_request(lookup, one)
            return
        self.candidates = Candidates(source_id, layout, self.traits)
        if len(requests) != len(self.traits.blocks):
            raise ValueError("`requests` has one request for each of `by_traits.blocks`, in their order")
        self.writers = {}
        for one, block in zip(requests, self.traits.blocks, strict=True):
            check_request(lookup, one, block)
            for trait in block:
                self.writers[trait] = writer(source_id, trait, self.traits.traits.get(trait))

    def calls(self, subjects: Sequence[Identifier]) -> list[_Call]:
        """Return the calls by which some subjects are asked about."""
        places = {id(one): place for place, one in enumerate(self.requests)}
        ranked = sorted(subjects, key=lambda subject: places[id(self._by_type[subject.type])])
        calls: list[_Call] = []
        for _, of_one in groupby(ranked, key=lambda subject: id(self._by_type[subject.type])):
            together = tuple(of_one)
            request = self._by_type[together[0].type]
            if request.is_single:
                calls += [_Call(request, (subject,)) for subject in together]
            else:
                calls.append(_Call(request, together))
        return calls

    def values(self, call: _Call, fetch: Fetch) -> dict[str, Any]:
        """Return what the placeholders of a call stand for."""
        request = call.request
        numbers = [(one.type, self.records.written(one)) for one in call.subjects]
        entries = [{"number": number, "type": request.asked.types.get(type_, type_)} for type_, number in numbers]
        values: dict[str, Any] = {
            "numbers": [number for _, number in numbers],
            "transaction": fetch.transaction_id or None,
            "as_of": fetch.as_of.isoformat() if fetch.as_of else None,
            ENTRIES: entries,
        }
        for type_ in {type_ for type_, _ in numbers}:
            values[f"numbers:{type_}"] = [number for of, number in numbers if of == type_]
        if request.is_single:
            values |= entries[0]
        if "names" in request.names:
            fields = needed(self.layout, fetch.names)
            values["names"] = sorted(fields) if fields is not None else None
        return values


class DeclaredAdapter:
    """Records by numbers, or candidates by traits, as the requests of a manifest say."""

    def __init__(
        self,
        manifest: Manifest,
        client: SourceClient,
        requests: Callable[[Lookup], Sequence[Declared]],
        at_once: int,
    ) -> None:
        """Check that the requests of each lookup can do what it promises.

        at_once: calls under way at the same time for one question.
        Raises: ConfigurationError when they cannot.
        """
        self.manifest, self._client, self._at_once = manifest, client, at_once
        self._read = Reader(manifest.id)
        if manifest.searches:
            raise ConfigurationError(
                f"registry {manifest.id}: `searches` need another protocol, or an adapter of its own"
            )
        self._lookups: dict[str, _Lookup] = {}
        for lookup in manifest.lookups:
            try:
                layout = manifest.records[lookup.name]
                self._lookups[lookup.name] = _Lookup(manifest.id, lookup, layout, requests(lookup))
            except ValueError as error:
                raise ConfigurationError(f"registry {manifest.id}, lookup {lookup.name}: {error}") from None

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask about everyone: in one call for each request, or one by one."""
        lookup = self._lookups[request.lookup]

        async def ask(call: _Call) -> SourceAnswer:
            return await self._answer(lookup, call, request, deadline)

        answers = await each(lookup.calls(request.subjects), ask, self._at_once)
        records: dict[Identifier, Record | None] = {}
        for answer in answers:
            records.update(answer.records)
        return SourceAnswer({subject: records[subject] for subject in request.subjects})

    async def candidates(self, request: TraitFetch, deadline: Deadline) -> TraitAnswer:
        """Ask for everybody who may be one of the people wanted, by the first block of which all is known."""
        lookup = self._lookups[request.lookup]

        async def ask(wanted: Mapping[str, JsonValue]) -> tuple[tuple[Candidate, ...], bool]:
            return await self._candidates(lookup, wanted, request.transaction_id, deadline)

        found = await each(request.wanted, ask, self._at_once)
        return TraitAnswer(tuple(one for one, _ in found), tuple(cut for _, cut in found))

    async def _answer(self, lookup: _Lookup, call: _Call, fetch: Fetch, deadline: Deadline) -> SourceAnswer:
        whole = await call.request.whole(self._client, lookup.values(call, fetch), fetch.names, deadline)
        if whole is None:
            return SourceAnswer(dict.fromkeys(call.subjects))
        if whole.absent - frozenset(call.subjects):
            self._read.wrong_subject("not_found")
        answer = lookup.records.answer(Found(whole.records, whole.absent), call.subjects, fetch.names)
        if any(answer.records[subject] is not None for subject in whole.absent):
            self._read.refuse("not_found", "somebody who has a record in the same answer")
        return answer

    async def _candidates(
        self, lookup: _Lookup, wanted: Mapping[str, JsonValue], transaction: str, deadline: Deadline
    ) -> tuple[tuple[Candidate, ...], bool]:
        options = lookup.traits
        assert options is not None  # noqa: S101 - only lookups by traits are asked so
        known = known_in_blocks(options, wanted)
        if known is None:
            return (), True  # nobody was looked for, so whoever it is may be missing
        values = {trait: lookup.writers[trait](value) for trait, value in known.items()}
        if any(value is None for value in values.values()):
            return (), True  # a code of the catalogue that the registry has no word for
        request = lookup.requests[options.blocks.index(tuple(known))]
        values["transaction"] = transaction or None
        whole = await request.whole(self._client, values, frozenset(options.traits), deadline, enough=options.most)
        assert whole is not None  # noqa: S101 - `nobody` is refused for requests by traits
        found, is_cut = lookup.candidates.found(whole.records)
        return found, is_cut or whole.cut

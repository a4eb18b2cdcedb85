"""What is asked of registries right now, and what came of it: the words that `calls` and `fetch` share."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Final, NamedTuple

import orjson

from adapters.catalogue import Registries
from adapters.manifest import Lookup, Manifest
from adapters.ports import Deadline, Fetch, Record
from adapters.said import Said
from gateway.linkage.judging import Known
from gateway.ports import Kept, RecordKey
from standards.errors import SourceError
from standards.identifiers import Identifier
from standards.states import Provenance, UnavailableReason

_NEVER: Final[Mapping[Identifier, datetime]] = MappingProxyType({})
_SILENT: Final = frozenset({UnavailableReason.SOURCE_DOWN, UnavailableReason.SOURCE_TIMEOUT})


class Heard(NamedTuple):
    """What one lookup said about one person or group: a record, nobody (None), or why nothing was obtained."""

    record: Record | None
    provenance: Provenance
    reason: UnavailableReason | None = None
    said: tuple[Said, ...] = ()
    """The responses that it was read from."""
    until: str | None = None
    """When a registry that is closed opens again."""


def unheard(manifest: Manifest, reason: UnavailableReason, now: datetime) -> Heard:
    """Return that nothing was heard of a registry; its silence outside the hours that it declares is a planned one."""
    origin, hours = Provenance(manifest.id, now), manifest.hours
    if hours is None or reason not in _SILENT or hours.is_open(now):
        return Heard(None, origin, reason)
    opens = hours.opens_at(now)
    until = opens.astimezone(UTC).isoformat() if opens is not None else None
    return Heard(None, origin, UnavailableReason.SOURCE_CLOSED, until=until)


class Terms(NamedTuple):
    """What one question takes."""

    max_age_s: float
    """Oldest kept record, in seconds."""
    stale_if_error_s: float = 0.0
    """So much older a record may be when its registry cannot be heard, in seconds."""
    as_of: date | None = None
    """The past day as of which everything is wanted; what is said of it is neither kept nor shared."""


class Counts(NamedTuple):
    """What was spared at one registry since the start, for the operator."""

    hits: int
    misses: int
    stale: int
    """Records given although too old, because the registry could not be heard."""
    joined: int
    """People about whom another question was asking already."""
    late: int
    """Calls that went on after their last question had ended."""


def edition_of(manifest: Manifest) -> str:
    """Return what tells a manifest from every other one of its registry.

    All that it says, and not its version alone: a file of the folders may be given the version that a canary bears.
    """
    return f"{manifest.version} {hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()}"


class Lane:
    """One lookup of one registry, and the calls on it that are under way."""

    __slots__ = ("__weakref__", "counts", "edition", "guarded", "key", "lookup", "manifest", "under_way")

    def __init__(self, key: tuple[str, str], manifest: Manifest, lookup: Lookup, registries: Registries) -> None:
        self.key, self.manifest, self.lookup = key, manifest, lookup
        self.edition = edition_of(manifest)
        self.guarded = registries[key[0]].guarded
        self.under_way: dict[Identifier, Call] = {}
        self.counts = dict.fromkeys(Counts._fields, 0)


class Errand:
    """What one question wants of one lookup, until all of it is heard."""

    __slots__ = (
        "alarm", "as_of", "bell", "cached", "calls", "deadline", "defect", "failed", "fresh_s", "generation", "heard",
        "kept", "known", "lane", "lifetime_s", "matched_at", "names", "negative_s", "old", "stale_s", "subjects",
        "transaction_id", "waits",
    )  # fmt: skip

    def __init__(
        self,
        lane: Lane,
        subjects: Sequence[Identifier],
        names: frozenset[str],
        terms: Terms,
        deadline: Deadline,
        transaction_id: str,
        lifetime_s: float,
        stale_s: float,
    ) -> None:
        self.lane, self.subjects, self.names, self.as_of = lane, subjects, names, terms.as_of
        self.deadline, self.transaction_id = deadline, transaction_id
        self.lifetime_s, self.stale_s = lifetime_s, stale_s
        self.negative_s = min(lifetime_s, lane.manifest.negative_cache_s)
        """Lifetime of the answer that nobody is held by a number."""
        self.generation = 0
        """The cache's, when this errand looked into it."""
        self.heard: dict[Identifier, Heard] = {}
        self.kept: list[tuple[RecordKey, Kept]] = []
        """Every record that was kept and fresh."""
        self.fresh_s = lifetime_s
        """For how much longer the least fresh of them may serve a question like this one."""
        self.old: dict[Identifier, Kept] = {}
        """What may stand in when the registry cannot be heard."""
        self.calls = 0
        """Calls made for this errand; those that others had made already are not among them."""
        self.cached = 0
        self.failed: UnavailableReason | None = None
        self.defect: Exception | None = None
        self.waits: dict[Call, list[Identifier]] = {}
        """The calls it waits for, with the subjects each is for."""
        self.alarm: asyncio.TimerHandle | None = None
        self.bell: asyncio.Future[None] | None = None
        self.known: Mapping[Identifier, Known] | None = None
        """What is known of each subject, where the registry is asked by that, and knows no number."""
        self.matched_at: Mapping[Identifier, datetime] = _NEVER
        """When linkage found those of the subjects that it found."""

    def key_of(self, subject: Identifier) -> RecordKey:
        """Return what the record of a subject is kept by.

        Of somebody who is looked up by what is known of them, that counts too: with more known of them, or less, they
        are looked for anew.
        """
        edition = self.lane.edition
        if self.known is not None:
            told = orjson.dumps([dict(part) for part in self.known[subject]], option=orjson.OPT_SORT_KEYS)
            edition = hashlib.sha256(edition.encode() + told).hexdigest()
        return RecordKey(*self.lane.key, subject, edition)

    @property
    def is_over(self) -> bool:
        """Tell whether there is nothing left to wait for."""
        return not self.waits

    @property
    def has_answered(self) -> bool:
        """Tell whether the registry was heard about anybody, now or before."""
        return any(heard.reason is None for heard in self.heard.values())

    def is_kept_alone(self) -> bool:
        """Tell whether all that was heard had been kept, was fresh, and needs no other look than at its age.

        A match does: officers may have decided about it.
        """
        return self.known is None and len(self.kept) == len(self.subjects)

    def is_kept_before(self, subject: Identifier, moment: datetime) -> bool:
        """Tell whether what is kept of a subject was read before some moment."""
        heard, old = self.heard.get(subject), self.old.get(subject)
        return (heard is not None and heard.provenance.retrieved_at < moment) or (
            old is not None and old.retrieved_at < moment
        )

    def take_back(self, subjects: Iterable[Identifier]) -> None:
        """Ask about some subjects as if nothing were kept of them."""
        for subject in subjects:
            self.old.pop(subject, None)
            if self.heard.pop(subject, None) is not None:
                self.kept = [one for one in self.kept if one[0].subject != subject]
                self.cached -= 1
                self.lane.counts["hits"] -= 1
                self.lane.counts["misses"] += 1

    def end(self) -> None:
        """Stop the clock, and wake who waits."""
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        if self.bell is not None and not self.bell.done():
            self.bell.set_result(None)


async def one_is_over(errands: Iterable[Errand]) -> None:
    """Return when at least one of some errands is over; all of them have begun."""
    bell = asyncio.get_running_loop().create_future()
    for errand in errands:
        if errand.is_over:
            return
        errand.bell = bell
    await bell


class Call:
    """One call under way, and every errand that waits for it."""

    __slots__ = ("deadline", "defect", "errands", "error", "has_ended", "known", "lane", "records", "request", "task")

    def __init__(
        self, lane: Lane, request: Fetch, deadline: Deadline, known: Mapping[Identifier, Known] | None = None
    ) -> None:
        self.lane, self.request, self.deadline, self.known = lane, request, deadline, known
        self.task: asyncio.Task[None] | None = None
        self.errands: list[Errand] = []
        self.has_ended = False
        self.records: Mapping[Identifier, Kept] | None = None
        self.error: SourceError | None = None
        self.defect: Exception | None = None

    def serves(self, errand: Errand, subject: Identifier) -> bool:
        """Tell whether it asks all that an errand would, by the same that is known of the subject."""
        mine = None if self.known is None else self.known[subject]
        return errand.names <= self.request.names and mine == (errand.known and errand.known[subject])

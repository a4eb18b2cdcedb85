"""What the application needs from outside itself: a brief cache, a journal, durable work, a clock.

Each port has an in-memory version, and both versions pass one contract test.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from adapters.ports import Record
from adapters.said import Said
from standards.errors import InteropError
from standards.identifiers import Identifier


class Clock(Protocol):
    """The time of day."""

    def __call__(self) -> datetime:
        """Return now, with offset."""
        ...


class RecordKey(NamedTuple):
    """What one source record is kept by. Implementations store a keyed digest of it, never the key."""

    source_id: str
    lookup: str
    subject: Identifier
    edition: str = ""
    """Of the manifest that the record was read by: what one version mapped never serves another."""


class Kept(NamedTuple):
    """One source record as it was fetched; `record` is None when the registry held nobody by that number."""

    record: Record | None
    names: frozenset[str]
    """Attributes it was asked for; it may serve only questions that need no others. Nobody serves all of them."""
    retrieved_at: datetime
    said: tuple[Said, ...] = ()
    """The responses that it was read from."""


class Looked(NamedTuple):
    """What the cache said to one look into it."""

    found: Sequence[Kept | None]
    """In the order of what was wanted; None for what is not kept."""
    generation: int
    """The moment of the look, to be given back with whatever is fetched after it: see `RecordCache.put_many`."""


class AnswerKey(NamedTuple):
    """What one answer is kept by: answers that differ in anything but the records they rest on differ in it.

    Implementations store a keyed digest of the subject, never the subject.
    """

    subject: Identifier
    question: Hashable
    """Who asked, for what, in which form."""


class RecordCache(Protocol):
    """Source records, briefly. Shared between consumers, because it holds them as they were before minimisation.

    The port asks for nothing that needs a record's content at the far side, so that an implementation outside this
    process can hold sealed bytes under keyed digests.
    """

    async def get_many(self, wanted: Sequence[tuple[RecordKey, frozenset[str]]]) -> Looked:
        """Return, of what is kept by each key, what was kept last and covers the attributes named.

        That nobody is held by a number covers all of them. With nothing wanted, return only the generation.
        """
        ...

    async def put_many(self, entries: Sequence[tuple[RecordKey, Kept, float]], since: int) -> None:
        """Keep records, each for its number of seconds at most.

        A record takes the place of those by its key that were asked for nothing else than it was, and of the word
        that nobody is held by that number, as that word does of every record. Others stay beside it, a few at least.

        since: generation of the look that came before the registry was asked. A record of a person who was forgotten
            after it is not kept: it may have been read before the reason to forget.
        """
        ...

    async def forget(self, identifiers: Collection[Identifier]) -> int:
        """Drop every record of one person, and return how many were dropped.

        Of the person is what was kept under any of these numbers or states one of them for its subject, as a second
        one too, and so on from number to number, and every record that names one of them as a member or as kin.
        Household numbers lead to their own records only: several people share one.
        """
        ...

    async def clear(self) -> int:
        """Drop everything, what is still under way included; return how many records were dropped."""
        ...


class AnswerCache(Protocol):
    """Composed answers beside the records that they were composed from, within one process.

    An answer falls with any record that it rests on, whatever the record falls by: age, replacement, want of room, or
    that its person is to be forgotten.
    """

    def remember(
        self,
        key: AnswerKey,
        answer: object,
        size: int,
        rests_on: Sequence[tuple[RecordKey, Kept]],
        lifetime_s: float,
    ) -> None:
        """Keep an answer, unless one of the records it rests on is gone already.

        size: what it takes, in bytes.
        """
        ...

    def recall(self, key: AnswerKey) -> object | None:
        """Return the answer that is kept by that; None when there is none, or none any more."""
        ...


class JournalEntry(NamedTuple):
    """One answered or refused question. No personal value: people are keyed pseudonyms, texts are ours."""

    at: datetime
    event: str
    """What became of the question, `search.answered` for example; gateway/README.md lists them all."""
    consumer: str
    purpose: str
    """Its code; a keyed digest when no agreement of the consumer names it."""
    agreement: str
    """Id and version, `uct@1.0`; empty when none applies."""
    subject: str
    """Keyed pseudonym of the identifier asked about; empty for a search without one."""
    members: tuple[str, ...]
    """Keyed pseudonyms of everyone whose record was part of the answer."""
    transaction: str
    """Keyed digest of the transaction id: a consumer may put anything into one."""
    correlation: str
    """Our own handle of the transaction."""
    released: tuple[str, ...]
    """Names of the attributes that left with a value, in any form."""
    plan: str
    outcomes: dict[str, str]
    """Registry -> what became of it."""
    answer_digest: str
    """SHA-256 of the answered item as sent, in hex."""
    permit: Mapping[str, object] = {}
    """What it was given under; `gateway.evidence.stating` says in which words. Empty for what disclosed nothing."""
    grounds: Mapping[str, Mapping[str, object]] = {}
    """Keyed pseudonym of a person -> on whose decision what was read and told of this person, where people decide."""
    sources: Mapping[str, Sequence[str]] = {}
    """Registry and lookup, `crvs.person` -> salted digests of the responses that the answer rests on, in hex."""
    salt: str = ""
    """What the salt of these digests is made from, together with a secret of the gateway."""
    signed: Mapping[str, Mapping[str, str]] = {}
    """Digest of `sources` -> `key`, `form` and time (`at`) of the registry's own signature that was found to hold."""


class Journal(Protocol):
    """The append-only record of what was asked and answered."""

    async def record(self, entries: Sequence[JournalEntry]) -> None:
        """Return when every entry is durable.

        Raises: JournalError when they cannot be made so; then nothing may be answered.
        """
        ...


class Again(NamedTuple):
    """A handler's word that its work is not done, and must be tried again later."""

    after_s: float


Handler = Callable[[str, Mapping[str, Any], int], Awaitable[Again | None]]
"""Does one piece of work: given its id, its content and how often it was tried before; None when it is done."""


class WorkError(InteropError):
    """Work could not be kept; whoever wanted it done has to ask again."""


class Work(Protocol):
    """Work that survives the end of the process: done at least once, whatever is killed meanwhile.

    Content is JSON, and sealed wherever it is kept. A handler that raises is called again, later and later. Work that
    is done leaves nothing behind.
    """

    def handle(self, kind: str, handler: Handler) -> None:
        """Name who does work of a kind; before `open`."""
        ...

    async def open(self) -> None:
        """Begin to work, with what was left over first."""
        ...

    async def start(self, kind: str, id: str, content: Mapping[str, Any], *, after_s: float = 0) -> None:
        """Return once the work is durable. Nothing happens where work with that id waits or is being done.

        after_s: how long it waits before the first try.
        Raises: WorkError when nobody knows whether it is: it is to be started again.
        """
        ...

    async def cancel(self, id: str) -> None:
        """Let work be that has not begun; what is being done is finished, and not tried again. Raises: WorkError."""
        ...

    async def close(self) -> None:
        """Stop working, soon; what is not done goes on at the next start."""
        ...

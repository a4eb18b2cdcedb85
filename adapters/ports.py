"""The port between the gateway and registries: what is asked, what comes back, and by when.

An adapter translates. It neither retries nor waits longer than its deadline (the guard does that), and it never
turns a failure into an empty answer: whatever is not a well-formed answer raises a `SourceError`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

from standards.states import JsonValue, UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from adapters.manifest import Manifest
    from standards.dci.events import EventKind
    from standards.filters import Filter
    from standards.identifiers import Identifier


class Deadline(NamedTuple):
    """One absolute moment, on the monotonic clock, by which an answer must be there."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the moment `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def left_s(self) -> float:
        """Return the seconds left; zero when it has passed."""
        return max(0.0, self.at - time.monotonic())

    def earlier(self, seconds: float) -> Deadline:
        """Return this deadline or `seconds` from now, whichever comes first."""
        return Deadline(min(self.at, time.monotonic() + seconds))


class Fetch(NamedTuple):
    """One call to one registry about some people: everything of one wave in one message."""

    source_id: str
    lookup: str
    """Name of the lookup in the manifest."""
    subjects: tuple[Identifier, ...]
    """Whom it is about; of the types the lookup takes, possibly mixed, without duplicates."""
    names: frozenset[str]
    """Attributes wanted; an adapter returns no others."""
    transaction_id: str = ""
    """The business transaction, for registries whose protocol carries one."""
    as_of: date | None = None
    """The past day as of which everything is wanted; only for lookups whose manifest says that they can."""


class Link(NamedTuple):
    """A family tie stated by a registry, from the record's subject to someone else."""

    relation: str
    """What the other is to the subject, DCI Relationship code: `SPS`, `CHILD`, `PRN`."""
    identifiers: Mapping[str, str]
    """Numbers of the other person, in normal form; never empty."""
    birth_date: str | None = None
    """When the other was born, ISO date, where the registry says so: it decides whether a child is under age."""


class GroupMember(NamedTuple):
    """One person of a registered group."""

    relationship: str
    """Relationship to the head, DCI Relationship code; `SELF` for the head."""
    identifiers: Mapping[str, str]


class Record(NamedTuple):
    """What one registry says about one person or one group, in Hearth's words."""

    identifiers: Mapping[str, str]
    """Every number the record states for its own subject, in normal form."""
    values: Mapping[str, JsonValue]
    """Attribute name -> value in the catalogue's type; an attribute the registry has nothing for is not a key."""
    as_of: str | None = None
    """When the registry last changed the record: ISO date or timestamp with offset."""
    links: tuple[Link, ...] = ()
    members: tuple[GroupMember, ...] = ()
    """Members, when the record is of a group."""
    unusable: Mapping[str, UnavailableReason] = {}
    """Attributes that the registry does state, in a way that cannot be understood (an unknown code)."""
    duplicates: tuple[Mapping[str, str], ...] = ()
    """Numbers of further records that the registry holds for the same subject (a double registration). This record
    is the one changed last; the values of the others are not used."""


class SourceAnswer(NamedTuple):
    """One registry's answer about everyone in a Fetch."""

    records: Mapping[Identifier, Record | None]
    """Exactly the subjects asked about; None means the registry answered that it holds nobody by that number."""


class RegistryAdapter(Protocol):
    """A conversation with one registry."""

    manifest: Manifest

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask the registry once about everyone in `request`.

        Raises: SourceError when the registry cannot be reached, refuses, or breaks its promise.
        """
        ...


class SearchFetch(NamedTuple):
    """One page of a search without an identifier, at one registry."""

    source_id: str
    filter: Filter
    """What must hold; only attributes that one `searches` entry of the manifest lists."""
    sort: tuple[tuple[str, bool], ...] = ()
    """Attribute, and whether it descends; the first decides, the next ones break ties."""
    page_size: int = 10
    page_number: int = 1
    """Pages count from 1."""
    transaction_id: str = ""
    entity: Literal["person", "group"] | None = None
    """Kind of what is looked for; None takes the first `searches` entry that knows every attribute named."""


class SearchAnswer(NamedTuple):
    """One page of what a registry found."""

    found: tuple[Identifier, ...]
    """In the registry's order; all of the type that the manifest's `searches` entry yields."""
    total_count: int
    """How many there are on all pages together, by the registry's word."""


@runtime_checkable
class SearchableAdapter(Protocol):
    """A conversation with a registry that can be searched without an identifier."""

    async def search(self, request: SearchFetch, deadline: Deadline) -> SearchAnswer:
        """Ask the registry for one page of what it holds under a filter.

        Raises: SourceError as `RegistryAdapter.fetch` does; a filter that the manifest does not offer is one too.
        """
        ...


class Candidate(NamedTuple):
    """Somebody in a registry who may be the person looked for."""

    identifiers: Mapping[str, str]
    """Numbers by which the registry knows them, in normal form; never empty."""
    traits: Mapping[str, JsonValue]
    """Attribute of the catalogue -> what the registry says of it."""


class TraitFetch(NamedTuple):
    """One call to a registry that knows no shared number: who there may be these people?"""

    source_id: str
    lookup: str
    """Name of a lookup whose manifest has `by_traits`."""
    wanted: tuple[Mapping[str, JsonValue], ...]
    """What is known of each: attribute of the catalogue -> value."""
    transaction_id: str = ""


class TraitAnswer(NamedTuple):
    """Who they may be; whether they are is decided by the gateway's linkage, and never by an adapter."""

    found: tuple[tuple[Candidate, ...], ...]
    """One entry for each wanted, in order."""
    cut: tuple[bool, ...]
    """For each: whether there were more candidates than `most`, so that the right one may be missing."""


@runtime_checkable
class LinkableAdapter(Protocol):
    """A conversation with a registry whose people can be looked for by what is known of them."""

    async def candidates(self, request: TraitFetch, deadline: Deadline) -> TraitAnswer:
        """Ask for everybody who may be one of the people wanted.

        Raises: SourceError as `RegistryAdapter.fetch` does.
        """
        ...


class EventWish(NamedTuple):
    """A subscription that one registry is asked for: to tell when one kind of event happens to one subject."""

    kind: EventKind
    subject: Identifier
    """Of a type that the source takes for subscriptions."""
    transaction_id: str
    reference_id: str


class EventSource(Protocol):
    """The events of one registry."""

    kinds: frozenset[EventKind]
    identifier_types: tuple[str, ...]
    """By which it takes subscriptions, the preferred one first."""

    async def subscribe(self, wish: EventWish, deadline: Deadline) -> str | None:
        """Return the correlation id under which the registry took the wish, if it told one; its code comes later.

        Raises: SourceError.
        """
        ...

    async def unsubscribe(self, codes: Sequence[str], transaction_id: str, deadline: Deadline) -> str | None:
        """Return the correlation id under which the registry took it, if it told one.

        Raises: SourceError.
        """
        ...


class Response(NamedTuple):
    """An HTTP response, read whole."""

    status: int
    content_type: str
    body: bytes
    retry_after_s: float | None = None
    """For how long the registry asks not to be called again (`Retry-After`), if it does."""
    headers: Mapping[str, str] = {}
    """Header lines by their names in lower case; those of a repeated one are joined by commas."""


class SourceClient(Protocol):
    """The way to one registry: base address, credentials and limits are already in it."""

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
        """Send one request below the base address and return the response, whatever its status.

        Raises: SourceUnavailableError when no whole response arrives by the deadline,
            SourceContractError when it is larger than the manifest allows.
        """
        ...

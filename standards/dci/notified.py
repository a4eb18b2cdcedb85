"""What registries say of subscriptions and events: their callbacks, read as liberally as they are written.

Who is meant is taken from the record's identifiers; nothing else of a record is read, since what is told of an event is
asked for anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from standards.dci.codes import Status
from standards.dci.events import EventKind, normal_event
from standards.dci.reading import MAX_ID, is_absent, member, moment
from standards.errors import MalformedMessageError
from standards.identifiers import GROUP_TYPES, SHARED_TYPES, Identifier, identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_EVENTS: Final = 1000
"""Most events of one notification."""
_MAX_DEPTH: Final = 6
_MAX_NUMBERS: Final = 200

_NUMBERS: Final = frozenset({"identifier", "identifiers", "memberidentifier", "groupidentifier", "personidentifier"})
_TYPES: Final = ("identifier_type", "identifierType", "type", "name", "id_type")
_VALUES: Final = ("identifier_value", "identifierValue", "value", "identifier", "id_value")

_DATES: Final[Mapping[EventKind, tuple[str, ...]]] = {
    EventKind.DEATH: ("death_date", "deathDate"),
    EventKind.LIVE_BIRTH: ("birth_date", "birthDate"),
    EventKind.MARRIAGE: ("marriage_date", "marriageDate"),
    EventKind.DIVORCE: ("divorce_date", "divorceDate"),
    EventKind.ENROLMENT: ("enrollment_date", "enrolment_date", "enrollmentDate"),
    EventKind.REGISTER: ("registration_date", "registrationDate"),
}

_SHARED: Final = frozenset(
    {
        EventKind.LIVE_BIRTH, EventKind.FETAL_DEATH, EventKind.ADOPTION, EventKind.MARRIAGE, EventKind.DIVORCE,
        EventKind.NEW_HOUSEHOLD_MEMBER, EventKind.CHANGE,
    }
)  # fmt: skip
"""Events of everybody whom their record names."""

_WRAPPERS: Final = frozenset({"demographicinfo", "person", "record", "registrydata", "data", "member", "subject"})
"""Members of a record that are about the same person as the record."""


class Event(NamedTuple):
    """Something that a registry says has happened."""

    kind: EventKind
    numbers: frozenset[Identifier]
    """Of the person, or household, that it is about."""
    others: frozenset[Identifier]
    """Of everybody else whom its record names: parents, spouses, members."""
    on: str
    """The day of it, ISO; of what has no day, when it was told."""

    @property
    def concerned(self) -> frozenset[Identifier]:
        """Return the numbers of those to whom it has happened: a birth happens to the parents too, a death does not."""
        return self.numbers | self.others if self.kind in _SHARED else self.numbers


class Answered(NamedTuple):
    """What a registry says to one request for a subscription."""

    reference_id: str
    is_taken: bool
    is_pending: bool
    reason: str
    """The code of a refusal; empty when there is none."""
    codes: tuple[str, ...]
    """Its handles."""


class Callback(NamedTuple):
    """What a registry says about its subscriptions, read."""

    transaction_id: str
    correlation_id: str
    answers: tuple[Answered, ...]


def read_on_subscribe(message: Mapping[str, object]) -> Callback:
    """Return what a registry says to requests for subscriptions.

    Raises: MalformedMessageError when nothing can be read.
    """
    items = items_of(member(message, ("subscribe_response", "subscribe_responses")))
    if not items:
        raise MalformedMessageError("message.subscribe_response is an array of answers")
    return Callback(_text(message, "transaction_id"), _text(message, "correlation_id"), tuple(map(_answered, items)))


def read_on_unsubscribe(message: Mapping[str, object]) -> Callback:
    """Return what a registry says to the end of subscriptions: one answer with the codes that have ended."""
    status = _status(message.get("status"))
    stated = items_of(member(message, ("subscription_status", "subscriptions")))
    codes = tuple(code for one in stated if (code := _text(one, "code")) and one.get("status") != "subscribe")
    reason = _text(message, "status_reason_code")
    answer = Answered("", status == Status.SUCCEEDED, status in _OPEN, reason, codes)
    return Callback(_text(message, "transaction_id"), _text(message, "correlation_id"), (answer,))


def read_notify(message: Mapping[str, object], *, told_at: str) -> tuple[str, tuple[Event, ...]]:
    """Return the transaction id of a notification and its events; those that say nothing to us are left out.

    told_at: the day that stands for the day of an event which names none.
    Raises: MalformedMessageError when there is no event to read.
    """
    items = items_of(member(message, ("notify_event", "notify_events", "notify_request")))
    if not items or len(items) > MAX_EVENTS:
        raise MalformedMessageError(f"message.notify_event is an array of 1 to {MAX_EVENTS} events")
    found = tuple(event for item in items if (event := _event(item, told_at)) is not None)
    return _text(message, "transaction_id"), found


def items_of(stated: object) -> Sequence[Mapping[str, Any]]:
    """Return the objects of an array, or of one object in its place; whatever else is there is passed over."""
    return [one for one in (stated if isinstance(stated, list) else [stated]) if isinstance(one, dict)]


_OPEN: Final = frozenset({Status.PENDING.value, Status.RECEIVED.value})


def _status(said: object) -> str:
    word = said.strip().lower() if isinstance(said, str) else ""
    return {"success": "succ", "ack": "rcvd", "pending": "pdng", "rejected": "rjct"}.get(word, word)


def _answered(item: Mapping[str, Any]) -> Answered:
    status = _status(item.get("status"))
    subscriptions = items_of(item.get("subscriptions"))
    codes = [_text(one, "code") or _text(one, "subscription_code") for one in subscriptions]
    return Answered(
        _text(item, "reference_id"),
        # Some leave the status out where they state a code.
        status == Status.SUCCEEDED or (not status and any(codes)),
        status in _OPEN,
        _text(item, "status_reason_code"),
        tuple(code for code in codes if code),
    )


def _event(item: Mapping[str, Any], told_at: str) -> Event | None:
    stated = item.get("data")
    holder = stated if isinstance(stated, dict) else item
    word = member(holder, ("reg_event_type", "event_type"))
    kind = normal_event(word) if isinstance(word, str) else None
    records = items_of(member(holder, ("reg_records", "reg_record", "registry_data")))
    named = [one for record in records for one in _named(record)]
    own = frozenset(number for number, is_own in named if is_own)
    others = frozenset(number for number, is_own in named if not is_own) - own
    if kind is None or not own | others:
        return None
    stamp = moment(item.get("timestamp"))
    day = next((day for record in records for day in _days(record, kind)), None)
    return Event(kind, own, others, day or (stamp.date().isoformat() if stamp else told_at))


def _days(record: Mapping[str, Any], kind: EventKind) -> Iterator[str]:
    holders = [record, *(one for one in record.values() if isinstance(one, dict))]
    for holder in holders:
        for name in _DATES.get(kind, ()):
            said = holder.get(name)
            if isinstance(said, str) and len(said) >= len("2026-01-01"):
                yield said[:10]


def _named(record: Mapping[str, Any]) -> list[tuple[Identifier, bool]]:
    """Return every number in a record, and whether it is that of whom the record is about."""
    found: list[tuple[Identifier, bool]] = []
    for one, is_own in _number_objects(record, 0, is_own=True):
        type_, value = member(one, _TYPES), member(one, _VALUES)
        if not isinstance(type_, str) or not isinstance(value, str | int) or isinstance(value, bool):
            continue
        try:
            number = identifier(type_, str(value))
        except ValueError:
            continue
        if number.type in GROUP_TYPES or number.type not in SHARED_TYPES:
            found.append((number, is_own))
        if len(found) >= _MAX_NUMBERS:
            break
    return found


def _number_objects(node: object, depth: int, *, is_own: bool) -> Iterator[tuple[Mapping[str, Any], bool]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(node, list):
        for one in node:
            yield from _number_objects(one, depth + 1, is_own=is_own)
    elif isinstance(node, dict):
        for name, value in node.items():
            bare = name.replace("_", "").casefold()
            if bare in _NUMBERS:
                yield from ((one, is_own) for one in items_of(value))
            elif bare.endswith(("identifier", "identifiers")):  # parent1_identifier: somebody else's
                yield from ((one, False) for one in items_of(value))
            else:
                yield from _number_objects(value, depth + 1, is_own=is_own and bare in _WRAPPERS)


def _text(source: Mapping[str, Any], name: str) -> str:
    said = source.get(name)
    if isinstance(said, int) and not isinstance(said, bool):
        said = str(said)
    return said if isinstance(said, str) and not is_absent(said) and len(said) <= MAX_ID else ""

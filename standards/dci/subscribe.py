"""The subscription messages of consumers: raw JSON -> what is wanted, typed, or the code that says why not.

Reading is liberal, as DEVIATIONS.md lists; a fault of one request is its own answer, so that the others still count.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from standards.dci.codes import (
    DEFAULT_RECORD_TYPE,
    QueryType,
    RecordType,
    RegType,
    ResponseEntity,
    SubscribeReason,
    normal_record_type,
    normal_reg_type,
)
from standards.dci.comparisons import identifier_of
from standards.dci.events import EventKind, normal_event, wire_event
from standards.dci.frequency import Schedule, read_frequency
from standards.dci.reading import MAX_ID, ItemRefusedError, first_present, is_absent, member, moment
from standards.dci.shapes import is_served, record_types
from standards.errors import MalformedMessageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from standards.identifiers import Identifier

MAX_CODES: Final = 1000
"""Most subscription codes of one message."""

_LOCALE: Final = re.compile(r"[a-z]{3}\Z")
_ENTITY: Final = {
    RecordType.GROUP: ResponseEntity.GROUP,
    RecordType.VIRTUAL_HOUSEHOLD: ResponseEntity.GROUP,
}


class Wanted(NamedTuple):
    """One request of a subscribe message, whole and well formed."""

    reference_id: str
    timestamp: datetime
    reg_type: RegType
    """Whom the notifications will speak for."""
    kind: EventKind
    subject: Identifier
    record_type: RecordType
    response_entity: ResponseEntity
    schedule: Schedule | None = None
    """When to look; None tells as it happens."""
    starts: datetime | None = None
    ends: datetime | None = None
    purpose: str | None = None
    authorize: Mapping[str, object] = {}
    locale: str | None = None


class Unwanted(NamedTuple):
    """One request that cannot be taken as it stands."""

    reference_id: str
    code: SubscribeReason
    message: str


class Unsubscribing(NamedTuple):
    """An unsubscribe message, read."""

    transaction_id: str
    timestamp: datetime | None
    """None when it is missing or none: the answer then says so."""
    codes: tuple[str, ...]


class _RefusedError(Exception):
    def __init__(self, code: SubscribeReason, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def read_subscribe(
    message: Mapping[str, object], *, default: RegType | None, total_count: int | None = None, max_items: int = 1000
) -> tuple[str, tuple[Wanted | Unwanted, ...]]:
    """Return the transaction id and the requests of a subscribe message.

    default: the registry type of a request that names none.
    total_count: what the header says; None where that was looked at before.
    Raises: MalformedMessageError for a fault of the whole message.
    """
    transaction_id = _transaction_id(message)
    items = message.get("subscribe_request")
    items = [items] if isinstance(items, dict) else items
    if not isinstance(items, list) or not items:
        raise MalformedMessageError("message.subscribe_request is an array of at least one request")
    if len(items) > max_items:
        raise MalformedMessageError(
            f"a message holds at most {max_items} requests", reason_code="rjct.total_count.limit_exceeded"
        )
    if total_count not in {None, len(items)}:
        raise MalformedMessageError("total_count is the number of requests", reason_code="rjct.total_count.invalid")
    seen: set[str] = set()
    return transaction_id, tuple(_read_one(item, seen, default) for item in items)


def read_unsubscribe(message: Mapping[str, object]) -> Unsubscribing:
    """Return what an unsubscribe message asks for; a single code in place of an array is taken.

    Raises: MalformedMessageError when there are no codes to read.
    """
    said = member(message, ("subscription_codes", "sunscription_codes", "subscription_code"))
    codes = [said] if isinstance(said, str) else said
    if not isinstance(codes, list) or not 0 < len(codes) <= MAX_CODES:
        raise MalformedMessageError(f"message.subscription_codes is an array of 1 to {MAX_CODES} codes")
    if not all(isinstance(code, str) for code in codes):
        raise MalformedMessageError("message.subscription_codes is an array of strings")
    stamp = moment(member(message, ("timestamp", "timesstamp", "timesatmp")))
    return Unsubscribing(_transaction_id(message), stamp, tuple(dict.fromkeys(codes)))


def _transaction_id(message: Mapping[str, object]) -> str:
    said = message.get("transaction_id")
    if not isinstance(said, str) or len(said) > MAX_ID:
        raise MalformedMessageError(f"transaction_id is a string of at most {MAX_ID} characters")
    return said


def _read_one(item: object, seen: set[str], default: RegType | None) -> Wanted | Unwanted:
    reference_id = item.get("reference_id") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(reference_id, str) or len(reference_id) > MAX_ID:
        message = f"a reference_id is a string of at most {MAX_ID} characters"
        return Unwanted("", SubscribeReason.REFERENCE_ID_INVALID, message)
    if reference_id in seen:
        message = "every request of a message has its own reference_id"
        return Unwanted(reference_id, SubscribeReason.REFERENCE_ID_DUPLICATE, message)
    seen.add(reference_id)
    try:
        return _wanted(reference_id, item, default)
    except _RefusedError as refused:
        return Unwanted(reference_id, refused.code, refused.message)


def _wanted(reference_id: str, item: Mapping[str, object], default: RegType | None) -> Wanted:
    timestamp = moment(member(item, ("timestamp", "timesstamp")))
    if timestamp is None:
        raise _RefusedError(SubscribeReason.TIMESTAMP_INVALID, "a timestamp is an ISO 8601 timestamp with offset")
    criteria = member(item, ("subscribe_criteria", "search_criteria"))
    if not isinstance(criteria, dict):
        raise _details("a request has subscribe_criteria")
    kind = _kind(criteria.get("reg_event_type"))
    reg_type = _reg_type(criteria, kind, default)
    record_type = _record_type(criteria, reg_type)
    authorize, consent = (first_present(name, criteria, item) for name in ("authorize", "consent"))
    schedule, starts, ends = _frequency(first_present("frequency", criteria, item))
    return Wanted(
        reference_id=reference_id,
        timestamp=timestamp,
        reg_type=reg_type,
        kind=kind,
        subject=_subject(criteria),
        record_type=record_type,
        response_entity=_ENTITY.get(record_type, ResponseEntity.MEMBER),
        schedule=schedule,
        starts=starts,
        ends=ends,
        purpose=_purpose(authorize) or _purpose(consent),
        authorize=authorize if isinstance(authorize, dict) else {},
        locale=_locale(first_present("locale", criteria, item)),
    )


def _details(message: str) -> _RefusedError:
    return _RefusedError(SubscribeReason.NOTIFY_DETAILS_INVALID, message)


def _kind(said: object) -> EventKind:
    kind = normal_event(said) if isinstance(said, str) else None
    if kind is None:
        raise _RefusedError(
            SubscribeReason.NOTIFY_TYPES_INVALID,
            "reg_event_type is missing or unknown, such as spdci-common:RegistryEventType:Death",
        )
    return kind


def _reg_type(criteria: Mapping[str, object], kind: EventKind, default: RegType | None) -> RegType:
    said = member(criteria, ("reg_type", "reg_sub_type"))
    found = normal_reg_type(said) if isinstance(said, str) else default
    if said is not None and found is None:
        raise _details("reg_type is unknown, such as ns:org:RegistryType:Civil")
    if kind is EventKind.CHANGE:
        # DEVIATION 24: whatever was asked under, what is told of a change speaks for our own type.
        return RegType.VIRTUAL_HOUSEHOLD
    if found is None or (said is None and wire_event(kind, found) is None):
        found = next((one for one in RegType if wire_event(kind, one) is not None), None)
    if found is None or wire_event(kind, found) is None:
        raise _RefusedError(
            SubscribeReason.NOTIFY_TYPES_INVALID, "a registry of this reg_type has no events of that kind"
        )
    return found


def _record_type(criteria: Mapping[str, object], reg_type: RegType) -> RecordType:
    said = member(criteria, ("notify_record_type", "reg_record_type", "result_record_type"))
    if said is None:
        return DEFAULT_RECORD_TYPE.get(reg_type, RecordType.PERSON)
    found = normal_record_type(said) if isinstance(said, str) else None
    if found is None or not is_served(reg_type, found):
        served = ", ".join(record_types(reg_type))
        raise _details(f"notify_record_type is unknown, or not one of this reg_type: {served}")
    return found


def _subject(criteria: Mapping[str, object]) -> Identifier:
    kind = member(criteria, ("filter_type", "query_type"))
    if kind is not None and str(kind).strip().lower() not in {QueryType.IDTYPE_VALUE.value, "idtype"}:
        raise _details("filter_type is idtype-value here: a subscription is about one person or household by number")
    said = member(criteria, ("filter", "query"))
    if not isinstance(said, dict):
        raise _details("a filter is an object with type and value")
    inner = said.get("value")
    query = inner if isinstance(inner, dict) else said
    try:
        return identifier_of(
            member(query, ("id_type", "identifier_type", "type")),
            member(query, ("id_value", "identifier_value", "value")),
        )
    except ItemRefusedError as refused:
        raise _RefusedError(SubscribeReason.PERSON_ID_INVALID, refused.message) from None


def _frequency(said: object) -> tuple[Schedule | None, datetime | None, datetime | None]:
    stated = said if isinstance(said, dict) else {"frequency": said}
    line = stated.get("frequency")
    ends = [stated.get(name) for name in ("start_time", "end_time")]
    moments = [moment(one) for one in ends]
    if any(one is None and not is_absent(stated) for one, stated in zip(moments, ends, strict=True)):
        raise _details("start_time and end_time are ISO 8601 timestamps with offset")
    if is_absent(line):
        return None, *moments  # type: ignore[return-value] # a list of two
    try:
        schedule = read_frequency(line) if isinstance(line, str) else read_frequency("")
    except ValueError as error:
        raise _details(str(error)) from None
    return schedule, *moments  # type: ignore[return-value] # a list of two


def _purpose(basis: object) -> str | None:
    purpose = basis.get("purpose") if isinstance(basis, dict) else None
    code = purpose.get("code") if isinstance(purpose, dict) else None
    if is_absent(code):
        return None
    if not isinstance(code, str) or len(code) > MAX_ID:
        raise _details(f"purpose.code is a string of at most {MAX_ID} characters")
    return code


def _locale(said: object) -> str | None:
    if said is None:
        return None
    if not isinstance(said, str) or not _LOCALE.match(said):
        raise _details("a locale is three lower-case letters of ISO 639-3, such as eng")
    return said

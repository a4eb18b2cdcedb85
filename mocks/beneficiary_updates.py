"""What a programme tells the beneficiary registry: a `Beneficiary` as it was sent, read into plain updates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from mocks.beneficiary_enrolments import ACTIVE, DECEASED, GRADUATED, PROGRAMMES, SUSPENDED

_STATUS: Final = {
    "active": ACTIVE,
    "deceased": DECEASED,
    "graduated": GRADUATED,
    "suspended": SUSPENDED,
} | {code: code for code in (ACTIVE, DECEASED, GRADUATED, SUSPENDED)}


class Update(NamedTuple):
    """One person's standing in one programme, from a day on."""

    number: str
    """A national number or one of the registry's own."""
    programme: str
    status: str
    enrolled_on: date
    since: date
    """The last day on which the status changed."""


def updates_of(sent: Any) -> list[Update]:
    """Read a beneficiary that a programme sent; what stands in a programme wins over what stands beside it.

    Raises: ValueError, in words for the sender, when anything of it cannot be used.
    """
    if not isinstance(sent, dict):
        raise ValueError("a beneficiary is an object")
    number = _number(sent.get("member"))
    if number is None:
        raise ValueError("a beneficiary has a member with a member_identifier")
    updates = [_update(number, {**sent, **programme}) for programme in _programmes(sent.get("programme_identifier"))]
    if not updates:
        raise ValueError("a beneficiary has a programme_identifier that lists programmes")
    return updates


def _number(member: Any) -> str | None:
    listed = member.get("member_identifier") if isinstance(member, dict) else None
    for one in listed if isinstance(listed, list) else [listed]:
        value = one.get("identifier_value") if isinstance(one, dict) else one
        if isinstance(value, str) and value:
            return value
    return None


def _programmes(listed: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the programmes of a list or of a single one, also where each is wrapped in `programme`."""
    for one in listed if isinstance(listed, list) else [listed]:
        if isinstance(one, str):
            yield {"programme_identifier": one}
        elif isinstance(one, dict):
            inner = one.get("programme")
            yield {**one, **inner} if isinstance(inner, dict) else one


def _update(number: str, told: Mapping[str, Any]) -> Update:
    programme = told.get("programme_identifier")
    if programme not in PROGRAMMES:
        raise ValueError(f"a programme is one of {', '.join(PROGRAMMES)}")
    status = _STATUS.get(str(told.get("enrollment_status", told.get("enrolment_status", ACTIVE))).lower())
    if status is None:
        raise ValueError("enrollment_status is a code from 1 to 4")
    enrolled_on = _day(told.get("enrollment_date", told.get("enrolment_date")))
    changes = told.get("status_change_date") or enrolled_on.isoformat()
    last = max((_day(one) for one in changes), default=enrolled_on) if isinstance(changes, list) else _day(changes)
    return Update(number, programme, status, enrolled_on, last)


def _day(said: Any) -> date:
    try:
        return date.fromisoformat(said[:10])
    except (TypeError, ValueError):
        raise ValueError("enrollment_date and status_change_date are days") from None

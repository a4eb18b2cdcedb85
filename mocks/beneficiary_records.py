"""How the beneficiary registry shows somebody: the programmes they are or were in, and the last payments."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from mocks.beneficiary_enrolments import NUMBER_TYPE
from mocks.dci_message import number, stamp
from mocks.rolls import member, numbers

if TYPE_CHECKING:
    from mocks.beneficiary_enrolments import Beneficiary, Enrolment
    from mocks.population import Population

MINISTRY: Final = "Ministry of Social Welfare"
ON_FILE: Final = date.max
"""Stands for now: all that is on file, also what a programme has told since the country was made."""
_PAYMENTS_SHOWN: Final = 3


def record(population: Population, one: Beneficiary, day: date = ON_FILE) -> dict[str, Any] | None:
    """Return what the registry tells of a beneficiary on a day, None before any enrolment.

    The facts of an enrolment stand in its programme; those of the newest stand beside the person as well.
    """
    known = [enrolment for enrolment in one.enrolments if enrolment.enrolled_on <= day]
    if not known:
        return None
    newest = known[-1]
    changes = (since for enrolment in known for since, _ in enrolment.changes if since <= day)
    shown: dict[str, Any] = {
        "@type": "Beneficiary",
        "member": member(population, "beneficiary", one.person, numbers(NUMBER_TYPE, one), "IBRPerson"),
        "programme_identifier": [programme(enrolment) | _standing(enrolment, day) for enrolment in known],
        **_standing(newest, day),
        "registration_date": stamp(known[0].enrolled_on),
        "last_updated": stamp(max(newest.enrolled_on, *changes, newest.enrolled_on)),
    }
    shared = next((enrolment for enrolment in known if enrolment.programme.is_for_households), None)
    return shown if shared is None else shown | {"group": _group(population, shared)}


def programme(enrolment: Enrolment) -> dict[str, Any]:
    """Return a DCI `Programme`."""
    one = enrolment.programme
    return {
        "@type": "Programme",
        "programme_identifier": one.key,
        "programme_name": one.name,
        "programme_description": one.description,
        "programme_type": one.type,
        "implementing_institution": MINISTRY,
        "institution_type": "1",
        "legal_status": "1",
        "contribution_type": "3",
        "social_protection_functions": [one.function],
        "benefit_frequency": [{"freq": "MONTHLY", "interval": 1}],
    }


def _group(population: Population, enrolment: Enrolment) -> dict[str, Any]:
    ids = population.registered_ids(enrolment.household.index)
    return {
        "@type": "Group",
        "group_identifier": [number("HOUSEHOLD_ID", one) for one in ids[:1]],
        "group_type": "2",
        "group_size": len(enrolment.household.members),
    }


def _standing(enrolment: Enrolment, day: date) -> dict[str, Any]:
    """Return the facts of an enrolment, which stand beside its programme and, of the newest, beside the person."""
    changes = [since.isoformat() for since, _ in enrolment.changes if since <= day]
    standing = {
        "assistance_unit": "2" if enrolment.programme.is_for_households else "1",
        "enrollment_date": enrolment.enrolled_on.isoformat(),
        "enrollment_status": enrolment.status(day),
        "benefits": [
            {
                "@type": "Benefit",
                "benefit_type": "1",
                "benefit_date": paid.isoformat(),
                "benefit_value": f"PVC {enrolment.amount}",
                "benefit_description": enrolment.programme.name,
            }
            for paid in enrolment.paydays(day, _PAYMENTS_SHOWN)
        ],
    }
    return standing | {"status_change_date": changes} if changes else standing

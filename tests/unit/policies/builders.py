"""Agreements, permits and profiles for tests of policy."""

from datetime import UTC, datetime
from typing import Any

from policies.agreement import Agreement
from policies.facts import Facts
from standards.attributes import Catalogue
from standards.household import HouseholdProfile, Member, Outcome, SourceOutcome
from standards.identifiers import Identifier
from standards.permit import DisclosureRequest, Form, FormKind, Permit, PersonPermit
from standards.states import Provenance, Value

NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)
CATALOGUE = Catalogue.load()
VALUE = Form(FormKind.VALUE)


def agreement(**changes: Any) -> Agreement:
    """An agreement in force on `NOW`, by consent, about names, income and the household's size."""
    stated: dict[str, Any] = {
        "id": "grant",
        "version": "1.0",
        "consumer": {"id": "programme", "title": "Programme", "client_id": "programme", "sender_id": "programme.pv"},
        "title": "Grant",
        "start": "2026-01-01",
        "end": "2026-12-31",
        "purposes": {"eligibility": {"title": "Eligibility", "legal_basis": "consent", "reference": "Act, section 1"}},
        "household": {"rule": "registered-or-kin@1"},
        "attributes": {
            "given_name": "value",
            "income_annual": {"form": "band", "edges": [100]},
            "household_size": "value",
        },
        "max_age_s": 3600,
        "retention_days": 30,
    }
    return Agreement.model_validate(stated | changes)


def request(**changes: Any) -> DisclosureRequest:
    """The programme's question for everything that is agreed about a household."""
    return DisclosureRequest("programme", "eligibility", Identifier("UIN", "1234567890"))._replace(**changes)


def facts(*agreements: Agreement, **changes: Any) -> Facts:
    """The facts of a decision at `NOW`."""
    return Facts(agreements, NOW, CATALOGUE)._replace(**changes)


def permit(forms: dict[str, Form], **changes: Any) -> Permit:
    """A permit for these forms; the names of the household's own attributes are looked up."""
    names = {*forms, *changes.get("withheld", {})}
    return Permit(
        consumer_id="programme",
        purpose="eligibility",
        legal_basis="consent",
        agreement_id="grant",
        agreement_version="1.0",
        household_rule="registered-or-kin@1",
        forms=forms,
        withheld={},
        max_age_s=3600.0,
        decided_at=NOW,
        household_names=frozenset(n for n in names if n in CATALOGUE and CATALOGUE[n].entity == "household"),
    )._replace(**changes)


def person(granted: Permit, **changes: Any) -> PersonPermit:
    """Everything that a permit allows, for one person."""
    return PersonPermit(forms=granted.forms, withheld=granted.withheld)._replace(**changes)


def said(value: object, source_id: str = "crvs") -> Value:
    """A value that a source stated."""
    return Value(value, Provenance(source_id, NOW))


def profile(*members: dict[str, Any], subject: int | None = 1, **household: Any) -> HouseholdProfile:
    """A household of members with these attribute states; the first is its head."""
    return HouseholdProfile(
        rule="registered-or-kin@1",
        subject=subject,
        members=tuple(
            Member(number, {"UIN": f"123456789{number}"}, "SELF" if number == 1 else "CHILD", (), states)
            for number, states in enumerate(members, start=1)
        ),
        attributes=household,
        sources={"crvs": SourceOutcome(Outcome.ANSWERED, calls=1), "health": SourceOutcome(Outcome.NOT_ASKED)},
    )

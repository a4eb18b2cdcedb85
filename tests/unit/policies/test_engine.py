"""The decision: all rules silent, or every reason against it."""

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policies.engine import RULES, decide, decide_person, readable
from policies.ports import Standing, StandingKind
from standards.errors import ConfigurationError
from standards.permit import Denial, Form, FormKind, Operator, Permit, Reason
from standards.states import WithheldReason
from tests.unit.policies.builders import CATALOGUE, NOW, VALUE, agreement, facts, permit, request

ROOT = Path(__file__).parents[3]
GRANTED = Standing(StandingKind.GRANTED, receipt_id="cr-1")


def denied(decision: Permit | tuple[Denial, ...]) -> tuple[Denial, ...]:
    """The denials of a decision that is none."""
    assert not isinstance(decision, Permit)
    return decision


def reasons(decision: Permit | tuple[Denial, ...]) -> list[Reason]:
    """Reasons of a denial, in order."""
    return [denial.reason for denial in denied(decision)]


def permitted(decision: Permit | tuple[Denial, ...]) -> Permit:
    """The permit of a decision that is one."""
    assert isinstance(decision, Permit)
    return decision


def test_a_permit_says_what_was_decided_under_which_agreement():
    """Everything a later room needs is in the permit."""
    decision = decide(request(), facts(agreement(hide_withheld=True)))

    assert decision == Permit(
        consumer_id="programme",
        purpose="eligibility",
        legal_basis="consent",
        agreement_id="grant",
        agreement_version="1.0",
        household_rule="registered-or-kin@1",
        forms={"given_name": VALUE, "income_annual": Form(FormKind.BAND, edges=(100,)), "household_size": VALUE},
        withheld={},
        max_age_s=3600.0,
        decided_at=NOW,
        household_names=frozenset({"household_size"}),
        inputs={"household_size": frozenset({"vital_status"})},
        hide_withheld=True,
    )


def test_only_what_is_asked_for_is_permitted():
    """Asked by name and not agreed is withheld; agreed and not asked is not there."""
    decision = decide(
        request(attributes=frozenset({"given_name", "surname", "shoe_size", "poverty_score"})), facts(agreement())
    )

    assert isinstance(decision, Permit)
    assert set(decision.forms) == {"given_name"}
    assert decision.withheld == dict.fromkeys(
        ["poverty_score", "shoe_size", "surname"], WithheldReason.NOT_IN_AGREEMENT
    )
    assert decision.household_names == {"poverty_score", "shoe_size"}


@pytest.mark.parametrize(
    ("asked", "told", "expected"),
    [
        (request(), facts(), [Reason.NO_AGREEMENT]),
        (request(consumer_id="somebody"), facts(agreement()), [Reason.NO_AGREEMENT]),
        (request(), facts(agreement(end="2026-09-29")), [Reason.AGREEMENT_NOT_IN_FORCE]),
        (request(), facts(agreement(start="2026-10-01")), [Reason.AGREEMENT_NOT_IN_FORCE]),
        (request(purpose=""), facts(agreement()), [Reason.PURPOSE_MISSING]),
        (request(purpose=""), facts(), [Reason.NO_AGREEMENT, Reason.PURPOSE_MISSING]),
        (request(purpose="curiosity"), facts(agreement()), [Reason.PURPOSE_NOT_AGREED]),
        (
            request(),
            facts(agreement(household=None, attributes={"sex": "value"})),
            [Reason.HOUSEHOLD_NOT_AGREED],
        ),
        (request(), facts(agreement(), searched=frozenset({"sex"})), [Reason.SEARCH_NOT_AGREED]),
        (request(attributes=frozenset({"surname"})), facts(agreement()), [Reason.NOTHING_AGREED]),
        (request(attributes=frozenset()), facts(agreement()), [Reason.NOTHING_AGREED]),
        (
            request(attributes=frozenset({"surname"})),
            facts(agreement(household=None, attributes={"sex": "value"}), searched=frozenset()),
            [Reason.HOUSEHOLD_NOT_AGREED, Reason.SEARCH_NOT_AGREED, Reason.NOTHING_AGREED],
        ),
    ],
)
def test_a_denial_names_every_reason(asked, told, expected):
    """Each reason has its own case, and says what would have to be obtained."""
    decision = decide(asked, told)

    assert reasons(decision) == expected
    assert all(denial.remedy for denial in denied(decision))


def test_the_day_of_a_decision_is_the_gateways_day():
    """The moment's own offset tells the date."""
    almost = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)

    assert isinstance(decide(request(), facts(agreement(), now=almost)), Permit)


@pytest.mark.parametrize(
    ("searched", "allowed"),
    [({"sex"}, True), ({"sex", "age"}, True), ({"sex", "surname"}, False), (set(), False)],
)
def test_a_search_is_bounded_by_the_agreement(searched, allowed):
    """Every attribute searched by must be agreed, and there must be one."""
    terms = agreement(
        attributes={"sex": "value", "age": "value"}, search={"attributes": ["sex", "age"], "max_results": 7}
    )
    decision = decide(request(), facts(terms, searched=frozenset(searched)))

    if allowed:
        assert permitted(decision).max_results == 7
    else:
        assert reasons(decision) == [Reason.SEARCH_NOT_AGREED]


def test_a_question_with_a_subject_permits_no_search():
    """The right to search is used only by a search."""
    terms = agreement(attributes={"sex": "value"}, search={"attributes": ["sex"], "max_results": 7})

    assert permitted(decide(request(), facts(terms))).max_results == 0


def test_a_rule_that_raises_denies():
    """A fault of ours is never a permit, and what the exception held goes nowhere."""

    def broken(asked, told):
        raise KeyError("1234567890")

    decision = decide(request(), facts(agreement()), rules=(*RULES, broken))

    assert reasons(decision) == [Reason.UNDECIDED]
    assert "1234567890" not in denied(decision)[0].remedy


def test_rules_that_look_for_no_agreement_give_no_permit():
    """The engine needs the agreement itself."""
    assert reasons(decide(request(), facts(), rules=(lambda *_: None,))) == [Reason.UNDECIDED]


def test_no_rules_are_refused():
    """Silence of nobody is not a permit."""
    with pytest.raises(ConfigurationError, match="no rules"):
        decide(request(), facts(agreement()), rules=())


BOTH = permit(
    {"given_name": VALUE, "insured": VALUE, "household_income": VALUE},
    inputs={"household_income": frozenset({"income_annual"})},
    withheld={"surname": WithheldReason.NOT_IN_AGREEMENT},
)
HOLDERS = {
    "given_name": frozenset({"crvs", "national_id"}),
    "insured": frozenset({"health"}),
    "income_annual": frozenset({"tax"}),
}


def test_a_statutory_basis_asks_nobody():
    """The law decides; what the ledger says does not count."""
    refused = Standing(StandingKind.REFUSED, frozenset({"tax"}), "cr-9")
    person = decide_person(BOTH._replace(legal_basis="public_task"), refused, HOLDERS)

    assert person.forms == BOTH.forms
    assert person.refused_sources == frozenset()
    assert person.basis == "public_task"
    assert person.allows("tax")


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (None, WithheldReason.CONSENT_MISSING),
        (Standing(StandingKind.MISSING, receipt_id="cr-2"), WithheldReason.CONSENT_MISSING),
        (Standing(StandingKind.REFUSED, receipt_id="cr-2"), WithheldReason.CONSENT_REFUSED),
    ],
)
def test_without_consent_everything_is_withheld(standing, reason):
    """No source may be asked about this person, and the question cannot start from them."""
    person = decide_person(BOTH, standing, HOLDERS)

    assert person.forms == {}
    assert person.withheld == {**dict.fromkeys(BOTH.forms, reason), "surname": WithheldReason.NOT_IN_AGREEMENT}
    assert not person.allows("crvs")


def test_consent_gives_what_is_agreed():
    """The receipt is named for the journal."""
    person = decide_person(BOTH, GRANTED, HOLDERS)

    assert person.forms == BOTH.forms
    assert person.withheld == BOTH.withheld
    assert person.basis == "consent:cr-1"


def test_a_refused_source_takes_what_nobody_else_holds():
    """The rest stays; what is computed from the lost input is withheld with it."""
    person = decide_person(BOTH, GRANTED._replace(refused_sources=frozenset({"health", "tax", "crvs"})), HOLDERS)

    assert set(person.forms) == {"given_name"}
    assert person.withheld == {
        "surname": WithheldReason.NOT_IN_AGREEMENT,
        "insured": WithheldReason.CONSENT_REFUSED,
        "household_income": WithheldReason.INPUT_WITHHELD,
    }
    assert not person.allows("tax")
    assert person.allows("national_id")


def test_an_attribute_that_nobody_holds_is_not_withheld():
    """That no source is connected is not a refusal."""
    person = decide_person(BOTH, GRANTED._replace(refused_sources=frozenset({"tax"})), {"given_name": frozenset()})

    assert person.forms == BOTH.forms


def test_readable_are_the_names_and_what_derived_ones_are_made_of():
    """Inputs of inputs count; derived names do not, since nobody holds them."""
    forms = {
        "surname": VALUE,
        "income_per_head": VALUE,
        "children_under_5": Form(FormKind.PREDICATE, operator=Operator.GT, threshold=0),
    }

    assert readable(forms, CATALOGUE) == {"surname", "income_annual", "vital_status", "birth_date"}


def test_the_exact_address_is_not_read_for_a_district():
    """A coarser place is an attribute of its own."""
    forms = {
        "address_line": Form(FormKind.GENERALISED, to="district"),
        "locality": Form(FormKind.GENERALISED, to="region"),
        "birth_date": Form(FormKind.GENERALISED, to="year"),
    }

    assert readable(forms, CATALOGUE) == {"sub_region_code", "region_code", "birth_date"}


def test_only_the_engine_makes_permits():
    """A stage that takes a permit cannot run without a decision."""
    makers = {
        path.relative_to(ROOT).as_posix()
        for package in ("standards", "adapters", "policies", "gateway", "mocks")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and {"Permit", "PersonPermit"}
        & {getattr(part, key, "") for part in (node.func, getattr(node.func, "value", None)) for key in ("id", "attr")}
    }

    assert makers == {"policies/engine.py"}


def test_a_question_to_one_kind_of_registry_needs_no_household():
    """An agreement without a boundary rule allows it, and nothing about households all the same."""
    alone = request(needs_household=False)
    without = facts(agreement(household=None, attributes={"sex": "value"}))
    permit = decide(alone, without)

    assert isinstance(permit, Permit)
    assert (set(permit.forms), permit.household_rule) == ({"sex"}, "")
    assert not isinstance(decide(request(), without), Permit)

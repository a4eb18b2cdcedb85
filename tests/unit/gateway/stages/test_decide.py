"""Reading the facts for policy, and remembering decisions without mixing them up."""

from datetime import timedelta

from gateway.stages.decide import KNOWN_AT_MOST, Decisions
from policies.book import AgreementSet
from policies.ledger import MemoryLedger
from policies.receipts import Consent, Decision
from standards.permit import Denial, DisclosureRequest, Form, FormKind, Permit, Reason
from standards.states import WithheldReason
from tests.builders import ASHA, CATALOGUE, JUMA, KEY, NOW, PLANNER, uin
from tests.unit.policies.builders import agreement

HOLDERS = PLANNER.holders()


def decisions(*agreements, ledger=None) -> Decisions:
    """Decisions over these agreements."""
    return Decisions(AgreementSet(agreements or (agreement(),)), ledger or MemoryLedger(KEY), CATALOGUE, HOLDERS)


def request(**changes) -> DisclosureRequest:
    """The programme's question about Asha."""
    return DisclosureRequest("programme", "eligibility", uin(ASHA))._replace(**changes)


def permitted(of: Decisions, **changes) -> Permit:
    """The permit for a question."""
    permit = of.decide(request(**changes), NOW)
    assert isinstance(permit, Permit)
    return permit


def refusal_of(of: Decisions, *, now=NOW, searched=None, **changes) -> list[Reason]:
    """Why a question is denied."""
    denials = of.decide(request(**changes), now, searched)
    assert isinstance(denials, tuple)
    assert all(isinstance(d, Denial) for d in denials)
    return [d.reason for d in denials if isinstance(d, Denial)]


def test_the_agreement_in_force_decides():
    """A permit names the agreement and its version."""
    permit = permitted(decisions())

    assert (permit.agreement_id, permit.agreement_version, permit.decided_at) == ("grant", "1.0", NOW)
    assert permit.forms.keys() == {"given_name", "income_annual", "household_size"}


def test_a_decision_is_of_its_day():
    """What was decided before the agreement ended is not remembered past it."""
    of = decisions()
    permitted(of)

    assert refusal_of(of, now=NOW + timedelta(days=200)) == [Reason.AGREEMENT_NOT_IN_FORCE]


def test_a_remembered_decision_says_when_it_is_given():
    """The moment is that of the question."""
    of = decisions()
    permitted(of)
    later = of.decide(request(), NOW + timedelta(minutes=1))

    assert isinstance(later, Permit)
    assert later.decided_at == NOW + timedelta(minutes=1)


def test_decisions_are_remembered_by_everything_they_depend_on():
    """Consumer, purpose, attributes and what is searched by each make another question."""
    of = decisions()

    assert permitted(of).forms != permitted(of, attributes=frozenset({"given_name"})).forms
    assert refusal_of(of, consumer_id="other") == [Reason.NO_AGREEMENT]
    assert refusal_of(of, purpose="audit") == [Reason.PURPOSE_NOT_AGREED]
    assert refusal_of(of, searched=frozenset({"sex"})) == [Reason.SEARCH_NOT_AGREED]
    assert permitted(of).forms.keys() == {"given_name", "income_annual", "household_size"}


def test_what_is_remembered_is_bounded():
    """A consumer may vary its attributes without end, and the memory does not grow with them."""
    of = decisions()
    for number in range(KNOWN_AT_MOST + 10):
        of.decide(request(attributes=frozenset({f"a{number}"})), NOW)

    assert len(of._decided) <= KNOWN_AT_MOST


def test_the_only_purpose_need_not_be_named():
    """Where two are agreed, it must be."""
    two = {code: {"title": "T", "legal_basis": "consent", "reference": "R"} for code in ("one", "two")}

    assert decisions().purpose_of("programme", None, NOW) == "eligibility"
    assert decisions(agreement(purposes=two)).purpose_of("programme", None, NOW) == ""
    assert decisions().purpose_of("programme", "audit", NOW) == "audit"
    assert decisions().purpose_of("nobody", None, NOW) == ""


def test_a_purpose_is_known_by_any_version_of_an_agreement():
    """Also by one that has ended; another consumer's does not count."""
    of = decisions(agreement(end="2026-02-01"))

    assert of.is_agreed("programme", "eligibility")
    assert not of.is_agreed("programme", "Asha Moyo")
    assert not of.is_agreed("other", "eligibility")


def consent(numbers, decision=Decision.GRANTED, **changes) -> Consent:
    """What somebody decided at the beginning of the year."""
    who = uin(numbers)
    return Consent(who, "eligibility", decision, who, NOW.date() - timedelta(days=100))._replace(**changes)


async def test_consent_is_each_person_s_own():
    """One granted, one refused, and nothing is known of the third; the basis names the receipt."""
    ledger = MemoryLedger(KEY)
    receipt = await ledger.record(consent(ASHA))
    await ledger.record(consent(JUMA, Decision.REFUSED))
    of = decisions(ledger=ledger)
    granted, refused, missing = await of.people(permitted(of), NOW)([ASHA, JUMA, {"UIN": "3"}])

    assert granted.forms.keys() == {"given_name", "income_annual", "household_size"}
    assert granted.basis == f"consent:{receipt}"
    assert not refused.forms
    assert set(refused.withheld.values()) == {WithheldReason.CONSENT_REFUSED}
    assert set(missing.withheld.values()) == {WithheldReason.CONSENT_MISSING}


async def test_a_withdrawal_counts_at_once():
    """What a person decided is never remembered between questions."""
    ledger = MemoryLedger(KEY)
    await ledger.record(consent(ASHA))
    of = decisions(ledger=ledger)
    decide = of.people(permitted(of), NOW)
    before = await decide([ASHA])
    await ledger.record(consent(ASHA, Decision.REFUSED, given_on=NOW.date()))

    assert before[0].forms
    assert not (await decide([ASHA]))[0].forms


async def test_two_people_who_decided_alike_have_their_own_receipts():
    """The decision about a person is remembered by what was decided, not by who."""
    ledger = MemoryLedger(KEY)
    receipts = [await ledger.record(consent(who)) for who in (ASHA, JUMA)]
    of = decisions(ledger=ledger)
    one, other = await of.people(permitted(of), NOW)([ASHA, JUMA])

    assert [one.basis, other.basis] == [f"consent:{r}" for r in receipts]
    assert one.forms == other.forms


async def test_a_wider_agreement_of_another_version_has_decisions_of_its_own():
    """The form in which an attribute is agreed belongs to the version."""
    band = decisions()
    plain = decisions(agreement(version="1.1", attributes={"income_annual": "value"}))
    statutory = {"eligibility": {"title": "T", "legal_basis": "public_task", "reference": "R"}}
    lawful = decisions(agreement(purposes=statutory))

    assert permitted(band).forms["income_annual"].kind is FormKind.BAND
    assert permitted(plain).forms["income_annual"] == Form(FormKind.VALUE)
    assert (await lawful.people(permitted(lawful), NOW)([{"UIN": "3"}]))[0].basis == "public_task"


async def test_a_law_asks_nobody():
    """Under another basis than consent the ledger is not even read."""
    statutory = {"eligibility": {"title": "T", "legal_basis": "public_task", "reference": "R"}}
    ledger = MemoryLedger(KEY)
    await ledger.record(consent(ASHA, Decision.REFUSED))
    of = decisions(agreement(purposes=statutory), ledger=ledger)
    one, other = await of.people(permitted(of), NOW)([ASHA, JUMA])

    assert one == other
    assert one.forms

"""Laws of consent: whatever was decided, in whatever order it came in, under whatever number."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from policies.consent import Known, reconsidered
from policies.engine import decide, decide_person
from policies.facts import Facts
from policies.groups import GROUPS, group_of, members_of
from policies.ledger import MemoryLedger
from policies.ports import StandingKind
from policies.receipts import Capacity, Consent, Decision, Pseudonyms
from policies.standing import objection_of, standing_of
from standards.identifiers import Identifier
from standards.permit import DisclosureRequest, Permit, PersonPermit
from tests.builders import CATALOGUE, KEY, NOW, PLANNER
from tests.unit.policies.builders import agreement

FIRST = date(2026, 1, 1)
DAYS = st.integers(0, 60).map(lambda n: FIRST + timedelta(days=n))
PSEUDONYMS = Pseudonyms(KEY)
NUMBERS = (Identifier("UIN", "1000000001"), Identifier("TIN", "T00000001"), Identifier("BRN", "B1990-000001"))
SOURCES = ("tax", "crvs", "national_id", "land")
SCOPES = st.one_of(st.none(), st.frozensets(st.sampled_from(SOURCES), min_size=1, max_size=2))
PARTS = st.one_of(st.none(), st.frozensets(st.sampled_from(["income", "identity", "land"]), min_size=1, max_size=2))
HOLDERS = PLANNER.holders()
OF_GROUPS = members_of(CATALOGUE)


@st.composite
def decisions(draw):
    """One decision of somebody about eligibility."""
    who = draw(st.sampled_from(NUMBERS))
    is_guardian = draw(st.booleans())
    given_on = draw(DAYS)
    return Consent(
        subject=who,
        purpose="eligibility",
        decision=draw(st.sampled_from([Decision.GRANTED, Decision.GRANTED, Decision.REFUSED, Decision.OBJECTED])),
        given_by=Identifier("UIN", "9") if is_guardian else who,
        given_on=given_on,
        sources=draw(SCOPES),
        groups=draw(PARTS),
        until=draw(st.one_of(st.none(), DAYS)),
        consumer_id=draw(st.sampled_from([None, "programme", "other"])),
        majority_on=draw(DAYS) if is_guardian else None,
        capacity=Capacity.GUARDIAN if is_guardian else Capacity.SELF,
    )


HISTORIES = st.lists(decisions(), max_size=7)


def receipts(consents):
    """Their receipts, in the order of recording."""
    return [PSEUDONYMS.receipt(consent, str(n)) for n, consent in enumerate(consents)]


def permit() -> Permit:
    """What the programme may ask."""
    made = decide(DisclosureRequest("programme", "eligibility", None), Facts((agreement(),), NOW, CATALOGUE))
    assert isinstance(made, Permit)
    return made


def reads(person: PersonPermit) -> set[tuple[str, str]]:
    """Every source and attribute that may be read of somebody."""
    return {
        (source, name)
        for name, sources in HOLDERS.items()
        for source in sources
        if person.allows(source) and name not in person.refused_attributes.get(source, ())
    }


def decided_on(consents, day):
    """What a person's decisions leave on a day."""
    return decide_person(permit(), standing_of(receipts(consents), "programme", day), HOLDERS, OF_GROUPS)


@given(HISTORIES, DAYS)
def test_a_refusal_never_adds_and_a_whole_grant_never_removes(history, day):
    """Whatever was decided before."""
    before = decided_on(history, day)
    base = Consent(NUMBERS[0], "eligibility", Decision.REFUSED, NUMBERS[0], FIRST + timedelta(days=99))
    last = FIRST + timedelta(days=99)
    granted = decided_on([*history, base._replace(decision=Decision.GRANTED)], last)

    assert reads(decided_on([*history, base], day)) <= reads(before)
    for part in (base._replace(sources=frozenset({"tax"})), base._replace(groups=frozenset({"income"}))):
        if before.forms:
            narrower = decided_on([*history, part], day)
            assert reads(narrower) <= reads(before)
            assert narrower.forms.keys() <= before.forms.keys()
    assert reads(before) <= reads(granted)
    assert granted.forms.keys() == permit().forms.keys()


@given(HISTORIES, st.permutations(range(7)), DAYS)
def test_decisions_of_different_days_may_come_in_in_any_order(history, order, day):
    """A receipt that arrives late counts for its own day."""
    by_day = list({consent.given_on: consent for consent in history}.values())
    shuffled = [by_day[place] for place in order if place < len(by_day)]
    one, other = decided_on(by_day, day), decided_on(shuffled, day)

    assert (one.forms, reads(one)) == (other.forms, reads(other))


@given(HISTORIES, DAYS, st.data())
def test_what_is_withdrawn_never_decides_again(history, day, data):
    """On every day, and whatever day the grant was for."""
    known = receipts(history)
    grants = [r for r in known if r.decision is Decision.GRANTED]
    if not grants:
        return
    grant = data.draw(st.sampled_from(grants))
    taken_back = Consent(
        NUMBERS[0],
        "eligibility",
        Decision.WITHDRAWN,
        NUMBERS[0],
        day,
        grant.sources,
        None,
        grant.consumer_id,
        grant.groups,
    )._replace(withdraws=grant.receipt_id)
    after = standing_of([*known, PSEUDONYMS.receipt(taken_back, "w")], "programme", day)

    assert after.receipt_id != grant.receipt_id


@given(DAYS, DAYS, DAYS)
def test_a_grant_counts_from_its_first_day_to_its_last(first, last, day):
    """Both included; the day before and the day after it does not."""
    grant = Consent(NUMBERS[0], "eligibility", Decision.GRANTED, NUMBERS[0], first, until=last)

    is_granted = standing_of(receipts([grant]), "programme", day).kind is StandingKind.GRANTED
    assert is_granted == (first <= day <= last)


@given(DAYS, DAYS)
def test_nobody_else_s_grant_counts_from_the_day_of_majority_on(majority, day):
    """By the receipt as well as by the person's own date of birth, whichever comes first."""
    grant = Consent(NUMBERS[0], "eligibility", Decision.GRANTED, Identifier("UIN", "9"), FIRST, majority_on=majority)
    born = majority.replace(year=majority.year - 18)
    by_receipt = standing_of(receipts([grant]), "programme", day)
    by_birth = reconsidered(
        standing_of(receipts([grant._replace(majority_on=None)]), "programme", day), Known(born), day, 18
    )

    assert (by_receipt.kind is StandingKind.GRANTED) == (day < majority)
    assert (by_birth.kind is StandingKind.GRANTED) == (day < majority)


@given(HISTORIES, st.sets(st.sampled_from(NUMBERS), min_size=1), DAYS)
async def test_every_number_known_is_heard(history, known, day):
    """What was decided under the numbers known counts as one history, and nothing under any other does."""
    ledger = MemoryLedger(KEY)
    for consent in history:
        await ledger.record(consent)
    at = NOW.replace(year=day.year, month=day.month, day=day.day)
    (found,) = await ledger.standings([dict(known)], "eligibility", "programme", at)
    expected = standing_of(receipts([c for c in history if c.subject in known]), "programme", day)

    assert found._replace(receipt_id=None, keeping=()) == expected._replace(receipt_id=None, keeping=())
    assert len(found.keeping) == len(expected.keeping)


@given(HISTORIES, DAYS, st.builds(Known, st.one_of(st.none(), DAYS), st.booleans()))
def test_what_registries_say_never_widens(history, day, known):
    """It ends consent, and never makes any."""
    before = standing_of(receipts(history), "programme", day)
    after = reconsidered(before, known, day, 18)

    assert after == before or after.kind is not StandingKind.GRANTED


@given(HISTORIES, DAYS)
def test_consent_and_objections_do_not_touch_each_other(history, day):
    """Each is told by decisions of its kind only."""
    known = receipts(history)
    objections = [r for r in known if r.decision is Decision.OBJECTED]
    others = [r for r in known if r.decision is not Decision.OBJECTED]

    assert standing_of(known, "programme", day) == standing_of(others, "programme", day)
    assert objection_of(known, "programme", day) == objection_of(objections, "programme", day)


def test_every_attribute_is_in_one_group():
    """So that whoever refuses a group knows what is kept back; no group is empty."""
    named = [name for names in OF_GROUPS.values() for name in names]

    assert sorted(named) == sorted(d.name for d in CATALOGUE)
    assert {group_of(d.place) for d in CATALOGUE} == GROUPS == OF_GROUPS.keys()

"""What decisions about parts, withdrawals, guardians and objections amount to."""

from datetime import date, timedelta

import pytest

from policies.consent import Known, comes_of_age, reconsidered
from policies.ports import Standing, StandingKind
from policies.receipts import Capacity, Consent, Decision, Pseudonyms
from policies.standing import objection_of, standing_of
from standards.identifiers import identifier

PSEUDONYMS = Pseudonyms(b"k" * 32)
NEEMA = identifier("UIN", "1000000003")
ASHA = identifier("UIN", "1000000001")
DAY = date(2026, 6, 1)
BEFORE = date(2026, 1, 5)


def decided(decision="granted", **changes):
    """One decision of Neema, or for her."""
    consent = Consent(NEEMA, "eligibility", Decision(decision), NEEMA, BEFORE)
    for part in ("sources", "groups"):
        if part in changes:
            changes[part] = frozenset(changes[part])
    return consent._replace(**changes)


def receipts(*consents):
    """Their receipts, in the order of recording."""
    return [PSEUDONYMS.receipt(consent, str(n)) for n, consent in enumerate(consents)]


def stands(*consents, at=DAY):
    """Where these leave her."""
    return standing_of(receipts(*consents), "uct", at)


def test_a_group_of_attributes_can_be_kept_back():
    """From everybody, or from one registry; the rest stays granted."""
    both = stands(
        decided(), decided("refused", groups=["health"]), decided("refused", groups=["income"], sources=["tax"])
    )

    assert both.kind is StandingKind.GRANTED
    assert both.refused_parts == {(None, "health"), ("tax", "income")}
    assert both.refused_sources == frozenset()


@pytest.mark.parametrize(
    ("later", "left"),
    [
        ({"sources": ["tax"]}, set()),
        ({"groups": ["income"]}, set()),
        ({}, set()),
        ({"sources": ["tax"], "groups": ["income"]}, set()),
        ({"sources": ["health"]}, {("tax", "income")}),
        ({"groups": ["health"]}, {("tax", "income")}),
    ],
)
def test_a_grant_lifts_a_refusal_of_which_it_names_all(later, left):
    """And leaves every other one."""
    found = stands(decided(), decided("refused", sources=["tax"], groups=["income"]), decided(**later))

    assert found.refused_parts == left


def test_a_grant_of_less_than_was_refused_lifts_nothing():
    """Who refused a registry has refused every group of it."""
    found = stands(decided(), decided("refused", sources=["tax"]), decided(sources=["tax"], groups=["income"]))

    assert found.refused_sources == {"tax"}


def test_a_grant_of_parts_grants_nothing_else():
    """It lifts refusals; alone, it is no consent."""
    assert stands(decided(groups=["income"])).kind is StandingKind.MISSING


def test_taking_a_grant_of_parts_back_grants_nothing():
    """What is taken back is not granted again by what is left."""
    (granted,) = receipts(decided(sources=["tax"]))
    taken_back = PSEUDONYMS.receipt(decided("withdrawn", sources=["tax"], withdraws=granted.receipt_id), "w")

    assert standing_of([granted, taken_back], "uct", DAY) == Standing(
        StandingKind.REFUSED, receipt_id=taken_back.receipt_id
    )
    whole = PSEUDONYMS.receipt(decided(), "whole")
    assert standing_of([granted, whole, taken_back], "uct", DAY).refused_sources == {"tax"}


def test_what_was_withdrawn_never_counts_again():
    """Not even a grant for a day that had not come when it was withdrawn."""
    grant = decided(given_on=DAY)
    (granted,) = receipts(grant)
    taken_back = decided("withdrawn", withdraws=granted.receipt_id)
    all_of_them = [granted, PSEUDONYMS.receipt(taken_back, "w")]

    for day in (BEFORE, DAY, DAY + timedelta(days=1)):
        assert standing_of(all_of_them, "uct", day).kind is StandingKind.REFUSED


def test_after_a_withdrawal_a_new_grant_counts():
    """The person may change their mind."""
    (granted,) = receipts(decided())
    later = PSEUDONYMS.receipt(decided("withdrawn", withdraws=granted.receipt_id), "w")
    again = PSEUDONYMS.receipt(decided(), "again")

    assert standing_of([granted, later, again], "uct", DAY).receipt_id == again.receipt_id


def guardians(decision="granted", **changes):
    """What her mother decided for her; she comes of age on `DAY`."""
    stated = {"given_by": ASHA, "capacity": Capacity.GUARDIAN, "majority_on": DAY, "relation": "PRN"} | changes
    return decided(decision, **stated)


def test_a_guardian_s_grant_ends_on_the_day_of_majority():
    """On the day before it counts, on the day itself it does not, and nobody has to do anything."""
    day_before = stands(guardians(), at=DAY - timedelta(days=1))

    assert (day_before.kind, day_before.guardian) == (StandingKind.GRANTED, PSEUDONYMS.of(ASHA))
    assert stands(guardians()).kind is StandingKind.ENDED


def test_a_guardian_s_refusal_stands_until_the_person_decides():
    """Coming of age opens nothing."""
    assert stands(guardians("refused")).kind is StandingKind.REFUSED
    assert stands(guardians("refused"), decided()).kind is StandingKind.GRANTED


def test_a_refusal_of_parts_grants_nothing():
    """Whoever says it; with the guardian's grant that it was a part of, the rest is granted until majority only."""
    of_health = guardians("refused", sources=["health"])
    day_before = DAY - timedelta(days=1)

    assert stands(decided("refused", sources=["health"])).kind is StandingKind.REFUSED
    assert stands(of_health, at=day_before).kind is StandingKind.REFUSED
    assert stands(guardians(), of_health, at=day_before).kind is StandingKind.GRANTED
    assert stands(guardians(), of_health).kind is StandingKind.REFUSED
    assert stands(of_health, decided()).kind is StandingKind.GRANTED
    assert stands(decided(), of_health, decided("refused", sources=["tax"])).refused_sources == {"health", "tax"}


def test_a_proxy_s_grant_ends_with_the_mandate():
    """Whatever the grant itself says."""
    grant = decided(given_by=ASHA, capacity=Capacity.PROXY, mandate_until=DAY, until=date(2030, 1, 1))

    assert stands(grant).kind is StandingKind.GRANTED
    assert stands(grant, at=DAY + timedelta(days=1)).kind is StandingKind.MISSING


def test_objections_and_consent_are_two_things():
    """An objection takes no consent back, and a refusal is no objection."""
    both = receipts(decided(), decided("objected", groups=["health"]))

    assert standing_of(both, "uct", DAY).kind is StandingKind.GRANTED
    assert objection_of(both, "uct", DAY).refused_parts == {(None, "health")}
    assert objection_of(receipts(decided("refused")), "uct", DAY) == Standing(StandingKind.GRANTED, is_objection=True)


def test_an_objection_stands_until_it_is_lifted():
    """By the person, or by those who may overrule it."""
    (objected,) = receipts(decided("objected"))
    lifted = PSEUDONYMS.receipt(decided("lifted", withdraws=objected.receipt_id), "l")

    assert objection_of([objected], "uct", DAY).kind is StandingKind.OBJECTED
    assert objection_of([objected, lifted], "uct", DAY).kind is StandingKind.GRANTED
    assert standing_of([objected, lifted], "uct", DAY).kind is StandingKind.MISSING


MOTHER = {"UIN": PSEUDONYMS.of(ASHA)}
STRANGER = {"UIN": PSEUDONYMS.of(identifier("UIN", "9"))}


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        (Known(), StandingKind.GRANTED),
        (Known(has_died=True), StandingKind.ENDED),
        # The person's own date of birth, on the day before the birthday and on it.
        (Known(birth_date=date(2008, 6, 2)), StandingKind.GRANTED),
        (Known(birth_date=date(2008, 6, 1)), StandingKind.ENDED),
        # Who claims to be a parent, and is not one of those whom the registry names.
        (Known(parents=(MOTHER, STRANGER)), StandingKind.GRANTED),
        (Known(parents=(STRANGER,)), StandingKind.MISSING),
        (Known(parents=(STRANGER, {"BRN": "another number"})), StandingKind.GRANTED),
    ],
)
def test_what_registries_say_may_end_a_guardian_s_word(known, kind):
    """It never makes one where there was none."""
    stand = stands(guardians(majority_on=date(2030, 1, 1)))

    assert reconsidered(stand, known, DAY, 18).kind is kind
    assert reconsidered(Standing(StandingKind.MISSING), known, DAY, 18).kind is StandingKind.MISSING


def test_a_guardian_who_is_no_parent_is_not_measured_by_parents():
    """An aunt's guardianship is attested by whoever took it; registries of births know nothing of it."""
    stand = stands(guardians(majority_on=date(2030, 1, 1), relation="AUNT"))

    assert reconsidered(stand, Known(parents=(STRANGER,)), DAY, 18).kind is StandingKind.GRANTED


@pytest.mark.parametrize("giver", [{}, {"given_by": ASHA, "capacity": Capacity.PROXY, "mandate_until": DAY}])
def test_a_child_s_own_grant_counts_for_nothing(giver):
    """Nor a mandate that a child gave, as soon as a registry tells how old it is; on the day of majority both count."""
    standing = stands(decided(**giver))

    for born, kind in ((date(2008, 6, 2), StandingKind.MISSING), (date(2008, 6, 1), StandingKind.GRANTED)):
        assert reconsidered(standing, Known(birth_date=born), DAY, 18).kind is kind


def test_an_adult_s_own_grant_is_not_ended_by_a_birth_date():
    """Only death ends it."""
    assert reconsidered(stands(decided()), Known(birth_date=date(1950, 1, 1)), DAY, 18).kind is StandingKind.GRANTED


def test_who_was_born_on_a_leap_day_comes_of_age_on_the_first_of_march():
    """In a common year; in a leap year on the day."""
    assert comes_of_age(date(2008, 2, 29), 18) == date(2026, 3, 1)
    assert comes_of_age(date(2008, 2, 29), 20) == date(2028, 2, 29)

"""Who belongs to a household, from what two registries say."""

from datetime import date

import pytest

from adapters.ports import GroupMember, Link
from gateway.stages.household import Membership, settle
from standards.household import Evidence
from standards.rules import PERSON_ONLY, Tie
from standards.states import UnavailableReason
from tests.builders import KIN, REGISTERED, REGISTERED_OR_KIN, heard, record

TODAY = date(2026, 9, 30)
ASKED = {"UIN": "1"}
DOWN = UnavailableReason.SOURCE_DOWN
SPOUSE = Link("SPS", {"UIN": "2"}, "1988-01-01")
CHILD = Link("CHILD", {"BRN": "B3"}, "2014-06-01")
PARENTS = (Link("PRN", {"UIN": "4"}), Link("PRN", {"UIN": "5"}))
GROUP = heard(
    record(
        HOUSEHOLD_ID="HH-1",
        members=(GroupMember("SPS", {"UIN": "2"}), GroupMember("SELF", {"UIN": "1", "MEMBER_ID": "SM1"})),
    ),
    "social",
)
NO_GROUP = heard(None, "social")


def family(*links: Link, born: str = "1990-02-01"):
    """What civil registration says about the person asked about."""
    return heard(record({"birth_date": born}, links=links), "crvs")


def household(rule, *, asked=ASKED, group=None, kin=None) -> Membership:
    """The household on the day of the tests."""
    return settle(rule, asked, group=group, kin=kin, today=TODAY)


def who(membership: Membership):
    """Relationship and numbers of everybody, in order."""
    return [(f.relationship, dict(f.identifiers)) for f in membership.found]


def test_a_recorded_group_decides():
    """Whoever is recorded is a member, the person asked about first, and next of kin are not listened to."""
    found = household(REGISTERED_OR_KIN, group=GROUP, kin=family(CHILD))

    assert who(found) == [("SELF", {"UIN": "1", "MEMBER_ID": "SM1"}), ("SPS", {"UIN": "2"})]
    assert found.found[0].evidence == (Evidence("asked"), Evidence("registered", "social", "SELF"))
    assert found.unheard == ()


def test_a_household_asked_for_by_number_begins_with_its_head():
    """Nobody was asked about, so the head comes first."""
    found = household(REGISTERED, asked=None, group=GROUP)

    assert [relationship for relationship, _ in who(found)] == ["SELF", "SPS"]
    assert found.found[0].evidence == (Evidence("registered", "social", "SELF"),)


def test_a_question_about_one_person_by_household_number_is_about_the_head():
    """Not about whoever happens to stand first in the list."""
    assert who(household(None, asked=None, group=GROUP)) == [("SELF", {"UIN": "1", "MEMBER_ID": "SM1"})]


def test_a_group_that_does_not_list_the_person_asked_about_gains_one():
    """The registry found the group by that number, so the person belongs to it, as nobody knows what."""
    found = household(REGISTERED, asked={"UIN": "9"}, group=GROUP)

    assert who(found)[0] == ("", {"UIN": "9"})
    assert len(found.found) == 3


@pytest.mark.parametrize("rule", [None, PERSON_ONLY])
def test_without_a_rule_the_person_is_alone(rule):
    """Whatever the registries say about others."""
    assert who(household(rule, group=GROUP, kin=family(SPOUSE))) == [("SELF", ASKED)]


def test_where_no_group_is_recorded_next_of_kin_decide():
    """Spouse and children under age; the person asked about is the head."""
    grown = Link("CHILD", {"UIN": "7"}, "2008-09-30")
    found = household(REGISTERED_OR_KIN, group=NO_GROUP, kin=family(CHILD, SPOUSE, grown))

    assert who(found) == [("SELF", ASKED), ("SPS", {"UIN": "2"}), ("CHILD", {"BRN": "B3"})]
    assert found.found[1].evidence == (Evidence("kin", "crvs", "SPS", of=0),)


def test_childhood_ends_on_the_birthday_that_the_rule_names():
    """One day before it, the child still belongs to its parents' household."""
    turns = Link("CHILD", {"UIN": "7"}, "2008-10-01")

    assert len(household(KIN, kin=family(turns)).found) == 2
    assert len(household(KIN._replace(child_until_age=17), kin=family(turns)).found) == 1


def test_a_child_lives_with_its_parents():
    """The first parent named is taken for the head, so that there is one."""
    found = household(KIN, kin=family(*PARENTS, born="2014-06-01"))

    assert who(found) == [("CHILD", ASKED), ("SELF", {"UIN": "4"}), ("SPS", {"UIN": "5"})]


@pytest.mark.parametrize(
    "kin",
    [
        heard(record({}, links=PARENTS), "crvs"),
        family(Link("CHILD", {"BRN": "B3"})),
        heard(record({}, links=(CHILD, *PARENTS)), "crvs"),
    ],
    ids=["of unknown age", "with a child of unknown age", "of unknown age, with a child"],
)
def test_whose_age_is_unknown_leaves_the_list_incomplete(kin):
    """Whether parents or a child belong to the household hangs on it."""
    assert household(KIN, kin=kin).unheard == ("crvs",)


def test_an_unknown_age_on_which_nothing_hangs_leaves_nothing_open():
    """Husband, wife and children live with somebody of any age; and the rule may follow no tie to parents."""
    found = household(KIN, kin=heard(record({}, links=(SPOUSE, CHILD)), "crvs"))

    assert who(found) == [("SELF", ASKED), ("SPS", {"UIN": "2"}), ("CHILD", {"BRN": "B3"})]
    assert found.unheard == ()
    spouses_only = KIN._replace(ties=(Tie.SPOUSE,))
    assert household(spouses_only, kin=heard(record({}, links=PARENTS), "crvs")).unheard == ()


def test_a_mother_under_age_has_her_child_and_her_parents():
    """Each of them has her as well, asked about alone; her own parent heads the household."""
    mine = family(Link("CHILD", {"UIN": "7"}, "2026-01-01"), Link("SPS", {"UIN": "8"}), *PARENTS, born="2010-01-01")

    assert {f.identifiers["UIN"]: f.relationship for f in household(KIN, kin=mine).found} == {
        "1": "CHILD",
        "4": "SELF",
        "5": "SPS",
        "7": "GRNDCHILD",
        "8": "INLAW",
    }


def test_a_couple_under_age_without_parents_is_a_household():
    """She heads it when she is asked about, as somebody grown would."""
    mine = family(Link("CHILD", {"UIN": "7"}, "2026-01-01"), Link("SPS", {"UIN": "8"}), born="2010-01-01")

    assert who(household(KIN, kin=mine)) == [("SELF", ASKED), ("SPS", {"UIN": "8"}), ("CHILD", {"UIN": "7"})]


def test_a_child_without_known_parents_is_alone():
    """And then heads the household."""
    assert who(household(KIN, kin=family(born="2014-06-01"))) == [("SELF", ASKED)]


def test_somebody_unknown_to_every_registry_is_alone():
    """Both answered, so the list is complete."""
    assert household(REGISTERED_OR_KIN, group=NO_GROUP, kin=heard(None)) == household(None)


@pytest.mark.parametrize(
    ("group", "kin", "unheard", "size"),
    [
        (heard(None, "social", DOWN), family(SPOUSE), ("social",), 2),
        (heard(None, "social", DOWN), heard(None, "crvs", DOWN), ("social", "crvs"), 1),
        (NO_GROUP, heard(None, "crvs", DOWN), ("crvs",), 1),
        (GROUP, heard(None, "crvs", DOWN), (), 2),
    ],
)
def test_a_silent_registry_is_named(group, kin, unheard, size):
    """The household is what the others say, and nobody takes it for the whole; a silent one not needed is not named."""
    found = household(REGISTERED_OR_KIN, group=group, kin=kin)

    assert found.unheard == unheard
    assert len(found.found) == size


def test_a_household_number_that_could_not_be_looked_up_yields_nobody():
    """And names the registry that did not answer."""
    assert household(REGISTERED, asked=None, group=heard(None, "social", DOWN)) == Membership((), ("social",))


def test_a_person_listed_twice_is_one_member():
    """Two entries that share a number with the person asked about are that person."""
    twice = heard(record(HOUSEHOLD_ID="HH-1", members=(GroupMember("SELF", {"UIN": "1"}),) * 2), "social")

    assert who(household(REGISTERED, group=twice)) == [("SELF", ASKED)]

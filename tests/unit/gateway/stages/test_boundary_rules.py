"""Boundary rules beyond the first three: several parts, several rounds, crowded addresses, homes of every kind."""

from datetime import date

import pytest

from adapters.ports import GroupMember, Link
from gateway.stages.household import Membership, settle
from standards.household import Evidence
from standards.identifiers import Identifier
from standards.rules import BoundaryRule, Combination, Tie
from standards.states import UnavailableReason
from tests.builders import KIN, REGISTERED, heard, record

TODAY = date(2026, 9, 30)
ASKED = {"UIN": "1"}
ISSUERS = {"UIN": frozenset({"national_id"}), "BRN": frozenset({"crvs"}), "MEMBER_ID": frozenset({"social"})}
ALL_TIES = tuple(Tie)
DEEP = BoundaryRule("deep", "1", kin=True, ties=ALL_TIES, depth=2)
HOME = BoundaryRule("home", "1", co_residence=True)
FAMILY_HOME = BoundaryRule("family-home", "1", kin=True, co_residence=True, combine=Combination.INTERSECTION)
BOTH = BoundaryRule("both", "1", registered=True, kin=True, combine=Combination.UNION)
DOWN = UnavailableReason.SOURCE_DOWN


def person(number: str, born: str = "1985-01-01", *links: Link, dead: bool = False, source: str = "crvs"):
    """What civil registration says about somebody."""
    values = {"birth_date": born, "vital_status": "dead" if dead else "alive"}
    return heard(record(values, UIN=number, links=links), source)


def spouse(number: str) -> Link:
    """A tie to a husband or wife."""
    return Link("SPS", {"UIN": number})


def child(number: str, born: str = "2014-01-01", **numbers: str) -> Link:
    """A tie to a child."""
    return Link("CHILD", numbers or {"UIN": number}, born)


def parent(number: str) -> Link:
    """A tie to a parent."""
    return Link("PRN", {"UIN": number})


def residents(*members: dict[str, str]):
    """Who lives in the dwelling of the person asked about."""
    return heard(record(DWELLING_KEY="DW1", members=tuple(GroupMember("", m) for m in members)), "national_id")


def group(*members: tuple[str, dict[str, str]]):
    """The recorded group."""
    return heard(record(HOUSEHOLD_ID="HH-1", members=tuple(GroupMember(r, m) for r, m in members)), "social")


def household(rule, *, asked=ASKED, words=None, **said) -> Membership:
    """The household on the day of the tests; words: UIN -> kin of people found on the way."""
    found = {Identifier("UIN", number): one for number, one in (words or {}).items()}
    return settle(rule, asked, today=TODAY, issuers=ISSUERS, words=found, **said)


def who(membership: Membership):
    """UIN (or else any number) -> relationship."""
    return {f.identifiers.get("UIN") or next(iter(f.identifiers.values())): f.relationship for f in membership.found}


def bases(membership: Membership, place: int = 0):
    """Why somebody is a member."""
    return [e.basis for e in membership.found[place].evidence]


# -- kin in several rounds -----------------------------------------------------------------------------------


def test_brothers_and_sisters_are_found_over_the_parents():
    """Those under age; the tie leads from the parent, and the parent heads the household."""
    mine = person("1", "2015-05-05", parent("2"), parent("3"))
    children = (child("1", "2015-05-05"), child("4"), child("5", "1999-01-01"))
    words = {"2": person("2", "1985-01-01", *children), "3": person("3", "1984-01-01", *children)}

    found = household(DEEP, kin=mine, words=words)

    assert who(found) == {"1": "CHILD", "2": "SELF", "3": "SPS", "4": "CHILD"}
    assert found.found[3].evidence == (Evidence("kin", "crvs", "CHILD", of=1),)
    assert found.unheard == ()


def test_a_rule_of_one_round_asks_no_further():
    """The rules that agreements have named so far keep their meaning."""
    words = {"2": person("2", "1985-01-01", child("4"))}

    assert who(household(KIN, kin=person("1", "2015-05-05", parent("2")), words=words)) == {"1": "CHILD", "2": "SELF"}


def test_a_circle_of_kin_ends_where_it_closes():
    """A couple that are cousins reach the same people on two ways."""
    words = {
        "2": person("2", "1986-01-01", spouse("1"), child("3"), parent("8")),
        "8": person("8", "1955-01-01", parent("9")),
    }
    mine = person("1", "1985-01-01", spouse("2"), child("3"), parent("8"))

    found = household(DEEP, kin=mine, words=words)

    assert who(found) == {"1": "SELF", "2": "SPS", "3": "CHILD", "8": "PRN", "9": "GRPRN"}


def test_twins_are_two():
    """Same parents, same day, two numbers."""
    mine = person("1", "1985-01-01", child("4", "2015-05-05"), child("5", "2015-05-05"))

    assert who(household(KIN, kin=mine)) == {"1": "SELF", "4": "CHILD", "5": "CHILD"}


def test_a_child_has_the_parents_that_the_law_gives_it():
    """Civil registration names adoptive parents as parents; nobody else is looked for."""
    mine = person("1", "2015-05-05", parent("6"), parent("7"))

    assert who(household(KIN, kin=mine)) == {"1": "CHILD", "6": "SELF", "7": "SPS"}


def test_a_man_and_his_wives():
    """All wives and their children are one household; asked for a wife, the other wife is found over the husband."""
    husband = person("1", "1970-01-01", spouse("2"), spouse("3"), child("4"), child("5"))
    assert who(household(KIN, kin=husband)) == {"1": "SELF", "2": "SPS", "3": "SPS", "4": "CHILD", "5": "CHILD"}

    wife = person("2", "1975-01-01", spouse("1"), child("4"))
    assert who(household(DEEP, asked={"UIN": "2"}, kin=wife, words={"1": husband})) == {
        "2": "SELF",
        "1": "SPS",
        "4": "CHILD",
        "5": "CHILD",
        "3": "EXT",
    }


def test_children_whose_parents_died_are_a_household():
    """They are found over the dead, who are no members; the eldest heads it."""
    children = (child("1", "2014-05-05"), child("4", "2010-01-01"), child("5", "2018-01-01"))
    words = {
        "2": person("2", "1985-01-01", *children, dead=True),
        "3": person("3", "1984-01-01", *children, dead=True),
    }
    found = household(DEEP, kin=person("1", "2014-05-05", parent("2"), parent("3")), words=words)

    assert who(found) == {"1": "SIB", "4": "SELF", "5": "SIB"}
    assert {e.of for f in found.found[1:] for e in f.evidence} == {None}


def test_an_age_that_the_other_parent_s_record_tells_is_known():
    """The mother's record lacks it for two children; the father's says that one is grown, and one is not."""
    mother = person("2", "1985-01-01", Link("CHILD", {"UIN": "4"}), Link("CHILD", {"UIN": "5"}))
    father = person("3", "1984-01-01", child("4"), child("5", "1999-01-01"))
    mine = person("1", "2015-05-05", parent("2"), parent("3"))

    found = household(DEEP, kin=mine, words={"2": mother, "3": father})
    half = household(DEEP, kin=mine, words={"2": mother, "3": person("3", "1984-01-01", child("4"))})

    assert who(found) == {"1": "CHILD", "2": "SELF", "3": "SPS", "4": "CHILD"}
    assert found.unheard == ()
    assert half.unheard == ("crvs",)


def test_an_orphan_who_is_a_mother_lives_with_her_grandmother():
    """Her child is related to the head as far as there is a word for it."""
    words = {"2": person("2", "1985-01-01", child("1", "2010-05-05"), parent("9"), dead=True)}
    found = household(DEEP, kin=person("1", "2010-05-05", parent("2"), child("7", "2026-01-01")), words=words)

    assert who(found) == {"1": "GRNDCHILD", "7": "EXT", "9": "SELF"}


def test_an_orphan_with_a_grandmother_is_her_grandchild():
    """She is found over the dead mother."""
    words = {"2": person("2", "1985-01-01", child("1", "2014-05-05"), parent("9"), dead=True)}
    found = household(DEEP, kin=person("1", "2014-05-05", parent("2")), words=words)

    assert who(found) == {"1": "GRNDCHILD", "9": "SELF"}


def test_a_former_partner_is_not_reached_over_a_child():
    """A way never goes down to a child and up again."""
    words = {"4": person("4", "2014-01-01", parent("1"), parent("8"))}

    assert who(household(DEEP._replace(depth=4), kin=person("1", "1985-01-01", child("4")), words=words)) == {
        "1": "SELF",
        "4": "CHILD",
    }


def test_who_could_not_be_asked_about_leaves_the_list_incomplete():
    """Brothers and sisters may be missing, and the registry whose word is missing is named."""
    mine = person("1", "2015-05-05", parent("2"))

    assert household(DEEP, kin=mine).unheard == ("crvs",)
    assert household(DEEP, kin=mine, words={"2": heard(None, "crvs", DOWN)}).unheard == ("crvs",)
    assert household(DEEP, kin=mine, words={"2": heard(None, "crvs")}).unheard == ()


def test_a_household_that_grows_too_large_is_cut_and_incomplete():
    """The bound is the rule's, and evidence tells."""
    found = household(
        KIN._replace(max_members=3), kin=person("1", "1970-01-01", *(child(str(n)) for n in range(4, 20)))
    )

    assert len(found.found) == 3
    assert found.unheard == ("crvs",)
    assert Evidence("too_many", "crvs") in found.found[0].evidence


# -- co-residence --------------------------------------------------------------------------------------------


def test_who_lives_in_the_same_dwelling_is_a_member():
    """What they are to each other, national ID does not say."""
    found = household(HOME, residents=residents({"UIN": "1"}, {"UIN": "2"}))

    assert who(found) == {"1": "", "2": ""}
    assert bases(found) == ["asked", "co-residence"]


@pytest.mark.parametrize("count", [0, 26, 300])
def test_a_crowded_address_is_no_household(count):
    """A children's home or a prison: the person asked about is alone, and evidence says why. It is not incomplete."""
    found = household(HOME, residents=residents(*({"UIN": str(n)} for n in range(1, count + 1))))

    assert who(found) == {"1": "SELF"}
    assert bases(found) == ["asked", "crowded_address"]
    assert found.unheard == ()


def test_kin_of_somebody_in_an_institution_are_not_in_it():
    """Under an intersection nobody is left; under a union the crowd adds nobody."""
    crowd = residents(*({"UIN": str(n)} for n in range(1, 200)))
    mine = person("1", "1985-01-01", spouse("2"))

    assert who(household(FAMILY_HOME, kin=mine, residents=crowd)) == {"1": "SELF"}
    union = FAMILY_HOME._replace(combine=Combination.UNION)
    assert who(household(union, kin=mine, residents=crowd)) == {"1": "SELF", "2": "SPS"}


def test_an_address_that_was_not_heard_leaves_the_list_incomplete():
    """Whoever lives there may be missing."""
    assert household(HOME, residents=heard(None, "national_id", DOWN)).unheard == ("national_id",)
    assert household(HOME, residents=heard(None, "national_id")).unheard == ()


# -- parts together ------------------------------------------------------------------------------------------


def test_kin_who_live_at_the_address():
    """A husband who moved out is no member, nor is the lodger; each member's evidence names both registries."""
    mine = person("1", "1985-01-01", spouse("2"), child("4"), child("", "2020-01-01", BRN="B5"))
    here = residents({"UIN": "1"}, {"UIN": "4"}, {"UIN": "5", "BRN": "B5"}, {"UIN": "9"})

    found = household(FAMILY_HOME, kin=mine, residents=here)

    assert who(found) == {"1": "SELF", "4": "CHILD", "5": "CHILD"}
    assert bases(found, 1) == ["kin", "co-residence"]


def test_a_child_with_two_homes_belongs_where_it_is_asked_about():
    """Its mother's group lists it, and so does its father's; each household by itself is right."""
    mother = group(("SELF", {"UIN": "1"}), ("CHILD", {"UIN": "4"}))
    father = group(("SELF", {"UIN": "3"}), ("CHILD", {"UIN": "4"}))

    assert who(household(REGISTERED, group=mother)) == {"1": "SELF", "4": "CHILD"}
    assert who(household(REGISTERED, asked={"UIN": "3"}, group=father)) == {"3": "SELF", "4": "CHILD"}


def test_a_registered_group_and_kin_together():
    """A new-born whom the group does not list yet is a member by kin; who is in both has the evidence of both."""
    listed = group(("SELF", {"UIN": "1", "MEMBER_ID": "S1"}), ("SPS", {"UIN": "2"}), ("EXT", {"MEMBER_ID": "S7"}))
    mine = person("1", "1985-01-01", spouse("2"), child("", "2026-01-01", BRN="B9"))

    found = household(BOTH, group=listed, kin=mine)

    assert who(found) == {"1": "SELF", "2": "SPS", "S7": "EXT", "B9": ""}
    assert bases(found, 1) == ["registered", "kin"]


def test_who_is_registered_with_a_household_that_does_not_list_them_is_a_member():
    """As kin under a union, with what kin are known to be left to the ties."""
    listed = group(("SELF", {"UIN": "2"}))

    assert who(household(BOTH, group=listed, kin=person("1", "1985-01-01", spouse("2")))) == {"1": "", "2": "SELF"}


# -- who is the same -----------------------------------------------------------------------------------------


def test_two_sources_that_share_no_number_name_two_people():
    """Nothing but a number makes them one; each one's evidence says who names it."""
    mine = person("1", "1985-01-01", child("", "2014-01-01", BRN="B4"))
    found = household(BOTH, group=group(("SELF", {"UIN": "1"}), ("CHILD", {"MEMBER_ID": "S4"})), kin=mine)

    assert len(found.found) == 3
    assert [bases(found, 1), bases(found, 2)] == [["registered"], ["kin"]]


def test_a_number_that_leads_to_two_people_makes_them_one_never():
    """Two sources share a member number and contradict each other in the national number."""
    listed = group(
        ("SELF", {"UIN": "1"}), ("CHILD", {"MEMBER_ID": "S4", "UIN": "4"}), ("CHILD", {"MEMBER_ID": "S4", "UIN": "5"})
    )

    found = household(REGISTERED, group=listed)

    assert who(found) == {"1": "SELF", "4": "CHILD", "5": "CHILD"}
    assert bases(found, 1) == bases(found, 2) == ["registered", "ambiguous_identity"]


def test_somebody_registered_twice_is_one_member_when_the_issuer_says_so():
    """National ID lists both numbers, on one birth."""
    here = residents({"UIN": "1"}, {"UIN": "2", "BRN": "B2"}, {"UIN": "22", "BRN": "B2"})

    found = household(HOME, residents=here)

    assert who(found) == {"1": "", "2": ""}
    assert found.found[1].aliases == {Identifier("UIN", "22")}


def test_the_word_of_others_on_a_second_number_is_not_enough():
    """The social registry issues no national numbers: whom it lists under two of them are two."""
    listed = group(("SELF", {"UIN": "1"}), ("SPS", {"UIN": "2", "BRN": "B2"}), ("SPS", {"UIN": "22", "BRN": "B2"}))

    assert len(household(REGISTERED, group=listed).found) == 3

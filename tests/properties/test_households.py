"""What holds of every household: whoever is kin to whom, in whatever order registries say it."""

from __future__ import annotations

import asyncio
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from adapters.ports import GroupMember, Link, Record
from gateway.stages.household import Membership, settle
from gateway.stages.identity import Word, same_people
from standards.identifiers import Identifier
from standards.permit import PersonPermit
from standards.rules import BoundaryRule, Combination, Tie
from tests.builders import MANIFESTS, NEVER, PLANNER, VALUE, fetcher, heard
from tests.fakes import in_memory

TODAY = date(2026, 9, 30)
ISSUERS = {"UIN": frozenset({"national_id"}), "BRN": frozenset({"crvs"})}
PEOPLE = [str(n) for n in range(8)]
PARTS = ("registered", "kin", "co_residence")
CLOSED = PersonPermit({}, {})
OPEN = PersonPermit({"given_name": VALUE}, {})

_born = st.sampled_from(["1950-01-01", "1985-01-01", "2010-01-01", "2020-01-01", None])
_relations = st.sampled_from(["SPS", "CHILD", "PRN"])
_links = st.lists(st.tuples(_relations, st.sampled_from(PEOPLE), _born), max_size=4)
_kin = st.fixed_dictionaries({number: st.tuples(_born, st.booleans(), _links) for number in PEOPLE})
"""Number -> birth date, whether dead, and ties, which need not agree with those of others, and mostly go in circles."""
_some = st.lists(st.sampled_from(PEOPLE), unique=True, max_size=6)
_rules = st.builds(
    BoundaryRule,
    name=st.just("any"),
    version=st.just("1"),
    registered=st.booleans(),
    kin=st.booleans(),
    co_residence=st.booleans(),
    combine=st.sampled_from(Combination),
    ties=st.lists(st.sampled_from(Tie), unique=True).map(tuple),
    depth=st.integers(1, 4),
    max_members=st.sampled_from([1, 3, 60]),
    max_residents=st.sampled_from([2, 25]),
)


def record_of(number, kin, shuffled=None) -> Record:
    """What civil registration says of somebody."""
    born, is_dead, links = kin[number]
    order = list(links) if shuffled is None else shuffled.sample(list(links), len(links))
    values = {"vital_status": "dead" if is_dead else "alive"} | ({"birth_date": born} if born else {})
    return Record({"UIN": number}, values, links=tuple(Link(r, {"UIN": other}, day) for r, other, day in order))


def household(rule, kin, listed, here, shuffled=None) -> Membership:
    """The household of person 0; every registry answers."""
    words = {Identifier("UIN", n): heard(record_of(n, kin, shuffled)) for n in PEOPLE}
    members = list(listed) if shuffled is None else shuffled.sample(list(listed), len(listed))
    residents = list(here) if shuffled is None else shuffled.sample(list(here), len(here))
    group = Record({"HOUSEHOLD_ID": "HH"}, {}, members=tuple(GroupMember("EXT", {"UIN": n}) for n in members))
    homes = Record({"DWELLING_KEY": "DW"}, {}, members=tuple(GroupMember("", {"UIN": n}) for n in residents))
    return settle(
        rule,
        {"UIN": "0"},
        group=heard(group, "social") if rule.registered else None,
        kin=words[Identifier("UIN", "0")] if rule.kin else None,
        residents=heard(homes, "national_id") if rule.co_residence else None,
        words=words,
        today=TODAY,
        issuers=ISSUERS,
    )


def numbers(membership: Membership) -> set[str]:
    """Who is a member."""
    return {found.identifiers["UIN"] for found in membership.found}


@given(rule=_rules, kin=_kin, listed=_some, here=_some, shuffled=st.randoms(use_true_random=False))
def test_the_order_in_which_registries_name_people_decides_nothing(rule, kin, listed, here, shuffled):
    """The same members, whatever circles kin go in; each once, within the rule's bound, the person asked about first."""
    rule = rule._replace(max_members=60)
    one, other = household(rule, kin, listed, here), household(rule, kin, listed, here, shuffled)

    assert numbers(one) == numbers(other)
    assert one.unheard == other.unheard
    assert len(numbers(one)) == len(one.found)
    assert one.found[0].identifiers["UIN"] == other.found[0].identifiers["UIN"] == "0"
    assert "asked" in {e.basis for e in one.found[0].evidence}


@given(rule=_rules, kin=_kin, listed=_some, here=_some)
def test_everybody_s_membership_has_its_evidence(rule, kin, listed, here):
    """Nobody is a member without a word on it, and a tie leads from a member or over somebody who is none."""
    found = household(rule, kin, listed, here).found

    assert len(found) <= rule.max_members
    for one in found[1:]:
        assert {e.basis for e in one.evidence} & {"registered", "kin", "co-residence"}
        assert all(e.of is None or 0 <= e.of < len(found) for e in one.evidence)


@given(kin=_kin, listed=_some, here=_some, ties=st.lists(st.sampled_from(Tie), unique=True).map(tuple))
def test_union_and_intersection_are_those_of_their_parts(kin, listed, here, ties):
    """A union is everybody of its parts, an intersection who is in all of them; the person asked about always."""
    whole = BoundaryRule("any", "1", ties=ties, depth=2)

    def members(combine, *parts):
        rule = whole._replace(
            combine=combine, registered="registered" in parts, kin="kin" in parts, co_residence="co_residence" in parts
        )
        return numbers(household(rule, kin, listed, here))

    each = {part: members(Combination.FIRST, part) for part in PARTS}
    for parts in (PARTS, PARTS[:2], PARTS[1:], PARTS[:1]):
        everybody, nobody_else = members(Combination.UNION, *parts), members(Combination.INTERSECTION, *parts)
        assert everybody == set.union(*(each[part] for part in parts))
        silent = {p for p in parts if p == "co_residence" and not here}
        said = [each[part] for part in parts if part not in silent] or [{"0"}]
        assert nobody_else == (set.intersection(*said) if not silent else {"0"})
        assert "0" in nobody_else


@given(kin=_kin, depth=st.integers(1, 3))
def test_a_wider_rule_finds_nobody_less(kin, depth):
    """One more round, or the dead left out of it, never loses a living member."""
    rule = BoundaryRule("any", "1", kin=True, ties=tuple(Tie), depth=depth)
    dead = {number for number, (_, is_dead, _) in kin.items() if is_dead}

    assert numbers(household(rule, kin, (), ())) - dead <= numbers(
        household(rule._replace(depth=depth + 1), kin, (), ())
    )


_known = st.sampled_from(["1950-01-01", "1985-01-01", "2010-01-01", "2020-01-01"])
_pairs = st.tuples(st.sampled_from(["SPS", "CHILD"]), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE))
_BACK = {"SPS": "SPS", "CHILD": "PRN"}


def registered_kin(born, pairs) -> dict[str, tuple[str, bool, list[tuple[str, str, str]]]]:
    """What is true, as all records tell it: each tie from both its ends, everybody's one birth date wherever it stands."""
    ties = {tie for relation, one, other in pairs for tie in ((one, relation, other), (other, _BACK[relation], one))}
    return {
        one: (day, False, [(relation, other, born[other]) for of, relation, other in sorted(ties) if of == one])
        for one, day in born.items()
    }


@given(born=st.fixed_dictionaries(dict.fromkeys(PEOPLE, _known)), pairs=st.lists(_pairs, max_size=8))
def test_whoever_is_somebody_s_next_of_kin_has_that_one_as_well(born, pairs):
    """Over one tie: spouses have each other, and children their parents, of whatever age; the same facts, whoever asks."""
    kin = registered_kin(born, [(relation, one, other) for relation, one, other in pairs if one != other])

    def of(place):
        said = heard(record_of(place, kin))
        return numbers(settle(BoundaryRule("any", "1", kin=True), {"UIN": place}, kin=said, today=TODAY))

    everybody = {place: of(place) for place in PEOPLE}
    for one, found in everybody.items():
        assert all(one in everybody[other] for other in found)


@given(
    born=st.fixed_dictionaries(dict.fromkeys(PEOPLE, _known)),
    pairs=st.lists(_pairs, max_size=8),
    hidden=st.sets(st.sampled_from(PEOPLE)),
    lacking=st.sets(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE))),
    ties=st.lists(st.sampled_from(Tie), unique=True).map(tuple),
    depth=st.integers(1, 4),
)
def test_an_unknown_birth_date_never_makes_a_household_another_one(born, pairs, hidden, lacking, ties, depth):
    """Whosever it is, in whichever records it is missing: the list is the same, or counts as incomplete."""
    rule = BoundaryRule("any", "1", kin=True, ties=ties, depth=depth)
    kin = registered_kin(born, pairs)
    less = {
        one: (
            None if one in hidden else day,
            is_dead,
            [(relation, other, None if (one, other) in lacking else day) for relation, other, day in links],
        )
        for one, (day, is_dead, links) in kin.items()
    }
    whole, found = household(rule, kin, (), ()), household(rule, less, (), ())

    assert found.unheard or numbers(found) == numbers(whole)


@given(
    kin=_kin,
    here=_some,
    refusing=st.sets(st.sampled_from(PEOPLE[1:])),
    combine=st.sampled_from(Combination),
    depth=st.integers(1, 4),
)
def test_nobody_is_asked_about_without_a_permit(kin, here, refusing, combine, depth):
    """In whichever round a person is found: decided first, asked about afterwards, and never after a refusal."""
    rule = BoundaryRule(
        "any", "1", kin=True, co_residence=True, combine=combine, ties=tuple(Tie), depth=depth, max_residents=3
    )
    truth = {
        ("crvs", "person"): [record_of(n, kin) for n in PEOPLE],
        ("national_id", "entry"): [Record({"UIN": n, "DWELLING_KEY": "DW"}, {}) for n in PEOPLE],
        ("national_id", "residents"): [
            Record({"DWELLING_KEY": "DW"}, {}, members=tuple(GroupMember("", {"UIN": n}) for n in here))
        ],
    }
    registries = in_memory(MANIFESTS.values(), truth)
    permitted: set[str] = set()

    async def decide(people):
        permits = [CLOSED if numbers.get("UIN") in refusing else OPEN for numbers in people]
        permitted.update(n["UIN"] for n, permit in zip(people, permits, strict=True) if permit is OPEN)
        return permits

    gathered = asyncio.run(
        fetcher(registries).fetch(
            lambda _: PLANNER.plan(frozenset({"land_area_ha", "birth_place"}), "UIN", rule),
            Identifier("UIN", "0"),
            decide,
            max_age_s=0,
            deadline=NEVER,
            transaction_id="t-1",
        )
    )

    asked = {s.value for r in registries.values() for call in r.asked for s in call.subjects if s.type == "UIN"}
    assert asked <= permitted
    assert [p.number for p in gathered.people] == list(range(len(gathered.people)))
    assert gathered.people[0].identifiers["UIN"] == "0"


_numbers = st.dictionaries(
    st.sampled_from(["UIN", "BRN", "MEMBER_ID"]), st.sampled_from(["1", "2", "3"]), min_size=1, max_size=3
)


@given(st.lists(_numbers, max_size=6), st.randoms(use_true_random=False))
def test_who_is_the_same_does_not_depend_on_the_order(said, shuffled):
    """Nobody is two people, nobody's numbers contradict each other, and those who share none are never one."""
    places = shuffled.sample(range(len(said)), len(said))
    one, other = same_people([Word(s) for s in said]), same_people([Word(said[place]) for place in places])

    assert {frozenset(group) for group in one.people} == {frozenset(places[p] for p in group) for group in other.people}
    assert sorted(place for group in one.people for place in group) == list(range(len(said)))
    for group in one.people:
        for type_ in ("UIN", "BRN", "MEMBER_ID"):
            assert len({said[place][type_] for place in group if type_ in said[place]}) <= 1

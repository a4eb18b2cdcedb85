"""From what every registry said to one profile: whose word wins, and what silence does."""

from itertools import permutations
from typing import Any

import pytest

from adapters.manifest import Lookup
from gateway.stages.compose import Composer, settle
from gateway.stages.derive import Deriver
from gateway.stages.fetch import Gathered, Heard, Person
from gateway.stages.household import Found
from gateway.stages.plan import Planner
from standards.household import Evidence
from standards.permit import PersonPermit
from standards.states import (
    Absent,
    Conflict,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
    WithheldReason,
)
from tests.builders import CATALOGUE, NOW, REGISTERED, VALUE, heard, lookup, record, small_manifest

DOWN = UnavailableReason.SOURCE_DOWN
NO_NUMBER = UnavailableReason.NO_IDENTIFIER
NAMES = ("first", "second", "third")


def holding(rank: int, name: str, **changes: Any):
    """A registry that holds the given name, the BRN and a fact of its own, with this rank."""
    held: Lookup = lookup(by=["UIN"], identifiers=("UIN", "BRN"), attributes=("given_name", *changes.get("more", ())))
    return small_manifest(name, held, authority={"given_name": rank})


GROUPS = small_manifest(
    "groups",
    lookup(
        "group", ["UIN"], entity="group", members=True, identifiers=("HOUSEHOLD_ID",), attributes=("poverty_score",)
    ),
)
# Every registry holds one fact that nobody else does, so that every one of them is asked.
MANIFESTS = [
    holding(1, "first", more=["email"]),
    holding(2, "second", more=["occupation"]),
    holding(3, "third", more=["nationality"]),
    GROUPS,
]
READS = frozenset({"given_name", "email", "occupation", "nationality", "brn", "poverty_score", "household_id"})
PLAN = Planner(MANIFESTS, CATALOGUE).plan(READS, "UIN", REGISTERED)
COMPOSER = Composer(MANIFESTS, CATALOGUE, Deriver(CATALOGUE))


def compose(said: dict[str, Heard], plan=PLAN, names=frozenset(), group=None, **changes: Any):
    """The profile of one person about whom the registries said this."""
    person = Person(
        0, Found(changes.pop("numbers", {"UIN": "1"}), "SELF", changes.pop("evidence", (Evidence("asked"),)))
    )
    person.permit = changes.pop("permit", PersonPermit({"given_name": VALUE}, {}))
    person.heard = {(source, "person"): one for source, one in said.items()}
    return COMPOSER.compose(plan, Gathered(plan, (person,), 0, group or {}, {}, ()), names, NOW)


def given_name(**said: Heard):
    """The state of the given name."""
    return compose(said).members[0].attributes["given_name"]


def name(of: str, source: str, **changes: Any) -> Heard:
    """A registry's word on the given name."""
    return heard(record({"given_name": of}, **changes), source)


def value(of: str, source: str) -> Value:
    """What is made of that word."""
    return Value(of, Provenance(source, NOW))


def test_the_most_authoritative_word_wins():
    """And whoever agrees with it leaves no trace."""
    assert given_name(first=name("A", "first"), second=name("A", "second")) == value("A", "first")


def test_who_disagrees_is_kept_as_evidence():
    """In the order of their authority; those who agree are left out."""
    state = given_name(first=name("A", "first"), second=name("B", "second"), third=name("A", "third"))

    assert state == Conflict(value("A", "first"), (value("B", "second"),))


@pytest.mark.parametrize("order", list(permutations(NAMES)))
def test_the_order_of_arrival_decides_nothing(order):
    """Whoever answers first, the profile is the same."""
    said = {source: name(source, source) for source in order}

    assert compose(said) == compose(dict(sorted(said.items())))


def test_where_the_best_registry_has_nothing_the_next_one_speaks():
    """An answer without the attribute, and one without the person, are both "nothing there"."""
    assert given_name(first=heard(record({}), "first"), second=name("B", "second")) == value("B", "second")
    assert given_name(first=heard(None, "first"), second=name("B", "second")) == value("B", "second")


def test_nothing_anywhere_is_absent_by_the_word_of_the_best():
    """Every registry that was asked answered."""
    assert given_name(first=heard(None, "first"), second=heard(record({}), "second")) == Absent(
        Provenance("first", NOW)
    )


def test_a_lesser_word_does_not_stand_in_for_a_silent_better_one():
    """What was settled with all registries up is unknown while the better one is down."""
    assert given_name(first=heard(None, "first", DOWN), second=name("B", "second")) == Unavailable(DOWN, "first")


def test_a_silent_lesser_registry_changes_nothing():
    """The best word is known."""
    assert given_name(first=name("A", "first"), second=heard(None, "second", DOWN)) == value("A", "first")


def test_a_silent_lesser_registry_might_have_had_the_value():
    """When the better one has nothing, its silence leaves the value open."""
    assert given_name(first=heard(None, "first"), second=heard(None, "second", DOWN)) == Unavailable(DOWN, "second")


def test_a_registry_kept_from_an_attribute_has_no_word_on_it():
    """The person refused this fact from there: neither its value nor its contradiction is told, other facts are."""
    kept_back = PersonPermit(
        {"given_name": VALUE}, {}, refused_attributes={"first": frozenset({"given_name", "email"})}
    )
    said = {"first": heard(record({"given_name": "A", "email": "a@b"}), "first"), "second": name("B", "second")}

    states = compose(said, permit=kept_back).members[0].attributes

    assert states["given_name"] == value("B", "second")
    assert states["email"] == Withheld(WithheldReason.CONSENT_REFUSED)
    assert states["occupation"] == Absent(Provenance("second", NOW))


def test_who_cannot_be_asked_for_want_of_a_number_does_not_stand_in_the_way():
    """That is no outage: no registry will ever say more."""
    assert given_name(first=heard(None, "first", NO_NUMBER), second=name("B", "second")) == value("B", "second")
    assert given_name(first=heard(None, "first", NO_NUMBER)) == Unavailable(NO_NUMBER, "first")


def test_a_code_nobody_understands_is_no_value():
    """The registry states something, so it is not absent, and no lesser word stands in for it."""
    odd = heard(record({}, unusable={"given_name": UnavailableReason.UNMAPPED_CODE}), "first")

    assert given_name(first=odd, second=name("B", "second")) == Unavailable(UnavailableReason.UNMAPPED_CODE, "first")


def test_a_refused_registry_is_withheld_unless_another_one_speaks():
    """The person's refusal concerns that registry, not the attribute."""
    permit = PersonPermit({"given_name": VALUE}, {}, refused_sources=frozenset({"first"}))

    alone = compose({}, permit=permit).members[0].attributes["given_name"]
    other = compose({"second": name("B", "second")}, permit=permit).members[0].attributes["given_name"]

    assert alone == Withheld(WithheldReason.CONSENT_REFUSED)
    assert other == value("B", "second")


def test_what_was_not_asked_for_is_not_in_the_profile():
    """Even if a registry says it."""
    said = heard(record({"given_name": "A", "surname": "Secret"}), "first")

    assert "surname" not in compose({"first": said}).members[0].attributes


def test_an_attribute_nobody_holds_has_no_source():
    """No registry could be asked for it."""
    plan = Planner(MANIFESTS, CATALOGUE).plan(frozenset({"land_area_ha"}), "UIN", None)

    assert compose({}, plan).members[0].attributes["land_area_ha"] == Unavailable(UnavailableReason.NO_SOURCE)


def test_an_attribute_that_no_number_leads_to_lacks_an_identifier():
    """A registry holds it, and cannot be asked, starting from this kind of number."""
    plan = Planner(MANIFESTS, CATALOGUE).plan(READS, "PATIENT_NUMBER", REGISTERED)
    profile = compose({}, plan)

    assert profile.members[0].attributes["given_name"] == Unavailable(NO_NUMBER)
    assert profile.attributes["poverty_score"] == Unavailable(NO_NUMBER)


# -- numbers


def brn(**said: Heard):
    """The state of the birth registration number."""
    return compose(said).members[0].attributes["brn"]


def numbered(number: str, source: str) -> Heard:
    """A record that states a birth registration number."""
    return heard(record(UIN="1", BRN=number), source)


def test_a_number_is_whatever_the_registries_state():
    """Two that differ are a conflict, as with every attribute."""
    assert brn(first=numbered("B1", "first")) == value("B1", "first")
    assert brn(first=numbered("B1", "first"), second=numbered("B2", "second")) == Conflict(
        value("B1", "first"), (value("B2", "second"),)
    )


def test_a_number_that_nobody_states_is_absent():
    """Every registry that could state it answered."""
    assert brn(first=heard(record(), "first"), second=heard(None, "second")) == Absent(Provenance("first", NOW))


def test_a_number_may_not_change_because_a_registry_is_silent():
    """Another registry's number does not stand in for it either."""
    assert brn(first=heard(None, "first", DOWN), second=numbered("B2", "second")) == Unavailable(DOWN, "first")


def test_the_number_a_person_was_found_by_stands_whoever_is_silent():
    """Every registry asked by it states the same, so its value hangs on none of them."""
    group = {("groups", "group"): heard(record(HOUSEHOLD_ID="HH-1"), "groups")}
    found: dict[str, Any] = {"numbers": {"BRN": "B1"}, "evidence": (Evidence("registered", "groups", "SELF"),)}
    down = heard(None, "first", DOWN)

    assert compose({"first": down}, group=group, **found).members[0].attributes["brn"] == value("B1", "groups")
    both = compose({"first": down, "second": numbered("B1", "second")}, group=group, **found)
    assert both.members[0].attributes["brn"] == value("B1", "second")


def test_facts_and_number_of_the_household_come_from_its_record():
    """They are the household's, not the person's."""
    group = {("groups", "group"): heard(record({"poverty_score": 23.5}, HOUSEHOLD_ID="HH-1"), "groups")}
    profile = compose({}, group=group)

    assert profile.attributes["poverty_score"] == Value(23.5, Provenance("groups", NOW))
    assert profile.attributes["household_id"] == value("HH-1", "groups")
    assert profile.rule == "registered@1"


@pytest.mark.parametrize(
    ("group", "state"),
    [
        (heard(None, "groups"), Absent(Provenance("groups", NOW))),
        (heard(None, "groups", DOWN), Unavailable(DOWN, "groups")),
    ],
)
def test_a_household_that_is_not_recorded_is_not_one_that_could_not_be_looked_up(group, state):
    """Absent, and unavailable."""
    profile = compose({}, group={("groups", "group"): group})

    assert profile.attributes["poverty_score"] == state
    assert profile.attributes["household_id"] == state


def test_settle_keeps_every_claim():
    """The best one settles, those that differ stay."""
    claims = [value("A", "first"), value("A", "second"), value("B", "third")]

    assert settle(claims[:2]) == claims[0]
    assert settle(claims) == Conflict(claims[0], (claims[2],))

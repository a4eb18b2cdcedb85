"""A registry's own roll: one person under several numbers, several entries under one."""

from typing import NamedTuple

from mocks.people import Person
from mocks.rolls import Roll, member, numbers
from tests.unit.mocks.countries import country


class Entry(NamedTuple):
    """An entry as registries have them."""

    index: int  # type: ignore[assignment] # a tuple has a method of that name, which nobody calls here
    person: Person
    number: str
    uin: str | None


def roll(*entries):
    """Return a roll of entries about the first people of a country."""
    people = country(60, 3).people
    return Roll([Entry(place, people[who], own, uin) for place, (who, own, uin) in enumerate(entries)], "OWN")


def test_entries_are_found_by_either_number_and_by_person():
    """In the order of the roll; a number of another kind finds nothing."""
    found = roll((0, "A", "1"), (1, "B", None), (0, "C", "2"))
    first, second, third = found.entries

    assert [*found.by("OWN")("A")] == [*found.by("UIN")("1")] == [*found.by_any("1")] == [first]
    assert [*found.by_any("B")] == [second]
    assert [*found.of(first.person)] == [first, third]
    assert [*found.by("OWN")("1")] == [*found.by_any("nobody")] == []


def test_an_entry_that_is_added_is_found():
    """By all that leads to it."""
    found = roll((0, "A", "1"))
    more = Entry(1, found.entries[0].person, "B", "1")
    found.add(more)

    assert found.by("UIN")("1")[-1] is more
    assert found.of(more.person)[-1] is more


def test_a_member_says_who_somebody_is():
    """Under the number it was entered by, and only under that."""
    population = country(60, 3)
    entry = Entry(0, next(one for one in population.people if one.uin and one.second_name), "A", None)
    shown = member(population, "farmer", entry.person, numbers("OWN", entry), "FRPerson")

    assert shown["member_identifier"] == [{"identifier_type": "OWN", "identifier_value": "A"}]
    assert shown["demographic_info"]["@type"] == "FRPerson"
    assert shown["demographic_info"]["birth_date"] == entry.person.birth_date.isoformat()
    assert set(shown["demographic_info"]["name"]) == {"given_name", "second_name", "surname"}


def test_a_replaced_entry_is_gone_from_everywhere():
    """The new one is found by the same numbers, in the same place."""
    found = roll((0, "A", "1"), (1, "B", "2"))
    old = found.entries[0]
    new = Entry(0, old.person, "A", "1")
    found.replace(old, new)

    assert [one is new for one in (found.entries[0], found.by("OWN")("A")[0], found.by_any("1")[0])] == [True] * 3
    assert [*found.of(old.person)] == [new]
    assert found.of(old.person)[0] is new
    assert len(found.entries) == 2

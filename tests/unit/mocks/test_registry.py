"""Strangers stand in for those asked about; credentials have the names of the environment."""

from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from mocks.registry import Registry, same, stand_ins


class Somebody(NamedTuple):
    place: int

    @property
    def index(self):
        """Return the place."""
        return self.place


POOL = [Somebody(place) for place in range(40)]


class Library(Registry):
    name = "city_library"
    secrets = ("USER", "KEY")


@given(st.lists(st.none() | st.sampled_from(POOL[:15]), max_size=15))
def test_nobody_asked_about_stands_in(asked):
    """Each one asked about is answered by somebody else who has a record; nobody stays nobody."""
    answer = stand_ins(asked, POOL, lambda one: one.place % 2 == 0)

    assert [one is None for one in answer] == [one is None for one in asked]
    strangers = [one for one in answer if one is not None]
    assert not set(strangers) & set(asked)
    assert all(one.place % 2 == 0 for one in strangers)
    assert len(set(strangers)) == len(strangers)


def test_without_strangers_nobody_answers():
    """Where everybody with a record was asked about, the answer is empty, never right."""
    assert stand_ins(POOL[:2], POOL[:2], lambda _: True) == [None, None]
    assert stand_ins(POOL[:1], POOL, lambda _: False) == [None]


def test_credentials_are_named_as_the_environment_is():
    """What is needed to reach a registry comes under HEARTH_<NAME>_."""
    credentials = Library.new_credentials()
    nobody: Any = None
    registry = Library(nobody, credentials)

    assert registry.environment("http://127.0.0.1:1") == {
        "HEARTH_CITY_LIBRARY_URL": "http://127.0.0.1:1",
        "HEARTH_CITY_LIBRARY_USER": credentials["USER"],
        "HEARTH_CITY_LIBRARY_KEY": credentials["KEY"],
    }
    assert Library.new_credentials() != credentials


def test_a_secret_is_compared_whole():
    """Nothing, a part and another case are no match."""
    assert same("söcret", "söcret")
    assert not any(same(given, "secret") for given in (None, "", "secre", "Secret"))

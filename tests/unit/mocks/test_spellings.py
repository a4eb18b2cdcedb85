"""Spellings: a drifted name always differs and stays a name."""

from hypothesis import given
from hypothesis import strategies as st

from mocks.names import TABLES
from mocks.spellings import drifted, misheard, plain, swapped

given_names = st.sampled_from([name for table in TABLES for name in (*table.female, *table.male)])
surnames = st.sampled_from([name for table in TABLES for name in table.surnames])
draws = st.floats(0, 1, exclude_max=True)


@given(given_names, st.none() | given_names, surnames, draws)
def test_a_drifted_name_differs(first, second, surname, draw):
    """Whatever the kind of error, the result is another spelling with a given name and a surname."""
    spelled = drifted((first, second, surname), draw)

    assert spelled != (first, second, surname)
    assert spelled[0]
    assert spelled[2]


@given(surnames)
def test_a_misheard_name_keeps_its_first_letter(surname):
    """Errors of hearing change a sound inside the name."""
    assert misheard(surname) != surname
    assert misheard(surname)[0] == surname[0]


@given(surnames)
def test_swapping_keeps_the_letters(surname):
    """Errors of typing exchange two letters."""
    assert sorted(swapped(surname)) == sorted(surname)


@given(st.one_of(given_names, surnames))
def test_plain_names_are_ascii(name):
    """A terminal without accents can write every plain name."""
    assert plain(name).isascii()


def test_names_are_listed_once():
    """No name table holds a name twice."""
    for table in TABLES:
        for names in table:
            assert len(set(names)) == len(names)

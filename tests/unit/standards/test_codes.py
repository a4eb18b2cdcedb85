"""The code directories."""

import pytest

from standards.codes import CodeDirectories, to_code
from standards.errors import ConfigurationError

DIRECTORIES = CodeDirectories.load()


@pytest.mark.parametrize(
    ("directory", "word", "code"),
    [
        ("SexCategory", "male", "male"),
        ("SexCategory", "FEMALE", "female"),
        ("SexCategory", "m", "male"),
        ("MaritalStatus", "m", "M"),
        ("MaritalStatus", "Never Married", "S"),
        ("MaritalStatus", "widow", "W"),
        ("Education", "Bachelor's or equivalent", "6"),
        ("FunctionalLimitation", "category:vis_ss", "VIS_SS"),
        ("Relationship", "step child", "STPCHILD"),
        ("Relationship", "Sister in-law", "SISINLAW"),
        ("DwellingType", "Iron sheet", "iron_sheet"),
    ],
)
def test_words_lead_to_codes(directory, word, code):
    """A code, a label or an alias, in any case and with any prefix, leads to the code."""
    assert to_code(directory, word) == code


@pytest.mark.parametrize("word", ["", " ", ":", "nonsense", "squatting"])
def test_unknown_words_lead_nowhere(word):
    """A word that no directory knows is never guessed."""
    assert to_code("LandTenure", word) is None


def test_a_code_goes_before_a_label_and_a_label_before_an_alias():
    """What a directory itself calls a code cannot be taken by a label or an alias."""
    directory = {"codes": {"A": "b", "B": "c", "C": "d"}, "aliases": {"d": "A", "e": "B"}}
    directories = CodeDirectories({"D": directory})

    assert [directories.to_code("D", word) for word in ("B", "b", "c", "d", "e")] == ["B", "B", "C", "C", "B"]


def test_the_exact_code_goes_before_all_others():
    """Two codes that differ in case only stay two."""
    directories = CodeDirectories({"D": {"codes": {"a": "one", "A": "two"}}})

    assert directories.to_code("D", "a") == "a"
    assert directories.to_code("D", "A") == "A"


def test_an_alias_without_a_code_is_refused():
    """A slip in the file stops the start."""
    with pytest.raises(ConfigurationError, match="alias of D"):
        CodeDirectories({"D": {"codes": {"a": "one"}, "aliases": {"x": "b"}}})


@pytest.mark.parametrize(
    ("listed", "defined"),
    [
        ("CHLDADOPT", "CHILDADOPT"),
        ("CHLDFOST", "CHILDFOST"),
        ("GRANDSON", "GRNDSON"),
        ("MGGRNTH", "MGGRMTH"),
        ("MTHFOST", "FOSTMTH"),
        ("STEPSIB", "STPSIB"),
        ("STEPSIS", "STPSIS"),
    ],
)
def test_both_spellings_of_a_relationship_are_taken(listed, defined):
    """Where the standard spells a code in two ways, both are read and the defined one is given."""
    assert to_code("Relationship", listed) == defined


def test_all_relationships_are_there():
    """The directory is complete."""
    assert len(DIRECTORIES.codes("Relationship")) == 107


def test_an_unknown_directory_is_an_error():
    """Asking for a directory that does not exist is a mistake of ours, not an unknown word."""
    assert "Nonsense" not in DIRECTORIES
    with pytest.raises(KeyError):
        to_code("Nonsense", "x")


def test_the_directories_are_read_once():
    """Loading again returns the same object."""
    assert CodeDirectories.load() is DIRECTORIES

"""Names as they are compared: one name in two scripts or with other accents, and what is no name at all."""

import pytest

from standards.names import normal_name, sound_key, transliterated, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "muller"),
        ("N'Doye", "N\u2019Doye"),
        ("N'Doye", "Ndoye"),
        ("Maseko-Tau", "MASEKO  TAU"),
        ("Tesfaldet", "\u1270\u1235\u134b\u120d\u12f0\u1275"),
        ("Mamadu", "\u041c\u0430\u043c\u0430\u0434\u0443"),
        ("Ŋoro", "Ngoro"),
    ],
)
def test_one_name_written_in_two_ways_is_one_in_latin_letters(one, other):
    """Case, accents, apostrophes, hyphens and script make no difference."""
    assert transliterated(one) == transliterated(other)
    assert sound_key(one) == sound_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rashidi", "Rashedi"),
        ("Yusufu", "Yousoufou"),
        ("Muhammad", "\u0645\u062d\u0645\u062f"),
        ("El Haddad", "Elhaddad"),
    ],
)
def test_what_sounds_alike_has_one_key(one, other):
    """Vowels that a clerk hears otherwise, and words written together."""
    assert transliterated(one) != transliterated(other)
    assert sound_key(one) == sound_key(other) != ""


@pytest.mark.parametrize("nothing", ["", "   ", "-", "'", "12", "\u200b", "..."])
def test_what_holds_no_letter_has_no_key(nothing):
    """So that it never equals another."""
    assert sound_key(nothing) == ""


def test_the_normal_form_keeps_script_and_accents():
    """It is how the name is written, whatever the case, the spaces and the way accents are encoded."""
    assert normal_name("  Ine\u0301s   María ") == "inés maría"
    assert words("María-Luz Núñez") == ("maria", "luz", "nunez")

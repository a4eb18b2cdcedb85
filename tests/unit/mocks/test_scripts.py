"""Names in Ethiopic letters."""

import pytest
from anyascii import anyascii

from mocks.names import TABLES
from mocks.scripts import ethiopic


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Almaz", "አልማዝ"),
        ("Kebedo", "ከበዶ"),
        ("Tigistt", "ቲጊስት"),
        ("Shimelis", "ሺመሊስ"),
        ("Ana María", "አና ማሪአ"),
        ("N'Doye", "ንዶየ"),
        ("Maxim", "ማክሲም"),
        ("", ""),
    ],
)
def test_a_name_is_written_as_it_sounds(name, written):
    """A letter for each consonant with its vowel, one for a doubled consonant, no marks for accents."""
    assert ethiopic(name) == written


def test_every_name_of_the_country_can_be_written():
    """No Latin letter is left, and no name of the hills is lost or becomes another's."""
    names = [name for table in TABLES for part in table for name in part]

    assert all(ethiopic(name) and not any("a" <= c.lower() <= "z" for c in ethiopic(name)) for name in names)
    for part in TABLES[1]:
        assert len({anyascii(ethiopic(name)) for name in part}) == len(part)

"""Names of people and places as they are compared: their normal form, in Latin letters, and how they sound.

Registries write one name in several scripts, with and without accents, as one word or two. None of the forms here is
ever shown to anybody: they are for looking up and for comparing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from anyascii import anyascii
from jellyfish import metaphone

_INSIDE_A_WORD: Final = re.compile("['`\u00b4\u02b9-\u02bf\u2018\u2019]")
"""Apostrophes of all kinds, which stand within one name: N'Doye, Sant'Ana."""
_NOT_A_LETTER: Final = re.compile(r"[\W_]+")
_NOT_A_TO_Z: Final = re.compile(r"[^a-z]+")

_ARABIC: Final = re.compile("[\u0621-\u064a\u0671\u06cc]")
_ALLAH: Final = "\u0627\u0644\u0644\u0647"
_AIN_ALEF: Final = "\u0639\u0627"
_AS_U: Final = re.compile("(?<=[\u0621-\u06d3])\u0648(?![\u0627\u0648-\u064a\u0629\u06cc])")
"""Waw inside a word and before a consonant, where it is read u: Yusuf, Nur."""
_AS_I: Final = re.compile("(?<=[\u0621-\u06d3])[\u064a\u06cc](?![\u0627\u0648\u0649\u0629])")
"""Yeh inside a word and before a consonant, and at its end: Karim, Ali."""
_VOWELS: Final = str.maketrans(
    {
        **dict.fromkeys("\u0622\u0623\u0627\u0629\u0639\u0649\u0671", "a"),
        "\u0625": "i",
        "\u0626": "y",
        "\u0621": "",
    }
)
"""Letters of the Arabic script that names in Latin letters have as a vowel: alef, teh marbuta, ain."""


def normal_name(text: str) -> str:
    """Return a name as it is written, in lower case with single spaces; accents and script stay as they are."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold()).split())


def words(text: str) -> tuple[str, ...]:
    """Return the words of a name in Latin letters and lower case, without accents and marks; of figures too."""
    latin = anyascii(_vowelled(_INSIDE_A_WORD.sub("", unicodedata.normalize("NFKC", text))))
    return tuple(_NOT_A_LETTER.sub(" ", _INSIDE_A_WORD.sub("", latin).lower()).split())


def _vowelled(text: str) -> str:
    """Return a text with those letters of the Arabic script in Latin ones that stand for vowels; all else stays."""
    if not _ARABIC.search(text):
        return text
    told = text.replace(_ALLAH, "allah").replace(_AIN_ALEF, "\u0627")
    return _AS_I.sub("i", _AS_U.sub("u", told)).translate(_VOWELS)


def transliterated(text: str) -> str:
    """Return a name in Latin letters, in lower case, without accents and marks, with single spaces."""
    return " ".join(words(text))


def sound_key(text: str) -> str:
    """Return how a name sounds, the metaphone of its Latin letters written together; "" when there is nothing to say.

    Names written in one word or two sound the same. An empty key is of nobody and never equals another.
    """
    letters = _NOT_A_TO_Z.sub("", "".join(words(text)))
    return metaphone(letters).replace(" ", "") if letters else ""

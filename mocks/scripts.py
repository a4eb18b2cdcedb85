"""Names in the script of the hills: a Latin spelling -> Ethiopic letters, as a clerk who hears the name writes it.

One region keeps its lists in that script. It writes no doubled consonants and one letter for several Latin spellings,
so the way back does not lead to the same spelling.
"""

from __future__ import annotations

from typing import Final

from mocks.places import REGIONS
from mocks.spellings import plain

HILLS: Final = REGIONS[1].code
"""The region where people write their names in it."""
HILL_LANGUAGE: Final = REGIONS[1].language
_FIRST: Final = {
    "sh": 0x1238, "ch": 0x1278, "ny": 0x1298, "zh": 0x12E0, "ts": 0x1338, "ph": 0x1348, "kh": 0x12A8, "th": 0x1270,
    "gh": 0x1308, "h": 0x1200, "l": 0x1208, "m": 0x1218, "r": 0x1228, "s": 0x1230, "q": 0x1240, "b": 0x1260,
    "v": 0x1268, "t": 0x1270, "n": 0x1290, "k": 0x12A8, "c": 0x12A8, "w": 0x12C8, "z": 0x12D8, "y": 0x12E8,
    "d": 0x12F0, "j": 0x1300, "g": 0x1308, "f": 0x1348, "p": 0x1350,
}  # fmt: skip
"""Consonant -> its first letter; the letters of a consonant follow each other, one per vowel."""
_ORDER: Final = {"e": 0, "u": 1, "i": 2, "a": 3, "o": 6}
_ALONE: Final = {"a": 0x12A0, "u": 0x12A1, "i": 0x12A2, "e": 0x12A4, "o": 0x12A6}
_SILENT: Final = 5
"""The place of the letter that carries no vowel."""


def ethiopic(name: str) -> str:
    """Return a name in Ethiopic letters; what stands for no sound, such as a hyphen, becomes a space or nothing."""
    return " ".join(word for part in plain(name).lower().split() if (word := _word(part.replace("x", "ks"))))


def _word(heard: str) -> str:
    written: list[str] = []
    place, before = 0, ""
    while place < len(heard):
        sound = heard[place : place + 2] if heard[place : place + 2] in _FIRST else heard[place]
        place += len(sound)
        if sound not in _FIRST:
            written += [chr(_ALONE[sound])] if sound in _ALONE else []
            before = ""
            continue
        if sound == before:  # doubled: the letter before has no vowel of its own, and is the same one
            written.pop()
        vowel = heard[place : place + 1]
        if vowel in _ORDER:
            place += 1
        written.append(chr(_FIRST[sound] + _ORDER.get(vowel, _SILENT)))
        before = "" if vowel in _ORDER else sound
    return "".join(written)

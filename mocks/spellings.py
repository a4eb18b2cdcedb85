"""How a name drifts on its way into a register: letters swapped, accents lost, names left out."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

FullName = tuple[str, str | None, str]
"""Given name, second name or None, surname."""

_ALIKE: Final = (
    ("ph", "f"), ("ee", "i"), ("ou", "u"), ("oo", "u"), ("y", "i"), ("k", "c"), ("sh", "ch"), ("z", "s"), ("w", "v"),
    ("i", "y"), ("c", "k"), ("s", "z"), ("v", "w"), ("u", "ou"), ("l", "ll"), ("n", "nn"), ("a", "ah"), ("e", "eh"),
)  # fmt: skip
"""What sounds alike, rarer spellings first: a clerk hears the name and writes the other."""


def plain(name: str) -> str:
    """Return a name without accents, apostrophes and hyphens, as a terminal without them writes it."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return bare.replace("'", "").replace("-", " ").replace("ŋ", "ng").replace("Ŋ", "Ng").replace("ø", "o")


def misheard(name: str) -> str:
    """Return a name with one sound written another way; the first letter stays."""
    for heard, written in _ALIKE:
        place = name.find(heard, 1)
        if place > 0:
            return name[:place] + written + name[place + len(heard) :]
    return name + "h"


def swapped(name: str) -> str:
    """Return a name with two neighbouring letters exchanged, as fast typing does."""
    for place in range(len(name) // 2, len(name) - 1):
        if name[place] != name[place + 1]:
            return name[:place] + name[place + 1] + name[place] + name[place + 2 :]
    return misheard(name)


_DRIFTS: Final[tuple[Callable[[str, str | None, str], FullName], ...]] = (
    lambda given, second, surname: (given, second, misheard(surname)),
    lambda given, second, surname: (misheard(given), second, surname),
    lambda given, second, surname: (given, second, swapped(surname)),
    lambda given, second, surname: (plain(given), plain(second) if second else None, plain(surname)),
    lambda given, _, surname: (given, None, surname),
    lambda given, second, surname: (second or given, given if second else None, surname),
    lambda given, second, surname: (given, second[0] + "." if second else None, surname),
)


def drifted(name: FullName, draw: float) -> FullName:
    """Return another spelling of a name, the kind of error by `draw` in [0, 1); it always differs."""
    first = int(draw * len(_DRIFTS))
    for turn in range(len(_DRIFTS)):
        spelled = _DRIFTS[(first + turn) % len(_DRIFTS)](*name)
        if spelled != name:
            return spelled
    return name[0], name[1], name[2] + "h"

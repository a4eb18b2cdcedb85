"""Entries of list attributes in the standard's classes: codes mapped, and nothing that the class does not name.

What a class is made of is data (`parts.yaml`). Codes are read as everywhere: the exact code, a code in any case, a
label, another word for it. A word that leads to no code is kept as it was sent, under `hearth:` and the member's name,
and the standard's own member is left out: a code is never guessed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from standards.codes import CodeDirectories
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from standards.states import JsonValue

PARTS_FILE: Final = Path(__file__).with_name("parts.yaml")
UNMAPPED: Final = "hearth:"
"""Before the name of a coded member: the word that led to no code."""
MAX_WORD: Final = 200
"""Most characters of a word that led to no code."""

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LARGEST: Final = 2**53
"""Larger whole numbers lose digits on the way through some readers of JSON."""


class Part(NamedTuple):
    """One member of a class."""

    name: str
    kind: str
    """A directory of codes, a class of the file, or the name of a simple type."""
    is_list: bool


class Classes(NamedTuple):
    """Everything the file says."""

    attributes: Mapping[str, str]
    """List attribute -> class of its entries."""
    parts: Mapping[str, tuple[Part, ...]]
    """Class -> its members."""


def known_parts(attribute: str, value: JsonValue) -> JsonValue:
    """Return the value of a list attribute with its entries as their class has them; any other value as it is.

    An entry that is no object is left out; a list of which nothing is left is None.
    """
    classes = load()
    kind = classes.attributes.get(attribute)
    if kind is None or value is None:
        return value
    entries = value if isinstance(value, list | tuple) else [value]
    kept = [entry for one in entries if isinstance(one, dict) and (entry := _entry(one, kind, classes.parts))]
    return kept or None


def load() -> Classes:
    """Return what the file says; it is read once in the life of the process."""
    return _load(PARTS_FILE)


def _entry(entry: Mapping[str, Any], kind: str, classes: Mapping[str, tuple[Part, ...]]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, of, is_list in classes[kind]:
        found = entry.get(name)
        if name.startswith(UNMAPPED):
            found = _foreign(entry, name) if found is None else found
        elif of not in classes and of not in _SIMPLE and f"{UNMAPPED}{name}" in entry:
            found = [*_listed(found), *_listed(entry[f"{UNMAPPED}{name}"])]  # what led to no code before
        if found is None or found in ("", [], {}):
            continue
        if of in classes:
            inner = _listed(found)
            made = [part for one in inner if isinstance(one, dict) and (part := _entry(one, of, classes))]
            if made:
                kept[name] = made if is_list else made[0]
        elif of in _SIMPLE:
            _put(kept, name, found, _SIMPLE[of], is_list=is_list)
        else:
            _put_codes(kept, name, found, of, is_list=is_list)
    return {"@type": kind, **kept} if kept else {}


def _foreign(entry: Mapping[str, Any], name: str) -> object:
    """Return what stands under a member of ours in a record of another country's, whatever its prefix."""
    last = name.rpartition(":")[2]
    return next((value for key, value in entry.items() if ":" in key and key.rpartition(":")[2] == last), None)


def _put(kept: dict[str, Any], name: str, found: object, read: Callable[[Any], object], *, is_list: bool) -> None:
    values = [value for one in _listed(found) if (value := read(one)) is not None]
    if values:
        kept[name] = values if is_list else values[0]


def _put_codes(kept: dict[str, Any], name: str, found: object, directory: str, *, is_list: bool) -> None:
    words = [str(one) for one in _listed(found) if type(one) in {str, int} and one != ""]
    codes = [CodeDirectories.load().to_code(directory, word) for word in words]
    if mapped := [code for code in codes if code is not None]:
        kept[name] = mapped if is_list else mapped[0]
    strange = [word[:MAX_WORD] for word, code in zip(words, codes, strict=True) if code is None]
    if strange:
        # INVARIANT: a code is never guessed, and a word that is none never stands where a code belongs.
        extension = name if name.startswith(UNMAPPED) else f"{UNMAPPED}{name}"
        if extension != name:
            kept[extension] = strange if is_list else strange[0]


def _listed(found: object) -> list[Any]:
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _date(value: object) -> str | None:
    found = _DATE.match(value) if isinstance(value, str) else None
    return found[0] if found else None


def _number(value: object) -> float | None:
    """Return a number that every reader of JSON can read; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value) if "." in value else int(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -_LARGEST <= value <= _LARGEST else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == int(number) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _money(value: object) -> JsonValue:
    """Return an amount: a number, a text such as `USD 50`, or an object of currency and amount."""
    if isinstance(value, dict):
        amount, currency = value.get("amount", value.get("value")), value.get("currency", value.get("currency_code"))
        if (number := _number(amount)) is None:
            return None
        return {"amount": number, **({"currency": currency} if isinstance(currency, str) and currency else {})}
    number = _number(value)
    return _text(value) if number is None else number


_SIMPLE: Final[Mapping[str, Callable[[Any], object]]] = {
    "text": _text,
    "date": _date,
    "moment": _text,
    "integer": _whole,
    "decimal": _number,
    "boolean": _flag,
    "money": _money,
}


@lru_cache(maxsize=4)
def _load(path: Path) -> Classes:
    from ruamel.yaml import YAML

    said = YAML(typ="safe").load(path)
    parts = {name: tuple(_part(*member) for member in members.items()) for name, members in said["classes"].items()}
    directories = CodeDirectories.load()
    for name, members in parts.items():
        for part in members:
            if [part.kind in parts, part.kind in _SIMPLE, part.kind in directories].count(True) != 1:
                raise ConfigurationError(f"{path.name}: {name}.{part.name} is a {part.kind}, which is not one thing")
    for attribute, kind in said["attributes"].items():
        if kind not in parts:
            raise ConfigurationError(f"{path.name}: {attribute} has entries of {kind}, which nothing defines")
    return Classes(dict(said["attributes"]), parts)


def _part(name: str, of: str | list[str]) -> Part:
    return Part(name, of[0], is_list=True) if isinstance(of, list) else Part(name, of, is_list=False)

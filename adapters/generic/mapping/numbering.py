"""Numbers of people and households in records: in normal form, without what the registry writes before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.generic.mapping.paths import UnexpectedTypeError, finder
from standards.identifiers import MAX_LENGTH, normal_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.generic.mapping.layout import NumberField
    from adapters.reading import Reader

    Find = Callable[[object], object]


class Numbering:
    """Where an object states which numbers.

    Raises: ValueError, naming the path, when one is not a JMESPath.
    """

    def __init__(self, reader: Reader, stated: Mapping[str, NumberField], prefix: str = "") -> None:
        self._reader = reader
        self._fields = [
            (type_, prefix + type_, compiled(one.path), normal_value(one.prefix), one.required)
            for type_, one in stated.items()
        ]

    def read(self, thing: object) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
        """Return the number that an object states of each type, and those of which it states several.

        A number without the prefix of its type is none of that type.
        """
        numbers: dict[str, str] = {}
        several: dict[str, frozenset[str]] = {}
        for type_, label, find, prefix, required in self._fields:
            try:
                found = find(thing)
            except UnexpectedTypeError as error:
                self._reader.refuse(label, str(error))
            if isinstance(found, list):
                of_all = {number for one in found if (number := self._number(label, prefix, one)) is not None}
                if len(of_all) > 1:
                    several[type_] = frozenset(of_all)
                    continue
                number = of_all.pop() if of_all else None
            else:
                number = self._number(label, prefix, found)
            if number is not None:
                numbers[type_] = number
            elif required:
                self._reader.refuse(label, "missing")
        return numbers, several

    def _number(self, label: str, prefix: str, value: object) -> str | None:
        if value is None or value == "":
            return None
        text = value if isinstance(value, str) else None if isinstance(value, bool) else self._written(label, value)
        if text is None:
            self._reader.refuse(label, "not a number of a person or household")
        normal = text.upper() if text.isalnum() else normal_value(text)
        if not normal:
            return None
        if prefix:
            if not normal.startswith(prefix):
                return None
            normal = normal[len(prefix) :]
        if not 0 < len(normal) <= MAX_LENGTH:
            self._reader.refuse(label, "not a number of a person or household")
        return normal

    def _written(self, label: str, value: object) -> str | None:
        return self._reader.written(label, value)


def compiled(path: str) -> Find:
    """Return the finder of a path.

    Raises: ValueError that names the path.
    """
    try:
        return finder(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None

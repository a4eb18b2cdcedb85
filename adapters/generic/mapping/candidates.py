"""From records that a search by traits has found to candidates, and from what is known to what a registry is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from adapters.generic.mapping.numbering import Numbering
from adapters.generic.mapping.traits import MADE_OF
from adapters.generic.mapping.values import fields
from adapters.ports import Candidate
from adapters.reading import Reader
from standards.errors import ConfigurationError
from standards.names import sound_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from adapters.generic.mapping.layout import RecordLayout, ValueField
    from adapters.generic.mapping.traits import TraitsOptions
    from standards.states import JsonValue

    Write = Callable[[JsonValue], JsonValue]

_MADE: Final[dict[str, Write]] = {
    "birth_year": lambda value: int(str(value)[:4]) if str(value)[:4].isdecimal() else None,
    "name_sound": lambda value: sound_key(str(value)) or None,
}


class Candidates:
    """The candidates of one lookup.

    Raises: ConfigurationError when a path is not a JMESPath.
    """

    def __init__(self, source_id: str, layout: RecordLayout, options: TraitsOptions) -> None:
        self._most, self._names = options.most, frozenset(options.traits)
        reader = self._reader = Reader(source_id)
        try:
            self._numbers = Numbering(reader, layout.identifiers)
            alone = {name: one.model_copy(update={"combine": "newest"}) for name, one in options.traits.items()}
            self._traits = fields(reader, alone)
        except ValueError as error:
            raise ConfigurationError(f"registry {source_id}: {error}") from None

    def candidate(self, raw: Mapping[str, Any]) -> Candidate:
        """Return the candidate that a record is of; a code that no table translates is no trait.

        Raises: SourceContractError for a record without a number, or with a field of another shape.
        """
        record = self._reader.record("records", raw)
        numbers, _ = self._numbers.read(record)
        if not numbers:
            self._reader.refuse("records", "without a number")
        values, _ = self._traits.read(record, self._names)
        return Candidate(numbers, values)

    def found(self, raws: Iterable[Mapping[str, Any]]) -> tuple[tuple[Candidate, ...], bool]:
        """Return every candidate once, in an order of their numbers, and whether there were more than are looked at."""
        sorted_out = sorted(
            (tuple(sorted(candidate.identifiers.items())), orjson.dumps(candidate.traits, option=orjson.OPT_SORT_KEYS))
            for candidate in map(self.candidate, raws)
        )
        # One who is held twice under one number is one candidate, the same one in whatever order they come.
        by_number = {
            numbers: Candidate(dict(numbers), orjson.loads(traits)) for numbers, traits in reversed(sorted_out)
        }
        ranked = [by_number[numbers] for numbers in sorted(by_number)]
        return tuple(ranked[: self._most]), len(ranked) > self._most


def known_in_blocks(options: TraitsOptions, wanted: Mapping[str, JsonValue]) -> dict[str, JsonValue] | None:
    """Return, by trait, what is known of somebody in the first block of which everything is; None where none is."""
    for block in options.blocks:
        values = {trait: _known(trait, wanted) for trait in block}
        if all(value is not None and value != "" for value in values.values()):
            return values
    return None


def _known(trait: str, wanted: Mapping[str, JsonValue]) -> JsonValue:
    value = wanted.get(MADE_OF.get(trait, trait))
    if value is None or trait not in _MADE:
        return value
    return _MADE[trait](value)


def writer(source_id: str, trait: str, field: ValueField | None) -> Write:
    """Return what writes a trait of the catalogue as the registry does.

    Raises: ConfigurationError for a form in which it can be read only.
    """
    if field is None:
        return lambda value: value
    if field.codes:
        words = {code: word for word, code in reversed(field.codes.items())}
        return lambda value: words.get(str(value).lower() if isinstance(value, bool) else str(value))
    if field.type == "date" and (field.calendar != "gregorian" or field.date not in _DAYS):
        raise ConfigurationError(
            f"registry {source_id}: {trait} cannot be asked for in that form; blocks take "
            f"dates written {', '.join(_DAYS)} in the Gregorian calendar"
        )
    return _DAYS[field.date] if field.type == "date" else lambda value: value


_DAYS: Final[dict[str, Write]] = {
    "iso": lambda value: value,
    "compact": lambda value: str(value).replace("-", ""),
    "year": lambda value: str(value)[:4],
}

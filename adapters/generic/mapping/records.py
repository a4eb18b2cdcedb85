"""From a registry's records, however they came, to Hearth's: who each is about, what it says, whom it does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.generic.mapping.combining import Combining, newest_first
from adapters.generic.mapping.dates import moment_reader
from adapters.generic.mapping.kin import Kin, Members
from adapters.generic.mapping.layout import NumberField
from adapters.generic.mapping.numbering import Numbering, compiled
from adapters.generic.mapping.paths import UnexpectedTypeError
from adapters.generic.mapping.values import fields
from adapters.ports import Record, SourceAnswer
from adapters.reading import Reader, newest
from standards.errors import ConfigurationError
from standards.identifiers import Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adapters.generic.mapping.layout import RecordLayout


_ALONE: Final = NumberField(path="@")


class Found(NamedTuple):
    """What a driver has read of a registry about some subjects."""

    records: Sequence[Mapping[str, Any]]
    """Its records, of all pages, in its own form."""
    absent: frozenset[Identifier] = frozenset()
    """Whom, if it has no record of them, the registry said itself that it does not hold."""
    as_of: str | None = None
    """As of when records hold that do not say so themselves: the age of a drop."""
    is_all: bool = False
    """Whether the registry said how many records there are and all came, so that whoever has none is not held."""


class _Told(NamedTuple):
    """One record, and the numbers of which it states several: it is about each of them."""

    record: Record
    several: Mapping[str, frozenset[str]]


class Records:
    """The records of one lookup.

    is_whole: they hold what the layout promises whether it was asked for or not; False where only the attributes
        wanted are asked for.
    Raises: ConfigurationError when a path of the layout is not a JMESPath.
    """

    def __init__(self, source_id: str, layout: RecordLayout, *, is_whole: bool = True) -> None:
        self._reader, self._layout = Reader(source_id), layout
        self._is_together = layout.several == "together"
        self._alone: dict[str, Numbering] = {}
        self._combining = Combining(self._reader, layout.attributes)
        try:
            self._fields = fields(self._reader, layout.attributes, is_whole=is_whole)
            self._numbers = Numbering(self._reader, layout.identifiers)
            self._kin = tuple(Kin(self._reader, one) for one in layout.kin)
            self._members = Members(self._reader, layout.members) if layout.members else None
            self._as_of = compiled(layout.as_of.path) if layout.as_of else None
        except ValueError as error:
            raise ConfigurationError(f"registry {source_id}: {error}") from None
        self._moment = moment_reader(layout.as_of.date, layout.as_of.calendar) if layout.as_of else moment_reader()

    def answer(self, found: Found, subjects: Sequence[Identifier], names: frozenset[str]) -> SourceAnswer:
        """Return what was found of everyone who was asked about.

        Raises: SourceContractError for a record about someone else, or a field of another shape; for a subject without
            record where silence is no answer, and for several records where the layout refuses them.
        """
        by_subject: dict[tuple[str, str], list[Record]] = {(one.type, one.value): [] for one in subjects}
        for raw in found.records:
            told = self._told(raw, names, found.as_of)
            is_asked = False
            for number in told.record.identifiers.items():
                if number in by_subject:
                    by_subject[number].append(told.record)
                    is_asked = True
            for type_, values in told.several.items():
                for value in values:
                    if (type_, value) in by_subject:
                        own = {**told.record.identifiers, type_: value}
                        by_subject[type_, value].append(told.record._replace(identifiers=own))
                        is_asked = True
            if not is_asked:
                # INVARIANT: an answer that holds somebody else is trusted about nobody.
                self._reader.wrong_subject("records")
        return SourceAnswer(
            {
                subject: self._of_one(found, subject, by_subject[subject.type, subject.value], names)
                for subject in subjects
            }
        )

    def _of_one(self, found: Found, subject: Identifier, records: list[Record], names: frozenset[str]) -> Record | None:
        is_absent = subject in found.absent
        if not records:
            if self._layout.silence == "refused" and not (is_absent or found.is_all):
                self._reader.refuse("records", "lack somebody who was asked about")
            return None
        if len(records) > 1 and self._layout.several == "refused":
            self._reader.refuse("records", "several of one subject")
        if self._is_together:
            return self._combining.together(records, names)
        return records[0] if len(records) == 1 else newest(newest_first(records))

    def record(self, raw: Mapping[str, Any], names: frozenset[str], as_of: str | None = None) -> Record:
        """Translate one record; of a subject's several, `answer` makes one."""
        record = self._told(raw, names, as_of).record
        return self._combining.together((record,), names) if self._is_together else record

    def identifiers(self, raw: Mapping[str, Any]) -> dict[str, str]:
        """Return only the numbers that a record states for its own subject."""
        return self._numbers.read(raw)[0]

    def written(self, subject: Identifier) -> str:
        """Return a number as the registry writes it."""
        field = self._layout.identifiers.get(subject.type)
        return field.prefix + subject.value if field else subject.value

    def as_asked(self, numbers: Iterable[str], type_: str) -> frozenset[Identifier]:
        """Return numbers that the registry wrote alone, such as those of whom it does not hold, as identifiers."""
        plain = self._alone.get(type_)
        if plain is None:
            prefixed = self._layout.identifiers.get(type_)
            prefix = prefixed.prefix if prefixed else ""
            plain = self._alone[type_] = Numbering(self._reader, {type_: _ALONE.model_copy(update={"prefix": prefix})})
        read = (plain.read(number)[0] for number in numbers)
        return frozenset(Identifier(type_, one[type_]) for one in read if type_ in one)

    def _told(self, raw: Mapping[str, Any], names: frozenset[str], as_of: str | None) -> _Told:
        if not isinstance(raw, dict):
            self._reader.refuse("records", "not an object")
        numbers, several = self._numbers.read(raw)
        values, unusable = self._fields.read(raw, names)
        if self._as_of is not None:
            try:
                stated = self._as_of(raw)
            except UnexpectedTypeError as error:
                self._reader.refuse("as of", str(error))
            as_of = self._moment(self._reader, "as of", stated) or as_of
        links = tuple([link for kin in self._kin for link in kin.read(raw)]) if self._kin else ()
        members = self._members.read(raw) if self._members else ()
        return _Told(Record(numbers, values, as_of, links, members, unusable), several)

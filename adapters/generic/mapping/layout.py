"""What a manifest says of the records of a registry that does not speak DCI: where they hold what, in what form.

It is the same for every protocol: a driver brings records, and this says how they are read. The operations are a
closed list, and there is no template language: what they cannot say takes a line here, or an adapter of its own.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from adapters.generic.mapping.expressions import JmesPath
from adapters.model import Model

Calendar = Literal["gregorian", "ethiopian", "islamic", "solar_hijri", "buddhist"]
DateForm = Literal["iso", "day_first", "month_first", "compact", "year", "unix_s", "unix_ms", "excel"]
Words = Literal["all", "first", "last", "all_but_first", "all_but_last"]
ValueKind = Literal["string", "date", "integer", "decimal", "boolean", "code", "money", "list"]
Combine = Literal["newest", "first", "sum", "count", "min", "max", "any", "all", "list"]
NUMBERS: Final = ("integer", "decimal", "money")
_COMBINED: Final[dict[str, tuple[str, ...]]] = {
    "sum": NUMBERS,
    "count": ("integer",),
    "min": (*NUMBERS, "date"),
    "max": (*NUMBERS, "date"),
    "any": ("boolean",),
    "all": ("boolean",),
    "list": ("list",),
}
"""What can be made of several values -> of which types."""


class ValueField(Model):
    """Where a value sits in a record, and how it becomes one of the catalogue."""

    path: JmesPath = Field(description="JMESPath into the record; for rows, simply the name of a column.")
    type: ValueKind = Field(default="string", description="Type of the attribute in the catalogue.")
    codes: dict[str, str] = Field(
        default={},
        description="The registry's code -> the catalogue's code, for `type: code` and `boolean` (true, false). Case "
        "does not matter. A code that is not here makes the attribute unavailable: it is never guessed.",
    )
    required: bool = Field(
        default=False, description="The registry promises it in every record; a record without it is refused."
    )
    nothing: tuple[str, ...] = Field(
        default=(), description="Texts that stand for no value, such as `N/A` or `9999`; an empty one always does."
    )
    factor: float | None = Field(
        default=None,
        gt=0,
        description="What a number is multiplied by to be in the catalogue's unit: 0.0001 for square metres to "
        "hectares, 100 for crowns to cents, 12 for a month's income to a year's.",
    )
    decimals: Annotated[int, Field(ge=0, le=9)] | None = Field(
        default=None, description="Decimals that a number is rounded to; null: as it comes."
    )
    rounding: Literal["half_even", "half_up", "down"] = Field(
        default="half_even",
        description="How it is rounded to `decimals`: half to even, half away from zero, or cut off.",
    )
    decimal_sign: Literal[".", ","] = Field(
        default=".", description="What separates the decimals in a number written as text; the other groups digits."
    )
    date: DateForm = Field(
        default="iso",
        description="How a date is written: iso 1990-12-31; day_first 31.12.1990; month_first 12/31/1990; compact "
        "19901231; year 1990 (becomes its first day); unix_s and unix_ms since 1970; excel, its serial number.",
    )
    calendar: Calendar = Field(
        default="gregorian",
        description="Calendar in which a date is written. `islamic` is the tabular, civil one, and not Umm al-Qura, "
        "whose days differ by one or two.",
    )
    words: Words = Field(default="all", description="Which words of a text count: of a full name, for example.")
    case: Literal["as_is", "title", "upper", "lower"] = Field(default="as_is", description="Case of a text.")
    share_of: JmesPath | None = Field(
        default=None,
        description="JMESPath to the list of those who hold the thing together: the number is divided by how many "
        "different ones there are. Shares are rounded, half to even, after they have been added up.",
    )
    each: dict[str, ValueField] = Field(
        default={},
        description="For `type: list` of objects: name in the catalogue's entry -> where the registry's entry has it. "
        "Without it a list is taken as it comes.",
    )
    combine: Combine = Field(
        default="newest",
        description="What becomes of several records of one subject, where `several: together`: the value of the "
        "newest or (in the registry's order) of the first that has one, the sum, the number of records that have one, "
        "the smallest or largest, whether any or all are true, or the list of different values.",
    )

    @model_validator(mode="after")
    def _operations_fit_the_type(self) -> ValueField:
        if (self.type == "code") != bool(self.codes) and self.type != "boolean":
            raise ValueError("`codes` and `type: code` go together (or `type: boolean`)")
        if (self.factor is not None or self.decimals is not None) and self.type not in NUMBERS:
            raise ValueError("`factor` and `decimals` are for numbers: integer, decimal, money")
        if self.decimals and self.type != "decimal":
            raise ValueError(f"`type: {self.type}` is a whole number: `decimals` is 0, or the type `decimal`")
        if self.rounding != "half_even" and self.decimals is None:
            raise ValueError("`rounding` needs `decimals`")
        is_dated = self.date != "iso" or self.calendar != "gregorian"
        if is_dated and self.type != "date":
            raise ValueError("`date` and `calendar` are for `type: date`")
        if (self.words != "all" or self.case != "as_is") and self.type != "string":
            raise ValueError("`words` and `case` are for `type: string`")
        if self.date in ("unix_s", "unix_ms", "excel") and self.calendar != "gregorian":
            raise ValueError(f"`date: {self.date}` counts days, and knows no `calendar`")
        is_number = self.type in NUMBERS
        if (self.share_of is not None or self.decimal_sign != ".") and not is_number:
            raise ValueError("`share_of` and `decimal_sign` are for numbers: integer, decimal, money")
        if self.each and self.type != "list":
            raise ValueError("`each` is for `type: list`")
        self._check_codes()
        if self.combine in _COMBINED and self.type not in _COMBINED[self.combine]:
            raise ValueError(f"`combine: {self.combine}` is for {', '.join(_COMBINED[self.combine])}")
        return self

    def _check_codes(self) -> None:
        if self.type == "boolean" and (strangers := sorted(set(self.codes.values()) - {"true", "false"})):
            raise ValueError(f"codes of a boolean mean true or false (in quotes), not {strangers[0]}")
        meant: dict[str, str] = {}
        for word, code in self.codes.items():
            if meant.setdefault(word.strip().casefold(), code) != code:
                raise ValueError(f"`codes` give {word} two meanings; case does not matter")


class NumberField(Model):
    """Where a number of a person or household sits."""

    path: JmesPath = Field(description="JMESPath into the record; for rows, simply the name of a column.")
    prefix: str = Field(
        default="", description="What the registry writes before the number; it is taken off, and put on to ask."
    )
    required: bool = Field(default=False, description="A record without it is refused.")


class DayField(Model):
    """Where a record says as of when it holds."""

    path: JmesPath = Field(description="JMESPath into the record; for rows, simply the name of a column.")
    date: DateForm = Field(default="iso", description="How the day is written, as in a field of `type: date`.")
    calendar: Calendar = Field(default="gregorian", description="Calendar in which it is written.")

    @model_validator(mode="after")
    def _counted_or_written(self) -> DayField:
        if self.date in ("unix_s", "unix_ms", "excel") and self.calendar != "gregorian":
            raise ValueError(f"`date: {self.date}` counts days, and knows no `calendar`")
        return self


class KinLayout(Model):
    """Somebody a record names as kin of its subject."""

    relation: Literal["SPS", "CHILD", "PRN"] = Field(description="What the other is to the subject.")
    path: JmesPath = Field(default="@", description="JMESPath to the other's object, or to a list of them.")
    identifiers: dict[str, NumberField] = Field(min_length=1, description="Type -> where, within that object.")
    birth_date: DayField | None = Field(
        default=None, description="Where their birth date is; without it nobody counts as a child under age."
    )


class MembersLayout(Model):
    """The members that a record of a group names."""

    path: JmesPath = Field(description="JMESPath to the list of members.")
    identifiers: dict[str, NumberField] = Field(min_length=1, description="Type -> where, within a member.")
    relationship: ValueField | None = Field(
        default=None, description="Relationship to the head: `type: code`, to the codes of the standard."
    )


class RecordLayout(Model):
    """How the records of one lookup are read."""

    identifiers: dict[str, NumberField] = Field(
        min_length=1, description="Identifier type -> where a record states it for its own subject."
    )
    attributes: dict[str, ValueField] = Field(default={}, description="Attribute of the catalogue -> where it sits.")
    as_of: DayField | None = Field(default=None, description="Where a record says when it was last changed.")
    several: Literal["refused", "newest", "together"] = Field(
        default="newest",
        description="When one subject has several records: the answer is refused; the one changed last counts; or all "
        "count together, each attribute by its `combine`.",
    )
    silence: Literal["refused", "no_record"] = Field(
        default="refused",
        description="What a subject without a record means, where the registry did not say itself that it holds none.",
    )
    kin: tuple[KinLayout, ...] = Field(
        default=(), description="Kin that a record names; of records that count together, all they name."
    )
    members: MembersLayout | None = Field(
        default=None, description='Members that a record of a group names; `path: "@"` where each row is one member.'
    )

    @model_validator(mode="after")
    def _combined_when_together(self) -> RecordLayout:
        if self.several != "together":
            for name, field in self.attributes.items():
                if field.combine != "newest":
                    raise ValueError(f"{name}: `combine: {field.combine}` needs `several: together`")
        return self

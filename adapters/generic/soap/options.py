"""What a manifest tells the driver of registries that speak SOAP 1.1."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from adapters.generic.mapping.expressions import JmesPath
from adapters.model import Model, Name

FaultMeaning = Literal["no_record", "refused", "contract", "down", "busy"]
DocumentName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$")
]
Steps = Annotated[str, StringConstraints(pattern=r"^\w+(\[\])?(\.\w+(\[\])?)*$")]


class SoapArgument(Model):
    """What stands at one place of a request: exactly one of these."""

    number: str | None = Field(
        default=None,
        description="The number of whom the question is about, of this identifier type; `*` for any type that the "
        "lookup takes.",
    )
    kind: dict[str, str] | None = Field(
        default=None, description="Identifier type -> the registry's word for it, for the type of that number."
    )
    constant: str | int | bool | None = Field(default=None, description="Always this.")
    year: int | None = Field(default=None, ge=1900, le=2200, description="A year: always this, or see `as_of`.")
    as_of: Literal["ignored", "ended"] = Field(
        default="ignored",
        description="What a past day does to `year`. ended: the last year that had ended on that day, never a later "
        "one than `year`.",
    )
    day: Literal["as_of", "as_of_or_today"] | None = Field(
        default=None,
        description="The past day asked about, `YYYY-MM-DD`. Without one the element is left out, or is today (UTC).",
    )
    transaction: Literal[True] | None = Field(default=None, description="The id of the business transaction.")

    @model_validator(mode="after")
    def _is_one_thing(self) -> SoapArgument:
        stated = (self.number, self.kind, self.constant, self.year, self.day, self.transaction)
        if sum(one is not None for one in stated) != 1:
            raise ValueError("an argument is exactly one of number, kind, constant, year, day, transaction")
        if self.as_of != "ignored" and self.year is None:
            raise ValueError("`as_of` belongs to `year`")
        return self

    @property
    def is_of_subject(self) -> bool:
        """Tell whether it differs between those who are asked about."""
        return self.number is not None or self.kind is not None

    @property
    def carries_the_day(self) -> bool:
        """Tell whether a past day makes a difference."""
        return self.day is not None or self.as_of != "ignored"


class SoapLookup(Model):
    """How one lookup is asked, and where its answer holds what."""

    operation: str = Field(description="Name of the operation in the WSDL.")
    arguments: dict[Steps, SoapArgument] = Field(
        min_length=1,
        description="Place in the request -> what stands there. A place is the names of elements (or, last, of an "
        "attribute) below the operation's own element, with dots between them; `_text` is the text of an element that "
        "has attributes. `[]` marks the element that is repeated for everybody asked about: `TIN[]`, "
        "`People.Person[].Id`.",
    )
    records: JmesPath = Field(
        default="@",
        description="JMESPath, from within the answer's own element, to the record or the list of records. An element "
        "that may be repeated is a list, also when it stands there once.",
    )
    not_found: dict[str, JmesPath] = Field(
        default={},
        description="Identifier type -> JMESPath to the numbers that the answer names as unknown to the registry.",
    )
    expected: dict[JmesPath, SoapArgument] = Field(
        default={},
        description="JMESPath into a record -> what must stand there wherever anything does, a constant or a year: so "
        "that an amount in another currency or of another year is refused.",
    )
    faults: dict[str, FaultMeaning] = Field(
        default={},
        description="Fault code without prefix (`Client.NotFound`), or name of the first element of its detail -> what "
        "it means. Otherwise `Client`, `VersionMismatch` and `MustUnderstand` break the contract, and all else means "
        "that the registry is down. `no_record` needs `batch: 1`.",
    )

    @model_validator(mode="after")
    def _repeats_once(self) -> SoapLookup:
        for place, argument in self.arguments.items():
            if place.count("[]") > 1:
                raise ValueError(f"{place}: `[]` marks one element only")
            if "[]" in place and not self._repeated(place):
                raise ValueError(f"{place}: what is repeated needs a `number`")
            if argument.number is None and argument.kind is None:
                continue
            if place.count("[]") != max(one.count("[]") for one in self.arguments):
                raise ValueError(f"{place}: either every number stands in a repeated element or none does")
        if not any(argument.number for argument in self.arguments.values()):
            raise ValueError("no argument is a `number`")
        for path, expected in self.expected.items():
            if expected.constant is None and expected.year is None:
                raise ValueError(f"{path}: what is expected is a `constant` or a `year`")
        return self

    def _repeated(self, place: str) -> bool:
        head = place.partition("[]")[0]
        return any(a.number is not None for one, a in self.arguments.items() if one.partition("[]")[0] == head)

    @property
    def is_batched(self) -> bool:
        """Tell whether many people go into one call."""
        return any("[]" in place for place in self.arguments)


class SoapOptions(Model):
    """What the SOAP driver needs to know."""

    wsdl: DocumentName = Field(
        description="File with the service's WSDL 1.1, beside the manifest; what it imports lies there too."
    )
    documents: dict[DocumentName, str] = Field(
        default={},
        description="File name -> text, of the WSDL and all that it imports. Filled in when a manifest is read beside "
        "its files; written out where it is kept without them.",
    )
    service: str | None = Field(default=None, description="Name of the service, where the WSDL has several.")
    port: str | None = Field(default=None, description="Name of the port, where the service has several.")
    path: str = Field(
        default="",
        pattern=r"^(/[^\s?#]*)?$",
        description="Path of the service below the base address. The address in the WSDL is never used.",
    )
    lenient: bool = Field(
        default=False,
        description="The registry does not keep to its own WSDL: elements it does not name are passed over, promised "
        "ones may be missing, and namespaces do not count.",
    )
    lookups: dict[Name, SoapLookup] = Field(min_length=1, description="Lookup name -> how it is asked.")

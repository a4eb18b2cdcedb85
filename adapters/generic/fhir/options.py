"""What a manifest tells the driver of registries that speak FHIR R4.

A lookup is one or more searches. The resources of one of them are the people themselves; those of the others belong
to whom they refer to. What is put together for a person is one record, `{<search>: ...}`: the person's own resource
as an object, everything else as lists, so that the paths of `records` read `Patient.birthDate` or
`length(visits[?status=='finished'])`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from adapters.generic.mapping.expressions import JmesPath
from adapters.model import Model

ResourceType = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]{1,39}$")]
SearchName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
Parameter = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.:-]{0,79}$")]
Element = Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9]{0,59}$")]
Path = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~-]+)*$")]


class FhirNumber(Model):
    """By which parameter a search takes one type of number."""

    parameter: Parameter = Field(
        default="identifier",
        description="Search parameter that takes the number: `identifier`, `_id`, `patient`, or a chained one such as "
        "`patient.identifier`.",
    )
    system: str | None = Field(
        default=None,
        min_length=1,
        description="Namespace of the number, for parameters that take `system|value`; null: the value alone.",
    )


class FhirWindow(Model):
    """How far back a search looks."""

    parameter: Parameter = Field(default="date", description="Search parameter of the day.")
    days: int = Field(ge=1, le=36_525, description="Days before today from which on resources are wanted.")


class FhirSearch(Model):
    """One search of a lookup."""

    type: ResourceType | None = Field(
        default=None, description="Type of the resources, for example `Encounter`; default: the name of the search."
    )
    by: dict[str, FhirNumber] = Field(min_length=1, description="Identifier type -> parameter that takes it.")
    subject: JmesPath | None = Field(
        default=None,
        description="JMESPath to the reference that says whom a resource is about: `subject`, `patient`, "
        "`beneficiary`. Null for the one search whose resources are the people themselves.",
    )
    parameters: dict[Parameter, str] = Field(
        default={},
        description="Further parameters that are always sent, as they are: `code: http://loinc.org|82810-3`.",
    )
    elements: tuple[Element, ...] = Field(
        default=(),
        description="Elements that are asked for (`_elements`), where the server can leave out the others; empty: all. "
        "Name those that `records` and `subject` read, and `identifier` of the people themselves.",
    )
    within: FhirWindow | None = Field(default=None, description="Only what happened in the last days; null: all.")
    count: int | None = Field(default=None, ge=1, le=10_000, description="Resources per page (`_count`); null: theirs.")


class FhirLookup(Model):
    """How one lookup is asked."""

    searches: dict[SearchName, FhirSearch] = Field(
        min_length=1,
        description="Name -> search; under this name the resources stand in the record. A search that no attribute "
        "wanted reads from is left out.",
    )
    method: Literal["post", "get"] = Field(
        default="post",
        description="How a single search is sent: `post` to `_search`, where numbers stay out of addresses and logs, "
        "or `get`.",
    )
    batch: bool = Field(
        default=True,
        description="Several searches go into one batch bundle; false, for servers without: one after the other.",
    )
    pages: int = Field(
        default=20, ge=1, le=1000, description="Most pages of one search; an answer with more of them is refused."
    )

    @property
    def people(self) -> str:
        """Return the name of the search whose resources are the people themselves."""
        return next(name for name, search in self.searches.items() if search.subject is None)

    @model_validator(mode="after")
    def _one_search_is_of_people(self) -> FhirLookup:
        if sum(search.subject is None for search in self.searches.values()) != 1:
            raise ValueError("exactly one search has no `subject`: the one whose resources are the people themselves")
        by = self.searches[self.people].by.keys()
        for name, search in self.searches.items():
            if search.by.keys() != by:
                raise ValueError(f"search {name}: `by` takes other types of numbers than search {self.people}")
        return self


class FhirOptions(Model):
    """What the FHIR driver needs to know."""

    path: Path = Field(default="", description="Path of the FHIR service below the base address: `/fhir`, `/baseR4`.")
    lookups: dict[str, FhirLookup] = Field(description="Lookup name -> how it is asked.")

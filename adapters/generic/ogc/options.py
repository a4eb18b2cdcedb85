"""What a manifest tells the driver of registries that speak OGC API Features.

A record is the properties of one feature, with its id as `feature_id`. Of a feature that names several holders (a list
at the path of a number), each of them who was asked about gets a record.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from adapters.model import Model

Property = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,79}$")]
Parameter = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.:-]{0,79}$")]
Segment = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~:-]{1,120}$")]
Path = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~-]+)*$")]


class OgcNumber(Model):
    """By which property features are found by one type of number."""

    property: Property = Field(description="Queryable property that holds the number.")
    type: Literal["text", "number"] = Field(
        default="text",
        description="How the collection stores it. As a number, leading zeros are lost: nobody is then held by a value "
        "that is no whole number.",
    )


class OgcLookup(Model):
    """How one lookup is asked."""

    collection: Segment = Field(description="Id of the collection, as in `/collections/{id}/items`.")
    by: dict[str, OgcNumber] = Field(min_length=1, description="Identifier type -> property.")
    filter: Literal["cql2-text", "parameter"] = Field(
        default="cql2-text",
        description="How people are named: by a CQL2 filter (`property IN ('...')`), or, for servers without, by the "
        "property as a parameter of its own (`?property=...`; one person and one type per call: `batch: 1`).",
    )
    parameters: dict[Parameter, str] = Field(
        default={}, description="Further parameters that are always sent, as they are: `skipGeometry: 'true'`."
    )
    selection: Parameter | None = Field(
        default=None,
        description="Parameter by which properties can be chosen (`properties`): only those that the attributes wanted "
        "are read from are asked for then. Null: the server gives all.",
    )
    limit: int = Field(default=500, ge=1, le=10_000, description="Features per page.")
    pages: int = Field(default=40, ge=1, le=1000, description="Most pages; an answer with more of them is refused.")

    @model_validator(mode="after")
    def _a_parameter_names_one(self) -> OgcLookup:
        if self.filter == "parameter" and len(self.by) > 1:
            raise ValueError("`filter: parameter` takes one type of number")
        return self


class OgcOptions(Model):
    """What the OGC driver needs to know."""

    path: Path = Field(default="", description="Path of the service below the base address, for example `/ogc/v1`.")
    lookups: dict[str, OgcLookup] = Field(description="Lookup name -> how it is asked.")

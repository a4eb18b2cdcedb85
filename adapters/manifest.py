"""The manifest: one YAML file that says what a registry holds and how it is asked.

Where it lives and which credentials it takes are references to the environment (`env:NAME`), so that a manifest
can be published and a sandbox can put its own addresses in.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from adapters.generic.dci.options import DciField, DciLookup, DciOptions
from adapters.generic.fhir.options import FhirOptions
from adapters.generic.files.options import FilesOptions
from adapters.generic.graphql.options import GraphQlOptions
from adapters.generic.mapping.layout import RecordLayout
from adapters.generic.mapping.traits import TraitsOptions
from adapters.generic.ogc.options import OgcOptions
from adapters.generic.rest.options import RestOptions
from adapters.generic.soap.options import SoapOptions
from adapters.generic.sql.options import SqlOptions
from adapters.generic.xroad.options import XRoadOptions
from adapters.model import Model, Name, Reference, Text, Version
from adapters.terms import Capacity, Cost, Freshness, Hours, Legal, Limits, Share
from adapters.transport.connection import (
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    Connection,
    NoAuth,
    OAuth2Auth,
    Tls,
)
from standards.identifiers import SHARED_TYPES, normal_type

__all__ = [
    "ApiKeyAuth",
    "Auth",
    "BasicAuth",
    "BearerAuth",
    "Connection",
    "DciField",
    "DciLookup",
    "DciOptions",
    "Legal",
    "Limits",
    "Manifest",
    "Model",
    "Name",
    "NoAuth",
    "OAuth2Auth",
    "Reference",
    "Tls",
]


class Protocol(StrEnum):
    """What a registry speaks."""

    DCI = "dci"
    REST = "rest"
    SOAP = "soap"
    FHIR = "fhir"
    OGC = "ogc"
    SQL = "sql"
    FILES = "files"
    GRAPHQL = "graphql"


_IS_TYPE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,49}")

Driven = RestOptions | GraphQlOptions | SoapOptions | FhirOptions | OgcOptions | SqlOptions | FilesOptions
"""What a driver is told about a registry, apart from where its records hold what."""


class Lookup(Model):
    """One way of asking: by which numbers, and what comes back."""

    name: Name = Field(description="Name of this way of asking, within the registry.", examples=["person"])
    entity: Literal["person", "group"] = Field(
        default="person", description="Whether its records are of single people or of groups, such as households."
    )
    by: tuple[str, ...] = Field(
        default=(),
        description="Identifier types it takes, the preferred one first. One call may mix them. Everybody it holds is "
        "found by each of them: who is not found by one is taken for not held.",
    )
    batch: int = Field(default=50, ge=1, description="Most subjects in one call.")
    identifiers: tuple[str, ...] = Field(default=(), description="Identifier types its records yield.")
    attributes: tuple[str, ...] = Field(default=(), description="Attributes of the catalogue its records hold.")
    kin: bool = Field(default=False, description="Records name the subject's parents, children and spouse.")
    members: bool = Field(default=False, description="Records of a group name its members.")
    boundary: bool = Field(
        default=False,
        description="Asked only to find who belongs to a household and which numbers are one person's: never for "
        "attributes, nor for a number that another registry takes.",
    )
    no_identifier_means_no_record: bool = Field(
        default=False,
        description="When the source of an identifier says there is none, this registry holds no record either.",
    )
    by_traits: TraitsOptions | None = Field(
        default=None,
        description="For a registry that knows no shared number: its people are looked for by what is known of them, "
        "and the gateway decides whether one of them is the person. `by` is empty then.",
    )
    as_of: bool | tuple[str, ...] = Field(
        default=False,
        description="It can be asked as of a past day: true for everything it holds, kin and members included; a list "
        "for these attributes only.",
    )

    @model_validator(mode="after")
    def _asked_somehow(self) -> Lookup:
        for part, stated in (("by", self.by), ("identifiers", self.identifiers), ("attributes", self.attributes)):
            if twice := sorted({one for one in stated if stated.count(one) > 1}):
                raise ValueError(f"`{part}` names {', '.join(twice)} twice")
        for type_ in (*self.by, *self.identifiers):
            if not _IS_TYPE.fullmatch(type_):
                raise ValueError("an identifier type is written in capitals, digits and `_`, such as UIN")
            if (known := normal_type(type_)) != type_:
                raise ValueError(f"identifier type {type_} is written {known} here")
        if bool(self.by) == (self.by_traits is not None):
            raise ValueError("a lookup is asked either `by` numbers or `by_traits`")
        return self

    def for_past(self) -> Lookup | None:
        """Return what can be asked of it as of a past day; None when that is nothing.

        A person's own numbers do not change with the day, so every lookup of persons that yields some stays.
        """
        if self.as_of is True:
            return self
        if self.by_traits is not None:  # what is known of people as of a past day is not how the list has them
            return None
        own = tuple(type_ for type_ in self.identifiers if type_ not in SHARED_TYPES)
        if self.entity == "group" or not (self.as_of or own):
            return None
        told = tuple(name for name in self.attributes if name in self.as_of) if self.as_of else ()
        return self.model_copy(update={"attributes": told, "identifiers": own, "kin": False})


class Search(Model):
    """What a registry lets itself be searched by, without an identifier."""

    entity: Literal["person", "group"] = Field(description="Whether people or groups are found.")
    attributes: dict[str, str] = Field(
        min_length=1, description="Attribute of the catalogue -> the registry's own name for it."
    )
    yields: str = Field(description="Identifier type of what is found.")
    for_own_type: bool = Field(
        default=False,
        description="Searched only by questions to this type of registry: it does not hold everybody, so that what it "
        "finds would be mistaken for all there are.",
    )
    order_by: str | None = Field(
        default=None,
        description="The registry's own name for that identifier, if it can sort by it: it breaks every tie, so that "
        "pages neither repeat nor skip a record. Without it, that rests with the registry.",
    )
    selectivity: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        default={},
        description="Attribute -> share of the records that a usual condition on it leaves, 0.01 for one in a hundred; "
        "default 0.5. Of several registries, the one left with the smallest share is searched.",
    )

    @model_validator(mode="after")
    def _selectivity_is_of_its_attributes(self) -> Search:
        if strangers := sorted(set(self.selectivity) - set(self.attributes)):
            raise ValueError(f"`selectivity` names attributes that cannot be searched by: {', '.join(strangers)}")
        return self


class Manifest(Model):
    """Everything Hearth knows about a registry before it calls it."""

    id: Name = Field(description="Name of the registry everywhere in Hearth; its folder bears the same.")
    title: Text = Field(description="Name of the registry for people.")
    version: Version = Field(
        description="Version of this manifest, in quotes: raise it with every change.", examples=["1.0"]
    )
    environment: Literal["production", "test"] = Field(
        default="production",
        description="Whether the registry holds real people; told wherever registries are listed, and decides nothing.",
    )
    speaks: Protocol = Field(description="Its protocol. The part of the manifest by that name says how it is asked.")
    reg_type: Text = Field(description="DCI registry type it stands for, for example `ns:org:RegistryType:Civil`.")
    legal: Legal = Field(description="Who answers for what it holds, and on what terms it is shared.")
    capacity: Capacity | None = Field(
        default=None, description="What it can bear from everyone together, declared by its owner; null: undeclared."
    )
    hours: Hours | None = Field(default=None, description="When it answers; null: always.")
    freshness: Freshness | None = Field(default=None, description="How old what it says may be; null: undeclared.")
    coverage: dict[str, Share] = Field(
        default={},
        description="Identifier type -> share of its records that state it, as its owner knows: how well it links.",
        examples=[{"UIN": 0.993, "TIN": 0.71}],
    )
    connection: Connection = Field(description="Where it is reached, and how it knows us.")
    limits: Limits = Field(default=Limits(), description="How hard it may be driven, and how long it may take.")
    cache_s: float = Field(
        default=300.0,
        ge=0,
        description="Longest time a record may serve further questions, in seconds; 0: it is not kept.",
    )
    negative_cache_s: float = Field(
        default=30.0, ge=0, description="The same for the answer that nobody is held by a number; never above cache_s."
    )
    authority: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default={}, description="Attribute -> rank of this registry for it; 1 is authoritative, default 5."
    )
    stands_in_for: tuple[str, ...] = Field(
        default=(),
        description="Attributes of persons for which this registry's word may stand in, labelled as such, when a more "
        "authoritative registry cannot be heard. Never one whose lesser word would do harm.",
    )
    cost: Cost = Field(default=Cost(), description="What it costs to ask it.")
    issues: tuple[str, ...] = Field(
        default=(),
        description="Identifier types that this registry gives out: of these its word is the first, and a number is "
        "verified once it states it.",
    )
    lookups: tuple[Lookup, ...] = Field(min_length=1, description="Every way of asking it about given people.")
    searches: tuple[Search, ...] = Field(default=(), description="What it can be searched by, without a number.")
    dci: DciOptions | None = Field(default=None, description="Options of the DCI driver, for `speaks: dci`.")
    rest: RestOptions | None = Field(default=None, description="For `speaks: rest` without code of its own.")
    graphql: GraphQlOptions | None = Field(default=None, description="For `speaks: graphql`.")
    soap: SoapOptions | None = Field(default=None, description="For `speaks: soap` without code of its own.")
    fhir: FhirOptions | None = Field(default=None, description="For `speaks: fhir` without code of its own.")
    ogc: OgcOptions | None = Field(default=None, description="For `speaks: ogc` without code of its own.")
    sql: SqlOptions | None = Field(default=None, description="For `speaks: sql`.")
    files: FilesOptions | None = Field(default=None, description="For `speaks: files`.")
    xroad: XRoadOptions | None = Field(
        default=None, description="The X-Road security server that stands before the registry; null: none does."
    )
    records: dict[Name, RecordLayout] = Field(
        default={}, description="Lookup name -> how its records are read, for every protocol but DCI."
    )
    options: dict[str, int | str] = Field(
        default={},
        description="Options of the registry's own adapter, as its README or docstring names them.",
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Manifest:
        """Refuse a manifest whose parts speak of things that other parts do not know."""
        names = [lookup.name for lookup in self.lookups]
        if len(set(names)) < len(names):
            raise ValueError("two lookups have the same name")
        held = {name for lookup in self.lookups for name in lookup.attributes}
        if strangers := sorted(set(self.authority) - held):
            raise ValueError(f"`authority` ranks attributes that no lookup holds: {', '.join(strangers)}")
        of_persons = {n for lookup in self.lookups if lookup.entity == "person" for n in lookup.attributes}
        if strangers := sorted(set(self.stands_in_for) - of_persons):
            raise ValueError(f"`stands_in_for` names what no lookup of persons holds: {', '.join(strangers)}")
        self._check_numbers()
        self._check_traits()
        for lookup in self.lookups:
            if lookup.boundary and lookup.attributes:
                raise ValueError(f"lookup {lookup.name}: `boundary` and `attributes` exclude each other")
        for search in self.searches:
            if not any(k.entity == search.entity and search.yields in k.identifiers for k in self.lookups):
                raise ValueError(f"no lookup of entity {search.entity} yields {search.yields}, as a search promises")
        for lookup in self.lookups:
            self._check_as_of(lookup)
        if (self.speaks is Protocol.DCI) != (self.dci is not None):
            raise ValueError("`dci` and `speaks: dci` go together")
        self._check_driver()
        for lookup in self.lookups if self.dci else ():
            self._check_layout(lookup)
        return self

    def _check_numbers(self) -> None:
        stated = {type_ for lookup in self.lookups for type_ in (*lookup.by, *lookup.identifiers)}
        if strangers := sorted(set(self.issues) - stated):
            raise ValueError(f"`issues` names numbers that no lookup knows: {', '.join(strangers)}")
        if strangers := sorted(set(self.coverage) - stated):
            raise ValueError(f"`coverage` names numbers that no lookup knows: {', '.join(strangers)}")

    def _check_traits(self) -> None:
        """Refuse a look-up by traits that would give more than a number of the registry's own, or one of no use."""
        taken = {type_ for lookup in self.lookups for type_ in lookup.by}
        for lookup in (k for k in self.lookups if k.by_traits is not None):
            if lookup.attributes or lookup.kin or lookup.members or lookup.boundary or lookup.entity != "person":
                raise ValueError(f"lookup {lookup.name}: `by_traits` yields numbers of persons and nothing else")
            # INVARIANT: linkage never gives anybody a number that another registry issues.
            if strangers := sorted(set(lookup.identifiers) - set(self.issues)):
                raise ValueError(f"lookup {lookup.name} by traits yields what `issues` lacks: {', '.join(strangers)}")
            if not set(lookup.identifiers) & taken:
                raise ValueError(f"lookup {lookup.name} by traits yields no number that another lookup takes")

    def _check_as_of(self, lookup: Lookup) -> None:
        if lookup.as_of is not True and (strangers := sorted(set(lookup.as_of or ()) - set(lookup.attributes))):
            raise ValueError(f"lookup {lookup.name}: `as_of` names what it does not hold: {', '.join(strangers)}")
        if self.dci and lookup.as_of and self.dci.as_of_member is None:
            raise ValueError(f"lookup {lookup.name}: `as_of` needs `dci.as_of_member`")

    @property
    def driven(self) -> Driven | None:
        """Return what the driver of its protocol is told; None for DCI, and for a registry with code of its own."""
        return None if self.speaks is Protocol.DCI else getattr(self, self.speaks.value)

    def _check_driver(self) -> None:
        """Refuse options of a protocol that is not spoken, and lookups that the driver is told nothing about."""
        others = {one.value for one in Protocol} - {self.speaks.value}
        if strangers := sorted(name for name in others if getattr(self, name) is not None):
            raise ValueError(f"`{strangers[0]}` and `speaks: {self.speaks.value}` do not go together")
        if self.xroad is not None and self.speaks in (Protocol.SQL, Protocol.FILES):
            raise ValueError(f"`xroad` carries what is asked over HTTP, which `speaks: {self.speaks.value}` is not")
        driven = self.driven
        if driven is None:
            if self.records and self.speaks is not Protocol.DCI:
                raise ValueError(f"`records` need `{self.speaks.value}`, which says how they are asked for")
            return
        for lookup in self.lookups:
            if lookup.name not in driven.lookups:
                raise ValueError(f"`{self.speaks.value}.lookups` lacks {lookup.name}")
            self._check_records(lookup)
        known = {lookup.name for lookup in self.lookups}
        if strangers := sorted({*driven.lookups, *self.records} - known):
            raise ValueError(f"there is no lookup {strangers[0]}")

    def _check_records(self, lookup: Lookup) -> None:
        """Refuse records that hold other things than their lookup."""
        layout = self.records.get(lookup.name)
        if layout is None:
            raise ValueError(f"`records` lacks {lookup.name}")
        if different := sorted(set(layout.attributes) ^ set(lookup.attributes)):
            raise ValueError(f"lookup {lookup.name} and `records` name different: {', '.join(different)}")
        if unstated := sorted(set(lookup.identifiers) - set(layout.identifiers)):
            raise ValueError(f"lookup {lookup.name} yields what `records` do not state: {', '.join(unstated)}")
        if lookup.kin != bool(layout.kin):
            raise ValueError(f"lookup {lookup.name}: `kin` and `records.{lookup.name}.kin` go together")
        if lookup.members != (layout.members is not None):
            raise ValueError(f"lookup {lookup.name}: `members` and `records.{lookup.name}.members` go together")

    def _check_layout(self, lookup: Lookup) -> None:
        layout = self.dci.lookups.get(lookup.name) if self.dci else None
        if layout is None:
            raise ValueError(f"`dci.lookups` lacks {lookup.name}")
        if different := sorted(set(layout.attributes) ^ set(lookup.attributes)):
            raise ValueError(f"lookup {lookup.name} and `dci.lookups` name different: {', '.join(different)}")
        if lookup.members != (layout.members_path is not None):
            raise ValueError(f"lookup {lookup.name}: `members` and `members_path` go together")
        if layout.members_path and not layout.member_identifiers_path:
            raise ValueError(f"lookup {lookup.name}: `members_path` needs `member_identifiers_path`")
        kin = bool(layout.parents_paths or layout.children_path or layout.spouse_path)
        if lookup.kin != kin:
            raise ValueError(f"lookup {lookup.name}: `kin` and the paths of parents, children, spouse go together")

    def lookup(self, name: str) -> Lookup:
        """Return a lookup by its name.

        Raises: KeyError when there is none.
        """
        for lookup in self.lookups:
            if lookup.name == name:
                return lookup
        raise KeyError(name)

    def for_past(self) -> Manifest | None:
        """Return what can be asked of this registry as of a past day; None when that is nothing."""
        told = tuple(past for lookup in self.lookups if (past := lookup.for_past()) is not None)
        if not told:
            return None
        names = {name for lookup in told for name in lookup.attributes}
        stands_in_for = tuple(name for name in self.stands_in_for if name in names)
        return self.model_copy(update={"lookups": told, "searches": (), "stands_in_for": stands_in_for})

    def rank(self, attribute: str) -> int:
        """Return how much this registry's word weighs for an attribute; lower weighs more."""
        return self.authority.get(attribute, 5)

"""The manifest: one YAML file that says what a registry holds and how it is asked.

Where it lives and which credentials it takes are references to the environment (`env:NAME`), so that a manifest
can be published and a sandbox can put its own addresses in.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from adapters.generic.options import DciField, DciLookup, DciOptions
from adapters.model import Model, Name, Reference
from standards.identifiers import SHARED_TYPES

__all__ = ["DciField", "DciLookup", "DciOptions", "Manifest", "Model", "Name", "Reference"]


class Protocol(StrEnum):
    """What a registry speaks."""

    DCI = "dci"
    REST = "rest"
    SOAP = "soap"
    FHIR = "fhir"
    OGC = "ogc"


class NoAuth(Model):
    """No credentials."""

    kind: Literal["none"] = "none"


class ApiKeyAuth(Model):
    """A key in a header."""

    kind: Literal["api_key"]
    header: str = Field(description="Header that carries the key.", examples=["X-API-Key"])
    key: Reference = Field(description="Reference to the key.")


class BasicAuth(Model):
    """User name and password, RFC 7617."""

    kind: Literal["basic"]
    user: Reference
    password: Reference


class BearerAuth(Model):
    """A token that does not change, RFC 6750."""

    kind: Literal["bearer"]
    token: Reference


class OAuth2Auth(Model):
    """OAuth 2 client credentials; the token is asked for when needed and kept until shortly before it ends."""

    kind: Literal["oauth2"]
    token_path: str = Field(description="Path of the token endpoint below the base address.")
    client_id: Reference
    method: Literal["client_secret", "private_key_jwt"] = Field(
        default="client_secret",
        description="Proof of the client: its secret, or an assertion signed with the gateway's own key.",
    )
    client_secret: Reference | None = Field(default=None, description="Reference to the secret, for that method.")
    audience: str | None = Field(
        default=None, description="Whom an assertion is for; default: the address of the token endpoint."
    )
    scope: str | None = None

    @model_validator(mode="after")
    def _secret_belongs_to_its_method(self) -> OAuth2Auth:
        if (self.method == "client_secret") != (self.client_secret is not None):
            raise ValueError("`client_secret` and `method: client_secret` go together")
        return self


Auth = Annotated[
    NoAuth | ApiKeyAuth | BasicAuth | BearerAuth | OAuth2Auth,
    Field(discriminator="kind"),
]


class Connection(Model):
    """Where the registry is, and how it knows us."""

    base_url: Reference = Field(description="Reference to the registry's base address.")
    auth: Auth = NoAuth()


class Limits(Model):
    """How hard the registry may be driven, and how long it may take."""

    timeout_s: float = Field(default=2.0, gt=0, description="Longest wait for one try, in seconds.")
    retries: int = Field(default=1, ge=0, le=5, description="Further tries after a failed one, where that may help.")
    max_in_flight: int = Field(default=32, ge=1, description="Calls at the same time from one gateway process.")
    max_response_bytes: int = Field(default=4_000_000, ge=1, description="Largest response accepted, in bytes.")
    breaker_failures: int = Field(default=8, ge=1, description="Failures in a row that open the circuit breaker.")
    breaker_open_s: float = Field(default=10.0, gt=0, description="Seconds before an open breaker lets one try pass.")
    pace_per_s: float | None = Field(
        default=None,
        gt=0,
        description="Most calls per second from one gateway process, a second's worth of them at once; null: no limit.",
    )
    hedge_after_ms: int | None = Field(
        default=None,
        ge=1,
        description="Milliseconds of silence after which the same call is made a second time and the first good "
        "answer wins. Only where asking twice is safe and agreed; null: never.",
    )
    deadline_header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")] | None = Field(
        default=None, description="Header in which the registry is told how many milliseconds are left; null: none."
    )
    keep_late: bool = Field(
        default=False,
        description="A call still under way at the deadline may end for a while, and its answer serves the next "
        "question.",
    )


class Cost(Model):
    """What it costs to ask the registry, so that of several ways to a number the cheapest is taken."""

    latency_ms: float = Field(default=100.0, ge=0, description="Usual time until it answers one call, in milliseconds.")
    load: int = Field(
        default=2, ge=1, le=5, description="How dear a call is to the registry itself: 1 hardly noticed, 5 dear."
    )
    sensitivity: int = Field(
        default=2,
        ge=1,
        le=4,
        description="What the registry learns about a person by being asked, on the catalogue's scale: "
        "1 administrative, 2 personal, 3 confidential, 4 special category.",
    )
    freshness_days: float = Field(
        default=1.0, ge=0, description="How far its records usually lag behind life, in days."
    )


class Lookup(Model):
    """One way of asking: by which numbers, and what comes back."""

    name: Name
    entity: Literal["person", "group"] = "person"
    by: tuple[str, ...] = Field(
        min_length=1, description="Identifier types it takes, the preferred one first. One call may mix them."
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
    as_of: bool | tuple[str, ...] = Field(
        default=False,
        description="It can be asked as of a past day: true for everything it holds, kin and members included; a list "
        "for these attributes only.",
    )

    def for_past(self) -> Lookup | None:
        """Return what can be asked of it as of a past day; None when that is nothing.

        A person's own numbers do not change with the day, so every lookup of persons that yields some stays.
        """
        if self.as_of is True:
            return self
        own = tuple(type_ for type_ in self.identifiers if type_ not in SHARED_TYPES)
        if self.entity == "group" or not (self.as_of or own):
            return None
        told = tuple(name for name in self.attributes if name in self.as_of) if self.as_of else ()
        return self.model_copy(update={"attributes": told, "identifiers": own, "kin": False})


class Search(Model):
    """What a registry lets itself be searched by, without an identifier."""

    entity: Literal["person", "group"]
    attributes: dict[str, str] = Field(description="Attribute of the catalogue -> the registry's own name for it.")
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


class Legal(Model):
    """Who answers for the data, and on what ground it is shared."""

    owner: str = Field(description="Body that answers for the data.")
    basis: str = Field(description="Law or agreement that lets the registry answer.")
    contact: str = Field(description="Where its operators are reached when it is down or breaks its promises.")


class Manifest(Model):
    """Everything Hearth knows about a registry before it calls it."""

    id: Name = Field(description="Name of the registry everywhere in Hearth; its folder bears the same.")
    title: str = Field(description="Name of the registry for people.")
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+$")] = Field(
        description="Version of this manifest, in quotes: raise it with every change."
    )
    speaks: Protocol = Field(description="Its protocol. `dci` needs no code beside the manifest.")
    reg_type: str = Field(description="DCI registry type it stands for, for example `ns:org:RegistryType:Civil`.")
    legal: Legal
    connection: Connection
    limits: Limits = Limits()
    cache_s: float = Field(
        default=300.0,
        ge=0,
        description="Longest time a record may serve further questions, in seconds; 0: it is not kept.",
    )
    negative_cache_s: float = Field(
        default=30.0, ge=0, description="The same for the answer that nobody is held by a number; never above cache_s."
    )
    authority: dict[str, int] = Field(
        default={}, description="Attribute -> rank of this registry for it; 1 is authoritative, default 5."
    )
    stands_in_for: tuple[str, ...] = Field(
        default=(),
        description="Attributes of persons for which this registry's word may stand in, labelled as such, when a more "
        "authoritative registry cannot be heard. Never one whose lesser word would do harm.",
    )
    cost: Cost = Cost()
    issues: tuple[str, ...] = Field(
        default=(),
        description="Identifier types that this registry gives out: of these its word is the first, and a number is "
        "verified once it states it.",
    )
    lookups: tuple[Lookup, ...] = Field(min_length=1)
    searches: tuple[Search, ...] = ()
    dci: DciOptions | None = Field(default=None, description="Options of the DCI driver, for `speaks: dci`.")
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
        stated = {type_ for lookup in self.lookups for type_ in (*lookup.by, *lookup.identifiers)}
        if strangers := sorted(set(self.issues) - stated):
            raise ValueError(f"`issues` names numbers that no lookup knows: {', '.join(strangers)}")
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
        for lookup in self.lookups if self.dci else ():
            self._check_layout(lookup)
        return self

    def _check_as_of(self, lookup: Lookup) -> None:
        if lookup.as_of is not True and (strangers := sorted(set(lookup.as_of or ()) - set(lookup.attributes))):
            raise ValueError(f"lookup {lookup.name}: `as_of` names what it does not hold: {', '.join(strangers)}")
        if self.dci and lookup.as_of and self.dci.as_of_member is None:
            raise ValueError(f"lookup {lookup.name}: `as_of` needs `dci.as_of_member`")

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

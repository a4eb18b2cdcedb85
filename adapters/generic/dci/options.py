"""What a manifest tells the DCI driver: dialect, mode, how both sides prove themselves, and where records hold what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from adapters.generic.dci.dialects import Dialect, Generation, Path, Preset, spoken
from adapters.generic.mapping.expressions import JmesPath
from adapters.model import Model, Reference
from standards.dci.events import EventKind

ValueType = Literal["string", "date", "integer", "decimal", "boolean", "code", "money", "list"]


class DciField(Model):
    """Where a value sits in a DCI record, and how its codes translate."""

    path: JmesPath = Field(description="JMESPath into the record.")
    type: ValueType = Field(default="string", description="Type of the attribute in the catalogue.")
    codes: dict[str, str] = Field(
        default={},
        description="The registry's code -> the catalogue's code, for `type: code`. Case does not matter; several "
        "codes of the registry may mean one of the catalogue, the first of them is then used to search. What is not "
        "here is read as the directory's own code, label or alias, so that a registry that sends the standard's codes "
        "needs none.",
    )
    required: bool = Field(
        default=False, description="The registry promises it in every record; a record without it is refused."
    )

    @model_validator(mode="after")
    def _codes_belong_to_codes(self) -> DciField:
        if self.codes and self.type != "code":
            raise ValueError("`codes` belong to `type: code`")
        return self


class DciLookup(Model):
    """How one lookup is asked of a DCI registry, and where its record holds what."""

    reg_record_type: str = Field(description="Record type in the search criteria.")
    reg_type: str | None = Field(default=None, description="Registry type of this lookup; default: `dci.reg_type`.")
    reg_event_type: str | None = Field(
        default=None, description="Event whose registrations are searched, for dialects whose criteria carry one."
    )
    response_entity: Literal["Group", "Member"] | None = Field(
        default=None, description="Entity asked for, for registries of groups and members; null: none is named."
    )
    identifiers_path: JmesPath = Field(description="JMESPath to the record's own list of Identifier objects.")
    identifier_types: dict[str, str] = Field(default={}, description="Hearth's type -> the registry's word for it.")
    attributes: dict[str, DciField] = Field(default={}, description="Attribute -> where it sits.")
    as_of_path: JmesPath | None = Field(
        default="last_updated", description="JMESPath to the moment at which the record was last changed."
    )
    together: bool = Field(
        default=False,
        description="A subject may have several records, such as one for each enrolment, and all of them count: the "
        "paths of `attributes` then start at an object whose `records` are all of them, those of identifiers, ties and "
        "`as_of_path` still at each record.",
    )
    parents_paths: tuple[JmesPath, ...] = Field(
        default=(), description="JMESPaths to the parents' Identifier (or list)."
    )
    children_path: JmesPath | None = Field(
        default=None, description="JMESPath to a list of Identifier lists or objects."
    )
    child_identifiers_path: JmesPath | None = Field(
        default=None, description="JMESPath within an entry of `children_path` to its Identifiers; none: the entry."
    )
    child_birth_date_path: JmesPath | None = Field(
        default=None,
        description="JMESPath within an entry of `children_path` to the child's birth date. Without it nobody counts "
        "as a child under age.",
    )
    spouse_path: JmesPath | None = Field(default=None, description="JMESPath to the spouse's Identifier (or list).")
    members_path: JmesPath | None = Field(default=None, description="JMESPath to a list of members of a group record.")
    member_identifiers_path: JmesPath | None = Field(
        default=None, description="JMESPath within a member to its Identifiers; needed with `members_path`."
    )
    member_relationship_path: JmesPath | None = Field(
        default=None, description="JMESPath within a member to its relationship to the head."
    )


class Callback(Model):
    """How a registry calls back, and how it proves who it is when it does."""

    auth: Literal["bearer", "signature", "secret_path"] = Field(
        description="bearer: it sends the token we gave it; signature: its message is signed (`dci.trust.answers: "
        "required`); secret_path: the unguessable address of that one request is the only proof, for registries that "
        "can do neither."
    )
    token: Reference | None = Field(default=None, description="Reference to the token, for `auth: bearer`.")
    client_id: str | None = Field(
        default=None,
        description="For `auth: bearer`: client of this gateway whose access tokens it may send too; it gets them at "
        "our token endpoint.",
    )

    @model_validator(mode="after")
    def _token_belongs_to_bearer(self) -> Callback:
        if (self.auth == "bearer") != (self.token is not None or self.client_id is not None):
            raise ValueError("`auth: bearer` and `token` or `client_id` go together")
        return self


class Purpose(Model):
    """The `consent` that this registry wants to see in every question: for what the gateway asks."""

    code: str = Field(description="Code of the purpose, as the registry knows it.")
    text: str | None = Field(default=None, description="The purpose in words.")
    ref_uri: str | None = Field(default=None, description="Where the code is defined.")


SignatureForm = Literal["keyed", "jws", "detached"]


class DciTrust(Model):
    """Signatures and encryption between this gateway and one registry."""

    sign: SignatureForm | None = Field(
        default=None, description="Form in which our messages are signed; null: they are not."
    )
    answers: Literal["required", "optional", "off"] = Field(
        default="off",
        description="Whether its answers and callbacks must be signed; optional: one that is there must hold.",
    )
    placeholders: tuple[str, ...] = Field(
        default=(), description="Literal texts that it puts where a signature belongs, and that count as none."
    )
    keys: Reference | None = Field(
        default=None, description="Reference to its public keys: a JWKS, or one key in PEM, as text."
    )
    jwks_path: Path | None = Field(
        default=None,
        description="Path, at its base address, of its published keys; they are kept, and asked for again when a "
        "signature names one that is not among them.",
    )
    encrypt: bool = Field(default=False, description="Our messages to it are encrypted for its key of use `enc`.")

    @model_validator(mode="after")
    def _keys_are_somewhere(self) -> DciTrust:
        if (self.answers != "off" or self.encrypt) and self.keys is None and self.jwks_path is None:
            raise ValueError("`answers` and `encrypt` need `keys` or `jwks_path`")
        return self


class DciOptions(Model):
    """What the generic DCI driver needs to know."""

    dialect: Generation = Field(default="g4", description="Generation of the standard that the registry speaks.")
    preset: Preset | None = Field(default=None, description="Product that it runs; changes what the product changes.")
    quirks: Dialect = Field(default=Dialect(), description="Single options that differ from generation and product.")
    mode: Literal["sync", "async"] = Field(
        default="sync", description="async: it acknowledges a question, and calls back with the answer."
    )
    callback: Callback | None = Field(
        default=None, description="How it calls back, for `mode: async` and for events; null: it does not."
    )
    poll_s: float | None = Field(
        default=None,
        gt=0,
        description="For `mode: async`: ask `sync/txn/status` so often while no callback has come; null: never.",
    )
    path: str | None = Field(default=None, description="Path of synchronous search; default: the dialect's.")
    sender_id: str = Field(default="hearth", description="How the registry knows this gateway.")
    receiver_id: str | None = Field(default=None, description="How the registry is addressed; default: its id here.")
    sender_names: tuple[str, ...] = Field(
        default=(), description="What else it calls itself as the sender of signed callbacks."
    )
    reg_type: str = Field(description="Registry type in the search criteria sent to this registry.")
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")] | None = Field(
        default=None, description="Language of the answer; default: the dialect's, `eng`."
    )
    as_of_member: str | None = Field(
        default=None, description="Member of the search criteria that takes the past day asked about, an ISO date."
    )
    missing_item_means_no_record: bool = Field(
        default=False,
        description="The registry leaves out the answer item of a subject it does not hold. Off, an answer that "
        "lacks an item is refused, so that a broken answer never reads as 'nobody by that number'.",
    )
    consent: Purpose | None = Field(default=None, description="Sent as `consent` with every question; null: none is.")
    trust: DciTrust = Field(default=DciTrust(), description="What is signed and encrypted, and by which keys.")
    events: tuple[EventKind, ...] = Field(default=(), description="Kinds of event it can be subscribed to.")
    event_words: dict[EventKind, str] = Field(
        default={}, description="Kind of event -> its own word for it; default: the standard's for its type."
    )
    event_identifiers: tuple[str, ...] = Field(
        default=(), description="Identifier types by which it takes subscriptions; default: those of its persons."
    )
    lookups: dict[str, DciLookup] = Field(description="Lookup name -> how it is asked.")

    @model_validator(mode="after")
    def _parts_fit(self) -> DciOptions:
        if self.mode == "async" and self.callback is None and self.poll_s is None:
            raise ValueError("`mode: async` needs `callback`, or `poll_s`: its answers must arrive somehow")
        if self.events and self.callback is None:
            raise ValueError("`events` need `callback`: they arrive that way")
        if self.callback and self.callback.auth == "signature" and self.trust.answers != "required":
            raise ValueError("`callback.auth: signature` needs `trust.answers: required`")
        if self.spoken.criteria != "record_type":
            unnamed = sorted(name for name, lookup in self.lookups.items() if lookup.reg_event_type is None)
            if unnamed:
                raise ValueError(f"lookups need `reg_event_type` in this dialect: {', '.join(unnamed)}")
        return self

    @property
    def spoken(self) -> Dialect:
        """Return the dialect that the registry speaks."""
        return spoken(self.dialect, self.preset, self.quirks)

"""A data-sharing agreement: who may know what, for which purpose, in which form, from when until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag, model_validator

from standards.dci.events import EventKind
from standards.permit import Form, FormKind, Operator

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,59}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,59}$")]
SourceId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Version = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$")]
"""Two numbers, each written in one way only: `1.05` would be another name for 1.5, and neither would be the newer."""

RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*@\d+$")]
Number = Annotated[int | float, Field(allow_inf_nan=False)]


class Model(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class LegalBasis(StrEnum):
    """What makes a purpose lawful. Only `consent` depends on what the people concerned say."""

    CONSENT = "consent"
    PUBLIC_TASK = "public_task"
    VITAL_INTEREST = "vital_interest"
    LEGAL_OBLIGATION = "legal_obligation"
    CONTRACT = "contract"


class Consumer(Model):
    """The system that asks."""

    id: Id
    title: Text
    client_id: Text = Field(description="Name under which it obtains tokens.")
    sender_id: Text = Field(description="`sender_id` of its DCI messages.")
    sender_uris: tuple[Text, ...] = Field(default=(), description="Addresses it may name as its own.")
    callback_hosts: tuple[Text, ...] = Field(default=(), description="Hosts that results may be sent to.")


class Quota(Model):
    """How often it may ask. Days and months are those of UTC; a search counts once for each page."""

    per_day: int | None = Field(default=None, ge=1, description="Most questions a day; null: no limit.")
    per_month: int | None = Field(default=None, ge=1, description="Most questions a calendar month; null: no limit.")


class Purpose(Model):
    """Why it may ask."""

    title: Text
    legal_basis: LegalBasis
    reference: Text = Field(description="The law or decision behind the basis.")
    quota: Quota = Field(default=Quota(), description="How often it may ask for this purpose.")


class Household(Model):
    """How the household is found."""

    rule: RuleName = Field(description="Boundary rule with its version.", examples=["registered-or-kin@1"])


class BandForm(Model):
    """A number as the band it lies in."""

    form: Literal["band"]
    edges: tuple[Number, ...] = Field(min_length=1, description="Ascending lower edges, in the attribute's unit.")

    @model_validator(mode="after")
    def _ascending(self) -> BandForm:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("the edges must ascend, each named once")
        return self


class PredicateForm(Model):
    """A number as the answer to one yes/no question."""

    form: Literal["predicate"]
    operator: Operator
    threshold: Number | tuple[Number, ...] = Field(description="A number; for `in`, a list of numbers.")

    @model_validator(mode="after")
    def _threshold_fits(self) -> PredicateForm:
        if isinstance(self.threshold, tuple) != (self.operator is Operator.IN):
            raise ValueError("the threshold is a list of numbers for `in`, one number for every other operator")
        return self


class GeneralisedForm(Model):
    """Something coarser in place of the value."""

    form: Literal["generalised"]
    to: Literal["year", "month", "district", "region", "initial"]


class MaskedForm(Model):
    """All but the last two characters hidden."""

    form: Literal["masked"]


class PseudonymForm(Model):
    """A number as a keyed handle: the same person has another one at every programme."""

    form: Literal["pseudonym"]


def _form_tag(stated: Any) -> str | None:
    if isinstance(stated, str):
        return "value"
    tag = stated.get("form") if isinstance(stated, Mapping) else getattr(stated, "form", None)
    return tag if isinstance(tag, str) else None


FORM_REMEDY: Final = "write `value`, or `{form: band | predicate | generalised | masked | pseudonym, ...}`"

AttributeForm = Annotated[
    Annotated[Literal["value"], Tag("value")]
    | Annotated[BandForm, Tag("band")]
    | Annotated[PredicateForm, Tag("predicate")]
    | Annotated[GeneralisedForm, Tag("generalised")]
    | Annotated[MaskedForm, Tag("masked")]
    | Annotated[PseudonymForm, Tag("pseudonym")],
    Discriminator(
        _form_tag,
        custom_error_type="form_unknown",
        custom_error_message=FORM_REMEDY,
    ),
]


class SearchTerms(Model):
    """Right to look for people or households without naming them."""

    attributes: tuple[Code, ...] = Field(min_length=1, description="What may be searched and sorted by.")
    max_results: int = Field(ge=1, le=10_000, description="Most results of one search, over all its pages.")
    totals: Literal["exact", "rounded", "hidden"] = Field(
        default="exact", description="How the number of results is told: as it is, as the next multiple of 10, or not."
    )
    min_group_size: int = Field(
        default=1, ge=1, description="A search that finds fewer is answered as if it had found nobody; 1: no such rule."
    )


class ProbeTerms(Model):
    """How much may be asked of one attribute, in place of the gateway's own limits."""

    answers: int | None = Field(default=None, ge=1, description="Most answers about one person; null: the usual.")
    thresholds: int | None = Field(
        default=None, ge=1, description="Most different thresholds or bands about one person; null: the usual."
    )
    search_values: int | None = Field(
        default=None, ge=1, description="Most different values that searches compare it with; null: the usual."
    )


class BulkTerms(Model):
    """Right to ask about many people or households in one job."""

    max_questions: int = Field(ge=1, le=10_000_000, description="Most questions of one job.")


class EventTerms(Model):
    """Right to be told when something happens to people that it names."""

    kinds: tuple[EventKind, ...] = Field(min_length=1, description="What may be subscribed to.")
    min_interval_s: float = Field(
        default=3600.0, ge=1, description="Least time between two looks, where changes are found by looking; seconds."
    )
    max_subscriptions: int = Field(default=10_000, ge=1, description="Most subscriptions at one time.")


class Agreement(Model):
    """One version of one data-sharing agreement. A version in use is never changed: it gets a successor."""

    id: Id
    version: Version = Field(description='Version in quotes: "1.0".')
    consumer: Consumer
    title: Text
    start: date = Field(description="First day on which it holds.")
    end: date = Field(description="Last day on which it holds.")
    purposes: Mapping[Code, Purpose] = Field(min_length=1)
    household: Household | None = Field(default=None, description="Null: households may not be asked for.")
    attributes: Mapping[Code, AttributeForm] = Field(min_length=1, description="Attribute -> form.")
    max_age_s: float = Field(gt=0, description="Oldest source record that may serve an answer, in seconds.")
    stale_if_error_s: float = Field(
        default=0.0,
        ge=0,
        description="Seconds beyond max_age_s for which a record may stand in, labelled, while its registry is out.",
    )
    mandatory: tuple[SourceId, ...] = Field(
        default=(),
        description="Registries without whose word about the person asked about nothing is disclosed.",
    )
    retention_days: int = Field(ge=0, description="How long the consumer may keep what it was told, in days.")
    search: SearchTerms | None = Field(default=None, description="Null: only people it can name.")
    bulk: BulkTerms | None = Field(default=None, description="Null: no jobs, only messages that are answered at once.")
    events: EventTerms | None = Field(default=None, description="Null: no subscriptions, only answers to questions.")
    past: bool = Field(default=False, description="Right to ask how things were on a past day.")
    linkage: bool = Field(
        default=False,
        description="Right to have people looked up by name, birth date and place at registries that know no shared "
        "number: what is told to these, and read for it elsewhere, never leaves to the programme.",
    )
    hide_withheld: bool = Field(default=False, description="Show what is withheld as if it were absent.")
    even_time_ms: int = Field(
        default=0, ge=0, le=5000, description="Answers leave only after whole multiples of this; 0: when ready."
    )
    probes: Mapping[Code, ProbeTerms] = Field(
        default={}, description="Attribute -> how often a threshold on it may be asked; others: as the settings say."
    )

    @cached_property
    def forms(self) -> Mapping[str, Form]:
        """Attribute -> form, as permits carry it."""
        return MappingProxyType({name: form_of(name, stated) for name, stated in self.attributes.items()})

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Sorts versions: 1.10 comes after 1.9."""
        return tuple(int(part) for part in self.version.split("."))

    @property
    def name(self) -> str:
        """Return id and version, as answers and the journal name them: `uct-eligibility@1.0`."""
        return f"{self.id}@{self.version}"

    def holds_on(self, day: date) -> bool:
        """Tell whether the day lies within its term."""
        return self.start <= day <= self.end


def form_of(name: str, stated: AttributeForm) -> Form:
    """Return the form of an attribute as permits carry it."""
    match stated:
        case BandForm():
            return Form(FormKind.BAND, edges=stated.edges)
        case PredicateForm():
            return Form(FormKind.PREDICATE, operator=stated.operator, threshold=stated.threshold)
        case GeneralisedForm():
            return Form(FormKind.GENERALISED, to=stated.to)
        case MaskedForm():
            return Form(FormKind.MASKED)
        case PseudonymForm():
            return Form(FormKind.PSEUDONYM, to=name)
        case _:
            return VALUE


VALUE: Final = Form(FormKind.VALUE)


def in_force(agreements: Iterable[Agreement], day: date) -> tuple[Agreement, ...]:
    """Return what holds on a day: of each agreement the newest version that has started, unless it has ended.

    A version that has started replaces the older ones for good. Ending it early therefore ends the agreement, and
    does not bring a wider, older version back.
    """
    newest: dict[str, Agreement] = {}
    for agreement in agreements:
        known = newest.get(agreement.id)
        if agreement.start <= day and (known is None or agreement.order > known.order):
            newest[agreement.id] = agreement
    return tuple(newest[id_] for id_ in sorted(newest) if newest[id_].holds_on(day))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of an agreement file, for editors and for checks elsewhere."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Agreement.model_json_schema()}

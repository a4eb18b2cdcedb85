"""A rehearsal: what would a programme see of a made-up household, with the reason for each hole. Asks nobody.

The decision and the minimisation are those of real questions; only the household is invented, and the composing that
real registries' answers need is left out. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from policies.agreement import Code, Model, SourceId, Text
from policies.consent import allows_objection, needs_consent
from policies.engine import decide, decide_person, readable
from policies.facts import Facts
from policies.minimise import minimise
from policies.ports import Standing, StandingKind
from standards.errors import ConfigurationError
from standards.household import Evidence, HouseholdProfile, Member
from standards.identifiers import Identifier
from standards.permit import Denial, DisclosureRequest, Permit, PersonPermit, Reason
from standards.states import (
    Absent,
    AttributeState,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
    WithheldReason,
)

if TYPE_CHECKING:
    from policies.agreement import Agreement
    from policies.handles import Handles
    from standards.attributes import Catalogue

HOUSEHOLD: Final = "household"
"""Name of the household among those whose attributes are told."""
MADE_UP: Final = "made_up"
"""Source of what a made-up household states without naming one."""

Derive = Callable[[HouseholdProfile, frozenset[str], datetime], HouseholdProfile]
"""Computes derived attributes: profile, names wanted, now -> profile."""


class Refusal(Model):
    """A grant with exceptions."""

    refused_sources: tuple[SourceId, ...] = Field(min_length=1)


Decided = Literal["granted", "refused", "missing", "objected"] | Refusal


def _as_registries_write(value: object) -> object:
    """Return a date as text: YAML reads one where a registry writes text."""
    return value.isoformat() if isinstance(value, date) else value


class Stated(Model):
    """What a registry says of one attribute."""

    value: Annotated[Any, BeforeValidator(_as_registries_write)] = None
    source: SourceId = Field(default=MADE_UP, alias="from", description="Registry that says so.")
    unavailable: UnavailableReason | None = Field(default=None, description="Why it could not be obtained.")
    absent: bool = Field(default=False, description="The registry answered, and has nothing there.")


def _stated(given: object) -> object:
    """Let a file write `given_name: Asha` for `given_name: {value: Asha}`."""
    return given if isinstance(given, Mapping) else {"value": given}


Said = Mapping[Code, Annotated[Stated, BeforeValidator(_stated)]]


class Person(Model):
    """One made-up member."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = Field(description="How the case calls the person.")
    relationship: Text = Field(default="", description="To the head, DCI Relationship code; `SELF` for the head.")
    consent: Decided = Field(
        default="missing",
        description="What the person has decided about the purpose; under a public task, only `objected` counts.",
    )
    knows: Said = Field(default={}, description="What registries say about the person.")


class Household(Model):
    """A made-up household; the first member is the one asked about."""

    members: tuple[Person, ...] = Field(min_length=1)
    facts: Said = Field(default={}, description="What registries say about the household itself.")


class Question(Model):
    """What the programme asks."""

    purpose: str = ""
    attributes: tuple[Code, ...] | None = Field(default=None, description="Null: everything agreed.")
    on: date | None = Field(default=None, description="Day of the question; null: the agreement's first.")
    search_by: tuple[Code, ...] | None = Field(default=None, description="For a search that names nobody.")
    bulk: int | None = Field(default=None, ge=1, description="For a job: how many questions it asks.")
    past: bool = Field(default=False, description="The question is about a past day.")


class Told(NamedTuple):
    """What became of one attribute."""

    who: str
    """Name of a member, or `household`."""
    attribute: str
    state: AttributeState


class Rehearsed(NamedTuple):
    """The outcome: reasons against the whole question, or every attribute in its state."""

    denials: tuple[Denial, ...]
    told: tuple[Told, ...]
    permit: Permit | None


class Surroundings(NamedTuple):
    """What a rehearsal needs of the gateway it stands for."""

    catalogue: Catalogue
    holders: Mapping[str, frozenset[str]]
    """Attribute -> registries that hold it."""
    derive: Derive
    handles: Callable[[str, date], Handles]


def rehearse(agreement: Agreement, asked: Question, household: Household, around: Surroundings) -> Rehearsed:
    """Return what a question under an agreement would tell of a made-up household."""
    _refuse_unknown(household, around.catalogue)
    now = datetime.combine(asked.on or agreement.start, time(12), UTC)
    purpose = asked.purpose or (next(iter(agreement.purposes)) if len(agreement.purposes) == 1 else "")
    subject = None if asked.search_by is not None else Identifier("UIN", "1")
    names = None if asked.attributes is None else frozenset(asked.attributes)
    request = DisclosureRequest(agreement.consumer.id, purpose, subject, names)
    searched = None if asked.search_by is None else frozenset(asked.search_by)
    decision = decide(request, Facts((agreement,), now, around.catalogue, searched, asked.bulk))
    if not isinstance(decision, Permit):
        return Rehearsed(decision, (), None)
    if asked.past and not decision.allows_past:
        return Rehearsed((Denial(Reason.PAST_NOT_AGREED, "agree the right to ask about the past"),), (), None)
    people = [decide_person(decision, _standing(person, decision), around.holders) for person in household.members]
    profile = around.derive(_read(household, people, decision, around, now), frozenset(decision.forms), now)
    handles = around.handles(decision.consumer_id, now.date())
    answer = minimise(profile, decision, dict(enumerate(people)), handles)
    told = [Told(HOUSEHOLD, name, state) for name, state in answer.attributes.items()]
    for member, person in zip(answer.members, household.members, strict=True):
        told += [Told(person.name, name, state) for name, state in member.attributes.items()]
    return Rehearsed((), tuple(told), decision)


def _refuse_unknown(household: Household, catalogue: Catalogue) -> None:
    named = {*household.facts, *(name for person in household.members for name in person.knows)}
    if unknown := sorted(name for name in named if name not in catalogue):
        raise ConfigurationError(f"the catalogue has no attribute {', '.join(unknown)}")
    names = [person.name for person in household.members]
    if len(set(names)) != len(names) or HOUSEHOLD in names:
        raise ConfigurationError("give every member of the household a name of their own, other than `household`")


def _standing(person: Person, permit: Permit) -> Standing | None:
    if not needs_consent(permit):
        objects = person.consent == "objected" and allows_objection(permit)
        return Standing(StandingKind.OBJECTED, is_objection=True) if objects else None
    if isinstance(person.consent, Refusal):
        return Standing(StandingKind.GRANTED, frozenset(person.consent.refused_sources))
    # Under consent nobody needs to object: whoever would has not granted, or refuses.
    return Standing(StandingKind.REFUSED if person.consent == "objected" else StandingKind(person.consent))


def _read(
    household: Household, people: list[PersonPermit], permit: Permit, around: Surroundings, now: datetime
) -> HouseholdProfile:
    """Return what a gateway would have read: of each person what the permit needs, and nothing of what is refused."""
    members = tuple(
        Member(
            number,
            {},
            person.relationship,
            (Evidence("asked"),) if number == 0 else (),
            _states(person.knows, allowed, permit, around, now),
        )
        for number, (person, allowed) in enumerate(zip(household.members, people, strict=True))
    )
    group = _states(household.facts, people[0], permit, around, now)
    return HouseholdProfile(permit.household_rule, 0, members, group, {})


def _states(
    stated: Said, allowed: PersonPermit, permit: Permit, around: Surroundings, now: datetime
) -> dict[str, AttributeState]:
    # INVARIANT: no source is asked about a person without a permit for that person, that source and that attribute.
    wanted, permitted = readable(permit.forms, around.catalogue), readable(allowed.forms, around.catalogue)
    return {
        name: _state(said, now)
        if name in permitted and said.source not in allowed.refused_sources
        else Withheld(WithheldReason.INPUT_WITHHELD)
        for name, said in stated.items()
        if name in wanted or name in permit.forms
    }


def _state(said: Stated, now: datetime) -> AttributeState:
    if said.unavailable is not None:
        return Unavailable(said.unavailable, said.source)
    provenance = Provenance(said.source, now)
    return Absent(provenance) if said.absent or said.value is None else Value(said.value, provenance)

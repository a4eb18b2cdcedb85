"""Derive: attributes computed from others, as the catalogue's CEL expressions say; three-valued. Pure.

An input that is not known is simply not there when the expression runs. CEL then finds out by itself whether the
result depends on it: `true || unknown` is true, a sum over something unknown is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import cel

from standards.attributes import AttributeDefinition, Catalogue
from standards.dates import years_between
from standards.errors import ConfigurationError
from standards.household import HouseholdProfile, Member
from standards.states import (
    Absent,
    AttributeState,
    Conflict,
    JsonValue,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
    WithheldReason,
)

SOURCE = "derived"


class Deriver:
    """Evaluates the derived attributes of one catalogue; every expression is compiled when it is made."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._programs: dict[str, Any] = {}
        for name in catalogue.derived_order:
            derived = catalogue[name].derived
            try:
                self._programs[name] = cel.compile(derived.expression) if derived else None
            except ValueError as error:
                raise ConfigurationError(f"the expression of {name} in the catalogue does not compile") from error

    def derive(self, profile: HouseholdProfile, names: frozenset[str], now: datetime) -> HouseholdProfile:
        """Return the profile with every derived attribute that `names` need, computed from what is known."""
        for definition in self._needed(names):
            if definition.entity == "person":
                members = tuple(
                    m._replace(
                        attributes={
                            **m.attributes,
                            definition.name: self._of_person(definition, m.attributes, now),
                        }
                    )
                    for m in profile.members
                )
                profile = profile._replace(members=members)
            else:
                state = self._of_household(definition, profile, now)
                profile = profile._replace(attributes={**profile.attributes, definition.name: state})
        return profile

    def _needed(self, names: frozenset[str]) -> list[AttributeDefinition]:
        """Return the derived attributes among the names and among their inputs, inputs first."""
        wanted = set(names)
        for name in reversed(self._catalogue.derived_order):
            if name in wanted and (derived := self._catalogue[name].derived):
                wanted.update(derived.inputs)
        return [self._catalogue[name] for name in self._catalogue.derived_order if name in wanted]

    def _of_person(
        self, definition: AttributeDefinition, attributes: Mapping[str, AttributeState], now: datetime
    ) -> AttributeState:
        known: dict[str, object] = {}
        states = [self._put(definition, name, attributes.get(name), known) for name in self._inputs(definition)]
        return self._evaluate(definition, known, states, now)

    def _of_household(
        self, definition: AttributeDefinition, profile: HouseholdProfile, now: datetime
    ) -> AttributeState:
        known: dict[str, object] = {}
        states: list[AttributeState | None] = []
        members = self._certain(profile)
        people: list[dict[str, object]] = [{} for _ in members]
        over_members = False
        for name in self._inputs(definition):
            if self._catalogue[name].entity == "household":
                states.append(self._put(definition, name, profile.attributes.get(name), known))
                continue
            over_members = True
            for member, person in zip(members, people, strict=True):
                states.append(self._put(definition, name, member.attributes.get(name), person))
        if over_members:
            known["members"] = people
            if profile.unheard and not (definition.derived and definition.derived.any_member):
                return Unavailable(UnavailableReason.MEMBERSHIP_INCOMPLETE, profile.unheard[0])
        result = self._evaluate(definition, known, states, now)
        if profile.unheard and over_members and not (isinstance(result, Value) and result.value is True):
            # Somebody may be missing from the list: "there is one" stands, "there is none" does not.
            return Unavailable(UnavailableReason.MEMBERSHIP_INCOMPLETE, profile.unheard[0])
        return result

    @staticmethod
    def _certain(profile: HouseholdProfile) -> tuple[Member, ...]:
        """Return those who are members whatever the sources will say that could not be heard."""
        if not profile.unheard:
            return profile.members
        return tuple(m for m in profile.members if any(e.basis == "asked" for e in m.evidence))

    @staticmethod
    def _inputs(definition: AttributeDefinition) -> tuple[str, ...]:
        return definition.derived.inputs if definition.derived else ()

    def _put(
        self,
        definition: AttributeDefinition,
        name: str,
        state: AttributeState | None,
        into: dict[str, object],
    ) -> AttributeState | None:
        """Put one input's value where the expression looks for it, unless it is not known; return its state."""
        if isinstance(state, Conflict):
            state = state.settled
        if isinstance(state, Value):
            into[name] = _for_cel(self._catalogue[name], state.value)
        elif isinstance(state, Absent) and definition.derived and name in definition.derived.absent_as:
            into[name] = definition.derived.absent_as[name]
        return state

    def _evaluate(
        self,
        definition: AttributeDefinition,
        known: dict[str, object],
        states: list[AttributeState | None],
        now: datetime,
    ) -> AttributeState:
        context = cel.Context()
        context.add_function("sum", sum)
        context.add_function("years_between", _years_between)
        context.add_variable("today", datetime(now.year, now.month, now.day, tzinfo=now.tzinfo))
        for name, value in known.items():
            context.add_variable(name, value)
        try:
            result = self._programs[definition.name].execute(context)
        except (KeyError, RuntimeError):
            return _unknown(states, now)
        return Value(_from_cel(definition, result), _provenance(definition, states, now))


def _unknown(states: list[AttributeState | None], now: datetime) -> AttributeState:
    """Return why a result is not known: an input kept back, one not obtained, or one that nobody has."""
    if any(isinstance(s, Withheld) for s in states):
        return Withheld(WithheldReason.INPUT_WITHHELD)
    for state in states:
        if isinstance(state, Unavailable):
            return Unavailable(UnavailableReason.INPUT_UNAVAILABLE, state.source_id)
    if states and all(isinstance(s, Absent | Value) for s in states):
        return Absent(Provenance(SOURCE, now))
    return Unavailable(UnavailableReason.INPUT_UNAVAILABLE)


def _provenance(definition: AttributeDefinition, states: list[AttributeState | None], now: datetime) -> Provenance:
    """Return the origin of a computed value: as old as its oldest input, and from the cache if any input was."""
    inputs = [s.provenance for s in states if isinstance(s, Value | Absent)]
    dates = [p.as_of for p in inputs if p.as_of]
    return Provenance(
        SOURCE,
        min((p.retrieved_at for p in inputs), default=now),
        min(dates, default=None),
        any(p.cached for p in inputs),
        definition.derived.inputs if definition.derived else (),
    )


def _for_cel(definition: AttributeDefinition, value: JsonValue) -> object:
    if definition.type == "date" and isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    if definition.type == "decimal" and isinstance(value, int):
        return float(value)
    return value


def _from_cel(definition: AttributeDefinition, value: Any) -> JsonValue:
    if definition.type in {"integer", "money"} and isinstance(value, float):
        return int(value)
    if definition.type == "decimal" and isinstance(value, float):
        return round(value, 6)
    return value


def _years_between(start: datetime, end: datetime) -> int:
    return years_between(date(start.year, start.month, start.day), date(end.year, end.month, end.day))

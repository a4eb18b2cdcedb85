"""Derive: attributes computed from others, as the catalogue's expressions say; three-valued. Pure.

INVARIANT: a derived attribute is never wrong. Whatever is unknown may turn out to be anything; the result either is the
same for all of it, or it is unknown too.

The people of a household are handed over once for all expressions of a question, and to CEL only when an expression has
no shortcut for what is known: converting people for CEL costs more than evaluating over them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from gateway.stages.expression import UNKNOWN, Expression, Known, Scope, compiled
from gateway.stages.shortcut import KIND_OF, fits
from standards.attributes import AttributeDefinition, Catalogue, Entity, ValueType
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
DECIMALS = 6
"""Places after the point to which a computed decimal is rounded."""
KNOWN_AT_MOST = 1024
"""Sets of names whose recipes are remembered; what consumers may vary freely must not fill the memory."""

States = list[AttributeState | None]


class _Recipe(NamedTuple):
    """One derived attribute, ready to be computed."""

    name: str
    type: ValueType
    expression: Expression
    inputs: tuple[str, ...]
    of_member: tuple[str, ...]
    """Inputs that are facts of each member."""
    own: tuple[str, ...]
    """Inputs of the same person, or of the household itself."""
    absent_as: Mapping[str, JsonValue]
    view: int
    """Expressions of one view count an absent input as the same, and share what is handed to CEL."""


class _Recipes(NamedTuple):
    """What a set of names needs, inputs first."""

    of_person: tuple[_Recipe, ...]
    of_household: tuple[_Recipe, ...]
    views: Mapping[int, _View]


class _View(NamedTuple):
    """What the expressions of one view are told of every member."""

    names: tuple[str, ...]
    absent_as: Mapping[str, JsonValue]


class Deriver:
    """Evaluates the derived attributes of one catalogue; every expression is compiled when it is made.

    Raises: ConfigurationError for an expression that is wrong.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._decimals = frozenset(d.name for d in catalogue if d.type is ValueType.DECIMAL)
        self._kinds = {d.name: KIND_OF.get(d.type) for d in catalogue}
        self._recipes: dict[str, _Recipe] = {}
        treatments: list[dict[str, object]] = []
        for name in catalogue.derived_order:
            recipe = self._recipe(catalogue[name], treatments)
            self._recipes[name] = recipe
        self._needed: dict[frozenset[str], _Recipes] = {}

    def derive(
        self, profile: HouseholdProfile, names: frozenset[str], now: datetime, today: date | None = None
    ) -> HouseholdProfile:
        """Return the profile with every derived attribute that `names` need, computed from what is known.

        today: the day for which it is computed, where that is not today.
        """
        recipes = self._needed.get(names) or self._remember(names)
        day = (today or now.date()).isoformat()
        members, attributes = profile.members, profile.attributes
        if recipes.of_person:
            members = tuple(self._with_own(members, recipes.of_person, day, now))
        if recipes.of_household:
            attributes = self._of_household(profile._replace(members=members), recipes, day, now)
        return profile._replace(members=members, attributes=attributes)

    # -- at start ------------------------------------------------------------------------------------------

    def _recipe(self, definition: AttributeDefinition, treatments: list[dict[str, object]]) -> _Recipe:
        derived = definition.derived
        if derived is None:
            raise LookupError(definition.name)  # `derived_order` names no other
        of_household = definition.entity is Entity.HOUSEHOLD
        kinds = {name: self._catalogue[name].entity is Entity.PERSON for name in derived.inputs}
        if not of_household and not all(kinds.values()):
            raise ConfigurationError(f"the catalogue derives {definition.name} of a person from facts of a household")
        of_member = {name: of_household and is_person for name, is_person in kinds.items()}
        expression = compiled(definition.name, derived.expression, of_member, self._kinds)
        if derived.any_member and expression.one_settles is None:
            raise ConfigurationError(
                f"the catalogue says that any member settles {definition.name}: its expression must be "
                "members.exists(...) or members.all(...) as a whole"
            )
        return _Recipe(
            name=definition.name,
            type=definition.type,
            expression=expression._replace(one_settles=expression.one_settles if derived.any_member else None),
            inputs=derived.inputs,
            of_member=tuple(name for name, yes in of_member.items() if yes),
            own=tuple(name for name, yes in of_member.items() if not yes),
            absent_as=derived.absent_as,
            view=_view({name: derived.absent_as.get(name, UNKNOWN) for name in derived.inputs}, treatments),
        )

    def _remember(self, names: frozenset[str]) -> _Recipes:
        """Return what the derived attributes among the names need."""
        wanted = set(names)
        for name in reversed(self._catalogue.derived_order):
            if name in wanted:
                wanted.update(self._recipes[name].inputs)
        needed = [self._recipes[name] for name in self._catalogue.derived_order if name in wanted]
        of_household = [r for r in needed if self._catalogue[r.name].entity is Entity.HOUSEHOLD]
        views: dict[int, _View] = {}
        for recipe in of_household:
            names_before, absent_before = views.get(recipe.view, ((), {}))
            names_now = tuple(dict.fromkeys((*names_before, *recipe.of_member)))
            views[recipe.view] = _View(names_now, {**absent_before, **recipe.absent_as})
        found = _Recipes(tuple(r for r in needed if r not in of_household), tuple(of_household), views)
        if len(self._needed) >= KNOWN_AT_MOST:
            self._needed.clear()
        self._needed[names] = found
        return found

    # -- for every question --------------------------------------------------------------------------------

    def _with_own(
        self, members: Iterable[Member], recipes: Sequence[_Recipe], day: str, now: datetime
    ) -> Iterable[Member]:
        """Yield the members with what is computed from each one's own facts."""
        for member in members:
            attributes = {**member.attributes}
            for recipe in recipes:
                known = self._known(recipe.own, attributes, recipe.absent_as)
                is_plain = fits(known, self._kinds)
                known["today"] = day
                outcome = recipe.expression.evaluate(Scope(known, is_plain=is_plain))
                attributes[recipe.name] = _result(recipe, outcome, list(map(attributes.get, recipe.own)), now)
            yield Member(member.number, member.identifiers, member.relationship, member.evidence, attributes)

    def _of_household(
        self, profile: HouseholdProfile, recipes: _Recipes, day: str, now: datetime
    ) -> Mapping[str, AttributeState]:
        attributes = dict(profile.attributes)
        facts = [member.attributes for member in _certain(profile)]
        scopes: dict[int, tuple[Scope, list[Known]]] = {}
        for recipe in recipes.of_household:
            expression = recipe.expression
            if profile.unheard and expression.over_members and expression.one_settles is None:
                attributes[recipe.name] = _incomplete(profile)
                continue
            if recipe.view not in scopes:
                names, absent_as = recipes.views[recipe.view]
                people = [self._known(names, of_one, absent_as) for of_one in facts]
                is_plain = all(fits(person, self._kinds) for person in people)
                scopes[recipe.view] = Scope({"today": day, "members": people}, is_plain=is_plain), people
            scope, people = scopes[recipe.view]
            own = self._known(recipe.own, attributes, recipe.absent_as)
            scope.put(own, is_plain=fits(own, self._kinds))
            outcome = expression.evaluate(scope)
            if expression.one_settles is not None:
                own["today"] = day
                outcome = _settled_by_one(expression, outcome, people, own, is_whole=not profile.unheard)
            if outcome is UNKNOWN and profile.unheard and expression.over_members:
                attributes[recipe.name] = _incomplete(profile)
            else:
                states: States = list(map(attributes.get, recipe.own))
                states += [of_one.get(name) for name in recipe.of_member for of_one in facts]
                attributes[recipe.name] = _result(recipe, outcome, states, now)
        return attributes

    def _known(
        self, names: Sequence[str], states: Mapping[str, AttributeState], absent_as: Mapping[str, JsonValue]
    ) -> Known:
        """Return the inputs whose value is known, or whose absence counts as a value."""
        known: Known = {}
        for name in names:
            state = states.get(name)
            if type(state) is Conflict:
                state = state.settled
            if type(state) is Value:
                # CEL does not mix whole numbers and others in one sum.
                known[name] = float(state.value) if name in self._decimals else state.value  # type: ignore[arg-type]
            elif type(state) is Absent and name in absent_as:
                known[name] = absent_as[name]
        return known


def _settled_by_one(
    expression: Expression, outcome: Any, people: Iterable[Known], own: Known, *, is_whole: bool
) -> Any:
    """Return the result over all members, where one of them settles it whatever is unknown about the others."""
    if outcome is UNKNOWN:
        # CEL gives up at the first member of whom it is not known; a later one may settle it all the same.
        for person in people:
            if expression.evaluate(Scope({**own, "members": [person]})) is expression.one_settles:
                return expression.one_settles
    # Somebody may be missing from the list: "there is one" stands then, "there is none" does not.
    return outcome if is_whole or outcome is expression.one_settles else UNKNOWN


def _view(treatment: dict[str, object], treatments: list[dict[str, object]]) -> int:
    """Return the first view that treats every absent input as this expression does, and join it."""
    for place, other in enumerate(treatments):
        if all(other.get(name, value) == value for name, value in treatment.items()):
            other.update(treatment)
            return place
    treatments.append(dict(treatment))
    return len(treatments) - 1


def _certain(profile: HouseholdProfile) -> tuple[Member, ...]:
    """Return those who are members whatever the sources will say that could not be heard."""
    if not profile.unheard:
        return profile.members
    return tuple(m for m in profile.members if any(e.basis == "asked" for e in m.evidence))


def _incomplete(profile: HouseholdProfile) -> Unavailable:
    return Unavailable(UnavailableReason.MEMBERSHIP_INCOMPLETE, profile.unheard[0])


def _result(recipe: _Recipe, outcome: Any, states: States, now: datetime) -> AttributeState:
    """Return the state of a computed attribute; None means that there is no such value."""
    if outcome is UNKNOWN:
        return _unknown(states, now)
    provenance = _provenance(recipe, states, now)
    return Absent(provenance) if outcome is None else Value(_rounded(recipe.type, outcome), provenance)


def _unknown(states: States, now: datetime) -> AttributeState:
    """Return why a result is not known: an input kept back, one not obtained, or one that nobody has."""
    if any(isinstance(s, Withheld) for s in states):
        return Withheld(WithheldReason.INPUT_WITHHELD)
    for state in states:
        if isinstance(state, Unavailable):
            whose = UnavailableReason.MEMBERSHIP_INCOMPLETE
            return Unavailable(whose if state.reason is whose else UnavailableReason.INPUT_UNAVAILABLE, state.source_id)
    if states and None not in states:
        return Absent(Provenance(SOURCE, now))
    return Unavailable(UnavailableReason.INPUT_UNAVAILABLE)


def _provenance(recipe: _Recipe, states: States, now: datetime) -> Provenance:
    """Return the origin of a computed value: as old as its oldest input, and from the cache if any input was."""
    retrieved_at: datetime | None = None
    as_of: str | None = None
    cached = stale = False
    for state in states:
        known = state.settled if type(state) is Conflict else state
        if type(known) is Value or type(known) is Absent:
            one = known.provenance
            if retrieved_at is None or one.retrieved_at < retrieved_at:
                retrieved_at = one.retrieved_at
            if one.as_of and (not as_of or one.as_of < as_of):
                as_of = one.as_of
            cached, stale = cached or one.cached, stale or one.stale
    return Provenance(SOURCE, retrieved_at or now, as_of, cached, recipe.inputs, stale)


def _rounded(type_: ValueType, value: Any) -> JsonValue:
    """Return a number as its type has it: whole ones by halves away from zero, others to `DECIMALS` places."""
    if type_ is ValueType.DECIMAL:
        return round(float(value), DECIMALS) + 0.0
    if type_ in {ValueType.INTEGER, ValueType.MONEY} and isinstance(value, float):
        return int(math.copysign(math.floor(abs(value) + 0.5), value))
    return value

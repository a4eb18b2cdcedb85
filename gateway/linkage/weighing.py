"""What speaks for a candidate and what against, in bits: by trait, by level, by how rare a name is. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.linkage.comparing import LEVELS, Level, Trait, compare
from gateway.linkage.features import Features, features_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.ports import Candidate
    from gateway.linkage.model import LinkageModel, Rule, TraitModel
    from standards.states import JsonValue

_SAME_SOUND: Final = (Level.EXACT, Level.TRANSLITERATED, Level.SOUNDS_ALIKE)
"""Levels at which both names have one phonetic key, so that it can be rare."""


class Reason(NamedTuple):
    """What one trait said. It holds no value."""

    trait: str
    level: str
    weight: float


class Weighed(NamedTuple):
    """A candidate, weighed."""

    candidate: Candidate
    score: float
    reasons: tuple[Reason, ...]
    rule: str | None
    """A deterministic rule that it fulfils."""
    is_somebody_else: bool
    """Whether it can never be the person, however much agrees."""
    is_doubtful: bool
    """Whether no score makes it the person."""


class Scales:
    """Weighs candidates of one person.

    model: what each agreement weighs.
    """

    def __init__(self, identifiers: Mapping[str, str], traits: Mapping[str, JsonValue], model: LinkageModel) -> None:
        self._model = model
        self._unsaid = model.unsaid
        self._known = features_of(identifiers, traits, self._unsaid)

    def weighed(self, candidate: Candidate) -> Weighed:
        """Return a candidate with what speaks for and against it."""
        features = features_of(candidate.identifiers, candidate.traits, self._unsaid)
        levels = compare(self._known, features)
        score, reasons = scored(levels, self._known, self._model)
        model = self._model
        rule = next((rule.name for rule in model.rules if _holds(rule, levels)), None)
        never, doubtful = (any(_holds(rule, levels) for rule in rules) for rules in (model.never, model.doubts))
        return Weighed(candidate, score, reasons, rule, never, doubtful)

    def most(self) -> float:
        """Return the score of a candidate that agrees in everything that is known of the person."""
        known, model = self._known, self._model
        levels = compare(known, known)
        return model.prior_bits + sum(
            _weight(told, LEVELS[trait][0], trait, known)
            for trait, told in model.traits.items()
            if levels[trait] is not Level.MISSING
        )


def scored(levels: Mapping[Trait, Level], known: Features, model: LinkageModel) -> tuple[float, tuple[Reason, ...]]:
    """Return the score of some levels, and what each trait said."""
    reasons = tuple(
        # INVARIANT: a missing trait neither helps nor harms.
        Reason(trait, level, 0.0 if level is Level.MISSING else round(_weight(told, level, trait, known), 3))
        for trait, told in model.traits.items()
        for level in [levels[trait]]
    )
    return round(model.prior_bits + sum(reason.weight for reason in reasons), 3), reasons


def _weight(told: TraitModel, level: Level, trait: Trait, known: Features) -> float:
    weight = told.levels[level].weight
    if told.frequencies is None or level not in _SAME_SOUND:
        return weight
    name = known.given if trait is Trait.GIVEN_NAME else known.surname
    adjusted = weight + told.frequencies.adjustment(name.sound if name else "")
    # A common name still weighs no less than one that is only close.
    return max(adjusted, told.levels[Level.CLOSE].weight)


def _holds(rule: Rule, levels: Mapping[Trait, Level]) -> bool:
    return all(levels[trait] in needed for trait, needed in rule.needs.items())

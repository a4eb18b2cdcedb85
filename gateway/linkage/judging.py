"""The decision whether one of some candidates is the person asked about: yes, no, or somebody has to look. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from gateway.linkage.weighing import Reason, Scales, Weighed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.ports import Candidate
    from gateway.linkage.model import LinkageModel
    from standards.states import JsonValue

__all__ = ["Known", "Outcome", "Ranking", "Reason", "Verdict", "judge", "rank"]


class Outcome(StrEnum):
    """What was decided."""

    MATCH = "match"
    AMBIGUOUS = "ambiguous"
    """Nobody is merged, and nobody is said not to be there."""
    NONE = "none"


class Known(NamedTuple):
    """What is known of the person asked about."""

    identifiers: Mapping[str, str]
    traits: Mapping[str, JsonValue]
    """Attribute of the catalogue -> value; also `birth_year` and `kin_numbers` (features.py)."""


class Verdict(NamedTuple):
    """What was decided, and why: trait, level and weight, never a value."""

    outcome: Outcome
    identifiers: Mapping[str, str]
    """Of the match; empty otherwise."""
    score: float
    """Of the best candidate, in bits; the prior where there is none."""
    rival: float | None
    """Score of the second best, if there is one."""
    reasons: tuple[Reason, ...]
    """Of the best candidate."""
    rule: str | None
    """The deterministic rule that decided, or `reviewed`."""
    is_reviewed: bool = False
    """Whether officers decided about the person there: they may decide otherwise at any time."""


class Ranking(NamedTuple):
    """The candidates of one person who are not somebody else for certain, best first."""

    weighed: tuple[Weighed, ...]
    is_too_little_known: bool
    """Whether even full agreement would not be worth a look: then nobody can be said not to be there."""
    start: float
    """The score before anything is compared."""


def judge(known: Known, candidates: Sequence[Candidate], model: LinkageModel, *, cut: bool) -> Verdict:
    """Return which candidate is the person, if one is for certain.

    cut: whether there were more candidates than were brought, so that the right one may be missing.
    """
    return decided(rank(known, candidates, model), model, cut=cut)


def rank(known: Known, candidates: Sequence[Candidate], model: LinkageModel) -> Ranking:
    """Weigh candidates, each number once, and put the best first, whatever order they came in."""
    scales = Scales(known.identifiers, known.traits, model)
    best: dict[tuple[tuple[str, str], ...], Weighed] = {}
    for one in map(scales.weighed, candidates):
        name = tuple(sorted(one.candidate.identifiers.items()))
        if not one.is_somebody_else and (name not in best or _standing(one) > _standing(best[name])):
            best[name] = one
    ordered = sorted(best.items(), key=lambda entry: (-entry[1].score, entry[0]))
    is_too_little = bool(candidates) and scales.most() < model.thresholds.review
    return Ranking(tuple(one for _, one in ordered), is_too_little, model.prior_bits)


def _standing(one: Weighed) -> tuple[float, bool, tuple[Reason, ...]]:
    return one.score, one.rule is not None, one.reasons


def decided(ranking: Ranking, model: LinkageModel, *, cut: bool) -> Verdict:
    """Return the verdict over ranked candidates: deterministic rules first, then thresholds and margin."""
    by_rule = [one for one in ranking.weighed if one.rule is not None]
    if len(by_rule) == 1 and by_rule[0].score >= ranking.weighed[0].score:
        rivals = [one.score for one in ranking.weighed if one is not by_rule[0]]
        return matched(by_rule[0], max(rivals, default=None), by_rule[0].rule)
    if not ranking.weighed:
        # INVARIANT: a list that was cut, or a person of whom hardly anything is known, never reads as "nobody".
        outcome = Outcome.AMBIGUOUS if cut or ranking.is_too_little_known else Outcome.NONE
        return Verdict(outcome, {}, round(ranking.start, 3), None, (), None)
    best = ranking.weighed[0]
    rival = ranking.weighed[1].score if len(ranking.weighed) > 1 else None
    leads = rival is None or best.score - rival >= model.margin
    is_sure = best.score >= model.thresholds.match and not best.is_doubtful
    # INVARIANT: nobody is merged below the upper threshold, in doubt, without a lead, or out of a list that was cut.
    if is_sure and leads and not cut and not by_rule:
        return matched(best, rival, None)
    is_open = cut or ranking.is_too_little_known or best.score >= model.thresholds.review or bool(by_rule)
    return Verdict(Outcome.AMBIGUOUS if is_open else Outcome.NONE, {}, best.score, rival, best.reasons, None)


def matched(one: Weighed, rival: float | None, rule: str | None) -> Verdict:
    """Return the verdict that a candidate is the person."""
    return Verdict(Outcome.MATCH, dict(one.candidate.identifiers), one.score, rival, one.reasons, rule)


def contenders(ranking: Ranking, model: LinkageModel) -> tuple[Weighed, ...]:
    """Return whom somebody has to look at where a verdict is ambiguous: who reaches the lower threshold."""
    return tuple(one for one in ranking.weighed if one.score >= model.thresholds.review or one.rule is not None)

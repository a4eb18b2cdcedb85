"""A linkage model, learned: from records whose truth is known, or from unlabelled ones. Pure, seeded."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway.linkage.blocking import Listed
from gateway.linkage.comparing import LEVELS, Level, Trait
from gateway.linkage.estimating import LEAST_M, RANDOM_PAIRS, Counts, Shares, by_chance, counted, estimated, shares
from gateway.linkage.features import Features, Unsaid, features_of
from gateway.linkage.judging import rank
from gateway.linkage.model import LinkageModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gateway.linkage.truth import Truth

BEARERS: Final = 20
"""People who must bear names of one phonetic key for its share to stand in a model."""
_PLACES: Final = 6
"""Decimals of what is written."""
_SHARE_PLACES: Final = 5
_FEWEST: Final = 20
"""Pairs that a trait must have been compared in for its odds to be learned; others keep those they had."""
_REVIEWED: Final = 0.005
"""Share of people in the list who may score too low to be looked at."""
_STEP_BITS: Final = 0.5
_SURE_BITS: Final = 20.0
"""The upper threshold where no truth says how high wrong pairs score: far above an even chance, as kin are alike."""
_LEAST_BITS: Final = 10.0
"""The upper threshold at least: a small list has few wrong pairs to learn from, and none of them may come near."""
_OPEN_BITS: Final = 5.0
"""The lower one, there."""


class How(NamedTuple):
    """How a model is learned."""

    is_labelled: bool = True
    """Whether the truth is used; without it, only that two lists hold the same people."""
    margin: float = 3.0
    """Bits: between the best wrong pair and the threshold, and between the best and the second candidate."""
    seed: int = 1
    pairs: int = RANDOM_PAIRS
    """Pairs that are taken by chance from each population."""


def learn(truths: Sequence[Truth], base: LinkageModel, how: How, learned_from: str, version: str) -> LinkageModel:
    """Return a model whose weights, thresholds and frequencies come from some populations.

    base: gives the name, the traits compared, the rules, and the odds of whatever cannot be learned here.
    """
    sides = [_Side(truth, base.unsaid, is_labelled=how.is_labelled) for truth in truths]
    u = {
        trait: shares(counts, trait)
        for trait, counts in _summed(by_chance(s.people, s.listed, how.seed, s.own, how.pairs) for s in sides).items()
    }
    if how.is_labelled:
        m_counts = _summed(counted(side.pairs()) for side in sides)
        m = {t: shares(counts, t, LEAST_M) for t, counts in m_counts.items() if counts.total() >= _FEWEST}
    else:
        m = estimated([one for s in sides for one in s.people], sides[0].listed, u) if len(sides) == 1 else {}
    content = base.model_dump(mode="json")
    content |= {"version": version, "learned_from": learned_from, "margin": how.margin, "prior": _prior(sides)}
    for trait in base.traits:
        if trait in m:
            content["traits"][trait]["levels"] = _odds(m[trait], u[trait], trait)
    for trait in (Trait.GIVEN_NAME, Trait.SURNAME):
        if trait in content["traits"]:
            content["traits"][trait]["frequencies"] = _frequencies([o for s in sides for o in s.people], trait)
    weighed = LinkageModel.model_validate(content | {"thresholds": {"match": _SURE_BITS, "review": _OPEN_BITS}})
    content["thresholds"] = (
        _thresholds(truths, weighed) if how.is_labelled else {"match": _SURE_BITS, "review": _OPEN_BITS}
    )
    return LinkageModel.model_validate(content)


class _Side:
    """One population in the forms that are compared."""

    def __init__(self, truth: Truth, unsaid: Unsaid, *, is_labelled: bool) -> None:
        self.people = [features_of(p.known.identifiers, p.known.traits, unsaid) for p in truth.people]
        self.listed = Listed(truth.listed, unsaid)
        places: dict[tuple[tuple[str, str], ...], set[int]] = {}
        for place, row in enumerate(truth.listed):
            places.setdefault(tuple(sorted(row.identifiers.items())), set()).add(place)
        self.own = [
            frozenset(place for row in person.rows for place in places[tuple(sorted(row.items()))])
            for person in truth.people
            if is_labelled
        ]

    def pairs(self) -> Iterator[tuple[Features, Features]]:
        """Give everybody with their own rows."""
        for one, own in zip(self.people, self.own, strict=True):
            for place in sorted(own):
                yield one, self.listed.features[place]


def _summed(several: Iterable[Counts]) -> Counts:
    total: Counts = {trait: Counter() for trait in Trait}
    for counts in several:
        for trait, found in counts.items():
            total[trait].update(found)
    return total


def _prior(sides: Sequence[_Side]) -> float:
    """Return the chance that two records taken by chance are of one person: one list has nobody twice."""
    pairs = sum(min(len(side.people), len(side.listed.rows)) for side in sides)
    return round(min(0.5, pairs / max(1, sum(len(s.people) * len(s.listed.rows) for s in sides))), 8) or 1e-8


def _odds(m: Shares, u: Shares, trait: Trait) -> dict[str, dict[str, float]]:
    """Return the odds of every level, so that more agreement never weighs less: levels that do are taken together."""
    pools: list[tuple[float, float, list[Level]]] = []
    for level in LEVELS[trait]:
        pools.append((m[level], u[level], [level]))
        while len(pools) > 1 and pools[-1][0] * pools[-2][1] > pools[-2][0] * pools[-1][1]:
            last, before = pools.pop(), pools.pop()
            pools.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    return {
        level: {"m": _rounded(u[level] * of_m / of_u), "u": _rounded(u[level])}
        for of_m, of_u, levels in pools
        for level in levels
    }


def _rounded(share: float) -> float:
    """Return a share with six significant digits."""
    return min(1 - 1e-9, round(share, _PLACES - math.ceil(math.log10(share))))


def _frequencies(people: Sequence[Features], trait: Trait) -> dict[str, Any]:
    """Return the shares of phonetic keys that many bear; a rare one is in no table, so no model tells of it."""
    names = [one.given if trait is Trait.GIVEN_NAME else one.surname for one in people]
    keys = Counter(name.sound for name in names if name and name.sound)
    total = max(1, keys.total())
    common = {key: count for key, count in sorted(keys.items()) if count >= BEARERS}
    rare = [count for count in keys.values() if count < BEARERS]
    share = (sum(rare) / len(rare) if rare else BEARERS / 2) / total
    return {
        "rare": _rounded(min(0.5, share)),
        "shares": {k: round(c / total, _SHARE_PLACES) for k, c in common.items()},
    }


def _thresholds(truths: Sequence[Truth], model: LinkageModel) -> dict[str, float]:
    """Return the upper threshold a margin above the best wrong pair, and the lower one below nearly all right pairs."""
    worst, right = model.prior_bits, []
    for truth in truths:
        listed = Listed(truth.listed, model.unsaid)
        for person in truth.people:
            own: list[Mapping[str, str]] = [dict(row) for row in person.rows]
            weighed = rank(person.known, listed.candidates(person.known), model).weighed
            right += [one.score for one in weighed if dict(one.candidate.identifiers) in own]
            # Also where the right one stands beside it: the next list may not have that row.
            worst = max([worst, *(o.score for o in weighed if dict(o.candidate.identifiers) not in own)])
    match = math.ceil(max(worst + model.margin, _LEAST_BITS) / _STEP_BITS) * _STEP_BITS
    lowest = sorted(right)[int(len(right) * _REVIEWED)] if right else match
    review = math.floor(min(lowest, match - model.margin) / _STEP_BITS) * _STEP_BITS
    return {"match": match, "review": review}


def written(model: LinkageModel) -> str:
    """Return a model as the YAML of its file."""
    import io

    from ruamel.yaml import YAML

    text = io.StringIO()
    yaml = YAML()
    yaml.width = 120
    yaml.dump(_flowing(model.model_dump(mode="json")), text)
    return text.getvalue()


def _flowing(content: Any) -> Any:
    """Return content whose innermost mappings and lists take one line each."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(content, dict):
        whole = CommentedMap((name, _flowing(value)) for name, value in content.items() if value is not None)
        if all(not isinstance(value, (dict, list)) for value in content.values()):
            whole.fa.set_flow_style()
        return whole
    if isinstance(content, list):
        listed = CommentedSeq(_flowing(one) for one in content)
        if all(not isinstance(one, (dict, list)) for one in content):
            listed.fa.set_flow_style()
        return listed
    return content

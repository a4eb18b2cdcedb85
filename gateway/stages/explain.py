"""Explain: one sentence for every choice of a plan: why this registry, why this way, why not another. Pure.

The sentences name registries, attributes and kinds of numbers, never a person, as the plan itself does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.stages.costs import DOWN_MS, Route, Way
from gateway.stages.steps import Step, Who
from standards.rules import BoundaryRule


class Found(NamedTuple):
    """How a number is found that a registry takes, and what else could have found it."""

    wanted: tuple[str, ...]
    who: Who
    route: Route
    other: Route | None
    """The best way that shares no lookup with the one taken."""
    is_free: bool
    """Every lookup on it is made anyway."""


class Choices(NamedTuple):
    """What was decided while a plan was drafted."""

    asked_by: str
    rule: BoundaryRule | None
    steps: Sequence[Step]
    ways: Sequence[Way]
    best: Mapping[str, Way]
    found: Sequence[Found]
    unreachable: Collection[str]
    down: Collection[str]
    second_look: Step | None
    traits: Mapping[str, Way] = {}
    """Attribute read only to look people up by it -> the way that states it."""


def explained(choices: Choices) -> tuple[str, ...]:
    """Return one sentence for every step, for every way to a number, and for what cannot be asked for."""
    return (
        *(_step(step, choices) for step in choices.steps),
        *dict.fromkeys(_route(found, found.who if choices.rule else Who.ASKED) for found in choices.found),
        *_second_look(choices),
        *_unreachable(choices),
        *_silent(choices),
    )


def _step(step: Step, choices: Choices) -> str:
    reasons = "; ".join(_reasons(step, choices)) or "is on the way to a number"
    return f"{step.number} {step.source_id}.{step.lookup} {reasons}"


def _reasons(step: Step, choices: Choices) -> Iterator[str]:
    way = next(w for w in choices.ways if w.key == step.key)
    if step.traits:
        yield f"knows no number of anybody: people are looked up there by {_list(step.traits)}"
        yield f"gives {_list(step.yields)} of whoever is surely the same"
        return
    if step.instead_of:
        for number, names in zip(step.instead_of, step.stands_in, strict=True):
            yield f"is asked only about those for whom {number} is silent: it may stand in for {_list(names)}"
        return
    if way.lookup.members and not (step.who is Who.GROUP and step.names):
        yield f"names the members{_by(choices.rule)}" if choices.rule else "finds the household"
    if way.lookup.entity == "group" and step.names:
        yield f"holds {_list(step.names)}"
        return
    read: Collection[str] = ()
    if way.lookup.kin and step.who in {Who.ASKED, Who.FOUND} and choices.rule is not None and choices.rule.kin:
        needs = f", reading {_list(read)}" if (read := choices.rule.needs & step.names) else ""
        rounds = ", round by round" if step.who is Who.FOUND else ""
        yield f"names the next of kin{_by(choices.rule)}{rounds}{needs}"
    own = sorted(n for n in step.names if choices.best.get(n) == way) if step.who is Who.EVERYONE else []
    yield from _authority(own, way, choices.ways)
    if step.yields:
        yield f"gives {_list(step.yields)}"
    here = {name for name, best in choices.traits.items() if best.key == way.key and step.who is Who.EVERYONE}
    if looked_up := sorted(here.difference(own)):
        yield f"states {_list(looked_up)}, to look people up by"
    if also := sorted(step.names.difference(own, read, looked_up)):
        yield f"states {_list(also)} as well, since it is asked anyway"


def _authority(names: Iterable[str], way: Way, ways: Sequence[Way]) -> Iterator[str]:
    """Say for which attributes nobody who can be asked ranks higher, names with the same rivals together."""
    by_rivals: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        rivals = sorted(
            (w.manifest.rank(name), w.manifest.id)
            for w in ways
            if w.lookup.entity == "person" and name in w.lookup.attributes and w.manifest.id != way.manifest.id
        )
        ranked = tuple(f"{id_} has rank {rank}" for rank, id_ in rivals)
        by_rivals.setdefault((f"rank {way.manifest.rank(name)}", *ranked), []).append(name)
    for (rank, *others), held in by_rivals.items():
        if others:
            yield f"has the best word on {_list(held)} of those that can be asked ({rank}; {', '.join(others)})"
        else:
            yield f"alone holds {_list(held)}"


def _route(found: Found, whom: Who) -> str:
    goal = f"{' or '.join(found.wanted)} of {whom}"
    if found.is_free:
        return f"{goal} comes from {found.route.title}: asked anyway, it costs nothing more"
    if found.other is None:
        return f"{goal} comes from {found.route.title}: nothing else leads there"
    taken, other = _cost(found.route), _cost(found.other)
    return f"{goal} comes from {found.route.title}, at {taken}: {found.other.title} costs {other}"


def _cost(route: Route) -> str:
    return "what nothing is worth while it is down" if route.cost >= DOWN_MS else f"{route.cost:.0f} ms"


def _silent(choices: Choices) -> Iterator[str]:
    """Say of every registry that is known to be down what that changed, if the plan has to do with it."""
    passed = {way.manifest.id for found in choices.found if found.other for way in found.other.ways}
    for source in sorted(set(choices.down) & (passed | {step.source_id for step in choices.steps})):
        yield f"{source} is known to be down: no way leads through it where another does"


def _second_look(choices: Choices) -> Iterator[str]:
    if (step := choices.second_look) is not None:
        yield (
            f"{step.source_id}.{step.lookup} is asked only if nobody is known by that {choices.asked_by} to "
            f"{_list(map(str, step.after))}: it issues these numbers, and knows whether somebody has two"
        )


def _unreachable(choices: Choices) -> Iterator[str]:
    for name in sorted(choices.unreachable):
        held = [w for w in choices.ways if name in w.lookup.attributes]
        if held:
            takers = ", ".join(f"{w.manifest.id} takes {' or '.join(w.lookup.by)}" for w in held)
            yield f"{name} cannot be asked for: {takers}, and nothing leads there from a {choices.asked_by}"
        else:
            yield f"{name} cannot be asked for: no connected registry holds it"


def _by(rule: BoundaryRule | None) -> str:
    return f" of the household by {rule.title}" if rule else ""


def _list(names: Iterable[str]) -> str:
    *first, last = sorted(names)
    return f"{', '.join(first)} and {last}" if first else last

"""Plan: from what may be known back to whom to ask, by which number, in which order.

A plan names no person: it depends on the agreement and on the kind of number the question carries, so one plan
serves every question of that shape. It has two stretches. The first finds the household and asks only about the
person asked about; the second asks about everyone in it, all in one message to each registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from adapters.manifest import Lookup, Manifest
from standards.attributes import Catalogue
from standards.identifiers import GROUP_TYPES
from standards.rules import BoundaryRule

OTHER: Final = "number of another kind"
"""Stands in plans for every identifier type that no registry knows."""
_KEPT_AT_MOST: Final = 4096
"""Plans kept; consumers choose their attributes, so their number has no bound of its own."""


class Who(StrEnum):
    """Whom a step asks about."""

    ASKED = "the person asked about"
    GROUP = "the household"
    EVERYONE = "everyone in the household"


class Step(NamedTuple):
    """One call to one registry, made when the steps it comes after have ended."""

    number: int
    source_id: str
    lookup: str
    by: tuple[str, ...]
    """Identifier types it may ask by, the preferred one first."""
    who: Who
    names: frozenset[str]
    """Attributes wanted from it."""
    yields: tuple[str, ...]
    """Identifier types wanted from it by later steps or by the answer."""
    after: tuple[int, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Return the lookup's name within the country: source and lookup."""
        return self.source_id, self.lookup


class Plan(NamedTuple):
    """Every step of one shape of question, in the order of their numbers."""

    asked_by: str
    rule: BoundaryRule | None
    steps: tuple[Step, ...]
    reads: frozenset[str]
    """Base attributes the steps bring home."""
    not_asked: Mapping[str, str]
    """Registry -> why no step asks it."""
    earlier: tuple[tuple[tuple[str, str], ...], ...]
    """For every step the lookups that have ended when it starts: where it may take numbers from."""
    waves_behind: tuple[int, ...]
    """For every step how many waves wait for it: what is left of the time is shared with them."""
    unreachable: frozenset[str] = frozenset()
    """Attributes that no registry can be asked for, starting from this kind of number."""

    def text(self) -> str:
        """Return the plan for people and tests: one line a step."""
        return "\n".join(
            [
                f"by {self.asked_by}, household {self.rule.title if self.rule else 'not asked for'}",
                *(
                    f"{s.number} {s.source_id}.{s.lookup} by {'|'.join(s.by)} for {s.who if self.rule else Who.ASKED}"
                    f"{' after ' + ', '.join(map(str, s.after)) if s.after else ''}: "
                    f"{', '.join((*sorted(s.names), *s.yields)) or 'who belongs to it'}"
                    for s in self.steps
                ),
                *(f"- {source} not asked: {why}" for source, why in sorted(self.not_asked.items())),
            ]
        )


class Way(NamedTuple):
    """One lookup of one registry: an edge from the numbers it takes to the numbers and facts it gives."""

    manifest: Manifest
    lookup: Lookup

    @property
    def key(self) -> tuple[str, str]:
        """Return source and lookup name."""
        return self.manifest.id, self.lookup.name


class Planner:
    """Makes plans over one set of registries; built anew when a manifest changes."""

    def __init__(self, manifests: Iterable[Manifest], catalogue: Catalogue) -> None:
        self._manifests = tuple(manifests)
        self._catalogue = catalogue
        self._ways = tuple(Way(m, lookup) for m in self._manifests for lookup in m.lookups)
        self._types = frozenset(t for w in self._ways for t in (*w.lookup.by, *w.lookup.identifiers))
        self._made: dict[object, Plan] = {}

    def holders(self) -> Mapping[str, frozenset[str]]:
        """Return for every attribute the registries that hold it."""
        held: dict[str, set[str]] = {}
        for way in self._ways:
            for name in (*way.lookup.attributes, *self._identifier_names(way.lookup.identifiers)):
                held.setdefault(name, set()).add(way.manifest.id)
        return {name: frozenset(sources) for name, sources in held.items()}

    def plan(self, reads: frozenset[str], asked_by: str, rule: BoundaryRule | None) -> Plan:
        """Return the plan for a question of this shape.

        reads: base attributes to bring home (permitted ones, and the inputs of permitted derived ones).
        asked_by: identifier type of the question.
        """
        if asked_by not in self._types:
            asked_by = OTHER  # whatever a consumer writes for a type may be personal, and a plan is journalled
        shape = (reads, asked_by, rule)
        if (made := self._made.get(shape)) is None:
            if len(self._made) >= _KEPT_AT_MOST:
                self._made.clear()
            made = self._made[shape] = _Draft(self._ways, self._catalogue, reads, asked_by, rule).plan(
                tuple(m.id for m in self._manifests)
            )
        return made

    def _identifier_names(self, types: Iterable[str]) -> Iterable[str]:
        return (type_.lower() for type_ in types if type_.lower() in self._catalogue)


class _Draft:
    """One plan in the making."""

    def __init__(
        self,
        ways: Sequence[Way],
        catalogue: Catalogue,
        reads: frozenset[str],
        asked_by: str,
        rule: BoundaryRule | None,
    ) -> None:
        self.ways, self.catalogue, self.asked_by, self.rule = ways, catalogue, asked_by, rule
        self.reads = reads
        kinds = {name: catalogue[name] for name in reads}
        self.identifier_types = frozenset(n.upper() for n, d in kinds.items() if d.type == "identifier")
        self.person_names = frozenset(n for n, d in kinds.items() if d.entity == "person" and d.type != "identifier")
        self.group_names = frozenset(n for n, d in kinds.items() if d.entity == "household" and d.type != "identifier")
        self.steps: list[Step] = []
        self.reached: set[str] = set()

    def plan(self, sources: Sequence[str]) -> Plan:
        self._ask_everyone(self._find_household())
        asked = {step.source_id for step in self.steps}
        return Plan(
            asked_by=self.asked_by,
            rule=self.rule,
            steps=tuple(self.steps),
            reads=self.reads,
            earlier=tuple(self._earlier(step) for step in self.steps),
            waves_behind=self._waves_behind(),
            not_asked={s: self._why_not(s) for s in sources if s not in asked},
            unreachable=(self.person_names | self.group_names) - self.reached,
        )

    # -- the first stretch: who belongs to the household -------------------------------------------------

    def _find_household(self) -> frozenset[str]:
        """Add the steps that find the members; return the identifier types that every member is known by."""
        asked = frozenset() if self.asked_by in GROUP_TYPES else frozenset({self.asked_by})
        members: frozenset[str] = frozenset()
        group = self._group_way() if self._wants_group() else None
        after = self._resolve(group.lookup.by, asked, Who.ASKED) if group and asked else ()
        if group is not None and after is not None:
            self._add_group(group, after)
            members = frozenset(group.lookup.by) - frozenset(GROUP_TYPES)
            asked |= members
        if (rule := self._kin_rule()) is not None:
            # Members' numbers become known only after the steps of this stretch; of the person asked about only
            # the number asked by is known before. Asked by household number, that person is a member.
            own = members if self.asked_by in GROUP_TYPES else frozenset({self.asked_by})
            for way in self.ways:
                after = self._resolve(way.lookup.by, own, Who.ASKED) if way.lookup.kin else None
                if after is not None:
                    needs = rule.needs & frozenset(way.lookup.attributes)
                    number = self._made(way, Who.ASKED) or self._add(way, Who.ASKED, self._names_of(way), after)
                    step = self.steps[number - 1]
                    self.steps[number - 1] = step._replace(names=step.names | needs)
                    members = members or frozenset(way.lookup.by[:1])
                    asked |= frozenset(way.lookup.identifiers)
        asked |= {t for s in self.steps if s.who is Who.ASKED for t in s.yields}
        return (members & asked) or asked

    def _wants_group(self) -> bool:
        registered = bool(self.rule and self.rule.registered)
        return registered or bool(self.group_names) or bool({self.asked_by, *self.identifier_types} & set(GROUP_TYPES))

    def _kin_rule(self) -> BoundaryRule | None:
        """Return the rule if next of kin may decide under it: a household asked for by its number is recorded."""
        is_recorded = self.asked_by in GROUP_TYPES and self.rule is not None and self.rule.registered
        return self.rule if self.rule and self.rule.kin and not is_recorded else None

    def _group_way(self) -> Way | None:
        return next((w for w in self.ways if w.lookup.entity == "group" and w.lookup.members), None)

    def _add_group(self, way: Way, after: tuple[int, ...]) -> None:
        names = self.group_names & frozenset(way.lookup.attributes)
        self.reached |= names
        if self.asked_by not in GROUP_TYPES:
            self._add(way, Who.ASKED, names, after)
            return
        # INVARIANT: nothing is read about a household before somebody in it has a permit, so a question by
        # household number first learns only who belongs to it.
        first = self._add(way, Who.GROUP, frozenset(), after)
        if names:
            self._add(way, Who.GROUP, names, (first,))

    # -- the second stretch: everyone in it --------------------------------------------------------------

    def _ask_everyone(self, known: frozenset[str]) -> None:
        chosen: dict[tuple[str, str], Way] = {}
        for name in sorted(self.person_names):
            if (best := self._best(name, known)) is not None:
                chosen[best.key] = best
                self.reached.add(name)
        for way in chosen.values():
            self._ask(way, known)
        for type_ in sorted(self.identifier_types):
            asked = [s for s in self.steps if s.who is Who.EVERYONE or self.rule is None]
            if not any(type_ in self._way(s).lookup.identifiers for s in asked):
                self._resolve((type_,), known, Who.EVERYONE)

    def _ask(self, way: Way, known: frozenset[str]) -> None:
        """Add the step for everyone through this way, with the steps that find the number it takes."""
        after = self._resolve(way.lookup.by, known, Who.EVERYONE)
        if after is not None and self._made(way, Who.EVERYONE) is None:
            self._add(way, Who.EVERYONE, self._names_of(way), after)

    def _best(self, name: str, known: frozenset[str]) -> Way | None:
        """Return the way to the most authoritative registry that holds an attribute and can be asked."""
        able = [w for w in self.ways if w.lookup.entity == "person" and name in w.lookup.attributes]
        able = [w for w in able if self._path(w.lookup.by, known) is not None]
        return min(able, key=lambda w: (w.manifest.rank(name), w.key), default=None)

    def _names_of(self, way: Way) -> frozenset[str]:
        """Return everything wanted that this way holds: a call made anyway brings its corroboration along."""
        return self.person_names & frozenset(way.lookup.attributes)

    # -- numbers -----------------------------------------------------------------------------------------

    def _path(self, wanted: Sequence[str], known: frozenset[str]) -> tuple[Way, ...] | None:
        """Return the fewest lookups that lead from known identifier types to one of the wanted ones."""
        if known & set(wanted):
            return ()
        paths: list[tuple[frozenset[str], tuple[Way, ...]]] = [(known, ())]
        seen = {known}
        while paths:
            longer = []
            for types, path in paths:
                for way in self.ways:
                    if way.lookup.entity != "person" or not types & set(way.lookup.by):
                        continue
                    if types & set(wanted):
                        return path
                    more = types | set(way.lookup.identifiers)
                    if more & set(wanted):
                        return (*path, way)
                    if more not in seen:
                        seen.add(more)
                        longer.append((more, (*path, way)))
            paths = longer
        return None

    def _resolve(self, wanted: Sequence[str], known: frozenset[str], who: Who) -> tuple[int, ...] | None:
        """Add the steps that find a number of one of the wanted types; return what to wait for."""
        path = self._path(wanted, known)
        if path is None:
            return None
        after: tuple[int, ...] = ()
        for place, way in enumerate(path):
            made = self._made(way, who)
            number = made if made is not None else self._add(way, who, self._names_of(way), after)
            goal = wanted if place == len(path) - 1 else path[place + 1].lookup.by
            step = self.steps[number - 1]
            useful = tuple(t for t in way.lookup.identifiers if t in goal and t not in (*known, *step.yields))
            self.steps[number - 1] = step._replace(yields=(*step.yields, *useful))
            known |= frozenset(way.lookup.identifiers)
            after = (number,)
        return after

    def _earlier(self, step: Step) -> tuple[tuple[str, str], ...]:
        """Return the lookups that have surely ended when a step starts, in the order of their numbers."""
        numbers, waiting = set[int](), list(step.after)
        if step.who is Who.EVERYONE:
            waiting += [s.number for s in self.steps if s.who is not Who.EVERYONE]
        while waiting:
            number = waiting.pop()
            if number not in numbers:
                numbers.add(number)
                waiting += self.steps[number - 1].after
        return tuple(self.steps[number - 1].key for number in sorted(numbers))

    def _waves_behind(self) -> tuple[int, ...]:
        behind = dict.fromkeys((s.number for s in self.steps), 0)
        for step in reversed(self.steps):
            for number in step.after:
                behind[number] = max(behind[number], behind[step.number] + 1)
        everyone = [behind[s.number] for s in self.steps if s.who is Who.EVERYONE]
        depth = max(everyone, default=-1) + 1
        return tuple(behind[s.number] + (0 if s.who is Who.EVERYONE else depth) for s in self.steps)

    def _made(self, way: Way, who: Who) -> int | None:
        return next((s.number for s in self.steps if s.key == way.key and s.who is who), None)

    def _way(self, step: Step) -> Way:
        return next(w for w in self.ways if w.key == step.key)

    def _add(self, way: Way, who: Who, names: frozenset[str], after: tuple[int, ...]) -> int:
        number = len(self.steps) + 1
        by = tuple(t for t in way.lookup.by if (t in GROUP_TYPES) == (who is Who.GROUP))
        self.steps.append(Step(number, way.manifest.id, way.lookup.name, by, who, names, (), after))
        return number

    def _why_not(self, source: str) -> str:
        holds = {n for w in self.ways if w.manifest.id == source for n in w.lookup.attributes}
        wanted = holds & (self.person_names | self.group_names)
        if wanted - self.reached:
            return f"it cannot be asked, starting from a {self.asked_by}"
        if wanted:
            return "a more authoritative registry holds what is needed"
        return "nothing that may be known comes from it"

"""Draft: one plan in the making. Pure; what decides is in the order of the methods below."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.stages.costs import Key, Route, Way, cheapest
from gateway.stages.explain import Choices, Found, explained
from gateway.stages.steps import Plan, Step, Who
from standards.attributes import Catalogue
from standards.identifiers import GROUP_TYPES, PLACE_TYPES
from standards.rules import BoundaryRule, Combination


class Draft:
    """Drafts one plan.

    ways: every lookup of every registry, weighed.
    reads: base attributes to bring home.
    down: registries that are known to be down.
    tellers: registries whose word counts, when a question is to one kind of registry; None: everybody's.
    linkage: whether people may be looked up by their traits where a registry knows no number of theirs.
    """

    def __init__(
        self,
        ways: Sequence[Way],
        catalogue: Catalogue,
        reads: frozenset[str],
        asked_by: str,
        rule: BoundaryRule | None,
        down: frozenset[str],
        tellers: frozenset[str] | None = None,
        *,
        linkage: bool = False,
    ) -> None:
        self.tellers = tellers
        self.asked_by, self.rule, self.reads, self.down = asked_by, rule, reads, down
        self.ways = tuple(way for way in ways if not way.lookup.boundary and way.lookup.by_traits is None)
        self.links = tuple(way for way in ways if way.lookup.by_traits is not None) if linkage else ()
        """Those that take no number, but what else is known of somebody."""
        self.traits: dict[str, Way] = {}
        """Attribute read only to look people up by it -> the way that states it best."""
        self.boundary_ways = tuple(way for way in ways if way.lookup.boundary)
        """Those that only tell who belongs to a household: no attribute, and no number for another registry."""
        kinds = {name: catalogue[name] for name in reads}
        self.identifier_types = frozenset(n.upper() for n, d in kinds.items() if d.type == "identifier")
        self.person_names = frozenset(n for n, d in kinds.items() if d.entity == "person" and d.type != "identifier")
        self.group_names = frozenset(n for n, d in kinds.items() if d.entity == "household" and d.type != "identifier")
        self.steps: list[Step] = []
        self.reached: set[str] = set()
        self.best: dict[str, Way] = {}
        """Attribute of persons -> the way by which everyone is asked for it."""
        self.found: list[Found] = []

    def plan(self, sources: Sequence[str]) -> Plan:
        """Return the plan; sources: every registry, so that those without a step get their reason."""
        known = self._find_household()
        self._ask_everyone(known)
        self._add_stand_ins(known)
        asked = {step.source_id for step in self.steps}
        unreachable = (self.person_names | self.group_names) - self.reached
        second_look = self._second_look()
        return Plan(
            asked_by=self.asked_by,
            rule=self.rule,
            steps=tuple(self.steps),
            reads=self.reads,
            earlier=tuple(self._earlier(step) for step in self.steps),
            waves_behind=self._waves_behind(),
            not_asked={s: self._why_not(s) for s in sources if s not in asked},
            unreachable=unreachable,
            second_look=second_look,
            tellers=self.tellers,
            why=explained(
                Choices(
                    self.asked_by,
                    self.rule,
                    self.steps,
                    (*self.ways, *self.boundary_ways, *self.links),
                    self.best,
                    self.found,
                    unreachable,
                    self.down,
                    second_look,
                    self.traits,
                )
            ),
        )

    # -- the first stretch: who belongs to the household -------------------------------------------------

    def _find_household(self) -> frozenset[str]:
        """Add the steps that find the members; return the identifier types that every member is known by."""
        asked = frozenset() if self.asked_by in GROUP_TYPES else frozenset({self.asked_by})
        members: frozenset[str] = frozenset()
        group = self._group_way(asked) if self._wants_group() else None
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
                    if rule.depth > 1:
                        self._add(way, Who.FOUND, step.names | needs, (number,))
                    members = members or frozenset(way.lookup.by[:1])
                    asked |= frozenset(way.lookup.identifiers)
        self._find_residents(members if self.asked_by in GROUP_TYPES else frozenset({self.asked_by}))
        asked |= {t for s in self.steps if s.who is Who.ASKED for t in s.yields if t not in PLACE_TYPES}
        return (members & asked) or asked

    def _wants_group(self) -> bool:
        registered = bool(self.rule and self.rule.registered)
        return registered or bool(self.group_names) or bool({self.asked_by, *self.identifier_types} & set(GROUP_TYPES))

    def _kin_rule(self) -> BoundaryRule | None:
        """Return the rule if next of kin may decide under it: a household asked for by its number is recorded."""
        is_recorded = self.asked_by in GROUP_TYPES and self.rule is not None and self.rule.registered
        if self.rule is not None and self.rule.combine is not Combination.FIRST:
            is_recorded = False  # then next of kin have a say even so
        return self.rule if self.rule and self.rule.kin and not is_recorded else None

    def _find_residents(self, known: frozenset[str]) -> None:
        """Add the steps that find who lives where the person asked about does, under a rule of co-residence."""
        homes = next((w for w in self.boundary_ways if w.lookup.entity == "group" and w.lookup.members), None)
        if homes is None or self.rule is None or not self.rule.co_residence:
            return
        for way in self.boundary_ways:
            keys = tuple(t for t in way.lookup.identifiers if t in homes.lookup.by)
            after = self._resolve(way.lookup.by, known, Who.ASKED) if keys and way.lookup.entity == "person" else None
            if after is not None:
                number = self._add(way, Who.ASKED, frozenset(), after)
                self.steps[number - 1] = self.steps[number - 1]._replace(yields=keys)
                self._add(homes, Who.ASKED, frozenset(), (number,))
                return

    def _second_look(self) -> Step | None:
        """Return the step that tells whether the number given is the second one of somebody."""
        finding = tuple(s.number for s in self.steps if s.who is Who.ASKED and self._tells_of_household(self._way(s)))
        for way in self.boundary_ways:
            if self.rule and finding and self.asked_by in way.lookup.by and self.asked_by in way.manifest.issues:
                number = len(self.steps) + 1
                return Step(number, *way.key, way.lookup.by, Who.AGAIN, frozenset(), way.lookup.by, finding)
        return None

    @staticmethod
    def _tells_of_household(way: Way) -> bool:
        return not way.lookup.boundary and (way.lookup.kin or way.lookup.members)

    def _group_way(self, asked: frozenset[str]) -> Way | None:
        """Return the way to recorded households that holds most of what is wanted of them; the cheapest of these."""
        able = []
        for way in self.ways:
            if way.lookup.entity != "group" or not way.lookup.members:
                continue
            route = cheapest(self.ways, way.lookup.by, asked or {self.asked_by})
            if route is not None:
                missing = len(self.group_names - frozenset(way.lookup.attributes))
                able.append((missing, route.cost + way.cost, way.key, way))
        return min(able)[-1] if able else None

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
        chosen: dict[Key, Way] = {}
        for name in sorted(self.person_names):
            if (best := self._best(name, known, chosen)) is not None:
                chosen[best.key] = self.best[name] = best
                self.reached.add(name)
        linked = self._linked(known, chosen)
        for way in chosen.values():
            if self._made(way, Who.EVERYONE) is None:
                after = self._resolve(way.lookup.by, known, Who.EVERYONE, free=chosen)
                if after is not None and self._made(way, Who.EVERYONE) is None:
                    self._add(way, Who.EVERYONE, self._names_of(way), after)
        for link, way in linked:
            self._add_linked(link, way)
        for type_ in sorted(self.identifier_types):
            asked = [s for s in self.steps if s.who is Who.EVERYONE or self.rule is None]
            # A number that the registries asked do not have is not worth asking others, in a question to them alone.
            if self.tellers is None and not any(type_ in self._way(s).lookup.identifiers for s in asked):
                self._resolve((type_,), known, Who.EVERYONE)

    def _best(self, name: str, known: frozenset[str], chosen: Collection[Key]) -> Way | None:
        """Return the way to the most authoritative registry that holds an attribute and can be asked.

        Between equals the one that costs least more, then the name decides.
        """
        able = []
        for way in self.ways:
            if way.lookup.entity == "person" and name in way.lookup.attributes:
                route = cheapest(self.ways, way.lookup.by, known, chosen)
                if route is not None:
                    own = 0.0 if way.key in chosen else way.cost
                    able.append((way.manifest.rank(name), route.cost + own, way.key, way))
        return min(able)[-1] if able else None

    def _names_of(self, way: Way) -> frozenset[str]:
        """Return everything wanted that this way holds: a call made anyway brings its corroboration along."""
        traits = {name for name, best in self.traits.items() if best.key == way.key}
        return (self.person_names & frozenset(way.lookup.attributes)) | traits

    # -- registries that know no number of anybody -------------------------------------------------------

    def _linked(self, known: frozenset[str], chosen: dict[Key, Way]) -> list[tuple[Way, Way]]:
        """Return by which look-up by traits, and then from which way, to learn what no number leads to.

        The ways to the traits are added to those chosen. A number, where there is one, is always preferred: it is
        surer, and tells the registry less.
        """
        found: dict[Key, tuple[Way, Way]] = {}
        for name in sorted(self.person_names - self.best.keys()):
            able = [
                (way.manifest.rank(name), link.cost + way.cost, way.key, link.key, link, way)
                for way in self.ways
                if way.lookup.entity == "person" and name in way.lookup.attributes
                for link in self.links
                if set(link.lookup.identifiers) & set(way.lookup.by) and self._traits_for(link, known, chosen)
            ]
            if able:
                *_, link, way = min(able)
                self.best[name] = way
                self.reached.add(name)
                found[way.key] = (link, way)
        for link, _ in found.values():
            for name, best in self._traits_for(link, known, chosen).items():
                chosen[best.key] = self.traits[name] = best
        return [*found.values()]

    def _traits_for(self, link: Way, known: frozenset[str], chosen: Collection[Key]) -> dict[str, Way]:
        """Return the way to each trait that people can be looked up by there; nothing when that would not narrow."""
        traits = link.lookup.by_traits
        if traits is None:
            return {}
        ways = {name: best for name in traits.read if (best := self._best(name, known, chosen)) is not None}
        return ways if traits.narrowed_by(ways) else {}

    def _add_linked(self, link: Way, way: Way) -> None:
        number = self._made(link, Who.EVERYONE)
        if number is None:
            read = link.lookup.by_traits.read if link.lookup.by_traits is not None else ()
            traits = tuple(name for name in read if name in self.traits)
            stating = {self._made(self.traits[name], Who.EVERYONE) for name in traits}
            number = self._add(link, Who.EVERYONE, frozenset(), tuple(sorted(n for n in stating if n is not None)))
            yields = tuple(type_ for type_ in link.lookup.identifiers if type_ in way.lookup.by)
            self.steps[number - 1] = self.steps[number - 1]._replace(yields=yields, traits=traits)
        if self._made(way, Who.EVERYONE) is None:
            self._add(way, Who.EVERYONE, self._names_of(way), (number,))

    # -- lesser words, for when better ones cannot be heard ----------------------------------------------

    def _add_stand_ins(self, known: frozenset[str]) -> None:
        """Add a step for every attribute that somebody not asked anyway may state when the better source is silent.

        It finds no numbers of its own: what it is asked by must be known, or stated by a step that does not depend
        on the silent registry.
        """
        made = [s for s in self.steps if s.who is Who.EVERYONE]
        wanted: dict[Key, tuple[Way, tuple[int, ...], dict[str, int]]] = {}
        for name, best in self.best.items():
            number = self._made(best, Who.EVERYONE)
            if number is None or any(self._may_stand_in(self._way(s), name, best) for s in made):
                continue
            heard = [self._way(s) for s in made if not self._depends_on(s, best.manifest.id)]
            able = [w for w in self.ways if w.lookup.entity == "person" and self._may_stand_in(w, name, best)]
            routes = [(w, cheapest(heard, w.lookup.by, known, [h.key for h in heard])) for w in able]
            candidates = [(w.manifest.id in self.down, w.manifest.rank(name), w.cost, w.key) for w, r in routes if r]
            if candidates:
                key = min(candidates)[-1]
                way, route = next((w, r) for w, r in routes if w.key == key and r)
                after = self._resolve_by(route, way.lookup.by, known, Who.EVERYONE)
                wanted.setdefault(key, (way, after, {}))[2][name] = number
        for way, after, names in wanted.values():
            instead_of = tuple(sorted(set(names.values())))
            number = self._add(way, Who.EVERYONE, frozenset(names), tuple(dict.fromkeys((*after, *instead_of))))
            stands_in = tuple(frozenset(n for n, better in names.items() if better == one) for one in instead_of)
            self.steps[number - 1] = self.steps[number - 1]._replace(instead_of=instead_of, stands_in=stands_in)

    @staticmethod
    def _may_stand_in(way: Way, name: str, best: Way) -> bool:
        declares = name in way.manifest.stands_in_for and name in way.lookup.attributes
        return declares and way.manifest.id != best.manifest.id

    def _depends_on(self, step: Step, source_id: str) -> bool:
        if step.source_id == source_id:
            return True
        return any(self._depends_on(self.steps[number - 1], source_id) for number in step.after)

    # -- numbers -----------------------------------------------------------------------------------------

    def _resolve(
        self, wanted: Sequence[str], known: frozenset[str], who: Who, free: Collection[Key] = ()
    ) -> tuple[int, ...] | None:
        """Add the steps that find a number of one of the wanted types; return what to wait for.

        free: lookups that will be made anyway, beside those that are already.
        """
        anyway = {*free, *(s.key for s in self.steps if s.who is who)}
        route = cheapest(self.ways, wanted, known, anyway)
        if route is None:
            return None
        if route.ways:
            others = [way for way in self.ways if way not in route.ways]
            other = cheapest(others, wanted, known, anyway)
            self.found.append(Found(tuple(wanted), who, route, other, anyway >= {way.key for way in route.ways}))
        return self._resolve_by(route, wanted, known, who)

    def _resolve_by(self, route: Route, wanted: Sequence[str], known: frozenset[str], who: Who) -> tuple[int, ...]:
        after: tuple[int, ...] = ()
        for place, way in enumerate(route.ways):
            made = self._made(way, who)
            number = made if made is not None else self._add(way, who, self._names_of(way), after)
            goal = wanted if place == len(route.ways) - 1 else route.ways[place + 1].lookup.by
            step = self.steps[number - 1]
            useful = tuple(t for t in way.lookup.identifiers if t in goal and t not in (*known, *step.yields))
            self.steps[number - 1] = step._replace(yields=(*step.yields, *useful))
            known |= frozenset(way.lookup.identifiers)
            after = (number,)
        return after

    def _earlier(self, step: Step) -> tuple[Key, ...]:
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
        return next(w for w in (*self.ways, *self.boundary_ways, *self.links) if w.key == step.key)

    def _add(self, way: Way, who: Who, names: frozenset[str], after: tuple[int, ...]) -> int:
        number = len(self.steps) + 1
        by = tuple(t for t in way.lookup.by if (t in GROUP_TYPES) == (who is Who.GROUP))
        self.steps.append(Step(number, *way.key, by, who, names, (), after))
        return number

    def _why_not(self, source: str) -> str:
        manifest = next(w.manifest for w in (*self.ways, *self.boundary_ways, *self.links) if w.manifest.id == source)
        holds = {n for w in self.ways if w.manifest.id == source for n in w.lookup.attributes}
        wanted = holds & (self.person_names | self.group_names)
        if self.tellers is not None and source not in self.tellers:
            return "the question is to another kind of registry"
        if wanted - self.reached:
            return f"it cannot be asked, starting from a {self.asked_by}"
        if any(n in self.best and self.best[n].manifest.rank(n) == manifest.rank(n) for n in wanted):
            return "a registry of the same authority is asked at less cost"
        if wanted:
            return "a more authoritative registry holds what is needed"
        if any(way.manifest.id == source for found in self.found if found.other for way in found.other.ways):
            return "a cheaper way leads to the same number"
        return "nothing that may be known comes from it"

"""Walk: one question on its way through a plan, from step to step, until everything is heard that can be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from adapters.manifest import Lookup, Manifest
from adapters.ports import Deadline
from gateway.linkage.features import KIN_NUMBERS
from gateway.linkage.judging import Known
from gateway.ports import Clock
from gateway.stages.account import Account
from gateway.stages.calls import Calls
from gateway.stages.circle import Circle
from gateway.stages.deciding import Deciding
from gateway.stages.gathered import Gathered
from gateway.stages.household import Found, is_decided, missing, settle
from gateway.stages.identity import Issuers
from gateway.stages.linking import traits_of
from gateway.stages.people import Person, relate, told_apart, verify, without_family
from gateway.stages.plan import SILENCE, Plan, Step, Who
from gateway.stages.under_way import Errand, Heard, Terms, one_is_over
from gateway.stages.whose import Whose
from policies.engine import narrowed
from standards.household import Evidence
from standards.identifiers import GROUP_TYPES, Identifier
from standards.permit import PersonPermit
from standards.rules import PERSON_ONLY
from standards.states import Provenance, UnavailableReason, WithheldReason

PlanFor = Callable[[PersonPermit | None], Plan]
DecidePeople = Callable[[Sequence[Mapping[str, str]]], Awaitable[Sequence[PersonPermit]]]


class Ground(NamedTuple):
    """What every walk stands on: the registries, and who issues which numbers."""

    calls: Calls
    sources: tuple[str, ...]
    lookups: Mapping[tuple[str, str], tuple[Manifest, Lookup]]
    issuers: Issuers
    now: Clock


_NOTHING: Final[frozenset[str]] = frozenset()


class _Taken(NamedTuple):
    """A step that is being taken; about people of whom different things are wanted, it is one of several."""

    step: Step
    whose: Mapping[Identifier, Person | None]
    """Number asked by -> the person whose it is; None for the household."""
    errand: Errand
    is_by_alias: bool = False
    """It asks again, by second numbers of those whom the registry does not know by the first."""


class Walk:
    """One question on its way."""

    def __init__(
        self,
        ground: Ground,
        plan_for: PlanFor,
        subject: Identifier,
        decide: DecidePeople,
        terms: Terms,
        deadline: Deadline,
        transaction_id: str,
    ) -> None:
        self.ground, self.plan_for, self.subject, self.decide = ground, plan_for, subject, decide
        self.plan = plan_for(None)
        self.terms, self.deadline, self.transaction_id = terms, deadline, transaction_id
        self.today = terms.as_of or ground.now().date()
        self.people: list[Person] = []
        self.asked: Person | None = None
        self.group: dict[tuple[str, str], Heard] = {}
        self.account = Account()
        self.unheard: tuple[str, ...] = ()
        self.words: dict[Identifier, Heard] = {}
        self.met: list[Person] = []

    async def gather(self) -> Gathered:
        """Return what the registries said, with a reason for everything they did not."""
        if self.subject.type in GROUP_TYPES:
            await self._walk(self.plan.steps[:1])
            self._join(settle(None, None, group=next(iter(self.group.values()), None), today=self.today).found)
            self.asked = self.people[0] if self.people else None
        else:
            self._join([Found({self.subject.type: self.subject.value}, "SELF", (Evidence("asked"),))])
            self.asked = self.people[0]
        await self._permit_new_people()
        if self.asked is not None:
            self.plan = self.plan_for(self.asked.permit)
        await self._walk([s for s in self.plan.steps if s.who in {Who.ASKED, Who.GROUP}])
        if self.asked is not None:
            circle = Circle(self.asked, self.ground.issuers, self._ask, self.decide, self.today)
            if (step := circle.is_unknown(self.plan, self.group)) is not None:
                self.plan = self.plan.looking_again(step)
                await circle.look_again(self.plan, step, self.group)
            if not is_decided(self.plan.rule or PERSON_ONLY, self._of(self.group, boundary=False)):
                self.words, self.met = await circle.follow(self.plan, self._kin())
        self.unheard = self._settle()
        await self._permit_new_people()
        await self._walk([s for s in self.plan.steps if s.who is Who.EVERYONE])
        self._tell_apart()
        return Gathered(
            plan=self.plan,
            people=tuple(self.people),
            asked=self.asked.number if self.asked and self.subject.type not in GROUP_TYPES else None,
            group=self.group,
            outcomes=self.account.outcomes(self.ground.sources),
            unheard=self.unheard,
            others=tuple(self.met),
            kept=None if self.account.kept is None else tuple(self.account.kept),
            fresh_s=self.account.fresh_s,
            said=self.account.said,
        )

    # -- who is in the household ---------------------------------------------------------------------------

    def _join(self, found: Iterable[Found]) -> None:
        for one in found:
            person = Person(len(self.people), one)
            for known in self.met:
                if known.identifiers.items() & one.identifiers.items():
                    person.heard.update(known.heard)
            self.people.append(person)

    def _settle(self) -> tuple[str, ...]:
        """Take into the household everyone whom the boundary rule names; return whose word is missing."""
        asked, rule = self.asked, self.plan.rule or PERSON_ONLY
        if asked is None:
            return tuple(heard.provenance.source_id for heard in self.group.values() if heard.reason is not None)
        group, residents, kin = self._of(self.group, boundary=False), self._of(self.group, boundary=True), self._kin()
        membership = settle(
            rule,
            asked.numbers(self.ground.issuers),
            group=group,
            kin=kin,
            residents=residents,
            words=self.words,
            today=self.today,
            issuers=self.ground.issuers,
            by_group=self.subject.type in GROUP_TYPES,
        )
        lookups = self.ground.lookups.values()
        not_asked = missing(rule, lookups, group=group, kin=kin, residents=residents)
        unheard = tuple(dict.fromkeys((*membership.unheard, *not_asked, *self._hidden_lives())))
        me, *others = membership.found
        if unheard:
            # While a word on the household is missing, nobody is known to be its head, or anything to the head.
            me, *others = (found._replace(relationship="") for found in membership.found)
        if self.subject.type not in GROUP_TYPES or not unheard:
            asked.relationship = me.relationship  # else still the head, by the word of the recorded group
        asked.evidence = me.evidence
        asked.identifiers.update(me.identifiers)
        asked.aliases |= me.aliases
        self._join(others)
        return unheard

    def _hidden_lives(self) -> Iterator[str]:
        """Yield the registry of kin when somebody on the way keeps back whether they live: the dead are no members."""
        step = next((s for s in self.plan.steps if s.who is Who.FOUND), None) if self.met else None
        if step is not None and any("vital_status" in self._kept_back(step, person) for person in self.met):
            yield step.source_id

    def _of(self, group: Mapping[tuple[str, str], Heard], *, boundary: bool) -> Heard | None:
        """Return what was said about the recorded group, or about the dwelling, of the person asked about."""
        said = (heard for key, heard in group.items() if self.ground.lookups[key][1].boundary is boundary)
        return next(said, None)

    def _tell_apart(self) -> None:
        """Settle who is who, now that everything is heard."""
        if self.asked is None:
            return
        issuers = self.ground.issuers
        had_kin = [key for key, heard in self.asked.heard.items() if heard.record is not None and heard.record.links]
        self.people = told_apart(self.people, issuers)
        for source_id, _ in (key for key in had_kin if self.asked.heard[key].record is None):
            # The family named there is somebody else's.
            self.people = without_family(self.people, self.asked)
            self.unheard = tuple(dict.fromkeys((*self.unheard, source_id)))
        if self.subject.type not in GROUP_TYPES:
            verify(self.asked, self.subject, issuers)
        if not self.unheard and self.plan.rule is not None:
            relate(self.people, self.asked, self.plan.rule.child_until_age, self.today)

    def _kin(self) -> Heard | None:
        keys = [s.key for s in self.plan.steps if s.who is Who.ASKED and self.ground.lookups[s.key][1].kin]
        return next((self.asked.heard[k] for k in keys if k in self.asked.heard), None) if self.asked else None

    async def _permit_new_people(self) -> None:
        # INVARIANT: no source is asked about a person without a permit for that person and that source.
        new = [p for p in self.people if p.permit is None]
        if new:
            for person, permit in zip(new, await self._decided(new), strict=True):
                person.permit = permit
        for person in (p for p in self.people if p.aliases):
            # Who refused under one of two numbers has refused; silence under one takes nothing back.
            for permit in await self.decide([{alias.type: alias.value} for alias in sorted(person.aliases)]):
                refuses = permit.refused_sources or WithheldReason.CONSENT_REFUSED in permit.withheld.values()
                if refuses and person.permit is not None:
                    person.permit = narrowed(person.permit, permit)

    async def _decided(self, new: Sequence[Person]) -> Sequence[PersonPermit]:
        if not isinstance(self.decide, Deciding):
            return await self.decide([p.identifiers for p in new])
        return await Whose(self.ground.lookups, self.ground.issuers, self._ask_first).permits(new, self.decide)

    async def _ask_first(
        self, key: tuple[str, str], subjects: tuple[Identifier, ...], names: frozenset[str]
    ) -> Mapping[Identifier, Heard]:
        """Ask one lookup outside the plan, before it is known what may be planned."""
        by = self.deadline.earlier(self.deadline.left_s() / 2)
        errand = self.ground.calls.errand(
            key, subjects, names, self.terms._replace(as_of=None), by, self.transaction_id
        )
        return await self._run([errand])

    # -- asking --------------------------------------------------------------------------------------------

    async def _walk(self, steps: Iterable[Step]) -> None:
        """Take steps, each as soon as those that it comes after have ended: there is no barrier between waves."""
        calls = self.ground.calls
        waiting = {step.number: step for step in steps}
        ahead = set(waiting)
        open_: dict[Errand, _Taken] = {}
        try:
            while waiting or open_:
                begun: dict[Errand, _Taken] = {}
                for number in [n for n, step in waiting.items() if ahead.isdisjoint(step.after)]:
                    parts = self._take(waiting.pop(number))
                    if not parts:
                        ahead.remove(number)
                    begun |= {taken.errand: taken for taken in parts}
                open_ |= begun
                await calls.begin(tuple(begun))
                if open_:
                    await one_is_over(open_)
                for errand in [errand for errand in open_ if errand.is_over]:
                    taken = open_.pop(errand)
                    self._hear(taken)
                    if any(other.step is taken.step for other in open_.values()):
                        continue
                    again = {} if taken.is_by_alias else {t.errand: t for t in self._by_aliases(taken.step)}
                    if again:
                        open_ |= again
                        await calls.begin(tuple(again))
                    else:
                        ahead.remove(taken.step.number)
        finally:
            calls.leave(open_)

    def _take(self, step: Step) -> Sequence[_Taken]:
        """Return what a step asks of its registry; nothing when there is nobody to ask about."""
        if step.traits:
            return self._take_link(step)
        lookup = self.ground.lookups[step.key][1]
        if lookup.entity == "group":
            number = self._number_of_group(step, lookup)
            return () if number is None else self._taken(step, {number: None})
        alone: dict[Identifier, Person | None] = {}
        shared: list[Person] = []
        for person in self._about(step):
            if step.key in person.heard or person.permit is None or not person.permit.allows(step.source_id):
                continue
            if step.instead_of and not self._met_silence(person, step.instead_of):
                continue
            number = person.number_for(step, self.plan, self.ground.issuers)
            if number is None:
                person.heard[step.key] = self._without_number(step, lookup, person)
            elif number in alone:
                shared += [person, *([other] if (other := alone[number]) is not None else [])]
                alone[number] = None
            else:
                alone[number] = person
        for person in shared:
            # INVARIANT: one number is never taken for two people's; nobody knows whose the record would be.
            person.heard[step.key] = self._nothing(step, UnavailableReason.AMBIGUOUS_IDENTITY)
        if shared:
            alone = {number: person for number, person in alone.items() if person is not None}
        return self._taken(step, alone) or self._by_aliases(step)

    def _take_link(self, step: Step) -> Sequence[_Taken]:
        """Return whom a step looks up by their traits, at a registry that knows none of their numbers."""
        whose: dict[Identifier, Person | None] = {}
        known: dict[Identifier, Known] = {}
        for person in self._about(step):
            if step.key in person.heard or person.permit is None or not person.permit.allows(step.source_id):
                continue
            if any(type_ in person.identifiers for type_ in step.yields) or self._leads_nowhere(step, person):
                continue
            by = person.leading_number()
            traits = traits_of(person, step, self.plan, self.ground.lookups)
            if isinstance(traits, UnavailableReason) or by in whose:
                reason = traits if isinstance(traits, UnavailableReason) else UnavailableReason.AMBIGUOUS_IDENTITY
                person.heard[step.key] = self._nothing(step, reason)
            else:
                whose[by] = person
                others = [dict(other.identifiers) for other in self.people if other is not person]
                # Of the numbers, too, only those count that steps before this one stated: see `traits_of`.
                numbers = person.numbers(self.ground.issuers, self.plan.earlier[step.number - 1])
                known[by] = Known(numbers, traits | {KIN_NUMBERS: others})
        if not whose:
            return ()
        errand = self._errand(step, tuple(whose), _NOTHING)
        errand.known = known
        return (_Taken(step, whose, errand),)

    def _leads_nowhere(self, step: Step, person: Person) -> bool:
        """Tell whether a person keeps back all that would be asked for by the number that a look-up by traits finds."""
        # INVARIANT: no registry is told who somebody is to learn what that person keeps back.
        return not any(
            after.names - self._kept_back(after, person) or after.yields
            for after in self.plan.steps
            if step.number in after.after and person.permit is not None and person.permit.allows(after.source_id)
        )

    def _about(self, step: Step) -> Sequence[Person]:
        if step.who is Who.EVERYONE:
            return self.people
        return [] if self.asked is None else [self.asked]

    def _taken(self, step: Step, whose: Mapping[Identifier, Person | None]) -> Sequence[_Taken]:
        """Return what a step asks about these people, those of whom the same is wanted together."""
        lookup = self.ground.lookups[step.key][1]
        tells_of_others = (lookup.kin or lookup.members) and step.who is not Who.EVERYONE
        parts: dict[frozenset[str], dict[Identifier, Person | None]] = {}
        for number, person in whose.items():
            names = self._names_for(step, person)
            if names or not step.names or step.yields or tells_of_others:
                parts.setdefault(names, {})[number] = person
        return [_Taken(step, about, self._errand_about(step, about, names)) for names, about in parts.items()]

    def _names_for(self, step: Step, person: Person | None) -> frozenset[str]:
        """Return what a step asks for about somebody; a stand-in only for what the better registry was silent on."""
        names = step.names
        if step.instead_of and person is not None:
            better = zip(step.instead_of, step.stands_in, strict=True)
            names = _NOTHING.union(*(of for number, of in better if self._met_silence(person, (number,))))
        # INVARIANT: nothing is asked for that a person keeps back, though others in the message do not.
        return names - kept if (kept := self._kept_back(step, person)) else names

    def _kept_back(self, step: Step, person: Person | None) -> frozenset[str]:
        """Return what of a step's attributes must not be read of a person; of the household, by the person asked."""
        whose = person or self.asked
        if whose is None or whose.permit is None or not whose.permit.refused_attributes:
            return _NOTHING
        return step.names & whose.permit.refused_attributes.get(step.source_id, _NOTHING)

    def _errand_about(self, step: Step, whose: Mapping[Identifier, Person | None], names: frozenset[str]) -> Errand:
        errand = self._errand(step, tuple(whose), names)
        people = ((number, person or self.asked) for number, person in whose.items())
        matched = {n: at for n, one in people if one is not None and (at := one.matched_at.get(n)) is not None}
        if matched:
            errand.matched_at = matched
        return errand

    def _errand(self, step: Step, subjects: tuple[Identifier, ...], names: frozenset[str]) -> Errand:
        # A silent registry must not use up the time of those that are asked after it.
        share_s = self.deadline.left_s() / (self.plan.waves_behind[step.number - 1] + 1)
        by = self.deadline.earlier(share_s)
        return self.ground.calls.errand(step.key, subjects, names, self.terms, by, self.transaction_id)

    def _hear(self, taken: _Taken) -> None:
        """Keep what a step was told."""
        step = taken.step
        for number, heard in self.account.told(taken.errand).items():
            person = taken.whose[number]
            if person is None:
                self.group[step.key] = heard
            elif step.traits:
                person.heard[step.key] = person.linked_by(heard)
            elif not taken.is_by_alias or heard.record is not None:
                person.heard[step.key] = person.unlinked(heard, number)

    def _by_aliases(self, step: Step) -> Sequence[_Taken]:
        """Return how to ask by second numbers about those whom a registry does not know by the first."""
        again: dict[Identifier, Person | None] = {
            alias: person
            for person in self._about(step)
            if person.aliases and person.permit is not None and person.permit.allows(step.source_id)
            if (heard := person.heard.get(step.key)) is not None and heard.record is None and heard.reason is None
            for alias in sorted(person.aliases)
            if alias.type in step.by
        }
        return [taken._replace(is_by_alias=True) for taken in self._taken(step, again)]

    def _met_silence(self, person: Person, numbers: Iterable[int]) -> bool:
        """Tell whether one of these steps could not be heard about a person, so that another word may stand in."""
        heard = (person.heard.get(self.plan.steps[number - 1].key) for number in numbers)
        return any(one is not None and one.reason in SILENCE for one in heard)

    def _number_of_group(self, step: Step, lookup: Lookup) -> Identifier | None:
        """Return the number to ask about the household by; None when it is not to be asked about."""
        asked = self.asked
        if step.key in self.group and not step.names:
            return None  # the membership is known; only what is known of the household may still be asked for
        is_allowed = asked is not None and asked.permit is not None and asked.permit.allows(step.source_id)
        if step.who is Who.GROUP:
            return self.subject if is_allowed or not step.names else None
        if asked is None or not is_allowed:
            return None
        number = asked.number_for(step, self.plan, self.ground.issuers)
        if number is None:
            self.group[step.key] = self._without_number(step, lookup, asked)
        return number

    def _without_number(self, step: Step, lookup: Lookup, person: Person) -> Heard:
        """Return what follows from a person having none of the numbers that a registry takes."""
        before = [person.heard.get(self.plan.steps[number - 1].key) for number in step.after]
        if person.disputes(step, self.plan) or any(
            heard is not None and heard.reason is UnavailableReason.AMBIGUOUS_IDENTITY
            for number, heard in zip(step.after, before, strict=True)
            if self.plan.steps[number - 1].traits
        ):
            return self._nothing(step, UnavailableReason.AMBIGUOUS_IDENTITY)
        silent = self._silent_on_number(step, person)
        for cause in silent:
            if cause.provenance.source_id == step.source_id:  # somebody can act on it, and here it is to be said
                return Heard(None, cause.provenance, cause.reason, until=cause.until)
        if self.unheard or any(heard is None for heard in before) or silent:
            return self._nothing(step, UnavailableReason.IDENTIFIER_UNAVAILABLE)
        for heard in before:
            if heard is not None and heard.reason is None and lookup.no_identifier_means_no_record:
                return Heard(None, heard.provenance)
        return self._nothing(step, UnavailableReason.NO_IDENTIFIER)

    def _silent_on_number(self, step: Step, person: Person) -> list[Heard]:
        """Return what became of earlier lookups that failed, and might have stated the number."""
        return [
            heard
            for key in self.plan.earlier[step.number - 1]
            if (heard := person.heard.get(key)) is not None
            and heard.reason not in {None, UnavailableReason.NO_IDENTIFIER}
            and not set(self.ground.lookups[key][1].identifiers).isdisjoint(step.by)
        ]

    def _nothing(self, step: Step, reason: UnavailableReason) -> Heard:
        return Heard(None, Provenance(step.source_id, self.ground.now()), reason)

    async def _ask(self, step: Step, whose: Mapping[Identifier, Person]) -> dict[Identifier, Heard]:
        """Return what one lookup says by each number; a failure comes back as the reason for it."""
        return await self._run([taken.errand for taken in self._taken(step, whose)])

    async def _run(self, errands: Sequence[Errand]) -> dict[Identifier, Heard]:
        try:
            await self.ground.calls.begin(errands)
            while open_ := [errand for errand in errands if not errand.is_over]:
                await one_is_over(open_)
        finally:
            self.ground.calls.leave(errands)
        return {subject: heard for errand in errands for subject, heard in self.account.told(errand).items()}

"""Fetch: walk a plan, ask the registries, and bring home what each said about whom. The only room that waits.

A failing registry never stops the others and never becomes an exception: what it was asked for is `Heard` with a
reason. Steps start as soon as the steps they come after have ended; there is no barrier between waves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from adapters.catalogue import Registries
from adapters.manifest import Lookup, Manifest
from adapters.ports import Deadline
from gateway.ports import Clock, RecordCache
from gateway.stages.calls import Calls
from gateway.stages.circle import Circle
from gateway.stages.household import Found, missing, settle
from gateway.stages.identity import issuers_of, refused
from gateway.stages.people import Person, relate, told_apart, verify, without_family
from gateway.stages.plan import SILENCE, Plan, Step, Who
from gateway.stages.under_way import Heard, Terms
from policies.engine import narrowed
from standards.errors import MandatorySourceError, SourceUnavailableError
from standards.household import Evidence, Outcome, SourceOutcome
from standards.identifiers import GROUP_TYPES, Identifier
from standards.permit import PersonPermit
from standards.rules import PERSON_ONLY
from standards.states import Provenance, UnavailableReason, WithheldReason

__all__ = ["Fetcher", "Gathered", "Heard", "Person", "silence", "unheard_mandatory"]

PlanFor = Callable[[PersonPermit | None], Plan]
DecidePeople = Callable[[Sequence[Mapping[str, str]]], Awaitable[Sequence[PersonPermit]]]


class Gathered(NamedTuple):
    """Everything the registries said for one question."""

    plan: Plan
    """The plan that was walked."""
    people: tuple[Person, ...]
    asked: int | None
    """Number of the person asked about; None when the household itself was, or nobody was found."""
    group: Mapping[tuple[str, str], Heard]
    outcomes: Mapping[str, SourceOutcome]
    unheard: tuple[str, ...]
    others: tuple[Person, ...] = ()
    """People outside the household about whom a registry was asked on the way to it."""

    @property
    def is_silence(self) -> bool:
        """Tell whether every registry that was asked failed: then nothing at all is known."""
        asked = [o.outcome for o in self.outcomes.values() if o.outcome is not Outcome.NOT_ASKED]
        return bool(asked) and all(outcome is Outcome.UNAVAILABLE for outcome in asked)

    @property
    def is_nobody(self) -> bool:
        """Tell whether the registries answered, and none of them knows anybody by that number."""
        if not self.people:
            return all(heard.reason is None for heard in self.group.values())
        heard = [*self.group.values(), *(h for p in self.people for h in p.heard.values())]
        asked = [h for h in heard if h.reason is not UnavailableReason.NO_IDENTIFIER]
        return bool(asked) and len(self.people) == 1 and all(h.record is None and h.reason is None for h in asked)


class Fetcher:
    """Walks plans over one set of registries; the keyword arguments are those of `Calls`."""

    def __init__(
        self,
        registries: Registries,
        cache: RecordCache,
        now: Clock,
        *,
        max_age_s: float = 300.0,
        max_stale_s: float = 0.0,
        late_grace_s: float = 0.0,
        max_late: int = 0,
    ) -> None:
        self.registries, self.now = registries, now
        self.calls = Calls(
            registries,
            cache,
            now,
            max_age_s=max_age_s,
            max_stale_s=max_stale_s,
            late_grace_s=late_grace_s,
            max_late=max_late,
        )
        self.lookups: dict[tuple[str, str], tuple[Manifest, Lookup]] = {
            (id_, lookup.name): (registry.manifest, lookup)
            for id_, registry in registries.items()
            for lookup in registry.manifest.lookups
        }
        self.issuers = issuers_of(registry.manifest for registry in registries.values())

    async def fetch(
        self,
        plan_for: PlanFor,
        subject: Identifier,
        decide: DecidePeople,
        *,
        max_age_s: float,
        deadline: Deadline,
        transaction_id: str,
        stale_if_error_s: float = 0.0,
        as_of: date | None = None,
    ) -> Gathered:
        """Return what the registries said, with a reason for everything they did not.

        plan_for: makes the plan, once it is known what may be read of the person asked about, or of the head when a
            household was asked for by its own number.
        decide: asked for a permit for every person as soon as the person is known, and before any registry is
            asked about that person.
        max_age_s: oldest kept record that may serve this question, in seconds.
        stale_if_error_s: so much older it may be when its registry cannot be heard, in seconds.
        as_of: the past day that the question is about; None when it is about today.
        """
        terms = Terms(max_age_s, stale_if_error_s, as_of)
        run = _Run(self, plan_for, subject, decide, terms, deadline, transaction_id)
        return await run.gather()


class _Run:
    """One question on its way."""

    def __init__(
        self,
        fetcher: Fetcher,
        plan_for: PlanFor,
        subject: Identifier,
        decide: DecidePeople,
        terms: Terms,
        deadline: Deadline,
        transaction_id: str,
    ) -> None:
        self.fetcher, self.plan_for, self.subject, self.decide = fetcher, plan_for, subject, decide
        self.plan = plan_for(None)
        self.terms, self.deadline, self.transaction_id = terms, deadline, transaction_id
        self.today = terms.as_of or fetcher.now().date()
        self.people: list[Person] = []
        self.asked: Person | None = None
        self.group: dict[tuple[str, str], Heard] = {}
        self.called: dict[str, int] = {}
        self.from_cache: dict[str, int] = {}
        self.failed: dict[str, UnavailableReason] = {}
        self.answered: set[str] = set()
        self.unheard: tuple[str, ...] = ()
        self.words: dict[Identifier, Heard] = {}
        self.met: list[Person] = []

    async def gather(self) -> Gathered:
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
            circle = Circle(self.asked, self.fetcher.issuers, self._ask, self.decide, self.today)
            if (step := circle.is_unknown(self.plan, self.group)) is not None:
                self.plan = self.plan.looking_again(step)
                await circle.look_again(self.plan, step, self.group)
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
            outcomes={id_: self._outcome(id_) for id_ in self.fetcher.registries},
            unheard=self.unheard,
            others=tuple(self.met),
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
            asked.numbers(self.fetcher.issuers),
            group=group,
            kin=kin,
            residents=residents,
            words=self.words,
            today=self.today,
            issuers=self.fetcher.issuers,
            by_group=self.subject.type in GROUP_TYPES,
        )
        lookups = self.fetcher.lookups.values()
        not_asked = missing(rule, lookups, group=group, kin=kin, residents=residents)
        unheard = tuple(dict.fromkeys((*membership.unheard, *not_asked)))
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

    def _of(self, group: Mapping[tuple[str, str], Heard], *, boundary: bool) -> Heard | None:
        """Return what was said about the recorded group, or about the dwelling, of the person asked about."""
        said = (heard for key, heard in group.items() if self.fetcher.lookups[key][1].boundary is boundary)
        return next(said, None)

    def _tell_apart(self) -> None:
        """Settle who is who, now that everything is heard."""
        if self.asked is None:
            return
        issuers = self.fetcher.issuers
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
        keys = [s.key for s in self.plan.steps if s.who is Who.ASKED and self.fetcher.lookups[s.key][1].kin]
        return next((self.asked.heard[k] for k in keys if k in self.asked.heard), None) if self.asked else None

    async def _permit_new_people(self) -> None:
        # INVARIANT: no source is asked about a person without a permit for that person and that source.
        new = [p for p in self.people if p.permit is None]
        if new:
            for person, permit in zip(new, await self.decide([p.identifiers for p in new]), strict=True):
                person.permit = permit
        for person in (p for p in self.people if p.aliases):
            # Who refused under one of two numbers has refused; silence under one takes nothing back.
            for permit in await self.decide([{alias.type: alias.value} for alias in sorted(person.aliases)]):
                refuses = permit.refused_sources or WithheldReason.CONSENT_REFUSED in permit.withheld.values()
                if refuses and person.permit is not None:
                    person.permit = narrowed(person.permit, permit)

    # -- asking --------------------------------------------------------------------------------------------

    async def _walk(self, steps: Sequence[Step]) -> None:
        tasks: dict[int, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            for step in steps:
                waits = [tasks[number] for number in step.after if number in tasks]
                tasks[step.number] = group.create_task(self._take(step, waits))

    async def _take(self, step: Step, waits: Sequence[asyncio.Task[None]]) -> None:
        for task in waits:
            await task
        lookup = self.fetcher.lookups[step.key][1]
        if lookup.entity == "group":
            await self._take_group(step)
            return
        people = self.people if step.who is Who.EVERYONE else ([self.asked] if self.asked else [])
        askable: dict[Identifier, list[Person]] = {}
        for person in people:
            if step.key in person.heard or person.permit is None or not person.permit.allows(step.source_id):
                continue
            if step.instead_of and not self._met_silence(person, step.instead_of):
                continue
            number = person.number_for(step, self.plan, self.fetcher.issuers)
            if number is None:
                person.heard[step.key] = self._without_number(step, lookup, person)
            else:
                askable.setdefault(number, []).append(person)
        alone = {number: named[0] for number, named in askable.items() if len(named) == 1}
        for person in (p for named in askable.values() if len(named) > 1 for p in named):
            # INVARIANT: one number is never taken for two people's; nobody knows whose the record would be.
            person.heard[step.key] = self._nothing(step, UnavailableReason.AMBIGUOUS_IDENTITY)
        for number, heard in (await self._ask(step, tuple(alone))).items():
            alone[number].heard[step.key] = heard
        if any(person.aliases for person in people):
            await self._ask_by_aliases(step, people)

    async def _ask_by_aliases(self, step: Step, people: Iterable[Person]) -> None:
        """Ask by their second numbers about those whom a registry does not know by the first."""
        again = {
            alias: person
            for person in people
            if person.permit is not None and person.permit.allows(step.source_id)
            if (heard := person.heard.get(step.key)) is not None and heard.record is None and heard.reason is None
            for alias in sorted(person.aliases)
            if alias.type in step.by
        }
        for alias, heard in (await self._ask(step, tuple(again))).items():
            if heard.record is not None:
                again[alias].heard[step.key] = heard

    def _met_silence(self, person: Person, numbers: Iterable[int]) -> bool:
        """Tell whether one of these steps could not be heard about a person, so that another word may stand in."""
        heard = (person.heard.get(self.plan.steps[number - 1].key) for number in numbers)
        return any(one is not None and one.reason in SILENCE for one in heard)

    async def _take_group(self, step: Step) -> None:
        asked = self.asked
        if step.key in self.group and not step.names:
            return  # the membership is known; only what is known of the household may still be asked for
        if step.who is Who.GROUP:
            if step.names and not (asked and asked.permit and asked.permit.allows(step.source_id)):
                return
            number: Identifier | None = self.subject
        elif asked is None or asked.permit is None or not asked.permit.allows(step.source_id):
            return
        else:
            number = asked.number_for(step, self.plan, self.fetcher.issuers)
        if number is None:
            lookup = self.fetcher.lookups[step.key][1]
            self.group[step.key] = self._without_number(step, lookup, asked) if asked else self._nobody(step)
        else:
            self.group.update((step.key, heard) for heard in (await self._ask(step, (number,))).values())

    def _without_number(self, step: Step, lookup: Lookup, person: Person) -> Heard:
        """Return what follows from a person having none of the numbers that a registry takes."""
        before = [person.heard.get(self.plan.steps[number - 1].key) for number in step.after]
        if person.disputes(step, self.plan):
            return self._nothing(step, UnavailableReason.AMBIGUOUS_IDENTITY)
        if self.unheard or any(heard is None for heard in before) or self._is_number_unheard(step, person):
            return self._nothing(step, UnavailableReason.IDENTIFIER_UNAVAILABLE)
        for heard in before:
            if heard is not None and heard.reason is None and lookup.no_identifier_means_no_record:
                return Heard(None, heard.provenance)
        return self._nothing(step, UnavailableReason.NO_IDENTIFIER)

    def _is_number_unheard(self, step: Step, person: Person) -> bool:
        """Tell whether an earlier lookup failed that might have stated the number."""
        for key in self.plan.earlier[step.number - 1]:
            heard = person.heard.get(key)
            if heard is None or heard.reason in {None, UnavailableReason.NO_IDENTIFIER}:
                continue
            if set(self.fetcher.lookups[key][1].identifiers) & set(step.by):
                return True
        return False

    def _nobody(self, step: Step) -> Heard:
        return Heard(None, Provenance(step.source_id, self.fetcher.now()))

    def _nothing(self, step: Step, reason: UnavailableReason) -> Heard:
        return Heard(None, Provenance(step.source_id, self.fetcher.now()), reason)

    async def _ask(self, step: Step, subjects: tuple[Identifier, ...]) -> dict[Identifier, Heard]:
        """Return what one lookup says about each subject; a failure comes back as the reason for it."""
        if not subjects:
            return {}
        # A silent registry must not use up the time of those that are asked after it.
        share_s = self.deadline.left_s() / (self.plan.waves_behind[step.number - 1] + 1)
        source_id, by = step.source_id, self.deadline.earlier(share_s)
        asked = await self.fetcher.calls.ask(step.key, subjects, step.names, self.terms, by, self.transaction_id)
        self.called[source_id] = self.called.get(source_id, 0) + asked.calls
        self.from_cache[source_id] = self.from_cache.get(source_id, 0) + asked.cached
        if asked.failed is not None:
            self.failed[source_id] = asked.failed
        if asked.has_answered:
            self.answered.add(source_id)
        for subject, heard in asked.heard.items():
            if heard.record is not None and UnavailableReason.AMBIGUOUS_IDENTITY in heard.record.unusable.values():
                asked.heard[subject] = refused(heard)
        return asked.heard

    def _outcome(self, source_id: str) -> SourceOutcome:
        calls, cached = self.called.get(source_id, 0), self.from_cache.get(source_id, 0)
        reason = self.failed.get(source_id)
        if reason is not None:
            outcome = Outcome.PARTIAL if source_id in self.answered else Outcome.UNAVAILABLE
        else:
            outcome = Outcome.ANSWERED if source_id in self.answered else Outcome.NOT_ASKED
        return SourceOutcome(outcome, calls, cached, reason)


def silence(gathered: Gathered) -> SourceUnavailableError:
    """Return the error of a question for which no registry could be heard; it names them all."""
    failed = {id_: outcome.reason for id_, outcome in gathered.outcomes.items() if outcome.reason is not None}
    reasons = list(failed.values())
    reason = reasons[0] if reasons else UnavailableReason.SOURCE_DOWN
    return SourceUnavailableError(", ".join(sorted(failed)), reason)


def unheard_mandatory(gathered: Gathered, mandatory: frozenset[str]) -> MandatorySourceError | None:
    """Return the error of a question whose agreement discloses nothing without sources that were not heard.

    They count where they were to say something about the person asked about, or about that person's household; one
    that the question did not need, or that the person refused, was not asked and is not missing.
    """
    if not mandatory or not gathered.people:
        return None
    asked = gathered.people[gathered.asked or 0]
    failed: dict[str, UnavailableReason] = {}
    for (source_id, _), heard in (*asked.heard.items(), *gathered.group.items()):
        if source_id in mandatory and heard.reason not in {None, UnavailableReason.NO_IDENTIFIER}:
            failed.setdefault(source_id, heard.reason or UnavailableReason.SOURCE_DOWN)
    if not failed:
        return None
    names = sorted(failed)
    return MandatorySourceError(", ".join(names), failed[names[0]])

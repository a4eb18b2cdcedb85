"""Fetch: walk a plan, ask the registries, and bring home what each said about whom. The only room that waits.

A failing registry never stops the others and never becomes an exception: what it was asked for is `Heard` with a
reason. Steps start as soon as the steps they come after have ended; there is no barrier between waves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import structlog

from adapters.catalogue import Registries
from adapters.manifest import Lookup, Manifest
from adapters.ports import Deadline, Fetch, Record
from gateway.ports import Clock, Kept, RecordCache, RecordKey
from gateway.stages.household import Found, settle
from gateway.stages.plan import Plan, Step, Who
from standards.errors import SourceContractError, SourceError, SourceUnavailableError
from standards.household import Evidence, Outcome, SourceOutcome
from standards.identifiers import GROUP_TYPES, Identifier
from standards.permit import PersonPermit
from standards.rules import PERSON_ONLY, BoundaryRule
from standards.states import Provenance, UnavailableReason

log = structlog.get_logger()

PlanFor = Callable[[PersonPermit | None], Plan]
DecidePeople = Callable[[Sequence[Mapping[str, str]]], Awaitable[Sequence[PersonPermit]]]


class Heard(NamedTuple):
    """What one lookup said about one person or group: a record, nobody (None), or why nothing was obtained."""

    record: Record | None
    provenance: Provenance
    reason: UnavailableReason | None = None


class Person:
    """Somebody in the household under construction."""

    __slots__ = ("evidence", "heard", "identifiers", "number", "permit", "relationship")

    def __init__(self, number: int, found: Found) -> None:
        self.number = number
        self.identifiers = dict(found.identifiers)
        self.relationship = found.relationship
        self.evidence = found.evidence
        self.permit: PersonPermit | None = None
        self.heard: dict[tuple[str, str], Heard] = {}

    def number_for(self, step: Step, plan: Plan) -> Identifier | None:
        """Return the number to ask by: one the person was found by, else one that an earlier step stated.

        Only steps that have surely ended count, so that the order of arrival decides nothing.
        """
        for type_ in step.by:
            if type_ in self.identifiers:
                return Identifier(type_, self.identifiers[type_])
            for key in plan.earlier[step.number - 1]:
                heard = self.heard.get(key)
                if heard is not None and heard.record is not None and type_ in heard.record.identifiers:
                    return Identifier(type_, heard.record.identifiers[type_])
        return None

    def known_by(self) -> frozenset[Identifier]:
        """Return every number that this person was found by, or that a registry stated."""
        stated = (heard.record.identifiers for heard in self.heard.values() if heard.record is not None)
        return frozenset(Identifier(t, v) for numbers in (self.identifiers, *stated) for t, v in numbers.items())


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
    """Walks plans over one set of registries.

    max_age_s: oldest kept record that the gateway serves to anybody, in seconds; 0 keeps none.
    """

    def __init__(self, registries: Registries, cache: RecordCache, now: Clock, *, max_age_s: float = 300.0) -> None:
        self.registries, self.cache, self.now, self.max_age_s = registries, cache, now, max_age_s
        self.lookups: dict[tuple[str, str], tuple[Manifest, Lookup]] = {
            (id_, lookup.name): (registry.manifest, lookup)
            for id_, registry in registries.items()
            for lookup in registry.manifest.lookups
        }

    async def fetch(
        self,
        plan_for: PlanFor,
        subject: Identifier,
        decide: DecidePeople,
        *,
        max_age_s: float,
        deadline: Deadline,
        transaction_id: str,
    ) -> Gathered:
        """Return what the registries said, with a reason for everything they did not.

        plan_for: makes the plan, once it is known what may be read of the person asked about, or of the head when a
            household was asked for by its own number.
        decide: asked for a permit for every person as soon as the person is known, and before any registry is
            asked about that person.
        max_age_s: oldest kept record that may serve this question, in seconds.
        """
        run = _Run(self, plan_for, subject, decide, max_age_s, deadline, transaction_id)
        return await run.gather()


class _Run:
    """One question on its way."""

    def __init__(
        self,
        fetcher: Fetcher,
        plan_for: PlanFor,
        subject: Identifier,
        decide: DecidePeople,
        max_age_s: float,
        deadline: Deadline,
        transaction_id: str,
    ) -> None:
        self.fetcher, self.plan_for, self.subject, self.decide = fetcher, plan_for, subject, decide
        self.plan = plan_for(None)
        self.max_age_s, self.deadline, self.transaction_id = max_age_s, deadline, transaction_id
        self.people: list[Person] = []
        self.asked: Person | None = None
        self.group: dict[tuple[str, str], Heard] = {}
        self.calls: dict[str, int] = {}
        self.from_cache: dict[str, int] = {}
        self.failed: dict[str, UnavailableReason] = {}
        self.answered: set[str] = set()
        self.unheard: tuple[str, ...] = ()

    async def gather(self) -> Gathered:
        if self.subject.type in GROUP_TYPES:
            await self._walk(self.plan.steps[:1])
            self._settle(kin=None)
        else:
            self._join([Found({self.subject.type: self.subject.value}, "SELF", (Evidence("asked"),))])
            self.asked = self.people[0]
        await self._permit_new_people()
        if self.asked is not None:
            self.plan = self.plan_for(self.asked.permit)
        await self._walk([s for s in self.plan.steps if s.who is not Who.EVERYONE])
        self.unheard = self._settle(kin=self._kin())
        await self._permit_new_people()
        await self._walk([s for s in self.plan.steps if s.who is Who.EVERYONE])
        return Gathered(
            plan=self.plan,
            people=tuple(self.people),
            asked=self.asked.number if self.asked and self.subject.type not in GROUP_TYPES else None,
            group=self.group,
            outcomes={id_: self._outcome(id_) for id_ in self.fetcher.registries},
            unheard=self.unheard,
        )

    # -- who is in the household ---------------------------------------------------------------------------

    def _join(self, found: Iterable[Found]) -> None:
        for one in found:
            self.people.append(Person(len(self.people), one))

    def _settle(self, kin: Heard | None) -> tuple[str, ...]:
        """Take into the household everyone whom the boundary rule names; return whose word is missing."""
        rule = self.plan.rule or PERSON_ONLY
        group = next(iter(self.group.values()), None)
        membership = settle(rule, self._numbers(), group=group, kin=kin, today=self.fetcher.now().date())
        if self.asked is None:
            self._join(membership.found)
            self.asked = self.people[0] if self.people else None
            return membership.unheard
        unheard = tuple(dict.fromkeys((*membership.unheard, *self._not_asked_for_members(rule, group, kin))))
        me, *others = membership.found
        if unheard:
            # While a word on the household is missing, nobody is known to be its head, or anything to the head.
            me, *others = (found._replace(relationship="") for found in membership.found)
        if self.subject.type not in GROUP_TYPES:
            self.asked.relationship, self.asked.evidence = me.relationship, me.evidence
            self.asked.identifiers |= me.identifiers
            self._join(others)
        elif not rule.registered:
            self._join(others)
        return unheard

    def _numbers(self) -> Mapping[str, str] | None:
        """Return every number of the person asked about: the one asked by, and those stated by registries since."""
        if self.asked is None:
            return None
        numbers = dict(self.asked.identifiers)
        for step in self.plan.steps:
            heard = self.asked.heard.get(step.key)
            for type_, value in heard.record.identifiers.items() if heard and heard.record else ():
                numbers.setdefault(type_, value)
        return numbers

    def _not_asked_for_members(self, rule: BoundaryRule, group: Heard | None, kin: Heard | None) -> Iterator[str]:
        """Yield the sources that the rule listens to, and that may not or cannot be asked about this person."""
        if group is not None and group.record is not None:
            return
        for manifest, lookup in self.fetcher.lookups.values():
            if (rule.registered and lookup.members and group is None) or (rule.kin and lookup.kin and kin is None):
                yield manifest.id

    def _kin(self) -> Heard | None:
        keys = [s.key for s in self.plan.steps if s.who is Who.ASKED and self.fetcher.lookups[s.key][1].kin]
        return next((self.asked.heard[k] for k in keys if k in self.asked.heard), None) if self.asked else None

    async def _permit_new_people(self) -> None:
        # INVARIANT: no source is asked about a person without a permit for that person and that source.
        new = [p for p in self.people if p.permit is None]
        if new:
            for person, permit in zip(new, await self.decide([p.identifiers for p in new]), strict=True):
                person.permit = permit

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
            number = person.number_for(step, self.plan)
            if number is None:
                person.heard[step.key] = self._without_number(step, lookup, person)
            else:
                askable.setdefault(number, []).append(person)
        for number, heard in (await self._ask(step, tuple(askable))).items():
            for person in askable[number]:
                person.heard[step.key] = heard

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
            number = asked.number_for(step, self.plan)
        if number is None:
            lookup = self.fetcher.lookups[step.key][1]
            self.group[step.key] = self._without_number(step, lookup, asked) if asked else self._nobody(step)
        else:
            self.group.update((step.key, heard) for heard in (await self._ask(step, (number,))).values())

    def _without_number(self, step: Step, lookup: Lookup, person: Person) -> Heard:
        """Return what follows from a person having none of the numbers that a registry takes."""
        before = [person.heard.get(self.plan.steps[number - 1].key) for number in step.after]
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
        """Return what one lookup says about each subject, from the cache where it may, else in one call a batch."""
        heard: dict[Identifier, Heard] = {}
        if not subjects:
            return heard
        manifest, lookup = self.fetcher.lookups[step.key]
        lifetime_s = min(manifest.cache_s, self.max_age_s, self.fetcher.max_age_s)
        if lifetime_s > 0:
            now = self.fetcher.now()
            keys = [RecordKey(*step.key, s) for s in subjects]
            for subject, kept in zip(subjects, await self.fetcher.cache.get_many(keys), strict=True):
                fresh = kept is not None and (now - kept.retrieved_at).total_seconds() <= lifetime_s
                if kept is not None and fresh and step.names <= kept.names:
                    heard[subject] = _said(step.source_id, _narrowed(kept, step.names), cached=True)
            self.from_cache[step.source_id] = self.from_cache.get(step.source_id, 0) + len(heard)
            if heard:
                self.answered.add(step.source_id)
        missing = [s for s in subjects if s not in heard]
        batches = [tuple(missing[i : i + lookup.batch]) for i in range(0, len(missing), lookup.batch)]
        if len(batches) == 1:
            heard.update(await self._call(step, batches[0], lifetime_s))
        else:
            for answers in await asyncio.gather(*(self._call(step, b, lifetime_s) for b in batches)):
                heard.update(answers)
        return heard

    async def _call(self, step: Step, subjects: tuple[Identifier, ...], lifetime_s: float) -> dict[Identifier, Heard]:
        """Ask one registry once; a failure comes back as the reason why nothing was obtained."""
        source_id = step.source_id
        self.calls[source_id] = self.calls.get(source_id, 0) + 1
        request = Fetch(source_id, step.lookup, subjects, step.names, self.transaction_id)
        # A silent registry must not use up the time of those that are asked after it.
        share = self.deadline.left_s() / (self.plan.waves_behind[step.number - 1] + 1)
        try:
            answer = await self.fetcher.registries[source_id].guarded.fetch(request, self.deadline.earlier(share))
            if left_out := set(subjects) - answer.records.keys():
                raise SourceContractError(source_id, f"{len(left_out)} of {len(subjects)} subjects left out")
        except SourceError as error:
            self.failed[source_id] = error.reason
            log.warning(
                "source_unavailable",
                source=source_id,
                lookup=step.lookup,
                reason=error.reason,
                detail=error.detail,
            )
            return dict.fromkeys(subjects, self._nothing(step, error.reason))
        self.answered.add(source_id)
        now = self.fetcher.now()
        kept = {s: Kept(answer.records[s], step.names, now) for s in subjects}
        if lifetime_s > 0:
            await self.fetcher.cache.put_many([(RecordKey(*step.key, s), k) for s, k in kept.items()], lifetime_s)
        return {s: _said(source_id, k, cached=False) for s, k in kept.items()}

    def _outcome(self, source_id: str) -> SourceOutcome:
        calls, cached = self.calls.get(source_id, 0), self.from_cache.get(source_id, 0)
        reason = self.failed.get(source_id)
        if reason is not None:
            outcome = Outcome.PARTIAL if source_id in self.answered else Outcome.UNAVAILABLE
        else:
            outcome = Outcome.ANSWERED if source_id in self.answered else Outcome.NOT_ASKED
        return SourceOutcome(outcome, calls, cached, reason)


def _narrowed(kept: Kept, names: frozenset[str]) -> Kept:
    """Return a kept record with no more than was asked for now, as the registry itself would give it."""
    if kept.record is None or kept.names == names:
        return kept
    values = {name: value for name, value in kept.record.values.items() if name in names}
    return kept._replace(record=kept.record._replace(values=values))


def _said(source_id: str, kept: Kept, *, cached: bool) -> Heard:
    as_of = kept.record.as_of if kept.record else None
    return Heard(kept.record, Provenance(source_id, kept.retrieved_at, as_of, cached))


def silence(gathered: Gathered) -> SourceUnavailableError:
    """Return the error of a question for which no registry could be heard; it names them all."""
    failed = {id_: outcome.reason for id_, outcome in gathered.outcomes.items() if outcome.reason is not None}
    reasons = list(failed.values())
    reason = reasons[0] if reasons else UnavailableReason.SOURCE_DOWN
    return SourceUnavailableError(", ".join(sorted(failed)), reason)

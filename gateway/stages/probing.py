"""Probing: what was told bit by bit counts, and beyond a bound nothing more of it is told.

Looked up before anybody is asked about a person, so that what will not be told is not read; counted when it is known
who everybody is, because a person has several numbers and a household several people.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog
from sqlalchemy.exc import SQLAlchemyError

from policies.counters import CountError
from policies.probe_counts import Probe, ProbeCounts
from policies.probes import Asked, Limits, Verdict, rung_of, steps_of
from standards.identifiers import BRN, UIN
from standards.permit import Denial, Permit, PersonPermit, ProbeLimits, Reason
from standards.states import WithheldReason

if TYPE_CHECKING:
    from gateway.stages.identity import Issuers
    from gateway.stages.people import Person
    from standards.filters import Filter

log = structlog.get_logger()

REMEMBERED: Final = 200_000
"""Answers of today that this process knows to be counted; asking for them again costs no look at the disk."""
_EVERYBODY: Final = "everybody"
"""Whom a search is about, in the counts."""
_MANY: Final = 1_000_000
_USUAL: Final = ProbeLimits()

Names = tuple[str, ...]
Named = Callable[[Mapping[str, str]], Names]


class Bounds(NamedTuple):
    """How much may be asked where an agreement says nothing else."""

    answers: int
    thresholds: int
    search_values: int


class _Waiting(NamedTuple):
    """Questions for bits that are to be counted."""

    consumer_id: str
    today: date
    probes: Sequence[Probe]
    verdicts: asyncio.Future[list[Verdict]]


class Probing:
    """Counts what is told bit by bit.

    holders: attribute -> registries that could state it.
    noticed: called with consumer and attribute when thresholds are climbed like a ladder.
    """

    def __init__(
        self,
        counts: ProbeCounts,
        holders: Mapping[str, frozenset[str]],
        bounds: Bounds,
        noticed: Callable[[str, str], None],
    ) -> None:
        self._counts, self._holders = counts, holders
        self._bounds, self._noticed = bounds, noticed
        self._known: set[tuple[str, str, Asked]] = set()
        self._known_on = date.min
        self._waiting: list[_Waiting] = []
        self._counting: asyncio.Task[None] | None = None

    async def looked_up(
        self,
        permit: Permit,
        people: Sequence[Mapping[str, str]],
        permits: Sequence[PersonPermit],
        named: Named,
        day: date,
    ) -> Sequence[PersonPermit]:
        """Return the permits without what has been told too often; nothing is counted.

        people: the numbers known of each. named: returns the pseudonyms of somebody with these numbers.
        day: what the answer is about.
        Raises: CountError when what was told cannot be read.
        """
        rungs = _rungs(permit)
        if not rungs:
            return permits
        probes = self._probes(permit, rungs, day)
        wanted = [
            (place, probe._replace(names=names))
            for place, (numbers, person) in enumerate(zip(people, permits, strict=True))
            for names in (self._names(permit, [numbers], named),)
            for probe in probes
            if probe.attribute in person.forms
        ]
        over = await self._over(permit, wanted, counting=False)
        return [self._narrowed(permit, person, over.get(place, ())) for place, person in enumerate(permits)]

    async def counted(
        self, permit: Permit, people: Sequence[Person], issuers: Issuers, named: Named, day: date
    ) -> None:
        """Count what is going to be told of the people of one question, and narrow the permit of who has no more left.

        named: returns the pseudonyms of somebody with these numbers.

        Raises: CountError when it cannot be counted.
        """
        rungs = _rungs(permit)
        if not rungs:
            return
        names = [
            self._names(permit, _counted_under(person, issuers, is_asked=not place), named)
            for place, person in enumerate(people)
        ]
        household = tuple(sorted({name for one in names for name in one}))
        wanted: list[tuple[int, Probe]] = []
        for probe in self._probes(permit, rungs, day):
            # INVARIANT: a household is one, whichever of its members a question came by.
            is_shared = probe.attribute in permit.household_names
            for place, person in enumerate(people):
                if person.permit is not None and probe.attribute in person.permit.forms:
                    wanted.append((place, probe._replace(names=household if is_shared else names[place])))
        over = await self._over(permit, wanted, counting=True)
        for place, attributes in over.items():
            person = people[place]
            if person.permit is not None:
                person.permit = self._narrowed(permit, person.permit, attributes)

    async def over_searches(self, permit: Permit, filter: Filter) -> Denial | None:
        """Count what a search compares with; the denial when there was too much of one attribute.

        What is told as it is counts by value. What is told in bits counts by its thresholds, as it does about one
        person: who is found below one and not below another is told about as well as if asked about.

        Raises: CountError when they cannot be counted.
        """
        today = permit.decided_at.date().isoformat()
        wanted = []
        for attribute, step in sorted(steps_of(filter)):
            agreed, form = permit.probe_limits.get(attribute, _USUAL), permit.searchable.get(attribute)
            rung = None if form is None else rung_of(form)
            if rung is None:
                most = agreed.search_values or self._bounds.search_values
            else:
                most = agreed.thresholds or self._bounds.thresholds
            name = self._counts.name(permit.consumer_id, f"{_EVERYBODY} by {'value' if rung is None else 'form'}")
            # A day more costs nothing: who is found changes from day to day, and nobody in particular is asked about.
            wanted.append((0, Probe((name,), attribute, Asked(rung or f"search {step}", today), Limits(_MANY, most))))
        over = await self._over(permit, wanted, counting=True)
        if not over:
            return None
        return Denial(
            Reason.PROBED_TOO_OFTEN,
            f"too many different values of {', '.join(sorted(set(over[0])))} were searched by: use one of before, "
            "wait, or agree more (probes)",
        )

    def _probes(self, permit: Permit, rungs: Mapping[str, str], day: date) -> list[Probe]:
        """Return the questions for bits that a permit allows, about nobody yet."""
        probes = []
        for attribute, rung in rungs.items():
            agreed = permit.probe_limits.get(attribute, _USUAL)
            limits = Limits(agreed.answers or self._bounds.answers, agreed.thresholds or self._bounds.thresholds)
            probes.append(Probe((), attribute, Asked(rung, day.isoformat()), limits))
        return probes

    def _names(self, permit: Permit, under: Iterable[Mapping[str, str]], named: Named) -> Names:
        known = dict.fromkeys(name for numbers in under for name in named(numbers) or (_nameless(numbers),))
        return tuple(self._counts.name(permit.consumer_id, name) for name in known)

    async def _over(
        self, permit: Permit, wanted: Sequence[tuple[int, Probe]], *, counting: bool
    ) -> Mapping[int, Iterable[str]]:
        """Return what is not told any more: place of the person -> attributes."""
        today = permit.decided_at.date()
        if today != self._known_on:
            self._known.clear()
            self._known_on = today
        new = [(place, probe) for place, probe in wanted if not self._is_known(probe, of_all=counting)]
        if not new:
            return {}
        probes = [probe for _, probe in new]
        if not counting and self._counts.is_far(permit.consumer_id, probes, today):
            return {}
        try:
            if counting:
                verdicts = await self._count(permit.consumer_id, probes, today)
            else:
                verdicts = await asyncio.to_thread(
                    self._counts.weigh, permit.consumer_id, probes, today, counting=False
                )
        except SQLAlchemyError as error:
            # INVARIANT: what cannot be counted is not told.
            raise CountError(f"stores.counters_url: cannot be used ({type(error).__name__})") from None
        over: dict[int, list[str]] = {}
        for (place, probe), verdict in zip(new, verdicts, strict=True):
            if not verdict.is_answered:
                over.setdefault(place, []).append(probe.attribute)
            elif counting:
                self._remember(probe)
        ladders = {p.attribute for (_, p), said in zip(new, verdicts, strict=True) if said is Verdict.LADDER}
        for attribute in sorted(ladders):
            log.warning("probe_noticed", consumer=permit.consumer_id, attribute=attribute)
            self._noticed(permit.consumer_id, attribute)
        return over

    async def _count(self, consumer_id: str, probes: Sequence[Probe], today: date) -> list[Verdict]:
        """Weigh and count; whoever comes while others are counted is counted with those who come then, at once."""
        waiting = _Waiting(consumer_id, today, probes, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._counting is None:
            self._counting = asyncio.create_task(self._count_all())
        return await waiting.verdicts

    async def _count_all(self) -> None:
        while self._waiting:
            consumer_id, today, *_ = self._waiting[0]
            batch = [one for one in self._waiting if one[:2] == (consumer_id, today)]
            self._waiting = [one for one in self._waiting if one[:2] != (consumer_id, today)]
            probes = [probe for one in batch for probe in one.probes]
            try:
                verdicts = await asyncio.to_thread(self._counts.weigh, consumer_id, probes, today, counting=True)
            except Exception as error:  # noqa: BLE001 - it is raised at everybody who waits
                for one in batch:
                    if not one.verdicts.done():
                        one.verdicts.set_exception(error)
                continue
            found = iter(verdicts)
            for one in batch:
                mine = list(islice(found, len(one.probes)))
                if not one.verdicts.done():  # it is, when whoever asked has hung up
                    one.verdicts.set_result(mine)
        self._counting = None

    def _is_known(self, probe: Probe, *, of_all: bool) -> bool:
        """Tell whether this process knows that the answer was counted today: for one name, or for each of them."""
        known = ((name, probe.attribute, probe.asked) in self._known for name in probe.names)
        return bool(probe.names) and (all(known) if of_all else any(known))

    def _remember(self, probe: Probe) -> None:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known.update((name, probe.attribute, probe.asked) for name in probe.names)

    def _narrowed(self, permit: Permit, person: PersonPermit, attributes: Iterable[str]) -> PersonPermit:
        """Return a permit without attributes, and without reading what only they are made of."""
        if not (dropped := frozenset(attributes)):
            return person
        forms = {name: form for name, form in person.forms.items() if name not in dropped}
        needed = {base for name in forms for base in permit.inputs.get(name, (name,))}
        unread = dict(person.refused_attributes)
        for base in {base for name in dropped for base in permit.inputs.get(name, (name,))} - needed:
            for source in self._holders.get(base, ()):
                unread[source] = unread.get(source, frozenset()) | {base}
        withheld = {**person.withheld, **dict.fromkeys(sorted(dropped), WithheldReason.PROBED_TOO_OFTEN)}
        return person._replace(forms=forms, withheld=withheld, refused_attributes=unread)


def noticed_in(permits: Iterable[PersonPermit | None]) -> tuple[str, ...]:
    """Return what the probe guard kept back, for the journal."""
    return tuple(
        sorted(
            {
                name
                for permit in permits
                if permit is not None
                for name, reason in permit.withheld.items()
                if reason is WithheldReason.PROBED_TOO_OFTEN
            }
        )
    )


def _rungs(permit: Permit) -> dict[str, str]:
    return {name: rung for name, form in permit.forms.items() if (rung := rung_of(form)) is not None}


def _nameless(numbers: Mapping[str, str]) -> str:
    """Return what stands for somebody who has no number of a person's own."""
    return "\x00".join(f"{type_} {value}" for type_, value in numbers.items())


def _counted_under(person: Person, issuers: Issuers, *, is_asked: bool) -> Iterator[Mapping[str, str]]:
    """Yield the numbers that a person is counted under.

    The leading one, which every way of asking leads to; all of them where there is none. Whoever is asked about is
    counted under the number asked by as well, so that asking by it again is known to be too much before anything is
    read; and somebody registered twice under both numbers.
    """
    numbers = {**person.identifiers, **person.numbers(issuers)}
    yield next(({type_: numbers[type_]} for type_ in (UIN, BRN) if type_ in numbers), numbers)
    if is_asked:
        yield person.identifiers
    yield from ({alias.type: alias.value} for alias in person.aliases)

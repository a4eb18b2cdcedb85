"""Deciding: what may be read and told of each person of one question, from the first number to the last word.

Asked before any registry is asked about anybody, again when a question has learned more numbers, dates of birth and
deaths, and a last time just before the answer leaves. It narrows on the way, and never widens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from policies.consent import LAST_WORDS, Known, allows_objection, needs_consent, reconsidered
from policies.emergency import Emergency, widened
from policies.engine import narrowed
from policies.ports import Standing, StandingKind
from policies.receipts import Capacity
from standards.household import Evidence
from standards.identifiers import BRN, SHARED_TYPES, UIN
from standards.states import WithheldReason

if TYPE_CHECKING:
    from gateway.stages.identity import Issuers
    from gateway.stages.people import Person
    from gateway.stages.probing import Probing
    from policies.ports import ConsentLedger
    from policies.receipts import Receipt
    from standards.attributes import Catalogue
    from standards.permit import Permit, PersonPermit

Names = tuple[str, ...]
"""The pseudonyms of one person."""


class Ground(NamedTuple):
    """What decisions about people stand on."""

    ledger: ConsentLedger
    person: Callable[[Permit, Standing | None], PersonPermit]
    """The pure rule about one person."""
    holders: Mapping[str, frozenset[str]]
    catalogue: Catalogue
    age_of_majority: int = 18


class Held(NamedTuple):
    """What an answer rests on: while it is as it was, the answer may leave."""

    permit: Permit
    stamp: object
    at: datetime
    standings: Mapping[Names, Standing] | None
    """What was read of everybody's decisions; None for an answer that is given again, and then the stamp decides."""
    carried: Mapping[str, Sequence[Receipt]] = {}
    emergencies: tuple[Emergency, ...] = ()
    is_open_to_objections: bool = False
    """Nobody had objected to the purpose, so nobody's objection was looked for."""


class Deciding:
    """The decisions about the people of one question.

    carried: pseudonym -> what the question itself brought of this person's consent.
    emergencies: those that count for the programme today.
    probing: counts what is told bit by bit; None: nothing is counted.
    day: what the question is about; default: today.
    """

    def __init__(
        self,
        ground: Ground,
        permit: Permit,
        now: datetime,
        carried: Mapping[str, Sequence[Receipt]],
        emergencies: Sequence[Emergency] = (),
        probing: Probing | None = None,
        day: date | None = None,
    ) -> None:
        self._probing, self._day = probing, day or now.date()
        self._ground, self._permit, self._now, self._carried = ground, permit, now, carried
        self._asks_consent = needs_consent(permit)
        self._asks_objections = allows_objection(permit) and ground.ledger.has_objections(permit.purpose)
        self._emergencies = tuple(emergencies) if self._asks_consent else ()
        self._read: dict[Names, Standing] = {}
        self._names: dict[tuple[str, str], Names] = {}
        self._lives: dict[str, Sequence[object]] = {}
        self._stamp: object = ground.ledger.stamp() if self.depends_on_people else None

    @property
    def depends_on_people(self) -> bool:
        """Tell whether anybody has a say: under consent, and where somebody has objected to a public task."""
        return self._asks_consent or self._asks_objections

    @property
    def carries(self) -> bool:
        """Tell whether the question brought consent of its own."""
        return bool(self._carried)

    @property
    def needs_places(self) -> bool:
        """Tell whether it matters where somebody lives: an emergency counts in its area only."""
        return any(emergency.area is not None for emergency in self._emergencies)

    async def __call__(self, subjects: Sequence[Mapping[str, str]]) -> Sequence[PersonPermit]:
        """Return what may be read and given of each person, for the numbers known of each."""
        return await self.within(subjects, [()] * len(subjects))

    async def within(
        self, subjects: Sequence[Mapping[str, str]], places: Sequence[Sequence[object]]
    ) -> Sequence[PersonPermit]:
        """Return the same for people of whom it is known where they live: codes of region and district."""
        permits = await self._within(subjects, places)
        if self._probing is None:
            return permits
        return await self._probing.looked_up(self._permit, subjects, permits, self._named, self._day)

    async def probed(self, people: Sequence[Person], issuers: Issuers) -> None:
        """Count what is going to be told bit by bit, and narrow the permit of whom too much was told of already."""
        if self._probing is not None:
            await self._probing.counted(self._permit, people, issuers, self._named, self._day)

    async def _within(
        self, subjects: Sequence[Mapping[str, str]], places: Sequence[Sequence[object]]
    ) -> Sequence[PersonPermit]:
        if not self.depends_on_people:
            return [self._ground.person(self._permit, None)] * len(subjects)
        people = list(map(self._named, subjects))
        self._lives.update(
            (name, lives) for names, lives in zip(people, places, strict=True) if lives for name in names
        )
        standings = await self._standings(people)
        return [self._decided(standing, names) for standing, names in zip(standings, people, strict=True)]

    async def reconsider(self, people: Sequence[Person], issuers: Issuers) -> list[Person]:
        """Narrow everybody's permit by what the question has come to know: numbers, ages, deaths, parents.

        Return those whose consent has ended because they have died.

        Consent and refusal count under whatever number they were given; a number that may be somebody else's brings a
        refusal, and never a grant. What was heard of a person from sources that must not be asked is let go of.
        """
        ended: list[Person] = []
        if not self.depends_on_people or not people:
            return ended
        own = [{**person.identifiers, **person.numbers(issuers)} for person in people]
        called = list(map(self._named, own))
        standings = await self._standings(called)
        for person, numbers, mine, standing in zip(people, own, called, standings, strict=True):
            if person.permit is None:
                continue
            known = self._known(person, standing, issuers)
            now_standing = standing
            if self._asks_consent:
                now_standing = reconsidered(standing, known, self._now.date(), self._ground.age_of_majority)
                if self._carried and self._is_minors_own(mine, known):
                    now_standing = _MISSING
            doubtful = await self._refusals(person, numbers)
            if doubtful or not now_standing.is_whole:
                permit = self._decided(now_standing, mine)
                if known.has_died and standing.kind is StandingKind.GRANTED and self._asks_consent:
                    permit = _last_words(permit, person.permit)
                    ended.append(person)
                for refusing in doubtful:
                    permit = narrowed(permit, refusing)
                self._narrow(person, permit, has_died=known.has_died)
            if person.permit.emergency is not None:
                person.evidence = (*person.evidence, Evidence("emergency", person.permit.emergency))
        return ended

    def _narrow(self, person: Person, permit: PersonPermit, *, has_died: bool) -> None:
        """Leave a person what both the permit so far and this one permit."""
        if person.permit is None or not _is_narrower(permit, person.permit):
            return
        kept = person.permit = narrowed(person.permit, permit)
        if not has_died:  # who is known to have died is still left out of every count
            # INVARIANT: nothing is computed from what must not be read, though it was before that was known.
            person.heard = {key: heard for key, heard in person.heard.items() if kept.allows(key[0])}

    def held(self) -> Held:
        """Return what the answer rests on."""
        unasked = allows_objection(self._permit) and not self._asks_objections
        return Held(self._permit, self._stamp, self._now, dict(self._read), self._carried, self._emergencies, unasked)

    async def _standings(self, people: Sequence[Names]) -> Sequence[Standing]:
        standings = await self._ground.ledger.standings_under(
            people,
            self._permit.purpose,
            self._permit.consumer_id,
            self._now,
            carried=self._carried,
            objections=self._asks_objections,
        )
        self._read.update(zip(people, standings, strict=True))
        return standings

    def _named(self, numbers: Mapping[str, str]) -> Names:
        """Return the pseudonyms under which a person's decisions may stand; made once for each number of a question."""
        names: list[str] = []
        for number in numbers.items():
            if (known := self._names.get(number)) is None:
                known = self._names[number] = self._ground.ledger.names(dict([number]))
            names += known
        return tuple(names)

    def _decided(self, standing: Standing, names: Names) -> PersonPermit:
        person = self._ground.person(self._permit, standing)
        lives = [place for name in names for place in self._lives.get(name, ())] if self._emergencies else ()
        for emergency in self._emergencies:
            if emergency.reaches(lives):
                person = widened(person, self._permit, emergency, self._ground.holders, self._ground.catalogue)
        return person

    async def _refusals(self, person: Person, numbers: Mapping[str, str]) -> list[PersonPermit]:
        """Return what follows from refusals under numbers that may be this person's, or somebody else's."""
        stated = {
            number
            for heard in person.heard.values()
            if heard.record is not None
            for number in heard.record.identifiers.items()
            if numbers.get(number[0]) != number[1] and number[0] not in SHARED_TYPES
        }
        stated |= {(alias.type, alias.value) for alias in person.aliases}
        if not stated:
            return []
        standings = await self._standings([self._named(dict([n])) for n in sorted(stated)])
        refusing = {StandingKind.REFUSED, StandingKind.OBJECTED}
        return [self._decided(s, ()) for s in standings if s.kind in refusing or s.refused_sources or s.refused_parts]

    def _known(self, person: Person, standing: Standing, issuers: Issuers) -> Known:
        records = [(key[0], h.record) for key, h in person.heard.items() if h.record is not None]
        has_died = any(r.values.get("vital_status") == "dead" or r.values.get("death_date") for _, r in records)
        if not self._asks_consent or standing.kind is not StandingKind.GRANTED:
            return Known(has_died=has_died)
        vouching = [*issuers.get(BRN, ()), *issuers.get(UIN, ())]
        dated = [(source not in vouching, source, r.values.get("birth_date")) for source, r in records]
        born = next((value for *_, value in sorted(dated, key=lambda d: d[:2]) if isinstance(value, str)), None)
        names = self._named
        if standing.guardian is None and not self._carried:
            return Known(_day(born), has_died)
        links = [link.identifiers for _, r in records for link in r.links if link.relation == "PRN"]
        parents = tuple({t: n for t, v in numbers.items() for n in names({t: v})} for numbers in links)
        return Known(_day(born), has_died, parents)

    def _is_minors_own(self, names: Names, known: Known) -> bool:
        """Tell whether the question carries a child's own consent: adults decide for themselves, children do not."""
        if known.birth_date is None:
            return False
        own = any(r.capacity is Capacity.SELF for name in names for r in self._carried.get(name, ()))
        guardianless = Standing(StandingKind.GRANTED, guardian="")
        is_adult = (
            reconsidered(guardianless, Known(known.birth_date), self._now.date(), self._ground.age_of_majority).kind
            is StandingKind.ENDED
        )
        return own and not is_adult


_MISSING = Standing(StandingKind.MISSING)


def _last_words(permit: PersonPermit, before: PersonPermit) -> PersonPermit:
    kept = {name: form for name, form in before.forms.items() if name in LAST_WORDS}
    return permit._replace(
        forms={**permit.forms, **kept},
        withheld={name: reason for name, reason in permit.withheld.items() if name not in kept},
        refused_sources=before.refused_sources,
        refused_attributes=before.refused_attributes,
    )


def _is_narrower(permit: PersonPermit, than: PersonPermit) -> bool:
    return (
        not than.forms.keys() <= permit.forms.keys()
        or not permit.refused_sources <= than.refused_sources
        or permit.refused_attributes != than.refused_attributes
    )


def _day(stated: str | None) -> date | None:
    try:
        return None if stated is None else date.fromisoformat(stated[:10])
    except ValueError:
        return None


def may_be_decided_elsewhere(permit: PersonPermit) -> bool:
    """Tell whether nothing is known of a person's decision, so that it may stand under another number."""
    return not permit.forms and WithheldReason.CONSENT_MISSING in permit.withheld.values()

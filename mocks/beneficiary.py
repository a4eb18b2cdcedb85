"""The integrated beneficiary registry: who is enrolled in which of three programmes, asked in DCI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from aiohttp import web

from mocks.beneficiary_enrolments import (
    ACTIVE,
    NUMBER_TYPE,
    PROGRAMMES,
    Beneficiary,
    Enrolment,
    beneficiaries,
)
from mocks.beneficiary_records import ON_FILE, record
from mocks.beneficiary_updates import Update, updates_of
from mocks.chance import stream
from mocks.dci import DciRegistry, Kind
from mocks.dci_query import Attribute, RefusedItemError
from mocks.events import Event
from mocks.people import Person
from mocks.population import Population
from mocks.registry import Call, Operation
from mocks.rolls import Roll
from mocks.speaking import spoken
from mocks.specials import Special, answer_to_special, asked_about, refusal_of, served, stamped


class BeneficiaryRegistry(DciRegistry):
    """Beneficiaries with their enrolments and payments; it says whether somebody is enrolled, and takes updates."""

    name = "beneficiary"
    reg_type = "ns:org:RegistryType:IBR"
    default_entity = "beneficiary"
    spoiled_names: ClassVar[Mapping[str, str]] = {**DciRegistry.spoiled_names, "enrolled_status": "is_enrolled"}

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        self.roll = Roll(beneficiaries(population), NUMBER_TYPE)
        self._rng = stream(population.seed, "beneficiary numbers")
        super().__init__(population, credentials)

    def described(self) -> Mapping[str, Kind]:
        """Return the one kind of record, which the release also calls by its response entity."""
        population = self.population
        kind = Kind(
            record_type="Beneficiary",
            everybody=lambda: self.roll.entries,
            by_number={type_: self.roll.by(type_) for type_ in (NUMBER_TYPE, "UIN")}
            | {"HOUSEHOLD_ID": self._of_household},
            attributes={
                "programme_identifier": Attribute("text", lambda one: _each(one, lambda e: e.programme.key)),
                "enrollment_status": Attribute("text", lambda one: _each(one, lambda e: e.status(ON_FILE))),
                "enrollment_date": Attribute("date", lambda one: _each(one, lambda e: e.enrolled_on.isoformat())),
                "pv:active_programme": Attribute("text", _active_in),
                "sex": Attribute("text", lambda one: one.person.sex),
                "birth_date": Attribute("date", lambda one: one.person.birth_date.isoformat()),
                "region_code": Attribute("text", self._region),
                "UIN": Attribute("text", lambda one: one.uin),
                NUMBER_TYPE: Attribute("text", lambda one: one.number),
            },
            record=lambda one: record(population, one) or {},
            record_on=lambda one, day: record(population, one, day),
        )
        return {"beneficiary": kind, "member": kind}

    def operations(self) -> Iterable[Operation]:
        """Return search, the question whether somebody is enrolled, and the updates programmes send."""
        yield from super().operations()
        yield from spoken(self, "sync/enrolled", served("enrolled_criteria", self.enrolled), "enrolled")
        yield from spoken(self, "sync/enrollment/updates", served("enrolled_updates", self.updated), "updates")

    def things_of(self, kind: Kind, person: Person) -> Sequence[Any]:
        """Return a person as a beneficiary, under each national number they were enrolled by."""
        return self.roll.of(person)

    def holds(self, person: Person) -> bool:
        """Tell whether a person is or was enrolled in anything."""
        return bool(self.roll.of(person))

    def enrolled(self, question: Special, call: Call) -> web.Response:
        """Answer yes while an enrolment is active, in the programme named or in any; and no about somebody unknown."""
        call.asked(1)
        if (code := refusal_of(question, "search")) is not None:
            return self._answer(question, [], code=code)
        try:
            value, programme = asked_about(question)
        except RefusedItemError as refusal:
            return self._answer(question, [], message=str(refusal))
        found = self.roll.by_any(value)
        if call.wrong_person:
            people = call.about([one.person for one in found])
            found = [one for person in people if person is not None for one in self.roll.of(person)]
        is_in = any(
            enrolment.status(ON_FILE) == ACTIVE and programme in (None, enrolment.programme.key)
            for one in found
            for enrolment in one.enrolments
        )
        return self._answer(question, [stamped(question) | {"enrolled_status": "yes" if is_in else "no"}])

    def updated(self, question: Special, call: Call) -> web.Response:
        """Take in what a programme tells of its beneficiaries, one by one; what is told from then on says so."""
        sent = question.asked.get("beneficiaries")
        sent = [sent] if isinstance(sent, dict) else sent
        call.asked(len(sent) if isinstance(sent, list) else 0)
        if (code := refusal_of(question, "notify")) is not None:
            return self._answer(question, [], action="notify", code=code)
        if not isinstance(sent, list) or not sent:
            return self._answer(question, [], action="notify", message="enrolled_updates lists beneficiaries")
        taken = [self._taken(question, place, one) for place, one in enumerate(sent)]
        refused = all(one["status"] == "rjct" for one in taken)
        why = {"message": "none of the beneficiaries could be taken in"} if refused else {}
        return self._answer(question, taken, action="notify", **why)

    def enrol(self, person: Person, programme: str, day: date, uin: str | None = None) -> Beneficiary:
        """Enter a person into a programme; one who is in it already becomes active again from that day on."""
        known = self._under(person, uin or person.uin)
        if known is None:
            own = self.roll.fresh_number(self._rng, "BN-", 7)
            known = Beneficiary(len(self.roll.entries), person, own, uin or person.uin)
            self.roll.add(known)
        if not self.change(person, programme, ACTIVE, day, uin):
            household = self.population.households[person.household]
            known.enrolments.append(Enrolment(PROGRAMMES[programme], household, day, PROGRAMMES[programme].amount))
            known.enrolments.sort(key=lambda one: one.enrolled_on)
        return known

    def change(self, person: Person, programme: str, status: str, day: date, uin: str | None = None) -> bool:
        """Give an enrolment another status from a day on; tells whether there is such an enrolment."""
        held = self._held(person, programme, uin or person.uin)
        if held is not None and held.status(day) != status:
            held.changes = [*held.changes, (max(day, held.enrolled_on), status)]
            held.changes.sort(key=lambda change: change[0])
        return held is not None

    def _taken(self, question: Special, place: int, sent: Any) -> dict[str, Any]:
        """Take one beneficiary in, whole or not at all, and return what is said of it."""
        try:
            people = [(self._person(update), update) for update in updates_of(sent)]
        except ValueError as problem:
            return stamped(question, "rjct", place) | {"status_reason_message": str(problem)}
        for person, update in people:
            self._take(person, update)
        return stamped(question, "succ", place)

    def _take(self, person: Person, update: Update) -> None:
        """Take one update in, and tell subscribers of what it changed."""
        uin = update.number if update.number in (person.uin, person.second_uin) else person.uin
        held = self._held(person, update.programme, uin)
        before = None if held is None else held.status(ON_FILE)
        if held is None:
            self.enrol(person, update.programme, update.enrolled_on, uin)
        self.change(person, update.programme, update.status, update.since, uin)
        after = self._held(person, update.programme, uin)
        if after is not None and after.status(ON_FILE) != before:
            kind = "enrolment" if before is None else "enrolment_change"
            self.later.happened(Event(kind, self.population.today, person.index))

    def _held(self, person: Person, programme: str, uin: str | None) -> Enrolment | None:
        known = self._under(person, uin)
        held = () if known is None else known.enrolments
        return next((one for one in held if one.programme.key == programme), None)

    def _person(self, update: Update) -> Person:
        """Return whom an update is about: somebody known here, or anybody with a national number."""
        known = next(iter(self.roll.by_any(update.number)), None)
        if known is not None:
            return known.person
        place = self.population.by_number["UIN"].get(update.number)
        if place is None:
            raise ValueError("nobody has that number")
        return self.population.people[place]

    def _of_household(self, value: str) -> Sequence[Beneficiary]:
        """Return who receives a benefit for a household."""
        people = [
            self.population.people[member]
            for place in self.population.households_by_id.get(value, ())
            for member in self.population.households[place].members
        ]
        shared = (one for person in people for one in self.roll.of(person))
        return [one for one in shared if any(held.programme.is_for_households for held in one.enrolments)]

    def _under(self, person: Person, uin: str | None) -> Beneficiary | None:
        return next((one for one in self.roll.of(person) if one.uin == uin), None)

    def _answer(
        self, question: Special, items: Sequence[Mapping[str, Any]], *, action: str = "on-search", **why: str
    ) -> web.Response:
        content = {"enrolled_response": items}
        return answer_to_special(question, content, action=action, sender=self.sender_id, **why)

    def _region(self, one: Beneficiary) -> str:
        return self.population.households[one.person.household].address.region


def _each(one: Beneficiary, of: Callable[[Enrolment], str]) -> tuple[str, ...]:
    return tuple(of(enrolment) for enrolment in one.enrolments)


def _active_in(one: Beneficiary) -> tuple[str, ...]:
    active = (enrolment for enrolment in one.enrolments if enrolment.status(ON_FILE) == ACTIVE)
    return tuple(enrolment.programme.key for enrolment in active)

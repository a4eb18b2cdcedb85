"""Civil registration: births, deaths, marriages and divorces, asked in DCI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from mocks.dci import DciRegistry, Kind
from mocks.dci_message import number, stamp
from mocks.dci_query import Attribute
from mocks.people import Person


class CrvsRegistry(DciRegistry):
    """People whose birth was registered; kin and vital events, keys of the country's own under `pv:`."""

    name = "crvs"
    reg_type = "ns:org:RegistryType:Civil"
    default_entity = "person"

    def described(self) -> Mapping[str, Kind]:
        """Return the one kind of record, a person."""
        person = Kind(
            record_type="spdci-extensions-dci:Person",
            everybody=self._everybody,
            by_number={type_: self._finder(type_) for type_ in ("UIN", "BRN", "DRN")} | {"MRN": self._spouses},
            attributes={
                "birth_date": Attribute("date", lambda one: one.birth_date.isoformat()),
                "birth_place": Attribute("text", lambda one: one.birth_place),
                "sex": Attribute("text", lambda one: one.sex),
                "given_name": Attribute("text", lambda one: self._spelling(one)[0]),
                "surname": Attribute("text", lambda one: self._spelling(one)[2]),
                "BRN": Attribute("text", lambda one: one.brn),
            },
            record=self._record,
            record_on=self._record_on,
        )
        return {"person": person}

    def things_of(self, kind: Kind, person: Person) -> Sequence[Person]:
        """Return a person whose birth was registered, also one without a national number."""
        return (person,) if self.holds(person) else ()

    def _everybody(self) -> list[Person]:
        return [person for person in self.population.people if self.holds(person)]

    def holds(self, person: Person) -> bool:
        """Tell whether a person's birth was registered."""
        return self.population.in_crvs(person.index)

    def _finder(self, type_: str) -> Any:
        index = self.population.by_number[type_]

        def found(value: str) -> Sequence[Person]:
            place = index.get(value)
            person = None if place is None else self.population.people[place]
            # The second number of a double registration is unknown here: it was given out by mistake, elsewhere.
            if person is None or person.second_uin == value or not self.holds(person):
                return ()
            return (person,)

        return found

    def _spouses(self, value: str) -> list[Person]:
        couple = self.population.marriages_by_mrn.get(value, ())
        return [person for place in couple if self.holds(person := self.population.people[place])]

    def _spelling(self, person: Person) -> tuple[str, str | None, str]:
        return self.population.spelling("crvs", person.index)

    def _record_on(self, person: Person, day: date) -> dict[str, Any] | None:
        """Return what the register would have told on a past day of a person born by then."""
        return self._record(person, day) if person.birth_date <= day else None

    def _record(self, person: Person, day: date | None = None) -> dict[str, Any]:
        people, day = self.population.people, day or self.population.today
        given, second, surname = self._spelling(person)
        name = {"given_name": given, "surname": surname}
        if second:
            name["second_name"] = second
        is_dead = _died_by(person, day)
        marriages = [marriage for marriage in person.marriages if marriage.start <= day]
        record: dict[str, Any] = {
            "@type": "CRVS_Person",
            "identifier": _numbers(
                person, ("UIN", person.uin), ("BRN", person.brn), ("DRN", person.drn if is_dead else None)
            ),
            "name": name,
            "sex": person.sex,
            "birth_date": person.birth_date.isoformat(),
            "birth_place": {"name": person.birth_place},
            "marital_status": marital_status(person, day),
            "marriage_date": [marriage.start.isoformat() for marriage in marriages],
            "divorce_date": [
                marriage.end.isoformat()
                for marriage in marriages
                if marriage.end is not None and marriage.end <= day and marriage.ended_by == "divorce"
            ],
            "pv:vital_status": "dead" if is_dead else "alive",
            "pv:children": [
                {
                    "identifier": _numbers(child, ("BRN", child.brn), ("UIN", child.uin)),
                    "birth_date": child.birth_date.isoformat(),
                }
                for place in person.children
                if self.holds(child := people[place]) and child.birth_date <= day
            ],
            "last_updated": stamp(min(person.updated_on, day)),
        }
        if is_dead and person.death_date is not None:
            record["death_date"] = person.death_date.isoformat()
        if person.birth_registered_on is not None and person.birth_registered_on <= day:
            record["pv:birth_registration_date"] = person.birth_registered_on.isoformat()
            record["registration_date"] = stamp(person.birth_registered_on)
        for which, place in (("parent1", person.mother), ("parent2", person.father)):
            parent = None if place is None else people[place]
            if parent is None:
                continue
            if numbers := _numbers(parent, ("UIN", parent.uin), ("BRN", parent.brn)):
                record[f"{which}_identifier"] = numbers[0]
            if self.holds(parent):
                record[f"pv:{which}_vital_status"] = "dead" if _died_by(parent, day) else "alive"
        spouse = None if is_dead else person.spouse_on(day)
        if spouse is not None:
            other = people[spouse]
            numbers = _numbers(other, ("UIN", other.uin), ("BRN", other.brn))
            if numbers:
                record["pv:spouse"] = {"identifier": numbers}
        return record


def marital_status(person: Person, day: date) -> str:
    """Return the DCI code of a person's marital status on a day, or at death."""
    marriages = [marriage for marriage in person.marriages if marriage.start <= day]
    if not marriages:
        return "S"
    last = max(marriages, key=lambda marriage: marriage.start)
    if last.end is None or last.end > day or last.end == person.death_date:
        return "M"
    return "D" if last.ended_by == "divorce" else "W"


def _died_by(person: Person, day: date) -> bool:
    return person.death_date is not None and person.death_date <= day


def _numbers(person: Person, *pairs: tuple[str, str | None]) -> list[dict[str, str]]:
    return [number(type_, value) for type_, value in pairs if value is not None]

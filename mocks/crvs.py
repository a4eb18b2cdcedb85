"""Civil registration: births, deaths, marriages and divorces, asked in DCI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mocks.dci import DciRegistry, Kind
from mocks.dci_message import number, stamp
from mocks.dci_query import Attribute
from mocks.people import Person
from mocks.population import REFERENCE_DATE


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
            },
            record=self._record,
        )
        return {"person": person}

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

    def _record(self, person: Person) -> dict[str, Any]:
        people = self.population.people
        given, second, surname = self._spelling(person)
        name = {"given_name": given, "surname": surname}
        if second:
            name["second_name"] = second
        record: dict[str, Any] = {
            "@type": "CRVS_Person",
            "identifier": _numbers(person, ("UIN", person.uin), ("BRN", person.brn), ("DRN", person.drn)),
            "name": name,
            "sex": person.sex,
            "birth_date": person.birth_date.isoformat(),
            "birth_place": {"name": person.birth_place},
            "marital_status": marital_status(person),
            "marriage_date": [marriage.start.isoformat() for marriage in person.marriages],
            "divorce_date": [
                marriage.end.isoformat()
                for marriage in person.marriages
                if marriage.end is not None and marriage.ended_by == "divorce"
            ],
            "pv:vital_status": "alive" if person.death_date is None else "dead",
            "pv:children": [
                {"identifier": _numbers(child, ("BRN", child.brn), ("UIN", child.uin))}
                for place in person.children
                if self.holds(child := people[place])
            ],
            "last_updated": stamp(person.updated_on),
        }
        if person.death_date is not None:
            record["death_date"] = person.death_date.isoformat()
        if person.birth_registered_on is not None:
            record["pv:birth_registration_date"] = person.birth_registered_on.isoformat()
            record["registration_date"] = stamp(person.birth_registered_on)
        for key, place in (("parent1_identifier", person.mother), ("parent2_identifier", person.father)):
            parent = None if place is None else people[place]
            numbers = [] if parent is None else _numbers(parent, ("UIN", parent.uin), ("BRN", parent.brn))
            if numbers:
                record[key] = numbers[0]
        spouse = None if person.death_date is not None else person.spouse_on(REFERENCE_DATE)
        if spouse is not None:
            other = people[spouse]
            numbers = _numbers(other, ("UIN", other.uin), ("BRN", other.brn))
            if numbers:
                record["pv:spouse"] = {"identifier": numbers}
        return record


def marital_status(person: Person) -> str:
    """Return the DCI code of a person's marital status on the reference date, or at death."""
    if not person.marriages:
        return "S"
    last = max(person.marriages, key=lambda marriage: marriage.start)
    if last.end is None or last.end > REFERENCE_DATE or last.end == person.death_date:
        return "M"
    return "D" if last.ended_by == "divorce" else "W"


def _numbers(person: Person, *pairs: tuple[str, str | None]) -> list[dict[str, str]]:
    return [number(type_, value) for type_, value in pairs if value is not None]

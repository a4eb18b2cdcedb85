"""The social registry: households as they were registered and their members, asked in DCI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from mocks.chance import stream
from mocks.crvs import marital_status
from mocks.dci import DciRegistry, Kind
from mocks.dci_message import number, stamp
from mocks.dci_query import Attribute
from mocks.numbers import fresh
from mocks.people import Address, Household, Person
from mocks.population import Population
from mocks.vital_events import ImpossibleEventError


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration of a household; a household registered twice has two."""

    index: int
    household_id: str
    household: Household


@dataclass(frozen=True, slots=True)
class Listed:
    """A person as a member of the household they are registered in."""

    person: Person
    household: Household

    @property
    def index(self) -> int:
        """Return the person's place in the population."""
        return self.person.index


class SocialRegistry(DciRegistry):
    """Groups and members; some households have changed since they registered, and a few registered twice."""

    name = "social"
    reg_type = "ns:org:RegistryType:Social"
    default_entity = "group"

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        # Two registrations of one household are two records, so registrations are what is searched.
        ids = sorted(
            (household_id, household.index)
            for household in population.households
            for household_id in population.registered_ids(household.index)
        )
        self._registrations = [
            Registration(index, household_id, population.households[place])
            for index, (household_id, place) in enumerate(ids)
        ]
        self._rng = stream(population.seed, "households registered later")
        self._by_household_id = {one.household_id: one for one in self._registrations}
        super().__init__(population, credentials)

    def described(self) -> Mapping[str, Kind]:
        """Return both kinds of record, households and people."""
        group = Kind(
            record_type="Group",
            everybody=lambda: self._registrations,
            by_number={
                "HOUSEHOLD_ID": self._by_id,
                "UIN": lambda value: self._registered_with(self._person("UIN", value)),
                "MEMBER_ID": lambda value: self._registered_with(self._person("MEMBER_ID", value)),
            },
            attributes={
                "poverty_score": Attribute("number", lambda one: one.household.poverty_score),
                "group_size": Attribute("number", self._size),
                "household_size": Attribute("number", self._size),
                "region_code": Attribute("text", lambda one: self._address(one.household).region),
                "sub_region_code": Attribute("text", lambda one: self._address(one.household).district),
                "dwelling_type": Attribute("text", lambda one: one.household.dwelling),
                "registration_date": Attribute("date", lambda one: _day(one.household.registered_on)),
                "HOUSEHOLD_ID": Attribute("text", lambda one: one.household_id),
            },
            record=self._group,
        )
        member = Kind(
            record_type="Member",
            everybody=self._everybody,
            by_number={"MEMBER_ID": self._member_by("MEMBER_ID"), "UIN": self._member_by("UIN")},
            attributes={
                "sex": Attribute("text", lambda one: one.person.sex),
                "birth_date": Attribute("date", lambda one: one.person.birth_date.isoformat()),
                "age": Attribute("number", lambda one: age(one.person, self.population.today)),
                "marital_status": Attribute("text", lambda one: marital_status(one.person, self.population.today)),
                "is_disabled": Attribute("flag", lambda one: one.person.disability is not None),
                "UIN": Attribute("text", lambda one: one.person.uin),
                "MEMBER_ID": Attribute("text", lambda one: one.person.member_id),
            },
            record=lambda one: self._member(one.person, one.household),
        )
        return {"group": group, "member": member}

    def holds(self, person: Person) -> bool:
        """Tell whether a person is listed in a registered household."""
        return bool(self.population.registered_households(person.index))

    def things_of(self, kind: Kind, person: Person) -> Sequence[Any]:
        """Return the registrations that list a person, or the person as listed."""
        if kind.record_type == "Group":
            return self._registered_with(person)
        return [self._listed(person)] if self.holds(person) else []

    def register(self, person: Person, day: date) -> None:
        """Register a person's household, which was not known here.

        Raises: ImpossibleEventError.
        """
        population = self.population
        home = population.households[person.household]
        if home.household_id is not None:
            raise ImpossibleEventError("that household is registered already")
        home.household_id = fresh(self._rng, population.households_by_id, "HH-", 6)
        home.registered_on = day
        population.households_by_id[home.household_id] = [home.index]
        for place in home.members:
            member, known = population.people[place], population.by_number["MEMBER_ID"]
            if member.member_id is None:
                member.member_id = fresh(self._rng, known, "SM", 7)
                known[member.member_id] = place
        self._registrations.append(Registration(len(self._registrations), home.household_id, home))
        self._by_household_id[home.household_id] = self._registrations[-1]

    def _person(self, type_: str, value: str) -> Person | None:
        place = self.population.by_number[type_].get(value)
        person = None if place is None else self.population.people[place]
        # The second number of a double registration was given out by mistake and is unknown here.
        return None if person is not None and person.second_uin == value else person

    def _by_id(self, value: str) -> Sequence[Registration]:
        registration = self._by_household_id.get(value)
        return () if registration is None else (registration,)

    def _registered_with(self, person: Person | None) -> Sequence[Registration]:
        if person is None:
            return ()
        return [
            self._by_household_id[household_id]
            for place in self.population.registered_households(person.index)
            for household_id in self.population.registered_ids(place)
        ]

    def _member_by(self, type_: str) -> Callable[[str], Sequence[Listed]]:
        def found(value: str) -> Sequence[Listed]:
            person = self._person(type_, value)
            return [] if person is None or not self.holds(person) else [self._listed(person)]

        return found

    def _listed(self, person: Person) -> Listed:
        """Return a person as a member of their own household, or of the one they have left since."""
        places = self.population.registered_households(person.index)
        own = person.household if person.household in places else places[0]
        return Listed(person, self.population.households[own])

    def _everybody(self) -> list[Listed]:
        listed = (person for person in self.population.people if self.holds(person))
        return [self._listed(person) for person in sorted(listed, key=lambda one: one.member_id or "")]

    def _address(self, household: Household) -> Address:
        return self.population.registered_address(household.index)

    def _size(self, registration: Registration) -> int:
        return len(self.population.registered_members(registration.household.index))

    def _group(self, registration: Registration) -> dict[str, Any]:
        household = registration.household
        people = [self.population.people[place] for place in self.population.registered_members(household.index)]
        members = [self._member(person, household) for person in people]
        head = next((place for place, person in enumerate(people) if person.index == household.head), 0)
        attributes: dict[str, Any] = {
            "dwelling_type": household.dwelling,
            "water_source": household.water,
            "has_electricity": household.electricity,
            "rooms": household.rooms,
            "benefit_programmes": household.programmes,
        }
        if household.last_paid_on is not None:
            attributes["benefit_last_paid_date"] = household.last_paid_on.isoformat()
        address = self._address(household)
        return {
            "@type": "Group",
            "group_identifier": [number("HOUSEHOLD_ID", registration.household_id)],
            "group_type": "2",
            "place": {"name": address.locality},
            "address": [_address(address)],
            "poverty_score": household.poverty_score,
            "poverty_score_type": "PMT-2024",
            "group_size": len(members),
            "group_head_info": members[head],
            "member_list": members,
            "additional_attributes": [{"name": name, "value": value} for name, value in attributes.items()],
        } | _dates(household)

    def _member(self, person: Person, household: Household) -> dict[str, Any]:
        numbers = [
            number(type_, value)
            for type_, value in (("MEMBER_ID", person.member_id), ("UIN", person.uin))
            if value is not None
        ]
        given, second, surname = self.population.spelling("social", person.index)
        name = {"given_name": given, "surname": surname}
        if second:
            name["second_name"] = second
        member: dict[str, Any] = {
            "@type": "Member",
            "member_identifier": numbers,
            "demographic_info": {
                "@type": "SRPerson",
                "identifier": numbers,
                "name": name,
                "sex": person.sex,
                "birth_date": person.birth_date.isoformat(),
                "phone_number": [person.phone] if person.phone else [],
                "address": [_address(self._address(household))],
            },
            # A child that has moved out since is still listed as a child.
            "relationship_to_head": household.relationship.get(person.index, "CHILD"),
            "is_disabled": person.disability is not None,
            "marital_status": marital_status(person, self.population.today),
        }
        if person.disability is not None:
            member["disability_info"] = [
                {
                    "disability_limitation_type": person.disability.limitation,
                    "functional_severity": person.disability.severity,
                }
            ]
        if person.schooling is not None and person.schooling.level:
            member["education_level"] = person.schooling.level
        return member | _dates(household)


def age(person: Person, day: date) -> int:
    """Return a person's age in whole years on a day."""
    born = person.birth_date
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _dates(household: Household) -> dict[str, str]:
    """Return when a household was registered, and when the registry last touched its file."""
    if household.registered_on is None:
        return {}
    touched = max(household.registered_on, household.last_paid_on or household.registered_on)
    return {"registration_date": stamp(household.registered_on), "last_updated": stamp(touched)}


def _address(address: Address) -> dict[str, str]:
    return {
        "address_line_1": address.line,
        "locality": address.locality,
        "sub_region_code": address.district,
        "region_code": address.region,
        "postal_code": address.postal_code,
    }

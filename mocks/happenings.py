"""What happens in Poveria after it was grown: on command for one person, or by chance day by day, in all registries.

One event changes the truth once; then every registry learns of it, and those that speak DCI tell their subscribers.
Some learn late, at the rates of `troubles`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mocks.beneficiary_enrolments import PROGRAMMES
from mocks.chance import between, fraction, stream
from mocks.dci import DciRegistry
from mocks.events import Event
from mocks.moving import move_in, relocate
from mocks.numbers import Mint
from mocks.people import Person
from mocks.troubles import RATES
from mocks.vital_events import ImpossibleEventError, bear, die, divorce, marry

if TYPE_CHECKING:
    from mocks.population import Population
    from mocks.registry import Registry

LATE_DAYS: Final = (20, 120)
"""How many days later those registries learn of an event that learn late."""
ACTIVE, DECEASED = "1", "2"
"""DCI codes of an enrolment's status."""


class Happened(NamedTuple):
    """An event, and how many subscribers each registry told of it."""

    event: Event
    told: Mapping[str, int]


class Late(NamedTuple):
    """What a registry will only learn on a later day."""

    due: date
    learn: Callable[[], None]


class Happenings:
    """The events of one country over one population; without any, the population stays as it was grown."""

    def __init__(self, population: Population) -> None:
        self.population = population
        self.rng = stream(population.seed, "happenings")
        self.mint = Mint(population.seed)
        self.mint.rng = stream(population.seed, "numbers of what happens")
        self.mint.people, self.mint.marriages = population.by_number, population.marriages_by_mrn
        self.history: list[Happened] = []
        self._registries: list[Registry] = []
        self._late: list[Late] = []

    def join(self, registry: Registry) -> None:
        """Let a registry learn of what happens from now on."""
        self._registries.append(registry)

    def one_called(self, name: str) -> Any:
        """Return a registry by its name.

        Raises: ImpossibleEventError when the country has none.
        """
        found = next((one for one in self._registries if one.name == name), None)
        if found is None:
            raise ImpossibleEventError(f"this country has no {name} registry")
        return found

    def birth(self, mother: Person) -> Happened:
        """Let a woman give birth.

        Raises: ImpossibleEventError, as all that follow.
        """
        return self._tell(bear(self.population, self.mint, self.rng, mother, self.population.today))

    def death(self, person: Person) -> Happened:
        """Let a person die; national ID, the tax rolls and the benefit programmes may hear of it late."""
        population, day = self.population, self.population.today
        event = die(population, self.mint, person, day)
        if person.uin is not None and self._is_late("alive at national id", person, RATES.alive_at_national_id):
            self._later(population.believe_alive(person.index), event)
        if person.tax is not None and self._is_late("on tax rolls", person, RATES.dead_on_tax_rolls):
            self._later(population.keep_on_tax_rolls(person.index), event)
        told = self._tell(event)
        if self._is_late("benefits", person, RATES.dead_on_tax_rolls):
            self._later(lambda: self._end_benefits(person), event)
        else:
            self._end_benefits(person)
        return told

    def marriage(self, person: Person, other: Person) -> Happened:
        """Let two people marry."""
        return self._tell(marry(self.population, self.mint, person, other, self.population.today))

    def divorce(self, person: Person) -> Happened:
        """Let a marriage end."""
        return self._tell(divorce(self.population, person, self.population.today))

    def move(self, person: Person, household: int) -> Happened:
        """Let a person move in with others."""
        home = self.population.households[household]
        return self._tell(move_in(self.population, self.mint, person, home, self.population.today))

    def relocation(self, person: Person) -> Happened:
        """Let a person's whole household move to another address; the social registry may hear of it late."""
        population = self.population
        home = population.households[person.household]
        old = population.registered_address(home.index)
        event = relocate(population, self.rng, home, population.today)
        if home.household_id is not None and self._is_late("relocation", person, RATES.stale_address):
            self._later(population.keep_address(home.index, old), event)
        return self._tell(event)

    def enrolment(self, person: Person, registry: str, programme: str) -> Happened:
        """Enter a person into a programme of the beneficiary registry, or at the employment services."""
        day, office = self.population.today, self.one_called(registry)
        if person.death_date is not None:
            raise ImpossibleEventError("that person is dead")
        if registry == "beneficiary":
            if programme not in PROGRAMMES:
                raise ImpossibleEventError(f"a programme is one of {', '.join(PROGRAMMES)}")
            office.enrol(person, programme, day)
        else:
            _asked(office, "enrol")(person, day)
        return self._tell(Event("enrolment", day, person.index, details={"registry": registry}))

    def enrolment_change(self, person: Person, registry: str, programme: str, status: str) -> Happened:
        """Give an enrolment another status."""
        day, office = self.population.today, self.one_called(registry)
        if registry == "beneficiary":
            is_changed = office.change(person, programme, status, day)
        else:
            is_changed = _asked(office, "change")(person, status, day)
        if not is_changed:
            raise ImpossibleEventError("that person is not enrolled there")
        return self._tell(Event("enrolment_change", day, person.index, details={"registry": registry}))

    def registration(self, person: Person, registry: str) -> Happened:
        """Enter a person, or for the social registry their household, into a registry for the first time."""
        day = self.population.today
        _asked(self.one_called(registry), "register")(person, day)
        return self._tell(Event("registration", day, person.index, details={"registry": registry}))

    def next_day(self) -> None:
        """Let one day pass, and let those learn today who learn late."""
        self.population.today += timedelta(days=1)
        due = [late for late in self._late if late.due <= self.population.today]
        self._late = [late for late in self._late if late.due > self.population.today]
        for late in due:
            late.learn()
        for registry in self._registries:
            registry.next_day()

    def publish(self) -> None:
        """Let every registry publish what the days have brought."""
        for registry in self._registries:
            registry.publish()

    def alive(self) -> list[Person]:
        """Return the living who are no example: chance leaves the examples alone."""
        examples = self.population.example_people
        return [one for one in self.population.people if one.death_date is None and one.index not in examples]

    def _tell(self, event: Event) -> Happened:
        for registry in self._registries:
            registry.learn(event)
        told = {
            registry.name: count
            for registry in self._registries
            if isinstance(registry, DciRegistry) and (count := registry.later.happened(event))
        }
        happened = Happened(event, told)
        self.history.append(happened)
        return happened

    def _later(self, learn: Callable[[], None], event: Event) -> None:
        def learned() -> None:
            learn()
            for registry in self._registries:
                registry.learn(event)

        self._late.append(Late(self.population.today + timedelta(days=between(self.rng, *LATE_DAYS)), learned))

    def _is_late(self, label: str, person: Person, rate: float) -> bool:
        if person.index in self.population.example_people:
            return False
        return fraction(self.population.seed, f"late: {label}", person.index) < rate

    def _end_benefits(self, person: Person) -> None:
        """Tell the programmes of a death, at once or late, as far as the country has them."""
        for name in ("beneficiary", "employment"):
            registry = next((one for one in self._registries if one.name == name), None)
            for programme in _programmes_of(registry, person, self.population.today):
                self.enrolment_change(person, name, programme, DECEASED)


def _programmes_of(registry: Any, person: Person, day: date) -> list[str]:
    """Return the programmes that a person is active in at a registry; one without a name where it has but one."""
    if registry is None or not registry.holds(person):
        return []
    if registry.name == "employment":
        return [""] if hasattr(registry, "change") else []
    held = (enrolment for one in registry.roll.of(person) for enrolment in one.enrolments)
    return sorted({one.programme.key for one in held if one.status(day) == ACTIVE})


def _asked(registry: Any, name: str) -> Callable[..., Any]:
    """Return what a registry does on command.

    Raises: ImpossibleEventError when it does nothing of the kind.
    """
    found = getattr(registry, name, None)
    if found is None:
        raise ImpossibleEventError(f"the {registry.name} registry knows no such event")
    known: Callable[..., Any] = found
    return known

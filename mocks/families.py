"""Families over generations: who was born to whom, who married, parted and died, until the reference date.

Years pass one by one. Those who come of age look for a spouse in their region; a couple's children are drawn when it
marries and look for their own spouses when their years come. Dates before the end are day numbers (`date.toordinal`).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from random import Random
from typing import Final

from mocks.chance import Knots, between, curve, pick, stream
from mocks.names import given_names, surname
from mocks.people import Marriage, Person
from mocks.places import LOCALITIES, TOWNS, VILLAGES

REFERENCE_DATE: Final = date(2026, 9, 30)
"""The country's today: everything known about its people is known as of this day."""
TODAY: Final = REFERENCE_DATE.toordinal()

YEAR: Final = 365.2425
_FIRST_YEAR: Final = 1938

# Day numbers of the share of a generation that has died by then; generations live longer and longer.
_LIFETIMES: Final = tuple(
    tuple((dead, age * YEAR) for age, dead in ages)
    for ages in (
        (
            (0, 0.0),
            (1, 0.07),
            (5, 0.11),
            (20, 0.14),
            (40, 0.2),
            (55, 0.3),
            (65, 0.45),
            (75, 0.68),
            (85, 0.91),
            (99, 1.0),
        ),
        ((0, 0.0), (1, 0.05), (5, 0.075), (20, 0.095), (40, 0.135), (55, 0.21), (65, 0.34), (75, 0.6), (100, 1.0)),
        ((0, 0.0), (1, 0.03), (5, 0.042), (20, 0.052), (40, 0.085), (55, 0.16), (65, 0.28), (75, 0.52), (100, 1.0)),
    )
)
_OF_AGE: Final = (0.14, 0.095, 0.052)
"""Per generation, the share that has died by the age of twenty."""

# Children a couple comes to want, by the year of its marriage.
_WANTED: Final[Knots] = ((1960, 5.8), (1985, 5.2), (2005, 4.6), (2020, 4.0))

_NEVER_SEEKS: Final = 0.08
_MOVES_REGION: Final = 0.08
_DIVORCES: Final = 0.1
_TWINS: Final = 0.013
_PREMARITAL: Final = 0.08
_CHILDLESS: Final = 0.05
_MEN_REMARRY: Final = 0.5
_WOMEN_REMARRY: Final = 0.25
_TOWN_SHARE: Final = 0.35

_SMALL_COUNTRY: Final = 150
"""Founding couples below which the whole country is one marriage market."""

_WOMAN_OLDER: Final = round(4 * YEAR)
_MAN_OLDER: Final = round(15 * YEAR)
_LAST_BIRTH: Final = round(44.5 * YEAR)
_MATURITY: Final = round(18 * YEAR)

CALENDAR: Final = tuple(
    date.fromordinal(day) for day in range(date(1900, 1, 1).toordinal(), date(2030, 1, 1).toordinal())
)
_CALENDAR_START: Final = CALENDAR[0].toordinal()


def day(ordinal: int) -> date:
    """Return the date of a day number, one shared object per day: half a million people hold millions of dates."""
    return CALENDAR[ordinal - _CALENDAR_START]


class Country:
    """People while they come to be; `grow` fills it, later steps of the population read and complete it."""

    def __init__(self, seed: int, couples: int) -> None:
        """Start with `couples` young couples of no recorded parents; none is fine."""
        self.rng: Random = stream(seed, "families")
        self.people: list[Person] = []
        self.place: list[int] = []
        """Per person, the locality (number in `LOCALITIES`) where the person lives or last lived."""
        self.born: list[int] = []
        """Per person, the day number of birth."""
        self.dies: list[int] = []
        """Per person, the day number of death, also when it lies in the future."""
        self.expecting: set[int] = set()
        """Women who are pregnant on the reference date."""
        self.numberless: set[int] = set()
        """Grown people whom no civil office ever gave a number; filled once the families are known."""
        self._seekers: defaultdict[int, list[int]] = defaultdict(list)
        self._premarital: defaultdict[int, list[int]] = defaultdict(list)
        # Few people seldom find a fitting spouse in their own region, so a small country is one marriage market.
        self._markets = 4 if couples >= _SMALL_COUNTRY else 1
        for _ in range(couples):
            self._found()

    def newcomer(self, sex: str, birth: int, place: int) -> int:
        """Add an adult whose parents nobody recorded; returns the index."""
        region = LOCALITIES[place].region
        return self._add(sex, birth, surname(self.rng, region), place, grown=True)

    def bear(self, mother: int, father: int | None, birth: int, place: int) -> int:
        """Add a child; the surname is the father's, or the mother's where no father is recorded."""
        parent = mother if father is None else father
        sex = "female" if self.rng.random() < 0.493 else "male"
        child = self._add(sex, birth, self.people[parent].surname, place, grown=False)
        # Parents seldom give two of their children one name: they think twice.
        siblings = {self.people[c].given_name for c in self.people[mother].children}
        if self.people[child].given_name in siblings:
            names = given_names(self.rng, LOCALITIES[place].region, sex)
            self.people[child].given_name, self.people[child].second_name = names
        self.people[child].mother, self.people[child].father = mother, father
        self.people[mother].children.append(child)
        if father is not None:
            self.people[father].children.append(child)
        return child

    def marry(self, wife: int, husband: int, wedding: int, ended: tuple[int, str] | None = None) -> None:
        """Record a marriage with both spouses; `ended` is the day and the reason when it did not last until today."""
        end, reason = (None, None) if ended is None else (day(ended[0]), ended[1])
        self.people[wife].marriages.append(Marriage(husband, day(wedding), "", end, reason))
        self.people[husband].marriages.append(Marriage(wife, day(wedding), "", end, reason))

    def alive(self, person: int) -> bool:
        """Tell whether a person lives on the reference date."""
        return self.dies[person] > TODAY

    def dead_on(self, person: int, death: int) -> None:
        """Let a person die on another day than chance had said."""
        self.dies[person] = death
        self.people[person].death_date = day(death) if death <= TODAY else None

    def grow(self) -> None:
        """Let the years pass up to the reference date."""
        women: list[list[int]] = [[] for _ in range(self._markets)]
        men: list[list[int]] = [[] for _ in range(self._markets)]
        for year in range(_FIRST_YEAR, REFERENCE_DATE.year + 1):
            new_year = date(year, 1, 1).toordinal()
            for woman in self._premarital.pop(year, ()):
                self._bear_unmarried(woman, new_year)
            for seeker in self._seekers.pop(year, ()):
                region = LOCALITIES[self.place[seeker]].region
                if self.rng.random() < _MOVES_REGION:
                    region = int(self.rng.random() * 4)
                market = region % self._markets
                (women if self.people[seeker].sex == "female" else men)[market].append(seeker)
            for market in range(self._markets):
                women[market], men[market] = self._match(women[market], men[market], new_year)

    def _add(self, sex: str, birth: int, family_name: str, place: int, *, grown: bool) -> int:
        rng, index = self.rng, len(self.people)
        born_on = day(birth)
        generation = 0 if born_on.year < 1960 else 1 if born_on.year < 1990 else 2
        share = rng.random()
        if grown:
            share = _OF_AGE[generation] + share * (1 - _OF_AGE[generation])
        death = birth + int(curve(_LIFETIMES[generation], share))
        locality = LOCALITIES[place]
        given, second = given_names(rng, locality.region, sex)
        person = Person(index, sex, given, second, family_name, born_on, locality.name, -1)
        if death <= TODAY:
            person.death_date = day(death)
        self.people.append(person)
        self.place.append(place)
        self.born.append(birth)
        self.dies.append(death)
        return index

    def _found(self) -> None:
        """Add one of the first couples, married between 1938 and 1972."""
        rng = self.rng
        husband_born = between(rng, date(1916, 1, 1).toordinal(), date(1946, 1, 1).toordinal())
        wife_born = husband_born + between(rng, -300, 3000)
        place = some_place(rng)
        husband = self.newcomer("male", husband_born, place)
        wife = self.newcomer("female", wife_born, some_place(rng, LOCALITIES[place].region))
        wedding = max(wife_born + between(rng, 6600, 8600), husband_born + 7000)
        if wedding < min(self.dies[wife], self.dies[husband]):
            self._wed(wife, husband, wedding)

    def _comes_of_age(self, person: int) -> None:
        """Enter a person for the year in which they start to look for a spouse, if ever."""
        rng, birth_year = self.rng, self.people[person].birth_date.year
        # The middle of three draws: ages gather around 21 for women and 25 for men, one year later for the young.
        spread = (rng.random() + rng.random() + rng.random()) / 3
        woman = self.people[person].sex == "female"
        age = (18 + int(spread * 9) if woman else 20 + int(spread * 12)) + (birth_year >= 1985)
        if rng.random() >= _NEVER_SEEKS:
            self._seekers[birth_year + age].append(person)
        if woman and rng.random() < _PREMARITAL:
            self._premarital[birth_year + between(rng, 18, 24)].append(person)

    def _match(self, women: list[int], men: list[int], new_year: int) -> tuple[list[int], list[int]]:
        """Marry those who fit, oldest first; returns the women and men who go on waiting."""
        born = self.born
        women = sorted(
            (w for w in women if self.dies[w] > new_year + 366 and new_year - born[w] < 42 * YEAR), key=born.__getitem__
        )
        men = sorted(
            (m for m in men if self.dies[m] > new_year + 366 and new_year - born[m] < 60 * YEAR), key=born.__getitem__
        )
        left_women, left_men = [], []
        w = m = 0
        while w < len(women) and m < len(men):
            wife, husband = women[w], men[m]
            gap = born[wife] - born[husband]
            if gap < -_WOMAN_OLDER or (gap <= _MAN_OLDER and self._kin(wife, husband)):
                left_women.append(wife)
                w += 1
            elif gap > _MAN_OLDER:
                left_men.append(husband)
                m += 1
            else:
                self._wed(wife, husband, new_year + int(self.rng.random() * 365))
                w, m = w + 1, m + 1
        return left_women + women[w:], left_men + men[m:]

    def _kin(self, one: int, other: int) -> bool:
        """Tell whether two people are siblings, parent and child, or were married before."""
        a, b = self.people[one], self.people[other]
        shared_mother = a.mother is not None and a.mother == b.mother
        shared_father = a.father is not None and a.father == b.father
        parent = other in (a.mother, a.father) or one in (b.mother, b.father)
        return shared_mother or shared_father or parent or any(m.spouse == other for m in a.marriages)

    def _wed(self, wife: int, husband: int, wedding: int) -> None:
        if wedding > TODAY:
            return
        rng = self.rng
        end, reason = min(self.dies[wife], self.dies[husband]), "death"
        if rng.random() < _DIVORCES:
            parting = wedding + between(rng, 700, 6500)
            if parting < end:
                end, reason = parting, "divorce"
        self.marry(wife, husband, wedding, (end, reason) if end <= TODAY else None)
        self._settle(wife, husband)
        self._bear_children(wife, husband, wedding, end)
        if end <= TODAY:
            year = day(end).year
            for survivor, share, oldest in ((wife, _WOMEN_REMARRY, 40), (husband, _MEN_REMARRY, 58)):
                fit = self.dies[survivor] > end and end - self.born[survivor] < oldest * YEAR
                if fit and rng.random() < share:
                    self._seekers[max(year + between(rng, 1, 4), day(wedding).year + 1)].append(survivor)

    def _settle(self, wife: int, husband: int) -> None:
        """Give a new couple its home: mostly the husband's place, else the wife's or another of the region."""
        draw = self.rng.random()
        home = self.place[husband] if draw < 0.65 else self.place[wife]
        if draw > 0.8:
            home = some_place(self.rng, LOCALITIES[home].region)
        self.place[wife] = self.place[husband] = home

    def _bear_children(self, wife: int, husband: int, wedding: int, end: int) -> None:
        rng = self.rng
        if rng.random() < _CHILDLESS:
            return
        mean = curve(_WANTED, day(wedding).year)
        wanted = int(0.5 + mean * (0.45 + 0.55 * (rng.random() + rng.random()))) - len(self.people[wife].children)
        # A child may be born after its parents' divorce or its father's death, never after its mother's.
        last = min(self.born[wife] + _LAST_BIRTH, self.dies[wife] - 1, end + 200)
        birth = wedding + between(rng, 230, 900)
        if self.people[wife].children:
            birth = max(birth, self.born[self.people[wife].children[-1]] + 420)
        home = self.place[wife]
        while wanted > 0 and birth <= last:
            if birth > TODAY:
                if birth < TODAY + 250:
                    self.expecting.add(wife)
                return
            for _ in range(1 + (rng.random() < _TWINS)):
                child = self.bear(wife, husband, birth, home)
                if self.dies[child] > birth + _MATURITY:
                    self._comes_of_age(child)
                if self.dies[child] > birth + YEAR:
                    wanted -= 1
            birth += between(rng, 500, 1250)

    def _bear_unmarried(self, woman: int, new_year: int) -> None:
        birth = new_year + int(self.rng.random() * 365)
        if self.people[woman].marriages or birth >= min(self.dies[woman], TODAY):
            return
        child = self.bear(woman, None, birth, self.place[woman])
        if self.dies[child] > birth + _MATURITY:
            self._comes_of_age(child)


def some_place(rng: Random, region: int | None = None) -> int:
    """Draw a locality, in a region or anywhere: a town for about a third of the people."""
    if region is None:
        region = int(rng.random() * 4)
    return pick(rng, TOWNS[region] if rng.random() < _TOWN_SHARE else VILLAGES[region])

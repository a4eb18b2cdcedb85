"""How people can be reached: language, phone and e-mail."""

from __future__ import annotations

from random import Random

from mocks.families import TODAY, YEAR, Country
from mocks.people import Person
from mocks.places import LOCALITIES, REGIONS
from mocks.spellings import plain


def reach(rng: Random, country: Country, person: Person) -> None:
    """Give a person a language and, when grown up and alive, mostly a phone and at times an e-mail address."""
    if rng.random() < 0.4:
        person.language = REGIONS[LOCALITIES[country.place[person.index]].region].language
    age = (TODAY - country.born[person.index]) / YEAR
    if person.death_date is not None or age < 16:
        return
    if rng.random() < 0.78:
        person.phone = f"+999{int(2e8 + rng.random() * 7e8)}"
    level = "0" if person.schooling is None else person.schooling.level
    if age < 70 and rng.random() < (0.5 if level >= "3" else 0.1):
        local = f"{plain(person.given_name)}.{plain(person.surname)}{int(rng.random() * 100)}".lower()
        address = "".join(c for c in local if c.isascii() and (c.isalnum() or c == "."))
        person.email = f"{address}@mail.example"

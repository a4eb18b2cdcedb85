"""How people earn: employment, true income and what of it the tax authority knows."""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple

from mocks.chance import Knots, curve, pick
from mocks.people import Person, TaxFile

EMPLOYERS: Final = (
    "Poveria Railways", "Ministry of Works", "Lakeside Fisheries Ltd", "Granite Quarries Co", "Cotton Union Mills",
    "District Health Service", "Teaching Service Board", "Amber Bay Port Authority", "Highland Tea Estates",
    "Plains Cooperative Bank", "Post and Telecom Poveria", "Forest Timber Works", "Saint Orél Brewery",
    "National Water Corporation", "Redfield Sugar", "Northern Bus Lines", "Goldwash Mining & Sons", "Bakers' Guild",
    "Kilimani Hotels", "Poveria Power", "Border Freight", "Meridian Textiles", "City Council of Plainsborough",
)  # fmt: skip

# Share in formal work by highest ISCED level, in the middle of the country.
_FORMAL: Final = {None: 0.05, "0": 0.06, "1": 0.11, "2": 0.22, "3": 0.42, "4": 0.58, "5": 0.66, "6": 0.8, "7": 0.9}
_FORMAL_BEST: Final = 0.93
_OCCUPATIONS: Final = {
    None: "99", "0": "99", "1": "9987", "2": "98757", "3": "57483", "4": "3347", "5": "332", "6": "2231", "7": "221",
    "8": "21",
}  # fmt: skip
"""ISCO-08 major groups that people of a level work in, the likelier ones more often."""
_WAGE: Final[Knots] = ((0, 7200), (0.2, 12000), (0.5, 19000), (0.8, 36000), (0.95, 78000), (1, 240000))
_WAGE_FACTOR: Final = {"1": 1.7, "2": 1.5, "3": 1.2, "4": 1.0, "5": 0.85, "6": 0.6, "7": 0.9, "8": 0.9, "9": 0.65}
_INFORMAL: Final[Knots] = ((0, 500), (0.5, 3600), (0.9, 9000), (1, 20000))
_TAX: Final[Knots] = ((12_000, 0), (48_000, 3_600), (150_000, 26_000), (500_000, 131_000))
"""Tax due by income."""

_RETIRED: Final = 63


class Work(NamedTuple):
    """What a person truly earns in a year, and the file the tax authority has, if any."""

    income: int
    file: TaxFile | None


_NO_WORK: Final = Work(0, None)


def work(rng: Random, person: Person, age: float, standing: float, *, town: bool) -> Work:
    """Return how a living person earns; the informal poor mostly have no tax file."""
    if age < 18 or (person.schooling is not None and person.schooling.enrolled):
        return _NO_WORK
    level = None if person.schooling is None else person.schooling.level
    formal = _FORMAL.get(level, _FORMAL_BEST) * (1.15 if town else 0.8) * (0.7 + 0.6 * standing)
    formal *= 0.8 if person.sex == "female" else 1.0
    formal *= 0.5 if person.disability is not None else 1.0
    if age >= _RETIRED:
        return _retired(rng, formal, standing)
    if rng.random() < min(formal, 0.95):
        return formal_work(rng, level, standing)
    if rng.random() < (0.3 if age < 25 else 0.15):
        return Work(0, TaxFile("dormant")) if rng.random() < 0.1 else _NO_WORK
    earned = _crowns(curve(_INFORMAL, 0.5 * standing + 0.5 * rng.random()))
    if rng.random() < (0.16 if town else 0.07):
        return Work(
            earned, TaxFile("active", 0, earned // 2 // 100 * 100, 0, rng.random() < 0.15, "6", pick(rng, "5679"))
        )
    return Work(earned, None)


def formal_work(rng: Random, level: str | None, standing: float) -> Work:
    """Return a job or a business with a tax file; three in a hundred have none all the same."""
    occupation = pick(rng, _OCCUPATIONS[level])
    wage = _crowns(curve(_WAGE, 0.45 * standing + 0.55 * rng.random()) * _WAGE_FACTOR[occupation])
    kind = rng.random()
    if kind < 0.78:
        status, employment, business, employer = "4", wage, 0, pick(rng, EMPLOYERS)
    elif kind < 0.83:
        status, employment, business, employer = "1", wage, _crowns(wage * 0.2), pick(rng, EMPLOYERS)
    elif kind < 0.88:
        status, employment, business, employer = "5", 0, _crowns(wage * 1.5), None
    else:
        status, employment, business, employer = "6", 0, wage, None
    income = employment + business
    due = int(curve(_TAX, income))
    in_arrears = business > 0 and rng.random() < 0.2
    paid = due // 2 if in_arrears else due
    if rng.random() < 0.03:
        return Work(income, None)
    return Work(income, TaxFile("active", employment, business, paid, in_arrears, status, occupation, employer))


def file_of_the_dead(rng: Random, level: str | None, *, still_on_rolls: bool) -> TaxFile:
    """Return the tax file of someone who died: closed, or active still where nobody told the tax authority."""
    if not still_on_rolls:
        return TaxFile("closed")
    file = formal_work(rng, level, rng.random()).file
    if file is None:
        return TaxFile("active", in_arrears=True)
    file.in_arrears = True
    return file


def _retired(rng: Random, formal: float, standing: float) -> Work:
    if rng.random() < formal * 0.7:
        pension = _crowns(3000 + 15000 * standing * rng.random())
        return Work(pension, TaxFile("dormant") if rng.random() < 0.8 else TaxFile("active", 0, pension, 0))
    return Work(_crowns(curve(_INFORMAL, 0.4 * standing) * rng.random()), None)


def _crowns(amount: float) -> int:
    """Round to whole tens: nobody declares odd crowns."""
    return round(amount / 10) * 10

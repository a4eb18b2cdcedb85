"""The people, households and land of Poveria: the truth that every practice registry draws from.

Registries see it through their own dialect and with their own errors; the truth itself is only here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(slots=True)
class Marriage:
    """One marriage; `ended_by` is `divorce`, `death` or None while it lasts; `mrn` is empty where it is custom only."""

    spouse: int
    start: date
    mrn: str
    end: date | None = None
    ended_by: str | None = None


@dataclass(slots=True)
class Schooling:
    """School history. `level` is the ISCED code attained; the rest is of the current school year."""

    level: str
    enrolled: bool = False
    school: str = ""
    grade: int = 0
    enrolled_on: date | None = None
    attendance: float | None = None
    repeats: bool = False


@dataclass(slots=True)
class TaxFile:
    """Standing at the tax authority; money in whole crowns of the last full year."""

    status: str  # active | dormant | closed
    employment_income: int = 0
    business_income: int = 0
    tax_paid: int = 0
    in_arrears: bool = False
    employment_status: str = "2"
    occupation: str = "9"
    employer: str | None = None


@dataclass(slots=True)
class Dose:
    """One vaccine dose given."""

    vaccine: str  # CVX code
    given_on: date


@dataclass(slots=True)
class Chart:
    """Clinic history."""

    visits: list[date] = field(default_factory=list)
    doses: list[Dose] = field(default_factory=list)
    pregnant: bool = False
    lactating: bool = False
    scheme: str | None = None
    insured_until: date | None = None


@dataclass(slots=True)
class Disability:
    """A recognised disability: Washington Group domain and severity codes."""

    limitation: str
    severity: str


@dataclass(slots=True)
class Parcel:
    """A piece of land and the people (indices) who hold it together, in equal shares."""

    parcel_id: str
    holders: list[int]
    area_ha: float
    tenure: str  # DCI LandTenure code
    use: str  # cropland | pasture | residential | forest
    value: int
    longitude: float
    latitude: float
    registered_on: date


@dataclass(slots=True)
class Address:
    """Where a household lives."""

    line: str
    locality: str
    district: str
    region: str
    postal_code: str


@dataclass(slots=True)
class Person:
    """One person, alive or dead. Relations are indices into `Population.people`."""

    index: int
    sex: str  # female | male
    given_name: str
    second_name: str | None
    surname: str
    birth_date: date
    birth_place: str
    household: int
    mother: int | None = None
    father: int | None = None
    children: list[int] = field(default_factory=list)
    marriages: list[Marriage] = field(default_factory=list)
    death_date: date | None = None
    language: str = "eng"
    phone: str | None = None
    email: str | None = None
    uin: str | None = None
    second_uin: str | None = None  # a double registration at national ID: another number for the same person
    brn: str | None = None
    birth_registered_on: date | None = None
    drn: str | None = None
    tin: str | None = None
    learner_number: str | None = None
    patient_number: str | None = None
    member_id: str | None = None
    schooling: Schooling | None = None
    tax: TaxFile | None = None
    chart: Chart | None = None
    disability: Disability | None = None
    updated_on: date = date(2024, 1, 1)

    def spouse_on(self, day: date) -> int | None:
        """Return the index of the person's spouse on a day, or None."""
        for marriage in self.marriages:
            if marriage.start <= day and (marriage.end is None or marriage.end > day):
                return marriage.spouse
        return None


@dataclass(slots=True)
class Household:
    """People who live as one unit; the head comes first in `members`."""

    index: int
    members: list[int]
    relationship: dict[int, str]  # person index -> DCI Relationship code to the head
    address: Address
    dwelling: str
    water: str
    electricity: bool
    rooms: int
    poverty_score: float
    household_id: str | None = None  # None: not in the social registry
    registered_on: date | None = None
    programmes: list[str] = field(default_factory=list)
    last_paid_on: date | None = None

    @property
    def head(self) -> int:
        """Return the index of the head."""
        return self.members[0]

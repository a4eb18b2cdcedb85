"""A country of three: enough people for the registries' own translations, each with every kind of record."""

from collections import defaultdict
from dataclasses import replace
from datetime import date
from typing import Any

from mocks.people import Chart, Dose, Parcel, Person, Schooling, TaxFile
from mocks.population import REFERENCE_DATE

ASHA_SCHOOLING = Schooling("3")
ASHA_TAX = TaxFile("active", 12_000, 3_000, 700, in_arrears=True, employer="Mill & Sons")
ASHA_CHART = Chart(
    visits=[date(2026, 5, 1), date(2025, 1, 9)],
    doses=[Dose("03", date(1991, 3, 1)), Dose("19", date(1990, 2, 2))],
    lactating=True,
    scheme="National Health Insurance",
    insured_until=date(2027, 3, 31),
)
JUMA_SCHOOLING = Schooling("0", True, "Lake Primary", 5, date(2026, 1, 12), 90.0)
JUMA_TAX = TaxFile("dormant")

ASHA = Person(
    index=0,
    sex="female",
    given_name="Asha",
    second_name="Neema",
    surname="Moyo",
    birth_date=date(1990, 2, 1),
    birth_place="Lake Town",
    household=0,
    uin="1000000001",
    brn="B1990-000001",
    tin="T00000001",
    learner_number="L0000001",
    patient_number="PT0000001",
    schooling=ASHA_SCHOOLING,
    tax=ASHA_TAX,
    chart=ASHA_CHART,
    updated_on=date(2026, 2, 11),
)
JUMA = replace(
    ASHA,
    index=1,
    sex="male",
    given_name="Juma",
    second_name=None,
    birth_date=date(2014, 6, 1),
    uin=None,
    brn=None,
    tin="T00000002",
    learner_number="L0000002",
    patient_number="PT0000002",
    schooling=JUMA_SCHOOLING,
    tax=JUMA_TAX,
    chart=Chart(visits=[date(2026, 7, 1)]),
)
ROSE = replace(
    ASHA,
    index=2,
    given_name="Rose",
    uin="1000000003",
    second_uin="2000000003",
    brn="B1990-000003",
    tin=None,
    learner_number=None,
    patient_number=None,
    schooling=None,
    tax=None,
    chart=None,
)


def parcel(number: int, holders: list[int], **changes: Any) -> Parcel:
    """Return a parcel of 1.25 ha."""
    plain = Parcel(f"P-{number:06}", holders, 1.25, "1", "cropland", 12_000, 21.0, -6.0, date(2011, 3, number))
    return replace(plain, **changes)


class _FewPeople:
    """What a registry asks of a population."""

    def __init__(self, *parcels: Parcel) -> None:
        self.today = REFERENCE_DATE
        self.people = [ASHA, JUMA, ROSE]
        self.without_learner_brn: set[int] = set()
        self.parcels = list(parcels)
        self.parcels_of: dict[int, list[int]] = defaultdict(list)
        self.by_number: dict[str, dict[str, int]] = defaultdict(dict)
        for index, piece in enumerate(parcels):
            for holder in piece.holders:
                self.parcels_of[holder].append(index)
        for person in self.people:
            numbers = [
                ("UIN", person.uin),
                ("UIN", person.second_uin),
                ("BRN", person.brn),
                ("TIN", person.tin),
                ("LEARNER_NUMBER", person.learner_number),
                ("PATIENT_NUMBER", person.patient_number),
            ]
            for type_, number in numbers:
                if number is not None:
                    self.by_number[type_][number] = person.index

    def spelling(self, registry: str, person: int) -> tuple[str, str | None, str]:
        """Return the name as everybody spells it."""
        named = self.people[person]
        return named.given_name, named.second_name, named.surname

    def learner_brn(self, person: int) -> str | None:
        """Return the birth number by which the education registry knows somebody."""
        return None if person in self.without_learner_brn else self.people[person].brn


def few_people(*parcels: Parcel) -> Any:
    """Return a population of three and these parcels; it stands in for the real one."""
    return _FewPeople(*parcels)

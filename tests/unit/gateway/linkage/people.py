"""People to link: a farmer as the country knows her and as lists write her, and a population whose truth is known."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from adapters.ports import Candidate
from gateway.linkage.judging import Known
from gateway.linkage.model import load_model

MODEL: Final = load_model()
ASHA: Final = {
    "given_name": "Asha",
    "second_name": "Neema",
    "surname": "Barwani",
    "sex": "female",
    "birth_date": "1980-03-14",
    "locality": "Mooring",
    "sub_region_code": "PV-101",
    "region_code": "PV-1",
}


def known(identifiers: dict[str, str] | None = None, **traits: Any) -> Known:
    """Asha, with some of what is known of her otherwise; a trait of None is not known."""
    told = {name: value for name, value in (ASHA | traits).items() if value is not None}
    return Known({"UIN": "1234567890"} if identifiers is None else identifiers, told)


def row(number: str = "FL-1", identifiers: dict[str, str] | None = None, **traits: Any) -> Candidate:
    """A row about Asha, written otherwise in some traits."""
    told = {name: value for name, value in (ASHA | traits).items() if value is not None}
    return Candidate({"LIST_NO": number, **(identifiers or {})}, told)


def _listed(names: str) -> list[str]:
    return names.split()


GIVEN: Final = _listed("Asha Neema Zuri Rehema Salma Halina Juma Baraka Hamisi Salim Rashidi Omari Tembo Jabari Idris")
SURNAMES: Final = _listed(
    "Barwani Kimaro Salehe Mwinyi Ngonyani Mtoni Kombo Pemba Makame Jahazi Chande Tandika Hamdani"
)
PLACES: Final = _listed("Mooring Reedham Saltwell Netters Shoal Marshgate Bulrush Whitesands Driftwood Tidemill")


def population(size: int = 1500, seed: int = 3) -> list[dict[str, Any]]:
    """Lines of truth: people of whom every third stands in a list, which errs in one trait of every other row."""
    rng = Random(seed)
    lines: list[dict[str, Any]] = []
    for person in range(size):
        traits = {
            "given_name": rng.choice(GIVEN),
            "second_name": rng.choice([*GIVEN, None, None]),
            "surname": rng.choice(SURNAMES),
            "sex": rng.choice(["female", "male"]),
            "birth_date": f"{rng.randrange(1940, 2008)}-{rng.randrange(1, 13):02}-{rng.randrange(2, 29):02}",
            "locality": rng.choice(PLACES),
        }
        rows = {"list": {"LIST_NO": f"FL-{person}", "traits": _mistaken(rng, traits)}} if person % 3 == 0 else {}
        numbers = {"UIN": f"{1_000_000_000 + person}"}
        lines.append({"person": person, "household": person // 4, "numbers": numbers, "traits": traits, "rows": rows})
    return lines


def _mistaken(rng: Random, traits: dict[str, Any]) -> dict[str, Any]:
    year, month, day = traits["birth_date"].split("-")
    surname = traits["surname"]
    wrong: dict[str, Any] = {
        "surname": f"{surname[:2]}{surname[2:].replace('a', 'e', 1)}",
        "birth_date": rng.choice([f"{year}-01-01", f"{year}-{day}-{month}" if int(day) < 13 else f"{year}-{month}-01"]),
        "locality": rng.choice(PLACES),
        "second_name": None,
    }
    trait = rng.choice(sorted(wrong))
    return traits | ({trait: wrong[trait]} if rng.random() < 0.5 else {})

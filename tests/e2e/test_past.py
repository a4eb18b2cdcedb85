"""How things were on a past day, asked of the practice country."""

from datetime import date

import pytest

from tests.e2e.conftest import Country, settled_facts, states

pytestmark = pytest.mark.e2e


def test_the_past_is_told_by_the_registries_that_keep_it(country: Country):
    """Civil registration and the assessments of past years answer; nobody else's present passes for the past."""
    now = settled_facts(country.ask("complete_household"))
    country.reset_calls()
    item = country.ask("complete_household", as_of=date(2024, 6, 30))
    then = settled_facts(item)
    told = states(item)

    assert item["status"] == "succ"
    assert told["0", "marital_status"]["as_of"] == "2024-06-30"
    assert then["0", "age"][1] < now["0", "age"][1]
    assert {source for _, _, source in then.values() if source} <= {"crvs", "tax", "social", "land", "derived"} | {
        "national_id", "health", "education", "disability", "beneficiary",
    }  # fmt: skip
    assert {s["reason"] for (_, name), s in told.items() if name in {"land_parcel_count", "benefit_programmes"}} == {
        "not_as_of"
    }
    # The disability registry keeps its history, and had no file of the head.
    assert (told["0", "is_disabled"]["state"], told["0", "is_disabled"]["source"]) == ("absent", "disability")
    assert told["household", "poverty_score"] == {"state": "unavailable", "reason": "not_as_of", "source": "social"}
    assert country.calls("crvs")["total"] > 0
    assert all(country.calls(name)["total"] == 0 for name in ("land", "health", "social"))


def test_a_widow_was_married(country: Country):
    """Before her husband died."""
    now = settled_facts(country.ask("widow"))["0", "marital_status"]
    then = settled_facts(country.ask("widow", as_of=date(2005, 1, 1)))["0", "marital_status"]

    assert now[:2] == ("value", "W")
    assert then[1] in {"M", "S"}


def test_a_day_to_come_is_refused(country: Country):
    """With what to change."""
    item = country.ask("complete_household", as_of=date(2999, 1, 1))

    assert (item["status"], item["status_reason_code"]) == ("rjct", "rjct.search_criteria.invalid")

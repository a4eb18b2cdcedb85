"""Registries of other protocols in one question: a database, a dropped file, a list by SFTP, GraphQL."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.e2e.conftest import Country, states
from tests.e2e.fetching import comes

pytestmark = pytest.mark.e2e

PROGRAMME = "rural-support"
ELIGIBILITY, PAYMENT_CHECK = "eligibility", "payment_check"
BY_SOURCE = {
    "social_insurance": ["insurance_account_status", "contribution_months_12m"],
    "housing": ["home_roof", "home_rooms"],
    "farmers_list": ["input_voucher", "farmer_cooperative"],
}
FAULTS = [
    ("social_insurance", "down"),
    ("social_insurance", "locked"),
    ("social_insurance", "malformed"),
    ("social_insurance", "wrong_schema"),
    ("housing", "down"),
    ("housing", "malformed"),
    ("housing", "wrong_schema"),
    ("housing", "wrong_person"),
]


def asked(country: Country, example: str, purpose: str, attributes: list[str]) -> dict[str, dict[str, Any]]:
    """Ask about an example's household; return the states of whom it is about, by attribute."""
    answer = country.client(PROGRAMME).ask([country.example(example)], purpose=purpose, attributes=attributes)
    (item,) = answer["message"]["search_response"]
    assert item["status"] == "succ", item.get("status_reason_message")
    evidence = item["data"]["hearth:evidence"][0]
    (subject,) = [str(member["member"]) for member in evidence["members"] if member["asked"]]
    return {name: state for (who, name), state in states(item).items() if who == subject}


def test_one_question_is_answered_by_a_database_a_list_and_graphql(country: Country):
    """Every value says where it came from, and as of when it holds there."""
    told = asked(country, "complete_household", ELIGIBILITY, [name for names in BY_SOURCE.values() for name in names])

    for source, names in BY_SOURCE.items():
        for name in names:
            assert (told[name]["state"], told[name]["source"]) == ("value", source)
            assert told[name]["as_of"] < "2026-12"


def test_payments_hold_as_of_the_day_of_their_drop(country: Country):
    """By law, so that nobody's consent is asked; the drop is that of the country's day."""
    told = asked(country, "two_programmes", PAYMENT_CHECK, ["payment_last_date", "payments_6m_count"])

    today = country.http.get(f"{country.url('crvs')}/_sandbox/clock").json()["today"]
    assert {name: (one["state"], one["source"]) for name, one in told.items()} == {
        "payment_last_date": ("value", "payments"),
        "payments_6m_count": ("value", "payments"),
    }
    assert {one["as_of"] for one in told.values()} == {today}


@pytest.mark.parametrize(("source", "mode"), FAULTS)
def test_a_broken_registry_is_never_a_no(country: Country, source: str, mode: str):
    """What it would have said is unavailable, and everything else is told; once it is mended, all is."""
    names = [name for names in BY_SOURCE.values() for name in names]
    before = asked(country, "complete_household", ELIGIBILITY, names)
    country.fault(source, mode=mode)
    country.forget()
    broken = asked(country, "complete_household", ELIGIBILITY, names)
    country.mend(source)
    country.forget()

    for name in names:
        if name in BY_SOURCE[source]:
            assert broken[name]["state"] == "unavailable"
            assert broken[name]["reason"]
        else:
            assert (broken[name]["state"], broken[name]["source"]) == ("value", before[name]["source"])


@pytest.mark.parametrize("mode", ["down", "malformed", "empty", "wrong_schema", "late"])
def test_a_broken_drop_is_the_one_before_or_unavailable(country: Country, mode: str):
    """It never says that nobody was paid."""
    names = ["payment_last_date", "payments_6m_count"]
    before = asked(country, "two_programmes", PAYMENT_CHECK, names)
    country.fault("payments", mode=mode)
    country.forget()
    broken = asked(country, "two_programmes", PAYMENT_CHECK, names)

    for name in names:
        if broken[name]["state"] == "value":
            assert broken[name]["as_of"] == before[name]["as_of"]
        else:
            assert broken[name]["state"] == "unavailable"


def test_lists_are_read_before_anybody_asks_and_tell_how_they_stand(country: Country):
    """To operators at /ready, to whoever has a token in the list of registries, and on the terminal."""

    def ready() -> dict[str, Any]:
        lists: dict[str, Any] = country.http.get(f"{country.content['gateway']}/ready").json()["lists"]
        return lists

    assert comes(lambda: all(one["rows"] and one["trouble"] is None for one in ready().values()), 20)
    assert set(ready()) == {"payments", "farmers_list"}
    country.fault("payments", mode="malformed")
    assert comes(lambda: ready()["payments"]["trouble"] is not None, 20), "without a question"
    stands = ready()["payments"]
    entries = {one["id"]: one["list"] for one in country.client(PROGRAMME).registries()}
    shown = CliRunner().invoke(app, ["registry", "list", "--gateway", "--dir", str(country.folder)])
    country.mend("payments")

    assert (stands["rows"] > 0, stands["refused_as_of"]) == (True, stands["as_of"])
    assert entries["payments"] == stands | {"age_h": entries["payments"]["age_h"]}
    assert entries["crvs"] is None
    line = next(line for line in shown.stdout.splitlines() if line.startswith("payments "))
    assert f"{stands['rows']} rows as of {stands['as_of']}; that of {stands['refused_as_of']} is refused: " in line
    assert comes(lambda: ready()["payments"]["trouble"] is None, 20)


def test_without_consent_nobody_is_looked_up_or_asked_about(country: Country):
    """Who refused altogether is a member about whom nothing is told."""
    told = asked(country, "refused_consent", ELIGIBILITY, ["input_voucher", "home_roof", "contribution_months_12m"])

    assert {one["state"] for one in told.values()} == {"withheld"}


def test_who_is_surely_not_on_the_list_has_no_voucher(country: Country):
    """The list is complete, so that is an answer: nothing there, and not that nobody could be asked."""
    told = asked(country, "two_programmes", ELIGIBILITY, ["input_voucher", "farmer_cooperative"])

    assert {(one["state"], one["source"]) for one in told.values()} == {("absent", "farmers_list")}

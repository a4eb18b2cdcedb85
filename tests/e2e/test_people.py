"""The practice people worth asking about, each with the trouble that real data has."""

import pytest

from standards.identifiers import identifier
from tests.e2e.conftest import Country, states

pytestmark = pytest.mark.e2e


def attribute(item, name):
    """Return an attribute's states, of the household and of every member."""
    return [state for (_, n), state in sorted(states(item).items()) if n == name]


def values(item, path):
    """Return what stands at a path in every member's record."""
    found = []
    for member in item["data"]["reg_records"][0]["member_list"]:
        here = member
        for step in path.split("."):
            here = here.get(step) if isinstance(here, dict) else None
        found.append(here)
    return found


def test_widow(country: Country):
    """A widow heads a household with her children."""
    item = country.ask("widow")

    assert item["data"]["reg_records"][0]["group_head_info"]["marital_status"] == "W"


def test_lactating_mother(country: Country):
    """The health registry's word reaches the programme that may know it."""
    item = country.ask("lactating_mother")

    assert values(item, "hearth:health.is_lactating")[0] is True


def test_disabled_member(country: Country):
    """Somebody in the household has a recognised disability."""
    assert True in values(country.ask("disabled_member"), "is_disabled")


def test_a_person_without_a_number_is_a_member_with_honest_holes(country: Country):
    """Who has no number cannot be asked about elsewhere: unknown with the reason, never `none`."""
    item = country.ask(country.example("no_number", "MEMBER_ID"))

    own = {name: state for (who, name), state in states(item).items() if who == "0"}
    assert own["surname"]["state"] == "value"
    assert own["surname"]["source"] == "social"
    assert own["is_pregnant"]["state"] == "unavailable"
    assert own["is_pregnant"]["reason"] in {"no_identifier", "identifier_unavailable"}


def test_dead_in_one_registry_and_alive_in_another_is_a_conflict(country: Country):
    """Civil registration decides; what national ID says stays as evidence."""
    item = country.ask("dead_and_alive")

    own = states(item)["0", "vital_status"]
    assert own["state"] == "conflict"
    assert own["source"] == "crvs"
    assert values(item, "demographic_info.hearth:vital_status")[0] == "dead"
    assert [d["value"] for d in own["differing"]] == ["alive"]


def test_who_refused_consent_is_not_asked_about_anywhere(country: Country):
    """Everything is withheld, and no registry was called about the person."""
    item = country.ask("refused_consent")

    assert {s["state"] for s in states(item).values()} == {"withheld"}
    assert all(country.calls(name)["total"] == 0 for name in country.content["registries"])


def test_a_member_who_refused_stays_a_member_with_everything_withheld(country: Country):
    """One member's refusal leaves that member's values out, and the others' in."""
    item = country.ask(country.example("refused_consent", "HOUSEHOLD_ID"))

    people: dict[str, set[str]] = {}
    for (who, _), state in states(item).items():
        people.setdefault(who, set()).add(state["state"])
    del people["household"]
    assert {"withheld"} in people.values()
    assert any("value" in kinds for kinds in people.values())


def test_who_keeps_one_registry_out_leaves_a_labelled_gap(country: Country):
    """Health is withheld for that person, the rest is there."""
    item = country.ask("refused_health")

    own = {name: state for (who, name), state in states(item).items() if who == "0"}
    assert own["insured"] == {"state": "withheld", "reason": "consent_refused"}
    assert own["surname"]["state"] == "value"


def test_a_statutory_basis_needs_no_consent(country: Country):
    """The education programme asks by law; refusal of the cash transfer does not touch it."""
    item = country.ask("refused_consent", "cct-education")

    assert "value" in {s["state"] for s in states(item).values()}


def test_a_person_with_two_national_numbers_is_found_by_either(country: Country):
    """Both numbers lead to a person; neither turns anybody into somebody else."""
    example = country.content["examples"]["double_registration"]
    first = country.ask(identifier("UIN", example["identifiers"]["UIN"]))
    second = country.ask(identifier("UIN", example["second_uin"]))

    assert first["data"]["reg_records"]
    assert second["data"]["reg_records"]


def test_a_birth_that_nobody_registered(country: Country):
    """The child is a member by the social registry's word; civil registration and school are honest holes."""
    item = country.ask(country.example("unregistered_birth", "HOUSEHOLD_ID"), "cct-education")

    assert "unavailable" in {s["state"] for s in attribute(item, "school_enrolled")}

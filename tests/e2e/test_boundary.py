"""Households by other rules than the registered group, and who is who, in the practice country."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox import Sandbox
from standards.identifiers import identifier
from tests.e2e.conftest import Country, settled_facts, states

pytestmark = pytest.mark.e2e

RULES = {
    "family": "kin: true, ties: [spouse, children, parents, siblings], depth: 2",
    "home": "co_residence: true",
    "family-home": "kin: true, co_residence: true, combine: intersection, "
    "ties: [spouse, children, parents, siblings], depth: 2",
    "everybody": "registered: true, kin: true, co_residence: true, combine: union",
    "barracks": "co_residence: true, max_residents: 1",
}
KNOWN = (
    '{name: registered-or-kin, version: "1", registered: true, kin: true}',
    *(f'{{name: {name}, version: "1", {parts}}}' for name, parts in RULES.items()),
)


@pytest.fixture(scope="module")
def by_rule(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    """A small country with one programme for each rule; a law is their basis."""
    folder = tmp_path_factory.mktemp("boundary")
    like = (Path(__file__).parents[2] / "policies/sandbox/cct-education.yaml").read_text(encoding="utf-8")
    files = {}
    for name in RULES:
        files[name] = folder / f"{name}.yaml"
        stated = like.replace("cct-education", name).replace("registered-or-kin@1", f"{name}@1")
        files[name].write_text(stated, encoding="utf-8")
    overrides = {"households.rules": f"[{', '.join(KNOWN)}]", "messages.deadline_s": "4.0"}
    sandbox = Sandbox(folder / "sandbox", port=0, households=60, consumers=files, overrides=overrides)
    with sandbox.running() as content:
        country = Country(folder / "sandbox", content)
        try:
            yield country
        finally:
            country.close()


def people(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The evidence of every member."""
    return list(item["data"]["hearth:evidence"][0]["members"])


def relations(item: dict[str, Any]) -> list[str]:
    """Everybody's relationship to the head, in alphabetical order."""
    return sorted(member["relationship"] for member in people(item))


@pytest.mark.parametrize("rule", ["family", "home", "family-home", "everybody"])
def test_a_whole_household_is_the_same_by_every_rule(by_rule: Country, rule: str):
    """Its five people are registered, are kin, and live together; each rule says so in its own evidence."""
    item = by_rule.ask("complete_household", rule)

    assert item["data"]["hearth:evidence"][0]["rule"] == f"{rule}@1"
    assert item["data"]["hearth:evidence"][0]["complete"]
    assert relations(item) == ["CHILD", "CHILD", "CHILD", "SELF", "SPS"]
    bases = {e["basis"] for member in people(item)[1:] for e in member["evidence"]}
    assert (
        bases
        == {
            "family": {"kin"},
            "home": {"co-residence"},
            "family-home": {"kin", "co-residence"},
            "everybody": {"registered", "kin", "co-residence"},
        }[rule]
    )


def test_a_child_s_household_is_its_parents(by_rule: Country):
    """Asked for a child, its brothers and sisters are found over the parents, and the household is the same."""
    by_rule.forget()
    by_parent = by_rule.ask("complete_household", "family")
    numbers = by_rule.ask("complete_household", "everybody", explain=True)
    assert "kin found on the way" in by_rule.ask("complete_household", "family", explain=True)["data"]["hearth:plan"]
    assert len(people(by_parent)) == len(people(numbers)) == 5


def test_a_crowded_address_is_no_household(by_rule: Country):
    """Where more people live than the rule takes, the person asked about is alone, and the answer says why."""
    item = by_rule.ask("complete_household", "barracks")

    assert len(people(item)) == 1
    assert "crowded_address" in {e["basis"] for e in people(item)[0]["evidence"]}


def test_who_lives_there_is_unknown_while_national_id_is_out(by_rule: Country):
    """The list is what the others say, and nobody takes it for the whole."""
    by_rule.forget()
    by_rule.fault("national_id", mode="status", status=503)
    try:
        item = by_rule.ask("complete_household", "everybody")
    finally:
        by_rule.mend("national_id")

    assert item["data"]["hearth:evidence"][0]["unheard"] == ["national_id"]
    assert states(item)["household", "household_size"]["state"] == "unavailable"


@pytest.mark.parametrize("rule", ["family", "home", "everybody"])
def test_either_number_of_somebody_registered_twice_finds_one_household(by_rule: Country, rule: str):
    """The same people with the same facts; the second number is merged with evidence, on its issuer's word."""
    example = by_rule.content["examples"]["double_registration"]
    by_rule.forget()
    first = by_rule.ask(identifier("UIN", example["identifiers"]["UIN"]), rule)
    by_rule.forget()
    second = by_rule.ask(identifier("UIN", example["second_uin"]), rule)

    facts = [settled_facts(item) for item in (first, second)]
    if rule == "home":  # no registry that tells of households by number says which of the two is the known one
        for told in facts:
            del told["0", "uin"]
    assert facts[0] == facts[1]
    assert relations(first) == relations(second) == ["CHILD", "CHILD", "SELF", "SPS"]
    mine = people(second)[0]["evidence"]
    assert {"basis": "double_registration", "source": "national_id"} in mine
    assert {"basis": "verified", "source": "national_id"} in mine


def test_nobody_is_somebody_after_a_second_look(by_rule: Country):
    """A number that no registry knows stays nobody's."""
    item = by_rule.ask(identifier("UIN", "0000000000"), "everybody")

    assert item["data"]["reg_records"] == []

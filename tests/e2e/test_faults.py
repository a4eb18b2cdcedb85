"""Each registry in turn in each fault mode: the answer keeps its deadline, holes are declared, the rest stays."""

import time

import pytest

from standards.dci.codes import ResponseEntity
from tests.e2e.conftest import DEADLINE_S, Country, settled_facts, states

pytestmark = pytest.mark.e2e

REGISTRIES = ("crvs", "social", "national_id", "tax", "land", "health", "education")
MODES = ("down", "slow", "status", "reset", "empty", "malformed", "wrong_schema", "wrong_person", "huge")
ASKED_BY = {"education": "cct-education"}
"""Which programme's question needs the registry, where it is not the cash transfer's."""

HOLES = {
    "unavailable",
}
BEHIND = {
    # Whoever finds a number for another registry takes that registry along when it is silent.
    "crvs": {"crvs", "education"},
    "national_id": {"national_id", "tax"},
}


@pytest.fixture(scope="module")
def whole(running: Country):
    """What the answer is with every registry up, by programme."""
    running.forget()
    return {
        programme: settled_facts(running.ask("complete_household", programme)) for programme in ("uct", "cct-education")
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("registry", REGISTRIES)
def test_a_failing_registry_leaves_declared_holes_and_nothing_else_changes(country: Country, whole, registry, mode):
    """Within the deadline, unknown with a reason, never a `no`; other values are as before; the log has no exception."""
    programme = ASKED_BY.get(registry, "uct")
    before = whole[programme]
    country.fault(registry, mode=mode)
    start = time.monotonic()
    item = country.ask("complete_household", programme)
    took = time.monotonic() - start

    assert item["status"] == "succ"
    assert took < DEADLINE_S + 1.0, "the token and the client's own time are within the second"
    after, reasons = settled_facts(item), states(item)
    behind = BEHIND.get(registry, {registry})
    same_people = {who for who, _ in before} == {who for who, _ in after}
    holes = 0
    for where, (state, value, source) in after.items():
        if state == "unavailable":
            holes += 1
            assert reasons[where]["reason"], where
        elif same_people:
            was = before[where]
            if reasons[where].get("stand_in"):
                # Another registry's word, labelled as such; here both say the same.
                assert (value, source) == (was[1], source), where
                assert source != was[2], where
                continue
            # Whoever is asked by a number states it as well; every other value keeps its source.
            assert source == was[2] or where[1] == "uin", where
            lesser_evidence_is_gone = was[0] == "conflict" and (state, value) == ("value", was[1])
            assert (state, value) == was[:2] or lesser_evidence_is_gone, (where, was, (state, value, source))
    assert holes, f"nothing was unavailable although {registry} was {mode}"
    outcomes = item["data"]["hearth:sources"]
    assert outcomes[registry]["outcome"] in {"unavailable", "partial"}
    for other, said in outcomes.items():
        if other not in behind:
            assert said["outcome"] in {"answered", "not_asked"}, (other, said)
    assert not [line for line in country.log() if line["event"] == "unexpected_error"]


STOOD_IN_FOR = {
    "national_id": ("crvs", {"given_name", "surname", "sex"}),
    "crvs": ("national_id", {"birth_date"}),
}
"""Registry -> who stands in for it first, and for what; addresses come from the social registry."""


@pytest.mark.parametrize("registry", STOOD_IN_FOR)
def test_where_a_lesser_word_may_stand_in_it_does_and_says_so(country: Country, whole, registry):
    """The name is there, with its own source and the label; what is derived from a birth date is not known."""
    other, names = STOOD_IN_FOR[registry]
    country.fault(registry, mode="down")
    item = country.ask("complete_household")

    held = {name: state for (who, name), state in states(item).items() if who == "0"}
    for name in names:
        assert (held[name]["state"], held[name].get("stand_in"), held[name]["source"]) == ("value", True, other), name
    for name in {"vital_status", "marital_status", "age"} if registry == "crvs" else {"income_annual"}:
        assert held[name]["state"] == "unavailable", name
    assert item["data"]["hearth:sources"][registry]["outcome"] == "unavailable"


def test_nobody_is_asked_to_stand_in_while_all_is_well(country: Country):
    """One registry for a name, and no second one."""
    item = country.ask("complete_household", entity=ResponseEntity.MEMBER, attributes=["given_name"], explain=True)

    assert (
        "2 crvs.person by UIN|BRN for the person asked about, if 1 is silent: given_name" in item["data"]["hearth:plan"]
    )
    assert (country.calls("national_id")["total"], country.calls("crvs")["total"]) == (1, 0)


def test_a_registry_that_comes_back_is_heard_again(country: Country, whole):
    """After the outage the answer is what it was before."""
    country.fault("tax", mode="down")
    country.ask("complete_household")
    country.mend("tax")
    country.forget()

    assert settled_facts(country.ask("complete_household")) == whole["uct"]


def test_without_the_social_registry_the_member_list_says_that_it_may_be_short(country: Country, whole):
    """Next of kin stand in for the registered group, and nobody takes them for the whole."""
    country.fault("social", mode="down")
    item = country.ask("complete_household")

    evidence = item["data"]["hearth:evidence"][0]
    assert evidence["complete"] is False
    assert evidence["unheard"] == ["social"]
    assert evidence["attributes"]["household_size"]["state"] == "unavailable"


def test_when_nobody_can_be_heard_the_question_stays_open(country: Country):
    """Every registry down is no answer at all, and certainly not `nobody found`."""
    for registry in country.content["registries"]:
        country.fault(registry, mode="down")
    item = country.ask("complete_household")

    assert item["status"] == "rjct"
    assert "status_reason_code" not in item
    assert "nothing is known" in item["status_reason_message"]


def test_a_fault_of_one_household_is_not_kept(country: Country, whole):
    """A wrong record is not remembered: the next question asks again."""
    country.fault("land", mode="wrong_person", times=2)
    country.ask("complete_household")
    country.mend("land")

    assert settled_facts(country.ask("complete_household")) == whole["uct"]

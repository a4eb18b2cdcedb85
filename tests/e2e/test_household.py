"""The main job: one question, six registries, one household."""

import pytest

from tests.e2e.conftest import Country, settled_facts, states

pytestmark = pytest.mark.e2e


def test_a_whole_household_comes_back_with_the_origin_of_every_value(country: Country):
    """Five people, each value with source and date, in the standard's Group."""
    item = country.ask("complete_household")

    (group,) = item["data"]["reg_records"]
    assert item["status"] == "succ"
    assert group["@type"] == "Group"
    assert group["group_size"] == len(group["member_list"]) == 5
    for (who, name), state in states(item).items():
        if state["state"] == "value":
            assert state["source"], (who, name)
            assert state["retrieved_at"], (who, name)
            assert state["cached"] is False, (who, name)


def test_one_call_per_registry_and_wave_whatever_the_size_of_the_household(country: Country):
    """Five members cost what one costs: by the registries' own counters."""
    country.ask("complete_household")

    calls = {name: country.calls(name)["total"] for name in country.content["registries"]}
    # social: the group, then the members; crvs: next of kin, then the others; health: the patient numbers, then charts
    assert calls == {
        "social": 2,
        "crvs": 2,
        "national_id": 1,
        "tax": 1,
        "land": 1,
        "health": 2,
        **dict.fromkeys(("education", "disability", "beneficiary", "farmer", "employment"), 0),
        **dict.fromkeys(("housing", "social_insurance", "payments", "farmers_list"), 0),
    }
    assert country.calls("national_id")["subjects"] == 5


def test_a_registry_that_nothing_permitted_comes_from_is_not_called(country: Country):
    """The education programme's agreement needs neither tax, land nor health."""
    item = country.ask("complete_household", "cct-education")

    for registry in ("tax", "land", "health"):
        assert country.calls(registry)["total"] == 0
        assert item["data"]["hearth:sources"][registry]["outcome"] == "not_asked"


def test_the_second_question_is_answered_from_the_brief_cache_and_says_so(country: Country):
    """Nothing is asked again, every value says `cached`, and nothing else differs."""
    first = country.ask("complete_household")
    country.reset_calls()
    second = country.ask("complete_household")

    assert all(country.calls(name)["total"] == 0 for name in country.content["registries"])
    assert settled_facts(first) == settled_facts(second)
    assert all(s["cached"] for s in states(second).values() if s["state"] == "value")


def test_the_third_answer_is_the_second_one_given_again(country: Country):
    """By the client that programmes use: the gateway counts it, and nothing of it differs but reference and time."""
    country.ask("complete_household")
    second = country.ask("complete_household")
    before = recalled(country)
    third = country.ask("complete_household")

    assert recalled(country) == before + 1
    assert third["data"] == second["data"]
    assert third["timestamp"] >= second["timestamp"]


def recalled(country: Country) -> float:
    """How many answers the gateway has given again."""
    text = country.http.get(f"{country.content['gateway']}/metrics").raise_for_status().text
    return float(text.partition("\nhearth_recalled_answers_total ")[2].splitlines()[0])


def test_two_programmes_see_two_faces_of_one_household(country: Country):
    """Each answer holds exactly what its agreement names, in its forms."""
    from policies.folder import agreement_files
    from policies.reading import read_agreement
    from standards.attributes import Catalogue

    catalogue = Catalogue.load()
    faces = {}
    for programme in ("uct", "cct-education"):
        (path,) = (
            p
            for p in agreement_files(country.folder / "agreements")
            if read_agreement(p, catalogue).consumer.id == programme
        )
        agreement = read_agreement(path, catalogue)
        item = country.ask("complete_household", programme)
        named = {name for _, name in states(item)}
        assert named == set(agreement.attributes)
        faces[programme] = item
    birth_dates = {
        programme: item["data"]["reg_records"][0]["member_list"][0]["demographic_info"].get("birth_date")
        for programme, item in faces.items()
    }
    assert birth_dates["uct"] is not None
    assert birth_dates["cct-education"] is None, "the education programme may know the year only"


def test_the_household_can_be_asked_for_by_its_own_number(country: Country):
    """By household number the answer is the same household."""
    by_person = country.ask("complete_household")
    by_number = country.ask(country.example("complete_household", "HOUSEHOLD_ID"))

    assert settled_facts(by_person) == settled_facts(by_number)


def test_nobody_is_an_answer(country: Country):
    """A number that no registry knows gives no records, not an error and not an invention."""
    from standards.identifiers import identifier

    item = country.ask(identifier("UIN", "0000000000"), "cct-education")

    assert item["status"] == "succ"
    assert item["data"]["reg_records"] == []
    assert item["pagination"]["total_count"] == 0


def test_a_question_explains_itself(country: Country):
    """The plan names the registries asked, in order, and those that were not, with the reason."""
    plan = country.ask("complete_household", explain=True)["data"]["hearth:plan"]

    assert "social.group" in plan
    assert "education not asked" in plan

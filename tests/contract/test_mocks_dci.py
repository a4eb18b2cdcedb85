"""What the practice registries tell in DCI: the right people and households, in records the release allows."""

from __future__ import annotations

from datetime import date

import pytest

from mocks.population import REFERENCE_DATE
from tests.contract.asking import by_number, number_of
from tests.contract.dci_country import GROUP, MEMBER, condition, expression, predicate
from tests.contract.dci_spec import needs_dci_spec

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module"), needs_dci_spec]


def ids(records):
    """Return the household numbers of groups."""
    return [number_of(record["group_identifier"], "HOUSEHOLD_ID") for record in records]


def value_of(record, name):
    """Return an additional attribute of a record."""
    return next(one["value"] for one in record["additional_attributes"] if one["name"] == name)


async def test_a_person_is_found_by_every_number(dci_country):
    """UIN, BRN and DRN lead to one record, of a dead person too."""
    dead = dci_country.person(lambda one: one.uin and one.brn and one.drn)
    found = [
        await dci_country.records("crvs", by_number(type_, value))
        for type_, value in (("UIN", dead.uin), ("BRN", dead.brn), ("DRN", dead.drn))
    ]

    assert found[0] == found[1] == found[2]
    (record,) = found[0]
    assert record["@type"] == "CRVS_Person"
    assert {one["identifier_type"] for one in record["identifier"]} == {"UIN", "BRN", "DRN"}
    assert (record["pv:vital_status"], record["death_date"]) == ("dead", dead.death_date.isoformat())
    assert "pv:spouse" not in record


async def test_a_family_is_told_by_its_numbers(dci_country):
    """Parents, spouse and children are named by their numbers; the example's family is whole."""
    father, mother, eldest = (
        dci_country.population.people[place] for place in dci_country.population.casts["complete_household"].members[:3]
    )
    (record,) = await dci_country.records("crvs", by_number("UIN", father.uin))
    (child,) = await dci_country.records("crvs", by_number("BRN", eldest.brn))

    assert number_of(record["pv:spouse"]["identifier"], "UIN") == mother.uin
    assert record["marital_status"] == "M"
    assert len(record["pv:children"]) == 3
    assert eldest.brn in {number_of(one["identifier"], "BRN") for one in record["pv:children"]}
    parents = {child["parent1_identifier"]["identifier_value"], child["parent2_identifier"]["identifier_value"]}
    assert parents == {father.uin, mother.uin}
    assert (child["sex"], child["birth_date"]) == (eldest.sex, eldest.birth_date.isoformat())


async def test_a_marriage_number_finds_both_spouses(dci_country):
    """One marriage, two records."""
    mrn, couple = next(
        (mrn, couple)
        for mrn, couple in dci_country.population.marriages_by_mrn.items()
        if all(dci_country.population.people[place].uin for place in couple)
    )
    records = await dci_country.records("crvs", by_number("MRN", mrn))

    assert {number_of(record["identifier"], "UIN") for record in records} == {
        dci_country.population.people[place].uin for place in couple
    }


async def test_an_unregistered_birth_is_unknown(dci_country):
    """Neither a record, nor a child of its mother's."""
    child = dci_country.population.people[dci_country.population.casts["unregistered_birth"].subject]
    mother = dci_country.population.people[child.mother]
    (record,) = await dci_country.records("crvs", by_number("UIN", mother.uin))
    registered = [one for one in mother.children if dci_country.population.people[one].brn]

    assert child.brn is None
    assert len(record["pv:children"]) == len(registered) < len(mother.children)


async def test_every_person_of_the_country_is_told_within_the_release(dci_country):
    """Whatever happened to people, their records validate; the whole register fits the pages."""
    told = 0
    for number in range(1, 20):
        query = predicate(
            condition("birth_date", "ge", "1900-01-01"), pagination={"page_size": 500, "page_number": number}
        )
        item = await dci_country.one("crvs", query)
        told += len(item["data"]["reg_records"])
        if told == item["pagination"]["total_count"]:
            break

    assert told == sum(one.brn is not None for one in dci_country.population.people)


async def test_civil_registration_filters_and_sorts(dci_country):
    """Predicates and expressions choose the same people; the order is the one asked for."""
    by = [{"attribute_name": "birth_date", "sort_order": "desc"}]
    between = condition("birth_date", "ge", "1980-01-01"), "and", condition("birth_date", "le", "1989-12-31")
    first = await dci_country.records("crvs", predicate(*between, sort=by))
    query = {"birth_date": {"$gte": "1980-01-01", "$lte": "1989-12-31"}}
    second = await dci_country.records("crvs", expression("Person", query, sort=by))

    days = [record["birth_date"] for record in first]
    assert first == second
    assert days == sorted(days, reverse=True)
    assert days
    assert all("1980-01-01" <= day <= "1989-12-31" for day in days)


async def test_a_household_is_found_by_its_number_and_by_its_members(dci_country):
    """The same group comes by HOUSEHOLD_ID, UIN and MEMBER_ID, with all of its members."""
    members = [
        dci_country.population.people[place] for place in dci_country.population.casts["complete_household"].members
    ]
    household = dci_country.population.households[members[0].household]
    found = [
        await dci_country.records("social", by_number(type_, value) | GROUP)
        for type_, value in (
            ("HOUSEHOLD_ID", household.household_id),
            ("UIN", members[1].uin),
            ("MEMBER_ID", members[4].member_id),
        )
    ]

    assert found[0] == found[1] == found[2]
    (group,) = found[0]
    listed = [number_of(one["member_identifier"], "UIN") for one in group["member_list"]]
    assert (group["@type"], group["group_type"], group["group_size"]) == ("Group", "2", 5)
    assert listed == [member.uin for member in members]
    assert group["group_head_info"] == group["member_list"][0]
    assert [one["relationship_to_head"] for one in group["member_list"]] == ["SELF", "SPS", *["CHILD"] * 3]
    assert value_of(group, "dwelling_type") == household.dwelling
    assert group["poverty_score"] == household.poverty_score


async def test_a_member_without_a_number_is_found_by_member_id(dci_country):
    """The record carries the member number and no other."""
    person = dci_country.population.people[dci_country.population.casts["no_number"].subject]
    (member,) = await dci_country.records("social", by_number("MEMBER_ID", person.member_id) | MEMBER)

    assert member["member_identifier"] == [{"identifier_type": "MEMBER_ID", "identifier_value": person.member_id}]
    assert member["demographic_info"]["@type"] == "SRPerson"
    assert member["demographic_info"]["birth_date"] == person.birth_date.isoformat()


async def test_a_disability_is_told_in_codes(dci_country):
    """Whether, which, and how severe."""
    person = dci_country.population.people[dci_country.population.casts["disabled_member"].subject]
    (member,) = await dci_country.records("social", by_number("UIN", person.uin) | MEMBER)

    assert member["is_disabled"] is True
    assert member["disability_info"] == [
        {
            "disability_limitation_type": person.disability.limitation,
            "functional_severity": person.disability.severity,
        }
    ]


async def test_a_household_registered_twice_has_two_records(dci_country):
    """By a member's number both come, each under its own HOUSEHOLD_ID; by HOUSEHOLD_ID one."""
    population = dci_country.population
    twice = next(one for one in population.households if len(population.registered_ids(one.index)) == 2)
    members = (population.people[place] for place in population.registered_members(twice.index))
    member = next(one for one in members if one.uin and len(population.registered_households(one.index)) == 1)
    both = population.registered_ids(twice.index)

    assert sorted(ids(await dci_country.records("social", by_number("UIN", member.uin) | GROUP))) == sorted(both)
    assert ids(await dci_country.records("social", by_number("HOUSEHOLD_ID", both[1]) | GROUP)) == [both[1]]


@pytest.mark.parametrize(
    ("criteria", "fits"),
    [
        (predicate(condition("poverty_score", "lt", 30.5)), lambda one: one["poverty_score"] < 30.5),
        (
            predicate(condition("region_code", "eq", "PV-1"), "and", condition("group_size", "ge", "6")),
            lambda one: one["address"][0]["region_code"] == "PV-1" and one["group_size"] >= 6,
        ),
        (
            predicate(condition("dwelling_type", "in", "mud,temporary"), "or", condition("household_size", "eq", "1")),
            lambda one: value_of(one, "dwelling_type") in ("mud", "temporary") or one["group_size"] == 1,
        ),
        (
            expression("Group", {"$and": [{"poverty_score": {"$lt": 40}}, {"group_size": {"$lt": 5}}]}),
            lambda one: one["poverty_score"] < 40 and one["group_size"] < 5,
        ),
        (
            expression(
                "Group", {"$or": [{"region_code": {"$in": ["PV-2"]}}, {"registration_date": {"$gte": "2025-01-01"}}]}
            ),
            lambda one: one["address"][0]["region_code"] == "PV-2" or one["registration_date"] >= "2025-01-01",
        ),
    ],
)
async def test_groups_are_chosen_by_what_they_show(dci_country, criteria, fits):
    """Exactly the groups whose own record fits come, ordered by HOUSEHOLD_ID."""
    everybody = await dci_country.records("social", predicate(condition("group_size", "ge", "0")) | GROUP)
    chosen = await dci_country.records("social", criteria | GROUP)

    assert ids(chosen) == [number for number, one in zip(ids(everybody), everybody, strict=True) if fits(one)]
    assert 0 < len(chosen) < len(everybody)
    assert ids(chosen) == sorted(ids(chosen))


async def test_members_are_chosen_by_age(dci_country):
    """Age is counted in whole years on the country's own day."""
    chosen = await dci_country.records("social", predicate(condition("age", "ge", "70")) | MEMBER)
    born = [date.fromisoformat(one["demographic_info"]["birth_date"]) for one in chosen]

    assert born
    assert max(born) <= REFERENCE_DATE.replace(year=REFERENCE_DATE.year - 70)


async def test_pages_follow_one_another(dci_country):
    """Ten to a page when nothing is asked for; pages cover the whole in one order."""
    all_at_once = await dci_country.one("social", predicate(condition("poverty_score", "ge", "0")) | GROUP)
    plain = await dci_country.one(
        "social", {"query_type": "predicate", "query": [{"expression1": condition("poverty_score", "ge", "0")}]} | GROUP
    )
    pieces = []
    for number in (1, 2, 3):
        pagination = {"page_size": 7, "page_number": number}
        item = await dci_country.one(
            "social", predicate(condition("poverty_score", "ge", "0"), pagination=pagination) | GROUP
        )
        assert item["pagination"] == {**pagination, "total_count": all_at_once["pagination"]["total_count"]}
        pieces += ids(item["data"]["reg_records"])

    assert pieces == ids(all_at_once["data"]["reg_records"])[:21]
    assert (plain["pagination"]["page_size"], len(plain["data"]["reg_records"])) == (10, 10)

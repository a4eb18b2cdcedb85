"""Registries that are read where they lie, through their own manifests: what is answered, and what is never a "no"."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import aiohttp
import pytest
import pytest_asyncio

from adapters.catalogue import FOLDER, Registries, connect, load_manifest
from adapters.ports import Candidate, Deadline, Fetch, Record, TraitFetch
from adapters.transport.client import open_session
from gateway.linkage.judging import Known, Outcome, judge
from gateway.linkage.model import load_model
from mocks.country import TABLES, open_country
from mocks.people import Person
from mocks.population import build
from mocks.truth import truth
from standards.errors import SourceError
from standards.identifiers import Identifier, identifier
from tests.contract.poveria import LYING, Poveria

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]
FAULTS = [(kind.name, mode) for kind in TABLES for mode in kind.modes if mode not in ("late", "slow")]


class Connected(NamedTuple):
    """The country, and its registries as the gateway connects them."""

    poveria: Poveria
    registries: Registries

    async def ask(self, name: str, lookup: str, *subjects: Identifier) -> dict[Identifier, Record | None]:
        """What is held by these numbers."""
        stated = self.registries[name].manifest.lookup(lookup)
        request = Fetch(name, lookup, subjects, frozenset(stated.attributes))
        return dict((await self.registries[name].guarded.fetch(request, Deadline.after(10))).records)

    async def candidates(self, **traits: Any) -> tuple[Candidate, ...]:
        """Whom the farmers' list brings by what is known of somebody."""
        request = TraitFetch("farmers_list", "who", (traits,))
        answer = await self.registries["farmers_list"].guarded.candidates(request, Deadline.after(10))
        return tuple(answer.found[0])

    def person(self, example: str) -> Person:
        """Whom an example is about."""
        population = self.poveria.population
        return population.people[population.casts[example].subject]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def connected():
    """A country of its own: its clock is turned here."""
    population = build(200, 11)
    async with open_country(population) as served, aiohttp.ClientSession() as client, open_session() as session:
        poveria = Poveria(client, population, served)
        environment = {key: value for name in LYING for key, value in poveria.environment(name).items()}
        manifests = [load_manifest(FOLDER / name / "manifest.yaml") for name in LYING]
        registries = connect(manifests, session, environment)
        yield Connected(poveria, registries)
        await registries.close()


@pytest_asyncio.fixture(loop_scope="module")
async def country(connected):
    """The same, with everybody well."""
    for name in LYING:
        await connected.poveria.control("DELETE", name, "faults")
    return connected


def subject_of(country: Connected, name: str) -> tuple[str, Identifier]:
    """A lookup of a registry, and the number of somebody whom it holds."""
    if name == "social_insurance":
        return "account", identifier("TIN", str(country.person("complete_household").tin))
    if name == "payments":
        roll = cast("Any", country.poveria.served["beneficiary"].registry).roll
        return "payments", identifier("BENEFICIARY_ID", roll.of(country.person("disabled_member"))[0].number)
    entries = cast("Any", country.poveria.served["farmers_list"].registry).entries
    listed = next(one for one in entries if one.person is country.person("complete_household"))
    return "entry", identifier("FARMER_LIST_NO", listed.number)


async def test_the_fund_knows_people_by_taxpayer_number_and_by_national_number(country):
    """Two accounts of one person are one record; whom the fund does not hold is nobody, and no error."""
    accounts = country.poveria.served["social_insurance"].registry.accounts
    held: dict[int, list[Any]] = {}
    for one in accounts:
        held.setdefault(one.person.index, []).append(one)
    twice = next(one for one in held.values() if len(one) > 1)
    alone = next(one for one in accounts if one.tin is None)
    by_tin, by_uin, nobody = (
        identifier("TIN", twice[0].tin), identifier("UIN", alone.uin), identifier("UIN", "0000000000"),
    )  # fmt: skip
    records = await country.ask("social_insurance", "account", by_tin, by_uin, nobody)

    months = {month for one in twice for month, *_ in one.months if month.isoformat() > "2025-09-30"}
    assert records[by_tin].values["contribution_months_12m"] == len(months)
    assert records[by_tin].values["insurance_account_status"] == "contributing"
    assert records[by_uin].identifiers["UIN"] == alone.uin
    assert records[nobody] is None


async def test_payments_of_one_person_are_added_up(country):
    """As of the day of the drop; and somebody in no line was not paid."""
    lookup, number = subject_of(country, "payments")
    nobody = identifier("MEMBER_ID", "SM0000000")
    records = await country.ask("payments", lookup, number, nobody)
    paid = [
        line.split(";")
        for line in country.poveria.served["payments"].registry.content().decode("utf-8-sig").splitlines()
        if f";{number.value};" in line
    ]

    assert records[nobody] is None
    assert records[number].as_of == country.poveria.population.today.isoformat()
    assert records[number].values["payments_6m_count"] == len(paid) == 12
    assert records[number].values["payments_6m_total"] == sum(int(line[6].removesuffix(",00")) for line in paid)


async def test_the_list_brings_those_who_may_be_meant(country):
    """However they were written down: swapped days, a year alone, the letters of the hills."""
    entries = country.poveria.served["farmers_list"].registry.entries
    not_brought, denied = [], []
    for entry in entries:
        traits = traits_of(country, entry.person)
        candidates = await country.candidates(**traits)
        verdict = judge(Known({}, traits), candidates, load_model(), cut=False)
        own = {"FARMER_LIST_NO": entry.number}
        not_brought += [] if own in [dict(one.identifiers) for one in candidates] else [entry]
        denied += [entry] if verdict.outcome is Outcome.NONE else []
        assert verdict.outcome is not Outcome.MATCH or dict(verdict.identifiers) == own

    assert any(entry.birth_date != entry.person.birth_date for entry in entries)
    assert any(entry.village != traits_of(country, entry.person)["locality"] for entry in entries)
    assert not_brought == []
    assert denied == []
    assert await country.candidates(surname="Nobody", birth_date="1870-01-01", sex="male", locality="Nowhere") == ()


async def test_the_list_is_complete(connected):
    """Whoever is surely on no line of it has no voucher: that is known, and not unavailable."""
    assert connected.registries["farmers_list"].manifest.lookup("entry").no_identifier_means_no_record


async def test_scores_compare_what_the_gateway_compares(connected):
    """The truth writes of the list's rows just the traits that the manifest reads."""
    read = connected.registries["farmers_list"].manifest.lookup("who").by_traits
    rows = [
        line["rows"]["farmers_list"] for line in truth(connected.poveria.population) if "farmers_list" in line["rows"]
    ]

    assert {frozenset(row["traits"]) for row in rows} == {frozenset(read.traits)}


def traits_of(country: Connected, one: Person) -> dict[str, Any]:
    """How national ID knows somebody."""
    address = country.poveria.population.households[one.household].address
    return {
        "given_name": one.given_name,
        "second_name": one.second_name,
        "surname": one.surname,
        "sex": one.sex,
        "birth_date": one.birth_date.isoformat(),
        "locality": address.locality,
        "sub_region_code": address.district,
        "region_code": address.region,
    }


@pytest.mark.parametrize(("name", "mode"), FAULTS)
async def test_a_broken_registry_is_a_source_error_or_answers_as_before(country, name, mode):
    """Never that it holds nobody: a list that was read before may go on serving, as of its own day."""
    lookup, number = subject_of(country, name)
    usual = (await country.ask(name, lookup, number))[number]
    assert usual is not None
    await country.poveria.fault(name, mode=mode)
    said: dict[Identifier, Record | None] = {}
    words = ""
    try:
        said = await country.ask(name, lookup, number)
    except SourceError as error:
        words = str(error)

    assert said == {number: usual} or words
    assert number.value not in words
    await country.poveria.control("DELETE", name, "faults")


async def test_the_next_drop_is_read_once_it_is_there(country):
    """A payment of the next month shows after days have passed."""
    lookup, number = subject_of(country, "payments")
    before = (await country.ask("payments", lookup, number))[number]
    await country.poveria.control("POST", "crvs", "clock", json={"days": 40})
    today = country.poveria.population.today.isoformat()
    after = before
    deadline = Deadline.after(20)
    while after is not None and after.as_of != today and deadline.left_s() > 0:
        after = (await country.ask("payments", lookup, number))[number]

    assert after is not None
    assert (before.as_of, after.as_of) == ("2026-09-30", today)
    assert after.values["payments_6m_count"] == before.values["payments_6m_count"]

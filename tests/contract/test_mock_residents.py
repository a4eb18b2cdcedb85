"""National ID on who lives where: its practice registry, and what the adapter makes of it."""

from __future__ import annotations

import json

import pytest

from adapters.national_id import mapping
from standards.errors import SourceContractError
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.builders import MANIFESTS
from tests.contract.asking import Ask, ask_national_id

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]


def entries(numbers, id_type="UIN") -> Ask:
    """A query for what identities rest on, and where people live."""
    ask = ask_national_id(numbers, id_type)
    whole = json.loads(ask.body or b"{}")
    whole["request"]["fields"] = mapping.ENTRY_FIELDS
    return ask._replace(body=json.dumps(whole).encode())


def residents(keys, **more) -> Ask:
    """A query for who lives in dwellings."""
    request = {"dwellingKeys": keys, **more}
    whole = {
        "id": "pv.residents.query",
        "version": "1.0",
        "requesttime": "2026-11-21T02:00:00.000Z",
        "request": request,
    }
    headers = {"Content-Type": "application/json"}
    return Ask("POST", "/idrepo/v1/residents/query", headers, json.dumps(whole).encode())


async def key_of(poveria, uin) -> Identifier:
    """The key of the dwelling somebody lives in."""
    answer = await poveria.answer("national_id", entries([uin]))
    (record,) = mapping.to_entries(answer.body, [Identifier("UIN", uin)]).values()
    assert record is not None
    return Identifier("DWELLING_KEY", record.identifiers["DWELLING_KEY"])


def twice(poveria):
    """Somebody who was registered twice."""
    return next(one for one in poveria.population.people if one.second_uin)


async def test_everybody_in_a_dwelling_is_named_by_number(poveria):
    """Those alive by this platform's word, a double registration with both its numbers; nothing else of them is told."""
    person = twice(poveria)
    key = await key_of(poveria, person.uin)
    answer = await poveria.answer("national_id", residents([key.value, "DW"]))
    told = mapping.to_dwellings(answer.body, [key, Identifier("DWELLING_KEY", "DW")])

    here = [
        one
        for one in poveria.population.people
        if one.household == person.household and one.uin and poveria.population.national_id_alive(one.index)
    ]
    dwelling = told[key]
    assert told[Identifier("DWELLING_KEY", "DW")] is None
    assert dwelling is not None
    assert {m.identifiers["UIN"] for m in dwelling.members} == {
        n for one in here for n in (one.uin, one.second_uin) if n
    }
    assert {m.identifiers.get("BRN") for m in dwelling.members} == {one.brn for one in here}
    assert (await poveria.calls("national_id"))["by_operation"] == {"query": 1, "residents": 1}


async def test_where_too_many_live_nobody_is_named(poveria):
    """The platform tells how many they are, and the adapter a place without members."""
    key = await key_of(poveria, twice(poveria).uin)
    answer = await poveria.answer("national_id", residents([key.value], atMost=1))

    assert "residents" not in json.loads(answer.body)["response"]["dwellings"][0]["dwelling"]
    dwelling = mapping.to_dwellings(answer.body, [key])[key]
    assert dwelling is not None
    assert dwelling.members == ()


async def test_two_identities_on_one_birth_are_one_person_registered_twice(poveria):
    """Asked by birth number, the platform names both; asked by either, the one."""
    person = twice(poveria)
    answer = await poveria.answer("national_id", entries([person.brn], "BRN"))
    subject = Identifier("BRN", person.brn)
    record = mapping.to_entries(answer.body, [subject])[subject]

    assert record is not None
    assert {n["UIN"] for n in (record.identifiers, *record.duplicates)} == {person.uin, person.second_uin}


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (residents([]), "IDR-004"),
        (residents(["DW"] * 101), "IDR-009"),
        (residents(["DW"], atMost=0), "IDR-007"),
        (residents(["DW"])._replace(body=b"{"), "IDR-001"),
        (residents(["DW"])._replace(body=b"{}"), "IDR-002"),
    ],
)
async def test_a_question_about_dwellings_is_refused_in_the_platform_s_own_words(poveria, ask, code):
    """By HTTP 200 with a code, which the adapter takes for a broken promise."""
    answer = await poveria.answer("national_id", ask)

    assert json.loads(answer.body)["errors"][0]["errorCode"] == code
    with pytest.raises(SourceContractError):
        mapping.to_dwellings(answer.body, [])


async def test_another_dwelling_than_asked_for_is_refused(poveria):
    """As a record of somebody else is, in whichever place the difference shows."""
    key = await key_of(poveria, twice(poveria).uin)
    await poveria.fault("national_id", mode="wrong_person", times=1)
    answer = await poveria.answer("national_id", residents([key.value]))
    with pytest.raises(SourceContractError) as caught:
        mapping.to_dwellings(answer.body, [key])

    assert caught.value.reason is UnavailableReason.WRONG_SUBJECT


@pytest.mark.parametrize("mode", ["wrong_schema", "malformed", "empty"])
async def test_a_broken_answer_about_dwellings_is_no_answer(poveria, mode):
    """Never an empty dwelling."""
    key = await key_of(poveria, twice(poveria).uin)
    await poveria.fault("national_id", mode=mode, times=1)
    answer = await poveria.answer("national_id", residents([key.value]))

    with pytest.raises(SourceContractError):
        mapping.to_dwellings(answer.body, [key])


async def test_the_lookups_that_find_people_tell_nothing_else_of_them():
    """They name no attributes, and no plan takes a number for another registry from them."""
    finding = [k for k in MANIFESTS["national_id"].lookups if k.boundary]

    assert [k.name for k in finding] == ["entry", "residents"]
    assert all(not k.attributes for k in finding)

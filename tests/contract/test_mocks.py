"""Every practice registry, over real connections: what it answers in its own dialect, and whom it refuses."""

from __future__ import annotations

import json

import pytest
from yarl import URL

from tests.contract import asking
from tests.contract.asking import Ask
from tests.contract.poveria import NAMES, OAUTH, SPOKEN

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]


async def test_all_registries_are_there(poveria):
    """Each says what it speaks, what it registers, and answers under its own address."""
    assert {name: (one.registry.speaks, one.registry.reg_type) for name, one in poveria.served.items()} == SPOKEN
    assert len({one.url for one in poveria.served.values()}) == len(SPOKEN) == 15
    for name in SPOKEN:
        async with poveria.client.get(poveria.url(name, "/health")) as response:
            assert response.status == 200


@pytest.mark.parametrize("name", NAMES)
async def test_several_people_are_found_in_one_call(poveria, name):
    """A batch answers about everybody asked about, and counts as one call about so many."""
    numbers = poveria.numbers(name, 3)
    answer = await poveria.about(name, numbers)

    assert answer.status == 200
    assert set(numbers) <= poveria.dialects[name].found(answer.body)
    assert await poveria.calls(name) == {
        "total": 1,
        "by_operation": {poveria.dialects[name].operation: 1},
        "subjects": 3,
        "faults_served": 0,
    }


@pytest.mark.parametrize("name", NAMES)
async def test_nobody_by_a_number_is_an_answer(poveria, name):
    """An unknown number in a batch takes nothing from the others, and alone it is no error."""
    known, unknown = poveria.numbers(name, 1), poveria.dialects[name].unknown
    mixed, alone = await poveria.about(name, [unknown, *known]), await poveria.about(name, [unknown])

    found = poveria.dialects[name].found
    assert set(known) <= found(mixed.body)
    assert unknown not in found(mixed.body)
    assert (alone.status, found(alone.body)) == (200, set())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "land"])
@pytest.mark.parametrize("wrong", ["none", "another"])
async def test_without_credentials_nobody_is_told(poveria, name, wrong):
    """Missing and wrong credentials are refused; the attempt counts as a call about nobody."""
    ask = poveria.dialects[name].ask(poveria.numbers(name, 1))
    made_up = dict.fromkeys(poveria.environment(name), "bm9ib2R5Om5vdGhpbmc")
    headers = {} if wrong == "none" else asking.credentials(name, made_up, "bm9ib2R5")
    url = poveria.url(name, ask.path)
    async with poveria.client.request(ask.method, url, data=ask.body, headers={**ask.headers, **headers}) as response:
        body = await response.text()
        assert response.status == 401

    assert not any(number in body for number in poveria.numbers(name, 1))
    calls = await poveria.calls(name)
    assert (calls["total"], calls["subjects"]) == (1, 0)


@pytest.mark.parametrize("name", OAUTH)
@pytest.mark.parametrize(
    ("change", "status"),
    [({"client_secret": "guessed"}, 401), ({"client_id": "somebody"}, 401), ({"grant_type": "password"}, 400)],
)
async def test_a_token_is_for_known_clients(poveria, name, change, status):
    """A wrong secret gets no token; asking for tokens is no business call."""
    own = poveria.environment(name)
    prefix = f"HEARTH_{name.upper()}_CLIENT_"
    form = {"client_id": own[prefix + "ID"], "client_secret": own[prefix + "SECRET"]}
    form = {"grant_type": "client_credentials"} | form | change
    async with poveria.client.post(poveria.url(name, "/oauth2/client/token"), data=form) as response:
        assert response.status == status
        assert "access_token" not in await response.json()

    assert (await poveria.calls(name))["total"] == 0


async def test_the_national_id_platform_answers_in_its_own_words(poveria):
    """Only the fields asked for, dates with slashes, each number of a double registration as a record of its own."""
    twice = next(one for one in poveria.population.people if one.second_uin)
    answer = await poveria.about("national_id", [twice.uin, twice.second_uin, "0000000000"])
    whole = json.loads(answer.body)

    first, second, nobody = whole["response"]["identities"]
    assert (whole["errors"], nobody["status"]) == ([], "NOT_FOUND")
    assert (first["identity"]["UIN"], second["identity"]["UIN"]) == (twice.uin, twice.second_uin)
    assert first["identity"]["dateOfBirth"] == twice.birth_date.strftime("%Y/%m/%d")
    assert first["identity"]["familyName"][0]["language"] == "eng"
    assert set(first["identity"]) == {
        *("UIN", "givenName", "familyName", "dateOfBirth", "lifeStatus", "addressLine", "updatedOn")
    }


async def test_the_national_id_platform_finds_by_tax_number(poveria):
    """A TIN leads to the same identity."""
    person = next(one for one in poveria.population.people if one.tin and one.uin)
    answer = await poveria.answer("national_id", asking.ask_national_id([person.tin], "TIN"))

    assert asking.found_national_id(answer.body) == {person.uin}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{}",
        asking.ask_national_id([]).body,
        asking.ask_national_id(["1"] * 101).body,
        asking.ask_national_id(["1"], "PASSPORT").body,
    ],
)
async def test_the_national_id_platform_refuses_in_its_own_words(poveria, body):
    """A business error comes with HTTP 200, a code, and no response."""
    answer = await poveria.answer("national_id", asking.ask_national_id(["1"])._replace(body=body))
    whole = json.loads(answer.body)

    assert (answer.status, whole["response"]) == (200, None)
    assert whole["errors"][0]["errorCode"].startswith("IDR-")


async def test_the_example_of_the_dead_is_alive_at_national_id(poveria):
    """Civil registration and national ID contradict each other about him."""
    subject = poveria.population.people[poveria.population.casts["dead_and_alive"].subject]
    identity = json.loads((await poveria.about("national_id", [subject.uin])).body)["response"]["identities"][0]
    (record,) = asking.records((await poveria.about("crvs", [subject.uin])).body)

    assert identity["identity"]["lifeStatus"] == "ALIVE"
    assert record["pv:vital_status"] == "dead"


async def test_fifty_people_fit_one_message(poveria):
    """The DCI registries answer fifty items in the order asked."""
    for name in OAUTH:
        numbers = poveria.numbers(name, 50)
        # Some registries know fewer people than that; the same one may be asked about twice.
        answer = await poveria.about(name, (numbers * 50)[:50])

        assert [item["reference_id"] for item in asking.items(answer.body)] == [f"ref-{n}" for n in range(50)]
        assert poveria.dialects[name].found(answer.body) == set(numbers)


async def test_a_chart_comes_in_one_call(poveria):
    """A FHIR batch answers entry by entry, each a searchset about the patients named, and counts once."""
    patients = [one for one in poveria.population.people if one.chart and one.patient_number][:3]
    numbers = ",".join(str(one.patient_number) for one in patients)
    urls = [f"Patient?_id={numbers}", f"Encounter?patient={numbers}&_count=1000", f"Coverage?beneficiary={numbers}"]
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    body = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries}).encode()
    answer = await poveria.answer("health", Ask("POST", "/fhir", {"Content-Type": "application/fhir+json"}, body))
    bundle = json.loads(answer.body)

    assert bundle["type"] == "batch-response"
    assert [entry["response"]["status"] for entry in bundle["entry"]] == ["200 OK"] * 3
    people, visits, _ = (entry["resource"].get("entry", []) for entry in bundle["entry"])
    assert {entry["resource"]["id"] for entry in people} == {one.patient_number for one in patients}
    assert len(visits) == sum(len(one.chart.visits) for one in patients)
    calls = await poveria.calls("health")
    assert (calls["total"], calls["subjects"]) == (1, 3)


async def test_learners_come_a_page_at_a_time(poveria):
    """Following the pages to the last gives everybody once."""
    numbers, got, page, last = poveria.numbers("education", 7), [], 0, 1
    while page < last:
        page += 1
        question = {"learnerNumbers": numbers, "pageSize": 3, "page": page}
        ask = poveria.dialects["education"].ask([])._replace(body=json.dumps(question).encode())
        shown = json.loads((await poveria.answer("education", ask)).body)
        last = shown["totalPages"]
        got += [item["learnerNumber"] for item in shown["items"]]

    assert (last, sorted(got)) == (3, sorted(numbers))


async def test_parcels_come_a_page_at_a_time(poveria):
    """Following `next` to the end gives every parcel once."""
    ask = asking.ask_land(poveria.numbers("land", 6))
    path, got, pages = ask.path.replace("limit=500", "limit=2"), [], 0
    whole = json.loads((await poveria.answer("land", ask)).body)
    while path:
        shown = json.loads((await poveria.answer("land", Ask("GET", path, {}))).body)
        got += [feature["id"] for feature in shown["features"]]
        following = [link["href"] for link in shown["links"] if link["rel"] == "next"]
        path, pages = (URL(following[0]).raw_path_qs if following else ""), pages + 1

    assert got == [feature["id"] for feature in whole["features"]]
    assert pages > 1


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("tax", "/services/TaxpayerService?wsdl"),
        ("land", "/"),
        ("land", "/conformance"),
        ("land", "/collections"),
        ("land", "/collections/parcels"),
        ("health", "/fhir/metadata"),
    ],
)
async def test_pages_about_a_registry_are_no_calls(poveria, name, path):
    """They are there without credentials and while it is down, and do not count."""
    await poveria.fault(name, mode="down")
    async with poveria.client.get(poveria.url(name, path)) as response:
        assert response.status == 200
        assert await response.read()

    assert (await poveria.calls(name))["total"] == 0

"""The special questions of DCI at the practice registries: yes, no, details, standing, updates, and refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from mocks.population import examples
from mocks.speaking import DIALECTS
from standards.signing import keys_of_jwks, verify
from tests.contract.asking import NOW, by_number
from tests.contract.dci_country import FILES
from tests.contract.dci_spec import faults, needs_dci_spec, request_faults, response_faults

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module"), needs_dci_spec]

PAYLOADS = {
    "sync/enrolled": "EnrolledResponse",
    "sync/enrollment/updates": "EnrollmentUpdatesResponse",
}
"""Operations whose answer the release declares without an envelope: their payload is held against its schema."""
PERSON = "personal_details.member_identifier"


def question(action, message, **header):
    """Return a special question."""
    whole = {"version": "1.0.0", "message_id": "q-1", "message_ts": NOW, "action": action, "status": "rcvd"}
    whole |= {"sender_id": "hearth.pv", "receiver_id": "registry.pv", "total_count": 1, **header}
    return {"header": whole, "message": {"transaction_id": "t-1", **message}}


@pytest.fixture
def ask(dci_country):
    """Return what sends a special question and holds both ways against the release."""

    async def send(name, operation, body, status=200, *, is_valid=True, fault=None):
        path = f"/registry/{operation}"
        if is_valid:
            assert request_faults(FILES[name], path, body) == []
        headers = {"Authorization": f"Bearer {dci_country.tokens[name]}"} | (fault or {})
        url = dci_country.served[name].url + path
        async with dci_country.client.post(url, json=body, headers=headers) as response:
            answer = await response.json()
            assert response.status == status
        if status == 200 and operation in PAYLOADS:
            pointer = f"/components/schemas/{PAYLOADS[operation]}"
            assert faults(FILES[name], pointer, answer["message"]) == []
        else:
            success = "200" if name == "employment" else "default"
            assert response_faults(FILES[name], path, answer, success if status == 200 else "500") == []
        return answer

    return send


def uin_of(dci_country, key):
    """Return the national number of an example's person."""
    return examples(dci_country.population)[key]["identifiers"]["UIN"]


def disabled(number, query_type="expression"):
    """Return a question whether somebody is disabled."""
    return question("search", {"disabled_criteria": {"query_type": query_type, "query": {PERSON: {"eq": number}}}})


def enrolled(number, programme=None, action="search"):
    """Return a question whether somebody is enrolled."""
    query = {"person_identifier": {"eq": number}}
    if programme is not None:
        query["programme_identifier.program.programme_identifier"] = {"eq": programme}
    return question(action, {"enrolled_criteria": {"query_type": "expression", "query": query}})


async def test_disabled_is_yes_for_the_certified_and_no_for_all_others(dci_country, ask):
    """By the national number and by the register's own; waiting, expired and unknown people are a no."""
    files = dci_country.served["disability"].registry.roll.entries
    by_status = {status: next(file for file in files if file.status(dci_country.population.today) == status)
                 for status in "012"}  # fmt: skip
    expected = {by_status["0"].number: "yes", by_status["1"].number: "no", by_status["2"].number: "no"}
    expected |= {uin_of(dci_country, "disabled_adult"): "yes", "0000000000": "no"}
    for number, said in expected.items():
        answer = await ask("disability", "sync/disabled", disabled(number))

        (item,) = answer["message"]["disabled_response"]
        assert (item["status"], item["disabled_status"], item["reference_id"]) == ("succ", said, "q-1")
        assert (answer["header"]["action"], answer["header"]["receiver_id"]) == ("on-search", "hearth.pv")


async def test_a_plain_number_is_understood_too(dci_country, ask):
    """A query by type and value asks the same."""
    criteria = by_number("UIN", uin_of(dci_country, "disabled_adult"))
    answer = await ask("disability", "sync/disabled", question("search", {"disabled_criteria": criteria}))

    assert answer["message"]["disabled_response"][0]["disabled_status"] == "yes"


async def test_details_and_support_are_told_alone(dci_country, ask):
    """Details come as a record, support as a list in a list, and nothing says who the person is."""
    number = uin_of(dci_country, "disabled_adult")
    details = (await ask("disability", "sync/get-disability-details", disabled(number)))["message"]
    support = (await ask("disability", "sync/get-disability-support", disabled(number)))["message"]

    (record,) = details["search_response"][0]["data"]["reg_records"]
    assert list(record) == ["disability_details"]
    assert record["disability_details"][0]["impairment_type"] == "3"
    ((one,),) = support["search_response"][0]["data"]["reg_records"]
    assert one["assistive_technology"] == [{"type": "1", "status": "0"}]
    assert number not in str(support)


async def test_details_of_somebody_unknown_are_an_empty_hit(ask):
    """A success without a record."""
    answer = await ask("disability", "sync/get-disability-details", disabled("0000000000"))

    (item,) = answer["message"]["search_response"]
    assert (item["status"], item["data"]["reg_records"], item["pagination"]["total_count"]) == ("succ", [], 0)


@pytest.mark.parametrize(
    ("number", "programme", "said"),
    [
        ("two_programmes", "CG-01", "yes"),
        ("two_programmes", None, "yes"),
        ("two_programmes", "OAP-02", "no"),
        (None, None, "no"),
    ],
)
async def test_enrolled_tells_whether_an_enrolment_is_active(dci_country, ask, number, programme, said):
    """In the programme named, or in any."""
    value = "0000000000" if number is None else uin_of(dci_country, number)
    answer = await ask("beneficiary", "sync/enrolled", enrolled(value, programme))

    assert answer["message"]["enrolled_response"][0]["enrolled_status"] == said


async def test_a_suspended_enrolment_is_no_active_one(dci_country, ask):
    """Somebody whose enrolments all ended or rest is not enrolled."""
    entries = dci_country.served["beneficiary"].registry.roll.entries
    resting = next(
        one for one in entries if all(held.status(dci_country.population.today) == "4" for held in one.enrolments)
    )
    answer = await ask("beneficiary", "sync/enrolled", enrolled(resting.number))

    assert answer["message"]["enrolled_response"][0]["enrolled_status"] == "no"


async def test_an_update_is_accepted_and_remembered(dci_country, ask):
    """Somebody new is enrolled, told so by both operations, and suspended by the next update."""
    person = dci_country.person(
        lambda one: (
            one.uin
            and one.death_date is None
            and not one.second_uin
            and not dci_country.served["beneficiary"].registry.holds(one)
        )
    )

    def update(status, **more):
        programme = {"programme_identifier": "OAP-02", "programme_name": "Old age pension"}
        beneficiary = {
            "@type": "Beneficiary",
            "member": {"member_identifier": [{"identifier_type": "UIN", "identifier_value": person.uin}]},
            "programme_identifier": [programme],
            "enrollment_date": "2026-09-15",
            "enrollment_status": status,
        }
        content = {"enrolled_updates": {"beneficiaries": [beneficiary | more]}}
        return question("notify", content, status="succ")

    before = await ask("beneficiary", "sync/enrolled", enrolled(person.uin, "OAP-02"))
    taken = await ask("beneficiary", "sync/enrollment/updates", update("1"))
    after = await ask("beneficiary", "sync/enrolled", enrolled(person.uin, "OAP-02"))
    (record,) = await dci_country.records("beneficiary", by_number("UIN", person.uin))
    await ask("beneficiary", "sync/enrollment/updates", update("4", status_change_date=["2026-09-20"]))
    rests = await ask("beneficiary", "sync/enrolled", enrolled(person.uin, "OAP-02"))
    (later,) = await dci_country.records("beneficiary", by_number("UIN", person.uin))

    said = [one["message"]["enrolled_response"][0]["enrolled_status"] for one in (before, after, rests)]
    assert said == ["no", "yes", "no"]
    assert (taken["header"]["action"], taken["message"]["enrolled_response"][0]["status"]) == ("notify", "succ")
    assert (record["enrollment_date"], record["enrollment_status"]) == ("2026-09-15", "1")
    assert (later["enrollment_status"], later["status_change_date"]) == ("4", ["2026-09-20"])


async def test_an_update_is_taken_whole_or_not_at_all(dci_country, ask):
    """A programme nobody knows and a number nobody has are refused one by one; the good one is taken."""
    uin = uin_of(dci_country, "two_programmes")
    good = {
        "member": {"member_identifier": [{"identifier_type": "UIN", "identifier_value": uin}]},
        "programme_identifier": [{"programme_identifier": "DA-03"}],
        "enrollment_date": "2020-01-01",
        "enrollment_status": "Active",
    }
    unknown_programme = good | {"programme_identifier": [{"programme_identifier": "XX-99"}]}
    nobody = good | {"member": {"member_identifier": [{"identifier_type": "UIN", "identifier_value": "0000000000"}]}}
    content = {"enrolled_updates": {"beneficiaries": [unknown_programme, good, nobody]}}
    answer = await ask("beneficiary", "sync/enrollment/updates", question("notify", content, status="succ"))

    items = answer["message"]["enrolled_response"]
    assert [one["status"] for one in items] == ["rjct", "succ", "rjct"]
    assert len({one["reference_id"] for one in items}) == 3
    assert "0000000000" not in str(answer)


async def test_a_standing_on_the_job_seekers_register_is_told_in_words(dci_country, ask):
    """As the release spells them; those who are not on it have none."""
    seeking = enrolled(uin_of(dci_country, "job_seeker"), action="enrollementstatus")
    answer = await ask("employment", "sync/check-enrollment", seeking)
    nobody = await ask("employment", "sync/check-enrollment", enrolled("0000000000", action="enrollementstatus"))

    assert answer["header"]["action"] == "txn-on-status"
    assert [one["enrolled_status"] for one in answer["message"]["enrolled_response"]] == ["Active"]
    assert (nobody["header"]["status"], nobody["message"]["enrolled_response"]) == ("succ", [])


ASKED = [
    ("disability", "sync/disabled", disabled("1"), "disabled_response"),
    ("disability", "sync/get-disability-support", disabled("1"), "search_response"),
    ("beneficiary", "sync/enrolled", enrolled("1"), "enrolled_response"),
    ("employment", "sync/check-enrollment", enrolled("1", action="enrollementstatus"), "enrolled_response"),
]


@pytest.mark.parametrize(("name", "operation", "body", "told"), ASKED, ids=lambda one: one if "/" in one else "")
async def test_a_question_with_another_action_is_refused(ask, name, operation, body, told):
    """The header says why, and nothing is answered: never a no."""
    wrong = body | {"header": body["header"] | {"action": "subscribe"}}
    answer = await ask(name, operation, wrong, is_valid=False)

    assert (answer["header"]["status"], answer["header"]["status_reason_code"]) == ("rjct", "rjct.action.invalid")
    assert answer["message"][told] == []


@pytest.mark.parametrize(("name", "operation", "body", "told"), ASKED, ids=lambda one: one if "/" in one else "")
@pytest.mark.parametrize("query", [{}, {"income": {"eq": "1"}}, {"person_identifier": {"lt": "1"}}])
async def test_a_query_that_cannot_be_read_is_refused(ask, name, operation, body, told, query):
    """Without a number to look for there is neither a yes nor a no."""
    (member,) = (one for one in body["message"] if one.endswith("criteria"))
    wrong = body | {"message": body["message"] | {member: body["message"][member] | {"query": query}}}
    answer = await ask(name, operation, wrong)

    assert answer["header"]["status"] == "rjct"
    assert all(item["status"] == "rjct" for item in answer["message"][told])


@pytest.mark.parametrize(("name", "operation", "body", "told"), ASKED, ids=lambda one: one if "/" in one else "")
async def test_what_is_no_message_is_an_error_of_the_release(ask, name, operation, body, told):
    """HTTP 400, in the words of the standard."""
    answer = await ask(name, operation, {"header": body["header"]}, status=400, is_valid=False)

    assert answer["errors"][0]["code"] == "err.request.bad"


async def test_faults_strike_special_questions_too(dci_country, ask):
    """Under `wrong_person` the answer is somebody else's; what a special question promises goes under `wrong_schema`."""
    seeker = dci_country.population.people[
        dci_country.population.by_number["UIN"][uin_of(dci_country, "disabled_adult")]
    ]
    body = disabled(seeker.uin)
    right = await ask("disability", "sync/get-disability-details", body)
    wrong = await ask(
        "disability", "sync/get-disability-details", body, fault={"X-Sandbox-Fault": '{"mode": "wrong_person"}'}
    )
    enrolled_twice = enrolled(uin_of(dci_country, "two_programmes"))
    url = dci_country.served["beneficiary"].url + "/registry/sync/enrolled"
    headers = {
        "Authorization": f"Bearer {dci_country.tokens['beneficiary']}",
        "X-Sandbox-Fault": '{"mode": "wrong_schema"}',
    }
    async with dci_country.client.post(url, json=enrolled_twice, headers=headers) as response:
        spoiled = await response.text()

    shown = [one["message"]["search_response"][0]["data"]["reg_records"] for one in (right, wrong)]
    assert len(shown[0]) == len(shown[1]) == 1
    assert shown[0] != shown[1]
    assert "enrolled_status" not in spoiled
    assert "is_enrolled" in spoiled


async def test_without_a_token_nobody_is_told(dci_country):
    """Special questions are business like any other."""
    for name, operation, body, _ in ASKED:
        url = f"{dci_country.served[name].url}/registry/{operation}"
        async with dci_country.client.post(url, json=body) as response:
            assert response.status == 401


@pytest.mark.parametrize(("name", "operation", "body", "told"), ASKED, ids=lambda one: one if "/" in one else "")
async def test_special_answers_are_signed_like_all_others(dci_country, name, operation, body, told):
    """A registry that signs, signs these too, by the key it publishes."""
    registry, url = dci_country.served[name].registry, dci_country.served[name].url
    registry.signer.form = "keyed"
    try:
        headers = {"Authorization": f"Bearer {dci_country.tokens[name]}"}
        async with dci_country.client.post(f"{url}/registry/{operation}", json=body, headers=headers) as response:
            answer = await response.read()
        async with dci_country.client.get(f"{url}/.well-known/jwks.json") as response:
            jwks = await response.json()
    finally:
        registry.signer.form = "none"

    assert verify(json.loads(answer), keys_of_jwks(jwks), now=datetime.now(UTC)).key_id == jwks["keys"][0]["kid"]


async def test_a_special_question_is_answered_in_a_dialect(dci_country):
    """The mock-ups have it under their own prefix, number transactions, and leave the envelope out of answers."""
    registry, url = dci_country.served["disability"].registry, dci_country.served["disability"].url
    whole = disabled(uin_of(dci_country, "disabled_adult"))
    body = whole | {"message": whole["message"] | {"transaction_id": 7}}
    headers = {"Authorization": f"Bearer {dci_country.tokens['disability']}"}
    registry.dialect = DIALECTS["spdci-mockups"]
    try:
        path = registry.dialect.path("sync/disabled", "dr")
        async with dci_country.client.post(url + path, json=body, headers=headers) as response:
            answer = await response.json()
    finally:
        registry.dialect = DIALECTS["g4"]

    assert path != "/registry/sync/disabled"
    assert answer["transaction_id"] == 7
    assert answer["disabled_response"][0]["disabled_status"] == "yes"

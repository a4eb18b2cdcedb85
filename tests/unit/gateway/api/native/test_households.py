"""Plain questions: what they may hold, how they read as a DCI question, and how they are described."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from jsonschema import Draft202012Validator

from gateway.api.described import examples as openapi_examples
from gateway.api.described import plain as openapi_plain
from gateway.api.described.openapi import document
from gateway.api.native.households import STATUSES, lookup, read_lookup
from gateway.api.state import GATEWAY
from gateway.pipeline import answer
from gateway.settings import Consumer, Limits
from gateway.trust.limiting import Limiting
from standards.attributes import Catalogue
from standards.dci.codes import ResponseEntity
from standards.dci.search import IdQuery
from standards.errors import RequestError, SignatureInvalidError
from standards.identifiers import Identifier
from tests.answers import dci_facts, plain_facts
from tests.builders import NOW, World, item, question

CATALOGUE = Catalogue.load()
DOCUMENT = document("http://127.0.0.1:8080", CATALOGUE, sandbox=False)
OPERATION = DOCUMENT["paths"]["/v1/households/lookup"]["post"]
SUBJECT = {"type": "UIN", "value": "1000000001"}


def faults(schema: str, value: object) -> list[str]:
    """What a schema of the published description holds against a value."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    return [e.message for e in Draft202012Validator(whole).iter_errors(orjson.loads(orjson.dumps(value)))]


def read(asked: object) -> Any:
    """Read a plain question."""
    return read_lookup(orjson.dumps(asked), "c-1", NOW, CATALOGUE)


def test_a_plain_question_reads_as_the_dci_question_that_asks_the_same():
    """Every member of it, in the words of the item of a message."""
    asked = {
        "subject": {"type": "nid", "value": "1000000001"},
        "purpose": "eligibility",
        "attributes": ["first_name", "sex"],
        "as_of": "2025-06-30",
        "explain": True,
        "person_only": True,
    }
    found = read(asked)

    assert found.query == IdQuery(Identifier("UIN", "1000000001"))
    assert (found.reference_id, found.purpose, found.explain) == ("c-1", "eligibility", True)
    assert found.attributes == {"given_name", "sex"}
    assert found.as_of.isoformat() == "2025-06-30"
    assert found.response_entity is ResponseEntity.MEMBER


def test_only_the_subject_is_due():
    """What is left out means what it means in a message."""
    found = read({"subject": SUBJECT})

    assert (found.purpose, found.attributes, found.as_of, found.explain) == (None, None, None, False)
    assert found.response_entity is ResponseEntity.GROUP


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ([], "err.request.bad", "JSON object"),
        ({}, "err.request.bad", "subject is missing"),
        ({"subject": SUBJECT, "Asha": 1}, "err.request.bad", "one member is not known here; there are subject"),
        ({"subject": "1000000001"}, "err.request.bad", "subject is an object"),
        ({"subject": SUBJECT | {"name": "Asha"}}, "err.request.bad", "type and value, and nothing else"),
        ({"subject": {"type": "UIN", "value": ""}}, "rjct.search_criteria.invalid", ""),
        ({"subject": SUBJECT, "purpose": 1}, "err.request.bad", "purpose is the code"),
        ({"subject": SUBJECT, "purpose": "x" * 100}, "rjct.search_criteria.invalid", "purpose.code"),
        ({"subject": SUBJECT, "attributes": "sex"}, "err.request.bad", "attributes is an array"),
        (
            {"subject": SUBJECT, "attributes": ["shoe_size"]},
            "rjct.search_criteria.invalid",
            "attributes holds an unknown",
        ),
        ({"subject": SUBJECT, "as_of": "yesterday"}, "rjct.search_criteria.invalid", "as_of is a day"),
        ({"subject": SUBJECT, "explain": "yes"}, "err.request.bad", "explain is true or false"),
        ({"subject": SUBJECT, "person_only": None}, "err.request.bad", "person_only is true or false"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_code_and_without_a_value(asked, code, words):
    """The sentence says what to change, in the words of the plain form, and repeats nothing."""
    with pytest.raises(RequestError) as refused:
        read(asked)

    assert refused.value.reason_code == code
    assert words in str(refused.value)
    assert not any(said in str(refused.value) for said in ("Asha", "1000000001", "hearth:", "shoe_size", "yesterday"))


def test_who_has_to_sign_cannot_ask_without_a_signature():
    """The plain form is no way around a signature that the operator demands."""

    class Admission:
        async def identified(self, _: str, scope: str) -> Consumer:
            assert scope == "registry.sync.search"
            return Consumer(client_id="uct", sender_id="uct", signature="required")

    class Gateway:
        admission = Admission()
        limits = Limiting(Limits())

    app = web.Application()
    app[GATEWAY] = Gateway()  # type: ignore[misc] # nothing else of it is reached
    asked = lookup(make_mocked_request("POST", "/v1/households/lookup", app=app))
    with pytest.raises(SignatureInvalidError) as refused:
        asked.send(None)

    assert refused.value.reason_code == "err.signature.missing"


@pytest.mark.parametrize(
    ("asked", "event", "code"),
    [
        ({"purpose": "curiosity"}, "search.denied", "rjct.search_criteria.invalid"),
        ({"purpose": "enrolment_verification", "attributes": frozenset({"rooms"})}, "search.denied", "rjct."),
        ({"purpose": "eligibility", "as_of": date(2999, 1, 1)}, "search.rejected", "rjct.search_criteria.invalid"),
        ({"purpose": "enrolment_verification"}, "search.answered", None),
    ],
)
async def test_a_refusal_has_the_code_of_dci_and_a_status_of_http(asked, event, code):
    """Every event that a question may end in has a status, and the body is the description's."""
    programme = "uct" if asked["purpose"] == "eligibility" else "cct-education"
    said = await answer(question(item(**asked), programme)._replace(is_plain=True), World().rooms)
    body = orjson.loads(said.item)

    assert said.entry.event == event
    assert event in STATUSES
    if code is None:
        assert faults("LookupAnswer", body) == []
    else:
        assert faults("LookupRefusal", body) == []
        assert body["errors"][0]["code"].startswith(code)


def test_the_example_questions_fit_their_schema_and_are_understood():
    """Whoever copies one gets an answer; the first asks what the example of a message asks."""
    shown = [e["value"] for e in OPERATION["requestBody"]["content"]["application/json"]["examples"].values()]

    assert [faults("LookupRequest", value) for value in shown] == [[], []]
    assert [read(value).query for value in shown] == [IdQuery(Identifier("UIN", "1000000001"))] * 2
    assert read(shown[0]).attributes == frozenset(openapi_examples.ATTRIBUTES)


def test_the_example_answers_fit_their_schema():
    """Of every status, and of the list of agreements."""
    for status, response in OPERATION["responses"].items():
        for example in response.get("content", {}).get("application/json", {}).get("examples", {}).values():
            assert faults("LookupAnswer" if status == "200" else "LookupRefusal", example["value"]) == []
    assert faults("AgreementList", openapi_plain.agreements_answer("https://x")) == []


def test_the_example_answer_holds_what_the_example_of_a_dci_answer_holds():
    """The two forms side by side say the same."""
    (item_,) = openapi_examples.search_answer("https://x")["message"]["search_response"]

    assert plain_facts(openapi_plain.lookup_answer()) == dci_facts(item_)


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ((), {"household": None, "person": None}),
        ((), {"extra": 1}),
        (("household",), {"rule": None}),
        (("household", "members", 0), {"name": "Asha"}),
        (("household", "attributes", "household_size"), {"value": None, "state": "absent"}),
        (("household", "attributes", "household_income"), {"value": 1}),
        (("household", "members", 0, "attributes", "given_name"), {"form": "value"}),
        (("household", "members", 0, "attributes", "given_name"), {"state": "conflict"}),
    ],
)
def test_an_answer_of_another_make_does_not_fit_the_description(where, change):
    """The description is as strict about states and members as about those of DCI."""
    said = openapi_plain.lookup_answer()
    part: Any = said
    for step in where:
        part = part[step]
    part.update(change)

    assert faults("LookupAnswer", said)


@pytest.mark.parametrize("asked", [{}, {"subject": SUBJECT, "extra": 1}, {"subject": {"type": "UIN"}}])
def test_a_question_of_another_make_does_not_fit_the_description(asked):
    """What is refused is not described."""
    assert faults("LookupRequest", asked)
    with pytest.raises(RequestError):
        read(asked)

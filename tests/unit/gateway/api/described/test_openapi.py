"""The published description: whole, valid, and in step with the code that answers."""

from __future__ import annotations

import json
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.api.app import application
from gateway.api.described import examples as openapi_examples
from gateway.api.described.answer import answer_schemas, value_schema
from gateway.api.described.openapi import ATTRIBUTES, document
from gateway.api.described.page import render
from gateway.api.described.reasons import REASON_TABLES, table
from gateway.api.described.schemas import MEANINGS
from gateway.api.errors import STATUSES
from gateway.settings import Settings
from standards.attributes import Catalogue
from standards.dci.codes import ErrorCode, SearchReason
from standards.dci.search import FilterQuery, IdQuery, SearchItem, SearchMessage
from standards.dci.validate import Leniency, read_search
from standards.permit import Reason
from standards.states import UnavailableReason, WithheldReason

BASE = "http://127.0.0.1:8080"
CATALOGUE = Catalogue.load()
DOCUMENT = document(BASE, CATALOGUE, sandbox=True)
PAGE = render(DOCUMENT)
METHODS = {"get", "post", "put", "patch", "delete"}
ASKED = datetime.fromisoformat(openapi_examples.ASKED_AT)


def faults(schema: object, value: object) -> list[str]:
    """Return what a schema of the document holds against a value."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    return [e.message for e in Draft202012Validator(whole).iter_errors(orjson.loads(orjson.dumps(value)))]


def gateway(*, sandbox: bool = True) -> Any:
    """Return what the description needs of a gateway; a whole one would open its stores."""
    return SimpleNamespace(base_url=BASE, catalogue=CATALOGUE, settings=Settings(sandbox=sandbox))


def queries_of(message: SearchMessage) -> list[IdQuery | FilterQuery]:
    """Return the queries of the questions that were understood."""
    return [item.query for item in message.items if isinstance(item, SearchItem)]


def served(*, sandbox: bool) -> set[tuple[str, str]]:
    """Return path and method of everything the application serves."""
    app = application(gateway(sandbox=sandbox))
    return {
        (resource.canonical, route.method.lower())
        for resource in app.router.resources()
        for route in resource
        if route.method.lower() in METHODS
    }


@pytest.mark.parametrize("sandbox", [True, False])
def test_the_document_is_valid(sandbox):
    """The document is OpenAPI 3.1, with schemas that are JSON Schemas and examples of the right form."""
    written = json.loads(json.dumps(document(BASE, CATALOGUE, sandbox=sandbox)))

    assert [str(e) for e in OpenAPIV31SpecValidator(written).iter_errors()] == []


@pytest.mark.parametrize("sandbox", [True, False])
def test_every_path_and_method_is_described_and_no_other(sandbox):
    """What the application serves and what the document describes are the same."""
    described = {
        (path, method)
        for path, item in document(BASE, CATALOGUE, sandbox=sandbox)["paths"].items()
        for method in item.keys() & METHODS
    }

    assert described == served(sandbox=sandbox)


def test_the_document_is_the_same_each_time():
    """Two documents of one gateway are equal to the byte, so that a change of it is a change of the interface."""
    assert orjson.dumps(document(BASE, CATALOGUE, sandbox=True)) == orjson.dumps(DOCUMENT)


def test_every_operation_has_a_name_of_its_own_a_tag_and_says_who_may_call_it():
    """Generated clients get one method for each operation, and send a token where one is due."""
    operations = [o for item in DOCUMENT["paths"].values() for method, o in item.items() if method in METHODS]
    names = [o["operationId"] for o in operations]

    assert len(set(names)) == len(names)
    assert {t for o in operations for t in o["tags"]} == {t["name"] for t in DOCUMENT["tags"]}
    assert all("security" in o and o["summary"] for o in operations)


def test_every_status_of_the_error_table_is_documented():
    """No refusal surprises a caller: search documents the status of every error that it can raise."""
    documented = {int(s) for item in DOCUMENT["paths"].values() for o in _operations(item) for s in o["responses"]}

    assert {status for _, status in STATUSES} <= documented
    assert {"200", "400", "401", "403", "413", "415", "429", "500", "503"} == set(
        DOCUMENT["paths"]["/registry/sync/search"]["post"]["responses"]
    )


def _operations(item):
    return [operation for method, operation in item.items() if method in METHODS]


def test_every_reference_is_used_and_every_schema_is_reached():
    """The document holds no schema that nothing refers to, apart from the one that explains a sentence."""
    text = json.dumps(DOCUMENT)
    unused = {n for n in DOCUMENT["components"]["schemas"] if f'"#/components/schemas/{n}"' not in text}

    assert unused == {"DenialReason"}


@pytest.mark.parametrize("codes", [ErrorCode, SearchReason, Reason, WithheldReason, UnavailableReason])
def test_every_code_is_explained(codes):
    """Every code of the enums stands in the document and on the page, with a sentence."""
    told = {code: meaning for t in REASON_TABLES for code, meaning in t.meanings.items()}
    described = "".join(s.get("description", "") for s in DOCUMENT["components"]["schemas"].values())

    assert all(told[code.value] for code in codes)
    assert all(f"- `{code.value}`: " in described for code in codes)
    assert all(f"<code>{code.value}</code>" in PAGE for code in codes)


def test_a_code_without_a_sentence_is_a_mistake():
    """A new code cannot be published unexplained: the table is not built."""
    with pytest.raises(KeyError):
        table("X", "", WithheldReason, {WithheldReason.CONSENT_MISSING: "none"})


def test_the_states_of_the_evidence_refer_to_the_reasons():
    """The reasons in the schema of the evidence are the enums' own lists, not copies."""
    shapes = DOCUMENT["components"]["schemas"]["EvidenceState"]["oneOf"]
    reasons = [s["properties"]["reason"]["$ref"].rpartition("/")[2] for s in shapes if "properties" in s]

    assert reasons == ["WithheldReason", "UnavailableReason"]


@pytest.mark.parametrize("asked", [openapi_examples.search_request(), openapi_examples.search_by_filter()])
def test_the_example_questions_fit_their_schema_and_are_understood(asked):
    """Whoever copies an example gets an answer to it."""
    message = read_search(asked, now=ASKED, leniency=Leniency(), catalogue=CATALOGUE)

    assert faults("SearchRequest", asked) == []
    assert [type(item) for item in message.items] == [SearchItem]


def test_the_example_answers_fit_their_schema():
    """The examples of answers are what the schemas of answers allow."""
    shown = DOCUMENT["paths"]["/registry/sync/search"]["post"]["responses"]["200"]
    bodies = [e["value"] for e in shown["content"]["application/json"]["examples"].values()]

    assert len(bodies) == 3
    assert [faults("SearchAnswer", body) for body in bodies] == [[], [], []]


def test_the_example_errors_fit_their_schema():
    """The examples of HTTP errors are HttpErrorResponse."""
    for response in DOCUMENT["components"]["responses"].values():
        for example in response["content"]["application/json"]["examples"].values():
            assert faults("HttpErrorResponse", example["value"]) == []


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("SearchRequest", {"header": {}, "message": {}}),
        ("SearchAnswer", {"header": {}, "message": {}}),
        ("EvidenceState", {"state": "withheld", "reason": "source_down"}),
        ("EvidenceState", {"state": "unavailable", "reason": "consent_missing"}),
        ("IdQuery", {"type": "UIN"}),
        ("Condition", {}),
        ("RecordMember", {"@type": "Member", "hearth:taxpayer": {"@type": "hearth:Taxpayer", "status": "nonsense"}}),
        ("RecordMember", {"@type": "Member", "name": "outside the standard"}),
        ("RecordMember", {"@type": "Member", "occupation": "10"}),
    ],
)
def test_what_does_not_fit_is_seen(schema, value):
    """The schemas of the document are those of the files, moved and not loosened."""
    assert faults(schema, value)


def test_every_extension_of_the_catalogue_has_a_schema():
    """Members of ours that stand in records are described, each with the type of its attribute."""
    schemas = answer_schemas(CATALOGUE)
    told = [p for s in schemas.values() for p in s.get("properties", {}).values() if isinstance(p, dict)]

    assert all(value_schema(d) in told for d in CATALOGUE if "hearth:" in d.place)


def test_the_catalogue_stands_in_the_document():
    """Machines read the attribute catalogue from the document."""
    assert [entry["name"] for entry in DOCUMENT[ATTRIBUTES]] == [definition.name for definition in CATALOGUE]
    assert all({"title", "entity", "type", "sensitivity", "place"} <= entry.keys() for entry in DOCUMENT[ATTRIBUTES])


def test_the_example_search_names_nobody():
    """The second example asks by conditions."""
    message = read_search(openapi_examples.search_by_filter(), now=ASKED, leniency=Leniency())

    assert [type(query) for query in queries_of(message)] == [FilterQuery]


def test_code_lists_have_a_meaning_for_every_code():
    """A list of codes that is explained is explained whole."""
    for schema in DOCUMENT["components"]["schemas"].values():
        if MEANINGS in schema:
            assert list(schema[MEANINGS]) == schema["enum"]

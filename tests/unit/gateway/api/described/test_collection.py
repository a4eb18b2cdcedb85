"""The collection of requests: whole, importable, and nothing in it that somebody would have to mend by hand."""

import json
import re

import pytest

from gateway.api.described.collection import VARIABLES, collection
from gateway.api.described.openapi import document
from standards.attributes import Catalogue

DOCUMENT = document("http://gateway.test", Catalogue.load(), sandbox=False)
COLLECTION = collection(DOCUMENT)
REQUESTS = [one for folder in COLLECTION["item"] for one in folder["item"]]


def test_every_operation_of_a_programme_is_in_it():
    """Aliases, and what registries call, are not."""
    there = {one["name"].partition(":")[0] for one in REQUESTS}
    left_out = {
        operation["summary"].partition(":")[0]
        for operations in DOCUMENT["paths"].values()
        for method, operation in operations.items()
        if method != "parameters"
        and "Callbacks" not in operation["tags"]
        and not operation["operationId"].endswith("ByRegistry")
        and operation["summary"].partition(":")[0] not in there
    }

    assert left_out <= {"Push enrolments"}
    assert len(there) > 40


def test_it_uses_no_variable_that_it_does_not_have():
    """Those of API clients themselves begin with a dollar."""
    used = set(re.findall(r"\{\{(\$?\w+)\}\}", json.dumps(COLLECTION)))

    assert used <= {"base_url", *VARIABLES, "$guid", "$isoTimestamp"}
    assert {v["key"] for v in COLLECTION["variable"]} == {"base_url", *VARIABLES}


@pytest.mark.parametrize("one", REQUESTS, ids=[one["name"] for one in REQUESTS])
def test_a_request_can_be_sent_as_it_stands(one):
    """Fresh ids and times, no signature of an example, JSON that parses."""
    request = one["request"]
    assert request["url"]["raw"].startswith("{{base_url}}/")
    if request.get("body", {}).get("mode") == "raw":
        body = json.loads(request["body"]["raw"])
        assert "signature" not in body
        if "header" in body:
            assert body["header"]["message_id"] == "{{$guid}}"
            assert body["header"]["message_ts"] == "{{$isoTimestamp}}"


def test_the_token_is_kept():
    """Sent once, it serves every other request."""
    (token,) = [one for one in REQUESTS if one["request"].get("body", {}).get("mode") == "urlencoded"]

    assert "access_token" in token["event"][0]["script"]["exec"][0]
    fields = {field["key"] for field in token["request"]["body"]["urlencoded"]}
    assert fields == {"grant_type", "client_id", "client_secret"}

"""The HTTP surface: keys, contexts, health, metrics, pages, and errors in the standard's codes."""

import httpx
import orjson
import pytest

from standards.attributes import Catalogue
from tests.contract.dci_spec import document, needs_dci_spec
from tests.e2e.conftest import Country

pytestmark = pytest.mark.e2e


def get(country: Country, path: str) -> httpx.Response:
    """Fetch a page of the gateway."""
    return country.http.get(f"{country.content['gateway']}{path}")


def test_answers_are_signed_with_a_published_key(country: Country):
    """A changed byte in an answer fails verification with the published keys."""
    from datetime import UTC, datetime

    from standards.errors import SignatureInvalidError
    from standards.signing import keys_of_jwks, verify

    answer = country.client().ask([country.example("complete_household")], purpose="eligibility")
    keys = keys_of_jwks(get(country, "/.well-known/jwks.json").json())
    verify(answer, keys, now=datetime.now(UTC))
    changed = orjson.loads(orjson.dumps(answer))
    changed["message"]["search_response"][0]["data"]["reg_records"][0]["group_size"] = 6
    with pytest.raises(SignatureInvalidError):
        verify(changed, keys, now=datetime.now(UTC))


def test_a_changed_question_is_refused(country: Country):
    """A message that was changed on the way does not verify."""
    client = country.client()
    message = client.message([{"reference_id": "1"}])
    message["header"]["total_count"] = 2
    with pytest.raises(Exception, match=r"401 err\.signature\.invalid"):
        client.send(message)


def test_the_context_explains_every_extension_member(country: Country):
    """The context that records name is served, and knows every catalogue attribute of ours."""
    record = country.ask("complete_household")["data"]["reg_records"][0]
    response = country.http.get(record["@context"])

    assert response.status_code == httpx.codes.OK
    text = response.text
    for definition in Catalogue.load():
        if "hearth:" in definition.place:
            assert definition.place.rsplit(".", 1)[-1].removeprefix("hearth:") in text, definition.name


def test_health_readiness_and_metrics(country: Country):
    """The operator's pages answer; the metrics count the question and the registries' calls."""
    country.ask("complete_household")

    assert get(country, "/health").json() == {"status": "up"}
    ready = get(country, "/ready").json()
    assert ready["status"] == "ready"
    assert set(ready["circuit_breakers"]) == set(country.content["registries"])
    metrics = get(country, "/metrics").text
    assert 'hearth_questions_total{consumer="uct",outcome="search.answered"}' in metrics
    assert 'hearth_source_calls_total{source="tax"}' in metrics
    assert 'hearth_plans_total{outcome="compiled"}' in metrics


def test_the_pages_are_there_and_ask_for_nothing_outside(country: Country):
    """/docs is whole without any other host, and /openapi.json is what it is made of."""
    page = get(country, "/docs")
    api = get(country, "/openapi.json").json()

    assert page.status_code == httpx.codes.OK
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert 'src="http' not in page.text
    assert api["openapi"].startswith("3.1")
    assert "/registry/sync/search" in api["paths"]


def test_an_unknown_path_and_a_wrong_method_answer_in_the_standards_form(country: Country):
    """Errors are HttpErrorResponse whatever went wrong."""
    missing = get(country, "/registry/nothing")
    wrong = get(country, "/registry/sync/search")

    assert missing.status_code == httpx.codes.NOT_FOUND
    assert missing.json()["errors"][0]["code"] == "err.request.not_found"
    assert wrong.status_code == httpx.codes.METHOD_NOT_ALLOWED
    assert wrong.headers["Allow"] == "POST"


@needs_dci_spec
def test_the_token_answer_is_the_standards(country: Country):
    """Required members, and the lifetime as a string."""
    consumer = country.content["consumers"]["uct"]
    form = {k: consumer[k] for k in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    answer = country.http.post(f"{country.content['gateway']}/oauth2/client/token", data=form).json()
    wrong = country.http.post(
        f"{country.content['gateway']}/oauth2/client/token", data={**form, "client_secret": "guess"}
    )

    assert document("authz_core_api_v1.0.0.yaml")
    assert answer["token_type"] == "Bearer"
    assert isinstance(answer["expires_in"], str)
    assert wrong.status_code == httpx.codes.UNAUTHORIZED


def test_a_message_in_the_future_is_refused_in_the_header(country: Country):
    """Header faults are told in the header of an answer, with the standard's code."""
    client = country.client()
    message = client.message([{"reference_id": "1"}])
    message.pop("signature")
    message["header"]["message_ts"] = "2099-01-01T00:00:00+00:00"
    answer = client.send(message)

    assert answer["header"]["status"] == "rjct"
    assert answer["header"]["status_reason_code"] == "rjct.message_ts.invalid"
    assert answer["message"]["search_response"] == []


def test_one_bad_question_does_not_stop_the_others(country: Country):
    """Each item has its own status."""
    client = country.client()
    good = client.message([])
    base = {
        "timestamp": good["header"]["message_ts"],
        "search_criteria": {
            "query_type": "idtype-value",
            "query": {"type": "UIN", "value": country.example("widow").value},
        },
    }
    bad = {**base, "search_criteria": {"query_type": "graphql", "query": {}}}
    answer = client.send(client.message([{"reference_id": "good", **base}, {"reference_id": "bad", **bad}]))

    by_reference = {item["reference_id"]: item for item in answer["message"]["search_response"]}
    assert by_reference["good"]["status"] == "succ"
    assert by_reference["bad"]["status_reason_code"] == "rjct.search_criteria.invalid"
    assert answer["header"]["status"] == "succ"

"""Nobody's values where they do not belong: log, journal, metrics, errors, file names, and everything else on disk."""

import secrets
from datetime import date
from typing import Any

import httpx
import pytest

from gateway.kit import messages
from gateway.show import Values
from standards.identifiers import identifier
from tests.e2e.conftest import Country, states
from tests.e2e.programme import toy_programme

pytestmark = pytest.mark.e2e

PAST = date(2025, 6, 30)
OF_FILES = frozenset({"malformed", "wrong_schema", "down", "empty"})
"""What also those registries can be told to do wrong whose records are read where they lie."""
SHORTEST = 5
"""Shorter texts (a grade, a district's digit) stand everywhere by chance."""
OUR_WORDS = {"alive", "female", "male", "dead", "cropland", "pasture", "residential", "forest", "temporary"}


def personal_values(item: dict[str, Any], *identifiers: str) -> set[str]:
    """Return every personal text of an answered household, and the numbers asked by."""
    record = item["data"]["reg_records"][0]
    values = Values()
    found = set(identifiers)
    for part in (record, *record["member_list"]):
        for value in values.of(part).values():
            found.update(_texts(value))
    return {text for text in found if len(text) >= SHORTEST and text.lower() not in OUR_WORDS}


def _texts(value: Any):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)


def test_no_personal_value_is_anywhere_but_in_the_answer(country: Country):
    """After questions, outages and refusals: not in any file of the gateway, its metrics or its errors."""
    subject = country.example("complete_household")
    item = country.ask(subject)
    other = country.ask(subject, "cct-education")
    canaries = personal_values(item, subject.value) | personal_values(other)
    assert len(canaries) > 20, "the household has values to look for"

    for mode in ("malformed", "wrong_schema", "wrong_person", "down", "status", "empty"):
        for registry, entry in country.content["registries"].items():
            if "controls" not in entry or mode in OF_FILES:
                country.fault(registry, mode=mode)
        country.forget()
        country.ask(subject)
    said = [_refusal(country, body) for body in _bad_messages(country, subject.value, sorted(canaries))]
    said.append(country.http.get(f"{country.content['gateway']}/metrics").text)
    said.append(country.http.get(f"{country.content['gateway']}/ready").text)

    haystacks = {f"response {number}": text for number, text in enumerate(said)}
    for path in country.folder.rglob("*"):
        if path.is_file() and path.name != "sandbox.json":
            haystacks[path.name] = path.read_bytes().decode("utf-8", errors="replace") + str(path)
    assert {"gateway.log", "journal.db", "consent.db"} <= haystacks.keys()
    found = {(where, canary) for where, text in haystacks.items() for canary in canaries if canary in text}
    assert found == set()


def test_what_waits_holds_nobody_in_clear(country: Country, tmp_path):
    """Answers that nobody takes yet, and who wants to be told of whom: sealed in every file, named in none."""
    subject = country.example("complete_household")
    canaries = personal_values(country.ask(subject), subject.value)
    client = country.client()
    with toy_programme(tmp_path, "--signatures", "off") as programme:
        programme.fault("down")
        items = [messages.by_number(subject, "eligibility"), messages.by_number(subject, "eligibility", as_of=PAST)]
        client.later(items, sender_uri=programme.callback("on-search"))
        wish = messages.subscription("spdci-common:RegistryEventType:Death", subject, "eligibility")
        client.subscribe([wish], sender_uri=programme.callback("on-subscribe"))
        assert len(programme.attempts(at_least=2)) >= 2
        files = {path.name: path.read_bytes() for path in country.folder.rglob("*") if path.is_file()}

    del files["sandbox.json"]
    assert {"exchange.db", "work.db", "subscriptions.db"} <= files.keys()
    wanted = {canary: canary.encode() for canary in canaries}
    assert {(name, c) for name, text in files.items() for c, raw in wanted.items() if raw in text} == set()


def test_the_search_for_canaries_would_find_one(country: Country):
    """The canaries are what the answer holds: each stands in the answer's own text."""
    item = country.ask("complete_household")

    assert all(canary in str(item) for canary in personal_values(item))


def _bad_messages(country: Country, number: str, canaries: list[str]):
    client = country.client()
    whole = client.message([{"reference_id": number, "timestamp": "now", "search_criteria": {"query": canaries}}])
    whole.pop("signature")
    yield whole
    yield {"header": {**whole["header"], "message_ts": canaries[0]}, "message": whole["message"]}
    yield {"header": {**whole["header"], "total_count": number}, "message": whole["message"]}
    yield {"signature": number, **whole}
    yield {canaries[0]: number}
    criteria = {
        "reg_type": number,
        "query_type": "expression",
        "query": {"value": {"expression": {"query": {canaries[1]: {"$eq": number}}}}},
    }
    yield {**whole, "message": {"transaction_id": number, "search_request": [{"search_criteria": criteria}]}}


def _refusal(country: Country, body: dict[str, Any]) -> str:
    """Send a bad message; return what is said of it, without the ids that the standard wants echoed."""
    base = country.content["gateway"]
    consumer = country.content["consumers"]["uct"]
    form = {k: consumer[k] for k in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    token = country.http.post(f"{base}/oauth2/client/token", data=form).json()["access_token"]
    response = country.http.post(
        f"{base}/registry/sync/search", json=body, headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code in {200, 400, 401, 403}, response.text
    answer = response.json()
    for item in answer.get("message", {}).get("search_response", []):
        item.pop("reference_id")
    answer.get("message", {}).pop("transaction_id", None)
    return str(answer)


def test_a_consumer_without_a_token_learns_nothing(country: Country):
    """No token, a foreign token, another programme's sender id: refused with the standard's codes."""
    base = country.content["gateway"]
    message = country.client().message([{"reference_id": "1"}])
    message.pop("signature")
    url = f"{base}/registry/sync/search"
    without = country.http.post(url, json=message)
    wrong = country.http.post(url, json=message, headers={"Authorization": f"Bearer {secrets.token_hex(20)}"})
    with pytest.raises(Exception, match=r"403 err\.request\.forbidden"):
        country.client("cct-education").send(message)

    for response in (without, wrong):
        assert response.status_code == httpx.codes.UNAUTHORIZED
        assert response.json()["errors"][0]["code"] == "err.request.unauthorized"
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_what_is_not_agreed_is_withheld_and_not_even_fetched(country: Country):
    """A programme that asks for more than its agreement gets the reason, and no registry is asked for it."""
    item = country.ask("complete_household", "cct-education", attributes=["income_annual", "surname"])

    kinds = {(name, state["state"]) for (_, name), state in states(item).items()}
    assert kinds == {("income_annual", "withheld"), ("surname", "value")}
    assert country.calls("tax")["total"] == 0


def test_one_programme_never_gets_what_another_asked_before(country: Country):
    """What the cache holds for the cash transfer is no answer for the education programme."""
    country.ask("complete_household", "uct")
    item = country.ask("complete_household", "cct-education")

    text = str(item)
    assert "hearth:taxpayer" not in text
    assert "hearth:land" not in text
    assert country.ask(identifier("UIN", "1234567890"), "cct-education")["data"]["reg_records"] == []

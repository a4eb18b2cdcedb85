"""Plain questions, and what a programme may read about its own agreements, over HTTP."""

from datetime import date
from typing import Any

import httpx
import pytest

from gateway.client import RefusedError
from gateway.journal import read, sqlite_url
from standards.dci.codes import ResponseEntity
from standards.identifiers import identifier
from tests.answers import dci_facts, plain_facts
from tests.e2e.conftest import Country

pytestmark = pytest.mark.e2e

PURPOSES = {"uct": "eligibility", "cct-education": "enrolment_verification"}


def token(country: Country, programme: str) -> str:
    """An access token."""
    consumer = country.content["consumers"][programme]
    form = {k: consumer[k] for k in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    answer = country.http.post(f"{country.content['gateway']}/oauth2/client/token", data=form)
    return str(answer.raise_for_status().json()["access_token"])


def post(country: Country, body: Any, **headers: str) -> httpx.Response:
    """Send anything as a plain question."""
    sent = {"Authorization": f"Bearer {token(country, 'uct')}", **headers}
    return country.http.post(f"{country.content['gateway']}/v1/households/lookup", json=body, headers=sent)


def get(country: Country, path: str, programme: str | None) -> httpx.Response:
    """Fetch something as a programme, or as nobody."""
    headers = {"Authorization": f"Bearer {token(country, programme)}"} if programme else {}
    return country.http.get(f"{country.content['gateway']}{path}", headers=headers)


def timeless(facts: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Facts without the moment at which they were asked for, which differs from question to question."""
    return {fact: {k: v for k, v in state.items() if k != "retrieved_at"} for fact, state in facts.items()}


@pytest.mark.parametrize("entity", list(ResponseEntity))
@pytest.mark.parametrize(
    ("programme", "down"), [("uct", None), ("uct", "tax"), ("cct-education", None), ("cct-education", "education")]
)
def test_a_plain_answer_holds_the_same_as_the_standard_s(country: Country, programme, entity, down):
    """The same attributes, values, states, origins, holes and members, with every registry up and with one down."""
    if down is not None:
        country.fault(down, mode="down")
    person = entity is ResponseEntity.MEMBER
    subject, purpose = country.example("complete_household"), PURPOSES[programme]
    item = country.ask(subject, programme, entity=entity)
    country.forget()
    plain = country.client(programme).lookup(subject, purpose=purpose, person_only=person)

    assert timeless(plain_facts(plain)) == timeless(dci_facts(item))
    outcomes, others = (
        {registry: said["outcome"] for registry, said in part.items()}
        for part in (plain["sources"], item["data"]["hearth:sources"])
    )
    assert outcomes == others
    assert down is None or outcomes[down] == "unavailable"
    entry = item["data"]["hearth:evidence"][0]
    found = plain["person" if person else "household"]
    assert [m["evidence"] for m in found.get("members", [found])] == [m["evidence"] for m in entry["members"]]


def test_the_choices_of_a_question_are_the_same(country: Country):
    """Attributes, a past day and an explanation."""
    client, subject = country.client(), country.example("complete_household")
    day = date(2024, 6, 30)
    asked: dict[str, Any] = {"attributes": ["given_name", "marital_status", "surname"], "as_of": day, "explain": True}
    plain = client.lookup(subject, purpose="eligibility", **asked)
    item = country.ask(subject, **asked)

    assert timeless(plain_facts(plain)) == timeless(dci_facts(item))
    assert plain["plan"] == item["data"]["hearth:plan"]
    assert {name for _, name in plain_facts(plain)} == set(asked["attributes"])


def test_nobody_by_that_number_is_an_answer(country: Country):
    """HTTP 200, and null."""
    answer = country.client("cct-education").lookup(identifier("UIN", "0000000000"), purpose=PURPOSES["cct-education"])

    assert answer["household"] is None


def test_a_plain_question_is_journalled_like_any_other(country: Country):
    """With agreement, released attributes and the correlation that the answer names."""
    answer = country.client().lookup(country.example("complete_household"), purpose="eligibility")
    journal = sqlite_url(country.folder / "journal.db")
    entry = next(e for _, e in read(journal, newest=20) if e["correlation"] == answer["correlation_id"])

    assert entry["event"] == "search.answered"
    assert entry["agreement"] == "uct-eligibility@1.0"
    told = {name for (_, name), state in plain_facts(answer).items() if state["state"] in {"value", "conflict"}}
    assert set(entry["released"]) == told


def test_a_denial_names_its_reason_and_is_journalled(country: Country):
    """HTTP 403 with DCI's code, and a handle for the operator."""
    subject = {"type": "UIN", "value": country.example("widow").value}
    response = post(country, {"subject": subject, "purpose": "curiosity"})
    journal = sqlite_url(country.folder / "journal.db")
    (error,) = response.json()["errors"]

    assert response.status_code == httpx.codes.FORBIDDEN
    assert error["code"] == "rjct.search_criteria.invalid"
    assert error["message"].startswith("purpose_not_agreed: ")
    correlation = response.headers["Hearth-Correlation-Id"]
    assert [e["event"] for _, e in read(journal, newest=20) if e["correlation"] == correlation] == ["search.denied"]


def test_when_nobody_is_heard_nothing_is_known(country: Country):
    """HTTP 503, never an empty answer."""
    for registry in country.content["registries"]:
        country.fault(registry, mode="down")
    with pytest.raises(RefusedError, match=r"503 err\.service\.unavailable: not obtained from .*ask again"):
        country.client("cct-education").lookup(country.example("complete_household"), purpose=PURPOSES["cct-education"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer nonsense"}, 401),
        ({"Authorization": ""}, 401),
        ({"Content-Type": "text/plain"}, 415),
        ({"Hearth-Deadline-Ms": "soon"}, 400),
    ],
)
def test_who_asks_and_how_is_checked_as_for_any_message(country: Country, headers, status):
    """Token, content type and deadline."""
    subject = {"type": "UIN", "value": country.example("widow").value}

    assert post(country, {"subject": subject, "purpose": "eligibility"}, **headers).status_code == status


def test_a_programme_sees_its_own_agreements_and_no_other(country: Country):
    """Somebody else's agreement is as if it were not there, and without a token there is nothing to see."""
    own = {name: get(country, "/v1/agreements", name).json()["agreements"] for name in PURPOSES}
    for name, listed in own.items():
        assert [purpose for a in listed for purpose in a["purposes"]] == [PURPOSES[name]]
        assert [a["in_force"] for a in listed] == [True]
    theirs = httpx.URL(own["cct-education"][0]["schemas"]["dci-group"]).path

    assert get(country, theirs, "cct-education").headers["Content-Type"] == "application/schema+json"
    assert get(country, theirs, "uct").status_code == httpx.codes.NOT_FOUND
    assert get(country, theirs, None).status_code == httpx.codes.UNAUTHORIZED
    assert get(country, "/v1/agreements", None).status_code == httpx.codes.UNAUTHORIZED
    assert get(country, theirs.replace("dci-group", "dci-planet"), "cct-education").status_code == 404
    assert get(country, theirs.replace("1.0", "9.9"), "cct-education").status_code == 404


def test_a_schema_bears_its_own_address_and_never_changes(country: Country):
    """Two fetches give the same bytes; the address is the one it was listed under."""
    (agreement,) = country.client().agreements()
    for address in agreement["schemas"].values():
        first, second = (get(country, httpx.URL(address).path, "uct") for _ in range(2))
        assert first.json()["$id"] == address
        assert first.content == second.content

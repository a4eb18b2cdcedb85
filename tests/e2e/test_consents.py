"""People decide, through the portal and the office of a running country, and every answer follows."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typer.testing import CliRunner

from gateway.cli import app
from standards.identifiers import Identifier
from standards.signing import public_jwk
from tests.e2e.conftest import Country, question_about, states

pytestmark = pytest.mark.e2e


class Desk:
    """A client through which people decide."""

    def __init__(self, country: Country, role: str) -> None:
        self.country, self.client = country, country.content["clients"][role]
        form = {"grant_type": "client_credentials"} | {k: self.client[k] for k in ("client_id", "client_secret")}
        answered = country.http.post(f"{country.content['gateway']}/oauth2/client/token", data=form)
        self.token = answered.raise_for_status().json()["access_token"]

    def post(self, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.country.http.post(f"{self.country.content['gateway']}{path}", json=body, headers=headers)

    def get(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.country.http.get(f"{self.country.content['gateway']}{path}", headers=headers)

    def decide(self, who: Identifier, **changes: Any) -> dict[str, Any]:
        body = {"subject": {"type": who.type, "value": who.value}, "purpose": "eligibility"} | changes
        answered = self.post("/v1/consents", **body)
        assert answered.status_code == 201, answered.text
        return dict(answered.json())

    def withdraw(self, who: Identifier, granted: dict[str, Any]) -> httpx.Response:
        name = granted["receipt"]["receipt_id"]
        return self.post(f"/v1/consents/{name}/withdraw", subject={"type": who.type, "value": who.value})


@pytest.fixture
def portal(country: Country) -> Desk:
    """The citizens' portal."""
    return Desk(country, "portal")


@pytest.fixture
def office(country: Country) -> Desk:
    """The office whose officers assist."""
    return Desk(country, "office")


@pytest.fixture
def adult(country: Country, portal: Desk):
    """Somebody whose consent is as it was again when the test has ended."""
    who = country.example("complete_household")
    yield who
    portal.decide(who)


def reasons(item: dict[str, Any]) -> set[str]:
    """Why something of the person asked about is withheld."""
    (asked,) = (m["member"] for m in item["data"]["hearth:evidence"][0]["members"] if m["asked"])
    return {s["reason"] for (who, _), s in states(item).items() if who == str(asked) and s["state"] == "withheld"}


def comes(happens: Callable[[], bool], within_s: float) -> bool:
    """Tell whether something happens in time."""
    until = time.monotonic() + within_s
    while not happens():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def test_a_citizen_withdraws_and_grants_again(country: Country, portal: Desk, adult: Identifier):
    """At once, both times; the history keeps everything, signed."""
    granted = portal.decide(adult)
    assert reasons(country.ask(adult)) == set()

    assert portal.withdraw(adult, granted).status_code == 201
    assert reasons(country.ask(adult)) == {"consent_refused"}

    portal.decide(adult)
    assert reasons(country.ask(adult)) == set()
    found = portal.post("/v1/consents/search", subject={"type": "UIN", "value": adult.value}).json()["receipts"]
    told = [one["receipt"]["event"]["event_state"] for one in found]
    assert told[-3:] == ["given", "withdrawn", "given"]
    assert portal.get(f"/v1/consents/{granted['receipt']['receipt_id']}").json() == granted


def test_a_question_in_flight_does_not_outrun_a_withdrawal(country: Country, portal: Desk, adult: Identifier):
    """The registry is slow, the citizen is faster: nothing that was read leaves."""
    granted = portal.decide(adult)
    country.forget()
    country.reset_calls()
    country.fault("land", mode="slow", delay_ms=800)
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(country.ask(adult)))
    asking.start()
    try:
        assert comes(lambda: country.calls("land")["total"] > 0, within_s=3.0)
        assert portal.withdraw(adult, granted).status_code == 201
    finally:
        asking.join()

    assert reasons(answers[0]) == {"consent_refused"}
    assert not [s for (who, _), s in states(answers[0]).items() if who == "0" and s["state"] == "value"]


def test_what_was_kept_is_forgotten_with_a_withdrawal(country: Country, portal: Desk, adult: Identifier):
    """Also what another process than the one that was told keeps: the command line withdraws, the gateway forgets."""
    granted = portal.decide(adult)
    country.ask(adult)

    def kept() -> int:
        return int(country.http.get(f"{country.content['gateway']}/ready").json()["cache"]["records"])

    before = kept()
    assert before > 0
    result = CliRunner().invoke(
        app,
        [
            "consent", "withdraw", granted["receipt"]["receipt_id"], "--subject", f"UIN={adult.value}",
            "--officer", "A. Officer", "--presence", "id_card", "--dir", str(country.folder),
        ],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert comes(lambda: kept() < before, within_s=1.0)
    assert reasons(country.ask(adult)) == {"consent_refused"}


def test_an_export_proves_itself_offline(country: Country, portal: Desk, adult: Identifier, tmp_path):
    """With nothing but the published keys; a file from which the withdrawal was taken out does not."""
    portal.withdraw(adult, portal.decide(adult))
    pack = portal.post("/v1/consents/export", subject={"type": "UIN", "value": adult.value}).json()
    jwks = country.http.get(f"{country.content['gateway']}/.well-known/jwks.json").text
    (tmp_path / "keys.json").write_text(jwks)
    (tmp_path / "pack.json").write_text(json.dumps(pack))
    (tmp_path / "cut.json").write_text(json.dumps(pack | {"receipts": pack["receipts"][:-1]}))
    check = ["consent", "verify", "--jwks", str(tmp_path / "keys.json")]

    whole = CliRunner().invoke(app, [*check, str(tmp_path / "pack.json")])
    cut = CliRunner().invoke(app, [*check, str(tmp_path / "cut.json")])

    assert whole.exit_code == 0, whole.output
    assert "withdrawn" in whole.output
    assert adult.value not in json.dumps(pack)
    assert cut.exit_code == 1
    ledger = CliRunner().invoke(app, ["consent", "check", "--dir", str(country.folder)])
    assert ledger.exit_code == 0, ledger.output


def test_a_group_is_kept_back_and_given_back(country: Country, portal: Desk, adult: Identifier):
    """Income, and nothing else."""
    portal.decide(adult, decision="refused", groups=["income"])
    item = country.ask(adult)
    assert states(item)["0", "income_annual"] == {"state": "withheld", "reason": "consent_refused"}
    assert states(item)["0", "given_name"]["state"] == "value"

    portal.decide(adult, groups=["income"])
    assert states(country.ask(adult))["0", "income_annual"]["state"] != "withheld"


def test_an_officer_assists(office: Desk, country: Country, adult: Identifier):
    """Named, with what the officer saw; neither name nor paper is kept in clear."""
    seen = {"officer": "Subira Officer", "presence": {"kind": "id_card", "reference": "CARD-99177"}}
    granted = office.decide(adult, **seen)

    roles = [party["party_role"] for party in granted["receipt"]["party_identification"]]
    assert roles == ["self", "office"]
    body = {"subject": {"type": "UIN", "value": adult.value}, "purpose": "eligibility"}
    assert office.post("/v1/consents", **body).status_code == 400
    everything = b"".join(path.read_bytes() for path in country.folder.glob("consent.db*"))
    everything += (country.folder / "gateway.log").read_bytes() + (country.folder / "journal.db").read_bytes()
    for secret in (b"Subira", b"CARD-99177", adult.value.encode()):
        assert secret not in everything


def test_every_decision_is_in_the_journal(country: Country, portal: Desk, adult: Identifier):
    """Under the portal's name, with the receipt as its handle."""
    granted = portal.decide(adult)
    result = CliRunner().invoke(app, ["journal", "show", "--json", "--newest", "1", "--dir", str(country.folder)])

    entry = json.loads(result.output)
    assert (entry["event"], entry["consumer"]) == ("consent.granted", "portal")
    assert entry["correlation"] == granted["receipt"]["receipt_id"]


def test_a_programme_records_nobody_s_consent(country: Country, adult: Identifier):
    """Nor reads what anybody decided."""
    consumer = country.content["consumers"]["uct"]
    country.content["clients"]["uct"] = consumer
    programme = Desk(country, "uct")
    del country.content["clients"]["uct"]
    about = {"subject": {"type": "UIN", "value": adult.value}}

    assert programme.post("/v1/consents", **about, purpose="eligibility").status_code == 403
    assert programme.post("/v1/consents/search", **about).status_code == 403
    assert programme.post("/v1/consents/export", **about).status_code == 403


def test_a_receipt_is_withdrawn_by_whose_it_is(country: Country, portal: Desk, adult: Identifier):
    """Somebody else's is not there."""
    granted = portal.decide(adult)
    other = country.example("refused_consent")

    assert portal.withdraw(other, granted).status_code == 404
    assert portal.withdraw(adult, {"receipt": {"receipt_id": "cr-0"}}).status_code == 404
    assert reasons(country.ask(adult)) == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "shopping"},
        {"sources": ["stars"]},
        {"groups": ["everything"]},
        {"until": "2020-01-01"},
        {"decision": "withdrawn"},
        {"capacity": "guardian"},
        {"given_by": {"type": "UIN", "value": "1"}},
        {
            "capacity": "guardian",
            "given_by": {"type": "UIN", "value": "1"},
            "relation": "PRN",
            "birth_date": "1990-01-01",
        },
        {"capacity": "proxy", "given_by": {"type": "UIN", "value": "1"}},
        {"birth_date": "2020-01-01"},
        {
            "capacity": "guardian",
            "given_by": {"type": "UIN", "value": "1"},
            "relation": "PRN",
            "birth_date": "9999-12-31",
        },
        {"subject": {"type": "HOUSEHOLD_ID", "value": "HH-1"}},
        {"officer": "nobody"},
        {"anything": 1},
    ],
)
def test_what_nobody_may_decide_is_refused(portal: Desk, changes: dict[str, Any]):
    """With the member at fault, and nothing of what was sent."""
    body = {"subject": {"type": "UIN", "value": "1234567890"}, "purpose": "eligibility"} | changes
    refused = portal.post("/v1/consents", **body)

    assert refused.status_code == 400
    assert "1234567890" not in refused.text


def test_consent_comes_with_the_question(country: Country, portal: Desk, adult: Identifier):
    """Signed by the portal while the citizen was there, for this programme; the next question has none."""
    withdrawn = country.example("refused_consent")
    key = load_pem_private_key(Path(portal.client["signing_key"]).read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    at = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": "portal", "aud": country.content["gateway"], "iat": at, "exp": at + 300, "jti": "e2e-1",
        "consumer": "uct", "purpose": "eligibility", "subject": {"type": "UIN", "value": withdrawn.value},
    }  # fmt: skip
    headers = {"typ": "consent+jwt", "kid": public_jwk(key.public_key())["kid"]}
    token = jwt.encode(claims, key, algorithm="EdDSA", headers=headers)

    def ask(proof: str | None) -> dict[str, Any]:
        (sent,) = country.client().message([question_about(withdrawn)])["message"]["search_request"]
        if proof is not None:
            sent["search_criteria"]["consent"]["hearth:proof"] = proof
        return dict(country.client().send(country.client().message([sent]))["message"]["search_response"][0])

    assert reasons(ask(None)) == {"consent_refused"}
    assert reasons(ask(token)) == set()
    assert reasons(ask(None)) == {"consent_refused"}
    assert ask(token[:-4] + "AAAA")["status"] == "rjct"


def test_an_emergency_is_declared_and_ends(country: Country):
    """While it lasts, answers under it say so, and notices are due; then everything is as before."""
    who = country.example("refused_consent")
    today = datetime.now(UTC).date().isoformat()
    file = country.folder / "emergencies" / "flood.yaml"
    file.write_text(
        f"id: flood-e2e\ntitle: Flood\nreference: Declaration 1\ndeclared_by: One\napproved_by: Two\nstart: {today}\n"
        f"end: {today}\nconsumers: [uct]\nattributes: [given_name]\noverrides_refusal: true\n"
    )

    def is_told() -> bool:
        return bool(states(country.ask(who))["0", "given_name"]["state"] == "value")

    try:
        assert comes(is_told, within_s=2.0)
        item = country.ask(who)
        assert "flood-e2e" in item["status_reason_message"]
        assert states(item)["0", "income_annual"]["reason"] == "consent_refused"
        due = Desk(country, "portal").post("/v1/notices/search", subject={"type": "UIN", "value": who.value}).json()
        assert {n["emergency"] for n in due["notices"]} == {"flood-e2e"}
        first = due["notices"][0]["notice_id"]
        assert Desk(country, "portal").post(f"/v1/notices/{first}/delivered").status_code == 200
        shown = CliRunner().invoke(app, ["journal", "show", "--json", "--newest", "1", "--dir", str(country.folder)])
        assert "consent.notice_delivered" in shown.output
        assert first in shown.output
    finally:
        file.unlink()
    assert comes(lambda: not is_told(), within_s=2.0)


def test_an_emergency_needs_two_officers(country: Country, office: Desk, portal: Desk):
    """Declared by one it counts for nobody, approved by another it does, and ended it does not."""
    who = country.example("refused_consent")
    today = datetime.now(UTC).date().isoformat()
    flood = {
        "id": "flood-api",
        "title": "Flood",
        "reference": "Declaration 2",
        "start": today,
        "end": today,
        "consumers": ["uct"],
        "attributes": ["given_name"],
        "overrides_refusal": True,
    }

    def state() -> str:
        return str(states(country.ask(who))["0", "given_name"]["state"])

    assert portal.post("/v1/emergencies", **flood, officer="One").status_code == 403
    assert office.post("/v1/emergencies", **(flood | {"end": "2099-01-01"}), officer="One").status_code == 400
    assert office.post("/v1/emergencies", **(flood | {"consumers": ["stranger"]}), officer="One").status_code == 400
    declared = office.post("/v1/emergencies", **flood, officer="One")
    assert declared.status_code == 201
    read = declared.json()["digest"]
    assert office.post("/v1/emergencies", **flood, officer="One").status_code == 400
    assert state() == "withheld"
    assert office.post("/v1/emergencies/flood-api/approve", officer="One", digest=read).status_code == 400
    assert office.post("/v1/emergencies/flood-api/approve", officer="Two").status_code == 400
    other = office.post("/v1/emergencies/flood-api/approve", officer="Two", digest="0" * 64)
    assert (other.status_code, "read it again" in other.text) == (400, True)
    assert state() == "withheld"
    assert office.post("/v1/emergencies/flood-api/approve", officer="Two", digest=read).status_code == 200
    assert state() == "value"
    assert office.post("/v1/emergencies/flood-api/end", officer="Two").status_code == 200
    assert state() == "withheld"
    over = flood | {"id": "flood-over", "start": "2020-03-01", "end": "2020-03-05"}
    assert office.post("/v1/emergencies", **over, officer="One").status_code == 201
    ended = office.post("/v1/emergencies/flood-over/end", officer="Two")
    assert (ended.status_code, ended.json()["end"]) == (200, "2020-03-05")
    (country.folder / "emergencies" / "flood-over.yaml").unlink()
    assert comes(lambda: len(office.get("/v1/emergencies").json()["emergencies"]) == 1, within_s=2.0)
    listed = office.get("/v1/emergencies").json()["emergencies"]
    assert [one["id"] for one in listed] == ["flood-api"]
    (country.folder / "emergencies" / "flood-api.yaml").unlink()

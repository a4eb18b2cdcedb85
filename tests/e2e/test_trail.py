"""Citizens find out who asked about them, are told when they wish so, and dispute facts; others find nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from gateway.cli import app
from gateway.journal import read, sqlite_url
from gateway.show import Values
from mocks.population import build
from standards.identifiers import Identifier, identifier
from tests.e2e.conftest import HOUSEHOLDS, Country, states
from tests.e2e.test_consents import Desk, comes
from tests.e2e.test_privacy import personal_values

pytestmark = pytest.mark.e2e

STRANGER = identifier("UIN", "9000000017")


@pytest.fixture
def portal(country: Country) -> Desk:
    """The citizens' portal."""
    return Desk(country, "portal")


def tax_number() -> Identifier:
    """The number under which the tax authority knows the person of the first example."""
    population = build(HOUSEHOLDS)
    tin = population.people[population.casts["complete_household"].subject].tin
    assert tin is not None
    return identifier("TIN", tin)


class Citizen:
    """Somebody at the portal, with the numbers that the portal knows."""

    def __init__(self, portal: Desk, *numbers: Identifier) -> None:
        self.portal = portal
        self.numbers = [{"type": n.type, "value": n.value} for n in numbers]

    def post(self, what: str, status: int = 200, **body: Any) -> dict[str, Any]:
        answered = self.portal.post(f"/v1/trail/{what}", numbers=self.numbers, **body)
        assert answered.status_code == status, answered.text
        return dict(answered.json())

    def trail(self, **wanted: Any) -> list[dict[str, Any]]:
        return list(self.post("findUsage", **wanted)["usage"])

    def newest(self) -> int:
        return max((one["entry"] for one in self.trail()), default=0)


@pytest.fixture
def household(country: Country, portal: Desk) -> list[Citizen]:
    """Every member of a household that has a national number, the person asked about first."""
    record = country.ask("complete_household")["data"]["reg_records"][0]
    uins = [values["uin"] for member in record["member_list"] if "uin" in (values := Values().of(member))]
    asked = country.example("complete_household")
    assert asked.value in uins
    found = [asked, *(identifier("UIN", one) for one in uins if one != asked.value)]
    assert len(found) > 1
    return [Citizen(portal, one) for one in found]


def entries(country: Country) -> list[dict[str, Any]]:
    """The journal, oldest first."""
    return [entry for _, entry in read(sqlite_url(country.folder / "journal.db"))]


def test_each_member_finds_exactly_the_question(country: Country, portal: Desk, household: list[Citizen]):
    """Who, what for, on which basis, which kinds of facts, which offices: in words, the same for all; a stranger nothing."""
    before = [one.newest() for one in household]
    item = country.ask("complete_household")

    told = {name for (_, name), state in states(item).items() if state["state"] in {"value", "conflict"}}
    new: dict[str, Any] = {}
    for citizen, newest in zip(household, before, strict=True):
        (new,) = [one for one in citizen.trail() if one["entry"] > newest]
        assert new["receiver"] == {"code": "uct", "name": "Unconditional Cash Transfer", "system": "uct.programmes.pv"}
        assert {fact["name"] for fact in new["facts"]} == told
        assert (new["outcome"], new["role"]) == ("told", "subject" if citizen is household[0] else "household")
        assert new["legal_basis"]["code"] == "consent"
        assert new["legal_basis"]["reference"] in new["action"]
        assert "Revenue authority of Poveria" in new["action"]
        assert new["purpose"]["title"] in new["action"]
    assert Citizen(portal, STRANGER).trail() == []
    assert Citizen(portal, country.example("refused_consent")).newest() != new["entry"]


def test_a_question_by_another_number_is_found_too(country: Country, portal: Desk):
    """Asked by the tax number: found by it, and by the national number, once each and once by both."""
    who, tin = country.example("complete_household"), tax_number()
    both = Citizen(portal, who, tin)
    newest = both.newest()
    country.ask(tin)

    assert len([one for one in both.trail() if one["entry"] > newest]) == 1
    for citizen in (Citizen(portal, who), Citizen(portal, tin)):
        (new,) = [one for one in citizen.trail() if one["entry"] > newest]
        assert new["outcome"] == "told"


def test_a_refused_question_is_found(country: Country, portal: Desk):
    """It says that it was refused, and that nothing was told."""
    who = country.example("complete_household")
    citizen = Citizen(portal, who)
    newest = citizen.newest()
    country.client().ask([who], purpose="shopping")

    (new,) = [one for one in citizen.trail() if one["entry"] > newest]
    assert (new["outcome"], new["facts"], new["legal_basis"]["code"]) == ("refused", [], "none")
    assert "shopping" not in str(new)
    assert new["receiver"]["name"] == "Unconditional Cash Transfer"


def test_a_trail_is_told_in_pages_and_for_a_time(country: Country, portal: Desk):
    """Page after page is the whole, each entry once."""
    citizen = Citizen(portal, country.example("complete_household"))
    for _ in range(3):
        country.ask("complete_household")
    whole = citizen.trail(limit=200)
    pages, page = [], citizen.post("findUsage", limit=2)
    while True:
        pages += page["usage"]
        if page["next"] is None:
            break
        page = citizen.post("findUsage", limit=2, before=page["next"])

    assert pages == whole
    assert len(whole) >= 3
    assert citizen.trail(since=whole[0]["logtime"])[-1]["entry"] == whole[0]["entry"]
    assert citizen.trail(until=whole[-1]["logtime"]) == []
    period = portal.get("/v1/trail/usagePeriod").json()
    assert period["since"] <= whole[-1]["logtime"] <= whole[0]["logtime"] <= period["until"]
    assert portal.get("/v1/trail/heartbeat").json()["status"] == "up"


def test_reading_a_trail_is_in_the_trail(country: Country, portal: Desk):
    """Who reads it stands in it, as a record."""
    citizen = Citizen(portal, country.example("complete_household"))
    citizen.trail()

    newest = citizen.trail(kinds=["record"])[0]
    assert (newest["event"], newest["receiver"]["code"]) == ("trail.read", "portal")
    assert entries(country)[-1]["event"] == "trail.read"


@pytest.mark.parametrize(
    "body",
    [
        {"numbers": []},
        {"numbers": [{"type": "HOUSEHOLD_ID", "value": "HH-1234567"}]},
        {"numbers": [{"type": "UIN", "value": "1234567890"}], "limit": 0},
        {"numbers": [{"type": "UIN", "value": "1234567890"}], "since": "2026-01-01"},
        {"numbers": [{"type": "UIN", "value": "1234567890"}], "kinds": ["everything"]},
        {"numbers": [{"type": "UIN", "value": "1234567890"}], "name": "x"},
    ],
)
def test_what_cannot_be_found_by_is_refused(portal: Desk, body: dict[str, Any]):
    """With the member at fault, and nothing of what was sent: a household's number would lead to others."""
    refused = portal.post("/v1/trail/findUsage", **body)

    assert refused.status_code == 400
    assert "1234567" not in refused.text


def test_only_a_portal_reads_trails(country: Country):
    """No programme, and no office."""
    country.content["clients"]["uct"] = country.content["consumers"]["uct"]
    who = {"numbers": [{"type": "UIN", "value": country.example("complete_household").value}]}
    for role in ("uct", "office"):
        desk = Desk(country, role)
        assert desk.post("/v1/trail/findUsage", **who).status_code == 403
        assert desk.post("/v1/trail/watch", **who).status_code == 403
        assert desk.post("/v1/trail/disputes/search", **who).status_code == 403
        assert desk.get("/v1/trail/notices").status_code == 403
    del country.content["clients"]["uct"]


@pytest.fixture
def watching(country: Country, portal: Desk) -> Iterator[tuple[str, Callable[[], list[dict[str, Any]]]]]:
    """Somebody who wants to be told by two numbers: the name of that wish, and what is due under it."""
    numbers = [country.example("complete_household"), tax_number()]
    citizen = Citizen(portal, *numbers)
    watch_id = citizen.post("watch", 201)["watch_id"]

    def due() -> list[dict[str, Any]]:
        found = portal.get("/v1/trail/notices").json()["notices"]
        return [one for one in found if one["watch_id"] == watch_id]

    yield watch_id, due
    portal.post("/v1/trail/unwatch", numbers=citizen.numbers)


def test_whoever_wishes_so_is_told_once_of_each_answer(country: Country, portal: Desk, watching):
    """By whichever number it was asked; delivered, it is due no more; and after the wish has ended nothing is."""
    watch_id, due = watching
    assert due() == []
    country.ask("complete_household")
    country.ask(tax_number())

    assert comes(lambda: len(due()) == 2, within_s=5.0)
    first = due()[0]
    assert [one["receiver"]["code"] for one in first["usage"]] == ["uct"]
    assert portal.post(f"/v1/trail/notices/{first['notice_id']}/delivered").status_code == 200
    assert portal.post(f"/v1/trail/notices/{first['notice_id']}/delivered").status_code == 404
    assert [one["notice_id"] for one in due()] != [first["notice_id"]]
    assert len(due()) == 1
    again = Citizen(portal, country.example("complete_household")).post("watch", 201)
    assert again["watch_id"] == watch_id
    assert Citizen(portal, country.example("complete_household")).post("unwatch") == {"ended": True}
    assert due() == []
    Citizen(portal, STRANGER).post("unwatch", 404)


def test_a_dispute_is_passed_on_answered_and_closed(country: Country, portal: Desk):
    """The citizen sees every step, nobody else any, and the operator who opens the number stands in the journal."""
    who = country.example("complete_household")
    citizen, about = Citizen(portal, who), {"registry": "tax", "attribute": "income_annual", "reason": "outdated"}
    opened = citizen.post("disputes", 201, **about)
    name, folder = opened["dispute_id"], ["--dir", str(country.folder)]

    def state() -> dict[str, Any]:
        return next(one for one in citizen.post("disputes/search")["disputes"] if one["dispute_id"] == name)

    assert citizen.post("disputes", 200, **about)["dispute_id"] == name
    assert comes(lambda: state()["state"] == "forwarded", within_s=5.0)
    assert "Poveria Revenue Authority" in state()["text"]
    letter = json.loads((country.folder / "disputes" / f"{name}.json").read_text())
    assert (letter["contact"], letter["attribute"]) == ("operations@revenue.example.pv", "income_annual")
    assert Citizen(portal, STRANGER).post("disputes/search")["disputes"] == []
    Citizen(portal, STRANGER).post(f"disputes/{name}/close", 404)

    listed = CliRunner().invoke(app, ["dispute", "list", "--state", "forwarded", *folder])
    assert name in listed.output
    assert who.value not in listed.output
    shown = CliRunner().invoke(app, ["dispute", "show", name, *folder])
    assert f"UIN={who.value}" in shown.output, shown.output
    answered = CliRunner().invoke(app, ["dispute", "answer", name, "--outcome", "corrected", *folder])
    assert answered.exit_code == 0, answered.output
    assert CliRunner().invoke(app, ["dispute", "answer", name, "--outcome", "confirmed", *folder]).exit_code == 1
    assert (state()["state"], state()["answer"]) == ("answered", "corrected")
    assert "corrected" in state()["text"]

    assert citizen.post(f"disputes/{name}/close")["state"] == "closed"
    citizen.post(f"disputes/{name}/close", 404)
    closed = CliRunner().invoke(app, ["dispute", "show", name, *folder])
    assert who.value not in closed.output
    events = [entry["event"] for entry in entries(country) if entry.get("correlation") == name]
    assert [e for e in events if e != "dispute.read"] == [
        "dispute.received", "dispute.forwarded", "dispute.shown", "dispute.answered", "dispute.closed", "dispute.shown",
    ]  # fmt: skip
    assert CliRunner().invoke(app, ["journal", "verify", *folder]).exit_code == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"registry": "stars"},
        {"attribute": "shoe_size"},
        {"attribute": "given_name"},
        {"reason": "because"},
        {"text": "x"},
        {"numbers": [{"type": "PATIENT_NUMBER", "value": "PN-77123"}]},
    ],
)
def test_what_no_registry_could_answer_is_not_taken(country: Country, portal: Desk, changes: dict[str, Any]):
    """A registry that is not there, a fact that it does not hold, a text, a number that it does not know."""
    who = {"type": "UIN", "value": country.example("complete_household").value}
    body = {"numbers": [who], "registry": "tax", "attribute": "income_annual", "reason": "wrong"} | changes
    refused = portal.post("/v1/trail/disputes", **body)

    assert refused.status_code == 400
    assert who["value"] not in refused.text
    assert "77123" not in refused.text


def test_answers_are_as_published(country: Country, portal: Desk, watching):
    """Every answer fits the schema that the published description gives for it."""
    _, due = watching
    published = country.http.get(f"{country.content['gateway']}/openapi.json").json()
    country.ask("complete_household")
    assert comes(lambda: len(due()) > 0, within_s=5.0)
    numbers = Citizen(portal, country.example("complete_household")).numbers
    disputed = {"registry": "crvs", "attribute": "given_name", "reason": "wrong"}
    asked: list[tuple[str, str, dict[str, Any] | None]] = [
        ("findUsage", "findUsage", {"kinds": ["question", "record"]}),
        ("usagePeriod", "usagePeriod", None),
        ("heartbeat", "heartbeat", None),
        ("watch", "watch", {}),
        ("notices", "notices", None),
        ("notices/{notice_id}/delivered", f"notices/{due()[0]['notice_id']}/delivered", {}),
        ("disputes", "disputes", disputed),
        ("disputes", "disputes", disputed),
        ("disputes/search", "disputes/search", {}),
        ("unwatch", "unwatch", {}),
    ]
    for path, address, body in asked:
        answered = (
            portal.get(f"/v1/trail/{address}")
            if body is None
            else portal.post(f"/v1/trail/{address}", numbers=numbers, **body)
        )
        operation = published["paths"][f"/v1/trail/{path}"]["get" if body is None else "post"]
        schema = operation["responses"][str(answered.status_code)]["content"]["application/json"]["schema"]
        faults = Draft202012Validator(schema | {"components": published["components"]}).iter_errors(answered.json())
        assert [fault.message for fault in faults] == [], address


def test_no_value_and_no_number_is_in_any_file(country: Country, portal: Desk, watching):
    """After questions, trails, notices and an open dispute: in no database, log or letter."""
    _, due = watching
    who, tin = country.example("complete_household"), tax_number()
    item = country.ask("complete_household")
    citizen = Citizen(portal, who, tin)
    opened = citizen.post("disputes", 201, registry="crvs", attribute="birth_date", reason="wrong")
    assert comes(lambda: citizen.post("disputes/search")["disputes"][-1]["state"] == "forwarded", within_s=5.0)
    assert comes(lambda: len(due()) > 0, within_s=5.0)
    said = json.dumps([citizen.trail(kinds=["question", "record"]), due(), opened])

    canaries = personal_values(item, who.value, tin.value)
    files = {p: p.read_bytes() for p in country.folder.rglob("*") if p.is_file() and p.name != "sandbox.json"}
    assert {"trail.db", f"{opened['dispute_id']}.json"} <= {path.name for path in files}
    for canary in canaries:
        assert canary not in said
        assert [p for p, content in files.items() if canary.encode() in content or canary in str(p)] == []

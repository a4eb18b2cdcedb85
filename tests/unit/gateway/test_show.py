"""What people see on a terminal."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.show import Values, addresses, console, role, show_answer, show_entry, show_plan, worded
from standards.household import Evidence, HouseholdProfile, Member, Outcome, SourceOutcome
from standards.states import (
    Absent,
    AttributeState,
    Conflict,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
    WithheldReason,
)
from tests.builders import CATALOGUE, NOW, PLANNER, REGISTERED, RESPONDER, VALUE, entry, item
from tests.unit.policies.builders import permit

ORIGIN = Provenance("crvs", NOW, "2026-01-01")
STATES: dict[str, AttributeState] = {
    "given_name": Conflict(Value("Asha", ORIGIN), (Value("Asya", Provenance("social", NOW)),)),
    "birth_date": Value("1990-02-01", ORIGIN),
    "is_disabled": Value(False, ORIGIN),
    "marital_status": Value("M", ORIGIN),
    "uin": Value("1000000001", ORIGIN),
    "income_annual": Unavailable(UnavailableReason.SOURCE_DOWN, "tax"),
    "death_date": Absent(ORIGIN),
    "is_pregnant": Withheld(WithheldReason.CONSENT_REFUSED),
    "insured": Withheld(WithheldReason.CONSENT_REFUSED),
}
SOURCES = {
    "crvs": SourceOutcome(Outcome.ANSWERED, 1),
    "tax": SourceOutcome(Outcome.UNAVAILABLE, 1, 0, UnavailableReason.SOURCE_DOWN),
}


def answer(*profiles: HouseholdProfile, **changes: Any) -> dict[str, Any]:
    """A whole answer, as it is sent."""
    forms = permit(dict.fromkeys([*STATES, "poverty_score"], VALUE))
    said = RESPONDER.answered(item(), profiles, forms, NOW, **changes)
    whole = {"header": {"status": "succ"}, "message": {"search_response": [said]}}
    return dict(orjson.loads(orjson.dumps(whole)))


def household(**changes: Any) -> HouseholdProfile:
    """A household of one about whom everything imaginable is known."""
    asha = Member(0, {}, "SELF", (Evidence("registered", "social", "SELF"),), STATES)
    plain = HouseholdProfile("registered@1", 0, (asha,), {"poverty_score": Value(23.5, ORIGIN)}, SOURCES)
    return plain._replace(**changes)


def shown(of: dict[str, Any], **changes: Any) -> str:
    """What is printed, with lines and columns run together."""
    with console.capture() as captured:
        show_answer(of, **changes)
    return " ".join(captured.get().split())


@pytest.mark.parametrize(
    "words",
    [
        "household by registered@1",
        "poverty_score 23.5 crvs 2026-01-01",
        "head: registered (social)",
        "birth_date 1990-02-01 crvs 2026-01-01",
        "is_disabled no crvs",
        "marital_status Married (M)",
        "uin 1000000001",
        "income_annual unknown: source_down tax",
        "death_date none crvs",
        "2 withheld consent_refused",
        "tax unavailable 1 0 source_down",
    ],
)
def test_an_answer_shows_every_state_with_its_origin(words):
    """A value, none, unknown with the reason, withheld: never an empty place."""
    assert words in shown(answer(household()))


def test_a_conflict_shows_who_says_what():
    """The settled value first."""
    said = {"state": "conflict", "source": "crvs", "differing": [{"value": "Asya", "source": "social"}]}

    assert worded("given_name", said, "Asha").plain == "Asha  (conflict: Asya says social)"
    assert worded("given_name", said, "Asha", brief=True).plain == "Asha"


def test_a_list_that_may_be_incomplete_says_so():
    """And whose word is missing."""
    first_line = shown(answer(household(unheard=("social",)))).partition("attribute")[0]

    assert "without social" in first_line
    assert "without" not in shown(answer(household())).partition("attribute")[0]


def test_nobody_found_is_said_in_words():
    """An empty screen would look like a fault."""
    assert "nobody found" in shown(answer())


def test_a_refusal_is_shown_with_its_text():
    """Of an item, and of the whole message."""
    refused = {"status": "rjct", "status_reason_message": "no_agreement: conclude one"}
    header = {"status": "rjct", "status_reason_message": "too many questions"}
    text = shown({"header": header, "message": {"search_response": [refused]}})

    assert "rjct: too many questions" in text
    assert "no_agreement: conclude one" in text


def test_a_plan_is_shown_when_wanted():
    """Only then."""
    explained = answer(household(), plan=PLANNER.plan(frozenset({"land_area_ha"}), "UIN", REGISTERED))

    assert "plan: by UIN, household registered@1" in shown(explained, plan=True)
    assert "plan:" not in shown(explained)


def test_the_reasons_follow_the_plan():
    """One for each choice; a plan shown without them is the plan alone."""
    text = PLANNER.plan(frozenset({"land_area_ha"}), "UIN", REGISTERED).explained()
    with console.capture() as captured:
        show_plan(text, why=True)
        console.print("--")
        show_plan(text)
    reasoned, plain = captured.get().split("--")

    assert "why:" in reasoned
    assert "land.holdings alone holds land_area_ha" in " ".join(reasoned.split())
    assert "alone holds" not in plain


def test_every_line_of_a_plan_is_printed():
    """Also why a registry is not asked."""
    with console.capture() as captured:
        show_plan("by UIN\n1 crvs.person by UIN: birth_date\n- tax not asked: no need")
    text = " ".join(captured.get().split())

    assert text == "plan: by UIN 1 crvs.person by UIN birth_date - tax not asked: no need"


def test_a_journal_entry_is_shown_without_its_pseudonyms():
    """How many people it is about is enough on a screen."""
    said = orjson.loads(orjson.dumps(entry()._asdict()))
    with console.capture() as captured:
        show_entry(7, said)
    text = captured.get()

    assert "#7 2026-09-30T12:00:00Z search.answered" in text
    assert "2 pseudonyms" in text
    assert "1: given_name" in text
    assert "1" * 32 not in text

    with console.capture() as captured:
        show_entry(8, said | {"released": []})
    assert "released nothing" in " ".join(captured.get().split())


@pytest.mark.parametrize(
    ("relationship", "word"), [("SELF", "head"), ("SPS", "spouse"), ("", "member"), ("ODD", "odd")]
)
def test_a_relationship_is_said_in_a_word(relationship, word):
    """A code that is not known is better than none."""
    assert role({"relationship": relationship}) == word


def test_markup_in_a_registry_s_text_is_shown_as_text():
    """Names may hold brackets; they are no colours."""
    odd = Member(0, {}, "SELF", (), {"given_name": Value("[red]Asha[/red]", ORIGIN)})

    assert "[red]Asha[/red]" in shown(answer(household(members=(odd,))))


def test_values_are_found_where_the_catalogue_places_them():
    """What the responder writes, the screen reads, for every attribute."""
    people = {d.name: f"v-{d.name}" for d in CATALOGUE if d.entity == "person"}
    homes = {d.name: f"v-{d.name}" for d in CATALOGUE if d.entity == "household"}
    member = Member(0, {}, "SELF", (), {name: Value(value, ORIGIN) for name, value in people.items()})
    profile = household(members=(member,), attributes={n: Value(v, ORIGIN) for n, v in homes.items()})
    record = answer(profile)["message"]["search_response"][0]["data"]["reg_records"][0]

    assert {n: v for n, v in Values().of(record["member_list"][0]).items() if n in people} == people
    assert {n: v for n, v in Values().of(record).items() if n in homes} == homes


def test_addresses_name_everything_and_a_first_thing_to_try(tmp_path: Path):
    """The folder is named unless it is the usual one, right here."""
    content = {
        "gateway": "http://127.0.0.1:8080",
        "registries": {"tax": {"url": "http://127.0.0.1:9000", "speaks": "soap"}},
        "consumers": {"uct": {}},
        "examples": {"complete_household": {"identifiers": {"UIN": "1000000001"}}},
    }
    elsewhere = addresses(content, tmp_path / "sandbox.json")

    assert "http://127.0.0.1:9000   speaks soap" in elsewhere
    assert f"--household-of 1000000001 --dir {tmp_path}" in elsewhere
    assert "--dir" not in addresses(content, Path.cwd() / ".hearth" / "sandbox.json")

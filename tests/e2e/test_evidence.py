"""Evidence of a running country's answers: packed by the operator, checked elsewhere with nothing but public keys."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.journal import read, sqlite_url
from standards.identifiers import Identifier
from tests.e2e.conftest import Country, question_about
from tests.e2e.test_consents import Desk

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
Pack = Callable[..., Path]


def hearth(*arguments: str | Path) -> str:
    """Run a command that must succeed, and return what it printed."""
    told = CliRunner().invoke(app, [str(a) for a in arguments])
    assert told.exit_code == 0, told.output
    return told.stdout


@pytest.fixture
def jwks(country: Country, tmp_path: Path) -> Path:
    """The public keys, as everybody can have them."""
    file = tmp_path / "jwks.json"
    file.write_bytes(country.http.get(f"{country.content['gateway']}/.well-known/jwks.json").raise_for_status().content)
    return file


@pytest.fixture
def pack(country: Country, tmp_path: Path) -> Pack:
    """Packs the evidence of the answer under a correlation, or of an entry."""

    def packed(correlation: str = "", **more: Any) -> Path:
        out = tmp_path / f"pack-{len(list(tmp_path.glob('pack-*')))}.json"
        named = ["--correlation", correlation] if correlation else []
        further = [part for name, value in more.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        further = [part for part in further if part != "True"]
        hearth("evidence", "pack", "--dir", country.folder, "--out", out, *named, *further)
        return out

    return packed


def ask(country: Country, *subjects: Identifier | str, programme: str = "uct", **more: Any) -> dict[str, Any]:
    """Ask, and return the message that came back."""
    whom = [country.example(s) if isinstance(s, str) else s for s in subjects]
    purpose = country.content["consumers"][programme]["purposes"][0]
    return country.client(programme).ask(whom, purpose=purpose, **more)


def correlation_of(answer: dict[str, Any]) -> str:
    """The gateway's own handle of a message."""
    return str(answer["message"]["correlation_id"])


def entry_in(file: Path) -> dict[str, Any]:
    """The journal entry that a pack proves."""
    return dict(json.loads(json.loads(file.read_bytes())["journal"]["entry"]))


def proved(file: Path, jwks: Path, *more: str | Path) -> list[dict[str, Any]]:
    """What a pack proves, when all of it holds."""
    told = json.loads(hearth("evidence", "verify", file, "--keys", jwks, "--json", *more))
    assert told["holds"]
    return list(told["lines"])


def test_an_answer_is_proved_elsewhere(country, pack, jwks, tmp_path):
    """Another process, in an empty folder, with the pack, the answer as received and the public keys: no more."""
    answer = ask(country, "complete_household")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "pack.json").write_bytes(pack(correlation_of(answer)).read_bytes())
    (elsewhere / "jwks.json").write_bytes(jwks.read_bytes())
    (elsewhere / "answer.json").write_text(json.dumps(answer, indent=2))

    told = subprocess.run(
        [
            *(sys.executable, "-m", "gateway", "evidence", "verify", "pack.json"),
            *("--keys", "jwks.json", "--answer", "answer.json"),
        ],
        cwd=elsewhere,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.endswith("everything holds\n")
    for words in ("in the chain that was signed", "under consent", "consent:cr-", "crvs.person: ", "is the answer"):
        assert words in told.stdout, words


def test_answers_from_the_cache_and_answers_given_again_have_all_of_it(country, pack, jwks):
    """They rest on the responses that were read before, and say so."""
    client = country.client()
    asked_before = question_about(country.example("complete_household"))
    answers = [client.send(client.message([asked_before])) for _ in range(4)]
    files = [pack(correlation_of(answer)) for answer in answers]
    entries = [entry_in(file) for file in files]

    for file in files:
        proved(file, jwks)
    assert entries[1]["salt"] != entries[0]["salt"], "the second one was composed anew"
    assert entries[3]["salt"] == entries[2]["salt"] == entries[1]["salt"], "the last ones were given again"
    asked = {name: len(digests) for name, digests in entries[0]["sources"].items()}
    assert {"crvs.person", "social.group"} <= asked.keys()
    for entry in entries:
        assert {name: len(digests) for name, digests in entry["sources"].items()} == asked
        assert entry["grounds"] == entries[0]["grounds"]


def test_a_withdrawal_afterwards_changes_nothing_about_what_was_lawful_then(country, pack, jwks):
    """The receipt that counted stays in the ledger, and in the pack."""
    portal, who = Desk(country, "portal"), country.example("complete_household")
    granted = portal.decide(who)
    try:
        answer = ask(country, who)
        before = pack(correlation_of(answer))
        assert portal.withdraw(who, granted).status_code < 300
        after = pack(correlation_of(answer))
        refused = pack(correlation_of(ask(country, who)))
    finally:
        portal.decide(who)

    for file in (before, after, refused):
        proved(file, jwks)
    name = granted["receipt"]["receipt_id"]
    assert name in json.loads(before.read_bytes())["receipts"]
    assert json.loads(before.read_bytes())["receipts"] == json.loads(after.read_bytes())["receipts"]
    assert name not in json.loads(refused.read_bytes())["receipts"]


def test_each_item_of_a_message_is_proved_by_itself(country, pack, jwks, tmp_path):
    """They share a correlation, so the one is chosen by its entry; the message holds its answer."""
    answer = ask(country, "complete_household", "refused_consent")
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(answer))
    told = CliRunner().invoke(
        app,
        [
            *("evidence", "pack", "--dir", str(country.folder), "--out", str(tmp_path / "no.json")),
            *("--correlation", correlation_of(answer)),
        ],
    )

    assert told.exit_code == 1
    numbers = [int(part) for part in told.stderr.rpartition(": ")[2].split(",")]
    items = set()
    for number in numbers:
        (line,) = [x for x in proved(pack(seq=number), jwks, "--answer", file) if "is the answer" in x["sentence"]]
        items.add(line["sentence"].partition(" of")[0])
    assert items == {"item 1", "item 2"}


def test_an_answer_in_the_plain_shape_is_proved_too(country, pack, jwks, tmp_path):
    """Its body is the whole answer, and names its correlation."""
    answer = country.client().lookup(country.example("complete_household"), purpose="eligibility")
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(answer))
    lines = proved(pack(answer["correlation_id"]), jwks, "--answer", file)

    assert [line["about"] for line in lines if line["holds"]][-1] == "answer"


def test_another_answer_is_not_proved(country, pack, jwks, tmp_path):
    """The answer of another minute about the same household is another one."""
    one, other = (ask(country, "complete_household") for _ in range(2))
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(other))
    told = CliRunner().invoke(
        app,
        ["evidence", "verify", str(pack(correlation_of(one))), "--keys", str(jwks), "--answer", str(file)],
    )

    assert told.exit_code == 1
    assert "FAILS nothing in the file is the answer" in told.stdout


def test_every_answer_of_the_country_stands_up_to_its_own_evidence(country, pack, jwks):
    """Every programme about every example: permit, plan and consent fit together, whatever the agreement says."""
    for programme in country.content["consumers"]:
        for name, example in country.content["examples"].items():
            if "UIN" not in example["identifiers"]:
                continue
            answer = ask(country, name, programme=programme)
            proved(pack(correlation_of(answer)), jwks)


def test_no_pack_tells_who_anybody_is(country, pack):
    """Neither number nor name of anybody, with the salt told as well: pseudonyms only."""
    answer = ask(country, "complete_household")
    content = json.loads(pack(correlation_of(answer), with_salt=True).read_bytes())
    parts = [part for signed in (*content["receipts"].values(), content["proof"]) for part in signed.split(".")[:2]]
    text = json.dumps(content) + "".join(base64.urlsafe_b64decode(part + "==").decode() for part in parts)
    canaries = {value for e in country.content["examples"].values() for value in e["identifiers"].values()}
    (item,) = answer["message"]["search_response"]
    for member in item["data"]["reg_records"][0]["member_list"]:
        info = member.get("demographic_info", {})
        canaries |= {i["identifier_value"] for i in member.get("member_identifier", [])}
        canaries |= {v for v in info.get("name", {}).values() if isinstance(v, str) and len(v) > 3}
        canaries |= {v for v in (info.get("birth_date"),) if v}

    assert len(canaries) > 10
    assert "pii_principal_id" in text, "the receipts are looked into"
    assert [value for value in canaries if value in text] == []


def test_packing_is_in_the_journal_and_the_chain_stays_whole(country, pack):
    """Who packed which entry; and a checkpoint signed for it is one that verifies."""
    file = pack(correlation_of(ask(country, "complete_household")))
    number = json.loads(file.read_bytes())["journal"]["seq"]
    notes = [said for _, said in read(sqlite_url(country.folder / "journal.db")) if said["event"] == "evidence.packed"]

    assert notes[-1]["detail"] == {"entry": str(number)}
    assert notes[-1]["by"]
    assert "the chain is whole" in hearth("journal", "verify", "--dir", country.folder)

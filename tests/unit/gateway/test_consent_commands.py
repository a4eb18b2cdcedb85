"""`hearth consent`: what people decide, from the command line of the gateway's machine."""

import hashlib
import json
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.journal import read as read_journal
from gateway.journal import sqlite_url
from gateway.keys import open_keys
from policies.ledger import SqliteLedger
from standards.identifiers import Identifier
from standards.signing import public_jwk

NUMBER = "2904417738"
SEEN = ["--officer", "Subira Officer", "--presence", "id_card"]


@pytest.fixture
def folder(tmp_path) -> Path:
    """A gateway's folder with keys and an empty ledger."""
    keys = open_keys(tmp_path / "keys")
    SqliteLedger.open(tmp_path / "consent.db", keys.derived("consent"), keys.signing).close()
    (tmp_path / "jwks.json").write_bytes(orjson.dumps({"keys": [public_jwk(keys.signing.public_key())]}))
    return Path(tmp_path)


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    """What a command says."""
    result = CliRunner().invoke(app, ["consent", *arguments, "--dir", str(folder)])
    assert result.exit_code == code, result.output
    return result.output


def granted(folder: Path, *more: str) -> dict[str, Any]:
    """A grant, as its receipt."""
    return dict(
        json.loads(run(folder, "grant", "--subject", f"UIN={NUMBER}", "--purpose", "eligibility", *SEEN, *more))
    )


def test_a_decision_is_recorded_listed_and_withdrawn(folder):
    """The history keeps both, and the ledger is as it was signed."""
    receipt = granted(folder, "--group", "income", "--source", "tax", "--consumer", "uct", "--until", "2027-01-31")
    name = receipt["receipt_id"]
    run(folder, "withdraw", name, "--subject", f"UIN={NUMBER}", *SEEN)
    lines = run(folder, "list", "--subject", f"UIN={NUMBER}").splitlines()

    assert "given" in lines[0]
    assert "registries tax, groups income; until 2027-01-31; by self" in lines[0]
    assert f"takes back {name}" in lines[1]
    assert run(folder, "check").startswith("2 receipts")
    assert run(folder, "list", "--subject", "UIN=1") == ""


def test_a_registry_that_there_is_not_cannot_be_refused(folder, tmp_path):
    """Nobody would ever ask it, and the refusal would keep nothing back."""
    stated = ["--subject", f"UIN={NUMBER}", "--purpose", "eligibility", *SEEN, "--refuse"]

    assert "health, housing, land" in run(folder, "grant", *stated, "--source", "helth", code=1)
    (tmp_path / "config.yaml").write_text("registries: {builtin: false}\nagreements: policies")
    assert "--source" in run(folder, "grant", *stated, "--source", "health", code=1)
    assert run(folder, "list", "--subject", f"UIN={NUMBER}") == ""


def test_a_child_that_is_not_born_yet_is_nobody_s(folder):
    """A birth date to come would put majority off, as far as one likes."""
    stated = [
        "--subject",
        f"UIN={NUMBER}",
        "--purpose",
        "eligibility",
        *SEEN,
        "--guardian",
        "UIN=1",
        "--relation",
        "PRN",
    ]

    assert "has not come" in run(folder, "grant", *stated, "--birth-date", "9999-01-01", code=1)


def test_an_export_is_verified_with_public_keys_alone(folder):
    """Not with other keys, and not once a receipt is missing."""
    granted(folder)
    out = folder / "pack.json"
    run(folder, "export", "--subject", f"UIN={NUMBER}", "--out", str(out))
    verify = ["consent", "verify", str(out), "--jwks", str(folder / "jwks.json")]
    whole = CliRunner().invoke(app, verify)
    out.write_text(json.dumps(json.loads(out.read_text()) | {"receipts": []}))
    cut = CliRunner().invoke(app, verify)

    assert (whole.exit_code, cut.exit_code) == (0, 1)
    assert "1 receipts, all as they were exported" in whole.output
    assert "1 receipts were exported, and 0 are here" in cut.output


def test_a_guardian_states_the_child_s_birth_date(folder):
    """Which is not kept; the day of majority is. Who is of age needs none."""
    child = ["--guardian", "UIN=1", "--relation", "PRN", "--birth-date"]
    born = date(datetime.now(UTC).year - 5, 2, 3)
    receipt = granted(folder, *child, f"{born}")

    assert receipt["event"]["majority_on"] == f"{born.replace(year=born.year + 18)}"
    assert f"{born}" not in json.dumps(receipt)
    base = ["grant", "--subject", f"UIN={NUMBER}", "--purpose", "eligibility", *SEEN]
    run(folder, *base, *child, "1990-01-01", code=1)
    run(folder, *base, "--guardian", "UIN=1", code=1)
    run(folder, *base, "--birth-date", f"{born}", code=1)


def test_a_file_is_imported_once(folder):
    """The second time nothing is new; a wrong line imports nothing."""
    who = {"type": "UIN", "value": NUMBER}
    line = {"subject": who, "purpose": "eligibility", "decision": "granted", "given_by": who, "given_on": "2026-01-05"}
    file = folder / "consents.jsonl"
    file.write_text(json.dumps(line) + "\n" + json.dumps(line | {"groups": ["health"], "decision": "refused"}))
    assert run(folder, "import", str(file)) == "2 decisions were new\n"
    assert run(folder, "import", str(file)) == "0 decisions were new\n"

    for wrong in ({"groups": ["everything"]}, {"decision": "withdrawn"}, {"capacity": "owner"}, {"until": "soon"}):
        file.write_text(json.dumps(line | wrong))
        said = run(folder, "import", str(file), code=1)
        assert "line 1" in said
        assert NUMBER not in said


def test_a_file_that_names_a_registry_that_there_is_not_is_not_imported(folder):
    """A refusal of it would keep nothing back."""
    who = {"type": "UIN", "value": NUMBER}
    line = {"subject": who, "purpose": "p", "decision": "refused", "given_by": who, "given_on": "2026-01-05"}
    file = folder / "consents.jsonl"
    file.write_text(json.dumps(line | {"sources": ["helth"]}))

    assert "helth" in run(folder, "import", str(file), code=1)
    assert run(folder, "check").startswith("0 receipts")


def entries_of(folder: Path) -> list[dict[str, Any]]:
    """The journal's entries."""
    return [entry for _, entry in read_journal(sqlite_url(folder / "journal.db"))]


def test_every_decision_is_in_the_journal(folder):
    """Under the account of the machine, by the receipt's name, about a pseudonym; a file by its digest."""
    name = granted(folder)["receipt_id"]
    run(folder, "withdraw", name, "--subject", f"UIN={NUMBER}", *SEEN)
    file = folder / "consents.jsonl"
    file.write_text("")
    run(folder, "import", str(file))
    grant, withdrawal, imported = entries_of(folder)

    assert (grant["event"], grant["correlation"], withdrawal["event"]) == ("consent.granted", name, "consent.withdrawn")
    assert grant["consumer"].startswith("operator:")
    assert (
        grant["subject"] == withdrawal["subject"] == open_keys(folder / "keys").pseudonym_of(Identifier("UIN", NUMBER))
    )
    assert (imported["event"], imported["detail"]["sha256"]) == ("consent.imported", hashlib.sha256(b"").hexdigest())
    assert NUMBER not in str(entries_of(folder))


def test_a_grant_that_cannot_be_recorded_does_not_count(folder):
    """A refusal does."""
    (folder / "journal.db").mkdir()
    stated = ["--subject", f"UIN={NUMBER}", "--purpose", "eligibility", *SEEN]
    run(folder, "grant", *stated, code=1)
    assert run(folder, "list", "--subject", f"UIN={NUMBER}") == ""
    run(folder, "grant", *stated, "--refuse", code=1)

    assert "refused" in run(folder, "list", "--subject", f"UIN={NUMBER}")


def test_a_receipt_that_was_removed_shows(folder):
    """The journal names it."""
    name = granted(folder)["receipt_id"]
    granted(folder)
    with sqlite3.connect(folder / "consent.db") as ledger:
        for (trigger,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {trigger}")
        ledger.execute("DELETE FROM consent_receipt WHERE receipt_id = ?", (name,))
    ledger.close()

    assert name in run(folder, "check", code=1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--subject", NUMBER],
        ["list", "--subject", "HOUSEHOLD_ID=HH-1"],
        ["withdraw", "cr-0", "--subject", f"UIN={NUMBER}", *SEEN],
        ["grant", "--subject", f"UIN={NUMBER}", "--purpose", "p", "--officer", "x", "--presence", "photo"],
        ["grant", "--subject", f"UIN={NUMBER}", "--purpose", "p", *SEEN, "--group", "everything"],
        ["import", "nowhere.jsonl"],
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(folder, arguments):
    """With exit code 1, and without the number."""
    said = run(folder, *arguments, code=1)

    assert said.startswith("hearth: ")
    assert NUMBER not in said


def test_a_folder_without_a_ledger_is_said_to_be_one(tmp_path):
    """None is made by looking for it."""
    run(tmp_path, "list", "--subject", f"UIN={NUMBER}", code=1)

    assert list(tmp_path.iterdir()) == []


def test_a_ledger_is_not_opened_with_another_s_keys(folder):
    """What was signed with another key is no receipt of ours."""
    granted(folder)
    (folder / "keys" / "signing.pem").unlink()

    assert "not among those given" in run(folder, "check", code=1)


def test_notices_that_are_due_are_printed(folder):
    """None, as long as there was no emergency."""
    assert run(folder, "notices") == ""

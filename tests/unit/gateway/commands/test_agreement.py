"""`hearth agreement`: what a lawyer, an author and an operator see on a terminal, and the exit codes scripts go by."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.unit.policies.test_reading import GOOD

SANDBOX = Path(__file__).parents[4] / "policies" / "sandbox"
WIDER = GOOD.replace('"1.0"', '"1.1"').replace("retention_days: 30", "retention_days: 400")
NARROWER = GOOD.replace('"1.0"', '"1.2"').replace("retention_days: 30", "retention_days: 10")


def hearth(*words, code=0):
    """What the command prints."""
    result = CliRunner().invoke(app, ["agreement", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def folder(tmp_path):
    """A folder of the stores with settings, two operators and one agreement."""
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    (agreements / "grant.yaml").write_text(GOOD.replace("2026-12-31", "2099-12-31"))
    entries = []
    for name in ("author", "approver"):
        printed = hearth("key", name, "--out", tmp_path / f"{name}.pem")
        entries.append(printed.split("  operators:\n")[1])
    (tmp_path / "config.yaml").write_text(
        f"agreements:\n  folder: agreements\n  operators:\n{''.join(entries)}stores: {{folder: .}}\n"
    )
    return tmp_path


def test_an_agreement_is_explained_in_sentences_and_as_json():
    """Each with its place in the file."""
    text = hearth("explain", SANDBOX / "uct.yaml")
    clauses = json.loads(hearth("explain", SANDBOX / "uct.yaml", "--json"))

    assert "is told only as yes or no: is it below 24000?" in text
    assert {clause["where"] for clause in clauses} >= {
        "purposes.eligibility.legal_basis",
        "attributes.household_income",
    }
    assert all(clause["sentence"] in text for clause in clauses)


def test_two_versions_are_compared(tmp_path):
    """What widens stands out, and scripts read it from JSON."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(GOOD)
    new.write_text(WIDER)

    text = hearth("diff", old, new)
    told = json.loads(hearth("diff", old, new, "--json"))

    assert "widens   retention_days: 400 days, not 30 days" in text
    assert (told["widens"], told["live_consents"]) == (True, None)
    assert "widens nothing: it acts at once" in hearth("diff", new, old)
    assert "nothing changes" in hearth("diff", old, old)
    assert "no consent ledger" in hearth("diff", old, new, "--ledger", tmp_path / "none.db", code=1)


async def test_a_comparison_counts_the_consents_it_touches(tmp_path):
    """Without a name."""
    from datetime import date

    from policies.ledger import SqliteLedger
    from policies.receipts import Consent, Decision
    from standards.identifiers import Identifier

    ledger = SqliteLedger.open(tmp_path / "consent.db", b"a key of thirty-two bytes or so..")
    who = Identifier("UIN", "1")
    await ledger.record(Consent(who, "eligibility", Decision.GRANTED, who, date(2026, 1, 1)))
    ledger.close()
    uct = SANDBOX / "uct.yaml"

    text = hearth("diff", uct, uct, "--ledger", tmp_path / "consent.db")

    assert "touches  1 live consent to the purpose eligibility" in text


def test_cases_are_tried_and_the_exit_code_tells(tmp_path):
    """0 when all hold, 1 when one does not."""
    assert "9 of 9 cases passed" in hearth("test", SANDBOX / "uct.yaml")
    wrong = tmp_path / "wrong.cases.yaml"
    cases = (SANDBOX / "uct.cases.yaml").read_text(encoding="utf-8")
    wrong.write_text(cases.replace("given_name: Asha,", "given_name: Neema,", 1), encoding="utf-8")

    text = hearth("test", SANDBOX / "uct.yaml", "--cases", wrong, code=1)
    told = json.loads(hearth("test", SANDBOX / "uct.yaml", "--cases", wrong, "--json", code=1))

    assert "asha.given_name: expected 'Neema', found 'Asha'" in text
    assert "8 of 9 cases passed" in text
    assert sum(bool(case["faults"]) for case in told) == 1
    assert "add the key `id`" in hearth("test", wrong, code=1)


def test_a_rehearsal_shows_values_and_the_reason_for_each_hole(tmp_path):
    """Field by field, for everybody; a denied one says what to obtain and exits with 1."""
    made_up = tmp_path / "household.yaml"
    made_up.write_text(
        "members:\n"
        "  - {name: asha, consent: granted, knows: {given_name: Asha, income_annual: {value: 9000, from: tax}}}\n"
        "  - {name: juma, knows: {given_name: Juma}}\n"
    )
    rehearsal = ("rehearse", SANDBOX / "uct.yaml", "--household", made_up)
    text = hearth(*rehearsal, "--attribute", "given_name", "--attribute", "income_annual")
    told = json.loads(hearth(*rehearsal, "--attribute", "given_name", "--json"))

    assert re.search(r'given_name +"Asha"', text)
    assert re.search(r'income_annual +"6000-11999"', text)
    assert "consent_missing: consent is the legal basis" in text
    assert "Juma" not in text
    assert told["denied"] == []
    assert {"who": "juma", "attribute": "given_name", "state": {"withheld": "consent_missing"}} in told["told"]
    assert "denied: purpose_not_agreed" in hearth(*rehearsal, "--purpose", "marketing", code=1)


def test_a_version_is_in_force_once_two_have_signed(folder):
    """The list says what waits, for whom, and exits with 1 until it waits for nobody."""
    file = folder / "agreements" / "grant.yaml"
    assert "is approved by nobody" in hearth("list", "--dir", folder, code=1)
    first = hearth("approve", file, "--as", "author", "--key", folder / "author.pem")
    assert "is signed by author:" in first
    assert "approved by author only" in hearth("list", "--dir", folder, code=1)

    hearth("approve", file, "--as", "approver", "--key", folder / "approver.pem")
    listed = hearth("list", "--dir", folder)
    assert re.search(r"grant@1\.0 .*in force", listed)

    # A narrower one needs nobody, a wider one both.
    (folder / "agreements" / "narrower.yaml").write_text(NARROWER.replace("2026-12-31", "2099-12-31"))
    assert re.search(r"grant@1\.2 .*in force", hearth("list", "--dir", folder))
    (folder / "agreements" / "wider.yaml").write_text(WIDER.replace('"1.1"', '"1.3"'))
    told = json.loads(hearth("list", "--dir", folder, "--json", code=1))
    assert [a["version"] for a in told["agreements"] if a["in_force"]] == ["1.2"]
    assert [(n["file"], n["reason"]) for n in told["not_in_force"]] == [("wider.yaml", "unapproved")]
    signed = hearth("approve", folder / "agreements" / "wider.yaml", "--as", "author", "--key", folder / "author.pem")
    assert "widens retention_days" in signed


def test_a_key_is_not_overwritten_and_not_taken_from_anything(folder):
    """The old one may have signed something."""
    assert "is there already" in hearth("key", "author", "--out", folder / "author.pem", code=1)
    file = folder / "agreements" / "grant.yaml"
    assert "not a private key" in hearth("approve", file, "--as", "author", "--key", file, code=1)
    assert "cannot be read" in hearth("approve", file, "--as", "author", "--key", folder / "none.pem", code=1)
    assert (folder / "author.pem").stat().st_mode & 0o777 == 0o600


def test_the_keys_for_pseudonyms_are_changed(folder):
    """And the file of a running gateway with them."""
    from datetime import UTC, datetime

    from gateway.handles import HandleFile

    keys = folder / "keys"
    keys.mkdir()
    running = HandleFile(keys)
    today = datetime.now(UTC).date()
    before = running.handles("uct", today).current("uin", "1")
    assert not running.refresh()

    assert "key k2" in hearth("rotate-pseudonyms", "--dir", folder, "--keep-days", 30)

    assert running.refresh()
    now = running.handles("uct", today)
    assert now.current("uin", "1").startswith("k2.")
    assert now.former("uin", "1") == (before,)
    assert (keys / "handles.json").stat().st_mode & 0o777 == 0o600


def test_keys_that_are_not_there_are_not_changed(tmp_path):
    """A misspelt folder would get keys of its own, and the gateway's would stay as they are."""
    said = hearth("rotate-pseudonyms", "--dir", tmp_path / "misspelt", code=1)

    assert "name the folder of the stores with --dir" in said
    assert list(tmp_path.iterdir()) == []


def test_wrong_keys_for_pseudonyms_replace_nothing(tmp_path):
    """The error is said once, and the ring stays."""
    from datetime import UTC, datetime

    from gateway.handles import HandleFile
    from standards.errors import ConfigurationError

    running = HandleFile(tmp_path)
    today = datetime.now(UTC).date()
    before = running.handles("uct", today).current("uin", "1")
    (tmp_path / "handles.json").write_text("[]")

    with pytest.raises(ConfigurationError, match=r"handles\.json"):
        running.refresh()

    assert not running.refresh()
    assert running.handles("uct", today).current("uin", "1") == before
    with pytest.raises(ConfigurationError):
        HandleFile(tmp_path)

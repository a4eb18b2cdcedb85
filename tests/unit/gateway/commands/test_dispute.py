"""`hearth dispute`: what the operator can do wrong is said in one line, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.journal import read, sqlite_url
from gateway.keys import open_keys
from gateway.trail.disputes import DisputeBook
from gateway.trail.tables import open_tables
from standards.identifiers import identifier
from tests.builders import NOW

ANNA = identifier("UIN", "1234567890")


@pytest.fixture
def stores(tmp_path: Path) -> tuple[Path, str]:
    """A folder of stores with one dispute, and its name."""
    engine = open_tables(sqlite_url(tmp_path / "trail.db"))
    book = DisputeBook(engine, open_keys(tmp_path / "keys"))
    new = book.new(ANNA, "portal", ("tax", "income_annual", "wrong"), NOW)
    book.keep(new, [ANNA], ANNA)
    engine.dispose()
    return tmp_path, new.dispute_id


def run(folder: Path, *words: str) -> tuple[int, str]:
    """Run the command on a folder."""
    result = CliRunner().invoke(app, ["dispute", *words, "--dir", str(folder)])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "--state", "lost"), "received, forwarded, answered, closed"),
        (("show", "dp-0"), "no dispute of that name"),
        (("answer", "dp-0", "--outcome", "corrected"), "no dispute of that name"),
        (("answer", "dp-0", "--outcome", "fine"), "corrected, confirmed, not_found"),
    ],
)
def test_a_mistake_is_said(stores, words, said):
    """With what there is instead; nothing stands in the journal."""
    folder, _ = stores
    code, output = run(folder, *words)

    assert code == 1
    assert said in output
    assert not (folder / "journal.db").exists()


def test_a_folder_without_disputes_is_said(tmp_path):
    """And no database is made there."""
    code, output = run(tmp_path, "list")

    assert code == 1
    assert "--dir" in output
    assert list(tmp_path.iterdir()) == []


def test_an_answer_can_close_at_once(stores):
    """Both steps are entries, in the operator's name; then the number is gone."""
    folder, name = stores
    assert "UIN=1234567890" in run(folder, "show", name)[1]
    code, output = run(folder, "answer", name, "--outcome", "not_found", "--close")

    assert code == 0, output
    assert "closed: not_found" in output
    assert "1234567890" not in run(folder, "show", name)[1]
    entries = [entry for _, entry in read(sqlite_url(folder / "journal.db"))]
    assert [e["event"] for e in entries] == ["dispute.shown", "dispute.answered", "dispute.closed", "dispute.shown"]
    assert all(e["consumer"].startswith("operator:") for e in entries)


def test_a_number_is_not_opened_when_that_cannot_be_recorded(stores):
    """The journal comes first."""
    folder, name = stores
    code, output = run(folder, "show", name, "--journal-url", f"sqlite:///{folder}/nowhere/journal.db")

    assert code == 1
    assert "1234567890" not in output

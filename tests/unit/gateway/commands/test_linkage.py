"""`hearth linkage`: models are learned and evaluated, reviews decided; each decision stands in the journal."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.journal import read, sqlite_url
from gateway.keys import open_keys
from gateway.linkage.judging import Outcome
from gateway.linkage.learning import written
from gateway.linkage.linker import Linker
from gateway.linkage.model import LinkageModel, load_model
from gateway.linkage.reviews import ReviewBook
from gateway.scoring.tables import table
from tests.fakes import StillClock
from tests.unit.gateway.linkage.people import MODEL, known, population, row


class Stores:
    """A folder of stores in which somebody is waiting to be looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = sqlite_url(folder / "linkage.db")

    def ask(self) -> Outcome:
        """Ask who Asha is."""
        from datetime import UTC, datetime

        book = ReviewBook(self.url, open_keys(self.folder / "keys"), StillClock(datetime.now(UTC)))
        doubtful = row(surname="Kimaro", second_name=None)
        verdict = asyncio.run(Linker(MODEL, book).settle("list", known(), [doubtful], cut=False))
        book.close()
        return verdict.outcome

    def run(self, *words: str) -> tuple[int, str]:
        """Run the command on the folder."""
        result = CliRunner().invoke(app, ["linkage", "review", *words, "--dir", str(self.folder)])
        return result.exit_code, result.output

    def name(self) -> str:
        """The name of the one review."""
        return str(json.loads(self.run("list", "--json")[1])["review_id"])

    def events(self) -> list[tuple[str, str]]:
        """What stands in the journal."""
        return [(e["event"], e["detail"]["state"]) for _, e in read(sqlite_url(self.folder / "journal.db"))]


@pytest.fixture
def stores(tmp_path) -> Stores:
    """Stores with one review."""
    one = Stores(tmp_path)
    assert one.ask() is Outcome.AMBIGUOUS
    return one


def test_the_list_names_nobody(stores):
    """It says how far two agree, and nothing by which they could be known; no entry is due for that."""
    code, output = stores.run("list")

    assert code == 0, output
    assert "surname differs" in output
    assert "birth_date exact" in output
    for canary in ("1234567890", "FL-1", "Asha", "Barwani", "Kimaro", "1980"):
        assert canary not in output
    assert not (stores.folder / "journal.db").exists()
    assert stores.run("list", "--state", "same") == (0, "")


def test_a_decision_holds_from_the_next_question_on(stores):
    """Who looked and who decided stands in the journal; the numbers are gone afterwards."""
    code, shown = stores.run("show", stores.name())
    assert code == 0
    assert "person: UIN=1234567890" in shown
    assert "candidate: LIST_NO=FL-1" in shown

    assert stores.run("decide", stores.name(), "same")[0] == 0
    assert stores.ask() is Outcome.MATCH
    assert stores.run("decide", stores.name(), "different")[0] == 0
    assert stores.ask() is Outcome.NONE

    assert "1234567890" not in stores.run("show", stores.name(), "--json")[1]
    assert stores.events() == [
        ("linkage.shown", "open"),
        ("linkage.decided", "same"),
        ("linkage.decided", "different"),
        ("linkage.shown", "different"),
    ]


def test_a_decision_is_withdrawn(stores):
    """The pair is judged as if nobody had looked, and waits anew; who took it back stands in the journal."""
    name = stores.name()
    assert "nothing is decided" in stores.run("withdraw", name)[1]
    stores.run("decide", name, "same")

    assert stores.run("withdraw", name)[0] == 0
    assert stores.run("list") == (0, "")
    assert stores.ask() is Outcome.AMBIGUOUS
    assert stores.name() != name
    assert stores.events() == [("linkage.decided", "same"), ("linkage.withdrawn", "same")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "--state", "lost"), "open, same, different"),
        (("show", "lr-0"), "no review of that name"),
        (("decide", "lr-0", "same"), "no review of that name"),
        (("decide", "lr-0", "maybe"), "same or different"),
    ],
)
def test_a_mistake_is_said(stores, words, said):
    """With what there is instead; nothing stands in the journal."""
    code, output = stores.run(*words)

    assert code == 1
    assert said in output
    assert not (stores.folder / "journal.db").exists()


def test_nothing_is_decided_that_cannot_be_recorded(stores):
    """Nor shown."""
    name = stores.name()
    nowhere = ("--journal-url", "sqlite:////nowhere/at/all.db")

    for words in (("decide", name, "same"), ("show", name)):
        code, output = stores.run(*words, *nowhere)
        assert code == 1
        assert "1234567890" not in output
    assert stores.ask() is Outcome.AMBIGUOUS


def test_a_folder_without_reviews_is_said(tmp_path):
    """And no database is made there."""
    code, output = Stores(tmp_path).run("list")

    assert code == 1
    assert "--dir" in output
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_learned_and_evaluated(tmp_path):
    """From one file of truth, for another; evaluation exits with 1 when anybody was merged wrongly."""
    files = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for seed, file in enumerate(files):
        file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in population(300, seed)))
    out = tmp_path / "model.yaml"
    about = ["--registry", "list"]
    learned = CliRunner().invoke(app, ["linkage", "learn", "--truth", str(files[0]), "--out", str(out), *about])
    assert learned.exit_code == 0, learned.output
    assert load_model(out).learned_from == "list, labelled: one.jsonl"

    words = ["linkage", "evaluate", "--truth", str(files[1]), "--model", str(out), *about, "--json"]
    evaluated = CliRunner().invoke(app, words)
    [score] = json.loads(evaluated.output)
    assert evaluated.exit_code == (1 if score["wrong"] else 0)
    assert score["pairs"] == 100

    careless = load_model(out).model_dump(mode="json") | {"margin": 0.1, "doubts": []}
    careless["thresholds"] = {"match": -3, "review": -9}
    out.write_text(written(LinkageModel.model_validate(careless)), encoding="utf-8")
    assert CliRunner().invoke(app, words).exit_code == 1


def test_a_model_that_cannot_be_written_is_said(tmp_path):
    """With the option, and no traceback."""
    file = tmp_path / "truth.jsonl"
    file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in population(3)))
    words = ["--truth", str(file), "--registry", "list", "--out", str(tmp_path / "no" / "m.yaml")]
    result = CliRunner().invoke(app, ["linkage", "learn", *words])

    assert result.exit_code == 1
    assert "--out" in result.output
    assert "cannot be written" in result.output


def test_without_labels_one_file_at_a_time(tmp_path):
    """Estimating goes through one pair of lists."""
    words = ["--truth", "a", "--truth", "b", "--out", str(tmp_path / "m.yaml"), "--unlabelled"]
    result = CliRunner().invoke(app, ["linkage", "learn", *words])

    assert result.exit_code == 1
    assert "one --truth at a time" in result.output


def test_a_table_is_aligned():
    """Texts to the left, numbers to the right, shares in percent."""
    assert table(
        [{"noise": "low", "found_all": 3, "recall": 0.5}, {"noise": "default", "found_all": 12, "recall": 1.0}]
    ) == ("noise    found all  recall\nlow              3   50.0%\ndefault         12  100.0%")
    assert table([]) == ""

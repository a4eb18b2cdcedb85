"""Agreements followed while the gateway runs: every change is taken in, and nothing stops the one who looks."""

import asyncio
import json
from datetime import date
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from gateway import agreements
from gateway.agreements import follow, operators, standing
from gateway.handles import HandleFile, _create
from gateway.keys import new_signing_key, private_key, public_pem
from gateway.settings import Operator
from gateway.stages.plan import Planner
from policies.folder import AgreementFolder
from standards.errors import ConfigurationError
from standards.permit import Form, FormKind
from tests.builders import MANIFESTS
from tests.unit.policies.builders import CATALOGUE
from tests.unit.policies.test_reading import GOOD

NARROWER = GOOD.replace('"1.0"', '"1.1"').replace("[100, 200]", "[100]")


@pytest.fixture
def followed(tmp_path, monkeypatch):
    """A folder, its book, and a function that waits until somebody who follows it saw so many changes."""
    structlog.reset_defaults()
    monkeypatch.setattr(agreements, "LOOK_S", 0)
    (tmp_path / "a.yaml").write_text(GOOD)
    book, handles = AgreementFolder.load(tmp_path, CATALOGUE), HandleFile(tmp_path)

    async def until(change, is_so):
        """Make a change, and wait until it is so."""
        seen = asyncio.Event()
        following = asyncio.create_task(follow(book, handles, seen.set))
        with capture_logs() as logged:
            change()
            while not is_so(logged):
                assert not following.done()
                await asyncio.sleep(0)
        following.cancel()
        return seen.is_set(), [entry["event"] for entry in logged]

    return tmp_path, book, until


async def test_a_change_is_taken_in_told_and_logged(followed):
    """Whoever keeps what was compiled under the old terms hears of it."""
    folder, book, until = followed
    told, _ = await until(
        lambda: (folder / "b.yaml").write_text(NARROWER),
        lambda logged: any(entry["event"] == "agreements_changed" for entry in logged),
    )

    assert told
    assert [agreement.version for agreement in book.agreements] == ["1.0", "1.1"]


async def test_what_is_refused_is_logged_with_what_to_do(followed):
    """And stands in what `/ready` tells, with what is in force."""
    folder, book, until = followed
    _, events = await until(
        lambda: (folder / "b.yaml").write_text("id: ["),
        lambda logged: any(entry["event"] == "agreement_refused" for entry in logged),
    )

    told: Any = standing(book, date(2026, 6, 1))
    assert "agreements_changed" in events
    assert told["in_force"] == ["grant@1.0"]
    (notice,) = told["not_in_force"]
    assert (notice["file"], notice["reason"]) == ("b.yaml", "unreadable")
    assert json.dumps(told)


async def test_nothing_that_goes_wrong_ends_the_following(followed, monkeypatch):
    """A fault is logged, and the next change is seen."""
    folder, book, until = followed
    real = AgreementFolder.refresh
    faults = iter([RuntimeError("a defect"), OSError(5, "disk")])

    def refresh(self):
        if (fault := next(faults, None)) is not None:
            raise fault
        return real(self)

    monkeypatch.setattr(AgreementFolder, "refresh", refresh)
    _, events = await until(lambda: (folder / "b.yaml").write_text(NARROWER), lambda _: len(book.agreements) == 2)

    assert events.count("agreements_not_read") == 2


async def test_changed_keys_for_pseudonyms_are_taken_in(followed):
    """Without a restart, also where another process or the command changed them."""
    folder, _, until = followed

    _, events = await until(
        lambda: HandleFile(folder).rotate(date(2026, 6, 1), 30),
        lambda logged: any(entry["event"] == "handle_keys_changed" for entry in logged),
    )

    assert "handle_keys_changed" in events


def test_of_two_processes_that_start_at_once_one_makes_the_keys(tmp_path):
    """The other takes what is there."""
    _create(tmp_path / "handles.json", b"first")
    with pytest.raises(FileExistsError):
        _create(tmp_path / "handles.json", b"second")

    assert (tmp_path / "handles.json").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["handles.json"]


def test_operators_have_a_name_and_a_key_each(tmp_path):
    """Two entries for one person would make one signature count as two."""
    (tmp_path / "key.pem").write_bytes(new_signing_key())
    one = Operator(name="A. Moyo", public_key=public_pem(private_key(tmp_path / "key.pem")))

    assert set(operators([one]).keys) == {"A. Moyo"}
    for people, sentence in (
        ([one, one], "one name"),
        ([one, one.model_copy(update={"name": "B. Moyo"})], "one key"),
        ([one.model_copy(update={"public_key": "none"})], r"operators\.A\. Moyo is not a PEM"),
    ):
        with pytest.raises(ConfigurationError, match=sentence):
            operators(people)


def test_plans_of_versions_that_are_not_in_force_are_dropped():
    """The others stay."""
    planner = Planner(MANIFESTS.values(), CATALOGUE)
    forms = {"given_name": Form(FormKind.VALUE)}
    for version in ("1.0", "1.1"):
        planner.plan_agreed(("grant", version), forms, "UIN", None)

    planner.keep_only(frozenset({("grant", "1.1")}))

    assert planner.counts.kept == 1
    planner.plan_agreed(("grant", "1.1"), forms, "UIN", None)
    assert planner.counts.reused == 1

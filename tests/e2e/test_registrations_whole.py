"""Registrations of a whole gateway: started anew, changed often, with several processes over the same stores."""

from __future__ import annotations

import asyncio
import gc
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from adapters.catalogue import FOLDER
from gateway import bootstrap
from gateway.bootstrap import Gateway, utc_now
from gateway.journal import sqlite_url
from gateway.registrations.bundle import digest_of, read_folder
from gateway.registrations.deciding import decided
from gateway.registrations.sources import NoticeKind
from gateway.registrations.states import State, Step, Verb
from gateway.registrations.store import Registration, SqlRegistrations
from gateway.registrations.tables import Database
from gateway.settings import Settings
from gateway.stages.rooms import Rooms
from standards.errors import ConfigurationError
from tests.subscribing import StepWork
from tests.unit.gateway.registrations.steps import PATH, step
from tests.unit.gateway.registrations.test_sources import changed, version_line

pytestmark = pytest.mark.e2e

ENVIRONMENT = {f"HEARTH_CRVS_{last}": "https://crvs.example.org" for last in
               ("URL", "CLIENT_ID", "CLIENT_SECRET", "CALLBACK_TOKEN")}  # fmt: skip
ELSEWHERE = {"HEARTH_CRVS_ELSEWHERE_URL": "https://elsewhere.example.org"}


class Place:
    """The folders and stores of one gateway, with civil registration in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.manifest = folder, folder / "registries" / "crvs" / "manifest.yaml"
        self.manifest.parent.mkdir(parents=True)
        (folder / "agreements").mkdir()
        (folder / "stores").mkdir()
        shutil.copyfile(FOLDER / "crvs" / "manifest.yaml", self.manifest)
        self.version = str(read_version(self.manifest))

    def write(self, version: str, *changes: tuple[str, str]) -> None:
        """Give the file of the folder another version, at once as `mv` does."""
        beside = self.manifest.with_suffix(".new")
        beside.write_text(changed(self.manifest.read_text(encoding="utf-8"), *version_line(version), *changes))
        beside.replace(self.manifest)

    async def registered(self, version: str, *further: Verb) -> None:
        """Bring a version live that lives elsewhere, and go on from there, as another process would."""
        files = dict(read_folder(FOLDER / "crvs"))
        elsewhere = ("HEARTH_CRVS_URL", "HEARTH_CRVS_ELSEWHERE_URL")
        files["manifest.yaml"] = changed(files["manifest.yaml"], *version_line(version), elsewhere)
        store = SqlRegistrations(Database(sqlite_url(self.folder / "stores" / "registrations.db")))
        for verb in (*PATH, *further):
            made = step(verb, version, registry="crvs", digest=digest_of(files))
            await store.change("crvs", partial(decided_about, made), None, files)
        store.close()

    @asynccontextmanager
    async def open(self, environment: dict[str, str] | None = None, *, is_anew: bool = False) -> AsyncIterator[Gateway]:
        """A gateway over them."""
        settings = Settings.model_validate(
            {
                "stores": {"folder": self.folder / "stores"},
                "agreements": {"folder": self.folder / "agreements"},
                "registries": {"builtin": False, "folders": [self.manifest.parent.parent]},
                "server": {"sender_id": "gateway.example.org"},
            }
        )
        with patch.object(bootstrap, "open_work", lambda *_: StepWork(utc_now)):  # a process has one alone
            around = environment or ENVIRONMENT | ELSEWHERE
            gateway = Gateway(settings, "https://gateway.example.org", around, is_anew=is_anew)
        await gateway.open()
        try:
            yield gateway
        finally:
            await gateway.close()


def decided_about(made: Step, known: Mapping[str, Registration]) -> Sequence[Step]:
    """The steps that an order leads to; those before anybody orders anything are taken as they are."""
    if made.verb in {Verb.SUBMIT, Verb.TEST}:
        return [made]
    return decided(
        made._replace(version="", digest="") if made.verb is Verb.SUSPEND else made, known, None, is_needed=False
    )


def read_version(file: Path) -> str:
    """The version that a manifest bears."""
    line = next(line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("version:"))
    return line.split('"')[1]


def answering(gateway: Gateway) -> str | None:
    """The version of civil registration that answers."""
    found = gateway.lineups.live.registries.get("crvs")
    return found.manifest.version if found is not None else None


async def comes(holds: Callable[[], Any], seconds: float = 5.0) -> float:
    """Wait for something; return how long it took."""
    start = time.monotonic()
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)
    return time.monotonic() - start


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Nothing is registered yet."""
    return Place(tmp_path)


async def test_what_was_registered_answers_after_a_restart(place: Place) -> None:
    """What was switched off is off from the first moment."""
    await place.registered("9.0")
    async with place.open() as gateway:
        assert answering(gateway) == "9.0"
    await place.registered("9.1", Verb.SUSPEND)
    async with place.open() as gateway:
        assert gateway.suspensions.registries().keys() == {"crvs"}
        assert all(one.guarded.is_suspended for one in gateway.lineups.everybody())


async def test_a_gateway_starts_though_a_registered_version_lacks_its_secret(place: Place) -> None:
    """What was live before answers, and it is told; once the secret is there, the registered one does."""
    await place.registered("9.0")
    async with place.open(dict(ENVIRONMENT)) as gateway:
        assert answering(gateway) == place.version
        (notice,) = gateway.lineups.notices
        assert (notice.where, notice.kind) == ("crvs 9.0", NoticeKind.NOT_CONNECTED)
        assert "HEARTH_CRVS_ELSEWHERE_URL" in notice.sentence


async def test_every_process_follows_within_a_second(place: Place) -> None:
    """Two of them over one set of stores: what one is told, the other does; and both keep to what a version means."""
    async with place.open() as one, place.open() as other:
        place.write("9.0")
        assert await comes(lambda: answering(one) == answering(other) == "9.0") < 1.0
        place.write("9.0", (r"  surname: 2", "  surname: 1"))
        await comes(lambda: one.lineups.notices and other.lineups.notices)
        assert [n.kind for g in (one, other) for n in g.lineups.notices] == [NoticeKind.CHANGED] * 2
        assert {g.lineups.live.registries["crvs"].manifest.authority["surname"] for g in (one, other)} == {2}
        await place.registered("9.5", Verb.SUSPEND)
        took_s = await comes(lambda: all(g.suspensions.registries().keys() == {"crvs"} for g in (one, other)))
        assert took_s < 1.0
        assert all(r.guarded.is_suspended for g in (one, other) for r in g.lineups.everybody())


async def test_fifty_changes_leave_no_task_no_connection_and_no_rooms_behind(place: Place) -> None:
    """Each is taken in while the gateway runs; what is left is what one lineup needs."""
    async with place.open() as gateway:
        await gateway.registrations.look()
        gc.collect()
        tasks, rooms = len(asyncio.all_tasks()), _alive(Rooms)
        for number in range(50):
            place.write(f"9.{number}", (r"(?m)^title: .*$", f"title: The registry, number {number}"))
            assert await gateway.registrations.look() or answering(gateway) == f"9.{number}"
        await comes(lambda: answering(gateway) == "9.49")
        gc.collect()
        await gateway.lineups.tidy()
        assert len(asyncio.all_tasks()) <= tasks
        assert _alive(Rooms) <= rooms + 1
        assert {one.manifest.version for one in gateway.lineups.everybody()} == {"9.49"}
        assert gateway.lineups._pool.keys() == {"crvs"}
        assert len(gateway.lineups._pool["crvs"]) == 1


def _alive(kind: type) -> int:
    return sum(1 for one in gc.get_objects() if type(one) is kind)


async def test_whoever_edits_the_database_makes_no_other_version_of_what_was_approved(place: Place) -> None:
    """Neither while it runs nor at a start."""
    await place.registered("9.0")
    database = Database(sqlite_url(place.folder / "stores" / "registrations.db"))
    database.run_now(
        lambda connection: connection.exec_driver_sql(
            "UPDATE registration SET files = replace(files, 'title: ', 'title: Another ')"
        )
    )
    database.close()
    async with place.open() as gateway:
        assert answering(gateway) == place.version
        assert [n.kind for n in gateway.lineups.notices] == [NoticeKind.TAMPERED]
        assert gateway.registrations.standing()["crvs"][0]["state"] == str(State.LIVE)


@pytest.mark.parametrize("wrong", ["manifest", "reference"])
async def test_a_worker_that_is_started_anew_goes_without_what_is_wrong_by_now(place: Place, wrong: str) -> None:
    """The others answer meanwhile; a port that nobody serves would be half an outage. A first start is refused."""
    environment = ENVIRONMENT | ELSEWHERE
    if wrong == "manifest":
        place.manifest.write_text("id: [crvs", encoding="utf-8")
    else:
        environment = {name: value for name, value in environment.items() if name != "HEARTH_CRVS_URL"}

    with pytest.raises(ConfigurationError):
        async with place.open(environment):
            pass
    async with place.open(environment, is_anew=True) as gateway:
        assert answering(gateway) is None
        assert [one.kind for one in gateway.lineups.notices] == [
            NoticeKind.UNREADABLE if wrong == "manifest" else NoticeKind.NOT_CONNECTED
        ]

"""Lineups: swapped whole, with what stays as it was kept, and what is left closed when nobody can reach it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.catalogue import Registry
from adapters.manifest import Manifest
from adapters.transport.guard import Guarded
from gateway.registrations import lineups
from gateway.registrations.lineups import LONGEST_S, Lineups, Manifests
from gateway.registrations.sources import NoticeKind, Wanted
from gateway.stages.rooms import Rooms
from standards.errors import ConfigurationError
from tests.builders import MANIFESTS, World
from tests.fakes import InMemoryRegistry

ROOMS = World().rooms
CRVS, FARMER = MANIFESTS["crvs"], MANIFESTS["farmer"]
ENVIRONMENT = {f"HEARTH_{m.id.upper()}_{last}": "x" for m in (CRVS, FARMER) for last in
               ("URL", "CLIENT_ID", "CLIENT_SECRET", "CALLBACK_TOKEN")}  # fmt: skip


def newer(manifest: Manifest, version: str = "9.0") -> Manifest:
    """The same in another version."""
    return manifest.model_copy(update={"version": version})


class Stage:
    """Lineups over connections that are counted."""

    def __init__(self) -> None:
        self.environment = dict(ENVIRONMENT)
        self.closed: list[str] = []
        self.opened: list[str] = []
        self.off: set[str] = set()
        self.refused: set[str] = set()
        self.stuck: dict[str, Callable[[], Awaitable[object]]] = {}
        self.now = 0.0
        self.lineups = Lineups(self.connect, self.wire, self.environment, lambda id_: id_ in self.off, lambda: self.now)
        self.lineups.start(Wanted((CRVS, FARMER)), frozenset({"crvs", "farmer"}))

    def connect(self, manifest: Manifest) -> Registry:
        name = f"{manifest.id} {manifest.version}"
        if name in self.refused:
            raise ConfigurationError(f"{name} cannot be connected")
        self.opened.append(name)

        async def close() -> None:
            if name in self.stuck:
                await self.stuck[name]()
            self.closed.append(name)

        return Registry(manifest, Guarded(InMemoryRegistry(manifest, {}), manifest.limits), close=close)

    def wire(self, registries: Any, state: Any) -> Rooms:
        fetcher: Any = Fetcher()
        return ROOMS._replace(fetcher=fetcher)


class Fetcher(SimpleNamespace):
    """Stands for the fetcher that questions under way hold on to."""


@pytest.fixture
def stage() -> Stage:
    """Two registries, connected."""
    return Stage()


def test_a_list_begins_to_be_read_with_its_lineup(stage: Stage) -> None:
    """Before anybody asks; for as long as the registry is switched off, it is left alone."""
    begun: list[Callable[[], bool]] = []
    connect = stage.connect

    class Listed:
        def begin(self, is_off: Callable[[], bool]) -> None:
            begun.append(is_off)

        def state(self) -> Any:
            return None

    stage.lineups._connect = lambda manifest: connect(manifest)._replace(list_way=Listed())
    stage.lineups.take(Wanted((newer(CRVS), FARMER)))
    assert [is_off() for is_off in begun] == [False]
    stage.off.add("crvs")
    stage.lineups.take(Wanted((newer(CRVS), FARMER)))
    assert begun[0]()


def test_what_stays_as_it_is_keeps_its_connection(stage: Stage) -> None:
    """With its breaker, its pace, and the calls that are under way."""
    before = dict(stage.lineups.live.registries)

    assert stage.lineups.take(Wanted((newer(CRVS), FARMER)))
    assert stage.lineups.live.registries["farmer"] is before["farmer"]
    assert stage.lineups.live.registries["crvs"] is not before["crvs"]
    assert stage.opened == [f"crvs {CRVS.version}", f"farmer {FARMER.version}", "crvs 9.0"]
    assert not stage.lineups.take(Wanted((newer(CRVS), FARMER)))


def test_another_secret_is_another_connection(stage: Stage) -> None:
    """Under the same manifest."""
    stage.environment["HEARTH_CRVS_CLIENT_SECRET"] = "rotated"

    assert stage.lineups.take(Wanted((CRVS, FARMER)))
    assert stage.opened[2:] == [f"crvs {CRVS.version}"]


async def test_a_question_under_way_keeps_its_rooms(stage: Stage) -> None:
    """What only it uses is closed after it has ended, and nothing that others use."""
    rooms = stage.lineups.live.rooms
    stage.lineups.take(Wanted((newer(CRVS), FARMER)))
    await stage.lineups.tidy()
    assert stage.closed == []
    assert {one.manifest.version for one in stage.lineups.everybody() if one.manifest.id == "crvs"} == {
        CRVS.version,
        "9.0",
    }
    del rooms
    gc.collect()
    await stage.lineups.tidy()
    assert stage.closed == [f"crvs {CRVS.version}"]
    await stage.lineups.close()
    assert sorted(stage.closed[1:]) == ["crvs 9.0", f"farmer {FARMER.version}"]


async def test_a_connection_that_cannot_be_closed_keeps_no_other_one_open(stage: Stage, monkeypatch: Any) -> None:
    """Neither one that fails nor one that takes for ever; the operator hears of both, once."""

    async def fails() -> None:
        raise OSError("reset by 1000000001")

    monkeypatch.setattr(lineups, "CLOSE_S", 0.01)
    stage.stuck = {f"crvs {CRVS.version}": asyncio.Event().wait, "crvs 9.0": fails}
    for version in ("9.0", "9.1"):
        stage.lineups.take(Wanted((newer(CRVS, version), newer(FARMER, version))))
    gc.collect()
    with capture_logs() as lines:
        await stage.lineups.tidy()
        await stage.lineups.tidy()

    assert sorted(stage.closed) == sorted((f"farmer {FARMER.version}", "farmer 9.0"))
    assert [(one["event"], one["source"]) for one in lines] == [("registry_not_closed", "crvs")] * 2
    assert "1000000001" not in str(lines)


async def test_nobody_holds_a_former_lineup_for_ever(stage: Stage) -> None:
    """Whoever forgot to let go of it."""
    held = stage.lineups.live.rooms
    stage.lineups.take(Wanted((newer(CRVS), FARMER)))
    stage.now = LONGEST_S + 1
    await stage.lineups.tidy()

    assert stage.closed == [f"crvs {CRVS.version}"]
    assert held is not stage.lineups.live.rooms


async def test_what_cannot_be_connected_never_replaces_what_is_in_force(stage: Stage) -> None:
    """It is told, and the version before answers."""
    stage.refused.add("crvs 9.0")
    stage.lineups.take(Wanted((newer(CRVS), FARMER), shadows=(newer(CRVS),), canaries=((0.5, newer(CRVS)),)))

    assert stage.lineups.live.registries["crvs"].manifest == CRVS
    assert [n.kind for n in stage.lineups.notices] == [NoticeKind.NOT_CONNECTED] * 3
    assert (stage.lineups.canaries, stage.lineups.shadow) == ((), None)
    with pytest.raises(ConfigurationError, match="cannot be connected"):
        stage.lineups.may_connect(newer(CRVS))


def test_canaries_nest_by_their_share(stage: Stage) -> None:
    """Who is in the smaller share is in the larger ones too; shadows are beside, and in no answer."""
    wanted = Wanted((CRVS, FARMER), ((0.1, newer(CRVS)), (0.5, newer(FARMER))), (newer(FARMER, "9.9"),))
    stage.lineups.take(wanted)

    both, one = stage.lineups.canaries
    assert {m.id: m.version for m in both.manifests} == {"crvs": "9.0", "farmer": "9.0"}
    assert {m.id: m.version for m in one.manifests} == {"crvs": CRVS.version, "farmer": "9.0"}
    assert [share for share, _ in stage.lineups.live.rooms.canaries] == [0.1, 0.5]
    assert stage.lineups.live.rooms.is_shadowed
    assert [m.version for m in stage.lineups.shadowed] == ["9.9"]
    assert {m.version for m in stage.lineups.live.manifests} == {CRVS.version, FARMER.version}
    assert stage.lineups.known()["farmer"].manifest == FARMER


def test_what_is_switched_off_is_off_from_the_first_moment(stage: Stage) -> None:
    """A new version of it as well."""
    stage.off.add("crvs")
    stage.lineups.take(Wanted((newer(CRVS), FARMER)))

    assert stage.lineups.live.registries["crvs"].guarded.is_suspended
    assert not stage.lineups.live.registries["farmer"].guarded.is_suspended


def test_a_start_without_references_names_them_all() -> None:
    """The gateway does not start; nothing answers before."""
    lineups = Lineups(lambda _: pytest.fail("connected"), lambda *_: pytest.fail("wired"), {})

    with pytest.raises(ConfigurationError, match=r"HEARTH_CRVS_URL.*HEARTH_FARMER_URL"):
        lineups.start(Wanted((CRVS, FARMER)), frozenset({"crvs", "farmer"}))
    with pytest.raises(ConfigurationError, match="nothing is connected"):
        _ = lineups.live


def test_manifests_are_those_of_the_moment() -> None:
    """Whoever holds on to them sees what answers by now."""
    current = [CRVS]
    manifests = Manifests(lambda: current)

    assert (dict(manifests), len(manifests)) == ({"crvs": CRVS}, 1)
    current.append(FARMER)
    assert set(manifests) == {"crvs", "farmer"}
    assert manifests.get("land") is None


def test_a_registered_version_without_its_secret_keeps_nobody_from_starting(stage: Stage) -> None:
    """What was live before it answers, and it is told."""
    stage.environment["HEARTH_CRVS_URL"] = ""
    second = Lineups(stage.connect, stage.wire, stage.environment, lambda _: False)
    stage.refused.add("crvs 9.0")
    second.start(Wanted((newer(CRVS), FARMER), instead={"crvs": (CRVS,)}), frozenset({"crvs", "farmer"}))

    assert second.live.registries["crvs"].manifest == CRVS
    assert [n.kind for n in second.notices] == [NoticeKind.NOT_CONNECTED]


def test_what_was_taken_back_answers_no_more_though_nothing_can_take_its_place(stage: Stage) -> None:
    """A rollback, or an end, is not undone by a secret that is missing."""
    stage.lineups.take(Wanted((newer(CRVS), FARMER)))
    stage.refused.add("crvs 9.5")
    wanted = Wanted((newer(CRVS, "9.5"), FARMER), ended=frozenset({("crvs", "9.0")}))

    assert stage.lineups.take(wanted)
    assert "crvs" not in stage.lineups.live.registries
    assert stage.lineups.take(wanted._replace(instead={"crvs": (CRVS,)}))
    assert stage.lineups.live.registries["crvs"].manifest == CRVS


@pytest.fixture
def _frozen() -> Iterator[None]:
    """What other tests have left is not looked through at each collection."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_frozen")
async def test_a_hundred_changes_leave_nothing_behind(stage: Stage) -> None:
    """Neither connections nor rooms nor tasks."""
    tasks = len(asyncio.all_tasks())
    for number in range(100):
        stage.lineups.take(Wanted((newer(CRVS, f"9.{number}"), FARMER), shadows=(newer(FARMER, f"9.{number}"),)))
        gc.collect()
        await stage.lineups.tidy()

    assert len(stage.opened) - len(stage.closed) == 3
    assert {one.manifest.version for one in stage.lineups.everybody()} == {"9.99", FARMER.version}
    assert {one.manifest.version for one in stage.lineups._unused} <= {"9.99", FARMER.version}
    assert (len(stage.lineups._former), len(asyncio.all_tasks())) == (0, tasks)

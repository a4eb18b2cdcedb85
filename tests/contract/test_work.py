"""Durable work, in memory and on dbos over SQLite and PostgreSQL: the same promises."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.ports import Again, Work
from gateway.work import MemoryWork, open_work
from gateway.work.living import Living, open_engine
from gateway.work.seal import Seal, UnsealError
from tests.databases import postgresql

pytestmark = pytest.mark.contract

KEY = b"k" * 32
CANARY = "Asha Moyo 1000000001"
Make = Callable[[str], Work]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """What makes the work of one process, by its name."""
    if request.param == "memory":
        yield lambda _name: MemoryWork()
    elif request.param == "sqlite":
        yield lambda name: open_work(f"sqlite:///{tmp_path / 'work.db'}", Seal(KEY), name)
    else:
        with postgresql() as url:
            yield lambda name: open_work(url, Seal(KEY), name)


@pytest.fixture
def durable(tmp_path: Path) -> Make:
    """The same, where work outlives its process."""
    return lambda name: open_work(f"sqlite:///{tmp_path / 'work.db'}", Seal(KEY), name)


class Done:
    """A handler that notes what it was called with, and does what it is told."""

    def __init__(self, *says: Again | Exception | None) -> None:
        self.calls: list[tuple[str, Mapping[str, Any], int]] = []
        self._says = list(says)
        self._called = asyncio.Condition()

    async def __call__(self, id: str, content: Mapping[str, Any], tries: int) -> Again | None:
        async with self._called:
            self.calls.append((id, content, tries))
            self._called.notify_all()
        said = self._says.pop(0) if self._says else None
        if isinstance(said, Exception):
            raise said
        return said

    async def times(self, count: int) -> None:
        async with asyncio.timeout(20), self._called:
            await self._called.wait_for(lambda: len(self.calls) >= count)


@asynccontextmanager
async def working(work: Work, **handlers: Any) -> AsyncIterator[Work]:
    """Work that is open."""
    for kind, handler in handlers.items():
        work.handle(kind, handler)
    await work.open()
    try:
        yield work
    finally:
        await work.close()


async def test_work_is_done_once(make: Make):
    """A handler is given id, content and that it is the first try."""
    done = Done()
    async with working(make("a"), kind=done) as work:
        await work.start("kind", "w-1", {"n": [1, {"x": "y"}]})
        await done.times(1)
    assert done.calls == [("w-1", {"n": [1, {"x": "y"}]}, 0)]


async def test_work_that_waits_or_is_done_is_not_started_again(make: Make):
    """Starting is idempotent by id, until the work is over."""
    done = Done()
    async with working(make("a"), kind=done) as work:
        for _ in range(3):
            await work.start("kind", "w-1", {}, after_s=0.4)
        await done.times(1)
        await work.start("kind", "last", {})
        await done.times(2)
    assert [called for called, _, _ in done.calls] == ["w-1", "last"]


async def test_work_that_is_over_can_be_started_again(make: Make):
    """An id is free again once its work is done."""
    done = Done()
    async with working(make("a"), kind=done) as work:
        await work.start("kind", "w-1", {"n": 1})
        await done.times(1)
        async with asyncio.timeout(20):
            while len(done.calls) < 2:
                await work.start("kind", "w-1", {"n": 2})
                await asyncio.sleep(0.05)
    assert done.calls[1] == ("w-1", {"n": 2}, 0)


async def test_again_means_later(make: Make):
    """A handler that says so is called again, with the number of tries, not before its time."""
    done, started = Done(Again(0.5), Again(0)), time.monotonic()
    async with working(make("a"), kind=done) as work:
        await work.start("kind", "w-1", {"n": 1})
        await done.times(3)
    assert [tries for _, _, tries in done.calls] == [0, 1, 2]
    assert time.monotonic() - started >= 0.5


async def test_a_handler_that_raises_is_called_again(make: Make):
    """Whatever went wrong, the work is not done."""
    done = Done(ValueError("of this try"))
    async with working(make("a"), kind=done) as work:
        await work.start("kind", "w-1", {})
        await done.times(2)
    assert [tries for _, _, tries in done.calls] == [0, 1]


async def test_cancelled_work_is_not_begun(make: Make):
    """What waits can be let be; cancelling what nobody knows changes nothing."""
    done = Done()
    async with working(make("a"), kind=done) as work:
        await work.start("kind", "w-1", {}, after_s=0.4)
        await work.cancel("w-1")
        await work.cancel("nobody")
        await work.start("kind", "w-2", {}, after_s=0.8)
        await done.times(1)
    assert [called for called, _, _ in done.calls] == ["w-2"]


async def test_work_under_way_that_is_cancelled_is_not_tried_again(make: Make):
    """It is finished, and that was it."""
    begun, go, last = asyncio.Event(), asyncio.Event(), Done()
    tries = []

    async def slow(_id: str, _content: Mapping[str, Any], tried: int) -> Again:
        tries.append(tried)
        begun.set()
        await go.wait()
        return Again(0)

    async with working(make("a"), slow=slow, kind=last) as work:
        await work.start("slow", "w-1", {})
        await begun.wait()
        await work.cancel("w-1")
        go.set()
        await work.start("kind", "w-2", {}, after_s=0.6)
        await last.times(1)
    assert tries == [0]


async def test_one_that_hangs_holds_up_nobody(make: Make):
    """Work of many is done side by side."""
    done = Done()

    async def hangs(_id: str, _content: Mapping[str, Any], _tries: int) -> None:
        await asyncio.Event().wait()

    async with working(make("a"), hangs=hangs, kind=done) as work:
        for number in range(20):
            await work.start("hangs", f"h-{number}", {})
        await work.start("kind", "w-1", {})
        await done.times(1)
        closing = time.monotonic()
    assert time.monotonic() - closing < 3, "stops soon, whatever is under way"


async def test_what_was_not_done_is_done_after_a_restart(durable: Make):
    """What waits, and what was under way, goes on under the same name."""
    begun, done = asyncio.Event(), Done()

    async def hangs(_id: str, _content: Mapping[str, Any], _tries: int) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with working(durable("a"), kind=hangs) as work:
        await work.start("kind", "under-way", {"n": 1})
        await begun.wait()
        await work.start("kind", "waits", {"n": 2}, after_s=0.3)
    async with working(durable("a"), kind=done):
        await done.times(2)
    assert sorted(called for called, _, _ in done.calls) == ["under-way", "waits"]


async def test_another_process_takes_over(durable: Make, tmp_path: Path):
    """What a process held that is not heard of any more is done by one that lives."""
    begun, done = asyncio.Event(), Done()

    async def hangs(_id: str, _content: Mapping[str, Any], _tries: int) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with working(durable("dead"), kind=hangs) as work:
        await work.start("kind", "w-1", {})
        await begun.wait()
    async with working(durable("alive"), kind=done):
        await done.times(1)
    assert done.calls == [("w-1", {}, 0)]
    living = Living(open_engine(f"sqlite:///{tmp_path / 'work.db'}"), "witness")
    assert [beat.name for beat in living.dead()] == ["alive"], "buried is who was taken over from; the other has left"


async def test_no_store_holds_anything_in_clear(durable: Make, tmp_path: Path):
    """Neither content nor the text of an error can be read in the files."""
    done = Done(ValueError(CANARY), Again(1000))
    async with working(durable("a"), kind=done) as work:
        await work.start("kind", "w-1", {"name": CANARY})
        await work.start("kind", "w-2", {"name": CANARY}, after_s=1000)
        await done.times(2)
        assert CANARY.encode() not in _content(tmp_path)
    assert CANARY.encode() not in _content(tmp_path)


async def test_what_is_done_leaves_nothing_behind(durable: Make, tmp_path: Path):
    """Rows of finished work are deleted."""
    done = Done()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'work.db'}")
    async with working(durable("a"), kind=done) as work:
        for number in range(5):
            await work.start("kind", f"w-{number}", {})
        await done.times(5)
        async with asyncio.timeout(20):
            while _rows(engine):  # noqa: ASYNC110 - the condition is the database's
                await asyncio.sleep(0.1)
    engine.dispose()


def _content(folder: Path) -> bytes:
    files = sorted(folder.glob("work.db*"))
    assert files
    return b"".join(file.read_bytes() for file in files)


def _rows(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM workflow_status").scalar_one())


def test_a_seal_fits_one_place_and_one_key():
    """What was sealed elsewhere, or by another, or was changed, is not opened."""
    sealed = Seal(KEY).sealed({"a": 1}, "here")
    assert Seal(KEY).opened(sealed, "here") == {"a": 1}
    for seal, what, place in (
        (Seal(KEY), sealed, "there"),
        (Seal(b"o" * 32), sealed, "here"),
        (Seal(KEY), sealed[:-1] + bytes([sealed[-1] ^ 1]), "here"),
        (Seal(KEY), b"", "here"),
    ):
        with pytest.raises(UnsealError):
            seal.opened(what, place)

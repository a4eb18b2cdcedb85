"""Uses of a connection: whoever leaves does not wait, and whoever has the connection next notices nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest

from adapters.generic.sql.using import Use
from tests.virtual_time import run


class Pool:
    """One connection; told to end its statement, it does so the `deaf_for`-th time, if it was heard."""

    def __init__(self, *, deaf_for: int = 1, connecting: int = 0, opening_s: float = 0) -> None:
        self.deaf_for, self.connecting, self.opening_s = deaf_for, connecting, opening_s
        self.told: list[str] = []
        self.ended = asyncio.Event()
        self.driver_connection = self

    async def connect(self) -> Pool:
        for _ in range(self.connecting):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
        if self.opening_s:
            await asyncio.sleep(self.opening_s)
            self.told.append("open")
        return self

    async def get_raw_connection(self) -> Pool:
        return self

    async def talk(self, _connection: object) -> str:
        await self.ended.wait()
        return "rows"

    async def interrupt(self) -> None:
        self.told.append("end")
        if len(self.told) == self.deaf_for:
            self.ended.set()

    async def cancel_safe(self, *, timeout: float) -> None:  # noqa: ASYNC109 - the driver's word
        self.told.append("end")
        self.ended.set()
        await asyncio.sleep(timeout / 2)
        self.told.append("heard")

    async def close(self) -> None:
        self.told.append("back")

    def use(self, *, is_sqlite: bool = False) -> Use[str]:
        return Use(cast("Any", self), self.talk, is_sqlite=is_sqlite)


def test_a_connection_is_not_given_back_while_its_statement_is_told_to_end() -> None:
    """The statement that ended by itself meanwhile is none of the next one's."""

    async def main(_loop: object) -> None:
        pool = Pool()
        use = pool.use()
        await asyncio.sleep(0)
        use.stop()
        assert await use.work == "rows"
        assert pool.told == ["end", "heard", "back"]

    run(main)


def test_a_statement_that_began_after_it_was_told_to_end_is_told_again() -> None:
    """In SQLite nothing else would ever end it."""

    async def main(_loop: object) -> None:
        pool = Pool(deaf_for=3)
        use = pool.use(is_sqlite=True)
        await asyncio.sleep(0)
        use.stop()
        await asyncio.sleep(10)
        assert use.work.done()
        assert pool.told == ["end", "end", "end", "back"]

    run(main)


def test_connecting_ends_although_the_driver_clings_to_it() -> None:
    """It waits for the server once more when it is cancelled."""

    async def main(_loop: object) -> None:
        pool = Pool(connecting=2)
        use = pool.use()
        await asyncio.sleep(0)
        use.stop()
        await asyncio.sleep(10)
        assert use.work.cancelled()
        assert pool.told == ["back"]

    run(main)


def test_a_file_that_is_being_opened_is_closed_once_it_is_open() -> None:
    """Its driver would lose the connection if it was interrupted there."""

    async def main(_loop: object) -> None:
        pool = Pool(opening_s=1)
        use = pool.use(is_sqlite=True)
        await asyncio.sleep(0)
        use.stop()
        await asyncio.sleep(10)
        assert use.work.cancelled()
        assert pool.told == ["open", "back"]

    run(main)


def test_what_is_over_is_not_told_to_end() -> None:
    """The connection is somebody else's by then."""

    async def main(_loop: object) -> None:
        pool = Pool()
        pool.ended.set()
        use = pool.use()
        assert await use.work == "rows"
        use.stop()
        await asyncio.sleep(10)
        assert pool.told == ["back"]

    run(main)


@pytest.mark.parametrize("is_sqlite", [True, False])
def test_a_use_that_nobody_leaves_gives_its_connection_back(is_sqlite: bool) -> None:
    """Nothing is told to end."""

    async def main(_loop: object) -> None:
        pool = Pool()
        use = pool.use(is_sqlite=is_sqlite)
        pool.ended.set()
        assert await use.work == "rows"
        assert pool.told == ["back"]

    run(main)

"""Drops as they come and go: what is asked is always one whole list, whatever happens where it lies."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable

import pytest

from adapters.generic.files.index import Index
from adapters.generic.files.options import FilesOptions
from adapters.generic.files.place import Entry, PlaceError
from adapters.generic.files.way import Contents, Drops
from adapters.ports import Deadline
from standards.errors import SourceContractError, SourceUnavailableError

NOW = 1_800_000_000.0
OPTIONS = {"pattern": "*", "max_age_h": 48, "settle_s": 0, "look_s": 0.001, "lookups": {}}


def written(*names):
    """Return a list of people, numbered."""
    return b"no,name\n" + "".join(f"{at},{name}\n" for at, name in enumerate(names)).encode()


class Shelf:
    """A place whose files change when a test says so, in the middle of anything."""

    def __init__(self, **files):
        self.files = {name: (content, NOW - 3600) for name, content in files.items()}
        self.fails: Exception | None = None
        self.when_brought: Callable[[], object] = lambda: None

    async def look(self):
        if self.fails is not None:
            raise self.fails
        return [Entry(name, len(content), changed) for name, (content, changed) in self.files.items()]

    async def bring(self, entry):
        content = io.BytesIO(self.files[entry.name][0])
        self.when_brought()
        return content


@pytest.fixture
async def opened():
    """Give what opens the way to a shelf; each is closed afterwards."""
    ways = []

    def open_(shelf, plain=lambda row: row, **changes):
        contents = Contents(("name", "no"), lambda row: [("no", row["no"])], plain)
        options = FilesOptions.model_validate(OPTIONS | changes)
        ways.append(Drops("grants", shelf, options, contents, clock=lambda: NOW))
        return ways[-1]

    yield open_
    for way in ways:
        await way.close()


async def first(way):
    """Return the name of whoever is first in the list."""
    (rows,) = (await way.find([("no", "0")], 1, Deadline.after(5))).of_keys
    return rows[0][1]["name"]


async def test_a_list_that_is_replaced_while_it_is_read_is_not_taken(opened):
    """Part of either may have been read; the next look takes the new one."""
    shelf = Shelf(list=written("Moyo"))
    way = opened(shelf)
    new = (written("Banda"), NOW - 60)
    shelf.when_brought = lambda: shelf.files.update(list=new)
    assert (await way.look()).trouble == "the list was changed while it was read"
    with pytest.raises(SourceUnavailableError, match="changed"):
        way._usable()
    assert (await way.look()).trouble is None
    assert await first(way) == "Banda"


async def test_a_list_that_vanishes_while_it_is_read_is_not_taken(opened):
    """The one before serves."""
    shelf = Shelf(old=written("Moyo"))
    way = opened(shelf)
    await way.look()
    shelf.files["new"] = (written("Banda"), NOW - 60)
    shelf.when_brought = lambda: shelf.files.pop("new")
    assert (await way.look()).rows == 1
    assert await first(way) == "Moyo"


async def test_a_defect_of_our_own_refuses_one_list_and_no_other(opened):
    """Its class is told, and nothing that it may hold."""

    def plain(row):
        if row["name"] == "Canary":
            raise RecursionError(row["name"])
        return row

    shelf = Shelf(old=written("Moyo"))
    way = opened(shelf, plain)
    assert await first(way) == "Moyo"
    shelf.files["new"] = (written("Canary"), NOW - 60)
    assert (await way.look()).trouble == "RecursionError"
    assert await first(way) == "Moyo"
    shelf.files["newer"] = (written("Banda"), NOW - 30)
    assert (await way.look()).trouble is None
    assert await first(way) == "Banda"


async def test_a_full_disk_is_no_fault_of_the_list(opened, monkeypatch):
    """It is read again, and taken once there is room."""
    way = opened(Shelf(list=written("Moyo", *["x"] * 3000)))
    open_ = Index.__init__

    def cramped(self, columns):
        open_(self, columns)
        self._database.execute("PRAGMA max_page_count=4")

    with monkeypatch.context() as full:
        full.setattr(Index, "__init__", cramped)
        assert (await way.look()).trouble == "this machine has no room to read the list (OperationalError)"
    assert (await way.look()).trouble is None
    assert await first(way) == "Moyo"


async def test_a_defect_of_the_place_is_told_and_passes(opened):
    """Whatever it raises: the registry is not asked in vain for ever."""
    shelf = Shelf(old=written("Moyo"))
    shelf.fails = ZeroDivisionError("Canary")
    way = opened(shelf)
    assert (await way.look()).trouble == "ZeroDivisionError"
    with pytest.raises(SourceContractError, match="ZeroDivisionError"):
        way._usable()
    shelf.fails = None
    await way.look()
    assert await first(way) == "Moyo"


async def test_an_outage_keeps_nobody_who_asked_meanwhile(opened):
    """Every question gets an error of its own."""
    shelf = Shelf()
    shelf.fails = PlaceError("away")
    way = opened(shelf)
    caught = []
    for _ in range(2):
        with pytest.raises(SourceUnavailableError, match="away") as raised:
            await first(way)
        caught.append(raised.value)
    assert caught[0] is not caught[1]


async def test_questions_go_on_while_lists_come_and_go(opened):
    """Each is answered of one list, and none by a list that was let go."""
    shelf = Shelf(list=written("0", *["x"] * 3000))
    way = opened(shelf)
    way.begin(lambda: False)
    seen = set()
    end = time.monotonic() + 20
    for at in range(1, 12):
        shelf.files["list"] = (written(str(at), *["x"] * 3000), NOW - 3600 + at)
        while str(at) not in seen and time.monotonic() < end:
            seen.update(await asyncio.gather(*(first(way) for _ in range(20))))
    assert seen >= {str(at) for at in range(1, 12)}
    shelf.fails = PlaceError("away")
    while way.state().trouble is None:  # noqa: ASYNC110 - it tells nobody of itself
        await asyncio.sleep(0)
    assert await first(way) == "11"

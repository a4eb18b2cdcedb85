"""The consumer's time in a real gateway under load: kept in every fault; others served as ever; nothing left behind.

Moments are judged by the gateway's own word, and beside questions without a fault that were asked in between, so that
cores which are busy with something else slow down both. What is exact to the millisecond is in
`tests/properties/test_deadlines.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest

from tests.e2e.fetching import PLACES, FetchingCountry, comes, fetching_country
from tests.e2e.test_fetching_load import MODES, WAVES, numbers, volley

__all__ = ["numbers"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

DEADLINE_MS = 600
LATE_MS = 50
AT_ONCE = 6
TCP_STATES = {"01": "established", "08": "close_wait"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FetchingCountry]:
    """A sandbox for this file."""
    with fetching_country(tmp_path_factory.mktemp("deadlines")) as country:
        yield country


@pytest.fixture
def country(own: FetchingCountry) -> Iterator[FetchingCountry]:
    """The sandbox with nothing remembered, no faults and counters at zero."""
    own.fresh()
    yield own
    own.fresh()


class Watch:
    """How long the gateway took, by its own log, for what it was asked since."""

    def __init__(self, country: FetchingCountry) -> None:
        self._file = country.folder / "gateway.log"
        self._from = self._file.stat().st_size

    def took_ms(self, consumer: str, count: int) -> list[float]:
        """How long each of so many questions of a consumer took; all have been answered."""
        assert comes(lambda: len(self._seen(consumer)) >= count)
        return self._seen(consumer)

    def _seen(self, consumer: str) -> list[float]:
        with self._file.open("rb") as stream:
            stream.seek(self._from)
            lines = [json.loads(line) for line in stream if line.endswith(b"\n")]
        return [x["duration_ms"] for x in lines if x["event"] == "request" and x.get("consumer") == consumer]


def timed_volley(country: FetchingCountry, numbers: list[str]) -> tuple[list[dict[str, Any]], list[float]]:
    """Ask about some households at once, with little time; the items, and the gateway's own times in milliseconds."""
    watch = Watch(country)
    items = [item for item, _ in asyncio.run(volley(country, numbers[:AT_ONCE], DEADLINE_MS))]
    return items, watch.took_ms("load", AT_ONCE)


@pytest.mark.parametrize("registry", WAVES)
def test_whatever_a_registry_does_the_answer_is_there_in_time(country: FetchingCountry, numbers, registry):
    """At each wave: no more than 50 ms beyond the deadline, and than questions take beside which nothing is wrong."""
    timed_volley(country, numbers)
    for mode, more in MODES.items():
        faulty, well = list[float](), list[float]()
        for _ in range(3 if mode == "slow" else 1):
            country.fresh()
            _, took = timed_volley(country, numbers)
            well += took
            country.fault(registry, mode=mode, **more)
            items, took = timed_volley(country, numbers)
            faulty += took
            assert {item["status"] for item in items} <= {"succ", "rjct"}
            told = [item["data"]["hearth:sources"][registry] for item in items if item["status"] == "succ"]
            assert told, (mode, "none of the questions was answered")
            assert all(one["reason"] for one in told), (mode, told)
        assert median(faulty) <= DEADLINE_MS + LATE_MS + median(well), (mode, faulty, well)


def test_who_does_not_need_a_silent_registry_does_not_notice(country: FetchingCountry, numbers):
    """More questions wait for it than it may be asked at once; another programme's are answered as soon as before."""
    ask = "forgiving"  # takes nothing that is older than a moment, and nothing from the tax office
    country.answer(ask)
    beside, alone = list[float](), list[float]()
    for _ in range(3):
        country.fresh()
        watch = Watch(country)
        for _ in range(3):
            country.answer(ask)
        alone += watch.took_ms(ask, 3)

        country.fault("tax", mode="slow", delay_ms=60_000)
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(lambda: asyncio.run(volley(country, numbers[: 2 * PLACES], 2000)))
            assert comes(lambda: country.calls("tax")["total"] >= PLACES)
            watch = Watch(country)
            for _ in range(3):
                told = country.answer(ask)["data"]["hearth:sources"]
                assert {one["outcome"] for one in told.values()} <= {"answered", "not_asked"}
            beside += watch.took_ms(ask, 3)
            for item, _ in waiting.result():
                said = {name: one["outcome"] for name, one in item["data"]["hearth:sources"].items() if name != "tax"}
                assert set(said.values()) <= {"answered", "not_asked"}, said
        assert country.calls("tax")["total"] <= PLACES * 2, "each of the places is tried once more at most"
    assert median(beside) <= 3 * median(alone) + LATE_MS
    assert open_breakers(country) <= {"tax"}


def open_breakers(country: FetchingCountry) -> set[str]:
    """Registries that are left alone."""
    text = country.http.get(f"{country.content['gateway']}/metrics").raise_for_status().text
    return set(re.findall(r'^hearth_source_breaker_open\{source="(\w+)"\} 1', text, re.MULTILINE))


def sockets(country: FetchingCountry) -> Counter[str]:
    """The gateway's TCP connections by state."""
    process = Path(f"/proc/{country.pid}")
    mine = set()
    for entry in (process / "fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            mine.add(entry.readlink().name)
    lines = (process / "net" / "tcp").read_text(encoding="ascii").splitlines()[1:]
    stated = [(fields[3], f"socket:[{fields[9]}]") for fields in map(str.split, lines)]
    return Counter(TCP_STATES.get(state, "other") for state, name in stated if name in mine)


def a_round(country: FetchingCountry, numbers: list[str]) -> None:
    """Every mode once at every wave, some consumers hanging up."""
    for registry in WAVES:
        for mode, more in MODES.items():
            country.fresh()  # an open breaker would keep everything else from the registry
            country.fault(registry, mode=mode, **more)
            with ThreadPoolExecutor() as pool:
                gone = [pool.submit(country.post, "load", timeout_s=0.05) for _ in range(2)]
                asyncio.run(volley(country, numbers[:AT_ONCE], 200))
                for one in gone:
                    with contextlib.suppress(httpx.HTTPError):
                        one.result()
            country.mend(registry)


def test_rounds_of_every_fault_leave_nothing_behind(country: FetchingCountry, numbers):
    """Neither tasks, calls, connections nor memory: after three times as many it is as after one."""
    timed_volley(country, numbers)
    country.token("load")
    tasks, files = country.metric("hearth_tasks"), country.open_files()
    pooled = PLACES * len(country.content["registries"])  # connections that wait for the next call

    def is_quiet() -> bool:
        return country.metric("hearth_source_calls_under_way") == 0 and country.metric("hearth_tasks") <= tasks

    a_round(country, numbers)
    assert comes(is_quiet)
    memory, connections = country.memory_bytes(), sockets(country)["established"]
    for _ in range(3):
        a_round(country, numbers)
    assert comes(is_quiet)
    assert country.memory_bytes() - memory < 48 * 2**20
    country.fresh()
    assert comes(lambda: sockets(country)["close_wait"] == 0), sockets(country)
    assert sockets(country)["established"] <= connections + PLACES, (sockets(country), connections)
    assert comes(lambda: country.open_files() <= files + pooled)
    items, _ = timed_volley(country, numbers)
    assert {item["status"] for item in items} == {"succ"}
    assert not [line for line in country.log() if line["event"] in {"unexpected_error", "library_message"}]

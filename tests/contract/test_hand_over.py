"""What worker processes of one gateway promise each other about callbacks, in memory and in a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import pytest

from adapters.callbacks import Arrival, Beyond, Waiting
from adapters.ports import Deadline
from adapters.said import Signed, listen
from gateway import handover
from gateway.handover import HandOver
from standards.errors import ConfigurationError
from tests.builders import KEYS

pytestmark = pytest.mark.contract

LONG = Deadline.after(3600)
Worker = Callable[[], Beyond]


class MemoryBeyond:
    """The same within one process: `shared` is what the file is."""

    _numbers = count()

    def __init__(self, shared: dict[tuple[str, ...], tuple[str, int]], arrived: list[tuple[int, str, Arrival]]) -> None:
        self._expected, self._arrived, self._owner = shared, arrived, next(self._numbers)

    async def expect(self, keys: Sequence[tuple[str, ...]], waiter: str) -> None:
        self._expected.update(dict.fromkeys(keys, (waiter, self._owner)))

    async def hand_over(self, arrival: Arrival) -> bool:
        for key in arrival.known_by():
            waiter, owner = self._expected.get(key, ("", self._owner))
            if owner != self._owner:
                self._arrived.append((owner, waiter, arrival))
                return True
        return False

    async def collect(self) -> Sequence[tuple[str, Arrival]]:
        mine = [one for one in self._arrived if one[0] == self._owner]
        self._arrived[:] = [one for one in self._arrived if one[0] != self._owner]
        return [(waiter, arrival) for _, waiter, arrival in mine]

    async def forget(self, waiter: str) -> None:
        for key in [key for key, (whose, _) in self._expected.items() if whose == waiter]:
            del self._expected[key]
        self._arrived[:] = [one for one in self._arrived if one[1] != waiter]

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(params=["memory", "file"])
def worker(request: pytest.FixtureRequest, tmp_path) -> Iterator[Worker]:
    """Makes one more worker of the same gateway."""
    opened: list[Beyond] = []
    shared: dict[tuple[str, ...], tuple[str, int]] = {}
    arrived: list[tuple[int, str, Arrival]] = []

    def made() -> Beyond:
        in_file = request.param == "file"
        opened.append(HandOver(tmp_path / "callbacks.db", KEYS) if in_file else MemoryBeyond(shared, arrived))
        return opened[-1]

    yield made
    for one in opened:
        one.close()


def arrival(reference: str = "m-1", *, source_id: str = "crvs", correlation: str = "") -> Arrival:
    """Return a callback."""
    message = {"message": {"transaction_id": "t", "search_response": [{"reference_id": reference}]}}
    if correlation:
        message = {"message": {"correlation_id": correlation, "search_response": []}}
    return Arrival(source_id, b'{"as":"it came"}', message, "", Signed("kid", "jws", "2026-11-21T10:00:00+00:00"))


@pytest.mark.parametrize("by", ["reference", "handle"])
async def test_a_callback_is_given_to_the_worker_whose_question_it_answers(worker: Worker, by: str):
    """Whole, with its signature; and nothing is left."""
    asking, other = Waiting(worker(), poll_s=0.001), Waiting(worker(), poll_s=0.001)
    called_back = arrival(correlation="c") if by == "handle" else arrival()
    said = listen()
    async with asking.expect("crvs", "t", ["m-1"], 10_000) as expected:
        await expected.acknowledged("c")

        assert await other.arrived(called_back)
        assert await expected.next(LONG) == called_back
    assert [one.signed for one in said] == [called_back.signed]
    assert not await other.arrived(called_back), "nobody waits for it any more"


async def test_what_nobody_expects_is_taken_by_nobody(worker: Worker):
    """Of another registry, about another question, or expected by the very worker that asks the others."""
    asking, other = Waiting(worker(), poll_s=0.001), worker()
    async with asking.expect("crvs", "t", ["m-1"], 10_000):
        assert not await other.hand_over(arrival("m-2"))
        assert not await other.hand_over(arrival(source_id="tax"))
        assert not await asking._beyond.hand_over(arrival())  # type: ignore[union-attr] # it has one here
        assert not await other.collect()


async def test_several_workers_each_get_their_own(worker: Worker):
    """Whoever looks first takes nothing of the others'."""
    workers = [worker() for _ in range(3)]
    for number, one in enumerate(workers):
        await one.expect([("crvs", "reference", "t", f"m-{number}")], f"w-{number}")
    for number in range(3):
        assert await workers[(number + 1) % 3].hand_over(arrival(f"m-{number}"))

    assert [[waiter for waiter, _ in await one.collect()] for one in workers] == [["w-0"], ["w-1"], ["w-2"]]
    assert [await one.collect() for one in workers] == [[], [], []]


def test_a_file_that_cannot_be_used_is_found_at_start(tmp_path):
    """And named."""
    with pytest.raises(ConfigurationError, match=r"callbacks\.db"):
        HandOver(tmp_path / "no such folder" / "callbacks.db", KEYS)


async def test_the_file_holds_nothing_in_clear(tmp_path):
    """Neither of the question nor of its answer."""
    asking, other = (HandOver(tmp_path / "callbacks.db", KEYS) for _ in range(2))
    await asking.expect([("crvs", "reference", "t-UIN-2000000014", "m-1")], "waiter")
    named = Arrival(
        "crvs",
        b"Asha",
        {
            "message": {
                "transaction_id": "t-UIN-2000000014",
                "search_response": [{"reference_id": "m-1", "name": "Asha"}],
            }
        },
    )
    assert await other.hand_over(named)
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert asking.counts() == (1, 1)
    assert b"Asha" not in stored
    assert b"2000000014" not in stored
    assert await asking.collect() == [("waiter", named)]
    for one in (asking, other):
        one.close()


async def test_what_a_dead_worker_left_is_swept_away(tmp_path, monkeypatch):
    """When its time is over, by whoever comes next."""
    dead, heir = (HandOver(tmp_path / "callbacks.db", KEYS) for _ in range(2))
    monkeypatch.setattr(handover, "LONGEST_S", -1.0)
    await dead.expect([("crvs", "reference", "t", "m-1")], "waiter")
    await heir.hand_over(arrival())
    monkeypatch.setattr(handover, "LONGEST_S", 600.0)
    await heir.expect([("crvs", "reference", "t", "m-2")], "waiter-2")

    assert heir.counts() == (1, 0)
    for one in (dead, heir):
        one.close()


async def test_what_others_put_into_the_file_is_not_taken(tmp_path):
    """Only this gateway's keys seal what it opens."""
    one = HandOver(tmp_path / "callbacks.db", KEYS)
    with sqlite3.connect(tmp_path / "callbacks.db") as file:
        insert = "INSERT INTO arrived (waiter, owner, until, sealed) VALUES ('w', ?, 9e9, x'00')"
        file.execute(insert, (one._owner,))

    assert await one.collect() == []
    one.close()

"""What every replay guard promises: the first of a kind is noted, and known again, as long as it counts."""

import asyncio
import stat
from collections.abc import Callable

import pytest

from gateway.trust.replay import Again, KeptReplay, MemoryReplay, ReplayGuard, SharedReplay, open_replay
from gateway.trust.replay_database import DatabaseReplay
from standards.errors import ConfigurationError
from tests.databases import postgresql

pytestmark = pytest.mark.contract

WINDOW_S = 360.0


class Clock:
    """A time of day that moves when told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    """The time."""
    return Clock()


@pytest.fixture(params=["memory", "kept", "shared", "postgresql"])
def guard(request, tmp_path, clock):
    """Each version in turn."""
    if request.param == "postgresql":
        with postgresql() as url:
            found = DatabaseReplay(url, WINDOW_S, clock)
            yield found
            found.close()
        return
    makers: dict[str, Callable[[], ReplayGuard]] = {
        "memory": lambda: MemoryReplay(WINDOW_S, clock),
        "kept": lambda: KeptReplay(tmp_path / "replay.db", WINDOW_S, clock),
        "shared": lambda: SharedReplay(tmp_path / "replay.db", WINDOW_S, clock),
    }
    made = makers[request.param]()
    yield made
    made.close()


async def test_the_first_is_new_and_every_other_is_not(guard):
    """The same body or another one, which is told apart."""
    assert await guard.first("uct", "m-1", b"body") is None
    assert await guard.first("uct", "m-1", b"body") == Again(is_same=True, answer=None)
    assert await guard.first("uct", "m-1", b"other") == Again(is_same=False, answer=None)


async def test_ids_are_a_senders_own(guard):
    """Two senders may use one id, and no two names run into one another."""
    assert await guard.first("uct", "m-1", b"body") is None
    assert await guard.first("cct", "m-1", b"body") is None
    assert await guard.first("a\x00b", "c", b"body") is None
    assert await guard.first("uctm", "-1", b"body") is None


async def test_what_it_was_answered_with_is_kept(guard):
    """For whoever did not get it."""
    await guard.first("uct", "m-1", b"body")
    await guard.answered("uct", "m-1", b"ACK")

    assert await guard.first("uct", "m-1", b"body") == Again(is_same=True, answer=b"ACK")


@pytest.mark.parametrize("moments", [(0, 359), (0, 300, 359), (100, 300, 459), (359, 718)])
async def test_it_counts_for_the_whole_window(guard, clock, moments):
    """However the time falls: from the first moment to the last but one, it is known."""
    start, *later = moments
    clock.now += start
    assert await guard.first("uct", "m-1", b"body") is None
    for moment in later:
        clock.now = 1_000_000.0 + moment
        await guard.first("uct", f"other-{moment}", b"body")
        assert await guard.first("uct", "m-1", b"body") is not None


async def test_after_the_window_it_is_forgotten(guard, clock):
    """Its message_ts would be refused by then."""
    await guard.first("uct", "m-1", b"body")
    await guard.answered("uct", "m-1", b"ACK")
    clock.now += WINDOW_S + 1

    assert await guard.first("uct", "m-1", b"body") is None
    assert await guard.first("uct", "m-1", b"body") == Again(is_same=True, answer=None)


async def test_of_many_at_once_one_is_the_first(guard):
    """Whoever is quickest."""
    found = await asyncio.gather(*(guard.first("uct", "m-1", b"body") for _ in range(50)))

    assert found.count(None) == 1


async def test_processes_that_share_a_file_know_what_the_others_know(tmp_path):
    """Exactly one of them takes a message for the first."""
    guards = [SharedReplay(tmp_path / "replay.db", WINDOW_S) for _ in range(2)]
    found = await asyncio.gather(*(guards[n % 2].first("uct", f"m-{n // 2}", b"body") for n in range(200)))

    assert [sum(one is None for one in found[n : n + 2]) for n in range(0, 200, 2)] == [1] * 100
    for guard in guards:
        guard.close()


@pytest.mark.parametrize("after", [KeptReplay, SharedReplay])
async def test_a_new_start_knows_what_was_seen(tmp_path, after):
    """What was alone may be several afterwards."""
    before = KeptReplay(tmp_path / "replay.db", WINDOW_S)
    await before.first("uct", "m-1", b"body")
    await before.answered("uct", "m-1", b"ACK")
    before.close()
    again = after(tmp_path / "replay.db", WINDOW_S)

    assert await again.first("uct", "m-1", b"body") == Again(is_same=True, answer=b"ACK")
    again.close()


async def test_the_file_is_written_beside_the_questions(tmp_path):
    """Without closing it: what a crash leaves behind."""
    running = KeptReplay(tmp_path / "replay.db", WINDOW_S)
    await running.first("uct", "m-1", b"body")
    looking = SharedReplay(tmp_path / "replay.db", WINDOW_S)
    async with asyncio.timeout(10):
        while looking._connection.execute("SELECT count(*) FROM seen_message").fetchone() == (0,):  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # another thread writes, and tells nobody

    assert await looking.first("uct", "m-1", b"body") == Again(is_same=True, answer=None)
    looking.close()
    running.close()


async def test_the_file_names_nobody_and_is_private(tmp_path):
    """Digests of ids, which a sender may put anything into."""
    guard = KeptReplay(tmp_path / "replay.db", WINDOW_S)
    await guard.first("uct", "Asha 1000000001", b"Asha")
    guard.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"Asha" not in content
    assert stat.S_IMODE((tmp_path / "replay.db").stat().st_mode) == 0o600


async def test_what_cannot_be_noted_for_all_is_noted_here(tmp_path):
    """A full disk: the process decides alone, and knows afterwards what it took meanwhile."""
    guard = SharedReplay(tmp_path / "replay.db", WINDOW_S)
    guard._connection.execute("ALTER TABLE seen_message RENAME TO away")
    assert await guard.first("uct", "m-1", b"body") is None
    assert await guard.first("uct", "m-1", b"body") is not None
    await guard.answered("uct", "m-1", b"ACK")
    guard._connection.execute("ALTER TABLE away RENAME TO seen_message")

    assert await guard.first("uct", "m-1", b"body") is not None
    assert await guard.first("uct", "m-2", b"body") is None
    guard.close()


def test_the_version_fits_the_settings(tmp_path):
    """One process decides for itself, several together."""
    for stated, workers, kind in (("", 1, KeptReplay), ("", 2, SharedReplay), ("memory", 1, MemoryReplay)):
        guard = open_replay(stated, tmp_path, WINDOW_S, workers)
        assert type(guard) is kind
        guard.close()


def test_a_file_that_cannot_be_used_is_found_at_start(tmp_path):
    """Its path is named."""
    with pytest.raises(ConfigurationError, match=r"replay\.db"):
        KeptReplay(tmp_path / "nowhere" / "replay.db", WINDOW_S)

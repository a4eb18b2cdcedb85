"""Names: one look-up for all who ask for the same, and none that holds up another."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
import uvloop

from adapters.transport import names
from adapters.transport.names import Names, look_up

SLOW, ADDRESS = "slow.example", "192.0.2.7"


@pytest.fixture
def system(monkeypatch):
    """Answer for the system: the slow name only when it is told to."""

    class System:
        def __init__(self):
            self.asked: list[str] = []
            self.goes_on = threading.Event()

        def getaddrinfo(self, host, port, **_):
            self.asked.append(host)
            if host == SLOW:
                self.goes_on.wait()
            if host.startswith("unknown"):
                raise socket.gaierror(socket.EAI_NONAME, "unknown")
            return [(2, 1, 6, "", (ADDRESS, 0)), (2, 2, 17, "", (ADDRESS, 0)), (10, 1, 6, "", ("2001:db8::7", 0, 0, 0))]

    system = System()
    monkeypatch.setattr(socket, "getaddrinfo", system.getaddrinfo)
    yield system
    system.goes_on.set()


@pytest.fixture
def under_way(monkeypatch):
    """Name -> the look-up of it, which a test ends by hand."""
    begun: dict[str, asyncio.Future[tuple[str, ...]]] = {}

    def begin(host):
        begun[host] = asyncio.get_running_loop().create_future()
        return begun[host]

    monkeypatch.setattr(names, "look_up", begin)
    return begun


@pytest.mark.parametrize("loop_factory", [None, uvloop.new_event_loop], ids=["standard", "uvloop"])
def test_a_slow_name_holds_up_no_other(system, loop_factory):
    """However many ask for it, it is looked up once; and each address is told once."""

    async def main():
        asked = Names()
        slow = [asyncio.create_task(asked.addresses(SLOW)) for _ in range(40)]
        await asyncio.sleep(0)
        others = [await asked.addresses(f"{number}.example") for number in range(10)]
        assert not any(task.done() for task in slow)
        system.goes_on.set()
        return others, await asyncio.gather(*slow)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        others, slow = runner.run(main())

    assert set(others) == set(slow) == {(ADDRESS, "2001:db8::7")}
    assert system.asked.count(SLOW) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "2001:db8::7"])
async def test_an_address_is_not_looked_up(under_way, host):
    """It stands for itself."""
    assert await Names().addresses(host) == (host,)
    assert under_way == {}


async def test_who_leaves_takes_the_look_up_from_nobody(under_way):
    """Be it the one who asked first; and whoever comes later joins."""
    asked = Names()
    first, second = (asyncio.create_task(asked.addresses("a.example")) for _ in range(2))
    await asyncio.sleep(0)
    begun = under_way["a.example"]
    first.cancel()
    await asyncio.wait([first])
    third = asyncio.create_task(asked.addresses("a.example"))
    await asyncio.sleep(0)
    begun.set_result((ADDRESS,))

    assert first.cancelled()
    assert {await second, await third} == {(ADDRESS,)}


async def test_a_name_is_looked_up_anew_when_nobody_is_asking(under_way):
    """Nothing is remembered: addresses change."""
    asked = Names()
    for address in ("192.0.2.1", "192.0.2.2"):
        asking = asyncio.create_task(asked.addresses("a.example"))
        await asyncio.sleep(0)
        under_way["a.example"].set_result((address,))
        assert await asking == (address,)


@pytest.mark.parametrize(("host", "error"), [("unknown.example", OSError), ("a" * 64 + ".example", UnicodeError)])
async def test_whoever_waits_is_told_what_went_wrong(system, monkeypatch, host, error):
    """A name that nobody knows, and one that cannot be any."""
    if error is UnicodeError:
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: host.encode("idna"))
    asked = Names()
    answers = await asyncio.gather(asked.addresses(host), asked.addresses(host), return_exceptions=True)

    assert [isinstance(answer, error) for answer in answers] == [True, True]


@pytest.mark.parametrize("loop_factory", [None, uvloop.new_event_loop], ids=["standard", "uvloop"])
def test_a_look_up_that_outlives_its_loop_disturbs_nobody(system, loop_factory):
    """Neither does the end of the loop wait for it, nor does its thread end with an error."""
    before = set(threading.enumerate())

    async def main():
        look_up(SLOW)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
    (thread,) = set(threading.enumerate()) - before
    assert thread.daemon
    system.goes_on.set()
    thread.join()  # an error in it would be a warning, and that a failure

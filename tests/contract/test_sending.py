"""One try to hand a message over, against real sockets: what counts as accepted, and where nothing is ever sent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult

from gateway.delivery.sending import LONGEST_WAIT_S, HttpSender, PublicResolver, Said

pytestmark = pytest.mark.contract

HEADERS = {"Idempotency-Key": "k-1", "Content-Type": "application/json"}
ACK = b'{"message": {"ack_status": "ACK", "timestamp": "2026-03-04T09:15:00+00:00", "correlation_id": "c"}}'
DEEP = ACK.replace(b'"ACK"', b"[" * 1000 + b"]" * 1000)


class Receiver:
    """A consumer's endpoint on this computer."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.answer: Callable[[], web.Response] = lambda: web.Response(body=ACK, content_type="application/json")
        self.hangs = False
        self.port = 0

    def url(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/registry/on-search"

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append((request.path, request.headers["Idempotency-Key"]))
        if self.hangs:
            await asyncio.Event().wait()
        return self.answer()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A consumer that takes messages."""
    one = Receiver()
    app = web.Application()
    app.router.add_post("/{rest:.*}", one.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.port = runner.addresses[0][1]
    yield one
    await runner.cleanup()


def resolving(*answers: list[str]) -> type[PublicResolver]:
    """A resolver whose names lead to these addresses, one list for each look."""
    left = list(answers)

    class Scripted(PublicResolver):
        async def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
            found = left.pop(0)
            return [
                ResolveResult(
                    hostname=host, host=ip, port=port, family=_family(ip), proto=0, flags=socket.AI_NUMERICHOST
                )
                for ip in found
            ]

    return Scripted


async def send(
    url: str, *, is_private: bool = True, timeout_s: float = 5, resolver: type[PublicResolver] = PublicResolver
) -> Said:
    """Try once, with a sender of its own."""
    sender = HttpSender(timeout_s, resolver)
    try:
        return await sender.send(url, b"{}", HEADERS, pool="uct", is_private=is_private)
    finally:
        await sender.close()


def _family(ip: str) -> int:
    return socket.AF_INET6 if ":" in ip else socket.AF_INET


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize("body", [ACK, ACK.replace(b"ACK", b"NACK"), b"", b"thanks", b"[]", DEEP])
async def test_accepted(receiver: Receiver, status: int, body: bytes):
    """200 or 202 is acceptance, whatever is said; a NACK only says that nothing more will come."""
    receiver.answer = lambda: web.Response(status=status, body=body)
    assert await send(receiver.url()) == Said(True, "")
    assert receiver.got == [("/registry/on-search", "k-1")]


async def test_an_acknowledgement_with_an_error_is_none(receiver: Receiver):
    """The receiver took nothing."""
    receiver.answer = lambda: web.Response(body=ACK.replace(b"ACK", b"ERR"))
    assert await send(receiver.url()) == Said(False, "not_acknowledged")


@pytest.mark.parametrize("status", [204, 301, 400, 401, 404, 410, 429, 500, 503])
async def test_every_other_status_is_a_failure(receiver: Receiver, status: int):
    """It is named, and what the receiver wrote is not."""
    receiver.answer = lambda: web.Response(status=status)
    assert await send(receiver.url()) == Said(False, f"status_{status}")


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("7", 7.0), (" 0 ", 0.0), ("999999999999", LONGEST_WAIT_S), ("soon", None), ("-1", None), ("", None)],
)
async def test_retry_after(receiver: Receiver, stated: str, expected: float | None):
    """The receiver's wish is heard, within a day."""
    receiver.answer = lambda: web.Response(status=503, headers={"Retry-After": stated})
    assert (await send(receiver.url())).retry_after_s == expected


async def test_retry_after_as_a_date(receiver: Receiver):
    """HTTP has two ways of saying it."""
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    receiver.answer = lambda: web.Response(status=429, headers={"Retry-After": when})
    waits = (await send(receiver.url())).retry_after_s
    assert waits is not None
    assert 95 < waits <= 100


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(receiver: Receiver, status: int):
    """Not to the metadata of a cloud, and not to the next path of the same host."""
    for target in (receiver.url().replace("on-search", "elsewhere"), "http://169.254.169.254/latest/meta-data"):
        receiver.answer = lambda to=target: web.Response(status=status, headers={"Location": to})  # type: ignore[misc]
        assert (await send(receiver.url())).reason == f"status_{status}"
    assert {path for path, _ in receiver.got} == {"/registry/on-search"}


async def test_one_that_hangs(receiver: Receiver):
    """A try has an end."""
    receiver.hangs = True
    assert await send(receiver.url(), timeout_s=0.2) == Said(False, "timeout")


async def test_nobody_there(unused_port: int):
    """Nothing listens."""
    assert await send(f"http://127.0.0.1:{unused_port}/") == Said(False, "no_connection")


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_no_private_address_however_it_is_written(receiver: Receiver, host: str):
    """Nothing is connected to that is not registered as private."""
    said = await send(receiver.url(host), is_private=False)
    assert said.reason in {"address_forbidden", "no_connection"}
    assert receiver.got == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["::ffff:127.0.0.1"],
        ["169.254.169.254"],
        ["10.0.0.7", "93.184.216.34"],
    ],
)
async def test_a_name_that_leads_inside(receiver: Receiver, addresses: list[str]):
    """One private answer among public ones is enough: nothing is connected."""
    said = await send(receiver.url("name.example.org"), is_private=False, resolver=resolving(addresses))
    assert said == Said(False, "address_forbidden")
    assert receiver.got == []


async def test_a_name_that_changes_its_mind(receiver: Receiver):
    """DNS rebinding: each connection looks once, and goes to what was checked; the next look is checked as well."""
    looks = resolving(["93.184.216.34"], ["127.0.0.1"])
    sender = HttpSender(0.3, looks)
    url = receiver.url("name.example.org")
    first = await sender.send(url, b"{}", HEADERS, pool="uct", is_private=False)
    second = await sender.send(url, b"{}", HEADERS, pool="uct", is_private=False)
    await sender.close()
    assert first.reason in {"timeout", "no_connection"}, "gone to the public address, where nobody answers from here"
    assert second == Said(False, "address_forbidden")
    assert receiver.got == []


async def test_the_address_that_was_checked_is_connected_to(receiver: Receiver):
    """The name is not looked up a second time on the way: there is no second answer to give."""
    said = await send(receiver.url("name.example.org"), resolver=resolving(["127.0.0.1"]))
    assert said == Said(True, "")


async def test_connections_of_one_are_not_lent_to_another(receiver: Receiver):
    """Who may not call into the network does not get there over a connection that another one's permission opened."""
    sender = HttpSender(5, resolving(["127.0.0.1"], ["127.0.0.1"]))
    url = receiver.url("name.example.org")
    allowed = await sender.send(url, b"{}", HEADERS, pool="inside", is_private=True)
    other = await sender.send(url, b"{}", HEADERS, pool="outside", is_private=False)
    await sender.close()
    assert (allowed.is_accepted, other) == (True, Said(False, "address_forbidden"))

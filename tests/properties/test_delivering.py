"""Delivering: whatever an address is dressed as, and whatever receivers do, a consumer's own host gets it once."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.delivery.sending import Said
from gateway.delivery.where import Callback, address, checked
from gateway.settings import Consumer
from gateway.work.seal import Seal, UnsealError
from gateway.work.tries import pause_s
from standards.errors import RequestError
from tests.unit.gateway.delivery.test_deliveries import Bench

HOST = "uct.example.org"
CONSUMER = Consumer(client_id="uct", sender_id="uct.pv", callback_hosts=(HOST,))
PIECES = st.sampled_from(
    [
        "https://", "http://", "//", "\\", "@", ":", "#", "?", "/", "%2e", ".", HOST, "evil.org", "127.0.0.1", "[::1]",
        "169.254.169.254", "443", "8443", "on-search", "registry", "user", "\t", "\n", " ", "\u3002", "\uff0e", "ⓔ", "0x7f.1",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=8).map("".join))
def test_nobody_else_is_ever_called_back(written: str):
    """Whatever is accepted leads, for every reader of addresses, to the registered host over https."""
    for stated in (written, f"https://{HOST}{written}", f"https://{written}"):
        try:
            url = address(CONSUMER, Callback.ON_SEARCH, stated)
        except RequestError:
            continue
        parts = urlsplit(url)
        assert (parts.scheme, (parts.hostname or "").rstrip("."), parts.port or 443) == ("https", HOST, 443)
        assert "@" not in parts.netloc
        assert checked(url, CONSUMER), "what is checked again at the moment of sending is still accepted"


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)), st.binary(min_size=32, max_size=32), st.integers(0, 2000), st.integers(1, 255))  # fmt: skip
def test_what_is_sealed_comes_back_or_not_at_all(content: object, key: bytes, place: int, change: int):
    """Whole for whom it was sealed; one changed byte, another place or another key, and nothing comes."""
    seal = Seal(key)
    sealed = seal.sealed(content, "here")
    assert seal.opened(sealed, "here") == content
    at = place % len(sealed)
    for other, what, where in (
        (seal, sealed[:at] + bytes([sealed[at] ^ change]) + sealed[at + 1 :], "here"),
        (seal, sealed, "elsewhere"),
        (Seal(bytes([key[0] ^ change]) + key[1:]), sealed, "here"),
        (seal, sealed[:at], "here"),
    ):
        try:
            other.opened(what, where)
        except UnsealError:
            continue
        raise AssertionError


@given(st.integers(0, 10_000))
def test_pauses_grow_and_have_an_end(tries: int):
    """Never shorter than three quarters of the first, never longer than the longest and a quarter."""
    assert 0.75 <= pause_s(tries, 1.0, 3600.0) <= 4500.0
    if tries > 20:
        assert pause_s(tries, 1.0, 3600.0) >= 2700.0


OUTCOMES = st.lists(
    st.sampled_from(
        [Said(True, ""), Said(False, "timeout"), Said(False, "status_503"), Said(False, "not_acknowledged")]
    ),
    max_size=3,
)


@settings(max_examples=12, deadline=None)
@given(st.lists(OUTCOMES, min_size=1, max_size=4))
def test_whatever_receivers_do_it_ends_in_one_result(tmp_path_factory, per_delivery: list[list[Said]]):
    """Each promise is accepted exactly once, under one key of its own, after as many failures as there were."""

    async def run() -> None:
        bench = Bench(tmp_path_factory.mktemp("bench"))
        says = bench.receivers.says["uct"] = []
        await bench.work.open()
        accepted = 0
        for number, outcomes in enumerate(per_delivery):
            failures = [one for one in outcomes if not one.is_accepted]
            says.extend(failures)
            await bench.send(f"d-{number}")
            await bench.becomes("made", f"d-{number}")
            accepted += 1
            keys = [key for _, _, key in bench.receivers.sent]
            assert len(set(keys)) == accepted
            assert keys.count(keys[-1]) == len(failures) + 1
        assert [event for event, _ in bench.events()] == ["delivery.made"] * accepted
        await bench.work.close()
        bench.database.close()

    asyncio.run(run())

"""Rate limits: per consumer, and per group of addresses."""

import threading
from typing import Any

import pytest

from gateway.settings import Consumer, Limits
from gateway.trust.limiting import Limiting, group_of
from standards.errors import TooManyRequestsError

UCT, CCT = (Consumer(client_id=name, sender_id=name) for name in ("uct", "cct"))


def test_one_consumer_s_limit_is_not_another_s():
    """Its own, where it has one."""
    limits = Limiting(Limits(requests=2))
    for _ in range(2):
        limits.check(UCT)
    limits.check(CCT)
    with pytest.raises(TooManyRequestsError) as refused:
        limits.check(UCT)
    assert refused.value.reason_code == "err.request.too_many_requests"
    assert 0 < refused.value.retry_after_s <= 120

    for _ in range(2):
        with pytest.raises(TooManyRequestsError):
            limits.check(UCT)
    limits.check(UCT.model_copy(update={"requests": 5}))


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff:aaaa::1", "2001:db8:1:200::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", "unknown"),
        (None, "unknown"),
        ("a name", "unknown"),
    ],
)
def test_addresses_of_one_network_count_together(address, group):
    """Whoever has a whole network has one limit."""
    assert group_of(address) == group


def test_logins_and_refusals_count_apart():
    """Somebody who mistypes a token may still ask for a new one."""
    limits = Limiting(Limits(logins=1, unauthenticated=1))
    limits.check_login("192.0.2.1")
    limits.count_stranger("192.0.2.2")
    for again in (limits.check_login, limits.count_stranger):
        with pytest.raises(TooManyRequestsError):
            again("192.0.2.3")
        again("198.51.100.1")


def test_counting_needs_no_thread():
    """The library's own storage would start one for every few requests."""
    limits = Limiting(Limits())
    limits.check(UCT)
    for started in [one for one in threading.enumerate() if isinstance(one, threading.Timer)]:
        started.join()

    for _ in range(100):
        limits.check(UCT)
        assert not any(isinstance(one, threading.Timer) for one in threading.enumerate())


def test_counts_that_have_ended_are_let_go_of(monkeypatch):
    """Whoever tries from many networks leaves nothing behind once the window is over, and may try again."""
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    limits = Limiting(Limits(logins=1, window_s=60))
    for number in range(50):
        limits.check_login(f"10.0.{number}.1")
    with pytest.raises(TooManyRequestsError):
        limits.check_login("10.0.7.9")
    storage: Any = limits._limiter.storage
    assert len(storage.storage) == 50

    now += 180.0
    limits.check_login("10.0.7.9")
    assert len(storage.storage) == len(storage.expirations) == 1

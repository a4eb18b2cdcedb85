"""Where a consumer may be called back: at what it is registered with, and nowhere else."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from gateway.delivery.where import Callback, address, checked, is_public, registered
from gateway.settings import Consumer
from standards.errors import ConfigurationError, RequestError


def consumer(**said: Any) -> Consumer:
    """A consumer registered with one host over https."""
    return Consumer(client_id="uct", sender_id="uct.pv", **({"callback_hosts": ("uct.example.org",)} | said))


@pytest.mark.parametrize(
    ("sender_uri", "expected"),
    [
        ("https://uct.example.org", "https://uct.example.org/registry/on-search"),
        ("https://uct.example.org/dci/", "https://uct.example.org/dci/registry/on-search"),
        ("https://uct.example.org/registry/on-search", "https://uct.example.org/registry/on-search"),
        ("https://uct.example.org/callback/on-search?t=1#x", "https://uct.example.org/callback/on-search?t=1"),
        ("https://uct.example.org/on-anything/here", "https://uct.example.org/on-anything/here"),
        (
            "https://uct.example.org/registration-service",
            "https://uct.example.org/registration-service/registry/on-search",
        ),
        ("HTTPS://UCT.example.ORG.:443/registry/on-search", "https://UCT.example.ORG.:443/registry/on-search"),
    ],
)
def test_where_a_search_is_called_back(sender_uri: str, expected: str):
    """As it stands when it ends in the callback's path or has a part that begins with `on-`; else the path is added."""
    assert address(consumer(), Callback.ON_SEARCH, sender_uri) == expected


def test_without_sender_uri_the_registered_address_counts():
    """A message need not name one."""
    one = consumer(callback_url="https://reg.example.org/base")
    assert address(one, Callback.ON_SEARCH, None) == "https://reg.example.org/base/registry/on-search"
    assert address(one, Callback.TXN_ON_STATUS, "") == "https://reg.example.org/base/registry/txn/on-status"
    with pytest.raises(RequestError) as caught:
        address(consumer(), Callback.ON_SEARCH, None)
    assert caught.value.reason_code == "err.sender_uri.invalid"


@pytest.mark.parametrize(
    ("registered_at", "sender_uri", "expected"),
    [
        (
            "https://reg.example.org",
            "https://uct.example.org/a/on-subscribe",
            "https://reg.example.org/registry/notify",
        ),
        ("", "https://uct.example.org/a/on-subscribe", "https://uct.example.org/a/notify"),
        ("", "https://uct.example.org/a/notify", "https://uct.example.org/a/notify"),
        ("", "https://uct.example.org", "https://uct.example.org/registry/notify"),
    ],
)
def test_where_notifications_go(registered_at: str, sender_uri: str, expected: str):
    """To the registered address first; else to that of the message, with its last part replaced."""
    assert address(consumer(callback_url=registered_at), Callback.NOTIFY, sender_uri) == expected


@pytest.mark.parametrize(
    "sender_uri",
    [
        "http://uct.example.org/on-search",  # registered over https
        "https://evil.example.org/on-search",
        "https://uct.example.org.evil.org/on-search",
        "https://evil.org/uct.example.org/on-search",
        "https://uct.example.org:8443/on-search",  # another service on the same machine
        "https://uct.example.org@evil.org/on-search",
        "https://evil.org#@uct.example.org/on-search",
        "https://name:password@uct.example.org/on-search",
        "https://uct.example.org\\@evil.org/on-search",
        "https://uct.example.org%2eevil.org/on-search",
        "https://[::1]/on-search",
        "https://127.0.0.1/on-search",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/on-search",
        "https://0x7f000001/on-search",
        "https://uct.example.org:99999/on-search",
        "https://uct.example.org:x/on-search",
        "https://",
        "//uct.example.org/on-search",
        "file:///etc/passwd",
        "gopher://uct.example.org/on-search",
        "javascript:alert(1)",
        "https://uct.example.org/on-search\r\nX: y",
        "https://uct.exаmple.org/on-search",  # a Cyrillic letter
        " https://uct.example.org/on-search",
        "https://uct.example.org/" + "a" * 3000,
    ],
)
def test_no_other_address_is_taken(sender_uri: str):
    """Whatever it is dressed as."""
    with pytest.raises(RequestError) as caught:
        address(consumer(), Callback.ON_SEARCH, sender_uri)
    assert caught.value.reason_code == "err.sender_uri.invalid"
    assert "evil" not in str(caught.value), "the answer echoes nothing"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "[::1]", "[::ffff:127.0.0.1]", "[fe80::1]", "169.254.169.254"]
)
def test_a_registered_private_address_needs_a_word_more(host: str):
    """Being on the list is not enough for an address inside a network."""
    with pytest.raises(RequestError):
        checked(f"http://{host}:8000/on-search", consumer(callback_hosts=(f"http://{host}:8000",)))
    assert checked(
        f"http://{host}:8000/on-search", consumer(callback_hosts=(f"http://{host}:8000",), private_callbacks=True)
    )


@pytest.mark.parametrize(
    ("stated", "fits", "does_not"),
    [
        ("a.example.org", "https://a.example.org/x", "https://a.example.org:444/x"),
        ("a.example.org:444", "https://a.example.org:444/x", "https://a.example.org/x"),
        ("http://a.example.org", "http://a.example.org/x", "https://a.example.org/x"),
        ("http://a.example.org:*", "http://a.example.org:1234/x", "http://b.example.org:1234/x"),
    ],
)
def test_what_may_be_registered(stated: str, fits: str, does_not: str):
    """A host, a host with its port, a whole address, or one with any port."""
    one = consumer(callback_hosts=(stated,))
    assert checked(fits, one)
    with pytest.raises(RequestError):
        checked(does_not, one)


@pytest.mark.parametrize("stated", ["", "ftp://a.example.org", "https://n:p@a.example.org", "https://a.example.org:x"])
def test_a_registration_that_is_no_address(stated: str):
    """The setting is named."""
    with pytest.raises(ConfigurationError, match=r"consumers\.uct: callback_url and callback_hosts"):
        registered(consumer(callback_hosts=(stated,)))


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "0.0.0.0",
        "168.63.129.16", "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1",
        "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::1",
    ],
)  # fmt: skip
def test_addresses_that_are_nobody_s_business(ip: str):
    """Private, loopback, link-local, metadata, reserved; and each of them in the clothes of IPv6."""
    assert not is_public(ipaddress.ip_address(ip))


@pytest.mark.parametrize("ip", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::200e"])
def test_addresses_of_the_open_internet(ip: str):
    """They may be connected to."""
    assert is_public(ipaddress.ip_address(ip))

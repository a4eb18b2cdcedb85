"""Where callbacks and notifications go, and what they are told to be like."""

from __future__ import annotations

import orjson
import pytest

from mocks.callbacks import callback_url, notify_url
from mocks.events import event_name
from mocks.manners import GOOD, MalformedMannerError, Manner, MannerBox, parse

BASE = "https://programme.example"


@pytest.mark.parametrize(
    ("sender_uri", "callback", "url"),
    [
        (f"{BASE}/dci/registry/on-search", "on-search", f"{BASE}/dci/registry/on-search"),
        (f"{BASE}/callback/on-search", "on-search", f"{BASE}/callback/on-search"),
        (f"{BASE}/registry/txn/on-status?x=1", "txn/on-status", f"{BASE}/registry/txn/on-status?x=1"),
        (f"{BASE}/dci", "on-subscribe", f"{BASE}/dci/registry/on-subscribe"),
        (f"{BASE}/dci/", "on-subscribe", f"{BASE}/dci/registry/on-subscribe"),
        (BASE, "on-search", f"{BASE}/registry/on-search"),
    ],
)
def test_a_callback_goes_to_the_address_given_or_below_it(sender_uri, callback, url):
    """As it stands when it is the address of a callback, else with the standard's path."""
    assert callback_url(sender_uri, callback) == url


@pytest.mark.parametrize(
    ("sender_uri", "url"),
    [
        (f"{BASE}/dci/registry/on-subscribe", f"{BASE}/dci/registry/notify"),
        (f"{BASE}/callbacks/secret/registry/on-subscribe", f"{BASE}/callbacks/secret/registry/notify"),
        (f"{BASE}/dci", f"{BASE}/dci/registry/notify"),
    ],
)
def test_notifications_go_beside_the_callbacks(sender_uri, url):
    """The last part of the subscriber's address is replaced."""
    assert notify_url(sender_uri) == url


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("spdci-common:RegistryEventType:LiveBirth", "livebirth"),
        ("live_birth", "livebirth"),
        ("BIRTH", "livebirth"),
        ("ns:org:RegistryEventType:Death", "death"),
        ("enrollement_status_change", "enrolmentstatuschange"),
        ("enrollment_status_change", "enrolmentstatuschange"),
        ("NewHouseHoldMember", "newhouseholdmember"),
    ],
)
def test_an_event_has_one_name_in_every_spelling(code, name):
    """Prefix, case, separators and the standard's own misspelling do not matter."""
    assert event_name(code) == name


def test_a_manner_holds_for_as_many_as_told():
    """Then good behaviour returns; one carried by a request outranks it and does not count."""
    box = MannerBox()
    box.store(orjson.dumps({"copies": 2, "times": 2}))

    drawn = [box.draw(None), box.draw('{"when": "never"}'), box.draw(None), box.draw(None)]

    assert [(one.copies, one.when) for one in drawn] == [(2, "after"), (1, "never"), (2, "after"), (1, "after")]
    assert box.manner == GOOD == Manner()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '{"sulk": true}',
        '{"when": "perhaps"}',
        '{"page_size": 0}',
        '{"copies": "2"}',
        '{"delay_ms": -1}',
        '{"order": []}',
    ],
)
def test_no_manner_is_refused(body):
    """In words that say what a manner is."""
    with pytest.raises(MalformedMannerError):
        parse(body)

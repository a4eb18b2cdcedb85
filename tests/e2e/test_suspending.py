"""Switching a consumer or a registry off, in a running country: at once, whatever is remembered, and on again."""

import contextlib
import json
import subprocess
import sys
import time

import pytest

from gateway.client import RefusedError
from tests.e2e.conftest import states

pytestmark = pytest.mark.e2e


def hearth(country, *words):
    """Run the command as the operator would, beside the running gateway."""
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", *words, "--dir", str(country.folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@contextlib.contextmanager
def off(country, kind, name):
    """Something is switched off, and on again afterwards."""
    hearth(country, "suspend", kind, name, "--reason", "a test")
    try:
        yield
    finally:
        hearth(country, "resume", kind, name)
        until(lambda: name not in json.dumps(ready(country)["suspended"]))


def until(holds, seconds=5.0):
    """Wait for something that every process takes in within a second."""
    end = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < end:
        pass
    assert held


def ready(country):
    """Return what the gateway says of itself."""
    return country.http.get(f"{country.content['gateway']}/ready").json()


def test_a_suspended_registry_is_not_asked_and_nothing_it_said_is_told(country):
    """Not even what was remembered of it; another registry's values stand."""
    before = states(country.ask("complete_household"))
    assert any(state.get("source") == "tax" for state in before.values())
    with off(country, "registry", "tax"):
        until(lambda: ready(country)["suspended"]["registries"] == ["tax"])
        country.reset_calls()
        after = states(country.ask("complete_household"))
        assert country.calls("tax")["total"] == 0
        lost = {key for key, state in before.items() if state.get("source") == "tax"}
        assert all(after[key]["state"] != "value" for key in lost)
        assert {after[key].get("reason") for key in lost if after[key]["state"] == "unavailable"} >= {
            "source_suspended"
        }
        assert all(state.get("source") != "tax" for state in after.values() if state["state"] == "value")
    again = states(country.ask("complete_household"))
    assert {key for key, state in again.items() if state.get("source") == "tax"} == lost


def test_a_suspended_consumer_is_answered_no_more(country):
    """403 with the standard's code, though its token still holds; others are answered."""
    country.ask("complete_household")
    with off(country, "consumer", "uct"):
        until(lambda: ready(country)["suspended"]["consumers"] == ["uct"])
        with pytest.raises(RefusedError) as refused:
            country.ask("complete_household")
        assert (refused.value.status, refused.value.reason_code) == (403, "err.request.forbidden")
        assert country.ask("complete_household", "cct-education")["status"] == "succ"
    assert country.ask("complete_household")["status"] == "succ"


def test_each_switch_is_in_the_journal(country):
    """Who switched what, and why."""
    with off(country, "registry", "land"):
        said = hearth(country, "suspend", "list", "--json")
        assert json.loads(said)["reason"] == "a test"
    entries = [json.loads(line) for line in hearth(country, "journal", "show", "--newest", "50", "--json").splitlines()]
    noted = [(e["event"], e["detail"]) for e in entries if e["event"].startswith("registry.")]

    assert ("registry.suspended", {"name": "land", "reason": "a test"}) in noted
    assert ("registry.resumed", {"name": "land"}) in noted


def test_nothing_is_switched_off_by_a_name_that_nobody_has(country):
    """A slip of the pen must not look like a success."""
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", "suspend", "registry", "taxx", "--reason", "x", "--dir", str(country.folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 1
    assert "there are" in ran.stderr

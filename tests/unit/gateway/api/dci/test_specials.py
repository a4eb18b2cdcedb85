"""What an answer of the path means for a question of one registry type, where the path cannot be led there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from gateway.api.dci.specials import _dress
from standards.dci.asked import Asked
from standards.dci.specials import DISABLED
from standards.identifiers import Identifier
from tests.builders import MANIFESTS, NOW, question

NOT_FOUND: dict[str, Any] = {"person": None, "sources": {}}
STAND_IN = {"state": "value", "value": False, "source": "social", "stand_in": True}
BANDED = {"state": "value", "value": "0-1", "form": "band"}


def dressed(body: Any, number: str = "UIN", **permit: Any) -> dict[str, Any]:
    """The item that a plain answer becomes."""
    given: Any = SimpleNamespace(
        item=orjson.dumps(body), status="succ", permit=SimpleNamespace(**({"hide_withheld": False} | permit))
    )
    received: Any = SimpleNamespace(header=SimpleNamespace(message_id="m-1"), now=NOW)
    gateway: Any = SimpleNamespace(manifests=tuple(MANIFESTS.values()))
    asked = Asked(Identifier(number, "1"))
    item, status = _dress(gateway, received, DISABLED, asked, question(), given)
    told: dict[str, Any] = orjson.loads(item)
    assert told["status"] == status
    return told


def person(state: dict[str, Any]) -> dict[str, Any]:
    """A plain answer about somebody."""
    return {"person": {"attributes": {"is_disabled": state}}, "sources": {}, "reasons": {}}


def test_nobody_is_a_no_only_where_the_registry_itself_was_asked():
    """By a number that it is asked by; by another one, whoever gave that number out knew nobody."""
    assert dressed(NOT_FOUND)["disabled_status"] == "no"
    assert "disabled_status" not in dressed(NOT_FOUND, "PATIENT_NUMBER")


@pytest.mark.parametrize("state", [STAND_IN, BANDED, {"state": "withheld", "reason": "consent_missing"}])
def test_what_is_not_the_registrys_own_word_is_no_answer(state):
    """Another registry's, one in another form, or one that is kept back."""
    told = dressed(person(state))

    assert told["status"] == "rjct"
    assert "disabled_status" not in told


def test_registries_that_disagree_are_told_of():
    """The word is that of the more authoritative one."""
    told = dressed(person({"state": "conflict", "value": True, "source": "disability", "differing": []}))

    assert told["disabled_status"] == "yes"
    assert "disagree" in told["status_reason_message"]

"""The witness sees what every process emits; what it finds wrong fails the whole session (`conftest.py: witnessed`)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.kit import messages
from tests.contract.dci_spec import needs_dci_spec
from tests.e2e.conftest import Country
from tests.e2e.programme import toy_programme

pytestmark = [pytest.mark.e2e, needs_dci_spec]

SEEN = {
    ("request", "/registry/sync/search"),
    ("mock", "/registry/sync/search"),
    ("gateway", "/registry/sync/search"),
    ("gateway", "/registry/search"),
    ("callback", "/registry/on-search"),
    ("programme", "/registry/on-search"),
}
"""Who, and where: what a question that is answered at once and one that is answered later consist of."""


def noted() -> Iterator[tuple[str, str]]:
    """Who has been seen to say something, and where."""
    for file in Path(os.environ["HEARTH_WITNESS"]).glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            said = json.loads(line)
            yield said["who"], said["path"]


def test_every_side_is_witnessed(country: Country, tmp_path: Path):
    """What Hearth asks, what registries answer, what Hearth answers and calls back, and how that is acknowledged."""
    consumer, subject = country.content["consumers"]["uct"], country.example("complete_household")
    country.ask(subject)
    with toy_programme(tmp_path, "--signatures", "off") as programme:
        item = messages.by_number(subject, consumer["purposes"][0])
        country.client().later([item], sender_uri=programme.callback("on-search"))
        assert programme.received(at_least=1, wait_s=30)

    end = time.monotonic() + 10
    while missing := SEEN - set(noted()):
        assert time.monotonic() < end, missing
        time.sleep(0.05)

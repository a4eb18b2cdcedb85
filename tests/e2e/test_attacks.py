"""The probe guard over real processes: an income looked for by halves, with two workers, many purposes and patience."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.client import Credentials, HearthClient
from gateway.sandbox import Sandbox
from tests.e2e.conftest import Country, states

pytestmark = pytest.mark.e2e

STEP, STEPS = 2_000, 32
USUAL_THRESHOLDS = 3
PATIENCE_S = 10.0


def agreement(programme: str, threshold: int, **changes: Any) -> dict[str, Any]:
    """An agreement of its own for every threshold."""
    return {
        "id": f"{programme}-{threshold}",
        "version": "1.0",
        "consumer": {
            "id": programme,
            "title": programme,
            "client_id": programme,
            "sender_id": f"{programme}.programmes.pv",
        },
        "title": "One threshold",
        "start": "2026-01-01",
        "end": "2027-12-31",
        "purposes": {f"below_{threshold}": {"title": "T", "legal_basis": "vital_interest", "reference": "Act"}},
        "household": {"rule": "registered-or-kin@1"},
        "attributes": {"income_annual": {"form": "predicate", "operator": "lt", "threshold": threshold}},
        "max_age_s": 86400,
        "retention_days": 1,
        **changes,
    }


class Attacked(Country):
    """A country in which two programmes have an agreement for every threshold; one of them without a bound."""

    def __init__(self, folder: Path, content: dict[str, Any]) -> None:
        super().__init__(folder, content)
        self._plain: dict[str, HearthClient] = {}

    def asks(self, programme: str, threshold: int) -> str | bool:
        """Whether an income lies below a threshold, or why that is not told."""
        answer = self.plain(programme).ask([self.example("complete_household")], purpose=f"below_{threshold}")
        (item,) = answer["message"]["search_response"]
        state = states(item)["0", "income_annual"]
        if state["state"] != "value":
            return str(state["reason"])
        (fact,) = item["data"]["reg_records"][0]["member_list"][0]["additional_attributes"]
        return bool(fact["value"])

    def plain(self, programme: str) -> HearthClient:
        """A client that checks nothing but the envelope: agreements change under it."""
        if programme not in self._plain:
            credentials = Credentials.from_sandbox(self.content["consumers"][programme])
            self._plain[programme] = HearthClient(self.content["gateway"], credentials)
        return self._plain[programme]

    def close(self) -> None:
        """Close every connection."""
        super().close()
        for client in self._plain.values():
            client.close()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A sandbox of two gateway processes, and as many agreements as there are thresholds."""
    folder = tmp_path_factory.mktemp("attacked")
    unbounded = {"income_annual": {"answers": 1000, "thresholds": 1000}}
    programmes: dict[str, dict[str, Any]] = {"prober": {}, "trusted": {"probes": unbounded}}
    first = {}
    for name, changes in programmes.items():
        first[name] = folder / f"{name}.yaml"
        first[name].write_text(json.dumps(agreement(name, STEP, **changes)), encoding="utf-8")
    overrides = {"server.workers": "2", "messages.deadline_s": "8"}
    with Sandbox(folder / "run", port=0, households=20, consumers=first, overrides=overrides).running() as content:
        country = Attacked(folder / "run", content)
        for name, changes in programmes.items():
            for n in range(2, STEPS + 1):
                path = folder / "run" / "agreements" / f"{name}-{n}.yaml"
                path.with_suffix(".partial").write_text(json.dumps(agreement(name, n * STEP, **changes)))
                path.with_suffix(".partial").rename(path)
        try:
            _until_all_count(country)
            yield country
        finally:
            country.close()


def _until_all_count(country: Attacked) -> None:
    """Wait until both processes have taken in every agreement."""
    until, row = time.monotonic() + PATIENCE_S, 0
    while row < 12:
        row = row + 1 if len(country.plain("trusted").agreements()) == STEPS else 0
        assert time.monotonic() < until, "not every agreement was taken in"


def climbed(country: Attacked, programme: str) -> tuple[int, int]:
    """Look for an income by halves, and return where it must lie when nothing more is told, in steps."""
    low, high = 0, STEPS
    while high - low > 1:
        middle = (low + high) // 2
        said = country.asks(programme, middle * STEP)
        if not isinstance(said, bool):
            assert said == "probed_too_often"
            break
        low, high = (low, middle) if said else (middle, high)
    return low, high


def test_an_income_is_found_without_the_bound_and_not_with_it(attacked: Attacked):
    """Whichever process answers; further thresholds are not told afterwards either, the first are again."""
    low, high = climbed(attacked, "trusted")
    assert high - low == 1

    wide_low, wide_high = climbed(attacked, "prober")
    assert wide_high - wide_low == STEPS // 2**USUAL_THRESHOLDS
    assert wide_low <= low < high <= wide_high

    said = [attacked.asks("prober", n * STEP) for n in range(1, STEPS + 1)]
    assert sum(isinstance(one, bool) for one in said) == USUAL_THRESHOLDS


def test_the_operator_sees_the_ladder_and_nobody_on_it(attacked: Attacked):
    """In log and figures stand programme and attribute; in the counts nobody stands in clear."""
    climbed(attacked, "prober")
    lines = [line for line in attacked.log() if line["event"] == "probe_noticed"]
    counts = b"".join(file.read_bytes() for file in attacked.folder.rglob("counters.db*"))

    assert {(line["consumer"], line["attribute"]) for line in lines} == {("prober", "income_annual")}
    assert all("dropped" not in line for line in lines)
    until = time.monotonic() + PATIENCE_S
    figure = 'hearth_probes_noticed_total{attribute="income_annual",consumer="prober"'
    while figure not in attacked.http.get(f"{attacked.content['gateway']}/metrics").text:
        assert time.monotonic() < until, "the figures do not tell of it"
    assert b"income_annual" in counts
    for number in attacked.content["examples"]["complete_household"]["identifiers"].values():
        assert number.encode() not in counts

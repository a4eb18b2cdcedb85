"""The bench itself: whatever it measures answers rightly, or its figures would mean nothing. No figure is judged here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.growth import patient_settings
from tests.bench.parts import PARTS
from tests.bench.processes import Processes
from tests.bench.running import Bench, Options
from tests.bench.starter import WITHOUT

pytestmark = pytest.mark.bench

SHORT = Options(seconds=0.2, rounds=1, connections=1, households=800)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("bench")
    with Processes(folder) as processes:
        yield Bench(processes, SHORT, lambda _: None)


@pytest.mark.parametrize("part", ["cold", "warm"])
def test_a_part_finds_right_answers_only(bench: Bench, part: str):
    """The gateway and its peer answer whole, make the same calls, and a part's lines say what was measured."""
    lines = list(PARTS[part](bench))

    assert {line.part for line in lines} == {part}
    assert all(line.measured for line in lines)


@pytest.mark.parametrize("duties", ["token+admit+decide", "compose+minimise", "ledger+journal+collector"])
def test_a_gateway_without_some_duties_still_answers(bench: Bench, duties: str):
    """Duties are switched off, and nothing else: an answer that lacks something ends the run."""
    contender = bench.gateway(f"without-{duties}", without=duties)
    try:
        result = bench.measure(contender, warmup_s=0.0)
    finally:
        bench.drop(contender)

    assert result.rate > 0
    assert result.calls == pytest.approx(9.0, rel=0.2)


def test_a_gateway_that_waits_for_slow_registries_answers(bench: Bench):
    """Its registries are copies with other limits, and the country must still be whole."""
    contender = bench.gateway("patient", patient_settings(bench.folder))
    try:
        assert bench.measure(contender, warmup_s=0.0).rate > 0
    finally:
        bench.drop(contender)


def test_every_duty_is_tried_here():
    tried = {duty for mark in test_a_gateway_without_some_duties_still_answers.pytestmark for duty in _named(mark)}

    assert tried == set(WITHOUT) - {"nothing"}


def _named(mark: pytest.Mark) -> list[str]:
    return [duty for value in mark.args[1] for duty in value.split("+")]

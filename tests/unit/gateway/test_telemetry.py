"""The operator's log: JSON lines, with no field that nobody has looked at."""

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from prometheus_client import generate_latest

from gateway.stages.plan import Planner
from gateway.telemetry import FIELDS, Metrics, only_known_fields, open_log
from standards.errors import ConfigurationError
from tests.builders import CATALOGUE, MANIFESTS


@pytest.fixture
def lines(tmp_path):
    """Write to a log, and read what stands in it; logging is put back as it was afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = open_log(tmp_path / "deep" / "gateway.log", "info")

    def read() -> list[dict[str, Any]]:
        stream.flush()
        return [orjson.loads(line) for line in (tmp_path / "deep" / "gateway.log").read_text().splitlines()]

    yield read
    stream.close()
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


Lines = Callable[[], list[dict[str, Any]]]


def test_an_event_is_one_line_of_json(lines: Lines):
    """With its severity and the time, in UTC."""
    structlog.get_logger().warning("source_unavailable", source="tax", reason="source_down")
    (line,) = lines()

    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "source_unavailable", "level": "warning", "source": "tax", "reason": "source_down"}


def test_a_field_nobody_has_looked_at_does_not_reach_the_log(lines: Lines):
    """Whoever logged it: its value is dropped, and its name tells of the omission."""
    structlog.get_logger().info("request", given_name="Asha", uin="1000000001", status=200)
    (line,) = lines()

    assert line["dropped"] == ["given_name", "uin"]
    assert line["status"] == 200
    assert "Asha" not in str(line)
    assert "1000000001" not in str(line)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that takes nothing")
def test_a_full_disk_costs_a_line_and_nothing_else(lines: Lines):
    """What is logged about an answer must not stand in its way."""
    stream = open_log(Path("/dev/full"), "info")
    structlog.get_logger().info("request", status=200)
    stream.flush()
    with contextlib.suppress(OSError):
        stream.close()


def test_known_fields_pass_untouched():
    """All of them."""
    event = dict.fromkeys(FIELDS, "x")

    assert only_known_fields(None, "info", dict(event)) == event


def test_what_is_less_severe_than_asked_for_is_not_written(lines: Lines):
    """The level is the settings'."""
    structlog.get_logger().debug("request")

    assert lines() == []


def test_a_library_s_message_tells_who_and_how_severe_never_what(lines: Lines):
    """Its text and its arguments may hold anything."""
    log = logging.getLogger("some.library")
    try:
        int("Asha Moyo")
    except ValueError:
        log.exception("could not read %s", "1000000001")
    log.info("not severe enough")
    (line,) = lines()

    assert line["event"] == "library_message"
    assert line["caught"] == "ValueError"
    assert line["where"].startswith("some.library:")
    assert "Asha" not in str(line)
    assert "1000000001" not in str(line)


def test_a_log_is_continued(tmp_path: Path, lines: Lines):
    """A restart does not begin a new file."""
    structlog.get_logger().info("gateway_open")
    open_log(tmp_path / "deep" / "gateway.log", "info").close()

    assert len(lines()) == 1


def test_a_log_that_cannot_be_written_is_found_at_start(tmp_path: Path):
    """Before anything is answered."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"log\.file"):
        open_log(tmp_path / "file" / "gateway.log", "info")


def test_plans_are_counted():
    """Over all planners: how often one was compiled, and how often it was there already."""
    metrics, one, other = Metrics(), Planner(MANIFESTS.values(), CATALOGUE), Planner((), CATALOGUE)
    metrics.watch_plans(lambda: [one, other])
    for planner in (one, one, other):
        planner.plan(frozenset({"given_name"}), "UIN", None)
    text = generate_latest(metrics.registry).decode()

    assert 'hearth_plans_total{outcome="compiled"} 2.0' in text
    assert 'hearth_plans_total{outcome="reused"} 1.0' in text
    assert "hearth_plans_kept 2.0" in text


def test_metrics_are_labelled_by_registries_and_consumers_only():
    """No label could hold a person."""
    metrics = Metrics()
    metrics.questions.add("uct", "search.answered")
    metrics.source_calls.add("crvs")
    text = generate_latest(metrics.registry).decode()

    assert 'hearth_questions_total{consumer="uct",outcome="search.answered"} 1.0' in text
    labels = {name for metric in metrics.registry.collect() for sample in metric.samples for name in sample.labels}
    assert labels <= {"consumer", "outcome", "source", "reason", "le"}

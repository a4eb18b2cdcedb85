"""Figures of several workers as one."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.worker_metrics import SharedMetrics, clear


class Worker:
    """A worker that has answered so many questions."""

    def __init__(self, folder: Path, number: int, answered: int) -> None:
        registry = CollectorRegistry()
        self.answers = Counter("answers_total", "Answers by consumer", ("consumer",), registry=registry)
        took = Histogram("answer_seconds", "Time to answer", registry=registry, buckets=(0.01, 1))
        tasks = Gauge("tasks", "Tasks", registry=registry)
        self.shared = SharedMetrics(registry, folder, number, lambda: tasks.set(10 * number))
        self.answers.labels("uct").inc(answered)
        took.observe(0.02)


def shown(shared: SharedMetrics) -> list[str]:
    """What `/metrics` of a worker says."""
    registry = CollectorRegistry()
    registry.register(shared)
    return generate_latest(registry).decode().splitlines()


def test_whoever_is_asked_tells_of_all(tmp_path):
    """Counters, gauges and histograms, each under its worker, each described once."""
    clear(tmp_path)
    one, two = Worker(tmp_path, 1, 3), Worker(tmp_path, 2, 4)
    two.shared.write()
    said = shown(one.shared)

    assert 'answers_total{consumer="uct",worker="1"} 3.0' in said
    assert 'answers_total{consumer="uct",worker="2"} 4.0' in said
    assert 'answer_seconds_count{worker="2"} 1.0' in said
    assert 'answer_seconds_bucket{le="+Inf",worker="2"} 1.0' in said
    assert 'tasks{worker="2"} 20.0' in said
    assert said.count("# TYPE answer_seconds histogram") == 1


def test_a_worker_knows_itself_best(tmp_path):
    """Its own figures are those of now, not those that it wrote last."""
    clear(tmp_path)
    one = Worker(tmp_path, 1, 1)
    one.shared.write()
    one.answers.labels("uct").inc()

    answered = [line for line in shown(one.shared) if line.startswith("answers_total{")]
    assert answered == ['answers_total{consumer="uct",worker="1"} 2.0']


def test_what_an_earlier_run_has_left_is_not_shown(tmp_path):
    """A gateway that had more workers yesterday."""
    Worker(tmp_path, 9, 5).shared.write()
    clear(tmp_path)

    assert not any('worker="9"' in line for line in shown(Worker(tmp_path, 1, 1).shared))

"""Logs as JSON lines and metrics: registry ids and counts, never a person.

One masking step stands last before the renderer: a field whose name could carry a personal value is dropped there,
whoever logged it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

FIELDS: Final = frozenset(
    {
        "agreement", "attempt", "caught", "client_id", "code", "consumer", "correlation", "denials", "detail",
        "dropped", "duration_ms", "entries", "error", "event", "items", "level", "lookup", "method", "outcomes", "path",
        "path_template", "pid", "reason", "registries", "setting", "source", "status", "timestamp", "url",
        "version", "where",
    }
)  # fmt: skip
"""Fields a log line may have. Anything else is dropped, because nobody has looked whether it is personal."""


def only_known_fields(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every field that is not in `FIELDS`, and name it, so that the omission itself is seen."""
    unknown = sorted(name for name in event if name not in FIELDS)
    for name in unknown:
        del event[name]
    if unknown:
        event["dropped"] = unknown
    return event


def open_log(file: Path | None, level: str) -> TextIO:
    """Send every log line of the process to a file or to standard error; return the stream, for closing."""
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    stream = file.open("a", encoding="utf-8", buffering=1) if file is not None else sys.stderr
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_known_fields,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)
    return stream


class _Forward(logging.Handler):
    """Turns a library's log record into one line of ours: who and how severe, never its text or arguments."""

    def emit(self, record: logging.LogRecord) -> None:
        caught = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        structlog.get_logger().log(
            max(record.levelno, logging.WARNING),
            "library_message",
            where=f"{record.name}:{record.lineno}",
            caught=caught,
        )


class Metrics:
    """What the operator watches."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.questions = Counter(
            "hearth_questions_total", "Questions by consumer and outcome", ("consumer", "outcome"),
            registry=self.registry,
        )  # fmt: skip
        self.duration = Histogram(
            "hearth_answer_seconds", "Time from message to answer", registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )  # fmt: skip
        self.source_calls = Counter(
            "hearth_source_calls_total", "Calls to registries", ("source",), registry=self.registry
        )
        self.source_failures = Counter(
            "hearth_source_failures_total", "Questions in which a registry failed", ("source", "reason"),
            registry=self.registry,
        )  # fmt: skip
        self.cached_records = Counter(
            "hearth_cached_records_total", "Source records taken from the brief cache", ("source",),
            registry=self.registry,
        )  # fmt: skip
        self.breaker_open = Gauge(
            "hearth_source_breaker_open", "1 while a registry's circuit breaker is open", ("source",),
            registry=self.registry,
        )  # fmt: skip

"""Logs as JSON lines and metrics: registry ids and counts, never a person.

One masking step stands last before the renderer: a field whose name could carry a personal value is dropped there,
whoever logged it.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import MutableMapping
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import orjson
import structlog
from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from gateway.cache import MemoryCache
    from gateway.linkage.linker import Linker
    from gateway.registrations.lineups import Lineups
    from gateway.stages.plan import Planner

FIELDS: Final = frozenset(
    {
        "attribute", "caught", "consumer", "correlation", "detail", "dropped", "duration_ms", "event", "items", "level",
        "lookup", "method", "outcomes", "path_template", "pid", "reason", "registries", "source", "status",
        "timestamp", "url", "where",
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


def open_log(file: Path | None, level: str) -> Lines:
    """Send every log line of the process to a file or to standard error; return the stream, for closing.

    Raises: ConfigurationError when the file cannot be written.
    """
    try:
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        stream = Lines(file.open("ab", buffering=0) if file is not None else sys.stderr.buffer)
    except OSError as error:
        raise ConfigurationError(f"log.file: {file} cannot be written ({error.strerror})") from error
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_known_fields,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.BytesLoggerFactory(file=stream),  # type: ignore[arg-type] # it writes and flushes
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)
    return stream


class Lines:
    """Writes lines to a file, and loses one when the disk takes no more: no answer fails for want of its log line."""

    def __init__(self, file: BinaryIO | FileIO) -> None:
        self._file = file

    def write(self, line: bytes) -> int:
        """Write a line."""
        with contextlib.suppress(OSError):
            self._file.write(line)
        return len(line)

    def flush(self) -> None:
        """Write what is held back."""
        with contextlib.suppress(OSError):
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


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
        self.published = self.registry
        """What `/metrics` shows: these figures, or those of every worker beside them."""
        self.questions = self._tally("questions", "Questions by consumer and outcome", "consumer", "outcome")
        self.duration = Histogram(
            "hearth_answer_seconds", "Time from message to answer", registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )  # fmt: skip
        self.source_calls = self._tally("source_calls", "Calls to registries", "source")
        self.source_failures = self._tally(
            "source_failures", "Questions in which a registry failed", "source", "reason"
        )
        self.cached_records = self._tally("cached_records", "Source records taken from the brief cache", "source")
        self.probes_noticed = self._tally(
            "probes_noticed", "Times that thresholds were climbed like a ladder, and answered no more",
            "consumer", "attribute",
        )  # fmt: skip
        self.breaker_open = Gauge(
            "hearth_source_breaker_open", "1 while a registry's circuit breaker is open", ("source",),
            registry=self.registry,
        )  # fmt: skip
        self.tasks = Gauge("hearth_tasks", "Tasks of the event loop", registry=self.registry)

    def follow(self, cache: MemoryCache, lineups: Callable[[], Lineups]) -> None:
        """Show from now on what is kept, spared, planned and under way with the registries that answer by then."""
        self.registry.register(_Spared(cache, lineups))
        self.registry.register(_Lined(lineups))
        self.watch_plans(lambda: [p for one in lineups().all for p in (one.rooms.planner, one.rooms.past_planner)])

    def watch_linkage(self, linker: Linker) -> None:
        """Show from now on what was decided about people without a shared number, and what waits for an officer."""
        self.registry.register(_Linked(linker))

    def watch_plans(self, planners: Callable[[], Iterable[Planner]]) -> None:
        """Show from now on how often a plan had to be compiled."""
        self.registry.register(_Plans(planners))

    def _tally(self, name: str, about: str, *labels: str) -> Tally:
        tally = Tally(f"hearth_{name}", about, labels)
        self.registry.register(tally)
        return tally


class Tally(Collector):
    """A counter for the event loop alone: without locks, which cost more than counting, some ten times a question."""

    def __init__(self, name: str, about: str, labels: Sequence[str]) -> None:
        self._name, self._about, self._labels = name, about, labels
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *labels: str, count: int = 1) -> None:
        """Count so many more under these labels, given in their order."""
        self._counts[labels] = self._counts.get(labels, 0) + count

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the figure."""
        family = CounterMetricFamily(self._name, self._about, labels=self._labels)
        for labels, count in self._counts.items():
            family.add_metric(labels, count)
        yield family


class _Plans(Collector):
    """Reads the counts that planners keep themselves, when somebody looks."""

    def __init__(self, planners: Callable[[], Iterable[Planner]]) -> None:
        self._planners = planners

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield every figure."""
        counts = [planner.counts for planner in self._planners()]
        yield GaugeMetricFamily("hearth_plans_kept", "Compiled plans kept", value=sum(one.kept for one in counts))
        plans = CounterMetricFamily("hearth_plans", "Plans asked for, by what became of it", labels=("outcome",))
        for outcome in ("compiled", "reused", "dropped"):
            plans.add_metric((outcome,), sum(getattr(one, outcome) for one in counts))
        yield plans


class _Linked(Collector):
    """Reads the counts that the linker keeps itself, when somebody looks."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield every figure."""
        verdicts = CounterMetricFamily(
            "hearth_linkage_verdicts",
            "People looked for by their traits, by what was decided",
            labels=("source", "outcome"),
        )
        for (source, outcome), count in sorted(self._linker.counts.items()):
            verdicts.add_metric((source, outcome), count)
        yield verdicts
        reviews = GaugeMetricFamily("hearth_linkage_reviews", "Pairs in the review queue, by state", labels=("state",))
        for state, count in self._linker.standing._asdict().items():
            reviews.add_metric((state,), count)
        yield reviews
        yield CounterMetricFamily(
            "hearth_linkage_turned_away",
            "Pairs that stay open because the review queue is full",
            value=self._linker.turned_away,
        )


class _Lined(Collector):
    """Tells which versions are connected, and how much of what ought to be is not."""

    def __init__(self, lineups: Callable[[], Lineups]) -> None:
        self._lineups = lineups

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every figure."""
        lineups = self._lineups()
        versions = GaugeMetricFamily(
            "hearth_registry_version", "1 for each version that is connected", labels=("source", "version", "state")
        )
        for lineup in lineups.all:
            for id_ in sorted(lineup.ids):
                versions.add_metric((id_, lineup.registries[id_].manifest.version, str(lineup.state)), 1)
        yield versions
        yield GaugeMetricFamily(
            "hearth_registries_refused", "Manifests that ought to be in force and are not", value=len(lineups.notices)
        )


class _Spared(Collector):
    """Reads the counts that the cache, the calls and the guards keep themselves, when somebody looks."""

    def __init__(self, cache: MemoryCache, lineups: Callable[[], Lineups]) -> None:
        self._cache, self._lineups = cache, lineups

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield every figure."""
        live = self._lineups().live
        calls, recall = live.rooms.fetcher.calls, live.rooms.recall
        for name, about, figure in (
            ("bytes", "Estimated size of the source records kept", self._cache.size_bytes),
            ("records", "Source records kept", len(self._cache)),
        ):
            yield GaugeMetricFamily(f"hearth_cache_{name}", about, value=figure)
        yield GaugeMetricFamily("hearth_source_calls_under_way", "Calls to registries under way", value=calls.under_way)
        yield CounterMetricFamily(
            "hearth_recalled_answers", "Answers given again while all they rest on stands", value=recall.recalled
        )
        looks = CounterMetricFamily(
            "hearth_cache_lookups", "People looked for in the brief cache", labels=("source", "outcome")
        )
        joined = CounterMetricFamily(
            "hearth_joined_lookups", "People about whom another question was asking already", labels=("source",)
        )
        late = CounterMetricFamily(
            "hearth_late_calls", "Calls that went on for the cache after their last question", labels=("source",)
        )
        hedged = CounterMetricFamily(
            "hearth_hedged_calls", "Second calls made because the first was slow", labels=("source",)
        )
        for source, counts in calls.counts().items():
            looks.add_metric((source, "hit"), counts.hits)
            looks.add_metric((source, "miss"), counts.misses)
            looks.add_metric((source, "stale"), counts.stale)
            joined.add_metric((source,), counts.joined)
            late.add_metric((source,), counts.late)
            hedged.add_metric((source,), live.registries[source].guarded.hedged)
        yield from (looks, joined, late, hedged)

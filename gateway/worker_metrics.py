"""Metrics of several worker processes as one: whichever of them is asked tells of all.

Each worker writes its figures into a file every few seconds, in a folder of the stores, and adds the others' to its own
when it is asked. Every figure carries the label `worker`, its number from 1; a worker that was started anew begins at
zero, as after any restart.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import orjson
from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

WRITE_S: Final = 2.0
"""How often each worker writes its figures down."""


class SharedMetrics(Collector):
    """The figures of this worker as they are, and those of the others as they were written last.

    prepare: brings up to date what is only set when somebody looks.
    """

    def __init__(self, own: Collector, folder: Path, worker: int, prepare: Callable[[], None]) -> None:
        self._own, self._folder, self._worker, self._prepare = own, folder, worker, prepare

    def collect(self) -> Iterator[Metric]:
        """Yield every figure with its worker."""
        families: dict[str, Metric] = {}
        for worker, metrics in self._all():
            for metric in metrics:
                kind = families.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                kind.samples += [s._replace(labels={**s.labels, "worker": str(worker)}) for s in metric.samples]
        yield from families.values()

    def write(self) -> None:
        """Write the figures of this worker down, whole or not at all."""
        self._prepare()
        file = self._file(self._worker)
        partial = file.with_suffix(".partial")
        partial.write_bytes(orjson.dumps([_stated(metric) for metric in self._own.collect()]))
        partial.replace(file)

    async def keep_writing(self) -> None:
        """Write them down every few seconds, until cancelled. A disk that takes none stops nothing."""
        while True:
            with contextlib.suppress(OSError):
                self.write()
            await asyncio.sleep(WRITE_S)

    def _all(self) -> Iterator[tuple[int, Iterable[Metric]]]:
        yield self._worker, self._own.collect()
        for file in sorted(self._folder.glob("metrics-*")):
            number = file.name.removeprefix("metrics-")
            if number.isdigit() and int(number) != self._worker:
                with contextlib.suppress(OSError):
                    yield int(number), [_metric(*stated) for stated in orjson.loads(file.read_bytes())]

    def _file(self, worker: int) -> Path:
        return self._folder / f"metrics-{worker}"


def _stated(metric: Metric) -> list[object]:
    samples = [[sample.name, sample.labels, sample.value] for sample in metric.samples]
    return [metric.name, metric.documentation, metric.type, samples]


def _metric(name: str, documentation: str, type_: str, samples: list[tuple[str, dict[str, str], float]]) -> Metric:
    metric = Metric(name, documentation, type_)
    metric.samples = [Sample(*sample) for sample in samples]
    return metric


def clear(folder: Path) -> None:
    """Make the folder, and remove what an earlier run has left in it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for file in folder.glob("metrics-*"):
        file.unlink(missing_ok=True)

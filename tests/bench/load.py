"""The load: a process of its own that asks over bare connections; `python -m tests.bench.load TASK.json RESULT.json`.

Closed loop: so many connections, each asks again as soon as it has its answer. Open loop: questions leave at a fixed
rate whatever happens, on a grid of milliseconds, and latency counts from the moment a question was meant to leave. It reads the CPU time and the
memory of the processes it is told about at the edges of its own window, so that figures and answers belong together.
"""

from __future__ import annotations

import asyncio
import math
import os
import secrets
import statistics
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import uvloop

_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MARK: Final = b"@@@@@"
_NUMBER: Final = b"########"


class Task(NamedTuple):
    """What to do; every field is plain JSON."""

    port: int
    bodies: list[str]
    """Request bodies in which the household's digits and the question's number are still to be put; taken in turn."""
    path: str = "/registry/sync/search"
    headers: dict[str, str] = {}
    method: str = "POST"
    households: tuple[int, int] = (0, 1)
    """The first household asked about, and how many follow before the first comes again."""
    connections: int = 16
    rate: float = 0.0
    """Questions per second of an open loop; 0 is a closed loop."""
    warmup_s: float = 1.0
    seconds: float = 4.0
    drain_s: float = 8.0
    """How long after the window answers to questions of the window are waited for."""
    least_bytes: int = 0
    """A smaller answer counts as wrong."""
    forbidden: str = ""
    """A text that no right answer holds."""
    pids: list[int] = []
    sample_memory: bool = False


def cpu_s(pid: int) -> float:
    """Return the CPU time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident_bytes(pid: int) -> int:
    """Return the memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE


class Asker(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.transport: Any = None
        self._parts: list[bytes] = []
        self._missing = 0
        self._meant = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self, request: bytes, meant: float) -> None:
        self._meant = meant
        self._run.in_flight += 1
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if not self._parts:
            end = data.find(b"\r\n\r\n")
            head = data[:end].lower()
            at = head.find(b"content-length:")
            if end < 0 or at < 0:
                self._run.fail(f"no whole header came back: {data[:80]!r}")
                return
            self._missing = int(head[at + 15 :].split(b"\r\n", 1)[0]) + end + 4
        self._parts.append(data)
        self._missing -= len(data)
        if self._missing <= 0:
            answer = b"".join(self._parts)
            self._parts = []
            self._run.in_flight -= 1
            self._run.answered(self, answer, self._meant)

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.lost()


class Run:
    """One run of one task."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.latencies: list[float] = []
        self.wrong = 0
        self.example = b""
        self.in_flight = 0
        self.most_in_flight = 0
        self.size = 0
        self.late: list[float] = []
        self._asked = 0
        # No two questions of runs against the same gateway have one message_id: it would be refused as a repetition.
        self._first = secrets.randbelow(100_000_000)
        self._idle: deque[Asker] = deque()
        self._waiting: deque[float] = deque()
        self._window = (0.0, float("inf"))
        self._over: asyncio.Future[None]
        head = f"{task.method} {task.path} HTTP/1.1\r\nHost: 127.0.0.1:{task.port}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in task.headers.items())
        self._requests = [f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode() for body in task.bodies]

    def _next(self) -> bytes:
        first, count = self.task.households
        number = self._asked
        self._asked += 1
        request = self._requests[number % len(self._requests)]
        household = b"%05d" % (first + number % count)
        return request.replace(_MARK, household).replace(_NUMBER, b"%08d" % ((self._first + number) % 100_000_000))

    def answered(self, asker: Asker, answer: bytes, meant: float) -> None:
        now = time.perf_counter()
        wrong = not answer.startswith(b"HTTP/1.1 200") or len(answer) < self.task.least_bytes
        if wrong or (self.task.forbidden and self.task.forbidden.encode() in answer):
            self.wrong += 1
            self.example = self.example or answer
        start, end = self._window
        if (start <= meant if self.task.rate else start <= now) and (meant if self.task.rate else now) < end:
            self.latencies.append(now - meant)
            self.size = len(answer)
        if self.task.rate:
            if self._waiting:
                asker.ask(self._next(), self._waiting.popleft())
            else:
                self._idle.append(asker)
        elif now < end:
            asker.ask(self._next(), now)

    def fail(self, why: str) -> None:
        if not self._over.done():
            self._over.set_exception(RuntimeError(why))

    def lost(self) -> None:
        if not self._over.done():
            self.fail("a connection was closed by the other side")

    async def run(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        self._over = loop.create_future()
        task = self.task
        askers = []
        for _ in range(task.connections):
            _, asker = await loop.create_connection(lambda: Asker(self), "127.0.0.1", task.port)
            askers.append(asker)
        before = {pid: resident_bytes(pid) for pid in task.pids}
        begin = time.perf_counter()
        self._window = (begin + task.warmup_s, begin + task.warmup_s + task.seconds)
        if task.rate:
            self._idle.extend(askers)
            loop.create_task(self._pace(begin))  # noqa: RUF006 - it ends with the window, before this function does
        else:
            for asker in askers:
                asker.ask(self._next(), time.perf_counter())
        await self._wait(self._window[0] - time.perf_counter())
        cpu = {pid: cpu_s(pid) for pid in task.pids}
        own, start = time.process_time(), time.perf_counter()
        memory = await self._watch()
        used = {pid: cpu_s(pid) - cpu[pid] for pid in task.pids}
        took = time.perf_counter() - start
        own = time.process_time() - own
        until = time.perf_counter() + task.drain_s
        while self.in_flight and time.perf_counter() < until:
            await self._wait(0.005)
        self._over.set_result(None)
        for asker in askers:
            asker.transport.abort()
        return {
            "answers": len(self.latencies),
            "asked": self._asked,
            "wrong": self.wrong,
            "example": self.example[:2000].decode(errors="replace"),
            "seconds": took,
            "rate": len(self.latencies) / task.seconds,
            "cpu_s": sum(used.values()),
            "load_cpu_s": own,
            "latencies_ms": [round(1000 * latency, 3) for latency in self.latencies],
            "late_ms": 1000 * statistics.median(self.late) if self.late else 0.0,
            "bytes": self.size,
            "unanswered": self.in_flight + len(self._waiting),
            "most_in_flight": self.most_in_flight,
            "memory_before": sum(before.values()),
            "memory_most": memory,
        }

    async def _pace(self, begin: float) -> None:
        """Send every question at the moment it is due; those that are overdue leave together."""
        sent, end = 0, self._window[1]

        def due() -> float:
            return begin + math.ceil(1000 * sent / self.task.rate) / 1000

        while (now := time.perf_counter()) < end:
            while (meant := due()) <= now:
                sent += 1
                self.late.append(now - meant)
                if self._idle:
                    self._idle.popleft().ask(self._next(), meant)
                else:
                    self._waiting.append(meant)
            await asyncio.sleep(max(0.0, due() - time.perf_counter()))

    async def _watch(self) -> int:
        """Wait until the window ends; return the most memory seen, if it is to be watched."""
        most = 0
        while (left := self._window[1] - time.perf_counter()) > 0:
            await self._wait(min(left, 0.05) if self.task.sample_memory else left)
            if self.task.sample_memory:
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                most = max(most, sum(map(resident_bytes, self.task.pids)))
        return most

    async def _wait(self, seconds: float) -> None:
        """Wait so long, or raise what went wrong meanwhile."""
        await asyncio.wait([self._over], timeout=max(0.0, seconds))
        if self._over.done():
            self._over.result()


if __name__ == "__main__":
    given = orjson.loads(Path(sys.argv[1]).read_bytes())
    Path(sys.argv[2]).write_bytes(orjson.dumps(uvloop.run(Run(Task(**given)).run())))

"""Child processes of the bench: started with a pipe, told apart by pid, ended by pid whatever happens."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ROOT: Final = Path(__file__).resolve().parents[2]
START_S: Final = 60.0
STOP_S: Final = 5.0


class Processes:
    """Every process that the bench has started. Use it as a context manager: it stops them all at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in list(self._children):
            self.stop(child)

    def start(
        self,
        name: str,
        *arguments: str,
        ready: Path | None = None,
        python: Path | None = None,
        root: Path = ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start `python ARGUMENTS` in a tree of the project, and return once it has written its file.

        Its output goes to a file of its name. It holds a pipe of ours, so that it ends when this process is gone.
        Raises: RuntimeError with its last words when it does not come up.
        """
        said = self.folder / f"{name}.out"
        if ready is not None:
            ready.unlink(missing_ok=True)
        with said.open("wb") as output:
            child = subprocess.Popen(
                [str(python or sys.executable), *arguments],
                cwd=root,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(root), **(environment or {})},
                start_new_session=True,
            )
        self._children.append(child)
        until = time.monotonic() + START_S
        while ready is not None and not ready.exists():
            if child.poll() is not None or time.monotonic() > until:
                words = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                raise RuntimeError(f"{name} did not come up: {words[-1] if words else 'no word'} ({said})")
            time.sleep(0.02)
        return child

    def stop_pids(self, pids: Sequence[int]) -> None:
        """End those of our processes that have these pids."""
        for child in [child for child in self._children if child.pid in pids]:
            self.stop(child)

    def stop(self, child: subprocess.Popen[bytes]) -> None:
        """End one process: close its pipe, then ask, then insist."""
        if child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.close()
        if child.poll() is None:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(STOP_S)
        if child.poll() is None:
            child.kill()
            child.wait()
        self._children.remove(child)


def children_of(pid: int) -> tuple[int, ...]:
    """Return the processes that a process has started and that still run."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return tuple(map(int, found.split()))

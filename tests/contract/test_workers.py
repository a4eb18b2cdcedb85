"""The crew of workers, with workers that do little: who is started when, and what becomes of whom."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from gateway.server import listen, listen_together
from standards.errors import ConfigurationError
from tests.bench.processes import children_of
from tests.e2e.fetching import comes

pytestmark = pytest.mark.contract

CREW = """
import json, os, signal, sys, time
from pathlib import Path
from gateway.workers import Crew
from standards.errors import ConfigurationError, JournalError

folder, mode = Path(sys.argv[1]), sys.argv[2]

def work(place):
    (folder / f"started-{place.number}-{os.getpid()}").touch()
    if mode == "broken" or (mode == "broken later" and len(list(folder.glob("started-*"))) > 2):
        raise JournalError("the journal cannot be opened")
    if mode == "dies at once":
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    place.answers()
    assert not sys.stdin.buffer.read(1)
    while os.read(place.lifeline, 1):
        pass

try:
    Crew(2, work, (folder / "told").touch).run(None)
except ConfigurationError as error:
    print(error)
    sys.exit(1)
"""


def crew(folder: Path, mode: str) -> subprocess.Popen[str]:
    """Start a crew of two."""
    command = [sys.executable, "-c", CREW, str(folder), mode]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


def started(folder: Path) -> list[tuple[int, int]]:
    """Every worker that was ever started: number and process."""
    names = (path.name.split("-") for path in folder.glob("started-*"))
    return sorted((int(number), int(pid)) for _, number, pid in names)


def replaced(folder: Path, parent: int, count: int) -> bool:
    """Tell whether so many workers have been started, and two run."""
    return len(started(folder)) == count and len(children_of(parent)) == 2


def test_a_worker_that_dies_again_and_again_is_started_ever_more_slowly(tmp_path):
    """And its place is taken by one of the same number."""
    child = crew(tmp_path, "well")
    try:
        assert comes((tmp_path / "told").exists)
        for count in (3, 4, 5):
            (pid,) = [pid for number, pid in started(tmp_path) if number == 2 and pid in children_of(child.pid)]
            os.kill(pid, signal.SIGKILL)
            assert comes(partial(replaced, tmp_path, child.pid, count))
    finally:
        child.terminate()
        out, _ = child.communicate(timeout=10)

    assert [number for number, _ in started(tmp_path)] == [1, 2, 2, 2, 2]
    assert [json.loads(line)["reason"] for line in out.splitlines() if line.startswith("{")] in (
        [],
        ["signal SIGKILL"] * 3,
    )
    assert child.returncode == 0


@pytest.mark.parametrize(("mode", "said"), [("broken", "cannot be opened"), ("dies at once", "signal SIGKILL")])
def test_a_first_worker_that_cannot_start_is_the_last(tmp_path, mode, said):
    """The others would only say the same."""
    child = crew(tmp_path, mode)
    out, _ = child.communicate(timeout=20)

    assert child.returncode == 1
    assert said in out
    assert len(started(tmp_path)) == 1
    assert not (tmp_path / "told").exists()


def test_a_worker_that_does_not_listen_is_killed(tmp_path):
    """All is over within five seconds."""
    child = crew(tmp_path, "deaf")
    assert comes((tmp_path / "told").exists)
    child.terminate()
    child.communicate(timeout=6)

    assert child.returncode == 0
    for _, pid in started(tmp_path):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_sockets_that_share_a_port_notice_somebody_else_s(tmp_path):
    """Two gateways never share one port without anybody having said so."""
    theirs = listen("127.0.0.1", 0)
    theirs.listen(1)
    try:
        with pytest.raises(ConfigurationError, match=r"server\.port.*in use"):
            listen_together("127.0.0.1", theirs.getsockname()[1], 2)
    finally:
        theirs.close()
    ours = listen_together("127.0.0.1", 0, 3)
    try:
        assert len({one.getsockname() for one in ours}) == 1
        for one in ours:
            one.listen(1)
        with pytest.raises(ConfigurationError, match="in use"):
            listen_together("127.0.0.1", ours[0].getsockname()[1], 2)
    finally:
        for one in ours:
            one.close()

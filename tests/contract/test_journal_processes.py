"""Several processes write one journal: one whole chain, nothing lost, whatever happens to any of them."""

from __future__ import annotations

import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.journal import read, sqlite_url, verify
from tests.databases import postgresql

pytestmark = pytest.mark.contract

WRITERS = 3


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> Iterator[str]:
    """Each database in turn, empty."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "journal.db")
        return
    with postgresql() as found:
        yield found


@contextmanager
def writer(url: str, name: str, count: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes; gone at the end whatever happens."""
    command = [sys.executable, "-m", "tests.contract.journal_writer", url, name, str(count), "4"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def said(child: subprocess.Popen[bytes]) -> list[str]:
    """What a process has printed when it has ended, whole lines only."""
    out, _ = child.communicate(timeout=60)
    return [line for line in out.decode().rpartition("\n")[0].split("\n") if re.fullmatch(r"\w+-\d+", line)]


def correlations(url: str) -> list[str]:
    """Every entry of a journal that is whole."""
    entries = [entry["correlation"] for _, entry in read(url) if "correlation" in entry]
    assert verify(url) >= len(entries)
    return entries


def test_processes_that_write_at_once_make_one_chain(url):
    """They make the tables at the same moment, take turns at the end of the chain, and lose nothing."""
    with writer(url, "a", 300) as a, writer(url, "b", 300) as b, writer(url, "c", 300) as c:
        told = [line for child in (a, b, c) for line in said(child)]
        assert [child.returncode for child in (a, b, c)] == [0] * WRITERS

    assert sorted(correlations(url)) == sorted(told) == sorted(f"{name}-{n}" for name in "abc" for n in range(300))


def test_processes_take_turns(url):
    """One that writes without a pause holds up nobody else."""
    with writer(url, "busy") as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        before = verify(url)
        with writer(url, "other", 40) as other:
            said(other)
            assert other.returncode == 0
        assert busy.poll() is None

    found = correlations(url)[before:]
    first = next(place for place, one in enumerate(found) if one.startswith("other"))
    last = max(place for place, one in enumerate(found) if one.startswith("other"))
    assert last - first < 40 * 20, "it got its turn among the other's"


def test_a_process_killed_while_it_writes_breaks_nothing(url):
    """What it was told is on disk is on disk; the others and the next one go on with the same chain."""
    told: list[str] = []
    with writer(url, "steady", 400) as steady:
        for round_ in range(3):
            with writer(url, f"killed{round_}") as child:
                assert child.stdout is not None
                first = [child.stdout.readline() for _ in range(20)]
                child.send_signal(signal.SIGKILL)
                told += [line.decode().strip() for line in first]
                told += said(child)
        told += said(steady)
        assert steady.returncode == 0

    assert set(told) <= set(correlations(url))


def test_a_file_that_may_not_grow_loses_nothing_that_was_told(tmp_path):
    """The disk is full for one process in the middle of its work; what it was told is there, and the chain is whole."""
    url = sqlite_url(tmp_path / "journal.db")
    with writer(url, "full") as child:
        assert child.stdout is not None
        first = [child.stdout.readline().decode().strip() for _ in range(50)]
        largest = max(path.stat().st_size for path in tmp_path.iterdir())
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        told = said(child)  # it ends by itself, because nobody catches its error
        _, trouble = child.communicate()
        assert child.returncode == 1, trouble

    before = correlations(url)
    assert {*first, *told} <= set(before)
    with writer(url, "next", 10) as child:
        said(child)
    assert correlations(url)[-10:] != before[-10:]

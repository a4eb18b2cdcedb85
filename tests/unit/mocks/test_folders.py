"""The files of practice registries hold people, made up as they are: they go with their country, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from typing import Any

import pytest

from mocks.folders import PREFIX, clear_up, own_folder

LIVING = (
    "import sys, tempfile; tempfile.tempdir = sys.argv[1]; from mocks.folders import own_folder\n"
    "with own_folder() as folder:\n"
    "    (folder / 'records').mkdir(); (folder / 'records' / 'list.csv').write_text('Moyo')\n"
    "    print(folder, flush=True); sys.stdin.read()"
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Give the folder for what is temporary."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_country_that_was_killed_is_cleared_up_by_the_next(place):
    """And one that lives is let alone, as is what is no country's."""
    command = [sys.executable, "-c", LIVING, str(place)]
    countries: list[Any] = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    folders = [place / one.stdout.readline().strip().rpartition("/")[2] for one in countries]
    other, link = place / f"{PREFIX}other", place / f"{PREFIX}link"
    other.mkdir()
    link.symlink_to(folders[0])
    try:
        assert all((folder / "records" / "list.csv").exists() for folder in folders)
        countries[0].send_signal(signal.SIGKILL)
        countries[0].wait()
        with own_folder() as mine:
            assert mine.exists()
            assert not folders[0].exists()
            assert (folders[1] / "records" / "list.csv").exists()
        assert not mine.exists()
        assert other.exists()
    finally:
        for one in countries:
            one.stdin.close()
            one.wait()
            one.stdout.close()
    assert not folders[1].exists()
    clear_up(place)
    assert {one.name for one in place.iterdir()} == {other.name, link.name}

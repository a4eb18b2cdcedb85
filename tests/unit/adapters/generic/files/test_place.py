"""Which of the files in a folder are drops, and which is the newest."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from adapters.generic.files.options import FilesOptions
from adapters.generic.files.place import Drop, Entry, Folder, PlaceError, drops


def options(**changes):
    """Return what a manifest says of its drops."""
    return FilesOptions(**{"lookups": {}, "pattern": "paid-*.csv", "max_age_h": 24, **changes})


def names(entries, **changes):
    """Return the names of the drops among some files, the newest first."""
    return [drop.entry.name for drop in drops([Entry(name, 1, at) for name, at in entries], options(**changes))]


def test_the_one_changed_last_comes_first():
    """Equal times are decided by the names, so that every process takes the same one."""
    assert names([("paid-a.csv", 1), ("paid-c.csv", 5), ("paid-b.csv", 5), ("other.csv", 9), ("Paid-d.csv", 9)]) == [
        *("paid-c.csv", "paid-b.csv", "paid-a.csv")
    ]


def test_a_day_in_the_name_counts_more_than_the_time():
    """A file without one, or with one that is none, is no drop then."""
    found = [
        *(("paid-20260131.csv", 9), ("paid-2026-02-01.csv", 1), ("paid-2026-02-30.csv", 9)),
        *(("paid-x.csv", 9), ("paid-120260301.csv", 9)),
    ]

    assert names(found, dated_name=True) == ["paid-2026-02-01.csv", "paid-20260131.csv"]


def test_only_marked_drops_count_where_marks_are_set():
    """The mark itself is none, even where the pattern would take it."""
    found = [("paid-1.csv", 1), ("paid-1.csv.done", 1), ("paid-2.csv", 2)]

    assert names(found, complete="marker") == ["paid-1.csv"]
    assert names(found, pattern="paid-*") == ["paid-2.csv", "paid-1.csv"]


def test_a_drop_says_as_of_when_it_holds():
    """A day, or a moment in UTC."""
    dated = Drop(Entry("x", 1, 0.0), date(2026, 2, 1))
    undated = Drop(Entry("x", 1, 86_400.5), None)

    assert (dated.as_of, dated.at) == ("2026-02-01", datetime(2026, 2, 1, tzinfo=UTC))
    assert undated.as_of == "1970-01-02T00:00:00+00:00"


async def test_a_file_that_became_another_is_not_opened(tmp_path):
    """Between looking and opening it may have been exchanged, for a link even."""
    (tmp_path / "a").write_bytes(b"one")
    (entry,) = await Folder(str(tmp_path)).look()
    (tmp_path / "a").write_bytes(b"other")
    with pytest.raises(PlaceError, match="changed"):
        await Folder(str(tmp_path)).bring(entry)
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("/etc/hostname")
    with pytest.raises(PlaceError, match="cannot be read"):
        await Folder(str(tmp_path)).bring(entry)

"""Files that are sealed on the disk and whole in the hand."""

from __future__ import annotations

import random

import pytest
from cryptography.exceptions import InvalidTag

from adapters.generic.files.spool import Sealer, Spool


@pytest.mark.parametrize("count", [0, 1, 65_535, 65_536, 65_537, 300_000])
def test_what_was_written_is_read(count):
    """In whatever pieces it came, over the limits of its chunks."""
    chance = random.Random(count)
    content, at, spool = chance.randbytes(count), 0, Spool()
    while at < count:
        at += spool.write(content[at : at + chance.randint(1, 90_000)])
    with spool.rewind() as file:
        assert file.read(10) == content[:10]
        assert file.read() == content[10:]
    assert spool.bytes == count
    assert spool.closed


def test_nothing_lies_on_the_disk_in_clear():
    """Whoever reads the file itself finds noise."""
    spool = Spool()
    spool.write(b"Canarybird" * 20_000)
    file = spool.rewind()
    raw = spool.__dict__["_file"]
    raw.seek(0)
    stored = raw.read()
    file.close()

    assert len(stored) > 200_000
    assert b"Canary" not in stored


def test_a_sealed_piece_opens_only_in_its_own_place():
    """Pieces cannot be exchanged, nor opened by another key."""
    sealer = Sealer()
    sealed = sealer.seal(1, b"one")

    assert sealer.open(1, sealed) == b"one"
    with pytest.raises(InvalidTag):
        sealer.open(2, sealed)
    with pytest.raises(InvalidTag):
        Sealer().open(1, sealed)

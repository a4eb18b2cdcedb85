"""Verification: whatever somebody with access to the files does to a journal shows, and the first bad entry is named."""

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.journal import chained, examine, read, verify
from gateway.journal.checkpoints import key_id, read_checkpoints
from standards.errors import JournalError
from tests.unit.gateway.journal.conftest import KEYS, Disk

COUNT = 5


@pytest.fixture
async def kept(disk: Disk) -> Disk:
    """A journal of five entries with a checkpoint over the third and one over the last, and a copy."""
    await disk.write(*"abc")
    disk.keep(copy=True)
    await disk.write(*"de")
    disk.keep(copy=True)
    return disk


async def test_a_journal_that_nobody_touched_is_whole(kept):
    """With everything that there is to compare."""
    found = kept.examine(file=True, copy=True)

    assert (found.entries, found.checkpoints, found.copied) == (5, 2, 5)
    assert found.newest is not None
    assert found.newest.seq == 5


@pytest.mark.parametrize("seq", range(1, COUNT + 1))
@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE journal SET entry = replace(entry, 'answered', 'denied') WHERE seq = {seq}",
        "UPDATE journal SET hash = upper(hash) || '' WHERE seq = {seq} AND hash <> upper(hash)",
        "UPDATE journal SET previous = '{zeros}x' WHERE seq = {seq}",
        "UPDATE journal SET seq = 99 WHERE seq = {seq}",
    ],
    ids=["entry", "hash", "previous", "number"],
)
async def test_an_edit_anywhere_shows(written, seq, edit):
    """Text, hash, the hash before, number: the first entry that is wrong is named."""
    written.run(edit.format(seq=seq, zeros="0" * 63))

    with pytest.raises(JournalError, match=f"entry {seq} "):
        verify(written.url)


@pytest.mark.parametrize("seq", range(1, COUNT))
async def test_a_cut_from_within_shows(written, seq):
    """Whether the gap is left, or the rest is moved up."""
    written.run(f"DELETE FROM journal WHERE seq = {seq}")
    with pytest.raises(JournalError, match=f"entry {seq} is missing"):
        verify(written.url)
    written.run(f"UPDATE journal SET seq = seq - 1 WHERE seq > {seq}")
    with pytest.raises(JournalError, match=f"entry {seq} was changed"):
        verify(written.url)


@pytest.mark.parametrize("seq", range(1, COUNT))
async def test_a_swap_shows(written, seq):
    """Two entries that change places are both wrong; the first one is named."""
    written.run(
        f"UPDATE journal SET seq = 99 WHERE seq = {seq}",
        f"UPDATE journal SET seq = {seq} WHERE seq = {seq + 1}",
        f"UPDATE journal SET seq = {seq + 1} WHERE seq = 99",
    )

    with pytest.raises(JournalError, match=f"entry {seq} "):
        verify(written.url)


async def test_an_entry_put_in_between_shows(written):
    """With all the others renumbered, and even with a hash of its own that fits."""
    written.run("UPDATE journal SET seq = seq + 100 WHERE seq > 2", "UPDATE journal SET seq = seq - 99 WHERE seq > 100")
    (last,) = written.run("SELECT hash FROM journal WHERE seq = 2")
    forged = chained(3, last[0], "{}")
    written.run(f"INSERT INTO journal (seq, entry, previous, hash) VALUES (3, '{{}}', '{last[0]}', '{forged}')")

    with pytest.raises(JournalError, match="entry 4 was changed"):
        verify(written.url)


@pytest.mark.parametrize("seq", range(1, COUNT + 1))
async def test_an_edit_with_all_hashes_made_anew_shows(kept, seq):
    """The chain fits, the next checkpoint does not; the copy names the entry itself."""
    kept.run(f"UPDATE journal SET entry = replace(entry, 'answered', 'denied') WHERE seq = {seq}")
    kept.chain_anew()

    assert verify(kept.url) == COUNT, "nothing but a checkpoint can tell"
    with pytest.raises(JournalError, match="entry 1 or one after it up to entry 3" if seq <= 3 else "entry 4 or one"):
        kept.examine()
    with pytest.raises(JournalError, match=f"entry {seq} is not as in the copy"):
        kept.examine(copy=True)


@pytest.mark.parametrize("seq", range(1, COUNT + 1))
async def test_a_cut_with_all_hashes_made_anew_shows(kept, seq):
    """Nobody is left out without a trace, wherever in the journal."""
    kept.run(f"DELETE FROM journal WHERE seq = {seq}")
    kept.chain_anew()

    assert verify(kept.url) == COUNT - 1
    with pytest.raises(
        JournalError, match="entry 1 or one after it up to entry 3" if seq <= 3 else "entry 5 is missing"
    ):
        kept.examine()
    with pytest.raises(JournalError, match=f"entry {seq} is not as in the copy|entry 5 is missing: the copy has it"):
        kept.examine(copy=True)


@pytest.mark.parametrize("seq", range(1, COUNT))
async def test_a_swap_with_all_hashes_made_anew_shows(kept, seq):
    """The order in which things happened is part of what is kept."""
    kept.run(
        f"UPDATE journal SET seq = 99 WHERE seq = {seq}",
        f"UPDATE journal SET seq = {seq} WHERE seq = {seq + 1}",
        f"UPDATE journal SET seq = {seq + 1} WHERE seq = 99",
    )
    kept.chain_anew()

    assert verify(kept.url) == COUNT
    with pytest.raises(JournalError, match="up to entry"):
        kept.examine()
    with pytest.raises(JournalError, match=f"entry {seq} is not as in the copy"):
        kept.examine(copy=True)


@pytest.mark.parametrize("left", range(COUNT))
async def test_a_missing_tail_shows(kept, left):
    """The chain of what is left is whole; the checkpoint, in the store or in its file, and the copy know of more."""
    kept.run(f"DELETE FROM journal WHERE seq > {left}")

    assert verify(kept.url) == left
    with pytest.raises(JournalError, match=f"entry {left + 1} is missing: the checkpoint of .* has 5 entries"):
        kept.examine()
    kept.run("DELETE FROM journal_checkpoint")
    assert kept.examine().entries == left, "with the store alone, whoever can write it can hide it"
    with pytest.raises(JournalError, match=f"entry {left + 1} is missing"):
        kept.examine(file=True)
    with pytest.raises(JournalError, match=f"entry {left + 1} is missing: the copy has it"):
        kept.examine(copy=True)


async def test_a_journal_that_was_replaced_shows(kept, disk):
    """Another chain of the same length, whole in itself."""
    kept.run("UPDATE journal SET entry = '{}'")
    kept.chain_anew()

    with pytest.raises(JournalError, match="entry 1 or one after it"):
        kept.examine(file=True)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("replace(checkpoint, '\"seq\":5', '\"seq\":4')", "over entry 4 is not signed"),
        ("replace(checkpoint, '2026', '2025')", "over entry 5 is not signed"),
        ("replace(checkpoint, 'signature\":\"', 'signature\":\"AAAA')", "over entry 5 is not signed"),
        ("replace(checkpoint, 'signature\":\"', 'signature\":\"?')", "over entry 5 is not signed"),
        ("'{}'", "cannot be read"),
        ("'no JSON'", "cannot be read"),
    ],
)
async def test_a_checkpoint_that_was_changed_shows(kept, edit, said):
    """Its number, its time, its signature, its form."""
    kept.run(f"UPDATE journal_checkpoint SET checkpoint = {edit} WHERE seq = 5")

    with pytest.raises(JournalError, match=said):
        kept.examine()


async def test_a_checkpoint_of_somebody_else_is_none(kept):
    """Whoever makes a chain anew has no key to sign it with."""
    stranger = Ed25519PrivateKey.generate().public_key()

    with pytest.raises(JournalError, match="not signed by a key given"):
        examine(kept.url, {key_id(stranger): stranger})
    assert examine(kept.url, {**KEYS, key_id(stranger): stranger}).checkpoints == 2


async def test_a_copy_may_begin_later(kept):
    """Older files of it were carried away."""
    lines = kept.copy.read_bytes().splitlines(keepends=True)
    kept.copy.write_bytes(b"".join(lines[2:]))
    assert kept.examine(copy=True).copied == 3

    kept.copy.write_bytes(b"".join([*lines[:1], *lines[2:]]))
    with pytest.raises(JournalError, match="entry 2 is missing in the copy, which goes on with 3"):
        kept.examine(copy=True)


async def test_a_copy_may_be_a_moment_behind(kept):
    """And its last line may be half written; what there is must agree."""
    content = kept.copy.read_bytes()
    kept.copy.write_bytes(content[:-30])

    assert kept.examine(copy=True).copied == 4


async def test_a_copy_that_was_changed_shows(kept):
    """Whichever of the two was changed."""
    kept.copy.write_bytes(kept.copy.read_bytes().replace(b'"correlation":"d"', b'"correlation":"x"'))

    with pytest.raises(JournalError, match="entry 4 is not as in the copy"):
        kept.examine(copy=True)


async def test_the_newest_entries_come_oldest_first(written):
    """With their numbers."""
    assert [(seq, said["correlation"]) for seq, said in read(written.url, newest=2)] == [(4, "d"), (5, "e")]
    assert [seq for seq, _ in read(written.url)] == [1, 2, 3, 4, 5]


async def test_an_empty_journal_is_whole(disk):
    """Nothing was asked yet; nothing is signed either."""
    await disk.write()
    disk.keep(copy=True)

    assert disk.examine().entries == 0
    assert not disk.checkpoints.exists()
    assert list(read(disk.url, newest=3)) == []


async def test_a_checkpoint_is_a_line_that_anybody_can_read(kept):
    """What it says stands in it in plain JSON."""
    first, last = read_checkpoints(kept.checkpoints)

    assert orjson.loads(first.text()).keys() == {"at", "hash", "key", "seq", "signature"}
    assert kept.run(f"SELECT hash FROM journal WHERE seq = {last.seq}") == [(last.hash,)]

"""Proofs: one entry in its place, shown without those around it; what became of its answer is shown with it."""

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.journal import SqlJournal, read, verify
from gateway.journal.chain import digest_of, linked
from gateway.journal.checkpoints import read_checkpoints
from gateway.journal.proof import Proof, Prover, check, read_proof
from standards.errors import JournalError
from tests.builders import NOW, entry
from tests.unit.gateway.journal.conftest import KEY, KEYS, Disk


@pytest.fixture
async def kept(disk: Disk) -> Disk:
    """A journal of five entries, with checkpoints over the third and the fifth."""
    await disk.write(*"abc")
    disk.keep()
    await disk.write(*"de")
    disk.keep()
    return disk


def prove(disk: Disk, seq: int) -> Proof:
    """A proof, as it comes out of a file."""
    prover = Prover(disk.url, KEY)
    try:
        return read_proof(orjson.loads(orjson.dumps(prover.prove(seq, NOW).stated())))
    finally:
        prover.close()


def numbers(disk: Disk, correlation: str) -> list[int]:
    """The answers under a correlation."""
    prover = Prover(disk.url, KEY)
    try:
        return prover.numbers_of(correlation)
    finally:
        prover.close()


@pytest.mark.parametrize("seq", [1, 2, 3, 4, 5])
async def test_every_entry_can_be_proved(kept, seq):
    """By the first checkpoint that is over it; of the entries after it nothing is shown but digests."""
    proof = prove(kept, seq)
    check(proof, KEYS)

    assert orjson.loads(proof.entry) == dict(read(kept.url))[seq]
    assert proof.checkpoint.seq == (3 if seq <= 3 else 5)
    assert all(len(digest) == 64 for digest in proof.after)


async def test_where_no_checkpoint_is_over_it_one_is_signed(written):
    """It is one of the journal's: it verifies with it, and the keeper writes it into its file."""
    proof = prove(written, 2)
    check(proof, KEYS)
    written.keep()

    assert written.examine().checkpoints == 1
    assert [one.seq for one in read_checkpoints(written.checkpoints)] == [proof.checkpoint.seq]
    assert prove(written, 2) == proof, "and the next proof rests on the same one"


async def test_nobody_signs_a_journal_that_was_changed(kept):
    """After the last checkpoint, before it, or at it."""
    await kept.write("later")
    kept.run("UPDATE journal SET entry = replace(entry, 'answered', 'denied') WHERE seq = 6")
    with pytest.raises(JournalError, match="entry 6 was changed"):
        prove(kept, 6)
    kept.chain_anew()
    kept.run("UPDATE journal SET hash = 'x' WHERE seq = 5")
    with pytest.raises(JournalError, match="entry 5 is not as it was signed"):
        prove(kept, 6)
    with pytest.raises(JournalError, match="entry 5 was changed"):
        prove(kept, 4)


@pytest.mark.parametrize("seq", [0, 6, 99])
async def test_what_is_not_there_is_not_proved(kept, seq):
    """Said so, and nothing is signed."""
    with pytest.raises(JournalError, match=f"there is no entry {seq}"):
        prove(kept, seq)


async def test_a_proof_holds_for_its_entry_at_its_place_only(written):
    """Every part of it is covered by the signature."""
    proof = prove(written, 2)
    wrong = [
        proof._replace(seq=3),
        proof._replace(entry=proof.entry.replace("answered", "denied")),
        proof._replace(previous="0" * 64),
        proof._replace(after=proof.after[::-1]),
        proof._replace(after=proof.after[1:]),
        proof._replace(after=(*proof.after, "0" * 64)),
        proof._replace(checkpoint=proof.checkpoint._replace(hash="0" * 64)),
        proof._replace(checkpoint=proof.checkpoint._replace(seq=2), after=()),
    ]

    for one in wrong:
        with pytest.raises(JournalError):
            check(one, KEYS)
    with pytest.raises(JournalError, match="not signed by a key given"):
        check(proof, {"x": Ed25519PrivateKey.generate().public_key()})


async def test_what_became_of_an_answer_is_shown_with_it(disk):
    """That it did not leave after all stands in a later entry; the proof reaches as far, past other people's."""
    journal = SqlJournal(disk.url)
    journal.open()
    await journal.record([entry(correlation="a")])
    prove(disk, 1)
    await journal.record([entry(correlation="b"), entry(correlation="a", event="search.superseded")])
    await journal.record([entry(correlation="a", event="search.withheld", subject="another")])
    await journal.record([entry(correlation="a")])
    journal.close()
    proof = prove(disk, 1)
    check(proof, KEYS)

    assert [fate["event"] for fate in proof.fates()] == ["search.superseded"]
    assert sum(len(one) != 64 for one in proof.after) == 1
    assert numbers(disk, "a") == [1, 5]
    changed = proof._replace(after=tuple(one.replace("superseded", "abandoned") for one in proof.after))
    with pytest.raises(JournalError):
        check(changed, KEYS)


async def test_questions_are_found_by_their_correlation(disk):
    """Answers before refusals; what is about something else is none."""
    journal = SqlJournal(disk.url)
    journal.open()
    await journal.record([entry(correlation="a", event="search.denied"), entry(correlation="a")])
    await journal.record([entry(correlation="b", event="search.denied"), entry(correlation="c", event="consent.read")])
    journal.close()

    assert (numbers(disk, "a"), numbers(disk, "b")) == ([2], [3])
    for unknown in ("c", "nobody", '%"'):
        with pytest.raises(JournalError, match="no question with that correlation"):
            numbers(disk, unknown)


async def test_a_hash_needs_no_more_of_an_entry_than_its_digest(written):
    """So whoever has digests can follow the chain to its end."""
    rows = written.run("SELECT seq, entry, previous, hash FROM journal ORDER BY seq")

    assert verify(written.url) == len(rows)
    for seq, text, previous, hash_ in rows:
        assert linked(seq, previous, digest_of(text)) == hash_


@pytest.mark.parametrize("stated", [{}, {"seq": 1}, [], None])
def test_what_is_no_proof_is_refused(stated):
    """In one sentence."""
    with pytest.raises(JournalError, match="no proof"):
        read_proof(stated)

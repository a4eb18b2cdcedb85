"""Our key pairs as files: made, rotated, retired, and followed while a process runs."""

import asyncio
import stat
from datetime import UTC, datetime, timedelta

import pytest

from gateway.keys import Keys, follow_keys, open_keys
from gateway.trust.ring import ALGORITHMS, Ring, current, new_key, recorded
from standards.errors import ConfigurationError
from standards.signing import public_jwk

NOW = datetime(2036, 3, 4, 9, 15, tzinfo=UTC)
"""After the files of a test were made."""


@pytest.fixture
def keys(tmp_path):
    """A gateway's keys, of a first start."""
    return open_keys(tmp_path)


def ring_of(keys: Keys) -> Ring:
    """Where they come from."""
    assert keys._ring is not None
    return keys._ring


def published(keys) -> set[str]:
    """The ids that others see."""
    return {jwk["kid"] for jwk in keys.published}


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_a_key_of_every_kind_is_made_and_rotated(tmp_path, keys, algorithm):
    """The new one is in use, the former one is published besides, and both halves are found after a new start."""
    keys.ensure([algorithm], NOW)
    first = next(one for one in ring_of(keys).entries() if one.algorithm == algorithm)
    second = ring_of(keys).rotate(algorithm, NOW, overlap_s=60)
    again = open_keys(tmp_path)
    again.refresh(NOW)

    assert current(Ring(tmp_path).entries(), algorithm, NOW) == second
    assert {first.kid, second.kid} <= published(again)
    assert Ring(tmp_path).private(second).public_key() != Ring(tmp_path).private(first).public_key()
    assert all(one["use"] == ALGORITHMS[algorithm] for one in again.published if one["kid"] in {first.kid, second.kid})


def test_the_id_of_a_key_is_no_option():
    """One that begins with a hyphen could not be named to `hearth keys retire`."""
    ids = [public_jwk(new_key("ed25519").public_key())["kid"] for _ in range(500)]

    assert not [one for one in ids if one.startswith("-")]


def test_what_is_there_is_not_made_again(keys):
    """Every start asks for it."""
    for _ in range(2):
        keys.ensure(["ed25519", "ES256", "ES256"], NOW)

    assert [one.algorithm for one in ring_of(keys).entries()] == ["ed25519", "ES256"]


def test_a_former_key_ends_by_itself(keys):
    """Published as long as what it signed may be met, and not a moment longer."""
    before = keys.signing_id
    ring_of(keys).rotate("ed25519", NOW, overlap_s=60)
    for seconds, is_there in ((0, True), (59, True), (61, False)):
        keys.refresh(NOW + timedelta(seconds=seconds))
        assert (before in published(keys)) is is_there
        assert before != keys.signing_id


def test_a_key_may_be_published_before_it_is_used(keys):
    """So that nobody meets it first in a signature."""
    before = keys.signing_id
    new = ring_of(keys).rotate("ed25519", NOW, overlap_s=60, lead_s=600)
    keys.refresh(NOW)
    assert keys.signing_id == before
    assert new.kid in published(keys)

    keys.refresh(NOW + timedelta(seconds=601))
    assert keys.signing_id == new.kid
    assert before in published(keys)


def test_a_clock_that_was_set_back_stops_nothing(keys):
    """The key that is there is used, though it was made tomorrow."""
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)

    assert current(ring_of(keys).entries(), "ed25519", long_ago) is not None


def test_a_retired_key_counts_for_nothing_but_old_records(tmp_path, keys):
    """Its private half is gone from the disk, its public half stays for auditors."""
    before, now = keys.signing_id, datetime.now(UTC)
    ring_of(keys).rotate("ed25519", now, overlap_s=60)
    ring_of(keys).retire(before, now)
    keys.refresh(now)

    assert before not in published(keys)
    assert before not in keys.verifying
    assert before in keys.recorded
    assert before in recorded(ring_of(keys).entries())
    assert not (tmp_path / "signing.pem").exists()
    assert open_keys(tmp_path).signing_id == keys.signing_id


def test_the_key_in_use_is_not_retired(keys):
    """Nor one that nobody knows."""
    for kid in (keys.signing_id, "unknown"):
        with pytest.raises(ConfigurationError):
            ring_of(keys).retire(kid, NOW)
    ring_of(keys).rotate("ed25519", NOW, overlap_s=60, lead_s=600)
    with pytest.raises(ConfigurationError, match="in use"):
        ring_of(keys).retire(keys.signing_id, NOW)


def test_two_who_rotate_at_once_both_do(tmp_path, keys):
    """Each holds the folder while it writes."""
    import threading

    threads = [threading.Thread(target=lambda: Ring(tmp_path).rotate("ed25519", NOW, overlap_s=60)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    entries = Ring(tmp_path).entries()
    assert len({one.kid for one in entries}) == 7
    assert [one.until for one in entries].count(None) == 1


def test_key_files_are_their_owner_s_alone(tmp_path, keys):
    """All of them."""
    keys.ensure(["ECDH-ES+A256KW"], NOW)

    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_listeners_hear_of_a_change_and_of_nothing_else(keys):
    """What was read under a retired key is forgotten then."""
    heard: list[str] = []
    keys.on_change(lambda: heard.append(keys.signing_id))
    keys.refresh(NOW)
    assert heard == []

    ring_of(keys).rotate("ed25519", NOW, overlap_s=60)
    keys.refresh(NOW)
    keys.refresh(NOW)
    assert heard == [keys.signing_id]


async def test_a_running_process_takes_a_rotation_in(keys):
    """Within seconds, without being told; files that cannot be used change nothing."""
    heard = asyncio.Event()
    keys.on_change(heard.set)
    following = asyncio.create_task(follow_keys(keys))
    new = ring_of(keys).rotate("ed25519", datetime.now(UTC), overlap_s=60)
    async with asyncio.timeout(10):
        await heard.wait()
    following.cancel()
    assert keys.signing_id == new.kid

    (ring_of(keys)._folder / "ring.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=r"ring\.json"):
        keys.refresh(NOW)
    assert keys.signing_id == new.kid


@pytest.mark.parametrize("content", ["", "[]", '{"keys": [{}]}', '{"keys": [1]}'])
def test_a_ring_that_cannot_be_read_is_found_at_start(tmp_path, keys, content):
    """It is named, and not replaced."""
    (tmp_path / "ring.json").write_text(content)

    with pytest.raises(ConfigurationError, match=r"ring\.json"):
        open_keys(tmp_path)

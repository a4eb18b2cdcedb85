"""Ids: no two are the same, in whatever process."""

import os

from gateway.ids import new_id


def test_ids_are_different():
    """Over many draws; of the form that every message takes."""
    ids = [new_id() for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)


def test_a_forked_process_gives_other_ids():
    """Else two workers would answer under the same ones."""
    new_id()  # so that some are waiting
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "".join(new_id() for _ in range(80)).encode())
        os._exit(0)
    os.close(writing)
    told = b""
    while part := os.read(reading, 65536):
        told += part
    os.close(reading)
    os.waitpid(child, 0)
    theirs = {told[start : start + 32].decode() for start in range(0, len(told), 32)}

    assert len(theirs) == 80
    assert theirs.isdisjoint({new_id() for _ in range(80)})

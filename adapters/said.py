"""What registries said, word for word: digests of whole responses, taken where they are read.

Whoever asks listens first; every response that then arrives in this task, or in tasks that it starts, is noted. So an
adapter need not pass on what it has translated already, and evidence can name the very bytes that were read.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SAID: Final[ContextVar[list[Said] | None]] = ContextVar("said", default=None)


class Signed(NamedTuple):
    """A registry's own signature of what it said, that was found to hold."""

    key_id: str
    form: str
    """`keyed`, `jws` or `detached`."""
    at: str
    """When it was verified, ISO timestamp."""


class Said(NamedTuple):
    """One response."""

    digest: bytes
    """SHA-256 of its body. It is of what may be guessed, so it is not for keeping: `gateway.evidence` salts it."""
    signed: Signed | None = None


def listen() -> list[Said]:
    """Return a list that gets every response from now on, in the order of arrival."""
    said: list[Said] = []
    _SAID.set(said)
    return said


def note(status: int, body: bytes, signed: Signed | None = None) -> None:
    """Note a response, if it is an answer: a success, or the status that says that there is nothing by that name."""
    said = _SAID.get()
    if said is not None and (200 <= status <= 299 or status == 404):
        said.append(Said(hashlib.sha256(body).digest(), signed))


def note_rows(rows: Iterable[Mapping[str, object]]) -> None:
    """Note what a table or a list said, where no message came: its rows as compact JSON, members and rows sorted."""
    if _SAID.get() is not None:
        # INVARIANT: the same rows have the same digest, in whatever order they came.
        texts = sorted(json.dumps(row, sort_keys=True, separators=(",", ":"), default=str) for row in rows)
        note(200, f"[{','.join(texts)}]".encode())


def vouch(body: bytes, signed: Signed) -> None:
    """Note that a response which was noted before is signed, and that its signature holds."""
    said = _SAID.get()
    digest = hashlib.sha256(body).digest()
    for place, one in enumerate(said or ()):
        if one.digest == digest and said is not None:
            said[place] = one._replace(signed=signed)


@contextmanager
def unheard() -> Iterator[None]:
    """Keep what is exchanged meanwhile out of what the registry said: keys and acknowledgements are about nobody."""
    token = _SAID.set(None)
    try:
        yield
    finally:
        _SAID.reset(token)

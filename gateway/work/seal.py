"""Seal: what waits in a store is AES-GCM under a key of the gateway's own, bound to the place it waits in."""

from __future__ import annotations

import os
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from standards.errors import InteropError

_NONCE: Final = 12


class UnsealError(InteropError):
    """What a store holds was not sealed by this gateway, or not for that place."""


class Seal:
    """Seals JSON.

    key: 32 bytes, for this use alone.
    """

    # INVARIANT: no master data: whatever waits for hours, a question or its answer, lies in no store in clear.
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def sealed(self, content: Any, place: str) -> bytes:
        """Return content as it may be kept at a place, and nowhere else."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, orjson.dumps(content), place.encode())

    def opened(self, sealed: bytes, place: str) -> Any:
        """Return the content that was sealed for a place.

        Raises: UnsealError when it was not, or under another key.
        """
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise UnsealError("what a store holds was sealed by another key: give back the gateway's keys") from error
        return orjson.loads(plain)

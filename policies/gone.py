"""Whose records must be forgotten: the word that one process leaves for all others when consent narrows.

The ledger knows people by pseudonyms only, and caches by numbers. So the number is handed over sealed, for an hour,
to processes that hold the same key; after that it is removed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from policies.receipts import Decision
from standards.errors import ConfigurationError
from standards.identifiers import Identifier

if TYPE_CHECKING:
    from policies.receipts import Consent

REMEMBERED_S: Final = 3600.0
"""How long a word waits for processes: longer than any record is kept, in seconds."""

_NONCE_BYTES: Final = 12
_USE: Final = b"consent gone"
_NARROWING: Final = frozenset({Decision.REFUSED, Decision.WITHDRAWN, Decision.OBJECTED})


def forgets(consent: Consent) -> bool:
    """Tell whether what was read under older decisions of this person must go."""
    return consent.decision in _NARROWING


class Seal:
    """Hides numbers from whoever holds the ledger without its key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(hmac.digest(key, _USE, hashlib.sha256))

    def of(self, subject: Identifier) -> bytes:
        """Return a number, sealed; the same number looks different every time."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, orjson.dumps([subject.type, subject.value]), _USE)

    def open(self, sealed: bytes) -> Identifier:
        """Return the number.

        Raises: ConfigurationError when it was sealed with another key.
        """
        try:
            type_, value = orjson.loads(self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _USE))
        except (InvalidTag, ValueError) as error:
            raise ConfigurationError("the consent ledger was written with another key") from error
        return Identifier(type_, value)

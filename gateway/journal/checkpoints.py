"""Signed checkpoints: at some moment the newest entry was this one. Whoever holds one can tell a lost tail.

Signed with the gateway's own key (ed25519) over the canonical text of its other members, and checked with public keys
alone: those of a PEM file, or of a JSON Web Key Set as `/.well-known/jwks.json` gives it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import jwt
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from standards.errors import JournalError
from standards.signing import public_jwk

_USE: Final = b"hearth journal checkpoint 1\n"
"""Signed in front of the text, so that no signature of another use passes for one of these."""


class Checkpoint(NamedTuple):
    """What a gateway has put its name to."""

    seq: int
    """Number of the newest entry at that moment."""
    hash: str
    """Its hash, and through the chain that of everything before it."""
    at: str
    """When, ISO 8601 with offset."""
    key: str
    """Thumbprint of the key that it is signed with."""
    signature: str
    """Base64."""

    def text(self) -> str:
        """Return it as one line of JSON."""
        return orjson.dumps(self._asdict(), option=orjson.OPT_SORT_KEYS).decode()

    def moment(self) -> datetime:
        """Return when it was made."""
        return datetime.fromisoformat(self.at)

    def is_signed_by(self, keys: Mapping[str, Ed25519PublicKey]) -> bool:
        """Tell whether one of these keys has signed exactly this."""
        key = keys.get(self.key)
        if key is None:
            return False
        try:
            key.verify(base64.b64decode(self.signature, validate=True), _signed(self))
        except (InvalidSignature, binascii.Error):
            return False
        return True


def checkpoint(seq: int, hash_: str, at: datetime, key: Ed25519PrivateKey) -> Checkpoint:
    """Return a signed checkpoint."""
    plain = Checkpoint(seq, hash_, at.isoformat(timespec="seconds"), key_id(key.public_key()), "")
    return plain._replace(signature=base64.b64encode(key.sign(_signed(plain))).decode())


def key_id(key: Ed25519PublicKey) -> str:
    """Return the thumbprint that a key is known by."""
    return public_jwk(key)["kid"]


def _signed(one: Checkpoint) -> bytes:
    said = {"at": one.at, "hash": one.hash, "key": one.key, "seq": one.seq}
    return _USE + orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


def parsed(text: str | bytes) -> Checkpoint:
    """Return the checkpoint that a line states.

    Raises: JournalError when it states none.
    """
    try:
        said: dict[str, Any] = orjson.loads(text)
        found = Checkpoint(**said)
        found.moment()
    except (TypeError, ValueError) as error:
        raise JournalError("a checkpoint cannot be read: it is no line that a gateway has written") from error
    if not isinstance(found.seq, int):
        raise JournalError("a checkpoint cannot be read: its number is none")
    return found


def read_checkpoints(path: Path) -> Iterator[Checkpoint]:
    """Yield the checkpoints of a file, one a line; a last line that was cut off by a crash is passed over.

    Raises: JournalError when the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise JournalError(f"{path}: cannot be read ({error.strerror})") from error
    for line in content[: content.rfind(b"\n") + 1].splitlines():
        yield parsed(line)


def public_keys(files: Iterable[Path]) -> dict[str, Ed25519PublicKey]:
    """Return the keys of files by their thumbprints: public keys as PEM or key sets as JSON; of a private key its half.

    Raises: JournalError when a file holds no key to check checkpoints with.
    """
    found: dict[str, Ed25519PublicKey] = {}
    for path in files:
        try:
            keys = _keys_of(path.read_bytes())
        except OSError as error:
            raise JournalError(f"{path}: cannot be read ({error.strerror})") from error
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise JournalError(f"{path}: neither a public key in PEM nor a set of public keys in JSON") from error
        wanted = [key for key in keys if isinstance(key, Ed25519PublicKey)]
        if not wanted:
            raise JournalError(f"{path}: holds no ed25519 key")
        found |= {key_id(key): key for key in wanted}
    return found


def _keys_of(content: bytes) -> list[object]:
    if content.lstrip().startswith(b"{"):
        return [key.key for key in jwt.PyJWKSet.from_dict(orjson.loads(content)).keys]
    if b"PRIVATE KEY" in content:
        return [load_pem_private_key(content, password=None).public_key()]
    return [load_pem_public_key(content)]

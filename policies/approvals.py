"""Approvals: who has put a name under one version of an agreement, as data beside it.

Beside `uct.yaml` lies `uct.approvals.json`, a list of signatures. Each is an operator's ed25519 signature over the
SHA-256 of the agreement file as it lies there, so that whoever signs signs every byte of it, comments included.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from policies.agreement import Id, Model, Text, Version
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from policies.agreement import Agreement

SUFFIX: Final = ".approvals.json"
NEEDED: Final = 2
"""The author of a widening version, and somebody else."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Approval(Model):
    """One person's signature under one version."""

    agreement: Id
    version: Version
    digest: Digest = Field(description="SHA-256 of the agreement file.")
    by: Text = Field(description="Name of the operator, as the settings have it.")
    at: datetime
    signature: Text = Field(description="Base64 of the ed25519 signature over the fields above.")

    def signed_bytes(self) -> bytes:
        """Return what the signature is over: the other fields as JSON, sorted and compact."""
        stated = self.model_dump(mode="json", exclude={"signature"})
        return orjson.dumps({"approves": stated}, option=orjson.OPT_SORT_KEYS)


_FILE: Final = TypeAdapter(tuple[Approval, ...])


class Operators:
    """The people who may approve: name -> public key, by the settings."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        """Take the operators.

        Raises: ConfigurationError when two of them share a key: they would count as two and be one.
        """
        self.keys = dict(keys)
        raw = {name: key.public_bytes(Encoding.Raw, PublicFormat.Raw) for name, key in self.keys.items()}
        if len(set(raw.values())) != len(raw):
            raise ConfigurationError("agreements.operators: two operators have one key; give each a key of their own")

    def approvers(self, agreement: Agreement, digest: str, approvals: tuple[Approval, ...]) -> tuple[str, ...]:
        """Return who has approved exactly this version, each once, in the order of signing.

        Signatures that do not hold, or are by nobody of the settings, count for nothing.
        """
        fitting = (
            a.by
            for a in approvals
            if (a.agreement, a.version, a.digest) == (agreement.id, agreement.version, digest) and self._holds(a)
        )
        return tuple(dict.fromkeys(fitting))

    def _holds(self, approval: Approval) -> bool:
        key = self.keys.get(approval.by)
        if key is None:
            return False
        try:
            key.verify(base64.b64decode(approval.signature, validate=True), approval.signed_bytes())
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


def digest_of(content: bytes) -> str:
    """Return the digest of an agreement file, as `sha256sum` prints it."""
    return hashlib.sha256(content).hexdigest()


def approvals_beside(path: Path) -> Path:
    """Return where the approvals of an agreement file lie."""
    return path.with_name(path.stem + SUFFIX)


def read_approvals(path: Path) -> tuple[Approval, ...]:
    """Return the approvals of a file; none when there is no such file.

    Raises: ConfigurationError when it is there and cannot be read.
    """
    try:
        return _FILE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError):
        raise ConfigurationError(
            f"{path.name}: not a list of approvals; sign again with `hearth agreement approve`"
        ) from None


def approve(
    agreement: Agreement, content: bytes, by: str, key: Ed25519PrivateKey, at: datetime, known: tuple[Approval, ...]
) -> bytes:
    """Return the content of an approvals file with one more approval; one by the same person is replaced.

    known: what the file held. Approvals of what the agreement file no longer says are left out.
    """
    digest = digest_of(content)
    unsigned = Approval(
        agreement=agreement.id,
        version=agreement.version,
        digest=digest,
        by=by,
        at=at.replace(microsecond=0),
        signature="-",
    )
    signature = base64.b64encode(key.sign(unsigned.signed_bytes())).decode()
    kept = (a for a in known if a.digest == digest and a.by != by)
    made = (*kept, unsigned.model_copy(update={"signature": signature}))
    return orjson.dumps([a.model_dump(mode="json") for a in made], option=orjson.OPT_INDENT_2) + b"\n"

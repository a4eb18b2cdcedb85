"""The gateway's key pairs as files, and their rotation: one in use for each purpose, former ones as long as they count.

`ring.json` names every key there ever was, with its public half: what a former key has signed for good (checkpoints,
consent receipts, evidence packs) still verifies when its private half is long destroyed. Without `ring.json` there is
one key, `signing.pem`.

    in use      from `since`, until a newer one of the same use and algorithm is
    published   until `until`: in the key set that others verify and encrypt with
    retired     not published, not accepted for messages and tokens, private half deleted
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from standards.errors import ConfigurationError
from standards.signing import PrivateKey, algorithm_of, keys_of_jwks, public_jwk

SIGNING: Final = "sig"
ENCRYPTION: Final = "enc"
ALGORITHMS: Final[Mapping[str, str]] = {
    "ed25519": SIGNING,
    "ES256": SIGNING,
    "RS256": SIGNING,
    "ECDH-ES+A256KW": ENCRYPTION,
    "RSA-OAEP-256": ENCRYPTION,
}
"""Algorithm -> what its keys are for."""
FIRST: Final = "signing.pem"
_RING: Final = "ring.json"
_RSA_BITS: Final = 3072
_CHANGED: Final = ".ring.lock"


class Entry(NamedTuple):
    """One key pair of ours."""

    kid: str
    use: str
    algorithm: str
    since: datetime
    until: datetime | None
    """When it ceases to be published; None: it is in use, or about to be."""
    retired: datetime | None
    jwk: Mapping[str, str]
    file: str

    def is_published(self, now: datetime) -> bool:
        """Tell whether others may rely on it."""
        return self.retired is None and (self.until is None or now < self.until)


class Ring:
    """The key pairs of one folder, as it states them at the moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stamp(self) -> object:
        """Return what is another thing once a key was made, rotated or retired."""
        try:
            stated = (self._folder / _RING).stat()
        except OSError:
            return None
        return stated.st_mtime_ns, stated.st_ino, stated.st_size

    def entries(self) -> tuple[Entry, ...]:
        """Return every key there is or was, in the order in which they were made.

        Raises: ConfigurationError when the files cannot be used.
        """
        try:
            content = (self._folder / _RING).read_bytes()
        except FileNotFoundError:
            return (self._first(),)
        except OSError as error:
            raise ConfigurationError(f"{_RING}: cannot be read ({error.strerror})") from None
        try:
            return tuple(map(_entry, orjson.loads(content)["keys"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"{_RING}: not the list of keys that `hearth keys` writes") from error

    def private(self, entry: Entry) -> PrivateKey:
        """Return the private half of a key that is not retired.

        Raises: ConfigurationError when its file cannot be used.
        """
        return read_pem(self._folder / entry.file)

    def rotate(self, algorithm: str, now: datetime, *, overlap_s: float, lead_s: float = 0.0) -> Entry:
        """Make a new key, put the one in use out of use, and return the new one.

        overlap_s: how long the former one stays published; lead_s: how long the new one is published before it is used.
        """
        with self._changing():
            known = self.entries()
            begins = now + timedelta(seconds=lead_s)
            ends = begins + timedelta(seconds=overlap_s)
            known = tuple(
                one._replace(until=ends) if one.algorithm == algorithm and one.until is None else one for one in known
            )
            made = self._made(algorithm, begins)
            self._write((*known, made))
            return made

    def ensure(self, algorithms: Sequence[str], now: datetime) -> None:
        """Make a key for every algorithm that has none."""
        if not set(algorithms) - {one.algorithm for one in self.entries() if one.until is None and not one.retired}:
            return
        with self._changing():
            known = self.entries()
            held = {one.algorithm for one in known if one.until is None and not one.retired}
            missing = [one for one in dict.fromkeys(algorithms) if one not in held]
            self._write((*known, *(self._made(one, now) for one in missing)))

    def retire(self, kid: str, now: datetime) -> Entry:
        """Let a former key count for nothing but what it has signed for good; its private half is deleted.

        Raises: ConfigurationError for a key that is not known, or is the one in use.
        """
        with self._changing():
            known = self.entries()
            found = next((one for one in known if one.kid == kid), None)
            if found is None:
                raise ConfigurationError("no key of that id is here: `hearth keys list` names them")
            if found.until is None or (current(known, found.algorithm, now) or found).kid == kid:
                raise ConfigurationError("this key is in use: rotate it first")
            retired = found if found.retired else found._replace(retired=now)
            self._write(tuple(retired if one.kid == kid else one for one in known))
            (self._folder / found.file).unlink(missing_ok=True)
            return retired

    def _first(self) -> Entry:
        path = self._folder / FIRST
        key = read_pem(path)
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigurationError(f"{FIRST}: not an ed25519 key")
        made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        jwk = public_jwk(key.public_key())
        return Entry(jwk["kid"], SIGNING, "ed25519", made, None, None, jwk, FIRST)

    def _made(self, algorithm: str, since: datetime) -> Entry:
        key, use = new_key(algorithm), ALGORITHMS[algorithm]
        jwk = public_jwk(key.public_key(), use=use, alg=None if use == SIGNING else algorithm)
        name = f"{use}-{jwk['kid'][:12]}.pem"
        write_private(self._folder / name, pem_of(key))
        return Entry(jwk["kid"], use, algorithm, since, None, None, jwk, name)

    def _write(self, entries: Sequence[Entry]) -> None:
        stated = {"keys": [_stated(one) for one in entries]}
        write_private(self._folder / _RING, orjson.dumps(stated, option=orjson.OPT_INDENT_2))

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the folder against every other process that would change it."""
        fd = os.open(self._folder / _CHANGED, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def current(entries: Sequence[Entry], algorithm: str, now: datetime) -> Entry | None:
    """Return the key that is in use for an algorithm: the newest that has begun; None when there is none."""
    usable = [one for one in entries if one.algorithm == algorithm and one.retired is None]
    begun = [one for one in usable if one.since <= now]
    if not begun:  # a clock was set back: the oldest will do, and nothing stands still
        return min(usable, key=lambda one: one.since, default=None)
    return max(begun, key=lambda one: (one.until is None, one.since))


def recorded(entries: Sequence[Entry]) -> dict[str, Ed25519PublicKey]:
    """Return the keys of everything that was ever signed for good, by their ids."""
    ever = keys_of_jwks({"keys": [dict(one.jwk) for one in entries]})
    return {kid: key for kid, key in ever.items() if isinstance(key, Ed25519PublicKey)}


def new_key(algorithm: str) -> PrivateKey:
    """Return a new private key for an algorithm, whose id can be written on a command line."""
    while True:
        key = _any_key(algorithm)
        if not public_jwk(key.public_key())["kid"].startswith("-"):
            return key


def _any_key(algorithm: str) -> PrivateKey:
    if algorithm == "ed25519":
        return Ed25519PrivateKey.generate()
    if algorithm in {"ES256", "ECDH-ES+A256KW"}:
        return generate_private_key(SECP256R1())
    return generate_rsa_key(public_exponent=65537, key_size=_RSA_BITS)


def pem_of(key: PrivateKey) -> bytes:
    """Return a private key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_pem(path: Path) -> PrivateKey:
    """Return the private key of a PEM file.

    Raises: ConfigurationError when it is none that is used here.
    """
    try:
        # Our own files: looking again whether an RSA key's primes are prime would take longer than all else at start.
        key = load_pem_private_key(path.read_bytes(), password=None, unsafe_skip_rsa_key_validation=True)
    except OSError as error:
        raise ConfigurationError(f"{path.name}: cannot be read ({error.strerror})") from None
    except (TypeError, ValueError) as error:  # TypeError: it is encrypted
        raise ConfigurationError(f"{path.name}: not a private key in PEM without a password") from error
    if algorithm_of(key) is None:
        raise ConfigurationError(f"{path.name}: not an ed25519, P-256 or RSA key")
    return key  # type: ignore[return-value] # algorithm_of knows the three kinds


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _stated(one: Entry) -> dict[str, Any]:
    times = {name: value and value.isoformat() for name, value in one._asdict().items() if name in _TIMES}
    return {**one._asdict(), **times, "jwk": dict(one.jwk)}


def _entry(stated: Mapping[str, Any]) -> Entry:
    times = {name: stated[name] and datetime.fromisoformat(stated[name]) for name in _TIMES}
    return Entry(**{**stated, **times})


_TIMES: Final = ("since", "until", "retired")

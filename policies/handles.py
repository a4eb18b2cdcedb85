"""Pairwise pseudonyms: a keyed handle for a number, stable for one programme and another one for every other.

A handle is `<key id>.<26 characters>`: Base32 of 128 bits of HMAC-SHA256 over programme, attribute and number. It
names its key, so that a programme sees which of its handles are from before a rotation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from standards.errors import ConfigurationError
from standards.identifiers import normal_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KEY_BYTES: Final = 32
DIGEST_BYTES: Final = 16
"""128 bits: two people of a country sharing a handle by chance is out of the question."""

_ID: Final = re.compile(r"k[1-9]\d{0,5}\Z", re.ASCII)


class HandleKey(NamedTuple):
    """One key, and when it counts."""

    id: str
    """`k1`, `k2` and so on; stands at the beginning of every handle made with it."""
    secret: bytes
    start: date
    """First day on which handles are made with it."""
    until: date | None = None
    """Last day on which answers still tell the handle under it beside the current one; None: not replaced yet."""

    def __repr__(self) -> str:
        """Show nothing of the secret."""
        return f"HandleKey({self.id})"


class HandleRing:
    """All keys for handles that are not forgotten yet."""

    def __init__(self, keys: Iterable[HandleKey]) -> None:
        """Take the keys, in any order.

        Raises: ConfigurationError when there is none, when two share an id, or when one is too short.
        """
        self.keys = tuple(sorted(keys, key=lambda k: (k.start, int(k.id[1:]))))
        if not self.keys or len({k.id for k in self.keys}) != len(self.keys):
            raise ConfigurationError("the keys for pseudonyms need at least one entry, and an id of its own for each")
        if any(len(k.secret) < KEY_BYTES for k in self.keys):
            raise ConfigurationError(f"a key for pseudonyms is shorter than {KEY_BYTES} bytes")

    def handles(self, consumer_id: str, on: date) -> Handles:
        """Return what makes the handles of one programme on a day.

        Raises: ConfigurationError when no key has started yet.
        """
        started = [key for key in reversed(self.keys) if key.start <= on]
        if not started:
            raise ConfigurationError("no key for pseudonyms has started yet: start one on or before today")
        current, *older = started
        return Handles(consumer_id, (current, *(k for k in older if k.until is not None and k.until >= on)))

    def rotated(self, on: date, keep_days: int) -> HandleRing:
        """Return the ring with a new key from a day on; older ones are kept for so many days, then forgotten.

        Keys that are past their day already leave the ring: nobody can ever make their handles again.
        """
        number = max(int(key.id[1:]) for key in self.keys) + 1
        until = on + timedelta(days=keep_days)
        kept = [k if k.until is not None else k._replace(until=until) for k in self.keys]
        fresh = HandleKey(f"k{number}", secrets.token_bytes(KEY_BYTES), on)
        return HandleRing([*(k for k in kept if k.until is not None and k.until >= on), fresh])

    def dump(self) -> bytes:
        """Return the ring as the content of its file."""
        return orjson.dumps(
            [
                {
                    "id": k.id,
                    "secret": base64.b64encode(k.secret).decode(),
                    "start": k.start.isoformat(),
                    "until": k.until.isoformat() if k.until else None,
                }
                for k in self.keys
            ],
            option=orjson.OPT_INDENT_2,
        )

    @classmethod
    def parse(cls, content: bytes) -> HandleRing:
        """Return the ring of a file's content.

        Raises: ConfigurationError when it is not one; the message holds nothing of it.
        """
        try:
            return cls(_key(stated) for stated in orjson.loads(content))
        except (KeyError, TypeError, ValueError):
            raise ConfigurationError(
                "the keys for pseudonyms are a list of objects with id, secret (Base64), start and until (dates)"
            ) from None

    @classmethod
    def first(cls) -> HandleRing:
        """Return a ring with one new key, which counts from always."""
        return cls([HandleKey("k1", secrets.token_bytes(KEY_BYTES), date(2000, 1, 1))])


def _key(stated: dict[str, Any]) -> HandleKey:
    if not _ID.match(stated["id"]):
        raise ValueError
    until = stated.get("until")
    return HandleKey(
        stated["id"],
        base64.b64decode(stated["secret"], validate=True),
        date.fromisoformat(stated["start"]),
        date.fromisoformat(until) if until is not None else None,
    )


class Handles:
    """Makes the handles of one programme."""

    def __init__(self, consumer_id: str, keys: Sequence[HandleKey]) -> None:
        """Take the programme and its keys, the current one first."""
        self._consumer_id, self._keys = consumer_id, tuple(keys)

    def current(self, attribute: str, value: str) -> str:
        """Return the handle of a number; the same number in another spelling has the same one."""
        return self._make(attribute, value, self._keys[:1])[0]

    def former(self, attribute: str, value: str) -> tuple[str, ...]:
        """Return the handles of a number under the older keys that are kept, newest first."""
        return self._make(attribute, value, self._keys[1:])

    def _make(self, attribute: str, value: str, keys: Sequence[HandleKey]) -> tuple[str, ...]:
        # A list, not a joined text, so that no programme and number read like another programme and number.
        told = orjson.dumps([self._consumer_id, attribute, normal_value(value)])
        return tuple(f"{key.id}.{_digest(key.secret, told)}" for key in keys)


def _digest(secret: bytes, told: bytes) -> str:
    digest = hmac.digest(secret, told, hashlib.sha256)[:DIGEST_BYTES]
    return base64.b32encode(digest).decode().rstrip("=").lower()

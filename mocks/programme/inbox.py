"""What the programme has received: every message once, in order, and every attempt to bring one."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

FILTERS: Final = ("kind", "idempotency_key", "message_id", "transaction_id", "correlation_id")


class Attempt(NamedTuple):
    """One HTTP request that came, and what the programme made of it; holds nothing of the message itself."""

    at: str
    kind: str
    idempotency_key: str | None
    message_id: str | None
    message_ts: str | None
    outcome: str
    """`received`, `repeated`, `refused`, or the mode of the fault that was met."""
    status: int | None
    """The HTTP status given; None when the connection ended without one."""
    reason: str | None = None


@dataclass(slots=True)
class Received:
    """One message, however often it came: how it first came, and whether it ever came with another content."""

    place: int
    at: str
    kind: str
    path: str
    key: str
    """The idempotency key; the `message_id` where a sender gave none."""
    idempotency_key: str | None
    message_id: str
    transaction_id: str | None
    correlation_id: str | None
    signature: str
    """`verified`, `absent`, or `unchecked` when the programme knows no keys."""
    was_encrypted: bool
    bearer: str | None
    """The access token that the message first came with."""
    header: Mapping[str, Any]
    message: Mapping[str, Any]
    digest: str
    times: int = 1
    differs: bool = False
    """A repetition said something else; a sender must never let that happen."""

    def shown(self) -> dict[str, Any]:
        """Return the message as `GET /_sandbox/received` shows it."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in ("key", "digest")}


class Inbox:
    """Messages by idempotency key, in the order in which each first came."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self._by_key: dict[str, Received] = {}
        self._changed = asyncio.Condition()

    async def store(
        self,
        kind: str,
        path: str,
        idempotency_key: str | None,
        header: Mapping[str, Any],
        message: Mapping[str, Any],
        *,
        signature: str,
        was_encrypted: bool,
        bearer: str | None = None,
    ) -> Received:
        """Remember a message, or that it came again."""
        key = idempotency_key or str(header["message_id"])
        digest = hashlib.sha256(json.dumps(message, sort_keys=True).encode()).hexdigest()
        async with self._changed:
            known = self._by_key.get(key)
            if known is not None:
                known.times += 1
                known.differs = known.differs or known.digest != digest
            else:
                known = self._by_key[key] = Received(
                    place=len(self._by_key),
                    at=moment(),
                    kind=kind,
                    path=path,
                    key=key,
                    idempotency_key=idempotency_key,
                    message_id=str(header["message_id"]),
                    transaction_id=message.get("transaction_id"),
                    correlation_id=message.get("correlation_id"),
                    signature=signature,
                    was_encrypted=was_encrypted,
                    bearer=bearer,
                    header=header,
                    message=message,
                    digest=digest,
                )
            self._changed.notify_all()
        return known

    async def tried(self, attempt: Attempt) -> None:
        """Remember an attempt."""
        async with self._changed:
            self.attempts.append(attempt)
            self._changed.notify_all()

    def received(self, **wanted: str) -> Sequence[Received]:
        """Return the messages with these members, of `FILTERS`, in order."""
        return [
            one for one in self._by_key.values() if all(getattr(one, name) == value for name, value in wanted.items())
        ]

    async def wait_for(self, at_least: int, wait_s: float, **wanted: str) -> Sequence[Received]:
        """Return the messages with these members as soon as there are so many, or what there is when time is up."""
        try:
            async with asyncio.timeout(wait_s), self._changed:
                await self._changed.wait_for(lambda: len(self.received(**wanted)) >= at_least)
        except TimeoutError:
            pass
        return self.received(**wanted)

    async def wait_for_attempts(self, at_least: int, wait_s: float) -> Sequence[Attempt]:
        """Return the attempts as soon as there are so many, or what there is when time is up."""
        try:
            async with asyncio.timeout(wait_s), self._changed:
                await self._changed.wait_for(lambda: len(self.attempts) >= at_least)
        except TimeoutError:
            pass
        return list(self.attempts)

    def forget(self) -> None:
        """Forget everything."""
        self._by_key.clear()
        self.attempts.clear()


def moment() -> str:
    """Return the present moment in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")

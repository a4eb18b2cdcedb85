"""What a registry sends of its own accord: callbacks and notifications, tried until they arrive or it stops."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import orjson

from mocks.dci_message import moment
from mocks.manners import Manner

FIRST_RETRY_S: Final = 0.2
LONGEST_RETRY_S: Final = 5.0
MOST_TRIES: Final = 200
TIMEOUT_S: Final = 20.0
_WORTH_ANOTHER_TRY: Final = (408, 425, 429)
_REMEMBERED: Final = 1000


class Sent(NamedTuple):
    """One message that was sent, or given up; holds nothing of what it said."""

    at: str
    action: str
    url: str
    message_id: str
    transaction_id: str
    correlation_id: str | None
    status: int | None
    """The last HTTP status; None when nobody answered."""
    tries: int


def callback_url(sender_uri: str, callback: str) -> str:
    """Return where a callback such as `on-search` goes: the address as given when it is one, else below it."""
    parts = urlsplit(sender_uri)
    if parts.path.endswith(f"/{callback}") or "on-" in parts.path:
        return sender_uri
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/registry/{callback}"))


def notify_url(sender_uri: str) -> str:
    """Return where notifications go that were subscribed to from an address: beside its callbacks."""
    parts = urlsplit(sender_uri)
    if "on-" not in parts.path:
        return callback_url(sender_uri, "notify")
    return urlunsplit(parts._replace(path=f"{parts.path.rpartition('/')[0]}/notify"))


class Callbacks:
    """The outgoing side of one registry; every message under way has a task here that ends with the server."""

    def __init__(self, bearer: str, sign: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        """Take the token that callbacks carry, and what signs a message anew for each try."""
        self._bearer, self._sign = bearer, sign
        self._client: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent: deque[Sent] = deque(maxlen=_REMEMBERED)

    @property
    def under_way(self) -> int:
        """Return how many series of messages are still being sent."""
        return len(self._tasks)

    async def open(self) -> None:
        """Start with a server; belongs to its event loop."""
        if self._client is None:
            self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))

    async def close(self) -> None:
        """Stop: what has not arrived is lost, as with a registry that dies."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
            self._client = None

    def start(self, url: str, messages: Sequence[Mapping[str, Any]], manner: Manner) -> None:
        """Send messages to an address, one after the other, while the caller goes on."""
        task = asyncio.get_running_loop().create_task(self._send_later(url, messages, manner))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def send(self, url: str, messages: Sequence[Mapping[str, Any]], manner: Manner, *, tries: int) -> None:
        """Send messages to an address, one after the other, each so many times at most until it arrives."""
        for message in messages:
            await self._arrive(url, message, manner, tries)

    async def _send_later(self, url: str, messages: Sequence[Mapping[str, Any]], manner: Manner) -> None:
        await asyncio.sleep(manner.delay_ms / 1000)
        await self.send(url, messages, manner, tries=MOST_TRIES)

    async def _arrive(self, url: str, message: Mapping[str, Any], manner: Manner, tries: int) -> None:
        wait_s = FIRST_RETRY_S
        for count in range(1, tries + 1):
            status = await self._post(url, _body(self._sign(_spoiled(message, manner)), manner), manner)
            if (status is not None and status < 500 and status not in _WORTH_ANOTHER_TRY) or count == tries:
                self._note(url, message, status, count)
                return
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_RETRY_S)

    async def _post(self, url: str, body: bytes, manner: Manner) -> int | None:
        if self._client is None:
            return None
        headers = {"Content-Type": manner.content_type}
        if manner.bearer != "none":
            headers["Authorization"] = f"Bearer {self._bearer if manner.bearer == 'right' else 'wrong'}"
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with self._client.post(url, data=body, headers=headers, allow_redirects=False) as response:
                await response.read()
                return response.status
        return None

    def _note(self, url: str, message: Mapping[str, Any], status: int | None, tries: int) -> None:
        header, content = message.get("header") or {}, message.get("message") or message
        self.sent.append(
            Sent(
                at=moment(),
                action=str(header.get("action", "")),
                url=url,
                message_id=str(header.get("message_id", "")),
                transaction_id=str(content.get("transaction_id", "")),
                correlation_id=content.get("correlation_id"),
                status=status,
                tries=tries,
            )
        )


def _spoiled(message: Mapping[str, Any], manner: Manner) -> Mapping[str, Any]:
    """Return a callback as the manner wants it, before it is signed."""
    match manner.body:
        case "wrong_schema":
            # Bare callbacks of a dialect have nothing to rename.
            return {**message, "message": {f"x_{name}": value for name, value in message.get("message", {}).items()}}
        case "stranger":
            ids = {name: str(uuid.uuid4()) for name in ("transaction_id", "correlation_id")}
            return {**message, "message": {**message.get("message", {}), **ids}}
    return message


def _body(message: Mapping[str, Any], manner: Manner) -> bytes:
    body = orjson.dumps(message)
    return body[: len(body) // 2] if manner.body == "malformed" else body

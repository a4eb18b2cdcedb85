"""Callbacks on the programme's side: received, verified, told apart from their repetitions, and handed to who waits.

async with AsyncHearthClient(...) as client, Receiver(client.opened).listening() as receiver:
    asked = await client.later(items, sender_uri=receiver.address("on-search"))
    answer = await receiver.answer(asked.correlation_id, within_s=30)
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiohttp import web

from standards.dci.codes import AckStatus, ErrorCode
from standards.dci.envelope import HttpError, acknowledgement
from standards.dci.shapes import listed
from standards.errors import InteropError, RequestError

_KINDS: Final = ("on-search", "on-subscribe", "on-unsubscribe", "notify", "txn/on-status")
_REMEMBERED: Final = 10_000
_NO_IDS: Final = "none"


class Receiver:
    """Takes what a gateway sends by itself. Its `routes` can stand in any aiohttp application.

    opened: verifies and decrypts: `AsyncHearthClient.opened`.
    """

    def __init__(self, opened: Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]) -> None:
        self._opened = opened
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._parts: dict[str, list[dict[str, Any]]] = {}
        self._more = asyncio.Condition()
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._base = ""

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered: the five callbacks of the standard."""
        return [web.post(f"/registry/{kind}", self._received) for kind in _KINDS]

    def address(self, kind: str = "on-search") -> str:
        """Return where one kind of callback is received, while `listening`."""
        return f"{self._base}/registry/{kind}"

    @asynccontextmanager
    async def listening(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Receiver]:
        """Listen on a port, a free one by default, until left."""
        app = web.Application()
        app.add_routes(self.routes())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            self._base = f"http://{host}:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    async def answer(self, correlation_id: str, within_s: float = 30.0, *, one_page: bool = False) -> dict[str, Any]:
        """Return the whole answer to an acknowledged message, its pages put together in order.

        one_page: the question named a page, so that one callback is all there will be.
        Raises: TimeoutError when it has not come by then.
        """

        def is_there() -> bool:
            parts = self._parts.get(correlation_id, [])
            return bool(parts) if one_page else _is_whole(parts)

        async with asyncio.timeout(within_s), self._more:
            await self._more.wait_for(is_there)
            return _merged(self._parts.pop(correlation_id))

    async def notification(self, within_s: float = 30.0) -> dict[str, Any]:
        """Return the next notification, oldest first, each once.

        Raises: TimeoutError when none has come by then.
        """
        async with asyncio.timeout(within_s):
            return await self._told.get()

    async def _received(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            said = orjson.loads(body)
            if not isinstance(said, dict):
                raise ValueError  # noqa: TRY301 - as if it were no JSON
            message = await self._opened(said)
        except ValueError:
            return _said(400, HttpError(ErrorCode.BAD, "the body is no message"))
        except InteropError as error:
            code = error.reason_code if isinstance(error, RequestError) else ErrorCode.SERVICE_UNAVAILABLE
            return _said(401 if isinstance(error, RequestError) else 503, HttpError(code, str(error)))
        # INVARIANT: what comes twice counts once; the gateway's key is the same in every try.
        key = request.headers.get("Idempotency-Key") or str(message["header"].get("message_id"))
        if key not in self._seen:
            self._seen[key] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            await self._take(request.path.partition("/registry/")[2], message)
        return _said(200, correlation_id=str(message["message"].get("correlation_id") or _NO_IDS))

    async def _take(self, kind: str, message: dict[str, Any]) -> None:
        if kind == "notify":
            self._told.put_nowait(message)
            return
        async with self._more:
            self._parts.setdefault(message["message"].get("correlation_id", ""), []).append(message)
            self._more.notify_all()


def _is_whole(parts: list[dict[str, Any]]) -> bool:
    """Tell whether the pages of every item cover what was found."""
    had: dict[str, int] = {}
    found: dict[str, int] = {}
    for part in parts:
        for item in part["message"].get("search_response", ()):
            name = item["reference_id"]
            had[name] = had.get(name, 0) + len(listed(item.get("data", {}).get("reg_records")))
            found[name] = (item.get("pagination") or {}).get("total_count", 0)
    return bool(parts) and all(had[name] >= total for name, total in found.items())


def _merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one message of several pages, the records of each item in the order of their pages."""
    if len(parts) == 1:
        return parts[0]
    items: dict[str, dict[str, Any]] = {}
    ordered = sorted(
        (i for part in parts for i in part["message"].get("search_response", ())),
        key=lambda item: (item.get("pagination") or {}).get("page_number", 1),
    )
    for item in ordered:
        first = items.setdefault(item["reference_id"], item)
        if first is not item and "data" in item:
            first["data"]["reg_records"] = [*listed(first["data"]["reg_records"]), *listed(item["data"]["reg_records"])]
            for name, extra in item["data"].items():
                if name.startswith("hearth:") and isinstance(extra, list):
                    first["data"].setdefault(name, []).extend(extra)
    whole = dict(parts[0])
    whole["message"] = {**parts[0]["message"], "search_response": list(items.values())}
    return whole


def _said(status: int, error: HttpError | None = None, correlation_id: str = _NO_IDS) -> web.Response:
    body = acknowledgement(now=datetime.now(UTC), correlation_id=correlation_id, error=error, status=AckStatus.ACK)
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")

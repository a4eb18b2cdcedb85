"""The programme as a server: callbacks in, ACK out, and what a test may ask it and tell it below `/_sandbox/`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
from aiohttp import web

from mocks.faults import MalformedFaultError
from mocks.programme import reading
from mocks.programme.faults import Fault, parse
from mocks.programme.inbox import FILTERS, Attempt, moment
from mocks.programme.receiving import POLICIES, Programme

HOST: Final = "127.0.0.1"
MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
LONGEST_WAIT_S: Final = 300.0
_GRACE_S: Final = 0.5
_STORED: Final = ("late", "lost")
"""The faults that let a message be remembered all the same."""


class Server:
    """A toy programme at work; `application()` is what a server runs."""

    def __init__(self, programme: Programme) -> None:
        self.programme = programme
        self.inbox, self.faults = programme.inbox, programme.faults

    def application(self) -> web.Application:
        """Return the programme as an application; take a new one for each server."""
        app = web.Application(client_max_size=MAX_MESSAGE_BYTES)
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/.well-known/jwks.json", self._jwks),
                web.get("/_sandbox/received", self._received),
                web.delete("/_sandbox/received", self._forget),
                web.get("/_sandbox/attempts", self._attempts),
                web.put("/_sandbox/faults", self._set_fault),
                web.get("/_sandbox/faults", self._show_fault),
                web.delete("/_sandbox/faults", self._clear_fault),
                web.put("/_sandbox/trust", self._trust),
            ]
        )
        for kind in reading.ACTIONS:
            # Any prefix: programmes have their callbacks where they like.
            app.router.add_post(f"/{{prefix:.*}}registry/{kind}", self._callback(kind))
        app.on_shutdown.append(self._close)
        return app

    def _callback(self, kind: str) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._meet(kind, request)

        return handle

    async def _meet(self, kind: str, request: web.Request) -> web.StreamResponse:
        """Receive one callback in the way the fault in force wants."""
        fault, body, key = self.faults.draw(kind), await request.read(), request.headers.get("Idempotency-Key")
        reason = None
        if fault is None or fault.mode in _STORED:
            outcome = await self.programme.receive(kind, request.path, request.headers, body)
            answer, word, reason = _json(outcome.body, status=outcome.status), outcome.word, outcome.reason
        else:
            answer, word = _refused_by(fault), fault.mode
        is_cut = fault is not None and fault.mode in ("down", "lost", "hang")
        message_id, message_ts = reading.sent(body)
        status = None if is_cut else answer.status
        await self.inbox.tried(Attempt(moment(), kind, key, message_id, message_ts, word, status, reason))
        if fault is not None and fault.mode in ("late", "hang"):
            await self.faults.wait(None if fault.mode == "hang" else fault.delay_ms / 1000)
        if is_cut and request.transport is not None:
            request.transport.abort()
        return answer

    async def _close(self, app: web.Application) -> None:
        self.faults.close()

    async def _health(self, request: web.Request) -> web.Response:
        return _json({"status": "up"})

    async def _jwks(self, request: web.Request) -> web.Response:
        return _json(self.programme.own_keys.published())

    async def _received(self, request: web.Request) -> web.Response:
        """Show what was received, at once or as soon as there are `at_least` so many within `wait_s`."""
        wanted = {name: request.query[name] for name in FILTERS if name in request.query}
        try:
            at_least, wait_s = int(request.query.get("at_least", 0)), float(request.query.get("wait_s", 0))
        except ValueError:
            return _json({"error": "at_least and wait_s are numbers"}, status=422)
        found = await self.inbox.wait_for(at_least, min(max(wait_s, 0.0), LONGEST_WAIT_S), **wanted)
        return _json({"total": len(found), "received": [one.shown() for one in found]})

    async def _forget(self, request: web.Request) -> web.Response:
        self.inbox.forget()
        return web.Response(status=204)

    async def _attempts(self, request: web.Request) -> web.Response:
        try:
            at_least, wait_s = int(request.query.get("at_least", 0)), float(request.query.get("wait_s", 0))
        except ValueError:
            return _json({"error": "at_least and wait_s are numbers"}, status=422)
        found = await self.inbox.wait_for_attempts(at_least, min(max(wait_s, 0.0), LONGEST_WAIT_S))
        return _json({"total": len(found), "attempts": [one._asdict() for one in found]})

    async def _set_fault(self, request: web.Request) -> web.Response:
        try:
            self.faults.store(parse(await request.read()))
        except MalformedFaultError as problem:
            return _json({"error": str(problem)}, status=422)
        return await self._show_fault(request)

    async def _show_fault(self, request: web.Request) -> web.Response:
        fault = self.faults.fault
        return _json({"mode": None} if fault is None else fault._asdict())

    async def _clear_fault(self, request: web.Request) -> web.Response:
        self.faults.store(None)
        return web.Response(status=204)

    async def _trust(self, request: web.Request) -> web.Response:
        """Say where the gateway's keys are, and whether callbacks must be signed."""
        try:
            wanted = orjson.loads(await request.read())
            jwks_url, signatures = wanted.get("jwks_url"), wanted.get("signatures", self.programme.signatures)
        except (orjson.JSONDecodeError, AttributeError):
            return _json({"error": "trust is a JSON object"}, status=422)
        if signatures not in POLICIES or not (jwks_url is None or isinstance(jwks_url, str)):
            return _json({"error": f"jwks_url is an address, signatures one of {', '.join(POLICIES)}"}, status=422)
        self.programme.signatures = signatures
        if "jwks_url" in wanted:
            self.programme.gateway_keys.use(jwks_url)
        return _json({"jwks_url": self.programme.gateway_keys.jwks_url, "signatures": signatures})


@asynccontextmanager
async def open_programme(programme: Programme, port: int = 0) -> AsyncIterator[str]:
    """Serve a programme until the block ends; yields its address.

    Raises: OSError when the port is taken.
    """
    runner = web.AppRunner(Server(programme).application(), access_log=None, shutdown_timeout=_GRACE_S)
    try:
        await runner.setup()
        await web.TCPSite(runner, HOST, port).start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _refused_by(fault: Fault) -> web.Response:
    """Return the answer of a fault that receives nothing."""
    match fault.mode:
        case "redirect":
            return web.Response(status=307, headers={"Location": fault.location})
        case "nack":
            return _answer(200, "NACK")
        case "err":
            return _answer(200, "ERR", "err.service.unavailable", "the programme is out of order")
    after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return web.Response(status=fault.status, headers=after, text="the programme is out of order")


def _answer(http: int, status: str, code: str | None = None, message: str = "") -> web.Response:
    return _json(reading.acknowledgement(status, code, message), status=http)


def _json(body: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")

"""An X-Road security server before one registry: it lets known clients ask known services, and passes on the rest.

It stands for both servers that a real message goes through. REST (`/r1/...`) and SOAP (`POST /`) are both spoken.
What the registry does wrong passes through; what goes wrong here comes in X-Road's own words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element

import aiohttp
import orjson
from aiohttp import web

from mocks.registry import MAX_MESSAGE_BYTES, json_answer
from mocks.soap import SoapFaultError, fault
from mocks.xroad_message import HEADERS, MalformedMessageError, answered, asked, digest

CLIENT: Final = "PV/GOV/1001/hearth"
"""The subsystem that may ask."""
MODES: Final = ("access_denied", "unknown_service", "provider_down", "other_message", "other_request")
MOST_HELD: Final = 4 * 1024 * 1024
"""Bytes of an answer that are read before they are passed on; what is longer is passed on as it comes."""
_UNPASSED: Final = frozenset(
    {"host", "connection", "keep-alive", "content-length", "transfer-encoding", "upgrade", "te", "trailer", "date"}
    | {"server", "accept-encoding"}
)
_IDLE_S: Final = 15.0


class Front(NamedTuple):
    """What a security server knows of the registry behind it."""

    url: str
    subsystem: str
    """`INSTANCE/CLASS/MEMBER/SUBSYSTEM` of the registry."""
    services: Mapping[str, str]
    """Service code -> path below the registry's address."""


class SecurityServer:
    """One security server; `application()` is what a server runs."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._mode: str | None = None
        self._session: aiohttp.ClientSession | None = None
        self.by_outcome: Counter[str] = Counter()

    def application(self) -> web.Application:
        """Return it as an application, ready to be served."""
        app = web.Application(client_max_size=MAX_MESSAGE_BYTES)
        app.router.add_get("/health", self._health)
        app.router.add_put("/_sandbox/manner", self._set_mode)
        app.router.add_delete("/_sandbox/manner", self._clear_mode)
        app.router.add_get("/_sandbox/calls", self._show_calls)
        app.router.add_post("/", self._soap)
        app.router.add_route("*", "/r1/{path:.+}", self._rest)
        app.cleanup_ctx.append(self._connected)
        return app

    async def _connected(self, app: web.Application) -> Any:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S)
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)
        )
        yield
        await self._session.close()

    # -- REST ---------------------------------------------------------------------------------------------------

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        service, rest = _split(request.raw_path.partition("?")[0].removeprefix("/r1/"))
        named = {name: request.headers.get(name, "") for name in ("X-Road-Client", "X-Road-Id")}
        problem = self._problem(named["X-Road-Client"], service)
        if not named["X-Road-Id"]:
            problem = "Client.MissingHeaderField"
        if problem is not None:
            return self._refused(problem)
        body = await request.read()
        told = {**named, "X-Road-Service": service, "X-Road-Request-Hash": digest(body)}
        if self._mode == "other_message":
            told["X-Road-Id"] = "another"
        if self._mode == "other_request":
            told["X-Road-Request-Hash"] = digest(b"another")
        query = request.raw_path.partition("?")[1:]
        target = self._front.services[service.rpartition("/")[2]] + rest + "".join(query)
        try:
            return await self._passed_on(request, target, body, told)
        except aiohttp.ClientError:
            return self._refused("Server.ServerProxy.ServiceFailed.NetworkError")

    def _refused(self, code: str) -> web.Response:
        self.by_outcome[code] += 1
        said = {"type": code, "message": "the security server refuses", "detail": "sandbox"}
        answer = json_answer(said, status=500 if code.startswith("Server") else 400)
        answer.headers["X-Road-Error"] = code
        return answer

    # -- SOAP ---------------------------------------------------------------------------------------------------

    async def _soap(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            message = asked(body)
        except MalformedMessageError as malformed:
            return self._faulted(malformed.code)
        problem = self._problem(message.client, message.service)
        if problem is not None:
            return self._faulted(problem)
        header = message.header
        if self._mode == "other_message":
            _text(header, "id", "another")
        hashed = b"another" if self._mode == "other_request" else body
        path = self._front.services[message.service.rpartition("/")[2]]
        try:
            return await self._passed_on(request, path, body, {}, header, hashed)
        except aiohttp.ClientError:
            return self._faulted("Server.ServerProxy.ServiceFailed.NetworkError")

    def _faulted(self, code: str) -> web.Response:
        self.by_outcome[code] += 1
        body = fault(SoapFaultError(code, "the security server refuses"))
        return web.Response(body=body, status=500, content_type="text/xml", charset="utf-8")

    # -- both ---------------------------------------------------------------------------------------------------

    def _problem(self, client: str, service: str) -> str | None:
        """Return why a question goes no further, in X-Road's word; None when it may."""
        subsystem, _, code = service.rpartition("/")
        if self._mode == "unknown_service" or subsystem != self._front.subsystem or code not in self._front.services:
            return "Server.ServerProxy.UnknownService"
        if self._mode == "access_denied" or client != CLIENT:
            return "Server.ServerProxy.AccessDenied"
        if self._mode == "provider_down":
            return "Server.ServerProxy.ServiceFailed.NetworkError"
        return None

    async def _passed_on(
        self,
        request: web.Request,
        target: str,
        body: bytes,
        told: Mapping[str, str],
        header: Element | None = None,
        hashed: bytes = b"",
    ) -> web.StreamResponse:
        """Ask the registry, and answer as it does: with X-Road's headers, or its header block.

        Raises: aiohttp.ClientError when the registry gives no whole answer.
        """
        if self._session is None:
            raise web.HTTPServiceUnavailable
        headers = {name: text for name, text in request.headers.items() if name.lower() not in _UNPASSED}
        url = self._front.url + target
        async with self._session.request(
            request.method, url, data=body or None, headers=headers, allow_redirects=False
        ) as answer:
            self.by_outcome["passed_on"] += 1
            passed = {name: text for name, text in answer.headers.items() if name.lower() not in _UNPASSED}
            held = await _held(answer)
            if len(held) > MOST_HELD:
                return await _streamed(request, answer, {**passed, **told}, held)
            if header is not None:
                held = answered(held, header, hashed)
            return web.Response(status=answer.status, body=held, headers={**passed, **told})

    async def _health(self, request: web.Request) -> web.Response:
        return json_answer({"status": "up", "registry": "security_server"})

    async def _set_mode(self, request: web.Request) -> web.Response:
        try:
            wanted = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            wanted = None
        mode = wanted.get("mode") if isinstance(wanted, dict) else None
        if mode not in MODES:
            return json_answer({"error": "mode names a manner", "modes": list(MODES)}, status=422)
        self._mode = mode
        return json_answer({"mode": mode})

    async def _clear_mode(self, request: web.Request) -> web.Response:
        self._mode = None
        return web.Response(status=204)

    async def _show_calls(self, request: web.Request) -> web.Response:
        return json_answer({"total": self.by_outcome.total(), "by_outcome": dict(self.by_outcome)})


def _split(path: str) -> tuple[str, str]:
    """Return the service that a REST path names, and what comes after it."""
    parts = path.split("/")
    return "/".join(parts[:5]), "".join(f"/{part}" for part in parts[5:])


def _text(header: Element, name: str, text: str) -> None:
    element = header.find(f"{{{HEADERS}}}{name}")
    if element is not None:
        element.text = text


async def _held(answer: aiohttp.ClientResponse) -> bytes:
    """Read an answer, or as much of it as is held."""
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MOST_HELD:
            break
    return b"".join(parts)


async def _streamed(
    request: web.Request, answer: aiohttp.ClientResponse, headers: Mapping[str, str], held: bytes
) -> web.StreamResponse:
    """Pass a flood on as long as anybody listens."""
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.enable_chunked_encoding()
    try:
        await response.prepare(request)
        await response.write(held)
        async for part in answer.content.iter_any():
            await response.write(part)
    except ConnectionError:
        pass  # the client has heard enough
    return response

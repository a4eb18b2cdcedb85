"""What registries call back with: answers, subscriptions settled, events. Who calls must prove who it is.

How is a matter of the registry's manifest (`dci.callback`): a token that was issued to it, a signature by its own key,
or, for registries that can do neither, an address that nobody else can know. An address with a secret in it leads to
the one question it was made for. What nobody waits for is refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import orjson
import structlog
from aiohttp import web

from adapters.callbacks import Arrival, Caller
from adapters.ports import Deadline
from adapters.said import Signed
from gateway.api.dci import notify
from gateway.api.state import GATEWAY
from gateway.bootstrap import Gateway, utc_now
from gateway.ids import new_id
from gateway.stages.admit import parsed
from standards.dci.codes import ErrorCode
from standards.dci.envelope import HttpError, acknowledgement
from standards.dci.operations import OPERATIONS
from standards.errors import (
    AccessDeniedError,
    InteropError,
    JournalError,
    MalformedMessageError,
    RequestError,
    SourceError,
)

log = structlog.get_logger()

_KEYS_S: Final = 5.0
"""How long a registry's published keys may take to be read."""
_OF_QUESTIONS: Final = frozenset({"on-search", "txn/on-status"})
"""What answers one question, and may come to an address of its own."""
_TAKEN_BY: Final = {
    "on-subscribe": notify.on_subscribe,
    "on-unsubscribe": notify.on_unsubscribe,
    "notify": notify.notified,
}
"""What is no answer to a question, and who takes it."""
_JSON: Final = {"Content-Type": "application/json"}


class _RefusedError(InteropError):
    """A callback that is not taken: status and error of the acknowledgement that says so."""

    def __init__(self, status: int, code: ErrorCode, message: str, *, is_strangers: bool = False) -> None:
        super().__init__(message)
        self.status, self.reason, self.is_strangers = status, code, is_strangers


class _Read(NamedTuple):
    caller: Caller
    body: bytes
    raw: dict[str, Any]
    signed: Signed | None
    secret: str


def routes() -> list[web.RouteDef]:
    """Return the address of every callback, and the same behind a secret."""
    paths = [one.path for one in OPERATIONS.values() if one.is_callback]
    return [
        web.post(f"{place}/registry/{path}", _received)
        for path in paths
        for place in ("", "/callbacks/{secret}", "/{registry}")
    ]


async def _received(request: web.Request) -> web.Response:
    gateway = request.app[GATEWAY]
    kind = request.path.rpartition("/registry/")[2]
    try:
        read = await _proved(gateway, request, kind)
        await _given(gateway, kind, read)
    except _RefusedError as error:
        if error.is_strangers:
            gateway.limits.count_stranger(request.remote)
        log.warning("callback_refused", path_template=kind, status=error.status, detail=str(error))
        return _acknowledged({}, error)
    return _acknowledged(read.raw)


async def _given(gateway: Gateway, kind: str, read: _Read) -> None:
    """Give a callback to whoever it is for.

    Raises: _RefusedError when that is nobody, or it cannot be read or kept.
    """
    source_id = read.caller.source_id
    if kind == "notify" and all(one.id != source_id for one in gateway.manifests):
        # INVARIANT: nobody is told, and nobody is forgotten, on the word of a version that nobody has brought live.
        raise _RefusedError(403, ErrorCode.FORBIDDEN, "no version of this registry is live here")
    try:
        match kind:
            case "on-subscribe" | "on-unsubscribe" | "notify":
                await _TAKEN_BY[kind](gateway, source_id, read.raw)
            case _:
                message = _status_told(read.raw) if kind == "txn/on-status" else read.raw
                # INVARIANT: behind an address with a secret, the secret alone says which question is meant.
                arrival = Arrival(source_id, read.body, message, read.secret, read.signed)
                if not await gateway.waiting.arrived(arrival):
                    raise _RefusedError(404, ErrorCode.NOT_FOUND, "nobody waits for this here, or not any more")
    except RequestError as error:
        raise _RefusedError(400, ErrorCode.BAD, str(error)) from None
    except JournalError:
        raise _RefusedError(503, ErrorCode.SERVICE_UNAVAILABLE, "this cannot be kept now: send it again") from None


async def _proved(gateway: Gateway, request: web.Request, kind: str) -> _Read:
    """Return a callback, once it is known which registry it is from.

    Raises: _RefusedError when it is not.
    """
    callers = [one.caller for one in gateway.registries.values() if one.caller is not None]
    secret = request.match_info.get("secret", "")
    found = _by_secret(callers, secret, kind) if secret else await _by_token(gateway, callers, request)
    if found is None and not any(one.auth == "signature" for one in callers):
        raise _unproved()  # before anything of what a stranger sends is read
    body = await _body(gateway, request)
    raw = _parsed(body)
    caller = found or _by_name(callers, raw)
    if caller is None:
        raise _unproved()
    if gateway.registries[caller.source_id].guarded.is_suspended:
        raise _RefusedError(403, ErrorCode.FORBIDDEN, "this registry is switched off here")
    if caller.sealing is None:
        return _Read(caller, body, raw, None, secret)
    try:
        signed = await caller.sealing.verified(raw, Deadline.after(_KEYS_S))
    except SourceError as error:
        raise _RefusedError(401, ErrorCode.SIGNATURE_INVALID, error.detail, is_strangers=found is None) from None
    try:
        return _Read(caller, body, caller.sealing.decrypted(raw), signed, secret)
    except SourceError as error:
        raise _RefusedError(400, ErrorCode.ENCRYPTION_INVALID, error.detail) from None


def _unproved() -> _RefusedError:
    message = "no registry that calls back here has proved itself with this"
    return _RefusedError(401, ErrorCode.UNAUTHORIZED, message, is_strangers=True)


def _by_secret(callers: Iterable[Caller], secret: str, kind: str) -> Caller:
    """Return whose address it is. That of one question opens nothing else, and no question is opened by another."""
    source_id = secret.partition(".")[0]
    for one in callers:
        if one.source_id != source_id or one.auth != "secret_path":
            continue
        if kind in _OF_QUESTIONS or hmac.compare_digest(one.secret.encode(), secret.encode()):
            return one
    raise _RefusedError(404, ErrorCode.NOT_FOUND, "there is no such address", is_strangers=True)


async def _by_token(gateway: Gateway, callers: Iterable[Caller], request: web.Request) -> Caller | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        return None
    clients: dict[str, Caller] = {}
    for one in callers:
        if one.token and hmac.compare_digest(one.token.encode(), token.encode()):
            return one
        if one.client_id is not None:
            clients[one.client_id] = one
    if not clients:
        return None
    try:
        return clients.get((await gateway.tokens.identified(token)).client_id)
    except AccessDeniedError:
        return None


def _by_name(callers: Iterable[Caller], raw: Mapping[str, Any]) -> Caller | None:
    """Return the registry that a signed message says it is from; one that echoes our ids stands as the receiver."""
    header = raw.get("header")
    if not isinstance(header, dict):
        return None
    for name in ("sender_id", "receiver_id"):
        for one in callers:
            if one.auth == "signature" and header.get(name) in one.names:
                return one
    return None


async def _body(gateway: Gateway, request: web.Request) -> bytes:
    """Return what was sent, up to the most that any registry may send."""
    most = max((m.limits.max_response_bytes for m in gateway.manifests), default=0)
    body = bytearray()
    async for chunk in request.content.iter_chunked(65_536):
        body += chunk
        if len(body) > most:
            raise _RefusedError(413, ErrorCode.BAD, f"larger than {most} bytes")
    return bytes(body)


def _parsed(body: bytes) -> dict[str, Any]:
    # Whatever the content type says: some registries send none.
    try:
        raw = parsed(body)
    except MalformedMessageError as error:
        raise _RefusedError(400, ErrorCode.BAD, str(error)) from None
    if not isinstance(raw, dict):
        raise _RefusedError(400, ErrorCode.BAD, "the body is not a JSON object")
    return raw


def _status_told(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a transaction status tells of a search, as if it had been called back with."""
    message = raw.get("message")
    told = message.get("txnstatus_response") if isinstance(message, dict) else None
    state = told.get("txn_status") if isinstance(told, dict) else None
    if not isinstance(state, dict) or "search_response" not in state:
        raise MalformedMessageError("txnstatus_response.txn_status: holds no search_response")
    return {"message": state}


def _acknowledged(raw: Mapping[str, Any], refused: _RefusedError | None = None) -> web.Response:
    message = raw.get("message")
    stated = message.get("correlation_id") if isinstance(message, dict) else None
    correlation_id = stated if isinstance(stated, str) and 0 < len(stated) <= 99 else new_id()
    error = HttpError(refused.reason, str(refused)) if refused else None
    body = acknowledgement(now=utc_now(), correlation_id=correlation_id, error=error)
    return web.Response(status=refused.status if refused else 200, body=orjson.dumps(body), headers=_JSON)

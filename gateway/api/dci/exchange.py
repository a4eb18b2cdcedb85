"""One DCI message and its answer: what every operation has in common, whatever it is about.

`operation` makes a handler of an operation's own function, which is given a message that is known to be whole, signed
and its sender's. What is wrong is told where the standard has a place for it: in the header of an answer, in an
acknowledgement, or as an HTTP error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from adapters.ports import Deadline
from gateway.api.authentication import authenticated
from gateway.api.deadline import HEADER as DEADLINE_HEADER
from gateway.api.deadline import deadline_of
from gateway.api.errors import status_of
from gateway.api.state import GATEWAY
from gateway.bootstrap import Gateway, utc_now
from gateway.ids import new_id
from gateway.settings import Consumer
from gateway.stages.admit import Opened, parsed
from gateway.trust.replay import Again
from standards.dci.codes import AckStatus, ErrorCode, HeaderReason, RegType
from standards.dci.envelope import Header, HttpError, acknowledgement, answer_header
from standards.dci.operations import OPERATIONS, Operation
from standards.dci.refusals import no_items
from standards.dci.validate import header_of, transaction_id_of
from standards.errors import RequestError

_JSON = {"Content-Type": "application/json"}
_HEADER_CODES = frozenset(HeaderReason)
_ERROR_CODES = frozenset(ErrorCode)
_IN_HEADER = _HEADER_CODES | {"err.receiver_id.invalid"}


class Received(NamedTuple):
    """A message that may be answered: verified, and from whom it says."""

    opened: Opened
    operation: Operation
    correlation_id: str
    """Ours, new for each message."""
    now: datetime
    deadline: Deadline
    body: bytes
    reg_type: RegType | None = None
    """Whom a question is for that does not say so; None: as the gateway is set."""

    @property
    def consumer(self) -> Consumer:
        """Return who asks."""
        return self.opened.consumer

    @property
    def header(self) -> Header:
        """Return the header, read."""
        return self.opened.header

    @property
    def message(self) -> Mapping[str, Any]:
        """Return what stands beside the header, as it was parsed."""
        return self.opened.message


Handle = Callable[[Gateway, Received, web.Request], Awaitable[web.Response]]
Handler = Callable[[web.Request], Awaitable[web.Response]]


def operation(path: str, handle: Handle, reg_type: RegType | None = None) -> Handler:
    """Return what answers at an operation's address.

    path: of the operation, below `/registry/`.
    reg_type: whom a question is for that does not say so.
    """
    served = OPERATIONS[path]

    async def exchange(request: web.Request) -> web.Response:
        gateway = request.app[GATEWAY]
        consumer = await authenticated(gateway, request, served.scope)
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        deadline = deadline_of(request.headers.get(DEADLINE_HEADER), gateway.settings.messages)
        body = await request.read()
        now = utc_now()
        try:
            opened = await gateway.admission.opened(consumer, body, served.action, now)
            await gateway.signers.ready_to_encrypt(consumer)
            again = await gateway.replay.first(consumer.client_id, opened.header.message_id, body)
            if again is not None and (stored := _repeated(served, again)) is not None:
                return stored
            received = Received(opened, served, new_id(), now, deadline, body, reg_type)
            response = await handle(gateway, received, request)
        except RequestError as error:
            return _refused(gateway, consumer, served, body, error, now)
        if not served.is_sync and response.status == 200 and isinstance(response.body, bytes):
            await gateway.replay.answered(consumer.client_id, opened.header.message_id, response.body)
        return response

    return exchange


def _repeated(served: Operation, again: Again) -> web.Response | None:
    """Return what a message is answered that was here before; None where its own operation has to settle that.

    Raises: RequestError when it must not be here again.
    """
    # INVARIANT: no message is worked on twice, whoever repeats it; an acknowledgement that was lost is given again.
    if served.is_sync or not again.is_same:
        code = HeaderReason.MESSAGE_ID_DUPLICATE if served.is_sync else ErrorCode.BAD
        raise RequestError("a message of this message_id was here before: make a new one each time", reason_code=code)
    return None if again.answer is None else web.Response(body=again.answer, headers=_JSON)


def answered(
    gateway: Gateway,
    received: Received,
    payload: Mapping[str, object],
    statuses: Iterable[str],
    reason_message: str | None = None,
) -> web.Response:
    """Return the answer of a synchronous operation.

    payload: what stands beside the header; it may hold `orjson.Fragment`s.
    statuses: of its items, `succ` or `rjct` each.
    reason_message: why it is as it is, where that is said of the whole.
    """
    header = answer_header(
        received.header,
        [{"status": status} for status in statuses],
        now=received.now,
        message_id=new_id(),
        sender_id=gateway.settings.server.sender_id,
        action=received.operation.answer_action or received.operation.action,
        reason_message=reason_message,
    )
    return _sent(gateway, received.consumer, {"header": header, "message": payload}, received.now)


def acknowledged(received: Received, status: AckStatus = AckStatus.ACK) -> web.Response:
    """Return the acknowledgement of a message that is answered later, under its correlation id."""
    said = acknowledgement(now=received.now, correlation_id=received.correlation_id, status=status)
    return web.Response(body=orjson.dumps(said), headers=_JSON)


def _refused(
    gateway: Gateway, consumer: Consumer, served: Operation, body: bytes, error: RequestError, now: datetime
) -> web.Response:
    """Refuse a message as a whole.

    Raises: the error itself, where the standard has no place for it but an HTTP error.
    """
    if not served.is_sync:
        code = error.reason_code if error.reason_code in _ERROR_CODES else ErrorCode.BAD
        said = acknowledgement(now=now, correlation_id=new_id(), error=HttpError(code, str(error)))
        return web.Response(status=status_of(error), body=orjson.dumps(said), headers=_JSON)
    if error.reason_code not in _IN_HEADER:
        raise error
    raw = parsed(body)
    header = answer_header(
        header_of(raw),
        [],
        now=now,
        message_id=new_id(),
        sender_id=gateway.settings.server.sender_id,
        action=served.answer_action or served.action,
        reason_code=error.reason_code if error.reason_code in _HEADER_CODES else None,
        reason_message=str(error),
    )
    payload = no_items(served.path, transaction_id_of(raw), new_id())
    return _sent(gateway, consumer, {"header": header, "message": payload}, now)


def _sent(gateway: Gateway, to: Consumer, answer: dict[str, Any], now: datetime) -> web.Response:
    return web.Response(body=gateway.sealing.sealed(answer, to, now), headers=_JSON)

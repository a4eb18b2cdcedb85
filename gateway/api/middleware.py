"""What happens around every request: one log line, errors by the table, headers that keep answers private."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from gateway.api.errors import error_response, http_error
from gateway.api.state import SUMMARY
from standards.errors import InteropError

log = structlog.get_logger()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HTTP_CODES = {
    400: "err.request.bad",
    401: "err.request.unauthorized",
    403: "err.request.forbidden",
    404: "err.request.not_found",
    405: "err.request.bad",
    408: "err.request.timeout",
    413: "err.request.bad",
    415: "err.request.bad",
    429: "err.request.too_many_requests",
}

LEFT = 499
"""Logged for a request whose sender left before it was whole; nobody receives it."""


@web.middleware
async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors in the standard's form, and write one line about the request: no query, no body, no person."""
    start = time.perf_counter()
    response: web.StreamResponse
    try:
        response = await handler(request)
    except InteropError as error:
        response = http_error(error)
    except web.HTTPException as error:
        response = error_response(
            error.status, _HTTP_CODES.get(error.status, "err.request.bad"), f"{error.status} {error.reason}"
        )
        if error.status == 405 and "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
    except ConnectionError:  # whoever asked has left in the middle of the question
        response = web.Response(status=LEFT)
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets a code and no internals
        # Only the class and the place: an exception's text may quote a person's values.
        while isinstance(error, ExceptionGroup):  # of the questions of one message: the first that failed tells
            error = error.exceptions[0]
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else ""
        log.error("unexpected_error", caught=type(error).__name__, where=where)
        response = error_response(500, "err.service.unavailable", "something went wrong here; it has been logged")
    resource = request.match_info.route.resource
    log.info(
        "request",
        method=request.method,
        path_template=resource.canonical if resource else "",
        status=response.status,
        duration_ms=round((time.perf_counter() - start) * 1000, 2),
        **request.get(SUMMARY, {}),
    )
    _keep_private(response)
    return response


def _keep_private(response: web.StreamResponse) -> None:
    """Forbid every cache on the way to keep an answer, and every browser to guess or to frame it."""
    headers = response.headers
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")

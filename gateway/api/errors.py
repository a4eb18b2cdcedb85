"""From error to HTTP status and DCI body: the one table."""

from __future__ import annotations

import math
from typing import Final

import orjson
from aiohttp import web

from standards.dci.search import error_body
from standards.errors import (
    AccessDeniedError,
    InteropError,
    JournalError,
    RequestError,
    SignatureInvalidError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnsupportedActionError,
)

STATUSES: Final[tuple[tuple[type[InteropError], int], ...]] = (
    (SignatureInvalidError, 401),
    (TooManyRequestsError, 429),
    (UnsupportedActionError, 404),
    (RequestError, 400),
    (UnauthenticatedError, 401),
    (AccessDeniedError, 403),
    (JournalError, 503),
    (InteropError, 503),
)
"""The first class that fits decides; the code is the error's own."""

NOT_RECORDED: Final = "the answer could not be recorded and is therefore not given; try again later"


def status_of(error: InteropError) -> int:
    """Return the HTTP status of an error."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def http_error(error: InteropError) -> web.Response:
    """Return an error as the standard's HttpErrorResponse."""
    code = error.reason_code if isinstance(error, RequestError) else error.code
    text = NOT_RECORDED if isinstance(error, JournalError) else str(error)
    response = error_response(status_of(error), code, text)
    if isinstance(error, TooManyRequestsError):
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    return response


def error_response(status: int, code: str, message: str) -> web.Response:
    """Return an HttpErrorResponse with a code of the standard and a sentence that says what to change."""
    response = web.Response(
        status=status, body=orjson.dumps(error_body(code, message)), content_type="application/json"
    )
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response

"""Who asks: known by an access token, and counted, at every address that is not for everybody."""

from __future__ import annotations

from aiohttp import web

from gateway.bootstrap import Gateway
from gateway.settings import Consumer
from standards.errors import UnauthenticatedError


async def authenticated(gateway: Gateway, request: web.Request, scope: str = "") -> Consumer:
    """Return who asks, whose request has been counted.

    scope: what the access token must be good for.
    Raises: UnauthenticatedError, AccessDeniedError; TooManyRequestsError for who asks too often, and for a group of
        addresses that was refused too often.
    """
    try:
        consumer = await gateway.admission.identified(_said(request), scope)
    except UnauthenticatedError:
        gateway.limits.count_stranger(request.remote)
        raise
    gateway.limits.check(consumer)
    return consumer


def caller(gateway: Gateway, request: web.Request) -> Consumer:
    """Return the same without waiting for keys of another issuer: where one is not known yet, the next request is.

    Raises: as `authenticated` does.
    """
    try:
        consumer = gateway.admission.consumer_of(_said(request))
    except UnauthenticatedError:
        gateway.limits.count_stranger(request.remote)
        raise
    gateway.limits.check(consumer)
    return consumer


def _said(request: web.Request) -> str:
    return request.headers.get("Authorization", "")

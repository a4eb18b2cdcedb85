"""`POST /oauth2/client/token`: an access token for client credentials."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import orjson
from aiohttp import web

from gateway.api.state import GATEWAY
from gateway.trust.assertions import ASSERTION_TYPE
from standards.errors import MalformedMessageError, UnauthenticatedError


async def token(request: web.Request) -> web.Response:
    """Answer a client-credentials request (form-encoded).

    The client proves itself by its secret, in the form or as HTTP Basic, or by an assertion signed with its key. The
    standard's headers `timestamp` and `message_id` may be sent; nothing depends on them.
    """
    gateway = request.app[GATEWAY]
    gateway.limits.check_login(request.remote)
    if request.content_type != "application/x-www-form-urlencoded":
        raise MalformedMessageError("send the token request form-encoded (application/x-www-form-urlencoded)")
    form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    if form.get("grant_type") != "client_credentials":
        raise MalformedMessageError("grant_type must be client_credentials")
    office, scope = gateway.tokens, form.get("scope", "")
    if "client_assertion" in form or "client_assertion_type" in form:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise MalformedMessageError(f"client_assertion_type must be {ASSERTION_TYPE}")
        issued = await office.issue_for(form.get("client_assertion", ""), form.get("client_id"), scope)
    else:
        client_id, client_secret = _credentials(request, form)
        issued = await office.issue(client_id, client_secret, scope)
    answer = {
        "access_token": issued.token,
        "token_type": "Bearer",
        # The standard types this member as a string.
        "expires_in": str(office.lifetime_s),
        "scope": " ".join(issued.scopes),
    }
    return web.Response(body=orjson.dumps(answer), content_type="application/json")


def _credentials(request: web.Request, form: Mapping[str, str]) -> tuple[str, str]:
    header = request.headers.get("Authorization", "")
    if header.startswith("Basic "):
        try:
            name, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise UnauthenticatedError("the Basic credentials cannot be read") from error
        return name, secret
    client_id, client_secret = form.get("client_id"), form.get("client_secret")
    if client_id is None or client_secret is None:
        raise UnauthenticatedError("client_id and client_secret are needed")
    return client_id, client_secret

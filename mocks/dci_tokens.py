"""Access tokens of one DCI registry: issued for its client's secret, asked for at every call."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from mocks.registry import json_answer, same

TOKEN_LIFETIME_S: Final = 3600


def errors(status: int, code: str, message: str) -> web.Response:
    """Return an HTTP error in the words of the standard."""
    return json_answer({"errors": [{"code": code, "message": message}]}, status=status)


class Tokens:
    """The tokens that a registry has issued and that still live."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self._credentials = credentials
        self._ends: dict[str, float] = {}

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the 401 of a call without a token that was issued here and still lives."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._ends.get(token.strip(), 0.0) > time.monotonic():
            return None
        return errors(401, "err.request.unauthorized", "a bearer token of this registry is needed")

    async def issue(self, request: web.Request) -> web.Response:
        """Issue an access token to a client that knows its secret."""
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return errors(400, "err.request.bad", "grant_type must be client_credentials")
        given = (form.get("client_id"), form.get("client_secret"))
        known = (self._credentials["CLIENT_ID"], self._credentials["CLIENT_SECRET"])
        if not all(isinstance(one, str) and same(one, other) for one, other in zip(given, known, strict=True)):
            return errors(401, "err.request.unauthorized", "the client or its secret is unknown")
        now = time.monotonic()
        self._ends = {token: end for token, end in self._ends.items() if end > now}
        token = secrets.token_urlsafe(24)
        self._ends[token] = now + TOKEN_LIFETIME_S
        return json_answer({"access_token": token, "token_type": "Bearer", "expires_in": str(TOKEN_LIFETIME_S)})

    def end_all(self) -> None:
        """Let no token live on, as when a registry has restarted."""
        self._ends.clear()

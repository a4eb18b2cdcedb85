"""Access tokens of registries: asked for when they are needed, kept until shortly before they end, replaced once.

Whoever finds none, or one that is no longer accepted, asks; everybody else waits for what that one brings. The client
proves itself by its secret, or by an assertion that is signed with the gateway's own key (RFC 7523).
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from urllib.parse import urlencode

import jwt

from adapters.reading import Reader
from adapters.transport.statuses import check_status
from standards.errors import SourceRefusedError, SourceUnavailableError
from standards.signing import algorithm_of
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.ports import Deadline, Response
    from standards.signing import PrivateKey

Signing = Callable[[], tuple["PrivateKey", str]]
"""The gateway's key of the moment, and its id."""

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_ASSERTS: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFE_S: Final = 60
_DEFAULT_LIFE_S: Final = 300.0
_LONGEST_MARGIN_S: Final = 30.0
_NAMES: Final = {"ed25519": "EdDSA", "ES256": "ES256", "RS256": "RS256"}


class Exchange(Protocol):
    """What a token is asked for with."""

    source_id: str

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> Response:
        """Send one request and return the response."""
        ...


class Assertion(NamedTuple):
    """Who the client is, by its own signature instead of a secret; a new one for every token."""

    client_id: str
    audience: str
    signing: Signing

    def form(self) -> dict[str, str]:
        """Return what is sent in place of a secret."""
        key, key_id = self.signing()
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + _ASSERTION_LIFE_S,
        }
        name = _NAMES[algorithm_of(key.public_key()) or "ed25519"]
        signed = jwt.encode(claims, key, algorithm=name, headers={"kid": key_id})
        return {"client_assertion_type": _ASSERTS, "client_assertion": signed}


class Token:
    """The token of the client credentials grant at one registry.

    target: path of the token endpoint, as it is sent.
    assertion: proves the client; None where the form holds its secret.
    """

    def __init__(
        self,
        client: Exchange,
        target: str,
        form: Mapping[str, str],
        clock: Callable[[], float],
        assertion: Assertion | None = None,
    ) -> None:
        self._client, self._clock = client, clock
        self._target, self._form, self._assertion = target, dict(form), assertion
        self._value = ""
        self._good_until = float("-inf")
        self._asking = asyncio.Lock()

    def kept(self) -> str:
        """Return the token that is there, if it should still be accepted; else nothing."""
        return self._value if self._clock() < self._good_until else ""

    async def current(self, deadline: Deadline, *, unlike: str | None = None) -> str:
        """Return a token that should still be accepted; with `unlike`, another one than that."""
        if self._is_good(unlike):
            return self._value
        try:
            async with asyncio.timeout(deadline.left_s()), self._asking:
                if not self._is_good(unlike):  # whoever asked before us has brought one
                    await self._ask(deadline)
        except TimeoutError:
            source_id = self._client.source_id
            raise SourceUnavailableError(source_id, UnavailableReason.SOURCE_TIMEOUT, "token endpoint") from None
        return self._value

    def _is_good(self, unlike: str | None) -> bool:
        return self._clock() < self._good_until and self._value != unlike

    async def _ask(self, deadline: Deadline) -> None:
        source_id = self._client.source_id
        form = self._form | self._assertion.form() if self._assertion else self._form
        response = await self._client.exchange("POST", self._target, _FORM, urlencode(form).encode(), deadline)
        if response.status == 400:  # RFC 6749 answers wrong credentials so, too
            raise SourceRefusedError(source_id, "token endpoint: status 400")
        check_status(response, source_id, "token endpoint: ")
        read = Reader(source_id)
        answer = read.json(response.body)
        self._value = read.required("access_token", read.text("access_token", answer.get("access_token")))
        life_s = read.decimal("expires_in", answer.get("expires_in"))
        life_s = _DEFAULT_LIFE_S if life_s is None else life_s
        self._good_until = self._clock() + life_s - min(_LONGEST_MARGIN_S, life_s / 10)

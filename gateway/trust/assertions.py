"""Client assertions (`private_key_jwt`, RFC 7523): a client proves with its key who it is, without a shared secret."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import jwt

from gateway.settings import Consumer
from gateway.trust.replay import ReplayGuard
from gateway.trust.signers import Signers
from standards.errors import UnauthenticatedError
from standards.signing import PublicKey, algorithm_of

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_PATH: Final = "/oauth2/client/token"  # noqa: S105 - an address
JWT_NAMES: Final = {"ed25519": ["EdDSA"], "ES256": ["ES256"], "RS256": ["RS256"]}
"""Our name of an algorithm -> what a JWT may call it."""
LEEWAY_S: Final = 30
_MAX_LENGTH: Final = 8_192
_REFUSED: Final = "the client assertion does not prove who the client is, or was used before: make a new one"


class Assertions:
    """Reads client assertions; each is good once.

    audience: address of this gateway; its token address will do as well.
    """

    def __init__(
        self, consumers: Mapping[str, Consumer], signers: Signers, replay: ReplayGuard, audience: str, max_age_s: int
    ) -> None:
        self._consumers, self._signers, self._replay = consumers, signers, replay
        self._audience, self._max_age_s = [audience, audience + TOKEN_PATH], max_age_s

    async def consumer_of(self, assertion: str, client_id: str | None) -> Consumer:
        """Return whom an assertion proves.

        client_id: as the form states it, if it does.
        Raises: UnauthenticatedError, in the same words whatever is wrong.
        """
        stated, header = unverified(assertion, _REFUSED)
        name = stated.get("sub")
        consumer = self._consumers.get(name) if isinstance(name, str) else None
        if consumer is None or "private_key_jwt" not in consumer.logins or client_id not in {None, name}:
            raise UnauthenticatedError(_REFUSED)
        kid = header.get("kid")
        await self._signers.ready(consumer, kid if isinstance(kid, str) else None)
        key = chosen(self._signers.of(consumer), kid)
        algorithm = algorithm_of(key)
        if key is None or algorithm is None or algorithm not in consumer.algorithms:
            raise UnauthenticatedError(_REFUSED)
        try:
            claims = jwt.decode(
                assertion,
                key,
                # INVARIANT: the algorithm is the key's; what the assertion says about it can only fail.
                algorithms=JWT_NAMES[algorithm],
                audience=self._audience,
                issuer=consumer.client_id,
                leeway=LEEWAY_S,
                options={"require": ["iss", "sub", "aud", "exp", "jti"]},
            )
        except jwt.InvalidTokenError as error:
            raise UnauthenticatedError(_REFUSED) from error
        if claims["exp"] - time.time() > self._max_age_s + LEEWAY_S or not isinstance(claims["jti"], str):
            raise UnauthenticatedError(_REFUSED)
        # INVARIANT: good once. Kept apart from message ids, under a name that no client has.
        if await self._replay.first(f"assertion\x00{consumer.client_id}", claims["jti"], b"") is not None:
            raise UnauthenticatedError(_REFUSED)
        return consumer


def unverified(token: str, refusal: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return claims and header of a token of which nothing is known yet: good for finding a key, and nothing else.

    refusal: what is said when it is none.
    Raises: UnauthenticatedError when it is none.
    """
    if len(token) > _MAX_LENGTH:
        raise UnauthenticatedError(refusal)
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise UnauthenticatedError(refusal) from error
    return whole["payload"], whole["header"]


def chosen(keys: Mapping[str, PublicKey], kid: object) -> PublicKey | None:
    """Return the key that a token names; one that names none means the only one there is."""
    if isinstance(kid, str):
        return keys.get(kid)
    different = {id(key): key for key in keys.values()}
    return next(iter(different.values())) if kid is None and len(different) == 1 else None

"""Access tokens of other authorisation servers, taken from the consumers that are registered with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jwt

from gateway.settings import Consumer, Issuer
from gateway.trust.assertions import JWT_NAMES, LEEWAY_S, chosen
from gateway.trust.fetched import KeySet
from gateway.trust.signers import Signers
from standards.errors import ConfigurationError, UnauthenticatedError
from standards.signing import algorithm_of


class Foreign(NamedTuple):
    """What a token of another issuer says, once it is verified."""

    consumer: Consumer
    expires: float
    scopes: frozenset[str]


class Issuers:
    """The issuers of the settings that a consumer names."""

    def __init__(self, issuers: Iterable[Issuer], consumers: Iterable[Consumer], signers: Signers) -> None:
        everybody = tuple(consumers)
        stated = {one.issuer: one for one in issuers}
        self._clients: dict[tuple[str, str], Consumer] = {}
        self._known: dict[str, tuple[Issuer, KeySet]] = {}
        for one in everybody:
            if one.issuer is None:
                continue
            issuer = stated.get(one.issuer)
            if issuer is None:
                raise ConfigurationError(f"consumers.{one.client_id}.issuer: tokens.issuers does not define it")
            self._known[issuer.issuer] = issuer, signers.of_issuer(issuer)
            self._clients[issuer.issuer, one.client_id] = one

    def knows(self, issuer: object) -> bool:
        """Tell whether an issuer's tokens are taken from anybody."""
        return isinstance(issuer, str) and issuer in self._known

    async def ready(self, issuer: str, kid: object) -> None:
        """Fetch an issuer's keys if it may have one that is not known; at most so often."""
        await self._known[issuer][1].knows(kid if isinstance(kid, str) else None)

    def read(self, token: str, issuer: str, kid: object) -> Foreign:
        """Return what a token says.

        Raises: UnauthenticatedError when it does not verify, is for somebody else, or speaks for nobody known here.
        """
        stated, published = self._known[issuer]
        published.want(kid if isinstance(kid, str) else None)
        key = chosen(published.signing, kid)
        algorithm = algorithm_of(key)
        if key is None or algorithm is None:
            raise UnauthenticatedError("the access token is signed with a key that its issuer does not publish")
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=JWT_NAMES[algorithm],
                audience=stated.audience,
                issuer=stated.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.InvalidTokenError as error:
            raise UnauthenticatedError("the access token is not valid or has ended; ask for a new one") from error
        name = claims.get(stated.client_claim)
        # INVARIANT: an issuer speaks for those consumers only that name it.
        consumer = self._clients.get((stated.issuer, name)) if isinstance(name, str) else None
        if consumer is None:
            raise UnauthenticatedError("the access token speaks for a client that is not registered with its issuer")
        return Foreign(consumer, float(claims["exp"]), _scopes(claims, stated.scope_claim))


def _scopes(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    said = claims.get(name)
    words = said.split() if isinstance(said, str) else said if isinstance(said, list) else ()
    return frozenset(word.replace("/", ".") for word in words if isinstance(word, str))

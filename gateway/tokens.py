"""Access tokens: client credentials in, a signed token out; whom a token speaks for, and what it is good for."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from gateway.keys import Keys
from gateway.settings import Consumer, Tokens
from gateway.trust.assertions import Assertions, unverified
from gateway.trust.issuers import Issuers
from standards.dci.operations import OPERATIONS
from standards.errors import AccessDeniedError, MalformedMessageError, UnauthenticatedError

ALGORITHM: Final = "EdDSA"
SCOPES: Final = tuple(sorted(one.scope for one in OPERATIONS.values()))
"""Every scope there is: one for each operation, written with dots."""
NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=4$DlPqdoHlL5pc8lFP50S2cQ$ywYRt30yWcuZZj4FFGWU4M5An87QAA1DYS7HkRpvnu8"
"""The hash of a secret that was drawn and thrown away: checking it takes as long as checking anybody's."""
_KNOWN_AT_MOST: Final = 10_000
_INVALID: Final = "the access token is not valid or has ended; ask for a new one"


class Issued(NamedTuple):
    """A token, and what it is good for."""

    token: str
    scopes: tuple[str, ...]


class _Read(NamedTuple):
    """What a token said when it was verified."""

    consumer: Consumer
    expires: float
    scopes: frozenset[str]


class TokenOffice:
    """Issues access tokens and reads them back.

    issuer: address of this gateway; tokens of another issuer are refused, but for those of `issuers`.
    assertions: reads client assertions; without it, nobody earns a token by one.
    """

    def __init__(
        self,
        keys: Keys,
        consumers: Iterable[Consumer],
        settings: Tokens,
        issuer: str,
        assertions: Assertions | None = None,
        issuers: Issuers | None = None,
    ) -> None:
        self._keys, self._settings, self.issuer = keys, settings, issuer
        self._consumers: Mapping[str, Consumer] = {c.client_id: c for c in consumers}
        self._assertions, self._issuers = assertions, issuers
        self._hasher = PasswordHasher()
        self._logins = asyncio.Semaphore(settings.login_concurrency)
        self._read: dict[bytes, _Read] = {}
        # INVARIANT: what a retired key has signed is worth nothing, also where it was read before.
        keys.on_change(self._read.clear)

    @property
    def lifetime_s(self) -> int:
        """Return how long a token lives, in seconds."""
        return self._settings.lifetime_s

    async def issue(self, client_id: str, client_secret: str, scope: str = "") -> Issued:
        """Return an access token for a client secret.

        scope: what it is to be good for; empty: everything that the client may do.
        Raises: UnauthenticatedError for an unknown client or a wrong secret, after the same amount of work.
        """
        consumer = self._consumers.get(client_id)
        stated = consumer.secret_hash.get_secret_value() if consumer and consumer.secret_hash else NOBODY
        await self._logins.acquire()  # each check takes 64 MiB and a tenth of a second: a login storm must queue
        check = asyncio.get_running_loop().run_in_executor(None, self._is_right, stated, client_secret)
        # A check goes on when its client hangs up, so its place becomes free when it ends and not before.
        check.add_done_callback(lambda _: self._logins.release())
        is_right = await asyncio.shield(check)
        if not is_right or consumer is None or stated is NOBODY or "secret" not in consumer.logins:
            raise UnauthenticatedError("the client id or the client secret is wrong")
        return self._issued(consumer, scope)

    async def issue_for(self, assertion: str, client_id: str | None, scope: str = "") -> Issued:
        """Return an access token for a client assertion.

        Raises: UnauthenticatedError when it does not prove who the client is, or was used before.
        """
        if self._assertions is None:
            raise UnauthenticatedError("client assertions are not taken here")
        return self._issued(await self._assertions.consumer_of(assertion, client_id), scope)

    async def identified(self, token: str, scope: str = "") -> Consumer:
        """Return whom an access token speaks for, after fetching the keys of its issuer where they are not known.

        Raises: as `consumer_of` does.
        """
        name = hashlib.sha256(token.encode()).digest()
        read = self._read.get(name)
        if read is not None and read.expires > time.time():
            return _good(read, scope)
        if self._issuers is not None:
            claims, header = unverified(token, _INVALID)
            issuer = claims.get("iss")
            if isinstance(issuer, str) and self._issuers.knows(issuer):
                await self._issuers.ready(issuer, header.get("kid"))
        return self.consumer_of(token, scope)

    def consumer_of(self, token: str, scope: str = "") -> Consumer:
        """Return whom an access token speaks for.

        scope: what it has to be good for.
        Raises: UnauthenticatedError when the token is nobody's, was changed, or has ended; AccessDeniedError when it is
            not good for that.
        """
        name = hashlib.sha256(token.encode()).digest()
        read = self._read.get(name)
        if read is None or read.expires <= time.time():
            read = self._verified(token)
            if len(self._read) >= _KNOWN_AT_MOST:
                self._read.clear()
            self._read[name] = read
        return _good(read, scope)

    def _verified(self, token: str) -> _Read:
        if self._issuers is not None:
            claims, header = unverified(token, _INVALID)
            issuer = claims.get("iss")
            if isinstance(issuer, str) and issuer != self.issuer and self._issuers.knows(issuer):
                foreign = self._issuers.read(token, issuer, header.get("kid"))
                return _Read(foreign.consumer, foreign.expires, foreign.scopes & self._allowed(foreign.consumer))
        try:
            kid = jwt.get_unverified_header(token).get("kid", self._keys.signing_id)
            key = self._keys.verifying.get(kid) if isinstance(kid, str) else None
            if key is None:
                raise UnauthenticatedError(_INVALID)
            own = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self.issuer,
                issuer=self.issuer,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except (jwt.InvalidTokenError, TypeError) as error:  # TypeError: a published key of another kind
            raise UnauthenticatedError(_INVALID) from error
        consumer = self._consumers.get(own["sub"])
        if consumer is None:
            raise UnauthenticatedError("the access token speaks for a client that is not registered any more")
        scopes = frozenset(str(own.get("scope", "")).split()) & self._allowed(consumer)
        return _Read(consumer, float(own["exp"]), scopes)

    def _issued(self, consumer: Consumer, scope: str) -> Issued:
        allowed = self._allowed(consumer)
        # The standard's enumeration writes scopes with dots, its example with slashes: both are read, dots are written.
        asked = {word.replace("/", ".") for word in scope.split()}
        granted = tuple(sorted(allowed & asked if asked else allowed))
        if asked and not granted:
            raise MalformedMessageError("scope names nothing that this client may do: leave it out to get everything")
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": consumer.client_id,
            "iat": now,
            "exp": now + self._settings.lifetime_s,
            "jti": secrets.token_hex(8),
            "scope": " ".join(granted),
        }
        keys = self._keys
        token = jwt.encode(claims, keys.signing, algorithm=ALGORITHM, headers={"kid": keys.signing_id})
        return Issued(token, granted)

    @staticmethod
    def _allowed(consumer: Consumer) -> frozenset[str]:
        if consumer.scopes is None:
            return frozenset(SCOPES)
        return frozenset(word.replace("/", ".") for word in consumer.scopes)

    def _is_right(self, stated: str, secret: str) -> bool:
        try:
            return self._hasher.verify(stated, secret)
        except (Argon2Error, InvalidHashError):
            return False


def _good(read: _Read, scope: str) -> Consumer:
    """Return whom a token speaks for, if it is good for a scope."""
    if scope and scope not in read.scopes:
        raise AccessDeniedError(f"the access token is not good for this: it lacks the scope {scope}")
    return read.consumer


def hashed(secret: str, *, is_drawn: bool = False) -> str:
    """Return the argon2id hash of a client secret, as settings carry it.

    is_drawn: the secret is long and drawn by chance, so that nobody guesses it and a guess need not cost much.
    """
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1) if is_drawn else PasswordHasher()
    return hasher.hash(secret)

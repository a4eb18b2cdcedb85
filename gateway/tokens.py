"""Access tokens: client credentials in, a signed token out, and who a token speaks for."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Final

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from gateway.keys import Keys
from gateway.settings import Consumer, Tokens
from standards.errors import UnauthenticatedError

ALGORITHM: Final = "EdDSA"
SCOPES: Final = ("registry.search", "registry.sync.search")
_KNOWN_AT_MOST: Final = 10_000


class TokenOffice:
    """Issues access tokens and reads them back.

    issuer: address of this gateway; tokens of another issuer are refused.
    """

    def __init__(self, keys: Keys, consumers: Iterable[Consumer], settings: Tokens, issuer: str) -> None:
        self._keys, self._settings, self.issuer = keys, settings, issuer
        self._consumers: Mapping[str, Consumer] = {c.client_id: c for c in consumers}
        self._public = keys.signing.public_key()
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe())
        self._logins = asyncio.Semaphore(settings.login_concurrency)
        self._read: dict[bytes, tuple[Consumer, float]] = {}

    @property
    def lifetime_s(self) -> int:
        """Return how long a token lives, in seconds."""
        return self._settings.lifetime_s

    async def issue(self, client_id: str, client_secret: str) -> str:
        """Return an access token.

        Raises: UnauthenticatedError for an unknown client or a wrong secret, after the same amount of work.
        """
        consumer = self._consumers.get(client_id)
        stated = consumer.secret_hash.get_secret_value() if consumer and consumer.secret_hash else self._nobody
        await self._logins.acquire()  # each check takes 64 MiB and a tenth of a second: a login storm must queue
        check = asyncio.get_running_loop().run_in_executor(None, self._is_right, stated, client_secret)
        # A check goes on when its client hangs up, so its place becomes free when it ends and not before.
        check.add_done_callback(lambda _: self._logins.release())
        is_right = await asyncio.shield(check)
        if not is_right or consumer is None or stated is self._nobody:
            raise UnauthenticatedError("the client id or the client secret is wrong")
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": client_id,
            "iat": now,
            "exp": now + self._settings.lifetime_s,
            "jti": secrets.token_hex(8),
            "scope": " ".join(SCOPES),
        }
        return jwt.encode(claims, self._keys.signing, algorithm=ALGORITHM)

    def consumer_of(self, token: str) -> Consumer:
        """Return whom an access token speaks for.

        Raises: UnauthenticatedError when the token is not ours, was changed, or has ended.
        """
        name = hashlib.sha256(token.encode()).digest()
        now = time.time()
        known = self._read.get(name)
        if known is not None and known[1] > now:
            return known[0]
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],
                audience=self.issuer,
                issuer=self.issuer,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except jwt.InvalidTokenError as error:
            raise UnauthenticatedError("the access token is not valid or has ended; ask for a new one") from error
        consumer = self._consumers.get(claims["sub"])
        if consumer is None:
            raise UnauthenticatedError("the access token speaks for a client that is not registered any more")
        if len(self._read) >= _KNOWN_AT_MOST:
            self._read.clear()
        self._read[name] = (consumer, float(claims["exp"]))
        return consumer

    def _is_right(self, stated: str, secret: str) -> bool:
        try:
            return self._hasher.verify(stated, secret)
        except (Argon2Error, InvalidHashError):
            return False


def hashed(secret: str) -> str:
    """Return the argon2id hash of a client secret, as settings carry it."""
    return PasswordHasher().hash(secret)

"""The programme itself: it checks a callback, remembers it, and says what it made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from mocks.programme import reading
from mocks.programme.faults import FaultBox
from mocks.programme.inbox import Inbox
from mocks.programme.keys import GatewayKeys, KeysUnavailableError, OwnKeys, UndecipherableError
from mocks.signatures import BadSignatureError

POLICIES: Final = ("required", "optional", "off")


class Outcome(NamedTuple):
    """What became of a callback: the HTTP status and the ACK object to give, and what is noted of the attempt."""

    word: str
    status: int
    body: Mapping[str, Any]
    reason: str | None = None


class Programme:
    """A toy programme; `signatures` says whether callbacks must be signed, `jwks_url` by whose keys."""

    def __init__(self, jwks_url: str | None = None, signatures: str = "required") -> None:
        self.inbox = Inbox()
        self.faults = FaultBox()
        self.gateway_keys = GatewayKeys(jwks_url)
        self.own_keys = OwnKeys()
        self.signatures = signatures

    async def receive(self, kind: str, path: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Check a callback and remember it; what is refused leaves nothing behind."""
        try:
            whole = reading.envelope(body, kind)
            signature = await self._checked(whole)
            is_encrypted = bool(whole["header"].get("is_msg_encrypted"))
            payload = reading.content(self._opened(whole["message"]) if is_encrypted else whole["message"], kind)
        except KeysUnavailableError:
            return _refusal(503, "err.service.unavailable", "the gateway's keys cannot be fetched")
        except MissingSignatureError as problem:
            return _refusal(401, "err.signature.missing", str(problem))
        except BadSignatureError as problem:
            return _refusal(401, "err.signature.invalid", str(problem))
        except UndecipherableError as problem:
            return _refusal(400, "err.encryption.invalid", str(problem))
        except reading.MalformedError as problem:
            return _refusal(400, "err.request.bad", str(problem))
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        stored = await self.inbox.store(
            kind,
            path,
            headers.get("Idempotency-Key"),
            whole["header"],
            payload,
            signature=signature,
            was_encrypted=is_encrypted,
            bearer=token if scheme.lower() == "bearer" else None,
        )
        return Outcome("received" if stored.times == 1 else "repeated", 200, reading.acknowledgement())

    async def _checked(self, whole: Mapping[str, Any]) -> str:
        """Return what is known of the signature.

        Raises: BadSignatureError, KeysUnavailableError.
        """
        if not whole.get("signature"):
            if self.signatures == "required":
                raise MissingSignatureError("the message is not signed")
            return "absent"
        if self.signatures == "off" or self.gateway_keys.jwks_url is None:
            return "unchecked"
        await self.gateway_keys.check(whole)
        return "verified"

    def _opened(self, message: Mapping[str, Any]) -> Any:
        try:
            return orjson.loads(self.own_keys.decrypted(message))
        except orjson.JSONDecodeError:
            raise UndecipherableError("what was encrypted is not JSON") from None


class MissingSignatureError(BadSignatureError):
    """A message without a signature where there must be one."""


def _refusal(status: int, code: str, reason: str) -> Outcome:
    return Outcome("refused", status, reading.acknowledgement("ERR", code, reason), reason)

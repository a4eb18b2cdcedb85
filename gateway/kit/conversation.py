"""What is said with a gateway, request after request, whatever carries it.

A `Talk` yields requests and is sent their replies, so that one text serves the synchronous and the asynchronous client.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import orjson

from gateway.kit.messages import Credentials
from standards.dci.codes import AckStatus
from standards.encryption import decrypt
from standards.errors import InteropError, SignatureInvalidError
from standards.signing import PublicKey, keys_of_jwks, verify

T = TypeVar("T")


class RefusedError(InteropError):
    """The gateway refused the message as a whole; the text is its own."""

    def __init__(self, status: int, code: str, message: str, retry_after_s: float | None = None) -> None:
        """Keep the HTTP status, the code of the standard, and for how long to wait where the gateway said so."""
        super().__init__(f"{status} {code}: {message}")
        self.status, self.reason_code, self.retry_after_s = status, code, retry_after_s


class UnreachableError(InteropError):
    """No whole answer came from the gateway; the question may be asked again."""


class Sent(NamedTuple):
    """One request."""

    method: str
    path: str
    content: Mapping[str, Any] | None = None
    """JSON of its body."""
    form: Mapping[str, str] | None = None
    token: str | None = None


class Got(NamedTuple):
    """One reply."""

    status: int
    body: bytes
    retry_after: str | None = None


Talk = Generator[Sent, Got, T]


class Acknowledged(NamedTuple):
    """A message that is answered later."""

    correlation_id: str
    """Stands in the answer, and in every question what became of it."""
    transaction_id: str
    message_id: str


class Conversation:
    """Everything that is said with one gateway for one programme: tokens and keys are asked for when needed.

    require_signature: refuse an answer without a signature; whoever can strip one can also change what it was under.
    """

    def __init__(self, base_url: str, credentials: Credentials, *, require_signature: bool = True) -> None:
        self.credentials = credentials
        self._base_url, self._require_signature = base_url.rstrip("/"), require_signature
        self._token: str | None = None
        self._keys: dict[str, PublicKey] = {}

    def authorised(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Talk[dict[str, Any]]:
        """Ask with a token; one that has ended is renewed once.

        Raises: RefusedError when the gateway refuses.
        """
        if self._token is None:
            self._token = yield from self._fetch_token()
        got = yield Sent(method, path, content, token=self._token)
        if got.status == 401 and b"signature" not in got.body:
            self._token = yield from self._fetch_token()
            got = yield Sent(method, path, content, token=self._token)
        return whole(got)

    def answered(self, path: str, message: Mapping[str, Any]) -> Talk[dict[str, Any]]:
        """Send a message that is answered at once; return the verified answer, decrypted.

        Raises: RefusedError, or SignatureInvalidError when the answer's signature does not verify.
        """
        answer = yield from self.authorised("POST", path, message)
        return (yield from self.opened(answer))

    def acknowledged(self, path: str, message: Mapping[str, Any]) -> Talk[Acknowledged]:
        """Send a message that is answered later; return under which names.

        Raises: RefusedError when it was not taken.
        """
        said = (yield from self.authorised("POST", path, message)).get("message", {})
        if said.get("ack_status") == AckStatus.ERR or "correlation_id" not in said:
            raise RefusedError(200, *_error(said.get("error")))
        header, content = message["header"], message["message"]
        return Acknowledged(said["correlation_id"], content["transaction_id"], header["message_id"])

    def opened(self, received: Mapping[str, Any]) -> Talk[dict[str, Any]]:
        """Return what the gateway sent, verified and decrypted: an answer, or a callback.

        Raises: SignatureInvalidError; EncryptionInvalidError when it is encrypted for somebody else.
        """
        if received.get("signature") or self._require_signature:
            yield from self._verified(received)
        if received.get("header", {}).get("is_msg_encrypted"):
            plain = decrypt(received["message"], self.credentials.decryption_keys)
            return {**received, "header": {**received["header"], "is_msg_encrypted": False}, "message": plain}
        return dict(received)

    def _fetch_token(self) -> Talk[str]:
        path = "/oauth2/client/token"
        got = yield Sent("POST", path, form=self.credentials.token_form(self._base_url + path))
        return str(whole(got)["access_token"])

    def _verified(self, received: Mapping[str, Any]) -> Talk[None]:
        for fetch in (False, True):  # a key that is not known yet may have been published since
            if fetch:
                published = whole((yield Sent("GET", "/.well-known/jwks.json")))
                self._keys = dict(keys_of_jwks(published))
            try:
                verify(received, self._keys, now=datetime.now(UTC))
            except SignatureInvalidError:
                if fetch:
                    raise
            else:
                return


def path_of(address: str) -> str:
    """Return the path of an address: a token goes to the one gateway only, whatever host an address names."""
    return urlsplit(address).path


def whole(got: Got) -> dict[str, Any]:
    """Return the JSON object of a good reply.

    Raises: RefusedError with the gateway's own code and sentence for any other.
    """
    try:
        body = orjson.loads(got.body)
    except orjson.JSONDecodeError:
        body = None
    if 200 <= got.status < 300 and isinstance(body, dict):
        return body
    said = body if isinstance(body, dict) else {}
    errors = said.get("errors")
    acknowledgement = said.get("message")
    first = errors[0] if isinstance(errors, list) and errors else None
    if first is None and isinstance(acknowledgement, dict):
        first = acknowledgement.get("error")
    raise RefusedError(got.status, *_error(first), _seconds(got.retry_after))


def _error(stated: object) -> tuple[str, str]:
    told = stated if isinstance(stated, dict) else {}
    return str(told.get("code", "")), str(told.get("message", "no whole answer came back"))


def _seconds(stated: str | None) -> float | None:
    return float(stated) if stated is not None and stated.isdigit() else None

"""Admit: bytes and a bearer token in; the consumer and its whole, well-formed, verified message out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

import orjson

from gateway.keys import Keys
from gateway.settings import Consumer, Messages
from gateway.tokens import TokenOffice
from gateway.trust.signers import Signers
from standards.attributes import Catalogue
from standards.dci.codes import Action, RegType, normal_reg_type
from standards.dci.envelope import Header
from standards.dci.reading import boolean
from standards.dci.search import SearchMessage
from standards.dci.validate import Leniency, read_header, read_questions
from standards.encryption import decrypt
from standards.errors import (
    AccessDeniedError,
    ConfigurationError,
    EncryptionInvalidError,
    MalformedMessageError,
    UnauthenticatedError,
)
from standards.json_bodies import MOST_VALUES, has_too_many
from standards.signing import Allowed, Form, SignaturePolicy, key_id_of, verify_policy

DEEPEST: Final = 64
"""Most objects and arrays one inside the other. What is nested further could be read, but not written down again."""


class Opened(NamedTuple):
    """A message as it was parsed and verified: its header holds, and there is a message beside it."""

    consumer: Consumer
    header: Header
    raw: Mapping[str, Any]

    @property
    def message(self) -> Mapping[str, Any]:
        """Return what stands beside the header."""
        message: Mapping[str, Any] = self.raw["message"]
        return message


class Admission:
    """Reads messages for one gateway.

    keys: whose signatures verify with which keys.
    receiver_ids: names that messages may be addressed to; `*` among them takes any.
    own: our keys, that messages to us may be encrypted for; None: none may be.
    check: raises AccessDeniedError for a client that may not ask now.
    """

    def __init__(
        self,
        tokens: TokenOffice,
        settings: Messages,
        catalogue: Catalogue,
        keys: Signers,
        receiver_ids: frozenset[str],
        check: Callable[[str], None] = lambda _client_id: None,
        own: Keys | None = None,
    ) -> None:
        self._tokens, self._catalogue, self._keys = tokens, catalogue, keys
        self._receiver_ids, self._check, self._own = receiver_ids, check, own
        default_reg_type = normal_reg_type(settings.default_reg_type)
        if default_reg_type is None:
            raise ConfigurationError("messages.default_reg_type: no registry type of that name is known")
        self._leniency = Leniency(
            two_letter_locales=settings.two_letter_locales,
            message_age_s=settings.message_age_s,
            future_s=settings.future_s,
            default_reg_type=default_reg_type,
            max_items=settings.max_items,
            max_page_size=settings.max_page_size,
        )

    def consumer_of(self, authorization: str, scope: str = "") -> Consumer:
        """Return who an `Authorization` header speaks for.

        scope: what the token must be good for.
        Raises: UnauthenticatedError when there is no valid bearer token in it; AccessDeniedError when it is not good
            for that; what `check` raises.
        """
        consumer = self._tokens.consumer_of(_bearer(authorization), scope)
        self._check(consumer.client_id)
        return consumer

    async def identified(self, authorization: str, scope: str = "") -> Consumer:
        """Return the same, after fetching the keys of the token's issuer where they are not known yet.

        Raises: as `consumer_of` does.
        """
        consumer = await self._tokens.identified(_bearer(authorization), scope)
        self._check(consumer.client_id)
        return consumer

    async def opened(self, consumer: Consumer, body: bytes, action: Action, now: datetime) -> Opened:
        """Return a consumer's message, after fetching its published keys where its signature names another one.

        Raises: as `open` does.
        """
        if self._keys.may_fetch(consumer):
            raw = parsed(body)
            said = raw.get("signature") if isinstance(raw, dict) else None
            if said:
                await self._keys.ready(consumer, key_id_of(said))
        return self.open(consumer, body, action, now)

    def open(self, consumer: Consumer, body: bytes, action: Action, now: datetime) -> Opened:
        """Return a consumer's message, whatever it asks.

        action: what the address that it came to serves.
        Raises: RequestError with the DCI code that names the fault; AccessDeniedError for another's `sender_id`.
        """
        raw = parsed(body)
        if isinstance(raw, dict):
            # INVARIANT: the signature is verified over what was sent, before anything else of it is read or decrypted.
            self._verify(raw, consumer, now)
            raw = self._decrypted(raw, consumer)
        header = read_header(raw, now=now, leniency=self._leniency, action=action)
        if header.sender_id not in {consumer.sender_id, consumer.client_id}:
            raise AccessDeniedError("sender_id is not the one registered for the client that the token speaks for")
        if header.receiver_id and not {header.receiver_id, "*"} & self._receiver_ids:
            raise MalformedMessageError(
                "receiver_id names another system; leave it out, or name this gateway",
                reason_code="err.receiver_id.invalid",
            )
        return Opened(consumer, header, raw)

    def questions(self, opened: Opened, reg_type: RegType | None = None) -> SearchMessage:
        """Return the questions of a search message.

        reg_type: whom a question is for that does not say so; default: the gateway's own setting.
        Raises: RequestError with the DCI code that names the fault.
        """
        leniency = self._leniency if reg_type is None else self._leniency._replace(default_reg_type=reg_type)
        return read_questions(opened.header, opened.message, leniency=leniency)

    def _verify(self, raw: dict[str, Any], consumer: Consumer, now: datetime) -> None:
        said = raw.get("signature")
        if isinstance(said, str) and said.startswith(consumer.placeholders):
            # A fixed text in place of a signature counts as none, so it passes only where none is due.
            raw = {**raw, "signature": None}
        allowed = _allowed(consumer.signature_forms, consumer.algorithms)
        verify_policy(raw, SignaturePolicy(consumer.signature), keys=self._keys.of(consumer), now=now, allowed=allowed)

    def _decrypted(self, raw: dict[str, Any], consumer: Consumer) -> dict[str, Any]:
        """Return a message in clear, as far as its consumer may and must encrypt."""
        header = raw.get("header")
        is_encrypted = isinstance(header, dict) and bool(boolean(header.get("is_msg_encrypted")))
        if not is_encrypted:
            if consumer.encryption == "required":
                raise EncryptionInvalidError("this sender encrypts its messages: see our key set for the keys")
            return raw
        if consumer.encryption == "off" or self._own is None:
            raise EncryptionInvalidError("encrypted messages of this sender are not taken: have encryption switched on")
        message = raw.get("message")
        if not isinstance(message, dict):
            raise EncryptionInvalidError("the message of an encrypted message is the object that JWE makes of it")
        return {
            **raw,
            "header": {**raw["header"], "is_msg_encrypted": False},
            "message": not_deep(decrypt(message, self._own.decrypting)),
        }


@cache
def _allowed(forms: tuple[str, ...], algorithms: tuple[str, ...]) -> Allowed:
    return Allowed(frozenset(map(Form, forms)), frozenset(algorithms))


def _bearer(authorization: str) -> str:
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError("send an access token: `Authorization: Bearer ...`")
    return token.strip()


def parsed(body: bytes) -> Any:
    """Return a request body's JSON.

    Raises: MalformedMessageError when it is none, holds too many values, or is nested too deep.
    """
    if has_too_many(body):
        raise MalformedMessageError(f"the body holds more than {MOST_VALUES} values: send it in parts")
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedMessageError(
            f"the body is not JSON: stopped at line {error.lineno}, column {error.colno}"
        ) from None
    return raw if body.count(b"{") + body.count(b"[") <= DEEPEST else not_deep(raw)


def not_deep(raw: Any) -> Any:
    """Return parsed JSON that is not nested too deep.

    Raises: MalformedMessageError when it is.
    """
    level = [raw] if type(raw) is dict or type(raw) is list else []
    for _ in range(DEEPEST + 1):
        if not level:
            return raw
        # Every message is walked so: a parser makes no other types, and `isinstance` takes twice as long.
        level = [
            part
            for one in level
            for part in (one.values() if type(one) is dict else one)
            if type(part) is dict or type(part) is list
        ]
    raise MalformedMessageError(f"objects and arrays stand at most {DEEPEST} deep one inside the other: flatten them")

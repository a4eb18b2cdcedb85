"""Admit: bytes and a bearer token in; the consumer and its whole, well-formed, verified message out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.settings import Consumer, Messages
from gateway.tokens import TokenOffice
from standards.attributes import Catalogue
from standards.dci.codes import Action, RegType, normal_reg_type
from standards.dci.envelope import Header
from standards.dci.search import SearchMessage
from standards.dci.validate import Leniency, read_header, read_questions
from standards.errors import AccessDeniedError, ConfigurationError, MalformedMessageError, UnauthenticatedError
from standards.signing import SignaturePolicy, verify_policy


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

    keys: client id -> key id -> the key its signatures verify with.
    receiver_ids: names that messages may be addressed to; `*` among them takes any.
    check: raises AccessDeniedError for a client that may not ask now.
    """

    def __init__(
        self,
        tokens: TokenOffice,
        settings: Messages,
        catalogue: Catalogue,
        keys: Mapping[str, Mapping[str, Ed25519PublicKey]],
        receiver_ids: frozenset[str],
        check: Callable[[str], None] = lambda _client_id: None,
    ) -> None:
        self._tokens, self._catalogue, self._keys = tokens, catalogue, keys
        self._receiver_ids, self._check = receiver_ids, check
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

    def consumer_of(self, authorization: str) -> Consumer:
        """Return who an `Authorization` header speaks for.

        Raises: UnauthenticatedError when there is no valid bearer token in it; what `check` raises.
        """
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise UnauthenticatedError("send an access token: `Authorization: Bearer ...`")
        consumer = self._tokens.consumer_of(token.strip())
        self._check(consumer.client_id)
        return consumer

    def open(self, consumer: Consumer, body: bytes, action: Action, now: datetime) -> Opened:
        """Return a consumer's message, whatever it asks.

        action: what the address that it came to serves.
        Raises: RequestError with the DCI code that names the fault; AccessDeniedError for another's `sender_id`.
        """
        raw = parsed(body)
        if isinstance(raw, dict):
            self._verify(raw, consumer, now)
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
        keys = self._keys.get(consumer.client_id, {})
        verify_policy(raw, SignaturePolicy(consumer.signature), keys=keys, now=now)


def parsed(body: bytes) -> Any:
    """Return a request body's JSON.

    Raises: MalformedMessageError when it is none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedMessageError(
            f"the body is not JSON: stopped at line {error.lineno}, column {error.colno}"
        ) from None

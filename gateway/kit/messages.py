"""The messages that a programme sends, as plain dictionaries; and how its system proves who it is."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, TypedDict

import jwt

from gateway.keys import private_key
from standards.dci.codes import DEFAULT_RECORD_TYPE, Action, RecordType, RegType, ResponseEntity
from standards.identifiers import Identifier
from standards.signing import Form, PrivateKey, algorithm_of, public_jwk, sign

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_S: Final = 60
_JWT_ALGORITHMS: Final[Mapping[str | None, str]] = {"ed25519": "EdDSA", "ES256": "ES256", "RS256": "RS256"}


class Credentials(NamedTuple):
    """How a programme's system proves who it is: by a secret, or by a key that signs an assertion."""

    client_id: str
    client_secret: str
    sender_id: str
    signing_key: PrivateKey | None = None
    """Signs messages; without one, messages go unsigned."""
    assertion_key: PrivateKey | None = None
    """Signs assertions in place of the secret (`private_key_jwt`, RFC 7523)."""
    decryption_keys: Mapping[str, PrivateKey] = {}
    """Key id -> key, for what the gateway sends encrypted."""
    form: Form = Form.KEYED
    """Of the signatures made."""

    def __repr__(self) -> str:
        """Show no secret."""
        return f"Credentials(client_id={self.client_id!r})"

    @classmethod
    def from_sandbox(cls, consumer: Mapping[str, Any]) -> Credentials:
        """Return the credentials of one entry of `consumers` in a sandbox file."""
        file = consumer.get("signing_key")
        key = private_key(Path(file)) if file else None
        return cls(consumer["client_id"], consumer["client_secret"], consumer["sender_id"], key)

    def token_form(self, token_url: str) -> dict[str, str]:
        """Return the form that asks for an access token."""
        form = {"grant_type": "client_credentials", "client_id": self.client_id}
        if self.assertion_key is None:
            return form | {"client_secret": self.client_secret}
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": token_url,
            "iat": now,
            "exp": now + _ASSERTION_S,
            "jti": secrets.token_hex(16),
        }
        key = self.assertion_key
        kid = public_jwk(key.public_key())["kid"]
        assertion = jwt.encode(
            claims, key, algorithm=_JWT_ALGORITHMS[algorithm_of(key.public_key())], headers={"kid": kid}
        )
        return form | {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


class Wanted(TypedDict, total=False):
    """What a question may say beside whom it is about."""

    entity: ResponseEntity
    attributes: Sequence[str] | None
    """Names wanted; None wants everything agreed."""
    explain: bool
    """Show the plan."""
    as_of: date | None
    """The past day that it is about; None asks how things are now."""
    reg_type: RegType
    """Which registry; the household composed of all by default."""
    record_type: RecordType | None
    page: tuple[int, int] | None
    """Size and number, counted from 1."""


def by_number(subject: Identifier, purpose: str, **wanted: Any) -> dict[str, Any]:
    """Return a question about somebody, or a household, by a number.

    wanted: as in `Wanted`.
    """
    query = {"type": subject.type, "value": subject.value}
    return _question("idtype-value", query, purpose, **wanted)


def by_predicate(clauses: Sequence[Mapping[str, Any]], purpose: str, **wanted: Any) -> dict[str, Any]:
    """Return a question about everybody that a predicate of the standard holds for."""
    return _question("predicate", list(clauses), purpose, **wanted)


def by_expression(conditions: Mapping[str, Any], purpose: str, **wanted: Any) -> dict[str, Any]:
    """Return a question about everybody that an expression holds for, `{"region_code": {"$eq": "R1"}}` for example."""
    entity = wanted.get("entity", ResponseEntity.GROUP)
    query = {
        "type": "ns:org:QueryType:expression",
        "value": {"expression": {"collection": entity.value, "query": dict(conditions)}},
    }
    return _question("expression", query, purpose, **wanted)


def _question(
    query_type: str,
    query: object,
    purpose: str,
    *,
    entity: ResponseEntity = ResponseEntity.GROUP,
    attributes: Sequence[str] | None = None,
    explain: bool = False,
    as_of: date | None = None,
    reg_type: RegType = RegType.SOCIAL,
    record_type: RecordType | None = None,
    page: tuple[int, int] | None = None,
) -> dict[str, Any]:
    now = timestamp()
    if record_type is None:
        of_household = RecordType.GROUP if entity is ResponseEntity.GROUP else RecordType.MEMBER
        record_type = of_household if reg_type is RegType.SOCIAL else DEFAULT_RECORD_TYPE[reg_type]
    criteria: dict[str, Any] = {
        "version": "1.0.0",
        "reg_type": reg_type.value,
        "reg_record_type": record_type.value,
        "query_type": query_type,
        "query": query,
        "consent": {"@type": "Consent", "ts": now, "purpose": {"code": purpose}},
    }
    if reg_type is RegType.SOCIAL:
        criteria["response_entity"] = entity.value
    if attributes is not None:
        criteria["hearth:attributes"] = list(attributes)
    if explain:
        criteria["hearth:explain"] = True
    if as_of is not None:
        criteria["hearth:as_of"] = as_of.isoformat()
    if page is not None:
        criteria["pagination"] = {"page_size": page[0], "page_number": page[1]}
    return {"reference_id": secrets.token_hex(8), "timestamp": now, "search_criteria": criteria, "locale": "eng"}


def subscription(
    event_type: str, subject: Identifier, purpose: str, reg_type: RegType = RegType.CIVIL
) -> dict[str, Any]:
    """Return a wish to be told of events of one kind that happen to somebody.

    event_type: in the words of the registry type, `spdci-common:RegistryEventType:Death` for example.
    """
    now = timestamp()
    return {
        "reference_id": secrets.token_hex(8),
        "timestamp": now,
        "subscribe_criteria": {
            "version": "1.0.0",
            "reg_type": reg_type.value,
            "reg_event_type": event_type,
            "filter_type": "idtype-value",
            "filter": {"type": subject.type, "value": subject.value},
            "notify_record_type": DEFAULT_RECORD_TYPE[reg_type].value,
            "authorize": {"@type": "Authorize", "ts": now, "purpose": {"code": purpose}},
        },
        "locale": "eng",
    }


def search(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what stands beside the header of a search."""
    return {"transaction_id": secrets.token_hex(16), "search_request": list(items)}


def subscribe(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what stands beside the header of a subscription."""
    return {"transaction_id": secrets.token_hex(16), "subscribe_request": list(items)}


def unsubscribe(codes: Sequence[str]) -> dict[str, Any]:
    """Return what stands beside the header when subscriptions are ended."""
    return {"transaction_id": secrets.token_hex(16), "timestamp": timestamp(), "subscription_codes": list(codes)}


def status(correlation_id: str, txn_type: str = "search") -> dict[str, Any]:
    """Return what stands beside the header when it is asked what became of a message."""
    asked = {
        "reference_id": secrets.token_hex(8),
        "txn_type": txn_type,
        "attribute_type": "correlation_id",
        "attribute_value": correlation_id,
        "locale": "eng",
    }
    return {"transaction_id": secrets.token_hex(16), "txnstatus_request": asked}


def enveloped(
    action: Action, content: Mapping[str, Any], by: Credentials, *, count: int = 1, sender_uri: str | None = None
) -> dict[str, Any]:
    """Return a whole message, signed when there is a key.

    count: how many questions it holds.
    sender_uri: where its answer is to be sent, when that is another address than the registered one.
    """
    now = datetime.now(UTC)
    header: dict[str, Any] = {
        "version": "1.0.0",
        "message_id": secrets.token_hex(16),
        "message_ts": now.isoformat(timespec="milliseconds"),
        "action": action.value,
        "sender_id": by.sender_id,
        "total_count": count,
        "is_msg_encrypted": False,
    }
    if sender_uri is not None:
        header["sender_uri"] = sender_uri
    message = {"header": header, "message": content}
    if by.signing_key is None:
        return message
    key_id = public_jwk(by.signing_key.public_key())["kid"]
    signature = sign(message, by.signing_key, sender_id=by.sender_id, key_id=key_id, now=now, form=by.form)
    return {"signature": signature, **message}


def timestamp() -> str:
    """Return now as messages have it: UTC, milliseconds, with offset."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")

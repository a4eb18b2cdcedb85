"""Signed consent receipts: the fields of ISO/IEC TS 27560 as a JWS (EdDSA), and files of them that prove themselves.

A receipt and a file are verified with nothing but public keys. People stand in both under keyed pseudonyms: whoever
holds a file learns no name and no number from it.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from policies.receipts import Channel, Decision
from standards.errors import ConfigurationError
from standards.signing import key_of_jwk, public_jwk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from policies.receipts import Consent, Pseudonyms, Receipt

SCHEMA: Final = "ISO/IEC TS 27560:2023"
ALGORITHM: Final = "EdDSA"
RECEIPT_TYPE: Final = "consent-receipt+jws"
PACK_TYPE: Final = "consent-pack+jws"
PACK_FORMAT: Final = "hearth-consent-receipts/1"

_STATES: Final = {
    Decision.GRANTED: "given",
    Decision.REFUSED: "refused",
    Decision.WITHDRAWN: "withdrawn",
    Decision.OBJECTED: "objected",
    Decision.LIFTED: "objection_lifted",
}


class Signer:
    """Signs receipts with one key; public_key is what they verify with."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key()
        self.key_id = public_jwk(self.public_key)["kid"]

    def sign(self, payload: Mapping[str, Any], type_: str = RECEIPT_TYPE) -> str:
        """Return a compact JWS over a payload."""
        text = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
        return jwt.api_jws.encode(text, self._key, algorithm=ALGORITHM, headers={"kid": self.key_id, "typ": type_})

    def pack(self, receipts: Sequence[str], issuer: str, now: datetime) -> dict[str, Any]:
        """Return a file's content: the receipts, and a signature that none is missing, added or moved."""
        told = {"iss": issuer, "issued_at": now.isoformat(timespec="seconds"), "receipts": list(map(_digest, receipts))}
        return {"format": PACK_FORMAT, "receipts": list(receipts), "proof": self.sign(told, PACK_TYPE)}


def fields_of(receipt: Receipt, consent: Consent, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """Return the record of one decision under the names of the standard; nobody's number or name is in it."""
    purpose = {
        "purpose": receipt.purpose,
        "lawful_basis": "public_task" if receipt.decision in {Decision.OBJECTED, Decision.LIFTED} else "consent",
        "pii_information": {
            "sources": _listed(receipt.sources),
            "attribute_groups": _listed(receipt.groups),
        },
        "pii_controllers": [receipt.consumer_id or "*"],
        "withdrawal_method": "/v1/consents/{receipt_id}/withdraw, the portal, or an office",
    }
    parties: list[dict[str, Any]] = [_giver(receipt)]
    if consent.attested_by is not None:
        attested = {"party_id": pseudonyms.of_text("officer", consent.attested_by), "party_role": consent.channel.value}
        parties.append(attested | ({"evidence_of_presence": consent.presence.value} if consent.presence else {}))
    event: dict[str, Any] = {
        "event_type": "explicit",
        "event_state": _STATES[receipt.decision],
        "event_time": (consent.given_at or receipt.given_on).isoformat(),
        "entity_id": receipt.given_by,
        "valid_from": receipt.given_on.isoformat(),
        "collection_method": consent.channel.value,
    }
    optional = {
        "valid_until": receipt.until and receipt.until.isoformat(),
        "majority_on": receipt.majority_on and receipt.majority_on.isoformat(),
        "withdraws": receipt.withdraws,
        "relation": receipt.relation,
        "relation_evidence": _evidence(consent) if receipt.relation else None,
        "reference": consent.reference and pseudonyms.of_text("reference", consent.reference),
    }
    return {
        "schema_version": SCHEMA,
        "record_id": receipt.receipt_id,
        "receipt_id": receipt.receipt_id,
        "pii_principal_id": receipt.person,
        "pii_processing": {
            "privacy_notice": consent.notice,
            "language": consent.language,
            "purposes": [purpose],
        },
        "party_identification": parties,
        "event": event | {name: value for name, value in optional.items() if value is not None},
    }


def is_of(receipt: Receipt, told: Mapping[str, Any]) -> bool:
    """Tell whether a signed record says what a receipt says, in everything that a question is decided by."""
    event, (purpose,) = told["event"], told["pii_processing"]["purposes"]
    said = (
        told["receipt_id"],
        told["pii_principal_id"],
        purpose["purpose"],
        purpose["pii_controllers"],
        purpose["pii_information"],
        told["party_identification"][0],
        event["event_state"],
        event["valid_from"],
        *(event.get(name) for name in ("valid_until", "majority_on", "withdraws", "relation")),
    )
    days = (receipt.until, receipt.majority_on)
    return said == (
        receipt.receipt_id,
        receipt.person,
        receipt.purpose,
        [receipt.consumer_id or "*"],
        {"sources": _listed(receipt.sources), "attribute_groups": _listed(receipt.groups)},
        _giver(receipt),
        _STATES[receipt.decision],
        receipt.given_on.isoformat(),
        *(day and day.isoformat() for day in days),
        receipt.withdraws,
        receipt.relation,
    )


def _giver(receipt: Receipt) -> dict[str, Any]:
    # The type tells whether what a registry says of parents can be compared with the giver's number.
    return {"party_id": receipt.given_by, "party_id_type": receipt.giver_type, "party_role": receipt.capacity.value}


def _evidence(consent: Consent) -> str:
    # What registries know of kin is looked at whenever the receipt is used; here stands on whose word it was taken.
    return "imported" if consent.channel is Channel.IMPORT else f"attested by {consent.channel.value}"


def _listed(scope: frozenset[str] | None) -> list[str] | str:
    return "*" if scope is None else sorted(scope)


def _digest(signed: str) -> str:
    return hashlib.sha256(signed.encode()).hexdigest()


class Verified(NamedTuple):
    """What a file of receipts proves."""

    issuer: str
    issued_at: str
    receipts: tuple[dict[str, Any], ...]


def read_signed(signed: str, keys: Mapping[str, Ed25519PublicKey], type_: str = RECEIPT_TYPE) -> dict[str, Any]:
    """Return the payload of one JWS, once its signature holds.

    keys: key id -> public key. Raises: ConfigurationError that says what does not hold.
    """
    try:
        header = jwt.get_unverified_header(signed)
        key = keys.get(header.get("kid", ""))
        if key is None:
            raise ConfigurationError("it is signed with a key that is not among those given")
        if header.get("typ") != type_:
            raise ConfigurationError(f"it is not a {type_.partition('+')[0]}")
        # The algorithm is ours to choose: what the header claims is compared with it, never followed.
        payload = orjson.loads(jwt.api_jws.decode(signed, key, algorithms=[ALGORITHM]))
    except (jwt.InvalidTokenError, ValueError, TypeError) as error:
        raise ConfigurationError("its signature does not hold") from error
    if not isinstance(payload, dict):
        raise ConfigurationError("its payload is not an object")
    return payload


def read_header(signed: str) -> dict[str, Any]:
    """Return the header of a JWS of our own: `kid` is the key that it is signed with."""
    return dict(jwt.get_unverified_header(signed))


def read_unverified(signed: str) -> dict[str, Any]:
    """Return the payload of a JWS of our own ledger, for showing it; whoever relies on it verifies it."""
    payload = signed.split(".")[1]
    shown: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return shown


def verify_pack(content: bytes, keys: Mapping[str, Ed25519PublicKey]) -> Verified:
    """Return what a file of receipts proves.

    Raises: ConfigurationError that names the first receipt which was changed, added, removed or moved.
    """
    try:
        stated = orjson.loads(content)
        receipts, proof = stated["receipts"], stated["proof"]
        if stated["format"] != PACK_FORMAT or not all(isinstance(one, str) for one in (*receipts, proof)):
            raise ValueError  # noqa: TRY301 - one message for every other shape
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError("this is not a file of consent receipts") from None
    try:
        told = read_signed(proof, keys, PACK_TYPE)
    except ConfigurationError as error:
        raise ConfigurationError(f"the proof of the file: {error}") from None
    digests = told["receipts"]
    for number, (one, digest) in enumerate(zip(receipts, digests, strict=False), start=1):
        if _digest(one) != digest:
            raise ConfigurationError(f"receipt {number} is not the one that was exported there")
    if len(receipts) != len(digests):
        raise ConfigurationError(f"{len(digests)} receipts were exported, and {len(receipts)} are here")
    found = []
    for number, one in enumerate(receipts, start=1):
        try:
            found.append(read_signed(one, keys))
        except ConfigurationError as error:
            raise ConfigurationError(f"receipt {number}: {error}") from None
    return Verified(told["iss"], told["issued_at"], tuple(found))


def keys_of(jwks: bytes) -> dict[str, Ed25519PublicKey]:
    """Return the keys of a JWK set, as `/.well-known/jwks.json` publishes it; other kinds of keys are passed over.

    Raises: ConfigurationError when it is none, or holds no key of ours.
    """
    try:
        listed: Iterable[Any] = orjson.loads(jwks)["keys"]
        found = {}
        for jwk in listed:
            if jwk.get("kty") == "OKP" and jwk.get("use", "sig") == "sig":
                key = key_of_jwk(jwk)
                found[public_jwk(key)["kid"]] = key
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError("the keys are not a JWK set with ed25519 keys") from error
    if not found:
        raise ConfigurationError("the JWK set holds no ed25519 key for signatures")
    return found


def derived_key(secret: bytes) -> Ed25519PrivateKey:
    """Return a signing key made from a secret: for ledgers that are given none of their own."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"consent receipts\x00" + secret).digest())

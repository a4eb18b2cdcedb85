"""Sealing: what leaves for a consumer, signed in the form that it wants and encrypted where it wants that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from gateway.keys import Keys
from gateway.settings import Consumer
from standards.encryption import encrypt
from standards.errors import ConfigurationError
from standards.signing import Form, PublicKey, key_of_pem, sign

KeyFor = Callable[[Consumer], "EncryptionKey | None"]


class EncryptionKey(NamedTuple):
    """A consumer's key that what it is sent is encrypted with."""

    key: PublicKey
    kid: str


class Sealing:
    """Signs and encrypts what this gateway sends.

    is_signing: false leaves everything unsigned, whatever consumers want.
    key_for: returns the key to encrypt with; None when there is none to be had now.
    """

    def __init__(self, keys: Keys, sender_id: str, key_for: KeyFor, *, is_signing: bool = True) -> None:
        self._keys, self._sender_id, self._key_for, self._is_signing = keys, sender_id, key_for, is_signing

    def check(self, consumers: Iterable[Consumer]) -> None:
        """See at start that everybody can be sent what they want.

        Raises: ConfigurationError that names the setting.
        """
        for one in consumers:
            where, wanted = f"consumers.{one.client_id}", one.answers
            if wanted.signature == "keyed" and wanted.algorithm != "ed25519":
                raise ConfigurationError(f"{where}.answers: the keyed form is ed25519; take jws or detached for others")
            if wanted.signature != "none":
                self._keys.using(wanted.algorithm)
            if wanted.encrypted and one.encryption_key is None and one.jwks_url is None:
                raise ConfigurationError(f"{where}.answers.encrypted: needs its encryption_key, or its jwks_url")
            if one.encryption_key is not None:
                try:
                    key_of_pem(one.encryption_key)
                except ValueError as error:
                    raise ConfigurationError(f"{where}.encryption_key: {error}") from None

    def sealed(self, message: Mapping[str, Any], to: Consumer, now: datetime) -> bytes:
        """Return the body of a message to a consumer.

        message: header and message; it may hold `orjson.Fragment`s.
        Raises: ConfigurationError when it must be encrypted and there is no key to be had: nothing leaves in clear.
        """
        wanted = to.answers
        if wanted.encrypted:
            message = self._encrypted(message, to)
        plain = orjson.dumps(message)
        if wanted.signature == "none" or not self._is_signing:
            return plain
        key, kid = self._keys.using(wanted.algorithm)
        # Signed over the parsed form of exactly what is sent: parts of it are text already, and signing sorts members.
        said = sign(
            orjson.loads(plain), key, sender_id=self._sender_id, key_id=kid, now=now, form=Form(wanted.signature)
        )
        return b'{"signature":' + orjson.dumps(said) + b"," + plain[1:]

    def _encrypted(self, message: Mapping[str, Any], to: Consumer) -> Mapping[str, Any]:
        found = self._key_for(to)
        if found is None:
            # INVARIANT: what a consumer is to get encrypted never leaves in clear.
            raise ConfigurationError(f"there is no key to encrypt with for {to.client_id}: nothing was sent")
        return {
            **message,
            "header": {**message["header"], "is_msg_encrypted": True},
            "message": encrypt(message["message"], found.key, found.kid),
        }

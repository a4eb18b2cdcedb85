"""Orders: what a person wants done with a registration, signed with the person's own key.

An order is a JWT (EdDSA) made for one gateway. It names the version and the digest of its files, so that it proves
afterwards, by the person's public key alone, who ordered what after having read what.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.agreements import public_key
from gateway.registrations.states import Role, Verb
from standards.errors import ConfigurationError, MalformedMessageError, UnauthenticatedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from gateway.registrations.states import Step
    from gateway.settings import RegistryOperator

READ: Final = "read"
"""In place of a verb: to look, and change nothing."""
_REFUSED: Final = (
    "an order is signed by somebody whom registries.operators names, for this address, and counts for a few minutes"
)
_LONGEST: Final = 8_192
_SIGNATURE_ALONE: Final[Any] = {"verify_aud": False, "verify_iat": False, "verify_exp": False, "verify_nbf": False}
"""An old order is read for what it said, and not for whether it still counts."""


class Wish(BaseModel):
    """What an order says beside who gives it, when and to whom."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    verb: str = Field(pattern=r"^[a-z]{1,20}$")
    registry: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{1,39})?$")
    version: str = Field(default="", pattern=r"^(\d{1,6}\.\d{1,6})?$")
    digest: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    share: float | None = Field(default=None, gt=0, le=100, description="Percent of the questions.")
    reason: str = Field(default="", max_length=300)


class Order(NamedTuple):
    """An order that was proved."""

    id: str
    by: str
    at: datetime
    wish: Wish
    text: str
    """As it was signed."""
    key: str = ""
    """SHA-256 of the public key that it was signed with, in hex."""


def signed_order(name: str, key: Ed25519PrivateKey, gateway: str, now: datetime, **wish: Any) -> str:
    """Return an order of a person for one gateway."""
    claims = {"iss": name, "aud": gateway, "iat": int(now.timestamp()), "jti": secrets.token_hex(16)}
    stated = Wish(**wish).model_dump(mode="json", exclude_defaults=True)
    return jwt.encode(claims | {"wish": stated}, key, algorithm="EdDSA")


class People:
    """The people who may order something, with their keys and roles."""

    def __init__(self, stated: Iterable[RegistryOperator]) -> None:
        """Take them from the settings.

        Raises: ConfigurationError when a key is none, or when two people share a name or a key.
        """
        people = list(stated)
        names = {" ".join(one.name.casefold().split()) for one in people}
        if len(names) != len(people):
            raise ConfigurationError("registries.operators: two people have one name; give each a name of their own")
        if names & {"", Role.GATEWAY.value}:
            raise ConfigurationError("registries.operators: nobody is called `gateway`, or nothing; give them a name")
        self._keys: Mapping[str, Ed25519PublicKey] = {
            one.name: public_key(one.public_key, f"registries.operators.{one.name}") for one in people
        }
        # INVARIANT: four eyes are two people's: one key never stands for two names.
        if len({key.public_bytes_raw() for key in self._keys.values()}) != len(people):
            raise ConfigurationError("registries.operators: two people have one key; give each a key of their own")
        self._stated = {one.name: one for one in people}

    def roles(self, name: str, registry: str) -> frozenset[Role]:
        """Return the roles that somebody has for a registry."""
        stated = self._stated.get(name)
        if stated is None:
            return frozenset()
        owner = {Role.OWNER} if {registry, "*"} & set(stated.owns) else set()
        return frozenset({Role(role) for role in stated.roles} | owner)

    def has_part(self, name: str) -> bool:
        """Tell whether somebody has any role at all: who has left is kept without one, to prove what was done."""
        stated = self._stated.get(name)
        return stated is not None and bool(stated.roles or stated.owns)

    def order(self, text: object, gateway: str, now: datetime, *, max_age_s: float, future_s: float) -> Order:
        """Return an order, once it is known whose it is.

        gateway: address that it must be made for.
        Raises: UnauthenticatedError, in the same words whatever is wrong; MalformedMessageError for no wish.
        """
        if not isinstance(text, str) or len(text) > _LONGEST:
            raise UnauthenticatedError(_REFUSED)
        try:
            name = jwt.decode(text, options={"verify_signature": False}).get("iss")
            key = self._keys.get(name) if isinstance(name, str) else None
            if key is None:
                raise UnauthenticatedError(_REFUSED)
            claims = jwt.decode(
                text,
                key,
                algorithms=["EdDSA"],
                audience=gateway,
                options={"require": ["iss", "aud", "iat", "jti"], "verify_iat": False},
            )
            at = datetime.fromtimestamp(int(claims["iat"]), UTC)
        except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError, OSError) as error:
            raise UnauthenticatedError(_REFUSED) from error
        if not -future_s <= (now - at).total_seconds() <= max_age_s:
            raise UnauthenticatedError(_REFUSED)
        id_ = claims["jti"]
        if not isinstance(id_, str) or not 16 <= len(id_) <= 64:
            raise UnauthenticatedError(_REFUSED)
        try:
            wish = Wish.model_validate(claims.get("wish"))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise MalformedMessageError(f"wish.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        return Order(id_, str(name), at, wish, text, _digest(key))

    def proves(self, step: Step) -> bool | None:
        """Tell whether the order that is kept of a step is its person's, and says what was done.

        None for what follows of itself, and where the person's key is not among the settings any more.
        """
        key = self._keys.get(step.by)
        if step.role is Role.GATEWAY or key is None or (step.key and step.key != _digest(key)):
            return None
        try:
            claims = jwt.decode(step.order, key, algorithms=["EdDSA"], options=_SIGNATURE_ALONE)
            wish = Wish.model_validate(claims.get("wish"))
        except (jwt.InvalidTokenError, ValidationError, TypeError, ValueError):
            return False
        return (
            (claims.get("iss"), wish.verb, wish.registry) == (step.by, step.verb.value, step.registry)
            and (wish.version in {"", step.version} or step.verb is Verb.SUSPEND)
            and (wish.digest in {"", step.digest} or step.verb is Verb.SUSPEND)
            and (wish.share, wish.reason) == (step.share, step.reason)
        )


def _digest(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()

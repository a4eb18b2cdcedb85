"""The forms of a signature, what one sender may use and must do, and what a signature that holds says."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

ALGORITHM: Final = "ed25519"
"""Of the keyed form, and of our own signatures unless a receiver wants another."""
ALGORITHMS: Final = frozenset({ALGORITHM, "ES256", "RS256"})
"""Every algorithm there is here: the kind of a key decides which, a message never does."""
LIFETIME_S: Final = 300
"""How long our own signatures hold."""
SKEW_S: Final = 60
"""How far the signer's clock may be from ours."""
MAX_LIFETIME_S: Final = 86_400
"""Longest time for which a signature may claim to hold."""
MAX_LENGTH: Final = 4096
"""Longest keyed string or detached JWS read, in characters. A compact JWS holds the message, so the body bounds it."""


class Form(StrEnum):
    """How a signature is written."""

    KEYED = "keyed"
    JWS = "jws"
    DETACHED = "detached"


class SignaturePolicy(StrEnum):
    """What one sender must do about signatures."""

    REQUIRED = "required"
    """Every message carries a signature that verifies."""
    OPTIONAL = "optional"
    """It may carry none, but one that is there verifies."""
    OFF = "off"
    """Signatures are not looked at."""


class Allowed(NamedTuple):
    """What one sender may sign with."""

    forms: frozenset[Form] = frozenset(Form)
    algorithms: frozenset[str] = ALGORITHMS


ALL_ALLOWED: Final = Allowed()


class Verified(NamedTuple):
    """A signature that holds: whose, by which key, and for how long."""

    sender_id: str
    key_id: str
    created: int
    expires: int
    """In seconds since 1970; a JWS need not state them, and then they are 0."""
    form: Form = Form.KEYED


def form_of(signature: str) -> Form | None:
    """Return the form of a signature by its shape; None for a text that is none."""
    if "kidId=" in signature:
        return Form.KEYED
    if signature.count(".") != 2:
        return None
    return Form.DETACHED if ".." in signature else Form.JWS

"""Consent carried in the question: a token that a portal signed while the citizen was present. Pure.

The standard has no proof of consent, so it stands in a member of its own (`hearth:proof` of the consent), or where
others put it (`consent_jws` of the authorization); several tokens, one a person, stand in a list.

A token is a JWT signed with EdDSA: `typ` consent+jwt, `kid`, and the claims

    iss        client id of the portal that saw the person decide
    aud        address of this gateway
    iat, exp   when it was given, and until when it may be used; at most a setting's time apart
    jti        its own name
    consumer   client id of the programme that may use it
    purpose    code of the purpose
    subject    {"type": ..., "value": ...}: whom it is about
    given_by   the same, of who decided; left out: the person
    capacity   self, guardian or proxy; left out: self
    relation   for a guardian: what the guardian is to the child (DCI Relationship code)
    majority_on  for a guardian: day on which the child comes of age, ISO date
    sources, groups  lists; left out: all
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import jwt

from policies.groups import GROUPS
from policies.receipts import Capacity, Channel, Consent, Decision
from standards.errors import MalformedMessageError
from standards.identifiers import identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOKEN_TYPE: Final = "consent+jwt"  # noqa: S105 - a media type
ALGORITHM: Final = "EdDSA"
MOST_TOKENS: Final = 20
"""Of one question; a household is rarely larger."""
LONGEST: Final = 4096
"""Longest token read, in characters."""
SKEW_S: Final = 60
"""How far a portal's clock may be from ours."""

_REQUIRED: Final = ("iss", "aud", "iat", "exp", "jti", "consumer", "purpose", "subject")


class Terms(NamedTuple):
    """What a token must fit."""

    keys: Mapping[str, Mapping[str, Ed25519PublicKey]]
    """Client id of a portal -> key id -> key."""
    audience: str
    consumer_id: str
    purpose: str
    now: datetime
    max_lifetime_s: float


def tokens_of(consent: Mapping[str, object], authorize: Mapping[str, object]) -> tuple[str, ...]:
    """Return the consent tokens of a question; none, when it carries none.

    Raises: MalformedMessageError when there is something else in their place.
    """
    found: list[str] = []
    for stated in (consent.get("hearth:proof"), authorize.get("hearth:proof"), authorize.get("consent_jws")):
        listed = stated if isinstance(stated, list) else [] if stated is None else [stated]
        for one in listed:
            if not isinstance(one, str) or len(one) > LONGEST:
                raise MalformedMessageError("a consent token is a compact JWS, or a list of them")
            found.append(one)
    if len(found) > MOST_TOKENS:
        raise MalformedMessageError(f"a question carries {MOST_TOKENS} consent tokens at most")
    return tuple(found)


def read_token(token: str, terms: Terms) -> tuple[Consent, str]:
    """Return what a token grants, and its own name.

    Raises: MalformedMessageError that says what does not hold, and nothing about the person.
    """
    claims = _verified(token, terms)
    # INVARIANT: a token is good for one programme and one purpose, and for nobody else's question.
    if claims["consumer"] != terms.consumer_id:
        raise MalformedMessageError("the consent token was given to another programme")
    if claims["purpose"] != terms.purpose:
        raise MalformedMessageError("the consent token was given for another purpose")
    if claims["exp"] - claims["iat"] > terms.max_lifetime_s:
        raise MalformedMessageError("the consent token claims to hold too long: ask the person again")
    try:
        return _consent(claims, datetime.fromtimestamp(claims["iat"], UTC)), claims["jti"]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MalformedMessageError("the claims of the consent token are not whole") from None


def _verified(token: str, terms: Terms) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
        claimed = jwt.decode(token, options={"verify_signature": False, "verify_exp": False, "verify_aud": False})
        key = terms.keys.get(str(claimed.get("iss")), {}).get(str(header.get("kid")))
        if key is None:
            raise MalformedMessageError("the consent token is not signed by a portal that is registered here")
        if header.get("typ") != TOKEN_TYPE:
            raise MalformedMessageError(f"the token is not a consent token: its typ is not {TOKEN_TYPE}")
        # The algorithm is ours to choose: what the header claims is compared with it, never followed.
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=terms.audience,
            leeway=SKEW_S,
            options={"require": list(_REQUIRED), "verify_exp": False, "verify_iat": False},
        )
        issued, ends, now = claims["iat"], claims["exp"], terms.now.timestamp()
        if not all(isinstance(t, int) and not isinstance(t, bool) for t in (issued, ends)):
            raise MalformedMessageError("iat and exp of the consent token are whole seconds since 1970")
    except jwt.InvalidTokenError as error:
        raise MalformedMessageError(
            "the consent token does not hold: it was changed, or is for another place"
        ) from error
    if issued > now + SKEW_S:
        raise MalformedMessageError("the consent token was made in the future: compare the clocks")
    if ends <= now:
        raise MalformedMessageError("the consent token has expired: ask the person again")
    return claims


def _consent(claims: Mapping[str, Any], issued: datetime) -> Consent:
    subject = identifier(claims["subject"]["type"], claims["subject"]["value"])
    giver = claims.get("given_by")
    given_by = subject if giver is None else identifier(giver["type"], giver["value"])
    capacity = Capacity(claims.get("capacity", Capacity.SELF.value))
    # INVARIANT: adults decide for themselves; for somebody else only a guardian or a proxy does, and says so.
    if (given_by == subject) != (capacity is Capacity.SELF):
        raise ValueError
    majority, relation = claims.get("majority_on"), claims.get("relation")
    # INVARIANT: a guardian says what the guardian is to the child, or nothing that registries know could contradict it.
    if capacity is Capacity.GUARDIAN and (majority is None or relation is None):
        raise ValueError
    if relation is not None and not (isinstance(relation, str) and relation):
        raise ValueError
    groups = _names(claims.get("groups"))
    if (groups is not None and not groups <= GROUPS) or not isinstance(claims["jti"], str):
        raise ValueError
    return Consent(
        subject=subject,
        purpose=claims["purpose"],
        decision=Decision.GRANTED,
        given_by=given_by,
        given_on=issued.date(),
        sources=_names(claims.get("sources")),
        consumer_id=claims["consumer"],
        groups=groups,
        capacity=capacity,
        relation=relation,
        majority_on=None if majority is None else date.fromisoformat(majority),
        channel=Channel.TOKEN,
        attested_by=claims["iss"],
        given_at=issued,
    )


def _names(stated: Any) -> frozenset[str] | None:
    if stated is None:
        return None
    if not (isinstance(stated, list) and stated and all(isinstance(one, str) and one for one in stated)):
        raise ValueError
    return frozenset(stated)

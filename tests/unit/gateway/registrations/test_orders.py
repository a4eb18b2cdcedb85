"""Signed orders: who ordered what, and nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.keys import public_pem
from gateway.registrations.orders import People, signed_order
from gateway.registrations.states import Role, Step, Verb
from gateway.settings import RegistryOperator
from standards.errors import ConfigurationError, MalformedMessageError, UnauthenticatedError
from tests.builders import NOW

GATEWAY = "https://gateway.example.org"
ASHA, JUMA = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))


def operator(name: str, key: Ed25519PrivateKey, **changes):
    """A person of the settings."""
    return RegistryOperator(name=name, public_key=public_pem(key), **changes)


PEOPLE = People([operator("Asha", ASHA, roles=("author",), owns=("land",)), operator("Juma", JUMA, owns=("*",))])


def read(text: object, gateway: str = GATEWAY, after_s: float = 0.0):
    """Read an order some time after NOW."""
    return PEOPLE.order(text, gateway, NOW + timedelta(seconds=after_s), max_age_s=300, future_s=60)


def order(name: str = "Asha", key: Ed25519PrivateKey = ASHA, **wish):
    """A signed order."""
    return signed_order(name, key, GATEWAY, NOW, **({"verb": "approve", "registry": "land"} | wish))


def test_an_order_says_who_wants_what() -> None:
    """By the signature, and as it was signed."""
    given = read(order(version="1.3", digest="a" * 64))

    assert (given.by, given.wish.verb, given.wish.registry, given.wish.version) == ("Asha", "approve", "land", "1.3")
    assert given.wish.digest == "a" * 64
    assert len(given.id) == 32


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "no token",
        "x" * 10_000,
        order("Asha", JUMA),
        order("Nobody", ASHA),
        jwt.encode({"iss": "Asha", "aud": GATEWAY, "iat": NOW, "jti": "1" * 32}, "s" * 32, algorithm="HS256"),
        jwt.encode({"iss": "Asha", "aud": GATEWAY, "iat": NOW, "jti": "1" * 32}, "", algorithm="none"),
        jwt.encode({"iss": "Asha", "aud": GATEWAY, "iat": NOW, "jti": "short"}, ASHA, algorithm="EdDSA"),
        jwt.encode({"iss": "Asha", "aud": GATEWAY, "jti": "1" * 32}, ASHA, algorithm="EdDSA"),
        jwt.encode({"iss": "Asha", "aud": GATEWAY, "iat": 10**18, "jti": "1" * 32}, ASHA, algorithm="EdDSA"),
    ],
)
def test_what_is_not_proved_is_refused_in_the_same_words(text) -> None:
    """A stranger learns nothing from the refusal."""
    with pytest.raises(UnauthenticatedError, match=r"registries\.operators"):
        read(text)


def test_an_order_counts_for_one_gateway_and_a_few_minutes() -> None:
    """Elsewhere, or later, it is nothing."""
    assert read(order(), after_s=299).by == "Asha"
    for gateway, after_s in (("https://other.example.org", 0), (GATEWAY, 301), (GATEWAY, -61)):
        with pytest.raises(UnauthenticatedError):
            read(order(), gateway, after_s)


def test_a_wish_that_is_none_is_told_where() -> None:
    """Without its value."""
    claims = {"iss": "Asha", "aud": GATEWAY, "iat": int(NOW.timestamp()), "jti": "1" * 32}
    text = jwt.encode(claims | {"wish": {"verb": "approve", "registry": "../secret"}}, ASHA, algorithm="EdDSA")

    with pytest.raises(MalformedMessageError, match=r"wish\.registry") as wrong:
        read(text)
    assert "secret" not in str(wrong.value)


def test_roles_are_those_of_the_settings() -> None:
    """An owner answers for the registries named, `*` for all."""
    assert PEOPLE.roles("Asha", "land") == {Role.AUTHOR, Role.OWNER}
    assert PEOPLE.roles("Asha", "tax") == {Role.AUTHOR}
    assert PEOPLE.roles("Juma", "tax") == {Role.OWNER}
    assert PEOPLE.roles("Nobody", "land") == frozenset()


def test_two_people_are_two() -> None:
    """Two names with one key would be four eyes of one person."""
    with pytest.raises(ConfigurationError, match="one key"):
        People([operator("Asha", ASHA), operator("Juma", ASHA)])
    with pytest.raises(ConfigurationError, match="one name"):
        People([operator("Asha", ASHA), operator("Asha", JUMA)])
    with pytest.raises(ConfigurationError, match=r"registries\.operators\.Asha"):
        People([RegistryOperator(name="Asha", public_key="none")])


def test_names_that_look_alike_are_one() -> None:
    """And nobody bears the gateway's own."""
    with pytest.raises(ConfigurationError, match="one name"):
        People([operator("Asha", ASHA), operator(" asha ", JUMA)])
    for name in ("gateway", " "):
        with pytest.raises(ConfigurationError, match="nobody is called"):
            People([operator(name, ASHA)])


def test_an_order_names_the_key_that_it_was_signed_with() -> None:
    """Whatever the person is called: the same key is the same person."""
    renamed = People([operator("Somebody Else", ASHA, roles=("approver",))])
    text = signed_order("Somebody Else", ASHA, GATEWAY, NOW, verb="approve", registry="land")

    assert renamed.order(text, GATEWAY, NOW, max_age_s=300, future_s=60).key == read(order()).key
    assert read(order("Juma", JUMA)).key != read(order()).key


WISH: dict[str, Any] = {
    "verb": "canary",
    "registry": "land",
    "version": "1.3",
    "digest": "a" * 64,
    "share": 5.0,
    "reason": "slow start",
}
DONE = Step("land", "1.3", Verb.CANARY, "Asha", Role.OPERATOR, NOW, "a" * 64, 5.0, "slow start", order(**WISH))


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1.4"},
        {"registry": "tax"},
        {"verb": Verb.PROMOTE},
        {"digest": "b" * 64},
        {"share": 50.0},
        {"reason": "another"},
        {"by": "Juma"},
        {"order": order(**WISH)[:-4] + "AAAA"},
        {"order": ""},
    ],
)
def test_a_step_is_proved_by_its_order_and_by_nothing_else(change) -> None:
    """Long after it has ceased to count."""
    assert PEOPLE.proves(DONE) is True
    assert PEOPLE.proves(DONE._replace(**change)) is False


def test_who_is_not_known_any_more_proves_nothing() -> None:
    """Nor does what the gateway did by itself."""
    assert People([]).proves(DONE) is None
    assert PEOPLE.proves(DONE._replace(role=Role.GATEWAY)) is None
    assert PEOPLE.proves(DONE._replace(key="0" * 64)) is None


def test_who_has_left_has_no_part_in_it() -> None:
    """The key stays among the settings, to prove what was done."""
    people = People([operator("Asha", ASHA), operator("Juma", JUMA, owns=("land",))])

    assert [people.has_part(name) for name in ("Asha", "Juma", "Nobody")] == [False, True, False]

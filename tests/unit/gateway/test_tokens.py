"""Access tokens: who gets one, whom it speaks for, and which ones are worth nothing."""

import asyncio
from typing import Any

import jwt
import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from gateway.settings import Consumer, Tokens
from gateway.tokens import ALGORITHM, NOBODY, SCOPES, TokenOffice, hashed
from standards.errors import UnauthenticatedError
from tests.builders import KEYS

ISSUER = "https://gateway.example.org"
SECRET = "a secret of some length"
UCT = Consumer(client_id="uct", sender_id="uct.programmes.pv", secret_hash=SecretStr(hashed(SECRET)))
KEY_ONLY = Consumer(client_id="signs-only", sender_id="signs.programmes.pv")
OFFICE = TokenOffice(KEYS, [UCT, KEY_ONLY], Tokens(), ISSUER)
LONG_AGO, FAR_AHEAD = 1_000_000_000, 32_000_000_000


def token(key: Any = KEYS.signing, algorithm: str = ALGORITHM, **changes: Any) -> str:
    """A token as we make them, changed."""
    claims = {"iss": ISSUER, "aud": ISSUER, "sub": "uct", "exp": FAR_AHEAD, "jti": "1"} | changes
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm=algorithm)


async def test_a_secret_earns_a_token_that_speaks_for_its_client():
    """Every one another."""
    first, second = [(await OFFICE.issue("uct", SECRET)).token for _ in range(2)]

    assert OFFICE.consumer_of(first) is UCT
    assert OFFICE.consumer_of(first) is UCT  # from memory
    assert first != second


async def test_a_token_says_how_long_it_lives_and_what_it_is_for():
    """As the settings have it."""
    claims = jwt.decode((await OFFICE.issue("uct", SECRET)).token, options={"verify_signature": False})

    assert claims["exp"] - claims["iat"] == OFFICE.lifetime_s == 3600
    assert claims["scope"].split() == list(SCOPES)
    assert {"registry.search", "registry.sync.search", "registry.on-search", "registry.notify"} < set(SCOPES)
    assert SECRET not in str(claims)


@pytest.mark.parametrize(
    ("client_id", "secret"),
    [("uct", "wrong"), ("uct", ""), ("nobody", SECRET), ("signs-only", ""), ("signs-only", SECRET), ("", "")],
)
async def test_whoever_is_not_known_by_the_secret_gets_none(client_id, secret):
    """In the same words for an unknown client and a wrong secret, and without quoting either."""
    with pytest.raises(UnauthenticatedError) as caught:
        await OFFICE.issue(client_id, secret)

    assert str(caught.value) == "the client id or the client secret is wrong"


@pytest.mark.parametrize(
    "forged",
    [
        token(exp=LONG_AGO),
        token(exp=None),
        token(sub=None),
        token(sub="nobody"),
        token(iss="https://other.example.org"),
        token(iss=None),
        token(aud="https://other.example.org"),
        token(aud=None),
        token(nbf=FAR_AHEAD),
        token(Ed25519PrivateKey.generate()),
        token("x" * 32, "HS256"),
        token(None, "none"),
        "",
        "not.a.token",
    ],
)
def test_any_other_token_is_worth_nothing(forged):
    """Ended, changed, of another issuer, by another key or algorithm, or for a client that is gone."""
    with pytest.raises(UnauthenticatedError):
        OFFICE.consumer_of(forged)


def test_a_changed_token_is_not_taken_for_the_one_read_before():
    """What is remembered is found by the whole token."""
    good = token()
    OFFICE.consumer_of(good)
    head, claims, signature = good.split(".")

    with pytest.raises(UnauthenticatedError):
        OFFICE.consumer_of(".".join((head, claims, signature[:-4] + "AAAA")))


async def test_a_storm_of_logins_queues():
    """Each check takes memory on purpose, so only so many run at once; all are served."""
    office = TokenOffice(KEYS, [UCT], Tokens(login_concurrency=1), ISSUER)
    tokens = await asyncio.gather(*(office.issue("uct", SECRET) for _ in range(3)))

    assert len(set(tokens)) == 3


async def test_a_hash_that_is_none_lets_nobody_in():
    """A settings file with the secret itself in the place of its hash."""
    plain = Consumer(client_id="uct", sender_id="s", secret_hash=SecretStr(SECRET))
    with pytest.raises(UnauthenticatedError):
        await TokenOffice(KEYS, [plain], Tokens(), ISSUER).issue("uct", SECRET)


def test_the_same_secret_has_many_hashes():
    """Salted, and made to be slow."""
    assert hashed(SECRET) != hashed(SECRET)
    assert hashed(SECRET).startswith("$argon2id$")


def test_who_is_unknown_is_checked_as_thoroughly_as_who_is_known():
    """The hash that strangers are checked against asks for the same work as those of settings."""
    assert not PasswordHasher().check_needs_rehash(NOBODY)


async def test_a_secret_that_was_drawn_may_have_a_cheap_hash():
    """The hash says itself what it takes to check it; it is salted and as long as any."""
    drawn = hashed(SECRET, is_drawn=True)
    assert drawn != hashed(SECRET, is_drawn=True)
    assert len(drawn.rpartition("$")[2]) == len(hashed(SECRET).rpartition("$")[2])

    office = TokenOffice(KEYS, [UCT.model_copy(update={"secret_hash": SecretStr(drawn)})], Tokens(), ISSUER)
    assert office.consumer_of((await office.issue("uct", SECRET)).token).client_id == "uct"
    with pytest.raises(UnauthenticatedError):
        await office.issue("uct", SECRET + "x")

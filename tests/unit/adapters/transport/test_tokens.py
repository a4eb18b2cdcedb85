"""Tokens of registries: asked for once by many, kept while they hold, earned by a secret or a signature."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from adapters.manifest import OAuth2Auth
from adapters.ports import Deadline, Response
from adapters.transport.tokens import Assertion, Token
from standards.errors import SourceContractError
from tests.fakes import HandClock

LONG = Deadline.after(3600)
KEY = Ed25519PrivateKey.generate()


class Endpoint:
    """A token endpoint: counts what it gave, and keeps what it was asked with."""

    source_id = "probe"

    def __init__(self, **answer):
        self.forms, self.answer = [], {"expires_in": "3600"} | answer

    async def exchange(self, method, target, headers, body, deadline):
        """Give the next token."""
        await asyncio.sleep(0)
        self.forms.append({name: value for name, (value,) in parse_qs(body.decode()).items()})
        given = {"access_token": f"token-{len(self.forms)}", "token_type": "Bearer"} | self.answer
        return Response(200, "application/json", orjson.dumps(given))


@pytest.mark.parametrize(("expires_in", "held_s"), [("100", 90), (100, 90), (100.0, 90), (3600, 3570), (None, 270)])
async def test_a_token_is_kept_until_shortly_before_it_ends(expires_in, held_s):
    """Its life may be told as a number, as a text, or not at all."""
    endpoint, clock = Endpoint(expires_in=expires_in), HandClock()
    token = Token(endpoint, "/token", {"client_id": "a"}, clock)
    first = await token.current(LONG)
    clock.now += held_s - 1

    assert token.kept() == await token.current(LONG) == first
    clock.now += 2
    assert token.kept() == ""
    assert await token.current(LONG) == "token-2"


@pytest.mark.parametrize("expires_in", ["0", 0, -5])
async def test_a_token_that_has_ended_already_serves_its_own_question_only(expires_in):
    """The next one asks again, and nothing goes round in circles."""
    endpoint = Endpoint(expires_in=expires_in)
    token = Token(endpoint, "/token", {}, HandClock())

    assert [await token.current(LONG) for _ in range(2)] == ["token-1", "token-2"]


async def test_many_who_need_one_ask_once():
    """Also when all of them find that the one they had is no longer accepted."""
    endpoint = Endpoint()
    token = Token(endpoint, "/token", {}, HandClock())

    assert set(await asyncio.gather(*(token.current(LONG) for _ in range(20)))) == {"token-1"}
    renewed = await asyncio.gather(*(token.current(LONG, unlike="token-1") for _ in range(20)))
    assert set(renewed) == {"token-2"}
    assert len(endpoint.forms) == 2


async def test_an_assertion_is_signed_anew_for_every_token():
    """By the key of the moment; it says who asks whom, and soon ends."""
    endpoint = Endpoint()
    assertion = Assertion("hearth", "https://probe.example/token", lambda: (KEY, "kid-1"))
    token = Token(endpoint, "/token", {"grant_type": "client_credentials"}, HandClock(), assertion)
    await token.current(LONG)
    await token.current(LONG, unlike="token-1")
    told = [form["client_assertion"] for form in endpoint.forms]
    claims = [
        jwt.decode(one, KEY.public_key(), algorithms=["EdDSA"], audience="https://probe.example/token") for one in told
    ]

    assert {form["client_assertion_type"].rpartition(":")[2] for form in endpoint.forms} == {"jwt-bearer"}
    assert all(form["grant_type"] == "client_credentials" for form in endpoint.forms)
    assert {(one["iss"], one["sub"]) for one in claims} == {("hearth", "hearth")}
    assert claims[0]["jti"] != claims[1]["jti"]
    assert all(0 < one["exp"] - one["iat"] <= 60 for one in claims)
    assert jwt.get_unverified_header(told[0])["kid"] == "kid-1"


async def test_a_life_that_is_no_number_is_a_broken_promise():
    """And named."""
    with pytest.raises(SourceContractError, match="expires_in"):
        await Token(Endpoint(expires_in="soon"), "/token", {}, HandClock()).current(LONG)


@pytest.mark.parametrize(
    "stated", [{}, {"method": "private_key_jwt", "client_secret": "env:SECRET"}, {"method": "client_secret"}]
)
def test_a_secret_belongs_to_its_method(stated):
    """And to no other."""
    with pytest.raises(ValidationError, match="go together"):
        OAuth2Auth(kind="oauth2", token_path="/token", client_id="env:ID", **stated)

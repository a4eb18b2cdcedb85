"""Who is believed: every case names one way in which a message, a token or a key can be wrong, by its requirement id."""

from __future__ import annotations

import base64
import io
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import jwt
import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.trust.ring import new_key
from standards.encryption import decrypt, encrypt
from standards.signing import Form, form_of, keys_of_jwks, public_jwk, verify
from tests.contract.trusting import (
    BASE,
    EC,
    ED,
    ES,
    RS,
    STRANGER,
    UCT,
    Asking,
    asking,
    assertion,
    consumer,
    kid,
    message,
    pem,
    signed,
)

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

STRICT = consumer("strict", signature="required", placeholders=("Signature: none yet",))
KEYED_ONLY = consumer("keyed-only", signature_forms=("keyed",), algorithms=("ed25519",))
OFF = consumer("off", signature="off")
SEALED = consumer(
    "sealed",
    encryption="optional",
    encryption_key=pem(EC),
    answers={"signature": "jws", "algorithm": "ES256", "encrypted": True},
)
SEALED_ALWAYS = consumer("sealed-always", encryption="required", answers={"signature": "detached"})
ES_ONLY = consumer("es-only", algorithms=("ES256",))
WAITING = consumer("waiting", callback_hosts=("https://waiting.example.org",))
UNSIGNED = consumer("unsigned", answers={"signature": "none"})
NARROW = consumer("narrow", scopes=("registry/search",))
FEW = consumer("few", requests=2)
SECRET_ONLY = consumer("secret-only", login=("secret",))
ISSUER = "https://login.example.org"
AUDIENCE = "hearth"


class Published(NamedTuple):
    """What others publish, at one server for all."""

    keys: list[dict[str, str]]
    fetches: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def published() -> AsyncIterator[tuple[Published, str]]:
    """A server of key sets."""
    said = Published([public_jwk(ED.public_key())], [])

    async def jwks(request: web.Request) -> web.Response:
        said.fetches.append(request.path)
        return web.json_response({"keys": said.keys})

    app = web.Application()
    app.router.add_get("/{name}/jwks.json", jwks)
    async with TestServer(app) as server:
        yield said, str(server.make_url("/"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate(tmp_path_factory, published) -> AsyncIterator[Asking]:
    """The gateway, with a programme for every policy."""
    _, url = published
    rotating = consumer("rotating", public_keys=(), jwks_url=f"{url}rotating/jwks.json", private_network=True)
    foreign = consumer("foreign", issuer=ISSUER, scopes=("registry.sync.search",))
    named = (UCT, STRICT, KEYED_ONLY, OFF, SEALED, SEALED_ALWAYS, ES_ONLY, WAITING, UNSIGNED, NARROW, FEW, SECRET_ONLY)
    everybody = (*named, rotating, foreign)
    issuer = {"issuer": ISSUER, "jwks_url": f"{url}issuer/jwks.json", "audience": AUDIENCE, "private_network": True}
    async with asking(
        tmp_path_factory.mktemp("security"),
        *everybody,
        tokens={"issuers": [issuer]},
        trust={"encryption": ["ECDH-ES+A256KW"], "signing": ["ed25519", "ES256"], "jwks_refetch_s": 0},
    ) as one:
        yield one


def changed(body: dict[str, Any], part: str, **members: Any) -> dict[str, Any]:
    """A message with something else in one of its parts, under the old signature."""
    return {**body, part: {**body[part], **members}}


def forged(body: dict[str, Any], head: dict[str, Any], make: Callable[[bytes], bytes]) -> dict[str, Any]:
    """A message with a compact JWS of any header and any signature."""
    text = b".".join(_part(orjson.dumps(one)) for one in (head, {k: body[k] for k in ("header", "message")}))
    return {"signature": (text + b"." + _part(make(text))).decode(), **body}


def _part(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def _hmac(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda text: jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(text, secret)


RAW_ED = ED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
RAW_RS = pem(RS).encode()
ALL = [(key, form) for key in (ED, ES, RS) for form in (Form.JWS, Form.DETACHED)]


@pytest.mark.parametrize(("key", "form"), [(ED, Form.KEYED), *ALL])
async def test_every_form_and_algorithm_is_taken(gate, key, form):
    """TRUST-SIG-01: keyed string, compact and detached JWS, with ed25519, ES256 and RS256."""
    body = signed(message(), key, form)

    said = await gate.post(body)

    assert form_of(body["signature"]) is form
    assert (said.status, said.code) == (200, None)


@pytest.mark.parametrize(("key", "form"), [(ED, Form.KEYED), *ALL])
@pytest.mark.parametrize(
    ("part", "members"),
    [
        ("message", {"transaction_id": "t-2"}),
        ("header", {"total_count": 2}),
        ("header", {"message_id": "another"}),
        ("header", {"message_ts": "2026-01-01T00:00:00+00:00"}),
    ],
)
async def test_one_changed_member_fails(gate, key, form, part, members):
    """TRUST-SIG-02: tampered body, swapped header."""
    said = await gate.post(changed(signed(message(), key, form), part, **members))

    assert (said.status, said.code) == (401, "err.signature.invalid")


WRONG: dict[str, Callable[[], dict[str, Any]]] = {
    "TRUST-SIG-03 unknown key": lambda: signed(message(), STRANGER),
    "TRUST-SIG-03 unknown key, jws": lambda: signed(message(), STRANGER, Form.JWS),
    "TRUST-SIG-04 another's key under a known id": lambda: signed(message(), STRANGER, by=kid(ED)),
    "TRUST-SIG-04 another's key under a known id, detached": lambda: signed(
        message(), STRANGER, Form.DETACHED, by=kid(ED)
    ),
    "TRUST-SIG-05 expired": lambda: signed(message(), at_s=-400),
    "TRUST-SIG-05 expired, jws": lambda: signed(message(), ES, Form.JWS, at_s=-400),
    "TRUST-SIG-06 from the future": lambda: signed(message(), at_s=100),
    "TRUST-SIG-06 from the future, detached": lambda: signed(message(), RS, Form.DETACHED, at_s=100),
    "TRUST-SIG-07 none": lambda: forged(message(), {"alg": "none", "kid": kid(ED)}, lambda _: b""),
    "TRUST-SIG-07 none in capitals": lambda: forged(message(), {"alg": "NONE", "kid": kid(RS)}, lambda _: b""),
    "TRUST-SIG-07 none, over a true signature": lambda: forged(message(), {"alg": "none", "kid": kid(ED)}, ED.sign),
    "TRUST-SIG-08 HS256, over a true signature": lambda: forged(message(), {"alg": "HS256", "kid": kid(ED)}, ED.sign),
    "TRUST-SIG-08 the RSA key as an HMAC secret": lambda: forged(
        message(), {"alg": "HS256", "kid": kid(RS)}, _hmac(RAW_RS.replace(b"-----BEGIN PUBLIC KEY-----", b""))
    ),
    "TRUST-SIG-08 the ed25519 key as an HMAC secret": lambda: forged(
        message(), {"alg": "HS256", "kid": kid(ED)}, _hmac(RAW_ED)
    ),
    "TRUST-SIG-08 EdDSA said of an RSA key": lambda: forged(
        message(),
        {"alg": "EdDSA", "kid": kid(RS)},
        ED.sign,
    ),
    "TRUST-SIG-09 a key of its own": lambda: forged(
        message(),
        {"alg": "EdDSA", "jwk": public_jwk(STRANGER.public_key())},
        STRANGER.sign,
    ),
    "TRUST-SIG-09 an address of its own": lambda: forged(
        message(),
        {"alg": "EdDSA", "kid": kid(ED), "jku": "http://169.254.169.254/"},
        ED.sign,
    ),
    "TRUST-SIG-10 kid as a path": lambda: signed(message(), by="../../keys/signing.pem"),
    "TRUST-SIG-10 kid as an address": lambda: signed(message(), ES, Form.JWS, by="http://127.0.0.1/key"),
    "TRUST-SIG-10 kid as a statement": lambda: signed(message(), ES, Form.JWS, by="' OR 1=1 --"),
    "TRUST-SIG-10 kid is no text": lambda: forged(
        message(),
        {"alg": "EdDSA", "kid": ["a"]},
        ED.sign,
    ),
    "TRUST-SIG-11 an extension": lambda: forged(
        message(),
        {"alg": "EdDSA", "kid": kid(ED), "crit": ["x"], "x": 1},
        ED.sign,
    ),
    "TRUST-SIG-12 no form at all": lambda: {"signature": "yes", **message()},
    "TRUST-SIG-12 not a text": lambda: {"signature": {"value": "x"}, **message()},
    "TRUST-SIG-12 dots": lambda: {"signature": "..", **message()},
    "TRUST-SIG-12 letters beyond ASCII": lambda: {"signature": "é.é.é", **message()},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_a_signature_that_does_not_hold_is_refused(gate, wrong):
    """TRUST-SIG-03 to 12: also where none is demanded."""
    said = await gate.post(wrong())

    assert (said.status, said.code) == (401, "err.signature.invalid")


async def test_a_payload_that_differs_from_its_message_is_refused(gate):
    """TRUST-SIG-13: a compact JWS of another message, which is in order by itself."""
    other = signed(message(), ES, Form.JWS)

    said = await gate.post({**message(), "signature": other["signature"]})

    assert (said.status, said.code) == (401, "err.signature.invalid")


@pytest.mark.parametrize(
    ("to", "body", "code"),
    [
        (STRICT, message(STRICT), "err.signature.missing"),
        (STRICT, {"signature": "Signature: none yet", **message(STRICT)}, "err.signature.missing"),
        (STRICT, signed(message(STRICT)), None),
        (KEYED_ONLY, signed(message(KEYED_ONLY)), None),
        (KEYED_ONLY, signed(message(KEYED_ONLY), ED, Form.JWS), "err.signature.invalid"),
        (KEYED_ONLY, message(KEYED_ONLY), None),
        (OFF, {"signature": "anything", **message(OFF)}, None),
    ],
    ids=["missing", "placeholder", "signed", "its form", "another form", "optional", "off"],
)
async def test_each_sender_has_a_policy(gate, to, body, code):
    """TRUST-POL-01: required, optional, off, listed literals, forms."""
    said = await gate.post(body, token=gate.token(to))

    assert said.code == code
    assert said.status == (200 if code is None else 401)


async def test_algorithms_are_those_of_the_sender(gate):
    """TRUST-POL-02: a registered key of an algorithm that the sender may not use counts for nothing."""
    token = gate.token(ES_ONLY)

    assert (await gate.post(signed(message(ES_ONLY), ES, Form.JWS), token=token)).status == 200
    assert (await gate.post(signed(message(ES_ONLY), RS, Form.JWS), token=token)).code == "err.signature.invalid"


@pytest.mark.parametrize(
    ("seconds", "code"), [(-400, "rjct.message_ts.invalid"), (100, "rjct.message_ts.invalid"), (-100, None)]
)
async def test_stale_and_future_messages_are_refused(gate, seconds, code):
    """TRUST-TS-01: unsigned too."""
    when = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    said = await gate.post(message(message_ts=when))

    assert (said.status, said.code) == (200, code)


@pytest.mark.parametrize("is_signed", [True, False])
async def test_a_message_is_taken_once(gate, is_signed):
    """TRUST-REP-01: whoever repeats it, and whether it is signed or not; of another sender, it is another message."""
    body = signed(message()) if is_signed else message()
    first, again = await gate.post(body), await gate.post(body)
    altered = await gate.post(message(message_id=body["header"]["message_id"]))
    others = await gate.post(message(OFF, message_id=body["header"]["message_id"]), token=gate.token(OFF))

    assert (first.code, others.code) == (None, None)
    assert (again.status, again.code) == (200, "rjct.message_id.duplicate")
    assert altered.code == "rjct.message_id.duplicate"


async def test_a_message_that_was_refused_for_its_signature_uses_up_no_id(gate):
    """TRUST-REP-02: nobody can spoil another's message by sending its id first."""
    body = message()
    assert (await gate.post(changed(signed(body), "message", transaction_id="t-2"))).status == 401

    assert (await gate.post(body)).code is None


async def test_an_acknowledgement_is_given_again(gate):
    """TRUST-REP-03: an asynchronous message repeated byte by byte; with another body it is an error."""
    body, token = message(WAITING, sender_uri="https://waiting.example.org/"), gate.token(WAITING)
    first, again = [await gate.post(body, "search", token=token) for _ in range(2)]
    other = await gate.post({**body, "extra": 1}, "search", token=token)

    assert first.body["message"]["ack_status"] == "ACK"
    assert again.body == first.body
    assert (other.status, other.body["message"]["ack_status"], other.code) == (400, "ERR", "err.request.bad")


async def test_answers_have_the_form_that_their_receiver_wants(gate):
    """TRUST-OUT-01: keyed by default, else as registered, under a published key."""
    keys = keys_of_jwks({"keys": await gate.keys()})
    for to, body, form in (
        (UCT, message(), Form.KEYED),
        (SEALED, message(SEALED), Form.JWS),
        (SEALED_ALWAYS, await _encrypted(gate, message(SEALED_ALWAYS)), Form.DETACHED),
    ):
        said = await gate.post(body, token=gate.token(to))
        assert verify(said.body, keys, now=datetime.now(UTC)).form is form
        with pytest.raises(Exception, match=r"does not fit|not header and message"):
            verify(changed(said.body, "header", total_count=9), keys, now=datetime.now(UTC))


async def test_nothing_is_signed_for_who_wants_none(gate):
    """TRUST-OUT-02: by setting."""
    assert "signature" not in (await gate.post(message(UNSIGNED), token=gate.token(UNSIGNED))).body


# -- encryption


async def _encrypted(gate: Asking, body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A message encrypted for the gateway, unsigned."""
    (jwk,) = [one for one in await gate.keys() if one["use"] == "enc"]
    key = keys_of_jwks({"keys": [jwk]}, use="enc")[jwk["kid"]]
    sealed = encrypt(body["message"], key, jwk["kid"])
    if "zip" in changes:
        sealed["header"]["zip"] = changes["zip"]
    sealed |= {name: part for name, part in changes.items() if name != "zip"}
    return {"header": {**body["header"], "is_msg_encrypted": True}, "message": sealed}


async def test_encryption_goes_both_ways(gate):
    """TRUST-ENC-01: the answer can be read by its receiver alone, and the signature is over the encrypted form."""
    body = signed(await _encrypted(gate, message(SEALED)), ES, Form.JWS)
    said = await gate.post(body, token=gate.token(SEALED))

    assert (said.status, said.body["header"]["is_msg_encrypted"]) == (200, True)
    opened = decrypt(said.body["message"], {kid_of(EC): EC})
    assert opened["transaction_id"] == "t-1"
    assert set(said.body["message"]) == {"header", "ciphertext", "encrypted_key", "tag", "iv"}
    assert verify(said.body, keys_of_jwks({"keys": await gate.keys()}), now=datetime.now(UTC))


def kid_of(key: Any) -> str:
    """The id of a key to encrypt with."""
    return public_jwk(key.public_key(), use="enc")["kid"]


async def test_encrypted_messages_are_taken_where_agreed(gate):
    """TRUST-ENC-02: not enabled, or required and missing."""
    off = await gate.post(await _encrypted(gate, message()))
    plain = await gate.post(message(SEALED_ALWAYS), token=gate.token(SEALED_ALWAYS))

    assert (off.status, off.code) == (400, "err.encryption.invalid")
    assert (plain.status, plain.code) == (400, "err.encryption.invalid")


@pytest.mark.parametrize(
    "change",
    [
        {"tag": "AAAAAAAAAAAAAAAAAAAAAA"},
        {"tag": "AAAA"},
        {"iv": "AAAAAAAAAAAAAAAA"},
        {"ciphertext": "AAAA"},
        {"encrypted_key": "AAAA"},
        {"zip": "DEF"},
        {"header": {}},
        {"header": {"alg": "dir", "enc": "A256GCM", "kid": "x"}},
        {"header": 5},
        {"protected": "e30"},
        {"ciphertext": 5},
    ],
    ids=str,
)
async def test_an_encrypted_message_that_was_changed_is_refused(gate, change):
    """TRUST-ENC-03: in any of its parts; compressed ones are, however small they look."""
    said = await gate.post(await _encrypted(gate, message(SEALED), **change), token=gate.token(SEALED))

    assert (said.status, said.code) == (400, "err.encryption.invalid")


async def test_what_is_encrypted_for_somebody_else_is_refused(gate):
    """TRUST-ENC-04: for a key that is not ours, also under the name of one that is."""
    (ours,) = [one["kid"] for one in await gate.keys() if one["use"] == "enc"]
    stranger = new_key("ECDH-ES+A256KW")
    for name in (ours, kid_of(stranger)):
        body = await _encrypted(gate, message(SEALED))
        body["message"] = encrypt(message()["message"], stranger.public_key(), name)
        assert (await gate.post(body, token=gate.token(SEALED))).code == "err.encryption.invalid"


async def test_a_signature_of_the_clear_form_does_not_cover_the_encrypted_one(gate):
    """TRUST-ENC-05: signed, then encrypted, is not what was agreed."""
    plain = signed(message(SEALED))
    sealed = await _encrypted(gate, message(SEALED))

    said = await gate.post({**sealed, "signature": plain["signature"]}, token=gate.token(SEALED))

    assert (said.status, said.code) == (401, "err.signature.invalid")


async def test_a_huge_encrypted_message_is_refused(gate):
    """TRUST-ENC-06: before anything of it is decrypted."""
    body = await _encrypted(gate, message(SEALED), ciphertext="A" * 3_000_000)

    async with gate.client.post(
        "/registry/sync/search",
        data=io.BytesIO(orjson.dumps(body)),
        headers={"Authorization": f"Bearer {gate.token(SEALED)}", "Content-Type": "application/json"},
    ) as response:
        assert response.status == 413


# -- tokens


async def test_an_assertion_earns_a_token_once(gate):
    """TRUST-TOK-01: private_key_jwt; for our address or that of the token endpoint, by any registered key."""
    form = assertion()
    first, again = await gate.token_request(**form), await gate.token_request(**form)
    at_endpoint = await gate.token_request(**assertion(aud=f"{BASE}/oauth2/client/token", client_id="uct"))
    by_rsa = await gate.token_request(**assertion(key=RS, algorithm="RS256", kid=kid(RS)), client_id="uct")

    assert (first.status, at_endpoint.status, by_rsa.status) == (200, 200, 200)
    assert isinstance(first.body["expires_in"], str)
    assert (await gate.post(message(), token=first.body["access_token"])).status == 200
    assert (again.status, again.code) == (401, "err.request.unauthorized")


@pytest.mark.parametrize(
    "change",
    [
        {"exp": 1_000_000_000},
        {"exp": 32_000_000_000},
        {"exp": None},
        {"jti": None},
        {"jti": 5},
        {"aud": "https://other.example.org"},
        {"aud": None},
        {"iss": "off"},
        {"iss": None},
        {"sub": "nobody"},
        {"sub": None},
        {"nbf": 32_000_000_000},
        {"key": new_key("ES256")},
        {"kid": "unknown"},
        {"kid": None},
        {"key": "x" * 32, "algorithm": "HS256"},
        {"key": RAW_ED, "algorithm": "HS256", "kid": kid(ED)},
        {"key": None, "algorithm": "none"},
        {"client_id": "secret-only"},
    ],
    # By what is wrong, and never by a key that is another one in every process.
    ids=lambda change: "-".join(
        f"{name} {type(value).__name__ if name in {'key', 'kid'} else value}" for name, value in change.items()
    ),
)
async def test_an_assertion_that_proves_nothing_earns_nothing(gate, change):
    """TRUST-TOK-02: ended, too long, made for another, by another key or algorithm, or of a client that has a secret."""
    said = await gate.token_request(**assertion(**change))

    assert (said.status, said.code) == (401, "err.request.unauthorized")


async def test_a_token_is_good_for_its_scopes(gate):
    """TRUST-TOK-03: those that were asked for, written either way, and none that the client may not have."""
    asked = (await gate.token_request(**assertion(), scope="registry/sync/search registry.nonsense")).body
    assert asked["scope"] == "registry.sync.search"
    assert (await gate.post(message(), token=asked["access_token"])).status == 200
    refused = await gate.post(message(), "search", token=asked["access_token"])
    assert (refused.status, refused.code) == (403, "err.request.forbidden")

    narrow = await gate.post(message(NARROW), token=gate.token(NARROW))
    assert (narrow.status, narrow.code) == (403, "err.request.forbidden")
    none = await gate.token_request(**assertion("narrow"), scope="registry.sync.search")
    assert (none.status, none.code) == (400, "err.request.bad")


async def test_the_plain_form_takes_the_same_scope(gate):
    """TRUST-TOK-04: no way around it."""
    headers = {"Authorization": f"Bearer {gate.token(NARROW)}", "Content-Type": "application/json"}
    async with gate.client.post("/v1/households/lookup", data=b"{}", headers=headers) as response:
        assert response.status == 403


def foreign(key: Any = ED, algorithm: str = "EdDSA", **changes: Any) -> str:
    """An access token of the other issuer."""
    head = {"kid": changes.pop("kid", kid(ED))}
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "client_id": "foreign",
        "exp": 32_000_000_000,
        "scope": "registry/sync/search",
        "jti": secrets.token_hex(4),
    } | changes
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm=algorithm, headers=head)


async def test_another_issuers_token_speaks_for_who_names_it(gate):
    """TRUST-TOK-05: by configuration."""
    body = message(consumer("foreign"))

    assert (await gate.post(body, token=foreign())).status == 200


@pytest.mark.parametrize(
    ("token", "status"),
    [
        (lambda: foreign(iss="https://other.example.org"), 401),
        (lambda: foreign(aud="somebody-else"), 401),
        (lambda: foreign(aud=None), 401),
        (lambda: foreign(client_id="uct"), 401),
        (lambda: foreign(client_id=None), 401),
        (lambda: foreign(exp=1_000_000_000), 401),
        (lambda: foreign(exp=None), 401),
        (lambda: foreign(STRANGER), 401),
        (lambda: foreign(STRANGER, kid="unknown"), 401),
        (lambda: foreign(RAW_ED, "HS256"), 401),
        (lambda: foreign(None, "none"), 401),
        (lambda: foreign(iss=BASE), 401),
        (lambda: foreign(scope="registry.search"), 403),
        (lambda: foreign(scope=None), 403),
    ],
)
async def test_any_other_foreign_token_is_worth_nothing(gate, token, status):
    """TRUST-TOK-06: of another issuer, audience, client or key; and a scope that is missing."""
    assert (await gate.post(message(consumer("foreign")), token=token())).status == status


# -- keys that change


async def test_a_consumer_rotates_its_keys(gate, published):
    """TRUST-KEY-01: an unknown id is fetched, a key that is gone counts for nothing, an outage changes nothing."""
    said, _ = published
    who, new = consumer("rotating"), new_key("ed25519")
    token = gate.token(who)
    assert (await gate.post(signed(message(who)), token=token)).status == 200

    said.keys[:] = [public_jwk(new.public_key())]
    assert (await gate.post(signed(message(who), new), token=token)).status == 200
    assert (await gate.post(signed(message(who)), token=token)).code == "err.signature.invalid"
    said.keys.clear()
    assert (await gate.post(signed(message(who), new), token=token)).status == 200
    said.keys[:] = [public_jwk(ED.public_key())]


async def test_a_rotated_key_of_ours_counts_until_it_is_retired(gate):
    """TRUST-KEY-02: published meanwhile; tokens by it hold until then; new ones and answers are by the new one."""
    keys, ring = gate.gateway.keys, gate.gateway.keys._ring
    assert ring is not None
    before, old = keys.signing_id, gate.token()
    ring.rotate("ed25519", datetime.now(UTC), overlap_s=600)
    keys.refresh(datetime.now(UTC))
    new = gate.token()
    assert {before, keys.signing_id} <= {one["kid"] for one in await gate.keys()}
    assert before != keys.signing_id
    answer = await gate.post(message(), token=old)
    assert answer.status == 200
    assert keys.signing_id in answer.body["signature"]

    ring.retire(before, datetime.now(UTC))
    keys.refresh(datetime.now(UTC))
    assert before not in {one["kid"] for one in await gate.keys()}
    assert (await gate.post(message(), token=old)).status == 401
    assert (await gate.post(message(), token=new)).status == 200
    assert before in keys.recorded


# -- limits


@pytest.mark.parametrize("to", [SEALED, SEALED_ALWAYS])
async def test_who_has_to_encrypt_cannot_ask_in_the_plain_form(gate, to):
    """TRUST-ENC-07: no way around it."""
    headers = {"Authorization": f"Bearer {gate.token(to)}", "Content-Type": "application/json"}
    async with gate.client.post("/v1/households/lookup", data=b"{}", headers=headers) as response:
        assert response.status == 400
        assert b"err.encryption.invalid" in await response.read()


async def test_who_asks_too_often_has_to_wait(gate):
    """TRUST-LIM-01: 429 with Retry-After; nobody else is held up."""
    token = gate.token(FEW)
    said = [await gate.post(message(FEW), token=token) for _ in range(3)]

    assert [one.status for one in said] == [200, 200, 429]
    assert said[2].code == "err.request.too_many_requests"
    assert 1 <= int(said[2].headers["Retry-After"]) <= 61
    assert (await gate.post(message())).status == 200

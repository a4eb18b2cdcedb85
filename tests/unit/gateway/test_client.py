"""The consumers' client: what it sends, what it believes, and what it says when it is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.client import Credentials, HearthClient, RefusedError, UnreachableError, ask_sandbox
from gateway.keys import new_signing_key, write_private
from standards.dci.codes import ResponseEntity
from standards.dci.search import SearchItem
from standards.dci.validate import Leniency, read_search
from standards.errors import SignatureInvalidError
from standards.identifiers import Identifier
from standards.signing import public_jwk, sign, verify
from tests.builders import ASHA, JUMA, uin

BASE = "http://gateway.test"
THEIRS = Ed25519PrivateKey.from_private_bytes(bytes(32))
OURS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CREDENTIALS = Credentials("uct", "a secret", "uct.programmes.pv", OURS)
ANSWER = {
    "header": {"action": "on-search", "sender_id": "hearth", "status": "succ"},
    "message": {"search_response": []},
}


def signed(answer: dict[str, Any], key: Ed25519PrivateKey = THEIRS) -> dict[str, Any]:
    """An answer with the gateway's signature."""
    key_id = public_jwk(key.public_key())["kid"]
    return {"signature": sign(answer, key, sender_id="hearth", key_id=key_id, now=datetime.now(UTC)), **answer}


def keys(*published: Ed25519PrivateKey) -> httpx.Response:
    """The gateway's page of keys."""
    return httpx.Response(200, json={"keys": [public_jwk(key.public_key()) for key in published]})


def refusal(status: int, code: str = "err.request.unauthorized", message: str = "no") -> httpx.Response:
    """An error in the standard's form."""
    return httpx.Response(status, json={"errors": [{"code": code, "message": message}]})


class Gateway:
    """What a gateway answers; every address may be given other answers."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.token = router.post("/oauth2/client/token")
        self.token.respond(json={"access_token": "t-1", "expires_in": "3600"})
        self.search = router.post("/registry/sync/search")
        self.search.respond(json=signed(ANSWER))
        self.jwks = router.get("/.well-known/jwks.json")
        self.jwks.mock(return_value=keys(THEIRS))

    def sent(self, number: int = -1) -> dict[str, Any]:
        """A message as it arrived."""
        return dict(orjson.loads(self.search.calls[number].request.content))


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway that answers without a network."""
    with respx.mock(base_url=BASE, assert_all_called=False) as router:
        yield Gateway(router)


@pytest.fixture
def client(gateway) -> Iterator[HearthClient]:
    """A client of it."""
    with HearthClient(BASE, CREDENTIALS) as made:
        yield made


def test_a_question_is_a_message_that_the_gateway_can_read(gateway, client):
    """Whole, one item for each subject, and signed by the programme."""
    client.ask([uin(ASHA), uin(JUMA)], purpose="eligibility", attributes=["given_name"], explain=True)
    sent = gateway.sent()
    message = read_search(sent, now=datetime.now(UTC), leniency=Leniency())

    first, second = message.items
    assert isinstance(first, SearchItem)
    assert isinstance(second, SearchItem)
    assert (first.purpose, first.explain) == ("eligibility", True)
    assert first.attributes == frozenset({"given_name"})
    assert first.response_entity is ResponseEntity.GROUP
    assert first.reference_id != second.reference_id
    key_id = public_jwk(OURS.public_key())["kid"]
    assert verify(sent, {key_id: OURS.public_key()}, now=datetime.now(UTC)).sender_id == "uct.programmes.pv"


def test_a_question_about_one_person_says_so(gateway, client):
    """And asks for everything agreed unless attributes are named."""
    client.ask([Identifier("MEMBER_ID", "SM0000001")], purpose="eligibility", entity=ResponseEntity.MEMBER)
    (item,) = read_search(gateway.sent(), now=datetime.now(UTC), leniency=Leniency()).items

    assert isinstance(item, SearchItem)
    assert (item.response_entity, item.attributes, item.explain) == (ResponseEntity.MEMBER, None, False)


def test_without_a_key_nothing_is_signed(gateway):
    """The gateway decides whether that will do."""
    with HearthClient(BASE, CREDENTIALS._replace(signing_key=None)) as client:
        client.ask([uin(ASHA)], purpose="eligibility")

    assert "signature" not in gateway.sent()


def test_one_token_serves_many_questions(gateway, client):
    """It is asked for once, with the secret in the form and nowhere else."""
    for _ in range(3):
        client.ask([uin(ASHA)], purpose="eligibility")

    assert gateway.token.call_count == 1
    form = httpx.QueryParams(gateway.token.calls[0].request.content.decode())
    assert dict(form) == {"grant_type": "client_credentials", "client_id": "uct", "client_secret": "a secret"}
    assert {c.request.headers["Authorization"] for c in gateway.search.calls} == {"Bearer t-1"}


def test_a_token_that_has_ended_is_renewed_once(gateway, client):
    """And the question asked again."""
    gateway.token.side_effect = [httpx.Response(200, json={"access_token": t}) for t in ("old", "new")]
    gateway.search.side_effect = [refusal(401), httpx.Response(200, json=signed(ANSWER))]

    assert client.ask([uin(ASHA)], purpose="eligibility")["header"]["status"] == "succ"
    assert gateway.search.calls[1].request.headers["Authorization"] == "Bearer new"


def test_a_gateway_that_takes_no_token_is_not_asked_for_ever(gateway, client):
    """One renewal, then its refusal is told."""
    gateway.search.mock(return_value=refusal(401))

    with pytest.raises(RefusedError, match="401"):
        client.ask([uin(ASHA)], purpose="eligibility")
    assert gateway.search.call_count == 2


def test_a_refused_signature_is_no_reason_for_another_token(gateway, client):
    """It would be refused again."""
    gateway.search.mock(return_value=refusal(401, "err.signature.invalid"))

    with pytest.raises(RefusedError):
        client.ask([uin(ASHA)], purpose="eligibility")
    assert (gateway.token.call_count, gateway.search.call_count) == (1, 1)


def test_an_answer_is_verified_with_the_published_keys(gateway, client):
    """Which are fetched when they are first needed, and then known."""
    for _ in range(2):
        client.ask([uin(ASHA)], purpose="eligibility")

    assert gateway.jwks.call_count == 1


def test_a_key_published_since_is_found(gateway, client):
    """The gateway may change its key."""
    client.ask([uin(ASHA)], purpose="eligibility")
    gateway.search.mock(return_value=httpx.Response(200, json=signed(ANSWER, OURS)))
    gateway.jwks.mock(return_value=keys(THEIRS, OURS))

    assert client.ask([uin(ASHA)], purpose="eligibility")["header"]["status"] == "succ"


@pytest.mark.parametrize(
    "answer",
    [
        signed(ANSWER, OURS),
        {**signed(ANSWER), "message": {"search_response": [{"status": "succ"}]}},
        {**signed(ANSWER), "signature": "Signature: none"},
    ],
    ids=["of another key", "changed on the way", "no signature at all"],
)
def test_an_answer_that_does_not_verify_is_not_given(gateway, client, answer):
    """Whatever it says."""
    gateway.search.mock(return_value=httpx.Response(200, json=answer))

    with pytest.raises(SignatureInvalidError):
        client.ask([uin(ASHA)], purpose="eligibility")


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (refusal(403, "err.request.forbidden", "not yours"), "403 err.request.forbidden: not yours"),
        (httpx.Response(502, text="<html>"), "502"),
        (httpx.Response(200, text="half of it"), "no whole answer"),
        (httpx.Response(200, json=["no object"]), "no whole answer"),
        (httpx.Response(500, json={"errors": "odd"}), "500"),
    ],
)
def test_a_refusal_is_told_with_status_and_code(gateway, client, response, words):
    """And whatever is no whole answer is one, too."""
    gateway.search.mock(return_value=response)

    with pytest.raises(RefusedError, match=words):
        client.ask([uin(ASHA)], purpose="eligibility")


def test_a_gateway_that_cannot_be_reached_is_named(gateway, client):
    """By its address, and by what went wrong."""
    gateway.token.side_effect = httpx.ConnectError("refused")

    with pytest.raises(UnreachableError, match=r"gateway\.test.*ConnectError"):
        client.ask([uin(ASHA)], purpose="eligibility")


def test_credentials_are_read_from_a_sandbox_file_and_not_shown(tmp_path):
    """With the signing key, if one is named."""
    write_private(tmp_path / "uct.pem", new_signing_key())
    stated = {"client_id": "uct", "client_secret": "planted", "sender_id": "uct.programmes.pv"}
    signing = Credentials.from_sandbox(stated | {"signing_key": str(tmp_path / "uct.pem")})

    assert signing.signing_key is not None
    assert Credentials.from_sandbox(stated).signing_key is None
    assert "planted" not in repr(signing)


def test_a_sandbox_is_asked_as_one_of_its_programmes(gateway):
    """For its first purpose, if none is named."""
    programme = {
        "client_id": "uct",
        "client_secret": "s",
        "sender_id": "uct.programmes.pv",
        "purposes": ["eligibility"],
    }
    content = {"gateway": BASE, "consumers": {"uct": programme}}

    ask_sandbox(content, "uct", uin(ASHA), person=True)

    criteria = gateway.sent()["message"]["search_request"][0]["search_criteria"]
    assert criteria["consent"]["purpose"] == {"code": "eligibility"}
    assert criteria["response_entity"] == "Member"

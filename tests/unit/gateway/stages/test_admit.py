"""Who asks, and whether the message is whole, signed and theirs."""

from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.keys import public_pem
from gateway.settings import Consumer, Messages, Tokens, Trust
from gateway.stages.admit import DEEPEST, Admission, parsed
from gateway.tokens import TokenOffice
from gateway.trust.signers import Signers
from standards.dci.codes import Action
from standards.dci.search import IdQuery, RejectedItem, SearchItem
from standards.errors import (
    AccessDeniedError,
    ConfigurationError,
    MalformedMessageError,
    RequestError,
    SignatureInvalidError,
    UnauthenticatedError,
)
from standards.json_bodies import MOST_VALUES
from standards.signing import public_jwk, sign
from tests.builders import CATALOGUE, KEYS
from tests.unit.standards.dci.messages import NOW, question, request

THEIR_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY_ID = public_jwk(THEIR_KEY.public_key())["kid"]
UCT = Consumer(
    client_id="uct",
    sender_id="spmis.example.org",
    placeholders=("Signature: to be filled",),
    public_key=public_pem(THEIR_KEY),
)
TOKENS = TokenOffice(KEYS, [UCT], Tokens(), "https://gateway.example.org")


def admission(**changes: Any) -> Admission:
    """The room for one gateway, whose sender id is that of the example messages."""
    receivers = changes.pop("receiver_ids", frozenset({"gateway.example.org"}))
    return Admission(TOKENS, Messages(**changes), CATALOGUE, Signers([UCT], Trust()), receivers)


def admit(message: object, consumer: Consumer = UCT, **changes: Any):
    """Admit a message."""
    office = admission(**changes)
    return office.questions(office.open(consumer, orjson.dumps(message), Action.SEARCH, NOW))


def signed(message: dict[str, Any], key: Ed25519PrivateKey = THEIR_KEY) -> dict[str, Any]:
    """The message with their signature."""
    return {"signature": sign(message, key, sender_id="spmis.example.org", key_id=KEY_ID, now=NOW), **message}


def test_a_whole_message_is_admitted():
    """Typed, with its questions."""
    message = admit(request())

    assert message.transaction_id == "t-1"
    (item,) = message.items
    assert isinstance(item, SearchItem)
    assert isinstance(item.query, IdQuery)


def test_a_fault_of_one_question_leaves_the_others():
    """It is told where that question is answered."""
    wrong, right = admit(request(question("a", query_type="nonsense"), question("b"))).items

    assert isinstance(wrong, RejectedItem)
    assert isinstance(right, SearchItem)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"header": nan}'])
def test_what_is_no_json_is_refused_without_quoting_it(body):
    """The place is told, not the text."""
    with pytest.raises(MalformedMessageError, match="line 1, column") as caught:
        parsed(body)

    assert caught.value.__cause__ is None


def test_what_holds_too_many_values_is_refused_unread():
    """Two megabytes of them would hold up everybody else for half a second."""
    with pytest.raises(MalformedMessageError, match=f"more than {MOST_VALUES} values"):
        parsed(b"[" + b",".join([b"[]"] * (MOST_VALUES // 2 + 1)) + b"]")


@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_message_is_read_as_deep_as_is_said(begin, end):
    """And not one deeper, whatever stands beside it."""
    assert parsed(begin * DEEPEST + b"1" + end * DEEPEST)
    for beside in (b"", b", [], {}"):
        with pytest.raises(MalformedMessageError, match=f"at most {DEEPEST} deep"):
            parsed(b"[" + begin * DEEPEST + b"1" + end * DEEPEST + beside + b"]")


@pytest.mark.parametrize("message", [[], {}, "x", None, {"header": {}}, request(version="9")])
def test_what_is_no_message_is_refused(message):
    """With a code of the standard."""
    with pytest.raises(RequestError):
        admit(message)


def test_nobody_sends_in_another_s_name():
    """The token decides who asks; its name at the token endpoint will do as well."""
    with pytest.raises(AccessDeniedError, match="sender_id"):
        admit(request(sender_id="other.example.org"))

    assert admit(request(sender_id="uct")).items


@pytest.mark.parametrize(
    ("receiver", "known", "is_admitted"),
    [
        ("gateway.example.org", {"gateway.example.org"}, True),
        (None, {"gateway.example.org"}, True),
        ("other", {"gateway.example.org"}, False),
        ("other", {"gateway.example.org", "other"}, True),
        ("other", {"*"}, True),
    ],
)
def test_a_message_to_another_system_is_refused(receiver, known, is_admitted):
    """Unless the gateway answers to that name, or to every name."""
    if is_admitted:
        assert admit(request(receiver_id=receiver), receiver_ids=frozenset(known)).items
        return
    with pytest.raises(MalformedMessageError) as caught:
        admit(request(receiver_id=receiver), receiver_ids=frozenset(known))
    assert caught.value.reason_code == "err.receiver_id.invalid"


def test_a_signature_that_is_there_must_hold():
    """Also where none is demanded."""
    assert admit(signed(request())).items
    with pytest.raises(SignatureInvalidError):
        admit(signed(request(), Ed25519PrivateKey.generate()))
    with pytest.raises(SignatureInvalidError):
        admit({**signed(request()), "message": request(question("other"))["message"]})


def test_a_consumer_that_must_sign_has_to():
    """A text that stands in for a signature counts as none."""
    strict = UCT.model_copy(update={"signature": "required"})
    placeholder = {"signature": "Signature: to be filled in", **request()}

    assert admit(signed(request()), strict).items
    for unsigned in (request(), placeholder):
        with pytest.raises(SignatureInvalidError) as caught:
            admit(unsigned, strict)
        assert caught.value.reason_code == "err.signature.missing"


def test_a_placeholder_passes_where_no_signature_is_due():
    """Only the one registered for that consumer."""
    assert admit({"signature": "Signature: to be filled in", **request()}).items
    with pytest.raises(SignatureInvalidError):
        admit({"signature": "anything", **request()})


def test_signatures_may_be_switched_off_for_a_consumer():
    """Then they are not looked at."""
    assert admit({"signature": "anything", **request()}, UCT.model_copy(update={"signature": "off"})).items


def test_limits_are_the_settings():
    """One question more than allowed is refused as the standard says."""
    with pytest.raises(RequestError) as caught:
        admit(request(question("a"), question("b")), max_items=1)
    assert caught.value.reason_code == "rjct.total_count.limit_exceeded"


@pytest.mark.parametrize("header", ["", "Basic dTpw", "Bearer", "Bearer   ", "Bearer not.a.token"])
def test_without_a_valid_token_nobody_is_known(header):
    """Whatever else stands in the header."""
    with pytest.raises(UnauthenticatedError):
        admission().consumer_of(header)


def test_a_default_registry_type_must_exist():
    """Found at start."""
    with pytest.raises(ConfigurationError, match="default_reg_type"):
        admission(default_reg_type="ns:org:RegistryType:Nothing Of That Kind!")

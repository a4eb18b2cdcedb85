"""What a programme's messages say: read back by the gateway's own reading."""

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.kit import messages
from gateway.kit.messages import Credentials
from standards.dci.codes import Action, RecordType, RegType, ResponseEntity
from standards.dci.search import FilterQuery, IdQuery, Page, SearchItem
from standards.dci.validate import Leniency, read_search
from standards.identifiers import Identifier
from standards.signing import Form, public_jwk, verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WHO = Credentials("uct", "a secret", "uct.programmes.pv", KEY)
SUBJECT = Identifier("UIN", "2904417738")


def read(item: dict[str, object]) -> SearchItem:
    """One question as the gateway reads it."""
    message = messages.enveloped(Action.SEARCH, messages.search([item]), WHO)
    (found,) = read_search(message, now=datetime.now(UTC), leniency=Leniency()).items
    assert isinstance(found, SearchItem), found
    return found


def test_a_question_by_number_says_everything_that_is_wanted():
    """Attributes, plan, past day and page arrive."""
    item = read(
        messages.by_number(
            SUBJECT, "eligibility", attributes=["age"], explain=True, as_of=date(2026, 1, 31), page=(5, 2)
        )
    )

    assert item.query == IdQuery(SUBJECT)
    assert (item.purpose, item.attributes, item.explain) == ("eligibility", frozenset({"age"}), True)
    assert (item.as_of, item.page) == (date(2026, 1, 31), Page(5, 2))
    assert (item.reg_type, item.response_entity) == (RegType.SOCIAL, ResponseEntity.GROUP)


@pytest.mark.parametrize(
    ("reg_type", "record_type"),
    [
        (RegType.CIVIL, RecordType.PERSON),
        (RegType.DISABILITY, RecordType.DISABLED_PERSON),
        (RegType.FARMER, RecordType.FARMER),
        (RegType.BENEFICIARY, RecordType.BENEFICIARY),
    ],
)
def test_one_registry_is_asked_for_its_own_records(reg_type, record_type):
    """The record type need not be said."""
    item = read(messages.by_number(SUBJECT, "eligibility", reg_type=reg_type))

    assert (item.reg_type, item.reg_record_type) == (reg_type, record_type)


def test_a_search_is_a_predicate_or_an_expression():
    """Both forms are read as the same filter."""
    clause = {"attribute_name": "region_code", "operator": "eq", "attribute_value": "R1"}
    by_predicate = read(messages.by_predicate([{"seq_num": 1, "expression1": clause}], "eligibility"))
    by_expression = read(messages.by_expression({"region_code": {"$eq": "R1"}}, "eligibility"))

    assert isinstance(by_predicate.query, FilterQuery)
    assert by_predicate.query == by_expression.query


@pytest.mark.parametrize("form", list(Form))
def test_messages_are_signed_in_the_form_that_was_chosen(form):
    """Each verifies with the published key."""
    message = messages.enveloped(Action.TXN_STATUS, messages.status("c-1"), WHO._replace(form=form))
    key_id = public_jwk(KEY.public_key())["kid"]

    assert verify(message, {key_id: KEY.public_key()}, now=datetime.now(UTC)).form is form


def test_a_key_stands_in_for_the_secret():
    """An assertion for this token endpoint, of a minute, never the same twice; and no secret beside it."""
    key = generate_private_key(SECP256R1())
    form = WHO._replace(assertion_key=key).token_form("https://gateway.test/oauth2/client/token")
    claims = jwt.decode(
        form["client_assertion"],
        key.public_key(),
        algorithms=["ES256"],
        audience="https://gateway.test/oauth2/client/token",
    )

    assert dict(parse_qsl(urlencode(form)))["client_assertion_type"] == messages.ASSERTION_TYPE
    assert "client_secret" not in form
    assert (claims["iss"], claims["sub"], claims["exp"] - claims["iat"]) == ("uct", "uct", 60)
    other = WHO._replace(assertion_key=key).token_form("https://gateway.test/oauth2/client/token")
    assert other["client_assertion"] != form["client_assertion"]


def test_credentials_show_no_secret():
    """Neither in logs nor in errors."""
    assert "secret" not in repr(WHO)

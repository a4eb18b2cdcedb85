"""Signed receipts: the fields of the standard, and files that prove themselves."""

import base64
import json
from datetime import UTC, date, datetime

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policies.ledger import MemoryLedger
from policies.receipts import Capacity, Channel, Consent, Decision, Presence, Pseudonyms
from policies.signed import Signer, fields_of, is_of, keys_of, read_signed, read_unverified, verify_pack
from standards.errors import ConfigurationError
from standards.identifiers import identifier
from standards.signing import public_jwk

KEY = b"a key of thirty-two bytes or so.."
SIGNING = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)
ASHA, NEEMA = identifier("UIN", "1000000001"), identifier("UIN", "1000000003")
JWKS = orjson.dumps({"keys": [public_jwk(SIGNING.public_key())]})
KEYS = keys_of(JWKS)

GRANT = Consent(
    subject=NEEMA,
    purpose="eligibility",
    decision=Decision.GRANTED,
    given_by=ASHA,
    given_on=date(2026, 9, 30),
    sources=frozenset({"tax", "land"}),
    until=date(2027, 9, 30),
    consumer_id="uct",
    groups=frozenset({"income"}),
    capacity=Capacity.GUARDIAN,
    relation="PRN",
    majority_on=date(2032, 6, 1),
    channel=Channel.OFFICE,
    attested_by="office:Juma Bakari",
    presence=Presence.ID_CARD,
    reference="ID-778899",
    notice="https://uct.example.pv/privacy/3",
    language="swa",
    given_at=NOW,
)


async def pack_of(*consents):
    """A file of these decisions."""
    ledger = MemoryLedger(KEY, SIGNING)
    for consent in consents:
        await ledger.record(consent)
    signed = await ledger.signed({"UIN": NEEMA.value})
    return ledger.signer.pack(signed, "https://gateway.example.pv", NOW)


async def test_a_receipt_says_under_the_standard_s_names_what_was_decided():
    """Who, what for, which registries and groups, from when until when, and how it was seen."""
    (receipt,) = verify_pack(orjson.dumps(await pack_of(GRANT)), KEYS).receipts

    (purpose,) = receipt["pii_processing"]["purposes"]
    assert purpose["purpose"] == "eligibility"
    assert purpose["pii_information"] == {"sources": ["land", "tax"], "attribute_groups": ["income"]}
    assert purpose["pii_controllers"] == ["uct"]
    assert receipt["pii_processing"]["privacy_notice"] == GRANT.notice
    assert receipt["event"]["event_state"] == "given"
    assert (receipt["event"]["valid_from"], receipt["event"]["valid_until"]) == ("2026-09-30", "2027-09-30")
    assert (receipt["event"]["majority_on"], receipt["event"]["relation"]) == ("2032-06-01", "PRN")
    assert receipt["event"]["relation_evidence"] == "attested by office"
    assert [party["party_role"] for party in receipt["party_identification"]] == ["guardian", "office"]
    assert receipt["party_identification"][1]["evidence_of_presence"] == "id_card"


async def test_a_receipt_names_nobody_in_clear():
    """Neither the person nor the guardian, the officer or the number of the paper."""
    text = json.dumps([read_unverified(one) for one in (await pack_of(GRANT))["receipts"]])

    for secret in (NEEMA.value, ASHA.value, "Juma", "778899", "2014"):
        assert secret not in text


async def test_a_withdrawal_stands_beside_the_grant_that_it_takes_back():
    """Both are signed records; the history is whole."""
    ledger = MemoryLedger(KEY, SIGNING)
    granted = await ledger.record(GRANT)
    await ledger.record(GRANT._replace(decision=Decision.WITHDRAWN, until=None, withdraws=granted))
    pack = ledger.signer.pack(await ledger.signed({"UIN": NEEMA.value}), "", NOW)

    states = [r["event"]["event_state"] for r in verify_pack(orjson.dumps(pack), KEYS).receipts]
    assert states == ["given", "withdrawn"]


@pytest.mark.parametrize(
    "changes",
    [
        {"decision": Decision.REFUSED}, {"sources": None}, {"groups": None}, {"given_by": "0" * 64},
        {"giver_type": "TIN"}, {"capacity": Capacity.SELF}, {"relation": "OTH"}, {"majority_on": None},
        {"consumer_id": None}, {"purpose": "audit"}, {"until": None}, {"person": "0" * 64}, {"withdraws": "cr-1"},
        {"given_on": GRANT.given_on.replace(day=1)}, {"receipt_id": "cr-1"},
    ],
)  # fmt: skip
def test_a_row_that_says_anything_else_is_not_what_was_signed(changes):
    """Everything that a question is decided by is in the record."""
    pseudonyms = Pseudonyms(KEY)
    receipt = pseudonyms.receipt(GRANT, "salt")
    told = fields_of(receipt, GRANT, pseudonyms)

    assert is_of(receipt, told)
    assert not is_of(receipt._replace(**changes), told)


@pytest.mark.parametrize("change", ["drop", "drop last", "swap", "repeat", "edit", "proof", "add"])
async def test_a_file_that_was_changed_is_refused(change):
    """Whatever was changed: one receipt, their number, their order, the proof."""
    pack = await pack_of(GRANT, GRANT._replace(decision=Decision.REFUSED, until=None), GRANT)
    other = await pack_of(GRANT._replace(purpose="audit"))
    receipts = pack["receipts"]
    if change == "drop":
        del receipts[0]
    elif change == "drop last":
        del receipts[-1]
    elif change == "swap":
        receipts[0], receipts[1] = receipts[1], receipts[0]
    elif change == "repeat":
        receipts.append(receipts[0])
    elif change == "edit":
        header, payload, signature = receipts[0].split(".")
        told = orjson.loads(base64.urlsafe_b64decode(payload + "=="))
        told["event"]["event_state"] = "refused"
        receipts[0] = ".".join([header, base64.urlsafe_b64encode(orjson.dumps(told)).decode().rstrip("="), signature])
    elif change == "proof":
        pack["proof"] = other["proof"]
    else:
        receipts.append(other["receipts"][0])

    with pytest.raises(ConfigurationError):
        verify_pack(orjson.dumps(pack), KEYS)


async def test_every_byte_of_a_signed_receipt_counts():
    """One flipped character anywhere fails."""
    (signed,) = (await pack_of(GRANT))["receipts"]
    for place in range(0, len(signed), 7):
        flipped = signed[:place] + ("A" if signed[place] != "A" else "B") + signed[place + 1 :]
        with pytest.raises(ConfigurationError):
            read_signed(flipped, KEYS)


async def test_another_key_and_another_kind_of_signature_are_refused():
    """A receipt is no proof of a file, and what somebody else signed is nothing."""
    pack = await pack_of(GRANT)
    stranger = keys_of(orjson.dumps({"keys": [public_jwk(Ed25519PrivateKey.generate().public_key())]}))

    with pytest.raises(ConfigurationError, match="not among those given"):
        verify_pack(orjson.dumps(pack), stranger)
    with pytest.raises(ConfigurationError, match="not a consent-pack"):
        verify_pack(orjson.dumps(pack | {"proof": pack["receipts"][0]}), KEYS)
    none = Signer(SIGNING).sign({"receipts": []}).split(".")
    header = base64.urlsafe_b64encode(
        orjson.dumps({"alg": "none", "typ": "consent-receipt+jws", "kid": next(iter(KEYS))})
    ).decode()
    with pytest.raises(ConfigurationError, match="does not hold"):
        read_signed(f"{header.rstrip('=')}.{none[1]}.", KEYS)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": "other", "receipts": [], "proof": ""}', b"\xff"])
def test_something_else_is_not_a_file_of_receipts(content):
    """And is said to be none."""
    with pytest.raises(ConfigurationError, match="not a file of consent receipts"):
        verify_pack(content, KEYS)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "RSA"}]}', b'{"keys": [1]}'])
def test_keys_must_be_keys(content):
    """Otherwise nothing could be verified, and nobody would notice."""
    with pytest.raises(ConfigurationError):
        keys_of(content)

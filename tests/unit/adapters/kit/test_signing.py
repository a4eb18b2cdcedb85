"""The owner's signature beside a manifest: over every byte of it, and believed under a key from elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.kit.signing import SIGNATURE, signature_finding, signed
from tests.unit.adapters.builders import manifest_of
from tests.unit.adapters.generic.soap.manifests import REQUEST, manifest, options, wsdl

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
CRVS = manifest_of("crvs")
TEXT = b"the file as it lies there"


def finding(*about):
    """Return what is found of a signature that is there or is wanted."""
    found = signature_finding(*about)
    assert found is not None
    return found


@pytest.fixture
def beside(tmp_path):
    """Return the signature of a manifest."""
    path = tmp_path / SIGNATURE
    path.write_bytes(signed(CRVS, TEXT, "Civil Registration Office", KEY, datetime(2026, 11, 20, tzinfo=UTC)))
    return path


def test_a_signature_holds_under_the_key_of_who_signed(beside):
    """And says who, and when."""
    found = finding(beside, CRVS, TEXT, KEY.public_key())

    assert (found.is_good, found.text) == (True, "by Civil Registration Office, 2026-11-20")


@pytest.mark.parametrize(
    ("content", "manifest", "key"),
    [
        (TEXT + b" ", CRVS, KEY),
        (TEXT, CRVS.model_copy(update={"version": "9.9"}), KEY),
        (TEXT, CRVS, OTHER),
    ],
    ids=["a byte more", "another version", "another key"],
)
def test_whatever_differs_is_told(beside, content, manifest, key):
    """One byte, the version, or who signed."""
    assert finding(beside, manifest, content, key.public_key()).is_good is False


def test_a_changed_document_beside_the_manifest_is_told(tmp_path):
    """A WSDL decides what a SOAP registry is asked and how it is read, as the manifest itself does."""
    path, soap = tmp_path / SIGNATURE, manifest(options())
    path.write_bytes(signed(soap, TEXT, "Tax Authority", KEY, datetime(2026, 11, 20, tzinfo=UTC)))
    assert finding(path, soap, TEXT, KEY.public_key()).is_good

    other = manifest(options(wsdl(request=REQUEST.replace("x:string", "x:token"))))
    assert finding(path, other, TEXT, KEY.public_key()).text == "the manifest is not the one that was signed"


def test_a_changed_signature_does_not_hold(beside):
    """Also when only the name in it is another one."""
    beside.write_bytes(beside.read_bytes().replace(b"Civil Registration Office", b"Somebody else"))

    assert finding(beside, CRVS, TEXT, KEY.public_key()).is_good is False


def test_without_a_key_nothing_is_believed(beside, tmp_path):
    """That it is about this file can be told, and no more; no signature is a defect only for who wants one."""
    assert finding(beside, CRVS, TEXT, None).is_good is None
    assert signature_finding(tmp_path / "none", CRVS, TEXT, None) is None
    assert finding(tmp_path / "none", CRVS, TEXT, KEY.public_key()).is_good is False
    beside.write_text("{}", encoding="utf-8")
    assert finding(beside, CRVS, TEXT, None).is_good is False

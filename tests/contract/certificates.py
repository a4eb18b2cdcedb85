"""Certificates for tests: authorities, and what they vouch for."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


class Authority:
    """An authority, and the pairs of certificate and key that it gives out, all as PEM text."""

    def __init__(self, name):
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _named(name)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = _builder(self._name, self._name, self._key).add_extension(constraints, critical=True)
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        signed = self._certificate.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        self.pem = signed.public_bytes(Encoding.PEM).decode()

    def pair(self, name, *, address="127.0.0.1", days=7, password=None):
        """Return a certificate for a name, at an address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = _builder(_named(name), self._name, key, days).add_extension(names, critical=False)
        hidden = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        certificate = builder.sign(self._key, hashes.SHA256())
        return (
            certificate.public_bytes(Encoding.PEM).decode(),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden).decode(),
        )


def server_context(folder, pair, clients=None):
    """Return the context of a server; with an authority for clients, it wants their certificates."""
    for name, text in zip(("server.pem", "server.key"), pair, strict=True):
        (folder / name).write_text(text)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=clients.pem if clients else None)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(subject, issuer, key, days=7):
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
    )

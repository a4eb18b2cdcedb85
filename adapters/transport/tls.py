"""TLS contexts: what the gateway shows a registry, and whom it lets vouch for it."""

from __future__ import annotations

import os
import re
import ssl
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Final

from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.transport.connection import Tls

    Resolve = Callable[[str], str]

_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,60})-----\s[ -~\s]*?-----END \1-----")
_NOT_HELD: Final = {
    9: "is not valid yet",
    10: "has expired",
    18: "is of an authority that is not trusted here",
    19: "is of an authority that is not trusted here",
    20: "is of an authority that is not trusted here",
    21: "is of an authority that is not trusted here",
    23: "was revoked",
    62: "is for another name",
    64: "is for another address",
}
"""Codes of OpenSSL's verification -> what is wrong with a certificate."""
_ABOUT_OURS: Final = re.compile(r"_ALERT_\w*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)")


def context(source_id: str, tls: Tls, resolve: Resolve) -> ssl.SSLContext:
    """Return the context of one registry's connections; names and validity are always checked.

    resolve: returns what a reference stands for: PEM text, or the path of a file with it.
    Raises: ConfigurationError that names the reference which is wrong.
    """

    def wrong(reference: str | None, what: str) -> ConfigurationError:
        return ConfigurationError(f"registry {source_id}: {(reference or '').removeprefix('env:')}: {what}")

    def pem(reference: str) -> str:
        try:
            return _pem(resolve(reference))
        except OSError as error:
            raise wrong(reference, f"cannot be read ({type(error).__name__})") from None

    authorities = pem(tls.authorities) if tls.authorities else None
    try:
        # INVARIANT: nothing stated as authorities is ever taken for "none stated", which would be the system's trust.
        made = ssl.create_default_context(cadata=None if authorities is None else authorities or "none")
    except (ssl.SSLError, ValueError):
        raise wrong(tls.authorities, "no certificates in PEM form") from None
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate is not None and tls.key is not None:
        certificate, key = pem(tls.certificate), pem(tls.key)
        # A password is always given: without one the library would ask for it at the terminal.
        password = resolve(tls.password) if tls.password else ""
        try:
            with _as_file(f"{certificate}\n{key}\n") as path:
                made.load_cert_chain(path, password=password)
        except (ssl.SSLError, ValueError):
            raise wrong(tls.certificate, "not a certificate with its key, in PEM form") from None
    return made


def why(error: OSError, *, is_tls: bool) -> str:
    """Return why a connection did not come about, for an operator's log; never with a text of the other side's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate {_NOT_HELD.get(error.verify_code, f'does not hold (code {error.verify_code})')}"
    if isinstance(error, ssl.SSLError):
        alert = error.reason or type(error).__name__
        if "CERTIFICATE_REQUIRED" in alert:
            return f"it wants a certificate of ours ({alert})"
        if "HANDSHAKE_FAILURE" in alert:
            return f"TLS: {alert}: does it want a certificate of ours?"
        return f"it refuses our certificate ({alert})" if _ABOUT_OURS.search(alert) else f"TLS: {alert}"
    if is_tls and isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError):
        name = type(error).__name__
        return f"broken off during the TLS handshake ({name}): does it want another certificate of ours?"
    return type(error).__name__


def _pem(stated: str) -> str:
    """Return the blocks of a PEM text, or of the file that has it, without what is written around them; "" for none."""
    if "-----BEGIN" in stated:
        text = stated.replace("\\n", "\n")  # as many tools write several lines into one variable
    else:
        text = Path(stated).read_text(encoding="utf-8", errors="replace")
    return "\n".join(found[0] for found in _BLOCK.finditer(text))


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """Yield the path of a file with a text; it is in memory only where that can be: the text holds a private key."""
    if not hasattr(os, "memfd_create"):
        with NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(text)
            file.flush()
            yield file.name
        return
    handle = os.memfd_create("pem")
    try:
        os.write(handle, text.encode())
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)

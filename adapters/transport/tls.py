"""TLS contexts: what the gateway shows a registry, and whom it lets vouch for it."""

from __future__ import annotations

import os
import ssl
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.transport.connection import Tls

    Resolve = Callable[[str], str]


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
        except (OSError, UnicodeDecodeError) as error:
            raise wrong(reference, f"cannot be read ({type(error).__name__})") from None

    try:
        made = ssl.create_default_context(cadata=pem(tls.authorities) if tls.authorities else None)
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


def _pem(stated: str) -> str:
    if "-----BEGIN" in stated:
        return stated.replace("\\n", "\n")  # as many tools write several lines into one variable
    return Path(stated).read_text(encoding="ascii")


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

"""What goes wrong at or between security servers of X-Road, and what it means to whoever asked."""

from __future__ import annotations

from typing import Final

REFUSED: Final = "refused"
CONTRACT: Final = "contract"
DOWN: Final = "down"
_BY_LAST: Final = {
    "AccessDenied": REFUSED,
    "SslAuthenticationFailed": REFUSED,
    "InvalidClientIdentifier": REFUSED,
    "UnknownMember": CONTRACT,
    "UnknownService": CONTRACT,
    "InvalidServiceIdentifier": CONTRACT,
    "InvalidProtocolVersion": CONTRACT,
    "InvalidContentType": CONTRACT,
    "InvalidRequest": CONTRACT,
    "InvalidSoap": CONTRACT,
    "InvalidXml": CONTRACT,
    "InconsistentHeaders": CONTRACT,
    "InconsistentResponse": CONTRACT,
    "MissingBody": CONTRACT,
    "MissingHeader": CONTRACT,
    "MissingHeaderField": CONTRACT,
    "DuplicateHeaderField": CONTRACT,
    "MimeParsingFailed": CONTRACT,
}
"""Last part of a code -> who must act. What is not here is down: the registry, a server, a certificate, the network."""


def meaning(code: str) -> str:
    """Return what a code means: `refused`, `contract` or `down`.

    | last part of the code                                  | means                                       |
    |--------------------------------------------------------|---------------------------------------------|
    | AccessDenied, SslAuthenticationFailed,                 | its owner has to let us in: do not retry    |
    | InvalidClientIdentifier                                |                                             |
    | UnknownService, UnknownMember, Invalid..., Missing..., | the manifest, or the registry, is wrong:    |
    | Inconsistent...; anything that begins with `Client`    | report                                      |
    | ServiceDisabled, ServiceFailed, NetworkError, ...      | down: trying again may help                 |
    """
    parts = code.split(".")
    # The innermost reason counts: ServiceFailed.InvalidSoap is no outage.
    known = next((_BY_LAST[part] for part in reversed(parts) if part in _BY_LAST), None)
    return known or (CONTRACT if parts[0] == "Client" else DOWN)


def is_of_server(code: str) -> bool:
    """Tell whether a fault's code is that of a security server, and not the registry's own."""
    return code.split(".")[1:2] in (["ServerProxy"], ["ClientProxy"])

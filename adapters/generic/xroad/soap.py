"""X-Road's header block in SOAP envelopes (message protocol 4.0): put in on the way out, read on the way back."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha512
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.markup import begun, escape, parsed

if TYPE_CHECKING:
    from adapters.generic.xroad.options import XRoadOptions

HEADERS: Final = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS: Final = "http://x-road.eu/xsd/identifiers"
REPRESENTATION: Final = "http://x-road.eu/xsd/representation.xsd"
SHA512: Final = "http://www.w3.org/2001/04/xmlenc#sha512"
_ENVELOPE: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
_PARTS: Final = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode", "serviceVersion")
_HEAD: Final = re.compile(rb"<(?:([A-Za-z_][\w.-]*):)?(Header|Body)(?=[\s/>])[^>]*>")
_BEYOND: Final = 400
"""Bytes that are read after the header block, so that a fault is seen."""
_ID: Final = f"{{{HEADERS}}}id"
_CONTENT: Final = re.compile(rb"\s*<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")


class Told(NamedTuple):
    """What an answer says of itself before its content."""

    fields: dict[str, str]
    """`id`, `userId`...; `client` and `service` as `INSTANCE/CLASS/...`; empty where there is no header block."""
    hash_algorithm: str
    fault: str | None
    """Code of the fault that the body holds, without prefix; None when it holds none."""


class HeaderBlock:
    """The header block of one registry's requests."""

    def __init__(self, options: XRoadOptions) -> None:
        self._options = options
        *member, code = options.service.split("/")[:5]
        self._version = options.service.split("/")[5:]
        self._member, self._code = member, code
        party = (options.represented_party or "").rpartition("/")
        self._rest = "".join(
            [
                _field("userId", options.user_id) if options.user_id else "",
                _field("issue", options.issue) if options.issue else "",
                _field("protocolVersion", "4.0"),
                _party(party[0], party[2]) if options.represented_party else "",
            ]
        )
        self._client = _identified("client", "SUBSYSTEM", options.client.split("/"))

    def service(self, body: bytes) -> str:
        """Return the service that an envelope asks for, as `INSTANCE/CLASS/MEMBER/SUBSYSTEM/CODE[/VERSION]`.

        Raises: ValueError when it is no envelope.
        """
        code = _content(body) if self._code == "*" else self._code
        return "/".join([*self._member, code, *self._version])

    def into(self, body: bytes, service: str, message_id: str) -> bytes:
        """Return an envelope with the header block.

        Raises: ValueError when it is no envelope.
        """
        found = _HEAD.search(body)
        if found is None:
            raise ValueError("not a SOAP envelope")
        identified = _identified("service", "SERVICE", service.split("/"))
        block = f"{self._client}{identified}{_field('id', message_id)}{self._rest}".encode()
        if found[2] == b"Body":
            prefix = found[1] + b":" if found[1] else b""
            header = b"<%bHeader>%b</%bHeader>" % (prefix, block, prefix)
            return body[: found.start()] + header + body[found.start() :]
        if found[0].endswith(b"/>"):
            opening = found[0][:-2].rstrip()
            whole = b"%b>%b</%b>" % (opening, block, opening[1:].split()[0])
            return body[: found.start()] + whole + body[found.end() :]
        return body[: found.end()] + block + body[found.end() :]


def told(body: bytes) -> Told:
    """Return what an answer says of itself; of one that bears a header block, its content is not read.

    Raises: MarkupError.
    """
    end = body.find(b"Body")
    envelope = begun(body, end + _BEYOND) if end >= 0 else parsed(body)
    header = envelope.find(f"{_ENVELOPE}Header") if envelope is not None else None
    if header is None or header.find(_ID) is None:
        envelope = parsed(body)
        header = envelope.find(f"{_ENVELOPE}Header")
    fields: dict[str, str] = {}
    algorithm = ""
    for one in header if header is not None else ():
        space, _, name = one.tag.removeprefix("{").partition("}")
        if space != HEADERS:
            continue
        if name in fields:
            fields[name] = ""  # a field that stands there twice says nothing: no request has an empty one
        elif name in ("client", "service"):
            fields[name] = "/".join((one.findtext(f"{{{IDENTIFIERS}}}{part}") or "").strip() for part in _PARTS).rstrip(
                "/"
            )
        else:
            fields[name] = (one.text or "").strip()
        if name == "requestHash":
            algorithm = one.get("algorithmId", "")
    code = envelope.findtext(f"{_ENVELOPE}Body/{_ENVELOPE}Fault/faultcode") if envelope is not None else None
    return Told(fields, algorithm, code.strip().rpartition(":")[2] if code else None)


def digest(body: bytes) -> str:
    """Return the SHA-512 of a body, in Base64."""
    return b64encode(sha512(body).digest()).decode()


def _field(name: str, text: str) -> str:
    return f'<xro:{name} xmlns:xro="{HEADERS}">{escape(text)}</xro:{name}>'


def _identified(name: str, kind: str, parts: list[str]) -> str:
    inside = "".join(f"<iden:{tag}>{escape(text)}</iden:{tag}>" for tag, text in zip(_PARTS, parts, strict=False))
    return (
        f'<xro:{name} xmlns:xro="{HEADERS}" xmlns:iden="{IDENTIFIERS}" iden:objectType="{kind}">{inside}</xro:{name}>'
    )


def _party(class_: str, code: str) -> str:
    inside = f"<repr:partyClass>{escape(class_)}</repr:partyClass>" if class_ else ""
    inside += f"<repr:partyCode>{escape(code)}</repr:partyCode>"
    return f'<repr:representedParty xmlns:repr="{REPRESENTATION}">{inside}</repr:representedParty>'


def _content(body: bytes) -> str:
    """Return the name of the element in an envelope's body."""
    for found in _HEAD.finditer(body):
        if found[2] == b"Body" and (content := _CONTENT.match(body, found.end())) is not None:
            return content[1].decode()
    raise ValueError("not a SOAP envelope")

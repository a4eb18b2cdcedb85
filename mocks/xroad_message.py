"""X-Road's header block in SOAP envelopes, as a security server reads and writes it (message protocol 4.0)."""

from __future__ import annotations

import base64
import hashlib
from copy import deepcopy
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, ParseError, SubElement, register_namespace, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from mocks.soap import ENVELOPE

HEADERS: Final = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS: Final = "http://x-road.eu/xsd/identifiers"
SHA512: Final = "http://www.w3.org/2001/04/xmlenc#sha512"
_SERVICE: Final = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode")
_HEADER, _BODY = f"{{{ENVELOPE}}}Header", f"{{{ENVELOPE}}}Body"

register_namespace("xroad", HEADERS)
register_namespace("id", IDENTIFIERS)


class MalformedMessageError(ValueError):
    """An envelope that a security server does not take; `code` is X-Road's word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Asked(NamedTuple):
    """What the header block of a request says."""

    client: str
    service: str
    header: Element
    """The whole of it, for the answer to repeat."""


def asked(body: bytes) -> Asked:
    """Read a request.

    Raises: MalformedMessageError.
    """
    try:
        envelope = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise MalformedMessageError("Client.InvalidXml") from None
    header = envelope.find(_HEADER)
    if header is None:
        raise MalformedMessageError("Client.MissingHeader")
    for name in ("id", "protocolVersion"):
        if not (header.findtext(f"{{{HEADERS}}}{name}") or "").strip():
            raise MalformedMessageError("Client.MissingHeaderField")
    if header.findtext(f"{{{HEADERS}}}protocolVersion") != "4.0":
        raise MalformedMessageError("Client.InvalidProtocolVersion")
    return Asked(_identified(header, "client", 4), _identified(header, "service", 5), header)


def answered(answer: bytes, header: Element, request: bytes) -> bytes:
    """Return a registry's answer with the request's header block and the hash of the request.

    What is no envelope comes back as it is: whoever asked has to make of it what they can.
    """
    try:
        envelope = fromstring(answer, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return answer
    if envelope.tag != f"{{{ENVELOPE}}}Envelope" or envelope.find(_BODY) is None:
        return answer
    own = envelope.find(_HEADER)
    if own is not None:
        envelope.remove(own)
    told = deepcopy(header)
    stated = SubElement(told, f"{{{HEADERS}}}requestHash", algorithmId=SHA512)
    stated.text = digest(request)
    envelope.insert(0, told)
    written: bytes = tostring(envelope, encoding="utf-8", xml_declaration=True)
    return written


def digest(body: bytes) -> str:
    """Return the SHA-512 of a body, in Base64."""
    return base64.b64encode(hashlib.sha512(body).digest()).decode()


def _identified(header: Element, name: str, parts: int) -> str:
    element = header.find(f"{{{HEADERS}}}{name}")
    if element is None:
        raise MalformedMessageError("Client.MissingHeaderField")
    told = [(element.findtext(f"{{{IDENTIFIERS}}}{part}") or "").strip() for part in _SERVICE[:parts]]
    if not all(told):
        raise MalformedMessageError("Client.MissingHeaderField")
    return "/".join(told)

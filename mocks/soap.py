"""SOAP 1.1 envelopes: what a request's body asks, the bytes of an answer and of a fault."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, ParseError, SubElement, register_namespace, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"

register_namespace("soap", ENVELOPE)


class SoapFaultError(Exception):
    """A request that cannot be answered; `code` is `Client`, `Server`, `MustUnderstand` or `VersionMismatch`."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


def body_of(raw: bytes) -> Element:
    """Return the one element in the body of a SOAP request.

    Raises: SoapFaultError for text that is no XML, that declares a document type, or that is no SOAP 1.1 envelope.
    """
    try:
        root: Element = fromstring(raw, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise SoapFaultError("Client", "the request is not well-formed XML without a document type") from None
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        code = "VersionMismatch" if root.tag.endswith("}Envelope") else "Client"
        raise SoapFaultError(code, "the request is not a SOAP 1.1 envelope")
    for header in root.iterfind(f"{{{ENVELOPE}}}Header/*"):
        if header.get(f"{{{ENVELOPE}}}mustUnderstand") in {"1", "true"}:
            raise SoapFaultError("MustUnderstand", "a header that must be understood is unknown here")
    body = root.find(f"{{{ENVELOPE}}}Body")
    if body is None or len(body) != 1:
        raise SoapFaultError("Client", "the envelope's Body holds exactly one element")
    return body[0]


def enveloped(content: Element) -> bytes:
    """Write an element as the body of a SOAP message, in UTF-8."""
    envelope = Element(f"{{{ENVELOPE}}}Envelope")
    SubElement(envelope, f"{{{ENVELOPE}}}Body").append(content)
    written: bytes = tostring(envelope, encoding="utf-8", xml_declaration=True)
    return written


def fault(error: SoapFaultError) -> bytes:
    """Write a fault; its children carry no namespace, as SOAP 1.1 wants."""
    element = Element(f"{{{ENVELOPE}}}Fault")
    SubElement(element, "faultcode").text = f"soap:{error.code}"
    SubElement(element, "faultstring").text = error.text
    return enveloped(element)

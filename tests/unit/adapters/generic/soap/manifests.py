"""Small WSDLs and the manifests over them, for the tests of the SOAP driver."""

from __future__ import annotations

from adapters.generic.mapping.layout import NumberField, RecordLayout, ValueField
from adapters.generic.soap.options import SoapArgument, SoapLookup, SoapOptions
from adapters.manifest import Lookup
from tests.unit.adapters.builders import small_manifest

NAMESPACE = "urn:probe"
REQUEST = '<x:element name="Uin" type="x:string" maxOccurs="unbounded"/>'
ANSWER = """<x:element name="Person" minOccurs="0" maxOccurs="unbounded"><x:complexType><x:sequence>
  <x:element name="Uin" type="x:string"/><x:element name="Name" type="x:string"/>
</x:sequence></x:complexType></x:element>"""


def wsdl(request=REQUEST, answer=ANSWER, types=""):
    """Return a WSDL with one operation, `Find`; `types` are further declarations of its schema."""
    return f"""<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:p="{NAMESPACE}" targetNamespace="{NAMESPACE}">
  <types><x:schema targetNamespace="{NAMESPACE}" elementFormDefault="qualified">
    {types}
    <x:element name="Find"><x:complexType><x:sequence>{request}</x:sequence></x:complexType></x:element>
    <x:element name="Found"><x:complexType><x:sequence>{answer}</x:sequence></x:complexType></x:element>
  </x:schema></types>
  <message name="In"><part name="body" element="p:Find"/></message>
  <message name="Out"><part name="body" element="p:Found"/></message>
  <portType name="Port"><operation name="Find"><input message="p:In"/><output message="p:Out"/></operation></portType>
  <binding name="Binding" type="p:Port">
    <s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Find"><s:operation soapAction="{NAMESPACE}/Find"/>
      <input><s:body use="literal"/></input><output><s:body use="literal"/></output>
    </operation>
  </binding>
  <service name="Service"><port name="Port" binding="p:Binding">
    <s:address location="http://nowhere.invalid/"/>
  </port></service>
</definitions>"""


def options(text=None, arguments=None, lookup=None, **changes):
    """Return options over a WSDL."""
    asked = {"operation": "Find", "records": "Person", "arguments": arguments or {"Uin[]": {"number": "UIN"}}}
    parts = {"wsdl": "service.wsdl", "documents": {"service.wsdl": wsdl() if text is None else text}}
    return SoapOptions.model_validate(parts | {"lookups": {"person": asked | (lookup or {})}} | changes)


def manifest(soap, **lookup):
    """Return a manifest with a lookup by UIN, or as told."""
    stated = {"name": "person", "by": ("UIN",), "attributes": ("given_name",)} | lookup
    layout = RecordLayout(
        identifiers={"UIN": NumberField(path="Uin"), "BRN": NumberField(path="Brn")},
        attributes={"given_name": ValueField(path="Name")},
    )
    return small_manifest(speaks="soap", lookups=(Lookup(**stated),), soap=soap, records={"person": layout})


__all__ = ["ANSWER", "NAMESPACE", "REQUEST", "SoapArgument", "SoapLookup", "manifest", "options", "wsdl"]

"""Two SOAP services nobody prepared for: pensions by document/literal with a schema of its own, births by rpc/literal."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from defusedxml.ElementTree import fromstring

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
PENSIONS: Final = "urn:example:pensions"
TYPES: Final = "urn:example:pensions:types"
BIRTHS: Final = "urn:example:births"

PENSIONS_WSDL: Final = f"""<?xml version="1.0" encoding="utf-8"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{PENSIONS}" xmlns:y="{TYPES}" targetNamespace="{PENSIONS}">
  <types>
    <xs:schema targetNamespace="{PENSIONS}" elementFormDefault="qualified">
      <xs:import namespace="{TYPES}" schemaLocation="schemas/types.xsd"/>
      <xs:element name="FindPensioners">
        <xs:complexType>
          <xs:sequence>
            <xs:element name="People">
              <xs:complexType><xs:sequence>
                <xs:element name="Person" type="y:Who" maxOccurs="unbounded"/>
              </xs:sequence></xs:complexType>
            </xs:element>
            <xs:element name="On" type="xs:date" minOccurs="0"/>
            <xs:element name="WithClosed" type="xs:boolean"/>
          </xs:sequence>
          <xs:attribute name="case" type="xs:string"/>
        </xs:complexType>
      </xs:element>
      <xs:element name="FindPensionersResponse">
        <xs:complexType><xs:sequence>
          <xs:element name="Result" type="y:Result"/>
        </xs:sequence></xs:complexType>
      </xs:element>
    </xs:schema>
  </types>
  <message name="In"><part name="parameters" element="t:FindPensioners"/></message>
  <message name="Out"><part name="parameters" element="t:FindPensionersResponse"/></message>
  <portType name="PensionPort"><operation name="FindPensioners">
    <input message="t:In"/><output message="t:Out"/>
  </operation></portType>
  <binding name="PensionBinding" type="t:PensionPort">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="FindPensioners"><soap:operation soapAction="{PENSIONS}/find"/>
      <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output>
    </operation>
  </binding>
  <service name="Pensions"><port name="P" binding="t:PensionBinding">
    <soap:address location="http://elsewhere.invalid/never-asked"/>
  </port></service>
</definitions>"""

TYPES_XSD: Final = f"""<?xml version="1.0" encoding="utf-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:y="{TYPES}" targetNamespace="{TYPES}"
    elementFormDefault="qualified">
  <xs:complexType name="Who"><xs:sequence>
    <xs:element name="Kind" type="xs:string"/><xs:element name="Number" type="xs:string"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Result"><xs:sequence>
    <xs:element name="Pensioner" type="y:Pensioner" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="Unknown" type="y:Who" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType>
  <xs:group name="Names"><xs:sequence>
    <xs:element name="Given" type="xs:string"/><xs:element name="Family" type="xs:string" nillable="true"/>
  </xs:sequence></xs:group>
  <xs:complexType name="Pensioner"><xs:sequence>
    <xs:element name="Number" type="y:Who" maxOccurs="unbounded"/>
    <xs:group ref="y:Names"/>
    <xs:element name="Born" type="xs:date"/>
    <xs:element name="Pays" type="xs:boolean"/>
    <xs:choice><xs:element name="Amount" type="y:Amount"/><xs:element name="None" type="xs:string"/></xs:choice>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Amount"><xs:simpleContent><xs:extension base="xs:decimal">
    <xs:attribute name="currency" type="xs:string" use="required"/>
  </xs:extension></xs:simpleContent></xs:complexType>
</xs:schema>"""

BIRTHS_WSDL: Final = f"""<?xml version="1.0" encoding="utf-8"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{BIRTHS}" targetNamespace="{BIRTHS}">
  <types><xs:schema targetNamespace="{BIRTHS}">
    <xs:complexType name="Birth"><xs:sequence>
      <xs:element name="number" type="xs:string"/><xs:element name="given" type="xs:string"/>
      <xs:element name="day" type="xs:date"/>
    </xs:sequence></xs:complexType>
  </xs:schema></types>
  <message name="In"><part name="number" type="xs:string"/></message>
  <message name="Out"><part name="birth" type="t:Birth"/></message>
  <portType name="BirthPort"><operation name="getBirth">
    <input message="t:In"/><output message="t:Out"/>
  </operation></portType>
  <binding name="BirthBinding" type="t:BirthPort">
    <soap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="getBirth"><soap:operation soapAction=""/>
      <input><soap:body use="literal" namespace="{BIRTHS}"/></input>
      <output><soap:body use="literal" namespace="{BIRTHS}"/></output>
    </operation>
  </binding>
  <service name="Births"><port name="B" binding="t:BirthBinding">
    <soap:address location="http://elsewhere.invalid/never-asked"/>
  </port></service>
</definitions>"""


def enveloped(content: str) -> bytes:
    """Return an envelope around some XML."""
    return f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Body>{content}</e:Body></e:Envelope>'.encode()


def fault(code: str, detail: str = "") -> bytes:
    """Return a fault whose text names somebody, as some do."""
    inside = f"<detail>{detail}</detail>" if detail else ""
    return enveloped(f"<e:Fault><faultcode>e:{code}</faultcode><faultstring>Asha Moyo</faultstring>{inside}</e:Fault>")


class Service:
    """A server that keeps what it was asked; `answer` gives the body, and perhaps a status."""

    def __init__(self, answer: Any) -> None:
        self.asked: list[Any] = []
        self.actions: list[str] = []
        self._answer = answer

    def application(self) -> web.Application:
        """Return it, ready to be served at every path."""
        app = web.Application()
        app.router.add_post("/{path:.*}", self._ask)
        return app

    async def _ask(self, request: web.Request) -> web.Response:
        envelope = fromstring(await request.read(), forbid_dtd=True)
        body = envelope.find(f"{{{ENVELOPE}}}Body")
        assert body is not None
        self.asked.append(body[0])
        self.actions.append(request.headers["SOAPAction"])
        said = self._answer(body[0])
        status, content = said if isinstance(said, tuple) else (200, said)
        return web.Response(status=status, body=content, headers={"Content-Type": "text/xml; charset=utf-8"})

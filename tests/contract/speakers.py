"""One small registry for every protocol over HTTP: a manifest, and the right answer about whomever it is asked about."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha512
from typing import Any, Final, NamedTuple

import orjson

from adapters.manifest import Protocol
from tests.contract.hostile import LIMIT, Asked, Good

SUBJECT: Final = "UIN 2000000014"
NUMBER: Final = "2000000014"
OTHER: Final = "2000000099"
_HEAD: Final = f"""
id: probe
title: A registry that may misbehave
version: "1.0"
reg_type: ns:hearth:RegistryType:Probe
legal: {{owner: Office, basis: Act, contact: office@example.pv}}
connection: {{base_url: env:PROBE_URL}}
limits: {{retries: 0, timeout_s: 5, max_response_bytes: {LIMIT}}}
lookups:
  - {{name: person, by: [UIN], identifiers: [UIN], attributes: [given_name]}}
"""


class Speaker(NamedTuple):
    """A registry that speaks one protocol."""

    manifest: str
    about: Callable[[Asked, str], Good]
    """Its answer to a request, about whom it is told."""

    def good(self, asked: Asked) -> Good:
        """Return the right answer."""
        return self.about(asked, NUMBER)

    def wrong(self, asked: Asked) -> Good:
        """Return the answer about somebody else."""
        return self.about(asked, OTHER)


def _json(content: Any, content_type: str = "application/json") -> Good:
    return Good(content_type, orjson.dumps(content))


def _person(number: str) -> dict[str, Any]:
    return {"uin": number, "name": "Asha", "notes": [{"text": "first"}, {"text": "second"}]}


def _dci(asked: Asked, number: str) -> Good:
    message = orjson.loads(asked.body)
    reference = message["message"]["search_request"][0]["reference_id"]
    person = {"identifier": [{"identifier_type": "UIN", "identifier_value": number}], "name": {"given_name": "Asha"}}
    data = {"version": "1.0.0", "reg_records": [person]}
    item = {"reference_id": reference, "timestamp": "2026-01-01T00:00:00Z", "status": "succ", "data": data}
    header = {
        "version": "1.0.0",
        "message_id": "m",
        "message_ts": "2026-01-01T00:00:00Z",
        "action": "on-search",
        "status": "succ",
    }
    return _json(
        {"header": header, "message": {"transaction_id": "t", "correlation_id": "c", "search_response": [item]}}
    )


def _soap(_: Asked, number: str) -> Good:
    body = f'<Found xmlns="urn:probe"><Person><Uin>{number}</Uin><Name>Asha</Name></Person></Found>'
    envelope = f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{body}</e:Body></e:Envelope>'
    return Good("text/xml; charset=utf-8", envelope.encode())


def _fhir(_: Asked, number: str) -> Good:
    name = [{"given": ["Asha"]}]
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"system": "urn:n", "value": number}],
        "name": name,
    }
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [{"resource": patient}]}
    return _json(bundle, "application/fhir+json")


def _ogc(_: Asked, number: str) -> Good:
    feature = {"type": "Feature", "id": 1, "geometry": None, "properties": _person(number)}
    collection = {"type": "FeatureCollection", "numberMatched": 1, "numberReturned": 1, "features": [feature]}
    return _json(collection, "application/geo+json")


WSDL: Final = """<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:p="urn:probe" xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:probe">
  <types><x:schema targetNamespace="urn:probe" elementFormDefault="qualified">
    <x:element name="Find"><x:complexType><x:sequence>
      <x:element name="Uin" type="x:string" maxOccurs="unbounded"/>
    </x:sequence></x:complexType></x:element>
    <x:element name="Found"><x:complexType><x:sequence>
      <x:element name="Person" minOccurs="0" maxOccurs="unbounded"><x:complexType><x:sequence>
        <x:element name="Uin" type="x:string"/><x:element name="Name" type="x:string"/>
      </x:sequence></x:complexType></x:element>
    </x:sequence></x:complexType></x:element>
  </x:schema></types>
  <message name="in"><part name="parameters" element="p:Find"/></message>
  <message name="out"><part name="parameters" element="p:Found"/></message>
  <portType name="Probe"><operation name="Find"><input message="p:in"/><output message="p:out"/></operation></portType>
  <binding name="Probe" type="p:Probe">
    <s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Find"><s:operation soapAction="urn:probe/Find"/>
      <input><s:body use="literal"/></input><output><s:body use="literal"/></output></operation>
  </binding>
  <service name="Probe"><port name="Probe" binding="p:Probe"><s:address location="http://elsewhere.example/"/></port></service>
</definitions>
"""
_ROWS: Final = """
records:
  person: {identifiers: {UIN: {path: uin}}, attributes: {given_name: {path: name}}}
"""
SPEAKERS: Final[dict[Protocol, Speaker]] = {
    Protocol.DCI: Speaker(
        _HEAD
        + """
speaks: dci
dci:
  reg_type: ns:org:RegistryType:Civil
  receiver_id: probe
  lookups:
    person:
      reg_record_type: spdci-extensions-dci:Person
      identifiers_path: identifier
      attributes: {given_name: {path: name.given_name}}
""",
        _dci,
    ),
    Protocol.REST: Speaker(
        _HEAD
        + """
speaks: rest
rest:
  lookups:
    person: {requests: [{method: POST, path: /people, body: {numbers: "{numbers}"}, found: people}]}
"""
        + _ROWS,
        lambda _, number: _json({"people": [_person(number)]}),
    ),
    Protocol.GRAPHQL: Speaker(
        _HEAD
        + """
speaks: graphql
graphql:
  lookups:
    person: {requests: [{field: people, arguments: {numbers: {type: "[ID!]!", value: "{numbers}"}}}]}
"""
        + _ROWS,
        lambda _, number: _json({"data": {"people": [_person(number)]}}),
    ),
    Protocol.SOAP: Speaker(
        _HEAD
        + """
speaks: soap
soap:
  wsdl: probe.wsdl
  documents:
    probe.wsdl: |
"""
        + re.sub(r"^", "      ", WSDL, flags=re.MULTILINE)
        + """
  lookups:
    person: {operation: Find, arguments: {"Uin[]": {number: UIN}}, records: Person}
records:
  person: {identifiers: {UIN: {path: Uin}}, attributes: {given_name: {path: Name}}}
""",
        _soap,
    ),
    Protocol.FHIR: Speaker(
        _HEAD
        + """
speaks: fhir
fhir: {lookups: {person: {searches: {Patient: {by: {UIN: {system: "urn:n"}}}}}}}
records:
  person:
    identifiers: {UIN: {path: "Patient.identifier[?system=='urn:n'].value"}}
    attributes: {given_name: {path: "Patient.name[0].given[0]"}}
""",
        _fhir,
    ),
    Protocol.OGC: Speaker(
        _HEAD
        + """
speaks: ogc
ogc: {lookups: {person: {collection: people, by: {UIN: {property: uin}}}}}
"""
        + _ROWS,
        _ogc,
    ),
}
"""Protocol -> a registry that speaks it over HTTP."""


def _by_rest(asked: Asked, number: str) -> Good:
    """Answer as a security server passes it on: with the headers of the request, by X-Road's REST protocol."""
    told = re.findall(rb"^(X-Road-(?:Id|Client)): (.*?)\r$", asked.head, re.MULTILINE)
    service = re.findall(rb" /r1/((?:[^/ ]+/){4}[^/ ]+)", asked.head)[0]
    headers = [(name.decode(), text.decode()) for name, text in (*told, (b"X-Road-Service", service))]
    good = SPEAKERS[Protocol.REST].about(asked, number)
    return good._replace(headers=tuple(f"{name}: {text}" for name, text in headers))


def _by_soap(asked: Asked, number: str) -> Good:
    """Answer as a security server passes it on: with the header block of the request, by X-Road's SOAP protocol."""
    block = re.findall(rb"<[\w-]+:Header>(.*)</[\w-]+:Header>", asked.body, re.DOTALL)[0]
    stated = b'<h:requestHash xmlns:h="http://x-road.eu/xsd/xroad.xsd" algorithmId="%b">%b</h:requestHash>' % (
        b"http://www.w3.org/2001/04/xmlenc#sha512",
        b64encode(sha512(asked.body).digest()),
    )
    good = SPEAKERS[Protocol.SOAP].about(asked, number)
    return good._replace(body=good.body.replace(b"<e:Body>", b"<e:Header>%b%b</e:Header><e:Body>" % (block, stated)))


def _behind(protocol: Protocol, layer: str) -> str:
    xroad = f"{{protocol: {layer}, client: PV/GOV/1001/hearth, service: PV/GOV/2002/probe/find}}"
    return SPEAKERS[protocol].manifest + f"\nxroad: {xroad}\n"


BEHIND: Final[dict[str, Speaker]] = {
    "rest behind a security server": Speaker(_behind(Protocol.REST, "rest"), _by_rest),
    "soap behind a security server": Speaker(_behind(Protocol.SOAP, "soap"), _by_soap),
}
"""Registries through X-Road, by either of its message protocols."""
ELSEWHERE: Final = frozenset({Protocol.SQL, Protocol.FILES})
"""Protocols that do not go over HTTP; what can be wrong with a database or a file is in test_sql_registries.py and test_files_registries.py."""

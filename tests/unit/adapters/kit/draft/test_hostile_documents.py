"""Documents that mean harm: refused with a sentence, soon, and nothing is ever fetched or made of them but that."""

from __future__ import annotations

import json
import os
import socket
import time
import zipfile

import pytest

from adapters.kit.draft.emit import questions
from adapters.kit.draft.reading import shape_from
from adapters.kit.draft.writing import files_of, written
from adapters.reading_manifest import load_manifest
from standards.errors import ConfigurationError

SOON_S = 10
WSDL = """<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:x="http://www.w3.org/2001/XMLSchema"
    xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"><types>{types}</types>
  <message name="In"><part name="nationalId" type="x:string"/></message>
  <message name="Out"><part name="body" element="A"/></message>
  <portType name="P"><operation name="Find"><input message="In"/><output message="Out"/></operation></portType>
  <binding name="B" type="P"><s:binding/></binding></definitions>"""


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Nothing may be fetched: whoever opens a connection has lost."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def described(schema, **more):
    """Return an OpenAPI document that answers with a schema, by a number."""
    answer = {"200": {"content": {"application/json": {"schema": schema}}}}
    operation = {"get": {"parameters": [{"name": "nationalId", "in": "path"}], "responses": answer}}
    return {"openapi": "3.0.3", "paths": {"/people/{nationalId}": operation}, **more}


def refused(path, content, said):
    """Give a document; it is refused with some words, within some seconds, and none of them is a traceback."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    began = time.monotonic()
    with pytest.raises(ConfigurationError, match=said) as raised:
        shape_from(str(path))
    assert time.monotonic() - began < SOON_S
    assert str(raised.value).startswith(str(path))
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize(
    "ref", ["https://far.example/person.json", "file:///etc/passwd", "person.yaml#/Person", "//far/x"]
)
def test_a_reference_to_another_document_is_refused_and_not_followed(ref, tmp_path):
    """Whether it lies in the network or on this disk."""
    refused(tmp_path / "api.json", json.dumps(described({"$ref": ref})), "refers to another document .*bundle")


def test_schemas_that_hold_themselves_end(tmp_path):
    """A reference to itself, `allOf` of itself, a person within a person: drafts, and no more."""
    schemas = {
        "A": {"$ref": "#/components/schemas/A"},
        "B": {"allOf": [{"$ref": "#/components/schemas/B"}], "properties": {"surname": {"type": "string"}}},
        "C": {"properties": {"surname": {"type": "string"}, "spouse": {"$ref": "#/components/schemas/C"}}},
    }
    for name in schemas:
        document = described({"$ref": f"#/components/schemas/{name}"}, components={"schemas": schemas})
        (tmp_path / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
        shape = shape_from(str(tmp_path / f"{name}.json"))
        assert len(shape.lookups[0].fields) <= 10


@pytest.mark.parametrize("way", ["allOf", "properties", "anyOf"])
def test_schemas_that_grow_with_every_step_are_refused(way, tmp_path):
    """Small to write, endless to write out."""
    schemas = {}
    for at in range(20):
        inner = [{"$ref": f"#/components/schemas/S{at + 1}"}] * 30
        schemas[f"S{at}"] = {way: {f"p{n}": one for n, one in enumerate(inner)} if way == "properties" else inner}
    document = described({"$ref": "#/components/schemas/S0"}, components={"schemas": schemas})
    refused(tmp_path / "api.json", json.dumps(document), "comes to more than")


@pytest.mark.parametrize(
    "document",
    [
        {"openapi": "3.0.3", "paths": ["/x"]},
        {"openapi": "3.0.3", "paths": {"/{nationalId}": {"get": {"parameters": 7}}}},
        {"openapi": "3.0.3", "servers": "x", "info": [], "paths": {"/{nationalId}": {"get": {"parameters": [{"name": "nationalId", "in": "path"}]}}}},
        {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": {"type": "Patient"}}]},
        {"resourceType": "CapabilityStatement", "rest": "server"},
        {"__schema": {"queryType": {"name": "Q"}, "types": [{"name": "Q", "fields": [{"name": "p", "args": [{"name": "uin"}]}]}]}},
        {"data": {"__schema": {"types": {"Q": 1}}}},
        [1, 2, 3],
        "text",
        {},
    ],
    ids=str,
)  # fmt: skip
def test_a_document_that_is_built_wrongly_is_refused_and_breaks_nothing(document, tmp_path):
    """Always with a sentence."""
    path = tmp_path / "document.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        shape_from(str(path))
    assert str(raised.value).startswith(str(path))


def test_a_document_that_says_no_more_than_how_it_is_asked_is_enough(tmp_path):
    """Where its records are, and what they hold, is left to be decided."""
    (tmp_path / "api.json").write_text(json.dumps(described({})), encoding="utf-8")
    shape = shape_from(str(tmp_path / "api.json"))
    text = files_of("office", shape, {})["manifest.yaml"].decode()

    assert shape.lookups[0].by == ("UIN",)
    asked = [question for _, question in questions(text)]
    assert "where the records are in the answer (JMESPath)" in asked
    assert "where a record states the UIN that it is about" in asked


def test_a_graphql_schema_that_turns_in_circles_ends(tmp_path):
    """Every type has forty fields of every other."""
    kind = {"kind": "OBJECT", "name": "T"}
    fields = [{"name": f"f{n}", "args": [], "type": kind} for n in range(400)]
    number = {"name": "uin", "type": {"kind": "SCALAR", "name": "ID"}}
    types = [
        {"name": "Q", "fields": [{"name": "person", "args": [number], "type": kind}]},
        {"name": "T", "fields": fields},
    ]
    refused(
        tmp_path / "s.json", json.dumps({"__schema": {"queryType": {"name": "Q"}, "types": types}}), "comes to more"
    )


def test_xml_with_entities_is_refused_before_anything_is_read(tmp_path):
    """Neither expanded nor fetched."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20))
    for entity in ('<!ENTITY x SYSTEM "file:///etc/passwd">', '<!ENTITY x SYSTEM "http://far.example/">', laughs):
        text = f"<?xml version='1.0'?><!DOCTYPE d [{entity}]>" + WSDL.format(types="")
        refused(tmp_path / "service.wsdl", text, "declares a document type: take that out")


def test_types_of_a_wsdl_that_grow_with_every_step_are_refused(tmp_path):
    """An element that holds itself three hundred times."""
    inner = '<x:element ref="A"/>' * 300
    types = f'<x:schema><x:element name="A"><x:complexType><x:sequence>{inner}</x:sequence></x:complexType></x:element></x:schema>'
    refused(tmp_path / "service.wsdl", WSDL.format(types=types), "comes to more than|more than 100000")


def test_an_import_that_leads_out_of_the_folder_is_refused(tmp_path):
    """Nothing of this machine becomes part of a draft."""
    (tmp_path / "secret.xsd").write_text("<a/>", encoding="utf-8")
    (tmp_path / "in").mkdir()
    for where in ("../secret.xsd", "/etc/passwd", "file:///etc/passwd", "manifest.yaml"):
        types = f'<x:schema><x:import namespace="a" schemaLocation="{where}"/></x:schema>'
        refused(tmp_path / "in" / "service.wsdl", WSDL.format(types=types), "elsewhere|outside|cannot be read")
    (tmp_path / "in" / "manifest.yaml").write_text("<a/>", encoding="utf-8")
    refused(tmp_path / "in" / "service.wsdl", WSDL.format(types=types), "called neither .xsd nor .wsdl")


def test_yaml_that_repeats_itself_is_refused(tmp_path):
    """Lists of lists of lists, and mappings merged of mappings merged."""
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    merged = "m0: &m0 {a: 1}\n" + "".join(
        f"m{n}: &m{n}\n  <<: [{', '.join([f'*m{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    for bomb in (laughs, merged):
        refused(tmp_path / "api.yaml", f"openapi: 3.0.0\n{bomb}", "no aliases")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("api.yaml", "a: " + "[" * 4000, "neither JSON, YAML, XML nor CSV"),
        ("api.yaml", "a: 1\n" * 300_000, "larger than 1000000 bytes of YAML"),
        ("api.json", b"\xff\xfe\x00", "neither JSON, YAML, XML nor CSV"),
        ("api.yaml", "!!python/object/apply:os.system ['true']", "neither JSON, YAML, XML nor CSV"),
        ("service.wsdl", "<a" * 1000, "not XML"),
        ("service.wsdl", "<a>" * 3000 + "</a>" * 3000, "nested more than"),
        ("list.csv", b"\0\0\0\0", "no text"),
        ("list.csv", "2000000014;Asha;Moyo\n2000000022;Juma;Okello\n", "does not name the columns"),
        ("list.csv", "Asha;Moyo;F\nJuma;Okello;M\n", "names no column with a number"),
        ("record.json", '{"Asha": {"age": 3, "sex": "F"}, "Juma": {"age": 4, "sex": "M"}}', "keys of an object are values"),
        ("record.json", '{"nid": "1", "surname": "Moyo", "grants": {"2000000014": 1}}', "keys of an object are values"),
        ("list.csv", "uin;uin;name\n1;2;3\n", "does not name the columns"),
        ("list.csv", 'uin,name\n"' + "x" * 200_000, "not CSV"),
        ("list.xlsx", b"PK\x03\x04 no workbook", "no workbook"),
        ("list.jsonl", '{"uin": "1"}\n[]\n', "not one record a line"),
        ("record.json", '{"2000000014": {"name": "Asha"}, "2000000022": {"name": "Juma"}}', "keys of an object are values"),
        ("record.json", '{"a":' * 900 + "1" + "}" * 900, "^"),
    ],
    ids=range(17),
)  # fmt: skip
def test_what_is_broken_endless_or_about_somebody_is_refused(name, content, said, tmp_path):
    """With what is wrong, and never with what stands there."""
    path = tmp_path / name
    if said == "^":
        path.write_text(content, encoding="utf-8")
        assert len(shape_from(str(path)).lookups[0].fields) <= 10
    else:
        refused(path, content, said)


def test_a_workbook_that_unpacks_to_far_more_is_refused(tmp_path):
    """Before it is unpacked."""
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", "<workbook/>")
        packed.writestr("xl/worksheets/sheet1.xml", b" " * 400_000_000)
    refused(path, path.read_bytes(), "no workbook with a list")


def test_what_is_no_file_or_too_large_is_not_read(tmp_path):
    """A device without an end, a pipe that nobody fills, a folder, nothing at all, more than anybody writes."""
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "huge.json").touch()
    os.truncate(tmp_path / "huge.json", 30_000_000)
    said = {"/dev/zero": "no file", str(tmp_path / "pipe.json"): "no file", str(tmp_path): "no file"}
    said |= {
        str(tmp_path / "none.json"): "FileNotFoundError",
        str(tmp_path / "huge.json"): "larger than 20000000 bytes",
    }
    for source, reason in said.items():
        with pytest.raises(ConfigurationError, match=reason):
            shape_from(source)


def test_nothing_is_fetched_that_is_named_by_an_address():
    """It is saved first, by whoever trusts it."""
    for address in ("https://far.example/openapi.json", "file:///etc/passwd", "ftp://far.example/x"):
        with pytest.raises(ConfigurationError, match="nothing is fetched"):
            shape_from(address)


def test_a_name_that_is_yaml_stays_a_comment(tmp_path):
    """What strangers call their fields changes nothing in a draft, and neither do braces in the name of a header."""
    evil = "x\nlimits: {timeout_s: 9}\n\u2028id: evil\x7f"
    schema = {"properties": {evil: {"type": "string"}, "surname": {"type": "string"}}}
    key = {"type": "apiKey", "in": "header", "name": "X-{0.__class__}"}
    document = described(schema, info={"title": f"T{evil}"}, components={"securitySchemes": {"k": key}})
    document["servers"] = [{"url": evil}]
    source = tmp_path / "api.json"
    source.write_text(json.dumps(document), encoding="utf-8")
    files = files_of("office", shape_from(str(source)), {})
    text = files["manifest.yaml"].decode()

    assert "X-{0.__class__}" in text
    assert [line for line in text.splitlines() if line.startswith(("limits: {timeout_s: 9}", "id: evil"))] == []
    assert any("which attribute of the catalogue" in question for _, question in questions(text))
    key["name"] = "X-Key"
    source.write_text(json.dumps(document), encoding="utf-8")
    written(tmp_path / "office", files_of("office", shape_from(str(source)), {}))
    manifest = load_manifest(tmp_path / "office" / "manifest.yaml")
    assert (manifest.id, manifest.limits.timeout_s) == ("office", 2.0)

"""WSDLs from whoever wrote them: what can be used is, what could do harm is refused before anything is read of it."""

from __future__ import annotations

import os
import sys
from subprocess import run

import pytest

from adapters.generic.soap import documents as soap_documents
from adapters.generic.soap.documents import gathered
from adapters.generic.soap.driver import build
from adapters.reading_manifest import load_manifest
from standards.errors import ConfigurationError
from tests.fakes import InMemoryClient
from tests.unit.adapters.generic.soap.manifests import REQUEST, manifest, options, wsdl

GROUPS = (
    "".join(
        f'<x:group name="g{n}"><x:sequence>{f"""<x:group ref="p:g{n + 1}"/>""" * 9}<x:element name="e{n}" type="x:string"/>'
        "</x:sequence></x:group>"
        for n in range(12)
    )
    + '<x:group name="g12"><x:sequence><x:element name="last" type="x:string"/></x:sequence></x:group>'
)
BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
CIRCLE = '<x:include schemaLocation="service.wsdl"/>'


def connect(soap, **lookup):
    """Return the adapter of a manifest with these options."""
    return build(manifest(soap, **lookup), InMemoryClient([]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB + wsdl(types="&b;"), "document type"),
        ("<a>", "not XML"),
        ("<a/>", "has no service"),
        (wsdl(types='<x:import namespace="u" schemaLocation="http://evil.invalid/a.xsd"/>'), "from elsewhere"),
        (wsdl(types='<x:import namespace="u" schemaLocation="file:///etc/passwd"/>'), "from elsewhere"),
        (wsdl(types='<x:include schemaLocation="/etc/passwd"/>'), "from elsewhere"),
        (wsdl(types='<x:include schemaLocation="../other.xsd"/>'), "from elsewhere"),
        (wsdl(types='<x:include schemaLocation="..\\other.xsd"/>'), "from elsewhere"),
        (wsdl(types='<x:include schemaLocation="missing.xsd"/>'), "missing.xsd is missing"),
        (wsdl(types=CIRCLE), "imports itself"),
        (wsdl(types=GROUPS), "come to more than"),
        (wsdl(types='<x:group name="g"><x:sequence><x:group ref="p:g"/></x:sequence></x:group>'), "holds itself"),
        (wsdl(types="<x:annotation>" * 150 + "</x:annotation>" * 150), "nested more than"),
        (wsdl(types=f"<!-- {'a' * soap_documents.MOST_CHARACTERS} -->"), "longer than"),
        (wsdl(answer='<x:element name="Person" type="p:Nowhere"/>'), "no WSDL that can be used"),
        (wsdl().replace("soap/http", "smtp"), "no SOAP 1.1 port"),
        (wsdl().replace("urn:probe/Find", "x&#13;&#10;X-Evil: 1"), "soapAction that no header can hold"),
        (wsdl().replace("urn:probe/Find", 'x" y'.replace('"', "&quot;")), "soapAction that no header can hold"),
        (wsdl(types="<!-- \ud800 -->"), "not XML"),
    ],
)
def test_a_wsdl_that_cannot_be_trusted_or_used_is_refused(text, said):
    """At start, with what is wrong; it is neither expanded nor fetched."""
    with pytest.raises(ConfigurationError, match=said):
        connect(options(text))


def test_documents_in_a_circle_are_refused():
    """Also a longer one."""
    documents = {
        "service.wsdl": wsdl(types='<x:include schemaLocation="a.xsd"/>'),
        "a.xsd": '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:include schemaLocation="b.xsd"/></x:schema>',
        "b.xsd": '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:include schemaLocation="a.xsd"/></x:schema>',
    }
    with pytest.raises(ConfigurationError, match=r"a\.xsd imports itself"):
        connect(options(documents=documents))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lookup": {"operation": "Fnd"}}, "no operation Fnd; there are Find"),
        ({"arguments": {"Nr[]": {"number": "UIN"}}}, "do not fit the WSDL.*Nr"),
        ({"arguments": {"Uin[].Nr": {"number": "UIN"}}}, "do not fit the WSDL"),
        ({"service": "Other"}, "there is no Other; there are Service"),
        ({"port": "Other"}, "there is no Other; there are Port"),
        ({"lookup": {"not_found": {"BRN": "x"}}}, "not_found.*BRN"),
        ({"text": wsdl(request='<x:element name="Uin" type="x:string"/>')}, "accept collections"),
        ({"text": wsdl(request=REQUEST.replace("string", "gYear"))}, "do not fit the WSDL"),
        ({"text": wsdl(request=REQUEST.replace("string", "boolean"))}, "Uin.*does not let that element be repeated"),
    ],
)
def test_options_that_do_not_fit_the_wsdl_are_refused_at_start(changes, said):
    """With the names that there are."""
    with pytest.raises(ConfigurationError, match=said):
        connect(options(**changes))


@pytest.mark.parametrize(
    ("changes", "lookup", "said"),
    [
        ({"arguments": {"Uin": {"number": "UIN"}}}, {"batch": 2}, "batch: 1"),
        ({"lookup": {"faults": {"Gone": "no_record"}}}, {"batch": 2}, "batch: 1"),
        ({}, {"as_of": True}, "as_of"),
        ({}, {"by": ("UIN", "BRN")}, "of type BRN"),
    ],
)
def test_a_lookup_that_promises_what_its_request_does_not_ask_for_is_refused(changes, lookup, said):
    """The remedy is named."""
    with pytest.raises(ConfigurationError, match=said):
        connect(options(**changes), **lookup)


def test_what_lies_outside_the_folder_is_not_read(tmp_path):
    """Not by a path, and not by a link."""
    home = tmp_path / "probe"
    home.mkdir()
    (tmp_path / "secret.wsdl").write_text(wsdl(), encoding="utf-8")
    (home / "service.wsdl").symlink_to(tmp_path / "secret.wsdl")

    for name in ("../secret.wsdl", "service.wsdl", str(tmp_path / "secret.wsdl")):
        with pytest.raises(ConfigurationError, match="outside"):
            gathered({"soap": {"wsdl": name}}, home)
    os.mkfifo(home / "pipe.wsdl")
    for name in ("a\0b", "x" * 5000, ".", "pipe.wsdl"):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            gathered({"soap": {"wsdl": name}}, home)


def test_a_missing_file_is_told_at_the_line_that_names_it(tmp_path):
    """As every mistake in a manifest."""
    (tmp_path / "manifest.yaml").write_text("id: probe\nsoap:\n  wsdl: gone.wsdl\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"manifest\.yaml:3:3: .*gone\.wsdl cannot be read"):
        load_manifest(tmp_path / "manifest.yaml")


def test_nobody_pays_for_soap_who_does_not_speak_it():
    """The codec is imported with the driver."""
    program = "import adapters.catalogue, sys; sys.exit('zeep' in sys.modules or 'lxml' in sys.modules)"

    assert run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_codec_logs_nothing_of_a_request(caplog):
    """What it is given at start are marks, and never a number."""
    connect(options(wsdl(request=REQUEST)))

    assert caplog.records == []

"""Answers by their schema: lists are lists, what is not promised is refused, and nothing is passed over in silence."""

from __future__ import annotations

import logging
import tracemalloc

import pytest
from defusedxml.ElementTree import fromstring

from adapters.generic.soap.shapes import ShapeError
from adapters.generic.soap.wsdl import operation
from adapters.ports import Deadline, Response
from standards.errors import SourceContractError
from standards.identifiers import Identifier
from tests.fakes import InMemoryClient
from tests.unit.adapters.builders import fetch
from tests.unit.adapters.generic.soap.manifests import NAMESPACE, manifest, options, wsdl

XSI = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
TYPES = """<x:complexType name="Node"><x:sequence>
  <x:element name="Name" type="x:string"/><x:element name="Inner" type="p:Node" minOccurs="0"/>
</x:sequence></x:complexType>
<x:complexType name="Wider"><x:complexContent><x:extension base="p:Node"><x:sequence>
  <x:element name="More" type="x:int"/>
</x:sequence></x:extension></x:complexContent></x:complexType>"""


def read(answer, content, types="", **changes):
    """Return what an answer of a schema holds."""
    shape = operation(options(wsdl(answer=answer, types=types), **changes), "Find").read
    return shape(fromstring(f'<Found xmlns="{NAMESPACE}" {XSI}>{content}</Found>'))


@pytest.mark.parametrize(
    ("type_", "written", "value"),
    [
        ("x:string", " as it is ", " as it is "),
        ("x:string", "", None),
        ("x:int", "7", 7),
        ("x:int", " -7 ", -7),
        ("x:int", "0", 0),
        ("x:integer", "007", "007"),
        ("x:integer", "1" * 30, "1" * 30),
        ("x:int", "seven", "seven"),
        ("x:int", "-", "-"),
        ("x:int", "", None),
        ("x:decimal", "12.50", 12.5),
        ("x:decimal", "-0.5", -0.5),
        ("x:decimal", "12", 12),
        ("x:decimal", "1.2345678901234567", "1.2345678901234567"),
        ("x:double", "1e3", "1e3"),
        ("x:double", "NaN", "NaN"),
        ("x:boolean", "1", True),
        ("x:boolean", "false", False),
        ("x:boolean", "perhaps", "perhaps"),
        ("x:date", "1990-12-31", "1990-12-31"),
    ],
)
def test_a_simple_type_becomes_a_value_or_stays_the_text_that_it_is(type_, written, value):
    """A number only where nothing is lost; what cannot be read is left for the layout to refuse."""
    found = read(f'<x:element name="A" type="{type_}"/>', f"<A>{written}</A>")

    assert found == {"A": value}
    assert type(found["A"]) is type(value)


def test_what_may_be_repeated_is_always_a_list():
    """Also where it stands once, or not at all; in choices and repeated sequences too."""
    answer = """<x:element name="A" type="x:string" minOccurs="0" maxOccurs="2"/>
    <x:choice minOccurs="0" maxOccurs="unbounded"><x:element name="B" type="x:int"/><x:element name="C" type="x:int"/>
    </x:choice>"""

    assert read(answer, "") == {"A": [], "B": [], "C": []}
    assert read(answer, "<A>x</A><C>1</C><B>2</B><C>3</C>") == {"A": ["x"], "B": [2], "C": [1, 3]}


def test_a_type_may_hold_itself_and_an_element_may_name_a_wider_type():
    """Trees are read as deep as they go."""
    answer = '<x:element name="Root" type="p:Node"/>'
    tree = "<Root><Name>a</Name><Inner><Name>b</Name></Inner></Root>"
    wider = f'<Root xmlns:q="{NAMESPACE}" i:type="q:Wider"><Name>a</Name><More>3</More></Root>'

    assert read(answer, tree, TYPES) == {"Root": {"Name": "a", "Inner": {"Name": "b"}}}
    assert read(answer, wider, TYPES) == {"Root": {"Name": "a", "More": 3}}


def test_nothing_is_kept_of_the_types_that_an_answer_makes_up():
    """However many answers name however many: they are read as what the schema says, and forgotten."""
    shape = operation(options(wsdl(answer='<x:element name="Node" type="p:Node"/>', types=TYPES)), "Find").read

    def answered(number):
        nodes = f'<Node i:type="made-up-{number}"><Name>a</Name></Node>'
        return shape(fromstring(f'<Found xmlns="{NAMESPACE}" {XSI}>{nodes}</Found>'))

    answered("first")
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        assert all(answered(n) == {"Node": {"Name": "a"}} for n in range(2000))
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20_000


def test_nothing_is_nothing():
    """`xsi:nil` of texts, numbers and whole elements."""
    answer = """<x:element name="A" type="x:string" nillable="true"/><x:element name="B" type="x:int" nillable="true"/>
    <x:element name="C" type="p:Node" nillable="true"/>"""

    assert read(answer, '<A i:nil="true"/><B i:nil="1"/><C i:nil="true"/>', TYPES) == {"A": None, "B": None, "C": None}


def test_what_the_schema_leaves_open_is_read_as_it_comes():
    """Objects in it are always lists, so that one and several are read alike."""
    answer = '<x:element name="A" type="x:anyType"/>'
    found = read(answer, "<A><Row><N>1</N><T>x</T><T>y</T></Row><Note>z</Note></A>")

    assert found == {"A": {"Row": [{"N": "1", "T": ["x", "y"]}], "Note": "z"}}
    assert read('<x:sequence><x:any processContents="skip" minOccurs="0"/></x:sequence>', "<Odd>1</Odd>") == {}


@pytest.mark.parametrize(
    ("content", "element"),
    [("<B>1</B>", "B"), ("<A>1</A><A>2</A>", "A"), ("", "A"), ("<A><B/></A>", "A")],
)
def test_what_breaks_the_schema_is_refused_by_its_name(content, element):
    """Unknown, too many, missing, or of another kind."""
    with pytest.raises(ShapeError) as caught:
        read('<x:element name="A" type="x:int"/>', content)

    assert caught.value.element == element


def test_a_lenient_reading_takes_what_it_knows():
    """Whatever stands around it."""
    assert read('<x:element name="A" type="x:int"/>', '<B>1</B><A xmlns="other">2</A>', lenient=True) == {"A": 2}


async def test_an_unreadable_value_is_an_error_and_is_not_logged(caplog):
    """The codec would have made nothing of it, and written it to the log."""
    caplog.set_level(logging.DEBUG)
    answer = """<x:element name="Person" maxOccurs="unbounded"><x:complexType><x:sequence>
      <x:element name="Uin" type="x:string"/><x:element name="Name" type="x:string"/>
      <x:element name="Depth" type="x:int"/>
    </x:sequence></x:complexType></x:element>"""
    person = "<Person><Uin>1</Uin><Name>Asha</Name><Depth>Moyo</Depth></Person>"
    body = _enveloped(f'<Found xmlns="{NAMESPACE}">{person}</Found>')
    soap = options(wsdl(answer=answer), lookup={"expected": {"Depth": {"constant": 3}}})
    from adapters.generic.soap.driver import build

    with pytest.raises(SourceContractError, match="Depth") as caught:
        await build(manifest(soap), InMemoryClient([body])).fetch(_question(), Deadline.after(60))

    assert "Moyo" not in str(caught.value)
    assert "Moyo" not in caplog.text


async def test_an_answer_nested_without_end_is_refused():
    """A type that holds itself bounds nothing."""
    from adapters.generic.soap.driver import build

    answer = '<x:element name="Person" type="p:Node"/>'
    tree = "<Inner><Name>a</Name>" * 5000 + "</Inner>" * 5000
    body = _enveloped(f'<Found xmlns="{NAMESPACE}"><Person><Name>a</Name>{tree}</Person></Found>')
    with pytest.raises(SourceContractError, match="too deep"):
        await build(manifest(options(wsdl(answer=answer, types=TYPES))), InMemoryClient([body])).fetch(
            _question(), Deadline.after(60)
        )


def _enveloped(content):
    text = f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{content}</e:Body></e:Envelope>'
    return Response(200, "text/xml", text.encode())


def _question():
    return fetch("probe", "person", (Identifier("UIN", "1"),), ("given_name",))

"""What is sent to SOAP services: written once by the codec, filled in by us, and never more than text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from xml.etree.ElementTree import tostring

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.generic.soap.options import SoapArgument, SoapLookup
from adapters.generic.soap.request import Requests
from adapters.generic.soap.wsdl import operation
from adapters.manifest import Manifest
from standards.errors import SourceContractError
from standards.identifiers import Identifier
from tests.unit.adapters.generic.soap.manifests import NAMESPACE, manifest, options, wsdl

P = f"{{{NAMESPACE}}}"
XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1)
"""What a number may hold that XML can hold at all, line breaks aside."""
HOSTILE = [
    "<Uin>",
    "</Uin><Uin>x",
    "&amp;",
    "]]>",
    "<!--",
    "'\"",
    "HEARTHSLOT0X",
    "HEARTHOPEN0X",
    "{0}",
    "%s",
    "\\1",
    "a\tb\r\nc",
]
PEOPLE = """<x:element name="People"><x:complexType><x:sequence>
  <x:element name="Person" maxOccurs="unbounded"><x:complexType><x:sequence>
    <x:element name="Id"><x:complexType><x:simpleContent><x:extension base="x:string">
      <x:attribute name="kind" type="x:string"/>
    </x:extension></x:simpleContent></x:complexType></x:element>
  </x:sequence></x:complexType></x:element>
</x:sequence></x:complexType></x:element>
<x:element name="Day" type="x:date" minOccurs="0"/><x:element name="Year" type="x:int" minOccurs="0"/>
<x:element name="Flag" type="x:boolean" minOccurs="0"/><x:element name="Ref" type="x:string" minOccurs="0"/>"""
NESTED = {"People.Person[].Id._text": {"number": "*"}, "People.Person[].Id.kind": {"kind": {"UIN": "u&", "BRN": "b"}}}


def requests(arguments=None, request=None, types=("UIN",), prefix=""):
    """Return the requests of a lookup."""
    soap = options(wsdl() if request is None else wsdl(request=request), arguments=arguments)
    asked = soap.lookups["person"]
    return Requests("probe", asked, operation(soap, "Find"), types, lambda one: prefix + one.value)


def content(message):
    """Return the operation's element in an envelope."""
    envelope = fromstring(message, forbid_dtd=True)
    body = envelope.find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
    assert body is not None
    (only,) = body
    return only


@given(st.lists(XML_TEXT | st.sampled_from(HOSTILE), min_size=1, max_size=5))
def test_a_number_is_the_text_of_one_element_whatever_it_holds(numbers):
    """It opens nothing, closes nothing, and is no mark of ours."""
    body = requests().body([Identifier("UIN", one) for one in numbers], None, "")

    assert [(one.tag, one.text, len(one)) for one in content(body)] == [(f"{P}Uin", number, 0) for number in numbers]


@given(
    st.lists(st.tuples(st.sampled_from(["UIN", "BRN"]), XML_TEXT | st.sampled_from(HOSTILE)), min_size=1, max_size=4)
)
def test_it_is_what_the_codec_itself_would_write(people):
    """Filling in marks gives the codec's own message."""
    words = {"UIN": "u&", "BRN": "b"}
    soap = options(wsdl(request=PEOPLE), arguments=NESTED)
    written = [{"Id": {"_value_1": number, "kind": words[type_]}} for type_, number in people]
    from lxml import etree  # the codec's own elements are written by it

    expected = etree.tostring(operation(soap, "Find").request({"People": {"Person": written}}), encoding="unicode")
    body = requests(NESTED, PEOPLE, ("UIN", "BRN")).body([Identifier(*one) for one in people], None, "")

    assert tostring(fromstring(body)) == tostring(fromstring(expected))


@pytest.mark.parametrize("number", ["\x00", "a\x0bb", "\ufffe", "\ud800"])
def test_what_xml_cannot_hold_is_not_sent(number):
    """And not shown either."""
    with pytest.raises(SourceContractError) as caught:
        requests().body([Identifier("UIN", number)], None, "")

    assert number not in str(caught.value)


def test_numbers_go_out_as_the_registry_writes_them():
    """With the prefix of their type."""
    body = requests(prefix="PV-").body([Identifier("UIN", "7")], None, "")

    assert [one.text for one in content(body)] == ["PV-7"]


@pytest.mark.parametrize(
    ("argument", "place", "as_of", "said"),
    [
        ({"day": "as_of"}, "Day", None, None),
        ({"day": "as_of"}, "Day", date(2024, 2, 29), "2024-02-29"),
        ({"day": "as_of_or_today"}, "Day", date(2024, 2, 29), "2024-02-29"),
        ({"year": 2025}, "Year", date(2020, 1, 1), "2025"),
        ({"year": 2025, "as_of": "ended"}, "Year", None, "2025"),
        ({"year": 2025, "as_of": "ended"}, "Year", date(2024, 12, 31), "2023"),
        ({"year": 2025, "as_of": "ended"}, "Year", date(2027, 1, 1), "2025"),
        ({"constant": True}, "Flag", None, "true"),
        ({"constant": 7}, "Year", None, "7"),
        ({"constant": "<a&b>"}, "Ref", None, "<a&b>"),
        ({"transaction": True}, "Ref", None, 't"1<'),
    ],
)
def test_every_kind_of_argument_stands_where_its_place_says(argument, place, as_of, said):
    """A day that nobody asked about leaves its element out."""
    body = requests(NESTED | {place: argument}, PEOPLE).body([Identifier("UIN", "1")], as_of, 't"1<')

    assert content(body).findtext(f"{P}{place}") == said


def test_today_is_the_day_in_utc():
    """Where a registry always wants one."""
    before = datetime.now(UTC).date()
    body = requests(NESTED | {"Day": {"day": "as_of_or_today"}}, PEOPLE).body([Identifier("UIN", "1")], None, "")

    assert before.isoformat() <= (content(body).findtext(f"{P}Day") or "") <= datetime.now(UTC).date().isoformat()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"A": {"number": "UIN", "constant": "x"}}, "exactly one"),
        ({"A": {}}, "exactly one"),
        ({"A": {"number": "UIN", "as_of": "ended"}}, "belongs to `year`"),
        ({"A[].B[]": {"number": "UIN"}}, "marks one element only"),
        ({"A[]": {"constant": "x"}, "B[]": {"number": "UIN"}}, "needs a `number`"),
        ({"A": {"constant": "x"}}, "no argument is a `number`"),
        ({"A[]": {"number": "UIN"}, "B": {"number": "BRN"}}, "either every number"),
        ({"A b": {"number": "UIN"}}, "match"),
        ({"A.": {"number": "UIN"}}, "match"),
    ],
)
def test_arguments_are_a_closed_list(arguments, said):
    """What is none of it is refused when the manifest is read."""
    with pytest.raises(ValidationError, match=said):
        SoapLookup.model_validate({"operation": "Find", "arguments": arguments})


def test_what_is_expected_is_the_same_for_everybody():
    """A constant or a year."""
    with pytest.raises(ValidationError, match="`constant` or a `year`"):
        SoapLookup(
            operation="Find", arguments={"A": SoapArgument(number="UIN")}, expected={"B": SoapArgument(number="UIN")}
        )


def test_a_manifest_over_it_is_whole():
    """The models fit each other."""
    assert isinstance(manifest(options()), Manifest)

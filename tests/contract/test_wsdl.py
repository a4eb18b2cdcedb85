"""The taxpayer service keeps to its own WSDL: the operation is named, and answers fit the schema in it."""

import copy
import re
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import pytest

from mocks.people import TaxFile
from mocks.soap import body_of, enveloped
from mocks.tax import ACTION, NAMESPACE, WSDL, response, taxpayer
from tests.unit.mocks.few_people import ASHA, ASHA_TAX, JUMA, JUMA_TAX

XS = "{http://www.w3.org/2001/XMLSchema}"
NS = {
    "wsdl": "http://schemas.xmlsoap.org/wsdl/",
    "soap": "http://schemas.xmlsoap.org/wsdl/soap/",
    "xs": "http://www.w3.org/2001/XMLSchema",
}
BUILT_IN = {
    "xs:string": r".*",
    "xs:token": r"\S(?:.*\S)?",
    "xs:date": r"\d{4}-\d\d-\d\d",
    "xs:unsignedShort": r"\d{1,5}",
    "xs:nonNegativeInteger": r"\d+",
}


def at(element, path):
    """Return the element at a path, which must be there."""
    found = element.find(path, NS)
    assert found is not None
    return found


def schema():
    """Return the schema in the WSDL's types section."""
    return at(fromstring(WSDL), "wsdl:types/xs:schema")


def sample():
    """Return an answer with everything in it that an answer may hold, read back from the wire."""
    people = [
        taxpayer(ASHA, ASHA_TAX, "Asha Neema Moyo", 2025),
        taxpayer(JUMA, JUMA_TAX, "Juma Moyo", 2025),
        taxpayer(ASHA, TaxFile("closed"), "Ñandú <&> Orél", 2024),
    ]
    return body_of(enveloped(response(people, ["T00000008", "T00000009"])))


def request(*numbers):
    """Return a request as the WSDL describes it."""
    element = Element(f"{{{NAMESPACE}}}GetTaxpayersRequest")
    SubElement(element, f"{{{NAMESPACE}}}TaxYear").text = "2025"
    for number in numbers:
        SubElement(element, f"{{{NAMESPACE}}}TIN").text = number
    return element


class Schema:
    """A reader of the few parts of XML Schema that the WSDL uses; `faults` lists what does not fit."""

    def __init__(self, root):
        assert root.get("elementFormDefault") == "qualified"
        self.namespace = root.get("targetNamespace")
        self.elements = {element.get("name"): element for element in root.findall("xs:element", NS)}
        self.types = {
            f"tns:{kind.get('name')}": kind for kind in root if kind.tag in {XS + "complexType", XS + "simpleType"}
        }

    def faults(self, element):
        """Return what is wrong with a document element."""
        name = element.tag.removeprefix(f"{{{self.namespace}}}")
        if name not in self.elements:
            return [f"{element.tag} is not declared"]
        return self._complex(element, self.elements[name].find("xs:complexType", NS))

    def _typed(self, element, name):
        if name in BUILT_IN:
            return self._text(element.tag, element.text, name) + self._attributes(element, ())
        kind = self.types[name]
        if kind.tag == XS + "simpleType":
            return self._text(element.tag, element.text, name) + self._attributes(element, ())
        return self._complex(element, kind)

    def _complex(self, element, kind):
        extension = kind.find("xs:simpleContent/xs:extension", NS)
        if extension is not None:
            return (
                self._text(element.tag, element.text, extension.get("base"))
                + self._attributes(element, extension.findall("xs:attribute", NS))
                + [f"{element.tag} has children" for _ in element]
            )
        faults = self._attributes(element, kind.findall("xs:attribute", NS))
        if (element.text or "").strip():
            faults.append(f"{element.tag} has text")
        children = list(element)
        for part in kind.find("xs:sequence", NS):
            tag = f"{{{self.namespace}}}{part.get('name')}"
            least, most = int(part.get("minOccurs", "1")), part.get("maxOccurs", "1")
            count = 0
            while children and children[0].tag == tag:
                faults += self._typed(children.pop(0), part.get("type"))
                count += 1
            if count < least or (most != "unbounded" and count > int(most)):
                faults.append(f"{element.tag} has {count} of {tag}")
        return faults + [f"{element.tag} has {child.tag} where it must not" for child in children]

    def _attributes(self, element, declared):
        allowed = {attribute.get("name"): attribute for attribute in declared}
        faults = [f"{element.tag} has an attribute {name}" for name in element.keys() - allowed.keys()]
        for name, attribute in allowed.items():
            value = element.get(name)
            if value is None and attribute.get("use") == "required":
                faults.append(f"{element.tag} has no attribute {name}")
            if value is not None:
                faults += self._text(f"{element.tag}/@{name}", value, attribute.get("type"))
        return faults

    def _text(self, where, text, name):
        text = text or ""
        if name in BUILT_IN:
            return [] if re.fullmatch(BUILT_IN[name], text, re.ASCII | re.DOTALL) else [f"{where} is no {name}"]
        restriction = self.types[name].find("xs:restriction", NS)
        faults = self._text(where, text, restriction.get("base"))
        facets = [(facet.tag.removeprefix(XS), facet.get("value")) for facet in restriction]
        known = {"enumeration", "pattern", "minLength", "maxLength"}
        assert {facet for facet, _ in facets} <= known, "this reader must learn the facet first"
        enumerated = [value for facet, value in facets if facet == "enumeration"]
        wrong = (
            (enumerated and text not in enumerated)
            or any(facet == "pattern" and not re.fullmatch(value, text) for facet, value in facets)
            or any(facet == "minLength" and len(text) < int(value) for facet, value in facets)
            or any(facet == "maxLength" and len(text) > int(value) for facet, value in facets)
        )
        return [*faults, f"{where} is no {name}"] if wrong else faults


def test_the_wsdl_names_the_operation():
    """Port type, binding and action speak of the same operation, document/literal over HTTP."""
    root = fromstring(WSDL)
    binding = at(root, "wsdl:binding")

    assert root.get("targetNamespace") == NAMESPACE
    assert at(root, "wsdl:portType/wsdl:operation").get("name") == "GetTaxpayers"
    assert at(binding, "wsdl:operation").get("name") == "GetTaxpayers"
    assert at(binding, "wsdl:operation/soap:operation").get("soapAction") == ACTION
    assert at(binding, "soap:binding").attrib == {
        "style": "document",
        "transport": "http://schemas.xmlsoap.org/soap/http",
    }
    assert [body.get("use") for body in binding.iter(f"{{{NS['soap']}}}body")] == ["literal", "literal"]


def test_the_wsdl_refers_to_what_it_declares():
    """Messages name declared elements, the port type declared messages, the service the binding."""
    root = fromstring(WSDL)
    declared = {f"tns:{element.get('name')}" for element in schema().findall("xs:element", NS)}
    messages = {f"tns:{message.get('name')}" for message in root.findall("wsdl:message", NS)}
    used = {end.get("message") for end in at(root, "wsdl:portType/wsdl:operation")}

    assert {part.get("element") for part in root.iterfind("wsdl:message/wsdl:part", NS)} == declared
    assert used == messages
    binding, port_type = at(root, "wsdl:binding"), at(root, "wsdl:portType")
    assert binding.get("type") == f"tns:{port_type.get('name')}"
    assert at(root, "wsdl:service/wsdl:port").get("binding") == f"tns:{binding.get('name')}"


def test_a_request_and_an_answer_fit_the_schema():
    """What the service takes and gives is what its schema says."""
    rules = Schema(schema())

    assert rules.faults(request("T00000001", "T00000002")) == []
    assert rules.faults(sample()) == []


def spoil(path, action):
    """Return the sample answer with one element changed."""
    answer = copy.deepcopy(sample())
    parent = answer.find("/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/")[:-1]) or ".")
    action(parent, parent.find(f"{{{NAMESPACE}}}{path.split('/')[-1]}"))
    return answer


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("Taxpayer/TIN", lambda parent, element: parent.remove(element)),
        ("Taxpayer/TIN", lambda parent, element: parent.append(copy.copy(element))),
        ("Taxpayer/Status", lambda _, element: setattr(element, "text", "active")),
        ("Taxpayer/LastChanged", lambda _, element: setattr(element, "text", "11/02/2026")),
        ("Taxpayer/Employment/Code", lambda _, element: setattr(element, "text", "3")),
        ("Taxpayer/Assessment", lambda _, element: element.attrib.clear()),
        ("Taxpayer/Assessment/TaxPaid", lambda _, element: setattr(element, "text", "-1")),
        ("Taxpayer/Assessment/TaxPaid", lambda _, element: element.set("currency", "EUR")),
        ("Taxpayer/ArrearsFlag", lambda _, element: setattr(element, "tag", "ArrearsFlag")),
    ],
)
def test_other_answers_do_not_fit(path, action):
    """The schema is no rubber stamp: each of these differs from a good answer in one thing."""
    assert Schema(schema()).faults(spoil(path, action)) != []


def test_a_full_validator_agrees():
    """Where lxml is installed, its validation of the same schema comes to the same result."""
    etree = pytest.importorskip("lxml.etree", reason="lxml is not among the project's tools")
    rules = etree.XMLSchema(etree.fromstring(WSDL.encode()).find("wsdl:types/xs:schema", NS))

    assert rules.validate(etree.fromstring(tostring(request("T00000001"))))
    assert rules.validate(etree.fromstring(tostring(sample())))
    wrong = spoil("Taxpayer/TIN", lambda parent, element: parent.remove(element))
    assert not rules.validate(etree.fromstring(tostring(wrong)))

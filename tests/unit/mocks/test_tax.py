"""The taxpayer service reads SOAP strictly, and writes money in hundredths and gaps as gaps."""

import base64
from dataclasses import replace
from datetime import date
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocks.people import TaxFile
from mocks.soap import ENVELOPE, SoapFaultError, body_of, enveloped, fault
from mocks.tax import (
    ACTION,
    NAMESPACE,
    TaxRegistry,
    assessed,
    basic_credentials,
    check_action,
    question_of,
    response,
    taxpayer,
)
from tests.unit.mocks.few_people import ASHA, ASHA_TAX, JUMA, JUMA_TAX, few_people

NS = {"r": NAMESPACE}


def soap(body, header=""):
    """Return an envelope as a client writes it."""
    return (
        f'<s:Envelope xmlns:s="{ENVELOPE}" xmlns="{NAMESPACE}">{header}<s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


def at(element, path):
    """Return the element at a path, which must be there."""
    found = element.find(path, NS)
    assert found is not None
    return found


def ask(*numbers, year="2025"):
    """Return a request about numbers."""
    tins = "".join(f"<TIN>{number}</TIN>" for number in numbers)
    return soap(f"<GetTaxpayersRequest><TaxYear>{year}</TaxYear>{tins}</GetTaxpayersRequest>")


def test_a_question_is_read_without_repetitions():
    """A number asked about twice is answered once, in the order asked."""
    question = question_of(body_of(ask("T00000002", "T00000001", "T00000002")))

    assert question == (2025, ("T00000002", "T00000001"))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"<a>",
        b"<a/>",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        soap(""),
        soap("<GetTaxpayersRequest/><GetTaxpayersRequest/>"),
        soap("<GetTaxpayers/>"),
        soap("<GetTaxpayersRequest><TIN>T00000001</TIN></GetTaxpayersRequest>"),
        soap("<GetTaxpayersRequest><TaxYear>2025</TaxYear></GetTaxpayersRequest>"),
        soap("<GetTaxpayersRequest><TaxYear>2025</TaxYear><Tin>1</Tin></GetTaxpayersRequest>"),
        ask("T00000001", year="last"),
        ask("T00000001", year="²025"),
        ask(""),
        ask("T" * 21),
        ask(*(f"T{number:08}" for number in range(101))),
    ],
)
def test_a_bad_request_is_the_clients_fault(raw):
    """Whatever breaks the contract is a Client fault."""
    with pytest.raises(SoapFaultError) as refused:
        question_of(body_of(raw))

    assert refused.value.code == "Client"


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(raw):
    """Any bytes are either an envelope or a fault."""
    with pytest.raises(SoapFaultError):
        body_of(raw)


def test_another_version_of_soap_is_named():
    """A SOAP 1.2 envelope gets the fault that SOAP 1.1 has for it."""
    with pytest.raises(SoapFaultError) as refused:
        body_of(b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>')

    assert refused.value.code == "VersionMismatch"


def test_a_header_that_must_be_understood_is_refused():
    """A header nobody here understands may be passed over only when its sender allows it."""
    header = f'<s:Header><x xmlns="urn:x" xmlns:s="{ENVELOPE}" s:mustUnderstand="%s"/></s:Header>'

    assert body_of(soap("<a/>", header % 0)).tag == f"{{{NAMESPACE}}}a"
    with pytest.raises(SoapFaultError) as refused:
        body_of(soap("<a/>", header % 1))
    assert refused.value.code == "MustUnderstand"


def test_the_action_is_the_operations_or_empty():
    """An empty action means the address itself; another one is refused."""
    check_action(f'"{ACTION}"')
    check_action('""')
    with pytest.raises(SoapFaultError):
        check_action('"urn:pv:revenue:taxpayer:1/Delete"')


def test_money_is_in_hundredths():
    """Twelve thousand crowns are written as 1,200,000."""
    record = taxpayer(ASHA, ASHA_TAX, "Asha Neema Moyo", 2025)

    assessment = at(record, "r:Assessment")
    assert assessment.get("year") == "2025"
    assert [(amount.text, amount.get("currency")) for amount in assessment] == [
        ("1200000", "PVC"),
        ("300000", "PVC"),
        ("70000", "PVC"),
    ]


def test_a_taxpayer_is_written_whole():
    """Number, name, standing, work, arrears and last change all appear."""
    record = taxpayer(ASHA, ASHA_TAX, "Asha Neema Moyo", 2025)

    texts = {element.tag.partition("}")[2]: element.text for element in record.iter() if element.text}
    assert texts == {
        "TIN": "T00000001",
        "Name": "Asha Neema Moyo",
        "Status": "ACTIVE",
        "Code": "2",
        "Occupation": "9",
        "Employer": "Mill & Sons",
        "EmploymentIncome": "1200000",
        "BusinessIncome": "300000",
        "TaxPaid": "70000",
        "ArrearsFlag": "Y",
        "LastChanged": "2026-02-11",
    }


@pytest.mark.parametrize(
    ("file", "year", "there"),
    [
        (TaxFile("active"), 2025, True),
        (TaxFile("active", 5), 2024, True),
        (TaxFile("active", 5), 2020, False),
        (TaxFile("active", 5), 2026, False),
        (TaxFile("dormant"), 2025, False),
        (TaxFile("closed", 5), 2025, True),
    ],
)
def test_who_has_an_assessment(file, year, there):
    """There is one for each of the last five full years, unless a taxpayer at rest declared nothing."""
    assert assessed(file, year) is there
    assert (taxpayer(ASHA, file, "", year).find("r:Assessment", NS) is not None) is there


@pytest.mark.parametrize(
    ("file", "updated_on", "changed"),
    [
        (TaxFile("active"), date(2019, 5, 1), "2026-02-11"),
        (TaxFile("active"), date(2026, 8, 1), "2026-08-01"),
        (TaxFile("dormant"), date(2019, 5, 1), "2019-05-01"),
    ],
)
def test_an_assessment_is_a_change(file, updated_on, changed):
    """A record with an assessment changed when that was entered, if not later; others when they were touched."""
    record = taxpayer(replace(ASHA, updated_on=updated_on), file, "", 2025)

    assert at(record, "r:LastChanged").text == changed


def test_an_employer_is_left_out_where_there_is_none():
    """Who has no employer has no Employer element, rather than an empty one."""
    assert taxpayer(JUMA, JUMA_TAX, "Juma Moyo", 2025).find("r:Employment/r:Employer", NS) is None


def test_numbers_nobody_has_are_listed():
    """Taxpayers come first, then one NotFound for each number without one."""
    answer = response([taxpayer(ASHA, ASHA_TAX, "", 2025)], ["T00000009", "T00000008"])

    assert [child.tag.partition("}")[2] for child in answer] == ["Taxpayer", "NotFound", "NotFound"]
    assert [tin.text for tin in answer.iterfind("r:NotFound/r:TIN", NS)] == ["T00000009", "T00000008"]


def test_an_answer_survives_its_envelope():
    """What is written can be read again, whatever characters a name has."""
    raw = enveloped(response([taxpayer(ASHA, ASHA_TAX, "Ñandú <&> Orél", 2025)], []))

    assert at(body_of(raw), "r:Taxpayer/r:Name").text == "Ñandú <&> Orél"


def test_a_fault_names_whose_it_is():
    """The fault code is a qualified name of the envelope's namespace; the children have none."""
    raw = fault(SoapFaultError("Client", "no such thing"))

    found = fromstring(raw)[0][0]
    assert b'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"' in raw
    assert {child.tag: child.text for child in found} == {
        "faultcode": "soap:Client",
        "faultstring": "no such thing",
    }


@pytest.mark.parametrize("header", [None, "", "Basic", "Basic ***", "Bearer YTpi", "Basic YQ==", "Basic /w=="])
def test_headers_without_user_and_password(header):
    """What is no Basic credential is none, and no error either."""
    assert basic_credentials(header) is None


@given(st.text(st.characters(codec="utf-8", exclude_characters=":")), st.text(st.characters(codec="utf-8")))
def test_user_and_password_are_read_back(user, password):
    """A password may hold a colon, a user name may not."""
    coded = base64.b64encode(f"{user}:{password}".encode()).decode()

    assert basic_credentials(f"basic {coded}") == (user, password)


def test_only_taxpayers_are_held():
    """Somebody without a tax file is nobody here."""
    registry = TaxRegistry(few_people(), {"USER": "u", "PASSWORD": "p"})

    assert [registry.holds(person) for person in registry.population.people] == [True, True, False]
    assert registry.environment("http://a") == {
        "HEARTH_TAX_URL": "http://a",
        "HEARTH_TAX_USER": "u",
        "HEARTH_TAX_PASSWORD": "p",
    }

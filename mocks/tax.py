"""The revenue authority: taxpayers by SOAP, one question for many numbers, money in hundredths of a crown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.resources import files
from typing import ClassVar, Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, register_namespace

from aiohttp import web

from mocks.people import Person, TaxFile
from mocks.registry import Call, Operation, Registry, same
from mocks.soap import SoapFaultError, body_of, enveloped, fault

NAMESPACE: Final = "urn:pv:revenue:taxpayer:1"
ACTION: Final = f"{NAMESPACE}/GetTaxpayers"
PATH: Final = "/services/TaxpayerService"
TAX_YEAR: Final = 2025
ASSESSED_ON: Final = date(2026, 2, 11)
"""The day on which the assessments of the tax year were entered."""
YEARS_KEPT: Final = 5
"""Years whose assessments are still told, the last one included."""
RISE_PERCENT: Final = 4
"""By how much of the last year's figures incomes rose every year."""
FROM_AGE: Final = 18
MOST_NUMBERS: Final = 100
LONGEST_NUMBER: Final = 20
WSDL: Final = files("mocks").joinpath("wsdl", "taxpayer.wsdl").read_text(encoding="utf-8")
_NOWHERE: Final = "http://taxpayer.invalid/services/TaxpayerService"

register_namespace("rev", NAMESPACE)


class Question(NamedTuple):
    """What a GetTaxpayersRequest asks: a year, and numbers without repetition."""

    year: int
    numbers: tuple[str, ...]


def check_action(header: str) -> None:
    """Accept the operation's action, or an empty one, which means the address itself.

    Raises: SoapFaultError for any other.
    """
    if header.strip().strip('"') not in {"", ACTION}:
        raise SoapFaultError("Client", "the SOAPAction is unknown")


def question_of(request: Element) -> Question:
    """Read a GetTaxpayersRequest.

    Raises: SoapFaultError when it is another element or breaks the service's schema.
    """
    if request.tag != _tag("GetTaxpayersRequest"):
        raise SoapFaultError("Client", "the operation is GetTaxpayers")
    years = [child for child in request if child.tag == _tag("TaxYear")]
    numbers = [(child.text or "").strip() for child in request if child.tag == _tag("TIN")]
    if len(years) != 1 or len(years) + len(numbers) != len(request):
        raise SoapFaultError("Client", "a request holds one TaxYear and then TIN elements, nothing else")
    year = (years[0].text or "").strip()
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise SoapFaultError("Client", "TaxYear is a year of four digits")
    if not 1 <= len(numbers) <= MOST_NUMBERS:
        raise SoapFaultError("Client", f"a request asks about 1 to {MOST_NUMBERS} numbers")
    if not all(0 < len(number) <= LONGEST_NUMBER for number in numbers):
        raise SoapFaultError("Client", f"a TIN has 1 to {LONGEST_NUMBER} characters")
    return Question(int(year), tuple(dict.fromkeys(numbers)))


def taxpayer(person: Person, file: TaxFile, name: str, year: int) -> Element:
    """Return one Taxpayer; `year` is the year whose assessment was asked for."""
    element = Element(_tag("Taxpayer"))
    _add(element, "TIN", person.tin or "")
    _add(element, "Name", name)
    _add(element, "Status", file.status.upper())
    employment = _add(element, "Employment")
    _add(employment, "Code", file.employment_status)
    _add(employment, "Occupation", file.occupation)
    if file.employer is not None:
        _add(employment, "Employer", file.employer)
    if assessed(file, year) and of_age(person, year):
        assessment = _add(element, "Assessment")
        assessment.set("year", str(year))
        for kind, crowns in zip(("EmploymentIncome", "BusinessIncome", "TaxPaid"), declared(file, year), strict=True):
            _money(assessment, kind, crowns)
    _add(element, "ArrearsFlag", "Y" if file.in_arrears else "N")
    changed = max(person.updated_on, ASSESSED_ON) if assessed(file, TAX_YEAR) else person.updated_on
    _add(element, "LastChanged", changed.isoformat())
    return element


def assessed(file: TaxFile, year: int) -> bool:
    """Tell whether there is an assessment; closed and dormant taxpayers who declared nothing have none."""
    return TAX_YEAR - YEARS_KEPT < year <= TAX_YEAR and (file.status == "active" or any(declared(file, year)))


def of_age(person: Person, year: int) -> bool:
    """Tell whether a person could be a taxpayer in a past year; the last year is as its file has it."""
    return year == TAX_YEAR or year - person.birth_date.year >= FROM_AGE


def declared(file: TaxFile, year: int) -> tuple[int, int, int]:
    """Return income from employment and from business, and the tax paid: less with every year back, in whole crowns."""
    percent = 100 - RISE_PERCENT * (TAX_YEAR - year)
    employment, business, paid = (
        amount * percent // 100 for amount in (file.employment_income, file.business_income, file.tax_paid)
    )
    return employment, business, paid


def response(taxpayers: Iterable[Element], missing: Iterable[str]) -> Element:
    """Return a GetTaxpayersResponse: the taxpayers found, then every number that was not."""
    element = Element(_tag("GetTaxpayersResponse"))
    element.extend(taxpayers)
    for number in missing:
        _add(_add(element, "NotFound"), "TIN", number)
    return element


def basic_credentials(header: str | None) -> tuple[str, str] | None:
    """Return user and password of an Authorization header, or None when it holds none."""
    scheme, _, coded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


class TaxRegistry(Registry):
    """The taxpayer service: SOAP 1.1, document/literal, HTTP Basic."""

    name = "tax"
    speaks = "soap"
    reg_type = "ns:hearth:RegistryType:Tax"
    media_type = "text/xml"
    secrets = ("USER", "PASSWORD")
    spoiled_names: ClassVar[dict[str, str]] = {
        "TIN": "TaxpayerNumber",
        "Status": "State",
        "Assessment": "Figures",
        "EmploymentIncome": "Wages",
    }

    def operations(self) -> Iterable[Operation]:
        """Return the one operation."""
        yield Operation("POST", PATH, self.get_taxpayers, "GetTaxpayers")

    def pages(self) -> Iterable[web.RouteDef]:
        """Return the description of the service."""
        yield web.get(PATH, self.wsdl)

    def refusal(self, request: web.Request) -> web.Response | None:
        """Ask for user and password unless the right ones came along."""
        user, password = basic_credentials(request.headers.get("Authorization")) or (None, None)
        # Both are compared always, so that the time taken tells nothing about either.
        right = same(user, self.credentials["USER"]), same(password, self.credentials["PASSWORD"])
        if all(right):
            return None
        return web.Response(
            status=401,
            headers={"WWW-Authenticate": 'Basic realm="taxpayer"'},
            text="user and password are missing or wrong",
        )

    def holds(self, person: Person) -> bool:
        """Tell whether a person is on the rolls."""
        return person.tin is not None and person.tax is not None

    async def wsdl(self, request: web.Request) -> web.Response:
        """Answer `?wsdl` with the contract, which names the address it was asked at."""
        if "wsdl" not in {name.lower() for name in request.query}:
            raise web.HTTPMethodNotAllowed("GET", ["POST"])
        text = WSDL.replace(_NOWHERE, f"{request.url.origin()}{PATH}")
        return web.Response(text=text, content_type="text/xml", charset="utf-8")

    async def get_taxpayers(self, request: web.Request, call: Call) -> web.Response:
        """Answer one SOAP request; a request that breaks the contract gets a fault."""
        if request.content_type != "text/xml":
            return web.Response(status=415, text="SOAP 1.1 is text/xml", content_type="text/plain")
        try:
            check_action(request.headers.get("SOAPAction", ""))
            question = question_of(body_of(await request.read()))
        except SoapFaultError as problem:
            return _xml(fault(problem), status=500)
        call.asked(len(question.numbers))
        return _xml(enveloped(self._answer(question, call)))

    def _answer(self, question: Question, call: Call) -> Element:
        """Return the answer to a good question."""
        asked = [self._person(number) for number in question.numbers]
        missing = [number for number, person in zip(question.numbers, asked, strict=True) if person is None]
        return response(self._taxpayers(call.about(asked), question.year), missing)

    def _taxpayers(self, people: Sequence[Person | None], year: int) -> Iterable[Element]:
        """Yield a Taxpayer for everyone who is on the rolls."""
        for person in people:
            if person is not None and person.tax is not None:
                given, second, surname = self.population.spelling(self.name, person.index)
                name = " ".join(part for part in (given, second, surname) if part)
                yield taxpayer(person, person.tax, name, year)

    def _person(self, number: str) -> Person | None:
        """Return the taxpayer with a number."""
        index = self.population.by_number["TIN"].get(number)
        person = None if index is None else self.population.people[index]
        return person if person is not None and self.holds(person) else None


def _xml(body: bytes, *, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="text/xml", charset="utf-8")


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    child = SubElement(parent, _tag(name))
    child.text = text
    return child


def _money(parent: Element, name: str, crowns: int) -> None:
    """Add an amount in hundredths of a crown."""
    _add(parent, name, str(crowns * 100)).set("currency", "PVC")

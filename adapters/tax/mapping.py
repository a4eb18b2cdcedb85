"""Taxpayers of the revenue authority in Hearth's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.markup import Element, MarkupError, escape, parsed
from adapters.ports import Record
from adapters.reading import Draft, Reader
from standards.identifiers import TIN, Identifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Parts = Mapping[str, Element]

SOURCE: Final = "tax"
READ: Final = Reader(SOURCE)
NAMESPACE: Final = "urn:pv:revenue:taxpayer:1"
ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
CURRENCY: Final = "PVC"

STATUS: Final = {"ACTIVE": "active", "DORMANT": "dormant", "CLOSED": "closed"}
EMPLOYMENT: Final = {code: code for code in ("1", "2", "3", "4", "5", "6", "7", "8")}
OCCUPATION: Final = {code: code for code in "0123456789"}
_ARREARS: Final = {"Y": True, "N": False}
_OURS: Final = f"{{{NAMESPACE}}}"
_BODY: Final = f"{{{ENVELOPE}}}Body"


def to_request(tins: Sequence[str], tax_year: int) -> bytes:
    """Return the envelope that asks about some taxpayers in one year."""
    listed = "".join(f"<TIN>{escape(tin)}</TIN>" for tin in tins)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>'
        f'<GetTaxpayersRequest xmlns="{NAMESPACE}"><TaxYear>{tax_year}</TaxYear>{listed}</GetTaxpayersRequest>'
        "</soap:Body></soap:Envelope>"
    ).encode()


def to_answer(
    body: bytes, subjects: Sequence[Identifier], names: frozenset[str], tax_year: int
) -> dict[Identifier, Record | None]:
    """Translate one answer: a record, or None for who is no taxpayer, for every subject.

    Units: money is hundredths of a crown there, and whole crowns here (half a crown counts as one).
    Raises: SourceContractError for someone else, a subject left out, or an element of another shape.
    """
    content = _content(body)
    if content.tag != f"{_OURS}GetTaxpayersResponse":
        READ.refuse("Body", "not a GetTaxpayersResponse")
    records: dict[Identifier, Record | None] = {}
    for taxpayer in content.findall(f"{_OURS}Taxpayer"):
        record = to_record(taxpayer, names, tax_year)
        _keep(records, subjects, record.identifiers[TIN], record)
    for missing in content.findall(f"{_OURS}NotFound"):
        for tin in missing.findall(f"{_OURS}TIN"):
            _keep(records, subjects, READ.number_of("TIN", tin.text), None)
    if len(records) != len(subjects):
        READ.refuse("GetTaxpayersResponse", "lacks a taxpayer that was asked for")
    return records


def fault_of(body: bytes) -> str | None:
    """Return whose fault a SOAP fault says it is, `Client` or `Server`; None when the body holds no fault."""
    try:
        code = parsed(body).findtext(f"{_BODY}/{{{ENVELOPE}}}Fault/faultcode")
    except MarkupError:
        return None
    return None if code is None else READ.shown(code.rpartition(":")[2].partition(".")[0])


def to_record(taxpayer: Element, names: frozenset[str], tax_year: int) -> Record:
    """Translate one `Taxpayer` element."""
    parts = _parts(taxpayer)
    draft = Draft(names)
    draft.code("taxpayer_status", READ.required("Status", _text(parts, "Status")), STATUS)
    arrears = READ.required("ArrearsFlag", _text(parts, "ArrearsFlag"))
    if arrears not in _ARREARS:
        READ.refuse("ArrearsFlag", "neither Y nor N")
    draft.put("tax_in_arrears", _ARREARS[arrears])
    employment = parts.get("Employment")
    if employment is not None:
        stated = _parts(employment)
        draft.code("employment_status", _text(stated, "Code"), EMPLOYMENT)
        draft.code("occupation", _text(stated, "Occupation"), OCCUPATION)
        draft.put("employer_name", _text(stated, "Employer"))
    assessment = parts.get("Assessment")
    if assessment is not None:
        _read_assessment(assessment, draft, tax_year)
    tin = READ.number_of("TIN", _text(parts, "TIN"))
    as_of = READ.required("LastChanged", READ.day("LastChanged", _text(parts, "LastChanged")))
    return Record({TIN: tin}, draft.values, as_of, unusable=draft.unusable)


def _read_assessment(assessment: Element, draft: Draft, tax_year: int) -> None:
    if assessment.get("year") != str(tax_year):
        READ.refuse("Assessment", "of another year than asked for")
    amounts = _parts(assessment)
    employment = _hundredths(amounts, "EmploymentIncome")
    business = _hundredths(amounts, "BusinessIncome")
    draft.put("tax_year", tax_year)
    draft.put("income_employment", _crowns(employment))
    draft.put("income_business", _crowns(business))
    draft.put("income_annual", _crowns(employment + business))
    draft.put("tax_paid_annual", _crowns(_hundredths(amounts, "TaxPaid")))


def _hundredths(amounts: Parts, name: str) -> int:
    amount = amounts.get(name)
    if amount is None:
        READ.refuse(name, "missing")
    if amount.get("currency") != CURRENCY:
        READ.refuse(name, f"not in {CURRENCY}")
    return READ.required(name, READ.whole(name, amount.text))


def _crowns(hundredths: int) -> int:
    return (hundredths + 50) // 100


def _keep(
    records: dict[Identifier, Record | None], subjects: Sequence[Identifier], number: str, record: Record | None
) -> None:
    subject = Identifier(TIN, number)
    if subject not in subjects:
        READ.wrong_subject("TIN")
    if subject in records:
        READ.refuse("TIN", "answered twice")
    records[subject] = record


def _content(body: bytes) -> Element:
    """Return what stands in the envelope's body."""
    try:
        envelope = parsed(body)
    except MarkupError as error:
        READ.refuse("body", str(error))
    holder = envelope.find(_BODY)
    if envelope.tag != f"{{{ENVELOPE}}}Envelope" or holder is None or len(holder) != 1:
        READ.refuse("body", "not a SOAP 1.1 envelope")
    return holder[0]


def _parts(parent: Element) -> Parts:
    """Return the elements of the authority's own inside another by their names; the first of those with one name."""
    parts: dict[str, Element] = {}
    for element in parent:
        tag = element.tag
        if tag.startswith(_OURS):
            parts.setdefault(tag[len(_OURS) :], element)
    return parts


def _text(parts: Parts, name: str) -> str | None:
    element = parts.get(name)
    return None if element is None else READ.text(name, element.text)

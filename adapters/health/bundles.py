"""FHIR bundles of the health registry: whole or refused, and every resource of whom it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from adapters.reading import Reader
from standards.errors import SourceRefusedError, SourceUnavailableError
from standards.identifiers import normal_value
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE: Final = "health"
READ: Final = Reader(SOURCE)
_PATIENT: Final = "Patient/"
_ESCAPED: Final = str.maketrans({sign: "\\" + sign for sign in "\\,|$"})


def searchset(stated: object, resource_type: str) -> list[dict[str, Any]]:
    """Return the resources of one searchset.

    Raises: SourceContractError when it is not one, holds another type, or is only a part of what matched.
    """
    bundle = _bundle(stated, "searchset")
    resources: list[dict[str, Any]] = []
    for entry in READ.objects("entry", bundle.get("entry", [])):
        resource = READ.record("resource", entry.get("resource"))
        if resource.get("resourceType") != resource_type:
            READ.refuse("resourceType", f"not {resource_type}")
        resources.append(resource)
    total = READ.whole("total", bundle.get("total"))
    # INVARIANT: a visit or a dose that did not arrive is never counted as none.
    is_part = total is not None and total != len(resources)
    for link in READ.objects("link", bundle.get("link") or []):
        is_part = is_part or link.get("relation") == "next"
    if is_part:
        READ.refuse(f"{resource_type} bundle", "only a part of what matched")
    if total is None and "entry" not in bundle:
        READ.refuse(f"{resource_type} bundle", "neither entry nor total")
    return resources


def token(value: str) -> str:
    """Return a value as a FHIR search takes it, with its separators escaped."""
    return value.translate(_ESCAPED)


def in_query(value: str) -> str:
    """Return a value as it stands in the query of a FHIR search: escaped, then percent-encoded."""
    return value if value.isalnum() and value.isascii() else quote(token(value), safe="")


def batch_request(urls: list[str]) -> dict[str, Any]:
    """Return a batch that reads some addresses below the base."""
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    return {"resourceType": "Bundle", "type": "batch", "entry": entries}


def batch_answer(body: bytes, resource_types: list[str]) -> list[list[dict[str, Any]]]:
    """Return the resources of each entry of a batch response, in the order asked.

    Raises: SourceError, by the entry's own status, when one of them failed.
    """
    bundle = _bundle(READ.json(body), "batch-response")
    entries = READ.objects("entry", bundle.get("entry"))
    if len(entries) != len(resource_types):
        READ.refuse("entry", "not as many as asked for")
    answers = []
    for entry, resource_type in zip(entries, resource_types, strict=True):
        response = READ.record("response", entry.get("response"))
        _check_entry(READ.required("status", READ.text("status", response.get("status"))))
        answers.append(searchset(entry.get("resource"), resource_type))
    return answers


def patient_of(reference: object, field: str) -> str:
    """Return the patient number that a reference names."""
    stated = reference.get("reference") if isinstance(reference, dict) else None
    if isinstance(stated, str) and stated.startswith(_PATIENT) and (number := stated[len(_PATIENT) :]).isalnum():
        return number.upper()  # as nearly all are written
    holder = READ.record(field, reference)
    text = READ.required(field, READ.text(field, holder.get("reference")))
    kind, _, number = text.rpartition("/")
    if kind.rpartition("/")[2] != "Patient":
        READ.refuse(field, "not a reference to a Patient")
    return normal_value(number)


def identifiers_of(patient: Mapping[str, Any], systems: Mapping[str, str]) -> dict[str, str]:
    """Return the numbers of a Patient whose system is known, by type."""
    numbers: dict[str, str] = {}
    for one in READ.objects("identifier", patient.get("identifier")):
        type_ = systems.get(READ.text("identifier.system", one.get("system")) or "")
        if type_ is not None:
            numbers[type_] = READ.number_of("identifier.value", one.get("value"))
    return numbers


def _bundle(stated: object, type_: str) -> dict[str, Any]:
    bundle = READ.record("Bundle", stated)
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != type_:
        READ.refuse("Bundle", f"not a {type_}")
    return bundle


def _check_entry(status: str) -> None:
    code = status[:3]
    if code == "200":
        return
    if code in ("401", "403"):
        raise SourceRefusedError(SOURCE, f"batch entry: status {code}")
    if code == "429" or code.startswith("5"):
        raise SourceUnavailableError(SOURCE, UnavailableReason.SOURCE_DOWN, f"batch entry: status {code}")
    READ.refuse("batch entry", f"status {READ.shown(code)}")

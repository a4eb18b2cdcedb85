"""The calls that the peers make: those of the gateway's own plan, with the same bodies in the same order.

Only the standard library is imported here, since one of the peers runs in an environment of its own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Final, NamedTuple
from urllib.parse import quote

_LINE: Final = re.compile(r"^(\d+) (\w+\.\w+) by \S+ for (.+?)(?: after ([\d, ]+))?(?::.*)?$")
_DCI: Final = {"Content-Type": "application/json", "Accept": "application/json", "Authorization": "Bearer bench"}
_FHIR: Final = {"Authorization": "Bearer bench", "Accept": "application/fhir+json"}
_SOAP: Final = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header>'
    '<xro:client xmlns:xro="http://x-road.eu/xsd/xroad.xsd" xmlns:iden="http://x-road.eu/xsd/identifiers"'
    ' iden:objectType="SUBSYSTEM"><iden:xRoadInstance>PV</iden:xRoadInstance><iden:memberClass>GOV</iden:memberClass>'
    "<iden:memberCode>1001</iden:memberCode><iden:subsystemCode>bench</iden:subsystemCode></xro:client>"
    '<xro:id xmlns:xro="http://x-road.eu/xsd/xroad.xsd">bench</xro:id></soap:Header><soap:Body>'
    '<GetTaxpayersRequest xmlns="urn:pv:revenue:taxpayer:1"><TaxYear>2025</TaxYear>{}</GetTaxpayersRequest>'
    "</soap:Body></soap:Envelope>"
)
_TAX: Final = {
    "Authorization": "Basic YmVuY2g6YmVuY2g=",
    "Content-Type": "text/xml; charset=utf-8",
    "SOAPAction": '"urn:pv:revenue:taxpayer:1/GetTaxpayers"',
}
_FIELDS: Final = (
    "UIN", "taxNumber", "givenName", "familyName", "gender", "dateOfBirth",
    "addressLine", "town", "districtCode", "regionCode", "lifeStatus",
)  # fmt: skip
NUMBER: Final = {
    "social.group": "UIN",
    "social.member": "MEMBER_ID",
    "crvs.person": "UIN",
    "national_id.identity": "UIN",
    "land.holdings": "UIN",
    "health.patient": "UIN",
    "health.chart": "PATIENT_NUMBER",
    "tax.taxpayer": "TIN",
    "education.learner": "BRN",
}
"""By which number each lookup is asked."""

Person = dict[str, str]
"""The numbers of one person, by their type."""


class Step(NamedTuple):
    """One step of a plan."""

    number: int
    operation: str
    is_for_everyone: bool
    after: tuple[int, ...]


class Call(NamedTuple):
    """One request, before it is encoded."""

    registry: str
    method: str
    path: str
    headers: Mapping[str, str]
    json: Any = None
    content: bytes | None = None
    params: Mapping[str, str] | None = None


def steps_of(plan: str) -> tuple[Step, ...]:
    """Return the steps of a plan's text.

    Raises: ValueError when a line that begins with a number is not understood.
    """
    steps = []
    for line in plan.splitlines():
        if not line[:1].isdigit():
            continue
        found = _LINE.match(line)
        if found is None or found[2] not in NUMBER:
            raise ValueError(f"a step of the plan that the peers cannot take: {line.partition(':')[0]}")
        after = tuple(int(number) for number in re.findall(r"\d+", found[4] or ""))
        steps.append(Step(int(found[1]), found[2], found[3].startswith("everyone"), after))
    return tuple(steps)


def call(operation: str, people: Sequence[Person]) -> Call:
    """Return one message about so many people."""
    registry = operation.partition(".")[0]
    numbers = [person[NUMBER[operation]] for person in people]
    if operation == "national_id.identity":
        asked = {"identifiers": [{"idType": "UIN", "id": number} for number in numbers], "fields": _FIELDS}
        body = {"id": "pv.identity.query", "version": "1.0", "requesttime": _now(), "request": asked}
        headers = {"X-API-Key": "bench", "X-Partner-Id": "bench", "Content-Type": "application/json"}
        return Call(registry, "POST", "/idrepo/v1/identities/query", headers, json=body)
    if operation == "tax.taxpayer":
        content = _SOAP.format("".join(f"<TIN>{number}</TIN>" for number in numbers)).encode()
        return Call(registry, "POST", "/services/TaxpayerService", _TAX, content=content)
    if operation == "land.holdings":
        owners = ", ".join(f"'{number}'" for number in numbers)
        params = {"filter": f"owner_national_number IN ({owners})", "filter-lang": "cql2-text", "limit": "500"}
        return Call(registry, "GET", "/collections/parcels/items", {"Accept": "application/geo+json"}, params=params)
    if operation == "education.learner":
        body = {"learnerNumbers": [], "birthRegistrationNumbers": numbers, "pageSize": 100, "page": 1}
        headers = {"X-Api-Key": "bench", "Content-Type": "application/json"}
        return Call(registry, "POST", "/api/v2/learners/lookup", headers, json=body)
    if operation == "health.patient":
        wanted = quote(",".join(f"urn:pv:national-number|{number}" for number in numbers), safe="")
        headers = {**_FHIR, "Content-Type": "application/x-www-form-urlencoded"}
        content = f"identifier={wanted}&_count=200".encode()
        return Call(registry, "POST", "/fhir/Patient/_search", headers, content=content)
    if operation == "health.chart":
        listed = ",".join(numbers)
        urls = (
            f"Patient?_id={listed}",
            f"Coverage?beneficiary={listed}",
            f"Observation?patient={listed}&code=82810-3,63895-7",
        )
        entries = [{"request": {"method": "GET", "url": url}} for url in urls]
        body = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        return Call(registry, "POST", "/fhir", {**_FHIR, "Content-Type": "application/fhir+json"}, json=body)
    return Call(registry, "POST", "/registry/sync/search", _DCI, json=_dci(operation, numbers))


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")  # noqa: UP017 - any Python runs a peer


def _dci(operation: str, numbers: Sequence[str]) -> dict[str, Any]:
    registry = operation.partition(".")[0]
    message_id, now = str(uuid.uuid4()), _now()
    criteria: dict[str, Any] = {"version": "1.0.0"}
    if operation == "crvs.person":
        criteria |= {"reg_type": "ns:org:RegistryType:Civil", "reg_record_type": "spdci-extensions-dci:Person"}
    else:
        entity = "Group" if operation == "social.group" else "Member"
        criteria |= {"reg_type": "ns:org:RegistryType:Social", "reg_record_type": entity, "response_entity": entity}
    return {
        "header": {
            "version": "1.0.0",
            "message_id": message_id,
            "message_ts": now,
            "action": "search",
            "sender_id": "bench",
            "receiver_id": registry,
            "total_count": len(numbers),
            "is_msg_encrypted": False,
        },
        "message": {
            "transaction_id": message_id,
            "search_request": [
                {
                    "reference_id": f"{message_id}-{place}",
                    "timestamp": now,
                    "search_criteria": {
                        **criteria,
                        "query_type": "idtype-value",
                        "query": {"type": NUMBER[operation], "value": number},
                    },
                    "locale": "eng",
                }
                for place, number in enumerate(numbers, start=1)
            ],
        },
    }

"""The three methods of the 2023 demonstration: its questions as questions of today, and today's answers in its shape.

`getHouseholdByUIN` asks for a household by a number, `search` for households by poverty score, size and region,
`getPovertyScore` for one household's score. No release has them; they were never specified beyond an outline, which
DEVIATIONS.md, 32, fills.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from standards.codes import CodeDirectories
from standards.dci.codes import RecordType, RegType, ResponseEntity
from standards.dci.reading import first_present, is_absent
from standards.errors import MalformedMessageError
from standards.identifiers import UIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


class Method(NamedTuple):
    """One of the methods."""

    path: str
    attributes: tuple[str, ...]
    """What its answer has a place for."""
    is_search: bool = False


_PERSON: Final = ("uin", "given_name", "surname", "birth_date", "sex")
_HOUSEHOLD: Final = ("household_id", "household_size", "poverty_score")

HOUSEHOLD: Final = Method("getHouseholdByUIN", (*_PERSON, *_HOUSEHOLD))
SEARCH: Final = Method("search", (*_PERSON, *_HOUSEHOLD), is_search=True)
POVERTY_SCORE: Final = Method("getPovertyScore", ("household_id", "poverty_score"))
METHODS: Final = (HOUSEHOLD, SEARCH, POVERTY_SCORE)

RANGES: Final[Mapping[str, str]] = {"poverty_score": "poverty_score", "household_size": "registered_size"}
"""Member of a search with `min` and `max` -> attribute of the catalogue."""


def read_webinar(raw: object, method: Method, reference_id: str, now: datetime) -> dict[str, Any]:
    """Return the question of a message as an item of a search message of today.

    Raises: MalformedMessageError that says what to change.
    """
    payload = raw.get("payload") if isinstance(raw, dict) else None
    if not isinstance(payload, dict):
        raise MalformedMessageError("a message is an object with headers and payload")
    asked = payload.get("search_request")
    if isinstance(asked, list) and len(asked) == 1:
        asked = asked[0]
    if not isinstance(asked, dict):
        raise MalformedMessageError("payload.search_request holds one question")
    criteria: dict[str, Any] = {
        "reg_type": RegType.SOCIAL.value,
        "reg_record_type": RecordType.GROUP.value,
        "response_entity": ResponseEntity.GROUP.value,
        "hearth:attributes": list(method.attributes),
        **(_conditions(asked) if method.is_search else _number(asked)),
    }
    for name in ("consent", "authorize"):
        criteria[name] = first_present(name, asked, payload)
    if method.is_search:
        criteria["pagination"] = first_present("pagination", asked, payload)
        criteria["sort"] = _sort(first_present("sortby", asked, payload))
    outer = {"reference_id": reference_id, "timestamp": now.isoformat(), "search_criteria": criteria}
    return {**outer, "locale": first_present("locale", asked, payload)}


def _number(asked: Mapping[str, Any]) -> dict[str, Any]:
    kind, value = asked.get("identifier_type"), asked.get("identifier_value")
    return {"query_type": "idtype-value", "query": {"type": UIN if is_absent(kind) else kind, "value": value}}


def _conditions(asked: Mapping[str, Any]) -> dict[str, Any]:
    documents: list[dict[str, Any]] = []
    for name, attribute in RANGES.items():
        said = asked.get(name)
        if is_absent(said):
            continue
        if not isinstance(said, dict) or not said.keys() & {"min", "max"}:
            raise MalformedMessageError(f"{name} is an object with min, max or both")
        bounds = {word: said[end] for end, word in (("min", "$gte"), ("max", "$lte")) if not is_absent(said.get(end))}
        documents.append({attribute: bounds})
    if not is_absent(asked.get("region")):
        documents.append({"region_code": {"$eq": asked["region"]}})
    if not documents:
        raise MalformedMessageError("a search has poverty_score, household_size or region")
    query = {"$and": documents}
    return {"query_type": "expression", "query": {"value": {"expression": {"collection": "Group", "query": query}}}}


def _sort(said: object) -> list[dict[str, Any]] | None:
    if said is None:
        return None
    keys = [key for key in (said if isinstance(said, list) else [said]) if isinstance(key, dict)]
    if not keys:
        raise MalformedMessageError("sortby is an object with fieldname and order")
    named = [(str(key.get("fieldname")), key.get("order")) for key in keys]
    return [{"attribute_name": RANGES.get(name, name), "sort_order": order} for name, order in named]


def webinar_answer(method: Method, item: Mapping[str, Any], correlation_id: str) -> dict[str, Any]:
    """Return the answer of 2023 that says what an answered, or refused, item of today says."""
    data = item.get("data", {})
    tell = _score if method is POVERTY_SCORE else _household
    entries = zip(data.get("reg_records", ()), data.get("hearth:evidence", ()), strict=False)
    found = [told for record, evidence in entries for told in tell(record, evidence)]
    answer: dict[str, Any] = {
        "status": item["status"],
        "return_message": item.get("status_reason_message", ""),
        "correlation_id": correlation_id,
        "total_count": item.get("pagination", {}).get("total_count", 0),
        "message": {"search_response": found},
    }
    if method.is_search and "pagination" in item:
        answer["pagination"] = item["pagination"]
    if "hearth:reasons" in data:
        answer["hearth:reasons"] = data["hearth:reasons"]
    return answer


def lacks_score(item: Mapping[str, Any]) -> str | None:
    """Return why a household's poverty score is not told by an answered item; None when it is, or there is none."""
    for evidence in item.get("data", {}).get("hearth:evidence", ()):
        state = evidence["attributes"].get("poverty_score", {"state": "withheld", "reason": "not_in_agreement"})
        if state["state"] in {"withheld", "unavailable"}:
            source = f" from {state['source']}" if "source" in state else ""
            return f"the poverty score is {state['state']}{source}: {state['reason']}"
    return None


def _household(record: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one entry for each member, each beside the head of the household."""
    members = [_person(member) for member in record.get("member_list", ())]
    head = record.get("group_head_info")
    household: dict[str, Any] = {
        "identifier": _numbers(record.get("group_identifier", ())),
        "household_size": record.get("group_size"),
        "poverty_score": record.get("poverty_score"),
    }
    return [
        {
            "registry_data": person,
            "household_head_info": None if head is None else _person(head),
            "household_info": {key: value for key, value in household.items() if value is not None},
            "hearth:evidence": {"household": evidence["attributes"], "member": said["attributes"]},
        }
        for person, said in zip(members, evidence["members"], strict=True)
    ]


def _score(record: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = {
        "identifier": _numbers(record.get("group_identifier", ())),
        "poverty_score": record.get("poverty_score"),
    }
    return [{"registry_data": told, "hearth:evidence": {"household": evidence["attributes"]}}]


def _person(member: Mapping[str, Any]) -> dict[str, Any]:
    about = member.get("demographic_info", {})
    name = about.get("name", {})
    person = {
        "identifier": _numbers(member.get("member_identifier", ())),
        "name": " ".join(filter(None, (name.get("given_name"), name.get("surname")))) or None,
        "date_of_birth": about.get("birth_date"),
        "gender": _coded("SexCategory", about.get("sex")),
        "relationship_with_head": _coded("Relationship", member.get("hearth:relationship_to_head")),
    }
    return {key: value for key, value in person.items() if value is not None}


def _numbers(listed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": one["identifier_type"], "value": one["identifier_value"]} for one in listed]


def _coded(directory: str, code: object) -> dict[str, str] | None:
    """Return a code as it was written in 2023, beside its words."""
    if not isinstance(code, str):
        return None
    return {"code": code, "display_text": CodeDirectories.load().codes(directory).get(code, code)}

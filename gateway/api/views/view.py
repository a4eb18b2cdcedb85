"""The JSON Schema of the answers under one version of one agreement: what is not agreed fails validation. Pure.

The same agreement and catalogue give the same text, so a change of a schema is a change of what may be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import orjson

from gateway.api.described.answer import ANSWER, SCHEMAS
from gateway.api.views.records import (
    RELATIONSHIP,
    Agreed,
    group_schema,
    member_schema,
    of_entity,
    single_schema,
    value_name,
)
from gateway.api.views.states import exactly, shared_states, state_schema
from gateway.api.views.values import Schema, codes_name, codes_schema, reference, value_schema
from policies.agreement import Agreement
from standards.attributes import Catalogue, Entity
from standards.dci.codes import RecordType, RegType
from standards.dci.envelope import VERSION
from standards.dci.evidence import EVIDENCE, PLAN, REASONS, SOURCES
from standards.dci.place import compile_places
from standards.dci.shapes import GRAPH, is_composed, record_types, shapes
from standards.household import Outcome
from standards.permit import FormKind
from standards.states import UnavailableReason, WithheldReason

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ITEM: Final = "item"
"""Definition of one item of a DCI answer, for messages whose questions rest on several agreements."""


class Shape(StrEnum):
    """In which shape an answer comes."""

    DCI_GROUP = "dci-group"
    """A DCI message with households."""
    DCI_MEMBER = "dci-member"
    """A DCI message with single people."""
    HOUSEHOLD = "household"
    """The plain shape of one household."""
    PERSON = "person"
    """The plain shape of one person."""
    DCI_CIVIL = "dci-civil"
    """A DCI message with records of civil registration."""
    DCI_DR = "dci-dr"
    """A DCI message with records of a disability registry."""
    DCI_FR = "dci-fr"
    """A DCI message with records of a farmer registry."""
    DCI_IBR = "dci-ibr"
    """A DCI message with records of a beneficiary registry."""
    DCI_ESS = "dci-ess"
    """A DCI message with enrolments in employment services."""
    DCI_ESS_MEMBER = "dci-ess-member"
    """A DCI message with people known to employment services."""
    DCI_NATIONAL_ID = "dci-national-id"
    """A DCI message with identities."""
    DCI_TAX = "dci-tax"
    """A DCI message with taxpayers."""
    DCI_LAND = "dci-land"
    """A DCI message with holdings of land."""
    DCI_EDUCATION = "dci-education"
    """A DCI message with learners."""
    DCI_HEALTH = "dci-health"
    """A DCI message with summaries of health."""


SINGLE: Final = {
    Shape.DCI_CIVIL: (RegType.CIVIL, RecordType.PERSON),
    Shape.DCI_DR: (RegType.DISABILITY, RecordType.DISABLED_PERSON),
    Shape.DCI_FR: (RegType.FARMER, RecordType.FARMER),
    Shape.DCI_IBR: (RegType.BENEFICIARY, RecordType.BENEFICIARY),
    Shape.DCI_ESS: (RegType.EMPLOYMENT, RecordType.BENEFICIARY),
    Shape.DCI_ESS_MEMBER: (RegType.EMPLOYMENT, RecordType.MEMBER),
    Shape.DCI_NATIONAL_ID: (RegType.NATIONAL_ID, RecordType.IDENTITY),
    Shape.DCI_TAX: (RegType.TAX, RecordType.TAXPAYER),
    Shape.DCI_LAND: (RegType.LAND, RecordType.LAND_HOLDING),
    Shape.DCI_EDUCATION: (RegType.EDUCATION, RecordType.ENROLMENT),
    Shape.DCI_HEALTH: (RegType.HEALTH, RecordType.HEALTH_SUMMARY),
}
"""Shape of answers with records of one kind of registry -> the types that questions for them name."""
_TITLES: Final = {
    **{shape: f"{record} of {registry}, as DCI messages" for shape, (registry, record) in SINGLE.items()},
    Shape.DCI_GROUP: "households, as DCI messages",
    Shape.DCI_MEMBER: "single people, as DCI messages",
    Shape.HOUSEHOLD: "one household, in the plain shape",
    Shape.PERSON: "one person, in the plain shape",
}
_OF_PEOPLE: Final = frozenset({Shape.DCI_MEMBER, Shape.PERSON, *SINGLE})


def shapes_of(agreement: Agreement) -> tuple[Shape, ...]:
    """Return the shapes in which answers under an agreement may come."""
    held = {shape: shapes()[types].names for shape, types in SINGLE.items()}
    return tuple(
        shape
        for shape in Shape
        if (agreement.household is not None or shape in _OF_PEOPLE)
        and (shape not in held or not held[shape].isdisjoint(agreement.forms))
    )


def schema_of(agreement: Agreement, shape: Shape, catalogue: Catalogue, address: str) -> Schema:
    """Return the schema of the body of every answer under an agreement.

    address: where it is published.
    """
    is_plain = shape in {Shape.HOUSEHOLD, Shape.PERSON}
    agreed = [(d, agreement.forms[d.name]) for d in catalogue if d.name in agreement.forms]
    if shape in _OF_PEOPLE:
        agreed = of_entity(agreed, Entity.PERSON)
    if shape in SINGLE:
        agreed = [(d, form) for d, form in agreed if d.name in shapes()[SINGLE[shape]].names]
    definitions = {
        "time": _time(),
        **shared_states(hides=agreement.hide_withheld),
        "sources": _sources(hides=agreement.hide_withheld),
        "reasons": _reasons(hides=agreement.hide_withheld),
        "membership": _membership(),
        **_attributes(agreement, agreed, shows_value=is_plain),
        **_states(agreed, catalogue, shape),
    }
    body, parts = (_plain if is_plain else _message)(agreement, shape, agreed, catalogue)
    definitions |= parts
    directories = {d.codes for d, form in agreed if d.codes and form.kind is FormKind.VALUE}
    definitions |= {codes_name(name): codes_schema(name) for name in sorted(directories | {RELATIONSHIP})}
    return {
        "$schema": DIALECT,
        "$id": address,
        "title": f"{agreement.title} {agreement.version}: {_TITLES[shape]}",
        "description": _about(agreement, is_plain=is_plain),
        **body,
        "$defs": definitions,
    }


def schema_text(agreement: Agreement, shape: Shape, catalogue: Catalogue, address: str) -> bytes:
    """Return the schema as it is published: the same bytes for the same agreement."""
    return orjson.dumps(schema_of(agreement, shape, catalogue, address), option=orjson.OPT_INDENT_2)


def _about(agreement: Agreement, *, is_plain: bool) -> str:
    limits = (
        "Each value stands beside where it came from."
        if is_plain
        else "Values stand in the records, and where each came from in `hearth:evidence`, under the same numbers of "
        f"record and member. A message may hold questions under several agreements: then check each item against its "
        f"own `#/$defs/{ITEM}`."
    )
    purposes = ", ".join(f"`{purpose}`" for purpose in agreement.purposes)
    return (
        f"Every answer to a question for {purposes} under agreement {agreement.id}, version {agreement.version}. What "
        f"the agreement does not name, or names in another form, does not validate. {limits}"
    )


def _attributes(agreement: Agreement, agreed: Agreed, *, shows_value: bool) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for definition, form in agreed:
        name = value_name(definition.name)
        found[name] = value_schema(definition, form)
        found[f"state_{definition.name}"] = state_schema(
            definition,
            form,
            reference(name),
            hides=agreement.hide_withheld,
            stale=agreement.stale_if_error_s > 0,
            shows_value=shows_value,
        )
    return found


def _states(agreed: Agreed, catalogue: Catalogue, shape: Shape) -> dict[str, Schema]:
    """Return the definitions of the states of a member, and of the household where it is told of."""
    told = {"states_of_member": Entity.PERSON}
    if shape not in _OF_PEOPLE:
        told["states_of_household"] = Entity.HOUSEHOLD
    return {
        name: {
            "type": "object",
            "description": "Attribute -> its state; those asked for, or all that are agreed.",
            "properties": {d.name: reference(f"state_{d.name}") for d, _ in of_entity(agreed, entity)},
            # Whoever asks by name for what is not agreed is told so, and nothing else.
            "propertyNames": {"enum": [d.name for d in catalogue if d.entity is entity]},
            "additionalProperties": reference("not_agreed"),
        }
        for name, entity in told.items()
    }


def _message(
    agreement: Agreement, shape: Shape, agreed: Agreed, catalogue: Catalogue
) -> tuple[Schema, dict[str, Schema]]:
    """Return the body of a DCI message, and the definitions that it refers to."""
    envelope = _file(ANSWER)
    places = compile_places(catalogue)
    entity = _of_person() if shape in _OF_PEOPLE else _of_household(agreement)
    entity["properties"] = {
        "record": {"type": "integer", "minimum": 0, "description": "Position in reg_records."},
        **entity["properties"],
    }
    entity["required"].insert(0, "record")
    definitions: dict[str, Schema] = {
        **{name: schema for name, schema in envelope["$defs"].items() if name != "time"},
        "member": _member(),
        "evidence": entity,
    }
    if shape in SINGLE:
        definitions["record"] = single_schema(agreed, shapes()[SINGLE[shape]])
    elif shape is Shape.DCI_MEMBER:
        definitions["record"] = member_schema(agreed, places, is_alone=True)
    else:
        definitions["member_record"] = member_schema(agreed, places, is_alone=False)
        definitions["record"] = group_schema(agreed, places, reference("member_record"))
    definitions["data"] = exactly(
        {
            "version": {"const": VERSION},
            **_types(shape),
            "reg_records": _records(shape),
            EVIDENCE: {
                "type": "array",
                "items": reference("evidence"),
                "description": "One entry for each record, in their order.",
            },
            SOURCES: reference("sources"),
            REASONS: reference("reasons"),
            PLAN: {"type": "string", "description": "Which registry was asked what; if asked to explain."},
        },
        ("version", "reg_type", "reg_record_type", "reg_records", EVIDENCE, SOURCES),
    )
    body = {key: envelope[key] for key in ("type", "properties", "required", "additionalProperties")}
    return body, definitions


def _records(shape: Shape) -> Schema:
    """Return the schema of the records found, as the release of their registry has them."""
    records = {"type": "array", "items": reference("record")}
    if shape not in SINGLE or not shapes()[SINGLE[shape]].is_in_one:
        return records
    several = exactly({GRAPH: {**records, "minItems": 2}}, (GRAPH,))
    nobody = {"type": "object", "maxProperties": 0, "title": "nobody"}
    return {"oneOf": [reference("record"), several, nobody]}


def _types(shape: Shape) -> dict[str, Schema]:
    """Return the members that say of which registry and which kind the records are."""
    if shape in SINGLE:
        reg_type, record_type = SINGLE[shape]
        return {"reg_type": {"const": reg_type.value}, "reg_record_type": {"const": record_type.value}}
    registries = [reg_type.value for reg_type in RegType if is_composed(reg_type)]
    records = {r.value for reg_type in RegType if is_composed(reg_type) for r in record_types(reg_type)}
    return {"reg_type": {"enum": registries}, "reg_record_type": {"enum": sorted(records)}}


def _plain(
    agreement: Agreement, shape: Shape, agreed: Agreed, catalogue: Catalogue
) -> tuple[Schema, dict[str, Schema]]:
    """Return the body of an answer in the plain shape, and the definitions that it refers to."""
    entity = _member(_HEARD) if shape is Shape.PERSON else _of_household(agreement)
    found = {"oneOf": [reference("found"), {"type": "null", "title": "nobody"}]}
    body = exactly(
        {
            "correlation_id": {"type": "string", "pattern": "^[a-zA-Z0-9-]{1,99}$", "description": "For the operator."},
            "answered_at": reference("time"),
            "agreement": exactly(
                {"id": {"const": agreement.id}, "version": {"const": agreement.version}}, ("id", "version")
            ),
            "purpose": {"enum": list(agreement.purposes)},
            str(shape): {**found, "description": "Null: the registries know nobody by that number."},
            "sources": reference("sources"),
            "reasons": reference("reasons"),
            "note": {"type": "string", "minLength": 1, "description": "What else is to be known of how it was given."},
            "plan": {
                "type": "string",
                "description": "Which registry was asked what; if asked to explain.",
            },
        },
        ("correlation_id", "answered_at", "agreement", "purpose", str(shape), "sources"),
    )
    return body, {"found": entity} | ({} if shape is Shape.PERSON else {"member": _member()})


def _of_household(agreement: Agreement) -> Schema:
    rule = agreement.household.rule if agreement.household else ""
    return exactly(
        {
            "rule": {"const": rule, "description": "The boundary rule by which the household was found."},
            **_HEARD,
            "attributes": {**reference("states_of_household"), "description": "Of the household itself."},
            "members": {"type": "array", "items": reference("member")},
        },
        ("rule", "complete", "unheard", "attributes", "members"),
    )


def _of_person() -> Schema:
    return exactly(
        {
            "rule": {"const": "", "description": "A household was not asked for."},
            **_HEARD,
            "members": {"type": "array", "minItems": 1, "maxItems": 1, "items": reference("member")},
        },
        ("rule", "complete", "unheard", "members"),
    )


_HEARD: Final[dict[str, Schema]] = {
    "complete": {"type": "boolean", "description": "Every registry whose word on who is a member counts was heard."},
    "unheard": {"type": "array", "items": {"type": "string"}, "description": "The registries that were not."},
}


def _member(heard: Mapping[str, Schema] = MappingProxyType({})) -> Schema:
    """Return the schema of what is told of one person.

    heard: whether every registry was heard that counts, where no household says so.
    """
    codes = reference(codes_name(RELATIONSHIP))
    return exactly(
        {
            **heard,
            "member": {"type": "integer", "minimum": 0, "description": "Number within this answer."},
            "asked": {"type": "boolean", "description": "Whether this is the person asked about."},
            "relationship": {
                "anyOf": [codes, {"const": ""}],
                "description": "To the head of the household; empty when unknown.",
            },
            "evidence": {"type": "array", "items": reference("membership"), "description": "Why it is a member."},
            "attributes": reference("states_of_member"),
        },
        (*heard, "member", "asked", "relationship", "evidence", "attributes"),
    )


def _membership() -> Schema:
    found: Schema = _file("evidence.json")["$defs"]["member"]["properties"]["evidence"]["items"]
    return found


def _sources(*, hides: bool) -> Schema:
    # Under an agreement that hides, the number of calls would tell for how many people a registry was asked.
    count: Schema = {"const": 0} if hides else {"type": "integer", "minimum": 0}
    outcomes: Iterable[Outcome] = (o for o in Outcome if not (hides and o is Outcome.NOT_ASKED))
    entry = exactly(
        {
            "outcome": {"enum": [outcome.value for outcome in outcomes]},
            "calls": {**count, "description": "Calls made for this answer."},
            "cached": {**count, "description": "Records asked for an earlier question."},
            "reason": {"enum": [reason.value for reason in UnavailableReason]},
        },
        ("outcome", "calls", "cached"),
    )
    return {
        "type": "object",
        "description": "What became of every registry.",
        "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"},
        "additionalProperties": entry,
    }


def _reasons(*, hides: bool) -> Schema:
    reasons = [*([] if hides else WithheldReason), *UnavailableReason]
    return {
        "type": "object",
        "description": "What each reason of this answer means, in words; where there is any.",
        "propertyNames": {"enum": [reason.value for reason in reasons]},
        "additionalProperties": {"type": "string", "minLength": 1},
    }


def _time() -> Schema:
    found: Schema = _file(ANSWER)["$defs"]["time"]
    return {**found, "description": "UTC, with milliseconds."}


@lru_cache(maxsize=4)
def _file(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads((SCHEMAS / name).read_bytes())
    return loaded

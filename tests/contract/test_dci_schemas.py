"""Our own schemas of what we emit: they hold for what is built, and what they demand is within the release."""

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import standards.dci
from standards.attributes import Catalogue, Entity
from standards.dci.codes import HeaderReason, RecordType, RegType, SearchReason
from standards.dci.envelope import Header
from standards.dci.evidence import evidence_extension
from standards.dci.place import compile_places, group_record, member_record
from standards.dci.search import Page, answer_header, answered_item, pending_item, rejected_item, search_answer
from standards.dci.shapes import Shape, as_released, records_of, shapes
from standards.household import Evidence, HouseholdProfile, Member, Outcome, SourceOutcome
from standards.permit import FormKind
from standards.states import (
    Absent,
    AttributeState,
    Conflict,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
    WithheldReason,
)
from tests.samples import sample

pytestmark = pytest.mark.contract

SCHEMAS = Path(standards.dci.__file__).with_name("schemas")
NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
ASKED = Header("m-1", NOW, "search", "spmis.example.org", total_count=1)
CATALOGUE = Catalogue.load()
PLACES = compile_places(CATALOGUE)


@lru_cache(maxsize=1)
def validator() -> Draft202012Validator:
    """Return the validator of a whole answer."""
    schemas = {path.name: orjson.loads(path.read_bytes()) for path in SCHEMAS.glob("*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (name, Resource.from_contents(schema)) for name, schema in schemas.items()
    )
    return Draft202012Validator(schemas["search-answer.json"], registry=registry)


def faults(message: object) -> list[str]:
    """Return what our schemas hold against a message, as it would arrive over the wire."""
    arrived = orjson.loads(orjson.dumps(message))
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(arrived)]


def answer(*items: dict[str, object], **refusal: Any) -> dict[str, object]:
    """Build a whole answer around items."""
    header = answer_header(ASKED, items, now=NOW, message_id="m-2", sender_id="gateway.example.org", **refusal)
    return search_answer(header, "t-1", "c-1", items)


def states() -> dict[str, AttributeState]:
    """Return every state that an attribute can be in."""
    came = Provenance("tax", NOW, "2025-03-04", derived_from=("income_annual",))
    return {
        "age": Value(5, came),
        "sex": Absent(came),
        "uin": Conflict(Value("1", came), (Value("2", came),)),
        **{f"w_{reason}": Withheld(reason) for reason in WithheldReason},
        **{f"u_{reason}": Unavailable(reason, "tax") for reason in UnavailableReason},
        "tin": Unavailable(UnavailableReason.NO_SOURCE),
    }


def profile() -> HouseholdProfile:
    """Build a profile in which everything occurs."""
    evidence = (Evidence("asked"), Evidence("kin", "crvs", "CHILD", 0))
    sources = {str(outcome): SourceOutcome(outcome, 1, 2, UnavailableReason.SOURCE_DOWN) for outcome in Outcome}
    member = Member(0, {}, "SELF", evidence, states())
    return HouseholdProfile("registered-or-kin@1", 0, (member,), states(), sources, unheard=("social",))


def household(**more: Any) -> dict[str, object]:
    """Build a record with every attribute in it, one of them in another form."""
    of = {entity: {d.name: sample(d.name) for d in CATALOGUE if d.entity is entity} for entity in Entity}
    forms = {"income_annual": FormKind.BAND, "poverty_score": FormKind.MASKED}
    member = member_record(of[Entity.PERSON], PLACES, forms=forms, relationship="SELF")
    return group_record(of[Entity.HOUSEHOLD], [member], PLACES, head=0, forms=forms, context="https://x/y", **more)


def found(*records: dict[str, object], **more: Any) -> dict[str, object]:
    """Build an answered item."""
    return answered_item(
        "ref-1", now=NOW, reg_type=RegType.SOCIAL, reg_record_type=RecordType.GROUP, records=records, **more
    )


def of_registry(shape: Shape, *records: dict[str, Any]) -> dict[str, object]:
    """Build an answered item with records of one kind of registry."""
    given = as_released(shape, records)
    return answered_item("ref-1", now=NOW, reg_type=shape.reg_type, reg_record_type=shape.record_type, records=given)


def whole(shape: Shape) -> list[dict[str, Any]]:
    """Build the record of a registry with everything in it, some of it in another form."""
    values = {name: sample(name) for name in shape.names}
    return records_of(shape, values, forms={"given_name": FormKind.GENERALISED}, context="https://x/y")


ANSWERS = [
    *(answer(of_registry(shape)) for shape in shapes().values()),
    *(answer(of_registry(shape, *whole(shape))) for shape in shapes().values()),
    *(answer(of_registry(shape, *whole(shape), *whole(shape))) for shape in shapes().values()),
    answer(found()),
    answer(found(household(), extensions=evidence_extension([profile()], plan="Fetch(tax)"))),
    answer(found(household(type="hearth:VirtualHousehold"), page=Page(10), total=1, locale="eng", message="why")),
    answer(found(member_record({"age": 5}, PLACES), extensions=evidence_extension([profile()], members=[0]))),
    answer(rejected_item("r", SearchReason.FILTER_INVALID, "why", now=NOW), pending_item("p", now=NOW)),
    answer(rejected_item("r", None, "why", now=NOW)),
    answer(reason_code=HeaderReason.ACTION_INVALID, reason_message="why"),
]


@pytest.mark.parametrize("built", ANSWERS)
def test_what_is_built_fits_our_schemas(built):
    """HEARTH-OUT-01: every answer has the form that we publish."""
    assert faults(built) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"header": {}},
        answer(found()) | {"extra": 1},
        answer(found({"@type": "Planet"})),
        answer(found({"@type": "Member", "unknown": 1})),
        answer(found(extensions={"unprefixed": 1})),
        answer(found(locale="en")),
        answer(found() | {"status": "rjct"}),
        answer({**rejected_item("r", SearchReason.FILTER_INVALID, "why", now=NOW), "status_reason_code": "rjct.new"}),
    ],
)
def test_what_is_broken_does_not(broken):
    """HEARTH-OUT-02: the schemas find what must not leave."""
    assert faults(broken) != []


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.name)
def test_schemas_are_schemas(path):
    """HEARTH-OUT-03: each file is valid JSON Schema under its own name."""
    schema = orjson.loads(path.read_bytes())

    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == path.name

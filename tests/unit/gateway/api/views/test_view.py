"""The schema of an agreement's answers: strict about every attribute, its form, its state and its origin."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from gateway.api.views.values import codes_schema, value_schema
from gateway.api.views.view import SINGLE, Shape, shapes_of
from gateway.cli import app
from gateway.pipeline import answer
from policies.agreement import Agreement, form_of
from policies.forms import apply
from policies.handles import HandleRing
from standards.attributes import Catalogue, Entity
from standards.dci.codes import ResponseEntity
from standards.dci.place import compile_places, group_record, member_record
from standards.dci.shapes import records_of, shapes
from standards.permit import FormKind
from tests.answers import ADDRESS, Checker, disagreements, view
from tests.builders import NOW, World, item, question, sandbox_agreement
from tests.samples import sample
from tests.unit.policies.builders import agreement

CATALOGUE = Catalogue.load()
PLACES = compile_places(CATALOGUE)
UCT, CCT = sandbox_agreement("uct"), sandbox_agreement("cct-education")
BAND = {"form": "band", "edges": [10_000, 20_000]}
BELOW = {"form": "predicate", "operator": "lt", "threshold": 24_000}
HANDLES = HandleRing.first().handles("programme", NOW.date())


def fits(name: str, stated: Any, value: object) -> bool:
    """Tell whether a value may be shown of an attribute that is agreed so."""
    definition = CATALOGUE[name]
    schema = value_schema(definition, form_of(name, stated))
    codes = {f"codes_{definition.codes}": codes_schema(definition.codes)} if definition.codes else {}
    return Draft202012Validator(schema | {"$defs": codes}).is_valid(value)


@pytest.mark.parametrize("name", sorted(CATALOGUE.names))
def test_a_value_is_of_the_type_of_the_catalogue(name):
    """Of every attribute: a value of its type fits, and one of another type does not."""
    assert fits(name, "value", sample(name))
    assert not fits(name, "value", None)
    assert not fits(name, "value", {"value": sample(name)})
    if CATALOGUE[name].codes:
        assert not fits(name, "value", "no such code")


@pytest.mark.parametrize(
    ("name", "form", "raw", "others"),
    [
        ("income_annual", BAND, 14_200, [14_200, "14200", "10000-20000", True]),
        ("income_annual", BAND, 20_000, [">20000"]),
        ("land_area_ha", {"form": "band", "edges": [0.5, 2.0]}, 0.75, [0.75, "0.5-2"]),
        ("household_income", BELOW, 23_999, [23_999, "true", 1]),
        ("birth_date", {"form": "generalised", "to": "year"}, "1985-07-14", ["1985-07-14", "1985-07", 1985]),
        ("birth_date", {"form": "generalised", "to": "month"}, "1985-07-14", ["1985-07-14", "1985", "1985-13"]),
        ("given_name", {"form": "generalised", "to": "initial"}, "Asha", ["Asha", "A", "As.A"]),
        ("given_name", {"form": "generalised", "to": "initial"}, "", ["."]),
        ("address_line", {"form": "generalised", "to": "district"}, "PV-101", [101]),
        ("uin", {"form": "masked"}, "1234567890", ["1234567890", "90", "…1234567890"]),
        ("uin", {"form": "masked"}, "123456", ["123456"]),
        ("uin", {"form": "pseudonym"}, "1234567890", ["1234567890", "…90", "k1.1234567890"]),
    ],
)
def test_only_the_agreed_form_fits(name, form, raw, others):
    """What minimisation makes of a value fits; the value itself, and what looks like the form, do not."""
    stated = agreement(attributes={name: form}).attributes[name]

    assert fits(name, stated, apply(form_of(name, stated), raw, HANDLES))
    assert [other for other in others if fits(name, stated, other)] == []


def test_every_form_has_a_schema():
    """A form that is added to the closed list cannot be agreed and stay undescribed."""
    forms = [BAND, BELOW, {"form": "generalised", "to": "year"}, {"form": "masked"}, {"form": "pseudonym"}, "value"]
    stated = [agreement(attributes={"uin": form}).forms["uin"] for form in forms]

    assert {form.kind for form in stated} == set(FormKind)
    assert all(value_schema(CATALOGUE["uin"], form)["description"] for form in stated)


def whole(**changes: Any) -> Agreement:
    """An agreement on everything in the catalogue."""
    return agreement(attributes=dict.fromkeys(sorted(CATALOGUE.names), "value"), **changes)


def record() -> dict[str, Any]:
    """A household of one with every attribute of the catalogue in its place."""
    of = {entity: {d.name: sample(d.name) for d in CATALOGUE if d.entity is entity} for entity in Entity}
    member = member_record(of[Entity.PERSON], PLACES, relationship="SELF")
    built = group_record(of[Entity.HOUSEHOLD], [member], PLACES, head=0, context="https://x/y")
    return dict(orjson.loads(orjson.dumps(built)))


def record_faults(agreed: Agreement, told: Any, shape: Shape = Shape.DCI_GROUP) -> list[str]:
    """What the schema of the records holds against one."""
    only_records = {"$ref": "#/$defs/record", "$defs": view(agreed, shape)["$defs"]}
    return [e.json_path for e in Draft202012Validator(only_records).iter_errors(told)]


def test_every_attribute_of_the_catalogue_has_its_place():
    """A record with everything in it fits an agreement about everything, and so does that of a single person."""
    alone = member_record({d.name: sample(d.name) for d in CATALOGUE if d.entity is Entity.PERSON}, PLACES, context="c")

    assert record_faults(whole(), record()) == []
    assert record_faults(whole(), orjson.loads(orjson.dumps(alone)), Shape.DCI_MEMBER) == []


@pytest.mark.parametrize("name", sorted(CATALOGUE.names))
def test_whatever_is_not_agreed_has_no_place(name):
    """Of every attribute: a record that holds it does not fit an agreement about everything else."""
    agreed = agreement(attributes=dict.fromkeys(sorted(CATALOGUE.names - {name}), "value"))

    assert record_faults(agreed, record())


def mutated(path: str, change: Any) -> dict[str, Any]:
    """A record in which something was changed; `path` leads there, and its last step is set or, by None, removed."""
    told: Any = copy.deepcopy(record())
    node, (*steps, last) = told, path.split("/")
    for step in steps:
        node = node[int(step)] if step.isdigit() else node[step]
    if change is None:
        del node[last]
    else:
        node[last] = change
    return dict(told)


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("@type", "Member"),
        ("@type", None),
        ("@context", None),
        ("group_type", "1"),
        ("member_list", None),
        ("group_identifier", []),
        ("poverty_score", "23.5"),
        ("hearth:new", 1),
        ("member_list/0/@type", None),
        ("member_list/0/hearth:relationship_to_head", "BOSS"),
        ("member_list/0/demographic_info/sex", "f"),
        ("member_list/0/demographic_info/identifier/0/identifier_type", "PASSPORT"),
        ("member_list/0/hearth:taxpayer/@type", "hearth:LandHolding"),
        ("member_list/0/hearth:taxpayer/new", 1),
        ("member_list/0/hearth:land", {"@type": "hearth:LandHolding"}),
        ("member_list/0/additional_attributes", [{"name": "uin", "value": "…90", "hearth:form": "masked"}]),
        ("group_head_info/given_name", "Asha"),
    ],
)
def test_a_record_of_another_make_does_not_fit(path, change):
    """Types, codes, constants, and members that nobody agreed."""
    assert record_faults(whole(), mutated(path, change))


def test_what_is_agreed_in_another_form_stands_beside_the_standard_s_members():
    """Each at most once, under its own name, with its form; never in the place of its value."""
    agreed = agreement(attributes={"uin": {"form": "masked"}, "tin": {"form": "masked"}})
    uin, tin = ({"name": n, "value": "…90", "hearth:form": "masked"} for n in ("uin", "tin"))

    def faults(*stated: Mapping[str, object]) -> list[str]:
        told = {"@context": "c", "@type": "Member", "additional_attributes": list(stated)}
        return record_faults(agreed, told, Shape.DCI_MEMBER)

    assert faults(uin, tin) == []
    assert faults(uin, uin | {"value": "…91"})
    assert faults(uin | {"hearth:form": "band"})
    assert faults(uin | {"name": "brn"})


@pytest.mark.parametrize("agreed", [UCT, CCT, whole(), whole(hide_withheld=True, stale_if_error_s=60.0)])
def test_schemas_are_schemas_that_an_engineer_can_read(agreed):
    """Valid JSON Schema 2020-12 under its address; whatever is named has a title, its unit and its codes."""
    for shape in shapes_of(agreed):
        schema = view(agreed, shape)
        Checker(schema)  # takes nothing but a schema
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert agreed.id in schema["description"]
        for name, stated in schema["$defs"].items():
            if name.startswith("value_"):
                definition = CATALOGUE[name.removeprefix("value_")]
                assert stated["title"] == definition.title
                assert definition.unit is None or definition.unit in stated["description"]
        referred, defined = set(_references(schema)), {f"#/$defs/{name}" for name in schema["$defs"]}
        assert referred <= defined
        assert defined - referred <= {"#/$defs/item"}


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [r for inner in node.values() for r in _references(inner)]
    return [r for inner in node for r in _references(inner)] if isinstance(node, list) else []


@pytest.mark.parametrize("shape", list(Shape))
def test_operators_print_what_programmes_fetch(shape):
    """The same text but for its address; a shape that there is not is refused by naming those that there are."""
    file = str(Path(__file__).parents[5] / "policies" / "sandbox" / "uct.yaml")
    printed = CliRunner().invoke(app, ["agreement", "schema", file, "--shape", shape])
    refused = CliRunner().invoke(app, ["agreement", "schema", file, "--shape", "table"])

    assert orjson.loads(printed.output) | {"$id": ADDRESS} == view(UCT, shape)
    assert refused.exit_code == 2


def test_households_have_no_schema_where_they_may_not_be_asked_for():
    """Without a boundary rule there are people only, and the records of them that hold anything agreed."""
    assert not {Shape.DCI_GROUP, Shape.HOUSEHOLD} & set(shapes_of(agreement(household=None)))
    assert shapes_of(agreement(household=None, attributes={"is_pregnant": "value"})) == (
        *(Shape.DCI_MEMBER, Shape.PERSON, Shape.DCI_HEALTH),
    )


@pytest.mark.parametrize("shape", list(SINGLE))
def test_every_record_of_a_single_registry_fits_its_schema(shape):
    """With everything that such a record can hold, and with nothing but one of it."""
    kind = shapes()[SINGLE[shape]]
    everything = dict.fromkeys(kind.names, "value")

    for agreed in (everything, *({name: "value"} for name in kind.names)):
        values = {name: sample(name) for name in agreed}
        for record in records_of(kind, values, forms={}, context="c"):
            assert record_faults(agreement(attributes=agreed), record, shape) == []
    (other,) = records_of(kind, {"uin": "1"}, forms={}, context="c")
    first = next(name for name in sorted(kind.names) if name != "uin")
    assert record_faults(agreement(attributes={first: "value"}), other, shape) != []


async def answered(*, plain: bool = False, entity: ResponseEntity = ResponseEntity.GROUP) -> dict[str, Any]:
    """An answer to the school grant."""
    asked = item(purpose="enrolment_verification", response_entity=entity)
    said = await answer(question(asked)._replace(is_plain=plain), World().rooms)
    return dict(orjson.loads(said.item))


async def test_a_person_s_evidence_says_that_no_household_was_asked_for():
    """A single person has no rule; with a rule, or with somebody else beside, it does not fit."""
    checker, said = Checker(view(CCT, Shape.DCI_MEMBER)), await answered(entity=ResponseEntity.MEMBER)
    assert checker.item_faults(said) == []
    (entry,) = said["data"]["hearth:evidence"]

    assert checker.item_faults(_with(said, entry | {"rule": "kin@1"}))
    assert checker.item_faults(_with(said, entry | {"members": entry["members"] * 2}))
    assert checker.item_faults(_with(said, entry | {"attributes": {}}))


def _with(said: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    return said | {"data": said["data"] | {"hearth:evidence": [entry]}}


@pytest.mark.parametrize("member", ["hearth:evidence", "hearth:sources", "reg_records", "version", "reg_type"])
async def test_an_answer_without_its_origin_does_not_fit(member):
    """Values without evidence are no answer of ours."""
    said = await answered()
    del said["data"][member]

    assert Checker(view(CCT, Shape.DCI_GROUP)).item_faults(said)


async def test_what_no_schema_can_tell_is_seen_by_comparing():
    """A value whose evidence is gone, and evidence whose value is gone."""
    said = await answered()
    assert list(disagreements(said)) == []
    without_evidence, without_value = copy.deepcopy(said), copy.deepcopy(said)
    del without_evidence["data"]["hearth:evidence"][0]["members"][0]["attributes"]["given_name"]
    del without_value["data"]["reg_records"][0]["member_list"][0]["demographic_info"]["name"]["given_name"]

    assert list(disagreements(without_evidence)) == ["('0', 'given_name') has a value and no evidence"]
    assert list(disagreements(without_value)) == ["('0', 'given_name') is told and not there"]


@pytest.mark.parametrize("key", ["correlation_id", "answered_at", "agreement", "purpose", "household", "sources"])
async def test_a_plain_answer_is_whole(key):
    """Every member is due, and nobody found is null."""
    checker, said = Checker(view(CCT, Shape.HOUSEHOLD)), await answered(plain=True)

    assert checker.faults(said) == []
    assert checker.faults(said | {"household": None}) == []
    assert checker.faults({k: v for k, v in said.items() if k != key})


async def test_an_old_answer_fits_only_where_it_is_agreed():
    """`stale` has a place under `stale_if_error_s` alone."""
    said = await answered(plain=True)
    said["household"]["members"][0]["attributes"]["given_name"]["stale"] = True

    assert Checker(view(CCT, Shape.HOUSEHOLD)).faults(said)
    lenient = CCT.model_copy(update={"stale_if_error_s": 60.0})
    assert Checker(view(lenient, Shape.HOUSEHOLD)).faults(said) == []


@pytest.mark.parametrize("form", ["band", "value", "pseudonym", None])
async def test_a_plain_value_says_in_which_form_it_is(form):
    """The number is agreed as masked; called anything else, or nothing, it does not fit."""
    said = await answered(plain=True)
    state = said["household"]["members"][0]["attributes"]["uin"]
    assert state.pop("form") == "masked"
    if form is not None:
        state["form"] = form

    assert Checker(view(CCT, Shape.HOUSEHOLD)).faults(said)


@pytest.mark.parametrize(("name", "is_known"), [("income_annual", True), ("rooms", False), ("shoe_size", False)])
async def test_only_facts_of_people_that_there_is_a_word_for_can_be_not_agreed(name, is_known):
    """Asked for by name and not agreed has its place; another name, or a fact of the household, has none."""
    said = await answered(plain=True)
    said["household"]["members"][0]["attributes"][name] = {"state": "withheld", "reason": "not_in_agreement"}

    assert (Checker(view(CCT, Shape.HOUSEHOLD)).faults(said) == []) is is_known

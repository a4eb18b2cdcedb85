"""Answers and the schemas of their agreements: everything that is given fits, and nothing fits that may not be."""

import copy
from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.api.views.view import Shape, shapes_of
from gateway.pipeline import Answer, answer
from gateway.stages.decide import Decisions
from policies.agreement import Agreement
from policies.book import AgreementSet
from policies.handles import HandleKey, HandleRing
from standards.dci.codes import ResponseEntity
from standards.dci.search import IdQuery
from tests.answers import TOLD, Checker, dci_facts, disagreements, kinds, plain_facts, view
from tests.builders import CATALOGUE, PLANNER, RULES, World, item, question
from tests.properties.country import FAILURES, REFUSALS, Country, countries, ledger
from tests.unit.policies.builders import agreement

SOME = settings(max_examples=80)
FORMS: dict[str, list[Any]] = {
    "uin": ["value", {"form": "masked"}, {"form": "pseudonym"}],
    "brn": ["value", {"form": "masked"}],
    "tin": ["value", {"form": "pseudonym"}],
    "given_name": ["value", {"form": "generalised", "to": "initial"}],
    "birth_date": ["value", {"form": "generalised", "to": "year"}, {"form": "generalised", "to": "month"}],
    "vital_status": ["value"],
    "address_line": ["value", {"form": "generalised", "to": "district"}],
    "income_annual": [
        "value",
        {"form": "band", "edges": [1, 3]},
        {"form": "predicate", "operator": "lt", "threshold": 2},
    ],
    "land_area_ha": ["value", {"form": "band", "edges": [0.5, 1.0]}],
    "school_enrolled": ["value"],
    "education_level": ["value"],
    "is_disabled": ["value"],
    "insured": ["value"],
    "age": [
        "value",
        {"form": "band", "edges": [5, 18, 65]},
        {"form": "predicate", "operator": "in", "threshold": [36]},
    ],
    "household_id": ["value", {"form": "masked"}, {"form": "pseudonym"}],
    "poverty_score": ["value", {"form": "band", "edges": [10.0, 30.0]}],
    "household_size": ["value", {"form": "predicate", "operator": "ge", "threshold": 2}],
    "household_income": ["value", {"form": "predicate", "operator": "lt", "threshold": 4}],
    "income_per_head": ["value", {"form": "band", "edges": [1, 2]}],
    "has_disabled_member": ["value"],
}
"""What agreements of these tests may name, in every form that fits."""
NOT_AGREED = ("surname", "birth_place", "dwelling_type", "rooms")
RING = HandleRing(
    [HandleKey("k2", b"2" * 32, date(2026, 3, 1)), HandleKey("k1", b"1" * 32, date(2000, 1, 1), date(2027, 1, 1))]
)
DECISIONS = st.lists(REFUSALS, min_size=4, max_size=4)
ENTITIES = st.sampled_from(list(ResponseEntity))
SHAPES = {
    (ResponseEntity.GROUP, False): Shape.DCI_GROUP,
    (ResponseEntity.MEMBER, False): Shape.DCI_MEMBER,
    (ResponseEntity.GROUP, True): Shape.HOUSEHOLD,
    (ResponseEntity.MEMBER, True): Shape.PERSON,
}
ASKED = st.none() | st.frozensets(st.sampled_from([*FORMS, *NOT_AGREED]))
"""What a question asks for by name; None asks for everything."""


@st.composite
def terms(draw: st.DrawFn) -> Agreement:
    """An agreement that names some attributes in some of their forms."""
    names = draw(st.lists(st.sampled_from(sorted(FORMS)), min_size=1, unique=True))
    return agreement(
        purposes={
            "eligibility": {
                "title": "T",
                "legal_basis": draw(st.sampled_from(["consent", "public_task"])),
                "reference": "R",
            }
        },
        household={"rule": draw(st.sampled_from(sorted(RULES)))},
        attributes={name: draw(st.sampled_from(FORMS[name])) for name in names},
        hide_withheld=draw(st.booleans()),
    )


async def ask(
    country: Country,
    agreed: Agreement,
    asked: frozenset[str] | None,
    decided: Any,
    failing: Any,
    *,
    entity: Any,
    plain: bool,
) -> dict[str, Any]:
    """What leaves: the item of a DCI answer, or the body of a plain one."""
    kept = await ledger(country, decided)
    world = World(country.truth, agreed, ledger=kept, failing=failing)
    decisions = Decisions(AgreementSet([agreed]), kept, CATALOGUE, PLANNER.holders(), handles=RING.handles)
    named = item(
        IdQuery(country.asked),
        purpose="eligibility",
        response_entity=entity,
        attributes=None if asked is None else asked | {next(iter(agreed.attributes))},
        explain=True,
    )
    said = await answer(
        question(named, "programme")._replace(is_plain=plain), world.rooms._replace(decisions=decisions)
    )
    assert isinstance(said, Answer)
    return dict(orjson.loads(said.item))


def is_answered(said: dict[str, Any]) -> bool:
    """Tell whether the question was answered, in either shape."""
    return "data" in said or "sources" in said


@SOME
@given(countries(), terms(), ASKED, DECISIONS, FAILURES | st.just({}), ENTITIES)
async def test_every_answer_fits_the_schema_of_its_agreement(country, agreed, asked, decided, failing, entity):
    """Whatever is known, refused or out: in both shapes, and records and evidence name the same."""
    item_ = await ask(country, agreed, asked, decided, failing, entity=entity, plain=False)
    body = await ask(country, agreed, asked, decided, failing, entity=entity, plain=True)

    assert Checker(view(agreed, SHAPES[entity, False])).item_faults(item_) == []
    assert is_answered(item_) == is_answered(body)
    if is_answered(item_):
        assert list(disagreements(item_)) == []
        assert Checker(view(agreed, SHAPES[entity, True])).faults(body) == []


@SOME
@given(countries(), terms(), ASKED, DECISIONS, FAILURES | st.just({}), ENTITIES)
async def test_both_shapes_hold_the_same(country, agreed, asked, decided, failing, entity):
    """The same attributes, values, forms, states, provenance, holes, evidence of members, sources and plan."""
    item_ = await ask(country, agreed, asked, decided, failing, entity=entity, plain=False)
    body = await ask(country, agreed, asked, decided, failing, entity=entity, plain=True)
    if not is_answered(item_):
        (error,) = body["errors"]
        assert error["code"] == item_.get("status_reason_code", "err.service.unavailable")
        assert error["message"] == item_["status_reason_message"].replace("hearth:", "")
        return
    data = item_["data"]

    assert plain_facts(body) == dci_facts(item_)
    assert body["sources"] == data["hearth:sources"]
    assert body.get("plan") == data.get("hearth:plan")
    assert body.get("reasons") == data.get("hearth:reasons")
    if data["reg_records"]:
        (entry,) = data["hearth:evidence"]
        found = body["household" if entity is ResponseEntity.GROUP else "person"]
        assert (found["complete"], found["unheard"]) == (entry["complete"], entry["unheard"])
        assert found.get("rule", "") == entry["rule"]
        for said, told in zip(found.get("members", [found]), entry["members"], strict=True):
            assert all(said[key] == told[key] for key in ("member", "asked", "relationship", "evidence"))


@SOME
@given(countries(), terms(), terms(), DECISIONS, ENTITIES, st.booleans())
async def test_what_another_agreement_would_tell_does_not_fit(country, agreed, other, decided, entity, plain):
    """An answer that tells one attribute which the agreement does not name, or names in another form, is refused."""
    checker = Checker(view(agreed, SHAPES[entity, plain]))
    said = await ask(country, other, None, decided, {}, entity=entity, plain=plain)
    assume(is_answered(said))
    facts = plain_facts(said) if plain else dci_facts(said)
    allowed, given_ = kinds(agreed), kinds(other)
    told = {name for (_, name), state in facts.items() if state["state"] in TOLD}
    assume(any(allowed.get(name) is not given_[name] for name in told))

    assert checker.faults(said) if plain else checker.item_faults(said)


def objects(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Every object of a document whose members are closed, with the way to it."""
    if isinstance(node, dict):
        if path[-1:] not in {("attributes",), ("sources",), ("hearth:sources",)}:
            yield path, node
        for key, inner in node.items():
            yield from objects(inner, (*path, key))
    elif isinstance(node, list):
        for place, inner in enumerate(node):
            yield from objects(inner, (*path, place))


def at(node: Any, path: tuple[Any, ...]) -> Any:
    """What stands there."""
    for step in path:
        node = node[step]
    return node


@SOME
@given(countries(), terms(), DECISIONS, FAILURES | st.just({}), ENTITIES, st.booleans(), st.data())
async def test_nothing_can_be_added_anywhere(country, agreed, decided, failing, entity, plain, data):
    """No object of an answer takes a member more: not a record, not a state, not an entry of a list."""
    checker = Checker(view(agreed, SHAPES[entity, plain]))
    said = await ask(country, agreed, None, decided, failing, entity=entity, plain=plain)
    assume(is_answered(said))
    lists_of_values = {"land_parcels", "immunisations", "benefit_programmes"}
    closed = [path for path, _ in objects(said) if not lists_of_values.intersection(map(str, path))]
    path = data.draw(st.sampled_from(closed))
    changed = copy.deepcopy(said)
    at(changed, path)[data.draw(st.sampled_from(["extra", "hearth:extra", "uin_", "value_"]))] = "1000000001"

    assert checker.faults(changed) if plain else checker.item_faults(changed)


@SOME
@given(countries(), terms(), DECISIONS, FAILURES | st.just({}), ENTITIES, st.booleans(), st.data())
async def test_a_broken_state_does_not_fit(country, agreed, decided, failing, entity, plain, data):
    """Without its origin, in a sixth state, with the reason of another one, or with a value where there is none."""
    checker = Checker(view(agreed, SHAPES[entity, plain]))
    said = await ask(country, agreed, None, decided, failing, entity=entity, plain=plain)
    assume(is_answered(said))
    changed = copy.deepcopy(said)
    states = [inner for path, inner in objects(changed) if len(path) > 1 and path[-2] == "attributes"]
    assume(states)
    state = data.draw(st.sampled_from(states))
    if state["state"] in {"withheld", "unavailable"}:
        breaks: list[tuple[str, Any]] = [
            ("state", "secret"),
            ("reason", None),
            ("reason", "because"),
            ("value", 1),
            ("state", "value"),
        ]
    else:
        breaks = [("state", "secret"), ("source", None), ("retrieved_at", None), ("cached", None), ("source", "")]
        breaks += [("retrieved_at", "2026-01-01"), ("state", None), ("state", "withheld"), ("stale", True)]
    if plain and state["state"] in TOLD:
        breaks += [("value", None), ("form", "value"), ("value", {"a": 1}), ("state", "absent")]
    key, value = data.draw(st.sampled_from(breaks))
    if value is None:
        del state[key]
    else:
        state[key] = value

    assert checker.faults(changed) if plain else checker.item_faults(changed)


@given(terms())
def test_an_agreement_s_schemas_are_the_same_each_time_and_name_no_stranger(agreed):
    """Deterministic to the byte; no attribute that is not agreed has a place in it."""
    for shape in shapes_of(agreed):
        text = orjson.dumps(view(agreed, shape))
        named = {name.removeprefix("value_") for name in orjson.loads(text)["$defs"] if name.startswith("value_")}

        assert text == orjson.dumps(view(Agreement.model_validate(agreed.model_dump()), shape))
        assert named <= agreed.attributes.keys()

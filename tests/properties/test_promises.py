"""Who is asked, about whom, and what leaves: for every country, agreement and refusal."""

from collections import Counter
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ports import Fetch
from gateway.pipeline import Answer, Disclosure, answer
from policies.engine import readable
from standards.dci.codes import ResponseEntity
from standards.dci.search import IdQuery
from standards.identifiers import GROUP_TYPES
from standards.states import Conflict, Value
from tests.builders import CATALOGUE, MANIFESTS, RULES, World, item, question
from tests.properties.country import (
    CANARY,
    FAILURES,
    GROUP_REFUSALS,
    OF_KIN,
    REFUSALS,
    Country,
    Refused,
    agreements,
    countries,
    ledger,
    memory,
    states,
    told,
)

FEW = settings(max_examples=40)
CROWD = 8
"""People of the largest country; smaller than any batch."""
DECISIONS = st.lists(REFUSALS, min_size=CROWD, max_size=CROWD)
BY_CONSENT = agreements(basis="consent")


def requests(world: World) -> list[Fetch]:
    """Everything that registries were asked."""
    return [request for registry in world.registries.values() for request in registry.asked]


def leading_to(reads: frozenset[str]) -> set[str]:
    """The types of numbers that some lookup takes on the way to these attributes, or to who belongs together."""
    lookups = [k for m in MANIFESTS.values() for k in m.lookups]
    wanted = {name.upper() for name in reads}
    size = -1
    while len(wanted) > size:
        size = len(wanted)
        for lookup in lookups:
            if reads & set(lookup.attributes) or lookup.members or lookup.kin or wanted & set(lookup.identifiers):
                wanted |= set(lookup.by)
    return wanted


@FEW
@given(countries(), agreements())
async def test_nobody_is_asked_for_what_the_permit_does_not_need(country, agreed):
    """A registry is asked for permitted facts, for numbers that lead to them, or for who belongs together."""
    world = World(country.truth, agreed)
    await told(world, country, agreed)
    reads = readable(agreed.forms, CATALOGUE)
    rule = RULES[agreed.household.rule]
    asked = {(r.source_id, r.lookup): r for r in requests(world)}
    wanted = leading_to(reads)

    for (source_id, name), request in asked.items():
        lookup = MANIFESTS[source_id].lookup(name)
        tells_of_members = (lookup.members and (rule.registered or country.asked.type in GROUP_TYPES)) or (
            lookup.kin and rule.kin
        )
        assert request.names <= reads | (rule.needs if tells_of_members else frozenset())
        assert request.names or tells_of_members or wanted & set(lookup.identifiers)
    facts = {name for name in reads if CATALOGUE[name].type != "identifier"}
    for source_id in ("tax", "land"):
        held = {n for k in MANIFESTS[source_id].lookups for n in k.attributes}
        assert (source_id in {key[0] for key in asked}) <= bool(held & facts)


@settings(max_examples=80)
@given(countries(), BY_CONSENT, DECISIONS, FAILURES)
async def test_nobody_is_asked_about_a_person_without_that_person_s_permit(country, agreed, decided, failing):
    """Not the registries that were refused, and none at all about who refused wholly."""
    kept = await ledger(country, decided)
    world = World(country.truth, agreed, ledger=kept, failing=failing)
    await told(world, country, agreed)

    for request in requests(world):
        for subject in request.subjects:
            if subject.type in GROUP_TYPES:
                head = _head(country) if request.names else None
                assert head is None or _may_ask(decided[head], request.source_id, request.names)
                continue
            assert _may_ask(decided[country.who({subject.type: subject.value})], request.source_id, request.names)


@settings(max_examples=80)
@given(
    countries(are_kin=True), agreements(basis="consent", rules=OF_KIN), st.lists(GROUP_REFUSALS, min_size=4, max_size=4)
)
async def test_nothing_is_asked_for_that_somebody_keeps_back(country, agreed, decided):
    """Neither of the members, nor of those on the way to them, whatever the rule itself would like to know."""
    world = World(country.truth, agreed, ledger=await ledger(country, decided))
    await told(world, country, agreed)

    for request in requests(world):
        for subject in request.subjects:
            if subject.type not in GROUP_TYPES:
                refused = decided[country.who({subject.type: subject.value})]
                assert not request.names & refused.at(request.source_id)


def _may_ask(refused: Refused | None, source_id: str, names: frozenset[str]) -> bool:
    return refused is not None and source_id not in refused.sources and not names & refused.at(source_id)


def _head(country: Country) -> int:
    (group,) = country.truth["social", "group"]
    return country.who(next(m.identifiers for m in group.members if m.relationship == "SELF"))


async def wire(world: World, country: Country, consumer: str = "programme", **changes: Any) -> bytes:
    """The answer as it would be sent."""
    said = await answer(question(item(IdQuery(country.asked), purpose="eligibility", **changes), consumer), world.rooms)
    assert isinstance(said, Answer)
    return said.item


ENTITIES = st.sampled_from(list(ResponseEntity))


@settings(max_examples=60)
@given(countries(), BY_CONSENT, DECISIONS, FAILURES, ENTITIES)
async def test_nothing_outside_the_permit_leaves(country, agreed, decided, failing, entity):
    """No name, no value and no number that the agreement does not name stands anywhere in the answer."""
    world = World(country.truth, agreed, ledger=await ledger(country, decided), failing=failing)
    sent = await wire(world, country, response_entity=entity)

    assert CANARY.encode() not in sent
    for numbers in country.numbers:
        for type_, value in numbers.items():
            assert value.encode() not in sent or type_.lower() in agreed.forms
    for evidence in orjson.loads(sent).get("data", {}).get("hearth:evidence", ()):
        for states_ in (evidence.get("attributes", {}), *(m["attributes"] for m in evidence["members"])):
            assert states_.keys() <= agreed.forms.keys()


@FEW
@given(countries(), BY_CONSENT, DECISIONS)
async def test_nothing_of_a_person_leaves_against_that_person_s_will(country, agreed, decided):
    """Who refused wholly has no value in the answer, and none comes from a registry, or is a fact, that was refused."""
    world = World(country.truth, agreed, ledger=await ledger(country, decided))
    found = await told(world, country, agreed)
    if not isinstance(found, Disclosure):
        return

    for person, member in zip(found.gathered.people, found.profile.members, strict=True):
        refused = decided[country.who(person.identifiers)]
        for name, state in member.attributes.items():
            claims = (state.settled, *state.differing) if isinstance(state, Conflict) else (state,)
            for claim in claims:
                if isinstance(claim, Value):
                    assert _may_ask(refused, claim.provenance.source_id, frozenset({name}))


@FEW
@given(countries(), agreements(), agreements("other"), st.booleans())
async def test_two_programmes_never_get_each_other_s_answers(country, agreed, other, is_same_moment):
    """Not from memory, and not while both wait for the same registry."""
    alone = World(country.truth, agreed)
    shared = World(country.truth, agreed, other, cache=memory())
    await told(shared, country, other)
    sent = await wire(shared, country)

    assert _told(sent) == _told(await wire(alone, country))
    assert CANARY.encode() not in sent


@FEW
@given(countries(), BY_CONSENT, DECISIONS, DECISIONS, ENTITIES)
async def test_an_answer_given_again_is_the_one_that_would_be_composed_now(country, agreed, decided, then, entity):
    """Before and after everybody has decided anew, whatever is remembered of the times before."""
    kept = await ledger(country, decided)
    world = World(country.truth, agreed, ledger=kept, cache=memory())
    for decisions in (None, then):
        if decisions is not None:
            await ledger(country, decisions, kept)
        anew = await wire(World(country.truth, agreed, ledger=kept), country, response_entity=entity)
        for _ in range(3):
            assert _told(await wire(world, country, response_entity=entity)) == _told(anew)


def _told(sent: bytes) -> Any:
    """What an answer says, without when it was asked and how often."""
    said = orjson.loads(sent)
    for evidence in said.get("data", {}).get("hearth:evidence", ()):
        for attributes in (evidence.get("attributes", {}), *(m["attributes"] for m in evidence["members"])):
            for state in attributes.values():
                state.pop("cached", None)
    said.get("data", {}).pop("hearth:sources", None)
    return said


@FEW
@given(countries(most=CROWD), agreements())
async def test_a_registry_gets_one_message_for_everybody_in_a_wave(country, agreed):
    """However many people there are: as many calls as the plan has steps, and nobody is asked about twice in a step."""
    world = World(country.truth, agreed)
    found = await told(world, country, agreed)
    if not isinstance(found, Disclosure):
        return
    steps = Counter(step.key for step in found.gathered.plan.steps)
    calls = Counter((r.source_id, r.lookup) for r in requests(world))

    assert all(count <= steps[key] for key, count in calls.items())


@FEW
@given(countries(), BY_CONSENT, DECISIONS)
async def test_the_journal_holds_nobody_s_numbers_or_values(country, agreed, decided):
    """Only pseudonyms, names of attributes, and the plan."""
    world = World(country.truth, agreed, ledger=await ledger(country, decided))
    said = await answer(question(item(IdQuery(country.asked), purpose="eligibility"), "programme"), world.rooms)
    text = orjson.dumps(said.entry._asdict()).decode()

    assert CANARY not in text
    assert not [value for numbers in country.numbers for value in numbers.values() if value in text]
    assert "HH-000001" not in text
    assert set(said.entry.released) <= agreed.forms.keys()


@FEW
@given(countries(), agreements())
async def test_the_same_question_has_the_same_answer(country, agreed):
    """Asked of two gateways that know nothing of each other."""
    first, second = [await told(World(country.truth, agreed), country, agreed) for _ in range(2)]

    assert type(first) is type(second)
    if isinstance(first, Disclosure) and isinstance(second, Disclosure):
        assert states(country, first) == states(country, second)
        assert first.profile == second.profile

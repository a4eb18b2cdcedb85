"""What holds for every plan, whatever is asked, by which number, under which rule, and whoever is silent."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.stages.plan import Plan, Planner, Step, Who
from standards.identifiers import GROUP_TYPES
from standards.rules import BoundaryRule, Combination
from tests.builders import CATALOGUE, KIN, MANIFESTS, PLANNER, REGISTERED, REGISTERED_OR_KIN

HELD = sorted(PLANNER.holders())
NUMBERS = sorted({t for m in MANIFESTS.values() for k in m.lookups for t in (*k.by, *k.identifiers)})
EVERY_PART = BoundaryRule(
    "every", "1", registered=True, kin=True, co_residence=True, combine=Combination.UNION, depth=2
)
SHAPES = st.tuples(
    st.frozensets(st.sampled_from(HELD), max_size=12),
    st.sampled_from(NUMBERS),
    st.sampled_from([None, REGISTERED, KIN, REGISTERED_OR_KIN, EVERY_PART]),
    st.frozensets(st.sampled_from(sorted(MANIFESTS)), max_size=3),
)
FEW = settings(max_examples=150)


def lookup(step: Step) -> Any:
    """The lookup that a step is one call of."""
    return MANIFESTS[step.source_id].lookup(step.lookup)


def regular(plan: Plan) -> list[Step]:
    """The steps that are taken while all is well."""
    return [step for step in plan.steps if not step.instead_of]


@FEW
@given(SHAPES)
def test_a_plan_asks_for_nothing_but_what_is_wanted(shape):
    """Attributes to be read, what the rule itself reads, and numbers; each of somebody who holds it."""
    reads, _, rule, _ = shape
    plan = PLANNER.plan(*shape)

    for step in plan.steps:
        needed = rule.needs if rule and step.who in {Who.ASKED, Who.FOUND} else frozenset()
        assert step.names <= (reads | needed) & set(lookup(step).attributes)
        assert set(step.yields) <= set(lookup(step).identifiers)
        assert set(step.by) <= set(lookup(step).by)


@FEW
@given(SHAPES)
def test_every_number_that_is_taken_has_a_source(shape):
    """The one asked by, those that members are found by, and those that earlier steps state."""
    plan = PLANNER.plan(*shape)
    found = {t for s in plan.steps if s.who is not Who.EVERYONE for t in (*lookup(s).by, *lookup(s).identifiers)}

    for step in plan.steps:
        assert all(number < step.number for number in step.after)
        if step.who is Who.EVERYONE:
            earlier = {t for n in step.after for t in lookup(plan.steps[n - 1]).identifiers}
            assert {shape[1], *found, *earlier} & set(step.by)
        assert (step.who is Who.GROUP) == bool(set(step.by) & set(GROUP_TYPES))


@FEW
@given(SHAPES)
def test_only_who_declares_it_stands_in_and_for_somebody_better(shape):
    """By a step that waits for the better one; no regular step waits for one that may never be taken."""
    plan = PLANNER.plan(*shape)
    optional = {step.number for step in plan.steps if step.instead_of}

    for step in plan.steps:
        assert optional.isdisjoint(step.after) or step.number in optional
        for name in step.names if step.instead_of else ():
            better = [plan.steps[n - 1] for n in step.instead_of if name in plan.steps[n - 1].names]
            assert name in MANIFESTS[step.source_id].stands_in_for
            assert any(MANIFESTS[b.source_id].rank(name) <= MANIFESTS[step.source_id].rank(name) for b in better)
            assert all(b.source_id != step.source_id for b in better)


@FEW
@given(SHAPES, st.randoms(use_true_random=False))
def test_the_order_of_the_manifests_decides_nothing(shape, random):
    """The same registries make the same plan, with the same reasons."""
    manifests = list(MANIFESTS.values())
    random.shuffle(manifests)
    plan = Planner(manifests, CATALOGUE).plan(*shape)

    assert plan == PLANNER.plan(*shape)


@FEW
@given(SHAPES)
def test_what_is_down_changes_no_authority(shape):
    """Who is asked for what while all is well is asked for it all the same, and nothing gets out of reach."""
    reads, by, rule, down = shape
    whole, without = PLANNER.plan(reads, by, rule), PLANNER.plan(reads, by, rule, down)
    held = {(name, step.source_id) for step in regular(whole) if step.who is Who.EVERYONE for name in step.names}
    best = {name: min((MANIFESTS[s].rank(name), s) for n, s in held if n == name)[1] for name, _ in held}
    asked = {(name, step.source_id) for step in regular(without) if step.who is Who.EVERYONE for name in step.names}

    assert set(best.items()) <= asked
    assert whole.unreachable == without.unreachable


@FEW
@given(SHAPES)
def test_every_step_has_its_reason(shape):
    """One sentence each, in their order."""
    plan = PLANNER.plan(*shape)

    assert [why.split()[0] for why in plan.why[: len(plan.steps)]] == [str(step.number) for step in plan.steps]
    assert plan.text() in plan.explained()

"""Where freshness weighs, a silent registry that might have a much fresher word leaves an old one unknown."""

import asyncio

from adapters.ports import Record
from gateway.stages.compose import Composer
from gateway.stages.derive import Deriver
from gateway.stages.plan import Planner
from standards.identifiers import Identifier
from standards.states import AttributeState, Conflict, Unavailable, UnavailableReason, Value
from tests.builders import CATALOGUE, NEVER, NOW, fetcher, lookup, permitting, small_manifest
from tests.fakes import in_memory

READS = frozenset({"email", "given_name"})
MANIFESTS = [
    small_manifest("first", lookup(attributes=("email",)), authority={"email": 1}),
    small_manifest("second", lookup(attributes=("email", "given_name")), authority={"email": 2, "given_name": 1}),
]
"""The second one is asked for names anyway."""


def told(first_as_of: str, *, is_silent: bool) -> AttributeState:
    """What is told of an address of which the better registry's word is of some day, and the lesser one's of today."""
    records = {
        ("first", "person"): [Record({"UIN": "1"}, {"email": ["old@example.pv"]}, first_as_of)],
        ("second", "person"): [Record({"UIN": "1"}, {"email": ["new@example.pv"]}, NOW.date().isoformat())],
    }
    failing = {("second", "person"): UnavailableReason.SOURCE_DOWN} if is_silent else {}
    plan = Planner(MANIFESTS, CATALOGUE).plan(READS, "UIN", None)
    over = fetcher(in_memory(MANIFESTS, records, failing=failing))
    asking = over.fetch(
        lambda _: plan, Identifier("UIN", "1"), permitting(), max_age_s=0, deadline=NEVER, transaction_id="t"
    )
    profile = Composer(MANIFESTS, CATALOGUE, Deriver(CATALOGUE)).compose(plan, asyncio.run(asking), READS, NOW)
    return profile.members[0].attributes["email"]


def test_a_much_fresher_word_settles_while_it_is_heard():
    """Else what follows would show nothing."""
    state = told("2020-01-01", is_silent=False)

    assert isinstance(state, Conflict)
    assert state.settled.value == ["new@example.pv"]


def test_an_old_word_that_a_silent_registry_might_outdo_is_unknown():
    """An outage never changes a value: with the registry up it would have been another one."""
    assert told("2020-01-01", is_silent=True) == Unavailable(UnavailableReason.SOURCE_DOWN, "second")


def test_a_word_that_nobody_could_outdo_stands():
    """It is of this month, so whatever the silent registry holds is not fresher by enough."""
    state = told("2026-09-01", is_silent=True)

    assert isinstance(state, Value)
    assert state.value == ["old@example.pv"]

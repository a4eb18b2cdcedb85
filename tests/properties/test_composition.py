"""One question has one answer: order, batches and memory do not change it, and an outage never turns it around."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pipeline import Disclosure
from standards.errors import SourceError
from tests.builders import MANIFESTS, World, fetcher
from tests.fakes import in_memory
from tests.properties.country import (
    FAILURES,
    GROUP_REFUSALS,
    OF_KIN,
    Country,
    Refused,
    agreements,
    countries,
    ledger,
    memory,
    plain,
    states,
    told,
)

FEW = settings(max_examples=40)
UNKNOWN = ("unavailable",)


def whole(country: Country, found: Disclosure | SourceError | None) -> Any:
    """Everything of an answer that must not change: states, members in their order, and whose word is missing."""
    if not isinstance(found, Disclosure):
        return type(found)
    profile = found.profile
    members = [(m.number, m.relationship, m.evidence) for m in profile.members]
    values = [{n: plain(s) for n, s in m.attributes.items()} for m in profile.members]
    return states(country, found), members, values, profile.unheard, profile.subject


@FEW
@given(countries(), agreements(), FAILURES, st.dictionaries(st.sampled_from(sorted(MANIFESTS)), st.integers(1, 30)))
async def test_the_order_of_arrival_changes_nothing(country, agreed, failing, turns):
    """Whichever registry is slow."""
    plain_world, slow = (World(country.truth, agreed, failing=failing) for _ in range(2))
    for id_, count in turns.items():
        slow.registries[id_].turns = count

    assert whole(country, await told(slow, country, agreed)) == whole(country, await told(plain_world, country, agreed))


@FEW
@given(countries(), agreements(), st.integers(1, 2))
async def test_the_size_of_batches_changes_nothing(country, agreed, batch):
    """Whether a registry is asked about everybody at once or one by one."""
    small = [
        m.model_copy(update={"lookups": tuple(k.model_copy(update={"batch": batch}) for k in m.lookups)})
        for m in MANIFESTS.values()
    ]
    one, many = World(country.truth, agreed), World(country.truth, agreed)
    many.registries = in_memory(small, country.truth)
    many.rooms = many.rooms._replace(fetcher=fetcher(many.registries, memory(), many.clock))

    assert whole(country, await told(many, country, agreed)) == whole(country, await told(one, country, agreed))
    assert all(len(r.subjects) <= batch for registry in many.registries.values() for r in registry.asked)


@FEW
@given(countries(), agreements(), agreements("other"))
async def test_what_is_kept_changes_nothing(country, agreed, other):
    """Not by an earlier question of the same programme, nor of one that may know more, or less."""
    fresh = World(country.truth, agreed)
    kept = World(country.truth, agreed, other, cache=memory())
    first = await told(kept, country, other)
    again = [await told(kept, country, agreed) for _ in range(2)]
    expected = whole(country, await told(fresh, country, agreed))

    assert first is None or isinstance(first, Disclosure)
    assert [whole(country, one) for one in again] == [expected, expected]


@settings(max_examples=120)
@given(countries(), agreements(), FAILURES)
async def test_an_outage_never_turns_an_answer_around(country, agreed, failing):
    """For every set of failed lookups: each attribute keeps its state, or it is not known. Derived ones too."""
    up = await told(World(country.truth, agreed), country, agreed)
    down = await told(World(country.truth, agreed, failing=failing), country, agreed)

    if isinstance(down, SourceError):
        return  # nothing is said at all
    if down is None:
        assert up is None  # nobody by that number, because every registry that was asked said so
        return
    known = states(country, up) if isinstance(up, Disclosure) else {}
    for where, state in states(country, down).items():
        if where in known:
            assert state in (known[where], UNKNOWN), where
        elif up is None:
            assert state in {UNKNOWN, ("absent",)}, where
        else:
            assert down.profile.unheard, where  # somebody stands in the list who is not known to belong there
    if isinstance(up, Disclosure) and not down.profile.unheard:
        assert states(country, down).keys() == known.keys()


@settings(max_examples=120)
@given(
    countries(are_kin=True), agreements(basis="consent", rules=OF_KIN), st.lists(GROUP_REFUSALS, min_size=4, max_size=4)
)
async def test_what_somebody_keeps_back_never_turns_an_answer_around(country, agreed, decided):
    """Whatever groups of attributes anybody refuses: who belongs together and what is told of them stays, or is open."""
    everything = await ledger(country, [Refused()] * 4)
    up = await told(World(country.truth, agreed, ledger=everything), country, agreed)
    less = await told(World(country.truth, agreed, ledger=await ledger(country, decided)), country, agreed)

    if not isinstance(up, Disclosure) or not isinstance(less, Disclosure):
        return
    known = states(country, up)
    for where, state in states(country, less).items():
        is_open = {state[0], known[where][0] if where in known else ""} & {"unavailable", "withheld"}
        assert is_open or less.profile.unheard or state == known.get(where), where
    if not less.profile.unheard and not up.profile.unheard:
        assert {country.who(p.identifiers) for p in less.gathered.people} == {
            country.who(p.identifiers) for p in up.gathered.people
        }


@FEW
@given(countries(), agreements(), FAILURES)
async def test_an_incomplete_list_says_so(country, agreed, failing):
    """Fewer members than there are, or others, and nobody is told: that would be a "no"."""
    up = await told(World(country.truth, agreed), country, agreed)
    down = await told(World(country.truth, agreed, failing=failing), country, agreed)

    if isinstance(up, Disclosure) and isinstance(down, Disclosure) and not down.profile.unheard:
        # The same people, though a silent registry may leave a further number of theirs unknown.
        assert [country.who(p.identifiers) for p in down.gathered.people] == [
            country.who(p.identifiers) for p in up.gathered.people
        ]
        assert [m.relationship for m in down.profile.members] == [m.relationship for m in up.profile.members]

"""From an order to the steps that follow."""

from __future__ import annotations

import pytest

from gateway.registrations.deciding import decided, folder_digest
from gateway.registrations.states import Role, State, Verb, stepped
from gateway.registrations.store import Registration
from standards.errors import MalformedMessageError
from tests.builders import MANIFESTS
from tests.unit.gateway.registrations.steps import registration, step

LAND = MANIFESTS["land"]


def versions(**states: State) -> dict[str, Registration]:
    """Versions 1.0, 2.0... in states: `v1=State.LIVE`."""
    return {f"{name[1:]}.0": registration(f"{name[1:]}.0", state) for name, state in states.items()}


def adopted() -> dict[str, Registration]:
    """The version of the folders, entered because its owner had once suspended it."""
    one = registration(LAND.version, State.LIVE, authors=(), approved_by=None, digest=folder_digest(LAND))
    return {LAND.version: one}


def told(steps):
    """What was decided, in short."""
    return [(one.version, one.verb.value) for one in steps]


def test_the_live_version_is_replaced_in_the_same_moment() -> None:
    """One version is live, never two."""
    steps = decided(step(Verb.PROMOTE, "2.0"), versions(v1=State.LIVE, v2=State.CANARY), None, is_needed=False)

    assert told(steps) == [("1.0", "replace"), ("2.0", "promote")]
    assert steps[0].role is Role.GATEWAY


def test_a_rollback_brings_back_the_version_that_was_live_before() -> None:
    """The newest of those; the live one steps back and keeps its approval."""
    known = versions(v1=State.REPLACED, v2=State.REPLACED, v3=State.LIVE, v4=State.APPROVED)

    assert told(decided(step(Verb.ROLLBACK, ""), known, None, is_needed=False)) == [
        ("3.0", "rollback"),
        ("2.0", "restore"),
    ]


def test_a_rollback_with_none_before_leads_to_the_folders_or_is_refused() -> None:
    """A registry never disappears by a rollback."""
    known = versions(v3=State.LIVE)

    assert told(decided(step(Verb.ROLLBACK, ""), known, LAND, is_needed=False)) == [("3.0", "rollback")]
    with pytest.raises(MalformedMessageError, match="no earlier version"):
        decided(step(Verb.ROLLBACK, ""), known, None, is_needed=False)
    with pytest.raises(MalformedMessageError, match="nothing to roll back"):
        decided(step(Verb.ROLLBACK, ""), adopted(), LAND, is_needed=False)


def test_who_suspends_names_no_version() -> None:
    """It is the live one, else the canary, else the shadow."""
    everywhere = versions(v1=State.LIVE, v2=State.CANARY, v3=State.SHADOW)

    assert told(decided(step(Verb.SUSPEND, ""), everywhere, None, is_needed=True)) == [("1.0", "suspend")]
    assert told(decided(step(Verb.SUSPEND, ""), versions(v3=State.SHADOW), None, is_needed=False)) == [
        ("3.0", "suspend")
    ]


def test_a_registry_of_the_folders_is_suspended_too() -> None:
    """Its version is entered, and suspended."""
    steps = decided(step(Verb.SUSPEND, ""), {}, LAND, is_needed=False)

    assert told(steps) == [(LAND.version, "adopt"), (LAND.version, "suspend")]
    assert {one.digest for one in steps} == {folder_digest(LAND)}


@pytest.mark.parametrize("state", [State.DRAFT, State.APPROVED, State.REPLACED, State.RETIRED])
def test_a_registry_of_the_folders_is_suspended_whatever_is_known_of_its_version(state) -> None:
    """Its number may have been submitted here too, or retired once; the owner's word acts all the same."""
    known = {LAND.version: registration(LAND.version, state)}
    steps = decided(step(Verb.SUSPEND, ""), known, LAND, is_needed=False)

    assert told(steps) == [(LAND.version, "suspend")]
    suspended = stepped(known[LAND.version].standing, steps[0])
    assert (suspended.state, suspended.suspended_from) == (State.SUSPENDED, state)


@pytest.mark.parametrize(
    ("known", "folder"),
    [
        (versions(v3=State.LIVE, v2=State.CANARY), None),
        (versions(v2=State.CANARY), LAND.model_copy(update={"version": "2.0"})),
    ],
)
def test_a_lower_version_does_not_take_the_place_of_a_higher_one(known, folder) -> None:
    """Otherwise what is rolled back to would be a matter of luck."""
    with pytest.raises(MalformedMessageError, match="is live"):
        decided(step(Verb.PROMOTE, "2.0"), known, folder, is_needed=False)


@pytest.mark.parametrize("verb", [Verb.ROLLBACK, Verb.RESUME])
@pytest.mark.parametrize("wish", [{"version": "1.0"}, {"digest": "b" * 64}])
def test_an_order_about_another_version_or_other_files_does_nothing(verb, wish) -> None:
    """Somebody signed it before the version that answers by now came."""
    known = versions(v1=State.REPLACED, v2=State.LIVE if verb is Verb.ROLLBACK else State.SUSPENDED)
    ordered = step(verb, **({"version": ""} | wish))

    with pytest.raises(MalformedMessageError, match="sign an order about that"):
        decided(ordered, known, None, is_needed=False)
    exact = step(verb, "2.0", digest=known["2.0"].standing.digest)
    assert decided(exact, known, None, is_needed=False)[0].version == "2.0"


@pytest.mark.parametrize(
    ("verb", "known", "sentence"),
    [
        (Verb.SUSPEND, {}, "nothing to suspend"),
        (Verb.RESUME, versions(v1=State.LIVE), "not suspended"),
        (Verb.SHADOW, {}, "submit it"),
        (Verb.SHADOW, versions(v1=State.SUSPENDED, v2=State.APPROVED), "resume it first"),
        (Verb.PROMOTE, versions(v1=State.SUSPENDED, v2=State.CANARY), "resume it first"),
        (Verb.SHADOW, versions(v1=State.SHADOW, v2=State.APPROVED), "version 1.0 is in shadow"),
        (Verb.CANARY, versions(v1=State.CANARY, v2=State.SHADOW), "version 1.0 is in canary"),
    ],
)
def test_what_cannot_be_done_says_what_to_do_first(verb, known, sentence) -> None:
    """One sentence with the remedy."""
    with pytest.raises(MalformedMessageError, match=sentence):
        decided(step(verb, "2.0"), known, None, is_needed=False)


def test_a_canary_says_how_large_it_is() -> None:
    """A share is never guessed."""
    with pytest.raises(MalformedMessageError, match="share"):
        decided(step(Verb.CANARY, "1.0", share=None), versions(v1=State.SHADOW), None, is_needed=False)


def test_a_registry_that_an_agreement_needs_is_not_ended() -> None:
    """Unless another version takes its place."""
    known = versions(v1=State.LIVE)

    with pytest.raises(MalformedMessageError, match="mandatory"):
        decided(step(Verb.RETIRE, "1.0"), known, None, is_needed=True)
    assert told(decided(step(Verb.RETIRE, "1.0"), known, LAND, is_needed=True)) == [("1.0", "retire")]
    assert told(decided(step(Verb.RETIRE, "1.0"), known, None, is_needed=False)) == [("1.0", "retire")]


def test_what_is_switched_off_is_not_switched_on_by_ending_it() -> None:
    """Another version would be asked in its place."""
    off = versions(v1=State.SUSPENDED)

    with pytest.raises(MalformedMessageError, match="asked again"):
        decided(step(Verb.RETIRE, "1.0"), off, LAND, is_needed=False)
    with pytest.raises(MalformedMessageError, match="asked again"):
        decided(step(Verb.RETIRE, "1.0"), off | versions(v2=State.CANARY), None, is_needed=False)
    assert told(decided(step(Verb.RETIRE, "1.0"), off, None, is_needed=False)) == [("1.0", "retire")]


def test_a_version_of_the_folders_is_ended_there() -> None:
    """Its file speaks for it."""
    with pytest.raises(MalformedMessageError, match="folders"):
        decided(step(Verb.RETIRE, LAND.version), adopted(), LAND, is_needed=False)

"""The states of a registration: every state with every verb and every role."""

from __future__ import annotations

from itertools import product

import pytest

from gateway.registrations.states import ROLES, TRANSITIONS, Role, State, Verb, after, replayed, role_for, stepped
from standards.errors import AccessDeniedError, MalformedMessageError
from tests.unit.gateway.registrations.steps import DIGEST, PATH, WAYS, standing, step

ALLOWED = {
    (None, "submit"), (None, "adopt"),
    *((state.value, "suspend") for state in State if state is not State.SUSPENDED),
    ("draft", "submit"), ("draft", "test"), ("draft", "retire"),
    ("tested", "submit"), ("tested", "approve"), ("tested", "retire"),
    ("approved", "shadow"), ("approved", "retire"),
    ("shadow", "canary"), ("shadow", "retire"),
    ("canary", "shadow"), ("canary", "canary"), ("canary", "promote"), ("canary", "retire"),
    ("live", "rollback"), ("live", "replace"), ("live", "retire"),
    ("suspended", "resume"), ("suspended", "retire"),
    ("replaced", "restore"), ("replaced", "retire"),
}  # fmt: skip
"""Everything that is allowed; nothing else is."""
MAY = {
    "submit": {"author"}, "approve": {"approver"}, "shadow": {"operator"}, "canary": {"operator"},
    "promote": {"operator"}, "rollback": {"operator"}, "suspend": {"owner", "operator"},
    "resume": {"owner", "operator"}, "retire": {"owner", "operator"}, "test": {"gateway"}, "replace": {"gateway"},
    "restore": {"gateway"}, "adopt": {"gateway"},
}  # fmt: skip


@pytest.mark.parametrize(("state", "verb", "role"), list(product((None, *State), Verb, Role)))
def test_a_step_is_taken_where_state_and_role_allow_it_and_nowhere_else(
    state: State | None, verb: Verb, role: Role
) -> None:
    """Every state, every verb, every role."""
    before = standing(state) if state is not None else None
    made = step(verb, role=role, by=f"somebody who is {role}")
    is_allowed = (state, verb) in ALLOWED and role in MAY[verb]
    if state is State.SUSPENDED and role is not Role.OWNER:
        is_allowed = False  # its owner has suspended it
    if is_allowed:
        assert stepped(before, made).state is after(state, verb, before.suspended_from if before else None)
    else:
        with pytest.raises((MalformedMessageError, AccessDeniedError)):
            stepped(before, made)


def test_the_tables_know_every_verb() -> None:
    """None was forgotten, and the path of the tests is whole."""
    assert set(ROLES) == set(Verb)
    assert {verb for _, verb in TRANSITIONS} | {Verb.RESUME} == set(Verb)
    assert set(WAYS) == set(State)


def test_nobody_approves_what_they_have_submitted_once() -> None:
    """Not even after somebody else has submitted it again."""
    first = step(Verb.SUBMIT, by="Asha")
    again = step(Verb.SUBMIT, by="Juma")
    tested = replayed([first, again, step(Verb.TEST)])

    for author in ("Asha", "Juma"):
        with pytest.raises(AccessDeniedError, match="another person"):
            stepped(tested, step(Verb.APPROVE, by=author))
    assert stepped(tested, step(Verb.APPROVE, by="Neema")).approved_by == "Neema"


def test_one_key_is_one_person_under_whatever_name() -> None:
    """Whoever is called otherwise in the settings since, and signs with the same key, has submitted it all the same."""
    tested = replayed([step(Verb.SUBMIT, by="Asha", key="k1"), step(Verb.TEST)])

    with pytest.raises(AccessDeniedError, match="another person"):
        stepped(tested, step(Verb.APPROVE, by="Asha the Second", key="k1"))
    assert stepped(tested, step(Verb.APPROVE, by="Juma", key="k2")).state is State.APPROVED


def test_the_owners_word_counts_though_an_operator_switched_it_off_before() -> None:
    """An operator lifts it no more; once is enough."""
    by_operator = stepped(standing(State.CANARY), step(Verb.SUSPEND, role=Role.OPERATOR))
    by_both = stepped(by_operator, step(Verb.SUSPEND, role=Role.OWNER))

    assert (by_both.suspended_from, by_both.suspended_as) == (State.CANARY, Role.OWNER)
    with pytest.raises(AccessDeniedError, match="only its owner"):
        stepped(by_both, step(Verb.RESUME, role=Role.OPERATOR))
    for before, role in ((by_operator, Role.OPERATOR), (by_both, Role.OPERATOR), (by_both, Role.OWNER)):
        with pytest.raises(MalformedMessageError, match="suspended already"):
            stepped(before, step(Verb.SUSPEND, role=role))


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.TEST, Verb.RETIRE])
def test_a_step_about_other_files_is_refused(verb: Verb) -> None:
    """What is decided about is what was read."""
    before = standing(State.DRAFT if verb is Verb.TEST else State.TESTED)

    with pytest.raises(MalformedMessageError, match="digest"):
        stepped(before, step(verb, digest="b" * 64))


@pytest.mark.parametrize("state", [State.SHADOW, State.CANARY, State.LIVE])
def test_who_resumes_brings_it_back_to_where_it_was(state: State) -> None:
    """And not a step further."""
    suspended = stepped(standing(state), step(Verb.SUSPEND))

    assert suspended.suspended_from is state
    assert stepped(suspended, step(Verb.RESUME)).state is state


def test_what_its_owner_switched_off_only_its_owner_switches_on_or_ends() -> None:
    """An operator's own switch is lifted by an operator."""
    by_owner = stepped(standing(State.LIVE), step(Verb.SUSPEND, role=Role.OWNER))
    by_operator = stepped(standing(State.LIVE), step(Verb.SUSPEND, role=Role.OPERATOR))

    for verb in (Verb.RESUME, Verb.RETIRE):
        with pytest.raises(AccessDeniedError, match="owner"):
            stepped(by_owner, step(verb, role=Role.OPERATOR))
        assert stepped(by_operator, step(verb, role=Role.OPERATOR)).state in {State.LIVE, State.RETIRED}


def test_the_history_comes_to_the_standing() -> None:
    """Step by step, whoever replays it."""
    live = replayed(step(verb) for verb in PATH)

    assert live == standing(State.LIVE)
    assert (live.digest, live.authors, live.approved_by, live.share) == (DIGEST, ("author",), "approver", 10.0)
    assert replayed([]) is None


def test_the_first_role_that_may_counts() -> None:
    """And who has none is told who may."""
    assert role_for(Verb.SUSPEND, frozenset({Role.OWNER, Role.OPERATOR})) is Role.OWNER
    with pytest.raises(AccessDeniedError, match="approve is for approver"):
        role_for(Verb.APPROVE, frozenset({Role.AUTHOR}))

"""Steps and standings of registrations, for tests."""

from __future__ import annotations

from typing import Any

from gateway.registrations.states import ROLES, Role, Standing, State, Step, Verb, stepped
from gateway.registrations.store import Registration
from tests.builders import NOW

DIGEST = "a" * 64
BY = {
    Role.AUTHOR: "author",
    Role.APPROVER: "approver",
    Role.OPERATOR: "operator",
    Role.OWNER: "owner",
    Role.GATEWAY: "gateway",
}
PATH = (Verb.SUBMIT, Verb.TEST, Verb.APPROVE, Verb.SHADOW, Verb.CANARY, Verb.PROMOTE)
"""The straight path to live."""
WAYS = {
    State.DRAFT: PATH[:1],
    State.TESTED: PATH[:2],
    State.APPROVED: PATH[:3],
    State.SHADOW: PATH[:4],
    State.CANARY: PATH[:5],
    State.LIVE: PATH,
    State.SUSPENDED: (*PATH, Verb.SUSPEND),
    State.REPLACED: (*PATH, Verb.REPLACE),
    State.RETIRED: (*PATH, Verb.RETIRE),
}
"""State -> how a version gets there."""


def step(verb: Verb, version: str = "1.0", **changes: Any) -> Step:
    """A step by somebody who may, in the role that comes first for it."""
    role = next(role for role in (Role.OWNER, *Role) if role in ROLES.get(verb, frozenset({Role.OWNER})))
    made = Step("land", version, verb, BY[role], role, NOW, DIGEST, 10.0 if verb is Verb.CANARY else None)
    return made._replace(**changes)


def standing(state: State, **changes: Any) -> Standing:
    """The standing of a version that went the straight path into a state."""
    found: Standing | None = None
    for verb in WAYS[state]:
        found = stepped(found, step(verb))
    assert found is not None
    assert found.state is state
    return found._replace(**changes)


def registration(version: str, state: State, **changes: Any) -> Registration:
    """A version of the land registry in a state."""
    return Registration("land", version, standing(state, **changes))

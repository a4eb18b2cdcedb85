"""The states of one version of a registry, and who may bring it from which into which. Pure; data first.

A version's history is a row of steps; its standing is what they come to. Nothing else decides what is in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from standards.errors import AccessDeniedError, MalformedMessageError


class State(StrEnum):
    """Where a version is in its life."""

    DRAFT = "draft"
    """Submitted; its check has not passed."""
    TESTED = "tested"
    APPROVED = "approved"
    """By somebody else than its authors."""
    SHADOW = "shadow"
    """Asked beside the answers, and told to nobody."""
    CANARY = "canary"
    """A share of the questions is answered with it."""
    LIVE = "live"
    SUSPENDED = "suspended"
    """Nobody asks the registry, in any version; this is the one that it was switched off by."""
    REPLACED = "replaced"
    """Was live; another version is. A rollback brings it back."""
    RETIRED = "retired"
    """For good."""


class Verb(StrEnum):
    """What can be done with a version."""

    SUBMIT = "submit"
    TEST = "test"
    APPROVE = "approve"
    SHADOW = "shadow"
    CANARY = "canary"
    PROMOTE = "promote"
    SUSPEND = "suspend"
    RESUME = "resume"
    ROLLBACK = "rollback"
    """The live version steps back."""
    REPLACE = "replace"
    """Another version goes live in its place."""
    RESTORE = "restore"
    """It is live again, because the version after it stepped back."""
    ADOPT = "adopt"
    """A version of the folders is entered, because somebody decided something about it."""
    RETIRE = "retire"


class Role(StrEnum):
    """In which capacity somebody acts."""

    AUTHOR = "author"
    APPROVER = "approver"
    OWNER = "owner"
    """Answers for the registry: may switch it off, and on again."""
    OPERATOR = "operator"
    GATEWAY = "gateway"
    """The gateway itself, as the consequence of what somebody did."""


_ENDABLE: Final = (
    State.DRAFT, State.TESTED, State.APPROVED, State.SHADOW, State.CANARY, State.LIVE, State.SUSPENDED, State.REPLACED,
)  # fmt: skip
ASKED: Final = (State.SHADOW, State.CANARY, State.LIVE)
"""States in which a registry is asked in this version."""
TRANSITIONS: Final[Mapping[tuple[State | None, Verb], State]] = MappingProxyType(
    {
        (None, Verb.SUBMIT): State.DRAFT,
        (State.DRAFT, Verb.SUBMIT): State.DRAFT,
        (State.TESTED, Verb.SUBMIT): State.DRAFT,
        (State.DRAFT, Verb.TEST): State.TESTED,
        (State.TESTED, Verb.APPROVE): State.APPROVED,
        (State.APPROVED, Verb.SHADOW): State.SHADOW,
        (State.CANARY, Verb.SHADOW): State.SHADOW,
        (State.SHADOW, Verb.CANARY): State.CANARY,
        (State.CANARY, Verb.CANARY): State.CANARY,
        (State.CANARY, Verb.PROMOTE): State.LIVE,
        (None, Verb.ADOPT): State.LIVE,
        (State.LIVE, Verb.REPLACE): State.REPLACED,
        (State.LIVE, Verb.ROLLBACK): State.APPROVED,
        (State.REPLACED, Verb.RESTORE): State.LIVE,
        # Whatever the state: the version of the folders may be entered here as a draft, or as retired, and is asked.
        **{(state, Verb.SUSPEND): State.SUSPENDED for state in State},
        **{(state, Verb.RETIRE): State.RETIRED for state in _ENDABLE},
    }
)
"""State and verb -> the state after it. Whoever resumes brings a version back to the state it was suspended in."""

ROLES: Final[Mapping[Verb, frozenset[Role]]] = MappingProxyType(
    {
        Verb.SUBMIT: frozenset({Role.AUTHOR}),
        Verb.APPROVE: frozenset({Role.APPROVER}),
        Verb.SHADOW: frozenset({Role.OPERATOR}),
        Verb.CANARY: frozenset({Role.OPERATOR}),
        Verb.PROMOTE: frozenset({Role.OPERATOR}),
        Verb.ROLLBACK: frozenset({Role.OPERATOR}),
        Verb.SUSPEND: frozenset({Role.OWNER, Role.OPERATOR}),
        Verb.RESUME: frozenset({Role.OWNER, Role.OPERATOR}),
        Verb.RETIRE: frozenset({Role.OPERATOR, Role.OWNER}),
        **dict.fromkeys((Verb.TEST, Verb.REPLACE, Verb.RESTORE, Verb.ADOPT), frozenset({Role.GATEWAY})),
    }
)
"""Verb -> the roles that may do it; the first that somebody has counts, in the order of `Role`."""


class Step(NamedTuple):
    """One step in the history of a version."""

    registry: str
    version: str
    verb: Verb
    by: str
    """Name of the person; `gateway` for what follows of itself."""
    role: Role
    at: datetime
    digest: str
    """SHA-256 of the files as they were submitted, in hex: what was read and signed."""
    share: float | None = None
    """Percent of the questions, for a canary."""
    reason: str = ""
    order: str = ""
    """The signed order, by which anybody can check with the person's public key who ordered what."""
    key: str = ""
    """SHA-256 of the public key that the order was signed with, in hex; empty for the gateway."""
    findings: tuple[tuple[str, bool | None, str], ...] = ()
    """Of the check: what, whether it is good, in words."""
    number: int = 0
    """Place in the history of the gateway; 0 until it is kept."""


class Standing(NamedTuple):
    """What the steps of a version come to."""

    state: State
    digest: str
    authors: tuple[str, ...] = ()
    """Everybody who has submitted it."""
    author_keys: tuple[str, ...] = ()
    """Digests of the keys that they signed with."""
    approved_by: str | None = None
    share: float = 0.0
    suspended_from: State | None = None
    suspended_as: Role | None = None


def after(state: State | None, verb: Verb, suspended_from: State | None = None) -> State | None:
    """Return the state after a verb; None where the verb is not for a version in that state."""
    if verb is Verb.RESUME:
        return suspended_from if state is State.SUSPENDED else None
    return TRANSITIONS.get((state, verb))


def role_for(verb: Verb, roles: frozenset[Role]) -> Role:
    """Return the role in which somebody may do it.

    Raises: AccessDeniedError when none of the person's roles may.
    """
    for role in Role:
        if role in roles and role in ROLES[verb]:
            return role
    may = " or ".join(sorted(ROLES[verb]))
    raise AccessDeniedError(f"{verb} is for {may}: have somebody do it whom registries.operators gives that role")


def stepped(standing: Standing | None, step: Step) -> Standing:
    """Return the standing after one more step.

    Raises: MalformedMessageError for a step that is not for the state, or for other files than those submitted;
        AccessDeniedError where it takes another person.
    """
    state = standing.state if standing is not None else None
    then = after(state, step.verb, standing.suspended_from if standing is not None else None)
    if then is None or step.role not in ROLES[step.verb]:
        where = f"is {state}" if state is not None else "is not here"
        raise MalformedMessageError(f"registry {step.registry} {step.version} {where}: {_remedy(step.verb)}")
    if standing is None or step.verb is Verb.SUBMIT:
        return _begun(standing, step, then)
    # INVARIANT: what is decided about is what was read: every step names the files by their digest.
    if step.digest != standing.digest:
        raise MalformedMessageError("digest: the version holds other files by now; read it again")
    match step.verb:
        case Verb.APPROVE:
            # INVARIANT: four eyes: nobody approves what they have submitted, nor under another name with the same key.
            if step.by in standing.authors or (step.key and step.key in standing.author_keys):
                raise AccessDeniedError("whoever submitted a version does not approve it: have another person do it")
            return standing._replace(state=then, approved_by=step.by)
        case Verb.CANARY:
            return standing._replace(state=then, share=step.share or 0.0)
        case Verb.SUSPEND:
            return _suspended(standing, step)
        case Verb.RESUME:
            # INVARIANT: what its owner has switched off, only its owner switches on.
            if standing.suspended_as is Role.OWNER and step.role is not Role.OWNER:
                raise AccessDeniedError("its owner has suspended this registry: only its owner resumes it")
            return standing._replace(state=then, suspended_from=None, suspended_as=None)
        case Verb.RETIRE if state is State.SUSPENDED and standing.suspended_as is Role.OWNER is not step.role:
            raise AccessDeniedError("its owner has suspended this registry: only its owner retires it")
        case _:
            return standing._replace(state=then)


def _suspended(standing: Standing, step: Step) -> Standing:
    if standing.state is not State.SUSPENDED:
        return standing._replace(state=State.SUSPENDED, suspended_from=standing.state, suspended_as=step.role)
    # INVARIANT: the owner's word counts, though an operator has switched it off before.
    if step.role is not Role.OWNER or standing.suspended_as is Role.OWNER:
        raise MalformedMessageError(f"{step.registry} is suspended already")
    return standing._replace(suspended_as=Role.OWNER)


def _begun(before: Standing | None, step: Step, then: State) -> Standing:
    """Return the standing of what was submitted, anew or again, or was adopted."""
    if step.verb is Verb.ADOPT:
        return Standing(then, step.digest)
    authors, keys = (before.authors, before.author_keys) if before is not None else ((), ())
    mine = (step.key,) if step.key else ()
    return Standing(then, step.digest, tuple(dict.fromkeys((*authors, step.by))), tuple(dict.fromkeys((*keys, *mine))))


def replayed(steps: Iterable[Step]) -> Standing | None:
    """Return what the whole history of one version comes to; None for none."""
    standing: Standing | None = None
    for step in steps:
        standing = stepped(standing, step)
    return standing


def _remedy(verb: Verb) -> str:
    """Return what has to come before a verb."""
    before = sorted({str(state) for (state, one) in TRANSITIONS if one is verb and state is not None})
    if verb is Verb.SUBMIT:
        return "raise its version and submit that"
    if verb is Verb.RESUME:
        return "only what is suspended is resumed"
    return f"{verb} is for what is {' or '.join(before)}"

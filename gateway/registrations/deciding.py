"""Deciding: from an order, and where the versions of a registry stand, to the steps that follow. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import orjson

from gateway.registrations.states import ASKED, Role, State, Step, Verb
from gateway.registrations.store import Registration, version_order
from standards.errors import MalformedMessageError

if TYPE_CHECKING:
    from adapters.manifest import Manifest

_OF_REGISTRY: Final = frozenset({Verb.SUSPEND, Verb.RESUME, Verb.ROLLBACK})
"""Verbs that are about a registry: which version they concern follows from where its versions stand."""
_GOING_ON: Final[Mapping[Verb, State]] = {Verb.SHADOW: State.SHADOW, Verb.CANARY: State.CANARY}

Versions = Mapping[str, Registration]


def decided(step: Step, versions: Versions, folder: Manifest | None, *, is_needed: bool) -> Sequence[Step]:
    """Return the step that an order asks for, and those that follow from it.

    step: as it was ordered; its version is empty where the verb is about the registry.
    folder: manifest of the registry in the folders; None where they have none.
    is_needed: an agreement in force cannot do without the registry.
    Raises: MalformedMessageError that says what to do first.
    """
    if step.verb in _OF_REGISTRY:
        return _of_registry(step, versions, folder)
    if step.version not in versions:
        raise MalformedMessageError(f"there is no version {step.version} of {step.registry}: submit it")
    off = _in(versions, State.SUSPENDED)
    if off is not None and step.verb is not Verb.RETIRE and step.verb is not Verb.APPROVE:
        raise MalformedMessageError(f"{step.registry} is suspended: resume it first")
    match step.verb:
        case Verb.SHADOW | Verb.CANARY:
            other = _in(versions, _GOING_ON[step.verb])
            if other is not None and other.version != step.version:
                raise MalformedMessageError(
                    f"version {other.version} is in {other.state}: retire it first, or bring it on"
                )
            if step.verb is Verb.CANARY and step.share is None:
                raise MalformedMessageError("share: say what percentage of the questions it answers")
            return [step]
        case Verb.PROMOTE:
            live = _in(versions, State.LIVE)
            _is_higher(versions[step.version], live.version if live else folder.version if folder else "0.0")
            return [*([_follows(step, Verb.REPLACE, live)] if live is not None else []), step]
        case Verb.RETIRE:
            _may_retire(versions[step.version], versions, folder, is_needed=is_needed)
            return [step]
        case _:
            return [step]


def _is_higher(one: Registration, than: str) -> None:
    """See that a version is a newer one than the version in whose place it would answer."""
    if one.order <= version_order(than):
        raise MalformedMessageError(
            f"version {than} is live: submit this one as a higher version, or roll that one back"
        )


def _may_retire(one: Registration, versions: Versions, folder: Manifest | None, *, is_needed: bool) -> None:
    if one.state not in {State.LIVE, State.SUSPENDED}:
        return
    if not one.standing.authors:
        raise MalformedMessageError("this version is of the folders: take its manifest out of them")
    if folder is None and is_needed:
        raise MalformedMessageError(
            f"an agreement in force makes {one.registry} mandatory: end that agreement, or bring another version live"
        )
    if one.state is State.SUSPENDED and (folder is not None or any(v.state in ASKED for v in versions.values())):
        # INVARIANT: what is switched off is not switched on by ending it.
        raise MalformedMessageError(f"another version of {one.registry} would be asked again: retire that, or resume")


def folder_digest(manifest: Manifest) -> str:
    """Return what stands for the files of a version of the folders: the SHA-256 of its manifest as it was read."""
    plain = manifest.model_dump(mode="json")
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _of_registry(step: Step, versions: Versions, folder: Manifest | None) -> Sequence[Step]:
    match step.verb:
        case Verb.SUSPEND:
            for state in (State.SUSPENDED, *reversed(ASKED)):
                if (one := _in(versions, state)) is not None:
                    return [_about(step, one)]
            if folder is None:
                raise MalformedMessageError(f"no version of {step.registry} is asked: there is nothing to suspend")
            if folder.version in versions:  # known here by other steps: submitted and not live, or retired
                return [_about(step, versions[folder.version])]
            digest = folder_digest(folder)
            adopted = Step(
                step.registry, folder.version, Verb.ADOPT, "gateway", Role.GATEWAY, step.at, digest
            )  # fmt: skip
            return [adopted, step._replace(version=folder.version, digest=digest)]
        case Verb.RESUME:
            one = _in(versions, State.SUSPENDED)
            if one is None:
                raise MalformedMessageError(f"{step.registry} is not suspended")
            return [_about(step, one)]
        case _:
            return _rolled_back(step, versions, folder)


def _rolled_back(step: Step, versions: Versions, folder: Manifest | None) -> Sequence[Step]:
    live = _in(versions, State.LIVE)
    if live is None or not live.standing.authors:
        raise MalformedMessageError(f"no registered version of {step.registry} is live: there is nothing to roll back")
    replaced = [one for one in versions.values() if one.state is State.REPLACED and one.order < live.order]
    if not replaced and folder is None:
        raise MalformedMessageError(
            f"{step.registry} has no earlier version that was live: suspend it, or bring another version live"
        )
    earlier = [_follows(step, Verb.RESTORE, max(replaced, key=lambda one: one.order))] if replaced else []
    return [_about(step, live), *earlier]


def _in(versions: Versions, state: State) -> Registration | None:
    """Return the newest version in a state."""
    found = [one for one in versions.values() if one.state is state]
    return max(found, key=lambda one: one.order) if found else None


def _about(step: Step, one: Registration) -> Step:
    """Return the step about the version that it concerns.

    Raises: MalformedMessageError when the order was given about another version, or other files.
    """
    # INVARIANT: an order does what was signed. The kill switch alone acts on whatever is asked by now.
    if step.verb is not Verb.SUSPEND and (
        step.version not in {"", one.version} or step.digest not in {"", one.standing.digest}
    ):
        raise MalformedMessageError(f"it is version {one.version} that would change: sign an order about that")
    return step._replace(version=one.version, digest=one.standing.digest)


def _follows(step: Step, verb: Verb, one: Registration) -> Step:
    """Return the step that the gateway takes with another version as a consequence."""
    return Step(one.registry, one.version, verb, "gateway", Role.GATEWAY, step.at, one.standing.digest)

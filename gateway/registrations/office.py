"""The office of registrations: takes signed orders, and does what they say where the rules allow it.

What widens is in the journal before it acts. What narrows acts first, even when the journal cannot be written.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from adapters.kit.changes import silent_change
from adapters.reading_manifest import read_manifest
from gateway.ports import JournalEntry
from gateway.registrations.bundle import MANIFEST, Files, checked, digest_of
from gateway.registrations.checking import Check, Findings, has_passed
from gateway.registrations.deciding import decided
from gateway.registrations.states import Role, State, Step, Verb, role_for, stepped
from gateway.registrations.store import Owing, Registration, version_order
from gateway.registrations.tables import RegistrationsError
from gateway.suspensions import Suspension
from standards.errors import ConfigurationError, InteropError, MalformedMessageError

if TYPE_CHECKING:
    from gateway.ports import Clock, Journal
    from gateway.registrations.lineups import Lineups
    from gateway.registrations.orders import Order, People
    from gateway.registrations.sources import Notice, Sources
    from gateway.registrations.store import SqlRegistrations
    from gateway.suspensions import Suspensions

log = structlog.get_logger()

EVENTS: Final[Mapping[Verb, str]] = {
    Verb.SUBMIT: "registration.submitted",
    Verb.TEST: "registration.tested",
    Verb.APPROVE: "registration.approved",
    Verb.SHADOW: "registration.shadowed",
    Verb.CANARY: "registration.canaried",
    Verb.PROMOTE: "registration.promoted",
    Verb.SUSPEND: "registration.suspended",
    Verb.RESUME: "registration.resumed",
    Verb.ROLLBACK: "registration.rolled_back",
    Verb.REPLACE: "registration.replaced",
    Verb.RESTORE: "registration.restored",
    Verb.ADOPT: "registration.adopted",
    Verb.RETIRE: "registration.retired",
}
"""What a step is called in the journal."""
VOID: Final = "registration.void"
"""Entered where a step that was recorded could not be taken after all."""
UNSETTLED_S: Final = 60.0
"""How long whoever takes a step has to settle it with the journal, before every process may."""
_NARROWING: Final = frozenset({Verb.SUSPEND, Verb.RETIRE})
_CONNECTING: Final = frozenset({Verb.SHADOW, Verb.CANARY, Verb.PROMOTE, Verb.RESTORE})


class Surroundings(NamedTuple):
    """What the office needs around itself."""

    people: People
    journal: Journal
    check: Check
    now: Clock
    suspensions: Suspensions
    relined: Callable[[bool, bool], Awaitable[None]]
    """Told whether other registries answer, and whether any was switched off, on, or taken away."""
    needed: Callable[[], frozenset[str]]
    """Names the registries that some agreement in force cannot do without."""


class Registrations:
    """The registrations of one gateway: their orders, and what follows from them."""

    def __init__(self, store: SqlRegistrations, sources: Sources, lineups: Lineups, around: Surroundings) -> None:
        self.store, self.sources, self.lineups, self.people = store, sources, lineups, around.people
        self._around = around
        self._ordering, self._looking = asyncio.Lock(), asyncio.Lock()
        self._reported: frozenset[Notice] = frozenset()
        # Its own: whatever keeps the threads that all share busy, a switch must be seen.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="registrations")

    def close(self) -> None:
        """Let go of the database."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.store.close()

    async def submit(self, order: Order, files: Files) -> tuple[Registration, Findings]:
        """Take a version in as a draft, and check it; one that passes is tested, any other one stays a draft.

        Raises: MalformedMessageError, AccessDeniedError that say what to change.
        """
        wish, now = order.wish, self._around.now()
        role = role_for(Verb.SUBMIT, self.people.roles(order.by, wish.registry))
        manifest = checked(files, {one.registry for one in self.sources.registrations} | {*self.sources.in_folders})
        if (manifest.id, manifest.version) != (wish.registry, wish.version):
            raise MalformedMessageError(f"the manifest is of {manifest.id} {manifest.version}: sign an order for that")
        if digest_of(files) != wish.digest:
            raise MalformedMessageError("digest: it is not that of these files; sign what is sent")
        for known in self.sources.wanted.live:
            if known.id == manifest.id and version_order(manifest.version) <= version_order(known.version):
                refusal = silent_change(known, manifest) or f"version {known.version} is live: raise the version"
                raise MalformedMessageError(refusal)
        other_meaning = await asyncio.to_thread(self.sources.changes_meaning, manifest)
        if other_meaning is not None:
            raise MalformedMessageError(other_meaning)
        step = Step(
            *(manifest.id, manifest.version, Verb.SUBMIT, order.by, role, now, wish.digest),
            reason=wish.reason,
            order=order.text,
            key=order.key,
        )
        async with self._ordering:
            await self._take(step.registry, lambda _: [step], order.id, files)
        findings = await self._around.check(manifest.id, files)
        if has_passed(findings):
            test = Step(
                manifest.id, manifest.version, Verb.TEST, "gateway", Role.GATEWAY, now, wish.digest, findings=findings
            )
            async with self._ordering:
                await self._take(step.registry, lambda _: [test], None)
        return (await self.store.versions(manifest.id))[manifest.version], findings

    async def act(self, order: Order) -> list[Registration]:
        """Do what an order says; return the versions that stand otherwise since.

        Raises: MalformedMessageError, AccessDeniedError that say what has to come first, or who may.
        """
        wish, now = order.wish, self._around.now()
        try:
            verb = Verb(wish.verb)
        except ValueError:
            raise MalformedMessageError("verb: there is no such verb") from None
        if verb is Verb.SUBMIT:
            raise MalformedMessageError("verb: submit sends files, to /v1/registrations")
        role = role_for(verb, self.people.roles(order.by, wish.registry))
        step = Step(
            *(wish.registry, wish.version, verb, order.by, role, now),
            *(wish.digest, wish.share, wish.reason, order.text),
            key=order.key,
        )
        folder = self.sources.in_folders.get(wish.registry)
        needed = wish.registry in self._around.needed()
        async with self._ordering:
            taken = await self._take(
                wish.registry, lambda versions: decided(step, versions, folder, is_needed=needed), order.id
            )
        versions = await self.store.versions(wish.registry)
        return [versions[version] for version in dict.fromkeys(one.version for one in taken)]

    async def _take(
        self,
        registry: str,
        decide: Callable[[Mapping[str, Registration]], Sequence[Step]],
        order_id: str | None,
        files: Files | None = None,
    ) -> Sequence[Step]:
        """Take steps, and record them: before they act where they widen, after it where they narrow."""
        before = await self.store.versions(registry)
        steps = decide(before)
        _rehearse(before, steps)
        owing = Owing(secrets.token_hex(16), self._around.now().timestamp(), None, tuple(steps))
        if any(step.verb in _NARROWING for step in steps):
            # INVARIANT: a switch acts even when the journal cannot be written; it is entered once the journal can.
            taken = await self.store.change(registry, decide, order_id, files, owing=owing)
            await self.look()
            with suppress(InteropError):
                await self._settle(owing._replace(steps=tuple(taken)))
            return taken
        await self._see_connections(steps)
        # Whatever ends this process on the way, the journal is told afterwards that the steps were not taken.
        await self.store.owe(owing._replace(event=VOID))

        def as_recorded(versions: Mapping[str, Registration]) -> Sequence[Step]:
            again = decide(versions)
            if _entries(again) != _entries(steps):
                raise MalformedMessageError("its versions stand otherwise by now: look again")
            return again

        try:
            # INVARIANT: nothing widens that is not in the journal.
            await self._around.journal.record(_entries(steps))
            taken = await self.store.change(registry, as_recorded, order_id, files, settled=owing.id)
        except RegistrationsError:  # nobody knows whether it was taken; if not, it is owed, and entered later
            raise
        except InteropError:
            with suppress(InteropError):
                await self._settle(owing._replace(event=VOID))
            raise
        await self.look()
        return taken

    async def settle_owed(self) -> None:
        """Tell the journal what whoever took a step could not: the journal was full, or the process ended."""
        for owing in await self.store.owed(self._around.now().timestamp() - UNSETTLED_S):
            await self._settle(owing)

    async def _settle(self, owing: Owing) -> None:
        entries = _entries(owing.steps)
        if owing.event is not None:
            entries = [one._replace(event=owing.event) for one in entries]
        await self._around.journal.record(entries)
        await self.store.settle(owing.id)

    async def _see_connections(self, steps: Sequence[Step]) -> None:
        """See that what is going to be asked can be connected.

        Raises: MalformedMessageError that says what is missing.
        """
        for step in steps:
            is_for_folder = step.verb is Verb.ROLLBACK and len(steps) == 1  # nothing registered comes back
            if step.verb not in _CONNECTING and not is_for_folder:
                continue
            files = {} if is_for_folder else await asyncio.to_thread(self.store.files, step.registry, step.version)
            folder = self.sources.in_folders.get(step.registry)
            if files and digest_of(files) != step.digest:
                raise MalformedMessageError("its files are not those that were approved any more: submit a new version")
            try:
                if files:
                    self.lineups.may_connect(read_manifest(files[MANIFEST], f"{step.registry}/{MANIFEST}"))
                elif folder is not None:
                    self.lineups.may_connect(folder)
            except ConfigurationError as wrong:
                raise MalformedMessageError(f"it cannot be connected: {wrong}") from None

    async def look(self) -> bool:
        """Take in whatever changed in the folders, the registrations or the references; True when others answer."""
        async with self._looking:
            if not await asyncio.get_running_loop().run_in_executor(self._thread, self.sources.refresh):
                return False
            try:
                return await self._take_in()
            except BaseException:
                self.sources.look_again()  # what could not be taken in whole is taken in anew
                raise

    async def _take_in(self) -> bool:
        # INVARIANT: a switch acts whatever else has changed, and whether or not that can be taken in.
        is_switched = self._around.suspensions.hold(suspended(self.sources.registrations))
        if is_switched:
            await self._around.relined(False, True)
        before = self.lineups.live.registries.keys()
        has_changed = self.lineups.take(self.sources.wanted)
        is_gone = not before <= self.lineups.live.registries.keys()
        if has_changed or is_gone:
            await self._around.relined(has_changed, is_gone)
        self.report(has_changed=has_changed)
        return has_changed

    def standing(self) -> Mapping[str, tuple[Mapping[str, object], ...]]:
        """Return where every version of every registry stands, by id, as it was at the last look."""
        found: dict[str, list[Mapping[str, object]]] = {}
        for one in self.sources.registrations:
            share = one.standing.share if one.state is State.CANARY else None
            found.setdefault(one.registry, []).append({"version": one.version, "state": str(one.state), "share": share})
        return {id_: tuple(versions) for id_, versions in found.items()}

    def report(self, *, has_changed: bool) -> None:
        """Log which registries answer, and whatever is newly not in force."""
        if has_changed:
            names = ", ".join(f"{m.id} {m.version}" for m in self.lineups.live.manifests)
            log.info("registries_changed", detail=names)
        notices = frozenset(self.lineups.notices)
        for notice in sorted(notices - self._reported):
            log.warning("registry_refused", where=notice.where, reason=notice.kind.value, detail=notice.sentence)
        self._reported = notices


def suspended(registrations: Iterable[Registration]) -> Mapping[str, Suspension]:
    """Return the registries that are suspended by their registration."""
    return {
        one.registry: Suspension(at="", by=str(one.standing.suspended_as), reason="suspended by its registration")
        for one in registrations
        if one.state is State.SUSPENDED
    }


def _rehearse(versions: Mapping[str, Registration], steps: Iterable[Step]) -> None:
    """See that steps are allowed.

    Raises: as `stepped` does.
    """
    standings = {version: one.standing for version, one in versions.items()}
    for step in steps:
        standings[step.version] = stepped(standings.get(step.version), step)


def _entries(steps: Iterable[Step]) -> list[JournalEntry]:
    return [
        JournalEntry(
            at=step.at,
            event=EVENTS[step.verb],
            consumer=f"operator:{step.by}" if step.role is not Role.GATEWAY else step.by,
            purpose="",
            agreement=f"registration:{step.registry}@{step.version}",
            subject="",
            members=(),
            transaction="",
            correlation=step.digest,
            released=(),
            plan="",
            outcomes={step.registry: str(step.verb)} | ({"share": f"{step.share:g}"} if step.share is not None else {}),
            # So that the signed order of the history cannot be another one than the one that was acted on.
            answer_digest=hashlib.sha256(step.order.encode()).hexdigest() if step.order else "",
        )
        for step in steps
    ]

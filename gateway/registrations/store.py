"""The store of registrations: every step is appended, and what the steps come to is written in the same moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

import orjson
import sqlalchemy as sa

from gateway.registrations.bundle import Files
from gateway.registrations.states import Role, Standing, State, Step, Verb, stepped
from gateway.registrations.tables import MEANT, OWED, REGISTRATIONS, SHADOWED, STEPS, Database
from standards.errors import MalformedMessageError


class Registration(NamedTuple):
    """One version of a registry, and where it stands."""

    registry: str
    version: str
    standing: Standing

    @property
    def state(self) -> State:
        """Return where it stands."""
        return self.standing.state

    @property
    def order(self) -> tuple[int, ...]:
        """Return what versions are sorted by."""
        return version_order(self.version)


Versions = Mapping[str, Registration]
"""The versions of one registry."""
Decide = Callable[[Versions], Sequence[Step]]
"""From where the versions of a registry stand to the steps to take; raises where there are none."""


class ShadowCount(NamedTuple):
    """How often one attribute of a shadow came to one outcome."""

    registry: str
    version: str
    attribute: str
    outcome: str
    times: int


class Owing(NamedTuple):
    """What the journal is to be told: the same event of all steps, or of each its own."""

    id: str
    at: float
    """Seconds since 1970."""
    event: str | None
    """None: that of each step's verb."""
    steps: tuple[Step, ...]


class RegistrationStore(Protocol):
    """Registrations as their readers see them; all of it blocks for no longer than a look into a small database."""

    def revision(self) -> int:
        """Return a number that grows with every step."""
        ...

    def all(self) -> tuple[Registration, ...]:
        """Return every version of every registry."""
        ...

    def files(self, registry: str, version: str) -> Files:
        """Return what was submitted; empty for a version of the folders."""
        ...

    def meaning(self, registry: str, version: str) -> str | None:
        """Return the manifest that was first in force under a version, as JSON; None when there was none."""
        ...

    def mean(self, registry: str, version: str, manifest: str) -> None:
        """Let a version mean this."""
        ...


def version_order(version: str) -> tuple[int, ...]:
    """Return what versions are sorted by: 1.10 comes after 1.9."""
    return tuple(int(part) for part in version.split("."))


class SqlRegistrations:
    """Registrations in SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def revision(self) -> int:
        """Return a number that grows with every step."""
        # Counted: the highest number says nothing, for of two steps at once the later number may be durable first.
        count = sa.select(sa.func.count()).select_from(STEPS)
        return self._database.run_now(lambda connection: int(connection.execute(count).scalar() or 0))

    def all(self) -> tuple[Registration, ...]:
        """Return every version of every registry."""
        wanted = _STANDINGS.order_by(REGISTRATIONS.c.registry)
        rows = self._database.run_now(lambda connection: connection.execute(wanted).all())
        return tuple(sorted(map(_registration, rows), key=lambda one: (one.registry, one.order)))

    def files(self, registry: str, version: str) -> Files:
        """Return what was submitted; empty for a version of the folders, and for one that is not there."""
        wanted = sa.select(REGISTRATIONS.c.files).where(*_is(registry, version))
        text = self._database.run_now(lambda connection: connection.execute(wanted).scalar())
        return dict(orjson.loads(text)) if text else {}

    def meaning(self, registry: str, version: str) -> str | None:
        """Return the manifest that was first in force under a version, as JSON; None when there was none."""
        wanted = sa.select(MEANT.c.manifest).where(MEANT.c.registry == registry, MEANT.c.version == version)
        return self._database.run_now(lambda connection: connection.execute(wanted).scalar())

    def mean(self, registry: str, version: str, manifest: str) -> None:
        """Let a version mean this."""
        change = sa.update(MEANT).where(MEANT.c.registry == registry, MEANT.c.version == version)
        row = {"registry": registry, "version": version, "manifest": manifest}

        def put(connection: sa.Connection) -> None:
            if not connection.execute(change.values(manifest=manifest)).rowcount:
                connection.execute(sa.insert(MEANT), [row])

        self._database.run_now(put)

    async def change(
        self,
        registry: str,
        decide: Decide,
        order_id: str | None,
        files: Files | None = None,
        *,
        owing: Owing | None = None,
        settled: str | None = None,
    ) -> list[Step]:
        """Take the steps that follow from where the versions of a registry stand; all of them, or none.

        order_id: of the signed order; one that was taken before is refused.
        files: of the version that is submitted.
        owing: what the journal is to be told of it from this moment on.
        settled: id of what the journal would have been told if it had not been taken.
        Raises: what `decide` raises; MalformedMessageError, AccessDeniedError for a step that is not allowed.
        """

        def take(connection: sa.Connection) -> list[Step]:
            gone = sa.delete(OWED).where(OWED.c.id == settled)
            if settled is not None and not connection.execute(gone).rowcount:
                raise MalformedMessageError("it took too long, and counts as not done: order it anew")
            if order_id is not None:
                known = sa.select(STEPS.c.number).where(STEPS.c.order_id == order_id)
                if connection.execute(known).first() is not None:
                    raise MalformedMessageError("this order was taken before: sign a new one")
            wanted = _STANDINGS.where(REGISTRATIONS.c.registry == registry).with_for_update()
            versions = {row.version: _registration(row) for row in connection.execute(wanted).all()}
            taken, named = [], order_id
            for step in decide(versions):
                before = versions.get(step.version)
                standing = stepped(before.standing if before is not None else None, step)
                _write(connection, step, standing, files, is_new=before is None)
                versions[step.version] = Registration(registry, step.version, standing)
                row = {"registry": registry, "order_id": named, "step": _text(step)}
                number = connection.execute(sa.insert(STEPS).returning(STEPS.c.number), [row]).scalar_one()
                taken.append(step._replace(number=int(number)))
                named = None  # one order, however many steps follow from it
            if owing is not None:
                _owe(connection, owing._replace(steps=tuple(taken)))
            return taken

        return await self._database.run(take)

    async def owe(self, owing: Owing) -> None:
        """Keep what the journal is to be told, until it is settled."""
        await self._database.run(lambda connection: _owe(connection, owing))

    async def owed(self, before: float) -> tuple[Owing, ...]:
        """Return what the journal has not been told since some moment, in seconds since 1970; oldest first."""
        wanted = sa.select(OWED).where(OWED.c.at < before).order_by(OWED.c.at)
        rows = await self._database.run(lambda connection: connection.execute(wanted).all())
        return tuple(_owing(row) for row in rows)

    async def settle(self, id: str) -> None:
        """Forget what the journal has been told."""
        await self._database.run(lambda connection: connection.execute(sa.delete(OWED).where(OWED.c.id == id)))

    async def versions(self, registry: str) -> Versions:
        """Return the versions of one registry."""
        wanted = _STANDINGS.where(REGISTRATIONS.c.registry == registry)
        rows = await self._database.run(lambda connection: connection.execute(wanted).all())
        return {row.version: _registration(row) for row in rows}

    async def history(self, registry: str) -> tuple[Step, ...]:
        """Return every step of a registry, oldest first."""
        wanted = sa.select(STEPS.c.number, STEPS.c.step).where(STEPS.c.registry == registry).order_by(STEPS.c.number)
        rows = await self._database.run(lambda connection: connection.execute(wanted).all())
        return tuple(_step(row.step, row.number) for row in rows)

    async def add_shadowed(self, counts: Sequence[ShadowCount]) -> None:
        """Add to what shadows came to."""

        def add(connection: sa.Connection) -> None:
            for one in counts:
                *key, times = one
                where = [column == value for column, value in zip(SHADOWED.primary_key, key, strict=True)]
                more = sa.update(SHADOWED).where(*where).values(times=SHADOWED.c.times + times)
                if not connection.execute(more).rowcount:
                    connection.execute(sa.insert(SHADOWED), [one._asdict()])

        await self._database.run(add)

    async def shadowed(self, registry: str) -> tuple[ShadowCount, ...]:
        """Return what the shadows of a registry came to."""
        wanted = sa.select(SHADOWED).where(SHADOWED.c.registry == registry).order_by(*SHADOWED.primary_key)
        rows = await self._database.run(lambda connection: connection.execute(wanted).all())
        return tuple(ShadowCount(*row) for row in rows)


_STANDINGS: Final = sa.select(REGISTRATIONS.c.registry, REGISTRATIONS.c.version, REGISTRATIONS.c.standing)


def _is(registry: str, version: str) -> tuple[sa.ColumnElement[bool], ...]:
    return REGISTRATIONS.c.registry == registry, REGISTRATIONS.c.version == version


def _write(connection: sa.Connection, step: Step, standing: Standing, files: Files | None, *, is_new: bool) -> None:
    values: dict[str, Any] = {
        "state": standing.state.value,
        "digest": standing.digest,
        "standing": orjson.dumps(standing._asdict()).decode(),
    }
    if is_new or step.verb is Verb.SUBMIT:
        values["files"] = orjson.dumps(dict(files or {})).decode()
    if is_new:
        named = {"registry": step.registry, "version": step.version}
        connection.execute(sa.insert(REGISTRATIONS), [named | values])
    else:
        connection.execute(sa.update(REGISTRATIONS).where(*_is(step.registry, step.version)).values(**values))


def _registration(row: sa.Row[Any, Any, Any]) -> Registration:
    stated = orjson.loads(row.standing)
    standing = Standing(
        State(stated["state"]),
        stated["digest"],
        tuple(stated["authors"]),
        tuple(stated.get("author_keys", ())),
        stated["approved_by"],
        stated["share"],
        State(stated["suspended_from"]) if stated["suspended_from"] else None,
        Role(stated["suspended_as"]) if stated["suspended_as"] else None,
    )
    return Registration(row.registry, row.version, standing)


def _owe(connection: sa.Connection, owing: Owing) -> None:
    stated = {"event": owing.event, "steps": [_text(step) for step in owing.steps]}
    row = {"id": owing.id, "at": owing.at, "entries": orjson.dumps(stated).decode()}
    connection.execute(sa.insert(OWED), [row])


def _owing(row: sa.Row[Any, Any, Any]) -> Owing:
    stated = orjson.loads(row.entries)
    return Owing(row.id, row.at, stated["event"], tuple(_step(text, 0) for text in stated["steps"]))


def _text(step: Step) -> str:
    return orjson.dumps(step._replace(number=0)._asdict()).decode()


def _step(text: str, number: int) -> Step:
    stated = orjson.loads(text)
    changed = {
        "verb": Verb(stated["verb"]),
        "role": Role(stated["role"]),
        "at": datetime.fromisoformat(stated["at"]),
        "findings": tuple(tuple(one) for one in stated["findings"]),
        "number": number,
    }
    return Step(**{**stated, **changed})

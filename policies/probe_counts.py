"""Which bits a programme was told about whom: counted on disk, by all processes together.

Beside the counts of questions, in the same database. A person stands there as a keyed digest that is another one for
every programme; thresholds and compared values stand there as keyed digests too.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa

from policies.probes import Asked, Limits, Verdict, judge, may_be_over

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_METADATA: Final = sa.MetaData()

_TABLE: Final = sa.Table(
    "probe",
    _METADATA,
    sa.Column("person", sa.String(32), primary_key=True),
    sa.Column("attribute", sa.String(60), primary_key=True),
    sa.Column("rung", sa.String(16), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("asked_on", sa.String(10), nullable=False),
    # One tree, in which the rows of a person lie together: every cold question writes some twenty of them.
    sqlite_with_rowid=False,
)

_ROW: Final = "person, attribute, rung, day"
_MARKS: Final = {"sqlite": "?", "postgresql": "%s"}


_EVERYBODY: Final = "\x00everybody"
"""Under this name stands what was told about anybody: while that is within the bounds, so is everybody."""
_FRESH_S: Final = 2.0
_AT_ONCE: Final = 400
"""Names in one query: what every database takes."""


class Probe(NamedTuple):
    """One question for one bit."""

    names: tuple[str, ...]
    """Of the person, or of everybody in the household when the attribute is the household's; see `ProbeCounts.name`."""
    attribute: str
    asked: Asked
    limits: Limits


class ProbeCounts:
    """Weighs questions for bits against what was told before.

    engine: an SQLite or PostgreSQL database; the table is made if it is not there.
    window_days: how long an answer counts. clock: seconds that only grow.
    """

    def __init__(
        self, engine: sa.Engine, key: bytes, window_days: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._engine, self._window_days = engine, window_days
        self._keyed = hashlib.blake2b(key=key[:64], digest_size=16)
        self._swept_on = date.min
        self._kinds: dict[str, tuple[float, date, Mapping[str, frozenset[Asked]]]] = {}
        try:
            _METADATA.create_all(engine)
        except sa.exc.SQLAlchemyError:  # several processes start at once, and one of them made it
            _METADATA.create_all(engine)

    def name(self, consumer_id: str, person: str) -> str:
        """Return what stands for a person in the counts of one programme: 32 hex digits."""
        return self._digest(f"{consumer_id}\x00{person}")

    def weigh(self, consumer_id: str, probes: Sequence[Probe], today: date, *, counting: bool) -> list[Verdict]:
        """Return what becomes of each question of a programme; while nobody can be at a bound, nobody is looked up.

        counting: what is answered counts from now on; else this only looks.
        Raises: SQLAlchemyError when the database does not answer.
        """
        hidden = self._hidden(probes)
        everybody = self.name(consumer_id, _EVERYBODY)
        if not counting:
            with self._engine.connect() as connection:
                return self._verdicts(connection, hidden, everybody, today)
        with self._engine.connect() as connection:
            # INVARIANT: whoever counts reads after everybody else has counted, so two processes never both give the
            # last answer: SQLite lets in one writer, and PostgreSQL gives out the lock.
            if connection.dialect.name == "postgresql":
                lock = int.from_bytes(bytes.fromhex(self._digest(consumer_id)[:16]), signed=True)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            if self._swept_on != today:
                connection.execute(_TABLE.delete().where(_TABLE.c.asked_on <= self._oldest(today)))
                self._swept_on = today
            verdicts = self._verdicts(connection, hidden, everybody, today, counting=True)
            told = [probe for probe, verdict in zip(hidden, verdicts, strict=True) if verdict.is_answered]
            if told:
                _insert(connection, [_row(probe, name, today) for probe in told for name in probe.names], "DO NOTHING")
                known = self._kinds[everybody][2]
                kinds = {(probe.attribute, probe.asked): probe for probe in told if not _is_noted(probe, known, today)}
                if kinds:
                    anew = f"({_ROW}) DO UPDATE SET asked_on = excluded.asked_on"
                    _insert(connection, [_row(probe, everybody, today) for probe in kinds.values()], anew)
            connection.commit()
        return verdicts

    def is_far(self, consumer_id: str, probes: Sequence[Probe], today: date) -> bool:
        """Tell whether nobody could be at a bound by what this process has read within two seconds.

        Good for not looking, never for not counting: another process may have told something since.
        """
        read_at, day, kinds = self._kinds.get(self.name(consumer_id, _EVERYBODY), (-_FRESH_S, today, {}))
        if day != today or self._clock() - read_at > _FRESH_S:
            return False
        return not _doubtful(self._hidden(probes), kinds)

    def _verdicts(
        self, connection: sa.Connection, probes: Sequence[Probe], everybody: str, today: date, *, counting: bool = False
    ) -> list[Verdict]:
        oldest = self._oldest(today)
        attributes = sorted({probe.attribute for probe in probes})
        kinds = _told(connection, [everybody], attributes, oldest)
        known = {name: frozenset(told) for (_, name), told in kinds.items()}
        self._kinds[everybody] = (self._clock(), today, known)
        names = sorted({name for probe in _doubtful(probes, known) for name in probe.names})
        told = _told(connection, names, attributes, oldest) if names else defaultdict(set)
        verdicts = []
        for probe in probes:
            # INVARIANT: a person is one, whichever number a question came by: what was told under any of them counts.
            before = set[Asked]().union(*(told[name, probe.attribute] for name in probe.names))
            verdicts.append(judge(before, probe.asked, probe.limits))
            if counting and verdicts[-1] is Verdict.NEW:
                for name in probe.names:
                    told[name, probe.attribute].add(probe.asked)
        return verdicts

    def _oldest(self, today: date) -> str:
        return (today - timedelta(days=self._window_days)).isoformat()

    def _hidden(self, probes: Sequence[Probe]) -> list[Probe]:
        asked = {probe.asked for probe in probes}
        hidden = {one: Asked(self._digest(one.rung)[:16], one.day) for one in asked}
        return [Probe(probe.names, probe.attribute, hidden[probe.asked], probe.limits) for probe in probes]

    def _digest(self, text: str) -> str:
        digest = self._keyed.copy()
        digest.update(text.encode())
        return digest.hexdigest()


def _doubtful(probes: Sequence[Probe], kinds: Mapping[str, frozenset[Asked]]) -> list[Probe]:
    """Return the questions about which somebody could be at a bound."""
    asked = {name: set(known) for name, known in kinds.items()}
    for probe in probes:
        asked.setdefault(probe.attribute, set()).add(probe.asked)
    return [probe for probe in probes if may_be_over(asked[probe.attribute], probe.asked, probe.limits)]


def _is_noted(probe: Probe, known: Mapping[str, frozenset[Asked]], today: date) -> bool:
    """Tell whether it stands there already that somebody was told this today: then there is nothing to date anew."""
    return probe.asked.day == today.isoformat() and probe.asked in known.get(probe.attribute, ())


_Told = dict[tuple[str, str], set[Asked]]
"""Name and attribute -> what was told."""


def _told(connection: sa.Connection, names: Sequence[str], attributes: Sequence[str], oldest: str) -> _Told:
    told: _Told = defaultdict(set)
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        mark = _MARKS[connection.dialect.name]
        query = (
            f"SELECT {_ROW} FROM probe WHERE person IN ({_listed(mark, some)}) "  # noqa: S608 - marks, no values
            f"AND attribute IN ({_listed(mark, attributes)}) AND asked_on > {mark}"
        )
        for person, attribute, rung, day in connection.exec_driver_sql(query, (*some, *attributes, oldest)):
            told[person, attribute].add(Asked(rung, day))
    return told


def _listed(mark: str, values: Sequence[str]) -> str:
    return ", ".join([mark] * len(values))


def _insert(connection: sa.Connection, rows: Sequence[tuple[str, ...]], on_conflict: str) -> None:
    """Add rows. Text for the driver itself: every cold question waits for this, and building it anew costs more."""
    marks = _listed(_MARKS[connection.dialect.name], rows[0])
    statement = f"INSERT INTO probe ({_ROW}, asked_on) VALUES ({marks}) ON CONFLICT {on_conflict}"  # noqa: S608 - marks
    connection.exec_driver_sql(statement, list(rows))


def _row(probe: Probe, name: str, today: date) -> tuple[str, ...]:
    return name, probe.attribute, probe.asked.rung, probe.asked.day, today.isoformat()

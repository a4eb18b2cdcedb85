"""The review queue: pairs that no threshold could decide, what officers decided of them, and for how long.

Nothing in it is in clear. The numbers of both lie sealed until the decision; a pair is known by keyed digests.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
import sqlalchemy as sa

from gateway.database import ThreadedDatabase, add_new
from gateway.linkage.pairs import Handle, Handles
from gateway.linkage.tables import METADATA, PAIRS, REVIEWS, LinkageStoreError, Review
from gateway.linkage.weighing import Reason
from gateway.work.seal import Seal
from standards.errors import MalformedMessageError

if TYPE_CHECKING:
    from gateway.keys import Keys
    from standards.identifiers import Identifier

_DAY_S: Final = 86_400


class State(StrEnum):
    """What became of a review."""

    OPEN = "open"
    SAME = "same"
    DIFFERENT = "different"


class Keeping(NamedTuple):
    """How much is kept, and how long."""

    review_days: int = 30
    decision_days: int = 1825
    most_open: int = 10_000


class Wish(NamedTuple):
    """A pair that somebody has to look at."""

    source_id: str
    handles: tuple[Handle, ...]
    score: float
    reasons: tuple[Reason, ...]
    reference: Mapping[str, Any]
    """By what an officer finds both: sealed, and never shown without an entry in the journal."""


class Queued(NamedTuple):
    """What became of pairs that were to be queued; those that are neither were there already."""

    new: int
    left_out: int
    """For want of room."""


class Standing(NamedTuple):
    """How the queue stands."""

    open: int
    same: int
    different: int


class ReviewBook:
    """The review queue of every process that shares a database.

    url: of SQLAlchemy, SQLite or PostgreSQL.
    """

    def __init__(self, url: str, keys: Keys, now: Callable[[], datetime], keeping: Keeping | None = None) -> None:
        """Open the queue; raises ConfigurationError when the database cannot be used."""
        self._database = ThreadedDatabase(url, METADATA, "stores.linkage_url", LinkageStoreError)
        self._seal = Seal(keys.derived("linkage reviews"))
        self.handles = Handles(keys.derived("linkage pairs"))
        self._now, self._keeping = now, keeping or Keeping()
        self.most_open = self._keeping.most_open

    async def decided(self, persons: Collection[str]) -> dict[str, State]:
        """Return what was decided of pairs of these persons, by pair.

        Raises: LinkageStoreError.
        """
        return await self._database.run(lambda on: self._decided(on, persons))

    async def decided_about(self, persons: Collection[str]) -> frozenset[str]:
        """Return those of some persons about whom anything was decided.

        Raises: LinkageStoreError.
        """
        return frozenset(await self._database.run(lambda on: [row.person for row in self._decisions(on, persons)]))

    async def put(self, wishes: Sequence[Wish]) -> Queued:
        """Queue pairs, each once. A full queue takes no more.

        Raises: LinkageStoreError.
        """
        put = await self._database.run(lambda on: [self._put(on, wish) for wish in wishes])
        return Queued(put.count(True), put.count(None))

    async def forget(self, number: Identifier) -> None:
        """Take what is still open about whoever has a number out of the queue; what was decided names nobody.

        Raises: LinkageStoreError.
        """
        await self._database.run(lambda on: self._forget_person(on, number))

    async def tidied(self) -> Standing:
        """Forget what has ended, and return how the queue stands.

        Raises: LinkageStoreError.
        """
        return await self._database.run(self._tidied)

    def all(self, state: State | None = None) -> list[Review]:
        """Return every review that has not ended, oldest first."""
        query = sa.select(REVIEWS).where(REVIEWS.c.ends_at > self._time()).order_by(REVIEWS.c.opened_at)
        wanted = query if state is None else query.where(REVIEWS.c.state == state)
        return self._database.run_now(lambda on: [_review(row) for row in on.execute(wanted).mappings()])

    def find(self, review_id: str) -> Review | None:
        """Return one review that has not ended."""
        wanted = sa.select(REVIEWS).where(REVIEWS.c.review_id == review_id, REVIEWS.c.ends_at > self._time())
        row = self._database.run_now(lambda on: on.execute(wanted).mappings().first())
        return None if row is None else _review(row)

    def reference(self, review_id: str) -> dict[str, Any] | None:
        """Return by what both are found; None once it is decided.

        Raises: UnsealError when it was sealed under another key.
        """
        wanted = sa.select(REVIEWS.c.sealed).where(REVIEWS.c.review_id == review_id)
        sealed = self._database.run_now(lambda on: on.execute(wanted).scalar())
        return None if sealed is None else self._seal.opened(sealed, review_id)

    def decide(self, review_id: str, state: State, by: str) -> Review:
        """Record what an officer decided, or has decided otherwise; it holds from the next question on.

        Raises: MalformedMessageError when there is no such review any more.
        """
        now = self._time()
        change = (
            sa.update(REVIEWS)
            .where(REVIEWS.c.review_id == review_id, REVIEWS.c.ends_at > now)
            .values(
                state=state,
                decided_at=now,
                decided_by=by,
                ends_at=now + self._keeping.decision_days * _DAY_S,
                sealed=None,
            )
        )
        changed = self._database.run_now(lambda on: on.execute(change).rowcount)
        found = self.find(review_id) if changed else None
        if found is None:
            raise MalformedMessageError("there is no review of that name")
        return found

    def withdraw(self, review_id: str) -> None:
        """Forget a review with its decision; from the next question on the pair is judged as if nobody had looked."""
        self._database.run_now(lambda on: self._withdraw(on, review_id))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _time(self) -> float:
        return self._now().timestamp()

    def _decided(self, on: sa.Connection, persons: Collection[str]) -> dict[str, State]:
        return {row.pair: State(row.state) for row in self._decisions(on, persons)}

    def _decisions(self, on: sa.Connection, persons: Collection[str]) -> sa.CursorResult[tuple[str, str, str]]:
        return on.execute(
            sa.select(PAIRS.c.person, PAIRS.c.pair, REVIEWS.c.state)
            .join(REVIEWS, REVIEWS.c.review_id == PAIRS.c.review_id)
            .where(PAIRS.c.person.in_(sorted(persons)), REVIEWS.c.state != State.OPEN, REVIEWS.c.ends_at > self._time())
        )

    def _put(self, on: sa.Connection, wish: Wish) -> bool | None:
        """Queue one pair unless it is there under any of its names; those that are new are added to it.

        Return whether it is new; None when there is no room for it.
        """
        pairs = sorted({one.pair for one in wish.handles})
        self._forget(on)
        known = on.execute(sa.select(PAIRS.c.review_id).where(PAIRS.c.pair.in_(pairs)).limit(1)).scalar()
        is_full = known is None and self._count(on, State.OPEN) >= self._keeping.most_open
        if is_full:
            return None
        review_id = known or f"lr-{secrets.token_hex(10)}"
        add = add_new(on, PAIRS).returning(PAIRS.c.pair)
        rows = {one.pair: {"pair": one.pair, "person": one.person, "review_id": review_id} for one in wish.handles}
        # One after the other in order: two processes that queue one pair wait for each other, and the second finds it.
        added = [on.execute(add.values(rows[pair])).scalar() for pair in pairs]
        if known is not None:
            return False
        if not all(added):
            on.execute(sa.delete(PAIRS).where(PAIRS.c.review_id == review_id))
            return False
        now = self._time()
        values = {
            "review_id": review_id,
            "source_id": wish.source_id,
            "opened_at": now,
            "ends_at": now + self._keeping.review_days * _DAY_S,
            "state": State.OPEN,
            "score": wish.score,
            "levels": orjson.dumps([list(reason) for reason in wish.reasons]).decode(),
            "sealed": self._seal.sealed(wish.reference, review_id),
        }
        on.execute(sa.insert(REVIEWS).values(values))
        return True

    def _tidied(self, on: sa.Connection) -> Standing:
        self._forget(on)
        return Standing(*(self._count(on, state) for state in State))

    def _forget(self, on: sa.Connection) -> None:
        ended = sa.select(REVIEWS.c.review_id).where(REVIEWS.c.ends_at <= self._time())
        on.execute(sa.delete(PAIRS).where(PAIRS.c.review_id.in_(ended)))
        on.execute(sa.delete(REVIEWS).where(REVIEWS.c.ends_at <= self._time()))

    def _forget_person(self, on: sa.Connection, number: Identifier) -> None:
        sources = on.execute(sa.select(REVIEWS.c.source_id).where(REVIEWS.c.state == State.OPEN).distinct()).scalars()
        persons = [self.handles.named(source_id, number) for source_id in sources]
        theirs = sa.select(PAIRS.c.review_id).where(PAIRS.c.person.in_(persons))
        wanted = sa.select(REVIEWS.c.review_id).where(REVIEWS.c.review_id.in_(theirs), REVIEWS.c.state == State.OPEN)
        for review_id in on.execute(wanted).scalars().all():
            self._withdraw(on, review_id)

    def _withdraw(self, on: sa.Connection, review_id: str) -> None:
        on.execute(sa.delete(PAIRS).where(PAIRS.c.review_id == review_id))
        on.execute(sa.delete(REVIEWS).where(REVIEWS.c.review_id == review_id))

    def _count(self, on: sa.Connection, state: State) -> int:
        count = sa.select(sa.func.count()).select_from(REVIEWS)
        return on.execute(count.where(REVIEWS.c.state == state, REVIEWS.c.ends_at > self._time())).scalar_one()


def _review(row: sa.RowMapping) -> Review:
    reasons = tuple(Reason(*told) for told in orjson.loads(row["levels"]))
    told = {name: row[name] for name in Review._fields if name != "reasons"}
    return Review(**told, reasons=reasons)

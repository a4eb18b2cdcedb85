"""The trail of a running gateway: it follows the journal, makes notices, and passes disputes on, beside all questions.

One process of a machine does so at a time. Whatever it is interrupted in is done again: an entry is indexed once, a
notice is told once, a letter counts once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from gateway.journal.store import Store
from gateway.journal.turns import Turns
from gateway.trail.book import TrailBook
from gateway.trail.disputes import Dispute, DisputeBook, DisputeRoute, DisputeState, Letter, Outbox
from gateway.trail.notices import AccessNotices, SqlAccessNotices, WishesChangedError
from gateway.trail.noting import noted_dispute
from gateway.trail.tables import open_tables

if TYPE_CHECKING:
    from adapters.manifest import Manifest
    from gateway.keys import Keys
    from gateway.ports import Clock, Journal

log = structlog.get_logger()

LOOK_S: Final = 0.5
"""How often it looks for new entries."""
_REST_S: Final = 0.05
"""How long questions have the processor for themselves between two steps."""


class Places(NamedTuple):
    """Where the trail lies.

    lock: file by which the processes of one machine settle who follows.
    outbox: folder of the letters to registries.
    """

    url: str
    journal_url: str
    lock: Path
    outbox: Path


class Trail:
    """Everything about "who asked about me", wired.

    sink, route: other ways for notices and disputes than the trail's own.
    Raises: ConfigurationError when its database cannot be used.
    """

    def __init__(
        self,
        places: Places,
        keys: Keys,
        manifests: Mapping[str, Manifest],
        journal: Journal,
        now: Clock,
        *,
        sink: AccessNotices | None = None,
        route: DisputeRoute | None = None,
    ) -> None:
        self._engine = open_tables(places.url)
        self._store = Store(places.journal_url)
        self.book = TrailBook(self._engine, self._store)
        self.notices = SqlAccessNotices(self._engine)
        self.disputes = DisputeBook(self._engine, keys)
        self._sink: AccessNotices = sink or self.notices
        self._route: DisputeRoute = route or Outbox(places.outbox)
        self._manifests, self._journal, self._now = manifests, journal, now
        self._turns = Turns(places.lock)
        self._task: asyncio.Task[None] | None = None
        self.trouble: str | None = None
        """Why notices and disputes wait, or None."""

    def open(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop, and let go of the database."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._turns.close()
        self._store.close()
        self._engine.dispose()

    async def follow(self) -> bool:
        """Take in some of the new entries; tell whether there are more."""
        step = await asyncio.to_thread(self.book.step)
        # INVARIANT: a notice is durable before its entry counts as followed; made twice it has the same name.
        try:
            await self._sink.owe(step.notices)
        except WishesChangedError:
            return True
        await asyncio.to_thread(self.book.advance, step)
        return step.is_full

    async def forward(self) -> None:
        """Pass on every dispute that was received."""
        for dispute in await asyncio.to_thread(self.disputes.all, DisputeState.RECEIVED.value):
            letter = await asyncio.to_thread(self._letter, dispute)
            if letter is None:
                continue
            await self._route.forward(letter)
            await self._journal.record([noted_dispute("dispute.forwarded", "gateway", dispute, self._now())])
            await asyncio.to_thread(
                self.disputes.move, dispute.dispute_id, [DisputeState.RECEIVED], DisputeState.FORWARDED, self._now()
            )

    def _letter(self, dispute: Dispute) -> Letter | None:
        """Return what a registry needs to know; None when it is not connected any more, or the dispute is closed."""
        manifest, number = self._manifests.get(dispute.registry), self.disputes.number(dispute.dispute_id)
        if manifest is None or number is None:
            return None
        legal = manifest.legal
        return Letter(
            dispute.dispute_id,
            dispute.registry,
            legal.owner,
            legal.contact,
            dispute.attribute,
            dispute.reason,
            dispute.opened_at,
            number,
        )

    async def _run(self) -> None:
        is_behind = False
        while True:
            await asyncio.sleep(_REST_S if is_behind else LOOK_S)
            try:
                if not self._turns.take():
                    continue
                is_behind = await self.follow()
                if not is_behind:
                    await self.forward()
                self.trouble = None
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again, and answers do not wait for it
                if self.trouble is None:
                    with contextlib.suppress(OSError):  # what failed may be the disk that holds the log as well
                        log.error("trail_behind", caught=type(error).__name__)
                self.trouble, is_behind = type(error).__name__, False

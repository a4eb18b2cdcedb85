"""An answer of in-memory registries, recorded in a journal on disk, with everything that evidence is made of."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from gateway.evidence.packing import Stores, pack
from gateway.journal import SqlJournal, sqlite_url
from gateway.pipeline import Answer, answer
from gateway.sandbox import AGREEMENTS
from policies.ledger import SqliteLedger
from policies.receipts import Consent, Decision
from standards.signing import public_jwk
from tests.builders import ASHA, JUMA, KEYS, NEEMA, NOW, World, item, question, sandbox_agreement, uin

PUBLIC = {public_jwk(KEYS.signing.public_key())["kid"]: KEYS.signing.public_key()}
DIGESTS = {
    (agreement.id, agreement.version): hashlib.sha256((AGREEMENTS / f"{name}.yaml").read_bytes()).hexdigest()
    for name in ("uct", "cct-education")
    for agreement in (sandbox_agreement(name),)
}


class Office(NamedTuple):
    """A gateway whose stores are files, and whose registries are not."""

    world: World
    ledger: SqliteLedger
    journal: SqlJournal
    stores: Stores

    async def decide(self, *people: dict[str, str], **changes: Any) -> None:
        """Let people decide about eligibility."""
        for person in people:
            consent = Consent(uin(person), "eligibility", Decision.GRANTED, uin(person), date(2026, 1, 5))
            await self.ledger.record(consent._replace(**changes))

    async def ask(self, consumer: str = "uct", correlation: str = "c-1", **changes: Any) -> Answer:
        """Answer a question and record it, as the gateway does."""
        asked = question(item(**changes), consumer)._replace(correlation_id=correlation)
        answered = await answer(asked, self.world.rooms)
        await self.journal.record([answered.entry])
        return answered

    async def pack(self, **named: Any) -> dict[str, Any]:
        """Return the evidence of one answer, as a file has it."""
        content = await asyncio.to_thread(pack, self.stores, by="somebody", now=NOW, **named)
        return dict(orjson.loads(orjson.dumps(content)))


@pytest.fixture
async def office(undecided: Office) -> Office:
    """The office at which Asha, Juma and Neema have consented to the cash transfer."""
    await undecided.decide(ASHA, JUMA, NEEMA)
    return undecided


@pytest.fixture
async def undecided(tmp_path: Path) -> AsyncIterator[Office]:
    """An office at which nobody has decided anything."""
    stores = Stores(sqlite_url(tmp_path / "journal.db"), tmp_path / "consent.db", [AGREEMENTS], KEYS)
    ledger = SqliteLedger.open(stores.ledger, KEYS.derived("consent"), KEYS.signing)
    world = World(ledger=ledger)
    world.rooms = world.rooms._replace(digest_of_agreement=lambda id_, version: DIGESTS[id_, version])
    journal = SqlJournal(stores.journal_url)
    journal.open()
    try:
        yield Office(world, ledger, journal, stores)
    finally:
        journal.close()
        ledger.close()

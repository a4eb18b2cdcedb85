"""Forgetting after withdrawals, in every process."""

import asyncio
from collections.abc import Collection
from datetime import date

import pytest

from gateway import consents
from gateway.consents import EmergencyFolder, follow_ledger
from policies.ledger import SqliteLedger
from policies.receipts import Consent, Decision
from standards.identifiers import Identifier, identifier
from tests.builders import CATALOGUE, KEY

WHO = identifier("UIN", "1000000001")


class Calls:
    """What is kept, as far as forgetting goes."""

    def __init__(self) -> None:
        self.forgotten: list[Identifier] = []
        self.cleared = 0
        self.woken = asyncio.Event()

    async def forget(self, identifiers: Collection[Identifier]) -> int:
        self.forgotten += identifiers
        self.woken.set()
        return 1

    async def clear(self) -> int:
        self.cleared += 1
        self.woken.set()
        return 1


class Queue:
    """What waits for an officer, as far as forgetting goes."""

    def __init__(self) -> None:
        self.forgotten: list[Identifier] = []
        self.woken = asyncio.Event()

    async def forget(self, number: Identifier) -> None:
        self.forgotten.append(number)
        self.woken.set()


@pytest.fixture
def ledger(tmp_path):
    """A ledger of two processes: the one that writes, and the one that follows."""
    writing, following = (SqliteLedger.open(tmp_path / "consent.db", KEY) for _ in range(2))
    yield writing, following
    writing.close()
    following.close()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Look without pause."""
    monkeypatch.setattr(consents, "POLL_S", 0.0)


def decided(decision: Decision) -> Consent:
    """A decision of somebody."""
    return Consent(WHO, "eligibility", decision, WHO, date(2026, 1, 5))


async def test_what_another_process_withdrew_is_forgotten_once(ledger):
    """What was there before is not looked at again; a grant takes nothing away."""
    writing, following = ledger
    await writing.record(decided(Decision.REFUSED))
    start, _ = await following.gone(0)
    calls, queue = Calls(), Queue()
    task = asyncio.create_task(follow_ledger(following, calls, queue, EmergencyFolder(None, CATALOGUE, 30), start))  # type: ignore[arg-type]
    await writing.record(decided(Decision.GRANTED))
    await writing.record(decided(Decision.WITHDRAWN))
    await asyncio.wait_for(queue.woken.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert calls.forgotten == queue.forgotten == [WHO]
    assert calls.cleared == 0


async def test_who_cannot_learn_of_withdrawals_keeps_nothing(ledger):
    """And goes on trying."""
    _, following = ledger
    calls, queue = Calls(), Queue()
    following.stamp = lambda: 1 / 0
    task = asyncio.create_task(follow_ledger(following, calls, queue, EmergencyFolder(None, CATALOGUE, 30), 0))  # type: ignore[arg-type]
    await asyncio.wait_for(calls.woken.wait(), 5)
    calls.woken.clear()
    await asyncio.wait_for(calls.woken.wait(), 5)
    is_over = task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert calls.cleared >= 2
    assert not is_over

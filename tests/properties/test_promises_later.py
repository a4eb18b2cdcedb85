"""What is answered later, or by one registry alone, keeps the promises: whatever changes while it waits."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ports import Record
from gateway.api.dci.later import SEARCH, Later
from gateway.bootstrap import Gateway
from gateway.delivery.database import Database
from gateway.delivery.deliveries import Deliveries, Outside
from gateway.delivery.outbox import Outbox
from gateway.delivery.rest import Rest
from gateway.delivery.sending import Said
from gateway.journal import MemoryJournal, sqlite_url
from gateway.pipeline import Question, answer
from gateway.settings import Asynchronous, Consumer, Delivery, Messages
from gateway.stages.admit import Admission
from gateway.stages.decide import Decisions
from gateway.suspensions import Kind, Suspension, Suspensions
from gateway.telemetry import Metrics
from gateway.transactions import Asked, Transactions
from gateway.work.seal import Seal
from policies.agreement import Agreement
from policies.book import AgreementSet
from policies.receipts import Consent, Decision
from standards.identifiers import GROUP_TYPES, Identifier
from standards.states import UnavailableReason
from tests.builders import CATALOGUE, KEYS, MANIFESTS, NEVER, PLANNER, World
from tests.properties.country import CANARY, REFUSALS, Country, agreements, countries, ledger
from tests.subscribing import StepWork
from tests.whole_gateway import message, search

PROGRAMME = Consumer(client_id="programme", sender_id="programme.pv", callback_hosts=("programme.pv",))
URL = "https://programme.pv/registry/on-search"
OFF = Suspension(at="2026-11-01T00:00:00+00:00", by="anna", reason="contract ended")
SOCIAL = ("ns:org:RegistryType:Social", "Group")
KINDS: Mapping[str, tuple[str, str]] = {
    "crvs": ("ns:org:RegistryType:Civil", "spdci-extensions-dci:Person"),
    "national_id": ("ns:hearth:RegistryType:NationalID", "hearth:Identity"),
    "tax": ("ns:hearth:RegistryType:Tax", "hearth:Taxpayer"),
    "education": ("ns:hearth:RegistryType:Education", "hearth:Enrolment"),
}
"""Registry -> type and record of the questions that go to it alone."""
ASKED = st.sampled_from([SOCIAL, SOCIAL, *KINDS.values()])
PERSON = st.integers(0, 3)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["withdraw", "die", "grant"]), PERSON),
        st.tuples(st.just("refuse"), PERSON, st.sampled_from(["crvs", "tax", "social"])),
        st.tuples(st.just("narrow"), st.integers(0, 20)),
        st.tuples(st.just("registry"), st.sampled_from(["crvs", "tax", "social", "national_id"])),
        st.tuples(st.sampled_from(["restart", "consumer"])),
    ),
    max_size=3,
)
DECISIONS = st.lists(REFUSALS, min_size=4, max_size=4)
BY_CONSENT = agreements(basis="consent")
_MOMENT = re.compile(r'"2026-09-30T12:0[^"]*"')


class Receiver:
    """A programme that takes nothing until it is well."""

    def __init__(self) -> None:
        self.is_well = False
        self.received: list[dict[str, Any]] = []

    async def send(self, url: str, body: bytes, headers: Mapping[str, str], *, pool: str, is_private: bool) -> Said:
        """Take a message, or refuse it."""
        if self.is_well:
            self.received.append(orjson.loads(body))
        return Said(self.is_well, "" if self.is_well else "status_503")

    async def close(self) -> None:
        """Nothing is held."""


class Waiting:
    """One question that was acknowledged, over a country in memory, with real stores of what waits."""

    def __init__(self, folder: Path, country: Country, agreed: Agreement, kept: Any) -> None:
        self.country, self.agreed, self.ledger = country, agreed, kept
        self.world = World(country.truth, agreed, ledger=kept)
        self.receiver, self.journal = Receiver(), MemoryJournal()
        self.work, self.suspensions = StepWork(self.world.clock), Suspensions(folder)
        self.database = Database(sqlite_url(folder / "exchange.db"))
        self.outbox = Outbox(self.database, Seal(KEYS.derived("deliveries")), self.world.clock, "me", 30)
        self.transactions = Transactions(self.database, KEYS, self.world.clock)
        outside = Outside(
            self.work, self.receiver, lambda said, *_: orjson.dumps(said), self.journal, KEYS, self.world.clock,
            "hearth.gateway", lambda name: name in self.suspensions.consumers(), self.transactions.refuse,
        )  # fmt: skip
        stated = Delivery(first_pause_s=0.01, longest_pause_s=0.02)
        self.deliveries = Deliveries(self.outbox, outside, [PROGRAMME], stated)
        admission = Admission(cast("Any", None), Messages(), CATALOGUE, cast("Any", None), frozenset())
        self.gateway = SimpleNamespace(
            settings=SimpleNamespace(asynchronous=Asynchronous(), consumers=[PROGRAMME]),
            transactions=self.transactions, deliveries=self.deliveries, journal=self.journal, ledger=kept,
            suspensions=self.suspensions, admission=admission, metrics=Metrics(), book=SimpleNamespace(agreements=()),
            consents=SimpleNamespace(emergencies=lambda: None), rooms=self.world.rooms,
        )  # fmt: skip
        self.start()

    def start(self) -> None:
        """Know nothing of what was answered before."""
        self.later = Later(cast("Gateway", self.gateway))
        self.work.handle(SEARCH, self.later.answer)
        self.deliveries.builds(SEARCH, self.later.build)
        self.deliveries._reviews[:] = [self.later.review]
        self.world.rooms.fetcher.calls._forgetting[:] = [self.later.forgotten]

    async def ask(self, kind: tuple[str, str]) -> None:
        """Take in the question, answer it, and fail to deliver the answer."""
        self.body = message("search", search(self.criteria(kind)), PROGRAMME)
        asked = Asked(
            "t-1",
            "c-1",
            self.body["header"]["message_id"],
            b"body",
            ("r-1",),
            {**self.body, "url": URL, "reg_type": None},
        )
        await self.transactions.begin("programme", SEARCH, asked)
        await self.work.start(SEARCH, "c-1", {})
        await self.work.run()

    def criteria(self, kind: tuple[str, str]) -> dict[str, Any]:
        """What is asked: everything agreed, about the person or household of the country."""
        reg_type, record_type = kind
        return {
            "reg_type": reg_type,
            "reg_record_type": record_type,
            "query_type": "idtype-value",
            "query": {"type": self.country.asked.type, "value": self.country.asked.value},
            "authorize": {"purpose": {"code": "eligibility"}},
        }

    async def change(self, what: str, *about: Any) -> None:
        """Let one thing happen while the answer waits."""
        numbers = (
            self.country.numbers[about[0] % len(self.country.numbers)]
            if isinstance(about[0:1] and about[0], int)
            else {}
        )
        match what:
            case "withdraw" | "grant" | "refuse":
                decision = Decision.GRANTED if what == "grant" else Decision.REFUSED
                sources = frozenset(about[1:]) or None
                for type_, value in numbers.items():
                    who = Identifier(type_, value)
                    await self.ledger.record(Consent(who, "eligibility", decision, who, date(2026, 9, 30), sources))
            case "die":
                for source in ("crvs", "national_id"):
                    records = self.world.registries[source].records
                    for lookup, held in records.items():
                        cast("dict[str, Any]", records)[lookup] = [_dead(one, numbers) for one in held]
                await self.gateway.rooms.fetcher.calls.forget([Identifier(t, v) for t, v in numbers.items()])
            case "narrow":
                names = sorted(self.agreed.attributes)
                lost = names[about[0] % len(names)]
                attributes = {n: f for n, f in self.agreed.attributes.items() if n != lost}
                if attributes:
                    self.agreed = self.agreed.model_copy(update={"attributes": attributes, "version": "2.0"})
                    book = AgreementSet([self.agreed])
                    decisions = Decisions(book, self.ledger, CATALOGUE, PLANNER.holders())
                    self.gateway.rooms = self.gateway.rooms._replace(decisions=decisions)
                    self.gateway.book.agreements = (self.agreed,)
            case "registry":
                registry = self.world.registries[about[0]]
                registry.failing = {k.name: UnavailableReason.SOURCE_SUSPENDED for k in registry.manifest.lookups}
                self.suspensions.switch(Kind.REGISTRY, about[0], OFF)
            case "consumer":
                self.suspensions.switch(Kind.CONSUMER, "programme", OFF)
            case "restart":
                self.start()

    def waits(self) -> list[dict[str, Any]]:
        """What lies in the queue, unsealed."""
        rows = self.database.run_now(lambda c: c.exec_driver_sql("SELECT id, sealed FROM delivery").all())
        return [Seal(KEYS.derived("deliveries")).opened(row.sealed, row.id)["content"] for row in rows if row.sealed]

    async def deliver(self) -> list[dict[str, Any]]:
        """Let the programme be well, and return the items that it receives."""
        self.receiver.is_well, self.deliveries._rest = True, Rest()
        self.world.clock.now += timedelta(seconds=5)
        await self.work.run()
        return [item for one in self.receiver.received for item in one["message"]["search_response"]]

    async def now(self) -> dict[str, Any]:
        """What the same question would be answered with now."""
        (item,) = self.gateway.admission.questions(SimpleNamespace(
            consumer=PROGRAMME, raw=self.body, message=self.body["message"], header=SimpleNamespace(total_count=1)
        ), None).items  # fmt: skip
        said = await answer(Question(PROGRAMME, item, "t-2", "c-2", NEVER), self.gateway.rooms)
        return dict(orjson.loads(said.item))


def _dead(record: Record, numbers: Mapping[str, str]) -> Record:
    if not record.identifiers.items() & numbers.items():
        return record
    return record._replace(values={**record.values, "vital_status": "dead", "death_date": "2026-09-01"})


def settled(item: dict[str, Any]) -> Any:
    """What an item says, without when it was asked."""
    said = orjson.loads(_MOMENT.sub('"now"', orjson.dumps({**item, "timestamp": ""}).decode()))
    said.get("data", {}).pop("hearth:sources", None)
    return said


def told_by(item: dict[str, Any], *, numbers: bool = True) -> set[str]:
    """Every registry from which a value is told; without numbers, from which a fact is."""
    found = set()
    for evidence in item.get("data", {}).get("hearth:evidence", ()):
        for attributes in (evidence.get("attributes", {}), *(m["attributes"] for m in evidence.get("members", ()))):
            found |= {
                state["source"]
                for name, state in attributes.items()
                if state["state"] == "value" and "source" in state
                if numbers or CATALOGUE[name].type != "identifier"
            }
    return found


@settings(max_examples=80, deadline=None)
@given(countries(), BY_CONSENT, DECISIONS, ASKED, CHANGES)
def test_what_waited_leaves_as_it_would_be_answered_now(country, agreed, decided, kind, changes):
    """Whatever is withdrawn, narrowed, switched off, died or restarted between: never the old answer, and one at most."""

    async def check(folder: Path) -> None:
        waiting = Waiting(folder, country, agreed, await ledger(country, decided))
        await waiting.ask(kind)
        for change in changes:
            await waiting.change(*change)
        left = await waiting.deliver()

        if ("consumer",) in changes:
            assert left == []
            assert waiting.waits() == []
            return
        (item,) = left
        assert settled(item) == settled(await waiting.now())
        sent = orjson.dumps(item).decode()
        assert CANARY not in sent
        numbers = [(t, v) for own in country.numbers for t, v in own.items()]
        assert not [t for t, v in numbers if v in sent and t.lower() not in waiting.agreed.attributes]
        assert not told_by(item) & {change[1] for change in changes if change[0] == "registry"}
        waiting.database.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check(Path(folder)))


@settings(max_examples=60, deadline=None)
@given(countries(), BY_CONSENT, DECISIONS, ASKED, CHANGES)
def test_what_may_not_leave_any_more_does_not_lie_in_the_queue(country, agreed, decided, kind, changes):
    """At the next look it is gone, sealed as it was, though nobody tries to deliver it."""

    async def check(folder: Path) -> None:
        waiting = Waiting(folder, country, agreed, await ledger(country, decided))
        await waiting.ask(kind)
        before = waiting.waits()
        assert all("items" in one for one in before)
        for change in changes:
            await waiting.change(*change)
        now = settled(await waiting.now())
        await waiting.deliveries.purge()
        after = waiting.waits()
        if ("consumer",) in changes:
            assert after == []
        elif ("restart",) not in changes and before and "items" in after[0]:
            (text,) = after[0]["items"]
            assert settled(orjson.loads(text)) == now, "what is kept is what would be answered now"
        waiting.database.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check(Path(folder)))


@settings(max_examples=60, deadline=None)
@given(countries(), BY_CONSENT, DECISIONS, st.sampled_from(sorted(KINDS)))
def test_a_question_to_one_registry_is_told_by_it_alone(country, agreed, decided, source):
    """Others are asked for numbers only; nobody is asked about who refused; nothing but the agreed leaves."""

    async def check(folder: Path) -> None:
        waiting = Waiting(folder, country, agreed, await ledger(country, decided))
        await waiting.ask(KINDS[source])
        (item,) = await waiting.deliver()

        assert told_by(item, numbers=False) <= {source}
        sent = orjson.dumps(item).decode()
        assert CANARY not in sent
        for registry in waiting.world.registries.values():
            for request in registry.asked:
                held = {n for n in request.names if CATALOGUE[n].type != "identifier"}
                assert not held or registry.manifest.id == source
                assert held <= agreed.forms.keys() or held <= _inputs(agreed)
                for subject in request.subjects:
                    if subject.type not in GROUP_TYPES:
                        refused = decided[country.who({subject.type: subject.value})]
                        assert refused is not None
                        assert registry.manifest.id not in refused.sources
                        assert not request.names & refused.at(registry.manifest.id)
        waiting.database.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check(Path(folder)))


def _inputs(agreed: Agreement) -> set[str]:
    from policies.engine import readable

    return set(readable(agreed.forms, CATALOGUE))


def test_every_kind_is_one_that_a_registry_here_answers():
    """Else the properties would hold of nothing."""
    assert set(KINDS) <= set(MANIFESTS)

"""Killed at any moment, and started again: every acknowledged question has exactly one result, none is lost."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.journal import examine, sqlite_url
from gateway.journal.checkpoints import public_keys
from tests.bench.processes import children_of
from tests.e2e.asking_later import Asker, by_number, message, mortal, until
from tests.e2e.programme import toy_programme

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

QUESTIONS = 200
KILLS = 8
SEED = 20261121


def test_every_question_has_exactly_one_result(tmp_path: Path):
    """200 questions while the gateway dies eight times, at work or at its start: none is lost, none comes twice."""
    chance = random.Random(SEED)
    settings = {"delivery.first_pause_s": "0.2", "delivery.in_flight_per_consumer": "16"}
    with (
        toy_programme(tmp_path, "--signatures", "off") as programme,
        mortal(tmp_path / "s", settings) as (box, content),
    ):
        # Received and not yet acknowledged: the moment in which nobody can know whether to send it once more.
        programme.fault("late", delay_ms=400, probability=0.5, seed=SEED)
        consumer = content["consumers"]["uct"]
        numbers = [e["identifiers"]["UIN"] for e in content["examples"].values() if "UIN" in e["identifiers"]]
        bodies = [
            message(
                consumer["sender_id"],
                programme.callback("on-search"),
                by_number(numbers[n % len(numbers)], consumer["purposes"][0]),
            )
            for n in range(QUESTIONS)
        ]
        stop = threading.Event()

        def ask(asker: Asker, body: dict[str, Any]) -> str:
            """Send one message until it is acknowledged, as a client does that gets no answer."""
            while not stop.is_set():
                try:
                    answer = asker.send(body)
                except httpx.HTTPError:
                    time.sleep(0.1)
                    continue
                if answer.status_code == 200:
                    assert answer.json()["message"]["ack_status"] == "ACK", answer.text
                    return str(answer.json()["message"]["correlation_id"])
                assert answer.status_code >= 500, answer.text
            return ""

        with Asker(content["gateway"], consumer) as asker, ThreadPoolExecutor(6) as pool:
            asked = [pool.submit(ask, asker, body) for body in bodies[: QUESTIONS // 2]]
            try:
                for kill in range(KILLS):
                    time.sleep(chance.uniform(0.02, 0.9))
                    box.kill()
                    box.revive(wait=kill % 2 == 0)  # every other time, the next death comes while it starts
                    share = QUESTIONS // 2 // KILLS + 1
                    first = QUESTIONS // 2 + kill * share
                    asked += [pool.submit(ask, asker, body) for body in bodies[first : first + share]]
                acknowledged = {
                    b["message"]["transaction_id"]: a.result(60) for b, a in zip(bodies, asked, strict=True)
                }
            finally:
                stop.set()
        received = programme.received(at_least=QUESTIONS, wait_s=60, kind="on-search")
        assert until(lambda: _waiting(box.folder) == 0), "nothing waits any more"
        received = programme.received(kind="on-search", wait_s=0)
        per_transaction = Counter(one["transaction_id"] for one in received)
        assert set(per_transaction) == set(acknowledged), "none is lost"
        assert set(per_transaction.values()) == {1}, "none comes twice under another key"
        for one in received:
            assert one["correlation_id"] == acknowledged[one["transaction_id"]]
            assert one["message"]["search_response"][0]["status"] == "succ"
            assert one["idempotency_key"] == one["message_id"]
        keys = public_keys([box.folder / "keys" / "signing.pem"])
        assert examine(sqlite_url(box.folder / "journal.db"), keys).entries >= QUESTIONS


def test_workers_that_die_lose_nothing(tmp_path: Path):
    """Several processes share the work; one after the other is killed, and what it held is done by the others."""
    chance = random.Random(SEED)
    settings = {"server.workers": "2", "delivery.first_pause_s": "0.2", "delivery.in_flight_per_consumer": "16"}
    with (
        toy_programme(tmp_path, "--signatures", "off") as programme,
        mortal(tmp_path / "s", settings) as (box, content),
        Asker(content["gateway"], content["consumers"]["uct"]) as asker,
    ):
        programme.fault("late", delay_ms=400, probability=0.5, seed=SEED)
        number = content["examples"]["complete_household"]["identifiers"]["UIN"]
        crew = box.gateway
        transactions = set()
        for victim in range(40):
            body = message("uct.programmes.pv", programme.callback("on-search"), by_number(number, "eligibility"))
            while True:
                try:
                    assert asker.send(body).json()["message"]["ack_status"] == "ACK"
                    break
                except httpx.HTTPError:
                    time.sleep(0.05)
            transactions.add(body["message"]["transaction_id"])
            if victim % 10 == 9:
                time.sleep(chance.uniform(0, 0.4))
                os.kill(chance.choice(children_of(crew)), signal.SIGKILL)
        received = programme.received(at_least=40, wait_s=60, kind="on-search")
        assert until(lambda: _waiting(box.folder) == 0, 40), "nothing waits any more"
        received = programme.received(kind="on-search", wait_s=0)
        assert {one["transaction_id"] for one in received} == transactions
        assert len(received) == 40, "none twice under another key"


def _waiting(folder: Path) -> int:
    """Deliveries that are not over, sealed content that was left, and messages that are not settled."""
    with sqlite3.connect(f"file:{folder / 'exchange.db'}?mode=ro", uri=True) as exchange:
        waiting = exchange.execute("SELECT count(*) FROM delivery WHERE state <> 'made' OR sealed IS NOT NULL")
        unsettled = exchange.execute("SELECT count(*) FROM exchange_transaction WHERE is_open OR request IS NOT NULL")
        return int(waiting.fetchone()[0]) + int(unsettled.fetchone()[0])

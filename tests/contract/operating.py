"""A gateway over registries in memory, as the handlers of operations see one; and the messages that they are given."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import orjson
from aiohttp import web

from gateway.api.dci.exchange import Received
from gateway.api.dci.routes import HANDLES
from gateway.journal import MemoryJournal
from gateway.settings import Consumer, Settings
from gateway.stages.admit import Opened
from gateway.telemetry import Metrics
from gateway.transactions import Known
from policies.agreement import Agreement
from standards.dci.codes import RegType
from standards.dci.operations import OPERATIONS
from standards.dci.validate import header_of
from tests.builders import CATALOGUE, MANIFESTS, NEVER, NOW, Truth, World, sandbox_agreement
from tests.fakes import InMemoryRegistry

CONSUMER = Consumer(client_id="disability-allowance", sender_id="disability-allowance.programmes.pv")


@dataclasses.dataclass
class InClear:
    """Sends what it is given, unsigned."""

    def sealed(self, message: Mapping[str, Any], to: Consumer, now: datetime) -> bytes:
        return orjson.dumps(message)


class Operating:
    """Handlers over registries in memory.

    truth: source and lookup -> records; failing: source and lookup -> why it gives no answer.
    agreement: default: that of the disability allowance.
    known: what `find` knows of transactions, by consumer.
    """

    def __init__(
        self,
        truth: Truth | None = None,
        agreement: Agreement | None = None,
        *,
        failing: Mapping[tuple[str, str], Any] | None = None,
        known: Mapping[str, Sequence[Known]] | None = None,
    ) -> None:
        self.world = World(
            truth or {("crvs", "person"): []}, agreement or sandbox_agreement("disability-allowance"), failing=failing
        )
        self.journal = MemoryJournal()
        self.known = known or {}
        self.gateway: Any = SimpleNamespace(
            rooms=self.world.rooms,
            manifests=tuple(MANIFESTS.values()),
            catalogue=CATALOGUE,
            settings=Settings(),
            metrics=Metrics(),
            journal=self.journal,
            sealing=InClear(),
            suspensions=SimpleNamespace(check=lambda _: None, silence=lambda _: False),
            transactions=SimpleNamespace(find=self._find),
        )

    @property
    def registries(self) -> Mapping[str, InMemoryRegistry]:
        return self.world.registries

    async def _find(self, consumer_id: str, attribute_type: str, values: Iterable[str]) -> Sequence[Known]:
        return self.known.get(consumer_id, ())

    async def send(self, path: str, message: Mapping[str, Any], reg_type: RegType | None = None) -> dict[str, Any]:
        """Give a message to the operation at a path, and return the body of its answer."""
        body = request(path, message)
        opened = Opened(CONSUMER, header_of(body), body)
        received = Received(opened, OPERATIONS[path], "c-1", NOW, NEVER, orjson.dumps(body), reg_type)
        asked: Any = {}
        response = await HANDLES[path](self.gateway, received, asked)
        assert isinstance(response, web.Response)
        assert isinstance(response.body, bytes)
        return dict(orjson.loads(response.body))


def request(path: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole message to an operation."""
    header: dict[str, Any] = {
        "message_id": "m-1",
        "message_ts": NOW.isoformat(),
        "action": OPERATIONS[path].action.value,
        "sender_id": CONSUMER.sender_id,
        "sender_uri": "https://allowance.example.org/registry/on-search",
        "total_count": 1,
    }
    if path == "sync/enrollment/updates":
        header["status"] = "succ"
    return {"header": header, "message": {"transaction_id": "t-1", **message}}

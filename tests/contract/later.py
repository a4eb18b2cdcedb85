"""Asking a DCI registry for later, with every message held against the release."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from mocks.country import Served
from mocks.dci import DciRegistry
from mocks.programme.receiving import Programme
from tests.contract.asking import NOW
from tests.contract.dci_spec import faults, request_faults, response_faults

FILES = {
    "crvs": "crvs_api_v1.0.0.yaml",
    "social": "social_api_v1.0.0.yaml",
    "disability": "dr_api_v1.0.0.yaml",
    "farmer": "fr_api_v1.0.0.yaml",
    "beneficiary": "ibr_api_v1.0.0.yaml",
    "employment": "../transcribed/ess_api_v1.0.0.yaml",
}
ACTIONS = {"search": "search", "subscribe": "subscribe", "unsubscribe": "unsubscribe", "txn/status": "txn-status"}
SENDER = "programme.pv"


class Registry:
    """One DCI registry of the country, the token to ask it with, and the programme that it calls back."""

    def __init__(self, client: aiohttp.ClientSession, served: Served, programme: Programme, address: str) -> None:
        assert isinstance(served.registry, DciRegistry)
        self.client, self.mock, self.url = client, served.registry, served.url
        self.programme, self.address = programme, address
        self.token = ""

    @property
    def file(self) -> str:
        return FILES[self.mock.name]

    async def open(self) -> Registry:
        own = self.mock.credentials
        form = {"grant_type": "client_credentials", "client_id": own["CLIENT_ID"]}
        form["client_secret"] = own["CLIENT_SECRET"]
        async with self.client.post(f"{self.url}/oauth2/client/token", data=form) as response:
            self.token = (await response.json())["access_token"]
        return self

    async def send(
        self, path: str, content: Mapping[str, Any], *, status: int = 200, manner: Any = None, **header: Any
    ) -> Any:
        """Send a message; request and answer are held against the release. Returns the answer."""
        action = ACTIONS[path.removeprefix("sync/")]
        batch = next((value for value in content.values() if isinstance(value, list)), [None])
        message = {
            "header": {
                "version": "1.0.0",
                "message_id": str(uuid.uuid4()),
                "message_ts": NOW,
                "action": action,
                "sender_id": SENDER,
                "sender_uri": f"{self.address}/registry/{callback_of(path)}",
                "receiver_id": f"{self.mock.name}.registries.pv",
                "total_count": 1 if action in ("unsubscribe", "txn-status") else len(batch),
                "is_msg_encrypted": False,
            },
            "message": {"transaction_id": str(uuid.uuid4()), **content},
        }
        if not header:
            assert request_faults(self.file, f"/registry/{path}", message) == []
        message["header"] |= header
        headers = {"Authorization": f"Bearer {self.token}"}
        if manner is not None:
            headers["X-Sandbox-Callbacks"] = json.dumps(manner)
        async with self.client.post(f"{self.url}/registry/{path}", json=message, headers=headers) as response:
            answer = json.loads(await response.read())
            assert response.status == status, answer
        assert response_faults(self.file, f"/registry/{path}", answer, self._declared(path)) == []
        return answer

    def _declared(self, path: str) -> str:
        return "200" if self.mock.name == "employment" else "default"

    async def search(self, *criteria: Mapping[str, Any], **more: Any) -> Any:
        """Ask for later; returns the ACK."""
        items = [
            {
                "reference_id": f"ref-{place}",
                "timestamp": NOW,
                "search_criteria": {"version": "1.0.0", "reg_type": self.mock.reg_type, **one},
                "locale": "eng",
            }
            for place, one in enumerate(criteria)
        ]
        return await self.send("search", {"search_request": items}, **more)

    async def subscribe(self, event: str, filter_: Any, record_type: str, **more: Any) -> Any:
        """Subscribe; returns the ACK."""
        filter_type = more.pop("filter_type", "idtype-value")
        criteria = {"version": "1.0.0", "reg_type": self.mock.reg_type, "reg_event_type": event}
        criteria |= {"filter_type": filter_type, "filter": filter_, "notify_record_type": record_type}
        item = {"reference_id": "ref-0", "timestamp": NOW, "subscribe_criteria": criteria, "locale": "eng"}
        return await self.send("subscribe", {"subscribe_request": [item]}, **more)

    async def callbacks(self, kind: str, count: int = 1, **wanted: str) -> Sequence[Any]:
        """Wait for callbacks; each is held against the release."""
        found = await self.programme.inbox.wait_for(count, 10, kind=kind, **wanted)
        assert len(found) >= count
        for one in found:
            assert one.header["sender_id"] == f"{self.mock.name}.registries.pv"
            assert self.callback_faults(kind, {"header": one.header, "message": one.message}) == []
        return found

    def callback_faults(self, kind: str, message: Any) -> list[str]:
        """Return what the release holds against a callback; the farmer registry's on-subscribe is not readable."""
        if self.mock.name == "farmer" and kind == "on-subscribe":
            return faults(self.file, "/components/schemas/SubscribeResponse", message["message"])
        return request_faults(self.file, f"/registry/{kind}", message)


def callback_of(path: str) -> str:
    """Return the callback to an operation."""
    start, _, last = path.removeprefix("sync/").rpartition("/")
    return f"{start}/on-{last}" if start else f"on-{last}"

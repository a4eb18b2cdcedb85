"""A whole gateway over registries in memory, from the bytes of a request to those of its answer, without a socket.

Everything between them is the real thing: routes, tokens, limits, admission, replay guard, operations, policy, journal,
stores. Only the registries are in memory, and durable work is kept and not done.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import orjson
import structlog
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request

from adapters.catalogue import FOLDER, find_manifests
from adapters.ports import Record
from gateway import bootstrap
from gateway.api.app import application
from gateway.bootstrap import Gateway, utc_now
from gateway.delivery.sending import Said
from gateway.settings import Consumer, Settings
from standards.dci.operations import OPERATIONS
from tests.builders import ASHA, Truth, World, family, sandbox_agreement
from tests.subscribing import StepWork

ASKING = Consumer(
    client_id="disability-allowance",
    sender_id="disability-allowance.programmes.pv",
    callback_hosts=("programme.example.org",),
)
OTHER = Consumer(client_id="uct", sender_id="uct.programmes.pv", signature="required")
CALLBACK_TOKEN = "secret of the registry"
UIN, STRANGER = ASHA["UIN"], "2000000009"
DETAILS = [{"@type": "DisabilityDetails", "impairment_type": "3", "impairment_level": "2"}]
SUPPORT = [{"@type": "DisabilitySupport", "assistive_technology": [{"type": "1", "status": "0"}]}]
ENROLMENTS = [{"programme_identifier": "OAP", "programme_name": "Old age pension", "enrollment_status": "1"}]


def truth() -> Truth:
    """Asha's family, what the registries of one kind of people say of her, and somebody of another family."""
    registered = {"is_disabled": True, "disability_details": DETAILS, "disability_support": SUPPORT}
    everybody = family()
    everybody["crvs", "person"].append(Record({"UIN": STRANGER}, {"given_name": "Wanjiru", "surname": "Kamau"}))
    return everybody | {
        ("disability", "assessment"): [Record({"UIN": UIN}, registered)],
        ("beneficiary", "enrolments"): [Record({"UIN": UIN}, {"benefit_enrolments": ENROLMENTS})],
        ("employment", "job_seeker"): [Record({"UIN": UIN}, {"employment_enrolment_status": "7"})],
    }


class Answered(NamedTuple):
    """What came back, and what the operator's log holds about it."""

    status: int
    raw: bytes
    headers: Mapping[str, str]
    log: str

    @property
    def body(self) -> dict[str, Any]:
        """The body, which is always JSON."""
        return dict(orjson.loads(self.raw))

    @property
    def code(self) -> str | None:
        """The first code that refuses the message or one of its items; None when nothing was refused."""
        body = self.body
        if "errors" in body:
            return str(body["errors"][0]["code"])
        if "header" not in body:
            error = body["message"].get("error")
            return str(error["code"]) if error else None
        said = [body["header"].get("status_reason_code")]
        said += [item.get("status_reason_code") for item in items_of(body)]
        return next(filter(None, said), None)


def items_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of an answer, wherever its operation has them."""
    message = body["message"]
    if "txnstatus_response" in message:
        message = message["txnstatus_response"]["txn_status"]
        if "status" in message:
            return [message]
    return [item for name, items in message.items() if name.endswith(("_response", ":rejected")) for item in items]


class Left(NamedTuple):
    """What left the gateway by itself."""

    url: str
    body: dict[str, Any]
    headers: Mapping[str, str]


class KeptSender:
    """Takes every callback, and sends none."""

    def __init__(self, _timeout_s: float) -> None:
        self.left: list[Left] = []

    async def send(self, url: str, body: bytes, headers: Mapping[str, str], *, pool: str, is_private: bool) -> Said:
        """Keep it."""
        self.left.append(Left(url, orjson.loads(body), headers))
        return Said(True, "")

    async def close(self) -> None:
        """Hold nothing."""


class Whole:
    """A gateway as the handler of HTTP requests."""

    def __init__(
        self, gateway: Gateway, app: web.Application, world: World, work: StepWork, sender: KeptSender
    ) -> None:
        self.gateway, self.world, self.work, self._app, self._sender = gateway, world, work, app, sender
        self.token = gateway.tokens._issued(ASKING, "").token

    async def later(self) -> list[Left]:
        """Do what is to be done later; what left by it."""
        self._sender.left.clear()
        await self.work.run()
        return list(self._sender.left)

    async def send(self, path: str, body: object, **headers: str) -> Answered:
        """Give a body to an address, `/registry/sync/search` for example."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        loop = asyncio.get_running_loop()
        stream = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
        stream.feed_data(content)
        stream.feed_eof()
        is_callback = path.partition("/registry/")[2] in CALLBACKS
        stated = {
            "Authorization": f"Bearer {CALLBACK_TOKEN if is_callback else self.token}",
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
        }
        request = make_mocked_request("POST", path, stated | headers, payload=stream, app=self._app)
        with structlog.testing.capture_logs() as lines:
            response = await self._app._handle(request)
        assert isinstance(response, web.Response)
        assert isinstance(response.body, bytes)
        return Answered(response.status, response.body, dict(response.headers), repr(lines))


_ELSEWHERE = {
    "HEARTH_SOCIAL_INSURANCE_URL": "sqlite:////nowhere/fund.db",
    "HEARTH_PAYMENTS_URL": "file:///nowhere/payments",
    "HEARTH_FARMERS_LIST_URL": "sftp://farmers.example.org:22/",
    "HEARTH_FARMERS_LIST_HOST_KEY": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJMlpRFvNcDZIpiqvKmpPHvTCIg4dCL8tB2CPPBHSEiV",
}
"""Where those registries are that are not asked over HTTP; nobody is there either."""
CALLBACKS = frozenset(path for path, one in OPERATIONS.items() if one.is_callback)


@asynccontextmanager
async def whole(folder: Path, **changes: Any) -> AsyncIterator[Whole]:
    """A gateway that is open; settings may be changed."""
    environment = {name: _ELSEWHERE.get(name, f"https://{name.lower()}.example.org") for name in _references()}
    environment |= {name: CALLBACK_TOKEN for name in environment if name.endswith("CALLBACK_TOKEN")}
    (folder / "agreements").mkdir(exist_ok=True)
    stated = {
        "consumers": (ASKING, OTHER),
        "stores": {"folder": folder / "stores"},
        "agreements": {"folder": folder / "agreements"},
        "server": {"sender_id": "gateway.example.org"},
        "trust": {"signing": ["ed25519"], "encryption": ["ECDH-ES+A256KW"]},
    } | changes
    work, sender = StepWork(utc_now), KeptSender(0)
    with patch.multiple(bootstrap, open_work=lambda *_: work, HttpSender=lambda _: sender):
        gateway = Gateway(Settings(**stated), "https://gateway.example.org", environment)
    world = World(truth(), *map(sandbox_agreement, (ASKING.client_id, OTHER.client_id)))
    app = application(gateway)
    runner = web.AppRunner(app)
    await runner.setup()
    gateway.lineups.answer_with(world.rooms)
    try:
        yield Whole(gateway, app, world, work, sender)
    finally:
        await runner.cleanup()


def _references() -> set[str]:
    words = " ".join(path.read_text(encoding="utf-8") for path in find_manifests((FOLDER,))).replace("}", " ")
    return {word.partition(":")[2] for word in words.split() if word.startswith("env:")}


def message(path: str, content: Mapping[str, Any], to: Consumer = ASKING, **header: Any) -> dict[str, Any]:
    """A whole message to an operation; header members may be given, and None leaves one out."""
    operation = OPERATIONS[path]
    stated: dict[str, Any] = {
        "version": "1.0.0",
        "message_id": secrets.token_hex(12),
        "message_ts": now(),
        "action": operation.action.value,
        "sender_id": to.sender_id,
        "sender_uri": "https://programme.example.org/registry/on-search",
        "receiver_id": "gateway.example.org",
        "total_count": 1,
        "is_msg_encrypted": False,
    }
    if operation.is_callback or path == "sync/enrollment/updates":
        stated |= {"status": "succ"}
    stated = {name: value for name, value in (stated | header).items() if value is not None}
    return {"header": stated, "message": {"transaction_id": "t-1", **content}}


def now() -> str:
    """A timestamp as messages have them."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def search(criteria: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The content of a search with one question."""
    item = {"reference_id": "r-1", "timestamp": now(), "search_criteria": dict(criteria), "locale": "eng"} | more
    return {"search_request": [item]}


def by_number(number: str = UIN, **more: Any) -> dict[str, Any]:
    """Criteria that ask about somebody by the national number."""
    return {
        "version": "1.0.0",
        "reg_type": "ns:org:RegistryType:Social",
        "reg_record_type": "Group",
        "query_type": "idtype-value",
        "query": {"type": "UIN", "value": number},
        "authorize": {"purpose": {"code": "entitlement"}},
    } | more

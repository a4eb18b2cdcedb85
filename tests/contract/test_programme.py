"""The toy programme: it acknowledges what it has stored, stores everything once, and fails as it is told."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mocks.programme.application import HOST, open_programme
from mocks.programme.receiving import Programme
from standards.encryption import encrypt
from standards.signing import keys_of_jwks, public_jwk, sign, thumbprint
from tests.contract.dci_spec import needs_dci_spec, response_faults

pytestmark = [pytest.mark.contract, needs_dci_spec]
PAYLOADS: dict[str, tuple[str, dict[str, Any]]] = {
    "on-search": ("on-search", {"search_response": []}),
    "on-subscribe": ("on-subscribe", {"subscribe_response": []}),
    "on-unsubscribe": ("on-unsubscribe", {"subscription_status": []}),
    "notify": ("notify", {"notify_event": [{}]}),
    "txn/on-status": ("txn-on-status", {"txnstatus_response": {}}),
}
KEY = Ed25519PrivateKey.generate()
JWK = public_jwk(KEY.public_key())


def callback(kind="on-search", message_id="m-1", **content):
    """Return a callback as the gateway sends it, unsigned."""
    action, payload = PAYLOADS[kind]
    return {
        "header": {
            "message_id": message_id,
            "message_ts": "2026-03-04T09:15:00+00:00",
            "action": action,
            "status": "succ",
            "sender_id": "hearth",
        },
        "message": {"transaction_id": "t-1", "correlation_id": "c-1", **payload, **content},
    }


def signed(message, key=KEY):
    """Return a message signed now."""
    kid = thumbprint(public_jwk(key.public_key()))
    said = sign(message, key, sender_id="hearth", key_id=kid, now=datetime.now(UTC))
    return message | {"signature": said}


class Sender:
    """Somebody who sends callbacks to the programme."""

    def __init__(self, client, url):
        self.client, self.url = client, url

    async def send(self, message, kind="on-search", key=None, prefix=""):
        """Post a callback; returns the status and the ACK, or None when the connection broke."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        where = f"{self.url}{prefix}/registry/{kind}"
        try:
            async with self.client.post(where, data=body, headers=headers, allow_redirects=False) as response:
                ack = await response.read()
                is_json = response.content_type == "application/json"
                return response.status, json.loads(ack)["message"] if is_json else dict(response.headers)
        except aiohttp.ClientError:
            return None, None

    async def control(self, method, name, **extra):
        async with self.client.request(method, f"{self.url}/_sandbox/{name}", **extra) as response:
            return response.status, await response.json() if response.status != 204 else None

    async def fault(self, **fault):
        status, _ = await self.control("PUT", "faults", json=fault)
        assert status == 200

    async def received(self, **query):
        return (await self.control("GET", "received", params=query))[1]["received"]

    async def attempts(self):
        return (await self.control("GET", "attempts"))[1]["attempts"]


@pytest.fixture
async def client():
    """A client of the programme."""
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.fixture
async def sender(client):
    """Somebody who sends to a programme that takes unsigned callbacks too."""
    async with open_programme(Programme(signatures="optional")) as url:
        yield Sender(client, url)


@pytest.mark.parametrize("kind", PAYLOADS)
async def test_every_callback_is_acknowledged_and_kept(sender, kind):
    """At any prefix; the ACK is that of the standard."""
    status, ack = await sender.send(callback(kind), kind, prefix="/a/programme")

    assert (status, ack["ack_status"]) == (200, "ACK")
    assert response_faults("crvs_api_v1.0.0.yaml", f"/registry/{kind}", {"message": ack}) == []
    (kept,) = await sender.received(kind=kind)
    assert (kept["message"], kept["path"]) == (callback(kind)["message"], f"/a/programme/registry/{kind}")


async def test_what_comes_again_is_kept_once(sender):
    """By its idempotency key; a repetition that says something else shows."""
    for message in (callback(), callback(message_id="m-2"), callback(transaction_id="t-2")):
        status, ack = await sender.send(message, key="k-1")
        assert (status, ack["ack_status"]) == (200, "ACK")
    await sender.send(callback(message_id="m-2"))

    first, second = await sender.received()

    assert (first["idempotency_key"], first["times"], first["differs"]) == ("k-1", 3, True)
    assert (second["idempotency_key"], second["message_id"], second["times"]) == (None, "m-2", 1)
    assert [one["outcome"] for one in await sender.attempts()] == ["received", "repeated", "repeated", "received"]


async def test_asking_waits_for_what_has_not_come_yet(sender):
    """`at_least` and `wait_s` spare a test its sleeping."""
    asked = asyncio.ensure_future(sender.received(at_least=2, wait_s=30, correlation_id="c-9"))
    for number in range(3):
        await sender.send(callback(message_id=f"m-{number}", correlation_id="c-9" if number else "c-1"))

    assert [one["message_id"] for one in await asked] == ["m-1", "m-2"]
    assert await sender.received(at_least=9, wait_s=0) != []
    await sender.control("DELETE", "received")
    assert await sender.received() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"header": {}, "message": {}}',
        json.dumps(callback("notify")).encode(),
        json.dumps(callback() | {"message": {"transaction_id": "t"}}).encode(),
        json.dumps(callback() | {"header": callback()["header"] | {"status": "fine"}}).encode(),
        json.dumps(callback() | {"header": callback()["header"] | {"message_ts": "2026-03-04T09:15:00"}}).encode(),
    ],
)
async def test_what_is_no_callback_is_refused(sender, body):
    """With HTTP 400 and an ACK object that says ERR; nothing is kept."""
    status, ack = await sender.send(body)

    assert (status, ack["ack_status"], ack["error"]["code"]) == (400, "ERR", "err.request.bad")
    assert await sender.received() == []


@pytest.mark.parametrize(
    ("fault", "status", "said", "is_kept"),
    [
        ({"mode": "fail", "status": 502, "retry_after": 7}, 502, None, False),
        ({"mode": "redirect", "location": "http://169.254.169.254/"}, 307, None, False),
        ({"mode": "nack"}, 200, "NACK", False),
        ({"mode": "err"}, 200, "ERR", False),
        ({"mode": "late", "delay_ms": 20}, 200, "ACK", True),
        ({"mode": "lost"}, None, None, True),
        ({"mode": "down"}, None, None, False),
    ],
)
async def test_a_fault_meets_as_many_as_told(sender, fault, status, said, is_kept):
    """And then everything is well again."""
    await sender.fault(times=1, **fault)

    met = await sender.send(callback(), key="k-1")
    kept = await sender.received()
    well = await sender.send(callback(), key="k-1")

    assert met[0] == status
    if said:
        assert met[1]["ack_status"] == said
    if fault["mode"] == "redirect":
        assert met[1]["Location"] == fault["location"]
    if fault["mode"] == "fail":
        assert met[1]["Retry-After"] == "7"
    assert bool(kept) == is_kept
    assert well[1]["ack_status"] == "ACK"
    assert (await sender.received())[0]["times"] == 1 + is_kept


async def test_a_fault_meets_only_its_kinds(sender):
    """Others are received as ever; deleting it returns to good behaviour."""
    await sender.fault(mode="fail", kinds=["notify"])

    statuses = [(await sender.send(callback(kind), kind))[0] for kind in ("notify", "on-search")]
    await sender.control("DELETE", "faults")

    assert statuses == [503, 200]
    assert (await sender.send(callback("notify", "m-9"), "notify"))[0] == 200
    assert (await sender.control("PUT", "faults", json={"mode": "sulk"}))[0] == 422


async def test_who_hangs_lets_go_when_the_server_stops(client):
    """A caller without an answer meets a broken connection then."""
    async with open_programme(Programme(signatures="optional")) as url:
        sender = Sender(client, url)
        await sender.fault(mode="hang")
        hanging = asyncio.ensure_future(sender.send(callback()))
        await sender.control("GET", "attempts", params={"at_least": 1, "wait_s": 30})

    assert await asyncio.wait_for(hanging, 30) == (None, None)


class Gateway:
    """Where the gateway's keys are published, and how often they were fetched."""

    def __init__(self):
        self.keys, self.fetched, self.is_up = [JWK | {"kid": thumbprint(JWK)}], 0, True

    async def jwks(self, request):
        self.fetched += 1
        return web.json_response({"keys": self.keys}) if self.is_up else web.Response(status=503)


@pytest.fixture
async def gateway():
    """A gateway that publishes one key; yields it and the address."""
    published = Gateway()
    app = web.Application()
    app.router.add_get("/.well-known/jwks.json", published.jwks)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    try:
        yield published, f"http://{HOST}:{runner.addresses[0][1]}/.well-known/jwks.json"
    finally:
        await runner.cleanup()


@pytest.fixture
async def strict(client, gateway):
    """Somebody who sends to a programme that demands the gateway's signature."""
    async with open_programme(Programme(gateway[1])) as url:
        yield Sender(client, url)


async def test_a_signature_is_demanded_and_verified(strict, gateway):
    """The keys are fetched once; what is unsigned, changed or signed by another key is refused with its code."""
    other = Ed25519PrivateKey.generate()
    outcomes = [
        await strict.send(signed(callback())),
        await strict.send(callback()),
        await strict.send(signed(callback()) | {"message": callback(transaction_id="t-2")["message"]}),
        await strict.send(signed(callback(), other)),
        await strict.send(signed(callback(message_id="m-2"))),
    ]

    assert [(status, ack.get("error", {}).get("code")) for status, ack in outcomes] == [
        (200, None),
        (401, "err.signature.missing"),
        (401, "err.signature.invalid"),
        (401, "err.signature.invalid"),
        (200, None),
    ]
    assert [one["signature"] for one in await strict.received()] == ["verified", "verified"]
    assert gateway[0].fetched == 2


async def test_known_keys_serve_while_the_gateway_is_away(strict, gateway):
    """Without any key the programme asks to come again; with the key it knows it goes on."""
    gateway[0].is_up = False
    early = await strict.send(signed(callback()))
    gateway[0].is_up = True
    await strict.send(signed(callback()))
    gateway[0].is_up = False
    late = await strict.send(signed(callback(message_id="m-2")))

    assert (early[0], late[0]) == (503, 200)
    assert len(await strict.received()) == 2


async def test_trust_is_set_while_it_runs(sender, gateway):
    """A programme that started before the gateway is told later where its keys are."""
    status, told = await sender.control("PUT", "trust", json={"jwks_url": gateway[1], "signatures": "required"})

    assert (status, told["signatures"]) == (200, "required")
    assert (await sender.send(callback()))[0] == 401
    assert (await sender.send(signed(callback())))[0] == 200
    assert (await sender.control("PUT", "trust", json={"signatures": "perhaps"}))[0] == 422


async def test_what_is_encrypted_to_its_key_is_read(sender):
    """And what is encrypted to another key is refused."""
    async with sender.client.get(f"{sender.url}/.well-known/jwks.json") as response:
        published = await response.json()
    ((kid, key),) = keys_of_jwks(published, use="enc").items()
    plain, theirs = callback(), Programme().own_keys.published()["keys"][0]
    header = plain["header"] | {"is_msg_encrypted": True}
    ((_, other),) = keys_of_jwks({"keys": [theirs]}, use="enc").items()

    read = await sender.send({"header": header, "message": encrypt(plain["message"], key, kid)})
    unread = await sender.send({"header": header, "message": encrypt(plain["message"], other, kid)})

    assert (read[0], unread[0], unread[1]["error"]["code"]) == (200, 400, "err.encryption.invalid")
    (kept,) = await sender.received()
    assert (kept["message"], kept["was_encrypted"]) == (plain["message"], True)

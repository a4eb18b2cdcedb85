"""A gateway with no registries, and programmes that sign, encrypt and log in in every way there is."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

import jwt
import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.api.app import application
from gateway.bootstrap import Gateway
from gateway.settings import Consumer, Settings
from gateway.trust.assertions import ASSERTION_TYPE
from gateway.trust.ring import new_key
from standards.signing import Form, PrivateKey, public_jwk, sign

BASE = "https://gateway.example.org"
ED, STRANGER = (Ed25519PrivateKey.generate() for _ in range(2))
ES, RS, EC = (new_key(name) for name in ("ES256", "RS256", "ECDH-ES+A256KW"))
"""STRANGER is a key that nobody has registered."""


def pem(key: PrivateKey) -> str:
    """The public half of a key."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def kid(key: PrivateKey) -> str:
    """The id that a key is found by."""
    return public_jwk(key.public_key())["kid"]


def consumer(client_id: str = "uct", **changes: Any) -> Consumer:
    """A programme that has registered a key of every kind."""
    return Consumer(
        **{
            "client_id": client_id,
            "sender_id": f"{client_id}.example.org",
            "public_keys": (pem(ED), pem(ES), pem(RS)),
            **changes,
        }
    )


UCT = consumer()


class Said(NamedTuple):
    """What came back."""

    status: int
    body: dict[str, Any]
    headers: Any

    @property
    def code(self) -> str | None:
        """The code of a refusal, wherever it stands; None for a message that was taken."""
        if "errors" in self.body:
            return str(self.body["errors"][0]["code"])
        if "header" in self.body:
            return cast("str | None", self.body["header"].get("status_reason_code"))
        return cast("str | None", self.body["message"].get("error", {}).get("code"))


class Asking:
    """A programme before a running gateway."""

    def __init__(self, gateway: Gateway, client: TestClient[web.Request, web.Application]) -> None:
        self.gateway, self.client = gateway, client

    def token(self, to: Consumer = UCT, scope: str = "") -> str:
        """An access token of this gateway's."""
        return self.gateway.tokens._issued(to, scope).token

    async def post(self, body: Any, path: str = "sync/search", *, token: str | None = None) -> Said:
        """Send a body to an operation."""
        headers = {"Authorization": f"Bearer {token or self.token()}", "Content-Type": "application/json"}
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        async with self.client.post(f"/registry/{path}", data=content, headers=headers) as response:
            return Said(response.status, orjson.loads(await response.read()), response.headers)

    async def token_request(self, **form: str) -> Said:
        """Ask for a token."""
        stated = {"grant_type": "client_credentials", **form}
        async with self.client.post("/oauth2/client/token", data=stated) as response:
            return Said(response.status, orjson.loads(await response.read()), response.headers)

    async def keys(self) -> list[dict[str, str]]:
        """The published keys."""
        async with self.client.get("/.well-known/jwks.json") as response:
            return list(orjson.loads(await response.read())["keys"])


@asynccontextmanager
async def asking(folder: Path, *consumers: Consumer, **changes: Any) -> AsyncIterator[Asking]:
    """A running gateway that some consumers are registered with."""
    (folder / "agreements").mkdir(exist_ok=True)
    stated = {
        "consumers": consumers or (UCT,),
        "stores": {"folder": folder / "stores"},
        "agreements": {"folder": folder / "agreements"},
        "registries": {"builtin": False},
        "trust": {"encryption": ["ECDH-ES+A256KW"], "signing": ["ed25519", "ES256"]},
        "server": {"sender_id": "gateway.example.org"},
    } | changes
    gateway = Gateway(Settings(**stated), BASE, {})
    async with TestClient(TestServer(application(gateway))) as client:
        yield Asking(gateway, client)


def message(to: Consumer = UCT, **changes: Any) -> dict[str, Any]:
    """A whole question of a consumer; header members may be given."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    header = {
        "version": "1.0.0",
        "message_id": secrets.token_hex(8),
        "message_ts": now,
        "action": "search",
        "sender_id": to.sender_id,
        "total_count": 1,
    } | changes
    criteria = {
        "reg_type": "ns:org:RegistryType:Social",
        "query_type": "idtype-value",
        "query": {"type": "UIN", "value": "1000000001"},
        "consent": {"purpose": {"code": "eligibility"}},
    }
    item = {"reference_id": "r-1", "timestamp": now, "search_criteria": criteria}
    return {"header": header, "message": {"transaction_id": "t-1", "search_request": [item]}}


def signed(
    body: dict[str, Any], key: PrivateKey = ED, form: Form = Form.KEYED, *, by: str | None = None, at_s: float = 0
) -> dict[str, Any]:
    """A message with a signature; at_s: how far from now it was made."""
    now = datetime.now(UTC) + timedelta(seconds=at_s)
    said = sign(body, key, sender_id=body["header"]["sender_id"], key_id=by or kid(key), now=now, form=form)
    return {"signature": said, **body}


def assertion(client_id: str = "uct", key: Any = ES, algorithm: str = "ES256", **changes: Any) -> dict[str, str]:
    """The form members of a client assertion; claims may be changed, None leaves one out."""
    header = {"kid": changes.pop("kid", kid(ES))}
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": client_id, "sub": client_id, "aud": BASE, "exp": now + 60, "jti": secrets.token_hex(8)} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    made = jwt.encode(claims, key, algorithm=algorithm, headers={k: v for k, v in header.items() if v is not None})
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": made}

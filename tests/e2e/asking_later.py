"""Asynchronous questions as a programme's own system would write them, and a sandbox whose gateway can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx

from gateway.sandbox import Sandbox


def by_number(number: str, purpose: str, reference: str = "r-1", **criteria: Any) -> dict[str, Any]:
    """One question about the household of a person."""
    asked = {
        "query_type": "idtype-value",
        "query": {"type": "UIN", "value": number},
        "reg_type": "ns:org:RegistryType:Social",
        "reg_record_type": "Group",
        "consent": {"purpose": {"code": purpose}},
        **criteria,
    }
    return {"reference_id": reference, "timestamp": _now(), "search_criteria": asked}


def message(sender_id: str, sender_uri: str | None, *questions: Mapping[str, Any], **header: Any) -> dict[str, Any]:
    """A whole search message that is to be answered by a callback."""
    return {
        "header": {
            "version": "1.0.0",
            "message_id": str(uuid.uuid4()),
            "message_ts": _now(),
            "action": "search",
            "sender_id": sender_id,
            "total_count": len(questions),
            **({} if sender_uri is None else {"sender_uri": sender_uri}),
            **header,
        },
        "message": {"transaction_id": str(uuid.uuid4()), "search_request": list(questions)},
    }


class Asker:
    """A programme's system that knows HTTP and nothing else."""

    def __init__(self, gateway: str, consumer: Mapping[str, Any]) -> None:
        self.consumer = consumer
        self.http = httpx.Client(base_url=gateway, trust_env=False, timeout=10)
        self._token = ""

    def send(self, body: Mapping[str, Any], path: str = "/registry/search") -> httpx.Response:
        """Send one message."""
        self._token = self._token or self._login()
        return self.http.post(path, json=body, headers={"Authorization": f"Bearer {self._token}"})

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of every connection."""
        self.http.close()

    def _login(self) -> str:
        form = {"grant_type": "client_credentials"}
        form |= {name: self.consumer[name] for name in ("client_id", "client_secret")}
        return str(self.http.post("/oauth2/client/token", data=form).raise_for_status().json()["access_token"])


class MortalSandbox(Sandbox):
    """A sandbox whose gateway is killed and started again, at the same address."""

    _how: Mapping[str, str]

    def _spawn(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Any:
        if name == "gateway":
            self._how = dict(environment or {})
        return super()._spawn(name, *arguments, environment=environment)

    @property
    def gateway(self) -> int:
        """Return the number of the gateway's process."""
        return int(self._children[-1].pid)

    def kill(self) -> None:
        """End the gateway as a power cut would."""
        gateway = self._children.pop()
        os.killpg(gateway.pid, signal.SIGKILL)  # a session of its own: nobody else is in it
        gateway.wait()
        if gateway.stdin is not None:
            gateway.stdin.close()

    def revive(self, *, wait: bool = True) -> None:
        """Start the gateway again."""
        address = self.folder / "gateway.address"
        address.unlink(missing_ok=True)
        child: subprocess.Popen[bytes] = self._spawn(
            "gateway", "-m", "gateway", "serve", "--config", str(self.folder / "config.yaml"),
            "--address-file", str(address), "--until-stdin-closes", environment=self._how,
        )  # fmt: skip
        if wait:
            self._appears(address, child)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def mortal(
    folder: Path, settings: Mapping[str, str], households: int = 60
) -> Iterator[tuple[MortalSandbox, dict[str, Any]]]:
    """Run a small country and a gateway that can be killed."""
    sandbox = MortalSandbox(folder, port=free_port(), households=households, overrides=settings)
    with sandbox.running() as content:
        yield sandbox, content


def until(is_so: Any, seconds: float = 20) -> Any:
    """Wait for a condition; return what it came to."""
    end = time.monotonic() + seconds
    while not (said := is_so()) and time.monotonic() < end:
        time.sleep(0.05)
    return said


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

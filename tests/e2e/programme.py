"""The toy programme in a process of its own, as end-to-end and crash tests use it: it lives on while gateways die."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_S = 30


class ToyProgramme:
    """A running programme: what it received, and what it is told to do wrong."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=310)

    def callback(self, kind: str) -> str:
        """Return the address of one kind of callback, such as `on-search`."""
        return f"{self.url}/registry/{kind}"

    def received(self, at_least: int = 0, wait_s: float = 30, **wanted: str) -> list[dict[str, Any]]:
        """Return the messages received, each once and in order; waits until there are so many or time is up."""
        return self._list("received", {"at_least": at_least, "wait_s": wait_s, **wanted})

    def attempts(self, at_least: int = 0, wait_s: float = 30) -> list[dict[str, Any]]:
        """Return every attempt to bring a message, the refused too."""
        return self._list("attempts", {"at_least": at_least, "wait_s": wait_s})

    def fault(self, mode: str, **more: Any) -> None:
        """Receive badly from now on; see mocks/README.md for the modes."""
        self.http.put("/_sandbox/faults", json={"mode": mode, **more}).raise_for_status()

    def mend(self) -> None:
        """Receive well again."""
        self.http.delete("/_sandbox/faults").raise_for_status()

    def forget(self) -> None:
        """Forget everything received."""
        self.http.delete("/_sandbox/received").raise_for_status()

    def trust(self, **settings: Any) -> None:
        """Take the gateway's keys from `jwks_url`, and hold callbacks to `signatures`: required, optional or off."""
        self.http.put("/_sandbox/trust", json=settings).raise_for_status()

    def _list(self, name: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        shown = self.http.get(f"/_sandbox/{name}", params=query).raise_for_status().json()
        return list(shown[name])


@contextmanager
def toy_programme(folder: Path, *options: str) -> Iterator[ToyProgramme]:
    """Run `python -m mocks.programme` until the block ends; `options` as on its command line."""
    command = [sys.executable, "-m", "mocks.programme", "--dir", str(folder), "--until-stdin-closes", *options]
    card = folder / "programme.json"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment
    ) as process:
        programme = None
        try:
            end = time.monotonic() + START_S
            while not card.exists():
                assert process.poll() is None, "the programme ended at once"
                assert time.monotonic() < end, "the programme did not start"
                time.sleep(0.02)
            programme = ToyProgramme(json.loads(card.read_bytes())["url"])
            yield programme
        finally:
            if programme is not None:
                programme.http.close()
            process.terminate()
            process.wait(START_S)

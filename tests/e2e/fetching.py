"""A sandbox whose registries and agreements use what is off by default: late and old answers, mandatory sources."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML

from adapters.catalogue import FOLDER
from gateway.journal import read, sqlite_url
from gateway.sandbox import AGREEMENTS, Sandbox
from tests.e2e.conftest import Country

PLACES = 16
LIMITS = {"max_response_bytes": 300_000, "max_in_flight": PLACES}
"""Small, so that an answer without end costs a test little, and sockets that stay open can be told from lost ones."""
KEEPS_LATE = "education"
HOUSEHOLDS = 300
SEED = 7
DEADLINE_S = 4.0


class FetchingCountry(Country):
    """The country, with the operator's view of the gateway and the consumer's of time."""

    @property
    def pid(self) -> int:
        """The gateway process."""
        return int(next(line["pid"] for line in self.log() if line["event"] == "gateway_open"))

    def post(self, programme: str, *, deadline_ms: object = None, timeout_s: float = 30.0) -> httpx.Response:
        """Ask as a programme does about one household, with its own time; an own connection each time."""
        consumer = self.content["consumers"][programme]
        subject = self.example("complete_household")
        client = self.client(programme)
        item = {
            "reference_id": "r-1",
            "timestamp": "2026-01-01T00:00:00Z",
            "search_criteria": {
                "reg_type": "ns:org:RegistryType:Social",
                "reg_record_type": "spdci-ns:DRI:RecordType:Group",
                "query_type": "idtype-value",
                "query": {"type": subject.type, "value": subject.value},
                "authorize": {"purpose": {"code": consumer["purposes"][0]}},
            },
        }
        headers = {"Authorization": f"Bearer {self.token(programme)}"}
        if deadline_ms is not None:
            headers["Hearth-Deadline-Ms"] = str(deadline_ms)
        with httpx.Client(trust_env=False, timeout=timeout_s) as http:
            message = client.message([item])
            return http.post(f"{self.content['gateway']}/registry/sync/search", json=message, headers=headers)

    def answer(self, programme: str, *, deadline_ms: object = None) -> dict[str, Any]:
        """The one item of an answer."""
        response = self.post(programme, deadline_ms=deadline_ms).raise_for_status()
        (item,) = response.json()["message"]["search_response"]
        return dict(item)

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        text = self.http.get(f"{self.content['gateway']}/metrics").raise_for_status().text
        return sum(float(v) for v in re.findall(rf"^{re.escape(name)}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE))

    def journal(self, newest: int) -> list[dict[str, Any]]:
        """The newest entries of the journal."""
        return [entry for _, entry in read(sqlite_url(self.folder / "journal.db"), newest=newest)]

    def open_files(self) -> int:
        """How many files and sockets the gateway holds."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def memory_bytes(self) -> int:
        """How much memory the gateway holds."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def fresh(self) -> None:
        """Mend everything, forget everything, count anew."""
        for registry in self.content["registries"]:
            self.mend(registry)
        self.forget()
        self.reset_calls()


def comes(true: Callable[[], bool], within_s: float = 10.0) -> bool:
    """Tell whether something becomes true; it is looked for until then, and no test waits longer than it must."""
    until = time.monotonic() + within_s
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def fetching_country(folder: Path) -> Iterator[FetchingCountry]:
    """A running sandbox."""
    sandbox = Sandbox(
        folder / "sandbox",
        port=0,
        seed=SEED,
        households=HOUSEHOLDS,
        consumers={name: _agreement(folder, name, **changes) for name, changes in _PROGRAMMES.items()},
        overrides={
            "messages.deadline_s": str(DEADLINE_S),
            "registries.builtin": "false",
            "registries.folders": f"['{_registries(folder)}']",
            "sign_answers": "false",
        },
    )
    with sandbox.running() as content:
        country = FetchingCountry(folder / "sandbox", content)
        try:
            yield country
        finally:
            country.close()


_PROGRAMMES: dict[str, dict[str, Any]] = {
    "twin-one": {},
    "twin-two": {},
    "forgiving": {"max_age_s": 0.001, "stale_if_error_s": 600},
    "strict": {"mandatory": ["education"]},
    "load": {
        "max_age_s": 0.001,
        "attributes": {"given_name": "value", "land_area_ha": "value", "income_annual": "value"},
    },
}
"""What differs from the school grant's agreement; a tiny age keeps everything from being served twice."""


def _agreement(folder: Path, name: str, **changes: Any) -> Path:
    """Write the school grant's agreement as another programme's, with changes."""
    yaml = YAML(typ="safe", pure=True)
    stated = yaml.load(AGREEMENTS / "cct-education.yaml") | {"id": f"{name}-agreement"} | changes
    stated["consumer"] |= {"id": name, "client_id": name, "sender_id": f"{name}.programmes.pv"}
    file = folder / f"{name}.yaml"
    with file.open("w", encoding="utf-8") as stream:
        YAML().dump(stated, stream)
    return file


def _registries(folder: Path) -> Path:
    """Copy the manifests with other limits; what speaks for a registry stays where it is."""
    yaml = YAML()
    copies = folder / "registries"
    for file in FOLDER.glob("*/manifest.yaml"):
        manifest = yaml.load(file)
        manifest["limits"] |= LIMITS | ({"keep_late": True} if manifest["id"] == KEEPS_LATE else {})
        own = shutil.copytree(
            file.parent, copies / file.parent.name, ignore=shutil.ignore_patterns("*.py", "__pycache__")
        )
        with (own / file.name).open("w", encoding="utf-8") as stream:
            yaml.dump(manifest, stream)
    return copies

"""Gateways for the bench: folders with keys, agreements, consents and settings; real processes over them."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ruamel.yaml import YAML

from gateway.keys import open_keys
from gateway.tokens import hashed
from policies.ledger import SqliteLedger
from tests.bench.people import MOST_MEMBERS, digits, member
from tests.bench.processes import ROOT, Processes, children_of

AGREEMENT: Final = ROOT / "policies" / "sandbox" / "uct.yaml"
CLIENT: Final = "uct"
SENDER: Final = "uct.programmes.pv"
LARGE_HOUSEHOLDS: Final = 1000
"""Of so many households, up to the largest size, everybody has consented."""


class Stand:
    """What every gateway of a run shares: registries' environment, keys, consents, one consumer.

    environment: where the registries are, as the manifests read it.
    households: how many households can be asked about.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], households: int) -> None:
        self.folder, self.environment, self.households = folder / "stand", dict(environment), households
        self.folder.mkdir(parents=True)
        self.secret = secrets.token_urlsafe(24)
        self.key = Ed25519PrivateKey.generate()
        self._hash = hashed(self.secret)
        self._import_consents()

    def _import_consents(self) -> None:
        keys = open_keys(self.folder / "keys")
        ledger = SqliteLedger.open(self.folder / "consent.db", keys.derived("consent"))
        try:
            asyncio.run(ledger.import_lines(_consents(self.households)))
        finally:
            ledger.close()

    def prepare(self, name: str, overrides: Mapping[str, Any], agreement: Path = AGREEMENT) -> Path:
        """Make the folder of one gateway, with a copy of keys and consents; return its settings file."""
        folder = self.folder.parent / name
        shutil.copytree(self.folder, folder)
        (folder / "agreements").mkdir()
        shutil.copyfile(agreement, folder / "agreements" / agreement.name)
        public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        config: dict[str, Any] = {
            "sandbox": True,
            "server": {"port": 0},
            "agreements": str(folder / "agreements"),
            "stores": {"folder": str(folder)},
            "log": {"file": str(folder / "gateway.log")},
            "consumers": [{"client_id": CLIENT, "sender_id": SENDER, "secret_hash": self._hash, "public_key": public}],
            "sign_answers": False,
        }
        for path, value in overrides.items():
            inner = config
            *groups, last = path.split(".")
            for group in groups:
                inner = inner.setdefault(group, {})
            inner[last] = value
        file = folder / "config.yaml"
        with file.open("w", encoding="utf-8") as stream:
            YAML().dump(config, stream)
        return file


class Running(NamedTuple):
    """One server under load: a gateway, or a peer of it."""

    name: str
    port: int
    pids: tuple[int, ...]
    """The first is that of the process that ends the others."""


def start_gateway(
    processes: Processes,
    stand: Stand,
    name: str,
    overrides: Mapping[str, Any] | None = None,
    *,
    without: str = "",
    workers: int = 1,
    root: Path = ROOT,
    agreement: Path = AGREEMENT,
) -> Running:
    """Start a gateway as an operator would, `python -m gateway serve`, and return where it answers.

    without: a duty that is switched off, for which the bench's own starter is used.
    workers: processes that share the port and everything else: `hearth serve --workers`.
    """
    config = stand.prepare(name, overrides or {}, agreement)
    address = config.parent / "address"
    how = ["-m", "tests.bench.starter", "--without", without] if without else ["-m", "gateway", "serve"]
    command = [*how, "--config", str(config), "--address-file", str(address)]
    if workers > 1:
        command += ["--workers", str(workers)]
    if not without:
        command.append("--until-stdin-closes")
    child = processes.start(name, *command, ready=address, root=root, environment=stand.environment)
    port = int(address.read_text(encoding="utf-8").rpartition(":")[2])
    return Running(name, port, (child.pid, *children_of(child.pid)))


def _consents(households: int) -> Iterable[bytes]:
    for household in range(households):
        for place in range(MOST_MEMBERS if household < LARGE_HOUSEHOLDS else 5):
            # Adults decide for themselves, and the head for the children.
            decider = place if member(place).is_adult else 0
            person, giver = ({"type": "UIN", "value": member(p, digits(household)).uin} for p in (place, decider))
            yield orjson.dumps(
                {
                    "subject": person,
                    "purpose": "eligibility",
                    "decision": "granted",
                    "sources": None,
                    "given_by": giver,
                    "capacity": "self" if decider == place else "guardian",
                    "given_on": "2026-01-05",
                    "until": "2027-12-31",
                    "majority_on": None if decider == place else "2040-01-01",
                }
            )

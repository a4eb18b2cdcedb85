"""The sandbox: a whole practice country and a gateway on this computer, started and stopped together.

Both run as processes of their own; each ends by itself when this one is gone. Everything lies below one folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from gateway.keys import new_signing_key, open_keys, write_private
from gateway.settings import Settings, load
from gateway.tokens import hashed
from policies.agreement import Agreement
from policies.folder import agreement_files
from policies.ledger import SqliteLedger
from policies.reading import read_agreement
from standards.attributes import Catalogue
from standards.errors import ConfigurationError

AGREEMENTS: Final = Path(__file__).parents[1] / "policies" / "sandbox"
OPERATORS: Final = ("author", "approver", "owner")
"""Practice people: whoever writes agreements and registrations, whoever approves them, and a registries' owner."""
ROLES: Final[Mapping[str, tuple[str, ...]]] = {"author": ("author",), "approver": ("approver", "operator"), "owner": ()}
"""What each may do with registrations."""
CLIENTS: Final = ("portal", "office")
"""Through whom people decide, named by their role."""
START_S: Final = 120.0
"""How long the country and the gateway may take to answer; a country of 100,000 households takes its time."""
STOP_S: Final = 4.0
_CALLBACKS: Final = ("http://127.0.0.1:*", "http://localhost:*")
"""Where the programmes of a practice country are called back: on this computer, at any port."""
UNFILLED_SIGNATURE: Final = 'Signature:  namespace="dci", kidId="{sender_id}'
"""How the template that samples of the standard carry in place of a signature begins."""


class Sandbox:
    """One sandbox.

    folder: where everything lies; made if need be.
    port: the gateway's; 0 takes a free one.
    consumers: further programmes, name -> agreement file.
    overrides: settings, dotted path -> value as YAML text.
    say: told what is happening.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 8080,
        households: int = 2000,
        seed: int = 7,
        consumers: Mapping[str, Path] | None = None,
        overrides: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder = folder.absolute()
        self._port, self._households, self._seed = port, households, seed
        self._consumers, self._overrides = dict(consumers or {}), dict(overrides or {})
        self._say = say
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def file(self) -> Path:
        """Return where the sandbox file is while the sandbox runs."""
        return self.folder / "sandbox.json"

    def start(self) -> dict[str, Any]:
        """Start everything, and return the sandbox file's content once everything answers.

        Raises: ConfigurationError when something is set wrongly, or does not come up.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._refuse_second()
        for stale in ("country.json", "gateway.address", "sandbox.json"):
            (self.folder / stale).unlink(missing_ok=True)
        try:
            agreements = self._agreements()
            mocks = self._spawn(
                "mocks", "-m", "mocks", "--dir", str(self.folder),
                "--households", str(self._households), "--seed", str(self._seed), "--until-stdin-closes",
            )  # fmt: skip
            self._say(f"Poveria is being settled: {self._households:,} households")
            consumers = self._credentials(agreements)
            operators = self._operators()
            country = json.loads(self._appears(self.folder / "country.json", mocks).read_text(encoding="utf-8"))
            clients = self._clients()
            settings = self._write_config({**consumers, **clients}, operators)
            self._say("people's consents are entered into the ledger")
            self._import_consents(settings, Path(country["consents"]))
            # Both name people or secrets in clear; neither is needed any more.
            Path(country["consents"]).unlink()
            (self.folder / "country.json").unlink()
            environment = {k: v for r in country["registries"].values() for k, v in r["env"].items()}
            address = self.folder / "gateway.address"
            gateway = self._spawn(
                "gateway", "-m", "gateway", "serve", "--config", str(self.folder / "config.yaml"),
                "--address-file", str(address), "--until-stdin-closes",
                environment=environment,
            )  # fmt: skip
            self._say("the gateway opens")
            base_url = self._appears(address, gateway).read_text(encoding="utf-8")
            content = _content(base_url, country, consumers, operators) | {"clients": clients}
            write_private(self.file, json.dumps(content, indent=2).encode())
        except BaseException:
            self.stop()
            raise
        return content

    def stop(self) -> None:
        """Stop everything that was started, and remove the sandbox file."""
        self.file.unlink(missing_ok=True)
        for child in self._children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        until = time.monotonic() + STOP_S
        for child in self._children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, until - time.monotonic()))
            if child.poll() is None:
                child.kill()
                child.wait()
            if child.stdin is not None:
                child.stdin.close()
        self._children.clear()

    def ended(self) -> str | None:
        """Return the name of a part that has ended by itself, if one has."""
        names = {0: "the practice country", 1: "the gateway"}
        return next((names[i] for i, child in enumerate(self._children) if child.poll() is not None), None)

    @contextlib.contextmanager
    def running(self) -> Iterator[dict[str, Any]]:
        """Start, give the sandbox file's content, and stop at the end whatever happens."""
        content = self.start()
        try:
            yield content
        finally:
            self.stop()

    # -- parts ---------------------------------------------------------------------------------------------

    def _refuse_second(self) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            pid = int(json.loads(self.file.read_text(encoding="utf-8"))["pid"])
            os.kill(pid, 0)
            raise ConfigurationError(
                f"a sandbox runs in {self.folder.name} already (process {pid}): stop it, or give another --dir"
            )

    def _agreements(self) -> dict[str, Agreement]:
        """Copy the practice agreements and those given into the sandbox; return them by their consumer's name."""
        folder = self.folder / "agreements"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        catalogue = Catalogue.load()
        found: dict[str, Agreement] = {}
        for path in agreement_files(AGREEMENTS):
            agreement = read_agreement(path, catalogue)
            found[agreement.consumer.id] = agreement
            shutil.copyfile(path, folder / path.name)
        for name, path in self._consumers.items():
            agreement = read_agreement(path, catalogue)
            if agreement.consumer.id != name:
                raise ConfigurationError(f"--consumer {name}: the agreement is of consumer {agreement.consumer.id}")
            if taken := sorted({name, agreement.consumer.client_id} & set(CLIENTS)):
                raise ConfigurationError(f"--consumer {name}: the sandbox has a client of its own named {taken[0]}")
            for older in agreement_files(folder):
                if name in found and read_agreement(older, catalogue).consumer.id == name:
                    older.unlink()
            found[name] = agreement
            shutil.copyfile(path, folder / f"{agreement.id}-{agreement.version}.yaml")
        return found

    def _credentials(self, agreements: Mapping[str, Agreement]) -> dict[str, dict[str, Any]]:
        """Make a secret and a signing key for every consumer; return their part of the sandbox file."""
        consumers = {}
        for name, agreement in agreements.items():
            key = self.folder / "keys" / f"{name}.pem"
            write_private(key, new_signing_key())
            consumers[name] = {
                "client_id": agreement.consumer.client_id,
                "client_secret": secrets.token_urlsafe(24),
                "sender_id": agreement.consumer.sender_id,
                "purposes": sorted(agreement.purposes),
                "signing_key": str(key),
            }
        return consumers

    def _clients(self) -> dict[str, dict[str, Any]]:
        """Make a citizens' portal and an office, through which people decide; return their part of the sandbox file."""
        made = {}
        for name in CLIENTS:
            key = self.folder / "keys" / f"{name}.pem"
            write_private(key, new_signing_key())
            made[name] = {
                "client_id": name,
                "client_secret": secrets.token_urlsafe(24),
                "sender_id": f"{name}.pv",
                "role": name,
                "signing_key": str(key),
            }
        shutil.rmtree(self.folder / "emergencies", ignore_errors=True)
        (self.folder / "emergencies").mkdir()
        return made

    def _operators(self) -> dict[str, dict[str, Any]]:
        """Make practice operators with a key each, and a folder of secrets; return their part of the sandbox file."""
        (self.folder / "secrets").mkdir(exist_ok=True)
        made = {}
        for name in OPERATORS:
            key = self.folder / "keys" / f"operator-{name}.pem"
            write_private(key, new_signing_key())
            made[name] = {"name": name, "signing_key": str(key), "roles": ROLES[name]}
        return made

    def _write_config(
        self, consumers: Mapping[str, Mapping[str, Any]], operators: Mapping[str, Mapping[str, Any]]
    ) -> Settings:
        hashes = {name: hashed(c["client_secret"], is_drawn=True) for name, c in consumers.items()}
        config: dict[str, Any] = {
            "sandbox": True,
            "server": {"port": self._port},
            "agreements": {
                "folder": str(self.folder / "agreements"),
                "require_approval": False,
                "operators": [
                    {"name": o["name"], "public_key": _public_pem(Path(o["signing_key"]))}
                    for o in operators.values()
                    if o["roles"]  # who only owns registries has no say in what programmes may know
                ],
            },
            "registries": {
                "secrets": str(self.folder / "secrets"),
                "operators": [
                    {
                        "name": o["name"],
                        "public_key": _public_pem(Path(o["signing_key"])),
                        "roles": list(o["roles"]),
                        "owns": [] if o["roles"] else ["*"],
                    }
                    for o in operators.values()
                ],
            },
            "stores": {"folder": str(self.folder)},
            "consents": {"emergencies": str(self.folder / "emergencies")},
            "log": {"file": str(self.folder / "gateway.log")},
            "messages": {"receiver_ids": ["*"], "two_letter_locales": True},
            "consumers": [
                {
                    "client_id": c["client_id"],
                    "sender_id": c["sender_id"],
                    "role": c.get("role", "programme"),
                    "secret_hash": hashes[name],
                    "public_key": _public_pem(Path(c["signing_key"])),
                    "placeholders": [UNFILLED_SIGNATURE],
                    "callback_hosts": list(_CALLBACKS),
                    "private_callbacks": True,
                }
                for name, c in consumers.items()
            ],
        }
        for path, text in self._overrides.items():
            _put(config, path, text)
        file = self.folder / "config.yaml"
        with file.open("w", encoding="utf-8") as stream:
            YAML().dump(config, stream)
        file.chmod(0o600)
        return load(file)

    def _import_consents(self, settings: Settings, lines: Path) -> None:
        import asyncio

        keys = open_keys(settings.stores.folder / settings.stores.keys)
        for old in self.folder.glob("consent.db*"):
            old.unlink()
        ledger = SqliteLedger.open(settings.stores.folder / "consent.db", keys.derived("consent"), keys.signing)
        try:
            with lines.open("rb") as stream:
                asyncio.run(ledger.import_lines(stream))
        finally:
            ledger.close()

    def _spawn(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.out").open("wb") as output:
            child = subprocess.Popen(  # noqa: S603 - our own modules, by this interpreter
                [sys.executable, *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self._children.append(child)
        return child

    def _appears(self, path: Path, child: subprocess.Popen[bytes]) -> Path:
        """Wait until a child has written a file; say why if it never will."""
        until = time.monotonic() + START_S + self._households / 1000
        while not path.exists():
            name = "mocks" if child is self._children[0] else "gateway"
            if child.poll() is not None or time.monotonic() > until:
                said = (self.folder / f"{name}.out").read_text(encoding="utf-8", errors="replace").strip()
                raise ConfigurationError(f"{name} did not come up: {said.splitlines()[-1] if said else 'no word'}")
            time.sleep(0.02)
        return path


def _content(
    base_url: str, country: Mapping[str, Any], consumers: Mapping[str, Any], operators: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "gateway": base_url,
        "pid": os.getpid(),
        "registries": {
            name: {key: r[key] for key in ("url", "speaks", "reg_type", "controls") if key in r}
            for name, r in country["registries"].items()
        },
        "consumers": dict(consumers),
        "operators": dict(operators),
        "examples": country["examples"],
    }


def _public_pem(key: Path) -> str:
    public = load_pem_private_key(key.read_bytes(), password=None).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _put(config: dict[str, Any], path: str, text: str) -> None:
    """Set one setting by its dotted path; the value is read as YAML."""
    *parents, last = path.split(".")
    inner = config
    for name in parents:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigurationError(f"--set {path}: {name} is not a group of settings")
    try:
        inner[last] = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ConfigurationError(f"--set {path}: the value is not YAML") from error


def pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """Return NAME=VALUE arguments as a mapping.

    Raises: ConfigurationError for an argument without `=`.
    """
    found: dict[str, str] = {}
    for argument in given:
        name, equals, value = argument.partition("=")
        if not equals or not name.strip():
            raise ConfigurationError(f"{option} {argument}: write NAME=VALUE")
        found[name.strip()] = value
    return found


def read_file(folder: Path) -> dict[str, Any]:
    """Return the content of the file of a running sandbox.

    Raises: ConfigurationError when none runs in that folder.
    """
    try:
        content = json.loads((folder / "sandbox.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"no sandbox runs in {folder}: start one with `hearth sandbox`, or name its folder with --dir"
        ) from error
    return dict(content)

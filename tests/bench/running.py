"""One run of the bench: its registries, gateways and peers, started when a part first needs them; and measuring them."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import orjson

from standards.signing import public_jwk, sign
from tests.bench.load import Task
from tests.bench.people import MARK, digits
from tests.bench.processes import ROOT, Processes
from tests.bench.stand import AGREEMENT, CLIENT, SENDER, Running, Stand, start_gateway

NUMBER: Final = "########"


class Options(NamedTuple):
    """How long and how often."""

    seconds: float = 2.5
    rounds: int = 5
    connections: int = 16
    households: int = 6000
    before: Path | None = None
    """Another tree of the project, whose gateway is measured in the same runs."""


class Contender(NamedTuple):
    """Something to put load on."""

    name: str
    port: int
    pids: tuple[int, ...]
    headers: Mapping[str, str] = {}
    path: str = "/registry/sync/search"
    is_gateway: bool = False


class Result(NamedTuple):
    """What one run of the load has shown."""

    rate: float
    cpu_ms: float
    """CPU of the server's processes, per question."""
    busy: float
    """CPU of the server's processes, in cores."""
    latencies_ms: Sequence[float]
    calls: float
    """Calls to registries per question."""
    own_ms: float
    """What registries took for one answer, on average."""
    bytes: int
    grown_bytes: int
    """Memory at its most, above what was held before the first question."""
    in_flight: int
    late_ms: float
    """How late the load itself let its questions go, on average."""


class Bench:
    """The parts' common ground. `say` is told what is happening."""

    def __init__(self, processes: Processes, options: Options, say: Callable[[str], None]) -> None:
        self.processes, self.options, self.say = processes, options, say
        self.folder = processes.folder
        file = self.folder / "registries.json"
        command = ("-m", "tests.bench.registries", "--file", str(file), "--further", "20")
        self.registries = processes.start("registries", *command, ready=file)
        found = orjson.loads(file.read_bytes())
        self.addresses: dict[str, str] = found["addresses"]
        self.control = self.addresses["crvs"] + "/_bench"
        say(f"consents of {options.households} households are entered")
        self.stand = Stand(self.folder, found["environment"], options.households)
        self._contenders: dict[str, Contender] = {}

    @property
    def question(self) -> str:
        """Return the message, dated now: gateways refuse one that is some minutes old."""
        return message()

    # -- who is measured -------------------------------------------------------------------------------------

    def gateway(
        self,
        name: str = "hearth",
        overrides: Mapping[str, Any] | None = None,
        *,
        without: str = "",
        workers: int = 1,
        root: Path = ROOT,
        agreement: Path = AGREEMENT,
    ) -> Contender:
        """Return a running gateway of that name; started if need be."""
        if name not in self._contenders:
            running = start_gateway(
                self.processes, self.stand, name, overrides,
                without=without, workers=workers, root=root, agreement=agreement,
            )  # fmt: skip
            self._contenders[name] = self._admitted(name, running)
        return self._contenders[name]

    def _admitted(self, name: str, running: Running) -> Contender:
        form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": self.stand.secret}
        address = f"http://127.0.0.1:{running.port}/oauth2/client/token"
        token = httpx.post(address, data=form, trust_env=False, timeout=30).raise_for_status().json()["access_token"]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        return Contender(name, running.port, running.pids, headers, is_gateway=True)

    def hearths(self) -> list[Contender]:
        """Return the gateway, and that of the other tree if there is one."""
        found = [self.gateway()]
        if self.options.before is not None:
            found.append(self.gateway("before", root=self.options.before))
        return found

    def bare(self, name: str = "bare", *, single: bool = False, count: int = 1) -> Contender:
        """Return the bare peer."""
        return self._peer(name, "tests.bench.peer_aiohttp", sys.executable, single=single, count=count)

    def fastapi(self, name: str = "fastapi", *, single: bool = False) -> Contender | None:
        """Return the FastAPI peer; None where its environment cannot be made."""
        python = extra_environment(self.say)
        return self._peer(name, "tests.bench.peer_fastapi", str(python), single=single) if python else None

    def _peer(self, name: str, module: str, python: str, *, single: bool, count: int = 1) -> Contender:
        if name not in self._contenders:
            plan, size = self.asked_once()
            port, pids = 0, []
            for number in range(count):
                ready, task = self.folder / f"{name}-{number}.address", self.folder / f"{name}-{number}.json"
                task.write_bytes(
                    orjson.dumps(
                        {
                            "addresses": self.addresses,
                            "plan": plan,
                            "single": single,
                            "stored_bytes": size,
                            "port": port,
                            "ready": str(ready),
                        }
                    )
                )
                child = self.processes.start(
                    f"{name}-{number}", "-m", module, str(task), ready=ready, python=Path(python)
                )
                port = int(ready.read_text(encoding="utf-8").rpartition(":")[2])
                pids.append(child.pid)
            self._contenders[name] = Contender(name, port, tuple(pids), {"Content-Type": "application/json"})
        return self._contenders[name]

    def drop(self, contender: Contender) -> None:
        """Stop a contender that no other part needs."""
        self.processes.stop_pids(contender.pids)
        self._contenders.pop(contender.name, None)

    def asked_once(self) -> tuple[str, int]:
        """Ask the gateway one question; return its plan, and the size of the answer without it.

        Raises: RuntimeError when something was not answered.
        """
        hearth = self.gateway()
        address = f"http://127.0.0.1:{hearth.port}{hearth.path}"
        question = json.loads(self.question.replace(MARK, digits(0)).replace(NUMBER, secrets.token_hex(4)))
        plain = httpx.post(address, json=question, headers=dict(hearth.headers), trust_env=False)
        question["header"]["message_id"] = secrets.token_hex(8)
        question["message"]["search_request"][0]["search_criteria"]["hearth:explain"] = True
        shown = httpx.post(address, json=question, headers=dict(hearth.headers), trust_env=False)
        item = shown.json()["message"]["search_response"][0]
        if item["status"] != "succ" or b'"unavailable"' in plain.content or b'"withheld"' in plain.content:
            raise RuntimeError(f"the first question was not answered whole: {str(item)[:500]}")
        return item["data"]["hearth:plan"], len(plain.content)

    # -- measuring -------------------------------------------------------------------------------------------

    def measure(self, contender: Contender, *, cold: bool = True, **more: Any) -> Result:
        """Put load on a contender once; cold means that every household is asked about for the first time.

        Raises: RuntimeError when an answer was wrong: figures of wrong answers mean nothing.
        """
        households = more.pop("households", None)
        if contender.is_gateway and cold:
            for _ in range(4 * len(contender.pids)):  # whichever process of several takes the connection
                self._forget(contender)
        if households is None and cold:
            households = (0, self.options.households)
        task = Task(
            port=contender.port,
            path=contender.path,
            headers=dict(contender.headers),
            pids=list(contender.pids),
            forbidden='"unavailable"' if contender.is_gateway else "",
            **{
                "bodies": [self.question],
                "households": households or (0, 1),
                "connections": self.options.connections,
                "seconds": self.options.seconds,
                "least_bytes": 200 if contender.path == "/stored" else 3000,
                **more,
            },
        )
        httpx.delete(self.control, trust_env=False)
        given, told = self.folder / "task.json", self.folder / "result.json"
        given.write_bytes(orjson.dumps(task._asdict()))
        ran = subprocess.run(
            [sys.executable, "-m", "tests.bench.load", str(given), str(told)],
            capture_output=True, cwd=ROOT, check=False, timeout=task.warmup_s + task.seconds + task.drain_s + 60,
        )  # fmt: skip
        if ran.returncode != 0:
            raise RuntimeError(f"{contender.name}: {ran.stderr.decode(errors='replace').strip().splitlines()[-1]}")
        shown = orjson.loads(told.read_bytes())
        asked = httpx.get(self.control, trust_env=False).json()
        if shown["wrong"]:
            raise RuntimeError(
                f"{contender.name}: {shown['wrong']} wrong answers, the first: {shown['example'][:1500]}"
            )
        calls = sum(asked["calls"].values())
        return Result(
            rate=shown["rate"],
            cpu_ms=1000 * shown["cpu_s"] / max(1, shown["answers"]),
            busy=shown["cpu_s"] / shown["seconds"],
            latencies_ms=sorted(shown["latencies_ms"]),
            calls=calls / max(1, shown["asked"]),
            own_ms=1000 * asked["took_s"] / max(1, calls),
            bytes=shown["bytes"],
            grown_bytes=shown["memory_most"] - shown["memory_before"],
            in_flight=shown["most_in_flight"],
            late_ms=shown["late_ms"],
        )

    def interleaved(
        self, contenders: Sequence[Contender], *, rounds: int | None = None, **more: Any
    ) -> dict[str, list[Result]]:
        """Measure contenders in turn, round after round, so that noise hits all of them alike."""
        found: dict[str, list[Result]] = {contender.name: [] for contender in contenders}
        for turn in range(rounds or self.options.rounds):
            for contender in contenders if turn % 2 else contenders[::-1]:
                found[contender.name].append(self.measure(contender, **more))
            line = ", ".join(f"{name} {results[-1].rate:.0f}/s" for name, results in found.items())
            self.say(f"round {turn + 1}: {line}")
        return found

    def country(self, **settings: float) -> None:
        """Change how long registries wait before an answer (`delay_ms`), and how large households are (`members`)."""
        httpx.put(self.control, params=settings, trust_env=False).raise_for_status()

    def _forget(self, contender: Contender) -> None:
        httpx.delete(f"http://127.0.0.1:{contender.port}/_sandbox/cache", trust_env=False).raise_for_status()

    def signed_questions(self, count: int) -> list[str]:
        """Return whole signed messages, each about another household."""
        now, key = datetime.now(UTC), self.stand.key
        key_id = public_jwk(key.public_key())["kid"]
        found = []
        for household in range(count):
            text = self.question.replace(MARK, digits(household)).replace(NUMBER, secrets.token_hex(4))
            plain = orjson.loads(text)
            signature = sign(plain, key, sender_id=SENDER, key_id=key_id, now=now)
            found.append(orjson.dumps({"signature": signature, **plain}).decode())
        return found


def message() -> str:
    """Return the question of the cash transfer about one household, with its numbers still to be put in."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    criteria = {
        "version": "1.0.0",
        "reg_type": "ns:org:RegistryType:Social",
        "reg_record_type": "Group",
        "response_entity": "Group",
        "query_type": "idtype-value",
        "query": {"type": "UIN", "value": f"2{MARK}0000"},
        "consent": {"@type": "Consent", "ts": now, "purpose": {"code": "eligibility"}},
    }
    item = {"reference_id": f"r{NUMBER}", "timestamp": now, "search_criteria": criteria, "locale": "eng"}
    header = {
        "version": "1.0.0",
        "message_id": f"m{NUMBER}",
        "message_ts": now,
        "action": "search",
        "sender_id": SENDER,
        "total_count": 1,
        "is_msg_encrypted": False,
    }
    return orjson.dumps(
        {"header": header, "message": {"transaction_id": f"t{NUMBER}", "search_request": [item]}}
    ).decode()


def extra_environment(say: Callable[[str], None]) -> Path | None:
    """Return the Python of an environment with the extra `bench`; made once, kept; None where it cannot be made."""
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    wanted = extra["bench"]
    name = hashlib.sha256(f"{sys.version} {wanted}".encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"hearth-bench-environment-{os.getuid()}-{name}"
    python = folder / "bin" / "python"
    if (folder / "whole").exists():
        return python
    say(f"installing {', '.join(wanted)} for the bench alone")
    for command in ([sys.executable, "-m", "venv", str(folder)], [str(python), "-m", "pip", "install", "-q", *wanted]):
        done = subprocess.run(command, capture_output=True, check=False, timeout=600)
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip().splitlines()
            say(f"skipped what needs {wanted}: {words[-1] if words else 'not installable'}")
            return None
    (folder / "whole").touch()
    return python


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Return the median of the rounds' ratios, with the least and the largest."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return statistics.median(ratios), ratios[0], ratios[-1]


def middle(results: Sequence[Result], field: str) -> float:
    """Return the median of one figure over the rounds."""
    return statistics.median(getattr(result, field) for result in results)


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile of sorted values."""
    return values[min(len(values) - 1, int(share * len(values)))]

"""A sandbox whose registries lie in a folder of its own, and the commands by which people register others."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner, Result

from adapters.catalogue import FOLDER, find_manifests
from gateway.cli import app
from gateway.sandbox import Sandbox
from tests.e2e.conftest import Country

DEADLINE_S = 3.0


class Office:
    """A running sandbox, its folder of manifests, and its practice people."""

    def __init__(self, country: Country, manifests: Path, drafts: Path) -> None:
        self.country, self.manifests, self._drafts = country, manifests, drafts

    def run(self, *words: str) -> Result:
        """Run `hearth registry` beside the running gateway."""
        return CliRunner().invoke(app, ["registry", *words, "--dir", str(self.country.folder)])

    def done(self, *words: str) -> str:
        """Run it, and expect that it is done."""
        ran = self.run(*words)
        assert ran.exit_code == 0, ran.stderr
        return ran.stdout

    def refused(self, *words: str) -> str:
        """Run it, and expect that it is refused; return why."""
        ran = self.run(*words)
        assert ran.exit_code == 1, ran.stdout
        return ran.stderr

    def draft(self, registry: str, version: str, *changes: tuple[str, str]) -> Path:
        """Return a folder with a new version of a built-in registry; `changes` are made in its manifest's text."""
        folder = self._drafts / version / registry
        shutil.copytree(FOLDER / registry, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        self.write(folder / "manifest.yaml", version, *changes)
        return folder

    def write(self, file: Path, version: str, *changes: tuple[str, str]) -> None:
        """Give a manifest another version, and make changes in its text, at once as `mv` does."""
        text = re.sub(r"(?m)^version: .*$", f'version: "{version}"', file.read_text(encoding="utf-8"))
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        beside = file.with_suffix(".new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)

    def ready(self) -> dict[str, Any]:
        """Return what the gateway says of itself."""
        return dict(httpx.get(f"{self.country.content['gateway']}/ready", trust_env=False).json())

    def connected(self, registry: str) -> str | None:
        """Return the version of a registry that answers."""
        version = self.ready()["registries"]["connected"].get(registry)
        return None if version is None else str(version)

    def listed(self, registry: str) -> dict[str, Any]:
        """Return what every client is told of a registry."""
        told: list[dict[str, Any]] = json.loads(self.done("list", "--gateway", "--json"))
        return next(one for one in told if one["id"] == registry)

    def live(self, registry: str, version: str, *changes: tuple[str, str]) -> None:
        """Bring a new version live, step by step."""
        self.done("submit", str(self.draft(registry, version, *changes)))
        self.done("approve", registry, version)
        self.done("promote", registry, version, "--to", "shadow")
        self.done("promote", registry, version, "--to", "canary", "--share", "50")
        self.done("promote", registry, version, "--to", "live")

    def journal(self, *events: str) -> list[dict[str, Any]]:
        """Return the entries of the journal of some kinds, oldest first."""
        words = ["journal", "show", "--newest", "5000", "--json", "--dir", str(self.country.folder)]
        ran = CliRunner().invoke(app, words)
        entries = (json.loads(line) for line in ran.stdout.splitlines())
        return [entry for entry in entries if entry["event"] in events]


@contextmanager
def office(folder: Path, **overrides: str) -> Iterator[Office]:
    """A sandbox of its own; its manifests are copies of the built-in ones."""
    manifests = folder / "manifests"
    for path in find_manifests():
        (manifests / path.parent.name).mkdir(parents=True)
        shutil.copyfile(path, manifests / path.parent.name / path.name)
        for beside in path.parent.glob("*.wsdl"):
            shutil.copyfile(beside, manifests / path.parent.name / beside.name)
    stated = {
        "messages.deadline_s": str(DEADLINE_S),
        "registries.builtin": "false",
        "registries.folders": f"[{manifests}]",
    } | overrides
    with Sandbox(folder / "sandbox", port=0, households=80, overrides=stated).running() as content:
        country = Country(folder / "sandbox", content)
        try:
            yield Office(country, manifests, folder / "drafts")
        finally:
            country.close()

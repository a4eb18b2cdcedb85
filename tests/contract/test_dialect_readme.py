"""The manifest that adapters/README.md shows for a registry that calls back is one, and connects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.callbacks import Here, Waiting
from adapters.catalogue import connect, load_manifest, references
from adapters.generic.dci.dialects import PRESETS
from adapters.generic.dci.trust import Identity
from adapters.kit.checking import catalogue_differences
from adapters.transport.client import open_session
from standards.dci.events import EventKind

pytestmark = pytest.mark.contract

README = (Path(__file__).parents[2] / "adapters" / "README.md").read_text(encoding="utf-8")


def shown(tmp_path: Path) -> Path:
    """Return the file that the README shows."""
    (text,) = re.findall(r"^```yaml\n(id: civil\n.*?)^```", README, re.MULTILINE | re.DOTALL)
    file = tmp_path / "manifest.yaml"
    file.write_text(text, encoding="utf-8")
    return file


async def test_the_manifest_in_the_readme_connects(tmp_path):
    """With what it says: a callback that is signed, an assertion for a secret, and events."""
    manifest = load_manifest(shown(tmp_path))
    key = Ed25519PrivateKey.generate()
    here = Here(Waiting(), "https://hearth.example", lambda id_: f"{id_}.secret", Identity(lambda: (key, "kid-1")))
    environment = dict.fromkeys(references(manifest), "http://civil.example")
    async with open_session() as session:
        registry = connect((manifest,), session, environment, here)["civil"]

    assert catalogue_differences(manifest) == []
    assert registry.events is not None
    assert registry.events.kinds == {EventKind.LIVE_BIRTH, EventKind.DEATH}
    assert registry.caller is not None
    assert registry.caller.auth == "signature"
    assert "civil.example" in registry.caller.names
    assert sorted(environment) == ["HEARTH_CIVIL_CLIENT_ID", "HEARTH_CIVIL_URL"]


def test_the_readme_names_every_preset():
    """And no other."""
    table = re.findall(r"^\| `([\w.-]+)` \| .* \| .* \|$", README[README.index("## Dialects of DCI") :], re.MULTILINE)

    assert set(PRESETS) <= set(table)

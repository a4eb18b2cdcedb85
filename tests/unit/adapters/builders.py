"""Manifests and requests for the tests of adapters."""

from __future__ import annotations

from typing import Any

from adapters.catalogue import FOLDER, load_manifest
from adapters.manifest import Connection, Legal, Lookup, Manifest
from adapters.ports import Fetch
from standards.identifiers import Identifier

NOBODY = Identifier("UIN", "2000009999")


def manifest_of(name):
    """Return the manifest of a registry that comes with Hearth."""
    return load_manifest(FOLDER / name / "manifest.yaml")


def small_manifest(**changes):
    """Return a manifest with little in it, changed as the test needs."""
    parts: dict[str, Any] = {
        "id": "probe",
        "title": "A registry",
        "version": "1.0",
        "speaks": "rest",
        "reg_type": "ns:hearth:RegistryType:Probe",
        "legal": Legal(owner="Office", basis="Act", contact="office@example.pv"),
        "connection": Connection(base_url="env:PROBE_URL"),
        "lookups": (Lookup(name="person", by=("UIN",)),),
    }
    return Manifest(**(parts | changes))


def fetch(source_id="probe", lookup="person", subjects=(NOBODY,), names=()):
    """Return a question about some people, by default about one whom no registry knows."""
    return Fetch(source_id, lookup, tuple(subjects), frozenset(names))

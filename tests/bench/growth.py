"""Settings for gateways that are not everyday ones: many small registries, or endlessly patient with slow ones."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from adapters.catalogue import FOLDER, find_manifests

FACTS: Final = {
    "given_name": "text", "surname": "text", "second_name": "text", "birth_place": "text", "nationality": "text",
    "address_line": "text", "locality": "text", "sub_region_code": "text", "region_code": "text",
    "postal_code": "text", "language_code": "text", "school_name": "text", "school_year": "text",
    "employer_name": "text", "insurance_scheme": "text", "birth_date": "date", "enrolment_date": "date",
    "school_grade": "number", "is_disabled": "flag",
}  # fmt: skip
"""Attribute of each further registry, and the field of its records that states it."""
_KEPT: Final = (
    "id", "title", "version", "speaks", "reg_type", "legal", "connection", "limits", "cache_s", "authority", "lookups",
    "dci",
)  # fmt: skip
"""What is kept of the social registry's manifest; the rest speaks of what it holds about persons."""
_TYPES: Final = {"text": "string", "date": "date", "number": "integer", "flag": "boolean"}


def patient_settings(folder: Path) -> dict[str, Any]:
    """Return settings under which nobody gives up on a slow registry, however many questions wait for it."""
    copies = folder / "patient-registries"
    for file in find_manifests():
        manifest = _read(file)
        # What stands beside it comes along, such as a description of its service.
        shutil.copytree(file.parent, copies / manifest["id"], dirs_exist_ok=True)
        manifest["limits"] |= {"timeout_s": 110.0, "retries": 0, "max_in_flight": 10_000}
        _write(copies / manifest["id"] / "manifest.yaml", manifest)
    return {
        "messages.deadline_s": 120.0,
        "registries.builtin": False,
        "registries.folders": [str(copies)],
    }


def facts_settings(folder: Path, count: int) -> tuple[dict[str, Any], Path]:
    """Return settings with so many registries, and the agreement that needs one attribute of each.

    The first is the social registry, which knows the household; each other holds one attribute of everybody.
    """
    copies = folder / f"registries-of-{count}"
    social = _read(FOLDER / "social" / "manifest.yaml")
    social["lookups"] = [lookup for lookup in social["lookups"] if lookup["name"] == "group"]
    held = set(social["lookups"][0]["attributes"])
    social["authority"] = {name: rank for name, rank in social["authority"].items() if name in held}
    social["dci"]["lookups"] = {"group": social["dci"]["lookups"]["group"]}
    _write(copies / "social" / "manifest.yaml", {name: social[name] for name in _KEPT if name in social})
    named = list(FACTS.items())[: count - 1]
    for number, (attribute, field) in enumerate(named):
        _write(copies / f"facts{number:02d}" / "manifest.yaml", _facts(number, attribute, field))
    agreement = {
        "id": "many-registries",
        "version": "1.0",
        "consumer": {"id": "uct", "title": "Bench", "client_id": "uct", "sender_id": "uct.programmes.pv"},
        "title": "One attribute of each registry",
        "start": "2026-01-01",
        "end": "2027-12-31",
        "purposes": {"eligibility": {"title": "Bench", "legal_basis": "consent", "reference": "none"}},
        "household": {"rule": "registered@1"},
        "attributes": dict.fromkeys(["uin", "poverty_score", *(attribute for attribute, _ in named)], "value"),
        "max_age_s": 86400,
        "retention_days": 365,
    }
    file = copies / "agreement.yaml"
    _write(file, agreement)
    return {"registries.builtin": False, "registries.folders": [str(copies)]}, file


def _facts(number: int, attribute: str, field: str) -> dict[str, Any]:
    name = f"facts{number:02d}"
    return {
        "id": name,
        "title": f"Further registry {number}",
        "version": "1.0",
        "speaks": "dci",
        "reg_type": f"ns:bench:RegistryType:Facts{number:02d}",
        "legal": {"owner": "Bench", "basis": "none", "contact": "nobody@example.pv"},
        "connection": {"base_url": f"env:HEARTH_{name.upper()}_URL"},
        "limits": {"timeout_s": 2.0, "retries": 1, "max_in_flight": 64, "max_response_bytes": 2_000_000},
        "cache_s": 300,
        "authority": {attribute: 1},
        "lookups": [{"name": "fact", "entity": "person", "by": ["UIN"], "batch": 50, "identifiers": ["UIN"],
                     "attributes": [attribute]}],
        "dci": {
            "reg_type": "ns:bench:RegistryType:Facts",
            "sender_id": "hearth",
            "receiver_id": name,
            "lookups": {
                "fact": {
                    "reg_record_type": "Person",
                    "identifiers_path": "identifier",
                    "attributes": {attribute: {"path": f"values.{field}", "type": _TYPES[field]}},
                }
            },
        },
    }  # fmt: skip


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    return content


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as stream:
        YAML().dump(content, stream)

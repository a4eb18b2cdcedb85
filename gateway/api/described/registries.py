"""The registries that are connected, as the published description has them. Pure."""

from __future__ import annotations

from typing import Any, Final

from adapters.kit.tiers import Tier
from adapters.manifest import Protocol
from gateway.api.described.calls import call
from gateway.api.described.request import Schema, ref, thing

TAG: Final = ("Registries", "Which registries are asked, and how ready each is.")

_LISTING: Final = """\
Which registries this gateway asks, how ready each is by the public rules, and how fresh its word is promised to be. \
Nothing about anybody stands here. `tier` is computed, never declared: what the next one asks for is in `lacking`."""

REGISTRY_SCHEMAS: Final[dict[str, Schema]] = {
    "RegistryList": thing(
        "Every registry that is connected.",
        {"registries": {"type": "array", "items": ref("RegistryEntry")}},
        ("registries",),
        additionalProperties=False,
    ),
    "RegistryEntry": thing(
        "One registry.",
        {
            "id": {"type": "string", "description": "Its name in plans, sources and evidence."},
            "title": {"type": "string"},
            "owner": {"type": "string", "description": "The body that answers for its data."},
            "speaks": {"enum": [one.value for one in Protocol]},
            "version": {"type": "string", "description": "Of its manifest."},
            "environment": {"enum": ["production", "test"]},
            "tier": {"enum": [one.value for one in Tier]},
            "lacking": {
                "type": "array",
                "items": {"type": "string"},
                "description": "What the next tier asks for and is not there.",
            },
            "readiness": {
                "type": "object",
                "additionalProperties": {"enum": ["done", "todo", "exempt"]},
                "description": "By rule; empty where the registry brought no readiness list.",
            },
            "freshness_h": {
                "type": ["number", "null"],
                "description": "Most hours that its records lag behind; null: its owner promises none.",
            },
            "is_open": {
                "type": ["boolean", "null"],
                "description": "Whether now is in the hours that its owner declares; null: none are declared.",
            },
            "state": {
                "enum": ["live", "suspended", "silent"],
                "description": "`silent`: it was not heard of late, and is let alone for a moment.",
            },
        },
        (
            *("id", "title", "owner", "speaks", "version", "environment", "tier", "lacking"),
            *("readiness", "freshness_h", "is_open", "state"),
        ),
        additionalProperties=False,
    ),
}


def registry_paths() -> dict[str, Any]:
    """Return path -> operations."""
    listing = call(
        TAG[0],
        "registries",
        "The registries that are connected",
        _LISTING,
        ref("RegistryList"),
        refusals=(401, 429, 500),
    )
    shown = {"one": {"summary": "One registry", "value": registries_answer()}}
    listing["responses"]["200"]["content"]["application/json"]["examples"] = shown
    return {"/v1/registries": {"get": listing}}


def registries_answer() -> dict[str, Any]:
    """Return a list of one registry."""
    return {
        "registries": [
            {
                "id": "crvs",
                "title": "Civil registration of Poveria",
                "owner": "Ministry of Home Affairs, Civil Registration Office",
                "speaks": "dci",
                "version": "1.2",
                "environment": "production",
                "tier": "silver",
                "lacking": ["`hours` are declared"],
                "readiness": {"owner_named": "done", "batched": "done", "test_call": "done"},
                "freshness_h": 24.0,
                "is_open": None,
                "state": "live",
            }
        ]
    }

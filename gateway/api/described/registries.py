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
            "list": {
                "type": ["object", "null"],
                "properties": {
                    "rows": {"type": ["integer", "null"], "description": "Null: no list has been read yet."},
                    "as_of": {"type": ["string", "null"], "description": "Day or moment as of which it holds."},
                    "age_h": {"type": ["number", "null"]},
                    "trouble": {
                        "type": ["string", "null"],
                        "description": "Why a newer list is not used, or none can be read; null: all is well.",
                    },
                    "refused_as_of": {"type": ["string", "null"], "description": "As of when that newer list holds."},
                },
                "required": ["rows", "as_of", "age_h", "trouble", "refused_as_of"],
                "additionalProperties": False,
                "description": "The list that is looked up, where the registry drops one; null: it is asked each time.",
            },
            "state": {
                "enum": ["live", "canary", "shadow", "suspended", "silent"],
                "description": "`canary`, `shadow`: no version of it is live yet. `suspended`: it is switched off, in "
                "every version. `silent`: it was not heard of late, and is let alone for a moment.",
            },
            "versions": {
                "type": "array",
                "items": thing(
                    "One version that is connected.",
                    {
                        "version": {"type": "string"},
                        "state": {"enum": ["live", "canary", "shadow"]},
                        "share": {
                            "type": ["number", "null"],
                            "description": "Percent of the questions that a canary answers.",
                        },
                    },
                    ("version", "state", "share"),
                    additionalProperties=False,
                ),
                "description": "What answers first; then a version that answers a share of the questions (`canary`), "
                "or is asked beside and told to nobody (`shadow`).",
            },
        },
        (
            *("id", "title", "owner", "speaks", "version", "environment", "tier", "lacking"),
            *("readiness", "freshness_h", "is_open", "state", "versions", "list"),
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
                "versions": [
                    {"version": "1.2", "state": "live", "share": None},
                    {"version": "1.3", "state": "canary", "share": 10.0},
                ],
                "list": None,
            }
        ]
    }

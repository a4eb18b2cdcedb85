"""The published DCI files, as validators of messages; they are not part of this project.

They are looked for in `HEARTH_DCI_SPEC`, else in `../shared/dci/spec` beside the project. Where they are missing the
tests that need them are skipped; on CI (`CI=true`) they fail instead, so that nobody merges unchecked.
"""

from __future__ import annotations

import os
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema_rs import Draft4, Draft4Validator, Registry
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
SPEC = Path(os.environ.get("HEARTH_DCI_SPEC") or ROOT.parent / "shared" / "dci" / "spec")
IS_HERE = (SPEC / "release").is_dir()

needs_dci_spec = pytest.mark.skipif(
    not IS_HERE and os.environ.get("CI") != "true", reason="the DCI files are not here: set HEARTH_DCI_SPEC"
)
"""Marks a test that reads the DCI files."""


def _is_moment(value: str) -> bool:
    """Tell whether a string is an ISO 8601 timestamp with offset."""
    try:
        return datetime.fromisoformat(value).utcoffset() is not None
    except ValueError:
        return False


@lru_cache(maxsize=16)
def document(name: str) -> dict[str, Any]:
    """Return one file of the newest release, such as `social_api_v1.0.0.yaml`; that of `ess` is a transcription."""
    folder = "release" if (SPEC / "release" / name).exists() else "transcribed"
    loaded: dict[str, Any] = YAML(typ="safe").load(SPEC / folder / name)
    return loaded


@lru_cache(maxsize=64)
def _validator(name: str, pointer: str) -> Draft4Validator:
    # OpenAPI 3.0 schemas are JSON Schema draft 4 (Wright 00) with a few additions, none of which these files use.
    address = f"https://release.example/{name}"
    registry = Registry([(address, document(name))], draft=Draft4)
    formats = {"date-time": _is_moment}
    return Draft4Validator({"$ref": f"{address}#{pointer}"}, registry=registry, formats=formats, validate_formats=True)


def faults(name: str, pointer: str, message: object) -> list[str]:
    """Return everything that a schema of a release file holds against a message, as it would arrive over the wire."""
    arrived = orjson.loads(orjson.dumps(message))
    return [
        f"{'/'.join(map(str, error.instance_path))}: {error.message}"
        for error in _validator(name, pointer).iter_errors(arrived)
    ]


def request_faults(name: str, path: str, message: object) -> list[str]:
    """Return what the release holds against a request to a path, such as `/registry/sync/search`."""
    inside = "post/requestBody/content/application~1json/schema"
    return faults(name, f"/paths/{_escaped(path)}/{inside}", message)


def response_faults(name: str, path: str, message: object, status: str = "default") -> list[str]:
    """Return what the release holds against an answer of a path; `default` is how the release calls success."""
    responses = document(name)["paths"][path]["post"]["responses"]
    named = responses[status].get("$ref", "").removeprefix("#")
    if named.startswith("/components/schemas/"):
        # Two answers of `ibr` point at their payload; it may come alone, or beside the header of every answer.
        if not isinstance(message, dict) or "header" not in message:
            return faults(name, named, message)
        header = faults(name, "/components/schemas/MsgCallbackHeader_V1.0.0", message["header"])
        return header + faults(name, named, message.get("message"))
    found = named or f"/paths/{_escaped(path)}/post/responses/{status}"
    return faults(name, f"{found}/content/application~1json/schema", message)


def samples(folder: str) -> list[Path]:
    """Return the official sample messages of one registry, such as `social`; none when the files are not here."""
    return sorted((SPEC / "examples" / "release-samples" / folder).glob("*.json"))


def _escaped(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1")

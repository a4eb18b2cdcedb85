"""What a draft is made from: a file or a table, recognised by what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from adapters.kit.draft.from_fhir import from_capabilities
from adapters.kit.draft.from_graphql import from_introspection
from adapters.kit.draft.from_openapi import from_openapi
from adapters.kit.draft.from_samples import from_csv, from_json, from_table
from adapters.kit.draft.from_wsdl import from_wsdl
from adapters.kit.draft.shapes import Asked, Decide, Seen, Shape
from standards.attributes import Catalogue
from standards.errors import ConfigurationError

_MOST_BYTES: Final = 20_000_000
_LEAST: Final[dict[str, dict[str, Any]]] = {
    "rest": {"requests": [{"path": "/people/{number}", "nobody": {"status": [404]}}]},
    "graphql": {},
    "soap": {"operation": "GetPerson", "arguments": {"Number": {"number": "*"}}},
    "fhir": {"searches": {"Patient": {"by": {}}}},
    "ogc": {"collection": "people", "by": {}},
    "sql": {"table": "people"},
    "files": {"rows_per_subject": 1},
}
"""Protocol -> the least that a lookup has to say."""
ASKED: Final = tuple(_LEAST)
"""Protocols that a draft can be made for by answering questions; for DCI, the guide's example is the draft."""


def shape_from(source: str) -> Shape:
    """Return what a source says of its registry.

    source: an OpenAPI 3 document, a WSDL, a FHIR CapabilityStatement, a GraphQL introspection, a sample as CSV or JSON,
        or a table as `sqlite:///file.db#table`.
    Raises: ConfigurationError when it is none of these, or says too little.
    """
    if "://" in source:
        return from_table(source)
    path = Path(source)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigurationError(f"{source}: larger than {_MOST_BYTES} bytes; give a part of it")
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{source}: cannot be read ({type(error).__name__})") from None
    if path.suffix.lower() in (".wsdl", ".xml"):
        return from_wsdl(content, source)
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        return from_csv(content.decode("utf-8-sig", "replace"), source)
    loaded = _loaded(content, source)
    if isinstance(loaded, dict):
        if str(loaded.get("openapi", "")).startswith("3"):
            return from_openapi(loaded)
        if "swagger" in loaded:
            raise ConfigurationError(f"{source}: OpenAPI 2; convert it to OpenAPI 3 first")
        if loaded.get("resourceType") == "CapabilityStatement":
            return from_capabilities(loaded)
        schema = (loaded.get("data") or loaded).get("__schema") if isinstance(loaded.get("data", {}), dict) else None
        if isinstance(schema, dict):
            return from_introspection(schema)
    return from_json(loaded, source)


def shape_asked(speaks: str, numbers: tuple[str, ...], attributes: tuple[str, ...]) -> Shape:
    """Return a registry of which only that is known: its protocol, the numbers it takes, the attributes it holds.

    Raises: ConfigurationError for a protocol or an attribute that there is not.
    """
    if speaks not in _LEAST:
        raise ConfigurationError(f"no questions for {speaks}: use one of {', '.join(ASKED)}")
    catalogue = Catalogue.load()
    if strangers := [name for name in attributes if name not in catalogue]:
        raise ConfigurationError(f"not in standards/catalogue.yaml: {', '.join(strangers)}")
    fields = (*(Seen(type_.lower(), type_) for type_ in numbers), *(Seen(name, name) for name in attributes))
    least: Any = {
        key: Decide(value, f"how it is asked ({key}); see the guide") for key, value in _LEAST[speaks].items()
    }
    if speaks in ("fhir", "ogc"):
        least = _by(speaks, least, numbers)
    options: dict[str, Any] = {}
    if speaks == "files":
        options = {"pattern": Decide("people-*.csv", "how the drops are called"), "max_age_h": 36}
    if speaks == "soap":
        options = {"wsdl": Decide("service.wsdl", "the WSDL, put beside this file")}
    return Shape(speaks, (Asked("person", fields, least, numbers, 1),), options=options)


def _by(speaks: str, least: dict[str, Any], numbers: tuple[str, ...]) -> dict[str, Any]:
    if speaks == "ogc":
        return {**least, "by": {type_: {"property": type_.lower()} for type_ in numbers}}
    by = {type_: {"system": Decide("urn:ns:of-the-number", f"the namespace of {type_}")} for type_ in numbers}
    return {"searches": {"Patient": {"by": by}}}


def _loaded(content: bytes, source: str) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    try:
        return YAML(typ="safe", pure=True).load(content.decode("utf-8"))
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        raise ConfigurationError(f"{source}: neither JSON, YAML, XML nor CSV") from None

"""What a draft is made from: a file or a table, recognised by what it holds."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import orjson
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent

from adapters.kit.draft.from_fhir import from_capabilities
from adapters.kit.draft.from_graphql import from_introspection
from adapters.kit.draft.from_openapi import from_openapi
from adapters.kit.draft.from_samples import from_csv, from_json, from_json_lines, from_table, from_workbook
from adapters.kit.draft.from_wsdl import from_wsdl
from adapters.kit.draft.shapes import Asked, Decide, Seen, Shape
from standards.attributes import Catalogue
from standards.errors import ConfigurationError
from standards.identifiers import GROUP_TYPES, PERSON_TYPES, normal_type

_MOST_BYTES: Final = 20_000_000
_MOST_YAML: Final = 1_000_000
"""Of YAML, which is read slowly; the same as JSON may be larger."""
_LEAST: Final[dict[str, dict[str, Any]]] = {
    "rest": {"requests": [{"path": "/people/{number}", "nobody": {"status": [404]}}]},
    "graphql": {"requests": [{"field": "people", "arguments": {"numbers": {"type": "[ID!]!", "value": "{numbers}"}}}]},
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

    source: an OpenAPI 3 document, a WSDL, a FHIR CapabilityStatement, a GraphQL introspection, a sample as CSV, xlsx,
        JSON or JSON lines, or a table as `sqlite:///file.db#table`. Nothing is ever fetched.
    Raises: ConfigurationError when it is none of these, says too little, or makes too much of itself.
    """
    if source.startswith("sqlite:"):
        return from_table(source)
    if "://" in source:
        raise ConfigurationError(f"{source.partition('://')[0]}: nothing is fetched: save it as a file, and give that")
    path = Path(source)
    try:
        return _shape(path, source)
    except ConfigurationError as error:
        said = str(error)
        raise ConfigurationError(said if said.startswith(source) else f"{source}: {said}") from None
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the document, its author has to mend it
        raise ConfigurationError(
            f"{source}: it is not built as its kind of document is ({type(error).__name__}): check it with a validator"
        ) from None


def _read(path: Path, source: str) -> bytes:
    try:
        if path.exists() and not path.is_file():  # a pipe or a device would be read without end
            raise ConfigurationError(f"{source}: no file")
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigurationError(f"{source}: larger than {_MOST_BYTES} bytes; give a part of it")
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{source}: cannot be read ({type(error).__name__})") from None


def _shape(path: Path, source: str) -> Shape:
    content = _read(path, source)
    suffix = path.suffix.lower()
    if suffix in (".wsdl", ".xml"):
        return from_wsdl(path)
    if suffix in (".csv", ".tsv", ".txt"):
        return from_csv(content, source)
    if suffix in (".xlsx", ".xlsm"):
        return from_workbook(content, source)
    if suffix in (".jsonl", ".ndjson"):
        return from_json_lines(content, source)
    loaded = _loaded(content, source)
    if isinstance(loaded, dict):
        if str(loaded.get("openapi", "")).startswith("3"):
            return from_openapi(loaded)
        if "swagger" in loaded:
            raise ConfigurationError(f"{source}: OpenAPI 2 (Swagger): convert it to OpenAPI 3 first")
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
    check_speaks(speaks)
    check_numbers(numbers)
    check_attributes(attributes)
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


def check_speaks(speaks: str) -> None:
    """Accept a protocol that a draft can be made for. Raises: ConfigurationError."""
    if speaks not in _LEAST:
        more = "; for dci the example of the guide is the draft" if speaks == "dci" else ""
        raise ConfigurationError(f"no questions for {speaks}: use one of {', '.join(ASKED)}{more}")


def check_numbers(types: tuple[str, ...]) -> None:
    """Accept types of numbers, one at least. Raises: ConfigurationError."""
    known = (*PERSON_TYPES, *GROUP_TYPES)
    if not types or [one for one in types if one not in known]:
        raise ConfigurationError(f"name one number or more, of {', '.join(known)}")


def check_called(type_: str) -> None:
    """Accept a type of number that Hearth knows, or one of a registry's own. Raises: ConfigurationError."""
    if re.fullmatch(r"[A-Z][A-Z0-9_]{1,49}", type_) is None or normal_type(type_) != type_:
        known = ", ".join((*PERSON_TYPES, *GROUP_TYPES))
        raise ConfigurationError(
            f"--number says NAME=TYPE, such as personalCode=UIN. Hearth knows {known}; a number that the registry "
            "alone gives out has a type of its own, in capitals, digits and _, such as HOLDER_NO"
        )


def check_attributes(names: tuple[str, ...]) -> None:
    """Accept attributes of the catalogue. Raises: ConfigurationError with names that are close."""
    catalogue = Catalogue.load()
    for name in names:
        if name not in catalogue:
            close = get_close_matches(name, catalogue.names, n=3, cutoff=0.6)
            meant = f"; did you mean {' or '.join(close)}?" if close else ""
            raise ConfigurationError(f"{name}: not in standards/catalogue.yaml{meant}")


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
    if len(content) > _MOST_YAML:
        raise ConfigurationError(f"{source}: no JSON, and larger than {_MOST_YAML} bytes of YAML: give it as JSON")
    try:
        text = content.decode("utf-8")
        # INVARIANT: nothing in it may grow: what is written once stands there once.
        if "*" in text and any(isinstance(one, AliasEvent) for one in YAML(typ="rt", pure=True).parse(text)):
            raise ConfigurationError(f"{source}: no aliases (`*name`) here: write it out")
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        raise ConfigurationError(f"{source}: neither JSON, YAML, XML nor CSV") from None

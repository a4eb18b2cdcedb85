"""Schemas of the published description as tables that people read: one row for every member. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

_REF: Final = "#/components/schemas/"
_SHOWN_CODES: Final = 16
"""A longer list of codes is counted, not listed."""


class Word(NamedTuple):
    """A piece of a type: plain, code, or the name of a schema."""

    text: str
    schema: str = ""
    is_code: bool = False


class Row(NamedTuple):
    """One member of an object."""

    name: str
    type: tuple[Word, ...]
    is_required: bool
    about: str


class Variant(NamedTuple):
    """One shape that a schema allows; most have one, without a caption."""

    caption: str
    rows: tuple[Row, ...]


class SchemaTable(NamedTuple):
    """One schema."""

    name: str
    about: str
    type: tuple[Word, ...]
    """What it is, when the members shown do not say so."""
    variants: tuple[Variant, ...]


def schema_table(name: str, schema: Mapping[str, Any]) -> SchemaTable:
    """Return the table of one schema of the document."""
    shapes = [choice for choice in _choices(schema) if "properties" in choice]
    named = [choice for choice in _choices(schema) if "properties" not in choice]
    opened, step = _opened(schema)
    if shapes:
        variants = tuple(Variant(_caption(shape), tuple(_rows(shape))) for shape in shapes)
    else:
        variants = (Variant("", tuple(_rows(opened, f"{step}." if step else ""))),) if opened else ()
    if named:
        words = (*_joined([type_words(choice) for choice in named]), *([Word(", or one of these:")] if shapes else []))
    else:
        words = () if "properties" in schema else type_words(schema)
    return SchemaTable(name, str(schema.get("description") or schema.get("title") or ""), words, variants)


def type_words(schema: Any) -> tuple[Word, ...]:
    """Return the type of a value in words."""
    if isinstance(schema, bool) or not schema:
        return (Word("anything"),)
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(_REF)
        return (Word(name, schema=name),)
    if "const" in schema:
        return (_code(schema["const"]),)
    if "enum" in schema:
        return _listed(schema["enum"])
    if choices := _choices(schema):
        return _joined([type_words(choice) for choice in choices])
    if schema.get("type") == "array":
        return (Word("array of "), *type_words(schema.get("items", {})))
    return _plain(schema)


def _choices(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the schemas of which one holds, also where a condition says which."""
    told = [schema[key] for key in ("then", "else") if "$ref" in schema.get(key, {})]
    return list(schema.get("oneOf", ())) or told


def _rows(schema: Mapping[str, Any], before: str = "") -> Iterator[Row]:
    """Yield a row for every member; an object that has no name of its own is opened where it stands."""
    required = schema.get("required", ())
    for name, inner in schema["properties"].items():
        about = "" if inner is True else str(inner.get("description", ""))
        yield Row(before + name, type_words(inner), name in required, about.partition("\n")[0])
        opened, step = _opened(inner)
        if opened is not None:
            yield from _rows(opened, f"{before}{name}{step}.")
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        yield Row(f"{before}{{}}", type_words(rest), is_required=False, about="Under any other name.")


def _opened(schema: Any) -> tuple[Mapping[str, Any] | None, str]:
    """Return the object without a name in a schema, and how its members are reached: `[]` through every entry."""
    if not isinstance(schema, dict):
        return None, ""
    for inner, step in ((schema, ""), (schema.get("items"), "[]"), (schema.get("additionalProperties"), "{}")):
        if isinstance(inner, dict) and "properties" in inner:
            return inner, step
    return None, ""


def _caption(shape: Mapping[str, Any]) -> str:
    """Return what tells a shape from its siblings: its constant members."""
    fixed = (f"{k}: {v['const']}" for k, v in shape["properties"].items() if isinstance(v, dict) and "const" in v)
    return ", ".join(fixed)


def _listed(values: Sequence[object]) -> tuple[Word, ...]:
    if len(values) > _SHOWN_CODES:
        return (Word(f"one of {len(values)} codes: "), _code(values[0]), Word(", "), _code(values[1]), Word(" ..."))
    return _joined([(_code(value),) for value in values])


def _joined(choices: Sequence[tuple[Word, ...]]) -> tuple[Word, ...]:
    words: list[Word] = []
    for position, choice in enumerate(choices):
        if position:
            words.append(Word(" or " if position == len(choices) - 1 else ", "))
        words.extend(choice)
    return tuple(words)


def _code(value: object) -> Word:
    return Word(value if isinstance(value, str) else json.dumps(value), is_code=True)


def _plain(schema: Mapping[str, Any]) -> tuple[Word, ...]:
    """Return the type of a simple value with its limits."""
    stated = schema.get("type", "anything")
    rest = schema.get("additionalProperties")
    if stated == "object" and isinstance(rest, dict):
        return (Word("object of "), *type_words(rest))
    limits = [str(schema["format"])] if "format" in schema else []
    if "maxLength" in schema:
        limits.append(f"at most {schema['maxLength']} characters")
    if "minimum" in schema:
        limits.append(f"from {schema['minimum']}")
    text = " or ".join(stated) if isinstance(stated, list) else str(stated)
    word = Word(f"{text} ({', '.join(limits)})" if limits else text)
    return (word, Word(" matching "), Word(schema["pattern"], is_code=True)) if "pattern" in schema else (word,)

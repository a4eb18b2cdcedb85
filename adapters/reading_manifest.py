"""From the text of a manifest to the manifest, or to all that is wrong with it: place by place, with a remedy."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jsonschema import Draft202012Validator
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, SequenceNode

from adapters.generic.soap.documents import gathered
from adapters.manifest import Manifest
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ruamel.yaml.nodes import Node

MOST: Final = 10
"""Mistakes that are told at once; who has mended those reads the next ones."""
_MOST_CHARACTERS: Final = 1_000_000
_NAMED: Final = re.compile(r"`([a-z_]+)[`.]")


class Mistake(NamedTuple):
    """One thing that is wrong in a manifest."""

    place: str
    """`:line:column`; empty where none can be told."""
    text: str
    """Where in the manifest, what, and what to do."""


class ManifestError(ConfigurationError):
    """A manifest that cannot be used."""

    def __init__(self, name: str, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        lines = [f"{name}{one.place}: {one.text}" for one in self.mistakes[:MOST]]
        if (more := len(self.mistakes) - MOST) > 0:
            lines.append(f"{name}: and {more} more")
        super().__init__("\n".join(lines))


def load_manifest(path: Path) -> Manifest:
    """Return the manifest of a file, checked by its schema and by its model.

    Raises: ManifestError with file, line, column and what to change, for up to ten mistakes.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(str(path), [Mistake("", f"cannot be read ({type(error).__name__})")]) from None
    return read_manifest(text, str(path), path.parent)


def read_manifest(text: str, name: str, folder: Path | None = None) -> Manifest:
    """Return the manifest that a text is.

    name: of the file, for errors.
    folder: where the documents lie that it names; None for a text that must do without.
    Raises: ManifestError as `load_manifest` does.
    """
    content = _content(text, name)
    if folder is not None:
        content = _whole(content, folder, text, name)
    wrong = [mistake for error in _validator().iter_errors(content) for mistake in _mistakes(error, text)]
    if wrong:
        raise ManifestError(name, sorted(set(wrong), key=_line))
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        told = error.errors(include_input=False, include_url=False)
        raise ManifestError(name, [_of_model(one["loc"], one["msg"], text) for one in told]) from None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a manifest, for editors and other countries' tools."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Manifest.model_json_schema(),
        "title": "Registry manifest",
    }


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema())


def _content(text: str, name: str) -> object:
    """Return what the YAML says; it may come from strangers, so that nothing in it may grow."""
    if len(text) > _MOST_CHARACTERS:
        raise ManifestError(name, [Mistake("", f"longer than {_MOST_CHARACTERS} characters: no manifest")])
    try:
        if "*" in text:
            for event in YAML(typ="rt", pure=True).parse(text):
                if isinstance(event, AliasEvent):
                    where = _mark(event.start_mark)
                    raise ManifestError(name, [Mistake(where, "no aliases (`*name`) here: write it out")])
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = _mark(mark) if mark else ""
        raise ManifestError(name, [Mistake(where, f"not YAML: {error.problem}")]) from None
    except (YAMLError, RecursionError, ValueError):
        raise ManifestError(name, [Mistake("", "not YAML")]) from None


def _whole(content: object, folder: Path, text: str, name: str) -> object:
    try:
        return gathered(content, folder)
    except ConfigurationError as error:
        raise ManifestError(name, [Mistake(_place(text, ["soap", "wsdl"]), str(error))]) from None


# -- what breaks the schema


def _mistakes(error: Any, text: str) -> Iterator[Mistake]:
    """Return what an error of the schema stands for, at the deepest place that explains it."""
    inner = _branch(error) if error.validator in ("oneOf", "anyOf") else None
    if inner is not None:
        for one in inner:
            yield from _mistakes(one, text)
        return
    steps: list[str | int] = list(error.absolute_path)
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        for key in sorted(set(error.instance) - set(known), key=str):
            remedy = _unknown(str(key), known)
            yield Mistake(_place(text, [*steps, key]), f"{_at(steps)}: {remedy}")
        return
    yield Mistake(_place(text, steps), f"{_at(steps)}: {_remedy(error)}")


def _branch(error: Any) -> list[Any] | None:
    """Return the errors of the one form among several that was meant; None when that cannot be told."""
    by_branch: dict[Any, list[Any]] = {}
    for one in error.context or ():
        by_branch.setdefault(one.schema_path[0], []).append(one)
    discriminator = error.schema.get("discriminator")
    if discriminator is not None:
        said = error.instance.get(discriminator["propertyName"]) if isinstance(error.instance, dict) else None
        wanted = discriminator["mapping"].get(said) if isinstance(said, str) else None
        for at, form in enumerate(error.schema.get("oneOf", ())):
            if wanted is not None and form.get("$ref") == wanted:
                return by_branch.get(at)
        return None
    meant = [of for of in by_branch.values() if not any(_is_other_kind(one) for one in of)]
    return meant[0] if len(meant) == 1 else None


def _is_other_kind(error: Any) -> bool:
    return not error.path and error.validator in ("type", "const")


def _unknown(key: str, known: Sequence[str]) -> str:
    close = get_close_matches(key, known, n=1, cutoff=0.6)
    meant = f"did you mean `{close[0]}`? " if close else ""
    return f"there is no `{key}` here: {meant}known here: {', '.join(known)}"


def _remedy(error: Any) -> str:
    """Return what a manifest's author has to change, without showing a whole part of the file."""
    match error.validator:
        case "enum":
            kinds = [str(one) for one in error.validator_value]
            close = get_close_matches(str(error.instance), kinds, n=1, cutoff=0.6)
            return f"use one of {', '.join(kinds)}" + (f" (did you mean `{close[0]}`?)" if close else "")
        case "const":
            return f"must be {error.validator_value!r}"
        case "type":
            kind = error.validator_value
            return f"must be of type {kind}" + ("; quote what is meant as text" if kind == "string" else "")
        case "pattern":
            return f"must match {error.validator_value}"
        case "oneOf" | "anyOf":
            kinds = sorted(error.schema.get("discriminator", {}).get("mapping", {}))
            return "fits no known form" + (f"; the kinds are {', '.join(kinds)}" if kinds else "")
        case "required":
            lacking = next(one for one in error.validator_value if one not in error.instance)
            said = error.schema.get("properties", {}).get(lacking, {}).get("description", "")
            return f"{error.message}; add it" + (f". {said}" if said else "")
        case "minItems":
            return "must not be empty"
    return error.message if len(error.message) < 200 else f"breaks `{error.validator}`"


# -- what the model does not like


def _of_model(steps: Sequence[str | int], message: str, text: str) -> Mistake:
    """Return a mistake that the model found, at the part it names where it stands at none."""
    said = message.removeprefix("Value error, ")
    named = _NAMED.search(said)
    at = [*steps, named[1]] if named else list(steps)
    return Mistake(_place(text, at), f"{_at(steps)}: {said}" if steps else said)


# -- where it is


def _at(steps: Iterable[str | int]) -> str:
    return ".".join(map(str, steps)) or "the file"


def _line(mistake: Mistake) -> tuple[tuple[int, ...], str]:
    return tuple(int(part) for part in mistake.place.split(":") if part), mistake.text


def _place(text: str, steps: Sequence[str | int]) -> str:
    """Return `:line:column` of the deepest part of a file that a path of keys and positions reaches."""
    node: Node | None = YAML(typ="rt", pure=True).compose(text)
    if node is None:
        return ""
    mark = node.start_mark
    for step in steps:
        inner = _inside(node, step)
        if inner is None:
            continue  # the models' own words, like the kind of a union, are no part of the file
        mark, node = inner
    return _mark(mark)


def _mark(mark: Any) -> str:
    return f":{mark.line + 1}:{mark.column + 1}"


def _inside(node: Node, step: str | int) -> tuple[Any, Node] | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark, value
    elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None

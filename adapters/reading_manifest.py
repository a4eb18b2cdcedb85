"""From the text of a manifest to the manifest, or to all that is wrong with it: place by place, with a remedy."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache, cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jsonschema import Draft202012Validator
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent, ScalarEvent
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from adapters.generic.soap.documents import gathered
from adapters.manifest import Manifest
from adapters.model import Name, Reference, Version
from adapters.terms import Clock
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from ruamel.yaml.nodes import Node

MOST: Final = 10
"""Mistakes that are told at once; who has mended those reads the next ones."""
_MOST_CHARACTERS: Final = 1_000_000
_MOST_PARTS: Final = 20_000
"""Keys, values and brackets; the largest manifest of the practice country has 621."""
_DEEPEST: Final = 40
_LOOKED_AT: Final = 100
"""Mistakes that are looked for; more of them only cost time."""
_NAMED: Final = re.compile(r"`([a-z_]+)[`.]")
_TWICE: Final = re.compile(r'found duplicate key "([A-Za-z0-9_ .-]{1,60})"')
_KINDS: Final = {
    "string": "a text (in quotes, if it looks like a number, a date, true or false)",
    "integer": "a whole number, without quotes",
    "number": "a number, without quotes",
    "boolean": "true or false, without quotes",
    "array": "a list: `[one, other]`, or lines that begin with `- `",
    "object": "a part with keys of its own: `{key: value}`, or indented lines",
    "null": "nothing (null)",
}
_BOUNDS: Final = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


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


def load_manifest(path: Path, noticing: Callable[[Path], object] = lambda _: None) -> Manifest:
    """Return the manifest of a file, checked by its schema and by its model.

    noticing: told of each further file that it is made of (a WSDL, its schemas) before that is read, also of one that
        is not there: whoever follows a manifest follows these too.
    Raises: ManifestError with file, line, column and what to change, for up to ten mistakes.
    """
    try:
        if not path.is_file():
            raise ManifestError(str(path), [Mistake("", "there is no such file")])
        if path.stat().st_size > 4 * _MOST_CHARACTERS:  # of UTF-8
            raise _too_long(str(path))
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "save it in UTF-8" if isinstance(error, UnicodeDecodeError) else type(error).__name__
        raise ManifestError(str(path), [Mistake("", f"cannot be read: {why}")]) from None
    return read_manifest(text, str(path), path.parent, noticing)


def read_manifest(
    text: str, name: str, folder: Path | None = None, noticing: Callable[[Path], object] = lambda _: None
) -> Manifest:
    """Return the manifest that a text is.

    name: of the file, for errors.
    folder: where the documents lie that it names; None for a text that must do without.
    noticing: as of `load_manifest`.
    Raises: ManifestError as `load_manifest` does.
    """
    content = _content(text, name)
    places = Places(text)
    if folder is not None:
        try:
            content = gathered(content, folder, noticing)
        except ConfigurationError as error:
            raise ManifestError(name, [Mistake(places.of(["soap", "wsdl"]), str(error))]) from None
    broken = (mistake for error in _validator().iter_errors(content) for mistake in _mistakes(error, places))
    if wrong := list(islice(broken, _LOOKED_AT)):
        raise ManifestError(name, sorted(set(wrong), key=_line))
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        told = [(one["loc"], one["msg"]) for one in error.errors(include_input=False, include_url=False)[:_LOOKED_AT]]
        # A part that is refused for what is inside it is refused once.
        deepest = [(at, said) for at, said in told if not any(at == other[: len(at)] != other for other, _ in told)]
        raise ManifestError(name, [_of_model(at, said, places) for at, said in deepest]) from None


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
        raise _too_long(name)
    try:
        _check_events(text, name)
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = _mark(mark) if mark else ""
        raise ManifestError(name, [Mistake(where, _not_yaml(error.problem or ""))]) from None
    except ReaderError as error:
        lines = text[: error.position].split("\n")
        where = f":{len(lines)}:{len(lines[-1]) + 1}"
        raise ManifestError(name, [Mistake(where, "a control character, which no text has: delete it")]) from None
    except (YAMLError, RecursionError, ValueError):
        raise ManifestError(name, [Mistake(_unreadable(text), "not YAML: a number or day that there is not")]) from None


def _too_long(name: str) -> ManifestError:
    return ManifestError(name, [Mistake("", f"longer than {_MOST_CHARACTERS} characters: no manifest")])


def _check_events(text: str, name: str) -> None:
    """Refuse what could grow, or hide something, before any of it is built.

    Raises: ManifestError; the library's own errors for what is no YAML.
    """
    depth = 0
    for count, event in enumerate(YAML(typ="safe", pure=True).parse(text)):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        wrong = None
        if isinstance(event, AliasEvent):
            wrong = "no aliases (`*name`) here: write it out"
        elif isinstance(event, ScalarEvent) and event.value == "<<" and event.style is None:
            wrong = "no merge keys (`<<`) here: write it out"
        elif isinstance(event, NodeEvent) and getattr(event, "tag", None) is not None:
            wrong = "no tags (`!name`) here: leave it out"
        elif depth > _DEEPEST:
            wrong = f"nested more than {_DEEPEST} deep: no manifest"
        elif count > _MOST_PARTS:
            wrong = f"more than {_MOST_PARTS} keys and values: no manifest"
        if wrong is not None:
            raise ManifestError(name, [Mistake(_mark(event.start_mark), wrong)])


def _not_yaml(problem: str) -> str:
    """Return what is to be mended, never with a value: where YAML ends, a secret may stand."""
    if found := _TWICE.search(problem):
        return f"`{found[1]}` stands here twice: keep one"
    if "duplicate key" in problem:
        return "a key stands here twice: keep one"
    if "'\\t'" in problem:
        return "not YAML: a tab; use spaces"
    if "mapping values are not allowed" in problem:
        return "not YAML: a second `: ` in one line; put a text that holds one into quotes, or mend the indentation"
    if "could not find expected ':'" in problem:
        return "not YAML: a key without `:`"
    return f"not YAML: {problem}; look at the quotes, brackets and indentation here and in the line above"


def _unreadable(text: str) -> str:
    """Return the place of the first number or day that there is not, such as the 45th of a month."""
    yaml = YAML(typ="safe", pure=True)
    level = [yaml.compose(text)]
    while level:
        node = level.pop(0)
        if isinstance(node, MappingNode):
            level[:0] = [one for pair in node.value for one in pair]
        elif isinstance(node, SequenceNode):
            level[:0] = node.value
        elif isinstance(node, ScalarNode):
            try:
                yaml.constructor.construct_object(node)
            except ValueError:
                return _mark(node.start_mark)
    return ""


# -- what breaks the schema


def _mistakes(error: Any, places: Places) -> Iterator[Mistake]:
    """Return what an error of the schema stands for, at the deepest place that explains it."""
    inner = _branch(error) if error.validator in ("oneOf", "anyOf") else None
    if inner is not None:
        for one in inner:
            yield from _mistakes(one, places)
        return
    steps: list[str | int] = list(error.absolute_path)
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        for key in sorted(set(error.instance) - set(known), key=str):
            remedy = _unknown(str(key), known)
            yield Mistake(places.of([*steps, key]), f"{_at(steps)}: {remedy}")
        return
    if error.validator == "propertyNames":
        yield Mistake(places.of([*steps, error.instance]), f"{_at([*steps, error.instance])}: {_remedy(error)}")
        return
    yield Mistake(places.of(steps), f"{_at(steps)}: {_remedy(error)}")


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
    shown = key if len(key) <= 60 else f"{key[:60]}..."
    if close := _close(key, known):
        return f"there is no `{shown}` here: did you mean `{close}`?"
    return f"there is no `{shown}` here: known here: {', '.join(known)}"


def _close(word: str, known: Sequence[str]) -> str | None:
    """Return the one that was meant, whatever its case."""
    folded = {one.casefold(): one for one in known}
    close = get_close_matches(word.casefold()[:60], folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def _remedy(error: Any) -> str:
    """Return what a manifest's author has to change; what stands there is never shown, since it may be a secret."""
    stated, said = error.validator_value, error.schema.get("description", "")
    match error.validator:
        case "enum":
            kinds = [str(one) for one in stated]
            close = _close(str(error.instance), kinds)
            return f"use one of {', '.join(kinds)}" + (f" (did you mean `{close}`?)" if close else "")
        case "const":
            return f"must be {stated!r}"
        case "type":
            return _wanted(error.instance, [stated] if isinstance(stated, str) else stated)
        case "pattern":
            return _form(stated) or f"must match {stated}" + (f". {said}" if said else "")
        case "oneOf" | "anyOf":
            kinds = sorted(error.schema.get("discriminator", {}).get("mapping", {}))
            if kinds:
                return f"fits no known form; the kinds are {', '.join(kinds)}"
            wanted = [one.validator_value for one in error.context if _is_other_kind(one) and one.validator == "type"]
            return _wanted(error.instance, wanted) if wanted else "fits no known form"
        case "required":
            lacking = next(one for one in stated if one not in error.instance)
            said = error.schema.get("properties", {}).get(lacking, {}).get("description", "")
            return f"'{lacking}' is a required property; add it" + (f". {said}" if said else "")
        case "minItems" | "minProperties" | "minLength":
            return "must not be empty" if stated == 1 else f"must have at least {stated}"
        case "maxItems" | "maxProperties" | "maxLength":
            return f"must have at most {stated}"
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            return f"must be {_BOUNDS[error.validator]} {stated}" + (f". {said}" if said else "")
    return f"breaks `{error.validator}`" + (f". {said}" if said else "")


def _wanted(instance: object, kinds: Iterable[str]) -> str:
    wanted = ", or ".join(dict.fromkeys(_KINDS[kind] for kind in kinds))
    return f"nothing stands here: must be {wanted}" if instance is None else f"must be {wanted}"


def _form(pattern: str) -> str | None:
    """Return in words what a pattern wants that many parts share."""
    return {
        _pattern(Reference): "must be a reference to the environment, such as `env:HEARTH_PENSIONS_KEY`: addresses "
        "and secrets never stand in a manifest",
        _pattern(Name): "must be a name: small letters, digits and `_`, a letter first, 2 to 40 characters",
        _pattern(Version): 'must be two numbers with a point between them, in quotes, such as "1.0"',
        _pattern(Clock): 'must be a time of day in quotes, such as "07:30"; "24:00" is midnight',
    }.get(pattern)


def _pattern(kind: Any) -> str:
    return str(kind.__metadata__[0].pattern)


# -- what the model does not like


def _of_model(steps: Sequence[str | int], message: str, places: Places) -> Mistake:
    """Return a mistake that the model found, at the part it names where it stands at none."""
    said = message.removeprefix("Value error, ")
    if steps and steps[-1] == "[key]":
        return Mistake(places.of(steps[:-1]), f"{_at(steps[:-2])}: keys are texts: put `{steps[-2]}` in quotes")
    named = _NAMED.search(said)
    at = [*steps, named[1]] if named else list(steps)
    return Mistake(places.of(at), f"{_at(steps)}: {said}" if steps else said)


# -- where it is


def _at(steps: Iterable[str | int]) -> str:
    return ".".join(map(str, steps)) or "the file"


def _line(mistake: Mistake) -> tuple[tuple[int, ...], str]:
    return tuple(int(part) for part in mistake.place.split(":") if part), mistake.text


class Places:
    """Where the parts of a file stand; the file is read for it once, and only when something is asked for."""

    def __init__(self, text: str) -> None:
        self._text = text

    def of(self, steps: Sequence[str | int]) -> str:
        """Return `:line:column` of the deepest part of a file that a path of keys and positions reaches."""
        node = self._root
        if node is None:
            return ""
        mark = node.start_mark
        for step in steps:
            inner = _inside(node, step)
            if inner is None:
                continue  # the models' own words, like the kind of a union, are no part of the file
            mark, node = inner
        return _mark(mark)

    @cached_property
    def _root(self) -> Node | None:
        root: Node | None = YAML(typ="safe", pure=True).compose(self._text)
        return root


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

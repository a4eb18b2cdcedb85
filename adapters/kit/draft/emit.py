"""Drafts as text: YAML with a comment wherever something is to be decided."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.kit.draft.shapes import Decide

_PLAIN: Final = re.compile(r"(env:)?[A-Za-z_][A-Za-z0-9_/.@-]*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"})
_WIDTH: Final = 100
_SHORT: Final = 40
_MARK: Final = "# decide:"
_LONGEST: Final = 600


def text_of(content: Mapping[str, Any]) -> str:
    """Return a mapping as YAML; a `Decide` is its value, with the question as a comment above it."""
    return "\n".join(_mapping(content, 0)) + "\n"


def questions(text: str) -> list[tuple[int, str]]:
    """Return line and question of everything that a draft leaves to be decided."""
    found = []
    for at, line in enumerate(text.splitlines(), 1):
        before, mark, question = line.partition(_MARK)
        if mark and not before.strip(" -"):
            found.append((at, question.strip()))
    return found


def one_line(text: str) -> str:
    """Return a text as a comment may hold it: names in it come from strangers, and must not become YAML."""
    # INVARIANT: no line break of any kind, and no sign that YAML does not allow.
    shown = "".join(sign if sign.isprintable() else " " for sign in text[:_LONGEST])
    return " ".join(shown.split())


def _mapping(content: Mapping[str, Any], depth: int) -> list[str]:
    lines: list[str] = []
    indent = "  " * depth
    for key, stated in content.items():
        value = stated
        while isinstance(value, Decide):
            lines.append(f"{indent}{_MARK} {one_line(value.question)}")
            value = value.value
        lines += _entry(f"{indent}{_scalar(key)}:", value, depth)
    return lines


def _entry(head: str, value: Any, depth: int) -> list[str]:
    if not _is_nested(value):
        flow = _flow(value)
        if len(head) + len(flow) < _WIDTH:
            return [f"{head} {flow}"]
    if isinstance(value, Mapping):
        return [head, *_mapping(value, depth + 1)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        lines = [head]
        for one in value:
            lines += _item(one, depth + 1)
        return lines
    return [f"{head} {_scalar(value)}"]


def _item(stated: Any, depth: int) -> list[str]:
    indent, lines, value = "  " * depth, [], stated
    while isinstance(value, Decide):
        lines.append(f"{indent}{_MARK} {one_line(value.question)}")
        value = value.value
    if isinstance(value, Mapping) and (_is_nested(value) or len(_flow(value)) > _SHORT):
        inner = _mapping(value, depth + 1)
        first = next(at for at, line in enumerate(inner) if not line.lstrip().startswith("#"))
        # A comment before the first key stands above the dash.
        lines += [indent + line.strip() for line in inner[:first]]
        return [*lines, f"{indent}- {inner[first].lstrip()}", *inner[first + 1 :]]
    return [*lines, f"{indent}- {_flow(value)}"]


def _is_nested(value: Any) -> bool:
    """Tell whether something below is to be decided, or is a mapping within a mapping."""
    if isinstance(value, Decide):
        return True
    if isinstance(value, Mapping):
        return any(isinstance(one, Mapping | Decide) or _is_nested(one) for one in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(isinstance(one, Mapping | Decide) for one in value)
    return False


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.casefold() not in _WORDS:
        return value
    # What is not printable is escaped; YAML reads the escapes of JSON.
    return json.dumps(value, ensure_ascii=not str(value).isprintable())

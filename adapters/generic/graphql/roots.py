"""What a path reads of a record at all, so that a registry is asked for no more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from adapters.generic.mapping.expressions import expression

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.generic.mapping.layout import RecordLayout

_OF_THE_FIRST: Final = frozenset(
    {"subexpression", "index_expression", "pipe", "projection", "filter_projection", "value_projection", "flatten"}
)
"""Nodes of which only the first part reads the record itself; the others read what the first one found."""


def roots(path: str) -> frozenset[str] | None:
    """Return the names of the record's own members that a JMESPath reads; None where it may read all of them.

    Raises: ValueError when the path is no JMESPath.
    """
    return _roots(cast("dict[str, Any]", expression(path).parsed))


def _roots(node: dict[str, Any]) -> frozenset[str] | None:
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        return frozenset({node["value"]})
    if kind in {"literal", "expref", "index", "slice"}:
        return frozenset()  # a function applies an expression reference to entries of its other arguments
    if kind in {"identity", "current"}:
        return None
    return _union(_roots(child) for child in (children[:1] if kind in _OF_THE_FIRST else children))


def _union(parts: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    names: frozenset[str] = frozenset()
    for part in parts:
        if part is None:
            return None
        names |= part
    return names


def needed(layout: RecordLayout, names: frozenset[str]) -> frozenset[str] | None:
    """Return the members of a record that some attributes need, with its numbers, date, kin and members.

    None where they may need all of them.
    """
    paths = [one.path for one in layout.identifiers.values()]
    for name, field in layout.attributes.items():
        if name in names:
            paths.append(field.path)
            paths += [field.share_of] if field.share_of else []
    paths += [layout.as_of.path] if layout.as_of else []
    paths += [kin.path for kin in layout.kin]
    paths += [layout.members.path] if layout.members else []
    return _union(roots(path) for path in paths)

"""Selections of GraphQL queries: of a record only what the attributes wanted are read from, as their paths say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from adapters.generic.mapping.expressions import expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from adapters.generic.mapping.layout import RecordLayout, ValueField

Tree = dict[str, Any]
"""Name of a field -> what is selected of it; nothing of a scalar."""

_STAYS = frozenset({"identity", "current", "index", "literal", "slice"})
_GOES_ON = frozenset({"subexpression", "index_expression", "pipe", "projection", "flatten"})
_BESIDE = frozenset(
    {"comparator", "or_expression", "and_expression", "not_expression", "multi_select_list", "multi_select_dict"}
)


class Selections:
    """What is selected of the records of one lookup.

    select: member of a record -> how it is selected, in place of what its paths say.
    Raises: ValueError for a path from which nobody can tell what it reads.
    """

    def __init__(self, layout: RecordLayout, select: Mapping[str, str], further: Iterable[str]) -> None:
        self._select = select
        self._always: Tree = {}
        for path in (*_own(layout), *further):
            self._grow(self._always, path)
        for kin in layout.kin:
            inner = self._grow(self._always, kin.path)
            for number in kin.identifiers.values():
                self._grow(inner, number.path)
            if kin.birth_date is not None:
                self._grow(inner, kin.birth_date.path)
        if layout.members is not None:
            inner = self._grow(self._always, layout.members.path)
            for number in layout.members.identifiers.values():
                self._grow(inner, number.path)
            if layout.members.relationship is not None:
                self._of(inner, layout.members.relationship)
        self._attributes = layout.attributes
        self.text(frozenset(layout.attributes))  # so that a path that cannot be selected is found at start

    def text(self, names: frozenset[str], further: Mapping[str, ValueField] | None = None) -> str:
        """Return the selection for some attributes, without the braces around it."""
        tree = _copy(self._always)
        for name, field in (self._attributes | dict(further or {})).items():
            if name in names:
                self._of(tree, field)
        return " ".join([self._select.get(name) or _written(name, inner) for name, inner in sorted(tree.items())])

    def _of(self, tree: Tree, field: ValueField) -> None:
        inner = self._grow(tree, field.path)
        for entry in field.each.values():
            self._grow(inner, entry.path)
        if field.share_of is not None:
            self._grow(tree, field.share_of)

    def _grow(self, tree: Tree, path: str) -> Tree:
        try:
            node = cast("dict[str, Any]", expression(path).parsed)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        try:
            return _walk(node, tree)
        except _UntellableError:
            raise ValueError(f"{path}: nobody can tell what it reads; give its parts in `select`") from None


class _UntellableError(Exception):
    """What a path reads cannot be told from it."""


def _own(layout: RecordLayout) -> Iterator[str]:
    yield from (one.path for one in layout.identifiers.values())
    if layout.as_of is not None:
        yield layout.as_of.path


def _walk(node: dict[str, Any], at: Tree) -> Tree:
    """Let a tree grow by what a node reads; return the place in it where the node leads."""
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        return cast("Tree", at.setdefault(node["value"], {}))
    if kind in _STAYS:
        return at
    if kind in _GOES_ON:
        for child in children:
            at = _walk(child, at)
        return at
    if kind == "filter_projection":
        base, each, condition = children
        entry = _walk(base, at)
        _walk(condition, entry)
        return _walk(each, entry)
    if kind == "key_val_pair":
        return _walk(children[0], at)
    if kind in _BESIDE:
        for child in children:
            _walk(child, at)
        return at
    if kind == "function_expression" and not any(child["type"] == "expref" for child in children):
        places = [_walk(child, at) for child in children]
        return places[0] if places else at
    raise _UntellableError


def _copy(tree: Tree) -> Tree:
    return {name: _copy(inner) for name, inner in tree.items()}


def _written(name: str, inner: Tree) -> str:
    if not name.isidentifier() or not name.isascii():
        raise ValueError(f"{name}: not the name of a GraphQL field; give it in `select`")
    if not inner:
        return name
    return f"{name} {{ {' '.join([_written(one, more) for one, more in sorted(inner.items())])} }}"

"""JMESPath expressions, parsed: what a manifest may write there, and how much it may make of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import jmespath
from jmespath.exceptions import JMESPathError

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

MOST_CHARACTERS: Final = 2_000
DEEPEST: Final = 60
"""Steps from an expression to its innermost part."""
MOST_COPIES: Final = 10_000
"""How often an expression may take the same thing into its result."""
_CHOICES: Final = frozenset({"multi_select_list", "multi_select_dict"})


def expression(path: str) -> ParsedResult:
    """Return an expression, ready to search with; its `parsed` is the syntax tree.

    Raises: ValueError when it is no JMESPath, or one that no manifest needs and that could eat up a machine.
    """
    if len(path) > MOST_CHARACTERS:
        raise ValueError(f"a path has at most {MOST_CHARACTERS} characters")
    try:
        parsed = jmespath.compile(path)
    except JMESPathError:
        raise ValueError("not a JMESPath") from None
    except RecursionError:
        raise ValueError("nested too deep for a path") from None
    _check(cast("dict[str, Any]", parsed.parsed))
    return parsed


def _check(root: dict[str, Any]) -> None:
    """Refuse what nests too deep, and what doubles its input again and again.

    An expression can look at a thing twice only by choosing several members of it at once, so that the product of all
    those choices bounds what it may grow to.
    """
    level, depth, copies = [root], 0, 1
    while level:
        depth += 1
        for node in level:
            if node["type"] in _CHOICES:
                copies *= max(1, len(node["children"]))
        if depth > DEEPEST:
            raise ValueError("nested too deep for a path")
        if copies > MOST_COPIES:
            raise ValueError("a path that takes the same thing again and again")
        level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]

"""JMESPath expressions, parsed: what a manifest may write there, and how much it may make of a record."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from pydantic import AfterValidator

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

MOST_CHARACTERS: Final = 2_000
DEEPEST: Final = 60
"""Steps from an expression to its innermost part."""
MOST_COPIES: Final = 10_000
"""How often an expression may take the same thing into its result."""
MOST_COPIES_WRITTEN: Final = 50
"""The same, where the expression also writes texts: what is taken twice is otherwise one and the same thing."""
MOST_WRITTEN: Final = 4
"""Texts that an expression may make of what it has found: each may write the marks of the one before twice."""
LONGEST_GLUE: Final = 20
"""Characters that may stand between what `join` puts together."""
_CHOICES: Final = frozenset({"multi_select_list", "multi_select_dict"})
_FUNCTIONS: Final[dict[str, Any]] = Functions.FUNCTION_TABLE
_WRITES: Final = frozenset({"to_string", "join"})
_IS_NAME: Final = re.compile(r"[^\W\d]\w*(?:[ /-]+\w+)+")


def expression(path: str) -> ParsedResult:
    """Return an expression, ready to search with; its `parsed` is the syntax tree.

    Raises: ValueError when it is no JMESPath, or one that no manifest needs and that could eat up a machine.
    """
    if len(path) > MOST_CHARACTERS:
        raise ValueError(f"a path has at most {MOST_CHARACTERS} characters")
    try:
        parsed = jmespath.compile(path)
    except JMESPathError as error:
        raise ValueError(_no_path(path, getattr(error, "lex_position", None))) from None
    except RecursionError:
        raise ValueError("nested too deep for a path") from None
    _check(cast("dict[str, Any]", parsed.parsed))
    return parsed


def _checked(path: str) -> str:
    expression(path)
    return path


JmesPath = Annotated[str, AfterValidator(_checked)]
"""A text that is a JMESPath, and one that cannot eat up a machine."""


def _no_path(path: str, at: int | None) -> str:
    if not path.strip():
        return "an empty path is no JMESPath: `@` is the whole record"
    if _IS_NAME.fullmatch(path):
        return "not a JMESPath: put a name with spaces or signs into double quotes, and those into single ones"
    return "not a JMESPath" + (f" (from character {at + 1})" if at is not None else "")


def _check(root: dict[str, Any]) -> None:
    """Refuse what nests too deep, what doubles its input again and again, and functions that there are not.

    An expression can look at a thing twice only by choosing several members of it at once, so that the product of all
    those choices bounds what it may grow to; texts are written anew each time, and are bounded more closely.
    """
    level, depth, copies, written = [root], 0, 1, 0
    while level:
        depth += 1
        for node in level:
            if node["type"] in _CHOICES:
                copies *= max(1, len(node["children"]))
            if node["type"] == "function_expression":
                _check_function(node)
                written += node["value"] in _WRITES
        if depth > DEEPEST:
            raise ValueError("nested too deep for a path")
        if copies > (MOST_COPIES_WRITTEN if written else MOST_COPIES):
            raise ValueError("a path that takes the same thing again and again")
        level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]
    if written > MOST_WRITTEN:
        raise ValueError(f"a path may use `to_string` and `join` {MOST_WRITTEN} times")


def _check_function(node: dict[str, Any]) -> None:
    name, arguments = node["value"], node["children"]
    if name not in _FUNCTIONS:
        close = get_close_matches(name, _FUNCTIONS, n=1)
        raise ValueError(f"JMESPath has no function `{name}`" + (f": did you mean `{close[0]}`?" if close else ""))
    signature = _FUNCTIONS[name]["signature"]
    takes_more = bool(signature) and signature[-1].get("variadic", False)
    if len(arguments) < len(signature) or (len(arguments) > len(signature) and not takes_more):
        raise ValueError(f"`{name}` takes {len(signature)}{' or more' if takes_more else ''}, not {len(arguments)}")
    if name == "join" and not (_is_text(arguments[0]) and len(arguments[0]["value"]) <= LONGEST_GLUE):
        raise ValueError(
            f"what `join` puts between is a text of at most {LONGEST_GLUE} characters: `join(', ', names)`"
        )


def _is_text(node: dict[str, Any]) -> bool:
    return node["type"] == "literal" and isinstance(node["value"], str)

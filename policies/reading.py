"""Agreement files: YAML in, checked agreements out; what is wrong is said with file, line and column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from policies.agreement import FORM_REMEDY, Agreement
from policies.fit import Problem, fitted, problems
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from standards.attributes import Catalogue

_REMEDIES: Final = {
    "extra_forbidden": "this key is not known here: remove it, or correct its spelling",
    "form_unknown": FORM_REMEDY,
    "int_from_float": "write a whole number",
    "too_short": "list at least one",
    "date_from_datetime_parsing": "write a date, such as 2026-01-31",
    "date_type": "write a date, such as 2026-01-31",
    "string_type": "write text in quotes",
}


def read_agreement(path: Path, catalogue: Catalogue) -> Agreement:
    """Return the agreement of one file.

    Raises: ConfigurationError with a line `file:line:column: where: what to change` for everything that is wrong.
    """
    try:
        return parse_agreement(path.read_text(encoding="utf-8"), catalogue, name=str(path))
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigurationError(f"{path}: cannot be read as UTF-8 text ({type(wrong).__name__})") from None


def parse_agreement(text: str, catalogue: Catalogue, *, name: str = "agreement") -> Agreement:
    """Return the agreement of a YAML text; `name` is what errors call the text.

    Raises: ConfigurationError, as `read_agreement` does.
    """
    try:
        tree = YAML(typ="safe", pure=True).compose(text)
        content = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        where = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise ConfigurationError(f"{name}:{where}: not well-formed YAML: {wrong.problem or wrong.context}") from None
    except ValueError:
        raise ConfigurationError(f"{name}:1:1: a day in it does not exist, such as 2026-02-30: correct it") from None
    except YAMLError as wrong:
        raise ConfigurationError(f"{name}:1:1: not well-formed YAML: {type(wrong).__name__}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{name}:1:1: an agreement is a mapping of keys to values: start with `id: ...`")
    try:
        agreement = Agreement.model_validate(content)
    except ValidationError as wrong:
        found = [_problem(error) for error in wrong.errors(include_input=False, include_url=False)]
    else:
        found = list(problems(agreement, catalogue))
        if not found:
            return fitted(agreement, catalogue)
    raise ConfigurationError("\n".join(_line(name, tree, problem) for problem in found))


def _problem(error: ErrorDetails) -> Problem:
    path, kind = tuple(error["loc"]), error["type"]
    if kind == "missing":
        return Problem(path[:-1], f"add the key `{path[-1]}`")
    if path == ("version",):
        return Problem(path, 'write two numbers in quotes and without leading zeros, such as "1.0"')
    return Problem(path, _REMEDIES.get(kind, error["msg"].removeprefix("Value error, ")))


def _line(name: str, tree: Node, problem: Problem) -> str:
    node, stated = _find(tree, problem.path)
    where = f"{name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
    return f"{where}: {'.'.join(map(str, stated)) or 'agreement'}: {problem.sentence}"


def _find(tree: Node, path: Sequence[str | int]) -> tuple[Node, tuple[str | int, ...]]:
    """Return the node a path leads to, and the steps that are in the file.

    A step that the file does not have is skipped: it names a branch of the model, such as the kind of a form.
    The node of a mapping's entry is its key, so that an error points at the line that starts it.
    """
    node, shown = tree, tree
    stated: list[str | int] = []
    for step in path:
        entry = _entry(node, step)
        if entry is not None:
            shown, node = entry
            stated.append(step)
    return shown, tuple(stated)


def _entry(node: Node, step: str | int) -> tuple[Node, Node] | None:
    if isinstance(node, MappingNode):
        entries: list[tuple[Any, Node]] = node.value
        return next(((k, v) for k, v in entries if isinstance(k, ScalarNode) and k.value == str(step)), None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None

"""What is written down is what the code does: settings, reasons, journal events, log fields, commands."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel
from ruamel.yaml import YAML
from typer.main import get_command
from typer.testing import CliRunner

from gateway.cli import app
from gateway.settings import Settings, load
from gateway.telemetry import FIELDS
from standards.permit import Reason
from standards.states import UnavailableReason, WithheldReason

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "config.example.yaml"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


# -- settings


def settings_of(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Every setting of a model by its dotted path; of a list of groups, those of one entry."""
    for name, field in model.model_fields.items():
        inner = next((t for t in (field.annotation, *get_args(field.annotation)) if _is_group(t)), None)
        if inner is None:
            yield f"{path}{name}"
        else:
            yield from settings_of(inner, f"{path}{name}.")


def _is_group(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def named_in(part: Any, path: str = "") -> Iterator[str]:
    """Every setting that the example names, in the same words."""
    for entry in part if isinstance(part, list) else [part]:
        for name, value in entry.items():
            groups = value if isinstance(value, list) else [value]
            if groups and all(one and isinstance(one, dict) for one in groups):  # an empty one is a mapping, no group
                yield from named_in(value, f"{path}{name}.")
            else:
                yield f"{path}{name}"


def test_the_example_names_every_setting_and_no_other():
    """Whoever copies it has them all."""
    written = YAML(typ="safe", pure=True).load(EXAMPLE)

    assert set(named_in(written)) == set(settings_of(Settings))


def test_every_entry_of_a_list_in_the_example_is_whole():
    """No setting of a rule or a consumer is shown in one entry only."""
    written = YAML(typ="safe", pure=True).load(EXAMPLE)

    for rule in written["households"]["rules"]:
        assert rule.keys() == written["households"]["rules"][0].keys()


def test_the_example_shows_the_defaults():
    """It can be started with, and changes nothing but that somebody may ask."""
    example, defaults = load(EXAMPLE).model_dump(), load(None).model_dump()
    assert example.pop("consumers")
    defaults.pop("consumers")
    assert example["agreements"].pop("operators")
    defaults["agreements"].pop("operators")
    assert example["registries"].pop("operators")
    defaults["registries"].pop("operators")
    assert example["tokens"].pop("issuers")
    defaults["tokens"].pop("issuers")
    # Relative to the file that names it.
    assert example["agreements"].pop("folder") == EXAMPLE.parent / defaults["agreements"].pop("folder")
    assert example["stores"].pop("folder") == EXAMPLE.parent / defaults["stores"].pop("folder")

    assert example == defaults


def test_every_setting_says_what_it_is():
    """In the model, from where the reader of an error message gets it."""
    assert [s for s in _undescribed(Settings) if not s.endswith((".name", ".version"))] == []


def _undescribed(model: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = next((t for t in (field.annotation, *get_args(field.annotation)) if _is_group(t)), None)
        if inner is not None:
            yield from _undescribed(inner, f"{path}{name}.")
        elif not field.description:
            yield f"{path}{name}"


# -- reasons, events, fields


def documented(*files: str) -> set[str]:
    """Everything that stands as code in the first column of a table."""
    cells = re.findall(r"^\| ((?:`[\w.]+`(?:, )?)+) \|", "\n".join(map(_read, files)), re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([\w.]+)`", cell)}


def _read(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("reasons", [UnavailableReason, WithheldReason, Reason])
def test_every_reason_is_explained(reasons):
    """A consumer who reads one finds out what to do."""
    assert {str(reason) for reason in reasons} <= documented("standards/README.md", "policies/README.md")


def code(*folders: str) -> str:
    """The text of every module of these packages."""
    return "\n".join(p.read_text(encoding="utf-8") for f in folders for p in sorted((ROOT / f).rglob("*.py")))


def journal_events() -> set[str]:
    """Every event that the code can write into the journal."""
    return set(re.findall(r'"((?:search|journal)\.[a-z]+)"', code("gateway"))) - {
        "search.unread",
        "journal.db",
        "journal.lock",
    }


def test_every_event_of_the_journal_is_explained():
    """And none is explained that is never written."""
    events = {word for word in documented("gateway/README.md") if re.fullmatch(r"(search|journal)\.[a-z]+", word)}
    events -= {"journal.db"}

    assert journal_events() == events


def logged() -> Iterator[ast.Call]:
    """Every line of code that writes to the log."""
    for folder in ("standards", "adapters", "policies", "gateway"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_log(node.func):
                    yield node


def _is_log(method: ast.Attribute) -> bool:
    logger = ast.unparse(method.value)
    return method.attr in LEVELS and (logger.lower() in {"log", "_log"} or "get_logger" in logger)


def test_every_event_of_the_log_is_explained():
    """The operator who reads one finds out who has to act."""
    texts = {a.value for call in logged() for a in call.args if isinstance(a, ast.Constant)}
    events = {text for text in texts if isinstance(text, str)}

    assert "request" in events
    assert events <= documented("gateway/README.md")


def test_every_field_that_is_logged_may_be():
    """Otherwise its value would be dropped on the way."""
    fields = {keyword.arg for call in logged() for keyword in call.keywords if keyword.arg is not None}

    assert {"source", "reason"} <= fields
    assert fields <= FIELDS


def test_every_field_that_may_be_logged_is_explained():
    """The list is closed, and the operator can read it."""
    assert documented("gateway/README.md") >= FIELDS


# -- commands


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command of the `hearth` command, groups included."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


@pytest.mark.parametrize("command", list(commands(get_command(app))), ids=" ".join)
def test_every_command_explains_itself(command):
    """With `--help`, and every option of it with a sentence."""
    result = CliRunner().invoke(app, [*command, "--help"])

    assert result.exit_code == 0
    assert "Usage" in result.output


def test_every_option_of_every_command_has_a_sentence():
    """Nobody has to read the code to know what it does."""
    silent = [
        f"{' '.join(path)} {option.name}"
        for path in commands(get_command(app))
        for option in _command(path).params
        if isinstance(option, typer.core.TyperOption) and not option.help
    ]

    assert silent == []


def _command(path: tuple[str, ...]) -> Any:
    command: Any = get_command(app)
    for name in path:
        command = command.commands[name]
    return command

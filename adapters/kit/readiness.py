"""The readiness list of a registry: what must be true before it may be asked about real people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import RootModel, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from adapters.manifest import Model
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

READINESS: Final = "readiness.yaml"
RULES: Final = {
    "owner_named": "The manifest names owner, legal basis and a contact who answers.",
    "credentials_by_reference": "Address and credentials are references to the environment.",
    "shared_client": "The adapter is given its client; it opens no connection of its own.",
    "batched": "Many people go into one call, or the registry cannot do it.",
    "subject_checked": "A record that does not state the number asked about is refused.",
    "silence_is_no_answer": "A person left out of an answer is an error, never 'nobody by that number'.",
    "whole_or_refused": "All pages are read, or the answer is refused.",
    "promises_checked": "Missing or retyped fields are refused by name, without their values.",
    "codes_translated": "Every code is translated by a table; an unknown one makes its attribute unusable.",
    "units_converted": "Amounts, areas and dates come out in the catalogue's units.",
    "minimal": "No more is asked of the registry than the attributes wanted, where it lets us choose.",
    "dated": "Records say as of when they hold.",
    "limits_agreed": "Timeout, calls in flight and batch size are agreed with the owner.",
    "examples": "Synthetic answers and the records expected from them lie in examples/.",
    "test_call": "A call about nobody is answered (`hearth registry check`).",
}
"""Rule -> what it asks for; every readiness.yaml answers every one."""


class Standing(Model):
    """How one rule stands."""

    status: Literal["done", "todo", "exempt"]
    comment: str = ""

    @model_validator(mode="after")
    def _exemptions_have_reasons(self) -> Standing:
        if self.status == "exempt" and not self.comment.strip():
            raise ValueError("an exemption needs a comment that says why")
        return self


class Readiness(RootModel[dict[str, Standing | Literal["done", "todo"]]]):
    """A readiness list: rule -> `done`, `todo`, or status with comment."""

    def status(self, rule: str) -> str:
        """Return `done`, `todo` or `exempt`."""
        standing = self.root[rule]
        return standing.status if isinstance(standing, Standing) else standing

    def exemption(self, rule: str) -> str | None:
        """Return why a rule is exempt; None when it is not."""
        standing = self.root[rule]
        return standing.comment if isinstance(standing, Standing) and standing.status == "exempt" else None

    @property
    def progress(self) -> str:
        """Return how many rules are done or exempt, of all: `14/15`."""
        return f"{len(RULES) - len(self.todo)}/{len(RULES)}"

    @property
    def todo(self) -> tuple[str, ...]:
        """Rules still to be fulfilled, in the order of RULES."""
        return tuple(rule for rule in RULES if self.status(rule) == "todo")


def load_readiness(path: Path) -> Readiness:
    """Return a readiness list.

    Raises: ConfigurationError when it is not one, leaves a rule out or answers one that does not exist.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        readiness = Readiness.model_validate(content)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({type(error).__name__})") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{path}: {at}: {first['msg']}") from None
    if lacking := [rule for rule in RULES if rule not in readiness.root]:
        raise ConfigurationError(f"{path}: answer the rules {', '.join(lacking)}")
    if unknown := sorted(readiness.root.keys() - RULES.keys()):
        raise ConfigurationError(f"{path}: no such rules: {', '.join(unknown)}")
    return readiness

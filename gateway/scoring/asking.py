"""A sample of the households of a running sandbox, asked about as a programme, beside the truth about them."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any, Final

from gateway.client import Credentials, HearthClient, RefusedError
from standards.errors import ConfigurationError
from standards.identifiers import identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Line = dict[str, Any]
_ADULT: Final = "2005-01-01"
"""Who was born before asks for the household."""


def read_country(file: Path, content: Mapping[str, Any]) -> list[list[Line]]:
    """Return the households of a file of truth, each as the lines of its living members.

    content: of the sandbox file, whose examples must be among them.
    Raises: ConfigurationError when the truth is of another country.
    """
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    numbers = {line["numbers"].get("UIN") for line in lines}
    examples = {one["identifiers"].get("UIN") for one in content["examples"].values()} - {None}
    if not examples <= numbers:
        raise ConfigurationError("another country runs in that sandbox: give its --households and --seed")
    households: dict[int, list[Line]] = {}
    for line in lines:
        if line["traits"].get("vital_status") != "dead":
            households.setdefault(line["household"], []).append(line)
    return [members for _, members in sorted(households.items())]


def asked(
    content: Mapping[str, Any], programme: str, households: Sequence[Sequence[Line]], sample: int, names: Sequence[str]
) -> Iterator[tuple[Sequence[Line], dict[str, Any] | None]]:
    """Give households of a sample with what the programme is told about each; None where it is told nothing.

    Raises: UnreachableError when the gateway does not answer.
    """
    askable = [(members, asker) for members in households if (asker := _asker(members)) is not None]
    chosen = Random(1).sample(askable, min(sample, len(askable)))  # noqa: S311 - the same sample every time
    consumer = content["consumers"][programme]
    with HearthClient(content["gateway"], Credentials.from_sandbox(consumer)) as client:
        for members, asker in chosen:
            subject = identifier("UIN", asker["numbers"]["UIN"])
            try:
                told = client.lookup(subject, purpose=consumer["purposes"][0], attributes=["uin", *names])
            except RefusedError:
                yield members, None
            else:
                yield members, told


def _asker(members: Sequence[Line]) -> Line | None:
    grown = [one for one in members if one["numbers"].get("UIN") and one["traits"]["birth_date"] < _ADULT]
    return min(grown, key=lambda one: str(one["traits"]["birth_date"]), default=None)

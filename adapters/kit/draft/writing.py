"""A draft: the files of a registry's folder, from what is known of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from adapters.kit.draft.emit import one_line, text_of
from adapters.kit.draft.guessing import day_of, field_of, guess
from adapters.kit.draft.shapes import Decide
from adapters.kit.readiness import RULES
from standards.errors import ConfigurationError
from standards.identifiers import GROUP_TYPES, PERSON_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from adapters.kit.draft.shapes import Asked, Shape

_ID: Final = re.compile(r"[a-z][a-z0-9_]{1,39}")
_ALREADY: Final = ("credentials_by_reference", "shared_client", "subject_checked", "silence_is_no_answer")
_OF_DRIVER: Final = (*_ALREADY, "whole_or_refused", "promises_checked")
"""Rules that the drivers keep for whatever a manifest connects."""


def files_of(id_: str, shape: Shape, office: Mapping[str, str]) -> dict[str, bytes]:
    """Return path below the folder -> content.

    office: title, owner, basis and contact, as far as they are known.
    """
    lookups = [_Lookup(asked) for asked in shape.lookups]
    texts = {
        "manifest.yaml": _manifest(id_, shape, office, lookups),
        "readiness.yaml": _readiness(),
        **{f"examples/{one.name}.yaml.draft": _example(one) for one in lookups},
    }
    return {name: text.encode() for name, text in texts.items()} | dict(shape.files)


def check_folder(folder: Path) -> None:
    """Accept a folder that a draft can be written into.

    Raises: ConfigurationError when it is there already, or its name is no id.
    """
    if not _ID.fullmatch(folder.resolve().name):
        raise ConfigurationError(
            f"{folder.name}: an id has 2 to 40 small letters, digits and _, and begins with a letter"
        )
    if folder.exists():
        raise ConfigurationError(f"{folder} is there already: draft into a new folder")


def written(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a draft into a new folder.

    Raises: ConfigurationError as `check_folder` does, or when it cannot be written.
    """
    check_folder(folder)
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(f"{folder}: cannot be written ({type(error).__name__})") from None


class _Lookup:
    """One lookup, with what its fields probably are."""

    def __init__(self, asked: Asked) -> None:
        self.name, self.options, self.batch = asked.name, asked.options, asked.batch
        self.is_listed = asked.is_listed
        self.attributes: dict[str, Any] = {}
        self.numbers: dict[str, Any] = {}
        self.as_of: Any = None
        self.unknown: list[str] = []
        for seen in asked.fields:
            meant = guess(seen)
            if meant.number is not None:
                where = {"path": seen.path} | ({"required": True} if meant.number in asked.by else {})
                self.numbers.setdefault(meant.number, Decide(where, seen.question) if seen.question else where)
            elif meant.is_changed and self.as_of is None:
                self.as_of = day_of(seen)
            elif meant.attribute is not None and meant.attribute.name not in self.attributes:
                self.attributes[meant.attribute.name] = field_of(seen, meant.attribute)
            else:
                hint = f"; perhaps {', '.join(meant.close)}" if meant.close else ""
                self.unknown.append(f"{seen.path}: which attribute of the catalogue, if any{hint}?")
        self.by = asked.by or tuple(self.numbers)[:1]
        for type_ in self.by:
            if type_ not in self.numbers:
                self.numbers[type_] = Decide({"path": "id"}, f"where a record states the {type_} that it is about")

    def stated(self) -> dict[str, Any]:
        """Return the entry of `lookups`."""
        stated: dict[str, Any] = {"name": self.name}
        by = self.by or ("UIN",)
        stated["by"] = by if self.by else Decide(by, "by which numbers it is asked")
        stated["batch"] = Decide(self.batch, "how many people it takes in one call") if self.batch > 1 else 1
        stated["identifiers"] = tuple(self.numbers) or by
        stated["attributes"] = tuple(self.attributes)
        return stated

    def layout(self) -> dict[str, Any]:
        """Return the entry of `records`."""
        numbers = self.numbers or {"UIN": Decide({"path": "id"}, "where a record states the number that it is about")}
        stated: dict[str, Any] = {"identifiers": numbers}
        if self.as_of is not None:
            stated["as_of"] = self.as_of
        if self.is_listed:
            several = "what several records of one person are: refused, newest, or together (each by its `combine`)"
            stated["several"] = Decide("refused", several)
        attributes: Any = self.attributes
        for one in reversed(self.unknown):
            attributes = Decide(attributes, one)
        stated["attributes"] = attributes
        return stated


def _manifest(id_: str, shape: Shape, office: Mapping[str, str], lookups: list[_Lookup]) -> str:
    variable = f"env:HEARTH_{id_.upper()}_URL"
    where = f"its address goes into {variable.removeprefix('env:')}; the description says {shape.address}"
    held = dict.fromkeys(name for one in lookups for name in one.attributes)
    known = office.get("title") or shape.title
    title = Decide(known or id_, "what people call it")
    connection: dict[str, Any] = {"base_url": Decide(variable, where) if shape.address else variable}
    if shape.auth:
        connection["auth"] = {
            key: value.replace("{ID}", id_.upper()) if isinstance(value, str) else value
            for key, value in shape.auth.items()
        }
    content: dict[str, Any] = {
        "id": id_,
        "title": title if not office.get("title") else known,
        "version": "1.0",
        "speaks": shape.speaks,
        "reg_type": f"ns:hearth:RegistryType:{id_.title().replace('_', '')}",
        "environment": Decide("test", "production, once it holds real people and is approved"),
        "legal": {
            "owner": _known(office, "owner", "the body that answers for the data"),
            "basis": _known(office, "basis", "the law or agreement that lets it answer"),
            "contact": _known(office, "contact", "an office that answers when it is down"),
        },
        "connection": connection,
        "limits": Decide({"timeout_s": 2.0, "retries": 1, "max_in_flight": 8}, "what its owner agrees to"),
        "freshness": Decide({"max_lag_h": 24}, "how far its records may lag behind life, in hours"),
        "authority": Decide(dict.fromkeys(held, 5), "whose word weighs more: 1 is authoritative, 5 one among others"),
    }
    own = sorted({type_ for one in lookups for type_ in one.numbers} - {*PERSON_TYPES, *GROUP_TYPES})
    if own:
        asked = "whether it gives them out itself; who is asked about is found there by traits (`by_traits`) only"
        content["issues"] = Decide(own, asked)
    content["lookups"] = [one.stated() for one in lookups]
    options = {**shape.options, "lookups": {one.name: one.options for one in lookups}}
    content[shape.speaks] = options
    content["records"] = {one.name: one.layout() for one in lookups}
    notes = ("A draft: settle every `# decide:`, then delete the comment.", *shape.notes)
    head = "".join(f"# {one_line(note)}\n" for note in notes)
    return head + text_of(content)


def _known(office: Mapping[str, str], key: str, question: str) -> Any:
    return office[key] if office.get(key) else Decide(f"to be named: {question}", question)


def _readiness() -> str:
    lines = [
        "# Answer every rule: done, todo, or {status: exempt, comment: why}. adapters/README.md says what each asks."
    ]
    lines += [f"{rule}: {'done' if rule in _OF_DRIVER else 'todo'}  # {RULES[rule]}" for rule in RULES]
    return "\n".join(lines) + "\n"


def _example(lookup: _Lookup) -> str:
    """Return the skeleton of an example: it becomes one when it is filled in and loses `.draft`."""
    first = (lookup.by or ("UIN",))[0]
    values = "".join(f"      # {name}: ...\n" for name in lookup.attributes)
    return (
        "# Put a synthetic answer of the registry beside this file, name it under `answers`, write what it means, and\n"
        f"# rename this file to {lookup.name}.yaml. Never a real person.\n"
        f"lookup: {lookup.name}\n"
        f"answers: [{lookup.name}.json]\n"
        "expected:\n"
        f"  {first} 1000000001:\n"
        f'    identifiers: {{{first}: "1000000001"}}\n'
        "    values: {}\n"
        f"{values}"
        f"  {first} 1000000002: null\n"
    )

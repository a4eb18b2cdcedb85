"""Examples of a registry: synthetic answers as they come over the wire, and the records expected from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ruamel.yaml import YAML

from adapters.catalogue import build
from adapters.generic.dci.driver import DciAdapter
from adapters.generic.driving import driver
from adapters.manifest import Protocol as Speaks
from adapters.ports import Deadline, Fetch, Response
from standards.errors import ConfigurationError
from standards.identifiers import Identifier, identifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from adapters.manifest import Manifest
    from adapters.ports import Record, RegistryAdapter, SourceAnswer, SourceClient

MESSAGE_ID: Final = "example"
"""Message id in the examples of DCI registries; reference ids are `example-1`, `example-2`..."""
_CONTENT_TYPES: Final = {
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".xml": "text/xml",
    ".csv": "text/csv",
    ".jsonl": "application/jsonl",
    ".txt": "text/plain",
    ".gz": "application/gzip",
    ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_TIME_S: Final = 5.0


class Example(NamedTuple):
    """One question, the registry's answers to it, and what they mean."""

    name: str
    lookup: str
    subjects: tuple[Identifier, ...]
    names: frozenset[str]
    answers: tuple[Response, ...]
    """One per call, in order."""
    expected: Mapping[str, Any]
    """`TYPE value` -> the record as `as_plain` shows it, or None."""


class Replay:
    """A client that gives prepared responses, one per call."""

    def __init__(self, answers: Sequence[Response]) -> None:
        self._answers = list(answers)

    async def send(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Return the next response."""
        if not self._answers:
            raise ConfigurationError("the adapter asks more often than the example has answers")
        return self._answers.pop(0)


def load_examples(folder: Path, manifest: Manifest) -> tuple[Example, ...]:
    """Return the examples of a registry's folder, one per YAML file in `examples/`.

    Raises: ConfigurationError when a file is not an example.
    """
    return tuple(_load(path, manifest) for path in sorted((folder / "examples").glob("*.yaml")))


def _load(path: Path, manifest: Manifest) -> Example:
    try:
        stated = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        lookup = manifest.lookup(stated["lookup"])
        answers = [_beside(path, name) for name in stated["answers"]]
        subjects = tuple(identifier(*written.split(" ", 1)) for written in stated["expected"])
        if strangers := sorted({one.type for one in subjects} - set(lookup.by)):
            raise ValueError(f"lookup {lookup.name} is not asked by {', '.join(strangers)}")  # noqa: TRY301 - told below
        return Example(
            name=path.stem,
            lookup=lookup.name,
            subjects=subjects,
            names=frozenset(stated.get("names", lookup.attributes)),
            answers=tuple(Response(200, _CONTENT_TYPES[one.suffix], one.read_bytes()) for one in answers),
            expected=stated["expected"],
        )
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the file, its author has to read where
        raise ConfigurationError(f"{path}: not an example ({type(error).__name__}: {error})") from None


def _beside(path: Path, name: str) -> Path:
    """Return an answer's file; what a link leads to elsewhere is none."""
    answer = path.with_name(name).resolve()
    if not answer.is_relative_to(path.parent.resolve()):
        raise ValueError(f"{name} lies elsewhere: put it beside the example")
    return answer


def adapter_for(manifest: Manifest, client: SourceClient) -> RegistryAdapter:
    """Return the registry's adapter, with the message ids that examples are written for."""
    if manifest.speaks is Speaks.DCI:
        assert manifest.dci is not None  # noqa: S101 - the manifest's model keeps `speaks: dci` and `dci` together
        # What an example shows is the answer itself, however it arrives.
        at_once = manifest.model_copy(update={"dci": manifest.dci.model_copy(update={"mode": "sync"})})
        return DciAdapter(at_once, client, new_id=lambda: MESSAGE_ID)
    return build(manifest, client)


async def replay(manifest: Manifest, example: Example, answers: Sequence[Response] | None = None) -> SourceAnswer:
    """Return what the adapter makes of an example, or of other answers to the same question."""
    given = example.answers if answers is None else answers
    request = Fetch(manifest.id, example.lookup, example.subjects, example.names)
    return await example_adapter(manifest, given).fetch(request, Deadline.after(_TIME_S))


def example_adapter(manifest: Manifest, answers: Sequence[Response]) -> RegistryAdapter:
    """Return the registry's adapter on a way that gives prepared answers, whatever it speaks."""
    if manifest.driven is None:
        return adapter_for(manifest, Replay(answers))
    of_protocol = driver(manifest.speaks)
    return of_protocol.build(manifest, of_protocol.example_way(manifest, answers))


def as_plain(record: Record | None) -> dict[str, Any] | None:
    """Return a record as an example writes it; what is empty is left out."""
    if record is None:
        return None
    links = [
        {"relation": link.relation, "identifiers": dict(link.identifiers)}
        | ({"birth_date": link.birth_date} if link.birth_date else {})
        for link in record.links
    ]
    members = [{"relationship": m.relationship, "identifiers": dict(m.identifiers)} for m in record.members]
    plain = {
        "identifiers": dict(record.identifiers),
        "values": dict(record.values),
        "as_of": record.as_of,
        "links": links,
        "members": members,
        "unusable": {name: str(reason) for name, reason in record.unusable.items()},
        "duplicates": [dict(numbers) for numbers in record.duplicates],
    }
    return {key: value for key, value in plain.items() if value}


def differences(example: Example, answer: SourceAnswer) -> list[str]:
    """Return where an answer is not what the example expects; values are synthetic, so they are shown."""
    wrong = []
    for subject in example.subjects:
        expected = example.expected[f"{subject.type} {subject.value}"]
        got = as_plain(answer.records.get(subject))
        if expected == got:
            continue
        if expected is None or got is None:
            wrong.append(f"{subject.type} {subject.value}: expected {expected}, got {got}")
            continue
        wrong += [
            f"{subject.type} {subject.value}: {key}: expected {expected.get(key)}, got {got.get(key)}"
            for key in sorted(expected.keys() | got.keys())
            if expected.get(key) != got.get(key)
        ]
    return wrong

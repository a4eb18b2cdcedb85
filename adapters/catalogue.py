"""From manifests to registries: found in folders, checked, connected once, read-only afterwards."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, SequenceNode

from adapters.callbacks import Caller
from adapters.client import HttpSourceClient, resolved
from adapters.generic.dci import DciAdapter, new_id
from adapters.generic.dci_subscribe import DciEvents
from adapters.generic.dci_trust import Sealing
from adapters.guard import Guarded
from adapters.manifest import Manifest
from adapters.manifest import Protocol as Speaks
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ruamel.yaml.nodes import Node

    from adapters.callbacks import Here
    from adapters.client import Session
    from adapters.ports import EventSource, RegistryAdapter, SourceClient

MANIFEST: Final = "manifest.yaml"
FOLDER: Final = Path(__file__).parent
"""Where the registries that come with Hearth are described."""


class Registry(NamedTuple):
    """One connected registry."""

    manifest: Manifest
    guarded: Guarded
    events: EventSource | None = None
    """Its events; None where it has none."""
    caller: Caller | None = None
    """How it proves itself when it calls back; None where it does not."""


class Registries(Mapping[str, Registry]):
    """Every connected registry by its id; what is in it never changes."""

    def __init__(self, registries: Iterable[Registry]) -> None:
        """Index the registries.

        Raises: ConfigurationError when two have the same id.
        """
        by_id: dict[str, Registry] = {}
        for registry in registries:
            if registry.manifest.id in by_id:
                raise ConfigurationError(f"two manifests have the id {registry.manifest.id}: rename one")
            by_id[registry.manifest.id] = registry
        self._by_id = MappingProxyType(by_id)

    def __getitem__(self, id: str) -> Registry:
        return self._by_id[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def manifests(self) -> Mapping[str, Manifest]:
        """Every manifest by its registry's id."""
        return MappingProxyType({name: registry.manifest for name, registry in self._by_id.items()})


class AdapterModule(Protocol):
    """What `adapters/<id>/adapter.py` exports."""

    def build(self, manifest: Manifest, client: SourceClient) -> RegistryAdapter:
        """Return the registry's adapter."""
        ...


def find_manifests(folders: Iterable[Path] = (FOLDER,)) -> tuple[Path, ...]:
    """Return the manifest of every registry below the folders, one level deep, in the order of their names."""
    return tuple(path for folder in folders for path in sorted(folder.glob(f"*/{MANIFEST}")))


def load_manifest(path: Path) -> Manifest:
    """Return a manifest, checked by its schema and by its model.

    Raises: ConfigurationError with file, line, column and what to change.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({type(error).__name__})") from None
    try:
        content = yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigurationError(f"{path}{at}: not YAML: {error.problem}") from None
    except YAMLError:
        raise ConfigurationError(f"{path}: not YAML") from None
    wrong = best_match(_validator().iter_errors(content))
    if wrong is not None:
        raise ConfigurationError(f"{path}{_place(text, _steps(wrong))}: {_remedy(wrong)}")
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ConfigurationError(f"{path}{_place(text, first['loc'])}: {first['msg']}") from None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a manifest, for editors and other countries' tools."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Registry manifest",
    } | Manifest.model_json_schema()


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema())


def _steps(wrong: Any) -> list[str | int]:
    """Return the path to what is wrong; to the key itself where a key is unknown."""
    steps = list(wrong.absolute_path)
    if wrong.validator == "additionalProperties":
        steps += sorted(set(wrong.instance) - set(wrong.schema.get("properties", {})))[:1]
    return steps


def _remedy(wrong: Any) -> str:
    """Return what a manifest's author has to change, without showing a whole part of the file."""
    at = ".".join(map(str, wrong.absolute_path)) or "the file"
    match wrong.validator:
        case "additionalProperties":
            known = ", ".join(sorted(wrong.schema.get("properties", {})))
            return f"{at}: {wrong.message}; known here: {known}"
        case "enum":
            return f"{at}: use one of {', '.join(map(str, wrong.validator_value))}"
        case "type":
            return f"{at}: must be of type {wrong.validator_value}; quote what is meant as text"
        case "pattern":
            return f"{at}: must match {wrong.validator_value}"
        case "oneOf" | "anyOf":
            kinds = ", ".join(wrong.schema.get("discriminator", {}).get("mapping", {}))
            return f"{at}: fits no known form" + (f"; the kinds are {kinds}" if kinds else "")
        case "required":
            return f"{at}: {wrong.message}; add it"
    return f"{at}: {wrong.message}" if len(wrong.message) < 200 else f"{at}: breaks `{wrong.validator}`"


def _place(text: str, steps: Sequence[str | int]) -> str:
    """Return `:line:column` of the deepest part of a file that a path of keys and positions reaches."""
    node: Node | None = YAML(typ="rt", pure=True).compose(text)
    if node is None:
        return ""
    mark = node.start_mark
    for step in steps:
        inner = _inside(node, step)
        if inner is None:
            continue  # the models' own words, like the kind of a union, are no part of the file
        mark, node = inner
    return f":{mark.line + 1}:{mark.column + 1}"


def _inside(node: Node, step: str | int) -> tuple[Any, Node] | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark, value
    elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None


def build(
    manifest: Manifest, client: SourceClient, sealing: Sealing | None = None, here: Here | None = None
) -> RegistryAdapter:
    """Return the adapter of a registry: its own, by its folder, or the driver of its protocol.

    Raises: ConfigurationError when there is neither.
    """
    if manifest.speaks is Speaks.DCI:
        waiting, address = (here.waiting, here.address) if here else (None, "")
        return DciAdapter(manifest, client, sealing=sealing, waiting=waiting, address=address)
    name = f"adapters.{manifest.id}.adapter"
    # Looked for first, so that an import that fails inside the module is not taken for a missing one.
    if importlib.util.find_spec(f"adapters.{manifest.id}") is None or importlib.util.find_spec(name) is None:
        raise ConfigurationError(
            f"registry {manifest.id} speaks {manifest.speaks}: write adapters/{manifest.id}/adapter.py"
        )
    module = cast("AdapterModule", importlib.import_module(name))
    return module.build(manifest, client)


def references(manifest: Manifest) -> tuple[str, ...]:
    """Return the environment variables that a manifest refers to: address first, then credentials."""
    connection, dci = manifest.connection, manifest.dci
    stated = [connection.base_url, *connection.auth.model_dump().values()]
    if dci is not None:
        stated += [dci.trust.keys, dci.callback.token if dci.callback else None]
    return tuple(one.removeprefix("env:") for one in stated if str(one).startswith("env:"))


def connect(
    manifests: Iterable[Manifest], session: Session, environment: Mapping[str, str], here: Here | None = None
) -> Registries:
    """Return every registry, guarded and ready to be asked; nothing is sent yet.

    session: opened and closed by the caller.
    here: this gateway as registries see it; None where nothing can call back, and nothing is signed.
    Raises: ConfigurationError when references are missing in the environment (it names them all), or an adapter is.
    """
    manifests = tuple(manifests)
    if missing := [name for m in manifests for name in references(m) if not environment.get(name, "").strip()]:
        raise ConfigurationError(f"the manifests refer to the environment: set {', '.join(missing)}")
    return Registries(_registry(manifest, session, environment, here) for manifest in manifests)


def _registry(manifest: Manifest, session: Session, environment: Mapping[str, str], here: Here | None) -> Registry:
    identity, options = here.identity if here else None, manifest.dci
    client = HttpSourceClient(session, manifest, environment, signing=identity.signing if identity else None)
    sealing = Sealing(manifest, client, environment, identity) if options else None
    if sealing is not None and sealing.is_plain:
        sealing = None
    guarded = Guarded(build(manifest, client, sealing, here), manifest.limits)
    if options is None or options.callback is None or here is None:
        return Registry(manifest, guarded)
    stated = options.callback
    caller = Caller(
        manifest.id,
        stated.auth,
        token=resolved(stated.token, manifest, environment) if stated.token else "",
        client_id=stated.client_id,
        names=frozenset({options.receiver_id or manifest.id, manifest.id, *options.sender_names}),
        secret=here.secret_of(manifest.id),
        sealing=sealing,
    )
    if not options.events:
        return Registry(manifest, guarded, None, caller)
    path = f"/callbacks/{caller.secret}" if stated.auth == "secret_path" else ""
    place = f"{here.address}{path}" if here.address else ""
    return Registry(manifest, guarded, DciEvents(manifest, client, guarded, sealing, place, new_id=new_id), caller)

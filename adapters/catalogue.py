"""From manifests to registries: found in folders, checked, connected once, read-only afterwards."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from adapters.callbacks import Caller
from adapters.generic.asking.over_http import open_way
from adapters.generic.dci.driver import DciAdapter, new_id
from adapters.generic.dci.subscribe import DciEvents
from adapters.generic.dci.trust import Sealing
from adapters.generic.driving import ListWay, driver
from adapters.manifest import Manifest
from adapters.manifest import Protocol as Speaks
from adapters.reading_manifest import json_schema, load_manifest
from adapters.transport.client import resolved
from adapters.transport.guard import Guarded
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from adapters.callbacks import Here
    from adapters.generic.files.way import ListState
    from adapters.ports import EventSource, RegistryAdapter, SourceClient
    from adapters.transport.client import Session

__all__ = [
    "FOLDER",
    "MANIFEST",
    "Registries",
    "Registry",
    "build",
    "connect",
    "find_manifests",
    "json_schema",
    "load_manifest",
    "references",
]

_REFERENCE: Final = re.compile("env:[A-Z][A-Z0-9_]*")
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
    close: Callable[[], Awaitable[None]] | None = None
    """Lets go of what only this registry uses."""
    list_way: ListWay | None = None
    """The way to a registry that is a list; None for one that is asked each time."""

    def begin(self) -> None:
        """Read a list in the background from now on, so that the first question need not wait for it."""
        if self.list_way is not None:
            self.list_way.begin(lambda: self.guarded.is_suspended)

    def list_state(self) -> ListState | None:
        """Return how a list stands; None for a registry that is none."""
        return self.list_way.state() if self.list_way is not None else None


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

    async def close(self) -> None:
        """Let go of what single registries use; the session that all share is its opener's."""
        for registry in self.values():
            if registry.close is not None:
                await registry.close()

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


def build(
    manifest: Manifest, client: SourceClient, sealing: Sealing | None = None, here: Here | None = None
) -> RegistryAdapter:
    """Return the adapter of a registry: its own, by its folder, or the driver of its protocol.

    Raises: ConfigurationError when there is neither.
    """
    if manifest.speaks is Speaks.DCI:
        waiting, address = (here.waiting, here.address) if here else (None, "")
        return DciAdapter(manifest, client, sealing=sealing, waiting=waiting, address=address)
    if manifest.driven is not None:
        return driver(manifest.speaks).build(manifest, client)
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
    stated = [*_texts(manifest.connection.model_dump()), *_texts(manifest.model_dump(exclude={"connection"}))]
    return tuple(dict.fromkeys(text.removeprefix("env:") for text in stated if _REFERENCE.fullmatch(text)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def connect(
    manifests: Iterable[Manifest], session: Session, environment: Mapping[str, str], here: Here | None = None
) -> Registries:
    """Return every registry, guarded and ready to be asked; nothing is sent yet.

    session: opened and closed by the caller.
    here: this gateway as registries see it; None where nothing can call back, and nothing is signed.
    Raises: ConfigurationError when references are missing in the environment (it names them all), or an adapter is.
    """
    manifests = tuple(manifests)
    missing = {m.id: [name for name in references(m) if not environment.get(name, "").strip()] for m in manifests}
    if told := [f"{', '.join(names)} (registry {id_})" for id_, names in missing.items() if names]:
        raise ConfigurationError(f"the manifests refer to the environment: set {', '.join(told)}")
    return Registries(_registry(manifest, session, environment, here) for manifest in manifests)


def _registry(manifest: Manifest, session: Session, environment: Mapping[str, str], here: Here | None) -> Registry:
    identity, options = here.identity if here else None, manifest.dci
    signing = identity.signing if identity else None
    if manifest.driven is not None:
        way = driver(manifest.speaks).open_way(manifest, session, environment, signing)
        guarded = Guarded(driver(manifest.speaks).build(manifest, way), manifest.limits)
        return Registry(manifest, guarded, close=way.close, list_way=way if isinstance(way, ListWay) else None)
    client = open_way(manifest, session, environment, signing)
    sealing = Sealing(manifest, client, environment, identity) if options else None
    if sealing is not None and sealing.is_plain:
        sealing = None
    guarded = Guarded(build(manifest, client, sealing, here), manifest.limits)
    if options is None or options.callback is None or here is None:
        return Registry(manifest, guarded, close=client.close)
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
        return Registry(manifest, guarded, None, caller, client.close)
    path = f"/callbacks/{caller.secret}" if stated.auth == "secret_path" else ""
    place = f"{here.address}{path}" if here.address else ""
    events = DciEvents(manifest, client, guarded, sealing, place, new_id=new_id)
    return Registry(manifest, guarded, events, caller, client.close)

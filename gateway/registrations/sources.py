"""What ought to be connected: the manifests of the folders and those of the registrations, one version for each lineup.

Looked at several times a second; the last good manifest stays while its file is wrong, and a notice says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.catalogue import find_manifests, load_manifest
from adapters.kit.changes import silent_change
from adapters.reading_manifest import read_manifest
from gateway.registrations.bundle import MANIFEST
from gateway.registrations.secrets import Secrets
from gateway.registrations.states import State
from gateway.registrations.store import Registration, RegistrationStore, version_order
from standards.errors import ConfigurationError, InteropError

if TYPE_CHECKING:
    from adapters.manifest import Manifest

_Stamp = tuple[int, int, int, int]
_NONE: Final[Mapping[str, Registration]] = {}


class NoticeKind(StrEnum):
    """Why something is not in force."""

    UNREADABLE = "unreadable"
    """A manifest is wrong; what it said before stays."""
    CHANGED = "changed"
    """The same version means something else than before; what it said before stays."""
    REMOVED = "removed"
    """Its file is gone, and an agreement cannot do without the registry; it stays."""
    TWICE = "twice"
    """Two files bear one id; the first one counts."""
    NOT_CONNECTED = "not_connected"
    """Its references are not there, or its driver refuses it; what was in force stays."""
    UNREAD = "unread"
    """The registrations cannot be read; what was in force stays."""


class Notice(NamedTuple):
    """Something that is not in force, and what to do about it."""

    where: str
    kind: NoticeKind
    sentence: str


class Wanted(NamedTuple):
    """What ought to be connected."""

    live: tuple[Manifest, ...] = ()
    canaries: tuple[tuple[float, Manifest], ...] = ()
    """Share of the questions, 0 to 1, and the version that they are answered with."""
    shadows: tuple[Manifest, ...] = ()
    off: frozenset[str] = frozenset()
    """Registries that are suspended, in every version."""
    notices: tuple[Notice, ...] = ()


class _File(NamedTuple):
    stamp: _Stamp
    manifest: Manifest | None
    fault: str = ""


class Sources:
    """Reads what ought to be connected.

    folders: of registries, in the order in which they count.
    needed: names the registries that some agreement in force cannot do without.
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        store: RegistrationStore,
        secrets: Secrets,
        needed: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._folders, self._store, self._secrets, self._needed = folders, store, secrets, needed
        self._files: dict[Path, _File] = {}
        self._in_folders: dict[str, Manifest] = {}
        self._registered: dict[tuple[str, str], Manifest] = {}
        self._registrations: tuple[Registration, ...] = ()
        self._seen: object = None
        self._unread = False
        self.wanted = Wanted()

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """Return every version that is registered, as it was at the last look."""
        return self._registrations

    @property
    def in_folders(self) -> Mapping[str, Manifest]:
        """Return the manifests of the folders by id."""
        return self._in_folders

    def start(self) -> Wanted:
        """Read everything for the first time.

        Raises: ConfigurationError when a manifest of the folders is wrong, or the registrations cannot be read.
        """
        for folder in self._folders:
            if not folder.is_dir():  # no folder would read as no registries, and nobody would notice
                raise ConfigurationError(f"registries.folders: there is no folder {folder}")
        for path in find_manifests(self._folders):
            load_manifest(path)  # raises with everything that there is to mend
        self._unread = False
        self.refresh()
        if self._unread:
            raise ConfigurationError("stores.registrations_url: the registrations cannot be read")
        if wrong := [n.sentence for n in self.wanted.notices if n.kind is NoticeKind.TWICE]:
            raise ConfigurationError("\n".join(wrong))
        return self.wanted

    def refresh(self) -> bool:
        """Read what has changed; True when anything has, be it a reference alone. Blocks."""
        files = {path: stamp for path in find_manifests(self._folders) if (stamp := _stamp(path)) is not None}
        revision: int | None
        try:
            revision = self._store.revision()
        except InteropError:
            revision = None
        seen = (files, revision, self._secrets.stamp())
        if seen == self._seen:
            return False
        self._seen = seen
        if revision is not None:
            try:
                self._registrations = self._store.all()
            except InteropError:
                revision = None
        if revision is None:
            self._seen = None  # it is looked at anew, until it can be read
        self._unread = revision is None
        notices: list[Notice] = []
        if self._unread:
            sentence = "the registrations cannot be read: see to the database of stores.registrations_url"
            notices.append(Notice("registrations", NoticeKind.UNREAD, sentence))
        self._read_folders(files, notices)
        self.wanted = self._wanted(notices)
        return True

    def _read_folders(self, files: Mapping[Path, _Stamp], notices: list[Notice]) -> None:
        found: dict[str, Manifest] = {}
        for path, stamp in files.items():
            known = self._files.get(path)
            if known is None or known.stamp != stamp:
                known = self._files[path] = self._read(path, stamp, known)
            if known.fault:
                notices.append(Notice(_named(path), NoticeKind.UNREADABLE, known.fault))
            manifest = known.manifest
            if manifest is None:
                continue
            before = self._in_folders.get(manifest.id)
            if manifest.id in found:
                sentence = f"two manifests have the id {manifest.id}: rename one"
                notices.append(Notice(_named(path), NoticeKind.TWICE, sentence))
                continue
            if before is not None and before != manifest and (refusal := silent_change(before, manifest)) is not None:
                # INVARIANT: a version means one thing: what was said under it is never read by another mapping.
                notices.append(Notice(_named(path), NoticeKind.CHANGED, refusal))
                manifest = before
            found[manifest.id] = manifest
        for id_, before in self._in_folders.items():
            if id_ not in found and id_ in self._needed():
                sentence = (
                    f"the manifest of {id_} is gone, and an agreement in force makes it mandatory: put it back, or end "
                    "that agreement"
                )
                notices.append(Notice(id_, NoticeKind.REMOVED, sentence))
                found[id_] = before
        self._files = {path: one for path, one in self._files.items() if path in files}
        self._in_folders = found

    def _read(self, path: Path, stamp: _Stamp, known: _File | None) -> _File:
        try:
            return _File(stamp, load_manifest(path))
        except ConfigurationError as wrong:
            # INVARIANT: a manifest that does not load never replaces the one in force.
            return _File(stamp, known.manifest if known is not None else None, str(wrong))

    def _wanted(self, notices: list[Notice]) -> Wanted:
        by_state: dict[State, dict[str, Registration]] = {}
        off = set()
        for one in self._registrations:
            state = one.state
            if state is State.SUSPENDED:
                off.add(one.registry)
                state = one.standing.suspended_from or state
            # Of several versions in one state the newest counts; the office lets no two come there.
            by_state.setdefault(state, {})[one.registry] = one
        live = dict(self._in_folders)
        for one in by_state.get(State.LIVE, _NONE).values():
            if (manifest := self._manifest(one, notices)) is not None:
                live[one.registry] = manifest
        canaries = [
            (one.standing.share / 100, manifest)
            for one in by_state.get(State.CANARY, _NONE).values()
            if (manifest := self._manifest(one, notices)) is not None
        ]
        shadows = [
            manifest
            for one in by_state.get(State.SHADOW, _NONE).values()
            if (manifest := self._manifest(one, notices)) is not None
        ]
        canaries.sort(key=lambda pair: (pair[0], pair[1].id))
        return Wanted(tuple(live.values()), tuple(canaries), tuple(shadows), frozenset(off), tuple(notices))

    def _manifest(self, one: Registration, notices: list[Notice]) -> Manifest | None:
        """Return the manifest of a registered version; None for one of the folders, which their file speaks for."""
        key = (one.registry, one.version)
        if key not in self._registered:
            try:
                files = self._store.files(*key)
                if not files:
                    return None
                self._registered[key] = read_manifest(files[MANIFEST], f"{one.registry}/{MANIFEST}")
            except InteropError as wrong:
                notices.append(Notice(" ".join(key), NoticeKind.UNREADABLE, str(wrong)))
                return None
        return self._registered[key]

    def newest(self, registry: str) -> tuple[int, ...]:
        """Return the highest version of a registry that is live, or in the folders."""
        versions = [m.version for m in self.wanted.live if m.id == registry]
        return max(map(version_order, versions), default=(0,))


def _stamp(path: Path) -> _Stamp | None:
    with suppress(OSError):
        stat = path.stat()
        return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)
    return None


def _named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"

"""What ought to be connected: the manifests of the folders and those of the registrations, one version for each lineup.

Looked at several times a second; the last good manifest stays while its file is wrong, and a notice says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from pydantic import ValidationError

from adapters.catalogue import FOLDER, find_manifests, load_manifest
from adapters.kit.changes import silent_change
from adapters.manifest import Manifest
from adapters.reading_manifest import read_manifest
from gateway.registrations.bundle import MANIFEST, digest_of
from gateway.registrations.secrets import Secrets
from gateway.registrations.states import ASKED, State
from gateway.registrations.store import Registration, RegistrationStore, version_order
from standards.errors import ConfigurationError, InteropError

_Stamp = tuple[int, int, int, int]
_NONE: Final[Mapping[str, Registration]] = {}
_TAMPERED: Final = "its files are not those that were approved any more: see its history and journal, and submit anew"


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
    OUTRANKED = "outranked"
    """The file is of a later version than the one that is registered and live, which answers."""
    TAMPERED = "tampered"
    """What is kept of a registered version is not what was approved; it is not asked."""
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
    instead: Mapping[str, tuple[Manifest, ...]] = MappingProxyType({})
    """By id, what may answer where a registered version that is live cannot be connected; the best one first."""
    ended: frozenset[tuple[str, str]] = frozenset()
    """Ids and versions that somebody has taken back: they stand in for nothing."""
    notices: tuple[Notice, ...] = ()


class _File(NamedTuple):
    stamp: _Stamp
    beside: Mapping[Path, _Stamp | None]
    """The further files that it is made of, such as a WSDL, as they were before they were read."""
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
        self._registered: dict[tuple[str, str, str], Manifest] = {}
        self._meant: dict[tuple[str, str], Manifest] = {}
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

    def folder_of(self, registry: str) -> Path | None:
        """Return the folder that the manifest of a registry lies in; None where it lies in none."""
        found = (path.parent for path, one in self._files.items() if one.manifest and one.manifest.id == registry)
        return next(found, None)

    def start(self, *, is_anew: bool = False) -> Wanted:
        """Read everything for the first time.

        is_anew: whether this process takes the place of one that has ended: others answer, and what is wrong by now is
            a notice, as it is for them.
        Raises: ConfigurationError when a manifest of the folders is wrong, or the registrations cannot be read.
        """
        for folder in self._folders:
            if not folder.is_dir():  # no folder would read as no registries, and nobody would notice
                raise ConfigurationError(f"registries.folders: there is no folder {folder}")
        self._unread = False
        self.refresh()
        if is_anew:
            return self.wanted
        if wrong := [one.fault for one in self._files.values() if one.fault]:
            raise ConfigurationError("\n".join(wrong))
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
        beside = {path: _stamp(path) for one in self._files.values() for path in one.beside}
        secrets = self._secrets.stamp()
        if (files, beside, revision, secrets) == self._seen:
            return False
        self._seen = None  # until it is taken in whole
        if revision is not None:
            try:
                self._registrations = self._store.all()
            except InteropError:
                revision = None
        self._unread = revision is None
        notices: list[Notice] = []
        if self._unread:
            sentence = "the registrations cannot be read: see to the database of stores.registrations_url"
            notices.append(Notice("registrations", NoticeKind.UNREAD, sentence))
        self._read_folders(files, notices)
        self.wanted = self._wanted(notices)
        as_read = {path: stamp for one in self._files.values() for path, stamp in one.beside.items()}
        self._seen = None if self._unread else (files, as_read, revision, secrets)
        return True

    def look_again(self) -> None:
        """Take everything for changed at the next look."""
        self._seen = None

    def changes_meaning(self, manifest: Manifest) -> str | None:
        """Return why a manifest may not bear its version, under which another one was in force; None when it may.

        Blocks.
        Raises: RegistrationsError.
        """
        known = self._meaning(manifest)
        return silent_change(known, manifest) if known is not None else None

    def _meaning(self, manifest: Manifest) -> Manifest | None:
        """Return the manifest that was first in force under the version of another one."""
        key = (manifest.id, manifest.version)
        if key not in self._meant and (text := self._store.meaning(*key)) is not None:
            with suppress(ValidationError):  # one of another release of Hearth is read as if there were none
                self._meant[key] = Manifest.model_validate_json(text)
        return self._meant.get(key)

    def _remember(self, manifest: Manifest) -> None:
        """Keep what a version means, the first time that it is in force."""
        with suppress(InteropError):
            if self._meaning(manifest) is None:
                self._store.mean(manifest.id, manifest.version, manifest.model_dump_json(by_alias=True))
                self._meant[manifest.id, manifest.version] = manifest

    def _refused(self, path: Path, before: Manifest | None, manifest: Manifest) -> tuple[str, Manifest] | None:
        """Return why a manifest of the folders is not taken in, and what stays in its place; None when it is."""
        if before == manifest:
            return None
        refusal = silent_change(before, manifest) if before is not None else None
        if path.is_relative_to(FOLDER):  # comes with Hearth, and with the code that reads it
            return None if refusal is None or before is None else (refusal, before)
        known = None
        with suppress(InteropError):
            known = self._meaning(manifest)
        if known is not None:
            # What this version has meant it may mean again: a file is rolled back as it was brought.
            refusal = silent_change(known, manifest)
            return (refusal, before or known) if refusal is not None else None
        if refusal is not None and before is not None:
            return refusal, before
        self._remember(manifest)
        return None

    def _read_folders(self, files: Mapping[Path, _Stamp], notices: list[Notice]) -> None:
        found: dict[str, Manifest] = {}
        for path, stamp in files.items():
            known = self._files.get(path)
            if known is None or known.stamp != stamp or any(_stamp(one) != was for one, was in known.beside.items()):
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
            if (refused := self._refused(path, before, manifest)) is not None:
                # INVARIANT: a version means one thing: what was said under it is never read by another mapping.
                refusal, manifest = refused
                notices.append(Notice(_named(path), NoticeKind.CHANGED, refusal))
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
        beside: dict[Path, _Stamp | None] = {}
        try:
            return _File(stamp, beside, load_manifest(path, lambda one: beside.setdefault(one, _stamp(one))))
        except ConfigurationError as wrong:
            # INVARIANT: a manifest that does not load never replaces the one in force.
            return _File(stamp, beside, known.manifest if known is not None else None, str(wrong))

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
        live, instead = dict(self._in_folders), dict[str, tuple[Manifest, ...]]()
        for one in by_state.get(State.LIVE, _NONE).values():
            if (manifest := self._manifest(one, notices)) is not None:
                folder = live.get(one.registry)
                if folder is not None and (folder != manifest and version_order(folder.version) >= one.order):
                    sentence = (
                        f"version {folder.version} lies in the folders, and the registered version {one.version} is "
                        "live: submit it, or roll the registered one back"
                    )
                    notices.append(Notice(one.registry, NoticeKind.OUTRANKED, sentence))
                live[one.registry] = manifest
                instead[one.registry] = self._before(one, folder)
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
        ended = {
            (one.registry, one.version)
            for one in self._registrations
            if one.standing.authors and one.state not in {*ASKED, State.SUSPENDED, State.REPLACED}
        }
        return Wanted(
            *(tuple(live.values()), tuple(canaries), tuple(shadows), frozenset(off)),
            instead=instead,
            ended=frozenset(ended),
            notices=tuple(notices),
        )

    def _before(self, one: Registration, folder: Manifest | None) -> tuple[Manifest, ...]:
        """Return what was live before a registered version, the latest first."""
        replaced = [
            other
            for other in self._registrations
            if other.registry == one.registry and other.state is State.REPLACED and other.order < one.order
        ]
        replaced.sort(key=lambda other: other.order, reverse=True)
        known = (self._manifest(other, []) for other in replaced)
        return (*(manifest for manifest in known if manifest is not None), *((folder,) if folder is not None else ()))

    def _manifest(self, one: Registration, notices: list[Notice]) -> Manifest | None:
        """Return the manifest of a registered version; None for one of the folders, which their file speaks for."""
        key, name = (one.registry, one.version, one.standing.digest), f"{one.registry} {one.version}"
        if key not in self._registered:
            try:
                files = self._store.files(one.registry, one.version)
                if not files:
                    if one.standing.authors:
                        notices.append(Notice(name, NoticeKind.TAMPERED, _TAMPERED))
                    return None
                # INVARIANT: what answers is what was approved, byte for byte, whoever can write to the database.
                if digest_of(files) != one.standing.digest:
                    notices.append(Notice(name, NoticeKind.TAMPERED, _TAMPERED))
                    return None
                self._registered[key] = read_manifest(files[MANIFEST], f"{one.registry}/{MANIFEST}")
                self._remember(self._registered[key])
            except InteropError as wrong:
                notices.append(Notice(name, NoticeKind.UNREADABLE, str(wrong)))
                return None
        return self._registered[key]


def _stamp(path: Path) -> _Stamp | None:
    with suppress(OSError):
        stat = path.stat()
        return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)
    return None


def _named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"

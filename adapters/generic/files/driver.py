"""Registries that are lists, dropped into a folder or fetched by SFTP: looked up in the newest good one."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

import orjson

from adapters.generic.files.errors import DropError
from adapters.generic.files.index import NAMELESS, Index
from adapters.generic.files.place import Folder
from adapters.generic.files.rows import rows
from adapters.generic.files.way import Contents, Drops, FilesWay, ListState, Rows
from adapters.generic.mapping.candidates import known_in_blocks
from adapters.generic.mapping.numbering import Numbering
from adapters.generic.mapping.records import Found, Records
from adapters.generic.mapping.tables import People, columns, key_columns, written_columns
from adapters.generic.mapping.written import plain_row
from adapters.ports import SourceAnswer, TraitAnswer
from adapters.reading import Reader
from adapters.said import note_rows
from adapters.transport.client import resolved
from adapters.transport.statuses import check_status
from standards.errors import ConfigurationError, SourceContractError
from standards.names import transliterated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adapters.generic.files.index import Key
    from adapters.generic.files.options import FilesOptions
    from adapters.generic.files.place import Place
    from adapters.generic.mapping.written import Written
    from adapters.manifest import Manifest
    from adapters.ports import Deadline, Fetch, Response, TraitFetch
    from adapters.transport.client import Session
    from adapters.transport.tokens import Signing
    from standards.states import JsonValue


def open_way(manifest: Manifest, session: Session, environment: Mapping[str, str], signing: Signing | None) -> Drops:
    """Return the way to the registry's drops; nothing is looked at yet.

    Raises: ConfigurationError when a reference is missing, or is no address of a folder.
    """
    options = _options(manifest)
    written = resolved(manifest.connection.base_url, manifest, environment)
    return Drops(manifest.id, _place(manifest, options, written, environment), options, contents(manifest))


def build(manifest: Manifest, way: object) -> FilesAdapter:
    """Return the adapter of a registry that is a list.

    Raises: ConfigurationError when the manifest promises what a list cannot give.
    """
    return FilesAdapter(manifest, cast("FilesWay", way))


def example_way(manifest: Manifest, answers: Sequence[Response]) -> ExampleDrops:
    """Return the way that gives prepared drops, one per call."""
    return ExampleDrops(manifest, answers)


class FilesAdapter:
    """A registry that is a list."""

    def __init__(self, manifest: Manifest, way: FilesWay) -> None:
        self.manifest, self._way = manifest, way
        if manifest.searches:
            raise ConfigurationError(f"registry {manifest.id}: a list is not searched; take `searches` out")
        if dated := [lookup.name for lookup in manifest.lookups if lookup.as_of]:
            raise ConfigurationError(f"registry {manifest.id}: {dated[0]}: a list is not asked as of a past day")
        self._records = {k.name: Records(manifest.id, manifest.records[k.name]) for k in manifest.lookups if k.by}
        self._people = {k.name: People(manifest, k) for k in manifest.lookups if k.by_traits is not None}
        self._most = {name: one.rows_per_subject for name, one in _options(manifest).lookups.items()}
        contents(manifest)  # which refuses what cannot be looked up

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Look everyone up in one and the same drop.

        Raises: SourceError.
        """
        most = self._most[request.lookup]
        keys = [_number_key(request.lookup, subject.type, subject.value) for subject in request.subjects]
        found = await self._way.find(keys, most + 1, deadline)
        if any(len(of_one) > most for of_one in found.of_keys):
            raise SourceContractError(self.manifest.id, "more rows than the manifest allows")
        once = {place: row for of_one in found.of_keys for place, row in of_one}
        note_rows(once.values())
        # A drop is a whole list, so whoever is not in it is somebody the registry does not hold.
        read = Found(list(once.values()), frozenset(request.subjects), found.as_of)
        return self._records[request.lookup].answer(read, request.subjects, request.names)

    async def candidates(self, request: TraitFetch, deadline: Deadline) -> TraitAnswer:
        """Look for everybody who may be one of the people wanted; all blocks bring some.

        Raises: SourceError.
        """
        people = self._people[request.lookup]
        keys: list[Key] = []
        of_whom: list[list[int]] = []
        for known in request.wanted:
            own = list(_block_keys(request.lookup, people, known))
            of_whom.append(list(range(len(keys), len(keys) + len(own))))
            keys += own
        most = people.most * self._most[request.lookup]
        found = (await self._way.find(keys, most + 1, deadline)).of_keys
        note_rows({place: row for of_one in found for place, row in of_one}.values())
        answers = []
        for places in of_whom:
            once = {place: row for at in places for place, row in found[at]}
            cut = not places or any(len(found[at]) > most for at in places)
            answers.append(people.found(once.values(), cut=cut))
        return TraitAnswer(tuple(one for one, _ in answers), tuple(is_cut for _, is_cut in answers))

    async def look(self) -> ListState | None:
        """Look for a newer drop now, and return how the list stands; None for an example."""
        return await self._way.look() if isinstance(self._way, Drops) else None

    def state(self) -> ListState | None:
        """Return how the list stands, for operators; None for an example."""
        return self._way.state() if isinstance(self._way, Drops) else None


class ExampleDrops:
    """The way that gives prepared drops, one per call."""

    def __init__(self, manifest: Manifest, answers: Sequence[Response]) -> None:
        self._manifest, self._answers = manifest, list(answers)

    async def find(self, keys: Sequence[Key], most: int, deadline: Deadline) -> Rows:
        """Return what the next drop holds under some keys.

        Raises: SourceError.
        """
        if not self._answers:
            raise ConfigurationError("the adapter asks more often than the example has answers")
        answer = self._answers.pop(0)
        check_status(answer, self._manifest.id)
        kept = contents(self._manifest)
        index = Index(kept.columns)
        try:
            with closing(rows(io.BytesIO(answer.body), _options(self._manifest), kept.columns)) as read:
                kept.fill(index, read, lambda: False)
            return Rows(index.find(keys, most), None)
        except DropError as error:
            raise SourceContractError(self._manifest.id, str(error)) from None
        finally:
            index.close()


def contents(manifest: Manifest) -> Contents:
    """Return what of the registry's list is kept, and by what it is found.

    Raises: ConfigurationError, saying what to change, when a lookup cannot be answered from a list.
    """
    kept: set[str] = set()
    numbers: list[tuple[str, tuple[str, ...], Numbering]] = []
    people: list[tuple[str, People]] = []
    written = _written(manifest)
    for lookup in manifest.lookups:
        layout = manifest.records[lookup.name]
        try:
            kept.update(columns(layout, lookup.attributes))
            numbering = Numbering(Reader(manifest.id), layout.identifiers)
        except ValueError as error:
            raise ConfigurationError(f"registry {manifest.id}: {error}") from None
        if lookup.by_traits is not None:
            people.append((lookup.name, People(manifest, lookup)))
            kept.update(people[-1][1].columns)
        else:
            numbers.append((lookup.name, tuple(key_columns(manifest, lookup)), numbering))

    def keys(row: Mapping[str, Any]) -> Iterator[Key]:
        for name, types, numbering in numbers:
            one, several = numbering.read(row)
            stated = {type_: frozenset((number,)) for type_, number in one.items()} | several
            held = [_number_key(name, type_, number) for type_ in types for number in stated.get(type_, ())]
            yield from held or [(name, NAMELESS)]
        for name, of_list in people:
            candidate = of_list.candidate(row)
            yield from _block_keys(name, of_list, candidate.traits) if candidate else [(name, NAMELESS)]

    def plain(row: dict[str, Any]) -> dict[str, Any]:
        # INVARIANT: nobody is missing by mistake: who stands in a list in a form that is not looked for would be.
        if strange := [name for name, one in written.items() if one.is_strange(row[name])]:
            raise DropError(f"{strange[0]}: a number is written in none of the ways that `written` names")
        return plain_row(row, written) if written else row

    may_lack = {name: one.rows_without_number for name, one in _options(manifest).lookups.items()}
    return Contents(tuple(sorted(kept)), keys, plain, may_lack)


def _written(manifest: Manifest) -> dict[str, Written]:
    """Return how columns write their numbers, by column.

    Raises: ConfigurationError when two lookups say different things of one.
    """
    written: dict[str, Written] = {}
    for lookup in manifest.lookups:
        for name, one in written_columns(manifest, lookup, _options(manifest).lookups[lookup.name].written).items():
            if written.setdefault(name, one).forms != one.forms:
                raise ConfigurationError(f"registry {manifest.id}: {name}: `written` in two ways by two lookups")
    return written


def _number_key(lookup: str, type_: str, number: str) -> Key:
    return f"{lookup}:{type_}", number


def _block_keys(lookup: str, people: People, known: Mapping[str, JsonValue]) -> Iterator[Key]:
    """Return the keys of somebody, one for each block that can be filled; of names, only their Latin letters count."""
    for at, block in enumerate(people.blocks):
        stated = known_in_blocks(block, known)
        if stated is None:
            continue
        folded = [transliterated(value) if isinstance(value, str) else value for value in stated.values()]
        if all(value != "" for value in folded):
            yield f"{lookup}/{at}", orjson.dumps(folded).decode()


def _place(manifest: Manifest, options: FilesOptions, written: str, environment: Mapping[str, str]) -> Place:
    name = manifest.connection.base_url.removeprefix("env:")
    parts = urlsplit(written)
    if (parts.scheme == "sftp") != (options.sftp is not None):
        raise ConfigurationError(f"registry {manifest.id}: `files.sftp` and an address with sftp: go together")
    if options.sftp is None:
        if parts.scheme not in ("", "file") or parts.netloc or not parts.path.startswith("/"):
            raise ConfigurationError(f"registry {manifest.id}: {name} must be file:///folder or sftp://host/folder")
        return Folder(unquote(parts.path) if parts.scheme else written)
    try:
        from adapters.generic.files.sftp import Access, SftpFolder  # what few registries need is an extra
    except ImportError:
        raise ConfigurationError(
            f"registry {manifest.id}: SFTP needs a further library: install hearth with the extra `sftp`"
        ) from None
    if not parts.hostname or parts.username or parts.password:
        raise ConfigurationError(f"registry {manifest.id}: {name} must be sftp://host:port/folder, without a user")

    def said(reference: str | None) -> str | None:
        return resolved(reference, manifest, environment) if reference else None

    try:
        access = Access(
            parts.hostname,
            parts.port or 22,
            unquote(parts.path) or "/",
            resolved(options.sftp.user, manifest, environment),
            resolved(options.sftp.host_key, manifest, environment),
            said(options.sftp.key),
            said(options.sftp.password),
        )
        return SftpFolder(access, timeout_s=manifest.limits.timeout_s, most_bytes=options.max_bytes)
    except ValueError as error:
        raise ConfigurationError(f"registry {manifest.id}: {error}") from None


def _options(manifest: Manifest) -> FilesOptions:
    if manifest.files is None:
        raise ConfigurationError(f"registry {manifest.id}: `files` is missing")
    return manifest.files

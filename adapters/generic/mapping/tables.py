"""What registries made of rows share, databases and lists alike: which columns are read, and who may be whom."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from adapters.generic.graphql.roots import roots
from adapters.generic.mapping.candidates import Candidates
from adapters.generic.mapping.expressions import expression
from adapters.generic.mapping.traits import MADE_OF
from adapters.generic.mapping.written import Written
from adapters.ports import Candidate
from standards.errors import ConfigurationError, SourceContractError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adapters.generic.mapping.layout import KinLayout, RecordLayout
    from adapters.manifest import Lookup, Manifest


def written_columns(manifest: Manifest, lookup: Lookup, written: Mapping[str, Sequence[str]]) -> dict[str, Written]:
    """Return how the columns of a lookup write their numbers, by column.

    Raises: ConfigurationError, saying what to change.
    """
    found = {}
    for type_, forms in written.items():
        field = manifest.records[lookup.name].identifiers.get(type_)
        at = f"registry {manifest.id}: {lookup.name}: `written`: {type_}"
        if field is None:
            raise ConfigurationError(f"{at}: `records.{lookup.name}.identifiers` name no column for it")
        if field.prefix:
            raise ConfigurationError(f"{at}: write the prefix as part of the form, and take `prefix` out of `records`")
        try:
            found[column(field.path)] = Written(forms)
        except ValueError as error:
            raise ConfigurationError(f"{at}: {error}") from None
    return found


def column(path: str) -> str:
    """Return the column that a path names.

    Raises: ValueError when it is anything else than the name of one column.
    """
    names = roots(path)  # which refuses what is no path at all
    if names is None or len(names) != 1 or expression(path).parsed["type"] != "field":
        raise ValueError(f"{path}: name one column (in double quotes if it has spaces)")
    return next(iter(names))


def columns(layout: RecordLayout, names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that some attributes need, with the numbers, date, kin and members of a row.

    Raises: ValueError when a path is no JMESPath.
    """
    paths = [one.path for one in layout.identifiers.values()]
    for name in names:
        field = layout.attributes[name]
        paths += [field.path, *([field.share_of] if field.share_of else [])]
    paths += [layout.as_of.path] if layout.as_of else []
    for kin in layout.kin:
        paths += _of_kin(kin)
    if layout.members is not None:
        paths.append(layout.members.path)
        if layout.members.path == "@":
            paths += [one.path for one in layout.members.identifiers.values()]
            paths += [layout.members.relationship.path] if layout.members.relationship else []
    return tuple(sorted(frozenset[str]().union(*(roots(path) or () for path in paths))))


def _of_kin(kin: KinLayout) -> list[str]:
    if kin.path != "@":
        return [kin.path]
    return [one.path for one in kin.identifiers.values()] + ([kin.birth_date.path] if kin.birth_date else [])


def key_columns(manifest: Manifest, lookup: Lookup) -> dict[str, str]:
    """Return the column of every type of number that a lookup takes.

    Raises: ConfigurationError when `records` name none.
    """
    keys = {}
    for type_ in lookup.by:
        field = manifest.records[lookup.name].identifiers.get(type_)
        if field is None:
            raise ConfigurationError(
                f"registry {manifest.id}: `records.{lookup.name}.identifiers` lacks {type_}: name its column"
            )
        try:
            keys[type_] = column(field.path)
        except ValueError as error:
            raise ConfigurationError(f"registry {manifest.id}: {error}") from None
    return keys


class People:
    """Rows of people whom the gateway may know, read as candidates.

    Lists are badly kept: a trait that cannot be read is left out of its row, and never guessed. Who they are is not
    decided here, so that nothing depends on its being complete.
    Raises: ConfigurationError when a path is not a JMESPath.
    """

    def __init__(self, manifest: Manifest, lookup: Lookup) -> None:
        options, layout = lookup.by_traits, manifest.records[lookup.name]
        assert options is not None  # noqa: S101 - the caller has looked
        self.most, self.traits = options.most, options.traits
        self.blocks = tuple(options.model_copy(update={"blocks": (block,)}) for block in options.blocks)
        """One block each."""
        if strangers := sorted(
            {MADE_OF.get(name, name) for block in options.blocks for name in block} - set(self.traits)
        ):
            at = f"registry {manifest.id}: lookup {lookup.name}"
            raise ConfigurationError(f"{at}: `blocks` need {strangers[0]}, which no trait states")
        self._all = Candidates(manifest.id, layout, options)
        self._each = [
            Candidates(manifest.id, layout, options.model_copy(update={"traits": traits}))
            for traits in ({}, *({name: field} for name, field in options.traits.items()))
        ]
        paths = [*(one.path for one in layout.identifiers.values()), *(one.path for one in options.traits.values())]
        self.columns = tuple(sorted(frozenset[str]().union(*(roots(path) or () for path in paths))))

    def candidate(self, row: Mapping[str, Any]) -> Candidate | None:
        """Return whom a row is about; None when it states no number to know them by."""
        with suppress(SourceContractError):
            return self._all.candidate(row)
        read: list[Candidate] = []
        for one in self._each:
            with suppress(SourceContractError):
                read.append(one.candidate(row))
        if not read:
            return None
        return Candidate(read[0].identifiers, {name: value for part in read for name, value in part.traits.items()})

    def found(self, rows: Iterable[Mapping[str, Any]], *, cut: bool) -> tuple[tuple[Candidate, ...], bool]:
        """Return everybody in some rows once, in an order of their numbers, and whether there are more.

        A row that states no number is one more: it may be of whoever is looked for, and names nobody.
        """
        by_number: dict[tuple[tuple[str, str], ...], Candidate] = {}
        for row in rows:
            if (one := self.candidate(row)) is None:
                cut = True
            else:
                by_number.setdefault(tuple(sorted(one.identifiers.items())), one)
        ranked = [by_number[numbers] for numbers in sorted(by_number)]
        return tuple(ranked[: self.most]), cut or len(ranked) > self.most

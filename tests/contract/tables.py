"""Registries made of rows that nobody prepared for: a manifest as text, and what it takes to connect it."""

from __future__ import annotations

from typing import Any, cast

from adapters.catalogue import connect
from adapters.ports import Deadline, Fetch, SearchFetch, TraitFetch
from adapters.reading_manifest import load_manifest
from standards.identifiers import Identifier

TIME_S = 20.0


def connected(folder, text, environment) -> Any:
    """Return the registry that a manifest describes, with nothing beside its text."""
    path = folder / "manifest.yaml"
    path.write_text(text, encoding="utf-8")
    (registry,) = connect([load_manifest(path)], cast("Any", None), environment).values()
    return registry


async def asked(registry, lookup, subjects, names):
    """Return what a registry answers about some numbers, each `TYPE value`: record or None, by number."""
    numbers = tuple(Identifier(*one.split(" ", 1)) for one in subjects)
    request = Fetch(registry.manifest.id, lookup, numbers, frozenset(names))
    answer = await registry.guarded.fetch(request, Deadline.after(TIME_S))
    return {f"{number.type} {number.value}": record for number, record in answer.records.items()}


async def found(registry, filter, **changes):
    """Return what a registry finds: the numbers of one page, and how many there are in all."""
    answer = await registry.guarded.search(SearchFetch(registry.manifest.id, filter, **changes), Deadline.after(TIME_S))
    return [one.value for one in answer.found], answer.total_count


async def who(registry, lookup, *wanted):
    """Return the answer of a registry about people of whom no number is known."""
    request = TraitFetch(registry.manifest.id, lookup, wanted)
    return await registry.guarded.candidates(request, Deadline.after(TIME_S))

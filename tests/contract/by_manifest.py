"""Registries connected by the text of a manifest alone, as an engineer of a ministry would."""

from __future__ import annotations

from contextlib import asynccontextmanager
from textwrap import dedent

from adapters.catalogue import connect, load_manifest
from adapters.ports import Deadline, Fetch
from adapters.transport.client import open_session
from standards.identifiers import identifier

LONG = 30.0


def manifest_in(folder, text):
    """Return the manifest that a text is, read from a file as any other."""
    path = folder / "manifest.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return load_manifest(path)


@asynccontextmanager
async def registry(folder, text, **environment):
    """Yield the one registry that a manifest connects."""
    manifest = manifest_in(folder, text)
    async with open_session() as session:
        registries = connect([manifest], session, environment)
        try:
            yield registries[manifest.id]
        finally:
            await registries.close()


async def asked(registry, lookup, *subjects, names=None, seconds=LONG):
    """Return what a registry says about some people, written as `TYPE value`, by that text; of all its attributes by default."""
    manifest = registry.manifest
    wanted = frozenset(manifest.lookup(lookup).attributes) if names is None else frozenset(names)
    people = tuple(identifier(*one.split(" ", 1)) for one in subjects)
    answer = await registry.guarded.fetch(Fetch(manifest.id, lookup, people, wanted), Deadline.after(seconds))
    return dict(zip(subjects, (answer.records[one] for one in people), strict=True))

"""Registries that nobody prepared for: small real servers, and a connection made of a manifest's text alone."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from ruamel.yaml import YAML

from adapters.catalogue import connect
from adapters.manifest import Manifest
from adapters.ports import Deadline, Fetch, TraitFetch
from adapters.transport.client import open_session
from standards.identifiers import Identifier

HEAD = """
id: probe
title: A registry that nobody prepared for
version: "1.0"
reg_type: ns:hearth:RegistryType:Probe
legal: {owner: Office, basis: Act, contact: office@example.pv}
limits: {retries: 0, timeout_s: 20}
"""
PLACE = "connection: {base_url: env:PROBE_URL}\n"


def manifest_of(text, place=PLACE):
    """Return the manifest of a YAML text that follows the usual head."""
    return Manifest.model_validate(YAML(typ="safe", pure=True).load(HEAD + place + text))


class Server:
    """A registry that remembers what it was asked, and answers as its handler does."""

    def __init__(self, answer):
        self.asked: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.under_way = self.most_at_once = 0
        self._answer = answer

    async def handle(self, request):
        self.asked.append(request)
        self.bodies.append(await request.read())
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            return await self._answer(request)
        finally:
            self.under_way -= 1

    @property
    def queries(self):
        return [dict(request.query) for request in self.asked]


class Connected:
    """A connection: asks by the registry's one lookup, unless told which."""

    def __init__(self, registry, server, lookup):
        self.adapter, self.server, self.lookup = registry.guarded, server, lookup

    async def fetch(self, *subjects, names=None, lookup=None, **more):
        chosen = self.adapter.manifest.lookup(lookup or self.lookup)
        wanted = frozenset(chosen.attributes if names is None else names)
        asked = tuple(Identifier(*subject.split(" ", 1)) for subject in subjects)
        answer = await self.adapter.fetch(Fetch("probe", chosen.name, asked, wanted, **more), Deadline.after(20))
        assert tuple(answer.records) == asked
        return {f"{one.type} {one.value}": record for one, record in answer.records.items()}

    async def candidates(self, *wanted: dict[str, Any]):
        return await self.adapter.candidates(TraitFetch("probe", self.lookup, wanted), Deadline.after(20))


@asynccontextmanager
async def connected(text, answer, place=PLACE, below="/api", environment=None):
    """Yield the connection to a running server."""
    manifest = manifest_of(text, place)
    server = Server(answer)
    app = web.Application()
    app.router.add_route("*", below + "/{tail:.*}", server.handle)
    async with TestServer(app) as running, open_session() as session:
        settings = {"PROBE_URL": f"http://127.0.0.1:{running.port}{below}"} | (environment or {})
        registries = connect((manifest,), session, settings)
        try:
            yield Connected(registries["probe"], server, manifest.lookups[0].name)
        finally:
            await registries.close()

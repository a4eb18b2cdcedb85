"""The connections of a version end with it, whichever protocol it speaks, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.catalogue import FOLDER, MANIFEST, Registry, connect, load_manifest, references
from adapters.manifest import Manifest
from adapters.ports import Deadline, Fetch
from adapters.transport.client import Session, open_session
from gateway.registrations.lineups import Lineups
from gateway.registrations.sources import Wanted
from standards.errors import SourceError
from standards.identifiers import Identifier
from tests.builders import World

pytestmark = pytest.mark.contract

ROOMS = World().rooms


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[TestServer, Callable[[], int]]]:
    """A registry that answers nothing anybody understands; and how many are connected to it."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    server = TestServer(app)
    await server.start_server()
    try:
        listening = server.handler
        yield server, lambda: len(listening.connections)
    finally:
        await server.close()


def environment_of(manifest: Manifest, server: TestServer) -> dict[str, str]:
    """What a manifest refers to: the address of a server, and credentials."""
    return {name: str(server.make_url("/")) if name.endswith("_URL") else "x" for name in references(manifest)}


def lineups_over(session: Session, environment: dict[str, str]) -> Lineups:
    """Lineups of registries that are really connected."""

    def wire(*_: Any) -> Any:
        fetcher: Any = type("Fetcher", (SimpleNamespace,), {})()
        return ROOMS._replace(fetcher=fetcher)

    return Lineups(lambda one: connect((one,), session, environment)[one.id], wire, environment)


async def ask(registry: Registry) -> None:
    """Ask one version about somebody."""
    lookup = registry.manifest.lookups[0]
    who = Identifier(lookup.by[0], "1" * 10)
    with suppress(SourceError):
        await registry.guarded.fetch(
            Fetch(registry.manifest.id, lookup.name, (who,), frozenset(lookup.attributes)), Deadline.after(10)
        )


async def comes(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0)


@pytest.mark.parametrize("id_", ["crvs", "education", "health", "housing", "land", "national_id", "tax"])
async def test_a_version_that_was_promoted_away_or_rolled_back_leaves_no_connection(id_: str) -> None:
    """Its registry may have moved, and whoever listens at the old address is no business of ours any more."""
    old = load_manifest(FOLDER / id_ / MANIFEST)
    new = old.model_copy(update={"version": "9.0"})
    async with serving() as (first, at_first), serving() as (second, at_second), open_session() as session:
        environment = environment_of(old, first)
        lineups = lineups_over(session, environment)
        lineups.start(Wanted((old,)), frozenset({id_}))
        former = lineups.live.registries[id_]
        await ask(former)
        assert at_first() == 1

        environment |= environment_of(new, second)
        assert lineups.take(Wanted((new,)))
        await ask(lineups.live.registries[id_])
        await lineups.tidy()
        await comes(lambda: at_first() == 0)
        assert at_second() == 1
        await ask(former)  # a call that went on for longer than its question
        await comes(lambda: at_first() == 0)

        environment |= environment_of(old, first)
        assert lineups.take(Wanted((old,), ended=frozenset({(id_, "9.0")})))
        await ask(lineups.live.registries[id_])
        await lineups.tidy()
        await comes(lambda: at_second() == 0)
        assert (at_first(), session.connections) == (1, 1)
        await lineups.close()

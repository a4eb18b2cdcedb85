"""A registry's adapter without its guard, on a way whose calls are counted and timed: what a probe asks through."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from adapters.catalogue import build
from adapters.generic.driving import driver
from adapters.manifest import Protocol
from adapters.transport.client import HttpSourceClient, open_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from adapters.manifest import Manifest
    from adapters.ports import Deadline, RegistryAdapter, Response, SourceClient
    from adapters.transport.client import Session


class Watch:
    """A client that passes everything on, counts it, and keeps responses when told to; none is written anywhere."""

    def __init__(self, client: SourceClient) -> None:
        self._client = client
        self.sent = 0
        """Requests that were sent, answered or not."""
        self.seconds: list[float] = []
        """How long each call took that was answered."""
        self.keeps = False
        self.responses: list[Response] = []
        """Responses that came while it was told to keep them."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send a request on, and remember what came back and how long it took."""
        self.sent += 1
        began = time.monotonic()
        response = await self._client.send(method, path, deadline, params=params, headers=headers, body=body)
        self.seconds.append(time.monotonic() - began)
        if self.keeps:
            self.responses.append(response)
        return response


class Opened(NamedTuple):
    """A registry that can be asked."""

    adapter: RegistryAdapter
    watch: Watch | None
    """Its calls; None where its protocol is no HTTP."""


@asynccontextmanager
async def opened(manifest: Manifest, environment: Mapping[str, str]) -> AsyncIterator[Opened]:
    """Give a registry's adapter on a watched way.

    Raises: ConfigurationError when a reference is missing in the environment, or there is no adapter.
    """
    async with open_session() as session:
        way = _way(manifest, session, environment)
        watch = Watch(cast("SourceClient", way)) if hasattr(way, "send") else None
        asked = watch or way
        try:
            if manifest.speaks is Protocol.DCI or manifest.driven is None:
                yield Opened(build(manifest, cast("SourceClient", asked)), watch)
            else:
                yield Opened(driver(manifest.speaks).build(manifest, asked), watch)
        finally:
            await way.close()


def _way(manifest: Manifest, session: Session, environment: Mapping[str, str]) -> Any:
    if manifest.driven is None:
        return HttpSourceClient(session, manifest, environment)
    return driver(manifest.speaks).open_way(manifest, session, environment, None)

"""Watches the gateways and mock registries that run inside the tests' own process, as `sitecustomize.py` does others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web, web_protocol

from gateway.api.middleware import around
from gateway.api.state import GATEWAY
from mocks.dci import DciRegistry
from mocks.registry import Registry
from mocks.speaking import GOOD
from tests.witness import sitecustomize as witness


@contextmanager
def watching(folder: Path) -> Iterator[None]:
    """Note what gateways and registries answer while this lasts. What tests ask them is as wrong as the tests want."""
    finish, answered = web_protocol.RequestHandler.finish_response, Registry._answered

    async def finish_response(self: Any, request: Any, response: Any, start: Any) -> Any:
        # A server answers before it has an application when it could not even read the request.
        # Nor does a stand-in of a test that leaves out what makes every refusal the standard's.
        if isinstance(request, web.Request) and GATEWAY in request.app and around in request.app.middlewares:
            asked = getattr(request, "_read_bytes", None)
            body = getattr(response, "body", None)
            witness.note("gateway", request.path, response.status, body, witness.reg_type_of(asked))
        return await finish(self, request, response, start)

    async def watched(self: Any, operation: Any, request: Any, call: Any) -> Any:
        answer = await answered(self, operation, request, call)
        if isinstance(self, DciRegistry) and self.dialect is GOOD and answer.content_type == "application/json":
            witness.note("mock", request.path, answer.status, answer.body, self.reg_type)
        return answer

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(witness, "FOLDER", str(folder))
        patches.setattr(web_protocol.RequestHandler, "finish_response", finish_response)
        patches.setattr(Registry, "_answered", watched)
        yield

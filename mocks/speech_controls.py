"""How a test tells a registry to speak another dialect, and to sign what it sends: below `/_sandbox/`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from mocks.registry import json_answer
from mocks.signing import FORMS
from mocks.speaking import DIALECTS, GOOD

if TYPE_CHECKING:
    from mocks.dci import DciRegistry


def speech_controls(registry: DciRegistry) -> Iterable[web.RouteDef]:
    """Return the routes."""

    async def speak(request: web.Request) -> web.Response:
        try:
            wanted = orjson.loads(await request.read())
            registry.dialect = DIALECTS[wanted["name"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return json_answer({"error": f"name is one of {', '.join(DIALECTS)}"}, status=422)
        return await spoken(request)

    async def spoken(request: web.Request) -> web.Response:
        return json_answer({"name": registry.dialect.name})

    async def speak_well(request: web.Request) -> web.Response:
        registry.dialect = GOOD
        return web.Response(status=204)

    async def sign(request: web.Request) -> web.Response:
        signer = registry.signer
        try:
            wanted = orjson.loads(await request.read())
            form, rotates = wanted.get("form", signer.form), wanted.get("rotate", False)
        except (orjson.JSONDecodeError, AttributeError):
            form, rotates = None, False
        if form not in FORMS:
            return json_answer({"error": f"form is one of {', '.join(FORMS)}"}, status=422)
        signer.form = form
        if rotates is True:
            signer.rotate()
        return json_answer({"form": signer.form, "keys": signer.published()["keys"]})

    yield web.put("/_sandbox/signing", sign)
    yield web.put("/_sandbox/dialect", speak)
    yield web.get("/_sandbox/dialect", spoken)
    yield web.delete("/_sandbox/dialect", speak_well)

"""The description of the interface: for machines at `/openapi.json`, for people at `/docs`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

import orjson
from aiohttp import web

from gateway.api.described.collection import collection
from gateway.api.described.openapi import document
from gateway.api.described.page import render
from gateway.api.state import GATEWAY
from gateway.bootstrap import Gateway
from standards.attributes import Catalogue

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may do with the page: show it with our stylesheet, and nothing else."""

_STYLE: Final = Path(__file__).with_name("static") / "docs.css"


async def openapi(request: web.Request) -> web.Response:
    """Return the OpenAPI document."""
    return _public(_document(*_seed(request.app[GATEWAY])), "application/json")


async def requests(request: web.Request) -> web.Response:
    """Return the collection of requests that API clients import."""
    return _public(_requests(*_seed(request.app[GATEWAY])), "application/json")


async def page(request: web.Request) -> web.Response:
    """Return the page."""
    response = _public(_page(*_seed(request.app[GATEWAY])), "text/html")
    response.headers["Content-Security-Policy"] = POLICY
    return response


async def style(request: web.Request) -> web.Response:
    """Return the page's stylesheet."""
    return _public(_style(), "text/css")


def _seed(gateway: Gateway) -> tuple[str, Catalogue, bool]:
    """Return all that the description depends on; it never changes while a gateway runs."""
    return gateway.base_url, gateway.catalogue, gateway.settings.sandbox


@lru_cache(maxsize=4)
def _document(base_url: str, catalogue: Catalogue, sandbox: bool) -> bytes:  # noqa: FBT001 - one seed, as a tuple
    return orjson.dumps(document(base_url, catalogue, sandbox=sandbox))


@lru_cache(maxsize=4)
def _requests(base_url: str, catalogue: Catalogue, sandbox: bool) -> bytes:  # noqa: FBT001 - one seed, as a tuple
    return orjson.dumps(collection(document(base_url, catalogue, sandbox=sandbox)))


@lru_cache(maxsize=4)
def _page(base_url: str, catalogue: Catalogue, sandbox: bool) -> bytes:  # noqa: FBT001 - one seed, as a tuple
    return render(document(base_url, catalogue, sandbox=sandbox)).encode()


@lru_cache(maxsize=1)
def _style() -> bytes:
    return _STYLE.read_bytes()


def _public(body: bytes, content_type: str) -> web.Response:
    charset = "utf-8" if content_type.startswith("text/") else None
    response = web.Response(body=body, content_type=content_type, charset=charset)
    response.headers["Cache-Control"] = "public, max-age=300"
    return response

"""Where the handlers find the wired application."""

from __future__ import annotations

from aiohttp import web

from gateway.bootstrap import Gateway

GATEWAY = web.AppKey("gateway", Gateway)

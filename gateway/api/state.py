"""Where the handlers find the wired application."""

from __future__ import annotations

from aiohttp import web

from gateway.bootstrap import Gateway

GATEWAY = web.AppKey("gateway", Gateway)
SUMMARY = web.RequestKey("summary", dict[str, object])
"""What a handler adds to the one log line of its request: names of `gateway.telemetry.FIELDS` only."""

"""Following: each process takes in what changed in folders, registrations and references, several times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import structlog

from standards.errors import InteropError

if TYPE_CHECKING:
    from gateway.registrations.office import Registrations
    from gateway.registrations.shadowing import Shadows

log = structlog.get_logger()

LOOK_S: Final = 0.25
"""How long a change may go unnoticed, in seconds."""


async def follow_lineups(registrations: Registrations, shadows: Shadows) -> None:
    """Take in every change, until cancelled. What cannot be taken in is logged once; the last good stays."""

    async def write() -> None:
        await shadows.keep_counts()
        await registrations.settle_owed()

    # Apart: whatever keeps database or journal from writing, or a connection from closing, a switch must be seen.
    await asyncio.gather(_again(registrations.look), _again(write), _again(registrations.lineups.tidy))


async def _again(what: Callable[[], Awaitable[object]]) -> None:
    failed = ""
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            await what()
            failed = ""
        except Exception as error:  # noqa: BLE001 - whatever one manifest does to it, the next change must be seen
            if failed != type(error).__name__:
                detail = str(error) if isinstance(error, InteropError) else ""
                log.error("registries_not_read", detail=detail, caught=type(error).__name__)
            failed = type(error).__name__

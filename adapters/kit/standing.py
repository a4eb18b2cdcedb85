"""How a registry stands that is no service: its list, and what our role could do to its database."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from adapters.generic.files.driver import FilesAdapter
from adapters.kit.findings import Finding
from adapters.manifest import Protocol
from adapters.ports import Deadline
from standards.errors import SourceError

if TYPE_CHECKING:
    from adapters.manifest import Manifest
    from adapters.ports import RegistryAdapter

_LOOK_S: Final = 10.0
_READ_S: Final = 120.0
"""How long a list may take to be read before it is asked."""


async def read_first(adapter: RegistryAdapter) -> None:
    """Wait until a list has been read, as a gateway has done long before anybody asks; of anything else, return."""
    if isinstance(adapter, FilesAdapter):
        with suppress(TimeoutError):
            async with asyncio.timeout(_READ_S):
                await adapter.look()


async def standing_findings(manifest: Manifest, adapter: RegistryAdapter) -> list[Finding]:
    """Return what is found of a list or a database; nothing of what speaks any other protocol."""
    if isinstance(adapter, FilesAdapter):
        return await _of_list(adapter)
    if manifest.speaks is Protocol.SQL:
        return await _of_role(manifest, adapter)
    return []


async def _of_list(adapter: FilesAdapter) -> list[Finding]:
    state = adapter.state()
    if state is None:
        return []
    read = "none" if state.rows is None else f"{state.rows} rows as of {state.as_of}, {state.age_h:.0f} hours old"
    if state.trouble is None:
        return [Finding("list", True, read)]
    newer = f"; that of {state.refused_as_of} is refused" if state.refused_as_of else ""
    return [Finding("list", False, f"{read}{newer}: {state.trouble}", "Drop it again, whole and in the form declared.")]


async def _of_role(manifest: Manifest, adapter: RegistryAdapter) -> list[Finding]:
    from adapters.generic.sql.driver import SqlAdapter  # what only databases need is loaded for them

    if not isinstance(adapter, SqlAdapter) or manifest.sql is None:
        return []
    try:
        tables = await adapter.writable(Deadline.after(_LOOK_S))
    except SourceError:
        return [Finding("role", None, "not to be told: the database was not reached")]
    if not tables:
        return [Finding("role", True, "can only read")]
    text = f"may write to {', '.join(tables)}"
    if manifest.sql.role == "may_write":
        return [Finding("role", None, f"{text}, as the manifest says")]
    return [Finding("role", False, text, "Grant the role SELECT on what it reads, and nothing else.")]

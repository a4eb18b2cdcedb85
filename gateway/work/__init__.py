"""Durable work: what was promised is done, whatever is killed meanwhile. `gateway.ports.Work` says what it promises."""

import hashlib
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.ports import Work
from gateway.work.memory import MemoryWork
from gateway.work.seal import Seal

__all__ = ["MemoryWork", "open_work", "preload", "process_name"]


def open_work(url: str, seal: Seal, name: str, died: Callable[[str], Awaitable[None]] | None = None) -> Work:
    """Return durable work in a database, for the process of that name.

    died: told the name of a process whose work this one takes over.
    Raises: ConfigurationError when the URL names no database that can be used.
    """
    from gateway.work.dbos_work import DbosWork
    from gateway.work.living import open_engine

    return DbosWork(open_engine(url), seal, name, died)


def process_name(folder: Path, worker: int) -> str:
    """Return what one process is known by in shared stores: another one's differs, its own after a restart does not.

    folder: of the process's own stores.
    """
    place = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:8]
    return f"{socket.gethostname()}-{place}-{worker}"


def preload() -> None:
    """Load the library of durable work; it takes half a second, which commands that do no work need not wait for."""
    import gateway.work.dbos_work  # noqa: F401

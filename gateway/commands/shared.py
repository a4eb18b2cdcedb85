"""What every command of `hearth` shares: options that mean the same everywhere, and how an error of ours is told."""

from __future__ import annotations

import contextlib
import getpass
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from standards.errors import InteropError

if TYPE_CHECKING:
    from gateway.journal.chain import Note
    from gateway.ports import JournalEntry
    from gateway.settings import Settings

Folder = Annotated[Path, typer.Option("--dir", help="Folder of the sandbox, or of the stores.")]
Config = Annotated[Path | None, typer.Option(help="Settings file; default: config.yaml in --dir.")]
JournalUrl = Annotated[str, typer.Option("--journal-url", help="stores.journal_url; default: journal.db in --dir.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
REFUSED: Final = 1
"""Exit code when Hearth said no, or could not; 2 is a wrong command line, 0 is success."""


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn an error of ours into one line and exit code 1."""
    try:
        yield
    except InteropError as error:
        typer.echo(f"hearth: {error}", err=True)
        raise typer.Exit(REFUSED) from None


def settings_in(folder: Path, config: Path | None) -> Settings:
    """Return the settings that a gateway with its stores in a folder runs with.

    config: their file; None: config.yaml in the folder, or the defaults where there is none.
    """
    from gateway.settings import load

    beside = folder / "config.yaml"
    return load(config or (beside if beside.is_file() else None))


def registries_in(settings: Settings) -> frozenset[str]:
    """Return the ids of the registries that settings connect."""
    from adapters.catalogue import FOLDER, find_manifests, load_manifest

    registries = settings.registries
    found = find_manifests((*((FOLDER,) if registries.builtin else ()), *registries.folders))
    return frozenset(load_manifest(path).id for path in found)


def note_in(folder: Path, journal_url: str, event: str, detail: dict[str, str], now: datetime) -> None:
    """Make an entry of a journal about what was done on this machine, in the name of the account.

    journal_url: of the settings; empty: the journal in the folder.
    Raises: JournalError when it cannot be written.
    """
    from gateway.journal.chain import Note

    enter(folder, journal_url, Note(now, event, account(), "", detail))


def enter(folder: Path, journal_url: str, entry: JournalEntry | Note) -> None:
    """Write an entry into a journal, durably.

    journal_url: of the settings; empty: the journal in the folder.
    Raises: JournalError when it cannot be written.
    """
    from gateway.journal import entry_text, sqlite_url
    from gateway.journal.store import Store

    store = Store(journal_url or sqlite_url(folder / "journal.db"))
    try:
        store.create()
        store.append([entry_text(entry)])
    finally:
        store.close()


def account() -> str:
    """Return whose account runs the command, as the journal names it."""
    return f"operator:{getpass.getuser()}"

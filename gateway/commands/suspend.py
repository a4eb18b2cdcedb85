"""`hearth suspend` and `hearth resume`: switch a consumer or a registry off, and on again. Each is journalled."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.shared import Config, Folder, JournalUrl, Json, told

app = typer.Typer(help="Switch a consumer or a registry off, at once, in every process.", no_args_is_help=True)
resume = typer.Typer(help="Switch a consumer or a registry on again.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Client id of the consumer, or id of the registry.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the journal: no personal data.")]


@app.command("consumer")
def suspend_consumer(
    name: Name, reason: Why, folder: Folder = Path(".hearth"), config: Config = None, journal_url: JournalUrl = ""
) -> None:
    """Answer a consumer no more: within a second, queued answers included."""
    _switch("consumer", name, folder, config, journal_url, reason)


@app.command("registry")
def suspend_registry(
    name: Name, reason: Why, folder: Folder = Path(".hearth"), config: Config = None, journal_url: JournalUrl = ""
) -> None:
    """Ask a registry no more, and forget what was read from it: within a second."""
    _switch("registry", name, folder, config, journal_url, reason)


@resume.command("consumer")
def resume_consumer(
    name: Name, folder: Folder = Path(".hearth"), config: Config = None, journal_url: JournalUrl = ""
) -> None:
    """Answer a consumer again."""
    _switch("consumer", name, folder, config, journal_url, None)


@resume.command("registry")
def resume_registry(
    name: Name, folder: Folder = Path(".hearth"), config: Config = None, journal_url: JournalUrl = ""
) -> None:
    """Ask a registry again."""
    _switch("registry", name, folder, config, journal_url, None)


@app.command("list")
def list_(folder: Folder = Path(".hearth"), as_json: Json = False) -> None:
    """Print what is switched off, since when, by whom and why."""
    import json

    from gateway.suspensions import Suspensions

    with told():
        off = Suspensions(folder)
        for kind, names in (("consumer", off.consumers()), ("registry", off.registries())):
            for name, one in names.items():
                line = {"kind": kind, "name": name, **one.model_dump()}
                typer.echo(json.dumps(line) if as_json else f"{kind} {name}: {one.reason} ({one.by}, {one.at})")


def _switch(kind: str, name: str, folder: Path, config: Path | None, journal_url: str, reason: str | None) -> None:
    """Switch one off with a reason, or on without; what narrows acts first, what widens is recorded first."""
    from gateway.commands.shared import note_in, registries_in, settings_in
    from gateway.suspensions import Kind, Suspension, Suspensions
    from standards.errors import ConfigurationError, MalformedMessageError

    with told():
        if not folder.is_dir():
            raise ConfigurationError(f"there is no folder {folder}: name that of the stores with --dir")
        settings = settings_in(folder, config)
        clients = {consumer.client_id for consumer in settings.consumers}
        there = clients if kind == "consumer" else registries_in(settings)
        if reason is not None and name not in there:
            raise MalformedMessageError(f"there is no {kind} of that name; there are {', '.join(sorted(there))}")
        now, switches = datetime.now(UTC), Suspensions(folder)
        known = switches.consumers() if kind == "consumer" else switches.registries()
        if (name in known) == (reason is not None):
            typer.echo(f"{kind} {name} is {'off' if reason is not None else 'on'} already")
            return
        detail = {"name": name} | ({"reason": reason} if reason is not None else {})
        if reason is not None:
            # INVARIANT: a switch acts even when the journal cannot be written.
            switches.switch(Kind(kind), name, Suspension(at=now.isoformat(), by=getpass.getuser(), reason=reason))
            note_in(folder, journal_url, f"{kind}.suspended", detail, now)
        else:
            note_in(folder, journal_url, f"{kind}.resumed", detail, now)
            switches.switch(Kind(kind), name, None)
        typer.echo(f"{kind} {name} is {'off' if reason is not None else 'on'}")

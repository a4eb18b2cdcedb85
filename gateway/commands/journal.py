"""`hearth journal`: what was asked and answered, for operators and auditors."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.commands.shared import Folder, Json, told
from standards.identifiers import Identifier, identifier

app = typer.Typer(help="What was asked and answered.", no_args_is_help=True)

Url = Annotated[str, typer.Option("--url", help="The settings' stores.journal_url; default: journal.db in --dir.")]
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
KeyFolder = Annotated[Path | None, typer.Option("--keys", help="Folder of the gateway's keys; default: keys in --dir.")]


@app.command()
def show(
    folder: Folder = Path(".hearth"),
    url: Url = "",
    newest: Annotated[int, typer.Option(min=1, help="How many entries.")] = 10,
    as_json: Json = False,
) -> None:
    """Print the newest entries of a journal."""
    from gateway.journal import read

    with told():
        for seq, entry in read(url or journal_in(folder), newest=newest):
            _print(seq, entry, as_json=as_json)


@app.command()
def verify(
    folder: Folder = Path(".hearth"),
    url: Url = "",
    key: Annotated[
        list[Path] | None,
        typer.Option(help="Public keys of the gateway: PEM, or its jwks.json; default: those of keys in --dir."),
    ] = None,
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option(help="Further checkpoints, kept elsewhere; default: checkpoints.jsonl in --dir."),
    ] = None,
    copy: Annotated[
        Path | None, typer.Option(help="Compare with the copy that settings name journal.copy_file.")
    ] = None,
) -> None:
    """Check that no entry of a journal was changed, removed or moved, and that none is missing at its end."""
    from gateway.commands.keys import recorded_keys
    from gateway.journal import examine
    from gateway.journal.checkpoints import public_keys

    with told():
        files = key or []
        further = checkpoints or [p for p in (folder / "checkpoints.jsonl",) if p.exists() and not url]
        keys = public_keys(files) if files else recorded_keys(folder / "keys")
        found = examine(url or journal_in(folder), keys, checkpoints=further, copy=copy)
    typer.echo(f"{found.entries} entries, the chain is whole")
    if keys is None:
        typer.echo("its signed checkpoints were not looked at, nor a lost tail: name public keys with --key")
    elif found.newest is None:
        typer.echo("no checkpoint has been signed yet: a lost tail would not show")
    else:
        typer.echo(
            f"{found.checkpoints} signed checkpoints hold; the newest, of {found.newest.at}, is over entry "
            f"{found.newest.seq}, and {found.entries - found.newest.seq} came after it"
        )
    if found.copied is not None:
        typer.echo(f"{found.copied} entries are as in the copy")


@app.command()
def search(
    folder: Folder = Path(".hearth"),
    url: Url = "",
    keys: KeyFolder = None,
    consumer: Annotated[str | None, typer.Option(help="Who asked, by its client id.")] = None,
    purpose: Annotated[str | None, typer.Option(help="What for, by its code.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=_TIMES, help="From this moment on; UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_TIMES, help="Before this moment; UTC.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="About whom: TYPE=VALUE; `-` reads it from standard input.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=1000, help="Entries of one page.")] = 20,
    before: Annotated[int | None, typer.Option(help="The next page: only entries before this number.")] = None,
    as_json: Json = False,
) -> None:
    """Find entries, the newest first. The search itself becomes an entry: who searched, and for what."""
    from gateway.journal.search import Terms
    from gateway.journal.search import search as find
    from gateway.keys import open_keys
    from standards.errors import ConfigurationError

    with told():
        where = keys or folder / "keys"
        if not (where / "pseudonym.key").exists():  # keys made here would find nobody
            raise ConfigurationError(f"{where} holds no keys of a gateway: name their folder with --keys")
        stated = typer.get_text_stream("stdin").readline().strip() if subject == "-" else subject
        person = _person(stated) if stated else None
        terms = Terms(consumer, purpose, _utc(since), _utc(until), person)
        page = find(
            url or journal_in(folder),
            terms,
            open_keys(where),
            by=getpass.getuser(),
            now=datetime.now(UTC),
            before=before,
            most=most,
        )
    for seq, entry in page.found:
        _print(seq, entry, as_json=as_json)
    if not as_json:
        typer.echo(f"{len(page.found)} entries" if page.found else "no such entry")
        if page.before is not None:
            typer.echo(f"more: --before {page.before}")
    elif page.before is not None:
        typer.echo(json.dumps({"before": page.before}))


def _print(seq: int, entry: dict[str, Any], *, as_json: bool) -> None:
    from gateway.show import show_entry

    if as_json:
        typer.echo(json.dumps({"seq": seq, **entry}))
    else:
        show_entry(seq, entry)


def _person(stated: str) -> Identifier:
    type_, equals, value = stated.partition("=")
    if not equals or not type_.strip() or not value.strip():
        raise typer.BadParameter("write TYPE=VALUE, for example UIN=... or BRN=...")  # never what was written there
    return identifier(type_.strip(), value.strip())


def _utc(stated: datetime | None) -> datetime | None:
    return stated if stated is None or stated.tzinfo is not None else stated.replace(tzinfo=UTC)


def journal_in(folder: Path) -> str:
    """Return the URL of the journal in a folder of stores.

    Raises: JournalError when there is none.
    """
    from gateway.journal import sqlite_url
    from standards.errors import JournalError

    path = folder / "journal.db"
    if not path.exists():
        raise JournalError(f"there is no journal in {folder}: name its folder with --dir")
    return sqlite_url(path)

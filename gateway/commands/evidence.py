"""`hearth evidence`: prove how one answer came about."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.journal import KeyFolder, Url, journal_in
from gateway.commands.shared import REFUSED, Folder, Json, told

app = typer.Typer(help="Prove how an answer came about.", no_args_is_help=True)


@app.command()
def pack(
    out: Annotated[Path, typer.Option(help="File to write.")],
    correlation: Annotated[str, typer.Option(help="The answer's correlation_id.")] = "",
    seq: Annotated[int | None, typer.Option(min=1, help="In its place: the number of its journal entry.")] = None,
    with_salt: Annotated[
        bool, typer.Option(help="Let whoever holds the pack confirm from a registry's own copy what it said.")
    ] = False,
    folder: Folder = Path(".hearth"),
    url: Url = "",
    keys: KeyFolder = None,
    agreements: Annotated[
        list[Path] | None,
        typer.Option(help="Folders of agreement files, older ones too; default: agreements in --dir."),
    ] = None,
) -> None:
    """Write the evidence of one answer into one signed file. That you did becomes an entry of the journal."""
    from gateway.evidence.packing import Stores
    from gateway.evidence.packing import pack as packed
    from gateway.keys import open_keys, write_private
    from standards.errors import ConfigurationError

    if bool(correlation) == (seq is not None):
        typer.echo("hearth: name the answer by --correlation, or by --seq", err=True)
        raise typer.Exit(2)
    with told():
        where = keys or folder / "keys"
        if not (where / "pseudonym.key").exists():  # keys made here would have signed nothing
            raise ConfigurationError(f"{where} holds no keys of a gateway: name their folder with --keys")
        stores = Stores(
            url or journal_in(folder), folder / "consent.db", agreements or [folder / "agreements"], open_keys(where)
        )
        content = packed(
            stores,
            by=getpass.getuser(),
            now=datetime.now(UTC),
            seq=seq,
            correlation=correlation or None,
            with_salt=with_salt,
        )
        try:
            write_private(out, json.dumps(content, indent=1, ensure_ascii=False).encode())
        except OSError as error:
            raise ConfigurationError(f"{out}: cannot be written ({error.strerror})") from None
    typer.echo(f"{out}: entry {content['journal']['seq']}, {len(content['receipts'])} receipts")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="File that `hearth evidence pack` wrote.")],
    keys: Annotated[list[Path], typer.Option(help="Public keys of the gateway: PEM, or its jwks.json.")],
    answer: Annotated[
        Path | None, typer.Option(help="The answer as it was received: the message, or one item of it.")
    ] = None,
    said: Annotated[
        list[str] | None,
        typer.Option(help="REGISTRY.LOOKUP=FILE: a registry's own copy of what it answered; needs the salt."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a pack of evidence with nothing but public keys, and say what it proves."""
    from gateway.evidence.checking import check, holds, read_pack
    from gateway.journal.checkpoints import public_keys
    from gateway.sandbox import pairs

    with told():
        copies = {name: _read(Path(path)) for name, path in pairs(said or [], "--said").items()}
        lines = check(
            read_pack(_read(file)),
            public_keys(keys),
            answer=_read(answer) if answer is not None else None,
            said=copies,
        )
    if as_json:
        typer.echo(json.dumps({"holds": holds(lines), "lines": [line._asdict() for line in lines]}, indent=2))
    else:
        for line in lines:
            mark = {True: "holds", False: "FAILS", None: "-"}[line.holds]
            typer.echo(f"{line.about:<8} {mark:<5} {line.sentence}")
        typer.echo("everything holds" if holds(lines) else "this does not prove what it claims")
    if not holds(lines):
        raise typer.Exit(REFUSED)


def _read(path: Path) -> bytes:
    from standards.errors import ConfigurationError

    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None

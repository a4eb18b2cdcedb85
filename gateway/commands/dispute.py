"""`hearth dispute`: what citizens dispute, on the machine of the gateway. What is done here is journalled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from gateway.commands.shared import Folder, JournalUrl, Json, account, enter, told

if TYPE_CHECKING:
    from gateway.trail.disputes import Dispute, DisputeBook

app = typer.Typer(help="What citizens dispute, and what registries say to it.", no_args_is_help=True)

KeyFolder = Annotated[str, typer.Option("--keys", help="Folder of the key files, below --dir: stores.keys.")]
Url = Annotated[str, typer.Option("--url", help="The settings' stores.trail_url; default: trail.db in --dir.")]
Name = Annotated[str, typer.Argument(help="Name of a dispute.")]


@app.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option(help="Only of this state: received, forwarded, answered or closed.")
    ] = None,
    folder: Folder = Path(".hearth"),
    keys: KeyFolder = "keys",
    url: Url = "",
    as_json: Json = False,
) -> None:
    """Print every dispute, oldest first; people do not stand in them."""
    from gateway.trail.disputes import DisputeState
    from standards.errors import MalformedMessageError

    with told(), _open(folder, keys, url) as desk:
        if state is not None and state not in set(DisputeState):
            raise MalformedMessageError(f"--state: one of {', '.join(DisputeState)}")
        found = desk.book.all(state)
    for one in found:
        typer.echo(json.dumps(_told(one)) if as_json else _line(one))


@app.command()
def show(
    dispute_id: Name,
    folder: Folder = Path(".hearth"),
    keys: KeyFolder = "keys",
    url: Url = "",
    journal_url: JournalUrl = "",
    as_json: Json = False,
) -> None:
    """Print one dispute with the number by which the registry finds the person: for the letter to it."""
    with told(), _open(folder, keys, url, journal_url) as desk:
        one = desk.found(dispute_id)
        number = desk.book.number(dispute_id)
        # INVARIANT: nobody's number is opened without an entry in the journal that says who did.
        desk.note("dispute.shown", one)
    stated = None if number is None else {"type": number.type, "value": number.value}
    if as_json:
        typer.echo(json.dumps(_told(one) | {"number": stated}))
    else:
        typer.echo(_line(one))
        typer.echo(f"person: {number.type}={number.value}" if number else "person: removed, the dispute is closed")


@app.command()
def answer(
    dispute_id: Name,
    outcome: Annotated[str, typer.Option(help="What the registry says: corrected, confirmed or not_found.")],
    close: Annotated[bool, typer.Option("--close", help="Close it as well; its number is removed.")] = False,
    folder: Folder = Path(".hearth"),
    keys: KeyFolder = "keys",
    url: Url = "",
    journal_url: JournalUrl = "",
) -> None:
    """Record what a registry says to a dispute; the citizen sees it at once."""
    from gateway.trail.disputes import OPEN, DisputeAnswer, DisputeState
    from standards.errors import MalformedMessageError

    now = datetime.now(UTC)
    with told(), _open(folder, keys, url, journal_url) as desk:
        if outcome not in set(DisputeAnswer):
            raise MalformedMessageError(f"--outcome: one of {', '.join(DisputeAnswer)}")
        one = desk.found(dispute_id)
        if one.state not in OPEN:
            raise MalformedMessageError(f"this dispute is {one.state}; only one that is open is answered")
        said = DisputeAnswer(outcome)
        desk.note("dispute.answered", one._replace(answer=said.value))
        desk.book.move(dispute_id, OPEN, DisputeState.ANSWERED, now, answer=said)
        if close:
            desk.note("dispute.closed", one._replace(answer=said.value))
            desk.book.move(dispute_id, [DisputeState.ANSWERED], DisputeState.CLOSED, now)
        typer.echo(_line(desk.found(dispute_id)))


class _Desk(NamedTuple):
    book: DisputeBook
    journal_url: str

    def found(self, dispute_id: str) -> Dispute:
        from standards.errors import MalformedMessageError

        found = self.book.find(dispute_id)
        if found is None:
            raise MalformedMessageError("there is no dispute of that name")
        return found

    def note(self, event: str, dispute: Dispute) -> None:
        """Make an entry of the journal, in the name of the account on this machine."""
        from gateway.trail.noting import noted_dispute

        enter(Path(), self.journal_url, noted_dispute(event, account(), dispute, datetime.now(UTC)))


@contextmanager
def _open(folder: Path, keys: str, url: str, journal_url: str = "") -> Iterator[_Desk]:
    from gateway.journal import sqlite_url
    from gateway.keys import open_keys
    from gateway.trail.disputes import DisputeBook
    from gateway.trail.tables import open_tables
    from standards.errors import ConfigurationError

    path = folder / "trail.db"
    if not (url or path.exists()) or not (folder / keys / "pseudonym.key").exists():
        raise ConfigurationError(f"there is no trail with its keys in {folder}: name its folder with --dir")
    engine = open_tables(url or sqlite_url(path))
    try:
        yield _Desk(DisputeBook(engine, open_keys(folder / keys)), journal_url or sqlite_url(folder / "journal.db"))
    finally:
        engine.dispose()


def _told(one: Dispute) -> dict[str, str | None]:
    return {name: value for name, value in one._asdict().items() if name != "journal_as"}


def _line(one: Dispute) -> str:
    said = f": {one.answer}" if one.answer else ""
    return f"{one.opened_at}  {one.dispute_id}  {one.registry}  {one.attribute} ({one.reason})  {one.state}{said}"

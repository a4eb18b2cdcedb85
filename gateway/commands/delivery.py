"""`hearth delivery`: what waits for consumers, what could not be delivered, and another try for it.

Shows who, what kind, since when, how often and why not; never what was to be told, nor about whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.shared import REFUSED, Config, Folder, Json, note_in, settings_in, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.delivery.outbox import Letter, Outbox
    from gateway.settings import Settings

app = typer.Typer(help="Callbacks and notifications to consumers, dead letters among them.", no_args_is_help=True)

Consumer = Annotated[str | None, typer.Option(help="Only those to this consumer.")]
State = Annotated[str, typer.Option(help="waiting | made | dead | all.")]


@app.command("list")
def listing(
    state: State = "dead",
    consumer: Consumer = None,
    folder: Folder = Path(".hearth"),
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List deliveries, the oldest first; the dead letters unless another state is named."""
    if state not in {"waiting", "made", "dead", "all"}:
        typer.echo("hearth: --state is one of waiting, made, dead, all", err=True)
        raise typer.Exit(2)
    with told(), _outbox(folder, config) as (outbox, _):
        _show(outbox.letters(None if state == "all" else state, consumer=consumer), as_json=as_json)


@app.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Of the delivery, as `list` shows it.")],
    folder: Folder = Path(".hearth"),
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show one delivery."""
    with told(), _outbox(folder, config) as (outbox, _):
        found = outbox.letters(None, id=id_)
        if not found:
            typer.echo("hearth: there is no delivery of that id", err=True)
            raise typer.Exit(REFUSED)
        _show(found, as_json=as_json)


@app.command()
def redeliver(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Dead letters, by their ids.")] = None,
    consumer: Consumer = None,
    folder: Folder = Path(".hearth"),
    config: Config = None,
) -> None:
    """Let dead letters be tried again: those named, or all of one consumer. A running gateway does it in seconds.

    Each keeps its idempotency key, and is checked again before it leaves.
    """
    if bool(ids) == bool(consumer):
        typer.echo("hearth: name dead letters by their ids, or all of one with --consumer NAME", err=True)
        raise typer.Exit(2)
    with told(), _outbox(folder, config) as (outbox, settings):
        chosen = ids or [letter.id for letter in outbox.letters("dead", consumer=consumer)]
        count = outbox.revive(chosen, settings.delivery.give_up_s)
        if count:
            detail = {"deliveries": str(count), "consumer": consumer or ""}
            note_in(
                _home(folder, config, settings),
                settings.stores.journal_url,
                "delivery.redelivered",
                detail,
                datetime.now(UTC),
            )
        typer.echo(f"{count} of {len(chosen)} will be tried again")
        if count < len(chosen):
            raise typer.Exit(REFUSED)


@contextmanager
def _outbox(folder: Path, config: Path | None) -> Iterator[tuple[Outbox, Settings]]:
    from gateway.delivery.database import Database
    from gateway.delivery.outbox import Outbox
    from gateway.journal import sqlite_url
    from gateway.keys import open_keys
    from gateway.work.seal import Seal
    from standards.errors import ConfigurationError

    settings = settings_in(folder, config)
    stores = settings.stores
    home = _home(folder, config, settings)
    place = home / "exchange.db"
    if not stores.exchange_url and not place.is_file():
        raise ConfigurationError(f"no gateway keeps its stores in {home}: name its folder with --dir")
    keys = open_keys(home / stores.keys)
    database = Database(stores.exchange_url or sqlite_url(place))
    try:
        yield Outbox(database, Seal(keys.derived("deliveries")), lambda: datetime.now(UTC), "operator", 0.0), settings
    finally:
        database.close()


def _home(folder: Path, config: Path | None, settings: Settings) -> Path:
    """Return the folder of the stores: as the settings have it, where there is a file of them."""
    is_stated = config is not None or (folder / "config.yaml").is_file()
    return settings.stores.folder if is_stated else folder


def _show(letters: Sequence[Letter], *, as_json: bool) -> None:
    if as_json:
        import orjson

        told_of = [letter._asdict() for letter in letters]
        typer.echo(orjson.dumps(told_of, option=orjson.OPT_INDENT_2).decode())
        return
    for one in letters:
        until = f" next {one.next_at:%Y-%m-%d %H:%M:%S}" if one.state == "waiting" else ""
        why = f" ({one.reason})" if one.reason else ""
        typer.echo(
            f"{one.id}  {one.state:<7}  {one.consumer}  {one.kind}  since {one.at:%Y-%m-%d %H:%M:%S}  "
            f"tries {one.tries}{why}{until}"
        )
    typer.echo(f"{len(letters)} deliveries")

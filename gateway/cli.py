"""The `hearth` command."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.agreement import app as agreement
from gateway.commands.consent import app as consent
from gateway.commands.delivery import app as delivery
from gateway.commands.dispute import app as dispute
from gateway.commands.evidence import app as evidence
from gateway.commands.journal import app as journal
from gateway.commands.keys import app as keys
from gateway.commands.linkage import app as linkage
from gateway.commands.registry import app as registry
from gateway.commands.score import score
from gateway.commands.shared import REFUSED, Folder, Json, told
from gateway.commands.suspend import app as suspend
from gateway.commands.suspend import resume

app = typer.Typer(
    help="Hearth: one question about a household, answered by the registries that hold the truth.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(keys, name="keys")
app.add_typer(journal, name="journal")
app.add_typer(evidence, name="evidence")
app.add_typer(agreement, name="agreement")
app.add_typer(consent, name="consent")
app.add_typer(dispute, name="dispute")
app.add_typer(suspend, name="suspend")
app.add_typer(resume, name="resume")
app.add_typer(delivery, name="delivery")
app.add_typer(linkage, name="linkage")
app.add_typer(registry, name="registry")
country = typer.Typer()
country.command()(score)
app.add_typer(country, name="sandbox")


@app.command()
def serve(
    config: Annotated[Path | None, typer.Option(help="Settings file, see config.example.yaml.")] = None,
    address_file: Annotated[Path | None, typer.Option(help="Write the base address here once it answers.")] = None,
    until_stdin_closes: Annotated[bool, typer.Option(help="Stop when standard input ends.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that share the port; default: server.workers.")
    ] = None,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C."""
    from gateway.server import serve as run
    from gateway.settings import load

    with told():
        run(load(config), address_file, until_stdin_closes=until_stdin_closes, workers=workers)


@country.callback(invoke_without_command=True)
def sandbox(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port of the gateway; 0 takes a free one.")] = 8080,
    folder: Folder = Path(".hearth"),
    households: Annotated[int, typer.Option(min=50, help="Households of the practice country.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same country.")] = 7,
    consumer: Annotated[list[str] | None, typer.Option(help="Add a programme: NAME=AGREEMENT_FILE.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a setting: path.to.it=VALUE.")] = None,
) -> None:
    """Run a practice country and a gateway until Ctrl-C, and print their addresses."""
    if context.invoked_subcommand is not None:
        return
    from gateway.sandbox import Sandbox, pairs
    from gateway.show import addresses

    stop = threading.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for name in signals:
        signal.signal(name, signal.default_int_handler)  # while it starts: it gives up at once
    with told(), contextlib.suppress(KeyboardInterrupt):
        one = Sandbox(
            folder,
            port=port,
            households=households,
            seed=seed,
            consumers={n: Path(f) for n, f in pairs(consumer or [], "--consumer").items()},
            overrides=pairs(set_ or [], "--set"),
            say=lambda text: typer.echo(f"  {text}", err=True),
        )
        with one.running() as content:
            for name in signals:
                signal.signal(name, lambda *_: stop.set())
            typer.echo(addresses(content, one.file, _command()))
            while not stop.wait(0.5):
                if (part := one.ended()) is not None:
                    typer.echo(f"hearth: {part} has ended by itself; see {one.folder}", err=True)
                    raise typer.Exit(REFUSED)


def _command() -> str:
    """Return how this command is called from the current folder, also where it is not on the path."""
    called = Path(sys.argv[0]).absolute()
    if called.name != "hearth":
        return "hearth"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


@app.command()
def ask(
    programme: Annotated[str, typer.Option("--as", help="Programme that asks, as the sandbox names it.")] = "uct",
    household_of: Annotated[
        str | None, typer.Option(help="National number (UIN) of somebody in the household.")
    ] = None,
    id_: Annotated[
        str | None, typer.Option("--id", help="Another number: TYPE=VALUE, for example HOUSEHOLD_ID=HH-1.")
    ] = None,
    person: Annotated[bool, typer.Option("--person", help="Only the person, not the household.")] = False,
    purpose: Annotated[str | None, typer.Option(help="Purpose; default: the programme's first.")] = None,
    attribute: Annotated[list[str] | None, typer.Option(help="Only these attributes.")] = None,
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="How things were on this past day.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show whom the gateway asked, in which order.")] = False,
    folder: Folder = Path(".hearth"),
    as_json: Json = False,
) -> None:
    """Ask the gateway of a running sandbox about a household."""
    from gateway.client import ask_sandbox
    from gateway.sandbox import pairs, read_file
    from standards.identifiers import identifier

    with told():
        if household_of:
            subject = identifier("UIN", household_of)
        elif id_:
            subject = identifier(*next(iter(pairs([id_], "--id").items())))
        else:
            typer.echo("hearth: say whom to ask about: --household-of UIN, or --id TYPE=VALUE", err=True)
            raise typer.Exit(2)
        content = read_file(folder)
        if programme not in content["consumers"]:
            known = ", ".join(sorted(content["consumers"]))
            typer.echo(f"hearth: no programme {programme} here; there are: {known}", err=True)
            raise typer.Exit(2)
        answer = ask_sandbox(
            content,
            programme,
            subject,
            purpose,
            person=person,
            attributes=attribute,
            plan=plan,
            as_of=as_of.date() if as_of else None,
        )
    if as_json:
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        from gateway.show import show_answer

        show_answer(answer, plan=plan)
    if answer["header"]["status"] != "succ":
        raise typer.Exit(REFUSED)


@app.command()
def demo(
    households: Annotated[int, typer.Option(min=50, help="Households of the practice country.")] = 2000,
    folder: Annotated[Path | None, typer.Option("--dir", help="Keep everything here; default: thrown away.")] = None,
) -> None:
    """Show the main job on a practice country: ask, explain, lose a registry, ask again; then stop."""
    from gateway.demo import run

    with told():
        run(households, folder)

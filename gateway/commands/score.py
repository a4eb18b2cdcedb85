"""`hearth sandbox score`: how well people are linked in a practice country, how rightly households are composed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.commands.shared import REFUSED, Folder, Json, told

if TYPE_CHECKING:
    from gateway.scoring.composition import Composed


def score(
    households: Annotated[int, typer.Option(min=50, help="Households of the practice country.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same country.")] = 7,
    model: Annotated[Path | None, typer.Option(help="Linkage model, YAML; default: Poveria's.")] = None,
    folder: Folder = Path(".hearth"),
    programme: Annotated[str, typer.Option("--as", help="Programme that asks the running sandbox.")] = "uct",
    sample: Annotated[int, typer.Option(min=1, help="Households that are asked about.")] = 50,
    as_json: Json = False,
) -> None:
    """Score linkage, and what a sandbox that runs in --dir tells of households, against the truth.

    Exit code 1 when anybody was given somebody else's row, or would be if their own were not in the list.
    """
    from gateway.linkage.model import load_model
    from gateway.scoring.linking import linked
    from gateway.scoring.tables import table

    with told():
        loaded = load_model(model)
        # What may be wrong with the sandbox is said before the minute that linkage takes.
        composition = _composition(folder, households, seed, programme, sample)
        linkage = list(linked(households, seed, loaded))
    if as_json:
        told_of = (
            {"membership": composition.membership.as_row(), "values": composition.as_rows()} if composition else None
        )
        typer.echo(json.dumps({"linkage": linkage, "composition": told_of}, indent=2))
    else:
        typer.echo(f"The farmers' list, linked to national ID:\n{table(linkage)}\n")
        if composition is None:
            typer.echo(f"No sandbox runs in {folder}: start one to score what it tells of households.")
        else:
            typer.echo(f"Members of households, as {programme} is told:\n{table([composition.membership.as_row()])}\n")
            typer.echo(f"Their values:\n{table(composition.as_rows())}")
    if any(row["wrong"] or row["wrong_if_gone"] for row in linkage):
        raise typer.Exit(REFUSED)


def _composition(folder: Path, households: int, seed: int, programme: str, sample: int) -> Composed | None:
    """Ask the sandbox that runs in a folder; None where none does."""
    from gateway.sandbox import read_file
    from gateway.scoring.asking import asked, read_country
    from gateway.scoring.composition import SCORED, composed
    from gateway.scoring.linking import write_truth
    from standards.errors import MalformedMessageError

    if not (folder / "sandbox.json").exists():
        return None
    content: dict[str, Any] = read_file(folder)
    if programme not in content["consumers"]:
        there = ", ".join(sorted(content["consumers"]))
        raise MalformedMessageError(f"--as: no programme of that name here; there are {there}")
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "truth.jsonl"
        write_truth(file, households, seed)
        country = read_country(file, content)
    return composed(asked(content, programme, country, sample, SCORED), SCORED)

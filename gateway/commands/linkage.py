"""`hearth linkage`: learn and evaluate a model, and decide what no threshold could. Decisions are journalled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from gateway.commands.shared import REFUSED, Config, Folder, JournalUrl, Json, account, note_in, told

if TYPE_CHECKING:
    from gateway.linkage.reviews import ReviewBook
    from gateway.linkage.tables import Review

app = typer.Typer(help="People in registries that know no number of theirs.", no_args_is_help=True)
review = typer.Typer(help="Pairs that somebody has to look at.", no_args_is_help=True)
app.add_typer(review, name="review")

Truths = Annotated[
    list[Path], typer.Option("--truth", help="Truth as JSON lines, as `python -m mocks.truth` writes it; repeatable.")
]
Registry = Annotated[str, typer.Option(help="Registry whose rows are linked.")]
ReviewId = Annotated[str, typer.Argument(help="Name of a review.")]


@app.command()
def learn(
    truth: Truths,
    out: Annotated[Path, typer.Option(help="Model to write, YAML.")],
    registry: Registry = "farmers_list",
    base: Annotated[
        Path | None, typer.Option(help="Model that names, rules and unlearned odds come from; default: Poveria's.")
    ] = None,
    version: Annotated[str, typer.Option(help="Version of the model.")] = "1",
    margin: Annotated[
        float, typer.Option(min=0.1, help="Bits above the best wrong pair, and before the second.")
    ] = 3.0,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="Do not use which rows belong to whom: estimate it (EM).")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed takes the same pairs by chance.")] = 1,
) -> None:
    """Learn weights, thresholds and how common names are, and write a model."""
    from gateway.linkage.learning import How, written
    from gateway.linkage.learning import learn as learned
    from gateway.linkage.model import load_model
    from gateway.linkage.truth import read_truth
    from standards.errors import MalformedMessageError

    with told():
        if unlabelled and len(truth) > 1:
            raise MalformedMessageError("--unlabelled: from one --truth at a time")
        truths = [read_truth(path, registry) for path in truth]
        how = How(is_labelled=not unlabelled, margin=margin, seed=seed)
        about = f"{registry}, {'un' * unlabelled}labelled: {', '.join(path.name for path in truth)}"
        model = learned(truths, load_model(base), how, about, version)
        try:
            out.write_text(written(model), encoding="utf-8")
        except OSError as error:
            raise MalformedMessageError(f"--out {out}: cannot be written ({type(error).__name__})") from None
    limits = model.thresholds
    typer.echo(f"{out}: match from {limits.match:g} bits, review from {limits.review:g}, margin {model.margin:g}")


@app.command()
def evaluate(
    truth: Truths,
    model: Annotated[Path | None, typer.Option(help="Model, YAML; default: Poveria's.")] = None,
    registry: Registry = "farmers_list",
    as_json: Json = False,
) -> None:
    """Link a list whose truth is known, and count; exit code 1 when anybody was given somebody else's row.

    Or would be, if their own were not in the list (`wrong if gone`).
    """
    from gateway.linkage.evaluating import evaluate as evaluated
    from gateway.linkage.model import load_model
    from gateway.linkage.truth import read_truth
    from gateway.scoring.tables import table

    with told():
        loaded = load_model(model)
        rows = [{"truth": path.name, **evaluated(read_truth(path, registry), loaded).told()} for path in truth]
    typer.echo(json.dumps(rows, indent=2) if as_json else table(rows))
    if any(row["wrong"] or row["wrong_if_gone"] for row in rows):
        raise typer.Exit(REFUSED)


@review.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help="Only of this state: open, same or different.")] = None,
    folder: Folder = Path(".hearth"),
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print every pair, oldest first: how far it agrees, and nobody's name or number."""
    from gateway.linkage.reviews import State
    from standards.errors import MalformedMessageError

    with told(), _open(folder, config) as desk:
        if state is not None and state not in set(State):
            raise MalformedMessageError(f"--state: one of {', '.join(State)}")
        for one in desk.book.all(None if state is None else State(state)):
            typer.echo(json.dumps(_told(one)) if as_json else _line(one))


@review.command()
def show(
    review_id: ReviewId,
    folder: Folder = Path(".hearth"),
    config: Config = None,
    journal_url: JournalUrl = "",
    as_json: Json = False,
) -> None:
    """Print one pair with the numbers by which the registries find both, while it is open."""
    with told(), _open(folder, config, journal_url) as desk:
        one = desk.found(review_id)
        reference = desk.book.reference(review_id)
        # INVARIANT: nobody's number is opened without an entry in the journal that says who did.
        desk.note("linkage.shown", one)
    if as_json:
        typer.echo(json.dumps(_told(one) | {"reference": reference}, ensure_ascii=False))
        return
    typer.echo(_line(one))
    for reason in one.reasons:
        if reason.level != "missing":
            typer.echo(f"  {reason.trait}: {reason.level} ({reason.weight:+.1f})")
    if reference is None:
        typer.echo("numbers: removed, it is decided")
        return
    for who in ("person", "candidate"):
        stated = reference[who].get("identifiers") or reference[who].get("traits", {})
        typer.echo(f"{who}: {', '.join(f'{name}={value}' for name, value in stated.items())}")


@review.command()
def withdraw(
    review_id: ReviewId,
    folder: Folder = Path(".hearth"),
    config: Config = None,
    journal_url: JournalUrl = "",
) -> None:
    """Take a decision back: the pair is judged as if nobody had looked, and waits anew when it is asked about again."""
    from gateway.linkage.reviews import State
    from standards.errors import MalformedMessageError

    with told(), _open(folder, config, journal_url) as desk:
        one = desk.found(review_id)
        if one.state == State.OPEN:
            raise MalformedMessageError("nothing is decided of that review yet")
        desk.note("linkage.withdrawn", one)
        desk.book.withdraw(review_id)
    typer.echo(f"{review_id}  withdrawn: it was {one.state}")


@review.command()
def decide(
    review_id: ReviewId,
    decision: Annotated[str, typer.Argument(help="same: one person; different: two, never to be proposed again.")],
    folder: Folder = Path(".hearth"),
    config: Config = None,
    journal_url: JournalUrl = "",
) -> None:
    """Decide whether both are one person; it holds from the next question on, and can be decided otherwise later."""
    from gateway.linkage.reviews import State
    from standards.errors import MalformedMessageError

    with told(), _open(folder, config, journal_url) as desk:
        if decision not in (State.SAME, State.DIFFERENT):
            raise MalformedMessageError(f"decide {State.SAME} or {State.DIFFERENT}")
        one = desk.found(review_id)
        # INVARIANT: two people are not made one before it is recorded who said so.
        desk.note("linkage.decided", one._replace(state=decision))
        typer.echo(_line(desk.book.decide(review_id, State(decision), account())))


class _Desk(NamedTuple):
    book: ReviewBook
    folder: Path
    journal_url: str

    def found(self, review_id: str) -> Review:
        from standards.errors import MalformedMessageError

        found = self.book.find(review_id)
        if found is None:
            raise MalformedMessageError("there is no review of that name")
        return found

    def note(self, event: str, one: Review) -> None:
        """Make an entry of the journal, in the name of the account on this machine."""
        detail = {"review": one.review_id, "registry": one.source_id, "state": one.state}
        note_in(self.folder, self.journal_url, event, detail, datetime.now(UTC))


@contextmanager
def _open(folder: Path, config: Path | None, journal_url: str = "") -> Iterator[_Desk]:
    from gateway.commands.shared import settings_in
    from gateway.keys import open_keys
    from gateway.linkage.wiring import open_reviews
    from standards.errors import ConfigurationError

    settings = settings_in(folder, config)
    stores = settings.stores.model_copy(update={"folder": folder})
    keys = folder / stores.keys
    if not (stores.linkage_url or (folder / "linkage.db").exists()) or not (keys / "pseudonym.key").exists():
        raise ConfigurationError(f"there are no reviews with their keys in {folder}: name its folder with --dir")
    book = open_reviews(settings.model_copy(update={"stores": stores}), open_keys(keys), lambda: datetime.now(UTC))
    try:
        yield _Desk(book, folder, journal_url or stores.journal_url)
    finally:
        book.close()


def _told(one: Review) -> dict[str, Any]:
    told = one._asdict() | {"reasons": [reason._asdict() for reason in one.reasons]}
    return told | {name: _moment(told[name]) for name in ("opened_at", "ends_at", "decided_at")}


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _line(one: Review) -> str:
    levels = ", ".join(f"{reason.trait} {reason.level}" for reason in one.reasons if reason.level != "missing")
    return f"{_moment(one.opened_at)}  {one.review_id}  {one.source_id}  {one.score:.1f} bits  {one.state}  {levels}"

"""`hearth agreement`: read, compare, try and approve agreements before they are in force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.commands.shared import REFUSED, Folder, Json, told

if TYPE_CHECKING:
    from gateway.settings import Settings
    from policies.agreement import Agreement
    from standards.attributes import Catalogue

app = typer.Typer(help="What programmes may know: explain, compare, try and approve it.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="Agreement file.")]
Config = Annotated[Path | None, typer.Option(help="Settings file; default: config.yaml in --dir, if it is there.")]


@app.command("list")
def list_(config: Config = None, folder: Folder = Path(".hearth"), as_json: Json = False) -> None:
    """List every version in the folder of agreements: what holds today, what waits or is wrong, and why."""
    from gateway.agreements import operators
    from policies.agreement import in_force
    from policies.folder import AgreementFolder

    with told():
        settings = _settings(config, folder)
        people = operators(settings.agreements.operators) if settings.needs_approval else None
        book = AgreementFolder.look(settings.agreements.folder, _catalogue(), people)
    today = datetime.now(UTC).date()
    current = in_force(book.agreements, today)
    if as_json:
        versions = [
            {"agreement": a.id, "version": a.version, "consumer": a.consumer.id, "start": a.start, "end": a.end,
             "in_force": a in current}
            for a in book.agreements
        ]  # fmt: skip
        refused = [{"file": n.file, "reason": n.kind.value, "detail": n.sentence} for n in book.notices]
        typer.echo(json.dumps({"agreements": versions, "not_in_force": refused}, indent=2, default=str))
    else:
        widest = max((len(one.name) for one in book.agreements), default=0)
        for one in book.agreements:
            state = "in force" if one in current else "to come" if one.start > today else "replaced or ended"
            typer.echo(f"{one.name:<{widest}}  {one.consumer.id:<20} {one.start} to {one.end}  {state}")
        for notice in book.notices:
            typer.echo(f"\nnot in force ({notice.kind.value}): {notice.file}\n  {notice.sentence}")
    if book.notices:
        raise typer.Exit(REFUSED)


@app.command()
def explain(file: File, as_json: Json = False) -> None:
    """Say in plain language what an agreement allows, clause by clause."""
    from policies.explain import explain as clauses_of

    with told():
        catalogue = _catalogue()
        clauses = clauses_of(_read(file, catalogue), catalogue)
    if as_json:
        typer.echo(json.dumps([clause._asdict() for clause in clauses], indent=2, ensure_ascii=False))
        return
    for clause in clauses:
        typer.echo(f"{clause.sentence}\n    ({clause.where})")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="Agreement file of the older version.")],
    new: Annotated[Path, typer.Argument(help="Agreement file of the newer version.")],
    ledger: Annotated[Path | None, typer.Option(help="Consent ledger (consent.db) to count live consents in.")] = None,
    as_json: Json = False,
) -> None:
    """Say what a new version changes, which of it widens, and how many live consents it touches."""
    from policies.diff import diff as changes_between
    from policies.diff import widens
    from policies.live import live_consents

    with told():
        catalogue = _catalogue()
        before, after = _read(old, catalogue), _read(new, catalogue)
        changes = changes_between(before, after)
        purposes = _by_consent(before) | _by_consent(after)
        today = datetime.now(UTC).date()
        counted = {} if ledger is None else live_consents(ledger, after.consumer.client_id, sorted(purposes), today)
    if as_json:
        listed = [{**change._asdict(), "effect": change.effect.value} for change in changes]
        touched = None if ledger is None else counted
        typer.echo(json.dumps({"changes": listed, "widens": widens(changes), "live_consents": touched}, indent=2))
        return
    typer.echo(f"{before.name} -> {after.name}")
    for change in changes:
        typer.echo(f"  {change.effect.value:<8} {change.where}: {change.sentence}")
    for purpose, count in counted.items():
        typer.echo(f"  touches  {count} live {'consent' if count == 1 else 'consents'} to the purpose {purpose}")
    verdict = "widens: a second operator has to approve it" if widens(changes) else "widens nothing: it acts at once"
    typer.echo(verdict if changes else "nothing changes")


@app.command("test")
def try_cases(
    file: File,
    cases: Annotated[Path | None, typer.Option(help="File of cases; default: NAME.cases.yaml beside it.")] = None,
    as_json: Json = False,
) -> None:
    """Try the test cases that lie beside an agreement: who sees what of a made-up household."""
    from policies.cases import cases_beside, read_cases, run

    with told():
        catalogue = _catalogue()
        results = run(_read(file, catalogue), read_cases(cases or cases_beside(file)), _surroundings(catalogue))
    failed = [result for result in results if result.faults]
    if as_json:
        typer.echo(json.dumps([result._asdict() for result in results], indent=2, ensure_ascii=False))
    else:
        for result in results:
            typer.echo(f"{'failed' if result.faults else 'passed'}  {result.name}")
            for fault in result.faults:
                typer.echo(f"        {fault}")
        typer.echo(f"{len(results) - len(failed)} of {len(results)} cases passed")
    if failed:
        raise typer.Exit(REFUSED)


@app.command()
def rehearse(
    file: File,
    household: Annotated[
        Path | None, typer.Option(help="YAML file of a made-up household, policies/README.md.")
    ] = None,
    household_of: Annotated[
        str | None, typer.Option(help="Or the national number (UIN) of somebody in the sandbox that runs in --dir.")
    ] = None,
    folder: Folder = Path(".hearth"),
    operator: Annotated[str, typer.Option("--as", help="Operator of the sandbox who rehearses.")] = "author",
    purpose: Annotated[str, typer.Option(help="Purpose; default: the only one of the agreement.")] = "",
    attribute: Annotated[list[str] | None, typer.Option(help="Only these attributes.")] = None,
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day; default: its first.")] = None,
    as_json: Json = False,
) -> None:
    """Show what a programme would see of a household, with the reason for each hole; nothing is told to it.

    A made-up household asks no registry. One of a running sandbox is asked about in its registries, and journalled.
    """
    if (household is None) == (household_of is None):
        raise typer.BadParameter("name one household: --household FILE, or --household-of UIN", param_hint="household")
    with told():
        catalogue = _catalogue()
        agreement = _read(file, catalogue)
        if household is not None:
            outcome = _made_up(agreement, household, purpose, attribute, on, catalogue)
        else:
            outcome = _in_sandbox(file, household_of or "", folder, operator, purpose, attribute)
    if as_json:
        typer.echo(json.dumps(outcome, indent=2, ensure_ascii=False))
    else:
        _show(agreement, outcome)
    if outcome["denied"]:
        raise typer.Exit(REFUSED)


@app.command()
def approve(
    file: File,
    name: Annotated[str, typer.Option("--as", help="Your name, as agreements.operators has it.")],
    key: Annotated[Path, typer.Option(help="Your private key, made by `hearth agreement key`.")],
) -> None:
    """Sign a version: a widening one is in force once its author and another operator have signed it."""
    from gateway.keys import private_key, write_private
    from policies.approvals import approvals_beside, read_approvals
    from policies.approvals import approve as signed
    from policies.diff import Effect
    from policies.diff import diff as changes_between

    with told():
        content = _content(file)
        agreement = _read(file, _catalogue())
        beside = approvals_beside(file)
        made = signed(agreement, content, name, private_key(key), datetime.now(UTC), read_approvals(beside))
        older = _older(file, agreement)
        write_private(beside, made)
        beside.chmod(0o644)
    typer.echo(f"{agreement.name} is signed by {', '.join(entry['by'] for entry in json.loads(made))}: {beside}")
    for change in changes_between(older, agreement):
        if change.effect is Effect.WIDENS:
            typer.echo(f"  widens {change.where}: {change.sentence}")


@app.command("key")
def key_(
    name: Annotated[str, typer.Argument(help="Name of the operator.")],
    out: Annotated[Path, typer.Option(help="Where the private key is written; it must not be there yet.")],
) -> None:
    """Make an operator's key, and print what the settings need to know it by."""
    from gateway.keys import new_signing_key, private_key, public_pem, write_private
    from standards.errors import ConfigurationError

    with told():
        if out.exists():
            raise ConfigurationError(f"{out}: is there already; name another file")
        write_private(out, new_signing_key())
        pem = public_pem(private_key(out))
    typer.echo("agreements:\n  operators:")
    typer.echo(f"    - name: {json.dumps(name, ensure_ascii=False)}\n      public_key: |")
    typer.echo("".join(f"        {line}\n" for line in pem.splitlines()), nl=False)


@app.command("rotate-pseudonyms")
def rotate_pseudonyms(
    folder: Folder = Path(".hearth"),
    config: Config = None,
    keep_days: Annotated[
        int, typer.Option(min=0, help="For how many days answers still tell the handle under the old key.")
    ] = 180,
) -> None:
    """Make a new key for pseudonyms, which counts at once; the old one is forgotten after the days stated."""
    from gateway.handles import FILE, HandleFile
    from standards.errors import ConfigurationError

    with told():
        stores = _settings(config, folder).stores
        keys = stores.folder / stores.keys
        if not (keys / FILE).is_file():
            raise ConfigurationError(
                f"{keys}: no keys for pseudonyms are here; name the folder of the stores with --dir"
            )
        today = datetime.now(UTC).date()
        id_ = HandleFile(keys).rotate(today, keep_days)
    typer.echo(
        f"pseudonyms are made with key {id_} from {today} on; earlier ones are told beside them for {keep_days} days"
    )


# -- parts


def _catalogue() -> Catalogue:
    from standards.attributes import Catalogue

    return Catalogue.load()


def _content(file: Path) -> bytes:
    from standards.errors import ConfigurationError

    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read ({error.strerror})") from None


def _read(file: Path, catalogue: Catalogue) -> Agreement:
    from policies.reading import read_agreement

    return read_agreement(file, catalogue)


def _settings(config: Path | None, folder: Path) -> Settings:
    """Return the settings of a file, of the sandbox in a folder, or the defaults with that folder."""
    from gateway.settings import Stores, load

    beside = folder / "config.yaml"
    if config is not None or beside.is_file():
        return load(config or beside)
    return load(None).model_copy(update={"stores": Stores(folder=folder)})


@app.command()
def schema(
    file: File,
    shape: Annotated[str, typer.Option(help="dci-group, dci-member, household or person.")] = "dci-group",
) -> None:
    """Print the JSON Schema of the answers under an agreement, in one shape."""
    from gateway.api.views.view import schema_text, shapes_of

    with told():
        catalogue = _catalogue()
        agreement = _read(file, catalogue)
        named = {one.value: one for one in shapes_of(agreement)}
        if shape not in named:
            raise typer.BadParameter(f"answers under this agreement come as {', '.join(named)}", param_hint="--shape")
        address = f"urn:hearth:agreement:{agreement.id}:{agreement.version}:{shape}"
        typer.echo(schema_text(agreement, named[shape], catalogue, address))


def _older(file: Path, agreement: Agreement) -> Agreement | None:
    """Return the version before this one in the same folder, if there is one that can be read."""
    from policies.folder import AgreementFolder

    book = AgreementFolder.look(file.absolute().parent, _catalogue())
    older = [a for a in book.agreements if a.id == agreement.id and a.order < agreement.order]
    return older[-1] if older else None


def _by_consent(agreement: Agreement) -> set[str]:
    return {code for code, purpose in agreement.purposes.items() if purpose.legal_basis == "consent"}


def _surroundings(catalogue: Catalogue) -> Any:
    """Return what a rehearsal needs: the built-in registries' holdings, real derivations, keys of its own."""
    from adapters.catalogue import FOLDER, find_manifests, load_manifest
    from gateway.stages.derive import Deriver
    from gateway.stages.plan import Planner
    from policies.handles import HandleRing
    from policies.rehearsal import Surroundings

    manifests = [load_manifest(path) for path in find_manifests((FOLDER,))]
    return Surroundings(
        catalogue, Planner(manifests, catalogue).holders(), Deriver(catalogue).derive, HandleRing.first().handles
    )


def _made_up(
    agreement: Agreement,
    household: Path,
    purpose: str,
    attributes: list[str] | None,
    on: datetime | None,
    catalogue: Catalogue,
) -> Mapping[str, Any]:
    from policies.cases import read_household, worded
    from policies.rehearsal import Question
    from policies.rehearsal import rehearse as rehearse_question

    names = tuple(attributes) if attributes else None
    asked = Question(purpose=purpose, attributes=names, on=on.date() if on else None)
    outcome = rehearse_question(agreement, asked, read_household(household), _surroundings(catalogue))
    return {
        "agreement": agreement.name,
        "denied": [{"reason": d.reason.value, "obtain": d.remedy} for d in outcome.denials],
        "told": [{"who": t.who, "attribute": t.attribute, "state": worded(t.state)} for t in outcome.told],
    }


def _in_sandbox(
    file: Path, uin: str, folder: Path, operator: str, purpose: str, attributes: list[str] | None
) -> Mapping[str, Any]:
    from gateway.client import rehearse_sandbox
    from gateway.sandbox import read_file
    from standards.errors import ConfigurationError

    content = read_file(folder)
    if operator not in content["operators"]:
        raise ConfigurationError(f"no operator {operator} here; there are: {', '.join(sorted(content['operators']))}")
    asked: dict[str, Any] = {"subject": {"type": "UIN", "value": uin}}
    if purpose:
        asked["purpose"] = purpose
    if attributes:
        asked["attributes"] = attributes
    return rehearse_sandbox(content, operator, _content(file).decode(), asked)


def _show(agreement: Agreement, outcome: Mapping[str, Any]) -> None:
    from policies.wording import form_words
    from standards.reasons import WORDS

    words = {str(reason): said.consumer for reason, said in WORDS.items()}
    for denial in outcome["denied"]:
        typer.echo(f"denied: {denial['reason']}: {denial['obtain']}")
    if unheard := outcome.get("unheard"):
        typer.echo(f"nothing is known: {unheard['source']}: {words.get(unheard['reason'], unheard['reason'])}")
    last = ""
    for one in outcome["told"]:
        if one["who"] != last:
            last = one["who"]
            typer.echo(last)
        state = one["state"]
        hole = next(iter(state)) if isinstance(state, dict) and len(state) == 1 else ""
        if hole in {"withheld", "unavailable"}:
            typer.echo(f"  {one['attribute']:<24} {hole}: {state[hole]}: {words[state[hole]]}")
        else:
            form = agreement.forms.get(one["attribute"])
            said = json.dumps(state, ensure_ascii=False)
            typer.echo(f"  {one['attribute']:<24} {said}  ({form_words(form) if form else ''})")

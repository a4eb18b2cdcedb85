"""`hearth registry`: draft, check, probe, sign, compare and list the manifests of registries."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gateway.commands.registration import app as registration
from gateway.commands.shared import REFUSED, Config, Json, settings_in, told
from gateway.commands.shared import Folder as Stores

if TYPE_CHECKING:
    from adapters.kit.findings import Finding
    from adapters.kit.tiers import Described

app = typer.Typer(help="Connect registries: draft, check, probe, sign, compare, list.", no_args_is_help=True)
app.registered_commands += registration.registered_commands

Folder = Annotated[Path, typer.Argument(help="Folder of the registry, with its manifest.yaml.")]
Name = Annotated[str, typer.Argument(help="Id of a registry, or its folder.")]
_Answer = TypeVar("_Answer")
AGREED = "no difference"


@app.command()
def schema() -> None:
    """Print the JSON Schema of a manifest, for editors."""
    from adapters.reading_manifest import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="Folder to make, named by the id of the registry.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="OpenAPI 3 (JSON, YAML), WSDL, FHIR CapabilityStatement, GraphQL introspection, a sample of records "
            "(CSV, xlsx, JSON, JSON lines), or a table (sqlite:///file.db#table). Without it, questions are asked.",
        ),
    ] = None,
    number: Annotated[
        list[str] | None,
        typer.Option(help="What the registry calls a number: NAME=TYPE, such as personalCode=UIN; as often as needed."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="What people call the registry.")] = None,
    owner: Annotated[str | None, typer.Option(help="Body that answers for its data.")] = None,
    basis: Annotated[str | None, typer.Option(help="Law or agreement that lets it answer.")] = None,
    contact: Annotated[str | None, typer.Option(help="Office that answers when it is down.")] = None,
) -> None:
    """Draft a registry's folder: what could be guessed is filled in, the rest is marked `# decide:`."""
    from adapters.catalogue import MANIFEST
    from adapters.kit.draft import reading
    from adapters.kit.draft.emit import questions
    from adapters.kit.draft.guessing import calling
    from adapters.kit.draft.writing import check_folder, files_of, written
    from adapters.reading_manifest import ManifestError, load_manifest

    with told(), calling(_called(number or [])):
        check_folder(folder)
        office = {"title": title, "owner": owner, "basis": basis, "contact": contact}
        if source is not None:
            shape = reading.shape_from(source)
        else:
            speaks = _answer(f"What does it speak ({', '.join(reading.ASKED)})", "rest", str, reading.check_speaks)
            numbers = _answer("By which numbers is it asked, the first one first", "UIN", _words, reading.check_numbers)
            held = "Which attributes of the catalogue does it hold"
            attributes = _answer(held, "given_name surname", _words, reading.check_attributes)
            office = {
                key: value or typer.prompt(_QUESTIONS[key], default="", show_default=False)
                for key, value in office.items()
            }
            shape = reading.shape_asked(speaks, numbers, attributes)
        known = {key: value for key, value in office.items() if value}
        written(folder, files_of(folder.resolve().name, shape, known))
        path = folder / MANIFEST
        for line, question in questions(path.read_text(encoding="utf-8")):
            typer.echo(f"{path}:{line}: decide: {question}")
        try:
            load_manifest(path)
        except ManifestError as error:
            typer.echo(f"not a manifest yet; fill in:\n{error}")
        else:
            typer.echo(f"{path} is a manifest already; settle what is marked, then: hearth registry check {folder}")


def _called(numbers: list[str]) -> dict[str, str]:
    """Return a registry's own names of numbers -> their types."""
    from adapters.kit.draft.reading import check_called

    called = {}
    for one in numbers:
        name, _, type_ = one.rpartition("=")
        check_called(type_ if name else "")
        called[name] = type_
    return called


def _answer(question: str, usual: str, read: Callable[[str], _Answer], check: Callable[[_Answer], None]) -> _Answer:
    """Return the answer to a question; one that will not do is asked for again, with the reason."""
    from standards.errors import ConfigurationError

    def checked(text: str) -> _Answer:
        said = read(text)
        try:
            check(said)
        except ConfigurationError as error:
            raise typer.BadParameter(str(error)) from None
        return said

    answer: _Answer = typer.prompt(question, default=usual, value_proc=checked)
    return answer


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


_QUESTIONS = {
    "title": "What do people call it",
    "owner": "Which body answers for its data",
    "basis": "Which law or agreement lets it answer",
    "contact": "Which office answers when it is down",
}


@app.command()
def check(
    folder: Annotated[list[Path], typer.Argument(help="Folders of registries.")],
    owner_key: Annotated[Path | None, typer.Option(help="Public key (PEM) of the owner, for the signature.")] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with a registry's folder: manifest, readiness, examples, one test call."""
    from adapters.catalogue import MANIFEST
    from adapters.kit.checking import check as found_in
    from adapters.kit.findings import lines, passed, plain

    found: dict[str, list[Finding]] = {}
    with told(), _logs_aside():
        for one in folder:
            found[str(one)] = [*found_in(one, os.environ), *_signature(one / MANIFEST, owner_key)]
    if as_json:
        listed = {name: plain(findings) for name, findings in found.items()}
        typer.echo(json.dumps(listed, indent=2, ensure_ascii=False))
    else:
        for name, findings in found.items():
            typer.echo("\n".join(lines(name, findings)))
    if not all(passed(findings) for findings in found.values()):
        raise typer.Exit(REFUSED)


@contextlib.contextmanager
def _logs_aside() -> Iterator[None]:
    """Keep what adapters log out of what a command prints."""
    import structlog

    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        yield
    finally:
        structlog.configure(**before)


def _signature(path: Path, owner_key: Path | None) -> list[Finding]:
    from adapters.catalogue import load_manifest
    from adapters.kit.signing import SIGNATURE, signature_finding
    from gateway.agreements import public_key
    from standards.errors import ConfigurationError

    try:
        manifest = load_manifest(path)
    except ConfigurationError:
        return []  # said already
    try:
        key = public_key(owner_key.read_text(encoding="utf-8"), str(owner_key)) if owner_key else None
    except OSError as error:
        raise ConfigurationError(f"{owner_key}: cannot be read ({type(error).__name__})") from None
    finding = signature_finding(path.with_name(SIGNATURE), manifest, path.read_bytes(), key)
    return [finding] if finding else []


@app.command()
def probe(
    folder: Folder,
    numbers: Annotated[
        Path | None, typer.Option(help="File of numbers that the registry knows, one a line: TYPE VALUE.")
    ] = None,
    calls: Annotated[int, typer.Option(min=5, max=200, help="Calls that the latency is taken from.")] = 20,
    per_s: Annotated[float, typer.Option(min=0.1, max=200, help="Most requests per second.")] = 10.0,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page to file.")] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the report beside the manifest: its tier rests on it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Try the live registry at its address: speed, faults, batches, pages, privacy, encryption, clock."""
    from adapters.kit import probing, report
    from adapters.kit.tiers import described, tier
    from standards.errors import ConfigurationError

    with told(), _logs_aside():
        one = described(folder)
        try:
            known = probing.read_numbers(numbers.read_text(encoding="utf-8"), one.manifest) if numbers else []
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{numbers}: cannot be read ({type(error).__name__})") from None
        exempt = one.readiness.exemption("minimal") if one.readiness else None
        terms = probing.Terms(known, calls, per_s, exempt)
        made = asyncio.run(probing.probe(one.manifest, os.environ, terms))
        rating = tier(one.manifest, one.readiness, made)
        kept = [(html, report.as_html(made, rating))] if html else []
        kept += [(folder / report.PROBE, made.model_dump_json(indent=2) + "\n")] if save else []
        for path, text in kept:
            try:
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise ConfigurationError(f"{path}: cannot be written ({type(error).__name__})") from None
    if as_json:
        typer.echo(json.dumps(report.as_json(made, rating), indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(report.as_lines(made, rating)))
        if not save:
            typer.echo("      (the tier rests on this report only once it is kept: --save)")
    if not made.passed:
        raise typer.Exit(REFUSED)


@app.command()
def sign(
    folder: Folder,
    by: Annotated[str, typer.Option("--as", help="Who signs, for the owner: an office or a name.")],
    key: Annotated[Path, typer.Option(help="Private key, made by `hearth agreement key`.")],
) -> None:
    """Sign the manifest as it lies there, for its owner: the signature lies beside it."""
    from adapters.catalogue import MANIFEST, load_manifest
    from adapters.kit.signing import SIGNATURE, digest_of, signed
    from gateway.keys import private_key

    with told():
        path = folder / MANIFEST
        manifest = load_manifest(path)
        content = path.read_bytes()
        path.with_name(SIGNATURE).write_bytes(signed(manifest, content, by, private_key(key), datetime.now(UTC)))
    typer.echo(f"{manifest.id} {manifest.version} is signed: sha256 {digest_of(manifest, content)}")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="Folder, or manifest, of the older version.")],
    new: Annotated[Path, typer.Argument(help="Folder, or manifest, of the newer version.")],
    as_json: Json = False,
) -> None:
    """Say what changed between two manifests, and refuse a changed schema under the same version."""
    from adapters.catalogue import MANIFEST, load_manifest
    from adapters.kit.changes import changes, silent_change

    with told():
        before, after = (load_manifest(path / MANIFEST if path.is_dir() else path) for path in (old, new))
    found, silent = changes(before, after), silent_change(before, after)
    if as_json:
        listed = [change._asdict() for change in found]
        typer.echo(json.dumps({"changes": listed, "refused": silent}, indent=2, ensure_ascii=False))
    else:
        for change in found:
            mark = "schema" if change.is_schema else "terms "
            typer.echo(f"{mark}  {change.kind:<7}  {change.where}")
        typer.echo(silent or ("it may take the other's place" if found else AGREED))
    if silent:
        raise typer.Exit(REFUSED)


@app.command("list")
def list_(
    folder: Annotated[list[Path] | None, typer.Argument(help="Folders of registries' folders.")] = None,
    gateway: Annotated[bool, typer.Option("--gateway", help="Ask the running sandbox of --dir instead.")] = False,
    config: Config = None,
    stores: Stores = Path(".hearth"),
    as_json: Json = False,
) -> None:
    """List registries with readiness and tier: of folders, of the settings, or of a running sandbox."""
    with told():
        entries = _running(stores) if gateway else _of_folders(folder, stores, config)
    if as_json:
        typer.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    for one in entries:
        state = _stands(one)
        stood = list(one["readiness"].values())
        ready = f"{sum(status != 'todo' for status in stood)}/{len(stood)}" if stood else "-"
        columns = f"{one['id']:<20} {one['speaks']:<8} {one['version']:<6} {ready:<6} {one['tier']:<9}"
        typer.echo(f"{columns} {state:<10} {one['title']}{_of_list(one.get('list'))}")


def _stands(one: dict[str, Any]) -> str:
    """Return the state of a registry, and of the versions beside the one that answers."""
    beside = [version for version in one.get("versions", ()) if version["state"] != "live"]
    return ", ".join([str(one.get("state", "")), *map(_version, beside)])


def _version(one: dict[str, Any]) -> str:
    share = f" {one['share']:g} %" if one["share"] is not None else ""
    return f"{one['version']} {one['state']}{share}"


@app.command()
def show(
    name: Name,
    gateway: Annotated[bool, typer.Option("--gateway", help="Ask the running sandbox of --dir instead.")] = False,
    config: Config = None,
    stores: Stores = Path(".hearth"),
    as_json: Json = False,
) -> None:
    """Show one registry: owner, terms, hours, what it holds, how ready it is, what the next tier asks for."""
    from adapters.kit.tiers import described
    from standards.errors import MalformedMessageError

    with told():
        if not gateway and (Path(name) / "manifest.yaml").is_file():
            one = _entry(described(Path(name)))
        else:
            entries = _running(stores) if gateway else _of_folders(None, stores, config)
            found = next((entry for entry in entries if entry["id"] == name), None)
            if found is None:
                known = ", ".join(entry["id"] for entry in entries)
                raise MalformedMessageError(f"there is no registry {name}; there are {known}")
            one = found
    if as_json:
        typer.echo(json.dumps(one, indent=2, ensure_ascii=False))
        return
    for key, value in one.items():
        shown = list(map(_version, value)) if key == "versions" else value
        typer.echo(f"{key:<14} {_shown(shown)}")


def _of_list(stands: dict[str, Any] | None) -> str:
    """Return how a registry's list stands, behind its title."""
    if stands is None:
        return ""
    read = "no list" if stands["rows"] is None else f"{stands['rows']} rows as of {stands['as_of']}"
    newer = f"that of {stands['refused_as_of']} is refused: " if stands["refused_as_of"] else ""
    return f" ({read}{f'; {newer}' + stands['trouble'] if stands['trouble'] else ''})"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{inner}: {said}" for inner, said in value.items()) or "-"
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "-"
    return "-" if value in (None, "") else str(value)


def _of_folders(folders: list[Path] | None, stores: Path, config: Path | None) -> list[dict[str, Any]]:
    from adapters.catalogue import FOLDER
    from adapters.kit.tiers import all_described

    if not folders:
        stated = settings_in(stores, config).registries
        folders = [*((FOLDER,) if stated.builtin else ()), *stated.folders]
    return [_entry(one) for one in all_described(folders).values()]


def _entry(one: Described) -> dict[str, Any]:
    """Return what is shown of a registry that lies in a folder."""
    manifest, legal = one.manifest, one.manifest.legal
    hours, contacts = manifest.hours, legal.contacts
    opens = [f"{' '.join(w.days)} {w.opens}-{w.closes} {hours.timezone}" for w in hours.windows] if hours else []
    return {
        "id": manifest.id,
        "title": manifest.title,
        "owner": legal.owner,
        "basis": legal.basis,
        "purposes": list(legal.purposes),
        "retention_days": legal.retention_days,
        "terms": legal.terms,
        "contacts": contacts.model_dump(exclude_none=True) if contacts else {"all": legal.contact},
        "speaks": manifest.speaks.value,
        "version": manifest.version,
        "environment": manifest.environment,
        "lookups": {lookup.name: ", ".join(lookup.by) or "traits" for lookup in manifest.lookups},
        "attributes": sorted({name for lookup in manifest.lookups for name in lookup.attributes}),
        "hours": opens,
        "is_open": hours.is_open(datetime.now(UTC)) if hours else None,
        "capacity": manifest.capacity.model_dump(exclude_none=True) if manifest.capacity else {},
        "freshness_h": manifest.freshness.max_lag_h if manifest.freshness else None,
        "coverage": manifest.coverage,
        "tier": one.rating.tier.value,
        "lacking": list(one.rating.lacking),
        "readiness": {rule: one.readiness.status(rule) for rule in one.readiness.root} if one.readiness else {},
        "probed": one.probe.at.date().isoformat() if one.probe else None,
    }


def _running(stores: Path) -> list[dict[str, Any]]:
    from gateway.client import Credentials, HearthClient
    from gateway.sandbox import read_file

    content = read_file(stores)
    consumer = next(iter(content["consumers"].values()))
    with HearthClient(content["gateway"], Credentials.from_sandbox(consumer)) as client:
        return client.registries()

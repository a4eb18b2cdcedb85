"""`hearth registry submit`, `approve`, `promote`, `suspend`...: the life of a registration, by signed orders.

Every verb signs an order with the person's own key, and hands it to the gateway that runs: that of the sandbox in
`--dir`, or the one at `--gateway`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gateway.commands.shared import REFUSED, Folder, Json, told

app = typer.Typer(no_args_is_help=True)
"""Its commands are taken over by `hearth registry`."""

Name = Annotated[str, typer.Argument(metavar="REGISTRY", help="Id of the registry.")]
Version = Annotated[str, typer.Argument(help="Version of its manifest.")]
Gateway = Annotated[str, typer.Option(help="Address of the gateway; default: that of the sandbox in --dir.")]
Key = Annotated[Path | None, typer.Option(help="Your private key; default: that of the sandbox's practice person.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the history: no personal data.")]
As = Annotated[str, typer.Option("--as", help="Your name, as registries.operators has it.")]


@app.command()
def submit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the registry, with its manifest.yaml.")],
    name: As = "author",
    key: Key = None,
    gateway: Gateway = "",
    stores: Folder = Path(".hearth"),
) -> None:
    """Submit the version that lies in a folder: it is checked at once, and waits for somebody else's approval."""
    from adapters.catalogue import MANIFEST, load_manifest
    from gateway.client import operate
    from gateway.registrations.bundle import digest_of, read_folder

    with told():
        manifest = load_manifest(folder / MANIFEST)
        files = read_folder(folder)
        wish = {"registry": manifest.id, "version": manifest.version, "digest": digest_of(files)}
        address, order = _order(name, key, gateway, stores, "submit", wish)
        said = operate(address, "", order, files)
    for one in said["findings"]:
        mark = {True: "ok  ", False: "FAIL", None: "--  "}[one["is_good"]]
        typer.echo(f"{mark}  {one['what']}: {one['text']}")
    typer.echo(f"{said['registry']} {said['version']} is {said['state']}: {said['digest']}")
    if said["state"] == "draft":
        raise typer.Exit(REFUSED)


@app.command()
def fetch(
    registry: Name,
    version: Version,
    out: Annotated[Path, typer.Option(help="Folder to write the files into; it must not be there yet.")],
    name: As = "approver",
    key: Key = None,
    gateway: Gateway = "",
    stores: Folder = Path(".hearth"),
) -> None:
    """Fetch the files of a submitted version, to be read before it is approved."""
    from gateway.client import operate
    from gateway.registrations.bundle import write_folder
    from standards.errors import ConfigurationError

    with told():
        if out.exists():
            raise ConfigurationError(f"{out}: is there already; name another folder")
        address, order = _order(name, key, gateway, stores, "read", {})
        said = operate(address, f"/{registry}/{version}", order, is_reading=True)
        out.mkdir(parents=True)
        write_folder(said["files"], out)
    typer.echo(f"{registry} {version} is {said['state']}: {len(said['files'])} files in {out}, digest {said['digest']}")


@app.command()
def approve(
    registry: Name,
    version: Version,
    read: Annotated[
        Path | None, typer.Option("--read", help="Folder with what you have read; default: what the gateway has now.")
    ] = None,
    name: As = "approver",
    key: Key = None,
    gateway: Gateway = "",
    stores: Folder = Path(".hearth"),
) -> None:
    """Approve a tested version that somebody else submitted; the signature is over the digest of its files."""
    from gateway.registrations.bundle import digest_of, read_folder

    with told():
        wish = {"version": version}
        if read is not None:
            wish["digest"] = digest_of(read_folder(read))
        _act("approve", registry, wish, name, key, gateway, stores)


@app.command()
def promote(
    registry: Name,
    version: Version,
    to: Annotated[
        Literal["shadow", "canary", "live"],
        typer.Option(help="shadow: asked beside, told to nobody; canary: answers a share; live: answers everybody."),
    ],
    share: Annotated[float | None, typer.Option(min=0.1, max=100, help="Percent of the questions, for canary.")] = None,
    name: As = "approver",
    key: Key = None,
    gateway: Gateway = "",
    stores: Folder = Path(".hearth"),
) -> None:
    """Bring an approved version one step further: shadow, then canary, then live; or a canary back into the shadow."""
    with told():
        wish: dict[str, Any] = {"version": version} | ({"share": share} if share is not None else {})
        _act("promote" if to == "live" else to, registry, wish, name, key, gateway, stores)


@app.command()
def suspend(
    registry: Name,
    reason: Why,
    name: As = "owner",
    key: Key = None,
    gateway: Gateway = "",
    stores: Folder = Path(".hearth"),
) -> None:
    """Switch a registry off, at once and in every process; what was read from it is forgotten."""
    with told():
        _act("suspend", registry, {"reason": reason}, name, key, gateway, stores)


@app.command()
def resume(
    registry: Name,
    reason: Why = "",
    name: As = "owner",
    key: Key = None,
    gateway: Gateway = "",
    stores: Folder = Path(".hearth"),
) -> None:
    """Switch a registry on again; what its owner has switched off, only its owner does."""
    with told():
        _act("resume", registry, {"reason": reason}, name, key, gateway, stores)


@app.command()
def rollback(
    registry: Name,
    reason: Why,
    name: As = "approver",
    key: Key = None,
    gateway: Gateway = "",
    stores: Folder = Path(".hearth"),
) -> None:
    """Take the live version back: the one that was live before it answers again, at once."""
    with told():
        _act("rollback", registry, {"reason": reason}, name, key, gateway, stores)


@app.command()
def retire(
    registry: Name,
    version: Version,
    reason: Why,
    name: As = "approver",
    key: Key = None,
    gateway: Gateway = "",
    stores: Folder = Path(".hearth"),
) -> None:
    """End a version for good."""
    with told():
        _act("retire", registry, {"version": version, "reason": reason}, name, key, gateway, stores)


@app.command()
def standing(
    name: As = "approver",
    key: Key = None,
    gateway: Gateway = "",
    stores: Folder = Path(".hearth"),
    as_json: Json = False,
) -> None:
    """List every version that a running gateway knows, and what it could not take in."""
    from gateway.client import operate

    with told():
        address, order = _order(name, key, gateway, stores, "read", {})
        said = operate(address, "", order, is_reading=True)
    if as_json:
        typer.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    for one in said["registrations"]:
        typer.echo(f"{one['registry']:<20} {one['version']:<8} {_state(one)}")
    for notice in said["not_in_force"]:
        typer.echo(f"\nnot in force ({notice['reason']}): {notice['where']}\n  {notice['detail']}")


@app.command()
def history(
    registry: Name,
    name: As = "approver",
    key: Key = None,
    gateway: Gateway = "",
    stores: Folder = Path(".hearth"),
    as_json: Json = False,
) -> None:
    """Show every step in the life of a registry, and how its shadows compared."""
    from gateway.client import operate

    with told():
        address, order = _order(name, key, gateway, stores, "read", {})
        said = operate(address, f"/{registry}", order, is_reading=True)
    if as_json:
        typer.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    for step in said["steps"]:
        share = f" {step['share']:g} %" if step["share"] is not None else ""
        reason = f": {step['reason']}" if step["reason"] else ""
        at = step["at"][:19].replace("T", " ")
        proof = {True: "", False: "  NOT PROVED: the order is not signed by this person, or says something else"}
        known = "" if step["role"] == "gateway" else proof.get(step["proved"], "  (whose key is not known any more)")
        typer.echo(f"{at}  {step['version']:<8} {step['verb']}{share} by {step['by']} ({step['role']}){reason}{known}")
    for one in said["versions"]:
        typer.echo(f"{one['version']} is {_state(one)}")
    for count in said["shadow"]:
        typer.echo(f"shadow {count['version']:<8} {count['attribute']:<28} {count['outcome']:<8} {count['times']}")


def _act(
    verb: str, registry: str, wish: dict[str, Any], name: str, key: Path | None, gateway: str, stores: Path
) -> None:
    """Order something about a registry, and say how its versions stand since."""
    from gateway.client import operate
    from standards.errors import ConfigurationError

    if "version" in wish and "digest" not in wish:
        address, order = _order(name, key, gateway, stores, "read", {})
        known = operate(address, f"/{registry}", order, is_reading=True)["versions"]
        found = next((one for one in known if one["version"] == wish["version"]), None)
        if found is None:
            there = ", ".join(one["version"] for one in known) or "none"
            raise ConfigurationError(f"there is no version {wish['version']} of {registry}; there are: {there}")
        wish["digest"] = found["digest"]
    address, order = _order(name, key, gateway, stores, verb, {"registry": registry, **wish})
    for one in operate(address, f"/{registry}/{verb}", order)["versions"]:
        typer.echo(f"{one['registry']} {one['version']} is {_state(one)}")


def _order(name: str, key: Path | None, gateway: str, stores: Path, verb: str, wish: dict[str, Any]) -> tuple[str, str]:
    """Return the gateway's address, and an order for it that is signed."""
    from gateway.keys import private_key
    from gateway.registrations.orders import signed_order
    from gateway.sandbox import read_file
    from standards.errors import ConfigurationError

    if not gateway or key is None:
        content = read_file(stores)
        people = content["operators"]
        if key is None and name not in people:
            raise ConfigurationError(f"nobody is called {name} here; there are: {', '.join(sorted(people))}")
        gateway, key = gateway or content["gateway"], key or Path(people[name]["signing_key"])
    return gateway, signed_order(name, private_key(key), gateway.rstrip("/"), datetime.now(UTC), verb=verb, **wish)


def _state(one: dict[str, Any]) -> str:
    return f"{one['state']} for {one['share']:g} % of the questions" if one.get("share") else str(one["state"])

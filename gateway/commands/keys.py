"""`hearth keys`: the gateway's own keys and their rotation; the hash of a client secret."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.shared import Folder, Json, told

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from gateway.trust.ring import Entry, Ring

app = typer.Typer(help="The gateway's keys, and secrets.", no_args_is_help=True)
KeyFolder = Annotated[str, typer.Option("--keys", help="Folder of the key files, below --dir: stores.keys.")]

OVERLAP_S = 7 * 86_400
"""How long a former key stays published, in seconds, unless `--overlap-s` says otherwise."""


@app.command("list")
def list_(folder: Folder = Path(".hearth"), keys: KeyFolder = "keys", as_json: Json = False) -> None:
    """List every key there is or was: what it is for, and what it still counts for."""
    with told():
        entries = _ring(folder, keys).entries()
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps([_stated(one, entries, now) for one in entries], indent=2))
        return
    for one in entries:
        said = _stated(one, entries, now)
        until = f", published until {one.until:%Y-%m-%d %H:%M} UTC" if one.until and not one.retired else ""
        typer.echo(
            f"{one.kid}  {one.use}  {one.algorithm:<14}  {said['state']}, since {one.since:%Y-%m-%d %H:%M}{until}"
        )


@app.command()
def show(
    kid: Annotated[str | None, typer.Argument(help="One key; default: every published one.")] = None,
    folder: Folder = Path(".hearth"),
    keys: KeyFolder = "keys",
    everything: Annotated[
        bool, typer.Option("--all", help="Former and retired keys too: for auditors, who check old records.")
    ] = False,
) -> None:
    """Print public keys as a JSON Web Key Set, as `/.well-known/jwks.json` publishes them."""
    from standards.errors import ConfigurationError

    now = datetime.now(UTC)
    with told():
        entries = _ring(folder, keys).entries()
        wanted = [one for one in entries if (one.kid == kid if kid else everything or one.is_published(now))]
        if kid and not wanted:
            raise ConfigurationError("no key of that id is here: `hearth keys list` names them")
    typer.echo(json.dumps({"keys": [dict(one.jwk) for one in wanted]}, indent=2))


@app.command()
def rotate(
    algorithm: Annotated[
        str, typer.Option(help="ed25519, ES256, RS256 (to sign); ECDH-ES+A256KW, RSA-OAEP-256 (to encrypt).")
    ] = "ed25519",
    folder: Folder = Path(".hearth"),
    keys: KeyFolder = "keys",
    overlap_s: Annotated[
        int, typer.Option(min=0, help="How long the former key stays published, in seconds.")
    ] = OVERLAP_S,
    lead_s: Annotated[
        int, typer.Option(min=0, help="How long the new key is published before it is used, in seconds.")
    ] = 0,
) -> None:
    """Make a new key and put it in the place of the one in use; running gateways take it in within seconds."""
    from gateway.trust.ring import ALGORITHMS

    if algorithm not in ALGORITHMS:
        typer.echo(f"hearth: no algorithm {algorithm}; there are {', '.join(ALGORITHMS)}", err=True)
        raise typer.Exit(2)
    with told():
        made = _ring(folder, keys).rotate(algorithm, datetime.now(UTC), overlap_s=overlap_s, lead_s=lead_s)
    typer.echo(made.kid)


@app.command()
def retire(
    kid: Annotated[str, typer.Argument(help="A former key, as `hearth keys list` names it.")],
    folder: Folder = Path(".hearth"),
    keys: KeyFolder = "keys",
) -> None:
    """Take a former key out of use for good: not published, not accepted, its private half deleted.

    What it has signed for good still verifies: checkpoints, consent receipts, evidence.
    """
    with told():
        _ring(folder, keys).retire(kid, datetime.now(UTC))
    typer.echo(f"{kid} is retired")


@app.command("hash-secret")
def hash_secret() -> None:
    """Read a client secret from the terminal or standard input, and print the hash that settings carry."""
    from gateway.tokens import hashed

    secret = typer.prompt("client secret", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not secret.strip():
        typer.echo("hearth: the secret is empty", err=True)
        raise typer.Exit(2)
    typer.echo(hashed(secret.strip()))


def recorded_keys(where: Path) -> dict[str, Ed25519PublicKey] | None:
    """Return what a gateway's records may be signed with, retired keys too; None where there are no keys of one."""
    from gateway.trust.ring import FIRST, Ring, recorded

    ring = Ring(where)
    return None if ring.stamp() is None and not (where / FIRST).exists() else recorded(ring.entries())


def _ring(folder: Path, keys: str) -> Ring:
    from gateway.trust.ring import FIRST, Ring
    from standards.errors import ConfigurationError

    where = folder / keys
    ring = Ring(where)
    if ring.stamp() is None and not (where / FIRST).exists():  # keys made here would be nobody's
        raise ConfigurationError(f"{where} holds no keys of a gateway: name its folders with --dir and --keys")
    return ring


def _stated(one: Entry, entries: tuple[Entry, ...], now: datetime) -> dict[str, object]:
    from gateway.trust.ring import current

    if one.retired:
        state = "retired"
    elif current(entries, one.algorithm, now) == one:
        state = "in use"
    elif one.since > now:
        state = "to be used"
    else:
        state = "published" if one.is_published(now) else "former"
    times = {name: value and value.isoformat() for name, value in one._asdict().items() if name in _TIMES}
    return {"kid": one.kid, "use": one.use, "algorithm": one.algorithm, "state": state, **times}


_TIMES = ("since", "until", "retired")

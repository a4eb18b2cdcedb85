"""What every command of `hearth` shares: options that mean the same everywhere, and how an error of ours is told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from standards.errors import InteropError

Folder = Annotated[Path, typer.Option("--dir", help="Folder of the sandbox, or of the stores.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
REFUSED: Final = 1
"""Exit code when Hearth said no, or could not; 2 is a wrong command line, 0 is success."""


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn an error of ours into one line and exit code 1."""
    try:
        yield
    except InteropError as error:
        typer.echo(f"hearth: {error}", err=True)
        raise typer.Exit(REFUSED) from None

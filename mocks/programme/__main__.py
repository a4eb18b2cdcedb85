"""`python -m mocks.programme --port 0 --dir DIR`: the toy programme in the foreground, until it is told to stop.

It writes its address into `DIR/programme.json`, and stops on SIGTERM or Ctrl-C, with `--until-stdin-closes` also when
whoever started it is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import orjson

from mocks.programme.application import open_programme
from mocks.programme.receiving import POLICIES, Programme
from mocks.stopping import stop_signal


def main(arguments: list[str] | None = None) -> int:
    """Run the programme; returns the exit code."""
    options = _options().parse_args(arguments)
    folder: Path = options.dir.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "programme.json").unlink(missing_ok=True)
    try:
        asyncio.run(_run(options, folder))
    except OSError as problem:
        sys.stderr.write(f"the programme cannot open: {problem.strerror or problem}\n")
        return 1
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mocks.programme", description="Receive Hearth's callbacks.")
    parser.add_argument("--dir", type=Path, required=True, help="where programme.json goes")
    parser.add_argument("--port", type=int, default=0, help="a free one when 0")
    parser.add_argument("--jwks", metavar="URL", help="where the gateway publishes its keys")
    parser.add_argument("--signatures", choices=POLICIES, default="required", help="whether callbacks must be signed")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop also when standard input ends")
    return parser


async def _run(options: argparse.Namespace, folder: Path) -> None:
    stop = stop_signal(until_stdin_closes=options.until_stdin_closes)
    card = folder / "programme.json"
    async with open_programme(Programme(options.jwks, options.signatures), options.port) as url:
        draft = folder / ".programme.json"
        draft.write_bytes(orjson.dumps({"url": url, "pid": os.getpid()}))
        draft.replace(card)
        sys.stdout.write(f"programme    {url}\n")
        sys.stdout.flush()
        try:
            await stop.wait()
        finally:
            card.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())

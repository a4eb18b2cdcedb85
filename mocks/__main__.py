"""`python -m mocks --dir DIR`: the practice country in the foreground, until it is told to stop.

It stops on SIGTERM or Ctrl-C, and with `--until-stdin-closes` also when whoever started it is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from pathlib import Path

from mocks.country import PORTS, open_country, published
from mocks.country_controls import SHORTEST_DAY_S
from mocks.population import Population, build
from mocks.stopping import stop_signal


def main(arguments: list[str] | None = None) -> int:
    """Run the country; returns the exit code."""
    parser = _options()
    options = parser.parse_args(arguments)
    folder: Path = options.dir.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    # A file left by a country that was killed must not be taken for this one's.
    (folder / "country.json").unlink(missing_ok=True)
    try:
        population = build(options.households, options.seed)
    except ValueError as problem:
        parser.error(str(problem))
    # The population stays as it is for good: the collector need not walk through it again and again.
    gc.collect()
    gc.freeze()
    try:
        asyncio.run(_run(population, folder, options))
    except OSError as problem:
        sys.stderr.write(f"the country cannot open: {problem.strerror or problem}\n")
        return 1
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mocks", description="Run the practice country Poveria.")
    parser.add_argument("--dir", type=Path, required=True, help="where country.json and consents.jsonl go")
    parser.add_argument("--households", type=int, default=2000, help="how many households live there")
    parser.add_argument("--seed", type=int, default=7, help="another seed, other people")
    parser.add_argument(
        "--ports-from",
        type=_port,
        metavar="PORT",
        help=f"serve on this port and the {PORTS - 1} that follow; free ports when left out",
    )
    parser.add_argument(
        "--day-every",
        type=_pace,
        metavar="SECONDS",
        help="let a day pass, and things happen, so often; never if left out",
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop also when standard input ends")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65536 - PORTS:
        raise argparse.ArgumentTypeError(f"from 1 to {65536 - PORTS}")
    return port


def _pace(text: str) -> float:
    pace = float(text)
    if not pace >= SHORTEST_DAY_S:
        raise argparse.ArgumentTypeError(f"at least {SHORTEST_DAY_S} seconds")
    return pace


async def _run(population: Population, folder: Path, options: argparse.Namespace) -> None:
    stop = stop_signal(until_stdin_closes=options.until_stdin_closes)
    country = open_country(population, options.ports_from, day_every_s=options.day_every)
    async with country as served, published(population, served, folder) as card:
        for name, one in served.items():
            sys.stdout.write(f"{name:<16} {one.url}\n")
        sys.stdout.write(f"{card}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.bench [PART ...]`: measure what a question costs, print a table, and stop.

Everything runs on the loopback interface, on free ports, in child processes that are ended by pid.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.parts import PARTS, Line
from tests.bench.processes import ROOT, Processes
from tests.bench.report import README, hardware, table, write
from tests.bench.running import Bench, Options
from tests.bench.sampling import sample


def say(text: str) -> None:
    """Tell the person at the terminal what is happening."""
    print(f"  {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Run the parts asked for; 1 when one of them could not be measured."""
    parser = argparse.ArgumentParser(prog="python3 dev.py bench", description=__doc__)
    default = ", ".join(PARTS)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "profile", []], help=f"default: {default}")
    parser.add_argument("--seconds", type=float, default=Options().seconds, help="length of one run")
    parser.add_argument("--rounds", type=int, default=Options().rounds, help="runs of each contender, interleaved")
    parser.add_argument("--connections", type=int, default=Options().connections, help="of the closed loop")
    parser.add_argument("--households", type=int, help="households to ask about; default: enough for the runs")
    parser.add_argument("--before", type=Path, help="another tree of the project, measured in the same runs")
    parser.add_argument("--write", action="store_true", help=f"put the lines into {README.relative_to(ROOT)}")
    parser.add_argument("--keep", action="store_true", help="keep the folder with settings, logs and journals")
    asked = parser.parse_args()
    options = Options(
        seconds=asked.seconds,
        rounds=asked.rounds,
        connections=asked.connections,
        households=asked.households or max(4000, int((asked.seconds + 2) * 1000)),
        before=asked.before.resolve() if asked.before else None,
    )
    folder = Path(tempfile.mkdtemp(prefix="hearth-bench-"))
    start, lines, failed = time.monotonic(), list[Line](), False
    say(hardware())
    try:
        with Processes(folder) as processes:
            bench = Bench(processes, options, say)
            for part in asked.parts or PARTS:
                say(f"{part} ...")
                try:
                    if part == "profile":
                        print(sample(bench))
                    else:
                        lines += PARTS[part](bench)
                except Exception as error:  # noqa: BLE001 - one part's fault shall not take the others along
                    failed = True
                    say(f"{part} could not be measured: {type(error).__name__}: {error}")
    finally:
        if asked.keep:
            say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if lines:
        print(table(lines))
        if asked.write:
            write(lines, options)
    say(f"done after {time.monotonic() - start:.0f} s")
    return int(failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nbench: interrupted")

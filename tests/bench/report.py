"""The table of the bench: as text, and between the marks of its README."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.bench.parts import PARTS, Line
from tests.bench.running import Options

README: Final = Path(__file__).with_name("README.md")
_MARKS: Final = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.DOTALL)
_HEAD: Final = "| part | what | measured | at least | kept |\n|---|---|---|---|---|\n"


def hardware() -> str:
    """Return one line about the machine and what runs on it."""
    model = platform.processor() or platform.machine()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next((line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line), model)
    except OSError:
        pass
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    names = " ".join(f"{name} {version(name)}" for name in ("aiohttp", "uvloop", "orjson"))
    return f"{os.cpu_count()} cores of {model}; Python {platform.python_version()}, {names}; load average {busy}"


def row(line: Line) -> str:
    """Return one line of the table in Markdown."""
    kept = {None: "", True: "yes", False: "**no**"}[line.holds]
    return f"| `{line.part}` | {line.what} | {line.measured} | {line.budget} | {kept} |\n"


def table(lines: Iterable[Line]) -> str:
    """Return the table in Markdown."""
    return _HEAD + "".join(map(row, lines))


def write(lines: Sequence[Line], options: Options) -> None:
    """Put lines into the README in place of those of the same parts; the others stay as they were measured."""
    text = README.read_text(encoding="utf-8")
    found = _MARKS.search(text)
    old = [line + "\n" for line in found[0].splitlines() if line.startswith("| `")] if found else []
    said = {
        line.partition("`:")[0].lstrip("* `"): line + "\n"
        for line in (found[0] if found else "").splitlines()
        if line.startswith("* `")
    }
    new: list[str] = []
    for part in PARTS:
        fresh = [row(line) for line in lines if line.part == part]
        new += fresh or [line for line in old if line.startswith(f"| `{part}` ")]
        if fresh:
            how = f"--seconds {options.seconds:g} --rounds {options.rounds} --connections {options.connections}"
            when = datetime.now(UTC).date().isoformat()
            said[part] = f"* `{part}`: `python3 dev.py bench {part} {how}`, {when}, {hardware()}\n"
    notes = "".join(said[part] for part in PARTS if part in said)
    README.write_text(_MARKS.sub(lambda _: f"\n{_HEAD}{''.join(new)}\n{notes}\n", text), encoding="utf-8")

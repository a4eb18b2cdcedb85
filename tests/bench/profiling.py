"""Where the gateway's time goes: stacks sampled under load, summed by function and by stage.

The sampler, py-spy, lives in an environment of its own below the bench's folder, and is skipped where it cannot be had.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

STAGES: Final = (
    (
        "respond: dumps, signature, record's shape",
        r"gateway/stages/respond|standards/dci/(place|evidence)|answered_item",
    ),
    ("journal", r"gateway/journal|\b_entry .*pipeline|known_by|pseudonym_of"),
    ("compose: derived attributes", r"gateway/stages/(derive|expression)|\bcel/|site-packages/cel"),
    ("compose", r"gateway/stages/(compose|claims)"),
    ("minimise", r"policies/minimise|policies/forms"),
    ("decide: consent ledger", r"policies/(ledger|receipts|quick_reader)"),
    ("decide", r"gateway/stages/decide|policies/"),
    ("plan", r"gateway/stages/(plan|draft|cost|steps)"),
    ("admit: token", r"gateway/tokens|consumer_of"),
    ("admit", r"gateway/stages/admit|standards/dci/(validate|criteria|question|envelope)|standards/signing"),
    ("fetch: cache", r"gateway/cache"),
    ("fetch: guard", r"adapters/transport/(guard|breaker|alarms)"),
    ("fetch: HTTP client", r"adapters/transport/|aiohttp/(client|connector|client_reqrep|client_proto|streams)"),
    ("fetch: adapters, mappings", r"adapters/"),
    ("fetch", r"gateway/stages/(fetch|calls|household|identity|people|settle)"),
    ("pipeline", r"gateway/pipeline"),
    ("HTTP surface", r"gateway/api/"),
    ("HTTP server", r"aiohttp/web"),
)
"""Stage, and what names it in a frame; the innermost frame that any of them names decides."""

_TABLE: Final = tuple((stage, re.compile(pattern)) for stage, pattern in STAGES)


class Profile(NamedTuple):
    """Shares of all samples, in percent."""

    samples: int
    stages: list[tuple[str, float]]
    alone: list[tuple[str, float]]
    """Functions by the time in themselves and the libraries' C code they call."""
    whole: list[tuple[str, float]]
    """Functions by the time in themselves and in all they call."""


def profile_of(lines: Iterable[str]) -> Profile:
    """Return the sums of collapsed stacks: `outer;inner;innermost COUNT` a line."""
    stages, alone, whole = Counter[str](), Counter[str](), Counter[str]()
    total = 0
    for line in lines:
        stack, _, count_text = line.rstrip().rpartition(" ")
        frames = [_short(frame) for frame in stack.split(";")]
        count = int(count_text)
        total += count
        alone[frames[-1]] += count
        for frame in set(frames):
            whole[frame] += count
        stages[_stage(frames)] += count
    share = 100 / max(1, total)
    return Profile(total, *([(n, c * share) for n, c in table.most_common()] for table in (stages, alone, whole)))


def text_of(profile: Profile, most: int = 45) -> str:
    """Return a profile as text."""
    lines = [f"{profile.samples} samples under closed loop; percent of all samples", "", "by stage (innermost of ours)"]
    lines += [f"{share:6.1f}  {name}" for name, share in profile.stages]
    for title, table in (("by function, itself", profile.alone), ("by function, with what it calls", profile.whole)):
        lines += ["", title, *(f"{share:6.1f}  {name}" for name, share in table[:most])]
    return "\n".join(lines) + "\n"


def _short(frame: str) -> str:
    """Return a frame without its line number and the path to the project or the library."""
    frame = re.sub(r":\d+\)$", ")", frame)
    return re.sub(
        r"\([^()]*?(site-packages|lib/python3\.\d+|(?=gateway/|adapters/|policies/|standards/))/?", "(", frame
    )


def _stage(frames: list[str]) -> str:
    for frame in reversed(frames):
        for stage, pattern in _TABLE:
            if pattern.search(frame):
                return stage
    return "event loop, threads, interpreter"

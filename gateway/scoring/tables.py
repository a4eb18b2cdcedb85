"""Scores as a table that people read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of the same columns as lines, numbers to the right, shares in percent."""
    if not rows:
        return ""
    cells = [
        [str(name).replace("_", " ") for name in rows[0]],
        *([_cell(value) for value in row.values()] for row in rows),
    ]
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    is_text = [isinstance(value, str) for value in rows[0].values()]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(line, widths, is_text, strict=True)
        ).rstrip()
        for line in cells
    )


def _cell(value: object) -> str:
    return f"{value:.1%}" if isinstance(value, float) else str(value)

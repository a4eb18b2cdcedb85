"""What a check or a probe found: one line each, good, bad or not tried, with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Finding(NamedTuple):
    """One line of a report; it holds no value of anybody's record."""

    what: str
    is_good: bool | None
    """None for what could not be tried, or does not apply."""
    text: str
    remedy: str = ""
    """What to do, for what is not good."""


MARKS: Final = {True: "ok  ", False: "FAIL", None: "--  "}


def passed(findings: Iterable[Finding]) -> bool:
    """Tell whether nothing is wrong."""
    return all(one.is_good is not False for one in findings)


def lines(name: str, findings: Iterable[Finding]) -> list[str]:
    """Return the findings as they are shown on a terminal."""
    shown = []
    for one in findings:
        shown.append(f"{MARKS[one.is_good]}  {name}  {one.what}: {one.text}")
        if one.remedy and one.is_good is False:
            shown.append(f"      {one.remedy}")
    return shown


def plain(findings: Iterable[Finding]) -> list[dict[str, object]]:
    """Return the findings as JSON has them."""
    words = {True: "good", False: "bad", None: "not_tried"}
    return [
        {"what": one.what, "result": words[one.is_good], "text": one.text, "remedy": one.remedy} for one in findings
    ]

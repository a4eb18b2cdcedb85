"""The demonstration: one question about one household, told as a story on a terminal."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.rule import Rule
from rich.text import Text

from gateway.cli import question
from gateway.client import SandboxControls
from gateway.journal import read, sqlite_url, verify
from gateway.sandbox import Sandbox
from gateway.show import console, show_answer, show_entry, show_plan, show_record, show_sources
from standards.dci.evidence import EVIDENCE, PLAN, SOURCES
from standards.identifiers import Identifier


def run(households: int, folder: Path | None) -> None:
    """Start a country and a gateway, tell the story, and stop both."""
    if folder is not None:
        _run(households, folder)
        return
    with tempfile.TemporaryDirectory(prefix="hearth-demo-") as made:
        _run(households, Path(made))


def _run(households: int, folder: Path) -> None:
    start = time.monotonic()
    _chapter("Poveria, a practice country, and a gateway")
    sandbox = Sandbox(folder, port=0, households=households, say=lambda text: console.print(f"  {text}"))
    with sandbox.running() as content:
        console.print(f"  ready after {time.monotonic() - start:.1f} s: seven registries, each in its own dialect")
        for name, registry in content["registries"].items():
            console.print(f"    {name:<12} speaks {registry['speaks']}")
        example = content["examples"]["complete_household"]
        subject = Identifier("UIN", example["identifiers"]["UIN"])
        first = _the_question(content, subject)
        _other_programme(content, subject)
        _registry_lost(content, subject, first)
        _journal(folder)
    _chapter("Everything is stopped again")
    console.print("  to look around yourself: `python3 dev.py sandbox`, then `hearth ask --as uct --household-of UIN`")


def _the_question(content: Mapping[str, Any], subject: Identifier) -> Mapping[str, Any]:
    _chapter("A programme asks: is this household eligible for the cash transfer?")
    console.print("  who    uct, the unconditional cash transfer")
    console.print("  why    purpose `eligibility`; the people concerned must have consented")
    console.print(
        f"  whom   the household of {subject}  (numbers are masked on this screen only by us, not by the answer)"
    )
    answer = question(dict(content), "uct", subject, "eligibility", plan=True)
    data = _data(answer)
    _chapter("What the gateway planned, and whom it did not ask")
    show_plan(data[PLAN])
    _chapter("What it may tell: every value with its source and the date as of which it holds")
    show_record(data["reg_records"][0], data[EVIDENCE][0])
    show_sources(data[SOURCES])
    return answer


def _other_programme(content: Mapping[str, Any], subject: Identifier) -> None:
    _chapter("Another programme asks about the same household: another agreement, another face")
    console.print(
        "  who    cct-education, which pays when children go to school; statutory basis, no tax, land or health"
    )
    answer = question(dict(content), "cct-education", subject, None, attributes=None)
    show_answer(answer)
    _chapter("It asks for income, which its agreement does not hold")
    answer = question(dict(content), "cct-education", subject, None, attributes=["income_annual", "given_name"])
    show_answer(answer)


def _registry_lost(content: Mapping[str, Any], subject: Identifier, first: Mapping[str, Any]) -> None:
    _chapter("The tax registry goes down, and the first question is asked again")
    controls = SandboxControls(content)
    controls.break_registry("tax", mode="down")
    controls.forget()
    answer = question(dict(content), "uct", subject, "eligibility")
    controls.mend_registry("tax")
    before, after = _states(first), _states(answer)
    changed = {where: state for where, state in after.items() if before[where]["state"] != state["state"]}
    console.print(f"  {_data(answer) and answer['message']['search_response'][0].get('status_reason_message', '')}")
    for (who, name), state in changed.items():
        told = Text(f"  {who:<12} {name:<22} {before[who, name]['state']} -> ")
        told.append(f"{state['state']}: {state.get('reason', '')}", style="red")
        console.print(told)
    same = sum(_same(before[w], s) for w, s in after.items())
    console.print(f"  {same} other attributes are as before; nothing turned into a `no`")


def _journal(folder: Path) -> None:
    _chapter("What the journal keeps: who asked, why, what left; no personal value")
    url = sqlite_url(folder / "journal.db")
    for seq, entry in read(url, newest=1):
        show_entry(seq, entry)
    console.print(f"  {verify(url)} entries, each chained to the one before by its hash: whole")


def _data(answer: Mapping[str, Any]) -> dict[str, Any]:
    return dict(answer["message"]["search_response"][0]["data"])


def _states(answer: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    evidence = _data(answer)[EVIDENCE][0]
    states = {("household", name): state for name, state in evidence["attributes"].items()}
    for member in evidence["members"]:
        who = f"{member['relationship'] or 'member'} {member['member']}"
        states.update({(who, name): state for name, state in member["attributes"].items()})
    return states


def _same(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return bool(before["state"] == after["state"])


def _chapter(title: str) -> None:
    console.print()
    console.print(Rule(Text(title, style="bold"), align="left", style="dim"))

"""The demonstration: one question about one household, told as a story on a terminal.

Everything it shows is taken from the answers, the agreements and the journal of a gateway that really ran.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from gateway.api.described.reasons import UNAVAILABLE_REASONS, WITHHELD_REASONS
from gateway.api.views.values import COMPARISONS
from gateway.client import SandboxControls, UnreachableError, ask_sandbox
from gateway.journal import read, sqlite_url, verify
from gateway.sandbox import Sandbox
from gateway.show import (
    Values,
    console,
    role,
    show_apart,
    show_entry,
    show_plan,
    show_side_by_side,
    show_states,
    worded,
)
from policies.agreement import Agreement, LegalBasis, PredicateForm
from policies.folder import agreement_files
from policies.reading import read_agreement
from standards.attributes import Catalogue
from standards.dci.evidence import EVIDENCE, PLAN, SOURCES
from standards.identifiers import Identifier

TRANSFER: Final = "uct"
SCHOOLS: Final = "cct-education"
LOST: Final = "tax"
"""The registry that is switched off in the story."""
EVERYBODY: Final = ("given_name", "birth_date", "sex", "income_annual", "land_parcel_count", "is_disabled", "insured")
"""What is shown of everybody in the household, side by side."""


class Told(NamedTuple):
    """One answer, taken apart."""

    record: Mapping[str, Any]
    evidence: Mapping[str, Any]
    sources: Mapping[str, Any]
    plan: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Told:
        """Return the one household of an answer with what stands beside it.

        Raises: UnreachableError when the question was not answered.
        """
        (item,) = answer["message"]["search_response"]
        if "data" not in item:
            raise UnreachableError(item["status_reason_message"])
        content = item["data"]
        return cls(content["reg_records"][0], content[EVIDENCE][0], content[SOURCES], content.get(PLAN, ""))

    def facts(self) -> dict[tuple[str, str], tuple[Mapping[str, Any], Any]]:
        """Return (whose, attribute) -> its state and its value, None where there is none."""
        values = Values()
        household = values.of(self.record)
        known = {("household", n): (state, household.get(n)) for n, state in self.evidence["attributes"].items()}
        for person, about in zip(self.record["member_list"], self.evidence["members"], strict=True):
            who, own = f"{role(about)} {about['member'] + 1}", values.of(person)
            known |= {(who, n): (state, own.get(n)) for n, state in about["attributes"].items()}
        return known


def run(households: int, folder: Path | None) -> None:
    """Start a country and a gateway, tell the story, and stop both."""
    if folder is not None:
        _run(households, folder)
        return
    with tempfile.TemporaryDirectory(prefix="hearth-demo-") as made:
        _run(households, Path(made))


def _run(households: int, folder: Path) -> None:
    start = time.monotonic()
    _chapter("1  Poveria, a practice country")
    sandbox = Sandbox(folder, port=0, households=households, say=_say)
    with sandbox.running() as content:
        speaks = ", ".join(f"{name} ({registry['speaks']})" for name, registry in content["registries"].items())
        _say(f"{len(content['registries'])} registries, each speaking its own protocol: {speaks}")
        _say(f"everything answers after {time.monotonic() - start:.1f} s; its people are invented")
        agreements = _agreements(folder)
        subject = _example(content, "complete_household")
        first = _question(content, agreements[TRANSFER], subject)
        _withheld(content)
        _other_programme(content, agreements, subject, first)
        _registry_lost(content, subject, first)
        _journal(folder)
    _chapter("Everything is stopped again")
    _say("To look around yourself: `python3 dev.py sandbox`. It prints a first command to try in another terminal.")


def _question(content: Mapping[str, Any], agreement: Agreement, subject: Identifier) -> Told:
    _chapter("2  A programme asks: is this household eligible for the cash transfer?")
    _who_and_why(agreement)
    _say(f"the household of {subject}, one message in the DCI standard, signed", after="about")
    told = Told.of(ask_sandbox(content, TRANSFER, subject, plan=True))
    _chapter("3  What the gateway planned, and whom it did not ask")
    show_plan(told.plan)
    asked = {name: said for name, said in told.sources.items() if said["outcome"] != "not_asked"}
    calls, people = sum(said["calls"] for said in asked.values()), len(told.evidence["members"])
    _say("A step goes out as soon as the numbers it needs are known, and asks about everybody at once:")
    _say(f"{calls} calls to {len(asked)} registries were enough for {people} people.")
    _chapter("4  The household, and where every value comes from")
    console.print(Text(f"household by {told.evidence['rule']}", style="bold"))
    show_states("the household", Values().of(told.record), told.evidence["attributes"])
    _say("`derived` is computed here; it is as old as the oldest of its inputs.")
    for name, form in agreement.attributes.items():
        if isinstance(form, PredicateForm):
            thresholds = form.threshold if isinstance(form.threshold, tuple) else (form.threshold,)
            compared = f"{COMPARISONS[form.operator]} {', '.join(f'{number:,}' for number in thresholds)}"
            _say(f"`{name}` answers one agreed question, and no more: {compared}?")
    console.print()
    show_side_by_side(told.record, told.evidence, EVERYBODY)
    console.print()
    person, about = told.record["member_list"][0], told.evidence["members"][0]
    show_states(f"the {role(about)} in full", Values().of(person), about["attributes"])
    return told


def _withheld(content: Mapping[str, Any]) -> None:
    _chapter("5  What is withheld, and why")
    names = ("given_name", "insured")
    _say("Another household: its head lets every registry answer but the health registry.")
    refused = ask_sandbox(content, TRANSFER, _example(content, "refused_health"), attributes=names)
    _show_withheld(Told.of(refused), names)
    names = ("given_name", "income_annual")
    console.print()
    _say(f"And {SCHOOLS} asks the first household for its income.")
    narrow = ask_sandbox(content, SCHOOLS, _example(content, "complete_household"), attributes=names)
    _show_withheld(Told.of(narrow), names)


def _show_withheld(told: Told, names: tuple[str, ...]) -> None:
    show_side_by_side(told.record, told.evidence, names)
    reasons = {state["reason"] for state, _ in told.facts().values() if state["state"] == "withheld"}
    for reason in sorted(reasons):
        _say(f"{reason}: {WITHHELD_REASONS.meanings[reason]}. No registry was asked for it.")


def _other_programme(
    content: Mapping[str, Any], agreements: Mapping[str, Agreement], subject: Identifier, first: Told
) -> None:
    _chapter("6  Another programme, the same household: another agreement, another face")
    _who_and_why(agreements[SCHOOLS])
    second = Told.of(ask_sandbox(content, SCHOOLS, subject))
    children = [a["member"] for a in first.evidence["members"] if a["relationship"] == "CHILD"]
    number = children[0] if children else 0
    one, other = _person(first, number), _person(second, number)
    _say(f"What each is told of the same {role(first.evidence['members'][number])}, where the two differ:")
    same = sorted(n for n in one.keys() & other.keys() if one[n] == other[n])
    rows = {n: (one.get(n), other.get(n)) for n in sorted(one.keys() | other.keys()) if n not in same}
    show_apart((TRANSFER, SCHOOLS), rows)
    _say(f"The same for both: {', '.join(same)}. A dash: not in its agreement, so it is not even asked for.")
    _say(_asked(second.sources))


def _registry_lost(content: Mapping[str, Any], subject: Identifier, first: Told) -> None:
    _chapter(f"7  The {LOST} registry goes down, and the first question is asked again")
    controls = SandboxControls(content)
    controls.break_registry(LOST, mode="down")
    controls.forget()
    try:
        told = Told.of(ask_sandbox(content, TRANSFER, subject))
    finally:
        controls.mend_registry(LOST)
    before, after = first.facts(), told.facts()
    lost = {where: state for where, (state, _) in after.items() if state["state"] != before[where][0]["state"]}
    for (who, name), state in lost.items():
        line = Text(f"  {who:<10} {name:<20} {before[who, name][0]['state']} -> ")
        console.print(line.append_text(Text(f"{state['state']}: {state.get('reason', '')}", style="red")))
    for reason in sorted({state["reason"] for state in lost.values() if state["state"] == "unavailable"}):
        _say(f"{reason}: {UNAVAILABLE_REASONS.meanings[reason]}.")
    same = sum(before[w][0]["state"] == s["state"] and before[w][1] == v for w, (s, v) in after.items())
    turned = sum(v is False and before[w][1] is not False for w, (_, v) in after.items())
    nothing = "nothing turned into a `no`" if not turned else f"{turned} turned into a `no`, which is a fault"
    _say(f"{same} other values are as before; {nothing}.")


def _journal(folder: Path) -> None:
    _chapter("8  What the journal keeps of it: no name, no number, no value")
    url = sqlite_url(folder / "journal.db")
    for seq, entry in read(url, newest=1):
        show_entry(seq, entry)
    _say(f"{verify(url)} entries, one for each question, each chained to the one before by its hash: whole.")


def _who_and_why(agreement: Agreement) -> None:
    code, purpose = next(iter(agreement.purposes.items()))
    _say(f"{agreement.consumer.title} ({agreement.consumer.id})", after="who")
    _say(f"{purpose.title} ({code})", after="why")
    basis = "each person's consent" if purpose.legal_basis is LegalBasis.CONSENT else "law, without asking for consent"
    _say(f"by {basis}: {purpose.reference}; agreement {agreement.id}@{agreement.version}", after="allowed")


def _asked(sources: Mapping[str, Any]) -> str:
    called = [name for name, said in sources.items() if said["calls"]]
    cached = [name for name, said in sources.items() if said["cached"] and not said["calls"]]
    spared = [name for name, said in sources.items() if said["outcome"] == "not_asked"]
    parts = (("asked", called), ("remembered from just before", cached), ("not asked", spared))
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names) + "."


def _person(told: Told, number: int) -> dict[str, Text]:
    states = told.evidence["members"][number]["attributes"]
    values = Values().of(told.record["member_list"][number])
    return {name: worded(name, state, values.get(name), brief=True) for name, state in states.items()}


def _agreements(folder: Path) -> dict[str, Agreement]:
    catalogue = Catalogue.load()
    read_in = (read_agreement(path, catalogue) for path in agreement_files(folder / "agreements"))
    return {agreement.consumer.id: agreement for agreement in read_in}


def _example(content: Mapping[str, Any], name: str) -> Identifier:
    return Identifier("UIN", content["examples"][name]["identifiers"]["UIN"])


def _say(text: str, *, after: str = "") -> None:
    """Print a paragraph; lines after its first stand below where it began, behind the word `after`."""
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_column(min_width=10 if after else 1)
    line.add_column()
    line.add_row(f"  {after}" if after else "", text)
    console.print(line)


def _chapter(title: str) -> None:
    console.print()
    console.print(Rule(Text(title, style="bold"), align="left", style="dim"))

"""What people see on a terminal: an answer as a table, a journal entry, the addresses of a sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from standards.attributes import Catalogue, ValueType
from standards.codes import CodeDirectories
from standards.dci.codes import RecordType, RegType
from standards.dci.evidence import EVIDENCE, PLAN, SOURCES
from standards.dci.place import OTHERS
from standards.dci.shapes import Shape, entry_of, listed, shape_of

console = Console(highlight=False, soft_wrap=False)

STYLES: Final = {
    "value": "",
    "absent": "dim",
    "withheld": "yellow",
    "unavailable": "red",
    "conflict": "magenta",
}
"""Colours of the five states; the word stands beside the colour wherever it is not a plain value."""


INDENT: Final = 6
"""Columns that the wrapped part of a plan's step is moved in by."""


def addresses(content: Mapping[str, Any], file: Path, command: str = "hearth") -> str:
    """Return the addresses of a sandbox, and a first thing to try, as text.

    command: how the `hearth` command is called from the current folder.
    """
    example = content["examples"]["complete_household"]["identifiers"]["UIN"]
    where = "" if file.parent.name == ".hearth" and file.parent.parent == Path.cwd() else f" --dir {file.parent}"
    lines = [
        f"gateway           {content['gateway']}   pages: {content['gateway']}/docs",
        *(f"{name:<17} {r['url']}   speaks {r['speaks']}" for name, r in content["registries"].items()),
        f"programmes        {', '.join(content['consumers'])}   secrets and keys: {file}",
        "",
        f"try, in another terminal:  {command} ask --as uct --household-of {example}{where}",
        "stop with Ctrl-C",
    ]
    return "\n".join(lines)


def show_answer(answer: Mapping[str, Any], *, plan: bool = False) -> None:
    """Print every item of an answer: each household as a table with the origin of every value."""
    header = answer["header"]
    if header.get("status_reason_message"):
        console.print(Text(f"{header['status']}: {header['status_reason_message']}", style="red"))
    for item in answer["message"]["search_response"]:
        if item.get("status_reason_message"):
            style = "red" if item["status"] == "rjct" else "yellow"
            console.print(Text(item["status_reason_message"], style=style))
        data = item.get("data")
        if data is None:
            continue
        records = listed(data["reg_records"])
        if not records:
            console.print("nobody found: the registries answered, and know nobody by that number")
        shape = shape_in(data)
        for record, evidence in zip(records, data[EVIDENCE], strict=True):
            show_record(record, evidence, shape)
        if plan and PLAN in data:
            show_plan(data[PLAN], why=True)
        show_sources(data[SOURCES])


def shape_in(data: Mapping[str, Any]) -> Shape | None:
    """Return the shape of the records of an answered item; None for Groups and Members."""
    return shape_of(RegType(data["reg_type"]), RecordType(data["reg_record_type"]))


def show_record(record: Mapping[str, Any], evidence: Mapping[str, Any], shape: Shape | None = None) -> None:
    """Print one household, or one person, with states and origins.

    shape: of the record of a single registry; None for a Group or Member.
    """
    values = Values()
    complete = (
        "" if evidence["complete"] else f"  (who belongs to it is not certain without {', '.join(evidence['unheard'])})"
    )
    if evidence["rule"]:
        console.print(Text(f"household by {evidence['rule']}{complete}", style="bold"))
    if evidence.get("attributes"):
        show_states("the household", values.of(record), evidence["attributes"])
    people = record.get("member_list", [record])
    for person, about in zip(people, evidence["members"], strict=True):
        why = ", ".join(_because(e) for e in about["evidence"])
        show_states(f"{role(about)}: {why}", values.of(person, shape), about["attributes"])


def role(about: Mapping[str, Any]) -> str:
    """Return what a member of a household is to its head, in a word."""
    relationship = str(about["relationship"] or "member")
    if relationship == "SELF":
        return "head"
    return CodeDirectories.load().codes("Relationship").get(relationship, relationship).lower()


def show_states(title: str, values: Mapping[str, Any], states: Mapping[str, Any]) -> None:
    """Print the attributes of one person, or of a household, one a line with source and as-of date."""
    console.print(_table(title, values, states))


def show_side_by_side(record: Mapping[str, Any], evidence: Mapping[str, Any], names: Sequence[str]) -> None:
    """Print a few attributes of everybody in a household, one column a person."""
    values, members = Values(), evidence["members"]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", min_width=16)
    for about in members:
        table.add_column(role(about), min_width=8)
    people = [values.of(person) for person in record["member_list"]]
    for name in names:
        cells = [
            worded(name, about["attributes"][name], known.get(name), brief=True)
            for about, known in zip(members, people, strict=True)
        ]
        table.add_row(name, *cells)
    console.print(table)


def show_apart(titles: tuple[str, str], rows: Mapping[str, tuple[Text | None, Text | None]]) -> None:
    """Print what two programmes are told of the same person, side by side; a dash for what one may not know."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", min_width=18)
    for title in titles:
        table.add_column(title, min_width=26)
    for name, told in rows.items():
        table.add_row(name, *(Text("-", style="dim") if one is None else one for one in told))
    console.print(table)


def _because(evidence: Mapping[str, Any]) -> str:
    basis = evidence["basis"]
    return basis if "source" not in evidence else f"{basis} ({evidence['source']})"


def _table(title: str, values: Mapping[str, Any], states: Mapping[str, Any]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("attribute", min_width=22)
    table.add_column("value", min_width=28, overflow="fold")
    table.add_column("source", min_width=11)
    table.add_column("as of", min_width=10)
    held = [name for name, state in states.items() if state["state"] == "withheld"]
    for name, state in states.items():
        if name not in held:
            table.add_row(
                name, worded(name, state, values.get(name)), state.get("source", ""), (state.get("as_of") or "")[:10]
            )
    if held:
        reasons = sorted({states[name].get("reason", "") for name in held})
        table.add_row(f"{len(held)} withheld", Text(", ".join(reasons), style=STYLES["withheld"]))
    return table


def worded(name: str, state: Mapping[str, Any], value: Any, *, brief: bool = False) -> Text:
    """Return one attribute in words: its value, or why there is none.

    brief: the state alone, without its reason.
    """
    kind = state["state"]
    if kind in {"value", "conflict"}:
        text = _plain(name, value)
        if kind == "conflict" and not brief:
            others = ", ".join(f"{_plain(name, d['value'])} says {d['source']}" for d in state["differing"])
            text = f"{text}  (conflict: {others})"
        return Text(text, style=STYLES[kind])
    word = {"absent": "none", "unavailable": "unknown", "withheld": "withheld"}[kind]
    reason = f": {state['reason']}" if state.get("reason") and not brief else ""
    return Text(f"{word}{reason}", style=STYLES[kind])


def _plain(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return f"{len(value)} entries" if value and isinstance(value[0], dict) else ", ".join(map(str, value))
    definition = Catalogue.load().get(name)
    if definition is None or definition.type is not ValueType.CODE or not definition.codes:
        return str(value)
    label = CodeDirectories.load().codes(definition.codes).get(str(value), str(value))
    return label if label.casefold() == str(value).casefold() else f"{label} ({value})"


def show_plan(text: str, *, why: bool = False) -> None:
    """Print a plan: a line for each call to a registry, and below it what is wanted from there.

    why: print the reason for every choice as well.
    """
    first, *lines = text.splitlines()
    steps = [line for line in lines if not line.startswith("# ")]
    console.print(Text(f"plan: {first}", style="bold"))
    for step in steps:
        if step.startswith("-"):
            console.print(Text(f"  {step}", style="dim"))
            continue
        call, _, wanted = step.partition(": ")
        console.print(Text(f"  {call}"))
        console.print(Padding(Text(wanted, style="dim"), (0, 0, 0, INDENT), expand=False))
    if why:
        console.print(Text("why:", style="bold"))
        for line in lines:
            if line.startswith("# "):
                console.print(Padding(Text(line[2:], style="dim"), (0, 0, 0, 2), expand=False))


def show_sources(sources: Mapping[str, Any]) -> None:
    """Print what became of every registry in one line each."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("registry", "outcome", "calls", "from cache", "why"):
        table.add_column(column)
    for name, said in sources.items():
        style = "red" if said["outcome"] in {"unavailable", "partial"} else ""
        table.add_row(
            name, Text(said["outcome"], style=style), str(said["calls"]), str(said["cached"]), said.get("reason", "")
        )
    console.print(table)


_SHOWN: Final = (
    "consumer", "purpose", "agreement", "by", "subject", "detail", "members", "released", "outcomes", "answer_digest",
)  # fmt: skip


def show_entry(seq: int, entry: Mapping[str, Any]) -> None:
    """Print one journal entry."""
    console.print(Text(f"#{seq} {entry['at'][:19]}Z {entry['event']}", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name in _SHOWN:
        if name not in entry:  # an entry about the journal itself has fields of its own
            continue
        shown = entry[name]
        if name == "members":
            shown = f"{len(shown)} pseudonyms, one for each number of its people"
        elif isinstance(shown, list):
            shown = f"{len(shown)}: {', '.join(shown)}" if shown else "nothing"
        elif isinstance(shown, dict):
            shown = ", ".join(f"{k} {v}" for k, v in shown.items())
        table.add_row(f"  {name}", Text(str(shown)))
    console.print(table)


class Values:
    """Finds attribute values in records, at the places that the catalogue gives them."""

    def __init__(self) -> None:
        self._catalogue = Catalogue.load()

    def of(self, record: Mapping[str, Any], shape: Shape | None = None) -> dict[str, Any]:
        """Return attribute name -> value for everything a record holds.

        shape: of the record of a single registry; None for a Group or Member.
        """
        places = {d.name: d.place for d in self._catalogue} if shape is None else shape.paths
        found = {name: self._at(record, place) for name, place in places.items()}
        if shape is not None and shape.apart is not None and (entry := entry_of(record, shape.apart)):
            found[shape.apart.attribute] = [entry]
        for stated in record.get(OTHERS if shape is None else shape.others, []):
            found[stated["name"]] = stated["value"]
        return found

    @staticmethod
    def _at(record: Any, place: str) -> Any:
        for step in _steps(place):
            if isinstance(step, int):
                record = record[step] if isinstance(record, list) and len(record) > step else None
            elif step.startswith("="):
                entries = record if isinstance(record, list) else []
                record = next((e["identifier_value"] for e in entries if e["identifier_type"] == step[1:]), None)
            else:
                record = record.get(step) if isinstance(record, dict) else None
        return record


def _steps(place: str) -> Iterator[str | int]:
    for part in place.split("."):
        name, bracket, inner = part.partition("[")
        yield name
        if bracket:
            inside = inner.rstrip("]") or "0"
            yield int(inside) if inside.isdigit() else f"={inside}"

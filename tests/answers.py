"""Answers against the schema of their agreement, and whether their parts agree with one another; shared by tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from gateway.api.views.view import ITEM, Shape, schema_of
from gateway.show import Values, shape_in
from policies.agreement import Agreement
from standards.attributes import Catalogue
from standards.dci.place import OTHERS
from standards.dci.shapes import Shape as RecordShape
from standards.dci.shapes import listed
from standards.permit import FormKind

ADDRESS = "https://gateway.example.org/schema"
TOLD = frozenset({"value", "conflict"})
"""States in which something is told."""
_VALUES = Values()


def view(agreement: Agreement, shape: Shape) -> dict[str, Any]:
    """The schema of the answers under an agreement."""
    return schema_of(agreement, shape, Catalogue.load(), ADDRESS)


class Checker:
    """Holds answers against one schema, whole or item by item.

    By another library than ours, which takes a hundredth of the time: properties hold hundreds of schemas to theirs.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._body = Draft202012Validator(dict(schema))  # raises for what is no schema
        # What is plain has no items.
        of_item = {"$ref": f"#/$defs/{ITEM}", "$defs": schema["$defs"]} if ITEM in schema["$defs"] else schema
        self._item = Draft202012Validator(dict(of_item))

    def faults(self, body: object) -> list[str]:
        """What the schema holds against a whole answer."""
        return [_told(error) for error in self._body.iter_errors(body)]

    def item_faults(self, item: object) -> list[str]:
        """What it holds against one item of a DCI answer."""
        return [_told(error) for error in self._item.iter_errors(item)]


def _told(error: ValidationError) -> str:
    while branches := getattr(error.kind, "context", None):
        inside = (inner for branch in branches for inner in branch)
        error = max(inside, key=lambda inner: (len(inner.instance_path), -len(inner.message)))
    return f"{'.'.join(map(str, error.instance_path))}: {error.message[:300]}"


Fact = tuple[str, str]
"""Whose (`household` or a member's number) and which attribute."""


def dci_states(entry: Mapping[str, Any]) -> dict[Fact, dict[str, Any]]:
    """Every state in one entry of `hearth:evidence`, or in what the plain shape tells of a household."""
    found = {("household", name): state for name, state in entry.get("attributes", {}).items()}
    for member in entry["members"]:
        found |= {(str(member["member"]), name): state for name, state in member["attributes"].items()}
    return found


def dci_values(
    record: Mapping[str, Any], entry: Mapping[str, Any], shape: RecordShape | None = None
) -> dict[Fact, Any]:
    """Every value in a record; `entry` tells whose one of a single person is, `shape` of which kind if no Member."""
    if shape is not None:
        found = {(str(entry["members"][0]["member"]), n): v for n, v in _VALUES.of(record, shape).items()}
    elif record["@type"] == "Member":
        found = {(str(entry["members"][0]["member"]), n): v for n, v in _VALUES.of(record).items()}
    else:
        found = {("household", name): value for name, value in _VALUES.of(record).items()}
        for number, member in enumerate(record["member_list"]):
            found |= {(str(number), name): value for name, value in _VALUES.of(member).items()}
    return {fact: value for fact, value in found.items() if value is not None}


def forms(record: Mapping[str, Any], entry: Mapping[str, Any], shape: RecordShape | None = None) -> dict[Fact, str]:
    """The form of everything in a record that is not its value."""
    if shape is not None or record["@type"] == "Member":
        parts = {str(entry["members"][0]["member"]): record}
    else:
        parts = {"household": record} | {str(n): member for n, member in enumerate(record["member_list"])}
    return {
        (who, stated["name"]): stated["hearth:form"]
        for who, part in parts.items()
        for stated in part.get(OTHERS if shape is None else shape.others, [])
    }


def disagreements(item: Mapping[str, Any]) -> Iterator[str]:
    """What the records of an answered item say without evidence, and the other way round: no schema can tell."""
    records, entries = listed(item["data"]["reg_records"]), item["data"]["hearth:evidence"]
    shape = shape_in(item["data"])
    if [entry["record"] for entry in entries] != list(range(len(records))):
        yield "not every record has its evidence"
    for record, entry in zip(records, entries, strict=False):
        if (
            record["@type"] == "Group"
            and shape is None
            and [m["member"] for m in entry["members"]] != list(range(len(record["member_list"])))
        ):
            yield "the members are not those of the evidence"
        told = {fact for fact, state in dci_states(entry).items() if state["state"] in TOLD}
        values = dci_values(record, entry, shape).keys()
        yield from (f"{fact} has a value and no evidence" for fact in sorted(values - told))
        yield from (f"{fact} is told and not there" for fact in sorted(told - values))


def plain_facts(body: Mapping[str, Any]) -> dict[Fact, dict[str, Any]]:
    """Every state of an answer in the plain shape, its value and form with it."""
    found = body.get("household") or body.get("person")
    if found is None:
        return {}
    return dci_states(found if "members" in found else {"members": [found]})


def dci_facts(item: Mapping[str, Any]) -> dict[Fact, dict[str, Any]]:
    """The same of an item of a DCI answer with one record, from its record and its evidence."""
    if not item["data"]["reg_records"]:
        return {}
    (record,), (entry,) = listed(item["data"]["reg_records"]), item["data"]["hearth:evidence"]
    shape = shape_in(item["data"])
    values, of_forms = dci_values(record, entry, shape), forms(record, entry, shape)
    return {
        fact: state
        | ({"value": values[fact]} if state["state"] in TOLD else {})
        | ({"form": of_forms[fact]} if state["state"] in TOLD and fact in of_forms else {})
        for fact, state in dci_states(entry).items()
    }


def kinds(agreement: Agreement) -> dict[str, FormKind]:
    """Attribute -> in which kind of form it is agreed."""
    return {name: form.kind for name, form in agreement.forms.items()}

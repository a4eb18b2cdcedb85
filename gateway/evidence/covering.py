"""Covering: whether agreement, consent and permit allow what an entry says was read and told. Pure.

These are checks of plausibility over what is signed already: they find an answer that should not have been given, not
one that was forged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from gateway.evidence.stating import form_words
from policies.agreement import Agreement
from policies.groups import members_of
from standards.attributes import Catalogue

_STEP: Final = re.compile(r"\d+ (?P<source>\w+)\.(?P<lookup>\w+) by (?P<by>\S+) .*?: (?P<names>.*)")
_SEARCH: Final = re.compile(r"search (?P<source>\w+) by ")
_BELONGING: Final = "who belongs to it"
_REFUSALS: Final = frozenset({"refused", "withdrawn", "objected"})


def agreement_faults(text: str, entry: Mapping[str, Any]) -> list[str]:
    """Return what a permit has that the agreement does not give."""
    try:
        agreement = Agreement.model_validate(YAML(typ="safe", pure=True).load(text))
    except (YAMLError, ValidationError) as error:
        return [f"the agreement cannot be read ({type(error).__name__})"]
    permit, day = entry["permit"], datetime.fromisoformat(entry["at"]).date()
    purpose = agreement.purposes.get(entry["purpose"])
    faults = []
    if agreement.name != entry["agreement"].partition("+")[0]:
        faults.append(f"it is {agreement.name}, not {entry['agreement']}")
    if entry["consumer"] not in {agreement.consumer.id, agreement.consumer.client_id}:
        faults.append(f"it is {agreement.consumer.id}'s, not {entry['consumer']}'s")
    if purpose is None or purpose.legal_basis != permit["legal_basis"]:
        faults.append(f"it has no purpose {entry['purpose']} under {permit['legal_basis']}")
    if not agreement.holds_on(day):
        faults.append(f"it does not hold on {day}")
    wider = [n for n, f in permit["forms"].items() if n not in agreement.forms or form_words(agreement.forms[n]) != f]
    if wider:
        faults.append(f"it gives no right to {', '.join(sorted(wider))} in that form")
    if not agreement.linkage and (traits := sorted(_traits(_steps(entry)))):
        faults.append(f"it gives no right to look people up by {', '.join(traits)}")
    if beyond := sorted(set(entry["released"]) - permit["forms"].keys()):
        faults.append(f"the permit did not name {', '.join(beyond)}, which left")
    return faults


def consent_faults(
    ground: Mapping[str, Any], entry: Mapping[str, Any], receipts: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return why what is told of one person is not covered by the decision that it is said to rest on."""
    decided, _, emergency = ground["basis"].partition("+")
    basis, _, receipt_id = decided.partition(":")
    told = frozenset(entry["permit"]["forms"]) - frozenset(ground["kept_back"])
    if emergency:
        unnamed = sorted(set(emergency.split("+")) - set(entry["agreement"].split("+")))
        return [f"the entry does not name {', '.join(unnamed)}"] if unnamed else []
    if not receipt_id:
        return ["nobody has decided, and something may have been told"] if basis == "consent" and told else []
    if receipt_id.startswith("ct-"):
        return []  # it came with the question: the programme keeps it
    faults: list[str] = []
    for name in (receipt_id, *ground.get("keeping", ())):
        if (receipt := receipts.get(name)) is None:
            if not name.startswith("ct-"):
                faults.append(f"receipt {name} is not there")
        elif name == receipt_id:
            faults += _uncovered(receipt, ground, entry, told)
        else:
            faults += _kept_back(receipt, ground, entry, told)
    return faults


def _kept_back(
    receipt: Mapping[str, Any], ground: Mapping[str, Any], entry: Mapping[str, Any], told: frozenset[str]
) -> Iterator[str]:
    """Say what was told, or asked, in spite of a receipt that keeps parts back; a grant of them that is over does."""
    event, (purpose,) = receipt["event"], receipt["pii_processing"]["purposes"]
    if purpose["purpose"] != entry["purpose"]:
        yield f"the receipt is for {purpose['purpose']}"
    said = event["event_state"] if event["event_state"] in _REFUSALS else "over"
    yield from _refused(said, purpose["pii_information"], ground, told)


def _uncovered(
    receipt: Mapping[str, Any], ground: Mapping[str, Any], entry: Mapping[str, Any], told: frozenset[str]
) -> Iterator[str]:
    event, (purpose,) = receipt["event"], receipt["pii_processing"]["purposes"]
    scope, day = purpose["pii_information"], datetime.fromisoformat(entry["at"]).date()
    if purpose["purpose"] != entry["purpose"]:
        yield f"the receipt is for {purpose['purpose']}"
    if not {"*", entry["consumer"]} & set(purpose["pii_controllers"]):
        yield "the receipt is for another programme"
    if date.fromisoformat(event["valid_from"]) > day:
        yield f"the receipt holds from {event['valid_from']} on"
    if event["event_state"] == "given":
        yield from _not_given(event, scope, day) if told else ()
    elif event["event_state"] in _REFUSALS:
        yield from _refused(event["event_state"], scope, ground, told)
    else:
        yield f"the receipt says {event['event_state']}, which allows nothing"


def _not_given(event: Mapping[str, Any], scope: Mapping[str, Any], day: date) -> Iterator[str]:
    if "valid_until" in event and date.fromisoformat(event["valid_until"]) < day:
        yield f"the receipt held until {event['valid_until']}"
    if "majority_on" in event and date.fromisoformat(event["majority_on"]) <= day:
        yield f"the receipt ended on {event['majority_on']}, when the child came of age"
    if (scope["sources"], scope["attribute_groups"]) != ("*", "*"):
        yield "the receipt is for parts only, which grants nothing by itself"


def _refused(state: str, scope: Mapping[str, Any], ground: Mapping[str, Any], told: frozenset[str]) -> Iterator[str]:
    sources, groups = scope["sources"], scope["attribute_groups"]
    if sources == groups == "*":
        if told:
            yield f"the receipt says {state}, and something may have been told"
    elif groups == "*":
        if asked := sorted(set(sources) & set(ground.get("heard", ()))):
            yield f"the receipt says {state} for {', '.join(asked)}, which was asked"
    elif sources == "*":
        members = members_of(Catalogue.load())
        if kept := sorted(told & {name for group in groups for name in members.get(group, ())}):
            yield f"the receipt says {state} for {', '.join(kept)}"


def plan_faults(entry: Mapping[str, Any]) -> list[str]:
    """Return what was asked though neither the permit nor finding the household needs it."""
    permit = entry["permit"]
    steps = _steps(entry)
    searches = [search for line in entry["plan"].splitlines() if (search := _SEARCH.match(line)) is not None]
    # Somebody has to state the traits first.
    needed = {*permit["forms"], *permit["reads"], *_traits(steps), _BELONGING}
    lookups = {f"{search['source']}.search" for search in searches}
    faults = []
    for step in steps:
        lookups.add(f"{step['source']}.{step['lookup']}")
        # Numbers are written in capitals: they lead from one registry to the next.
        names = {name for name in step["names"].split(", ") if not name.isupper()}
        if beyond := sorted(names - needed):
            faults.append(f"{step['source']}.{step['lookup']} is asked for {', '.join(beyond)}, which nobody needs")
    heard = {source for source, outcome in entry["outcomes"].items() if outcome != "not_asked"}
    # Whose decision counts may have to be asked of who issues a number, before anything can be planned.
    if not entry["grounds"] and (beyond := sorted(entry["sources"].keys() - lookups)):
        faults.append(f"{', '.join(beyond)} answered, and the plan does not name it")
    if not entry["grounds"] and (beyond := sorted(heard - {name.partition(".")[0] for name in lookups})):
        faults.append(f"{', '.join(beyond)} was asked, and the plan does not name it")
    return faults


def _steps(entry: Mapping[str, Any]) -> list[re.Match[str]]:
    return [step for line in entry["plan"].splitlines() if (step := _STEP.fullmatch(line)) is not None]


def _traits(steps: Iterable[re.Match[str]]) -> frozenset[str]:
    """Return by what people are looked up at registries that know no number of anybody."""
    return frozenset(name for step in steps for name in step["by"].split("+") if not step["by"].isupper())

"""The checks of a probe: how a registry behaves with numbers known, unknown and malformed, in batches and at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.kit.fields_seen import beyond, can_be_told
from adapters.kit.findings import Finding
from adapters.kit.probe_calls import MOST_BATCH, UNKNOWN, unknown_numbers
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.kit.probe_calls import Caller, Outcome
    from adapters.ports import Record

MALFORMED: Final = ("'", "0' OR '1'='1", '"}{<&>*', "%00../..", "9" * 99)
"""Numbers that nobody has, and that a careless registry trips over."""
MOST_AT_ONCE: Final = 32
_PEOPLE: Final = 2
"""How many people are asked about to see which fields come."""
_SHOWN: Final = 20


def of_unknown(outcome: Outcome) -> Finding:
    """Return how the registry answers about a number that it does not know."""
    if outcome.failed is not None:
        remedy = "Answer that there is nobody: an empty result, or 404 where `not_found` of the manifest says so."
        return Finding("unknown number", False, _why(outcome), remedy)
    if outcome.found:
        return Finding("unknown number", False, "somebody is held by it", "Say that there is nobody.")
    return Finding("unknown number", True, "nobody")


def of_known(outcomes: Sequence[Outcome]) -> Finding:
    """Return how the registry answers about people whom it should know, one in a call."""
    failed = [one for one in outcomes if one.failed is not None]
    if failed:
        text = f"{len(failed)} of {len(outcomes)} calls failed: {_why(failed[0])}"
        remedy = "Compare what it sends with the manifest: `found`, `records`, and the numbers that a record states."
        return Finding("known numbers", False, text, remedy)
    held = sum(bool(one.found) for one in outcomes)
    if not held:
        # INVARIANT: what is asked in another form than the registry's own never passes for "nobody".
        remedy = (
            "If it does hold them, it writes numbers in another way than they are asked for: see `prefix`, `written`, "
            "`types`. Otherwise give some that it holds."
        )
        return Finding("known numbers", False, f"none of {len(outcomes)} is held there", remedy)
    return Finding("known numbers", True, f"{held} of {len(outcomes)} are held")


async def of_malformed(caller: Caller) -> Finding:
    """Return how the registry takes numbers that cannot be."""
    held, broken = 0, []
    for number in MALFORMED:
        outcome = await caller.ask([number], is_kept=False)
        held += bool(outcome.found)
        if outcome.failed in (UnavailableReason.SOURCE_DOWN, UnavailableReason.SOURCE_TIMEOUT):
            broken.append(_why(outcome))
    if held:
        remedy = "A number goes into a parameter, never into the text of a query: this one was read as part of it."
        return Finding("malformed numbers", False, f"{held} of {len(MALFORMED)} brought somebody's record", remedy)
    if broken:
        remedy = "Answer 400, or that there is nobody: a broken number must not break the registry."
        return Finding("malformed numbers", False, f"{len(broken)} of {len(MALFORMED)}: {broken[0]}", remedy)
    return Finding("malformed numbers", True, "refused, or nobody")


async def of_batches(caller: Caller, single: Mapping[str, Record | None]) -> list[Finding]:
    """Return whether a call about as many people as declared is answered whole, and what one more does.

    single: what calls about one person said; those come last in the call, where a limit would cut them off.
    """
    size = caller.lookup.batch
    known = [number for number, record in single.items() if record is not None]
    if size > MOST_BATCH:
        return [Finding("batch", None, f"{size} people in a call are more than a probe asks about ({MOST_BATCH})")]
    full, lost = await _about(caller, known, size)
    remedy = "Declare the `batch` that it answers whole, and in time."
    if full.failed is not None:
        return [Finding("batch", False, f"{size} in a call: {_why(full)}", remedy)]
    if lost:
        return [Finding("batch", False, f"{size} in a call: {lost} of those whom it knows are missing", remedy)]
    found = [Finding("batch", True, f"{size} in a call are answered")]
    if size == 1:
        return found  # its request has room for one: there is no way of asking about one more
    more, lost = await _about(caller, known, size + 1)
    if more.failed is None and lost:
        remedy = "Refuse too many at once with 400 or 413: an answer that is cut reads as if there was nobody."
        text = f"{size + 1} are answered, but {lost} of those whom it knows are missing"
        found.append(Finding("one more", False, text, remedy))
    elif more.failed is None:
        found.append(Finding("one more", True, f"{size + 1} are answered too"))
    elif more.failed is UnavailableReason.SOURCE_CONTRACT:
        found.append(Finding("one more", True, f"{size + 1} are refused"))
    else:
        remedy = "Refuse too many at once with 400 or 413; silence and 5xx look like an outage."
        found.append(Finding("one more", False, f"{size + 1}: {_why(more)}", remedy))
    return found


async def _about(caller: Caller, known: Sequence[str], size: int) -> tuple[Outcome, int]:
    """Ask about so many people; return what came of it, and how many of those known were not found."""
    last = list(known)[:size]
    strangers = [number for number in unknown_numbers(size + len(last)) if number not in last]
    outcome = await caller.ask([*strangers[: size - len(last)], *last])
    held = {subject.value for subject, record in outcome.records.items() if record is not None}
    return outcome, sum(number not in held for number in last)


async def of_pages(caller: Caller, known: Sequence[str], single: Mapping[str, Record | None]) -> Finding:
    """Return whether one call about several says the same as one call about each: nothing is cut, nobody mixed up."""
    asked = [number for number in known if number in single][: caller.lookup.batch]
    if caller.lookup.batch == 1:
        return Finding("pages", None, "one person in a call: there is nothing to compare")
    if len(asked) < 2:
        return Finding("pages", None, "give two numbers or more that it knows, with --numbers")
    together = await caller.ask(asked)
    if together.failed is not None:
        return Finding("pages", False, _why(together), "Answer all of them, on as many pages as it takes.")
    said = {subject.value: record for subject, record in together.records.items()}
    different = [number for number in asked if (said.get(number) is None) != (single[number] is None)]
    if different:
        remedy = "A call about several must find whom a call about one finds; look for a limit that cuts the answer."
        return Finding("pages", False, f"{len(different)} of {len(asked)} people differ from a call about one", remedy)
    mixed = [number for number in asked if _facts_of(said.get(number)) != _facts_of(single[number])]
    if mixed:
        remedy = "Let every record state the number of its own person, and nothing of anybody else's."
        text = f"of {len(mixed)} of {len(asked)} people another record came than in a call about one"
        return Finding("pages", False, text, remedy)
    return Finding("pages", True, f"{len(asked)} people together as one by one")


def _facts_of(record: Record | None) -> tuple[object, object] | None:
    return None if record is None else (record.values, record.identifiers)


async def of_concurrency(caller: Caller) -> Finding:
    """Return whether as many calls at once as are declared are all answered."""
    if caller.outcomes[0].failed is not None:
        return Finding("at once", None, "not tried: a single call about nobody already fails")
    calls = min(caller.manifest.limits.max_in_flight, MOST_AT_ONCE)
    failed = [one for one in await caller.at_once(UNKNOWN, calls) if one.failed is not None]
    if failed:
        remedy = "Declare the `limits.max_in_flight` that it bears, or give it more room."
        return Finding("at once", False, f"{len(failed)} of {calls} calls at once: {_why(failed[0])}", remedy)
    return Finding("at once", True, f"{calls} calls at once are answered")


async def of_privacy(caller: Caller, known: Sequence[str], exempt: str | None) -> list[Finding]:
    """Return whether the registry sends more than it was asked for: other people, or other facts.

    exempt: why the readiness list exempts it from `minimal`; None when it does not.
    """
    strangers = [one for one in caller.outcomes if one.failed is UnavailableReason.WRONG_SUBJECT]
    remedy = "Send records only of the people asked about."
    text = f"in {len(strangers)} of {len(caller.outcomes)} answers"
    people = Finding("other people", not strangers, text, remedy)
    if not any(one.found for one in caller.outcomes):
        return [people, Finding("other facts", None, caller.lacks)]
    if caller.watch is None or not can_be_told(caller.manifest):
        return [
            people,
            Finding(
                "other facts",
                None,
                "not to be told from outside: only the columns asked for are read"
                if caller.watch is None
                else "not to be told: an adapter of its own reads the records",
            ),
        ]
    wanted = frozenset(caller.lookup.attributes[:1])
    caller.watch.keeps = True
    asked = list(known)[:_PEOPLE]
    for at in range(0, len(asked), caller.lookup.batch):
        await caller.ask(asked[at : at + caller.lookup.batch], names=wanted)
    never = beyond(caller.manifest, caller.watch.responses)
    every = beyond(caller.manifest, caller.watch.responses, wanted)
    unasked = {name: times for name, times in every.items() if name not in never}
    caller.watch.keeps = False
    caller.watch.responses.clear()
    return [people, _facts("fields that nobody reads", never, exempt), _facts("facts not asked for", unasked, exempt)]


def _facts(what: str, names: Mapping[str, int], exempt: str | None) -> Finding:
    """Return what is found of names of fields.

    INVARIANT: a name that only one place bears is not shown: it may be somebody's, who serves as a key.
    """
    if not names:
        return Finding(what, True, "none")
    several = [name for name, times in names.items() if times > 1]
    once = len(names) - len(several)
    shown = ", ".join(several[:_SHOWN]) + (" ..." if len(several) > _SHOWN else "")
    if once:
        hidden = f"{once} that one record has (two numbers that it knows may tell their names)"
        shown = f"{shown}, and {hidden}" if shown else hidden
    if exempt is not None:
        return Finding(what, None, f"{shown} (exempt: {exempt})")
    remedy = (
        "Let the registry send only what is asked for (a list of fields, a view, a narrower scope), or say in "
        "readiness.yaml under `minimal` why it cannot."
    )
    return Finding(what, False, shown, remedy)


def of_coverage(caller: Caller, records: Sequence[Record]) -> tuple[dict[str, float], list[Finding]]:
    """Return the share of records that state each identifier, and where it is below what is declared."""
    if not records:
        return {}, [Finding("coverage", None, caller.lacks)]
    types = dict.fromkeys((*caller.lookup.identifiers, *caller.manifest.coverage))
    shares = {type_: round(sum(type_ in one.identifiers for one in records) / len(records), 4) for type_ in types}
    found = []
    for type_, share in shares.items():
        declared = caller.manifest.coverage.get(type_)
        text = f"{share:.1%} of {len(records)} records" + (f", {declared:.1%} declared" if declared is not None else "")
        # One record of a small sample may be the one without.
        is_good = declared is None or share >= declared - 1 / len(records)
        found.append(Finding(f"records with {type_}", is_good, text, "Correct `coverage`, or the records."))
    return shares, found


def _why(outcome: Outcome) -> str:
    return f"{outcome.failed}" + (f" ({outcome.detail})" if outcome.detail else "")

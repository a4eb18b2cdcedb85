"""What an entry of the journal says to the person concerned: titles in place of codes, in whole sentences. Pure.

Shape: that of Estonia's data tracker as far as it goes (`logtime`, `action`, `receiver` with code, name and system),
and beside it everything that `action` says, as fields of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple, Protocol

from gateway.trail.words import Sentences, listed
from policies.agreement import Agreement, Purpose

QUESTIONS: Final = frozenset(
    {"search.answered", "search.denied", "search.rejected", "search.unanswered", "search.abandoned", "event.told"}
)
"""Entries that are told as questions."""
UNMADE: Final = frozenset({"search.superseded", "search.withheld", "search.abandoned"})
"""Entries that say of an answer before them, of the same correlation, that it did not leave."""
_OUTCOMES: Final = {
    "search.denied": "refused",
    "search.rejected": "refused",
    "search.unanswered": "not_answered",
    "search.abandoned": "ended",
}
_EMERGENCY: Final = "emergency:"

Entry = Mapping[str, Any]
"""One entry of the journal, as it is kept."""


class Found(NamedTuple):
    """One entry about a person."""

    seq: int
    entry: Entry
    is_given: bool = True
    """False for an answer that was ready and did not leave."""


class Agreements(Protocol):
    """The agreements, those that have ended included."""

    def versions(self, consumer_id: str) -> Collection[Agreement]:
        """Return all versions of a consumer's agreements."""
        ...


class Titles(NamedTuple):
    """Where codes get their titles from; each gives None for what it does not know."""

    agreements: Agreements
    attribute: Callable[[str], str | None]
    registry: Callable[[str], str | None]
    emergency: Callable[[str], str | None]
    sender: Callable[[str], str | None]
    """client_id -> the name its messages bear."""


def told(found: Found, names: Collection[str], titles: Titles, words: Sentences) -> dict[str, Any]:
    """Return one entry as its person reads it: kinds of facts, never a value, and nobody's number.

    names: the pseudonyms of the person's numbers.
    """
    entry = found.entry
    if entry["event"] not in QUESTIONS:
        return _record(found, titles, words)
    terms = _Terms.of(entry, titles)
    outcome = _OUTCOMES.get(entry["event"]) or _given(found)
    why = _why(entry, terms, words)
    role = "subject" if entry["subject"] in names else "household" if entry["subject"] else "search"
    released = [{"name": n, "title": titles.attribute(n) or n} for n in entry["released"]] if outcome == "told" else []
    asked = {s: said for s, said in entry["outcomes"].items() if said != "not_asked"}
    registries = [
        {"id": s, "title": titles.registry(s) or s, "heard": said != "unavailable"} for s, said in sorted(asked.items())
    ]
    basis = terms.purpose.legal_basis.value if terms.purpose is not None else "none"
    reference = terms.purpose.reference if terms.purpose is not None else ""
    emergencies = [{"id": e, "title": titles.emergency(e) or e} for e in terms.emergencies]
    sentences = [
        words.asked[role].format(who=terms.name, why=why),
        words.outcomes[outcome].format(what=listed([one["title"] for one in released], words)),
    ]
    if outcome in {"told", "nothing_told"}:
        sentences.append(words.bases[basis].format(reference=reference))
        if emergencies:
            sentences.append(words.emergency.format(emergency=listed([e["title"] for e in emergencies], words)))
    sentences += _asked(registries, words)
    return {
        "entry": found.seq,
        "kind": "question",
        "logtime": entry["at"],
        "action": " ".join(sentences),
        "receiver": {"code": entry["consumer"], "name": terms.name, "system": titles.sender(entry["consumer"]) or ""},
        "role": role,
        "purpose": {"code": terms.purpose_code, "title": why},
        "legal_basis": {"code": basis, "reference": reference, "text": words.bases[basis].format(reference=reference)},
        "outcome": outcome,
        "facts": released,
        "registries": registries,
        "emergencies": emergencies,
        "reference": entry["correlation"],
    }


class _Terms(NamedTuple):
    """Under what a question was asked."""

    name: str
    """Of the programme."""
    purpose: Purpose | None
    purpose_code: str
    emergencies: tuple[str, ...]

    @classmethod
    def of(cls, entry: Entry, titles: Titles) -> _Terms:
        """Find the agreement that an entry names; of one that names none, whatever bears the purpose."""
        first, *others = entry["agreement"].split("+")
        emergencies = tuple(one.removeprefix(_EMERGENCY) for one in others if one.startswith(_EMERGENCY))
        known = sorted(titles.agreements.versions(entry["consumer"]), key=lambda a: (a.id, a.order))
        exact = [a for a in known if a.name == first]
        # A question that was refused names no agreement; the newest of the consumer's still knows its name.
        bearing = exact or [a for a in known if entry["purpose"] in a.purposes] or known
        name = bearing[-1].consumer.title if bearing else entry["consumer"]
        purpose = bearing[-1].purposes.get(entry["purpose"]) if bearing else None
        is_code = purpose is not None or exact
        return cls(name, purpose, entry["purpose"] if is_code else "", emergencies)


def _given(found: Found) -> str:
    if not found.is_given:
        return "not_given"
    return "told" if found.entry["released"] else "nothing_told"


def _why(entry: Entry, terms: _Terms, words: Sentences) -> str:
    if terms.purpose is not None:
        return terms.purpose.title
    # What no agreement names may be anything; the journal has a digest of it, which says nothing to anybody.
    return terms.purpose_code or words.unknown_purpose


def _asked(registries: list[dict[str, Any]], words: Sentences) -> list[str]:
    heard = [one["title"] for one in registries if one["heard"]]
    unheard = [one["title"] for one in registries if not one["heard"]]
    return [
        *([words.registries.format(which=listed(heard + unheard, words))] if registries else []),
        *([words.unheard.format(which=listed(unheard, words))] if unheard else []),
    ]


def _record(found: Found, titles: Titles, words: Sentences) -> dict[str, Any]:
    """Return an entry about what is kept here: a decision, a look at decisions, a dispute, an auditor's search."""
    entry = found.entry
    who = entry.get("consumer") or entry.get("by") or "?"
    name = next((a.consumer.title for a in titles.agreements.versions(who)), who)
    return {
        "entry": found.seq,
        "kind": "record",
        "logtime": entry["at"],
        "action": words.records.get(entry["event"], words.other).format(who=name),
        "receiver": {"code": who, "name": name, "system": titles.sender(who) or ""},
        "event": entry["event"],
        "reference": entry.get("correlation", ""),
    }

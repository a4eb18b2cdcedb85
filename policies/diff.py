"""What one version of an agreement changes over another, and which of its changes widen. In doubt, it widens."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from policies.agreement import LegalBasis, ProbeTerms
from policies.breadth import tells_no_more
from policies.wording import form_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from policies.agreement import Agreement, EventTerms, Purpose, SearchTerms


class Effect(StrEnum):
    """What a change does to what a programme may know."""

    WIDENS = "widens"
    NARROWS = "narrows"
    REWORDS = "rewords"
    """Only texts for people change."""


class Change(NamedTuple):
    """One change, in one place of the file."""

    where: str
    """Dotted path: `attributes.income_annual`."""
    effect: Effect
    sentence: str


def diff(old: Agreement | None, new: Agreement) -> tuple[Change, ...]:
    """Return every change from one version to another, in the order of the file.

    old: None for a first version, which widens in everything it allows.
    """
    if old is None:
        return (Change("agreement", Effect.WIDENS, "a first version: everything it allows is new"),)
    return (
        *_consumer(old, new),
        *_texts("title", old.title, new.title),
        *_term(old, new),
        *_purposes(old, new),
        *_household(old, new),
        *_attributes(old, new),
        *_limits(old, new),
        *_search(old.search, new.search),
        *_bulk(old, new),
        *_events(old.events, new.events),
        *_switch("past", "to ask about the past", is_right=True, old=old.past, new=new.past),
        *_switch(
            "linkage", "to have people looked up by name at registries that know no number", is_right=True,
            old=old.linkage, new=new.linkage,
        ),
        *_switch(
            "hide_withheld", "to show what is withheld as absent", is_right=False, old=old.hide_withheld,
            new=new.hide_withheld,
        ),
        *_guard(old, new),
    )  # fmt: skip


def widens(changes: Iterable[Change]) -> bool:
    """Tell whether any of these changes needs a second person."""
    return any(change.effect is Effect.WIDENS for change in changes)


def _change(where: str, sentence: str, *, is_wider: bool) -> Change:
    return Change(where, Effect.WIDENS if is_wider else Effect.NARROWS, sentence)


def _texts(where: str, old: str, new: str) -> Iterator[Change]:
    if old != new:
        yield Change(where, Effect.REWORDS, "is worded differently")


def _consumer(old: Agreement, new: Agreement) -> Iterator[Change]:
    for key in ("id", "client_id", "sender_id"):
        if getattr(old.consumer, key) != getattr(new.consumer, key):
            yield _change(f"consumer.{key}", "another system becomes the one that is told", is_wider=True)
    yield from _texts("consumer.title", old.consumer.title, new.consumer.title)
    yield from _listed("consumer.sender_uris", old.consumer.sender_uris, new.consumer.sender_uris)
    yield from _listed("consumer.callback_hosts", old.consumer.callback_hosts, new.consumer.callback_hosts)


def _listed(where: str, old: Iterable[str], new: Iterable[str], *, is_restriction: bool = False) -> Iterator[Change]:
    """Compare two lists of which each entry is a right or, as a restriction, takes one away."""
    before, after = set(old), set(new)
    if added := sorted(after - before):
        yield _change(where, f"adds {', '.join(added)}", is_wider=not is_restriction)
    if dropped := sorted(before - after):
        yield _change(where, f"drops {', '.join(dropped)}", is_wider=is_restriction)


def _term(old: Agreement, new: Agreement) -> Iterator[Change]:
    if old.start != new.start:
        # A later start changes nothing before it: until then the older version holds.
        yield _change("start", f"starts on {new.start}, not on {old.start}", is_wider=new.start < old.start)
    if old.end != new.end:
        yield _change("end", f"ends on {new.end}, not on {old.end}", is_wider=new.end > old.end)


def _purposes(old: Agreement, new: Agreement) -> Iterator[Change]:
    yield from _listed("purposes", old.purposes, new.purposes)
    for code in sorted(old.purposes.keys() & new.purposes.keys()):
        yield from _purpose(f"purposes.{code}", old.purposes[code], new.purposes[code])


def _purpose(where: str, old: Purpose, new: Purpose) -> Iterator[Change]:
    if old.legal_basis != new.legal_basis:
        # Only under consent do the people concerned have a say; of two laws nobody can say which is the weaker.
        yield _change(
            f"{where}.legal_basis",
            f"rests on {new.legal_basis}, not on {old.legal_basis}",
            is_wider=new.legal_basis is not LegalBasis.CONSENT,
        )
    for key in ("title", "reference"):
        if getattr(old, key) != getattr(new, key):
            # What was agreed, or consented to, is the purpose as it was worded.
            yield _change(f"{where}.{key}", "says something else, so it may be another purpose", is_wider=True)
    for key in ("per_day", "per_month"):
        yield from _bound(f"{where}.quota.{key}", getattr(old.quota, key), getattr(new.quota, key), "questions")


def _bound(where: str, old: float | None, new: float | None, unit: str) -> Iterator[Change]:
    """Compare two upper bounds; None is no bound."""
    if old == new:
        return
    said = [f"{bound:.15g} {unit}" if bound is not None else "no limit" for bound in (new, old)]
    yield _change(where, f"{said[0]}, not {said[1]}", is_wider=new is None or (old is not None and new > old))


def _household(old: Agreement, new: Agreement) -> Iterator[Change]:
    before, after = (a.household.rule if a.household else None for a in (old, new))
    if before != after:
        yield _change(
            "household", f"households are found by {after or 'no rule'}, not by {before or 'any'}",
            is_wider=after is not None,
        )  # fmt: skip


def _attributes(old: Agreement, new: Agreement) -> Iterator[Change]:
    for name in new.attributes:
        where, told = f"attributes.{name}", new.forms[name]
        if name not in old.attributes:
            yield _change(where, f"is added, {form_words(told)}", is_wider=True)
        elif old.forms[name] != told:
            yield _change(
                where,
                f"is told {form_words(told)}; before, {form_words(old.forms[name])}",
                is_wider=not tells_no_more(told, old.forms[name]),
            )
    for name in old.attributes:
        if name not in new.attributes:
            yield _change(f"attributes.{name}", "is told no more", is_wider=False)


def _limits(old: Agreement, new: Agreement) -> Iterator[Change]:
    for key, unit in (("max_age_s", "seconds"), ("stale_if_error_s", "seconds"), ("retention_days", "days")):
        yield from _bound(key, getattr(old, key), getattr(new, key), unit)
    yield from _listed("mandatory", old.mandatory, new.mandatory, is_restriction=True)


def _search(old: SearchTerms | None, new: SearchTerms | None) -> Iterator[Change]:
    if old is None or new is None:
        yield from _right("search", "to search for people and households", old=old, new=new)
        return
    yield from _listed("search.attributes", old.attributes, new.attributes)
    yield from _bound("search.max_results", old.max_results, new.max_results, "results")
    if old.totals != new.totals:
        is_wider = TOTALS.index(new.totals) > TOTALS.index(old.totals)
        yield _change("search.totals", f"totals are {new.totals}, not {old.totals}", is_wider=is_wider)
    # A smaller group tells more: the bound is a lower one.
    if old.min_group_size != new.min_group_size:
        yield _change(
            "search.min_group_size",
            f"groups of {new.min_group_size} or more are shown, not of {old.min_group_size} or more",
            is_wider=new.min_group_size < old.min_group_size,
        )


TOTALS: Final = ("hidden", "rounded", "exact")
"""From the one that tells least."""


def _guard(old: Agreement, new: Agreement) -> Iterator[Change]:
    """Compare what keeps a programme from working out what it is not told."""
    if old.even_time_ms != new.even_time_ms:
        yield _change(
            "even_time_ms",
            f"answers leave at multiples of {new.even_time_ms} ms, not of {old.even_time_ms} ms",
            # Only a whole multiple of the former time is surely no finer.
            is_wider=new.even_time_ms == 0 or bool(old.even_time_ms and new.even_time_ms % old.even_time_ms),
        )
    for name in sorted(old.probes.keys() | new.probes.keys()):
        before, after = old.probes.get(name, ProbeTerms()), new.probes.get(name, ProbeTerms())
        for key in ("answers", "thresholds", "search_values"):
            bounds = getattr(before, key), getattr(after, key)
            if bounds[0] != bounds[1]:
                # What the gateway's own limit is, the file does not tell: to and from it, in doubt, widens.
                said = [str(bound) if bound is not None else "the gateway's own limit" for bound in bounds]
                is_wider = None in bounds or bounds[1] > bounds[0]
                yield _change(f"probes.{name}.{key}", f"{said[1]}, not {said[0]}", is_wider=is_wider)


def _bulk(old: Agreement, new: Agreement) -> Iterator[Change]:
    if old.bulk is None or new.bulk is None:
        yield from _right("bulk", "to ask in bulk", old=old.bulk, new=new.bulk)
        return
    yield from _bound("bulk.max_questions", old.bulk.max_questions, new.bulk.max_questions, "questions")


def _events(old: EventTerms | None, new: EventTerms | None) -> Iterator[Change]:
    if old is None or new is None:
        yield from _right("events", "to be told of events", old=old, new=new)
        return
    yield from _listed("events.kinds", old.kinds, new.kinds)
    yield from _bound("events.max_subscriptions", old.max_subscriptions, new.max_subscriptions, "subscriptions")
    if old.min_interval_s != new.min_interval_s:
        yield _change(
            "events.min_interval_s",
            f"looks every {new.min_interval_s:.15g} seconds at most, not every {old.min_interval_s:.15g}",
            is_wider=new.min_interval_s < old.min_interval_s,
        )


def _right(where: str, what: str, *, old: object, new: object) -> Iterator[Change]:
    yield from _switch(where, what, is_right=True, old=old is not None, new=new is not None)


def _switch(where: str, what: str, *, is_right: bool, old: bool, new: bool) -> Iterator[Change]:
    if old != new:
        kind = "right" if is_right else "duty"
        yield _change(where, f"{'gains' if new else 'loses'} the {kind} {what}", is_wider=new is is_right)


FIELDS: Final = frozenset(
    {
        "id", "version", "consumer", "title", "start", "end", "purposes", "household", "attributes", "max_age_s",
        "stale_if_error_s", "mandatory", "retention_days", "search", "bulk", "events", "past", "linkage",
        "hide_withheld", "even_time_ms", "probes",
    }
)  # fmt: skip
"""Keys of an agreement that are compared here, or that name the version itself; a test holds it against the model."""

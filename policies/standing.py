"""What all decisions of one person amount to, for one purpose of one consumer, on one day. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.ports import Standing, StandingKind
from policies.receipts import Capacity, Decision

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from policies.receipts import Receipt

_OF_CONSENT: Final = frozenset({Decision.GRANTED, Decision.REFUSED, Decision.WITHDRAWN})
_OBJECTIONS: Final = frozenset({Decision.OBJECTED})

_Part = tuple[str | None, str | None]
"""A source, or None for all, and an attribute group, or None for all."""
_ALL: Final[_Part] = (None, None)


def standing_of(receipts: Iterable[Receipt], consumer_id: str, at: date) -> Standing:
    """Return where a person stands under consent.

    receipts: in the order in which they were recorded. The newest decision wins, for everything and for each part
    (a source, an attribute group, or one group of one source). A refusal of parts takes them out of a grant; alone, it
    grants nothing, as nothing but a grant of everything does. A grant counts from its first day to its last; a refusal
    counts at once, and until the person decides otherwise. What was withdrawn never counts again, and a guardian's
    grant not after the child came of age: where nothing but a refusal or a withdrawal of parts is left, everything is
    refused.
    """
    relevant, has_ended = _relevant(receipts, consumer_id, at, _OF_CONSENT)
    whole: Receipt | None = None
    parts: dict[_Part, Receipt] = {}
    for receipt in relevant:
        if receipt.sources is None and receipt.groups is None:
            whole, parts = receipt, {}
        else:
            _take(parts, receipt)
    if whole is None:
        # INVARIANT: nothing but a grant of everything is one: no refusal of parts grants the rest.
        refusals = [r for r in relevant if r.decision is not Decision.GRANTED and r.given_on <= at]
        if refusals:
            return Standing(StandingKind.REFUSED, receipt_id=refusals[-1].receipt_id)
        return Standing(StandingKind.ENDED if has_ended else StandingKind.MISSING)
    kind = StandingKind.REFUSED if whole.decision is not Decision.GRANTED else _term(whole, at)
    if kind is not StandingKind.GRANTED:
        return Standing(kind, receipt_id=whole.receipt_id)
    # INVARIANT: a grant of parts ends on its last day, as any other; what it has ended for is not asked.
    refused = [part for part, r in parts.items() if r.decision is not Decision.GRANTED or _is_over(r, at)]
    is_guardians = whole.capacity is Capacity.GUARDIAN
    return Standing(
        kind,
        frozenset(source for source, group in refused if group is None and source is not None),
        whole.receipt_id,
        frozenset((source, group) for source, group in refused if group is not None),
        guardian=whole.given_by if is_guardians else None,
        relation=whole.relation if is_guardians else None,
        giver_type=whole.giver_type if is_guardians else None,
        keeping=tuple(sorted({parts[part].receipt_id for part in refused})),
    )


def objection_of(receipts: Iterable[Receipt], consumer_id: str, at: date) -> Standing:
    """Return where a person stands under a basis that the person may object to: granted, but for what was objected."""
    relevant, _ = _relevant(receipts, consumer_id, at, _OBJECTIONS)
    parts: dict[_Part, Receipt] = {}
    for receipt in relevant:
        if receipt.sources is None and receipt.groups is None:
            return Standing(StandingKind.OBJECTED, receipt_id=receipt.receipt_id, is_objection=True)
        _take(parts, receipt)
    return Standing(
        StandingKind.GRANTED,
        frozenset(source for source, group in parts if group is None and source is not None),
        relevant[-1].receipt_id if relevant else None,
        frozenset((source, group) for source, group in parts if group is not None),
        keeping=tuple(sorted({receipt.receipt_id for receipt in parts.values()})),
        is_objection=True,
    )


def _relevant(
    receipts: Iterable[Receipt], consumer_id: str, at: date, kinds: frozenset[Decision]
) -> tuple[Sequence[Receipt], bool]:
    """Return the decisions that count on a day, oldest first, and whether a guardian's grant has ended by majority."""
    known = tuple(receipts)
    withdrawn = {r.withdraws for r in known if r.withdraws is not None}
    relevant: list[Receipt] = []
    has_ended = False
    for receipt in known:
        if receipt.decision not in kinds or receipt.consumer_id not in {None, consumer_id}:
            continue
        # INVARIANT: a withdrawn grant never counts again, whatever day it was given for.
        if receipt.receipt_id in withdrawn:
            continue
        if receipt.decision is Decision.GRANTED:
            if receipt.given_on > at:
                continue
            # INVARIANT: on the day a child comes of age, nobody else's grant counts for it any more.
            if _has_come_of_age(receipt, at):
                has_ended = True
                continue
        relevant.append(receipt)
    if len(relevant) > 1:
        # Sorting is stable: of the decisions of one day, the one recorded last is the newest.
        relevant.sort(key=lambda r: r.given_on)
    return relevant, has_ended


def _take(parts: dict[_Part, Receipt], receipt: Receipt) -> None:
    """Note a decision about parts; it replaces older ones about the same, or about less."""
    sources: Iterable[str | None] = (None,) if receipt.sources is None else receipt.sources
    groups: Iterable[str | None] = (None,) if receipt.groups is None else receipt.groups
    for source in sources:
        for group in groups:
            # A grant of less than was refused leaves the refusal: both parts are kept, and the refused one counts.
            for part in [p for p in parts if source in {None, p[0]} and group in {None, p[1]}]:
                del parts[part]
            parts[source, group] = receipt


def _term(receipt: Receipt, at: date) -> StandingKind:
    return StandingKind.MISSING if _is_over(receipt, at) else StandingKind.GRANTED


def _has_come_of_age(receipt: Receipt, at: date) -> bool:
    return receipt.majority_on is not None and receipt.majority_on <= at


def _is_over(receipt: Receipt, at: date) -> bool:
    return receipt.until is not None and receipt.until < at

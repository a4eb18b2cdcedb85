"""Entries of the journal about the trail itself: who read it, who wants to be told, who disputes what. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from gateway.ports import JournalEntry
from gateway.trail.disputes import Dispute


def noted(
    event: str,
    client_id: str,
    names: Collection[str],
    now: datetime,
    *,
    reference: str = "",
    outcomes: Mapping[str, str] | None = None,
    attributes: tuple[str, ...] = (),
) -> JournalEntry:
    """Return the entry of something that was done with a person's trail.

    names: the person's pseudonyms; it is found by each of them.
    """
    first, *others = sorted(names) or [""]
    return JournalEntry(
        at=now,
        event=event,
        consumer=client_id,
        purpose="",
        agreement="",
        subject=first,
        members=tuple(others),
        transaction="",
        correlation=reference,
        released=attributes,
        plan="",
        outcomes=dict(outcomes or {}),
        answer_digest="",
    )


def noted_dispute(event: str, client_id: str, dispute: Dispute, now: datetime) -> JournalEntry:
    """Return the entry of something that was done about a dispute."""
    return noted(
        event,
        client_id,
        [dispute.journal_as],
        now,
        reference=dispute.dispute_id,
        outcomes={dispute.registry: dispute.answer or dispute.reason},
    )

"""Household: from a boundary rule and what two registries said, the people who belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from adapters.ports import GroupMember, Link
from standards.dates import years_between
from standards.household import Evidence
from standards.rules import PERSON_ONLY, BoundaryRule

if TYPE_CHECKING:
    from gateway.stages.fetch import Heard


class Found(NamedTuple):
    """Somebody whom the rule takes into the household."""

    identifiers: Mapping[str, str]
    relationship: str
    evidence: tuple[Evidence, ...]


class Membership(NamedTuple):
    """Who belongs to the household, the person asked about first; and whose word on it is missing."""

    found: tuple[Found, ...]
    unheard: tuple[str, ...] = ()


def settle(
    rule: BoundaryRule | None,
    asked: Mapping[str, str] | None,
    *,
    group: Heard | None,
    kin: Heard | None,
    today: date,
) -> Membership:
    """Return the household of `asked`, or of the group when a household number was asked about.

    A recorded group decides where the rule knows of groups; next of kin decide where none is recorded. When a
    registry that the rule listens to could not be heard, the household is what the others say, and `unheard`
    names the silent one, so that nobody takes a shorter list for the whole.
    """
    rule = rule or PERSON_ONLY
    unheard: list[str] = []
    if rule.registered or asked is None:
        if group is not None and group.reason is not None:
            unheard.append(group.provenance.source_id)
        if group is not None and group.record is not None:
            found = _registered(group.record.members, asked, group.provenance.source_id)
            return Membership(found if rule.registered else found[:1])
    if asked is None:
        return Membership((), tuple(unheard))
    alone = Found(asked, "SELF", (Evidence("asked"),))
    if not rule.kin or kin is None:
        return Membership((alone,), tuple(unheard))
    if kin.record is None:
        if kin.reason is not None:
            unheard.append(kin.provenance.source_id)
        return Membership((alone,), tuple(unheard))
    birth_date = kin.record.values.get("birth_date")
    is_child = isinstance(birth_date, str) and (
        years_between(date.fromisoformat(birth_date), today) < rule.child_until_age
    )
    found = _parents(alone, kin) if is_child else _own_family(alone, kin, rule, today)
    return Membership(found, tuple(unheard))


def _registered(members: Sequence[GroupMember], asked: Mapping[str, str] | None, source_id: str) -> tuple[Found, ...]:
    """Return the recorded members; the person asked about comes first, else the head does."""
    found = [
        Found(m.identifiers, m.relationship, (Evidence("registered", source_id, m.relationship),)) for m in members
    ]
    if asked is None:
        return tuple(sorted(found, key=lambda f: f.relationship != "SELF"))
    own = [f for f in found if f.identifiers.items() & asked.items()]
    others = [f for f in found if f not in own]
    if not own:
        return (Found(asked, "", (Evidence("asked"),)), *others)
    me = own[0]
    return (
        me._replace(identifiers={**me.identifiers, **asked}, evidence=(Evidence("asked"), *me.evidence)),
        *others,
    )


def _own_family(alone: Found, kin: Heard, rule: BoundaryRule, today: date) -> tuple[Found, ...]:
    """Return a grown person with spouse and with the children under age; the person heads the household."""
    links = kin.record.links if kin.record else ()
    spouses = [link for link in links if link.relation == "SPS"]
    children = [
        link
        for link in links
        if link.relation == "CHILD"
        and link.birth_date is not None
        and years_between(date.fromisoformat(link.birth_date), today) < rule.child_until_age
    ]
    return (alone, *(_tied(link, link.relation, kin) for link in (*spouses, *children)))


def _parents(alone: Found, kin: Heard) -> tuple[Found, ...]:
    """Return a child with its parents; the first parent heads the household."""
    parents = [link for link in (kin.record.links if kin.record else ()) if link.relation == "PRN"]
    heads = [_tied(link, "SPS" if place else "SELF", kin) for place, link in enumerate(parents)]
    return (alone._replace(relationship="CHILD") if parents else alone, *heads)


def _tied(link: Link, relationship: str, kin: Heard) -> Found:
    evidence = Evidence("kin", kin.provenance.source_id, link.relation, of=0)
    return Found(link.identifiers, relationship, (evidence,))

"""Fingerprints: what one look saw, so that the next one can tell what is another, and nobody what it was. Pure.

A fingerprint is keyed for its subscription and stands for one attribute of one person. What could not be seen keeps the
one of the look before.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import orjson

from gateway.stages.rooms import Disclosure
from standards.dci.events import OF_HOUSEHOLDS, EventKind
from standards.identifiers import SHARED_TYPES, UIN, Identifier
from standards.states import Absent, AttributeState, settled

_HOUSEHOLD: Final = "household"
_MEMBER: Final = "is a member"
_KNOWN: Final = "is known"
_STATUS: Final[Mapping[EventKind, tuple[str, frozenset[object]]]] = {
    EventKind.DEATH: ("vital_status", frozenset({"dead"})),
    EventKind.MARRIAGE: ("marital_status", frozenset({"M"})),
    EventKind.DIVORCE: ("marital_status", frozenset({"D", "A"})),
}
"""Kind -> the attribute that says so, and the values by which it does."""


class Look(NamedTuple):
    """What one look came to, beside the one before."""

    prints: Mapping[str, str]
    """Slot -> fingerprint, to be kept for the next look."""
    is_first: bool
    changed: frozenset[str]
    """Slots whose fingerprint is another."""
    joined: bool
    """Somebody is a member who was none."""
    bears_out: bool
    """It shows what the subscription is about, and did not before."""


def looked(key: bytes, kind: EventKind, found: Disclosure | None, before: Mapping[str, str]) -> Look:
    """Return what a look saw.

    key: of this subscription alone.
    found: what may be told; None when the registries answered that they know nobody by that number.
    before: fingerprints of the look before; none at the first.
    """
    prints = _Prints(key)
    prints.see(_HOUSEHOLD, _KNOWN, found is not None)
    if found is not None:
        prints.see_all(_HOUSEHOLD, found.profile.attributes)
        for member, person in zip(found.profile.members, found.gathered.people, strict=False):
            who = _name(person.known_by())
            prints.see(who, _MEMBER, value=True)
            prints.see_all(who, member.attributes)
    is_whole = found is not None and not found.profile.unheard
    seen = dict(prints.seen)
    for slot, print_ in before.items():
        whose = slot.partition(":")[0]
        if slot in prints.unseen or (found is None and slot not in seen):
            seen[slot] = print_  # INVARIANT: an outage is never a change, nor is what somebody keeps back.
        elif whose not in prints.people and not is_whole:
            seen[slot] = print_  # somebody who was not found, while not all who might name a member were heard
    changed = {slot for slot in seen.keys() & before.keys() if seen[slot] != before[slot]}
    joined = {slot for slot in prints.members if before and slot not in before}
    left = {slot for slot in before if slot.endswith(prints.suffix_of_members) and slot not in seen}
    every = frozenset(changed | joined | left)
    return Look(
        seen, not before, every, bool(joined), _bears_out(kind, prints, every, joined=bool(joined), found=found)
    )


class _Prints:
    """Slots and fingerprints under one key. A slot is `<whose>:<of what>`, both keyed digests."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.seen: dict[str, str] = {}
        self.unseen: set[str] = set()
        self.people: set[str] = {self._digest("who", _HOUSEHOLD)}
        self.members: set[str] = set()
        self.suffix_of_members = f":{self._digest('what', _MEMBER)}"

    def slot(self, who: str, name: str) -> str:
        return f"{self._digest('who', who)}:{self._digest('what', name)}"

    def see(self, who: str, name: str, value: object) -> None:
        slot = self.slot(who, name)
        self.people.add(slot.partition(":")[0])
        written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        self.seen[slot] = self._digest("value", slot, written)
        if name == _MEMBER:
            self.members.add(slot)

    def see_all(self, who: str, attributes: Mapping[str, AttributeState]) -> None:
        for name, state in attributes.items():
            value = settled(state)
            if value is not None or isinstance(state, Absent):
                self.see(who, name, None if value is None else value.value)
            else:
                self.unseen.add(self.slot(who, name))

    def _digest(self, *words: str) -> str:
        return hmac.digest(self._key, "\x00".join(words).encode(), hashlib.sha256).hex()[:30]


def _name(numbers: Iterable[Identifier]) -> str:
    """Return by which number somebody is known from look to look: the national one, else the first by type."""
    own = sorted(n for n in numbers if n.type not in SHARED_TYPES)
    first = next((n for n in own if n.type == UIN), own[0] if own else Identifier("", ""))
    return f"{first.type}\x00{first.value}"


def _bears_out(
    kind: EventKind, prints: _Prints, changed: frozenset[str], *, joined: bool, found: Disclosure | None
) -> bool:
    if not changed or found is None:
        return False
    if kind in OF_HOUSEHOLDS:
        return joined
    if kind is EventKind.REGISTER:
        return prints.slot(_HOUSEHOLD, _KNOWN) in changed
    if kind in _STATUS:
        name, values = _STATUS[kind]
        number = found.profile.subject or 0
        state = found.profile.members[number].attributes.get(name)
        slot = prints.slot(_name(found.gathered.people[number].known_by()), name)
        value = None if state is None else settled(state)
        return slot in changed and value is not None and value.value in values
    return True

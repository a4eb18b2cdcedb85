"""Comparing: what a shadow said, attribute by attribute, with what the answer rested on. Pure; counts, no values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.stages.claims import Weighing
from standards.states import Conflict, UnavailableReason, Value

if TYPE_CHECKING:
    from adapters.manifest import Manifest
    from gateway.stages.gathered import Gathered
    from gateway.stages.people import Person
    from gateway.stages.under_way import Heard
    from standards.attributes import Catalogue
    from standards.permit import Permit
    from standards.states import JsonValue

Key = tuple[str, str, str, str]
"""Registry, version, attribute, outcome."""


_NOT_ASKED: Final = frozenset({UnavailableReason.NO_IDENTIFIER, UnavailableReason.IDENTIFIER_UNAVAILABLE})
"""The shadow was not asked, for want of a number that others should have stated."""


class Compared(StrEnum):
    """What one attribute of one person came to."""

    AGREE = "agree"
    DIFFER = "differ"
    MISSING = "missing"
    """The answer rested on a value, and the shadow states none."""
    NEW = "new"
    """The shadow states a value, and nobody else did."""
    FAILED = "failed"
    """The shadow was not heard, or its record cannot be used."""


def compared(
    before: Gathered | None, after: Gathered, shadows: Mapping[str, Manifest], catalogue: Catalogue
) -> Counter[Key]:
    """Return how often what the shadows said came to which outcome.

    before: what the answer rested on; None where nobody was found.
    shadows: the versions in shadow, by id.
    """
    counts: Counter[Key] = Counter()
    wanted = {step.key: step.names for step in after.plan.steps}
    pairs: list[tuple[Mapping[tuple[str, str], Heard], Mapping[tuple[str, str], Heard]]] = [
        (before.group if before is not None else {}, after.group)
    ]
    for person in after.people:
        same = _same(person, before)
        pairs.append((same.heard if same is not None else {}, person.heard))
    for old, new in pairs:
        for key, heard in new.items():
            manifest = shadows.get(key[0])
            if manifest is None:
                continue
            for name in wanted.get(key, ()):
                outcome = _outcome(name, heard, list(_claims(name, key[0], old)), catalogue)
                if outcome is not None:
                    counts[manifest.id, manifest.version, name, outcome] += 1
    return counts


def failed(permit: Permit, shadows: Mapping[str, Manifest]) -> Counter[Key]:
    """Return the counts of a walk in which nobody was heard."""
    return Counter(
        (manifest.id, manifest.version, name, Compared.FAILED.value)
        for manifest in shadows.values()
        for name in {name for lookup in manifest.lookups for name in lookup.attributes} & permit.forms.keys()
    )


def _outcome(name: str, heard: Heard, claims: list[JsonValue], catalogue: Catalogue) -> str | None:
    """Return what one attribute came to; None where neither side has a word."""
    if heard.reason in _NOT_ASKED:
        return Compared.MISSING if claims and heard.reason is UnavailableReason.NO_IDENTIFIER else None
    if heard.reason is not None or (heard.record is not None and name in heard.record.unusable):
        return Compared.FAILED
    value = heard.record.values.get(name) if heard.record is not None else None
    if value is None:
        return Compared.MISSING if claims else None
    if not claims:
        return Compared.NEW
    weighing = Weighing.of(catalogue[name]) if name in catalogue else Weighing()
    first, said = Value(claims[0], heard.provenance), Value(value, heard.provenance)
    return Compared.DIFFER if isinstance(weighing.settle([first, said]), Conflict) else Compared.AGREE


def _claims(name: str, source_id: str, heard: Mapping[tuple[str, str], Heard]) -> Iterator[JsonValue]:
    """Yield what the answer rested on: the registry's own word first, else that of the others."""
    stated = [
        (key[0] != source_id, one.record.values[name])
        for key, one in heard.items()
        if one.record is not None and one.record.values.get(name) is not None
    ]
    own = [value for is_others, value in stated if not is_others]
    yield from own or [value for _, value in stated]


def _same(person: Person, before: Gathered | None) -> Person | None:
    """Return the person of the answer who shares a number with one of the shadow's walk."""
    numbers = person.identifiers.items()
    return next((one for one in before.people if one.identifiers.items() & numbers), None) if before else None

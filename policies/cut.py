"""Cuts: a permit and the decision about one person, compiled into what is taken of that person, and how. Pure.

A cut depends on the names and forms of the permit and of the decision, and on nobody's values. The same decision is
the same object for most people of a household, and from question to question: so a cut is kept for the objects that it
was compiled from, for as long as these are kept here. All are dropped once there are `KEPT_AT_MOST`; a permit or a
decision that is made anew is another object and gets another cut, so that no old decision outlives itself here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from policies.engine import UNDECIDED
from policies.fit import PLACES
from standards.permit import Form, FormKind, Permit, PersonPermit
from standards.states import AttributeState, Unavailable, UnavailableReason, Withheld, WithheldReason

KEPT_AT_MOST: Final = 4096
"""Cuts kept at once; as many as decisions are remembered."""
UNKNOWN: Final = Unavailable(UnavailableReason.NO_SOURCE)
"""State of what may be told, and is not in the profile."""


class Part(NamedTuple):
    """What is told of one person, or of a household."""

    blank: Mapping[str, AttributeState]
    """Every name that the permit knows, in order -> its state as long as nothing is told."""
    whole: tuple[str, ...]
    """Names told as they stand."""
    formed: tuple[tuple[str, str, Form], ...]
    """Name, the attribute that is read for it, and the form in which it is told."""


class Cut(NamedTuple):
    """What is told of one person, and of the household when it goes by that person."""

    of_person: Part
    of_household: Part
    refused: frozenset[str]
    """Sources whose word is not told."""


def cut_of(permit: Permit, person: PersonPermit | None) -> Cut:
    """Return the cut of one person; None stands for somebody about whom nothing was decided."""
    decision = person or UNDECIDED
    key = (
        id(permit.forms),
        id(permit.withheld),
        id(permit.household_names),
        id(decision.forms),
        id(decision.withheld),
        decision.refused_sources,
    )
    kept = _kept.get(key)
    if kept is None:
        if len(_kept) >= KEPT_AT_MOST:
            _kept.clear()
        # With the permit and the decision, so that no other objects can take their places in memory.
        kept = _kept[key] = permit, decision, _compiled(permit, person)
    return kept[2]


_kept: Final[dict[tuple[object, ...], tuple[Permit, PersonPermit, Cut]]] = {}


def _compiled(permit: Permit, person: PersonPermit | None) -> Cut:
    # INVARIANT: nothing outside the permit leaves; every name comes from the permit, none from the profile.
    named = sorted({*permit.forms, *permit.withheld})
    return Cut(
        _part((name for name in named if name not in permit.household_names), permit, person),
        _part((name for name in named if name in permit.household_names), permit, person),
        person.refused_sources if person is not None else frozenset(),
    )


def _part(names: Iterable[str], permit: Permit, person: PersonPermit | None) -> Part:
    blank: dict[str, AttributeState] = {}
    whole: list[str] = []
    formed: list[tuple[str, str, Form]] = []
    for name in names:
        form = permit.forms.get(name)
        if form is None:
            blank[name] = Withheld(permit.withheld[name])
        elif person is None:
            blank[name] = Withheld(WithheldReason.CONSENT_MISSING)
        elif name in person.withheld or name not in person.forms:
            blank[name] = Withheld(person.withheld.get(name, WithheldReason.CONSENT_MISSING))
        else:
            blank[name] = UNKNOWN
            if form.kind is FormKind.VALUE:
                whole.append(name)
            else:
                source = PLACES.get(form.to or "", name) if form.kind is FormKind.GENERALISED else name
                formed.append((name, source, form))
    return Part(blank, tuple(whole), tuple(formed))

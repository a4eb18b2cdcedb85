"""What a shadow said, compared with what was answered: outcomes are counted, no value is kept."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from adapters.ports import Record
from gateway.registrations.comparing import compared, failed
from gateway.stages.gathered import Gathered
from gateway.stages.household import Found
from gateway.stages.people import Person
from gateway.stages.under_way import Heard
from standards.household import Evidence
from standards.states import Provenance, UnavailableReason
from tests.builders import CATALOGUE, MANIFESTS, NOW, PLANNER

CRVS = MANIFESTS["crvs"]
KEY = ("crvs", CRVS.lookups[0].name)
NAME = "birth_date"
PLAN = PLANNER.plan(frozenset({NAME}), "UIN", None)


def heard(source: str, value: Any, reason: UnavailableReason | None = None) -> Heard:
    """What one lookup said of somebody's birth; None: nothing."""
    record = None if reason else Record({}, {NAME: value} if value is not None else {})
    return Heard(record, Provenance(source, NOW), reason)


def gathered(*said: tuple[tuple[str, str], Heard], number: str = "1000000001") -> Gathered:
    """What was heard of one person."""
    person = Person(0, Found({"UIN": number}, "SELF", (Evidence("asked"),)))
    person.heard.update(dict(said))
    return Gathered(PLAN, (person,), 0, {}, {}, ())


def outcomes(before: Gathered | None, after: Gathered) -> dict[str, int]:
    """How often which outcome was counted."""
    counts = compared(before, after, {"crvs": CRVS}, CATALOGUE)
    assert {(registry, version, name) for registry, version, name, _ in counts} <= {("crvs", CRVS.version, NAME)}
    return {outcome: count for (*_, outcome), count in counts.items()}


NOBODY = heard("crvs", None)
SAID = heard("crvs", "1990-02-01")
OTHER = ("national_id", "person")


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (gathered((KEY, SAID)), SAID, {"agree": 1}),
        (gathered((KEY, SAID)), heard("crvs", "1990-01-02"), {"differ": 1}),
        (gathered((KEY, SAID)), NOBODY, {"missing": 1}),
        (gathered((KEY, NOBODY)), SAID, {"new": 1}),
        (gathered((KEY, NOBODY)), NOBODY, {}),
        (gathered((KEY, SAID)), heard("crvs", None, UnavailableReason.SOURCE_DOWN), {"failed": 1}),
        (gathered((KEY, SAID)), heard("crvs", None, UnavailableReason.NO_IDENTIFIER), {"missing": 1}),
        (gathered((KEY, NOBODY)), heard("crvs", None, UnavailableReason.NO_IDENTIFIER), {}),
        (gathered((KEY, SAID)), heard("crvs", None, UnavailableReason.IDENTIFIER_UNAVAILABLE), {}),
        (None, SAID, {"new": 1}),
        (gathered((KEY, SAID), number="1000000009"), SAID, {"new": 1}),
        (gathered((OTHER, heard("national_id", "1990-02-01"))), SAID, {"agree": 1}),
        (gathered((OTHER, heard("national_id", "1991-02-01")), (KEY, SAID)), SAID, {"agree": 1}),
    ],
)
def test_each_attribute_comes_to_one_outcome(before, after, outcome) -> None:
    """Compared with the registry's own word where it had one, else with that of the others; of the same person."""
    assert outcomes(before, gathered((KEY, after))) == outcome


def test_registries_that_are_in_no_shadow_are_not_counted() -> None:
    """They answered, and are not compared with themselves."""
    assert compared(None, gathered((OTHER, SAID)), {"crvs": CRVS}, CATALOGUE) == {}


def test_an_unusable_value_is_a_failure() -> None:
    """A code that has no translation, for example."""
    record = Record({}, {}, unusable={NAME: UnavailableReason.UNMAPPED_CODE})

    assert outcomes(gathered((KEY, SAID)), gathered((KEY, Heard(record, SAID.provenance)))) == {"failed": 1}


def test_where_nobody_was_heard_everything_that_was_permitted_failed() -> None:
    """And nothing else is counted."""
    permit: Any = SimpleNamespace(forms={NAME: None, "area_ha": None})

    assert failed(permit, {"crvs": CRVS}) == {("crvs", CRVS.version, NAME, "failed"): 1}

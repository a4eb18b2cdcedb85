"""Which benefits a household of the social registry is paid."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from random import Random
from typing import Final

from mocks.chance import pick
from mocks.families import TODAY, YEAR, Country
from mocks.people import Household

_PAID_ON: Final = (date(2026, 9, 1), date(2026, 9, 1), date(2026, 8, 1), date(2026, 8, 1), date(2026, 3, 1))
"""Paydays of the year; who was last paid in March has dropped out since."""


def enrol(country: Country, households: Iterable[Household], rng: Random) -> None:
    """Enter households into the programmes that their score, age and disability open to them, as far as places last."""
    for household in households:
        ages = [(TODAY - country.born[m]) / YEAR for m in household.members]
        disabled = any(country.people[m].disability is not None for m in household.members)
        score = household.poverty_score
        open_to = (
            ("Child grant", score < 32 and min(ages) < 18, 0.6),
            ("School meals", score < 40 and any(6 <= age < 13 for age in ages), 0.4),
            ("Old age pension", score < 48 and max(ages) >= 65, 0.7),
            ("Disability allowance", disabled and score < 60, 0.5),
        )
        household.programmes = [name for name, fits, share in open_to if fits and rng.random() < share]
        if household.programmes:
            household.last_paid_on = pick(rng, _PAID_ON)

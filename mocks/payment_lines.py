"""What the paying agent has paid to whom: one line per beneficiary, programme and month, as told every night.

It follows the register of beneficiaries and knows people by its numbers. Money comes back at times, from accounts that
were closed and phones that changed hands; then nothing was paid, and the line says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from mocks.chance import fraction

if TYPE_CHECKING:
    from mocks.beneficiary_enrolments import Beneficiary, Enrolment
    from mocks.population import Population

MONTHS: Final = 6
"""How many paydays a drop tells of, for each enrolment."""
HEADER: Final = (
    "PAYMENT_NO", "BENEFICIARY_NO", "MEMBER_NO", "PROGRAMME", "PERIOD", "DUE", "PAID", "PAID_ON", "STATUS", "CHANNEL",
)  # fmt: skip
PAID, RETURNED = "PAID", "RETURNED"
_CHANNELS: Final = ("MOBILE", "MOBILE", "MOBILE", "BANK", "BANK", "POST", "CASH")
_RETURNED: Final = 0.03
_NO_MEMBER_NUMBER: Final = 0.15
"""Share of beneficiaries whose number at the social registry was never entered here."""
_LATEST_DAYS: Final = 6


class Line(NamedTuple):
    """One payment; money in whole crowns."""

    beneficiary: Beneficiary
    programme: str
    period: date
    due: int
    paid: int
    paid_on: date
    channel: str

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the line as a drop writes it: days first, decimals after a comma."""
        member = member_number(self.beneficiary)
        return (
            f"PY{self.beneficiary.number.removeprefix('BN-')}-{self.programme}-{self.period:%Y%m}",
            self.beneficiary.number,
            member or "",
            self.programme,
            f"{self.period:%Y-%m}",
            _money(self.due),
            _money(self.paid),
            f"{self.paid_on:%d.%m.%Y}",
            PAID if self.paid else RETURNED,
            self.channel,
        )


def member_number(one: Beneficiary) -> str | None:
    """Return a beneficiary's number at the social registry, as far as it was entered here."""
    known = fraction(0, "member number at the paying agent", one.person.index) >= _NO_MEMBER_NUMBER
    return one.person.member_id if known else None


def lines(population: Population, beneficiaries: Iterable[Beneficiary]) -> Iterator[Line]:
    """Yield all payments of the last months, those of one beneficiary together, the newest first."""
    for one in beneficiaries:
        for enrolment in one.enrolments:
            yield from _of(population, one, enrolment)


def _of(population: Population, one: Beneficiary, enrolment: Enrolment) -> Iterator[Line]:
    place = one.person.index
    channel = _CHANNELS[int(fraction(population.seed, "channel", place) * len(_CHANNELS))]
    is_example = place in population.example_people
    for payday in enrolment.paydays(population.today, MONTHS):
        label = f"payment {enrolment.programme.key} {payday}"
        late = int(fraction(population.seed, f"{label} late", place) * (_LATEST_DAYS + 1))
        paid_on = payday + timedelta(days=late)
        if paid_on > population.today:
            continue
        returned = not is_example and fraction(population.seed, label, place) < _RETURNED
        paid = 0 if returned else enrolment.amount
        yield Line(one, enrolment.programme.key, payday, enrolment.amount, paid, paid_on, channel)


def _money(crowns: int) -> str:
    return f"{crowns},00"

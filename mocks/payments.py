"""The paying agent of the benefit programmes: every night it drops a file of what it has paid into a folder.

`payments-2026-09-30.csv` is the drop of that day: columns between semicolons, decimals after a comma, days first, and
at the end a line that says how many came before. Its own faults: `down` (no file is there), `late` (nothing is dropped
any more, whatever the day), `malformed` (the upload broke off), `empty`, `wrong_schema` (the columns have other names).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final

from mocks.drops import Drops, cut, emptied, renamed, table
from mocks.payment_lines import HEADER, lines
from mocks.table_registry import TableRegistry

if TYPE_CHECKING:
    from pathlib import Path

    from mocks.beneficiary_enrolments import Beneficiary
    from mocks.drops import Spoil
    from mocks.faults import Fault
    from mocks.happenings import Happenings
    from mocks.people import Person
    from mocks.population import Population
    from mocks.rolls import Roll

_SEPARATOR: Final = ";"


class PaymentsRegistry(TableRegistry):
    """Payments to beneficiaries, by their number there or their member number at the social registry."""

    name = "payments"
    speaks = "files"
    reg_type = "ns:hearth:RegistryType:Payments"
    modes: ClassVar[tuple[str, ...]] = ("down", "late", "malformed", "empty", "wrong_schema")
    _spoils: ClassVar[Mapping[str, Spoil]] = {
        "malformed": cut,
        "empty": emptied,
        "wrong_schema": lambda content: renamed(content, {name: f"X_{name}" for name in HEADER[1:3]}),
    }

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        super().__init__(population, credentials)
        self._roll: Roll[Beneficiary] | None = None
        self._drops = Drops(self.folder, self.name)

    async def settle(self, folder: Path, happenings: Happenings, port: int) -> str:
        """Drop the first file; returns the address of the folder."""
        self.folder, self._drops = folder, Drops(folder, self.name)
        self._roll = happenings.one_called("beneficiary").roll
        self._drop()
        return folder.as_uri()

    def holds(self, person: Person) -> bool:
        """Tell whether a person is a beneficiary, and so may have been paid."""
        return self._roll is not None and bool(self._roll.of(person))

    def publish(self) -> None:
        """Drop the file of the day, unless a fault stands."""
        if self.standing.fault is None:
            self._drop()

    def break_down(self, fault: Fault) -> None:
        """Spoil the newest drop, or leave none; a late one stays as it is."""
        newest = self._drops.newest
        if fault.mode == "down":
            self._drops.clear()
        elif newest is not None and (spoil := self._spoils.get(fault.mode)):
            newest.write_bytes(spoil(newest.read_bytes()))

    def mend(self) -> None:
        """Drop the file of today, whole."""
        self._drop()

    def content(self) -> bytes:
        """Return the drop of today."""
        entries = [] if self._roll is None else self._roll.entries
        rows = [line.cells for line in lines(self.population, entries)]
        return table(HEADER, [*rows, ("#rows", len(rows))], separator=_SEPARATOR, mark=True)

    def _drop(self) -> None:
        self._drops.put(self.population.today, self.content())

"""The list of the agricultural extension service: a file on an SFTP server, and in it people without any shared number.

`farmers-2026-09-30.csv` is the list as of that day; its last line says how many lines came before. Its own faults:
`down` (connections are cut), `slow` (the server lets everybody wait for `delay_ms`), `stranger` (a server with another
key answers), and those of the file: `late`, `malformed`, `empty`, `wrong_schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final

from mocks.drops import Drops, cut, emptied, renamed, table
from mocks.farmers_list_entries import ListEntry, entries
from mocks.sftp import SftpHouse
from mocks.table_registry import TableRegistry

if TYPE_CHECKING:
    from pathlib import Path

    from mocks.drops import Spoil
    from mocks.faults import Fault
    from mocks.happenings import Happenings
    from mocks.people import Person
    from mocks.population import Population

HEADER: Final = (
    "LIST_NO", "FAMILY", "GIVEN", "MIDDLE", "SEX", "BORN", "VILLAGE", "DISTRICT", "REGION", "CROP", "PLOT_HA",
    "COOPERATIVE", "VOUCHER", "VISITED",
)  # fmt: skip
_SEX: Final = {"female": "F", "male": "M"}
_STEM: Final = "farmers"
_OF_THE_SERVER: Final = ("down", "slow", "stranger")


def cells(entry: ListEntry) -> tuple[str, ...]:
    """Return a line as the list writes it: days first."""
    return (
        entry.number,
        entry.surname,
        entry.given_name,
        entry.second_name or "",
        _SEX.get(entry.sex, ""),
        f"{entry.birth_date:%d.%m.%Y}",
        entry.village,
        entry.district,
        entry.region,
        entry.crop,
        f"{entry.plot_ha:.1f}",
        entry.cooperative or "",
        "Y" if entry.has_voucher else "N",
        f"{entry.visited_on:%d.%m.%Y}",
    )


class FarmersListRegistry(TableRegistry):
    """Farmers as extension officers wrote them down, under numbers of the list."""

    name = "farmers_list"
    speaks = "files"
    reg_type = "ns:hearth:RegistryType:FarmersList"
    modes: ClassVar[tuple[str, ...]] = (*_OF_THE_SERVER, "late", "malformed", "empty", "wrong_schema")
    secrets = ("USER", "PASSWORD")
    _spoils: ClassVar[Mapping[str, Spoil]] = {
        "malformed": cut,
        "empty": emptied,
        "wrong_schema": lambda content: renamed(content, {"FAMILY": "NOM", "GIVEN": "PRENOM"}),
    }

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        super().__init__(population, credentials)
        self.entries = entries(population)
        self._listed = {one.person.index for one in self.entries}
        self._drops = Drops(self.folder, _STEM)
        self._house = SftpHouse(credentials["USER"], credentials["PASSWORD"])

    def environment(self, url: str) -> dict[str, str]:
        """Return what is needed to reach it: besides the address, user and password, and the key it is known by."""
        keys = {"HOST_KEY": self._house.host_key, "KEY": self._house.client_key}
        return super().environment(url) | {f"HEARTH_{self.name.upper()}_{name}": key for name, key in keys.items()}

    async def settle(self, folder: Path, happenings: Happenings, port: int) -> str:
        """Drop the list and open the server; returns its address."""
        self.folder, self._drops = folder, Drops(folder, _STEM)
        self._drop()
        return f"{await self._house.open(folder, port)}/"

    async def leave(self) -> None:
        """Close the server."""
        await self._house.close()

    def holds(self, person: Person) -> bool:
        """Tell whether a person is on the list."""
        return person.index in self._listed

    def publish(self) -> None:
        """Drop the list of the day, unless a fault of the file stands."""
        fault = self.standing.fault
        if fault is None or fault.mode in _OF_THE_SERVER:
            self._drop()

    def break_down(self, fault: Fault) -> None:
        """Let the server or the newest drop be wrong."""
        newest = self._drops.newest
        if fault.mode in _OF_THE_SERVER:
            self._house.misbehave(fault.mode, fault.delay_ms / 1000)
        elif newest is not None and (spoil := self._spoils.get(fault.mode)):
            newest.write_bytes(spoil(newest.read_bytes()))

    def mend(self) -> None:
        """Let the server behave, and drop the list of today, whole."""
        self._house.behave()
        self._drop()

    def content(self) -> bytes:
        """Return the list of today."""
        rows = [cells(entry) for entry in self.entries]
        return table(HEADER, [*rows, ("#rows", len(rows))], separator=",", mark=False)

    def _drop(self) -> None:
        self._drops.put(self.population.today, self.content())

"""The social insurance fund: accounts, contributions and pensions in a database that is read in SQL.

Whoever may read it sees the view `insured`, a line per account: one person may have two, and not all have a national
number. Its own faults: `down` (the file is gone), `locked` (somebody else writes, and does not end), `malformed` (the
file is no database), `empty` (the file has not a byte), `wrong_schema` (the columns have other names).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Final

from mocks.insurance_accounts import CLOSED, CONTRIBUTING, Account, accounts, months_back
from mocks.insurance_database import COLUMNS, Database
from mocks.table_registry import TableRegistry

if TYPE_CHECKING:
    from pathlib import Path

    from mocks.events import Event
    from mocks.faults import Fault
    from mocks.happenings import Happenings
    from mocks.people import Person
    from mocks.population import Population

_FILE: Final = "fund.db"
_JUNK: Final = b"-- this is no database --\n"


class SocialInsuranceRegistry(TableRegistry):
    """Everybody with an account at the fund, by taxpayer number and, where it was entered, national number."""

    name = "social_insurance"
    speaks = "sql"
    reg_type = "ns:hearth:RegistryType:SocialInsurance"
    modes: ClassVar[tuple[str, ...]] = ("down", "locked", "malformed", "empty", "wrong_schema")

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        super().__init__(population, credentials)
        self.accounts = accounts(population)
        self._of: dict[int, list[Account]] = {}
        for account in self.accounts:
            self._of.setdefault(account.person.index, []).append(account)
        self._changed_of: set[int] = set()
        """Places of people whose accounts changed, which the file does not say yet."""
        self._unpaid: list[date] = []
        """Months whose contributions it does not hold yet."""
        self._until_mended = ExitStack()

    async def settle(self, folder: Path, happenings: Happenings, port: int) -> str:
        """Write the database; returns its address."""
        self.folder = folder
        spelled = (self.population.spelling(self.name, one.person.index) for one in self.accounts)
        self._database().create(self.accounts, ((name[0], name[2]) for name in spelled), self.population.today)
        return f"sqlite:///{(folder / _FILE).as_posix()}"

    async def leave(self) -> None:
        """Take back what holds the file."""
        self._until_mended.close()

    def holds(self, person: Person) -> bool:
        """Tell whether a person has an account."""
        return person.index in self._of

    def learn(self, event: Event) -> None:
        """Close the accounts of who dies."""
        if event.kind != "death" or event.person not in self._of:
            return
        for account in self._of[event.person]:
            account.state, account.changed_on = CLOSED, event.day
            if account.pension is not None:
                account.pension.ends = event.day
        self._changed_of.add(event.person)

    def next_day(self) -> None:
        """Collect the contributions of a month on the first of the next."""
        today = self.population.today
        if today.day != 1:
            return
        month = next(islice(months_back(today, 2), 1, None))
        for one in self.accounts:
            if one.state == CONTRIBUTING and one.months:
                one.months.insert(0, (month, *one.months[0][1:]))
        self._unpaid.append(month)

    def publish(self) -> None:
        """Enter the day and what has changed, unless a fault stands."""
        if self.standing.fault is None:
            changed = [account for place in self._changed_of for account in self._of[place]]
            self._database().turn(self.population.today, changed, self._unpaid, self.accounts)
            self._changed_of.clear()
            self._unpaid.clear()

    def break_down(self, fault: Fault) -> None:
        """Let the file be gone, locked, no database, or of another shape."""
        path, database, mended = self.folder / _FILE, self._database(), self._until_mended
        match fault.mode:
            case "down" | "empty":
                # Locked as well, for whoever has it open already.
                mended.callback(database.locked().close)
                away = path.rename(path.with_suffix(".away"))
                mended.callback(away.replace, path)
                if fault.mode == "empty":
                    path.touch()
            case "locked":
                mended.callback(database.locked().close)
            case "malformed":
                whole = path.read_bytes()
                path.write_bytes(_JUNK * (len(whole) // len(_JUNK)))
                mended.callback(path.write_bytes, whole)
            case _:
                database.show([f"c_{name}" for name in COLUMNS])
                mended.callback(database.show)

    def mend(self) -> None:
        """Put the file right again, and enter what has happened meanwhile."""
        self._until_mended.close()
        self.publish()

    def _database(self) -> Database:
        return Database(self.folder / _FILE)

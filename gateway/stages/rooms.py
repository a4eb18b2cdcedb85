"""The rooms of the path as they are wired, and what goes through them: a question, what may be told, an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from adapters.ports import Deadline
from gateway.keys import Keys
from gateway.ports import Clock, JournalEntry
from gateway.settings import Consumer
from gateway.stages.compose import Composer
from gateway.stages.decide import Decisions
from gateway.stages.deciding import Held
from gateway.stages.fetch import Fetcher, Gathered
from gateway.stages.pace import Pace
from gateway.stages.paging import Paging
from gateway.stages.plan import Plan, Planner
from gateway.stages.recall import Recall
from gateway.stages.respond import Responder
from gateway.stages.search import Searcher
from policies.notices import NoticeSink
from standards.attributes import Catalogue
from standards.dci.search import SearchItem
from standards.household import HouseholdProfile, SourceOutcome
from standards.permit import Permit
from standards.rules import BoundaryRule


class Rooms(NamedTuple):
    """The stages, as `bootstrap` wired them."""

    decisions: Decisions
    planner: Planner
    past_planner: Planner
    """Plans questions about a past day, over what registries can tell of one."""
    fetcher: Fetcher
    searcher: Searcher
    paging: Paging
    recall: Recall
    composer: Composer
    responder: Responder
    rules: Mapping[str, BoundaryRule]
    catalogue: Catalogue
    keys: Keys
    now: Clock
    digest_of_agreement: Callable[[str, str], str] = lambda _id, _version: ""
    """SHA-256 of the file of an agreement's version, in hex; empty where it came from none."""
    pace: Pace = Pace()
    notices: NoticeSink | None = None
    """Takes the notices that are owed after an emergency; without it, none counts."""
    canaries: tuple[tuple[float, Rooms], ...] = ()
    """Share of the questions, 0 to 1, up to which other registries answer them; the smallest share first."""
    is_shadowed: bool = False
    """Questions are walked beside once more, over registries that nobody is told anything of."""

    def chosen(self, transaction_id: str) -> Rooms:
        """Return the rooms that answer a transaction: always the same ones while the shares stay as they are."""
        if not self.canaries:
            return self
        point = int(self.keys.digest_of(f"canary\0{transaction_id}")[:8], 16) / 2**32
        return next((rooms for share, rooms in self.canaries if point < share), self)


class Question(NamedTuple):
    """One item of a message, and what is known about its surroundings."""

    consumer: Consumer
    item: SearchItem
    transaction_id: str
    correlation_id: str
    deadline: Deadline
    is_plain: bool = False
    """About one subject by number, and answered in the plain shape of `stages.native` in place of that of DCI."""


class Beside(NamedTuple):
    """What a shadow is compared with: a question that was answered, under what, and what came of it."""

    question: Question
    permit: Permit
    disclosures: tuple[Disclosure, ...]


class Answer(NamedTuple):
    """One item of an answer as it will be sent, and what the journal must hold before it is."""

    item: bytes
    entry: JournalEntry
    status: str
    sources: Mapping[str, SourceOutcome] = {}
    """What every registry had to do with it, for the operator's counters."""
    permit: Permit | None = None
    """What it was given under. None for a refusal."""
    held: tuple[Held, ...] = ()
    """What it rests on, one for each record; it may leave only while `Decisions.still_holds` for each."""
    again_on: date | None = None
    """A quota is used up, and the question may be asked again from this day on, UTC."""
    beside: Beside | None = None
    """For a shadow, where there is one; kept by nobody else."""


class Disclosure(NamedTuple):
    """What may leave about one household, and how it came about."""

    profile: HouseholdProfile
    gathered: Gathered
    plan: Plan
    """As the consumer may see it."""
    held: Held
    emergencies: frozenset[str] = frozenset()
    """Declared emergencies without which less would be told."""
    is_hidden: bool = False
    """Found by a search, though the person keeps back what was searched by: not among the results."""

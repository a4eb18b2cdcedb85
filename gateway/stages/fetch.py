"""Fetch: walk a plan, ask the registries, and bring home what each said about whom. The only room that waits.

A failing registry never stops the others and never becomes an exception: what it was asked for is `Heard` with a
reason. Steps start as soon as the steps they come after have ended; there is no barrier between waves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from adapters.catalogue import Registries
from adapters.manifest import Lookup, Manifest
from adapters.ports import Deadline
from gateway.ports import Clock
from gateway.stages.account import Account
from gateway.stages.calls import Calls
from gateway.stages.deciding import Deciding
from gateway.stages.gathered import Gathered, silence, unheard_mandatory
from gateway.stages.household import Found
from gateway.stages.identity import issuers_of
from gateway.stages.people import Person
from gateway.stages.under_way import Heard, Terms
from gateway.stages.walk import DecidePeople, Ground, PlanFor, Walk
from gateway.stages.whose import Whose
from standards.identifiers import Identifier
from standards.permit import PersonPermit

__all__ = ["Fetcher", "Gathered", "Heard", "Person", "silence", "unheard_mandatory"]


class Fetcher:
    """Walks plans over one set of registries, by calls to the same."""

    def __init__(self, registries: Registries, calls: Calls, now: Clock) -> None:
        self.calls = calls
        self.lookups: dict[tuple[str, str], tuple[Manifest, Lookup]] = {
            (id_, lookup.name): (registry.manifest, lookup)
            for id_, registry in registries.items()
            for lookup in registry.manifest.lookups
        }
        self.issuers = issuers_of(registry.manifest for registry in registries.values())
        self._ground = Ground(self.calls, tuple(registries), self.lookups, self.issuers, now)

    async def permit_of(
        self, subject: Identifier, decide: DecidePeople, *, max_age_s: float, deadline: Deadline
    ) -> PersonPermit:
        """Return what may be read and given of one person, also where it was decided under another number of theirs.

        What is not known by the deadline counts as undecided.
        """
        person = Person(0, Found({subject.type: subject.value}, "SELF", ()))
        if not isinstance(decide, Deciding):
            (permit,) = await decide([person.identifiers])
            return permit
        account, terms = Account(), Terms(max_age_s)

        async def ask(
            key: tuple[str, str], subjects: tuple[Identifier, ...], names: frozenset[str]
        ) -> Mapping[Identifier, Heard]:
            errand = self.calls.errand(key, subjects, names, terms, deadline)
            await self.calls.carry_out(errand)
            return account.told(errand)

        (permit,) = await Whose(self.lookups, self.issuers, ask).permits([person], decide)
        return permit

    async def fetch(
        self,
        plan_for: PlanFor,
        subject: Identifier,
        decide: DecidePeople,
        *,
        max_age_s: float,
        deadline: Deadline,
        transaction_id: str,
        stale_if_error_s: float = 0.0,
        as_of: date | None = None,
    ) -> Gathered:
        """Return what the registries said, with a reason for everything they did not.

        plan_for: makes the plan, once it is known what may be read of the person asked about, or of the head when a
            household was asked for by its own number.
        decide: asked for a permit for every person as soon as the person is known, and before any registry is
            asked about that person.
        max_age_s: oldest kept record that may serve this question, in seconds.
        stale_if_error_s: so much older it may be when its registry cannot be heard, in seconds.
        as_of: the past day that the question is about; None when it is about today.
        """
        terms = Terms(max_age_s, stale_if_error_s, as_of)
        return await Walk(self._ground, plan_for, subject, decide, terms, deadline, transaction_id).gather()

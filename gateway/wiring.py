"""Wiring: the rooms of the path over one set of registries; built anew for every lineup from the same parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from adapters.catalogue import Registries
from gateway.registrations.states import State
from gateway.stages.calls import Calls
from gateway.stages.compose import Composer
from gateway.stages.decide import Decisions
from gateway.stages.derive import Deriver
from gateway.stages.fetch import Fetcher
from gateway.stages.paging import Paging
from gateway.stages.plan import Planner
from gateway.stages.probing import Bounds, Probing
from gateway.stages.recall import Recall
from gateway.stages.respond import Responder
from gateway.stages.rooms import Rooms
from gateway.stages.search import Searcher
from gateway.stages.under_way import edition_of
from policies.probe_counts import ProbeCounts
from standards import contexts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.cache import MemoryCache
    from gateway.consents import Consents
    from gateway.handles import HandleFile
    from gateway.keys import Keys
    from gateway.linkage.linker import Linker
    from gateway.ports import Clock
    from gateway.settings import Settings
    from policies.counters import QuestionCounter
    from policies.folder import AgreementFolder
    from policies.ledger import SqliteLedger
    from standards.attributes import Catalogue
    from standards.rules import BoundaryRule


class Parts(NamedTuple):
    """What all rooms share, whatever the registries."""

    settings: Settings
    base_url: str
    keys: Keys
    catalogue: Catalogue
    cache: MemoryCache
    book: AgreementFolder
    ledger: SqliteLedger
    counter: QuestionCounter
    handles: HandleFile
    consents: Consents
    rules: Mapping[str, BoundaryRule]
    linker: Linker
    probe_noticed: Callable[[str, str], None]
    now: Clock


class Wiring:
    """Builds rooms."""

    def __init__(self, parts: Parts) -> None:
        self._parts, settings = parts, parts.settings
        stated = settings.probes
        self._bounds = Bounds(stated.answers, stated.thresholds, stated.search_values)
        self._probes = ProbeCounts(parts.counter.engine, parts.keys.derived("probes"), stated.window_days)
        self._deriver = Deriver(parts.catalogue)
        self._responder = Responder(parts.catalogue, f"{parts.base_url}/contexts/v1/{contexts.HOUSEHOLD}.jsonld")
        cached = settings.cache
        # Over no registry: whichever lineup is built first, a shadow's is beside, and none outlives its own time here.
        self._calls = Calls(
            Registries(()),
            parts.cache,
            parts.now,
            max_age_s=cached.max_age_s,
            max_stale_s=cached.max_stale_s,
            late_grace_s=cached.late_grace_s,
            max_late=cached.max_late_calls,
            settling=parts.linker,
        )

    def rooms(self, registries: Registries, state: State) -> Rooms:
        """Return the rooms over registries; those of a shadow count no questions and no probes."""
        parts, is_counting = self._parts, state is not State.SHADOW
        manifests = tuple(registries.manifests.values())

        def silent() -> frozenset[str]:
            return silent_now(registries, parts.now())

        planner = Planner(manifests, parts.catalogue, silent)
        of_past = [past for manifest in manifests if (past := manifest.for_past()) is not None]
        holders = planner.holders()
        probing = Probing(self._probes, holders, self._bounds, parts.probe_noticed) if is_counting else None
        return Rooms(
            decisions=Decisions(
                parts.book,
                parts.ledger,
                parts.catalogue,
                holders,
                parts.counter if is_counting else None,
                parts.handles.handles,
                parts.consents,
                probing,
            ),
            planner=planner,
            past_planner=Planner(of_past, parts.catalogue, silent),
            fetcher=Fetcher(registries, self._calls.over(registries, is_beside=not is_counting), parts.now),
            searcher=Searcher(registries, parts.now),
            paging=Paging(),
            recall=Recall(parts.cache, _name(registries)),
            composer=Composer(manifests, parts.catalogue, self._deriver),
            responder=self._responder,
            rules=parts.rules,
            catalogue=parts.catalogue,
            keys=parts.keys,
            now=parts.now,
            digest_of_agreement=parts.book.digest_of,
            notices=parts.ledger.notices,
        )


def silent_now(registries: Registries, now: datetime) -> frozenset[str]:
    """Return the registries that will hardly answer: left alone after failures, switched off, or closed at this hour.

    A plan goes round them where another way leads there, and asks them where none does.
    """
    return frozenset(
        id_
        for id_, registry in registries.items()
        if registry.guarded.is_open or ((hours := registry.manifest.hours) is not None and not hours.is_open(now))
    )


def _name(registries: Registries) -> str:
    """Return what tells a lineup from every other."""
    return ", ".join(f"{id_} {edition_of(one.manifest)}" for id_, one in registries.items())

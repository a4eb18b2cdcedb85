"""What ought to be connected, and who may change it, as the settings of a gateway have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from adapters.catalogue import FOLDER
from gateway.journal import sqlite_url
from gateway.registrations.checking import checking
from gateway.registrations.office import Registrations, Surroundings
from gateway.registrations.orders import People
from gateway.registrations.secrets import Secrets
from gateway.registrations.shadowing import Shadows
from gateway.registrations.sources import Sources
from gateway.registrations.store import SqlRegistrations
from gateway.registrations.tables import Database

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.ports import Clock, Journal
    from gateway.registrations.lineups import Lineups
    from gateway.settings import Settings
    from gateway.suspensions import Suspensions
    from standards.attributes import Catalogue


class Opened(NamedTuple):
    """Where manifests, registrations and references come from."""

    store: SqlRegistrations
    secrets: Secrets
    sources: Sources


def open_sources(
    settings: Settings, environment: Mapping[str, str], needed: Callable[[], frozenset[str]], *, is_anew: bool = False
) -> Opened:
    """Return what ought to be connected, read for the first time.

    needed: names the registries that some agreement in force cannot do without.
    is_anew: see `Sources.start`.
    Raises: ConfigurationError when a manifest is wrong, or the database of registrations cannot be used.
    """
    stated, stores = settings.registries, settings.stores
    secrets = Secrets(environment, stated.secrets)
    store = SqlRegistrations(Database(stores.registrations_url or sqlite_url(stores.folder / "registrations.db")))
    sources = Sources((*((FOLDER,) if stated.builtin else ()), *stated.folders), store, secrets, needed)
    sources.start(is_anew=is_anew)
    return Opened(store, secrets, sources)


def open_office(
    settings: Settings,
    opened: Opened,
    lineups: Lineups,
    journal: Journal,
    suspensions: Suspensions,
    catalogue: Catalogue,
    relined: Callable[[bool, bool], Awaitable[None]],
    needed: Callable[[], frozenset[str]],
    now: Clock,
) -> tuple[Registrations, Shadows]:
    """Return who takes orders about registrations, and who walks questions beside.

    Raises: ConfigurationError when `registries.operators` are no different people.
    """
    people = People(settings.registries.operators)
    around = Surroundings(people, journal, checking(opened.secrets), now, suspensions, relined, needed)
    shadows = Shadows(
        lambda: lineups.shadow,
        opened.store,
        journal,
        catalogue,
        now,
        deadline_s=settings.messages.deadline_s,
        most=settings.registries.shadows_in_flight,
    )
    return Registrations(opened.store, opened.sources, lineups, around), shadows

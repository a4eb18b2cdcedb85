"""Bootstrap: settings become a wired application. The one place where parts meet."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from adapters.catalogue import FOLDER, connect, find_manifests, load_manifest
from adapters.client import open_session
from gateway.cache import SWEEP_S, MemoryCache
from gateway.journal import SqlJournal, sqlite_url
from gateway.keys import open_keys
from gateway.pipeline import Rooms
from gateway.settings import Settings
from gateway.stages.admit import Admission
from gateway.stages.compose import Composer
from gateway.stages.decide import Decisions
from gateway.stages.derive import Deriver
from gateway.stages.fetch import Fetcher
from gateway.stages.plan import Planner
from gateway.stages.recall import Recall
from gateway.stages.respond import Responder
from gateway.stages.search import Searcher
from gateway.telemetry import Metrics
from gateway.tokens import TokenOffice
from policies.book import AgreementFolder
from policies.ledger import SqliteLedger
from standards import contexts
from standards.attributes import Catalogue
from standards.errors import ConfigurationError
from standards.rules import BoundaryRule
from standards.signing import public_jwk

log = structlog.get_logger()


def utc_now() -> datetime:
    """Return the time of day, UTC."""
    return datetime.now(UTC)


class Gateway:
    """The running application: what the HTTP surface and the command line stand on.

    base_url: address that others reach it by.
    environment: where manifests' `env:` references are looked up.
    """

    def __init__(self, settings: Settings, base_url: str, environment: Mapping[str, str] = os.environ) -> None:
        self.settings, self.base_url = settings, base_url.rstrip("/")
        self._environment = environment
        stores = settings.stores
        try:
            stores.folder.mkdir(parents=True, exist_ok=True)
            self.keys = open_keys(stores.folder / stores.keys)
        except OSError as error:
            raise ConfigurationError(f"stores.folder, stores.keys: {error.filename}: {error.strerror}") from error
        self.catalogue = Catalogue.load()
        self.metrics = Metrics()
        self.cache = MemoryCache(self.keys.derived("cache"), settings.cache.max_bytes)
        self.tokens = TokenOffice(self.keys, settings.consumers, settings.tokens, self.base_url)
        self.admission = Admission(
            self.tokens,
            settings.messages,
            self.catalogue,
            {c.client_id: _verifying(c.client_id, c.public_key) for c in settings.consumers},
            frozenset({settings.server.sender_id, *settings.messages.receiver_ids}),
        )
        self.book = AgreementFolder.load(settings.agreements, self.catalogue)
        self.journal_url = stores.journal_url or sqlite_url(stores.folder / "journal.db")
        self.journal = SqlJournal(self.journal_url)
        self.ledger = SqliteLedger.open(stores.folder / "consent.db", self.keys.derived("consent"))
        self.manifests = tuple(map(load_manifest, self._manifest_files()))
        self.rules = self._boundary_rules()

    async def open(self) -> None:
        """Open what needs a running loop: the outbound client and the journal's writer.

        Raises: ConfigurationError or JournalError when the gateway could not do its work.
        """
        self.session = open_session()
        try:
            self.journal.open()
            self.registries = connect(self.manifests, self.session, self._environment)
        except BaseException:
            await self.session.close()
            raise
        settings = self.settings
        planner = Planner(self.manifests, self.catalogue, self._silent)
        of_past = [past for manifest in self.manifests if (past := manifest.for_past()) is not None]
        self.rooms = Rooms(
            decisions=Decisions(self.book, self.ledger, self.catalogue, planner.holders()),
            planner=planner,
            past_planner=Planner(of_past, self.catalogue, self._silent),
            fetcher=Fetcher(
                self.registries,
                self.cache,
                utc_now,
                max_age_s=settings.cache.max_age_s,
                max_stale_s=settings.cache.max_stale_s,
                late_grace_s=settings.cache.late_grace_s,
                max_late=settings.cache.max_late_calls,
            ),
            searcher=Searcher(self.registries),
            recall=Recall(self.cache),
            composer=Composer(self.manifests, self.catalogue, Deriver(self.catalogue)),
            responder=Responder(self.catalogue, f"{self.base_url}/contexts/v1/{contexts.HOUSEHOLD}.jsonld"),
            rules=self.rules,
            catalogue=self.catalogue,
            keys=self.keys,
            now=utc_now,
        )
        self.metrics.watch_plans(planner, self.rooms.past_planner)
        self.metrics.watch(self.cache, self.rooms.fetcher.calls, self.registries)
        self._sweeper = asyncio.create_task(_sweep(self.cache))
        log.info("gateway_open", registries=sorted(self.registries), pid=os.getpid(), url=self.base_url)

    async def close(self) -> None:
        """End what is still asked, write what the journal still holds, and let go of every connection."""
        self._sweeper.cancel()
        await asyncio.gather(self._sweeper, self.rooms.fetcher.calls.close(), return_exceptions=True)
        await self.session.close()
        await asyncio.to_thread(self.journal.close)
        self.ledger.close()
        log.info("gateway_closed", pid=os.getpid())

    def _silent(self) -> frozenset[str]:
        """Return the registries that are known to be down right now."""
        return frozenset(id_ for id_, registry in self.registries.items() if registry.guarded.is_open)

    def _manifest_files(self) -> tuple[Path, ...]:
        registries = self.settings.registries
        for folder in registries.folders:
            if not folder.is_dir():  # no folder would read as no registries, and nobody would notice
                raise ConfigurationError(f"registries.folders: there is no folder {folder}")
        return find_manifests((*((FOLDER,) if registries.builtin else ()), *registries.folders))

    def _boundary_rules(self) -> Mapping[str, BoundaryRule]:
        """Return the boundary rules by title, and refuse agreements that name another."""
        known = {
            rule.title: rule
            for stated in self.settings.households.rules
            for rule in (BoundaryRule(**stated.model_dump()),)
        }
        sources = {manifest.id for manifest in self.manifests}
        for agreement in self.book.agreements:
            if strangers := sorted(set(agreement.mandatory) - sources):
                raise ConfigurationError(
                    f"agreement {agreement.id}@{agreement.version} makes {', '.join(strangers)} mandatory, which no "
                    "manifest connects"
                )
            if agreement.household is not None and agreement.household.rule not in known:
                raise ConfigurationError(
                    f"agreement {agreement.id}@{agreement.version} names the household rule "
                    f"{agreement.household.rule}, which settings.households.rules does not define"
                )
        return known


async def _sweep(cache: MemoryCache) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        cache.sweep()


def _verifying(client_id: str, pem: str | None) -> dict[str, Ed25519PublicKey]:
    if pem is None:
        return {}
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise ConfigurationError(f"consumers.{client_id}.public_key is not a PEM public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(f"consumers.{client_id}.public_key is not an ed25519 key")
    return {public_jwk(key)["kid"]: key}

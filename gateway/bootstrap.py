"""Bootstrap: settings become a wired application. The one place where parts meet."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from adapters.callbacks import Here, Waiting
from adapters.catalogue import Registries, connect
from adapters.generic.dci.trust import Identity
from adapters.manifest import Manifest
from adapters.transport.client import open_session
from gateway.agreements import follow, operators, public_key, report
from gateway.cache import SWEEP_S, MemoryCache
from gateway.consents import Consents, EmergencyFolder, follow_ledger
from gateway.database import open_engine
from gateway.delivery.database import Database, ExchangeError
from gateway.delivery.deliveries import Deliveries, Outside
from gateway.delivery.outbox import Outbox
from gateway.delivery.sending import HttpSender
from gateway.delivery.tidying import tidy
from gateway.handles import HandleFile
from gateway.handover import HandOver
from gateway.journal import sqlite_url
from gateway.journal.opening import open_journal
from gateway.keys import Keys, follow_keys, open_keys
from gateway.linkage.linker import follow_reviews
from gateway.linkage.wiring import open_linker
from gateway.pipeline import Rooms
from gateway.pulses import Pulses
from gateway.registrations.following import follow_lineups
from gateway.registrations.lineups import Lineups, Manifests
from gateway.registrations.office import suspended
from gateway.registrations.opening import open_office, open_sources
from gateway.settings import Settings
from gateway.stages.admit import Admission
from gateway.subscriptions.subscribing import Around, Subscriptions
from gateway.subscriptions.tables import Database as SubscriptionTables
from gateway.suspensions import Suspensions, follow_switches
from gateway.telemetry import Metrics
from gateway.tokens import TokenOffice
from gateway.trail.following import Places, Trail
from gateway.transactions import Transactions
from gateway.trust.assertions import Assertions
from gateway.trust.issuers import Issuers
from gateway.trust.limiting import Limiting
from gateway.trust.replay import open_replay
from gateway.trust.sealing import Sealing
from gateway.trust.signers import Signers
from gateway.wiring import Parts, Wiring
from gateway.work import open_work, process_name
from gateway.work.seal import Seal
from policies.agreement import Agreement, in_force
from policies.counters import QuestionCounter
from policies.folder import AgreementFolder
from policies.ledger import SqliteLedger
from standards.attributes import Catalogue
from standards.encryption import decrypt
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
    worker: number of this process, where several share the stores.
    is_anew: whether it takes the place of one that has ended, and so starts without what cannot be connected by now.
    """

    def __init__(
        self,
        settings: Settings,
        base_url: str,
        environment: Mapping[str, str] = os.environ,
        worker: int = 0,
        *,
        is_anew: bool = False,
    ) -> None:
        self.settings, self.base_url = settings, base_url.rstrip("/")
        self._is_open, self._is_anew = False, is_anew
        stores = settings.stores
        try:
            stores.folder.mkdir(parents=True, exist_ok=True)
            self.keys = open_keys(stores.folder / stores.keys)
        except OSError as error:
            raise ConfigurationError(f"stores.folder, stores.keys: {error.filename}: {error.strerror}") from error
        self.catalogue = Catalogue.load()
        self.metrics = Metrics()
        self.cache = MemoryCache(self.keys.derived("cache"), settings.cache.max_bytes)
        self.suspensions = Suspensions(stores.folder)
        self.journal_url = stores.journal_url or sqlite_url(stores.folder / "journal.db")
        self.journal = open_journal(self.journal_url, settings, self.keys)
        self._opened = open_sources(settings, environment, self._needed, is_anew=is_anew)
        self.sources = self._opened.sources
        self.suspensions.hold(suspended(self.sources.registrations))
        self.rules = self._boundary_rules()
        self.waiting = _waiting(settings, self.keys)
        self._wire_trust()
        self._wire_policy()
        self._wire_lineups()
        trail_url = stores.trail_url or sqlite_url(stores.folder / "trail.db")
        places = Places(trail_url, self.journal_url, stores.folder / "trail.lock", stores.folder / "disputes")
        self.trail = Trail(places, self.keys, Manifests(lambda: self.manifests), self.journal, utc_now)
        self._wire_later(process_name(stores.folder, worker))
        self._wire_subscriptions()
        self.pulses = Pulses(stores)

    def _wire_trust(self) -> None:
        """Wire who asks, and what is believed: keys, signatures, tokens, replay, limits, admission."""
        settings, stores = self.settings, self.settings.stores
        self.keys.ensure((*settings.trust.signing, *settings.trust.encryption), utc_now())
        self.signers = Signers(settings.consumers, settings.trust)
        self.limits = Limiting(settings.limits)
        taken_s = settings.messages.message_age_s + settings.messages.future_s
        window_s = max(taken_s, settings.tokens.assertion_age_s + 60)
        self.replay = open_replay(stores.replay, stores.folder, window_s, settings.server.workers)
        self.sealing = Sealing(
            self.keys, settings.server.sender_id, self.signers.encryption_key, is_signing=settings.sign_answers
        )
        self.sealing.check(settings.consumers)
        self._clients = {one.client_id: one for one in settings.consumers}
        self.tokens = TokenOffice(
            self.keys,
            settings.consumers,
            settings.tokens,
            self.base_url,
            Assertions(self._clients, self.signers, self.replay, self.base_url, settings.tokens.assertion_age_s),
            Issuers(settings.tokens.issuers, settings.consumers, self.signers),
        )
        self.admission = Admission(
            self.tokens,
            settings.messages,
            self.catalogue,
            self.signers,
            frozenset({settings.server.sender_id, *settings.messages.receiver_ids}),
            self.suspensions.check,
            self.keys,
        )

    def _wire_policy(self) -> None:
        """Wire who may know what: consents, emergencies, agreements, counts, handles."""
        settings, stores = self.settings, self.settings.stores
        self.ledger = SqliteLedger.open(stores.folder / "consent.db", self.keys.derived("consent"), self.keys.signing)
        self.keys.on_change(self._take_keys)
        self._take_keys()
        stated = settings.consents
        self.emergencies = EmergencyFolder(stated.emergencies, self.catalogue, stated.emergency_max_days)
        self.consents = Consents(
            self.ledger,
            {c.client_id: _verifying(c.client_id, c.public_key) for c in settings.consumers if c.role != "programme"},
            self.base_url,
            token_lifetime_s=stated.token_lifetime_s,
            age_of_majority=stated.age_of_majority,
            folder=self.emergencies,
        )
        self.operators = operators(settings.agreements.operators)
        self.book = AgreementFolder.load(
            settings.agreements.folder,
            self.catalogue,
            self.operators if settings.needs_approval else None,
            self.misfit,
            lambda: utc_now().date(),
        )
        self.counter = QuestionCounter(stores.counters_url or sqlite_url(stores.folder / "counters.db"), open_engine)
        self.handles = HandleFile(stores.folder / stores.keys)

    def _wire_lineups(self) -> None:
        """Wire which registries answer, and how others take their place while questions go on."""
        settings = self.settings
        self.linker = open_linker(settings, self.keys, utc_now)
        parts = Parts(
            settings=settings,
            base_url=self.base_url,
            keys=self.keys,
            catalogue=self.catalogue,
            cache=self.cache,
            book=self.book,
            ledger=self.ledger,
            counter=self.counter,
            handles=self.handles,
            consents=self.consents,
            rules=self.rules,
            linker=self.linker,
            probe_noticed=self.metrics.probes_noticed.add,
            now=utc_now,
        )
        here = self._here()
        self.lineups = Lineups(
            lambda manifest: connect((manifest,), self.session, self._opened.secrets, here)[manifest.id],
            Wiring(parts).rooms,
            self._opened.secrets,
            lambda id_: id_ in self.suspensions.registries(),
        )
        self.registrations, self.shadows = open_office(
            settings,
            self._opened,
            self.lineups,
            self.journal,
            self.suspensions,
            self.catalogue,
            self._relined,
            self._needed,
            utc_now,
        )

    def _wire_later(self, name: str) -> None:
        """Wire what is done later: transactions, durable work, deliveries.

        name: of this process in the stores that several share.
        """
        settings, stores = self.settings, self.settings.stores
        self.exchange = Database(stores.exchange_url or sqlite_url(stores.folder / "exchange.db"))
        self.transactions = Transactions(self.exchange, self.keys, utc_now)
        # A try may have to answer anew before it sends.
        hold_s = 2 * settings.delivery.timeout_s + settings.asynchronous.deadline_s
        outbox = Outbox(self.exchange, Seal(self.keys.derived("deliveries")), utc_now, name, hold_s)
        work_url = stores.work_url or sqlite_url(stores.folder / "work.db")
        self.work = open_work(work_url, Seal(self.keys.derived("work")), name, outbox.release)
        self.deliveries = Deliveries(
            outbox,
            Outside(
                work=self.work,
                sender=HttpSender(settings.delivery.timeout_s),
                sealed=self.sealing.sealed,
                journal=self.journal,
                keys=self.keys,
                now=utc_now,
                sender_id=settings.server.sender_id,
                is_off=lambda client_id: client_id in self.suspensions.consumers(),
                gone=self.transactions.refuse,
            ),
            settings.consumers,
            settings.delivery,
        )

    def _wire_subscriptions(self) -> None:
        """Wire who is told of what happens."""
        settings, stores = self.settings, self.settings.stores
        self.subscriptions = Subscriptions(
            SubscriptionTables(stores.subscriptions_url or sqlite_url(stores.folder / "subscriptions.db")),
            Around(
                work=self.work,
                deliveries=self.deliveries,
                transactions=self.transactions,
                journal=self.journal,
                keys=self.keys,
                book=self.book,
                now=utc_now,
                rooms=lambda: self.rooms,
                registries=lambda: self.lineups.live.registries,
                consumers=self._clients.get,
                leave_word=self.ledger.leave_word,
                is_suspended=self.suspensions.check,
                deadline_s=settings.messages.deadline_s,
                silence=self.suspensions.silence,
            ),
            settings.subscriptions,
        )

    @property
    def rooms(self) -> Rooms:
        """Return the rooms that answer."""
        return self.lineups.live.rooms

    @property
    def registries(self) -> Registries:
        """Return every registry that may call back: those that answer, and those that canaries or shadows have."""
        return self.lineups.known()

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """Return the manifests of the registries that answer."""
        return self.lineups.live.manifests if self._is_open else self.sources.wanted.live

    def _needed(self) -> frozenset[str]:
        """Return the registries without which some agreement in force discloses nothing."""
        if not self._is_open:  # the folders are read before the agreements that name them
            return frozenset()
        today = utc_now().date()
        return frozenset(id_ for agreement in in_force(self.book.agreements, today) for id_ in agreement.mandatory)

    async def open(self) -> None:
        """Open what needs a running loop: the outbound client and the journal's writer.

        Raises: ConfigurationError or JournalError when the gateway could not do its work.
        """
        self.session = open_session()
        try:
            self.journal.open()
            self.lineups.start(self.sources.wanted, frozenset(() if self._is_anew else self.sources.in_folders))
        except BaseException:
            await self.session.close()
            raise
        self._is_open = True
        self.registrations.report(has_changed=False)
        self.metrics.follow(self.cache, lambda: self.lineups)
        self.metrics.watch_linkage(self.linker)
        await self._switch()
        self.signers.look()
        self.trail.open()
        report(self.book.notices)
        gone, _ = await self.ledger.gone(0)  # before the first record of anybody is kept
        await self.deliveries.open()
        await self.work.open()
        later = (self.settings.delivery, self.settings.asynchronous)
        beside: tuple[Coroutine[Any, Any, None], ...] = (
            follow_ledger(self.ledger, self.rooms.fetcher.calls, self.linker, self.emergencies, gone),
            follow_switches(self.suspensions, self._switch),
            follow_keys(self.keys),
            follow(self.book, self.handles, self._drop_plans),
            follow_lineups(self.registrations, self.shadows),
            follow_reviews(self.linker),
            tidy(self.deliveries, self.transactions, later, utc_now),
            _sweep(self.cache),
        )
        self._beside = [asyncio.create_task(one) for one in beside]
        log.info("gateway_open", registries=sorted(self.registries), pid=os.getpid(), url=self.base_url)

    async def close(self) -> None:
        """End what is still asked, write what the journal still holds, and let go of every connection."""
        for one in self._beside:
            one.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        await self.work.close()
        await self.deliveries.close()
        await self.signers.close()
        await self.shadows.close()
        await self.rooms.fetcher.calls.close()
        await self.lineups.close()
        await self.session.close()
        await self.trail.close()
        await asyncio.to_thread(self.journal.close)
        self.subscriptions.close()
        self.registrations.close()
        self.linker.book.close()
        self.ledger.close()
        self.counter.close()
        self.waiting.close()
        self.replay.close()
        self.exchange.close()
        self.pulses.close()
        log.info("gateway_closed", pid=os.getpid())

    def _take_keys(self) -> None:
        """Sign the journal's checkpoints and the ledger's receipts with the key that is in use."""
        self.journal.sign_with(self.keys.signing)
        self.ledger.sign_with(self.keys.signing, self.keys.recorded)

    def _here(self) -> Here:
        """Return this gateway as registries see it."""
        secret = self.keys.derived("callback addresses")
        return Here(
            self.waiting,
            self.base_url,
            lambda source_id: f"{source_id}.{hmac.digest(secret, source_id.encode(), 'sha256').hex()}",
            Identity(lambda: self.keys.using("ed25519"), lambda sealed: decrypt(sealed, self.keys.decrypting)),
        )

    async def _switch(self) -> None:
        """Ask no registry that is switched off, and keep nothing of what was read before."""
        off = self.suspensions.registries()
        for registry in self.lineups.everybody():
            registry.guarded.is_suspended = registry.manifest.id in off
        await self.rooms.fetcher.calls.clear()

    async def _relined(self, has_changed: bool, is_switched: bool) -> None:  # noqa: FBT001 - two facts
        """Take in that other registries answer, or that some were switched off or on."""
        if has_changed or is_switched:
            await self._switch()
        if is_switched:
            with suppress(ExchangeError):  # it is tried anew every few seconds
                await self.deliveries.purge()
        if has_changed:
            self.book.look_again()

    def _boundary_rules(self) -> Mapping[str, BoundaryRule]:
        """Return the boundary rules by title."""
        stated = self.settings.households.rules
        return {rule.title: rule for one in stated for rule in (BoundaryRule(**one.model_dump()),)}

    def misfit(self, agreement: Agreement) -> str | None:
        """Return why this gateway cannot serve an agreement; None when it can."""
        if agreement.consumer.id != agreement.consumer.client_id:
            # INVARIANT: an agreement is for whom it names; who asks is known by the name that obtains tokens.
            return "has a consumer.id and a consumer.client_id that differ: write the client id as both"
        if strangers := sorted(set(agreement.mandatory) - {manifest.id for manifest in self.manifests}):
            return f"makes {', '.join(strangers)} mandatory, which no manifest connects"
        if agreement.household is not None and agreement.household.rule not in self.rules:
            return (
                f"names the household rule {agreement.household.rule}, which settings.households.rules does not define"
            )
        return None

    def _drop_plans(self) -> None:
        """Forget every compiled plan of versions that are not in force any more."""
        agreed = frozenset((a.id, a.version) for a in self.book.agreements)
        for lineup in self.lineups.all:
            for planner in (lineup.rooms.planner, lineup.rooms.past_planner):
                planner.keep_only(agreed)


def _waiting(settings: Settings, keys: Keys) -> Waiting:
    """Return where callbacks of registries arrive, in this process or in another one of this gateway."""
    has_others = settings.server.workers > 1
    return Waiting(HandOver(settings.stores.folder / "callbacks.db", keys) if has_others else None)


async def _sweep(cache: MemoryCache) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        cache.sweep()


def _verifying(client_id: str, pem: str | None) -> dict[str, Ed25519PublicKey]:
    if pem is None:
        return {}
    key = public_key(pem, f"consumers.{client_id}.public_key")
    return {public_jwk(key)["kid"]: key}

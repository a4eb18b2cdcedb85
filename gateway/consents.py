"""The ways in which consent comes in beside the ledger: tokens in questions, and declared emergencies."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from gateway.ports import JournalEntry
from policies.carried import Terms, read_token, tokens_of
from policies.consent import needs_consent
from policies.emergency import Emergencies, read_emergencies
from policies.receipts import Decision, Receipt
from standards.dci.codes import SearchReason
from standards.errors import ConfigurationError, MalformedMessageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from gateway.linkage.linker import Linker
    from gateway.stages.calls import Calls
    from policies.ledger import SqliteLedger
    from policies.ports import ConsentLedger
    from standards.attributes import Catalogue
    from standards.dci.search import SearchItem
    from standards.permit import Permit

log = structlog.get_logger()

POLL_S: Final = 0.25
"""How often a process looks for what others recorded, in seconds: everybody forgets within one second."""


class EmergencyFolder:
    """The emergencies of a folder, read again when a file changes; the last good ones stay when one is wrong.

    Raises: ConfigurationError at the start when one is wrong.
    """

    def __init__(self, folder: Path | None, catalogue: Catalogue, max_days: int) -> None:
        self._folder, self._catalogue, self._max_days = folder, catalogue, max_days
        self._seen = self._look()
        self.current = read_emergencies(folder, catalogue, max_days)

    def refresh(self) -> bool:
        """Read the folder again if anything in it has changed; tell whether other emergencies count since."""
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        before = self.current.digest
        try:
            self.current = read_emergencies(self._folder, self._catalogue, self._max_days)
        except ConfigurationError as error:
            # INVARIANT: a declaration that cannot be read lifts nobody's consent.
            self.current = Emergencies(digest=repr(seen))
            log.error("emergencies_refused", reason=str(error))
        return self.current.digest != before

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        if self._folder is None:
            return ()
        try:
            with os.scandir(self._folder) as entries:
                files = [(e.name, e.stat()) for e in entries if e.name.endswith(".yaml")]
        except OSError:
            return ()
        return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in files))


class Consents:
    """What decisions need beside the ledger.

    portals: client id of a portal -> key id -> the key it signs tokens with.
    audience: address of this gateway, which tokens must name.
    """

    def __init__(
        self,
        ledger: ConsentLedger,
        portals: Mapping[str, Mapping[str, Ed25519PublicKey]] | None = None,
        audience: str = "",
        *,
        token_lifetime_s: float = 900.0,
        age_of_majority: int = 18,
        folder: EmergencyFolder | None = None,
    ) -> None:
        self._ledger, self._portals, self._audience = ledger, portals or {}, audience
        self._token_lifetime_s, self._folder = token_lifetime_s, folder
        self.age_of_majority = age_of_majority

    def emergencies(self) -> Emergencies:
        """Return every declared emergency, as the files are now."""
        return _NONE if self._folder is None else self._folder.current

    def carried(self, item: SearchItem, permit: Permit, now: datetime) -> Mapping[str, Sequence[Receipt]]:
        """Return what a question brings of people's consent: pseudonym -> decisions.

        Raises: MalformedMessageError when a token does not hold, or its word is not that of somebody who may give it.
        """
        if not needs_consent(permit):
            return {}
        try:
            return self._carried(tokens_of(item.consent, item.authorize), permit, now)
        except MalformedMessageError as error:
            raise MalformedMessageError(str(error), reason_code=SearchReason.SEARCH_CRITERIA_INVALID) from None

    def _carried(self, tokens: Sequence[str], permit: Permit, now: datetime) -> dict[str, list[Receipt]]:
        terms = Terms(self._portals, self._audience, permit.consumer_id, permit.purpose, now, self._token_lifetime_s)
        found: dict[str, list[Receipt]] = {}
        for token in tokens:
            consent, name = read_token(token, terms)
            if consent.majority_on is not None and consent.majority_on <= now.date():
                raise MalformedMessageError("the consent token is a guardian's, and the child has come of age")
            receipt = self._ledger.carried(consent, name)
            found.setdefault(receipt.person, []).append(receipt)
        return found


_NONE: Final = Emergencies()

DECISIONS: Final = frozenset(f"consent.{decision.value}" for decision in Decision)
"""Events of the journal that each stand for one receipt, named by `correlation`."""


def decision_entry(event: str, by: str, subject: str, purpose: str, receipt_id: str, at: datetime) -> JournalEntry:
    """Return what the journal keeps of a call about what people decide.

    by: who called: a portal, an office, or an account on the machine.
    subject: pseudonym of the person; empty where a receipt or notice is called by its name.
    receipt_id: of the receipt or notice; empty where the call is about all of a person's.
    """
    return JournalEntry(
        at=at,
        event=event,
        consumer=by,
        purpose=purpose,
        agreement="",
        subject=subject,
        members=(),
        transaction="",
        correlation=receipt_id,
        released=(),
        plan="",
        outcomes={},
        answer_digest="",
    )


async def follow_ledger(
    ledger: SqliteLedger, calls: Calls, linker: Linker, emergencies: EmergencyFolder, after: int
) -> None:
    """Forget, within a second, what was read of people who have narrowed their consent, in whichever process.

    after: the newest word to forget that was there before anything was kept.
    """
    seen: object = None
    has_failed = False
    while True:
        await asyncio.sleep(POLL_S)
        try:
            emergencies.refresh()
            stamp = ledger.stamp()
            if stamp is not None and stamp == seen:
                continue
            after, gone = await ledger.gone(after)
            for number in gone:
                await calls.forget([number])
                await linker.forget(number)
            seen, has_failed = stamp, False
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is kept that might have to go
            # INVARIANT: revoked means revoked: a process that cannot learn of withdrawals keeps nothing.
            await calls.clear()
            if not has_failed:
                log.error("withdrawals_unread", caught=type(error).__name__)
            has_failed = True

"""Tidying: what was let be tried again is tried, what may not be told any more is purged, what is over is forgotten."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from gateway.delivery.database import ExchangeError
from gateway.delivery.deliveries import Deliveries
from gateway.ports import Clock, WorkError
from gateway.settings import Asynchronous, Delivery
from gateway.transactions import Transactions

log = structlog.get_logger()

LOOK_S: Final = 3.0
_LOOKS: Final = 1200
"""So many looks later, what is too old is forgotten."""


async def tidy(
    deliveries: Deliveries, transactions: Transactions, stated: tuple[Delivery, Asynchronous], now: Clock
) -> None:
    """Look every few seconds, until cancelled."""
    delivery, asynchronous = stated
    looks = 0
    while True:
        try:
            await deliveries.resume_due()
            await deliveries.purge()
            if looks % _LOOKS == 0:
                await deliveries.outbox.forget(now() - timedelta(days=delivery.keep_days))
                await transactions.forget(now() - timedelta(days=asynchronous.keep_days))
        except (ExchangeError, WorkError) as error:
            log.warning("exchange_not_tidied", caught=type(error).__name__)
        looks += 1
        await asyncio.sleep(LOOK_S)

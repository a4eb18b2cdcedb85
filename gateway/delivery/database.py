"""Database of what is under way with consumers: transactions, and what is to be delivered. SQLite or PostgreSQL.

Texts that a consumer chose, and everything about people, are sealed; what is searched by is a keyed digest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from gateway.database import ThreadedDatabase
from standards.errors import InteropError

Also = Callable[[sa.Connection], None]
"""A change that is made together with others."""

METADATA: Final = sa.MetaData()

TRANSACTIONS: Final = sa.Table(
    "exchange_transaction",
    METADATA,
    sa.Column("correlation_id", sa.String(99), primary_key=True),
    sa.Column("consumer", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("message", sa.String(32), nullable=False),
    sa.Column("body", sa.String(32), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("status", sa.String(4), nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("request", sa.LargeBinary),
    sa.UniqueConstraint("consumer", "message", name="exchange_transaction_message"),
    sa.Index("exchange_transaction_open", "is_open", "kind"),
    sa.Index("exchange_transaction_at", "at"),
)
"""`message` and `body` are keyed digests; `request` is what still has to be done, and gone once it is."""

NAMES: Final = sa.Table(
    "exchange_name",
    METADATA,
    sa.Column("digest", sa.String(32), primary_key=True),
    sa.Column("correlation_id", sa.String(99), primary_key=True),
    sa.Index("exchange_name_correlation", "correlation_id"),
)
"""Keyed digest of consumer, kind of name and name -> the transaction called so."""

DELIVERIES: Final = sa.Table(
    "delivery",
    METADATA,
    sa.Column("id", sa.String(120), primary_key=True),
    sa.Column("consumer", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("correlation_id", sa.String(99), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_at", sa.Float, nullable=False),
    sa.Column("give_up_at", sa.Float, nullable=False),
    sa.Column("reason", sa.String(60), nullable=False),
    sa.Column("holder", sa.String(120), nullable=False),
    sa.Column("held_until", sa.Float, nullable=False),
    sa.Column("sealed", sa.LargeBinary),
    sa.Index("delivery_state", "state", "at"),
)
"""`sealed` holds address and content until it is delivered; `holder` is the process that is sending it."""


class ExchangeError(InteropError):
    """What is under way could not be remembered; nothing may be acknowledged."""


class Database(ThreadedDatabase):
    """What is under way with consumers."""

    def __init__(self, url: str) -> None:
        """Use a database by its SQLAlchemy URL.

        Raises: ConfigurationError when it cannot be used.
        """
        super().__init__(url, METADATA, "stores.exchange_url", ExchangeError)

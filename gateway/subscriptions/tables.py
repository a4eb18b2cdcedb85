"""The tables of subscriptions: SQLite, or PostgreSQL with its URL.

Nobody stands in them in clear: people are keyed digests, and the number that is needed to ask again is sealed.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from gateway.database import ThreadedDatabase
from standards.errors import JournalError

METADATA: Final = sa.MetaData()
_DIGEST: Final = sa.String(64)
_CODE: Final = sa.String(80)
_TIME: Final[sa.Double[float]] = sa.Double()

SUBSCRIPTIONS: Final = sa.Table(
    "subscription",
    METADATA,
    sa.Column("code", _CODE, primary_key=True),
    sa.Column("client_id", sa.String(100), nullable=False, index=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("same", _DIGEST, unique=True),
    sa.Column("made_at", _TIME, nullable=False),
    sa.Column("ended_at", _TIME),
    sa.Column("ended_by", sa.String(100)),
    sa.Column("sealed", sa.LargeBinary),
)
"""What consumers have subscribed to. `same` stands for consumer, kind, person and purpose, as long as it is open."""

PEOPLE: Final = sa.Table(
    "subscription_person",
    METADATA,
    sa.Column("person", _DIGEST, primary_key=True),
    sa.Column("code", _CODE, primary_key=True, index=True),
)
"""Keyed digest of a number -> the open subscriptions that are about it."""

UPSTREAM: Final = sa.Table(
    "subscription_upstream",
    METADATA,
    sa.Column("upstream_id", _CODE, primary_key=True),
    sa.Column("source_id", sa.String(60), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("turn", sa.Integer, nullable=False),
    sa.Column("transaction", _DIGEST, index=True),
    sa.Column("changed_at", _TIME, nullable=False),
    sa.Column("sealed", sa.LargeBinary),
)
"""Our own subscriptions at registries; `turn` counts how often each was begun or ended."""

USES: Final = sa.Table(
    "subscription_use",
    METADATA,
    sa.Column("upstream_id", _CODE, primary_key=True),
    sa.Column("code", _CODE, primary_key=True, index=True),
)
"""Which subscriptions of consumers rest on which of ours."""

TOLD: Final = sa.Table(
    "subscription_told",
    METADATA,
    sa.Column("event", _DIGEST, primary_key=True),
    sa.Column("code", _CODE, nullable=False, index=True),
    sa.Column("at", _TIME, nullable=False),
)
"""Keyed digests of the events that were handed on already: kind, subject and day, for each subscription."""

PRINTS: Final = sa.Table(
    "subscription_print",
    METADATA,
    sa.Column("code", _CODE, primary_key=True),
    sa.Column("slot", _DIGEST, primary_key=True),
    sa.Column("print", _DIGEST, nullable=False),
)
"""Fingerprints of what was seen at the last look, keyed for each subscription; no value, and no name of one."""


class Database(ThreadedDatabase):
    """Who wants to be told of what; what cannot be kept is not taken, nor told."""

    def __init__(self, url: str) -> None:
        """Use a database by its SQLAlchemy URL.

        Raises: ConfigurationError when it cannot be used.
        """
        super().__init__(url, METADATA, "stores.subscriptions_url", JournalError)

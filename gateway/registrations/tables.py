"""The tables of registrations: where every version stands, its files, the history, and what shadows came to."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from gateway.database import ThreadedDatabase
from standards.errors import InteropError

METADATA: Final = sa.MetaData()

REGISTRATIONS: Final = sa.Table(
    "registration",
    METADATA,
    sa.Column("registry", sa.String(40), primary_key=True),
    sa.Column("version", sa.String(20), primary_key=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("files", sa.Text, nullable=False),
)
"""`standing` is what the steps come to, as JSON; `files` name -> text, `{}` for a version of the folders."""

STEPS: Final = sa.Table(
    "registration_step",
    METADATA,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("registry", sa.String(40), nullable=False, index=True),
    sa.Column("order_id", sa.String(64), unique=True),
    sa.Column("step", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)
"""Append-only. `order_id` keeps a signed order from counting twice."""

OWED: Final = sa.Table(
    "registration_owed",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("entries", sa.Text, nullable=False),
)
"""What the journal must still be told: of a switch that acted before it was entered, or of a step that was entered and
not taken. `at` is seconds since 1970; `entries` steps as JSON, each with the event that it is entered as."""

MEANT: Final = sa.Table(
    "registration_meaning",
    METADATA,
    sa.Column("registry", sa.String(40), primary_key=True),
    sa.Column("version", sa.String(20), primary_key=True),
    sa.Column("manifest", sa.Text, nullable=False),
)
"""The first manifest that was in force under each version, as JSON: a version means one thing, after a restart too."""

SHADOWED: Final = sa.Table(
    "registration_shadow",
    METADATA,
    sa.Column("registry", sa.String(40), primary_key=True),
    sa.Column("version", sa.String(20), primary_key=True),
    sa.Column("attribute", sa.String(80), primary_key=True),
    sa.Column("outcome", sa.String(20), primary_key=True),
    sa.Column("times", sa.BigInteger, nullable=False),
)
"""How often what a shadow said agreed with what was answered."""


class RegistrationsError(InteropError):
    """The registrations cannot be read or written; what was in force stays."""


class Database(ThreadedDatabase):
    """The database of registrations."""

    def __init__(self, url: str) -> None:
        """Use it by its SQLAlchemy URL.

        Raises: ConfigurationError when it cannot be used.
        """
        super().__init__(url, METADATA, "stores.registrations_url", RegistrationsError)

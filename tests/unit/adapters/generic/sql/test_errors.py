"""What the errors of databases mean to a question."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from adapters.generic.sql.errors import meaning
from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason

SECRET = "PV100 at SELECT secret FROM people"


def wrapped(cause):
    """Return an error of a driver as SQLAlchemy passes it on."""
    return DBAPIError("SELECT secret", {"number": "PV100"}, cause)


@pytest.mark.parametrize(
    ("cause", "kind", "reason"),
    [
        (psycopg.errors.QueryCanceled(SECRET), SourceUnavailableError, UnavailableReason.SOURCE_TIMEOUT),
        (psycopg.errors.TooManyConnections(SECRET), SourceUnavailableError, UnavailableReason.SOURCE_BUSY),
        (psycopg.errors.SerializationFailure(SECRET), SourceUnavailableError, UnavailableReason.SOURCE_BUSY),
        (psycopg.errors.AdminShutdown(SECRET), SourceUnavailableError, UnavailableReason.SOURCE_DOWN),
        (psycopg.errors.InvalidPassword(SECRET), SourceRefusedError, UnavailableReason.SOURCE_REFUSED),
        (psycopg.errors.InsufficientPrivilege(SECRET), SourceRefusedError, UnavailableReason.SOURCE_REFUSED),
        (psycopg.errors.UndefinedColumn(SECRET), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (psycopg.OperationalError(SECRET), SourceUnavailableError, UnavailableReason.SOURCE_DOWN),
        (
            *(psycopg.OperationalError(f"password authentication failed: {SECRET}"), SourceRefusedError),
            UnavailableReason.SOURCE_REFUSED,
        ),
        (psycopg.DataError(SECRET), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
    ],
)
def test_an_error_of_postgresql_has_a_meaning(cause, kind, reason):
    """By its state; its text is shown to nobody."""
    error = meaning("fund", wrapped(cause))

    assert type(error) is kind
    assert error.reason is reason
    assert not any(word in str(error) for word in ("PV100", "secret", "people"))


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("SQLITE_BUSY", SourceUnavailableError, UnavailableReason.SOURCE_BUSY),
        ("SQLITE_INTERRUPT", SourceUnavailableError, UnavailableReason.SOURCE_TIMEOUT),
        ("SQLITE_IOERR_READ", SourceUnavailableError, UnavailableReason.SOURCE_DOWN),
        ("SQLITE_READONLY", SourceRefusedError, UnavailableReason.SOURCE_REFUSED),
        ("SQLITE_CORRUPT", SourceContractError, UnavailableReason.SOURCE_CONTRACT),
    ],
)
def test_an_error_of_sqlite_has_a_meaning(name, kind, reason):
    """By its name, with or without what comes behind it."""
    cause = sqlite3.OperationalError(SECRET)
    cause.sqlite_errorname = name
    error = meaning("fund", wrapped(cause))

    assert type(error) is kind
    assert error.reason is reason
    assert "PV100" not in str(error)


def test_what_is_no_error_of_a_database_is_one_of_the_connection_or_a_defect():
    """The rest keeps nothing but the name of its class."""
    assert isinstance(meaning("fund", ConnectionRefusedError(SECRET)), SourceUnavailableError)
    assert str(meaning("fund", ValueError(SECRET))) == "fund: source_contract: ValueError"

"""What the errors of databases mean: retry, refused, or a broken contract. No statement or value is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeftError

from standards.errors import SourceContractError, SourceError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOWN, _BUSY, _LATE = UnavailableReason.SOURCE_DOWN, UnavailableReason.SOURCE_BUSY, UnavailableReason.SOURCE_TIMEOUT

_STATES: Final[Mapping[str, UnavailableReason | None]] = {
    "57014": _LATE,  # query canceled: statement_timeout
    "25P03": _LATE,  # idle in transaction
    "55P03": _BUSY,  # lock not available
    "53": _BUSY,  # insufficient resources; too many connections
    "40": _BUSY,  # serialization failure, deadlock; a standby's conflict with recovery
    "57": _DOWN,  # shutting down, starting up
    "58": _DOWN,
    "08": _DOWN,
    "XX": _DOWN,
    "28": None,  # not authorised: refused
    "42501": None,  # insufficient privilege
    "25006": None,  # read-only transaction: a view that writes
}
"""PostgreSQL's SQLSTATE, or its class -> why it is unavailable; None: refused. Any other breaks the contract."""
_NAMES: Final[Mapping[str, UnavailableReason | None]] = {
    "SQLITE_CANTOPEN": _DOWN,
    "SQLITE_IOERR": _DOWN,
    "SQLITE_NOMEM": _DOWN,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_INTERRUPT": _LATE,
    "SQLITE_PERM": None,
    "SQLITE_AUTH": None,
    "SQLITE_READONLY": None,
}
"""The same of SQLite's result codes; a file that is no database breaks the contract."""
_REFUSALS: Final = ("authentication failed", "pg_hba.conf", "permission denied")
"""What PostgreSQL's client library says when it may not even connect: it passes no state on then."""


def meaning(source_id: str, error: Exception) -> SourceError:
    """Return what an error of a database driver is to the gateway."""
    if not isinstance(error, DBAPIError):
        if isinstance(error, NoConnectionLeftError):
            return SourceUnavailableError(source_id, _BUSY, "all connections are in use")
        if isinstance(error, OSError | TimeoutError):
            return SourceUnavailableError(source_id, _DOWN, type(error).__name__)
        return SourceContractError(source_id, type(error).__name__)
    cause = error.orig
    state = getattr(cause, "sqlstate", None)
    name = getattr(cause, "sqlite_errorname", None)
    if isinstance(state, str):
        return _of_state(source_id, state)
    if isinstance(name, str):
        return _of_name(source_id, name)
    text = str(cause)  # looked into, and never shown
    if any(refusal in text for refusal in _REFUSALS):
        return SourceRefusedError(source_id, "the database does not let us in")
    if type(cause).__name__ == "OperationalError" or error.connection_invalidated:
        return SourceUnavailableError(source_id, _DOWN, "no connection to the database")
    return SourceContractError(source_id, type(cause).__name__)


def _of_state(source_id: str, state: str) -> SourceError:
    for known in (state, state[:2]):
        if known in _STATES:
            return _said(source_id, _STATES[known], state)
    return SourceContractError(source_id, f"the database does not take the statement ({state})")


def _of_name(source_id: str, name: str) -> SourceError:
    if name == "SQLITE_TOOBIG":
        return SourceContractError(source_id, "larger than the manifest allows")
    for known, reason in _NAMES.items():
        if name.startswith(known):
            return _said(source_id, reason, name)
    return SourceContractError(source_id, f"the database does not take the statement ({name})")


def _said(source_id: str, reason: UnavailableReason | None, code: str) -> SourceError:
    if reason is None:
        return SourceRefusedError(source_id, code)
    return SourceUnavailableError(source_id, reason, code)

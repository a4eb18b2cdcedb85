"""Agreements while the gateway runs: their folder is followed, and what is not in force is told to the operator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.handles import HandleFile
from gateway.settings import Operator
from policies.agreement import in_force
from policies.approvals import Operators
from policies.folder import AgreementFolder, Notice
from standards.errors import ConfigurationError

log = structlog.get_logger()

LOOK_S: Final = 0.25
"""How long a change in the folder may go unnoticed, in seconds. Promise 5 gives a second, reading included."""


async def follow(book: AgreementFolder, handles: HandleFile, changed: Callable[[], None]) -> None:
    """Take in every change of the agreements and of the keys for pseudonyms, until cancelled.

    changed: called after the agreements have changed. What cannot be taken in is logged; the last good stays.
    """
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            known = book.notices
            if await asyncio.to_thread(book.refresh):
                changed()
                log.info("agreements_changed", detail=", ".join(a.name for a in book.agreements))
                report(notice for notice in book.notices if notice not in known)
            if await asyncio.to_thread(handles.refresh):
                log.info("handle_keys_changed")
        except Exception as error:  # noqa: BLE001 - whatever one file does to it, the next change must be seen
            detail = str(error) if isinstance(error, ConfigurationError) else ""
            log.error("agreements_not_read", detail=detail, caught=type(error).__name__)


def report(notices: Iterable[Notice]) -> None:
    """Log what in the folder is not in force, and what to do about it."""
    for notice in notices:
        log.warning("agreement_refused", where=notice.file, reason=notice.kind.value, detail=notice.sentence)


def standing(book: AgreementFolder, on: date) -> Mapping[str, object]:
    """Return what holds on a day and what waits or is wrong, for `/ready`."""
    return {
        "in_force": [agreement.name for agreement in in_force(book.agreements, on)],
        "not_in_force": [{"file": n.file, "reason": n.kind.value, "detail": n.sentence} for n in book.notices],
    }


def operators(stated: Iterable[Operator]) -> Operators:
    """Return the people who may approve.

    Raises: ConfigurationError when a key is none, or when two people share a name or a key.
    """
    people = list(stated)
    if len({one.name for one in people}) != len(people):
        raise ConfigurationError("agreements.operators: two operators have one name; give each a name of their own")
    return Operators({one.name: public_key(one.public_key, f"agreements.operators.{one.name}") for one in people})


def public_key(pem: str, setting: str) -> Ed25519PublicKey:
    """Return the key of a setting.

    Raises: ConfigurationError when it is not an ed25519 key in PEM.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise ConfigurationError(f"{setting} is not a PEM public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(f"{setting} is not an ed25519 key")
    return key

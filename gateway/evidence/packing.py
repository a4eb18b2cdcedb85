"""Packing: one answer's evidence in one signed file.

    {"format": "hearth-evidence/1",
     "journal": the proof of its entry, see `gateway.journal.proof`,
     "agreement": {"digest": "...", "text": "..."} or null,
     "receipts": {"cr-...": "a JWS", ...},
     "salt": "..." or null, when it is not to be told,
     "keys": ids of the keys that all this is signed with,
     "proof": "a JWS over the digest of all of it"}

Permit, plan, digests of what registries said and digest of the answer stand in the entry. Nobody's number or name is
in it: people are keyed pseudonyms, in the entry and in the receipts.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from gateway.evidence.stating import salt_of
from gateway.journal.chain import Note, entry_text
from gateway.journal.proof import Prover
from gateway.keys import Keys
from policies.folder import agreement_files
from policies.ledger import SqliteLedger
from policies.signed import Signer, read_header
from standards.errors import ConfigurationError, JournalError

FORMAT: Final = "hearth-evidence/1"
TYPE: Final = "evidence-pack+jws"
KEPT_RECEIPT: Final = re.compile(r"cr-[0-9a-f]+")
"""A receipt of the ledger; `ct-...` is one that came with the question, and that the programme keeps."""


class Stores(NamedTuple):
    """Where a gateway keeps what evidence is made of."""

    journal_url: str
    ledger: Path
    agreements: Sequence[Path]
    """Folders in which the file of any version may lie, older ones too."""
    keys: Keys


def pack(
    stores: Stores,
    *,
    by: str,
    now: datetime,
    seq: int | None = None,
    correlation: str | None = None,
    with_salt: bool = False,
) -> dict[str, Any]:
    """Return the evidence of one answer: of the entry by its number, or by the correlation it was given under.

    by: who packs; the journal keeps that somebody did, before anything is told.
    with_salt: let whoever holds the pack confirm what a registry said, from the registry's own copy of it.
    Raises: JournalError, ConfigurationError when something is not there, or is not what was signed.
    """
    with closing(Prover(stores.journal_url, stores.keys.signing)) as prover:
        if seq is None:
            seq = _the_one(prover.numbers_of(correlation or ""))
        prover.entry_at(seq)
        # INVARIANT: what cannot be recorded is not answered, to auditors neither.
        detail = {"entry": str(seq)} | ({"salt": "told"} if with_salt else {})
        prover.add(entry_text(Note(now, "evidence.packed", by, "", detail)))
        proof = prover.prove(seq, now)
    entry = orjson.loads(proof.entry)
    receipts = asyncio.run(_receipts(stores, receipts_of(entry)))
    signer = Signer(stores.keys.signing)
    digest = entry.get("permit", {}).get("agreement_sha256", "")
    nonce = entry.get("salt", "")
    content: dict[str, Any] = {
        "format": FORMAT,
        "journal": proof.stated(),
        "agreement": {"digest": digest, "text": _text_of(digest, stores.agreements)} if digest else None,
        "receipts": receipts,
        "salt": salt_of(nonce, stores.keys).hex() if with_salt and nonce else None,
        "keys": sorted({proof.checkpoint.key, signer.key_id, *(read_header(one)["kid"] for one in receipts.values())}),
    }
    return content | {
        "proof": signer.sign({"sha256": digest_of(content), "at": now.isoformat(timespec="seconds")}, TYPE)
    }


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the digest of a pack without its proof: SHA-256 over compact JSON with sorted keys, in hex."""
    rest = {name: stated for name, stated in content.items() if name != "proof"}
    return hashlib.sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)).hexdigest()


def receipts_of(entry: Mapping[str, Any]) -> list[str]:
    """Return the receipts of the ledger that an entry names."""
    grounds = entry.get("grounds", {}).values()
    named = [str(name) for ground in grounds for name in (ground["basis"], *ground.get("keeping", ()))]
    return sorted(set(KEPT_RECEIPT.findall(" ".join(named))))


def _the_one(found: Sequence[int]) -> int:
    if len(found) > 1:
        named = ", ".join(map(str, found))
        raise JournalError(f"{len(found)} questions were answered under that correlation: choose one by --seq: {named}")
    return found[0]


def _text_of(digest: str, folders: Sequence[Path]) -> str:
    """Return the text of the agreement file that has a digest, whatever it is called by now."""
    for folder in folders:
        for file in agreement_files(folder):
            content = file.read_bytes()
            if hashlib.sha256(content).hexdigest() == digest:
                return content.decode()
    raise ConfigurationError(
        f"no agreement file in {', '.join(map(str, folders))} is the one that was in force, with SHA-256 {digest}: "
        "name the folder with --agreements where older versions are kept, as they were"
    )


async def _receipts(stores: Stores, ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    if not stores.ledger.exists():
        raise ConfigurationError(
            f"{stores.ledger}: there is no consent ledger, and the answer rests on {len(ids)} receipts"
        )
    ledger = SqliteLedger.open(stores.ledger, stores.keys.derived("consent"), stores.keys.signing)
    try:
        found = {id_: await ledger.find(id_) for id_ in ids}
    finally:
        ledger.close()
    if lost := [id_ for id_, one in found.items() if one is None]:
        raise ConfigurationError(f"the consent ledger lacks {', '.join(lost)}, which the answer rests on")
    return {id_: one[1] for id_, one in found.items() if one is not None}

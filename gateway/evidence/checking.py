"""Checking: what a pack proves, line by line, with nothing but public keys: no database, no gateway, no network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.evidence.covering import agreement_faults, consent_faults, plan_faults
from gateway.evidence.packing import FORMAT, TYPE, digest_of, receipts_of
from gateway.evidence.stating import salted
from gateway.journal import proof
from gateway.journal.proof import Proof, read_proof
from policies.signed import read_header, read_signed
from standards.errors import ConfigurationError, JournalError

MEMBERS: Final = frozenset({"format", "journal", "agreement", "receipts", "salt", "keys", "proof"})
Keys = Mapping[str, Ed25519PublicKey]


class Line(NamedTuple):
    """One thing that was looked at."""

    about: str
    holds: bool | None
    """None: there is nothing to hold here, it is only told."""
    sentence: str


def read_pack(content: bytes) -> dict[str, Any]:
    """Return the pack that a file holds, of whose truth nothing is known yet.

    Raises: ConfigurationError when it holds none.
    """
    try:
        stated = orjson.loads(content)
        is_one = stated["format"] == FORMAT and stated.keys() == MEMBERS and isinstance(stated["proof"], str)
        agreement, receipts = stated["agreement"], stated["receipts"]
        texts = [*receipts, *receipts.values(), *stated["keys"], *(agreement or {}).values(), stated["salt"] or ""]
        read_proof(stated["journal"])
        if not is_one or not all(isinstance(text, str) for text in texts):
            raise ValueError  # noqa: TRY301 - one message for every other shape
        if agreement is not None and agreement.keys() != {"digest", "text"}:
            raise ValueError  # noqa: TRY301
    except (ValueError, KeyError, TypeError, AttributeError, JournalError):
        raise ConfigurationError(f"this is not a pack of evidence ({FORMAT})") from None
    return dict(stated)


def check(
    pack: Mapping[str, Any], keys: Keys, *, answer: bytes | None = None, said: Mapping[str, bytes] | None = None
) -> list[Line]:
    """Return everything that a pack claims, and whether it holds.

    keys: public keys of the gateway by their thumbprints.
    answer: the answer as the consumer received it: the whole message, or the item alone.
    said: registry and lookup, `crvs.person` -> what the registry says that it answered then.
    """
    one = read_proof(pack["journal"])
    entry: dict[str, Any] = orjson.loads(one.entry)
    try:
        lines = [
            _signature(pack, keys),
            *_in_journal(one, keys),
            _told(entry),
            _agreement(pack, entry),
            *_receipts(pack, entry, keys),
            _plan(entry),
            *_sources(pack, entry, said or {}),
        ]
        if answer is not None:
            lines.append(_answer(entry, answer))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # An entry that is signed has its shape; whatever else stands there was put there.
        raise ConfigurationError("the entry in this pack is none that a gateway has written") from error
    return lines


def holds(lines: list[Line]) -> bool:
    """Tell whether nothing that was looked at failed."""
    return all(line.holds is not False for line in lines)


def _signature(pack: Mapping[str, Any], keys: Keys) -> Line:
    try:
        claimed = read_signed(pack["proof"], keys, TYPE)
    except ConfigurationError as error:
        return Line("pack", False, f"the gateway has not signed this: {error}")
    if claimed.get("sha256") != digest_of(pack):
        return Line("pack", False, "it is not what was signed: something in it was changed, added or removed")
    by = read_header(pack["proof"])["kid"]
    return Line("pack", True, f"signed at {claimed.get('at')} with key {by}, and unchanged since")


def _in_journal(one: Proof, keys: Keys) -> Iterator[Line]:
    try:
        proof.check(one, keys)
    except JournalError as error:
        yield Line("journal", False, str(error))
    else:
        signed = one.checkpoint
        sentence = f"entry {one.seq} is in the chain that was signed at {signed.at}, over {signed.seq} entries"
        yield Line("journal", True, f"{sentence}, with key {signed.key}")
    for fate in one.fates():
        yield Line("journal", None, f"later entry {fate['event']}: the answer did not leave, or not as it was")


def _told(entry: Mapping[str, Any]) -> Line:
    about = "a search" if not entry["subject"] else f"pseudonym {entry['subject']}"
    return Line(
        "answer",
        None,
        f"{entry['event']} at {entry['at']} to {entry['consumer']} for {entry['purpose']} about {about}: "
        f"{len(entry['released'])} attributes of {len(entry['members'])} pseudonyms left; correlation "
        f"{entry['correlation']}",
    )


def _agreement(pack: Mapping[str, Any], entry: Mapping[str, Any]) -> Line:
    permit, stated = entry.get("permit", {}), pack["agreement"]
    if not permit:
        is_nothing = not entry["released"] and stated is None
        sentence = "nothing was permitted, and nothing left" if is_nothing else "something left without a permit"
        return Line("permit", is_nothing, sentence)
    if stated is None or not permit["agreement_sha256"]:
        return Line("permit", False, f"the file of agreement {entry['agreement']} is not in it")
    found = hashlib.sha256(stated["text"].encode()).hexdigest()
    if {found, stated["digest"]} != {permit["agreement_sha256"]}:
        return Line("permit", False, f"the text is not the one that {entry['agreement']} was in force with")
    if faults := agreement_faults(stated["text"], entry):
        return Line("permit", False, "; ".join(faults))
    forms = permit["forms"]
    return Line(
        "permit",
        True,
        f"{len(forms)} attributes under {permit['legal_basis']}, all in the forms of agreement {entry['agreement']} "
        f"(SHA-256 {found})",
    )


def _receipts(pack: Mapping[str, Any], entry: Mapping[str, Any], keys: Keys) -> Iterator[Line]:
    receipts: dict[str, dict[str, Any]] = {}
    wanted = receipts_of(entry)
    if strangers := sorted(pack["receipts"].keys() ^ set(wanted)):
        yield Line(
            "consent", False, f"receipts that the entry does not name, or that are missing: {', '.join(strangers)}"
        )
    for id_, signed in pack["receipts"].items():
        try:
            receipts[id_] = read_signed(signed, keys)
        except ConfigurationError as error:
            yield Line("consent", False, f"receipt {id_}: {error}")
    grounds = entry.get("grounds", {})
    if not grounds:
        by_consent = entry.get("permit", {}).get("legal_basis") == "consent" and entry["released"]
        yield Line("consent", False if by_consent else None, "nobody's decision was needed, or counted")
    for person, ground in grounds.items():
        faults = consent_faults(ground, entry, receipts)
        told = f"person {person}: {ground['basis']}"
        if ground["kept_back"]:
            told += f", {len(ground['kept_back'])} attributes kept back"
        yield Line("consent", not faults, f"{told}: {'; '.join(faults)}" if faults else told)


def _plan(entry: Mapping[str, Any]) -> Line:
    if not entry["plan"]:
        return Line("plan", None, "nobody was asked")
    if faults := plan_faults(entry):
        return Line("plan", False, "; ".join(faults))
    asked = sorted(source for source, outcome in entry["outcomes"].items() if outcome != "not_asked")
    return Line("plan", True, f"asks for nothing that the permit does not need; heard or tried: {', '.join(asked)}")


def _sources(pack: Mapping[str, Any], entry: Mapping[str, Any], said: Mapping[str, bytes]) -> Iterator[Line]:
    sources: Mapping[str, list[str]] = entry.get("sources", {})
    signed: Mapping[str, Mapping[str, str]] = entry.get("signed", {})
    for name, digests in sources.items():
        count = f"{len(digests)} response{'s' if len(digests) != 1 else ''}"
        yield Line("sources", None, f"{name}: {count}, {', '.join(digests)}")
        for digest in sorted(signed.keys() & set(digests)):
            one = signed[digest]
            by = f"the registry's key {one['key']} ({one['form']}), as was verified at {one['at']}"
            yield Line("sources", None, f"{name}: {digest} was signed with {by}")
    if strangers := sorted(signed.keys() - {digest for digests in sources.values() for digest in digests}):
        yield Line("sources", False, f"signatures over what no registry said: {', '.join(strangers)}")
    for name, body in said.items():
        if pack["salt"] is None:
            yield Line("sources", False, f"{name}: this pack does not tell its salt; pack it with --with-salt")
            continue
        digest = salted(bytes.fromhex(pack["salt"]), hashlib.sha256(body).digest())
        is_it = digest in sources.get(name, ())
        yield Line("sources", is_it, f"{name}: {'is' if is_it else 'is not'} what the answer rests on, {digest}")


def _answer(entry: Mapping[str, Any], answer: bytes) -> Line:
    digest = entry["answer_digest"]
    for number, item in enumerate(_items(answer)):
        if digest and hashlib.sha256(item).hexdigest() == digest:
            where = f"item {number} of the message" if number else "the whole of the file"
            return Line("answer", True, f"{where} is the answer, SHA-256 {digest}")
    return Line("answer", False, f"nothing in the file is the answer with SHA-256 {digest}")


def _items(answer: bytes) -> Iterator[bytes]:
    """Yield the file as it is, then the items of the message in it, each as it was sent: compact, in its own order."""
    yield answer
    try:
        stated = orjson.loads(answer)
    except ValueError:
        return
    message = stated.get("message") if isinstance(stated, dict) else None
    items = message.get("search_response") if isinstance(message, dict) else None
    yield from map(orjson.dumps, items if isinstance(items, list) else [stated])

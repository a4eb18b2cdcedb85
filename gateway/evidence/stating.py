"""Stating: what an answer rests on, in the words of its journal entry. Nobody's values, and nothing to guess them by.

A response of a registry often holds few facts, and "nobody by that number" holds none: a plain digest of one would
tell whoever tries what it may have been. So every entry has a salt of its own, made from a nonce that stands in the
entry and a secret that does not:

    salt    HMAC-SHA256(secret of the gateway, nonce)
    digest  SHA-256(salt + SHA-256(body of the response))

The gateway alone can say what the salt of an entry is, and says it by packing evidence so that registries can confirm.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from random import getrandbits
from typing import Final, NamedTuple

from adapters.said import Said
from gateway.keys import Keys
from gateway.stages.people import Person
from standards.identifiers import BRN, MEMBER_ID, UIN
from standards.permit import Form, FormKind, Permit

ASKED_BY_CITIZENS: Final = frozenset({UIN, BRN, MEMBER_ID})
"""Numbers under which the journal keeps who was part of an answer: those a person may ask by, who asked about me."""

_CONSENT: Final = "consent"
_MOST_TOLD: Final = 256
_TOLD: Final[dict[object, tuple[Mapping[str, Form], dict[str, object]]]] = {}
"""What permits allow in words, kept with the forms that each was made from: a decision's forms stay the same object."""


class Sources(NamedTuple):
    """Digests of what registries said, and the nonce of their salt."""

    digests: Mapping[str, Sequence[str]]
    nonce: str
    signed: Mapping[str, Mapping[str, str]] = {}
    """Digest -> whose signature over that response held: `key`, `form`, and when it was verified (`at`)."""


def permit_told(permit: Permit, agreement_digest: str) -> dict[str, object]:
    """Return what a permit allows, as the journal keeps it.

    agreement_digest: SHA-256 of the agreement's file, in hex; empty where it came from none.
    """
    about = (id(permit.forms), permit.agreement_id, permit.agreement_version, permit.purpose, agreement_digest)
    known = _TOLD.get(about)
    if known is None or known[0] is not permit.forms:
        if len(_TOLD) >= _MOST_TOLD:
            _TOLD.clear()
        known = _TOLD[about] = (permit.forms, _permit_told(permit, agreement_digest))
    return known[1]


def _permit_told(permit: Permit, agreement_digest: str) -> dict[str, object]:
    forms = {name: form_words(form) for name, form in permit.forms.items()}
    reads = {read for names in permit.inputs.values() for read in names}
    return {
        "agreement_sha256": agreement_digest,
        "legal_basis": permit.legal_basis,
        "household_rule": permit.household_rule,
        "forms": forms,
        "reads": sorted(reads.difference(forms)),
    }


@lru_cache(maxsize=1024)
def form_words(form: Form) -> str:
    """Return a form in one line: `band 10000,20000`, `predicate lt 24000`, `generalised to district`."""
    match form.kind:
        case FormKind.BAND:
            return f"band {_listed(form.edges)}"
        case FormKind.PREDICATE:
            return f"predicate {form.operator} {_listed(form.threshold)}"
        case FormKind.GENERALISED:
            return f"generalised to {form.to}"
        case _:
            return form.kind.value


def grounds_of(permit: Permit, people: Iterable[tuple[Person, Sequence[str]]]) -> dict[str, dict[str, object]]:
    """Return on whose decision each person's facts were read and told; empty where nobody has decided anything.

    people: each with the pseudonyms that the entry has for this person.
    Shape: pseudonym -> `basis` (legal basis, and the receipt that counted: `consent:cr-...`), `kept_back` (attributes
    of the permit that are not told of this person) and, of whom parts were refused, `keeping` (the receipts by which
    they were) and `heard` (registries that were heard, where any was refused).
    """
    found: dict[str, dict[str, object]] = {}
    for person, names in people:
        decided = person.permit
        if decided is None or (decided.basis == permit.legal_basis != _CONSENT):
            continue
        is_whole = len(decided.forms) == len(permit.forms)  # what is decided of a person never exceeds the permit
        ground: dict[str, object] = {
            "basis": decided.basis,
            "kept_back": [] if is_whole else sorted(permit.forms.keys() - decided.forms.keys()),
        }
        if decided.keeping:
            ground["keeping"] = list(decided.keeping)
        if decided.refused_sources:
            ground["heard"] = sorted({source for (source, _), heard in person.heard.items() if heard.reason is None})
        found[min(names, default=f"without a number: {person.number}")] = ground
    return found


def sources_of(said: Mapping[tuple[str, str], Collection[Said]], keys: Keys) -> Sources:
    """Return the salted digests of what each lookup of each registry said.

    said: every response, by source and lookup.
    """
    if not said:
        return Sources({}, "")
    nonce = f"{getrandbits(128):032x}"  # no two are the same; that nobody can tell the salt is the secret's doing
    salt = salt_of(nonce, keys)
    found = {
        f"{source}.{lookup}": sorted({salted(salt, one.digest) for one in responses})
        for (source, lookup), responses in said.items()
    }
    signed = {
        salted(salt, one.digest): {"key": one.signed.key_id, "form": one.signed.form, "at": one.signed.at}
        for responses in said.values()
        for one in responses
        if one.signed is not None
    }
    return Sources(found, nonce, signed)


def salt_of(nonce: str, keys: Keys) -> bytes:
    """Return the salt of an entry's digests, which nobody without the gateway's keys can tell."""
    return hmac.digest(_secret(keys), nonce.encode(), hashlib.sha256)


def salted(salt: bytes, digest: bytes) -> str:
    """Return the digest of a response as it stands in an entry; both parts have 32 bytes."""
    return hashlib.sha256(salt + digest).hexdigest()


@lru_cache(maxsize=4)
def _secret(keys: Keys) -> bytes:
    return keys.derived("evidence")


def _listed(stated: object) -> str:
    return ",".join(map(str, stated)) if isinstance(stated, tuple | list) else str(stated)

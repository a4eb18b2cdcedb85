"""Record: the journal entry of a question, of whatever became of it; who, why, how, and nobody's values."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from adapters.said import Said
from gateway.evidence.stating import ASKED_BY_CITIZENS, grounds_of, permit_told, sources_of
from gateway.ports import JournalEntry
from gateway.stages.probing import noticed_in
from gateway.stages.rooms import Disclosure, Question, Rooms
from gateway.stages.search import Finding
from standards.dci.search import IdQuery
from standards.permit import Permit
from standards.states import Conflict, Value


def superseded(question: Question, rooms: Rooms) -> JournalEntry:
    """Return the journal entry of an answer that was ready, and did not leave because its agreement changed."""
    purpose = rooms.decisions.purpose_of(question.consumer.client_id, question.item.purpose, rooms.now())
    return blank(question, rooms, purpose, "search.superseded")


def abandoned(question: Question, rooms: Rooms) -> JournalEntry:
    """Return the journal entry of a question whose consumer hung up: who asked about whom, and no answer."""
    purpose = rooms.decisions.purpose_of(question.consumer.client_id, question.item.purpose, rooms.now())
    return blank(question, rooms, purpose, "search.abandoned")


def blank(question: Question, rooms: Rooms, purpose: str, event: str) -> JournalEntry:
    """Return the journal entry of a question of which nothing else is known."""
    item = question.item
    subject = item.query.identifier if isinstance(item.query, IdQuery) else None
    if purpose and not rooms.decisions.is_agreed(question.consumer.client_id, purpose):
        purpose = f"not agreed: {rooms.keys.digest_of(purpose)}"  # whatever was written there may be personal
    return JournalEntry(
        at=rooms.now(),
        event=event,
        consumer=question.consumer.client_id,
        purpose=purpose,
        agreement="",
        subject=rooms.keys.pseudonym_of(subject) if subject else "",
        members=(),
        transaction=rooms.keys.digest_of(question.transaction_id),
        correlation=question.correlation_id,
        released=(),
        plan="",
        outcomes={},
        answer_digest="",
    )


def answered_entry(
    question: Question,
    rooms: Rooms,
    permit: Permit,
    disclosures: Sequence[Disclosure],
    finding: Finding,
    wire: bytes,
    now: datetime,
) -> JournalEntry:
    """Return the journal entry of an answered question: who, why, how, what came of it; nobody's values."""
    pseudonym = rooms.keys.pseudonym_of
    household = [person for d in disclosures for person in d.gathered.people]
    called = [
        [pseudonym(number) for number in person.known_by() if number.type in ASKED_BY_CITIZENS]
        for person in (*household, *(person for d in disclosures for person in d.gathered.others))
    ]
    members = {name for names in called for name in names}
    released = {
        name
        for d in disclosures
        if not d.is_hidden
        for attributes in (d.profile.attributes, *(m.attributes for m in d.profile.members))
        for name, state in attributes.items()
        if isinstance(state, Value | Conflict)
    }
    kept_back = noticed_in(person.permit for person in household)
    guarded = [f"probe guard: {', '.join(kept_back)} not told"] if kept_back else []
    linked = [
        f"linked at {e.source_id}: {e.detail}" for person in household for e in person.evidence if e.basis == "linked"
    ]
    outcomes = {s: str(o.outcome) for d in disclosures for s, o in d.profile.sources.items()}
    sources = sources_of(_said(disclosures, finding), rooms.keys)
    return blank(question, rooms, permit.purpose, "search.answered")._replace(
        at=now,
        agreement="+".join(
            [
                f"{permit.agreement_id}@{permit.agreement_version}",
                *sorted({f"emergency:{name}" for d in disclosures for name in d.emergencies}),
            ]
        ),
        members=tuple(sorted(members)),
        released=tuple(sorted(released)),
        plan="\n".join(
            dict.fromkeys(
                [*filter(None, (finding.plan, *guarded, *linked)), *(d.gathered.plan.text() for d in disclosures)]
            )
        ),
        outcomes=outcomes,
        answer_digest=hashlib.sha256(wire).hexdigest(),
        permit=permit_told(permit, rooms.digest_of_agreement(permit.agreement_id, permit.agreement_version)),
        grounds=grounds_of(permit, zip(household, called, strict=False)),
        sources=sources.digests,
        salt=sources.nonce,
        signed=sources.signed,
    )


def _said(disclosures: Sequence[Disclosure], finding: Finding) -> Mapping[tuple[str, str], Collection[Said]]:
    """Return the digests of everything that registries said for a question, by source and lookup."""
    if len(disclosures) == 1 and not finding.said:
        return disclosures[0].gathered.said
    found: dict[tuple[str, str], set[Said]] = {}
    if finding.said:
        found[finding.source_id or "", "search"] = set(finding.said)
    for disclosure in disclosures:
        for key, digests in disclosure.gathered.said.items():
            found.setdefault(key, set()).update(digests)
    return found

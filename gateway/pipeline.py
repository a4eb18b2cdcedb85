"""The straight path of a question: decide, plan, fetch, compose, minimise, respond; and record around it.

Every question takes it, once per `search_request` item, since each item has its own consent and status. A room takes
what the room before it returned, so the type checker keeps the order: `plan` needs a Permit, and only
`policies.engine` makes one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from adapters.ports import Deadline
from gateway.keys import Keys
from gateway.ports import Clock, JournalEntry
from gateway.settings import Consumer
from gateway.stages.compose import Composer
from gateway.stages.decide import Decisions
from gateway.stages.fetch import Fetcher, Gathered, silence
from gateway.stages.plan import Plan, Planner
from gateway.stages.respond import Responder, denied, unanswered
from gateway.stages.search import Finding, Searcher
from policies.engine import readable
from policies.minimise import minimise
from standards.attributes import Catalogue
from standards.dci.codes import ResponseEntity
from standards.dci.evidence import merged_sources
from standards.dci.search import FilterQuery, IdQuery, SearchItem, rejected_item
from standards.errors import RequestError, SourceError
from standards.filters import attributes_of
from standards.household import HouseholdProfile, SourceOutcome
from standards.identifiers import Identifier
from standards.permit import DisclosureRequest, Permit, PersonPermit
from standards.rules import BoundaryRule
from standards.states import Conflict, Value


class Rooms(NamedTuple):
    """The stages, as `bootstrap` wired them."""

    decisions: Decisions
    planner: Planner
    fetcher: Fetcher
    searcher: Searcher
    composer: Composer
    responder: Responder
    rules: Mapping[str, BoundaryRule]
    catalogue: Catalogue
    keys: Keys
    now: Clock


class Question(NamedTuple):
    """One item of a message, and what is known about its surroundings."""

    consumer: Consumer
    item: SearchItem
    transaction_id: str
    correlation_id: str
    deadline: Deadline


class Answer(NamedTuple):
    """One item of an answer as it will be sent, and what the journal must hold before it is."""

    item: bytes
    entry: JournalEntry
    status: str
    sources: Mapping[str, SourceOutcome] = {}
    """What every registry had to do with it, for the operator's counters."""


class Disclosure(NamedTuple):
    """What may leave about one household, and how it came about."""

    profile: HouseholdProfile
    gathered: Gathered


async def answer(question: Question, rooms: Rooms) -> Answer:
    """Answer one item: with records, or with the reason why not."""
    item, consumer = question.item, question.consumer
    now = rooms.now()
    purpose = rooms.decisions.purpose_of(consumer.client_id, item.purpose, now)
    subject = item.query.identifier if isinstance(item.query, IdQuery) else None
    searched = None if isinstance(item.query, IdQuery) else _searched(item)
    request = DisclosureRequest(consumer.client_id, purpose, subject, item.attributes)
    permit = rooms.decisions.decide(request, now, searched)
    if not isinstance(permit, Permit):
        return _refused(question, rooms, purpose, denied(item, permit, now), "search.denied")
    try:
        finding = (
            await rooms.searcher.find(item, item.query, permit, question.deadline, question.transaction_id)
            if isinstance(item.query, FilterQuery)
            else Finding((item.query.identifier,))
        )
        found = await rooms.searcher.each(
            finding.subjects, lambda one: disclose(one, question, permit, rooms, finding.keeps)
        )
    except RequestError as error:
        refusal = rejected_item(item.reference_id, error.reason_code, str(error), now=now, locale=item.locale)
        return _refused(question, rooms, purpose, refusal, "search.rejected")
    except SourceError as error:
        return _refused(question, rooms, purpose, unanswered(item, error, now), "search.unanswered")
    disclosures = [d for d in found if d is not None]
    built = rooms.responder.answered(
        item,
        [d.profile for d in disclosures],
        permit,
        now,
        plan=disclosures[0].gathered.plan if disclosures and item.explain else None,
        total=finding.total,
        note=finding.note,
    )
    wire = orjson.dumps(built)
    entry = _entry(question, rooms, permit, disclosures, finding, wire, now)
    return Answer(wire, entry, "succ", merged_sources([d.profile for d in disclosures]))


async def disclose(
    subject: Identifier,
    question: Question,
    permit: Permit,
    rooms: Rooms,
    keeps: Callable[[HouseholdProfile], bool] | None = None,
) -> Disclosure | None:
    """Return what may leave about one subject; None when the registries know nobody by that number.

    Raises: SourceUnavailableError when no registry that was asked could be heard.
    keeps: what a search still has to check on the composed profile; where it fails, nothing is disclosed.
    """
    alone = question.item.response_entity is ResponseEntity.MEMBER
    rule = None if alone else rooms.rules.get(permit.household_rule)

    def plan_for(owner: PersonPermit | None) -> Plan:
        # INVARIANT: nothing is fetched that the permit does not need. What is told of the household goes by the person
        # asked about, so a total that this person's refusal keeps back is not added up from the others either.
        told = permit.forms if owner is None else owner.forms
        forms = {n: f for n, f in permit.forms.items() if n not in permit.household_names or (n in told and not alone)}
        return rooms.planner.plan(readable(forms, rooms.catalogue), subject.type, rule)

    gathered = await rooms.fetcher.fetch(
        plan_for,
        subject,
        rooms.decisions.people(permit, rooms.now()),
        max_age_s=permit.max_age_s,
        deadline=question.deadline,
        transaction_id=question.transaction_id,
    )
    if gathered.is_silence:
        # INVARIANT: an outage is never a "no": when nobody at all could be heard, the question stays open.
        raise silence(gathered)
    if gathered.is_nobody:
        return None
    profile = rooms.composer.compose(gathered.plan, gathered, frozenset(permit.forms), rooms.now())
    if keeps is not None and not keeps(profile):
        return None
    persons = {p.number: p.permit for p in gathered.people if p.permit is not None}
    return Disclosure(minimise(profile, permit, persons), gathered)


def _searched(item: SearchItem) -> frozenset[str]:
    filtered = attributes_of(item.query.filter) if isinstance(item.query, FilterQuery) else frozenset[str]()
    return filtered | {key.attribute for key in item.sort}


def _refused(question: Question, rooms: Rooms, purpose: str, built: dict[str, object], event: str) -> Answer:
    wire = orjson.dumps(built)
    entry = _blank(question, rooms, purpose, event)._replace(answer_digest=hashlib.sha256(wire).hexdigest())
    return Answer(wire, entry, "rjct")


def _blank(question: Question, rooms: Rooms, purpose: str, event: str) -> JournalEntry:
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


def _entry(
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
    members = {pseudonym(number) for d in disclosures for p in d.gathered.people for number in p.known_by()}
    released = {
        name
        for d in disclosures
        for attributes in (d.profile.attributes, *(m.attributes for m in d.profile.members))
        for name, state in attributes.items()
        if isinstance(state, Value | Conflict)
    }
    outcomes = {s: str(o.outcome) for d in disclosures for s, o in d.profile.sources.items()}
    return _blank(question, rooms, permit.purpose, "search.answered")._replace(
        at=now,
        agreement=f"{permit.agreement_id}@{permit.agreement_version}",
        members=tuple(sorted(members)),
        released=tuple(sorted(released)),
        plan="\n".join(
            dict.fromkeys([*([finding.plan] if finding.plan else []), *(d.gathered.plan.text() for d in disclosures)])
        ),
        outcomes=outcomes,
        answer_digest=hashlib.sha256(wire).hexdigest(),
    )

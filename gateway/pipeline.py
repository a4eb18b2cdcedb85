"""The straight path of a question: decide, plan, fetch, compose, minimise, respond; and record around it.

Every question takes it, once per `search_request` item, since each item has its own consent and status. A room takes
what the room before it returned, so the type checker keeps the order: `plan` needs a Permit, and only
`policies.engine` makes one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import orjson

from adapters.ports import Deadline
from gateway.keys import Keys
from gateway.ports import Clock, JournalEntry
from gateway.settings import Consumer
from gateway.stages.compose import Composer
from gateway.stages.decide import Decisions
from gateway.stages.fetch import Fetcher, Gathered, silence, unheard_mandatory
from gateway.stages.plan import Plan, Planner
from gateway.stages.recall import Recall, Remembered, Terms
from gateway.stages.respond import Responder, denied, unanswered
from gateway.stages.search import Finding, Searcher
from policies.minimise import minimise
from standards.attributes import Catalogue
from standards.dci.codes import ResponseEntity, SearchReason
from standards.dci.envelope import wire_time
from standards.dci.evidence import merged_sources
from standards.dci.search import FilterQuery, IdQuery, SearchItem, rejected_item
from standards.errors import (
    MalformedMessageError,
    MandatorySourceError,
    RequestError,
    SourceError,
    SourceUnavailableError,
)
from standards.filters import attributes_of
from standards.household import HouseholdProfile, SourceOutcome
from standards.identifiers import BRN, MEMBER_ID, UIN, Identifier
from standards.permit import Denial, DisclosureRequest, Permit, PersonPermit, Reason
from standards.rules import BoundaryRule
from standards.states import Conflict, UnavailableReason, Value

ASKED_BY_CITIZENS = frozenset({UIN, BRN, MEMBER_ID})
"""Numbers under which the journal keeps who was part of an answer: those a person may ask by, who asked about me."""


class Rooms(NamedTuple):
    """The stages, as `bootstrap` wired them."""

    decisions: Decisions
    planner: Planner
    past_planner: Planner
    """Plans questions about a past day, over what registries can tell of one."""
    fetcher: Fetcher
    searcher: Searcher
    recall: Recall
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
    plan: Plan
    """As the consumer may see it."""
    is_hidden: bool = False
    """Found by a search, though the person keeps back what was searched by: not among the results."""


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
    if item.as_of is not None and item.as_of < now.date() and not permit.allows_past:
        remedy = Denial(Reason.PAST_NOT_AGREED, "agree the right to ask about the past, or leave hearth:as_of out")
        return _refused(question, rooms, purpose, denied(item, [remedy], now), "search.denied")
    # Read before anybody's consent is: an answer is remembered under what was known before it was composed.
    terms = Terms(permit, rooms.decisions.stamp(), rooms.planner.silent(), now.date())
    if (known := rooms.recall.find(consumer, item, terms)) is not None:
        return _again(question, rooms, known, now)
    try:
        finding = (
            await rooms.searcher.find(item, item.query, permit, question.deadline, question.transaction_id)
            if isinstance(item.query, FilterQuery)
            else Finding((item.query.identifier,))
        )
        found = await rooms.searcher.each(finding.subjects, lambda one: disclose(one, question, permit, rooms, finding))
    except RequestError as error:
        refusal = rejected_item(item.reference_id, error.reason_code, str(error), now=now, locale=item.locale)
        return _refused(question, rooms, purpose, refusal, "search.rejected")
    except SourceError as error:
        return _refused(question, rooms, purpose, unanswered(item, error, now), "search.unanswered")
    read = [d for d in found if d is not None]
    disclosures = [d for d in read if not d.is_hidden]
    built = rooms.responder.answered(
        item,
        [d.profile for d in disclosures],
        permit,
        now,
        plan=disclosures[0].plan if disclosures and item.explain else None,
        total=None if finding.total is None else finding.total - (len(read) - len(disclosures)),
        note=finding.note,
        found_by=finding.plan,
    )
    data = orjson.dumps(built["data"])
    built["data"] = orjson.Fragment(data)
    wire = orjson.dumps(built)
    entry = _entry(question, rooms, permit, read, finding, wire, now)
    sources = merged_sources([d.profile for d in disclosures])
    if len(read) == 1:
        rooms.recall.keep(consumer, item, Remembered(terms, built, entry, sources), read[0].gathered, len(data))
    return Answer(wire, entry, "succ", sources)


def _again(question: Question, rooms: Rooms, known: Remembered, now: datetime) -> Answer:
    """Give an answer again, under its own reference, time and journal entry."""
    wire = orjson.dumps({**known.item, "reference_id": question.item.reference_id, "timestamp": wire_time(now)})
    entry = known.entry._replace(
        at=now,
        transaction=rooms.keys.digest_of(question.transaction_id),
        correlation=question.correlation_id,
        answer_digest=hashlib.sha256(wire).hexdigest(),
    )
    return Answer(wire, entry, "succ", known.sources)


async def disclose(
    subject: Identifier,
    question: Question,
    permit: Permit,
    rooms: Rooms,
    finding: Finding | None = None,
) -> Disclosure | None:
    """Return what may leave about one subject; None when the registries know nobody by that number.

    Raises: SourceUnavailableError when no registry that was asked could be heard, or one of those without which the
        agreement discloses nothing.
    finding: the search that found the subject, with what is still to be checked on what may be told; where that
        fails, nothing is disclosed.
    """
    alone = question.item.response_entity is ResponseEntity.MEMBER
    rule = None if alone else rooms.rules.get(permit.household_rule)

    as_of = _past_day(question.item, rooms.now())
    planner = rooms.planner if as_of is None else rooms.past_planner
    agreed, down = (permit.agreement_id, permit.agreement_version), planner.silent()

    def plan_for(owner: PersonPermit | None, planner: Planner = planner) -> Plan:
        # INVARIANT: nothing is fetched that the permit does not need. What is told of the household goes by the person
        # asked about, so a total that this person's refusal keeps back is not added up from the others either.
        told = permit.forms if owner is None else owner.forms
        forms = {n: f for n, f in permit.forms.items() if n not in permit.household_names or (n in told and not alone)}
        return planner.plan_agreed(agreed, forms, subject.type, rule, down)

    gathered = await rooms.fetcher.fetch(
        plan_for,
        subject,
        rooms.decisions.people(permit, rooms.now()),
        max_age_s=permit.max_age_s,
        deadline=question.deadline,
        transaction_id=question.transaction_id,
        stale_if_error_s=permit.stale_if_error_s,
        as_of=as_of,
    )
    if as_of is not None and not gathered.people and not gathered.group:
        # INVARIANT: nobody asked is nobody's "no". Households of the past are known to none of these registries.
        groups = sorted({m.id for m, lookup in rooms.fetcher.lookups.values() if lookup.entity == "group"})
        raise SourceUnavailableError(", ".join(groups), UnavailableReason.NOT_AS_OF)
    if as_of is not None and permit.mandatory and gathered.people:
        now_told = plan_for(gathered.people[gathered.asked or 0].permit, rooms.planner)
        if lost := sorted(permit.mandatory & _without_history(now_told, gathered.plan)):
            raise MandatorySourceError(", ".join(lost), UnavailableReason.NOT_AS_OF)
    if (missing := unheard_mandatory(gathered, permit.mandatory)) is not None:
        raise missing
    if gathered.is_silence:
        # INVARIANT: an outage is never a "no": when nobody at all could be heard, the question stays open.
        raise silence(gathered)
    if gathered.is_nobody:
        return None
    profile = rooms.composer.compose(gathered.plan, gathered, frozenset(permit.forms), rooms.now(), as_of)
    persons = {p.number: p.permit for p in gathered.people if p.permit is not None}
    told = minimise(profile, permit, persons)
    is_hidden = finding is not None and _keeps_back(gathered, question.item, permit, finding, rooms.catalogue)
    # Hidden before anything else is checked, so that the total does not depend on what else was looked for.
    if not is_hidden and finding is not None and finding.keeps is not None and not finding.keeps(told):
        return None
    # Under an agreement that hides what is withheld, the plan must not tell either what was left out for one person.
    plan = plan_for(None) if permit.hide_withheld else gathered.plan
    return Disclosure(told, gathered, plan, is_hidden)


def _past_day(item: SearchItem, now: datetime) -> date | None:
    """Return the past day that a question is about; None when it is about today.

    Raises: MalformedMessageError for a day to come.
    """
    if item.as_of is None or item.as_of == now.date():
        return None
    if item.as_of > now.date():
        raise MalformedMessageError(
            "hearth:as_of is a day that has not come yet", reason_code=SearchReason.SEARCH_CRITERIA_INVALID
        )
    return item.as_of


def _without_history(now: Plan, past: Plan) -> frozenset[str]:
    """Return the registries that tell less, or nothing, as of a past day than they would of today."""

    def told(plan: Plan) -> set[tuple[str, str]]:
        return {(s.source_id, name) for s in plan.steps if not s.instead_of for name in (s.lookup, *s.names)}

    return frozenset(source_id for source_id, _ in told(now) - told(past))


def _keeps_back(gathered: Gathered, item: SearchItem, permit: Permit, finding: Finding, catalogue: Catalogue) -> bool:
    """Tell whether the person asked about, or a household's head, keeps back what the search went by."""
    if finding.source_id is None:
        return False
    # INVARIANT: a filter never tells what the answer withholds: being found by a hidden value would state it.
    owner = gathered.people[0].permit if gathered.people else None
    if owner is None or not owner.forms or finding.source_id in owner.refused_sources:
        return True
    names = _searched(item)
    if item.response_entity is not ResponseEntity.MEMBER:
        # Facts of people are checked on what may be told, which holds none that its person keeps back.
        names = frozenset(n for n in names if catalogue[n].entity == "household")
    # What was not asked for has no decision of its own: any refusal counts for it.
    is_undecided = bool(owner.refused_sources) and not names <= permit.forms.keys()
    return is_undecided or not names.isdisjoint(owner.withheld)


def abandoned(question: Question, rooms: Rooms) -> JournalEntry:
    """Return the journal entry of a question whose consumer hung up: who asked about whom, and no answer."""
    purpose = rooms.decisions.purpose_of(question.consumer.client_id, question.item.purpose, rooms.now())
    return _blank(question, rooms, purpose, "search.abandoned")


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
    members = {
        pseudonym(number)
        for d in disclosures
        for person in (*d.gathered.people, *d.gathered.others)
        for number in person.known_by()
        if number.type in ASKED_BY_CITIZENS
    }
    released = {
        name
        for d in disclosures
        if not d.is_hidden
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

"""The straight path of a question: decide, plan, fetch, compose, minimise, respond; and record around it.

Every question takes it, once per `search_request` item, since each item has its own consent and status. A room takes
what the room before it returned, so the type checker keeps the order: `plan` needs a Permit, and only
`policies.engine` makes one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import orjson

from adapters.ports import Deadline
from adapters.said import listen
from gateway.stages import native
from gateway.stages.decide import uncounted
from gateway.stages.deciding import Held
from gateway.stages.fetch import Gathered, silence, unheard_mandatory
from gateway.stages.plan import Plan, Planner
from gateway.stages.recall import Remembered, Terms
from gateway.stages.record import abandoned, answered_entry, blank, superseded
from gateway.stages.respond import denied, unanswered
from gateway.stages.rooms import Answer, Beside, Disclosure, Question, Rooms
from gateway.stages.search import Finding
from gateway.stages.single import NOTHING_HELD, narrowed, single
from policies.counters import CountError
from policies.minimise import minimise
from policies.notices import Notice
from standards.attributes import Catalogue
from standards.dci.codes import ErrorCode, ResponseEntity, SearchReason
from standards.dci.envelope import wire_time
from standards.dci.evidence import merged_sources
from standards.dci.search import FilterQuery, IdQuery, Page, SearchItem, rejected_item
from standards.errors import (
    JournalError,
    MalformedMessageError,
    MandatorySourceError,
    RequestError,
    SourceError,
    SourceUnavailableError,
)
from standards.filters import attributes_of
from standards.household import Outcome, SourceOutcome
from standards.identifiers import Identifier
from standards.permit import Denial, DisclosureRequest, Permit, PersonPermit, Reason
from standards.states import UnavailableReason

__all__ = ["Answer", "Disclosure", "Question", "Rooms", "abandoned", "answer", "disclose", "superseded"]


async def answer(question: Question, rooms: Rooms) -> Answer:
    """Answer one item: with records, or with the reason why not."""
    rooms = rooms.chosen(question.transaction_id)
    item, consumer = question.item, question.consumer
    now, started = rooms.now(), rooms.pace.start()
    purpose = rooms.decisions.purpose_of(consumer.client_id, item.purpose, now)
    try:
        sources = rooms.planner.sources_of(item.reg_type)
        asked = single(item, sources, rooms.planner.searchable(sources))
    except RequestError as error:
        refusal = rejected_item(item.reference_id, error.reason_code, str(error), now=now, locale=item.locale)
        return _refused(question, rooms, purpose, refusal, "search.rejected")
    if asked is not None:
        item = asked.item
        question = question._replace(item=item)
    subject = item.query.identifier if isinstance(item.query, IdQuery) else None
    searched = None if isinstance(item.query, IdQuery) else _searched(item)
    request = DisclosureRequest(consumer.client_id, purpose, subject, item.attributes, needs_household=asked is None)
    permit = rooms.decisions.decide(request, now, searched)
    if not isinstance(permit, Permit):
        return _refused(question, rooms, purpose, denied(item, permit, now), "search.denied")
    if asked is not None:
        of_record = narrowed(permit, asked)
        if of_record is None:
            return _refused(question, rooms, purpose, denied(item, [NOTHING_HELD], now), "search.denied")
        permit = of_record
    if item.as_of is not None and item.as_of < now.date() and not permit.allows_past:
        remedy = Denial(Reason.PAST_NOT_AGREED, "agree the right to ask about the past, or leave hearth:as_of out")
        return _refused(question, rooms, purpose, denied(item, [remedy], now), "search.denied")
    given = await _permitted(question, permit, rooms, now)
    # INVARIANT: where the agreement says so, the time an answer takes does not tell what somebody keeps back.
    await rooms.pace.until_even(started, permit.even_time_s)
    return given


async def _permitted(question: Question, permit: Permit, rooms: Rooms, now: datetime) -> Answer:
    """Answer one item that policy permits."""
    item, consumer, purpose = question.item, question.consumer, permit.purpose
    if (over := await rooms.decisions.over_quota(permit, now)) is not None:
        refusal = denied(item, [over], now)
        if question.is_plain and over.again_on is not None:
            refusal |= {"status_reason_code": ErrorCode.TOO_MANY_REQUESTS.value}
        return _refused(question, rooms, purpose, refusal, "search.denied")._replace(again_on=over.again_on)
    if (finer := await rooms.decisions.too_fine(permit, item)) is not None:
        return _refused(question, rooms, purpose, denied(item, [finer], now), "search.denied")
    # Read before anybody's consent is: an answer is remembered under what was known before it was composed.
    emergencies = rooms.decisions.emergencies(permit, now)
    terms = Terms(permit, rooms.decisions.stamp(), rooms.planner.silent(), now.date(), emergencies)
    if not question.is_plain and (known := rooms.recall.find(consumer, item, terms)) is not None:
        return _again(question, rooms, known, now)
    said = listen()  # to what a search is told; every call about people listens for itself
    try:
        finding, read = await _found(question, permit, rooms, terms)
        finding = finding._replace(said=tuple(said))
    except RequestError as error:
        refusal = rejected_item(item.reference_id, error.reason_code, str(error), now=now, locale=item.locale)
        return _refused(question, rooms, purpose, refusal, "search.rejected")
    except SourceError as error:
        return _refused(question, rooms, purpose, unanswered(item, error, now), "search.unanswered")
    except CountError as error:
        return _refused(question, rooms, purpose, denied(item, [uncounted(error)], now), "search.denied")
    disclosures = [d for d in read if not d.is_hidden]
    if question.is_plain:
        await _give_notice(question, rooms, permit, read, now)
        held, beside = _held(read, permit, terms.stamp, now), _beside(question, rooms, permit, read)
        return _plain(question, rooms, permit, read, finding, now)._replace(held=held, beside=beside)
    built = rooms.responder.answered(
        item,
        [d.profile for d in disclosures],
        permit,
        now,
        plan=disclosures[0].plan if disclosures and item.explain else None,
        total=finding.total,
        note="; ".join(filter(None, (finding.note, *_under(disclosures)))) or None,
        found_by=finding.plan,
    )
    data = orjson.dumps(built["data"])
    built["data"] = orjson.Fragment(data)
    wire = orjson.dumps(built)
    entry = answered_entry(question, rooms, permit, read, finding, wire, now)
    sources = _with_searched(merged_sources([d.profile for d in disclosures]), finding)
    if len(read) == 1 and not read[0].emergencies and not read[0].held.carried:
        rooms.recall.keep(consumer, item, Remembered(terms, built, entry, sources), read[0].gathered, len(data))
    await _give_notice(question, rooms, permit, read, now)
    held, beside = _held(read, permit, terms.stamp, now), _beside(question, rooms, permit, read)
    return Answer(wire, entry, "succ", sources, permit, held, beside=beside)


async def _found(
    question: Question, permit: Permit, rooms: Rooms, terms: Terms
) -> tuple[Finding, Sequence[Disclosure]]:
    """Return whom a question is about, and what may leave of each; those not to be shown are hidden."""
    item, query = question.item, question.item.query

    async def each(subjects: Sequence[Identifier], finding: Finding) -> list[Disclosure | None]:
        async def told(one: Identifier, by: Deadline) -> Disclosure | None:
            return await disclose(one, question._replace(deadline=by), permit, rooms, finding)

        return await rooms.searcher.each(subjects, told, question.deadline)

    if isinstance(query, IdQuery):
        named = Finding((query.identifier,))
        return named, [d for d in await each(named.subjects, named) if d is not None]

    async def find(page: Page | None = None, most: int = 0) -> Finding:
        return await rooms.searcher.find(
            item, query, permit, question.deadline, question.transaction_id, page=page, most=most
        )

    deciding = rooms.decisions.people(permit, rooms.now(), item)
    if not deciding.depends_on_people and ((finding := await find()).keeps is None or permit.min_group_size == 1):
        subjects = rooms.paging.told(finding, permit, item.page).subjects
        read = [d for d in await each(subjects, finding) if d is not None]
        left = finding._replace(total=(finding.total or 0) - sum(d.is_hidden for d in read))
        return rooms.paging.told(left, permit, item.page), read
    # INVARIANT: totals, pages and places on them are made of those who may be shown, and of nobody else.
    asked = repr(
        (
            *(question.consumer.client_id, query.filter, item.sort, item.response_entity, item.attributes, item.as_of),
            *(() if permit.sources is None else (item.reg_type, item.reg_record_type)),
        )
    )
    is_same_for_all = terms.stamp is not None and not deciding.carries
    name = (asked, permit.agreement_id, permit.agreement_version, permit.purpose, terms.stamp, terms.day)
    spread = int(rooms.keys.digest_of(asked), 16) % max(1, permit.max_results)
    return await rooms.paging.page(name if is_same_for_all else None, find, each, permit, item.page, spread)


def _with_searched(sources: Mapping[str, SourceOutcome], finding: Finding) -> Mapping[str, SourceOutcome]:
    """Return what every registry had to do with an answer, the one that was searched included: it says who is found."""
    known = sources.get(finding.source_id or "")
    if finding.source_id is None or (known is not None and known.outcome is not Outcome.NOT_ASKED):
        return sources
    return {**sources, finding.source_id: SourceOutcome(Outcome.ANSWERED)}


def _plain(
    question: Question, rooms: Rooms, permit: Permit, read: Sequence[Disclosure], finding: Finding, now: datetime
) -> Answer:
    """Write an answer in the plain shape, from what the DCI shape is written from."""
    profiles = [d.profile for d in read]
    plan = read[0].plan if read and question.item.explain else None
    note = "; ".join(filter(None, (finding.note, *_under(read)))) or None
    wire = orjson.dumps(native.answered(question.item, profiles, permit, now, plan=plan, note=note))
    entry = answered_entry(question, rooms, permit, read, finding, wire, now)
    return Answer(wire, entry, "succ", merged_sources(profiles), permit)


def _again(question: Question, rooms: Rooms, known: Remembered, now: datetime) -> Answer:
    """Give an answer again, under its own reference, time and journal entry."""
    wire = orjson.dumps({**known.item, "reference_id": question.item.reference_id, "timestamp": wire_time(now)})
    entry = known.entry._replace(
        at=now,
        transaction=rooms.keys.digest_of(question.transaction_id),
        correlation=question.correlation_id,
        answer_digest=hashlib.sha256(wire).hexdigest(),
    )
    permit = known.terms.permit
    return Answer(wire, entry, "succ", known.sources, permit, _held((), permit, known.terms.stamp, now))


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
        return planner.plan_agreed(
            agreed, forms, subject.type, rule, down, permit.sources, linkage=permit.allows_linkage
        )

    deciding = rooms.decisions.people(permit, rooms.now(), question.item)
    gathered = await rooms.fetcher.fetch(
        plan_for,
        subject,
        deciding,
        max_age_s=permit.max_age_s,
        deadline=question.deadline,
        transaction_id=question.transaction_id,
        stale_if_error_s=permit.stale_if_error_s,
        as_of=as_of,
    )
    for person in await deciding.reconsider(gathered.people, rooms.fetcher.issuers):
        await rooms.fetcher.calls.forget(person.known_by())  # who has died: nothing stays under the consent that ended
    await deciding.probed(gathered.people, rooms.fetcher.issuers)
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
    told = minimise(profile, permit, persons, rooms.decisions.handles(permit))
    is_hidden = finding is not None and _keeps_back(gathered, question.item, permit, finding, rooms.catalogue)
    # Hidden before anything else is checked, so that the total does not depend on what else was looked for.
    if not is_hidden and finding is not None and finding.keeps is not None and not finding.keeps(told):
        return None
    # Under an agreement that hides what is withheld, the plan must not tell either what was left out for one person.
    plan = plan_for(None) if permit.hide_withheld else gathered.plan
    emergencies = frozenset(p.emergency for p in persons.values() if p.emergency is not None)
    return Disclosure(told, gathered, plan, deciding.held(), emergencies, is_hidden)


def _beside(question: Question, rooms: Rooms, permit: Permit, read: Sequence[Disclosure]) -> Beside | None:
    """Return what a shadow is compared with; None where there is none, or nobody was named."""
    if not rooms.is_shadowed or not isinstance(question.item.query, IdQuery):
        return None
    return Beside(question, permit, tuple(read))


def _held(read: Sequence[Disclosure], permit: Permit, stamp: object, now: datetime) -> tuple[Held, ...]:
    """Return what an answer rests on; one that is given again, or found nobody, on nobody's consent having changed."""
    return tuple(d.held for d in read) or (Held(permit, stamp, now, None),)


def _under(disclosures: Sequence[Disclosure]) -> list[str]:
    """Return what an answer says about the emergencies it is given under."""
    names = sorted({name for d in disclosures for name in d.emergencies})
    return [f"given without consent under the declared emergency {name}" for name in names]


async def _give_notice(
    question: Question, rooms: Rooms, permit: Permit, read: Sequence[Disclosure], now: datetime
) -> None:
    """Make sure that everybody will be told about whom something was read under an emergency.

    Raises: JournalError when that cannot be made sure of; then nothing is answered.
    """
    # INVARIANT: nobody's consent is passed over without a notice that is durable before the answer leaves.
    if not any(d.emergencies for d in read):
        return
    if rooms.notices is None:
        raise JournalError("an emergency counts, and nothing here takes the notices that are owed")
    await rooms.notices.owe(
        [
            Notice(
                person=name,
                emergency=person.permit.emergency,
                consumer_id=permit.consumer_id,
                purpose=permit.purpose,
                attributes=tuple(sorted(person.permit.forms)),
                at=now.isoformat(timespec="seconds"),
                correlation=question.correlation_id,
            )
            for disclosure in read
            for person in disclosure.gathered.people
            if person.permit is not None and person.permit.emergency is not None
            for name in rooms.decisions.names_of(person.identifiers)
        ]
    )


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
        names = frozenset(n for n in names if n in finding.went_by or catalogue[n].entity == "household")
    # What was not asked for has no decision of its own: any refusal counts for it.
    is_undecided = bool(owner.refused_sources) and not names <= permit.forms.keys()
    return is_undecided or not names.isdisjoint(owner.withheld)


def _searched(item: SearchItem) -> frozenset[str]:
    filtered = attributes_of(item.query.filter) if isinstance(item.query, FilterQuery) else frozenset[str]()
    return filtered | {key.attribute for key in item.sort}


def _refused(question: Question, rooms: Rooms, purpose: str, built: dict[str, object], event: str) -> Answer:
    wire = orjson.dumps(native.refused(built) if question.is_plain else built)
    entry = blank(question, rooms, purpose, event)._replace(answer_digest=hashlib.sha256(wire).hexdigest())
    return Answer(wire, entry, "rjct")

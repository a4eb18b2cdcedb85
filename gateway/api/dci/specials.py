"""The questions that one registry type alone answers: is somebody disabled, what help is given, who is enrolled.

Each is a plain question about one attribute of one person, on the path and under the agreements of all questions; its
answer goes out in the shape that the registry type's interface gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from gateway.api.dci.dressing import Dressed, dressed
from gateway.api.dci.exchange import Received, answered
from gateway.bootstrap import Gateway
from gateway.pipeline import Answer, Question
from standards.dci.asked import Asked, read_asked
from standards.dci.codes import RegType, ResponseEntity, normal_reg_type
from standards.dci.question import read_item
from standards.dci.reading import MAX_ID, ItemRefusedError, member
from standards.dci.search import RejectedItem, SearchItem
from standards.dci.specials import (
    CHECK_ENROLMENT,
    DISABILITY_DETAILS,
    DISABILITY_SUPPORT,
    DISABLED,
    ENROLLED,
    ENROLMENT_WORDS,
    Special,
    beneficiaries_of,
    enrolled_word,
    records_item,
    refused_item,
    told_item,
)
from standards.dci.validate import Leniency, read_id
from standards.errors import MalformedMessageError

_NOT_TAKEN = (
    "not taken: this gateway keeps no records of its own; send enrolments to the beneficiary registry itself. What was "
    "kept of this beneficiary has been dropped, so the next answer is asked for anew"
)


async def disabled(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Answer whether somebody is registered as disabled: yes or no."""
    return await _special(gateway, received, request, DISABLED)


async def disability_details(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Answer which impairments are registered of somebody."""
    return await _special(gateway, received, request, DISABILITY_DETAILS)


async def disability_support(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Answer which support somebody receives or needs."""
    return await _special(gateway, received, request, DISABILITY_SUPPORT)


async def enrolled(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Answer whether somebody is enrolled, in one programme or in any: yes or no."""
    return await _special(gateway, received, request, ENROLLED)


async def check_enrolment(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Answer how somebody stands with the employment services: one word."""
    return await _special(gateway, received, request, CHECK_ENROLMENT)


async def enrolment_updates(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Refuse the enrolments that a programme pushes to a registry, and forget what was kept of the people named."""
    transaction_id = read_id(received.message, "transaction_id")
    # DEVIATION 30: there is no registry of its own behind this address that could take them.
    named = beneficiaries_of(member(received.message, ("enrolled_updates", "receipt_information")))
    most = gateway.settings.messages.max_items
    if not 0 < len(named) <= most:
        raise MalformedMessageError(f"enrolled_updates.beneficiaries is an array of 1 to {most} beneficiaries")
    for numbers in named:
        await gateway.rooms.fetcher.calls.forget(numbers)
    message_id = received.header.message_id
    references = [message_id] if len(named) == 1 else [f"{message_id}-{n}" for n in range(1, len(named) + 1)]
    items = [refused_item(reference, _NOT_TAKEN, now=received.now) for reference in references]
    payload = {
        "transaction_id": transaction_id,
        "correlation_id": received.correlation_id,
        "enrolled_response": items,
    }
    return answered(gateway, received, payload, ["rjct"] * len(items), _NOT_TAKEN)


async def _special(gateway: Gateway, received: Received, request: web.Request, special: Special) -> web.Response:
    transaction_id = read_id(received.message, "transaction_id")
    try:
        asked = read_asked(received.message.get(special.criteria))
        item = _item(gateway, received, special, asked)
    except ItemRefusedError as refused:
        return _sent(gateway, received, special, transaction_id, _refused(received, refused.message))
    question = Question(
        received.consumer, item, transaction_id, received.correlation_id, received.deadline, is_plain=True
    )
    dress = partial(_dress, gateway, received, special, asked)
    given = await dressed(gateway, question, dress, request)
    return _sent(gateway, received, special, transaction_id, Dressed(given.item, given.status))


def _item(gateway: Gateway, received: Received, special: Special, asked: Asked) -> SearchItem:
    """Return the item of a search that asks the same."""
    criteria = received.message[special.criteria]
    search = {
        "reg_type": special.reg_type.value,
        "reg_record_type": special.record_type.value,
        "response_entity": ResponseEntity.MEMBER.value,
        "query_type": "idtype-value",
        "query": asked.subject._asdict(),
        "hearth:attributes": [special.attribute],
    }
    # Nowhere in these requests is a purpose provided for; where one stands as in a search, it is read.
    for name in ("consent", "authorize"):
        search[name] = criteria.get(name, received.message.get(name))
    outer = {"reference_id": received.header.message_id, "timestamp": received.now.isoformat()}
    item = read_item({**outer, "search_criteria": search}, set(), Leniency(), gateway.catalogue)
    if isinstance(item, RejectedItem):
        raise ItemRefusedError(item.code, item.message)
    return item


def _dress(
    gateway: Gateway, received: Received, special: Special, asked: Asked, question: Question, given: Answer
) -> Dressed:
    """Return the item that says what a plain answer says."""
    body = orjson.loads(given.item)
    if given.status != "succ":
        return _refused(received, body["errors"][0]["message"])
    hides = given.permit is None or given.permit.hide_withheld
    person = body["person"]
    if person is None:
        source = _asked_by(gateway, special.reg_type, asked.subject.type)
        if source is None:
            return _refused(received, "nobody is known by that number, so the registry could not be asked")
        state = {"state": "absent", "source": source}
    else:
        state = person["attributes"].get(special.attribute, {"state": "withheld", "reason": "not_in_agreement"})
    if why := _untold(state, body.get("reasons", {})):
        return _refused(received, why)
    reference_id, now = received.header.message_id, received.now
    evidence = {key: value for key, value in state.items() if key not in {"value", "differing"}}
    if not special.told:
        values: Any = state.get("value") or []
        sources = {name: said for name, said in body["sources"].items() if said["outcome"] != "not_asked"}
        extensions = {"hearth:sources": sources, "hearth:evidence": [evidence]}
        return _succeeded(records_item(special, reference_id, values, now=now, extensions=extensions))
    # INVARIANT: an outage is never a "no"; nor is what somebody keeps back, where that is to look like nothing.
    if state["state"] == "absent" and hides:
        return _refused(received, "the agreement does not tell apart what is not there from what is kept back")
    word = _word(special, asked, state.get("value"))
    if word is None:
        return _refused(received, "the registry knows no such enrolment, for which the standard has no word")
    note = "registries disagree; this is what the more authoritative one says" if state["state"] == "conflict" else ""
    item = told_item(special, reference_id, word, now=now, message=note)
    return _succeeded({**item, "hearth:evidence": evidence})


def _untold(state: Mapping[str, Any], words: Mapping[str, str]) -> str | None:
    """Return why an attribute is not told; None when it is."""
    reason = state.get("reason", "")
    if state["state"] == "unavailable":
        source = f" from {state['source']}" if "source" in state else ""
        return f"not obtained{source} ({reason}): {words.get(reason, 'nothing is known, ask again')}"
    if state["state"] == "withheld":
        return f"withheld ({reason}): {words.get(reason, 'the agreement does not name it for this purpose')}"
    if "form" in state:
        return "the agreement names it in another form than its value, which this answer has no place for"
    if state.get("stand_in"):
        return "the registry could not be heard, and another one's word does not answer for it"
    return None


def _word(special: Special, asked: Asked, value: Any) -> str | None:
    """Return the word that answers; None where the standard has none."""
    if special is DISABLED:
        return "yes" if value is True else "no"
    if special is ENROLLED:
        return enrolled_word(value or [], asked.programme)
    return ENROLMENT_WORDS.get(str(value))


def _asked_by(gateway: Gateway, reg_type: RegType, id_type: str) -> str | None:
    """Return a connected registry of a type that is asked by a kind of number, so that it says whom it lacks."""
    return next(
        (
            manifest.id
            for manifest in gateway.manifests
            if normal_reg_type(manifest.reg_type) is reg_type and any(id_type in one.by for one in manifest.lookups)
        ),
        None,
    )


def _succeeded(item: Mapping[str, Any]) -> Dressed:
    return Dressed(orjson.dumps(item), "succ")


def _refused(received: Received, message: str) -> Dressed:
    return Dressed(orjson.dumps(refused_item(received.header.message_id[:MAX_ID], message, now=received.now)), "rjct")


def _sent(gateway: Gateway, received: Received, special: Special, transaction_id: str, item: Dressed) -> web.Response:
    payload: dict[str, Any] = {"transaction_id": transaction_id, "correlation_id": received.correlation_id}
    fragment, why = orjson.Fragment(item.item), None
    if item.status == "succ" or not special.told:
        payload[special.response] = [fragment]
    else:
        # DEVIATION 26: the release has no item without a yes or a no, so one that says neither stands beside them.
        payload |= {special.response: [], "hearth:rejected": [fragment]}
    if item.status != "succ":
        why = orjson.loads(item.item)["status_reason_message"]
    return answered(gateway, received, payload, [item.status], why)

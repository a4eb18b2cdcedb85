"""What GUIDE 8.4 and 14 decide, case by case, against a whole gateway: who is answered what, by which code and status.

The requirements with their ids are listed in `requirements.yaml`; other tests that show one are named there.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import pytest_asyncio

from standards.states import UnavailableReason
from tests.builders import CATALOGUE, MANIFESTS
from tests.contract.dci_spec import faults, needs_dci_spec, request_faults, response_faults
from tests.whole_gateway import (
    OTHER,
    STRANGER,
    UIN,
    Answered,
    Whole,
    by_number,
    items_of,
    message,
    search,
    whole,
)

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

SYNC, LATER = "/registry/sync/search", "/registry/search"
SOCIAL, CIVIL = "social_api_v1.0.0.yaml", "crvs_api_v1.0.0.yaml"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    """One gateway for all cases."""
    async with whole(tmp_path_factory.mktemp("whole")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def gateway(running: Whole) -> AsyncIterator[Whole]:
    """The same, every registry well and nothing left to do."""
    yield running
    running.work.waiting.clear()
    for registry in running.world.registries.values():
        registry.failing.clear()


def asking(to: Any = None, **header: Any) -> dict[str, Any]:
    """A whole question about Asha's household."""
    more = {"to": to} if to else {}
    return message("sync/search", search(by_number()), **more, **header)


def days(count: float) -> str:
    """A moment so many days from now."""
    return (datetime.now(UTC) + timedelta(days=count)).isoformat()


# -- refusals of a whole message (GUIDE 8.4)

WHOLE: dict[str, tuple[Callable[[], Any], str, int, str, int]] = {
    "broken": (lambda: b'{"header": {', "err.request.bad", 400, "err.request.bad", 400),
    "no object": (list, "err.request.bad", 400, "err.request.bad", 400),
    "no header": (lambda: {"message": asking()["message"]}, "err.request.bad", 400, "err.request.bad", 400),
    "no message": (lambda: {"header": asking()["header"]}, "err.request.bad", 400, "err.request.bad", 400),
    "no message id": (lambda: asking(message_id=None), "err.request.bad", 400, "err.request.bad", 400),
    "long message id": (lambda: asking(message_id="m" * 100), "err.request.bad", 400, "err.request.bad", 400),
    "receiver": (
        lambda: asking(receiver_id="another.example.org"), "err.receiver_id.invalid", 400, "", 200,
    ),
    "no offset": (
        lambda: asking(message_ts="2026-03-04T09:15:00"), "err.request.bad", 400, "rjct.message_ts.invalid", 200,
    ),
    "no time": (lambda: asking(message_ts="yesterday"), "err.request.bad", 400, "rjct.message_ts.invalid", 200),
    "stale": (lambda: asking(message_ts=days(-1)), "err.request.bad", 400, "rjct.message_ts.invalid", 200),
    "future": (lambda: asking(message_ts=days(1)), "err.request.bad", 400, "rjct.message_ts.invalid", 200),
    "action": (lambda: asking(action="subscribe"), "err.request.bad", 400, "rjct.action.invalid", 200),
    "no action": (lambda: asking(action=None), "err.request.bad", 400, "rjct.action.invalid", 200),
    "count": (lambda: asking(total_count=2), "err.request.bad", 400, "rjct.total_count.invalid", 200),
    "no count": (lambda: asking(total_count=None), "err.request.bad", 400, "rjct.total_count.invalid", 200),
    "version": (lambda: asking(version="2.0.0"), "err.request.bad", 400, "rjct.version.invalid", 200),
    "encrypted": (
        lambda: asking(is_msg_encrypted=True), "err.encryption.invalid", 400, "err.encryption.invalid", 400,
    ),
    "many": (
        lambda: message(
            "sync/search", {"search_request": search(by_number())["search_request"] * 26}, total_count=26
        ),
        "err.request.bad", 400, "rjct.total_count.limit_exceeded", 200,
    ),
}  # fmt: skip
"""What is wrong -> the message, and the code and the HTTP status of its refusal: to be answered later, and at once."""


@pytest.mark.parametrize("wrong", WHOLE)
async def test_a_refused_message_that_is_answered_later(gateway: Whole, wrong: str):
    """DCI-ERR-01: an acknowledgement `ERR` with a code of the message level, under a correlation id."""
    made, code, status, *_ = WHOLE[wrong]
    answered = await gateway.send(LATER, made())

    assert (answered.status, answered.code) == (status, code)
    assert answered.body["message"]["ack_status"] == "ERR"
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,99}", answered.body["message"]["correlation_id"])


@pytest.mark.parametrize("wrong", WHOLE)
async def test_a_refused_message_that_is_answered_at_once(gateway: Whole, wrong: str):
    """DCI-ERR-02: a header `rjct` with a code of the header level, or an HTTP error where there is none to answer."""
    made, *_, code, status = WHOLE[wrong]
    answered = await gateway.send(SYNC, made())

    assert (answered.status, answered.code or "") == (status, code)
    if status == 200:
        header = answered.body["header"]
        assert (header["status"], header["action"]) == ("rjct", "on-search")
        assert header["status_reason_message"]
        assert answered.body["message"]["search_response"] == []


async def test_a_message_is_taken_once(gateway: Whole):
    """DCI-ERR-03: again at once: a duplicate; again later: the same acknowledgement, or `ERR` for another body."""
    sync, later = asking(), asking()
    await gateway.send(SYNC, sync)
    again = await gateway.send(SYNC, sync)
    first, second = await gateway.send(LATER, later), await gateway.send(LATER, later)
    other = await gateway.send(LATER, later | {"x:extra": 1})

    assert (again.status, again.code) == (200, "rjct.message_id.duplicate")
    assert second.raw == first.raw
    assert (other.status, other.code) == (400, "err.request.bad")


@pytest.mark.parametrize("path", [SYNC, LATER, "/registry/subscribe", "/registry/sync/disabled", "/dr/registry/search"])
@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer not.a.token", "Basic dXNlcjpwYXNz"])
async def test_without_a_token_nothing_is_read(gateway: Whole, path: str, authorization: str):
    """DCI-SEC-01: on every operation, also where a file of the release forgot to say so."""
    answered = await gateway.send(path, asking(), Authorization=authorization)

    assert (answered.status, answered.code) == (401, "err.request.unauthorized")


@pytest.mark.parametrize("path", [SYNC, LATER])
async def test_another_programme_s_name_is_refused(gateway: Whole, path: str):
    """DCI-SEC-02: a token speaks for its own client alone."""
    answered = await gateway.send(path, asking(OTHER))

    assert (answered.status, answered.code) == (403, "err.request.forbidden")


@pytest.mark.parametrize("signature", [None, "", "Signature: nothing of the kind", "a.b.c", "a..c"])
@pytest.mark.parametrize("path", [SYNC, LATER])
async def test_a_signature_that_is_due_is_due(gateway: Whole, path: str, signature: str | None):
    """DCI-SEC-03: missing or wrong: HTTP 401, as an acknowledgement where the answer would come later."""
    token = gateway.gateway.tokens._issued(OTHER, "").token
    sent = asking(OTHER) | ({} if signature is None else {"signature": signature})
    answered = await gateway.send(path, sent, Authorization=f"Bearer {token}")

    code = "err.signature.invalid" if signature else "err.signature.missing"
    assert (answered.status, answered.code) == (401, code)
    assert ("errors" in answered.body) == (path == SYNC)


async def test_what_breaks_here_stays_here(gateway: Whole, monkeypatch: pytest.MonkeyPatch):
    """DCI-ERR-04: HTTP 500 with a code of the standard, and nothing of what went wrong, nor in the log."""

    def breaks(*_: object) -> None:
        raise RuntimeError(f"of {UIN}")

    monkeypatch.setattr(gateway.gateway.admission, "questions", breaks)
    answered = await gateway.send(SYNC, asking())

    assert (answered.status, answered.code) == (500, "err.service.unavailable")
    assert UIN not in answered.raw.decode() + answered.log
    assert "RuntimeError" not in answered.raw.decode()


async def test_files_are_not_taken(gateway: Whole):
    """DCI-OPS-03: `multipart/form-data` is declared by the release and served by nobody."""
    answered = await gateway.send(LATER, b"--x--", **{"Content-Type": "multipart/form-data; boundary=x"})

    assert (answered.status, answered.code) == (415, "err.request.bad")


@pytest.mark.parametrize("path", ["/registry/is-disabled", "/registry/sync/subscribe", "/nobody/registry/search"])
async def test_what_is_no_operation_is_not_there(gateway: Whole, path: str):
    """DCI-OPS-04: with the standard's body."""
    answered = await gateway.send(path, asking())

    assert (answered.status, answered.code) == (404, "err.request.not_found")


# -- refusals of a question (GUIDE 8.3, 8.4, 14)


def predicate(name: object = "surname", operator: object = "eq", value: object = "Moyo", **more: Any) -> dict[str, Any]:
    """Criteria with one condition."""
    first = {"attribute_name": name, "operator": operator, "attribute_value": value}
    return by_number(query_type="predicate", query=[{"expression1": first}], reg_record_type="Member", **more)


def page(**stated: Any) -> dict[str, Any]:
    """Criteria with a page."""
    return predicate(pagination=stated)


CRITERIA, FILTER, SORT, PAGE = (f"rjct.{name}.invalid" for name in ("search_criteria", "filter", "sort", "pagination"))
QUESTIONS: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "no criteria": (lambda: {"search_criteria": None}, CRITERIA),
    "unknown registry": (lambda: {"search_criteria": by_number(reg_type="ns:org:RegistryType:Moon")}, CRITERIA),
    "our type for theirs": (lambda: {"search_criteria": by_number(reg_type="ns:hearth:RegistryType:Civil")}, CRITERIA),
    "another's record": (lambda: {"search_criteria": by_number(reg_record_type="spdci-extensions-dci:Farmer")}, CRITERIA),
    "unknown query type": (lambda: {"search_criteria": by_number(query_type="sync")}, CRITERIA),
    "no query type": (lambda: {"search_criteria": by_number(query_type=None)}, CRITERIA),
    "graphql": (lambda: {"search_criteria": by_number(query_type="graphql", query={"value": {"expression": "query {a}"}})}, CRITERIA),
    "no query": (lambda: {"search_criteria": by_number(query={})}, CRITERIA),
    "no value": (lambda: {"search_criteria": by_number(query={"type": "UIN", "value": ""})}, CRITERIA),
    "entity": (lambda: {"search_criteria": by_number(response_entity="Village")}, CRITERIA),
    "two letters": (lambda: {"locale": "en"}, CRITERIA),
    "upper-case locale": (lambda: {"locale": "ENG"}, CRITERIA),
    "no offset": (lambda: {"timestamp": "2026-03-04T09:15:00"}, "rjct.timestamp.invalid"),
    "no timestamp": (lambda: {"timestamp": None}, "rjct.timestamp.invalid"),
    "long reference": (lambda: {"reference_id": "r" * 100}, "rjct.reference_id.invalid"),
    "no reference": (lambda: {"reference_id": None}, "rjct.reference_id.invalid"),
    "attribute": (lambda: {"search_criteria": predicate("favourite_colour")}, FILTER),
    "operator": (lambda: {"search_criteria": predicate(operator="like")}, FILTER),
    "of the document's grammar": (lambda: {"search_criteria": by_number(
        query_type="expression", query={"value": {"expression": {"query": {"surname": {"$where": "1"}}}}}
    )}, FILTER),
    "condition": (lambda: {"search_criteria": by_number(query_type="predicate", query=[
        predicate()["query"][0] | {"condition": "xor"}
    ])}, FILTER),
    "sort": (lambda: {"search_criteria": predicate(sort=[{"attribute_name": "favourite_colour"}])}, SORT),
    "sort order": (lambda: {"search_criteria": predicate(sort=[{"attribute_name": "surname", "sort_order": "up"}])}, SORT),
    "page size": (lambda: {"search_criteria": page(page_size=0)}, PAGE),
    "negative page size": (lambda: {"search_criteria": page(page_size=-5)}, PAGE),
    "page number": (lambda: {"search_criteria": page(page_size=5, page_number=0)}, PAGE),
    "no page size": (lambda: {"search_criteria": page(page_number=1)}, PAGE),
    "part of a page": (lambda: {"search_criteria": page(page_size=1.5)}, PAGE),
    "page beside": (lambda: {"search_criteria": predicate(), "pagination": {"page_size": 0}}, PAGE),
    "purpose": (lambda: {"search_criteria": by_number(authorize={"purpose": {"code": "curiosity"}})}, CRITERIA),
    "forbidden attribute": (lambda: {"search_criteria": predicate("income_annual", "lt", 5)}, CRITERIA),
    "forbidden order": (lambda: {"search_criteria": predicate(sort=[{"attribute_name": "income_annual"}])}, CRITERIA),
}  # fmt: skip
"""What is wrong -> members of the question, and the code that refuses it."""


@needs_dci_spec
@pytest.mark.parametrize("wrong", QUESTIONS)
async def test_a_refused_question(gateway: Whole, wrong: str):
    """DCI-ERR-05: an item `rjct` with its code and a sentence, while another question of the message is answered."""
    made, code = QUESTIONS[wrong]
    good = search(by_number(), reference_id="good")["search_request"]
    bad = search(by_number(), **made())["search_request"]
    answered = await gateway.send(SYNC, message("sync/search", {"search_request": bad + good}, total_count=2))

    refused, given = items_of(answered.body)
    assert (refused["status"], refused.get("status_reason_code")) == ("rjct", code)
    assert refused["status_reason_message"]
    assert "data" not in refused
    assert (given["status"], given["reference_id"]) == ("succ", "good")
    assert answered.body["header"]["status"] == "succ"
    assert response_faults(SOCIAL, SYNC, answered.body) == []


async def test_a_reference_counts_once(gateway: Whole):
    """DCI-ERR-06: the second question of a reference is refused."""
    twice = search(by_number())["search_request"] * 2
    answered = await gateway.send(SYNC, message("sync/search", {"search_request": twice}, total_count=2))

    first, second = items_of(answered.body)
    assert (first["status"], second["status_reason_code"]) == ("succ", "rjct.reference_id.duplicate")


async def test_one_registry_is_down(gateway: Whole):
    """DCI-SRCH-11: the item succeeds, names who is missing, and its message says so; the header too is a success."""
    gateway.world.registries["land"].failing["holdings"] = UnavailableReason.SOURCE_DOWN
    answered = await gateway.send(SYNC, asking())

    (item,) = items_of(answered.body)
    assert (answered.body["header"]["status"], item["status"]) == ("succ", "succ")
    assert item["data"]["hearth:sources"]["land"]["outcome"] != "answered"
    assert "land" in item["status_reason_message"]


async def test_every_registry_is_down(gateway: Whole):
    """DCI-SRCH-12: HTTP stays 200, item and header are refused, and nobody is said not to be there."""
    for registry in gateway.world.registries.values():
        registry.failing.update({one.name: UnavailableReason.SOURCE_DOWN for one in registry.manifest.lookups})
    answered = await gateway.send(SYNC, asking())

    (item,) = items_of(answered.body)
    assert (answered.status, answered.body["header"]["status"], item["status"]) == (200, "rjct", "rjct")
    assert item["status_reason_message"]
    assert "data" not in item


async def test_nobody_is_found(gateway: Whole):
    """DCI-SRCH-10: a success without records, and a total of none."""
    answered = await gateway.send(SYNC, message("sync/search", search(by_number("9999999999"))))

    (item,) = items_of(answered.body)
    assert (item["status"], item["data"]["reg_records"]) == ("succ", [])
    assert item["pagination"]["total_count"] == 0


async def test_too_many_hits_are_refused(gateway: Whole, monkeypatch: pytest.MonkeyPatch):
    """DCI-ERR-08: by the standard's code; nobody is told of part of them as if it were all."""
    for registry in gateway.world.registries.values():

        async def widely(*args: Any, found: Any = registry.search) -> Any:
            return (await found(*args))._replace(total_count=1_000_000)

        monkeypatch.setattr(registry, "search", widely)
    answered = await gateway.send(SYNC, message("sync/search", search(predicate("birth_date", "ge", "1900-01-01"))))

    (item,) = items_of(answered.body)
    assert (item["status"], item["status_reason_code"]) == ("rjct", "rjct.search.too_many_records_found")


async def test_no_biometrics_are_known():
    """DCI-OBJ-08: no attribute, and no field of a registry, is one."""
    fields = [name for manifest in MANIFESTS.values() for lookup in manifest.lookups for name in lookup.attributes]

    assert [name for name in (*CATALOGUE.names, *fields) if "biometric" in name.lower()] == []


async def test_published_keys_have_every_member(gateway: Whole):
    """DCI-SEC-05: kind, id, use and algorithm; one key to verify with, and one to encrypt for."""
    keys = [dict(one) for one in gateway.gateway.keys.published]

    assert {key["use"] for key in keys} == {"sig", "enc"}
    assert all(key["kty"] and key["alg"] and key["kid"] == thumbprint(key) for key in keys)
    assert not [key for key in keys if "d" in key]


def thumbprint(key: dict[str, str]) -> str:
    """The name of a key by RFC 7638."""
    members = {"OKP": ("crv", "kty", "x"), "EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[key["kty"]]
    text = orjson.dumps({name: key[name] for name in members}, option=orjson.OPT_SORT_KEYS)
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()


HEADER = "/components/schemas/MsgHeader_V1.0.0"
CALLBACK_HEADER = "/components/schemas/MsgCallbackHeader_V1.0.0"
WISH = {
    "reg_type": "ns:org:RegistryType:Civil",
    "reg_event_type": "spdci-common:RegistryEventType:Death",
    "filter_type": "idtype-value",
    "filter": {"type": "UIN", "value": UIN},
    "notify_record_type": "spdci-extensions-dci:Person",
}


async def called_back(gateway: Whole, path: str, content: dict[str, Any]) -> tuple[Answered, dict[str, Any]]:
    """Send a message that is answered later; its acknowledgement, and the one callback."""
    await gateway.later()
    acknowledged = await gateway.send(f"/registry/{path}", message(path, content))
    (left,) = await gateway.later()
    assert left.url.startswith("https://programme.example.org/")
    assert left.headers["Idempotency-Key"] == left.body["header"]["message_id"]
    return acknowledged, left.body


@needs_dci_spec
async def test_callbacks_of_subscriptions_satisfy_both_headers(gateway: Whole):
    """DCI-ENV-03: what is sent is valid where a file wants the header of a request, and where that of a callback."""
    item = {"reference_id": "r-1", "timestamp": days(0), "subscribe_criteria": WISH}
    _, subscribed = await called_back(gateway, "subscribe", {"subscribe_request": [item]})
    ended = {"timestamp": days(0), "subscription_codes": ["no such code"]}
    _, unsubscribed = await called_back(gateway, "unsubscribe", ended)

    assert (subscribed["header"]["action"], unsubscribed["header"]["action"]) == ("on-subscribe", "on-unsubscribe")
    for body in (subscribed, unsubscribed):
        assert faults(CIVIL, HEADER, body["header"]) == faults(CIVIL, CALLBACK_HEADER, body["header"]) == []
        assert request_faults(CIVIL, f"/registry/{body['header']['action']}", body) == []
    assert request_faults("social_api_v1.0.0.yaml", "/registry/on-unsubscribe", unsubscribed) == []


@needs_dci_spec
@pytest.mark.parametrize("attribute", ["correlation_id", "transaction_id"])
async def test_what_comes_later_is_what_would_have_come_at_once(gateway: Whole, attribute: str):
    """DCI-SRCH-20: the same item, under the acknowledged correlation id; and its status by a callback too."""
    content = search(by_number())
    acknowledged, later = await called_back(gateway, "search", content | {"transaction_id": f"t-{attribute}"})
    at_once = (await gateway.send(SYNC, message("sync/search", content))).body
    known = later["message"][attribute]
    asked = {"reference_id": "s-1", "txn_type": "search", "attribute_type": attribute, "attribute_value": known}
    _, became = await called_back(gateway, "txn/status", {"txnstatus_request": asked})

    assert later["message"]["correlation_id"] == acknowledged.body["message"]["correlation_id"]
    assert items_of(later) == items_of(at_once)
    assert (later["header"]["action"], later["header"]["status"]) == ("on-search", "succ")
    assert request_faults(SOCIAL, "/registry/on-search", later) == []
    assert [item["status"] for item in items_of(became)] == ["succ"]
    assert "data" not in items_of(became)[0]
    assert became["header"]["action"] == "txn-on-status"
    assert request_faults(SOCIAL, "/registry/txn/on-status", became) == []


# -- strict out (GUIDE 14)

EVERYTHING: dict[str, Callable[[], dict[str, Any]]] = {
    "answered": asking,
    "member": lambda: message("sync/search", search(by_number(response_entity="Member"))),
    "single": lambda: message(
        "sync/search", search(by_number(reg_type="ns:org:RegistryType:Civil", reg_record_type="Person"))
    ),
    "nobody": lambda: message("sync/search", search(by_number("9999999999"))),
    "bad question": lambda: message("sync/search", search(by_number(query_type="graphql"))),
    "bad message": lambda: asking(action="notify"),
    "empty ids": lambda: message("sync/search", search(by_number(), locale="", consent=""), receiver_id="", meta=""),
}


@pytest.mark.parametrize("kind", EVERYTHING)
async def test_what_leaves_is_strict(gateway: Whole, kind: str):
    """DCI-ENV-05: whole numbers, offsets, no placeholders, a message, sender and receiver turned, a fresh id."""
    sent = EVERYTHING[kind]()
    answered = await gateway.send(SYNC, sent)

    header, body = answered.body["header"], answered.body
    assert header["sender_id"] == "gateway.example.org"
    assert header["receiver_id"] == sent["header"]["sender_id"]
    assert header["message_id"] not in {sent["header"]["message_id"], ""}
    assert header["action"] == "on-search"
    assert (type(header["total_count"]), type(header["completed_count"])) == (int, int)
    assert body["message"]["transaction_id"] == sent["message"]["transaction_id"]
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,99}", body["message"]["correlation_id"])
    # Of our own members, the rule by which a household was found is an empty text where nobody asked for one.
    assert [place for place, value in walked(body) if value in ("", None) and "/hearth:" not in place] == []
    stamps = [value for place, value in walked(body) if place.rpartition("/")[2] in {"message_ts", "timestamp"}]
    assert [one for one in stamps if datetime.fromisoformat(one).utcoffset() is None] == []
    for item in items_of(body):
        if "data" in item:
            assert item["data"]["reg_type"].startswith("ns:org:RegistryType:")
            assert item["data"]["reg_record_type"]
            assert all("@type" in record and "@context" in record for record in item["data"]["reg_records"])


def walked(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of a message that holds no others, with its place."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from walked(inner, f"{place}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from walked(inner, place)
    else:
        yield place, value


async def test_two_answers_have_two_names(gateway: Whole):
    """DCI-ENV-06: no message id and no correlation id comes twice."""
    bodies = [(await gateway.send(SYNC, asking())).body for _ in range(2)]

    assert len({one["header"]["message_id"] for one in bodies}) == 2
    assert len({one["message"]["correlation_id"] for one in bodies}) == 2


async def test_what_is_not_ours_is_not_repeated(gateway: Whole):
    """DCI-ENV-07: members that nobody knows are read past, and are in no answer and no log."""
    sent = asking(**{"x:note": "Wanjiru Kamau"})
    sent["message"]["search_request"][0]["search_criteria"] |= {"x:note": STRANGER}
    answered = await gateway.send(SYNC, sent)

    assert answered.code is None
    assert not [one for one in ("Wanjiru", STRANGER) if one in answered.raw.decode() + answered.log]


async def test_civil_dates_have_no_time(gateway: Whole):
    """DCI-OBJ-03: a birth does not shift with time zones; moments have an offset."""
    sent = message("sync/search", search(by_number(reg_type="Civil", reg_record_type="Person")))
    answered = await gateway.send(SYNC, sent)

    (record,) = items_of(answered.body)[0]["data"]["reg_records"]
    assert record["birth_date"] == "1990-02-01"
    assert record["sex"] == "female", "a code, and not a label"


async def test_several_messages_at_once_stay_apart(gateway: Whole):
    """DCI-ENV-08: each answer is its own question's."""
    sent = [message("sync/search", search(by_number(number))) for number in (UIN, "9999999999", UIN)]
    for n, one in enumerate(sent):
        one["message"]["transaction_id"] = f"t-{n}"
    answers: list[Answered] = await asyncio.gather(*(gateway.send(SYNC, orjson.dumps(one)) for one in sent))

    assert [one.body["message"]["transaction_id"] for one in answers] == ["t-0", "t-1", "t-2"]
    assert [len(items_of(one.body)[0]["data"]["reg_records"]) for one in answers] == [1, 0, 1]

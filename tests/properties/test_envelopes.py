"""What holds for every message to every operation, whatever was done to it on the way.

Each example goes from bytes to bytes through a whole gateway. A changed message is taken, and then means what it meant;
or it is refused, with a code of the standard and its HTTP status. Nothing breaks, and nobody's name or number comes back
in a refusal, a header or the log.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from standards.dci.codes import HeaderReason, SearchReason, SubscribeReason, UnsubscribeReason
from standards.dci.operations import OPERATIONS
from tests.contract.dci_spec import IS_HERE, faults, response_faults
from tests.properties.mutations import every_wrong, mutated
from tests.whole_gateway import STRANGER, UIN, Answered, Whole, by_number, items_of, message, now, search, whole

NUMBER, NAME, PHONE = "70717273747576", "Zuleikhazade", "+99 31415 92653"
"""Of a person whom no registry knows; they must never come back, nor stand in a log."""
PLANTED = (NUMBER, NAME, PHONE)
LIMITS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)

ITEM_CODES = frozenset((*SearchReason, *SubscribeReason, *UnsubscribeReason))
STATUSES = {
    "err.request.bad": {400, 405, 413, 415},
    "err.request.unauthorized": {401},
    "err.request.forbidden": {403},
    "err.request.not_found": {404},
    "err.signature.missing": {401},
    "err.signature.invalid": {401},
    "err.encryption.invalid": {400},
    "err.sender_uri.invalid": {400},
    "err.receiver_id.invalid": {400},
}
"""Code of a refusal outside an answer -> HTTP statuses that go with it (GUIDE 2.4, 8.4)."""
ECHOED = frozenset({"transaction_id", "reference_id", "message_id", "correlation_id", "sender_id", "receiver_id"})
"""Names of the members that an answer repeats by the standard."""


def predicate(name: str = NAME) -> dict[str, Any]:
    """Criteria that look for people by their name."""
    first = {"attribute_name": "surname", "operator": "eq", "attribute_value": name}
    second = {"attribute_name": "birth_date", "operator": "ge", "attribute_value": "1950-01-01"}
    query = [{"seq_num": 1, "expression1": first, "condition": "and", "expression2": second}]
    pages = {
        "sort": [{"attribute_name": "birth_date", "sort_order": "asc"}],
        "pagination": {"page_size": 5, "page_number": 1},
    }
    return by_number(query_type="predicate", query=query, response_entity="Member", reg_record_type="Member") | pages


def expression(name: str = NAME) -> dict[str, Any]:
    """Criteria that look for households by an expression."""
    inner = {"collection": "Group", "query": {"$and": [{"surname": {"$eq": name}}, {"household_size": {"$lt": 9}}]}}
    query = {"type": "ns:org:QueryType:expression", "value": {"expression": inner}}
    consent = {"@type": "Consent", "ts": now(), "purpose": {"code": "entitlement", "text": name}}
    return by_number(query_type="expression", query=query, consent=consent)


def wish(number: str = NUMBER) -> dict[str, Any]:
    """A request for a subscription."""
    criteria = {
        "reg_type": "ns:org:RegistryType:Civil",
        "reg_event_type": "spdci-common:RegistryEventType:Death",
        "frequency": {"start_time": now(), "end_time": "2030-01-01T00:00:00Z", "frequency": "0 0 0 5,15 * ? *"},
        "filter_type": "idtype-value",
        "filter": {"type": "UIN", "value": number},
        "notify_record_type": "spdci-extensions-dci:Person",
        "authorize": {"purpose": {"code": "entitlement"}},
    }
    return {
        "subscribe_request": [
            {"reference_id": "r-1", "timestamp": now(), "subscribe_criteria": criteria, "locale": "eng"}
        ]
    }


def status(value: Any = "c-1", **more: Any) -> dict[str, Any]:
    """A question about a transaction."""
    asked = {"reference_id": "st-1", "txn_type": "search", "attribute_type": "correlation_id", "attribute_value": value}
    return {"txnstatus_request": asked | more}


def person(member: str, more: Mapping[str, Any] | None = None, number: str = NUMBER) -> dict[str, Any]:
    """A question of one registry type."""
    return {member: {"query_type": "expression", "query": {"person_identifier": {"eq": number}, **(more or {})}}}


RECORD = {
    "@type": "CRVS_Person",
    "identifier": [{"identifier_type": "UIN", "identifier_value": NUMBER}],
    "name": {"surname": NAME},
    "phone_number": [PHONE],
    "death_date": "2026-04-30",
}
EVENT = {
    "reg_type": "ns:org:RegistryType:Civil",
    "reg_event_type": "spdci-common:RegistryEventType:Death",
    "reg_record_type": "spdci-extensions-dci:Person",
    "reg_records": RECORD,
}
PUSHED = {
    "member": {
        "member_identifier": [{"identifier_type": "UIN", "identifier_value": NUMBER}],
        "demographic_info": {"name": {"surname": NAME}, "phone_number": [PHONE]},
    }
}
FOUND = {"reference_id": "r-1", "timestamp": "2026-09-30T12:00:00Z", "status": "succ"}
RECORDS = {
    "data": {"reg_type": EVENT["reg_type"], "reg_record_type": EVENT["reg_record_type"], "reg_records": [RECORD]}
}

MESSAGES: Mapping[str, list[Callable[[], dict[str, Any]]]] = {
    "sync/search": [lambda: search(by_number(NUMBER)), lambda: search(predicate()), lambda: search(expression())],
    "search": [lambda: search(by_number(NUMBER))],
    "subscribe": [wish],
    "unsubscribe": [lambda: {"timestamp": now(), "subscription_codes": ["SUB-1", "SUB-2"]}],
    "sync/txn/status": [status, lambda: status(["r-1"], attribute_type="reference_id_list")],
    "txn/status": [status],
    "sync/disabled": [lambda: person("disabled_criteria")],
    "sync/get-disability-details": [lambda: person("disabled_criteria")],
    "sync/get-disability-support": [lambda: person("disabled_criteria")],
    "sync/enrolled": [
        lambda: person("enrolled_criteria", {"programme_identifier.program.programme_identifier": {"eq": "OAP"}})
    ],
    "sync/enrollment/updates": [lambda: {"enrolled_updates": {"beneficiaries": [PUSHED, PUSHED]}}],
    "sync/check-enrollment": [lambda: person("enrolled_criteria")],
    "on-search": [lambda: {"correlation_id": "c-1", "search_response": [FOUND | RECORDS]}],
    "on-subscribe": [
        lambda: {
            "correlation_id": "c-1",
            "subscribe_response": [
                FOUND
                | {
                    "subscriptions": [
                        {"code": "S-1", "status": "subscribe", "timestamp": now(), "filter": {"value": NUMBER}}
                    ]
                }
            ],
        }
    ],
    "on-unsubscribe": [
        lambda: {
            "correlation_id": "c-1",
            "timestamp": now(),
            "status": "succ",
            "subscription_status": [{"code": "S-1", "status": "unsubscribe"}],
        }
    ],
    "notify": [lambda: {"notify_event": [{"reference_id": "e-1", "timestamp": now(), "data": EVENT, "locale": "eng"}]}],
    "txn/on-status": [
        lambda: {
            "correlation_id": "c-2",
            "txnstatus_response": {
                "txn_type": "search",
                "txn_status": {"transaction_id": "t-0", "correlation_id": "c-1", "search_response": [FOUND | RECORDS]},
            },
        }
    ],
}
"""Operation -> messages to it that are whole, about somebody whom nobody knows."""


class Running(NamedTuple):
    """A gateway and the loop that it lives in."""

    gateway: Whole
    loop: asyncio.AbstractEventLoop

    def send(self, path: str, body: object) -> Answered:
        """Give a body to an operation."""
        return self.loop.run_until_complete(self.gateway.send(f"/registry/{path}", body))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One gateway for all examples, in a loop of its own."""
    loop = asyncio.new_event_loop()
    context = whole(tmp_path_factory.mktemp("whole"))
    gateway = loop.run_until_complete(context.__aenter__())
    yield Running(gateway, loop)
    loop.run_until_complete(context.__aexit__(None, None, None))
    loop.close()


def test_every_operation_is_here():
    """What the standard adds, this file has to know."""
    assert set(MESSAGES) == set(OPERATIONS)


@pytest.mark.parametrize("path", MESSAGES)
def test_a_whole_message_is_taken(running: Running, path: str):
    """Otherwise all the changed ones would be refused for what they have in common."""
    for content in MESSAGES[path]:
        answered = running.send(path, message(path, content()))
        # Nobody waits for these two, and so the registry hears that nobody does.
        assert answered.status == (404 if path in {"on-search", "txn/on-status"} else 200), answered.raw
        assert_sound(path, answered)


@pytest.mark.parametrize("path", MESSAGES)
def test_one_member_of_every_wrong_shape(running: Running, path: str):
    """Each left out, empty, a number, a text, a list, an object: taken, or refused with its code, in silence."""
    for content in MESSAGES[path]:
        for changed in every_wrong(message(path, content()), "message"):
            body = said_anew(orjson.dumps(changed))
            answered = running.send(path, body)
            assert_sound(path, answered)
            assert_silent(body, answered)


@pytest.mark.parametrize("path", ["sync/search", "unsubscribe", "sync/enrollment/updates", "notify"])
def test_one_member_of_the_header_of_every_wrong_shape(running: Running, path: str):
    """What is answered at once, later, and what a registry says: all operations of a kind read theirs alike."""
    for changed in every_wrong(message(path, MESSAGES[path][0]()), "header"):
        assert_sound(path, running.send(path, said_anew(orjson.dumps(changed))))


@pytest.mark.parametrize("path", MESSAGES)
def test_a_changed_message_is_taken_or_refused_properly(running: Running, path: str):
    """One to three changes anywhere; what comes back is valid by the release, and tells nobody's name or number."""

    @LIMITS
    @given(st.sampled_from(MESSAGES[path]).flatmap(lambda content: mutated(message(path, content()))))
    def holds(body: bytes) -> None:
        body = said_anew(body)
        answered = running.send(path, body)
        assert_sound(path, answered)
        assert_silent(body, answered)

    holds()


def said_anew(body: bytes) -> bytes:
    """Give a message an id that none had before."""
    return body.replace(b'"message_id":"', b'"message_id":"' + secrets.token_hex(4).encode(), 1)


def assert_sound(path: str, answered: Answered) -> None:
    """A code of the standard, its HTTP status, and the shape of the release."""
    assert answered.status in {200, 400, 401, 403, 404}, answered.raw[:300]
    body = answered.body
    if "errors" in body:
        assert OPERATIONS[path].is_sync or answered.status in {401, 403}
        (error,) = body["errors"]
        assert answered.status in STATUSES.get(error["code"], ()), error
        assert (
            IS_HERE is False
            or faults(SOCIAL, "/components/responses/HttpErrorResponse/content/application~1json/schema", body) == []
        )
        return
    if not OPERATIONS[path].is_sync:
        said = body["message"]
        error = said.get("error")
        assert (said["ack_status"], answered.status == 200) == (("ERR", False) if error else ("ACK", True))
        assert error is None or answered.status in STATUSES.get(error["code"], ()), error
    else:
        assert answered.status == 200
        code = body["header"].get("status_reason_code")
        assert code is None or code in frozenset(HeaderReason)
        assert code is None or body["header"]["status"] == "rjct"
        for item in items_of(body):
            assert item.get("status_reason_code", SearchReason.FILTER_INVALID) in ITEM_CODES
    if IS_HERE:
        file = RELEASE.get(path, SOCIAL)
        assert response_faults(file, f"/registry/{path}", body, "200" if file.startswith("ess") else "default") == []


SOCIAL = "social_api_v1.0.0.yaml"
DISABILITY = "dr_api_v1.0.0.yaml"
RELEASE = {
    "sync/disabled": DISABILITY,
    "sync/get-disability-details": DISABILITY,
    "sync/get-disability-support": DISABILITY,
    "sync/enrolled": "ibr_api_v1.0.0.yaml",
    "sync/enrollment/updates": "ibr_api_v1.0.0.yaml",
    "sync/check-enrollment": "ess_api_v1.0.0.yaml",
}


def assert_silent(body: bytes, answered: Answered) -> None:
    """No name, number or telephone of the message comes back, but as an id, which is its sender's own."""
    seen = [planted for planted in PLANTED if planted in answered.log or planted in repr(answered.headers)]
    assert seen == []
    text = answered.raw.decode()
    assert [planted for planted in PLANTED if planted in text and not is_id(body, planted)] == []


def is_id(body: bytes, planted: str) -> bool:
    """Tell whether a changed message has a value where the standard has it repeated."""
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    waiting: list[tuple[str, Any]] = [("", raw)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(name, part) for part in value]
        elif name in ECHOED and planted in str(value):
            return True
    return False


KNOWN: Mapping[str, Callable[[], dict[str, Any]]] = {
    "sync/search": lambda: search(by_number(response_entity="Group")),
    "sync/disabled": lambda: person("disabled_criteria", number=UIN),
    "sync/get-disability-details": lambda: person("disabled_criteria", number=UIN),
    "sync/get-disability-support": lambda: person("disabled_criteria", number=UIN),
    "sync/enrolled": lambda: person("enrolled_criteria", number=UIN),
    "sync/check-enrollment": lambda: person("enrolled_criteria", number=UIN),
}
"""Operation -> a whole question about somebody whom all registries know."""


@pytest.mark.parametrize("path", KNOWN)
def test_a_changed_question_is_not_about_somebody_else(running: Running, path: str):
    """Nobody of another family is told of; and while the number stands where it stood, a yes does not become a no."""

    @settings(LIMITS, max_examples=15)
    @given(mutated(message(path, KNOWN[path]()), most=2))
    def holds(body: bytes) -> None:
        is_of_nobody_else(running, path, body)

    holds()
    for changed in every_wrong(message(path, KNOWN[path]()), "message"):
        is_of_nobody_else(running, path, orjson.dumps(changed))


def is_of_nobody_else(running: Running, path: str, body: bytes) -> None:
    """Send a question that was about Asha."""
    body = said_anew(body)
    answered = running.send(path, body)
    for other in (STRANGER, "Wanjiru", "Kamau"):
        assert other not in answered.raw.decode()
    if b'{"eq":"1000000001"}' in body:
        assert b'"no"' not in answered.raw


Change = Callable[[dict[str, Any]], None]


def _put(*way: str, value: Any) -> Change:
    """Put a value at a place of the message."""

    def change(whole: dict[str, Any]) -> None:
        *owners, name = way
        for owner in owners:
            whole = _first(whole)[owner]
        _first(whole)[name] = value

    return change


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def _dropped(*way: str) -> Change:
    """Leave a member out."""

    def change(whole: dict[str, Any]) -> None:
        *owners, name = way
        for owner in owners:
            whole = _first(whole)[owner]
        _first(whole).pop(name, None)

    return change


def _moved_out(name: str) -> Change:
    """Put a member of the criteria beside them."""

    def change(whole: dict[str, Any]) -> None:
        item = _first(whole["message"]["search_request"])
        if name in item["search_criteria"]:
            item[name] = item["search_criteria"].pop(name)

    return change


def _renamed(old: str, new: str) -> Change:
    def change(whole: dict[str, Any]) -> None:
        criteria = _first(whole["message"]["search_request"])["search_criteria"]
        if old in criteria:
            criteria[new] = criteria.pop(old)

    return change


def _alone(whole: dict[str, Any]) -> None:
    whole["message"]["search_request"] = _first(whole["message"]["search_request"])


OF_ALL: list[Change] = [
    *(_put(*way, value={"made": "up"}) for way in (("x:extra",), ("header", "x:extra"), ("message", "x:extra"))),
    *(_put("signature", value=value) for value in ("", None)),
    *(_put("header", "total_count", value=value) for value in ("1", 1.0, " 1 ", "1.0")),
    *(_put("header", "version", value=value) for value in ("", None, "1.0.0", "1")),
    *(_put("header", "meta", value=value) for value in ("", None, {}, {"note": "x"})),
    *(_put("header", "is_msg_encrypted", value=value) for value in ("", None, "false", False)),
    *(_put("header", "receiver_id", value=value) for value in ("", None)),
    *(_dropped("header", name) for name in ("version", "meta", "is_msg_encrypted", "receiver_id", "sender_uri")),
]
"""Changes that mean nothing in any message (GUIDE 14)."""
_CRITERIA = ("message", "search_request", "search_criteria")
OF_SEARCH: list[Change] = [
    _put("header", "action", value="SEARCH"),
    _alone,
    *(_put("message", "search_request", name, value={}) for name in ("x:extra", "consent")),
    *(_put(*_CRITERIA, "query_type", value=value) for value in ("idtype", "IDTYPE-VALUE", " idtype-value ")),
    *(_put(*_CRITERIA, "reg_type", value=value) for value in ("Social", "SOCIAL_REGISTRY", "ns:org:registrytype:social", "SR")),
    *(_put(*_CRITERIA, "response_entity", value=value) for value in ("group", "GROUP", "", None)),
    *(_put(*_CRITERIA, name, value="") for name in ("pagination", "sort", "consent", "version", "locale")),
    *(_put(*_CRITERIA, name, value=None) for name in ("pagination", "sort", "consent")),
    *(_put(*_CRITERIA, "reg_event_type", value=value) for value in ("spdci-common:RegistryEventType:LiveBirth", "SEARCH")),
    *(_moved_out(name) for name in ("authorize", "consent", "pagination")),
    *(_renamed("reg_record_type", name) for name in ("result_record_type", "reg_record_type")),
    *(_put(*_CRITERIA, "query", value=value) for value in (
        {"type": "uin", "value": UIN},
        {"type": "UIN", "value": int(UIN)},
        {"type": "idtype-value", "value": {"id_type": "UIN", "id_value": UIN}},
        {"identifier_type": "UIN", "identifier_value": f" {UIN} "},
    )),
    _dropped(*_CRITERIA, "version"),
    _dropped(*_CRITERIA, "reg_type"),
    _dropped(*_CRITERIA, "reg_record_type"),
    _dropped("message", "search_request", "locale"),
]  # fmt: skip
"""Changes that mean nothing in a search."""


@pytest.mark.parametrize("path", KNOWN)
def test_what_is_to_be_read_past_changes_nothing(running: Running, path: str):
    """However many of the liberties of GUIDE 14 a sender takes at once, it is told the same."""
    expected = meaning(running.send(path, message(path, KNOWN[path]())))
    assert expected["header"] == "succ"
    known = OF_ALL + (OF_SEARCH if path == "sync/search" else [])

    @settings(LIMITS, max_examples=20 if path == "sync/search" else 8)
    @given(st.lists(st.sampled_from(known), min_size=1, max_size=8))
    def holds(changes: list[Change]) -> None:
        assert meaning(running.send(path, with_changes(path, changes))) == expected

    for change in known if path == "sync/search" else ():
        assert meaning(running.send(path, with_changes(path, [change]))) == expected
    holds()


def with_changes(path: str, changes: list[Change]) -> dict[str, Any]:
    """A question about Asha after some changes."""
    sent = message(path, KNOWN[path]())
    for change in changes:
        change(sent)
    return sent


def meaning(answered: Answered) -> dict[str, Any]:
    """What an answer says, without when and under which names."""
    body = answered.body
    assert answered.status == 200, body
    items = [
        {name: value for name, value in item.items() if name not in {"timestamp", "reference_id", "locale"}}
        for item in items_of(body)
    ]
    return {"header": body["header"]["status"], "why": body["header"].get("status_reason_code"), "items": items}

"""Every operation that a registry serves, against the published DCI files: addresses, requests and answers."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from adapters.ports import Record
from gateway.api.dci.routes import HANDLES, LACKING, OF_ONE, PREFIXES, has, routes
from gateway.api.described.operation_schemas import examples
from gateway.transactions import Known
from policies.agreement import Agreement
from standards.dci.asked import read_asked
from standards.dci.codes import RegType
from standards.dci.operations import OPERATIONS
from standards.dci.refusals import no_items
from standards.dci.specials import SPECIALS
from standards.errors import MalformedMessageError
from standards.states import UnavailableReason
from tests.builders import NOW, sandbox_agreement
from tests.contract.dci_spec import document, faults, needs_dci_spec, request_faults, response_faults, samples
from tests.contract.operating import Operating, request

pytestmark = [pytest.mark.contract, needs_dci_spec]

FILES = {
    RegType.CIVIL: "crvs_api_v1.0.0.yaml",
    RegType.SOCIAL: "social_api_v1.0.0.yaml",
    RegType.FARMER: "fr_api_v1.0.0.yaml",
    RegType.BENEFICIARY: "ibr_api_v1.0.0.yaml",
    RegType.DISABILITY: "dr_api_v1.0.0.yaml",
    RegType.EMPLOYMENT: "ess_api_v1.0.0.yaml",
}
UIN = "1000000001"
DOWN = UnavailableReason.SOURCE_DOWN
DETAILS = [{"@type": "DisabilityDetails", "impairment_type": "3", "impairment_level": "2"}]
SUPPORT = [{"@type": "DisabilitySupport", "assistive_technology": [{"type": "1", "status": "0"}]}]
ENROLMENTS = [
    {"programme_identifier": "OAP", "programme_name": "Old age pension", "enrollment_status": "1"},
    {"programme_identifier": "DCI001", "programme_name": "Child grant", "enrollment_status": "3"},
]
TRUTH = {
    ("disability", "assessment"): [
        Record({"UIN": UIN}, {"is_disabled": True, "disability_details": DETAILS, "disability_support": SUPPORT})
    ],
    ("beneficiary", "enrolments"): [Record({"UIN": UIN}, {"benefit_enrolments": ENROLMENTS})],
    ("employment", "job_seeker"): [Record({"UIN": UIN}, {"employment_enrolment_status": "7"})],
}
NOTHING: dict[tuple[str, str], list[Record]] = {key: [] for key in TRUTH}
OF = {RegType.DISABILITY: "disability", RegType.BENEFICIARY: "beneficiary", RegType.EMPLOYMENT: "employment"}
STATED = {special.path: special for special in SPECIALS}


def query(path: str, number: Any = UIN, **more: Any) -> dict[str, Any]:
    """A question of one registry type about one person, in the documented form."""
    criteria = {"query_type": "expression", "query": {"person_identifier": {"eq": number}, **more}}
    return {STATED[path].criteria: criteria}


def invalid(path: str, answer: dict[str, Any]) -> list[str]:
    """What the release of an operation's registry type holds against an answer."""
    reg_type = OF_ONE[path]
    status = "200" if reg_type is RegType.EMPLOYMENT else "default"
    return response_faults(FILES[reg_type], f"/registry/{path}", answer, status)


def lookups(*names: str) -> dict[tuple[str, str], UnavailableReason]:
    """These registries are down."""
    return {key: DOWN for key in TRUTH if key[0] in names}


def hiding() -> Agreement:
    """The same agreement, which lets nobody tell what is withheld from what is absent."""
    return sandbox_agreement("disability-allowance").model_copy(update={"hide_withheld": True})


def without(*names: str) -> Agreement:
    """The same agreement, which does not name these attributes."""
    whole = sandbox_agreement("disability-allowance")
    left = {name: form for name, form in whole.attributes.items() if name not in names}
    return whole.model_copy(update={"attributes": left})


@pytest.mark.parametrize("reg_type", FILES)
def test_every_operation_of_a_registry_type_is_served(reg_type):
    """DCI-OPS-ADDR-01: what its file lets a registry serve is served for it; and nothing else is under its prefix."""
    released = {path.removeprefix("/registry/") for path, item in document(FILES[reg_type])["paths"].items() if item}
    released &= {path for path, one in OPERATIONS.items() if not one.is_callback}

    assert {path for path in HANDLES if has(reg_type, path)} == released


def test_every_operation_has_an_address_alone_and_under_a_prefix():
    """DCI-OPS-ADDR-02: one base path for all registry types, and the same behind the name of a registry."""
    paths = {route.path for route in routes()}

    assert paths == {f"{before}/registry/{path}" for path in HANDLES for before in ("", "/{registry}")}
    assert set(HANDLES) == {path for path, one in OPERATIONS.items() if not one.is_callback}
    assert set(PREFIXES.values()) == set(FILES)


@pytest.mark.parametrize("path", [path for path in HANDLES if OPERATIONS[path].is_sync and path in {*OF_ONE, *STATED}])
def test_refused_messages_have_the_shape_of_an_answer(path):
    """DCI-OPS-REFUSED-01: a message that is refused as a whole is answered by a message of the operation."""
    header = {
        "message_id": "m-2", "message_ts": "2026-03-04T09:15:00.000+00:00", "status": "rjct",
        "action": OPERATIONS[path].answer_action, "status_reason_code": "rjct.message_id.duplicate",
    }  # fmt: skip

    assert invalid(path, {"header": header, "message": no_items(path, "t-1", "c-1")}) == []


@pytest.mark.parametrize("reg_type", [r for r in FILES if r not in LACKING])
def test_a_refused_status_question_has_the_shape_of_an_answer(reg_type):
    """DCI-OPS-REFUSED-02: of every registry type that has one."""
    payload = no_items("sync/txn/status", "t-1", "c-1")

    assert faults(FILES[reg_type], "/components/schemas/TxnStatusResponse", payload) == []


@pytest.mark.parametrize(
    ("path", "member", "word"),
    [
        ("sync/disabled", "disabled_status", "yes"),
        ("sync/enrolled", "enrolled_status", "yes"),
        ("sync/check-enrollment", "enrolled_status", "Awaiting Renewal"),
    ],
)
async def test_one_word_answers(path, member, word):
    """DCI-OPS-SPECIAL-01: the registry's word, with where it comes from, under the id of the message."""
    operating = Operating(TRUTH)
    answer = await operating.send(path, query(path))

    (item,) = answer["message"][STATED[path].response]
    assert (item["status"], item[member], item["reference_id"]) == ("succ", word, "m-1")
    assert item["hearth:evidence"]["source"] == OF[OF_ONE[path]]
    assert answer["header"]["action"] == OPERATIONS[path].answer_action
    assert invalid(path, answer) == []
    assert list(operating.world.asked) == [OF[OF_ONE[path]]], "nobody else is asked"


@pytest.mark.parametrize(
    ("path", "records"),
    [
        ("sync/get-disability-details", [{"@type": "PWD_Person", "disability_details": DETAILS}]),
        ("sync/get-disability-support", [SUPPORT]),
    ],
)
async def test_details_are_records(path, records):
    """DCI-OPS-SPECIAL-02: as members of a record, and support as an array of arrays."""
    answer = await Operating(TRUTH).send(path, query(path))

    (item,) = answer["message"]["search_response"]
    assert item["status"] == "succ"
    assert item["data"]["reg_records"] == records
    assert set(item["data"]["hearth:sources"]) == {"disability"}
    assert invalid(path, answer) == []


@pytest.mark.parametrize(
    ("path", "member"), [("sync/disabled", "disabled_status"), ("sync/enrolled", "enrolled_status")]
)
async def test_whom_the_registry_does_not_know_is_a_no(path, member):
    """DCI-OPS-SPECIAL-03: it answered, and has nobody by that number."""
    answer = await Operating(NOTHING).send(path, query(path))

    (item,) = answer["message"][STATED[path].response]
    assert item[member] == "no"
    assert item["hearth:evidence"] == {"state": "absent", "source": OF[OF_ONE[path]]}
    assert invalid(path, answer) == []


@pytest.mark.parametrize("path", ["sync/get-disability-details", "sync/get-disability-support"])
async def test_whom_the_registry_does_not_know_has_no_record(path):
    """DCI-OPS-SPECIAL-04: an answer without records."""
    answer = await Operating(NOTHING).send(path, query(path))

    (item,) = answer["message"]["search_response"]
    assert (item["status"], item["data"]["reg_records"]) == ("succ", [])
    assert invalid(path, answer) == []


@pytest.mark.parametrize("path", STATED)
@pytest.mark.parametrize(
    ("why", "operating", "number"),
    [
        ("source_down", lambda: Operating(TRUTH, failing=lookups(*OF.values())), {"eq": UIN}),
        ("nothing_agreed", lambda: Operating(TRUTH, without(*(s.attribute for s in SPECIALS))), {"eq": UIN}),
        ("no_identifier", lambda: Operating(NOTHING), {"eq": {"identifier_type": "BRN", "identifier_value": "1"}}),
        ("said by eq", lambda: Operating(TRUTH), {"lt": UIN}),
    ],
    ids=["down", "not agreed", "not asked", "unread"],
)  # fmt: skip
async def test_what_is_not_known_or_may_not_be_told_is_never_a_no(path, why, operating, number):
    """DCI-OPS-SPECIAL-05: a source that failed, an agreement that does not name it: the item is refused, with why."""
    criteria = {"query": {"person_identifier": number}}
    answer = await operating().send(path, {STATED[path].criteria: criteria})

    text = orjson.dumps(answer)
    assert answer["header"]["status"] == "rjct"
    assert why in answer["header"]["status_reason_message"]
    assert b'"no"' not in text
    assert UIN.encode() not in text
    items = answer["message"].get("hearth:rejected") or answer["message"]["search_response"]
    assert [item["status"] for item in items] == ["rjct"]
    assert invalid(path, answer) == []


@pytest.mark.parametrize(("path", "truth"), [("sync/disabled", NOTHING), ("sync/enrolled", NOTHING)])
async def test_an_agreement_that_hides_what_is_withheld_gets_no_no(path, truth):
    """DCI-OPS-SPECIAL-06: where withheld is to look like absent, absent is not told as a no either; a yes is."""
    refused = await Operating(truth, hiding()).send(path, query(path))
    told = await Operating(TRUTH, hiding()).send(path, query(path))

    assert refused["message"][STATED[path].response] == []
    assert refused["header"]["status"] == "rjct"
    assert told["header"]["status"] == "succ"
    assert invalid(path, refused) == []


@pytest.mark.parametrize(
    ("programme", "word"), [("OAP", "yes"), ("oap", "yes"), ("DCI001", "no"), ("none of that name", "no")]
)
async def test_one_programme_may_be_asked_about(programme, word):
    """DCI-OPS-SPECIAL-07: by its identifier; an enrolment that has ended does not count."""
    of_programme: dict[str, Any] = {"programme_identifier.program.programme_identifier": {"eq": programme}}
    asked = query("sync/enrolled", **of_programme)
    answer = await Operating(TRUTH).send("sync/enrolled", asked)

    assert answer["message"]["enrolled_response"][0]["enrolled_status"] == word


async def test_what_is_answered_is_recorded_as_it_leaves():
    """DCI-OPS-SPECIAL-08: one entry of the journal for each question, refused ones too, with the digest of the item."""
    operating = Operating(TRUTH)
    await operating.send("sync/disabled", query("sync/disabled"))
    operating.registries["disability"].failing["assessment"] = DOWN
    await operating.send("sync/get-disability-details", query("sync/get-disability-details"))

    answered, refused = operating.journal.entries
    assert (answered.event, answered.released, answered.consumer) == (
        "search.answered", ("is_disabled",), "disability-allowance",
    )  # fmt: skip
    assert refused.event == "search.unanswered"
    assert answered.answer_digest != refused.answer_digest


async def test_pushed_enrolments_are_refused_and_what_was_kept_is_dropped():
    """DCI-OPS-UPDATES-01: one refusal for each beneficiary; the people named are asked about anew."""
    path = "sync/enrollment/updates"
    number = [{"identifier_type": "UIN", "identifier_value": UIN}]
    beneficiaries = [{"member": {"member_identifier": number}}, {"member": {"member_identifier": []}}]
    operating = Operating(TRUTH)
    answer = await operating.send(path, {"enrolled_updates": {"beneficiaries": beneficiaries}})

    items = answer["message"]["enrolled_response"]
    assert [(item["reference_id"], item["status"]) for item in items] == [("m-1-1", "rjct"), ("m-1-2", "rjct")]
    assert UIN.encode() not in orjson.dumps(answer)
    assert invalid(path, answer) == []
    with pytest.raises(MalformedMessageError):
        await operating.send(path, {"enrolled_updates": {"beneficiaries": []}})


@pytest.mark.parametrize("path", ["dr/processflow2req", "ibr/processflow2req"])
def test_the_official_samples_are_read(path):
    """DCI-OPS-SAMPLE-01: the questions in the official samples say who is asked about."""
    folder, name = path.split("/")
    (sample,) = (one for one in samples(folder) if one.stem == name)
    message = orjson.loads(sample.read_bytes())["message"]
    criteria = message.get("disabled_criteria") or message["enrolled_criteria"]

    assert read_asked(criteria).subject.type == "UIN"


@pytest.mark.parametrize(
    ("path", "reg_type", "example"),
    [
        ("sync/disabled", RegType.DISABILITY, "DisabledRequest"),
        ("sync/get-disability-support", RegType.DISABILITY, "DisabledRequest"),
        ("sync/enrolled", RegType.BENEFICIARY, "EnrolledRequest"),
        ("sync/check-enrollment", RegType.EMPLOYMENT, "EnrolledRequest"),
        ("sync/txn/status", RegType.CIVIL, "StatusRequest"),
        ("sync/txn/status", RegType.SOCIAL, "StatusRequest"),
        ("txn/status", RegType.FARMER, "StatusRequest"),
        ("subscribe", RegType.CIVIL, "SubscribeRequest"),
        ("unsubscribe", RegType.SOCIAL, "UnsubscribeRequest"),
    ],
)
def test_the_published_examples_are_requests_of_the_release(path, reg_type, example):
    """DCI-OPS-EXAMPLE-01: what the description shows, the release takes."""
    shown = examples()[example]
    sent = request(path, shown["message"])
    sent["header"] |= {"action": OPERATIONS[path].action.value}

    assert request_faults(FILES[reg_type], f"/registry/{path}", sent) == []


def known(kind: str, **more: Any) -> Known:
    """A transaction that has been answered in part."""
    items: list[dict[str, Any]] = [
        {"reference_id": "r-1", "timestamp": "2026-03-04T09:15:00.000+00:00", "status": "succ"},
        {
            "reference_id": "r-2", "timestamp": "2026-03-04T09:15:00.000+00:00", "status": "rjct",
            "status_reason_code": "rjct.reference_id.invalid", "status_reason_message": "why",
        },
    ]  # fmt: skip
    if kind == "unsubscribe":
        items = [{"code": "SUB-1", "status": "unsubscribe"}]
    return Known(kind, "t-0", "c-0", "succ", tuple(items), NOW)._replace(**more)


@pytest.mark.parametrize(
    ("reg_type", "kind"),
    [
        *((reg_type, kind) for reg_type in FILES if reg_type not in LACKING for kind in ("search", "subscribe")),
        (RegType.CIVIL, "unsubscribe"),
        (RegType.FARMER, "unsubscribe"),
        (RegType.SOCIAL, "receipt"),
        (RegType.EMPLOYMENT, "receipt"),
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("attribute", ["transaction_id", "correlation_id", "reference_id_list"])
async def test_a_status_is_valid_for_every_interface(reg_type, kind, is_known, attribute):
    """DCI-OPS-STATUS-01: of every kind of message, known or unknown, asked by any of its names."""
    operating = Operating(known={"disability-allowance": [known(kind)]} if is_known else None)
    asked = {"reference_id": "st-1", "txn_type": kind, "attribute_type": attribute, "attribute_value": "x-1"}
    answer = await operating.send("sync/txn/status", {"txnstatus_request": asked}, reg_type)

    status = answer["message"]["txnstatus_response"]
    status_code = "200" if reg_type is RegType.EMPLOYMENT else "default"
    assert answer["header"]["action"] == "txn-on-status"
    assert answer["header"]["status"] == ("succ" if is_known else "rjct")
    assert status["txn_status"]["transaction_id"] == (
        "t-0" if is_known else {"transaction_id": "x-1"}.get(attribute, "t-1")
    )
    assert response_faults(FILES[reg_type], "/registry/sync/txn/status", answer, status_code) == []


@pytest.mark.parametrize("reg_type", [r for r in FILES if r not in LACKING])
async def test_a_subscription_without_a_prefix_is_valid_for_every_interface(reg_type):
    """DCI-OPS-STATUS-03: nobody knows by whose file such an answer is read."""
    operating = Operating(known={"disability-allowance": [known("subscribe")]})
    asked = {"reference_id": "s", "txn_type": "subscribe", "attribute_type": "correlation_id", "attribute_value": "c-0"}
    answer = await operating.send("sync/txn/status", {"txnstatus_request": asked})

    status = "200" if reg_type is RegType.EMPLOYMENT else "default"
    assert response_faults(FILES[reg_type], "/registry/sync/txn/status", answer, status) == []


async def test_another_senders_transaction_is_unknown():
    """DCI-OPS-STATUS-02: it looks exactly like one that never was."""
    asked = {"reference_id": "st-1", "txn_type": "search", "attribute_type": "correlation_id", "attribute_value": "c-0"}
    other = await Operating(known={"uct": [known("search")]}).send("sync/txn/status", {"txnstatus_request": asked})
    never = await Operating().send("sync/txn/status", {"txnstatus_request": asked})

    assert other["message"] == never["message"]
    assert other["header"]["status"] == "rjct"

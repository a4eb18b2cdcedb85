"""Asking a registry that calls back: early, in pages, out of order, twice, wrongly, or never."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import orjson
import pytest

from adapters.callbacks import MOST_EARLY, Arrival, Waiting
from adapters.generic.dci.dialects import Dialect
from adapters.ports import Deadline, Response, SearchFetch
from adapters.said import Signed, listen
from standards.errors import SourceContractError, SourceError, SourceRefusedError, SourceUnavailableError
from standards.filters import Comparison
from standards.permit import Operator
from standards.states import UnavailableReason
from tests.fakes import InMemoryClient
from tests.unit.adapters.builders import fetch, manifest_of
from tests.unit.adapters.generic.dci.dialects import (
    ASHA,
    JUMA,
    answer,
    dialect_manifest,
    driver,
    one_item,
    paged,
    person,
    whole,
)

LONG = Deadline.after(3600)
ADDRESS = "https://hearth.example"
BEARER = {"auth": "bearer", "token": "env:PROBE_TOKEN"}
ACK = {"message": {"ack_status": "ACK", "timestamp": "2026-03-04T09:15:00+00:00", "correlation_id": "c"}}


def arrival(body: Any, *, secret: str = "", source_id: str = "probe", signed: Signed | None = None) -> Arrival:
    """Return a callback as the door gives it on."""
    return Arrival(source_id, orjson.dumps(body), body, secret, signed)


class Registry:
    """A registry that takes questions and calls back as a test says: before its acknowledgement, or after it."""

    def __init__(self, *, before=(), after=(), ack: Any = ACK, statuses=(), **options: Any) -> None:
        self.waiting = Waiting()
        self.before, self.after, self.ack, self.statuses = before, after, ack, list(statuses)
        self.taken: list[bool] = []
        self.sent: list[dict[str, Any]] = []
        self.was_asked = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        manifest = dialect_manifest(**({"mode": "async", "callback": BEARER} | options))
        self.driver = driver(manifest, self, waiting=self.waiting, address=ADDRESS)

    async def send(self, method, path, deadline, *, params=None, headers=None, body=None):
        """Take a message as a SourceClient sends it."""
        message = orjson.loads(body)
        self.sent.append({"path": path, **message})
        self.was_asked.set()
        if path.endswith("txn/status"):
            return self.statuses.pop(0)
        await self.call(self.before)
        task = asyncio.ensure_future(self.call(self.after))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return self.ack if isinstance(self.ack, Response) else answer(self.ack)

    async def call(self, bodies):
        """Call back."""
        for body in bodies:
            await asyncio.sleep(0)
            one = body(self) if callable(body) else body
            self.taken.append(await self.waiting.arrived(one if isinstance(one, Arrival) else arrival(one)))

    async def ask(self, *subjects, deadline=LONG):
        """Return the given names that are told of people, None for nobody."""
        asked = fetch(subjects=subjects or (ASHA,), names=("given_name",))
        records = (await self.driver.fetch(asked._replace(transaction_id="m"), deadline)).records
        return [record and record.values["given_name"] for record in records.values()]

    def is_quiet(self) -> bool:
        """Whether nothing is left behind."""
        return self.waiting.open == self.waiting.held == 0 and not self.waiting._by_key


async def failure(registry: Registry, *subjects, deadline=LONG) -> SourceError:
    """Return the error of a question."""
    with pytest.raises(SourceError) as caught:
        await registry.ask(*subjects, deadline=deadline)
    assert registry.is_quiet()
    return caught.value


ASHA_SAID = whole(one_item("m-1", person()))
BOTH = (person(), person(name="Asha"))
PAGES = [whole(paged("m-1", 1, 2, BOTH[0])), whole(paged("m-1", 2, 2, BOTH[1]))]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "calls",
    [
        [ASHA_SAID],
        [ASHA_SAID, ASHA_SAID],
        [whole({"reference_id": "m-1", "status": "pdng"}), ASHA_SAID],
        PAGES,
        PAGES[::-1],
        [PAGES[0], PAGES[0], PAGES[1]],
        [whole(paged("m-1", 1, 2, BOTH[0]), paged("m-1", 2, 2, BOTH[1]))],
    ],
    ids=["one", "twice", "unfinished first", "pages", "pages turned round", "a page twice", "pages in one"],
)
async def test_an_answer_is_whole_however_it_arrives(when, calls):
    """And nothing is left behind."""
    registry = Registry(**{when: calls})

    assert await registry.ask() == ["Asha"]
    assert registry.is_quiet()
    assert all(registry.taken)


async def test_the_question_says_where_to_call_back():
    """At the usual address, or at one of this question alone where the registry can prove itself by nothing else."""
    registry = Registry(after=[ASHA_SAID])
    await registry.ask()
    secretive = Registry(
        callback={"auth": "secret_path"},
        after=[lambda r: arrival(ASHA_SAID, secret=r.sent[0]["header"]["sender_uri"].split("/")[4])],
    )

    assert await secretive.ask() == ["Asha"]
    assert registry.sent[0]["path"] == "/registry/search"
    assert registry.sent[0]["header"]["sender_uri"] == f"{ADDRESS}/registry/on-search"
    uri = secretive.sent[0]["header"]["sender_uri"]
    assert uri.startswith(f"{ADDRESS}/callbacks/probe.")
    assert uri.endswith("/registry/on-search")
    assert len(uri.split("/")[4]) > 40


async def test_items_may_come_one_by_one():
    """In any order; the question waits for all of them."""
    registry = Registry(after=[whole(one_item("m-2", person(JUMA.value, "Juma"))), ASHA_SAID])

    assert await registry.ask(ASHA, JUMA) == ["Asha", "Juma"]


@pytest.mark.parametrize(
    "stranger",
    [
        arrival(ASHA_SAID, source_id="other"),
        arrival(ASHA_SAID, secret="probe.guessed"),
        arrival(whole(one_item("x-1", person())) | {"message": {"transaction_id": "m", "search_response": []}}),
        arrival({"message": {"search_response": [one_item("m-1", person())]}}),
        arrival({}),
    ],
    ids=["another registry", "a guessed address", "nothing of it", "no transaction", "empty"],
)
async def test_what_is_not_for_the_question_is_refused(stranger):
    """Of another registry, at another address, or about nothing that was asked: the question goes on waiting."""
    registry = Registry(after=[stranger, ASHA_SAID])

    assert await registry.ask() == ["Asha"]
    assert registry.taken[0] is False


async def test_what_nobody_waits_for_is_refused_and_what_was_answered_is_not_told_off():
    """A callback that comes once more finds its question answered; one that comes too late finds nobody."""
    registry = Registry(after=[ASHA_SAID])
    late = Registry()

    assert await registry.waiting.arrived(arrival(ASHA_SAID)) is False
    await registry.ask()
    assert await registry.waiting.arrived(arrival(ASHA_SAID)) is True
    await failure(late, deadline=Deadline.after(0.01))
    assert await late.waiting.arrived(arrival(ASHA_SAID)) is False


async def test_a_callback_by_its_handle_alone_may_come_before_the_handle_is_known():
    """It is held until an acknowledgement says whose it is."""
    early = whole(one_item("m-1", person()))
    del early["message"]["transaction_id"]
    registry = Registry(before=[early])

    assert await registry.ask() == ["Asha"]
    assert registry.is_quiet()


async def test_only_so_many_callbacks_are_held():
    """And none once no question is without its acknowledgement."""
    strangers = [
        arrival({"message": {"correlation_id": f"c-{number}", "search_response": []}})
        for number in range(MOST_EARLY + 3)
    ]
    registry = Registry(before=strangers, after=[ASHA_SAID])

    assert await registry.ask() == ["Asha"]
    assert registry.taken.count(False) == 3
    assert registry.is_quiet()


async def test_an_item_about_something_else_spoils_the_answer():
    """As in a synchronous one."""
    registry = Registry(after=[whole(one_item("m-1", person()), one_item("m-7", person()))])

    assert "was not asked for" in (await failure(registry)).detail


async def test_nothing_whole_by_the_deadline_is_an_outage_and_not_nobody():
    """No callback, one of two items, or one of two pages."""
    for calls in ([], [ASHA_SAID], [PAGES[0], whole(one_item("m-2", person(JUMA.value, "Juma")))]):
        error = await failure(Registry(after=calls), ASHA, JUMA, deadline=Deadline.after(0.02))

        assert isinstance(error, SourceUnavailableError)
        assert error.reason is UnavailableReason.SOURCE_TIMEOUT


async def test_pages_that_disagree_end_nothing_early():
    """The larger total counts."""
    calls = [whole(paged("m-1", 1, 3, person())), whole(paged("m-1", 2, 2, person()))]

    assert (await failure(Registry(after=calls), deadline=Deadline.after(0.02))).detail == "no callback"


@pytest.mark.parametrize(
    "ack",
    [
        ACK,
        {"message": {"message": ACK["message"]}},
        {"ack_status": "ACK", "correlation_id": "c"},
        {"ack_status": "ACK", "correlation_id": "c", "error": {"code": "", "message": "none"}},
        {"message": ACK["message"] | {"error": {"code": "err.request.bad"}}},
        {"transaction_id": 1, "correlation_id": "c", "search_response": {"status": "pending"}},
        {"message": {"ack_status": "ACK"}},
        {"message": {"ack_status": "ACK", "correlation_id": 17}},
        Response(202, "application/json", orjson.dumps(ACK)),
        Response(200, "text/plain", orjson.dumps(ACK)),
    ],
)
async def test_acknowledgements_are_understood_in_every_form(ack):
    """Wrapped twice, bare, with an error that is none, without a handle, as plain text, with 202."""
    assert await Registry(ack=ack, after=[ASHA_SAID]).ask() == ["Asha"]


@pytest.mark.parametrize(
    ("ack", "error"),
    [
        ({"message": {"ack_status": "NACK", "correlation_id": "c"}}, SourceContractError),
        ({"message": {"ack_status": "ERR", "error": {"code": "err.request.bad"}}}, SourceContractError),
        ({"message": {"ack_status": "ERR", "error": {"code": "err.request.forbidden"}}}, SourceRefusedError),
        ({"message": {"ack_status": "ERR", "error": {"code": "err.service.unavailable"}}}, SourceUnavailableError),
        ({"message": {"ack_status": "ERR"}}, SourceContractError),
        ({}, SourceContractError),
        (Response(200, "text/plain", b"taken"), SourceContractError),
        (Response(503, "text/plain", b"later"), SourceUnavailableError),
        (Response(401, "application/json", b"{}"), SourceRefusedError),
    ],
)
async def test_a_question_that_is_not_taken_is_not_waited_for(ack, error):
    """The registry's word decides who must act."""
    assert isinstance(await failure(Registry(ack=ack)), error)


@pytest.mark.parametrize(
    "call",
    [
        {"header": {"status": "rjct", "status_reason_code": "rjct.action.invalid"}, "message": {"transaction_id": "m"}},
        {"message": {"transaction_id": "m", "correlation_id": "c"}, "errors": [{"code": "err.service.unavailable"}]},
        whole({"reference_id": "m-1", "status": "rjct", "status_reason_code": "rjct.filter.invalid"}),
        whole({"reference_id": "m-1", "status": "succ"}),
    ],
)
async def test_a_callback_that_says_no_is_no_answer(call):
    """Nor one that says nothing."""
    if "correlation_id" not in call["message"]:
        call["message"]["correlation_id"] = "c"
    assert isinstance(await failure(Registry(after=[call])), SourceError)


async def test_whom_a_known_product_leaves_out_it_does_not_hold():
    """Once it says that it is done with all that was asked, and not before."""
    unfinished = whole(total_count=2, completed_count=1)
    options = {"missing_item_means_no_record": True}

    assert await Registry(after=[whole()], **options).ask() == [None]
    assert await Registry(after=[ASHA_SAID], **options).ask(ASHA, JUMA) == ["Asha", None]
    error = await failure(Registry(after=[unfinished], **options), ASHA, JUMA, deadline=Deadline.after(0.02))
    assert error.reason is UnavailableReason.SOURCE_TIMEOUT


async def test_more_than_a_response_may_hold_is_refused():
    """All callbacks of a question together."""
    registry = Registry(after=PAGES)
    assert registry.driver._asynchronous is not None
    registry.driver._asynchronous._limit = len(orjson.dumps(PAGES[0])) + 10

    assert "larger than" in (await failure(registry)).detail


async def test_what_was_said_is_noted_and_its_signature_with_it():
    """Callbacks, and neither acknowledgement nor anything else."""
    signed = Signed("kid", "jws", "2026-11-21T10:00:00+00:00")
    registry = Registry(after=[arrival(ASHA_SAID, signed=signed)])
    said = listen()
    await registry.ask()

    assert [one.signed for one in said] == [signed]


def status_of(*items):
    """Return what a registry says became of a question."""
    state = {"transaction_id": "m", "correlation_id": "c", "search_response": list(items)}
    message = {"transaction_id": "s", "txnstatus_response": {"txn_type": "search", "txn_status": state}}
    return answer({"header": {"status": "succ"}, "message": message})


async def test_a_registry_that_never_calls_is_asked_what_became_of_it():
    """As often as it takes; an outage in between does not matter where a callback may still come."""
    statuses = [status_of({"reference_id": "m-1", "status": "pdng"}), status_of(one_item("m-1", person()))]
    for callback in (None, BEARER):
        registry = Registry(callback=callback, poll_s=0.001, statuses=statuses)

        assert await registry.ask() == ["Asha"]
        assert [one["path"] for one in registry.sent] == ["/registry/search", *["/registry/sync/txn/status"] * 2]
        assert ("sender_uri" in registry.sent[0]["header"]) == (callback is not None)
        enquiry = registry.sent[1]["message"]["txnstatus_request"]
        assert (enquiry["attribute_type"], enquiry["attribute_value"]) == ("correlation_id", "c")
    refused = Registry(callback=None, poll_s=0.001, statuses=[Response(403, "", b"")])
    assert isinstance(await failure(refused), SourceRefusedError)


async def test_one_page_of_a_search_is_whole_when_it_is_there():
    """Whatever the total says: no more than this page was asked for."""
    manifest = manifest_of("social")
    options = manifest.dci.model_copy(update={"mode": "async", "poll_s": 0.001})
    record = {"group_identifier": [{"identifier_type": "HOUSEHOLD_ID", "identifier_value": "HH-1"}]}
    client = InMemoryClient([answer(ACK), status_of(paged("m-1", 2, 40, record))])
    adapter = driver(manifest.model_copy(update={"dci": options}), client)
    request = SearchFetch("social", Comparison("poverty_score", Operator.LT, 30), page_size=1, page_number=2)

    assert (await adapter.search(request, LONG)).total_count == 40


async def test_whoever_gives_up_leaves_nothing_behind():
    """A question that is cancelled in the middle waits no longer."""
    registry = Registry()
    task = asyncio.ensure_future(registry.ask())
    await registry.was_asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert registry.is_quiet()


async def test_numbers_for_ids_are_matched_as_they_are_written():
    """A registry that numbers its transactions writes the number into its callback."""
    registry = Registry(quirks=Dialect(transaction_ids="number"))
    task = asyncio.ensure_future(registry.ask())
    await registry.was_asked.wait()
    number = registry.sent[0]["message"]["transaction_id"]
    message = {"transaction_id": number, "search_response": [one_item("m-1", person())]}

    assert await registry.waiting.arrived(arrival({"message": message}))
    assert await task == ["Asha"]


class Stuck:
    """Other processes that take their time to be told."""

    def __init__(self):
        self.forgotten, self.was_told = [], asyncio.Event()

    async def expect(self, keys, waiter):
        """Never return."""
        self.was_told.set()
        await asyncio.Event().wait()

    async def forget(self, waiter):
        """Note it."""
        self.forgotten.append(waiter)


async def test_whoever_gives_up_before_the_question_is_sent_leaves_nothing_either():
    """Neither here nor with the other processes."""
    beyond = Stuck()
    waiting = Waiting(cast("Any", beyond))
    task = asyncio.ensure_future(waiting.expect("probe", "t", ["m-1"], 10).__aenter__())
    await beyond.was_told.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert waiting.open == 0
    assert not waiting._by_key
    assert len(beyond.forgotten) == 1

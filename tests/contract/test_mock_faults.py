"""Every fault of every practice registry is seen on the wire as its mode says, and counted."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from xml.etree.ElementTree import fromstring

import aiohttp
import pytest

from mocks.faults import MODES
from tests.contract.poveria import NAMES, Answer

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

PLAIN = ["/_sandbox/faults", "/_sandbox/calls", "/health"]


def parsed(answer: Answer) -> Any:
    """Parse a body as what its content type says it is."""
    kind = answer.headers["Content-Type"]
    return fromstring(answer.body) if "xml" in kind else json.loads(answer.body)


@pytest.mark.parametrize("name", NAMES)
async def test_a_registry_that_is_down_drops_connections(poveria, name):
    """Not a byte comes back; the sandbox's own paths still answer, and the call is counted."""
    await poveria.fault(name, mode="down")
    for _ in range(2):
        with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
            await poveria.about(name, poveria.numbers(name, 1))

    for path in PLAIN:
        async with poveria.client.get(poveria.url(name, path)) as response:
            assert response.status == 200
    calls = await poveria.calls(name)
    assert (calls["total"], calls["faults_served"]) == (2, 2)


@pytest.mark.parametrize("name", NAMES)
async def test_a_slow_registry_answers_late_but_rightly(poveria, name):
    """The answer waits for the delay asked for and is the usual one."""
    numbers = poveria.numbers(name, 1)
    await poveria.fault(name, mode="slow", delay_ms=250)
    clock = asyncio.get_running_loop().time
    start = clock()
    answer = await poveria.about(name, numbers)

    assert clock() - start >= 0.25
    assert set(numbers) <= poveria.dialects[name].found(answer.body)


@pytest.mark.parametrize("name", NAMES)
async def test_a_registry_fails_with_the_status_asked_for(poveria, name):
    """The default is 503 without advice when to come again."""
    numbers = poveria.numbers(name, 1)
    await poveria.fault(name, mode="status")
    plain = await poveria.about(name, numbers)
    await poveria.fault(name, mode="status", status=429, retry_after=7)
    busy = await poveria.about(name, numbers)

    assert (plain.status, plain.headers.get("Retry-After")) == (503, None)
    assert (busy.status, busy.headers.get("Retry-After")) == (429, "7")


@pytest.mark.parametrize("name", NAMES)
async def test_a_reset_cuts_an_answer_in_the_middle(poveria, name):
    """Status and length arrive, half of the body at most, then the connection breaks."""
    numbers = poveria.numbers(name, 2)
    usual = await poveria.about(name, numbers)
    await poveria.fault(name, mode="reset")
    got = bytearray()

    async def read_on(response):
        async for piece in response.content.iter_any():
            got.extend(piece)

    async with poveria.asked(name, poveria.dialects[name].ask(numbers)) as response:
        assert response.status == 200
        promised = response.content_length
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionError)):
            await read_on(response)

    assert promised is not None
    assert promised > 1
    assert len(got) <= promised // 2
    assert bytes(got[:20]) == usual.body[: len(got[:20])]


@pytest.mark.parametrize("name", NAMES)
async def test_an_empty_answer_keeps_its_content_type(poveria, name):
    """200, the usual content type, and nothing."""
    numbers = poveria.numbers(name, 1)
    usual = await poveria.about(name, numbers)
    await poveria.fault(name, mode="empty")
    empty = await poveria.about(name, numbers)

    assert (empty.status, empty.body) == (200, b"")
    assert empty.headers["Content-Type"] == usual.headers["Content-Type"]


@pytest.mark.parametrize("name", NAMES)
async def test_a_malformed_answer_does_not_parse(poveria, name):
    """200, the usual content type, a body that is none, also when nobody was found."""
    usual = await poveria.about(name, poveria.numbers(name, 1))
    await poveria.fault(name, mode="malformed")
    for numbers in (poveria.numbers(name, 2), [poveria.dialects[name].unknown]):
        answer = await poveria.about(name, numbers)

        assert answer.status == 200
        assert answer.headers["Content-Type"] == usual.headers["Content-Type"]
        with pytest.raises((ValueError, SyntaxError)):
            parsed(answer)


@pytest.mark.parametrize("name", NAMES)
async def test_a_wrong_schema_parses_and_breaks_the_contract(poveria, name):
    """The body is well-formed, but those asked about cannot be read off it."""
    numbers = poveria.numbers(name, 2)
    await poveria.fault(name, mode="wrong_schema")
    answer = await poveria.about(name, numbers)

    assert answer.status == 200
    parsed(answer)
    try:
        found = poveria.dialects[name].found(answer.body)
    except (KeyError, TypeError, ValueError):
        found = set()
    assert not set(numbers) & found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 3])
async def test_a_wrong_person_is_somebody_else(poveria, name, count):
    """A correct answer, with records, about nobody who was asked about."""
    numbers = poveria.numbers(name, count)
    await poveria.fault(name, mode="wrong_person")
    answer = await poveria.about(name, numbers)
    found = poveria.dialects[name].found(answer.body)

    assert answer.status == 200
    assert found
    assert not found & set(numbers)


@pytest.mark.parametrize("name", NAMES)
async def test_a_huge_answer_is_as_long_as_asked_for(poveria, name):
    """At least so many bytes come, under the usual content type."""
    usual = await poveria.about(name, poveria.numbers(name, 1))
    await poveria.fault(name, mode="huge", bytes=2_000_000)
    answer = await poveria.about(name, poveria.numbers(name, 1))

    assert answer.status == 200
    assert len(answer.body) >= 2_000_000
    assert answer.headers["Content-Type"] == usual.headers["Content-Type"]


@pytest.mark.parametrize("name", NAMES)
async def test_a_client_may_leave_a_huge_answer(poveria, name):
    """Who has read enough closes the connection, and the registry goes on serving others."""
    await poveria.fault(name, mode="huge", times=1)
    async with poveria.asked(name, poveria.dialects[name].ask(poveria.numbers(name, 1))) as response:
        assert len(await response.content.readexactly(100_000)) == 100_000
        response.close()

    numbers = poveria.numbers(name, 1)
    assert set(numbers) <= poveria.dialects[name].found((await poveria.about(name, numbers)).body)


@pytest.mark.parametrize("name", NAMES)
async def test_a_header_lets_one_request_fail(poveria, name):
    """Its fault is for that request only; a header that names none is refused."""
    numbers = poveria.numbers(name, 1)
    failed = await poveria.about(name, numbers, headers={"X-Sandbox-Fault": '{"mode": "status", "status": 500}'})
    wrong = await poveria.about(name, numbers, headers={"X-Sandbox-Fault": '{"mode": "mood"}'})
    usual = await poveria.about(name, numbers)

    assert [one.status for one in (failed, wrong, usual)] == [500, 422, 200]
    assert (await poveria.calls(name))["faults_served"] == 1


@pytest.mark.parametrize("name", NAMES)
async def test_faults_are_shown_counted_down_and_cleared(poveria, name):
    """The controls say what is in force; `times` runs out; nothing in force is a null mode."""
    stored = await poveria.fault(name, mode="status", times=2)
    assert stored == {"mode": "status", "status": 503, "times": 2}
    statuses = []
    for _ in range(2):
        statuses.append((await poveria.about(name, poveria.numbers(name, 1))).status)
        statuses.append((await poveria.control("GET", name, "faults"))[1].get("times"))
    assert statuses == [503, 1, 503, None]
    assert (await poveria.about(name, poveria.numbers(name, 1))).status == 200

    await poveria.fault(name, mode="down")
    assert await poveria.control("DELETE", name, "faults") == (204, None)
    assert await poveria.control("GET", name, "faults") == (200, {"mode": None})
    assert (await poveria.about(name, poveria.numbers(name, 1))).status == 200


@pytest.mark.parametrize("name", NAMES)
async def test_faults_keep_to_their_paths(poveria, name):
    """Elsewhere the registry behaves."""
    numbers = poveria.numbers(name, 1)
    path = poveria.dialects[name].ask(numbers).path.partition("?")[0]
    await poveria.fault(name, mode="status", paths=["/elsewhere"])
    elsewhere = await poveria.about(name, numbers)
    await poveria.fault(name, mode="status", paths=[path[:6]])
    here = await poveria.about(name, numbers)

    assert (elsewhere.status, here.status) == (200, 503)


@pytest.mark.parametrize("name", NAMES)
async def test_an_unknown_fault_is_refused_with_those_there_are(poveria, name):
    """The refusal lists the modes and leaves things as they were."""
    status, told = await poveria.control("PUT", name, "faults", json={"mode": "mood"})

    assert status == 422
    assert told["modes"] == list(MODES)
    assert (await poveria.control("GET", name, "faults"))[1] == {"mode": None}


@pytest.mark.parametrize("name", NAMES)
async def test_counters_start_again_when_told(poveria, name):
    """Resetting makes them zero; controls and health never count."""
    await poveria.about(name, poveria.numbers(name, 1))
    assert await poveria.control("DELETE", name, "calls") == (204, None)

    assert await poveria.calls(name) == {"total": 0, "by_operation": {}, "subjects": 0, "faults_served": 0}

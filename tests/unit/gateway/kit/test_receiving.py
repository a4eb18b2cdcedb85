"""Callbacks: verified, once each however often they come, their pages put together."""

import asyncio
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from gateway.kit.receiving import Receiver
from standards.errors import SignatureInvalidError


def page(number: int, records: list[str], total: int, correlation: str = "c-1") -> dict[str, Any]:
    """One callback of a search that found several."""
    item = {
        "reference_id": "r-1",
        "status": "succ",
        "data": {"reg_records": records, "hearth:evidence": [{"of": r} for r in records]},
        "pagination": {"page_size": 2, "page_number": number, "total_count": total},
    }
    return {
        "header": {"message_id": f"m-{number}"},
        "message": {"transaction_id": "t-1", "correlation_id": correlation, "search_response": [item]},
    }


async def passed(received):
    """Verify nothing."""
    return dict(received)


async def deliver(receiver: Receiver, message: Any, kind: str = "on-search", key: str | None = None):
    """Post a callback; return status and acknowledgement."""
    body = message if isinstance(message, bytes) else orjson.dumps(message)
    headers = {"Idempotency-Key": key} if key else {}

    async def read():
        return body

    said = await receiver._received(SimpleNamespace(read=read, headers=headers, path=f"/registry/{kind}"))  # type: ignore[arg-type]
    assert isinstance(said.body, bytes)
    return said.status, orjson.loads(said.body)["message"]


async def test_pages_are_put_together_in_whatever_order_they_come():
    """The answer is whole when they cover what was found."""
    receiver = Receiver(passed)
    waiting = asyncio.create_task(receiver.answer("c-1"))
    for number, records in ((3, ["e"]), (1, ["a", "b"])):
        assert (await deliver(receiver, page(number, records, 5)))[0] == 200
    await asyncio.sleep(0)
    assert not waiting.done()
    await deliver(receiver, page(2, ["c", "d"], 5))
    (item,) = (await waiting)["message"]["search_response"]

    assert item["data"]["reg_records"] == ["a", "b", "c", "d", "e"]
    assert [one["of"] for one in item["data"]["hearth:evidence"]] == ["a", "b", "c", "d", "e"]


async def test_one_page_that_was_asked_for_is_all_there_is():
    """It is not waited for others."""
    receiver = Receiver(passed)
    await deliver(receiver, page(2, ["c", "d"], 5))

    assert (await receiver.answer("c-1", one_page=True))["header"] == {"message_id": "m-2"}


async def test_what_comes_twice_counts_once():
    """Told apart by the key of its tries, or by its message id; each is acknowledged."""
    receiver = Receiver(passed)
    event = {"header": {"message_id": "m-9"}, "message": {"transaction_id": "t-1", "notify_event": []}}
    for key in ("k-1", "k-1", "k-2", None, None):
        status, said = await deliver(receiver, event, "notify", key)
        assert (status, said["ack_status"]) == (200, "ACK")
    for _ in range(3):
        await receiver.notification(within_s=1)

    with pytest.raises(TimeoutError):
        await receiver.notification(within_s=0)


async def test_what_does_not_verify_is_not_taken():
    """It may come again as it should be."""

    async def refuse(received):
        raise SignatureInvalidError("no")

    receiver = Receiver(refuse)
    status, said = await deliver(receiver, page(1, ["a"], 1))

    assert (status, said["ack_status"], said["error"]["code"]) == (401, "ERR", "err.signature.invalid")
    with pytest.raises(TimeoutError):
        await receiver.answer("c-1", within_s=0)


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense"])
async def test_what_is_no_message_is_refused(body):
    """As the standard has it."""
    status, said = await deliver(Receiver(passed), body)

    assert (status, said["error"]["code"]) == (400, "err.request.bad")

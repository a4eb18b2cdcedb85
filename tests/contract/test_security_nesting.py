"""What is nested very deep is refused everywhere, and breaks nothing."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.stages.admit import DEEPEST
from tests.properties.test_envelopes import MESSAGES
from tests.whole_gateway import message, whole

pytestmark = pytest.mark.contract

DEPTHS = (DEEPEST + 1, 252, 300, 1000)
"""Where a writer of JSON gives up (254) and a reader does not (1024) lies in between."""


def nested(depth: int) -> bytes:
    """Objects and arrays, one inside the other."""
    return b'[{"a":' * (depth // 2) + b"1" + b"}]" * (depth // 2)


@pytest.mark.parametrize("path", sorted(MESSAGES))
async def test_no_operation_breaks_over_a_message_nested_very_deep(tmp_path, path):
    """Whatever stands there, known or not, is refused with 400; none of it is kept, and none is a fault of ours."""
    wholes: list[Callable[[], Any]] = MESSAGES[path]
    async with whole(tmp_path) as gateway:
        for depth in DEPTHS:
            for where in ("header", "message"):
                sent = message(path, wholes[0]())
                sent[where]["stranger"] = "PLACE"
                body = orjson.dumps(sent).replace(b'"PLACE"', nested(depth))
                answered = await gateway.send(f"/registry/{path}", body)
                assert (answered.status, answered.code) == (400, "err.request.bad"), (where, depth)


async def test_a_status_that_is_asked_for_many_times_at_once_is_called_back_once(tmp_path):
    """The same message, byte by byte: one correlation id, one callback."""
    sent = orjson.dumps(message("txn/status", MESSAGES["txn/status"][0]()))
    async with whole(tmp_path) as gateway:
        acks = await asyncio.gather(*(gateway.send("/registry/txn/status", sent) for _ in range(5)))
        left = await gateway.later()

    assert len({ack.body["message"]["correlation_id"] for ack in acks}) == 1
    assert [one.body["message"]["correlation_id"] for one in left] == [acks[0].body["message"]["correlation_id"]]

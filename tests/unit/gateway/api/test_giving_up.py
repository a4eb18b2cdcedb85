"""A question that cannot be answered any more: its consumer is told so, whatever happens until then."""

from typing import Any

import pytest

from gateway.api.dci import asynchronous
from gateway.api.dci.later import Later
from standards.errors import MalformedMessageError
from tests.whole_gateway import by_number, message, search, whole


class Unreadable:
    """An admission that does not take any more what it took before."""

    def questions(self, *_: Any) -> Any:
        """Refuse everything."""
        raise MalformedMessageError("the gateway is set otherwise by now")


@pytest.mark.parametrize("starts", [0, 1, 2])
async def test_a_refusal_says_what_it_refuses_after_new_starts_too(tmp_path, monkeypatch, starts):
    """Answers that wait are forgotten at a new start and given anew; a refusal has nothing that could be."""
    async with whole(tmp_path) as gateway:
        taken = await gateway.send("/registry/search", message("search", search(by_number())))
        later = Later(gateway.gateway)
        with monkeypatch.context() as patched:
            patched.setattr(gateway.gateway, "admission", Unreadable())
            await later.answer(taken.body["message"]["correlation_id"], {}, 0)
        for _ in range(starts):
            await asynchronous.resume(gateway.gateway, Later(gateway.gateway))

        (left,) = await gateway.later()

        (item,) = left.body["message"]["search_response"]
        assert (item["reference_id"], item["status"]) == ("r-1", "rjct")
        assert left.body["header"]["status"] == "rjct"


async def test_a_refusal_is_told_after_pages_that_were_promised(tmp_path, monkeypatch):
    """The first page has left under its number; what comes of the rest has another one."""
    async with whole(tmp_path) as gateway:
        taken = await gateway.send("/registry/search", message("search", search(by_number())))
        correlation_id = taken.body["message"]["correlation_id"]
        whole_one = gateway.gateway
        known = await whole_one.transactions.request_of(correlation_id)
        assert known is not None
        page = {**known[1], "transaction_id": "t-1", "correlation_id": correlation_id, "parts": [[0, None]]}
        asking = next(one for one in whole_one.settings.consumers if one.client_id == known[0])
        await whole_one.deliveries.send(asking, "search", known[1]["url"], f"{correlation_id}-1", page, correlation_id)
        with monkeypatch.context() as patched:
            patched.setattr(whole_one, "admission", Unreadable())
            await Later(whole_one).answer(correlation_id, {}, 0)

        left = await gateway.later()

        assert [one.body["header"]["status"] for one in left] == ["succ", "rjct"]

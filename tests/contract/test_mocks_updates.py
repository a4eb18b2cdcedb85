"""Updates that a programme sends to the beneficiary registry, seen by a programme that subscribed to enrolments."""

from __future__ import annotations

import aiohttp
import pytest
import pytest_asyncio

from mocks.country import open_country
from mocks.population import build, examples
from mocks.programme.application import open_programme
from mocks.programme.receiving import Programme
from tests.contract.asking import NOW
from tests.contract.dci_spec import needs_dci_spec
from tests.contract.later import Registry

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module"), needs_dci_spec]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def beneficiary():
    """The beneficiary registry of a country, and the programme that it calls back."""
    programme = Programme(signatures="optional")
    async with (
        open_country(build(60, 11)) as served,
        open_programme(programme) as address,
        aiohttp.ClientSession() as client,
    ):
        yield await Registry(client, served["beneficiary"], programme, address).open()


async def update(registry, uin, status, day):
    """Send an update about one person's disability allowance."""
    header = {"message_id": "u-1", "message_ts": NOW, "action": "notify", "status": "succ"}
    header |= {"sender_id": "spmis.pv", "receiver_id": "ibr.pv"}
    sent = {
        "member": {"member_identifier": [{"identifier_type": "UIN", "identifier_value": uin}]},
        "programme_identifier": [{"programme_identifier": "DA-03"}],
        "enrollment_date": "2020-01-01",
        "enrollment_status": status,
        "status_change_date": [day],
    }
    body = {"header": header, "message": {"transaction_id": "t-1", "enrolled_updates": {"beneficiaries": [sent]}}}
    headers = {"Authorization": f"Bearer {registry.token}"}
    url = f"{registry.url}/registry/sync/enrollment/updates"
    async with registry.client.post(url, json=body, headers=headers) as response:
        (item,) = (await response.json())["message"]["enrolled_response"]
        assert item["status"] == "succ"


async def test_subscribers_hear_of_a_change_and_of_nothing_else(beneficiary):
    """One notification for a suspension, with the new standing; an update that changes nothing is told nobody."""
    uin = examples(beneficiary.mock.population)["two_programmes"]["identifiers"]["UIN"]
    ack = await beneficiary.subscribe("enrollement_status_change", {"type": "UIN", "value": uin}, "Beneficiary")
    await beneficiary.callbacks("on-subscribe", correlation_id=ack["message"]["correlation_id"])
    await update(beneficiary, uin, "1", "2026-09-18")
    await update(beneficiary, uin, "4", "2026-09-20")
    await update(beneficiary, uin, "1", "2026-09-25")

    told = await beneficiary.callbacks("notify", 2)
    standings = []
    for one in told:
        (event,) = one.message["notify_event"]
        programmes = event["data"]["reg_records"]["programme_identifier"]
        (held,) = (held for held in programmes if held["programme_identifier"] == "DA-03")
        standings.append((held["enrollment_status"], held["status_change_date"][-1]))
    assert sorted(standings) == [("1", "2026-09-25"), ("4", "2026-09-20")]

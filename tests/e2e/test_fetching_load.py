"""Every fault at every wave under fifty questions at once: time is kept, the others are heard, nothing stays behind."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from mocks.population import build
from tests.e2e.fetching import DEADLINE_S, HOUSEHOLDS, PLACES, SEED, FetchingCountry, comes, fetching_country

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

AT_ONCE = 50
WAVES = {"social": {"social"}, "national_id": {"national_id", "tax"}, "tax": {"tax"}}
"""A registry of each wave, and whose answers hang on it."""
MODES: dict[str, dict[str, Any]] = {
    "down": {},
    "slow": {"delay_ms": 60_000},
    "status": {"status": 503},
    "reset": {},
    "empty": {},
    "malformed": {},
    "wrong_schema": {},
    "wrong_person": {},
    "huge": {"bytes": 600_000},
}
GROWTH_BYTES = 192 * 2**20
"""How much larger the process may be after all of it than after the first round: what fifty oversized answers at once
took stays with the process, as allocators keep it; a leak of every question's answers would be several times that."""
SLOW_MS = 1500
"""The consumers' own time while a registry is silent, so that the rounds of silence are short."""
SLACK_S = 2.0
"""Two cores are shared by the gateway, all registries and the consumers; it is not the gateway's time."""


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FetchingCountry]:
    """A sandbox for this file."""
    with fetching_country(tmp_path_factory.mktemp("load")) as own:
        yield own


@pytest.fixture(scope="module")
def numbers() -> list[str]:
    """National numbers of the heads of as many registered households as ask at once."""
    population = build(HOUSEHOLDS, SEED)
    heads = [
        population.people[household.head] for household in population.households if household.household_id is not None
    ]
    found = [head.uin for head in heads if head.uin is not None and head.tin is not None and head.death_date is None]
    assert len(found) >= AT_ONCE
    return found[:AT_ONCE]


async def volley(
    country: FetchingCountry, numbers: list[str], deadline_ms: int | None = None
) -> list[tuple[dict[str, Any], float]]:
    """Ask about all households at once, each in its own message; the items, and how long each took."""
    client, consumer = country.client("load"), country.content["consumers"]["load"]
    headers = {"Authorization": f"Bearer {country.token('load')}"}
    if deadline_ms is not None:
        headers["Hearth-Deadline-Ms"] = str(deadline_ms)
    purpose = {"purpose": {"code": consumer["purposes"][0]}}

    async def ask(session: aiohttp.ClientSession, number: str) -> tuple[dict[str, Any], float]:
        criteria = {
            "reg_type": "ns:org:RegistryType:Social",
            "reg_record_type": "spdci-ns:DRI:RecordType:Group",
            "query_type": "idtype-value",
            "query": {"type": "UIN", "value": number},
            "authorize": purpose,
        }
        item = {"reference_id": "r", "timestamp": "2026-01-01T00:00:00Z", "search_criteria": criteria}
        start = time.monotonic()
        async with session.post(f"{country.content['gateway']}/registry/sync/search", json=client.message([item])) as r:
            answer = await r.json()
        return answer["message"]["search_response"][0], time.monotonic() - start

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector, trust_env=False) as session:
        return await asyncio.gather(*(ask(session, number) for number in numbers))


def is_quiet(country: FetchingCountry, tasks: float) -> bool:
    """Tell whether nothing is under way any more."""
    return country.metric("hearth_source_calls_under_way") == 0 and country.metric("hearth_tasks") <= tasks


def test_every_fault_at_every_wave_under_load(country: FetchingCountry, numbers: list[str]):
    """Answers come in time and name their holes; afterwards everything is as it was before."""
    country.token("load")  # over a connection that stays open, so the gateway has a task for it
    tasks, files = country.metric("hearth_tasks"), country.open_files()
    for item, _ in asyncio.run(volley(country, numbers)):
        assert item["status"] == "succ"
        outcomes = item["data"]["hearth:sources"]
        assert {outcomes[s]["outcome"] for s in ("social", "national_id", "land")} == {"answered"}
    assert comes(lambda: is_quiet(country, tasks))
    memory = country.memory_bytes()

    for registry, behind in WAVES.items():
        for mode, more in MODES.items():
            country.fresh()
            country.fault(registry, mode=mode, **more)
            is_silent = mode == "slow"
            for item, took in asyncio.run(volley(country, numbers, SLOW_MS if is_silent else None)):
                where = (registry, mode, item.get("status_reason_message"))
                assert took < (SLOW_MS / 1000 if is_silent else DEADLINE_S) + SLACK_S, where
                assert item["status"] == "succ", where
                outcomes = item["data"]["hearth:sources"]
                assert outcomes[registry]["outcome"] in {"unavailable", "partial"}, where
                assert outcomes[registry]["reason"], where
                if not is_silent:  # in a short time, busy cores can make others late
                    others = {s: o["outcome"] for s, o in outcomes.items() if s not in behind}
                    assert set(others.values()) <= {"answered", "not_asked"}, (where, others)
            assert comes(lambda: is_quiet(country, tasks)), (registry, mode)

    country.fresh()
    pooled = PLACES * len(country.content["registries"])  # connections that wait for the next call
    assert comes(lambda: country.open_files() <= files + pooled), (country.open_files(), files)
    assert country.memory_bytes() - memory < GROWTH_BYTES
    assert {item["status"] for item, _ in asyncio.run(volley(country, numbers))} == {"succ"}
    assert not [line for line in country.log() if line["event"] in {"unexpected_error", "library_message"}]

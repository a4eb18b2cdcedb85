"""The practice country, served once for every module of contract tests that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import aiohttp
import pytest
import pytest_asyncio

from mocks.country import open_country
from mocks.population import build
from tests.contract.dci_country import DciCountry
from tests.contract.dci_spec import IS_HERE
from tests.contract.poveria import NAMES, Poveria
from tests.witness.inside import watching
from tests.witness.judging import faults


@pytest.fixture(scope="session", autouse=True)
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every message that a gateway or a mock registry answers while these tests run is valid by the release of its type."""
    folder = tmp_path_factory.mktemp("witness")
    with watching(folder):
        yield
    assert not IS_HERE or list(islice(faults(folder), 20)) == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def country():
    """One country of sixty households for all tests here, and a client that asks once."""
    population = build(60, 11)
    async with open_country(population) as served, aiohttp.ClientSession() as client:
        # aiohttp asks again when a GET is dropped, without saying so; the counters would show it.
        client._retry_connection = False
        yield Poveria(client, population, served)


@pytest_asyncio.fixture(loop_scope="module")
async def poveria(country):
    """The country, every registry well and its counters at zero."""
    for name in NAMES:
        await country.control("DELETE", name, "faults")
        await country.control("DELETE", name, "calls")
    return country


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dci_country():
    """A larger country, and its DCI registries with their tokens."""
    population = build(400, 5)
    async with open_country(population) as served, aiohttp.ClientSession() as client:
        both = DciCountry(client, served, population)
        await both.open()
        yield both

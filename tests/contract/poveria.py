"""The practice country as a client sees it: addresses, credentials, and the truth to compare answers with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from yarl import URL

from mocks.country import REGISTRIES, TABLES, Served
from mocks.population import Population
from tests.contract import asking
from tests.contract.asking import Ask, Dialect

NAMES = [kind.name for kind in REGISTRIES]
"""Those that are asked over HTTP."""
LYING = [kind.name for kind in TABLES]
"""Those whose records are read where they lie."""
OAUTH = ["crvs", "social", "disability", "beneficiary", "farmer", "employment"]
SPOKEN = {
    "crvs": ("dci", "ns:org:RegistryType:Civil"),
    "social": ("dci", "ns:org:RegistryType:Social"),
    "national_id": ("rest", "ns:hearth:RegistryType:NationalID"),
    "tax": ("soap", "ns:hearth:RegistryType:Tax"),
    "land": ("ogc", "ns:hearth:RegistryType:Land"),
    "education": ("rest", "ns:hearth:RegistryType:Education"),
    "health": ("fhir", "ns:hearth:RegistryType:Health"),
    "disability": ("dci", "ns:org:RegistryType:DR"),
    "beneficiary": ("dci", "ns:org:RegistryType:IBR"),
    "farmer": ("dci", "ns:org:RegistryType:FR"),
    "employment": ("dci", "ns:org:RegistryType:ESS"),
    "housing": ("graphql", "ns:hearth:RegistryType:Housing"),
    "social_insurance": ("sql", "ns:hearth:RegistryType:SocialInsurance"),
    "payments": ("files", "ns:hearth:RegistryType:Payments"),
    "farmers_list": ("files", "ns:hearth:RegistryType:FarmersList"),
}


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Poveria:
    """The country as a client sees it: addresses, credentials, and the truth to compare with."""

    def __init__(self, client: aiohttp.ClientSession, population: Population, served: Mapping[str, Served]) -> None:
        self.client, self.population, self.served = client, population, served
        registries = {name: one.registry for name, one in served.items() if one.office is None}
        self.dialects: Mapping[str, Dialect] = asking.dialects(population, registries)
        self._tokens: dict[str, str] = {}

    def url(self, name: str, path: str) -> URL:
        return URL(self.served[name].controls + path, encoded=True)

    def environment(self, name: str) -> dict[str, str]:
        return self.served[name].registry.environment(self.served[name].url)

    def numbers(self, name: str, count: int = 3) -> list[str]:
        """Return numbers of people whom a registry knows."""
        known = (number for one in self.population.people if (number := self.dialects[name].number(one)))
        return [number for number, _ in zip(known, range(count), strict=False)]

    async def token(self, name: str) -> str:
        if name in OAUTH and name not in self._tokens:
            own = self.environment(name)
            prefix = f"HEARTH_{name.upper()}_CLIENT_"
            form = {"grant_type": "client_credentials"}
            form |= {"client_id": own[prefix + "ID"], "client_secret": own[prefix + "SECRET"]}
            async with self.client.post(self.url(name, "/oauth2/client/token"), data=form) as response:
                issued = await response.json()
            assert issued["token_type"].lower() == "bearer"
            assert issued["expires_in"] == "3600"
            self._tokens[name] = issued["access_token"]
        return self._tokens.get(name, "")

    @asynccontextmanager
    async def asked(self, name: str, ask: Ask, **extra: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request with its credentials."""
        opened = asking.credentials(name, self.environment(name), await self.token(name))
        headers = {**ask.headers, **opened, **extra.pop("headers", {})}
        url = self.url(name, ask.path)
        async with self.client.request(ask.method, url, data=ask.body, headers=headers, **extra) as response:
            yield response

    async def answer(self, name: str, ask: Ask, **extra: Any) -> Answer:
        async with self.asked(name, ask, **extra) as response:
            return Answer(response.status, response.headers, await response.read())

    async def about(self, name: str, numbers: list[str], **extra: Any) -> Answer:
        return await self.answer(name, self.dialects[name].ask(numbers), **extra)

    async def control(self, method: str, name: str, path: str, **extra: Any) -> tuple[int, Any]:
        async with self.client.request(method, self.url(name, f"/_sandbox/{path}"), **extra) as response:
            return response.status, await response.json(content_type=None) if response.status != 204 else None

    async def fault(self, name: str, **fault: Any) -> Any:
        status, stored = await self.control("PUT", name, "faults", json=fault)
        assert status == 200
        return stored

    async def calls(self, name: str) -> Any:
        return (await self.control("GET", name, "calls"))[1]

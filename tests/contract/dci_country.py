"""The practice registries that speak DCI, with every message held against the published release."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from mocks.country import Served
from mocks.population import Population
from tests.contract.asking import dci
from tests.contract.dci_spec import request_faults, response_faults

TYPES = {
    "crvs": "ns:org:RegistryType:Civil",
    "social": "ns:org:RegistryType:Social",
    "disability": "ns:org:RegistryType:DR",
    "beneficiary": "ns:org:RegistryType:IBR",
    "farmer": "ns:org:RegistryType:FR",
    "employment": "ns:org:RegistryType:ESS",
}
FILES = {
    "crvs": "crvs_api_v1.0.0.yaml",
    "social": "social_api_v1.0.0.yaml",
    "disability": "dr_api_v1.0.0.yaml",
    "beneficiary": "ibr_api_v1.0.0.yaml",
    "farmer": "fr_api_v1.0.0.yaml",
    "employment": "ess_api_v1.0.0.yaml",
}
"""The file of the release that each of them answers to."""
PATH = "/registry/sync/search"
MEMBER = {"response_entity": "Member", "reg_record_type": "Member"}
GROUP = {"response_entity": "Group", "reg_record_type": "Group"}


class DciCountry:
    """The registries, opened with their tokens, and the truth."""

    def __init__(self, client: aiohttp.ClientSession, served: Mapping[str, Served], population: Population) -> None:
        self.client, self.served, self.population = client, served, population
        self.tokens: dict[str, str] = {}

    async def ask(self, name: str, *criteria: Mapping[str, Any], status: int = 200, **header: Any) -> Any:
        """Ask and hold request and answer against the release; returns the answer."""
        question = json.loads(dci(TYPES[name], criteria).body or b"")
        if not header:
            assert request_faults(FILES[name], PATH, question) == []
        question["header"] |= header
        return await self.send(name, json.dumps(question).encode(), status)

    async def send(self, name: str, body: bytes, status: int = 200, token: str | None = None) -> Any:
        """Send a body and hold the answer against the release."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token or self.tokens[name]}"}
        async with self.client.post(self.served[name].url + PATH, data=body, headers=headers) as response:
            answer = await response.json()
            assert response.status == status
        # Only the newest file calls success by its number.
        success = "200" if name == "employment" else "default"
        assert response_faults(FILES[name], PATH, answer, success if status == 200 else "500") == []
        return answer

    async def one(self, name: str, criteria: Mapping[str, Any]) -> Any:
        """Ask one item; returns the answer's item."""
        (item,) = (await self.ask(name, criteria))["message"]["search_response"]
        return item

    async def records(self, name: str, criteria: Mapping[str, Any]) -> list[Any]:
        """Ask one item; returns its records."""
        item = await self.one(name, criteria)
        assert item["status"] == "succ"
        return listed(item["data"]["reg_records"])

    def person(self, fits) -> Any:
        """Return the first person who fits."""
        return next(one for one in self.population.people if fits(one))

    async def open(self) -> None:
        """Fetch a token from each registry."""
        for name in TYPES:
            own = self.served[name].registry.credentials
            form = {"grant_type": "client_credentials", "client_id": own["CLIENT_ID"]}
            form["client_secret"] = own["CLIENT_SECRET"]
            async with self.client.post(self.served[name].url + "/oauth2/client/token", data=form) as response:
                issued = await response.json()
            assert response_faults("authz_core_api_v1.0.0.yaml", "/oauth2/client/token", issued, "200") == []
            self.tokens[name] = issued["access_token"]


def listed(found: Any) -> list[Any]:
    """Return records as a list; where the release wants one object, it is the only record, or holds several."""
    if isinstance(found, list):
        return found
    several: list[Any] = found.get("@graph", [found] if found else [])
    return several


def condition(name, sign, value):
    """Return one comparison of a predicate; numbers as text, since the release has no place for whole ones."""
    return {"attribute_name": name, "operator": sign, "attribute_value": value}


def predicate(first, joint=None, second=None, **more):
    """Return criteria with a predicate of one entry."""
    entry = {"seq_num": 1, "expression1": first} | ({"condition": joint, "expression2": second} if joint else {})
    return {"query_type": "predicate", "query": [entry], "pagination": {"page_size": 500}} | more


def expression(collection, query, **more):
    """Return criteria with an expression."""
    value = {"expression": {"collection": collection, "query": query}}
    whole = {"type": "ns:org:QueryType:expression", "value": value}
    return {"query_type": "expression", "query": whole, "pagination": {"page_size": 500}} | more

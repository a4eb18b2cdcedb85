"""Registries behind a security server of X-Road: the practice country's, and one before any registry over HTTP."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from adapters.catalogue import connect
from adapters.ports import Deadline, Fetch
from adapters.transport.client import open_session
from mocks.security_server import CLIENT, Front, SecurityServer
from standards.errors import SourceContractError, SourceError, SourceRefusedError, SourceUnavailableError
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.unit.adapters.builders import manifest_of

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

LONG_S = 30.0
MODES = ("down", "status", "reset", "empty", "malformed", "wrong_schema", "wrong_person", "huge")
MANNERS = {
    "access_denied": SourceRefusedError,
    "unknown_service": SourceContractError,
    "provider_down": SourceUnavailableError,
    "other_message": SourceContractError,
    "other_request": SourceContractError,
}


@asynccontextmanager
async def connected(manifest, environment):
    """Yield the registry of one manifest, without the guard's second tries."""
    once = manifest.model_copy(update={"limits": manifest.limits.model_copy(update={"retries": 0})})
    async with open_session() as session:
        registries = connect([once], session, environment)
        try:
            yield registries[manifest.id]
        finally:
            await registries.close()


async def ask(registry, lookup, type_, numbers, seconds=LONG_S):
    """Return what a registry says about some people, or the error."""
    manifest = registry.manifest
    names = frozenset(manifest.lookup(lookup).attributes)
    request = Fetch(manifest.id, lookup, tuple(Identifier(type_, one) for one in numbers), names)
    try:
        return (await registry.guarded.fetch(request, Deadline.after(seconds))).records
    except SourceError as error:
        return type(error), error.reason


@pytest.fixture(scope="module")
def taxpayers():
    """Return how many taxpayers are asked about at once."""
    return 5


async def test_tax_through_the_security_server_is_tax_itself(poveria, taxpayers):
    """The same records with and without it, for known and unknown numbers."""
    manifest, tax = manifest_of("tax"), poveria.served["tax"]
    numbers = [*poveria.numbers("tax", taxpayers), "T99999999"]
    async with (
        connected(manifest, tax.registry.environment(tax.front)) as fronted,
        connected(manifest.model_copy(update={"xroad": None}), tax.registry.environment(tax.url)) as direct,
    ):
        through, straight = [await ask(one, "taxpayer", "TIN", numbers) for one in (fronted, direct)]

    assert through == straight
    assert through[Identifier("TIN", "T99999999")] is None
    assert sum(record is not None for record in through.values()) == taxpayers


@pytest.mark.parametrize("mode", MODES)
async def test_what_the_registry_does_wrong_passes_through(poveria, mode):
    """The same error as without the security server."""
    manifest, tax = manifest_of("tax"), poveria.served["tax"]
    numbers = poveria.numbers("tax")
    await poveria.fault("tax", mode=mode)
    async with (
        connected(manifest, tax.registry.environment(tax.front)) as fronted,
        connected(manifest.model_copy(update={"xroad": None}), tax.registry.environment(tax.url)) as direct,
    ):
        through, straight = [await ask(one, "taxpayer", "TIN", numbers) for one in (fronted, direct)]

    assert through == straight
    assert issubclass(through[0], SourceError)


async def test_who_hangs_up_is_not_waited_for(poveria):
    """A slow registry is a timeout at the deadline."""
    manifest, tax = manifest_of("tax"), poveria.served["tax"]
    await poveria.fault("tax", mode="slow", delay_ms=600_000)
    async with connected(manifest, tax.registry.environment(tax.front)) as fronted:
        said = await ask(fronted, "taxpayer", "TIN", poveria.numbers("tax"), seconds=0.3)

    assert said == (SourceUnavailableError, UnavailableReason.SOURCE_TIMEOUT)


@pytest.mark.parametrize(("manner", "error"), MANNERS.items())
async def test_what_goes_wrong_at_the_server_says_who_must_act(poveria, manner, error):
    """Refused, wrong, or down; and an answer to somebody else's message is none."""
    manifest, tax = manifest_of("tax"), poveria.served["tax"]
    async with aiohttp.ClientSession() as client, connected(manifest, tax.registry.environment(tax.front)) as fronted:
        async with client.put(f"{tax.front}/_sandbox/manner", json={"mode": manner}) as taken:
            assert taken.status == 200
        try:
            said = await ask(fronted, "taxpayer", "TIN", poveria.numbers("tax"))
        finally:
            await client.delete(f"{tax.front}/_sandbox/manner")
        well = await ask(fronted, "taxpayer", "TIN", poveria.numbers("tax"))

    assert said[0] is error
    assert len(well) == 3


@asynccontextmanager
async def fronted(poveria, name, subsystem="PV/GOV/2003/registers"):
    """Yield a registry of the country, reached by REST through a security server of its own, and that server's address."""
    one = poveria.served[name]
    front = SecurityServer(Front(one.url, subsystem, {"api": ""}))
    xroad = {"protocol": "rest", "client": CLIENT, "service": f"{subsystem}/api", "request_hash": "checked"}
    manifest = manifest_of(name)
    behind = type(manifest).model_validate(manifest.model_dump() | {"xroad": xroad})
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TestServer(front.application()))
        address = f"http://127.0.0.1:{server.port}"
        registry = await stack.enter_async_context(connected(behind, one.registry.environment(address)))
        yield registry, address


@pytest.mark.parametrize(
    ("name", "lookup", "type_"), [("education", "learner", "LEARNER_NUMBER"), ("land", "holdings", "UIN")]
)
async def test_any_registry_over_http_can_stand_behind_one(poveria, name, lookup, type_):
    """Paths, queries, credentials and bodies pass; the registry's answers mean what they meant."""
    numbers = poveria.numbers(name)
    manifest = manifest_of(name)
    async with (
        fronted(poveria, name) as (registry, _),
        connected(manifest, poveria.environment(name)) as direct,
    ):
        through, straight = [await ask(one, lookup, type_, numbers) for one in (registry, direct)]
        await poveria.fault(name, mode="status", status=503)
        broken = await ask(registry, lookup, type_, numbers)

    assert through == straight
    assert set(through) == {Identifier(type_, number) for number in numbers}
    assert broken == (SourceUnavailableError, UnavailableReason.SOURCE_DOWN)


@pytest.mark.parametrize(("manner", "error"), MANNERS.items())
async def test_the_same_goes_for_rest(poveria, manner, error):
    """By headers instead of a header block."""
    async with fronted(poveria, "education") as (registry, address), aiohttp.ClientSession() as client:
        async with client.put(f"{address}/_sandbox/manner", json={"mode": manner}) as taken:
            assert taken.status == 200
        said = await ask(registry, "learner", "LEARNER_NUMBER", poveria.numbers("education"))

    assert said[0] is error


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/r1/PV/GOV/2003/registers/api/x", {"X-Road-Client": CLIENT}, "Client.MissingHeaderField"),
        ("/r1/PV/GOV/2003/registers/api/x", {"X-Road-Id": "1"}, "Server.ServerProxy.AccessDenied"),
        (
            "/r1/PV/GOV/2003/registers/other/x",
            {"X-Road-Client": CLIENT, "X-Road-Id": "1"},
            "Server.ServerProxy.UnknownService",
        ),
    ],
)
async def test_the_practice_server_lets_only_known_clients_ask_known_services(poveria, path, headers, code):
    """In X-Road's own words."""
    async with fronted(poveria, "education") as (_, address), aiohttp.ClientSession() as client:
        async with client.get(address + path, headers=headers) as answer:
            assert answer.headers["X-Road-Error"] == code
        async with client.get(f"{address}/health") as well:
            assert well.status == 200
        async with client.put(f"{address}/_sandbox/manner", data=b"{}") as unknown:
            assert unknown.status == 422
        async with client.get(f"{address}/_sandbox/calls") as calls:
            assert (await calls.json())["by_outcome"] == {code: 1}
        async with client.post(address, data=b"<a/>") as fault:
            assert (fault.status, b"Client.MissingHeader" in await fault.read()) == (500, True)

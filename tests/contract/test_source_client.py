"""The way to a registry over HTTP, against a real server on a free port."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.manifest import (
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    Connection,
    Limits,
    NoAuth,
    OAuth2Auth,
)
from adapters.ports import Deadline
from adapters.said import listen
from adapters.transport.client import HttpSourceClient, open_session
from standards.errors import (
    ConfigurationError,
    SourceContractError,
    SourceRefusedError,
    SourceUnavailableError,
)
from standards.states import UnavailableReason
from tests.fakes import HandClock
from tests.unit.adapters.builders import small_manifest

pytestmark = pytest.mark.contract

LONG = 30.0
SECRETS = {"PROBE_KEY": "k3y", "PROBE_USER": "us", "PROBE_PASSWORD": "p4ss", "PROBE_TOKEN": "t0ken"}
OAUTH2 = OAuth2Auth(kind="oauth2", token_path="/token", client_id="env:PROBE_USER", client_secret="env:PROBE_PASSWORD")


class Registry:
    """A registry that remembers what it was sent; `answer` is what it does with a question."""

    def __init__(self, answer=None):
        self.asked: list[dict[str, str]] = []
        self.tokens: list[dict[str, str]] = []
        self.token_answer = lambda number: web.json_response(
            {"access_token": f"token-{number}", "token_type": "Bearer", "expires_in": "3600"}
        )
        self._answer = answer or self._echo

    async def _echo(self, request):
        return web.json_response({"path": request.path_qs, "body": (await request.read()).decode()})

    async def ask(self, request):
        self.asked.append(dict(request.headers))
        return await self._answer(request)

    async def token(self, request):
        self.tokens.append({key: str(value) for key, value in (await request.post()).items()})
        return self.token_answer(len(self.tokens))


@asynccontextmanager
async def connected(registry, auth=None, clock=None, **limits):
    """Yield a client of a running registry."""
    app = web.Application()
    app.router.add_post("/api/token", registry.token)
    app.router.add_route("*", "/api/ask", registry.ask)
    async with TestServer(app) as server, open_session() as session:
        manifest = small_manifest(
            connection=Connection(base_url="env:PROBE_URL", auth=auth or NoAuth()), limits=Limits(**limits)
        )
        environment = SECRETS | {"PROBE_URL": f"http://127.0.0.1:{server.port}/api"}
        extra = {"clock": clock} if clock else {}
        yield HttpSourceClient(session, manifest, environment, **extra)


def ask(client, seconds=LONG, **parts):
    """Send one question."""
    return client.send("POST", "/ask", Deadline.after(seconds), **parts)


async def test_a_request_goes_below_the_base_address_and_its_response_is_read_whole():
    """Parameters, headers and body arrive; status, type and body come back."""
    registry = Registry()
    async with connected(registry) as client:
        response = await ask(client, params={"limit": "5"}, headers={"X-Partner-Id": "hearth"}, body=b"hello")

    assert (response.status, response.content_type) == (200, "application/json")
    assert response.body == b'{"path": "/api/ask?limit=5", "body": "hello"}'
    assert registry.asked[0]["X-Partner-Id"] == "hearth"
    assert "Authorization" not in registry.asked[0]


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (ApiKeyAuth(kind="api_key", header="X-API-Key", key="env:PROBE_KEY"), "X-API-Key", "k3y"),
        (
            BasicAuth(kind="basic", user="env:PROBE_USER", password="env:PROBE_PASSWORD"),
            "Authorization",
            "Basic dXM6cDRzcw==",
        ),
        (BearerAuth(kind="bearer", token="env:PROBE_TOKEN"), "Authorization", "Bearer t0ken"),
        (OAUTH2, "Authorization", "Bearer token-1"),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
async def test_every_kind_of_credentials_is_sent(auth, header, value):
    """The manifest names the kind, the environment holds the secret."""
    registry = Registry()
    async with connected(registry, auth) as client:
        await ask(client)

    assert registry.asked[0][header] == value


async def test_a_missing_secret_is_found_at_start():
    """Before the first question is asked."""
    auth = BearerAuth(kind="bearer", token="env:PROBE_MISSING")
    with pytest.raises(ConfigurationError, match="PROBE_MISSING"):
        async with connected(Registry(), auth):
            pass


async def test_a_token_is_asked_for_once_and_kept_until_shortly_before_it_ends():
    """However many questions come at once."""
    registry, clock = Registry(), HandClock()
    async with connected(registry, OAUTH2, clock) as client:
        await asyncio.gather(*(ask(client) for _ in range(10)))
        clock.now += 3500
        await ask(client)
        assert len(registry.tokens) == 1
        clock.now += 80
        await ask(client)

    assert registry.tokens[0] == {
        "grant_type": "client_credentials",
        "client_id": "us",
        "client_secret": "p4ss",
    }
    assert len(registry.tokens) == 2
    assert registry.asked[-1]["Authorization"] == "Bearer token-2"


async def test_a_token_that_is_no_longer_accepted_is_replaced_once():
    """A registry that restarts forgets its tokens; ten questions then ask for one new token."""

    async def only_the_second(request):
        accepted = request.headers["Authorization"] == "Bearer token-2"
        return web.Response(status=200 if accepted else 401)

    registry = Registry(only_the_second)
    async with connected(registry, OAUTH2) as client:
        answers = await asyncio.gather(*(ask(client) for _ in range(10)))

    assert {answer.status for answer in answers} == {200}
    assert len(registry.tokens) == 2


async def test_a_registry_that_accepts_no_token_is_not_asked_for_ever():
    """The second 401 is the answer."""

    async def never(request):
        return web.Response(status=401)

    registry = Registry(never)
    async with connected(registry, OAUTH2) as client:
        assert (await ask(client)).status == 401

    assert (len(registry.asked), len(registry.tokens)) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda: web.Response(status=401), SourceRefusedError),
        (lambda: web.Response(status=400), SourceRefusedError),
        (lambda: web.Response(status=503), SourceUnavailableError),
        (lambda: web.Response(text="no JSON"), SourceContractError),
        (lambda: web.json_response({"token": "x"}), SourceContractError),
        (lambda: web.json_response({"access_token": "x", "expires_in": "soon"}), SourceContractError),
    ],
)
async def test_a_token_that_does_not_come_is_an_error_of_the_registry(answer, error):
    """Refused, down or broken, as the status table says."""
    registry = Registry()
    registry.token_answer = lambda _: answer()
    async with connected(registry, OAUTH2) as client:
        with pytest.raises(error):
            await ask(client)


async def test_a_body_is_read_no_further_than_the_limit():
    """Announced or not, an endless body ends at the limit."""
    written = 0

    async def endless(request):
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        while written < 50_000_000:
            await response.write(b"x" * 65536)
            written += 65536
        return response

    async with connected(Registry(endless), max_response_bytes=1000) as client:
        with pytest.raises(SourceContractError, match="larger than 1000 bytes"):
            await ask(client)

    assert written < 50_000_000


@pytest.mark.parametrize(("size", "is_read"), [(1000, True), (1001, False)])
async def test_the_limit_itself_is_allowed(size, is_read):
    """A body of exactly the limit passes; an announced length above it is enough to refuse."""

    async def sized(request):
        return web.Response(body=b"x" * size)

    async with connected(Registry(sized), max_response_bytes=1000) as client:
        if is_read:
            assert len((await ask(client)).body) == size
        else:
            with pytest.raises(SourceContractError):
                await ask(client)


async def test_redirects_are_not_followed():
    """Credentials go to the address of the manifest and to no other."""

    async def elsewhere(request):
        return web.Response(status=302, headers={"Location": "/api/token"})

    registry = Registry(elsewhere)
    async with connected(registry) as client:
        assert (await ask(client)).status == 302

    assert registry.tokens == []


async def test_a_registry_that_does_not_answer_in_time_is_a_timeout():
    """The deadline bounds the whole exchange."""

    async def hang(request):
        await asyncio.sleep(LONG)
        return web.Response()

    async with connected(Registry(hang)) as client:
        with pytest.raises(SourceUnavailableError) as caught:
            await ask(client, seconds=0.05)
        assert caught.value.reason is UnavailableReason.SOURCE_TIMEOUT

        with pytest.raises(SourceUnavailableError) as caught:
            await ask(client, seconds=0)
        assert caught.value.reason is UnavailableReason.SOURCE_TIMEOUT


async def test_a_connection_that_breaks_is_an_outage():
    """Dropped before a byte, or in the middle of the body."""

    async def drop(request):
        request.transport.abort()
        return web.Response()

    async def half(request):
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        request.transport.abort()
        return response

    for answer in (drop, half):
        async with connected(Registry(answer)) as client:
            with pytest.raises(SourceUnavailableError) as caught:
                await ask(client)
        assert caught.value.reason is UnavailableReason.SOURCE_DOWN


async def test_nobody_listening_is_an_outage_without_an_address_in_its_text():
    """An address can hold an identifier."""
    async with open_session() as session:
        client = HttpSourceClient(session, small_manifest(), {"PROBE_URL": "http://127.0.0.1:9"})
        with pytest.raises(SourceUnavailableError) as caught:
            await client.send("GET", "/people/2000000014", Deadline.after(LONG))

    assert caught.value.reason is UnavailableReason.SOURCE_DOWN
    assert "2000000014" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("status", "stated", "seconds"),
    [
        *[(503, "7", 7.0), (429, "0", 0.0), (503, "soon", None), (503, None, None), (200, "7", None)],
        *[(503, "-1", None), (503, "Wed, 21 Oct 2099 07:28:00 +99999999999999999999", None)],
    ],
)
async def test_a_registry_may_ask_to_be_left_alone(status, stated, seconds):
    """In seconds, with a refusal; whatever cannot be read counts as nothing."""

    async def answer(request):
        return web.Response(status=status, headers={"Retry-After": stated} if stated is not None else {})

    async with connected(Registry(answer)) as client:
        assert (await ask(client)).retry_after_s == seconds


async def test_a_registry_may_ask_to_be_left_alone_until_a_date():
    """RFC 9110 allows both forms; a date that has passed is now."""
    dates = iter(("Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 2100 23:59:59 GMT"))

    async def answer(request):
        return web.Response(status=503, headers={"Retry-After": next(dates)})

    async with connected(Registry(answer)) as client:
        assert (await ask(client)).retry_after_s == 0
        assert ((await ask(client)).retry_after_s or 0) > 1_000_000


async def test_what_is_left_of_the_time_is_told_where_the_manifest_names_a_header():
    """In milliseconds; elsewhere nothing is told."""
    registry = Registry()
    async with connected(registry, deadline_header="X-Time-Left-Ms") as client:
        await ask(client, seconds=5.0)
    async with connected(registry) as client:
        await ask(client, seconds=5.0)

    assert 3000 < int(registry.asked[0]["X-Time-Left-Ms"]) <= 5000
    assert "X-Time-Left-Ms" not in registry.asked[1]


async def test_what_was_said_is_noted_for_who_listens():
    """The body as it was read, once for each answer; neither tokens nor a token that was refused."""
    registry = Registry()

    async def refuse_once(request):
        if len(registry.asked) == 1:
            return web.json_response({"error": "expired"}, status=401)
        return await registry._echo(request)

    registry._answer = refuse_once
    async with connected(registry, OAUTH2) as client:
        said = listen()
        answer = await ask(client)
    async with connected(Registry()) as client:
        other = await ask(client)

    assert [one.digest for one in said] == [hashlib.sha256(body).digest() for body in (answer.body, other.body)]

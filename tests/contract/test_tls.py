"""Certificates on both sides of a connection, against real servers over TLS."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.catalogue import references
from adapters.manifest import ApiKeyAuth, Connection, Limits, Tls
from adapters.ports import Deadline
from adapters.transport.client import HttpSourceClient, open_session
from standards.errors import ConfigurationError, SourceUnavailableError
from tests.contract.certificates import Authority, server_context
from tests.unit.adapters.builders import small_manifest

pytestmark = pytest.mark.contract

STATE = Authority("State authority")
OTHER = Authority("Somebody else")
MUTUAL = Tls(certificate="env:PROBE_CERT", key="env:PROBE_CERT_KEY", authorities="env:PROBE_CA")
TRUSTING = Tls(authorities="env:PROBE_CA")


async def who(request):
    """Tell as whom the client came, and how often its connection was used."""
    peer = request.transport.get_extra_info("peercert") or {}
    names = [value for parts in peer.get("subject", ()) for key, value in parts if key == "commonName"]
    return web.json_response(
        {"name": names[0] if names else None, "port": request.transport.get_extra_info("peername")[1]}
    )


@pytest.fixture
async def mutual(tmp_path):
    """A registry that answers whoever shows a certificate of the state's."""
    async for url in _server(tmp_path, STATE.pair("registry"), STATE):
        yield url


@pytest.fixture
async def public(tmp_path):
    """A registry whose certificate is of an authority that no system trusts."""
    async for url in _server(tmp_path, STATE.pair("registry"), None):
        yield url


async def _server(folder, pair, clients):
    app = web.Application()
    app.router.add_get("/api/who", who)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=server_context(folder, pair, clients))
    try:
        yield f"https://127.0.0.1:{server.port}/api"
    finally:
        await server.close()


def settings(url, name="gateway", **more):
    """Return an environment with a certificate for a name."""
    certificate, key = STATE.pair(name)
    return {"PROBE_URL": url, "PROBE_CA": STATE.pem, "PROBE_CERT": certificate, "PROBE_CERT_KEY": key} | more


def client(session, environment, tls, **more):
    """Return the way to the registry."""
    manifest = small_manifest(connection=Connection(base_url="env:PROBE_URL", tls=tls, **more), limits=Limits())
    return HttpSourceClient(session, manifest, environment)


async def ask(way):
    """Return as whom the registry knows us."""
    response = await way.send("GET", "/who", Deadline.after(20))
    assert response.status == 200
    return response.body.decode()


async def test_both_sides_show_their_certificates(mutual):
    """The registry knows the gateway by its name, and the gateway the registry by its authority."""
    async with open_session() as session:
        assert '"gateway"' in await ask(client(session, settings(mutual), MUTUAL))


async def test_without_a_certificate_nothing_is_answered(mutual):
    """That is an outage, and no answer."""
    async with open_session() as session:
        with pytest.raises(SourceUnavailableError):
            await ask(client(session, settings(mutual), TRUSTING))


async def test_a_certificate_of_somebody_else_is_not_taken(mutual):
    """The authority decides, not the name."""
    certificate, key = OTHER.pair("gateway")
    environment = settings(mutual, PROBE_CERT=certificate, PROBE_CERT_KEY=key)
    async with open_session() as session:
        with pytest.raises(SourceUnavailableError):
            await ask(client(session, environment, MUTUAL))


async def test_only_the_stated_authorities_vouch_for_a_registry(public):
    """Neither the system's nor another one's."""
    async with open_session() as session:
        assert "null" in await ask(client(session, settings(public), TRUSTING))
        for tls, authority in ((None, STATE), (TRUSTING, OTHER)):
            with pytest.raises(SourceUnavailableError):
                await ask(client(session, settings(public, PROBE_CA=authority.pem), tls))


@pytest.mark.parametrize(("address", "days"), [("127.0.0.9", 7), ("127.0.0.1", -1)], ids=["other place", "expired"])
async def test_a_registry_with_a_certificate_that_does_not_hold_is_not_asked(tmp_path, address, days):
    """Name and validity are checked with own authorities too."""
    async for url in _server(tmp_path, STATE.pair("registry", address=address, days=days), None):
        async with open_session() as session:
            with pytest.raises(SourceUnavailableError):
                await ask(client(session, settings(url), TRUSTING))


async def test_connections_of_different_certificates_are_never_shared(mutual):
    """Two registrations at one address: each is known by its own name, over its own connection, which is kept."""
    async with open_session() as session:
        first, second = (client(session, settings(mutual, name), MUTUAL) for name in ("first", "second"))
        told = [await ask(one) for one in (first, second, first, second)]

        assert [text.split('"')[3] for text in told] == ["first", "second", "first", "second"]
        assert told[0] == told[2] != told[1] == told[3]
        assert session.connections == 2
        await first.close()
        assert await ask(second) == told[1]
        assert '"first"' in await ask(first)
    assert session.connections == 0


async def test_a_registry_that_is_let_go_of_leaves_no_connection_behind(mutual):
    """Neither an unused one nor one that comes back later."""
    async with open_session() as session:
        way = client(session, settings(mutual), MUTUAL)
        await ask(way)
        await way.close()
        await ask(way)
        while session.connections:  # noqa: ASYNC110 - the loop needs a turn to tell the connection that it is gone
            await asyncio.sleep(0)


async def test_certificates_are_text_or_files(mutual, tmp_path):
    """PEM, PEM with its line ends written out, or the path of a file; a key may be encrypted."""
    certificate, key = STATE.pair("gateway", password="s3same")
    (tmp_path / "gateway.pem").write_text(certificate)
    environment = settings(
        mutual,
        PROBE_CA=STATE.pem.replace("\n", "\\n"),
        PROBE_CERT=str(tmp_path / "gateway.pem"),
        PROBE_CERT_KEY=key,
        PROBE_PASSWORD="s3same",
    )
    tls = MUTUAL.model_copy(update={"password": "env:PROBE_PASSWORD"})
    async with open_session() as session:
        assert '"gateway"' in await ask(client(session, environment, tls))


@pytest.mark.parametrize(
    ("changes", "tls", "named"),
    [
        ({"PROBE_CA": "-----BEGIN nothing"}, TRUSTING, "PROBE_CA"),
        ({"PROBE_CA": "/nowhere/ca.pem"}, TRUSTING, "PROBE_CA"),
        ({"PROBE_CERT_KEY": STATE.pair("x")[1]}, MUTUAL, "PROBE_CERT"),
        ({"PROBE_CERT_KEY": STATE.pair("x", password="p")[1]}, MUTUAL, "PROBE_CERT"),
        ({"PROBE_CERT": ""}, MUTUAL, "PROBE_CERT"),
        ({"PROBE_URL": "http://127.0.0.1:1"}, MUTUAL, "PROBE_URL must be an https address"),
    ],
    ids=["no text", "no file", "other key", "no password", "missing", "not https"],
)
async def test_what_is_wrong_with_certificates_is_found_at_start(changes, tls, named):
    """By the name of the reference, and never with what it holds."""
    async with open_session() as session:
        with pytest.raises(ConfigurationError, match=named) as caught:
            client(session, settings("https://127.0.0.1:1") | changes, tls)
    assert "BEGIN" not in str(caught.value)


async def test_every_reference_is_looked_for_before_anything_is_connected():
    """Those of certificates and further headers too."""
    connection = Connection(base_url="env:PROBE_URL", tls=MUTUAL, headers={"X-Client-Id": "env:PROBE_CLIENT"})

    assert references(small_manifest(connection=connection)) == (
        "PROBE_URL",
        "PROBE_CLIENT",
        "PROBE_CERT",
        "PROBE_CERT_KEY",
        "PROBE_CA",
    )


@pytest.mark.parametrize("path", ["/ask", "/ask?page=2", "/ask?api_key=stolen&page=2"])
async def test_a_key_can_go_into_the_query(path):
    """Beside whatever stands there, once; further credentials go into headers."""
    asked = []

    async def answer(request):
        asked.append(request)
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/ask", answer)
    auth = ApiKeyAuth(kind="api_key", query="api_key", key="env:PROBE_KEY")
    async with TestServer(app) as server, open_session() as session:
        environment = {"PROBE_URL": f"http://127.0.0.1:{server.port}", "PROBE_KEY": "k&y", "PROBE_ID": "hearth"}
        way = client(session, environment, None, auth=auth, headers={"X-Client-Id": "env:PROBE_ID"})
        await way.send("GET", path, Deadline.after(20))

    [request] = asked
    assert request.query.getall("api_key") == ["k&y"]
    assert request.query.get("page") == ("2" if "page" in path else None)
    assert request.headers["X-Client-Id"] == "hearth"

"""Certificates on both sides of a connection, against real servers over TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import contextmanager

import pytest
import uvloop
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


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_the_operator_is_told_what_is_wrong_with_a_certificate(tmp_path, version, loop):
    """Ours that is missing or not taken, or the registry's own; nothing of it is the other side's text."""
    serving = server_context(tmp_path, STATE.pair("registry"), STATE)
    serving.maximum_version = version
    certificate, key = OTHER.pair("gateway")
    with alerting(serving) as url, asyncio.Runner(loop_factory=loop) as runner:
        foreign = settings(url, PROBE_CERT=certificate, PROBE_CERT_KEY=key)
        missing, refused, untrusted = (
            runner.run(failed(environment, tls))
            for environment, tls in ((settings(url), TRUSTING), (foreign, MUTUAL), (settings(url), None))
        )

    # An answer to the last step of TLS 1.3 may meet a connection that is already gone.
    closed = "closed without a response: does it want another certificate of ours?"
    assert missing in (
        closed,
        "TLS: SSLV3_ALERT_HANDSHAKE_FAILURE: does it want a certificate of ours?",
        "it wants a certificate of ours (TLSV13_ALERT_CERTIFICATE_REQUIRED)",
    )
    assert refused in (closed, "it refuses our certificate (TLSV1_ALERT_UNKNOWN_CA)")
    assert untrusted == "its certificate is of an authority that is not trusted here"


@contextmanager
def alerting(context):
    """Yield the address of a server that says by a TLS alert why it hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    with context.wrap_socket(listener.accept()[0], server_side=True) as one:
                        one.recv(1000)
                except ssl.SSLError:
                    pass  # which is what it is here for
                except OSError:
                    return  # the listener is closed

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/api"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


async def failed(environment, tls):
    """Return what the error says of why nothing was answered."""
    async with open_session() as session:
        with pytest.raises(SourceUnavailableError) as caught:
            await ask(client(session, environment, tls))
    return str(caught.value).partition(": source_down: ")[2]


async def test_a_server_that_breaks_off_the_handshake_may_want_another_certificate():
    """Many do it without a word."""

    async def hang_up(reader, writer):
        await reader.read(10)
        writer.transport.abort()

    listener = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with listener:
        said = await failed(settings(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"), TRUSTING)
    assert "during the TLS handshake" in said
    assert "another certificate of ours?" in said


async def test_only_the_stated_authorities_vouch_for_a_registry(public):
    """Neither the system's nor another one's."""
    async with open_session() as session:
        assert "null" in await ask(client(session, settings(public), TRUSTING))
        for tls, authority in ((None, STATE), (TRUSTING, OTHER)):
            with pytest.raises(SourceUnavailableError, match="authority that is not trusted here"):
                await ask(client(session, settings(public, PROBE_CA=authority.pem), tls))


@pytest.mark.parametrize(
    ("address", "days", "said"),
    [("127.0.0.9", 7, "its certificate is for another"), ("127.0.0.1", -1, "its certificate has expired")],
    ids=["other place", "expired"],
)
async def test_a_registry_with_a_certificate_that_does_not_hold_is_not_asked(tmp_path, address, days, said):
    """Name and validity are checked with own authorities too."""
    async for url in _server(tmp_path, STATE.pair("registry", address=address, days=days), None):
        async with open_session() as session:
            with pytest.raises(SourceUnavailableError, match=said):
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
    (tmp_path / "gateway.pem").write_text(f"Subject: Zoë Größ\n{certificate}\nwith ♥\n", encoding="utf-8")
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
        ({"PROBE_CA": "/dev/null"}, TRUSTING, "PROBE_CA"),
        ({"PROBE_CA": "-----BEGIN CERTIFICATE-----\nü\n-----END CERTIFICATE-----"}, TRUSTING, "PROBE_CA"),
        ({"PROBE_CERT_KEY": STATE.pair("x")[1]}, MUTUAL, "PROBE_CERT"),
        ({"PROBE_CERT_KEY": STATE.pair("x", password="p")[1]}, MUTUAL, "PROBE_CERT"),
        ({"PROBE_CERT": ""}, MUTUAL, "PROBE_CERT"),
        ({"PROBE_URL": "http://127.0.0.1:1"}, MUTUAL, "PROBE_URL must be an https address"),
    ],
    ids=["no text", "no file", "an empty file", "no ASCII", "other key", "no password", "missing", "not https"],
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

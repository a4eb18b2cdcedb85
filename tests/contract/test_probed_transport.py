"""What a probe says of the way to a registry: encryption, certificates and clock, against real servers over TLS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.kit.transport import transport_findings
from adapters.manifest import Connection, Tls
from tests.contract.certificates import Authority, server_context
from tests.unit.adapters.builders import small_manifest

pytestmark = pytest.mark.contract

STATE = Authority("State authority")
TRUSTING = Tls(authorities="env:PROBE_CA")
MUTUAL = Tls(certificate="env:PROBE_CERT", key="env:PROBE_CERT_KEY", authorities="env:PROBE_CA")
OURS = STATE.pair("hearth")
ENVIRONMENT = {"PROBE_CA": STATE.pem, "PROBE_CERT": OURS[0], "PROBE_CERT_KEY": OURS[1]}


async def found(folder, *, days=90, clients=None, off_s=0, tls=TRUSTING, is_tls=True):
    """Serve a registry and probe the way to it; return what is found by name."""

    async def told(_):
        now = format_datetime(datetime.now(UTC) + timedelta(seconds=off_s), usegmt=True)
        return web.Response(status=404, headers={"Date": now})

    app = web.Application()
    app.router.add_get("/{path:.*}", told)
    server = TestServer(app, scheme="https" if is_tls else "http")
    own = {"ssl": server_context(folder, STATE.pair("registry", days=days), clients)} if is_tls else {}
    await server.start_server(**own)
    try:
        manifest = small_manifest(connection=Connection(base_url="env:PROBE_URL", tls=tls))
        findings = await transport_findings(manifest, ENVIRONMENT | {"PROBE_URL": str(server.make_url("/"))})
        return {one.what: one for one in findings}
    finally:
        await server.close()


async def test_a_registry_of_an_authority_that_its_manifest_names_is_in_order(tmp_path):
    """As a government's own authority is: no system trusts it, and the gateway does."""
    told = await found(tmp_path)

    assert {name: one.is_good for name, one in told.items()} == {"encryption": True, "certificate": True, "clock": True}
    assert told["encryption"].text in ("TLSv1.2", "TLSv1.3")


async def test_an_authority_that_nobody_names_is_a_finding(tmp_path):
    """With what to do about it."""
    told = await found(tmp_path, tls=None)

    assert told["encryption"].is_good is False
    assert told["encryption"].text == "its certificate is of an authority that is not trusted here"
    assert "connection.tls.authorities" in told["encryption"].remedy
    assert told["clock"].is_good is None


async def test_a_registry_that_wants_a_certificate_of_ours_gets_it(tmp_path):
    """That which the manifest names; without it its clock cannot be read."""
    assert (await found(tmp_path, clients=STATE, tls=MUTUAL))["clock"].is_good is True
    assert (await found(tmp_path, clients=STATE))["clock"].is_good is None


async def test_a_certificate_that_ends_soon_is_a_finding(tmp_path):
    """A month before."""
    assert (await found(tmp_path, days=20))["certificate"].is_good is False


@pytest.mark.parametrize(("off_s", "is_good"), [(0, True), (-120, False), (3600, False)])
async def test_a_clock_that_is_off_is_a_finding(tmp_path, off_s, is_good):
    """Signatures and dates rest on it."""
    assert (await found(tmp_path, off_s=off_s))["clock"].is_good is is_good


async def test_plain_http_is_good_within_this_machine_only(tmp_path):
    """Elsewhere anybody on the way reads along."""
    assert (await found(tmp_path, is_tls=False, tls=None))["encryption"].is_good is None
    manifest = small_manifest(connection=Connection(base_url="env:PROBE_URL"))
    told, clock = await transport_findings(manifest, {"PROBE_URL": "http://registry.invalid"})
    assert (told.is_good, told.text, clock.is_good) == (False, "plain HTTP", None)


async def test_a_port_that_is_closed_is_a_finding():
    """And no end of the probe."""
    manifest = small_manifest(connection=Connection(base_url="env:PROBE_URL"))
    told, clock = await transport_findings(manifest, {"PROBE_URL": "https://127.0.0.1:9"})
    assert (told.is_good, clock.is_good) == (False, None)
    assert told.text == "no TLS connection (ConnectionRefusedError)"

"""What a status means, and where addresses and credentials come from; the wire itself is in tests/contract."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.manifest import Connection, Limits
from adapters.ports import Deadline, Response
from adapters.transport.client import _MOST_HEADS, HttpSourceClient, base_address, check_status, resolved
from adapters.transport.http1 import Answer
from standards.errors import (
    ConfigurationError,
    SourceContractError,
    SourceRefusedError,
    SourceUnavailableError,
)
from standards.states import UnavailableReason
from tests.unit.adapters.builders import small_manifest


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_is_an_answer(status):
    """Nothing is raised."""
    check_status(Response(status, "application/json", b""), "probe")


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (100, SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (301, SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (400, SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (401, SourceRefusedError, UnavailableReason.SOURCE_REFUSED),
        (403, SourceRefusedError, UnavailableReason.SOURCE_REFUSED),
        (404, SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (408, SourceUnavailableError, UnavailableReason.SOURCE_TIMEOUT),
        (422, SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (429, SourceUnavailableError, UnavailableReason.SOURCE_BUSY),
        (500, SourceUnavailableError, UnavailableReason.SOURCE_DOWN),
        (503, SourceUnavailableError, UnavailableReason.SOURCE_DOWN),
    ],
)
def test_every_other_status_means_retry_refuse_or_report(status, error, reason):
    """One table decides for all registries; the body's text never gets into the error."""
    with pytest.raises(error) as caught:
        check_status(Response(status, "text/plain", b"Asha Moyo"), "probe")

    assert caught.value.reason is reason
    assert caught.value.detail == f"status {status}"


@pytest.mark.parametrize("environment", [{}, {"PROBE_URL": " "}])
def test_a_missing_reference_names_the_variable(environment):
    """The operator reads which variable to set."""
    with pytest.raises(ConfigurationError, match="PROBE_URL"):
        resolved("env:PROBE_URL", small_manifest(), environment)


def test_the_base_address_loses_its_last_slash():
    """Paths begin with one."""
    environment = {"PROBE_URL": "https://probe.example.pv/api/"}

    assert base_address(small_manifest(), environment) == "https://probe.example.pv/api"


@pytest.mark.parametrize(
    "address",
    [
        *("probe.example.pv", "ftp://probe.example.pv", "http://", "http://probe.example.pv/?a=1"),
        *("http://probe:99999", "http://probe:0", "http://probe:port", "http://[::1", "http://probe/a b"),
        *("http://probe\r\nX-A: b", "http://größe.example.pv"),
    ],
)
def test_an_address_must_be_one_of_the_web(address):
    """Checked at start, not at the first question; the address itself may hold a secret and is not shown."""
    manifest = small_manifest(connection=Connection(base_url="env:PROBE_URL"))
    with pytest.raises(ConfigurationError, match="PROBE_URL") as caught:
        base_address(manifest, {"PROBE_URL": address})

    assert address not in str(caught.value)


# -- requests as they are sent


class Wire:
    """A session without a network: keeps the head of every request, and gives one answer."""

    def __init__(self):
        self.heads = []

    async def exchange(self, origin, head, body, *, left_s, limit):
        self.heads.append(head.decode("latin-1").split("\r\n"))
        return Answer(200, {"content-type": "Text/XML; charset=utf-8"}, b"")


def client_of(wire, **limits):
    """Return the client of a registry below a path."""
    manifest = small_manifest()
    manifest = manifest.model_copy(update={"limits": Limits(**limits)})
    return HttpSourceClient(wire, manifest, {"PROBE_URL": "http://user@probe.example:81/base/"})


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
async def test_a_query_is_what_the_standard_library_makes_of_it(params):
    """The quick way for ASCII encodes the same characters."""
    wire = Wire()
    try:
        expected = urlencode(params, quote_via=quote, safe="")
    except UnicodeEncodeError:
        return
    await client_of(wire).send("GET", "/x", Deadline.after(60), params=params)

    assert wire.heads[0][0] == f"GET /base/x?{expected} HTTP/1.1"


async def test_headers_are_those_of_this_request():
    """What is kept of earlier requests never shows in another one, and time left is told anew."""
    wire = Wire()
    client = client_of(wire, deadline_header="X-Left")
    for place in range(3 * _MOST_HEADS):
        await client.send("POST", "/x", Deadline.after(60), headers={"Key": str(place)}, body=b"12")
        await client.send("GET", "/x", Deadline.after(10), headers={"Key": str(place)})

        post, get = wire.heads[-2:]
        assert post[:3] == ["POST /base/x HTTP/1.1", "Host: probe.example:81", f"Key: {place}"]
        assert post[4:] == ["Content-Length: 2", ""]
        assert get[:3] == ["GET /base/x HTTP/1.1", "Host: probe.example:81", f"Key: {place}"]
        assert get[4:] == [""]
        assert 59_000 < int(post[3].removeprefix("X-Left: ")) <= 60_000
        assert 9_000 < int(get[3].removeprefix("X-Left: ")) <= 10_000
    assert len(client._lines) <= _MOST_HEADS


async def test_a_body_is_counted_also_where_there_is_none():
    """A POST without one says so; a content type comes without its parameters."""
    wire = Wire()
    response = await client_of(wire).send("POST", "/x", Deadline.after(60))

    assert wire.heads[0][-2] == "Content-Length: 0"
    assert response.content_type == "text/xml"


@pytest.mark.parametrize(
    "request_",
    [
        {"path": "/x HTTP/1.1\r\nEvil: 1"},
        {"path": "/x y"},
        {"path": "/x", "headers": {"A": "1\r\nEvil: 1"}},
        {"path": "/x", "headers": {"A": "1\nEvil: 1"}},
        {"path": "/x", "headers": {"A\r\nEvil": "1"}},
    ],
)
async def test_nothing_breaks_out_of_its_line(request_):
    """A request with a line break where none may be is not sent, the first time nor the second."""
    wire = Wire()
    client = client_of(wire)
    for _ in range(2):
        with pytest.raises(SourceContractError, match="line break"):
            await client.send("GET", request_["path"], Deadline.after(60), headers=request_.get("headers"))

    assert wire.heads == []

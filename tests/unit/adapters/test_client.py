"""What a status means, and where addresses and credentials come from; the wire itself is in tests/contract."""

from __future__ import annotations

import pytest

from adapters.client import base_address, check_status, resolved
from adapters.manifest import Connection
from adapters.ports import Response
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
    "address", ["probe.example.pv", "ftp://probe.example.pv", "http://", "http://probe.example.pv/?a=1"]
)
def test_an_address_must_be_one_of_the_web(address):
    """Checked at start, not at the first question; the address itself may hold a secret and is not shown."""
    manifest = small_manifest(connection=Connection(base_url="env:PROBE_URL"))
    with pytest.raises(ConfigurationError, match="PROBE_URL") as caught:
        base_address(manifest, {"PROBE_URL": address})

    assert address not in str(caught.value)

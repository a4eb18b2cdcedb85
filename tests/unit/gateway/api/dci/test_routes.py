"""Addresses of the operations: prefixes, defaults by prefix and receiver, and what a registry type does not have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import ValidationError

from gateway.api.dci import routes
from gateway.api.state import GATEWAY
from gateway.settings import Messages
from standards.dci.codes import HeaderReason, RegType
from standards.dci.envelope import Header
from standards.dci.operations import OPERATIONS
from standards.errors import UnsupportedActionError
from tests.builders import small_manifest


def gateway(**stated: str) -> Any:
    """A gateway with two registries of its own, and these defaults."""
    connected = (
        small_manifest("tax", reg_type="ns:hearth:RegistryType:Tax"),
        small_manifest("attic", reg_type="ns:other:RegistryType:Attic"),
    )
    return SimpleNamespace(manifests=connected, settings=SimpleNamespace(messages=Messages(default_reg_types=stated)))


async def asked_at(prefix: str, path: str = "sync/search", **stated: str) -> RegType | str | None:
    """The default registry type that an operation under a prefix is given; or why it is not served."""
    seen: list[RegType | None] = []

    def operation(path: str, handle: Any, reg_type: RegType | None = None) -> Any:
        async def exchange(request: web.Request) -> web.Response:
            if handle is routes._not_served:
                return web.Response(text="not served")
            seen.append(reg_type)
            return web.Response()

        return exchange

    app = web.Application()
    app[GATEWAY] = gateway(**stated)
    request = make_mocked_request("POST", "/", app=app, match_info={"registry": prefix})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(routes, "operation", operation)
        response = await routes._under_prefix(path, routes.HANDLES[path])(request)
    return seen[0] if seen else str(response.text)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("crvs", RegType.CIVIL),
        ("sr", RegType.SOCIAL),
        ("social", RegType.SOCIAL),
        ("fr", RegType.FARMER),
        ("ibr", RegType.BENEFICIARY),
        ("dr", RegType.DISABILITY),
        ("ess", RegType.EMPLOYMENT),
        ("ESS", RegType.EMPLOYMENT),
        ("tax", RegType.TAX),
        ("attic", None),
    ],
)
async def test_a_prefix_says_for_whom_a_question_is(prefix, expected):
    """The standard's own, and those of connected registries, of which one may have a type of its own."""
    assert await asked_at(prefix) is expected


@pytest.mark.parametrize("prefix", ["", "oauth2", "nobody", "ns:org:RegistryType:Civil"])
async def test_an_unknown_prefix_is_nothing(prefix):
    """It is answered like any address that is not there."""
    with pytest.raises(web.HTTPNotFound):
        await asked_at(prefix)


async def test_settings_decide_before_the_prefix_itself():
    """And may add prefixes."""
    assert await asked_at("sr", sr="ns:org:RegistryType:Civil") is RegType.CIVIL
    assert await asked_at("North", north="FR") is RegType.FARMER


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("dr", "txn/status"),
        ("dr", "sync/txn/status"),
        ("ibr", "sync/disabled"),
        ("social", "sync/enrolled"),
        ("ess", "sync/enrolled"),
        ("ibr", "sync/check-enrollment"),
        ("tax", "sync/enrollment/updates"),
    ],
)
async def test_a_registry_has_the_operations_of_its_interface(prefix, path):
    """And is not asked for those of another one."""
    assert await asked_at(prefix, path) == "not served"


@pytest.mark.parametrize(
    ("prefix", "path"),
    [("dr", "sync/disabled"), ("ibr", "sync/enrolled"), ("ess", "sync/check-enrollment"), ("attic", "sync/disabled")],
)
async def test_its_own_operations_are_served(prefix, path):
    """Under its own prefix; a registry of an unknown type is refused nothing here."""
    assert await asked_at(prefix, path) != "not served"


@pytest.mark.parametrize(
    ("path", "remedy"), [("sync/disabled", "ask at /dr/registry/sync/disabled"), ("txn/status", "without the prefix")]
)
async def test_a_refusal_says_where_to_ask(path, remedy):
    """With the code that the standard has for it."""
    received: Any = SimpleNamespace(operation=OPERATIONS[path])
    with pytest.raises(UnsupportedActionError) as refused:
        await routes._not_served(gateway(), received, make_mocked_request("POST", "/"))

    assert refused.value.reason_code == HeaderReason.ACTION_NOT_SUPPORTED
    assert remedy in str(refused.value)


@pytest.mark.parametrize(
    ("receiver", "expected"), [("farmers.example", RegType.FARMER), ("hearth.gateway", None), (None, None)]
)
async def test_a_receiver_says_for_whom_a_question_is(receiver, expected):
    """Where the settings name it."""
    seen = []

    class Received:
        header = Header("m", None, "search", "s", receiver_id=receiver)

        def _replace(self, reg_type: RegType | None) -> Any:
            seen.append(reg_type)
            return self

    async def handle(*_: Any) -> web.Response:
        return web.Response()

    stated = {"farmers.example": "ns:org:RegistryType:FR"}
    received: Any = Received()
    await routes._by_receiver(handle)(gateway(**stated), received, make_mocked_request("POST", "/"))

    assert seen == [expected]


def test_defaults_name_registry_types_that_are_known():
    """A mistake in the settings shows at start, by its name and without its value."""
    with pytest.raises(ValidationError) as refused:
        Messages(default_reg_types={"sr": "ns:org:RegistryType:Soshul"})

    assert "sr: no registry type" in str(refused.value)
    assert "Soshul" not in str(refused.value)

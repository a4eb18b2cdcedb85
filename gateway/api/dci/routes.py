"""Every operation of the standard at its address, and under the prefix of a registry.

`/registry/sync/search` serves all registry types; `/{registry}/registry/sync/search` is the same for senders that put a
registry before the path, and says for whom a question is that does not say so itself. A registry has the operations
that its interface in the standard has, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from gateway.api.dci import asynchronous, specials, status, subscriptions
from gateway.api.dci import rest_by_callback as rest
from gateway.api.dci.exchange import Handle, Handler, Received, operation
from gateway.api.state import GATEWAY
from gateway.bootstrap import Gateway
from standards.dci.codes import HeaderReason, RegType, normal_reg_type
from standards.errors import UnsupportedActionError

PREFIXES: Final[Mapping[str, RegType]] = {
    "crvs": RegType.CIVIL,
    "sr": RegType.SOCIAL,
    "social": RegType.SOCIAL,
    "fr": RegType.FARMER,
    "ibr": RegType.BENEFICIARY,
    "dr": RegType.DISABILITY,
    "ess": RegType.EMPLOYMENT,
}
"""What stands before the path in the standard's own interfaces, and the registry type that it means."""

OF_ONE: Final[Mapping[str, RegType]] = {
    "sync/disabled": RegType.DISABILITY,
    "sync/get-disability-details": RegType.DISABILITY,
    "sync/get-disability-support": RegType.DISABILITY,
    "sync/enrolled": RegType.BENEFICIARY,
    "sync/enrollment/updates": RegType.BENEFICIARY,
    "sync/check-enrollment": RegType.EMPLOYMENT,
}
"""Operations that one registry type alone has."""

LACKING: Final[Mapping[RegType, frozenset[str]]] = {
    RegType.DISABILITY: frozenset({"txn/status", "sync/txn/status"}),
}
"""Operations that a registry type's interface leaves out, though the others have them."""


HANDLES: Final[Mapping[str, Handle]] = {
    "sync/search": rest.sync_search,
    "search": asynchronous.search,
    "subscribe": subscriptions.subscribe,
    "unsubscribe": subscriptions.unsubscribe,
    "sync/txn/status": status.sync_status,
    "txn/status": status.status,
    "sync/disabled": specials.disabled,
    "sync/get-disability-details": specials.disability_details,
    "sync/get-disability-support": specials.disability_support,
    "sync/enrolled": specials.enrolled,
    "sync/enrollment/updates": specials.enrolment_updates,
    "sync/check-enrollment": specials.check_enrolment,
}
"""Path below `/registry/` -> what answers there."""


def routes() -> list[web.RouteDef]:
    """Return the address of every operation that a registry serves."""
    return [
        route
        for path, handle in HANDLES.items()
        for route in (
            web.post(f"/registry/{path}", operation(path, _by_receiver(handle))),
            web.post(f"/{{registry}}/registry/{path}", _under_prefix(path, handle)),
        )
    ]


def has(reg_type: RegType, path: str) -> bool:
    """Tell whether the interface of a registry type has an operation."""
    return OF_ONE.get(path, reg_type) is reg_type and path not in LACKING.get(reg_type, ())


def prefixes_of(gateway: Gateway) -> Mapping[str, RegType | None]:
    """Return every prefix that is known, with the registry type that it means: settings before the standard's own."""
    stated = gateway.settings.messages.default_reg_types
    return {
        **{manifest.id: normal_reg_type(manifest.reg_type) for manifest in gateway.manifests},
        **PREFIXES,
        **{name: normal_reg_type(said) for name, said in stated.items()},
    }


def _under_prefix(path: str, handle: Handle) -> Handler:
    async def under_prefix(request: web.Request) -> web.Response:
        known = prefixes_of(request.app[GATEWAY])
        prefix = request.match_info["registry"].casefold()
        if prefix not in known:
            raise web.HTTPNotFound
        reg_type = known[prefix]
        served = handle if reg_type is None or has(reg_type, path) else _not_served
        return await operation(path, served, reg_type)(request)

    return under_prefix


def _by_receiver(handle: Handle) -> Handle:
    """Return a handle that knows for whom a question is by whom the message is addressed to."""

    async def by_receiver(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
        stated = gateway.settings.messages.default_reg_types.get(received.header.receiver_id or "")
        reg_type = normal_reg_type(stated) if stated else None
        return await handle(gateway, received._replace(reg_type=reg_type), request)

    return by_receiver


async def _not_served(gateway: Gateway, received: Received, request: web.Request) -> web.Response:
    """Refuse an operation that the registry of the prefix does not have."""
    path = received.operation.path
    of = OF_ONE.get(path)
    where = next((name for name, reg_type in PREFIXES.items() if reg_type is of), None)
    remedy = f"ask at /{where}/registry/{path}" if where else "ask without the prefix"
    raise UnsupportedActionError(
        f"the interface of this registry has no {path}: {remedy}", reason_code=HeaderReason.ACTION_NOT_SUPPORTED
    )

"""A registry's handlers in the dialect that it is told to speak: requests are translated before them, answers after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
from aiohttp import web

from mocks.dialect_generations import G2, G3
from mocks.dialect_opencrvs import OpenCrvs19, OpenCrvs2024
from mocks.dialect_products import OpenG2p, OpenImis, OpenSpp2, SpdciMockups
from mocks.dialects import G5, Dialect, RefusedByDialectError
from mocks.manners import Manner
from mocks.registry import Call, Operation, json_answer

if TYPE_CHECKING:
    from mocks.dci import DciRegistry

Handler = Callable[[web.Request, Call], Awaitable[web.Response]]
DIALECTS: Final[Mapping[str, Dialect]] = {
    one.name: one()
    for one in (Dialect, G2, G3, G5, OpenCrvs2024, OpenCrvs19, OpenSpp2, OpenG2p, OpenImis, SpdciMockups)
}
GOOD: Final = DIALECTS["g4"]
SHORT_NAMES: Final = {"crvs": "crvs", "social": "sr", "disability": "dr", "farmer": "fr"} | {
    "beneficiary": "ibr",
    "employment": "ess",
}
"""How the mock-ups call each registry in their paths."""


class _Translated:
    """A request as a handler sees it: with the body in the words of the release."""

    def __init__(self, request: web.Request, body: bytes) -> None:
        self.headers, self.path, self._body = request.headers, request.path, body

    async def read(self) -> bytes:
        return self._body


def spoken(registry: DciRegistry, operation: str, handler: Handler, name: str) -> Iterable[Operation]:
    """Return an operation at all paths that it has in any dialect; those of other dialects answer 404."""
    paths = sorted({one.path(operation, _short(registry)) for one in DIALECTS.values()})
    for path in paths:
        yield Operation("POST", path, partial(_in_dialect, registry, operation, handler), name)


async def _in_dialect(
    registry: DciRegistry, operation: str, handler: Handler, request: web.Request, call: Call
) -> web.Response:
    dialect = registry.dialect
    if request.path != dialect.path(operation, _short(registry)):
        raise web.HTTPNotFound
    if dialect is GOOD:
        return _signed(registry, operation, await handler(request, call))
    try:
        asked = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return await handler(request, call)
    if not isinstance(asked, dict) or not isinstance(asked.get("header"), dict):
        return await handler(request, call)
    try:
        heard = dialect.heard(asked, operation)
    except RefusedByDialectError as refusal:
        return json_answer(dict(refusal.body), status=refusal.status)
    call.raw = asked
    answer = await handler(cast("web.Request", _Translated(request, orjson.dumps(heard))), call)
    return _signed(registry, operation, _answered(dialect, operation, answer, asked))


def _signed(registry: DciRegistry, operation: str, answer: web.Response) -> web.Response:
    """Return an answer given at once with the registry's signature, where it signs and there is an envelope."""
    if registry.signer.form == "none" or answer.status >= 400 or not operation.startswith("sync/"):
        return answer
    body = answer.body
    told = orjson.loads(body if isinstance(body, bytes) else b"{}")
    return json_answer(registry.signer.signed(told), status=answer.status) if "header" in told else answer


def _answered(dialect: Dialect, operation: str, answer: web.Response, asked: dict[str, Any]) -> web.Response:
    body = answer.body
    told = orjson.loads(body if isinstance(body, bytes) else b"{}")
    if answer.status >= 400:
        return json_answer(dialect.failed(answer.status, told), status=answer.status)
    if operation.startswith("sync/"):
        return json_answer(dialect.answered(told, asked), status=answer.status)
    status = dialect.ack_status if answer.status == 200 else answer.status
    return json_answer(dialect.acknowledged(told, asked), status=status, media_type=answer.content_type)


def in_dialect(manner: Manner, dialect: Dialect) -> Manner:
    """Return how a dialect's callbacks are sent, as far as the manner does not say."""
    media_type = dialect.callback_type if manner.content_type == "application/json" else manner.content_type
    bearer = manner.bearer if dialect.callback_has_bearer else "none"
    return manner._replace(content_type=media_type, bearer=bearer)


def _short(registry: DciRegistry) -> str:
    return SHORT_NAMES.get(registry.name, registry.name)

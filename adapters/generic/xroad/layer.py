"""X-Road: a layer around any way over HTTP, for registries behind a security server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar
from uuid import uuid4

from adapters.generic.soap.reply import raise_meaning
from adapters.generic.xroad.errors import is_of_server, meaning
from adapters.generic.xroad.soap import SHA512, HeaderBlock, digest, told
from adapters.manifest import OAuth2Auth
from adapters.markup import MarkupError
from adapters.ports import SourceClient
from adapters.reading import Reader
from adapters.transport.statuses import check_status
from standards.errors import ConfigurationError, SourceContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.generic.xroad.options import XRoadOptions
    from adapters.manifest import Manifest
    from adapters.ports import Deadline, Response

__all__ = ["ThroughSecurityServer", "through"]

Inner = TypeVar("Inner", bound="_Client")


class _Client(SourceClient, Protocol):
    """The way to a security server."""

    async def close(self) -> None:
        """Let go of what only this registry uses."""
        ...


def new_id() -> str:
    """Return an id that no other message bears."""
    return str(uuid4())


class ThroughSecurityServer:
    """A SourceClient that speaks X-Road's message protocol to the security server that another one leads to.

    Each try has an id of its own. An answer must bear it again, and name the same client and service: an answer to
    another message is a broken contract. What the security servers themselves say went wrong is raised here.
    """

    def __init__(
        self, client: _Client, source_id: str, options: XRoadOptions, *, new_id: Callable[[], str] = new_id
    ) -> None:
        self._client, self._options, self._new_id = client, options, new_id
        self.source_id = source_id
        self._reader = Reader(source_id)
        self._block = HeaderBlock(options) if options.protocol == "soap" else None
        headers = {
            "X-Road-Client": options.client,
            "X-Road-UserId": options.user_id,
            "X-Road-Represented-Party": options.represented_party,
            "X-Road-Issue": options.issue,
        }
        self._headers = {name: text for name, text in headers.items() if text is not None}

    async def send(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send one request through the security server, and return the registry's answer, whatever its status.

        Raises: as `SourceClient.send` does; and what an error of the security servers means, see `errors.py`.
        """
        message_id = self._new_id()
        if self._block is not None:
            return await self._send_soap(self._block, message_id, deadline, headers or {}, body or b"")
        sent = {**(headers or {}), **self._headers, "X-Road-Id": message_id}
        service = f"/r1/{self._options.service}{path}"
        response = await self._client.send(method, service, deadline, params=params, headers=sent, body=body)
        self._check_rest(response, message_id, body or b"")
        return response

    async def close(self) -> None:
        """Let go of what the way within uses."""
        await self._client.close()

    async def _send_soap(
        self, block: HeaderBlock, message_id: str, deadline: Deadline, headers: Mapping[str, str], body: bytes
    ) -> Response:
        try:
            service = block.service(body)
            sent = block.into(body, service, message_id)
        except ValueError as error:
            raise SourceContractError(self.source_id, f"request: {error}") from None
        response = await self._client.send("POST", "/", deadline, headers=headers, body=sent)
        self._check_soap(response, {"id": message_id, "client": self._options.client, "service": service}, sent)
        return response

    def _check_rest(self, response: Response, message_id: str, body: bytes) -> None:
        said = response.headers
        code = said.get("x-road-error")
        if code is not None:
            self._fail(code)
        wanted = {
            "x-road-id": message_id,
            "x-road-client": self._options.client,
            "x-road-service": self._options.service,
        }
        if not any(name in said for name in wanted):
            # INVARIANT: what stands before the security server never speaks for the registry; its 404 is not "nobody".
            check_status(response, self.source_id, said=", not from a security server")
        if self._options.checks_hash:
            wanted["x-road-request-hash"] = digest(body)
        for name, expected in wanted.items():
            if said.get(name) != expected:
                self._reader.refuse(name, "not that of the request" if name in said else "missing")

    def _check_soap(self, response: Response, wanted: Mapping[str, str], sent: bytes) -> None:
        try:
            said = told(response.body)
        except MarkupError as error:
            if 200 <= response.status <= 299:
                self._reader.refuse("body", str(error))
            return  # no answer anyway: the status says what it is
        if said.fault is not None and is_of_server(said.fault):
            self._fail(said.fault)
        if said.fault is not None and not said.fields:
            return  # a fault need not bear the header block
        if not 200 <= response.status <= 299 and not said.fields:
            return
        for name, expected in wanted.items():
            if said.fields.get(name) != expected:
                self._reader.refuse(f"X-Road {name}", "not that of the request")
        if self._options.checks_hash:
            if self._reader.required("X-Road requestHash", said.fields.get("requestHash")) != digest(sent):
                self._reader.refuse("X-Road requestHash", "not that of the request")
            if said.hash_algorithm != SHA512:
                self._reader.refuse("X-Road requestHash", "not a SHA-512")

    def _fail(self, code: str) -> None:
        raise_meaning(self.source_id, meaning(code), f"X-Road {self._reader.shown(code)}")


def through(client: Inner, manifest: Manifest) -> Inner | ThroughSecurityServer:
    """Return the way to a registry: through its security server where the manifest has one, else as it is.

    Raises: ConfigurationError for what a security server cannot carry.
    """
    if manifest.xroad is None:
        return client
    if manifest.xroad.protocol == "soap" and manifest.speaks != "soap":
        raise ConfigurationError(f"registry {manifest.id}: `xroad.protocol: soap` carries SOAP only: use `rest`")
    if isinstance(manifest.connection.auth, OAuth2Auth):
        raise ConfigurationError(
            f"registry {manifest.id}: `oauth2` cannot be used through X-Road: agree on basic, api_key or bearer"
        )
    return ThroughSecurityServer(client, manifest.id, manifest.xroad)

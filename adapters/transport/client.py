"""The way to a registry over HTTP: address, credentials, byte limit, deadline.

No other file of this package opens a connection.
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import quote, urlsplit

from adapters.manifest import ApiKeyAuth, BasicAuth, BearerAuth, OAuth2Auth
from adapters.ports import Response
from adapters.said import note
from adapters.transport.http1 import (
    ConnectionFailedError,
    Http1Session,
    MalformedResponseError,
    Origin,
    TooLargeError,
)
from adapters.transport.statuses import check_status
from adapters.transport.tls import context
from adapters.transport.tokens import Assertion, Token
from standards.errors import (
    ConfigurationError,
    SourceContractError,
    SourceUnavailableError,
)
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.manifest import Manifest
    from adapters.ports import Deadline
    from adapters.transport.tokens import Signing

__all__ = ["HttpSourceClient", "Session", "base_address", "check_status", "open_session", "resolved"]

_PERCENT: Final = {code: quoted for code in range(128) if (quoted := quote(chr(code), safe="")) != chr(code)}
"""ASCII characters that cannot stand in a query as they are."""
_PRINTED: Final = re.compile(r"[!-~]+")
_MOST_HEADS: Final = 16
"""Sets of header lines that are kept as they are sent."""


def resolved(reference: str, manifest: Manifest, environment: Mapping[str, str]) -> str:
    """Return what an `env:NAME` reference stands for.

    Raises: ConfigurationError when the variable is missing or empty.
    """
    name = reference.removeprefix("env:")
    value = environment.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"registry {manifest.id}: set the environment variable {name}")
    return value


def base_address(manifest: Manifest, environment: Mapping[str, str]) -> str:
    """Return the registry's base address, without a slash at its end.

    Raises: ConfigurationError when it is missing, or is not an http or https address.
    """
    address = resolved(manifest.connection.base_url, manifest, environment)
    if not _is_address(address):
        name = manifest.connection.base_url.removeprefix("env:")
        raise ConfigurationError(f"registry {manifest.id}: {name} must be an http or https address without query")
    return address.rstrip("/")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, half an IPv6 address
        return False
    return is_whole and not parts.query and not parts.fragment and _PRINTED.fullmatch(text) is not None


Session = Http1Session
"""What all registries' conversations share; how many calls one gets at once is the guards' matter."""


def open_session() -> Session:
    """Return the session that all registries share; to be opened in the running loop and closed by the caller."""
    return Http1Session()


class HttpSourceClient:
    """One registry over HTTP.

    session: shared by all registries, opened and closed by the process.
    environment: where the manifest's references are resolved, once, here.
    """

    def __init__(
        self,
        session: Session,
        manifest: Manifest,
        environment: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
        signing: Signing | None = None,
    ) -> None:
        """Resolve the manifest's references.

        signing: the gateway's own key of the moment, for registries that give tokens for assertions.
        Raises: ConfigurationError when something is missing.
        """
        self._session, self._is_closed = session, False
        self.source_id = manifest.id
        self._limit = manifest.limits.max_response_bytes
        parts = urlsplit(base_address(manifest, environment))
        is_tls = parts.scheme == "https"
        connection = manifest.connection
        if connection.tls is not None and not is_tls:
            name = connection.base_url.removeprefix("env:")
            raise ConfigurationError(f"registry {manifest.id}: `tls` is stated, so {name} must be an https address")
        own = context(manifest.id, connection.tls, partial(_resolve, manifest, environment)) if connection.tls else None
        self._origin = Origin(parts.hostname or "", parts.port or (443 if is_tls else 80), is_tls, own)
        self.path = parts.path
        self._host = parts.netloc.rpartition("@")[2]
        self._deadline_header = manifest.limits.deadline_header
        self._headers = {name: resolved(one, manifest, environment) for name, one in connection.headers.items()}
        self._key: tuple[str, str] | None = None
        self._lines: dict[tuple[tuple[str, str], ...], bytes] = {}
        self._token: Token | None = None
        auth = connection.auth
        match auth:
            case ApiKeyAuth():
                key = resolved(auth.key, manifest, environment)
                if auth.header is not None:
                    self._headers[auth.header] = key
                else:
                    self._key = (_quoted(auth.query or ""), _quoted(key))
            case BasicAuth():
                user = resolved(auth.user, manifest, environment)
                pair = f"{user}:{resolved(auth.password, manifest, environment)}"
                self._headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
            case BearerAuth():
                self._headers["Authorization"] = "Bearer " + resolved(auth.token, manifest, environment)
            case OAuth2Auth():
                stated = {
                    "grant_type": "client_credentials",
                    "client_id": resolved(auth.client_id, manifest, environment),
                    "client_secret": resolved(auth.client_secret, manifest, environment) if auth.client_secret else "",
                    "scope": auth.scope or "",
                }
                form = {name: value for name, value in stated.items() if value}
                target = self.path + auth.token_path
                proof = None
                if auth.method == "private_key_jwt":
                    if signing is None:
                        raise ConfigurationError(f"registry {manifest.id}: private_key_jwt needs the gateway's own key")
                    address = base_address(manifest, environment) + auth.token_path
                    proof = Assertion(form["client_id"], auth.audience or address, signing)
                self._token = Token(self, target, form, clock, proof)

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
        """Send one request below the base address; SourceClient says what comes back.

        A token that the registry no longer accepts (401) is replaced, and the request sent again, once.
        """
        target = f"{self.path}{path}?{_query(params)}" if params else self.path + path
        if not target.startswith("/"):
            target = "/" + target  # a base address without a path, and nothing below it
        if self._key is not None:
            target = _with_key(target, *self._key)
        sent = {**self._headers, **headers} if headers else self._headers
        content = body or b""
        if self._token is None:
            response = await self.exchange(method, target, sent, content, deadline)
            note(response.status, response.body)
            return response
        token = self._token.kept() or await self._token.current(deadline)
        response = await self.exchange(method, target, _bearing(token, sent), content, deadline)
        if response.status == 401:
            token = await self._token.current(deadline, unlike=token)
            response = await self.exchange(method, target, _bearing(token, sent), content, deadline)
        note(response.status, response.body)
        return response

    async def close(self) -> None:
        """Close the connections that are kept for this registry's address, those in use when they come back.

        Whoever else asks at that address, another version for example, connects anew.
        """
        self._is_closed = True
        self._session.drop(self._origin)

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> Response:
        """Send a request once, with exactly these headers, and read the response up to the limit.

        target: path and query, as they are sent.
        Errors carry no text of the library's: it can hold the address, and that an identifier.
        """
        left_s = deadline.left_s()
        if left_s <= 0:
            raise SourceUnavailableError(self.source_id, UnavailableReason.SOURCE_TIMEOUT, "no time left to ask")
        head = self._head(method, target, headers, len(body), left_s)
        try:
            answer = await self._session.exchange(self._origin, head, body, left_s=left_s, limit=self._limit)
        except TimeoutError:
            raise SourceUnavailableError(self.source_id, UnavailableReason.SOURCE_TIMEOUT) from None
        except ConnectionFailedError as error:
            raise SourceUnavailableError(self.source_id, UnavailableReason.SOURCE_DOWN, str(error)) from None
        except TooLargeError as error:
            detail = f"{error}: larger than {self._limit} bytes"
            raise SourceContractError(self.source_id, detail) from None
        except MalformedResponseError as error:
            raise SourceContractError(self.source_id, f"response: {error}") from None
        finally:
            if self._is_closed:
                self._session.drop(self._origin)
        content_type = _media_type(answer.headers.get("content-type", ""))
        after = answer.headers.get("retry-after") if answer.status >= 400 else None
        return Response(answer.status, content_type, answer.body, _seconds(after) if after else None, answer.headers)

    def _head(self, method: str, target: str, headers: Mapping[str, str], length: int, left_s: float) -> bytes:
        """Return request line and headers as they are sent."""
        if " " in target or "\r" in target or "\n" in target:
            self._refuse()
        # Adapters send the same headers again and again, and numbers of people never stand there.
        key = tuple(headers.items())
        lines = self._lines.get(key)
        if lines is None:
            lines = self._written(key)
        first = f"{method} {target} HTTP/1.1\r\n".encode("latin-1", "replace")
        if self._deadline_header is not None:
            lines = b"%b%b: %d\r\n" % (lines, self._deadline_header.encode(), left_s * 1000)
        if length or method != "GET":
            return b"%b%bContent-Length: %d\r\n" % (first, lines, length)
        return first + lines

    def _written(self, headers: tuple[tuple[str, str], ...]) -> bytes:
        """Return header lines, and remember them for the next request; few are remembered, as tokens change."""
        told = [("Host", self._host), *headers]
        if any(sign in text for line in told for text in line for sign in "\r\n"):
            self._refuse()
        if len(self._lines) >= _MOST_HEADS:
            self._lines.clear()
        lines = "".join(f"{name}: {value}\r\n" for name, value in told).encode("latin-1", "replace")
        self._lines[headers] = lines
        return lines

    def _refuse(self) -> NoReturn:
        raise SourceContractError(self.source_id, "request: a line break or space where none may be")


def _resolve(manifest: Manifest, environment: Mapping[str, str], reference: str) -> str:
    return resolved(reference, manifest, environment)


def _with_key(target: str, name: str, key: str) -> str:
    """Return an address with the key in its query, in place of any that is there: a link may hold one."""
    path, _, query = target.partition("?")
    others = [part for part in query.split("&") if part and part.partition("=")[0] != name]
    return f"{path}?{'&'.join([*others, f'{name}={key}'])}"


def _query(params: Mapping[str, str]) -> str:
    return "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in params.items()])


def _quoted(text: str) -> str:
    return text.translate(_PERCENT) if text.isascii() else quote(text, safe="")


@lru_cache(maxsize=64)
def _media_type(content_type: str) -> str:
    """Return a content type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def _seconds(retry_after: str) -> float | None:
    """Return how many seconds a `Retry-After` header stands for, as a number or a date (RFC 9110); None if neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):  # the library counts an offset of many digits before it looks at it
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _bearing(token: str, headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, "Authorization": "Bearer " + token}

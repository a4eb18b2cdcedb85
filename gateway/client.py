"""The consumers' client: gets a token, signs, asks, waits or polls, and verifies what comes back.

`HearthClient` for synchronous code, `AsyncHearthClient` for asynchronous; both say the same, by `gateway/kit/`. The
only file of the gateway that imports an HTTP client for its own surface; it uses nothing but public addresses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar, Unpack

import httpx

from gateway.keys import private_key
from gateway.kit import messages
from gateway.kit.conversation import (
    Acknowledged,
    Conversation,
    Got,
    RefusedError,
    Sent,
    Talk,
    UnreachableError,
    path_of,
    whole,
)
from gateway.kit.messages import Credentials, Wanted
from standards.dci.codes import Action, ResponseEntity, Status
from standards.identifiers import Identifier
from standards.signing import public_jwk, sign

__all__ = [
    "Acknowledged",
    "AsyncHearthClient",
    "Credentials",
    "HearthClient",
    "RefusedError",
    "SandboxControls",
    "UnreachableError",
    "ask_sandbox",
    "rehearse_sandbox",
]

T = TypeVar("T")
PAUSE_S: Final = 0.2
"""How long to wait before asking again what became of a message."""
_SYNC_SEARCH: Final = "/registry/sync/search"
_OPEN: Final = frozenset({Status.RECEIVED, Status.PENDING})


class HearthClient:
    """A synchronous client of one gateway for one programme. Use it as a context manager.

    require_signature: refuse an answer without a signature; whoever can strip one can also change what it was under.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        require_signature: bool = True,
    ) -> None:
        self._talk = Conversation(base_url, credentials, require_signature=require_signature)
        self._http = httpx.Client(base_url=base_url, timeout=timeout_s, transport=transport, trust_env=False)

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, subjects: Sequence[Identifier], *, purpose: str, **wanted: Unpack[Wanted]) -> dict[str, Any]:
        """Ask about each subject in one message and return the verified answer as JSON.

        Raises: RefusedError when the gateway refuses the message; SignatureInvalidError when the answer's
            signature does not verify with the gateway's published keys.
        """
        return self.send(self.message([messages.by_number(subject, purpose, **wanted) for subject in subjects]))

    def message(self, items: Sequence[Mapping[str, Any]], *, sender_uri: str | None = None) -> dict[str, Any]:
        """Return a whole search message around some items (`gateway.kit.messages`), signed when there is a key."""
        content = messages.search(items)
        return messages.enveloped(
            Action.SEARCH, content, self._talk.credentials, count=len(items), sender_uri=sender_uri
        )

    def send(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a search message and return the verified answer; a token that has ended is renewed once."""
        return self._carry(self._talk.answered(_SYNC_SEARCH, message))

    def later(self, items: Sequence[Mapping[str, Any]], *, sender_uri: str | None = None) -> Acknowledged:
        """Ask questions that are answered by a callback; return under which names.

        sender_uri: where to, on one of the programme's registered hosts; default: the registered address.
        """
        message = self.message(items, sender_uri=sender_uri)
        return self._carry(self._talk.acknowledged("/registry/search", message))

    def status(self, correlation_id: str, txn_type: str = "search") -> dict[str, Any]:
        """Return what became of a message that was acknowledged: `txnstatus_response` of the verified answer."""
        return self._carry(_status(self._talk, correlation_id, txn_type))

    def wait(self, correlation_id: str, within_s: float = 30.0, txn_type: str = "search") -> dict[str, Any]:
        """Ask again until a message is finished; return what became of it, as `status` does.

        Raises: TimeoutError when it is not by then.
        """
        end = time.monotonic() + within_s
        while is_open(told := self.status(correlation_id, txn_type)):
            if time.monotonic() > end:
                raise TimeoutError(f"not finished after {within_s} s: ask again later under the same correlation id")
            time.sleep(PAUSE_S)
        return told

    def subscribe(self, items: Sequence[Mapping[str, Any]], *, sender_uri: str | None = None) -> Acknowledged:
        """Wish to be told of events (`messages.subscription`); codes come by callback, and by `wait`."""
        return self._carry(_subscribed(self._talk, items, sender_uri))

    def unsubscribe(self, codes: Sequence[str], *, sender_uri: str | None = None) -> Acknowledged:
        """End subscriptions."""
        return self._carry(_unsubscribed(self._talk, codes, sender_uri))

    def lookup(self, subject: Identifier, *, purpose: str, **asked: Any) -> dict[str, Any]:
        """Ask one question in the plain shape and return its answer, which is not signed.

        asked: attributes, as_of, explain, person_only.
        Raises: RefusedError when the question is not answered, with the code that DCI has for it.
        """
        return self._carry(self._talk.authorised("POST", "/v1/households/lookup", _plain(subject, purpose, **asked)))

    def agreements(self) -> list[dict[str, Any]]:
        """Return every version of the programme's own agreements, with the addresses of their schemas by shape."""
        return list(self._carry(self._talk.authorised("GET", "/v1/agreements"))["agreements"])

    def registries(self) -> list[dict[str, Any]]:
        """Return the registries that the gateway asks, with tier and state of each."""
        return list(self._carry(self._talk.authorised("GET", "/v1/registries"))["registries"])

    def schema(self, address: str) -> dict[str, Any]:
        """Return a JSON Schema by the address that `agreements` gives."""
        return self._carry(self._talk.authorised("GET", path_of(address)))

    def opened(self, received: Mapping[str, Any]) -> dict[str, Any]:
        """Return a callback that was received, verified with the gateway's published keys, and decrypted."""
        return self._carry(self._talk.opened(received))

    def _carry(self, talk: Talk[T]) -> T:
        try:
            sent = next(talk)
            while True:
                sent = talk.send(_got(self._http.request(sent.method, sent.path, **_content(sent))))
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        except httpx.HTTPError as error:
            raise _unreachable(self._http.base_url, error) from error


class AsyncHearthClient:
    """An asynchronous client of one gateway for one programme: what `HearthClient` does, awaited."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        timeout_s: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
        require_signature: bool = True,
    ) -> None:
        self._talk = Conversation(base_url, credentials, require_signature=require_signature)
        self._http = httpx.AsyncClient(base_url=base_url, timeout=timeout_s, transport=transport, trust_env=False)

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, subjects: Sequence[Identifier], *, purpose: str, **wanted: Unpack[Wanted]) -> dict[str, Any]:
        """Ask about each subject in one message and return the verified answer as JSON."""
        return await self.send(self.message([messages.by_number(subject, purpose, **wanted) for subject in subjects]))

    def message(self, items: Sequence[Mapping[str, Any]], *, sender_uri: str | None = None) -> dict[str, Any]:
        """Return a whole search message around some items, signed when there is a key."""
        content = messages.search(items)
        return messages.enveloped(
            Action.SEARCH, content, self._talk.credentials, count=len(items), sender_uri=sender_uri
        )

    async def send(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a search message and return the verified answer; a token that has ended is renewed once."""
        return await self._carry(self._talk.answered(_SYNC_SEARCH, message))

    async def later(self, items: Sequence[Mapping[str, Any]], *, sender_uri: str | None = None) -> Acknowledged:
        """Ask questions that are answered by a callback; return under which names."""
        message = self.message(items, sender_uri=sender_uri)
        return await self._carry(self._talk.acknowledged("/registry/search", message))

    async def status(self, correlation_id: str, txn_type: str = "search") -> dict[str, Any]:
        """Return what became of a message that was acknowledged."""
        return await self._carry(_status(self._talk, correlation_id, txn_type))

    async def wait(self, correlation_id: str, within_s: float = 30.0, txn_type: str = "search") -> dict[str, Any]:
        """Ask again until a message is finished; return what became of it.

        Raises: TimeoutError when it is not by then.
        """
        async with asyncio.timeout(within_s):
            told = await self.status(correlation_id, txn_type)
            while is_open(told):
                await asyncio.sleep(PAUSE_S)
                told = await self.status(correlation_id, txn_type)
            return told

    async def subscribe(self, items: Sequence[Mapping[str, Any]], *, sender_uri: str | None = None) -> Acknowledged:
        """Wish to be told of events; codes come by callback, and by `wait`."""
        return await self._carry(_subscribed(self._talk, items, sender_uri))

    async def unsubscribe(self, codes: Sequence[str], *, sender_uri: str | None = None) -> Acknowledged:
        """End subscriptions."""
        return await self._carry(_unsubscribed(self._talk, codes, sender_uri))

    async def lookup(self, subject: Identifier, *, purpose: str, **asked: Any) -> dict[str, Any]:
        """Ask one question in the plain shape and return its answer, which is not signed."""
        plain = _plain(subject, purpose, **asked)
        return await self._carry(self._talk.authorised("POST", "/v1/households/lookup", plain))

    async def agreements(self) -> list[dict[str, Any]]:
        """Return every version of the programme's own agreements, with the addresses of their schemas by shape."""
        return list((await self._carry(self._talk.authorised("GET", "/v1/agreements")))["agreements"])

    async def opened(self, received: Mapping[str, Any]) -> dict[str, Any]:
        """Return a callback that was received, verified with the gateway's published keys, and decrypted."""
        return await self._carry(self._talk.opened(received))

    async def _carry(self, talk: Talk[T]) -> T:
        try:
            sent = next(talk)
            while True:
                sent = talk.send(_got(await self._http.request(sent.method, sent.path, **_content(sent))))
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        except httpx.HTTPError as error:
            raise _unreachable(self._http.base_url, error) from error


def is_open(told: Mapping[str, Any]) -> bool:
    """Tell whether a `txnstatus_response` says that a message is not finished yet."""
    became = told["txn_status"]
    items = [became] if "status" in became else [i for key in _ITEMS for i in became.get(key, ())]
    return any(item.get("status") in _OPEN for item in items)


_ITEMS: Final = ("search_response", "subscribe_response")


def _status(talk: Conversation, correlation_id: str, txn_type: str) -> Talk[dict[str, Any]]:
    message = messages.enveloped(Action.TXN_STATUS, messages.status(correlation_id, txn_type), talk.credentials)
    answer = yield from talk.answered("/registry/sync/txn/status", message)
    return dict(answer["message"]["txnstatus_response"])


def _subscribed(talk: Conversation, items: Sequence[Mapping[str, Any]], sender_uri: str | None) -> Talk[Acknowledged]:
    message = messages.enveloped(
        Action.SUBSCRIBE, messages.subscribe(items), talk.credentials, count=len(items), sender_uri=sender_uri
    )
    return (yield from talk.acknowledged("/registry/subscribe", message))


def _unsubscribed(talk: Conversation, codes: Sequence[str], sender_uri: str | None) -> Talk[Acknowledged]:
    content = messages.unsubscribe(codes)
    message = messages.enveloped(Action.UNSUBSCRIBE, content, talk.credentials, sender_uri=sender_uri)
    return (yield from talk.acknowledged("/registry/unsubscribe", message))


def _plain(subject: Identifier, purpose: str, **asked: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"subject": {"type": subject.type, "value": subject.value}, "purpose": purpose}
    if asked.get("attributes") is not None:
        plain["attributes"] = list(asked["attributes"])
    if asked.get("as_of") is not None:
        plain["as_of"] = asked["as_of"].isoformat()
    return plain | {name: True for name in ("explain", "person_only") if asked.get(name)}


def _content(sent: Sent) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if sent.token is not None:
        content["headers"] = {"Authorization": f"Bearer {sent.token}"}
    if sent.content is not None:
        content["json"] = sent.content
    if sent.form is not None:
        content["data"] = dict(sent.form)
    return content


def _got(response: httpx.Response) -> Got:
    return Got(response.status_code, response.content, response.headers.get("Retry-After"))


def _unreachable(base_url: httpx.URL, error: httpx.HTTPError) -> UnreachableError:
    return UnreachableError(f"{base_url} cannot be reached ({type(error).__name__})")


def ask_sandbox(
    content: Mapping[str, Any],
    programme: str,
    subject: Identifier,
    purpose: str | None = None,
    *,
    person: bool = False,
    plan: bool = False,
    **wanted: Unpack[Wanted],
) -> dict[str, Any]:
    """Ask one question of a running sandbox as one of its programmes; return the verified answer.

    content: of the sandbox file.
    purpose: the programme's first by default.
    """
    consumer = content["consumers"][programme]
    with HearthClient(content["gateway"], Credentials.from_sandbox(consumer)) as client:
        entity = ResponseEntity.MEMBER if person else ResponseEntity.GROUP
        asked: Wanted = {"entity": entity, "explain": plan, **wanted}
        return client.ask([subject], purpose=purpose or consumer["purposes"][0], **asked)


def rehearse_sandbox(
    content: Mapping[str, Any], operator: str, agreement: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Rehearse the text of an agreement in a running sandbox, as one of its operators; return what would be told.

    content: of the sandbox file.
    asked: a plain question: subject, purpose, attributes, person_only.
    Raises: RefusedError with what the gateway said.
    """
    one = content["operators"][operator]
    message: dict[str, Any] = {"header": {"sender_id": one["name"]}, "message": {**asked, "agreement": agreement}}
    key = private_key(Path(one["signing_key"]))
    key_id = public_jwk(key.public_key())["kid"]
    message["signature"] = sign(message, key, sender_id=one["name"], key_id=key_id, now=datetime.now(UTC))
    address = f"{content['gateway']}/_sandbox/rehearsals"
    return whole(_got(httpx.post(address, json=message, trust_env=False, timeout=30)))


def operate(
    base_url: str, path: str, order: str, files: Mapping[str, str] | None = None, *, is_reading: bool = False
) -> dict[str, Any]:
    """Hand a signed order about registrations to a gateway, or look with one; return what the gateway said.

    files: of a version that is submitted.
    Raises: RefusedError, UnreachableError with what to change.
    """
    headers = {"Authorization": f"Bearer {order}"} if is_reading else {}
    body = None if is_reading else {"order": order} | ({} if files is None else {"files": dict(files)})
    address, method = f"{base_url.rstrip('/')}/v1/registrations{path}", "GET" if is_reading else "POST"
    try:
        return whole(_got(httpx.request(method, address, json=body, headers=headers, trust_env=False, timeout=60)))
    except httpx.HTTPError as error:
        raise _unreachable(httpx.URL(base_url), error) from None


class SandboxControls:
    """What only a sandbox lets one do: break a registry, mend it, make the gateway forget."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def break_registry(self, name: str, **fault: Any) -> None:
        """Give a registry a fault, `mode="down"` for example, until it is mended."""
        httpx.put(self._of(name), json=fault, trust_env=False).raise_for_status()

    def mend_registry(self, name: str) -> None:
        """Take a registry's fault away."""
        httpx.delete(self._of(name), trust_env=False).raise_for_status()

    def forget(self) -> None:
        """Let the gateway drop what it remembers of registries."""
        httpx.delete(f"{self._content['gateway']}/_sandbox/cache", trust_env=False).raise_for_status()

    def _of(self, name: str) -> str:
        return f"{self._content['registries'][name]['url']}/_sandbox/faults"

"""The consumers' client: gets a token, signs, asks, and verifies what comes back.

The only file of the gateway that imports an HTTP client for its own surface; it uses nothing but public addresses.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.keys import private_key
from standards.dci.codes import RecordType, RegType, ResponseEntity
from standards.errors import InteropError, SignatureInvalidError
from standards.identifiers import Identifier
from standards.signing import key_of_jwk, public_jwk, sign, verify


class Credentials(NamedTuple):
    """How a programme's system proves who it is."""

    client_id: str
    client_secret: str
    sender_id: str
    signing_key: Ed25519PrivateKey | None = None

    def __repr__(self) -> str:
        """Show no secret."""
        return f"Credentials(client_id={self.client_id!r})"

    @classmethod
    def from_sandbox(cls, consumer: Mapping[str, Any]) -> Credentials:
        """Return the credentials of one entry of `consumers` in a sandbox file."""
        key: object = None
        if consumer.get("signing_key"):
            key = load_pem_private_key(Path(consumer["signing_key"]).read_bytes(), password=None)
        return cls(
            consumer["client_id"],
            consumer["client_secret"],
            consumer["sender_id"],
            key if isinstance(key, Ed25519PrivateKey) else None,
        )


class RefusedError(InteropError):
    """The gateway refused the message as a whole; the text is its own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.reason_code = status, code


class UnreachableError(InteropError):
    """No whole answer came from the gateway; the question may be asked again."""


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
        self._credentials = credentials
        self._require_signature = require_signature
        self._http = httpx.Client(base_url=base_url, timeout=timeout_s, transport=transport, trust_env=False)
        self._token: str | None = None
        self._keys: dict[str, Ed25519PublicKey] = {}

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

    def ask(
        self,
        subjects: Sequence[Identifier],
        *,
        purpose: str,
        entity: ResponseEntity = ResponseEntity.GROUP,
        attributes: Sequence[str] | None = None,
        explain: bool = False,
        as_of: date | None = None,
    ) -> dict[str, Any]:
        """Ask about each subject in one message and return the verified answer as JSON.

        as_of: the past day that the question is about; None asks how things are now.
        Raises: RefusedError when the gateway refuses the message; SignatureInvalidError when the answer's
            signature does not verify with the gateway's published keys.
        """
        items = [_item(subject, purpose, entity, attributes, explain=explain, as_of=as_of) for subject in subjects]
        return self.send(self.message(items))

    def message(self, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a whole search message around some items, signed when there is a key."""
        now = datetime.now(UTC)
        credentials = self._credentials
        message: dict[str, Any] = {
            "header": {
                "version": "1.0.0",
                "message_id": secrets.token_hex(16),
                "message_ts": now.isoformat(timespec="milliseconds"),
                "action": "search",
                "sender_id": credentials.sender_id,
                "total_count": len(items),
                "is_msg_encrypted": False,
            },
            "message": {"transaction_id": secrets.token_hex(16), "search_request": list(items)},
        }
        if credentials.signing_key is not None:
            key = credentials.signing_key
            key_id = public_jwk(key.public_key())["kid"]
            signature = sign(message, key, sender_id=credentials.sender_id, key_id=key_id, now=now)
            message = {"signature": signature, **message}
        return message

    def send(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a search message and return the verified answer; a token that has ended is renewed once."""
        answer = _whole(self._authorised("POST", "/registry/sync/search", json=message))
        if answer.get("signature") or self._require_signature:
            self._verify(answer)
        return answer

    def lookup(
        self,
        subject: Identifier,
        *,
        purpose: str,
        attributes: Sequence[str] | None = None,
        as_of: date | None = None,
        explain: bool = False,
        person_only: bool = False,
    ) -> dict[str, Any]:
        """Ask one question in the plain shape and return its answer, which is not signed.

        Raises: RefusedError when the question is not answered, with the code that DCI has for it.
        """
        asked: dict[str, Any] = {"subject": {"type": subject.type, "value": subject.value}, "purpose": purpose}
        if attributes is not None:
            asked["attributes"] = list(attributes)
        if as_of is not None:
            asked["as_of"] = as_of.isoformat()
        asked |= {name: True for name, wanted in (("explain", explain), ("person_only", person_only)) if wanted}
        return _whole(self._authorised("POST", "/v1/households/lookup", json=asked))

    def agreements(self) -> list[dict[str, Any]]:
        """Return every version of the programme's own agreements, with the addresses of their schemas by shape."""
        return list(_whole(self._authorised("GET", "/v1/agreements"))["agreements"])

    def schema(self, address: str) -> dict[str, Any]:
        """Return a JSON Schema by the address that `agreements` gives."""
        return _whole(self._authorised("GET", httpx.URL(address).path))  # the token goes to this gateway only

    def _authorised(self, method: str, path: str, **content: Any) -> httpx.Response:
        if self._token is None:
            self._token = self._fetch_token()
        response = self._request(method, path, headers={"Authorization": f"Bearer {self._token}"}, **content)
        if response.status_code == httpx.codes.UNAUTHORIZED and "signature" not in response.text:
            self._token = self._fetch_token()
            response = self._request(method, path, headers={"Authorization": f"Bearer {self._token}"}, **content)
        return response

    def _request(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **content)
        except httpx.HTTPError as error:
            raise UnreachableError(f"{self._http.base_url} cannot be reached ({type(error).__name__})") from error

    def _fetch_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        return str(_whole(self._request("POST", "/oauth2/client/token", data=form))["access_token"])

    def _verify(self, answer: Mapping[str, Any]) -> None:
        for fetch in (False, True):  # a key that is not known yet may have been published since
            if fetch:
                published = _whole(self._request("GET", "/.well-known/jwks.json"))["keys"]
                self._keys = {jwk["kid"]: key_of_jwk(jwk) for jwk in published if jwk.get("use") == "sig"}
            try:
                verify(answer, self._keys, now=datetime.now(UTC))
            except SignatureInvalidError:
                if fetch:
                    raise
            else:
                return


def ask_sandbox(
    content: Mapping[str, Any],
    programme: str,
    subject: Identifier,
    purpose: str | None = None,
    *,
    person: bool = False,
    attributes: Sequence[str] | None = None,
    plan: bool = False,
    as_of: date | None = None,
) -> dict[str, Any]:
    """Ask one question of a running sandbox as one of its programmes; return the verified answer.

    content: of the sandbox file.
    purpose: the programme's first by default.
    """
    consumer = content["consumers"][programme]
    with HearthClient(content["gateway"], Credentials.from_sandbox(consumer)) as client:
        return client.ask(
            [subject],
            purpose=purpose or consumer["purposes"][0],
            entity=ResponseEntity.MEMBER if person else ResponseEntity.GROUP,
            attributes=attributes,
            explain=plan,
            as_of=as_of,
        )


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
    return _whole(httpx.post(address, json=message, trust_env=False, timeout=30))


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


def _item(
    subject: Identifier,
    purpose: str,
    entity: ResponseEntity,
    attributes: Sequence[str] | None,
    *,
    explain: bool,
    as_of: date | None,
) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    criteria: dict[str, Any] = {
        "version": "1.0.0",
        "reg_type": RegType.SOCIAL.value,
        "reg_record_type": (RecordType.GROUP if entity is ResponseEntity.GROUP else RecordType.MEMBER).value,
        "response_entity": entity.value,
        "query_type": "idtype-value",
        "query": {"type": subject.type, "value": subject.value},
        "consent": {"@type": "Consent", "ts": now, "purpose": {"code": purpose}},
    }
    if attributes is not None:
        criteria["hearth:attributes"] = list(attributes)
    if explain:
        criteria["hearth:explain"] = True
    if as_of is not None:
        criteria["hearth:as_of"] = as_of.isoformat()
    return {"reference_id": secrets.token_hex(8), "timestamp": now, "search_criteria": criteria, "locale": "eng"}


def _whole(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.is_success and isinstance(body, dict):
        return body
    errors = body.get("errors") if isinstance(body, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else {}
    raise RefusedError(response.status_code, first.get("code", ""), first.get("message", "no whole answer came back"))

"""Holds what was witnessed against the released schema of its type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from standards.dci.codes import ErrorCode, HeaderReason, RegType, normal_reg_type
from tests.contract.dci_spec import document, request_faults, response_faults
from tests.contract.dci_spec import faults as released_faults

FILES: Final = {
    RegType.CIVIL: "crvs_api_v1.0.0.yaml",
    RegType.DISABILITY: "dr_api_v1.0.0.yaml",
    RegType.FARMER: "fr_api_v1.0.0.yaml",
    RegType.BENEFICIARY: "ibr_api_v1.0.0.yaml",
    RegType.EMPLOYMENT: "ess_api_v1.0.0.yaml",
}
"""Our own types have the envelope of the social registry."""
SOCIAL: Final = "social_api_v1.0.0.yaml"
OF_PATH: Final = {
    "disabled": FILES[RegType.DISABILITY],
    "get-disability": FILES[RegType.DISABILITY],
    "enrol": FILES[RegType.BENEFICIARY],
}
"""Part of a path -> the one release that has it."""


def faults(folder: Path) -> Iterator[str]:
    """Yield everything that the releases hold against what was noted in a folder; messages of one shape once."""
    seen: set[str] = set()
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            noted = json.loads(line)
            try:
                body = json.loads(noted["body"])
            except ValueError:
                yield f"{noted['who']} {noted['path']}: not JSON"
                continue
            shape = json.dumps([noted["who"], noted["path"], noted["status"], noted["reg_type"], _skeleton(body)])
            if shape not in seen:
                seen.add(shape)
                for one in _apart(body):
                    yield from _faults(noted, one)


def _apart(body: Any) -> list[Any]:
    """Return an answer about several kinds of registry as one for each, since no one release has them all."""
    message = body.get("message") if isinstance(body, dict) else None
    items = message.get("search_response") if isinstance(message, dict) else None
    if not isinstance(items, list) or len({_told(item) for item in items} - {""}) < 2:
        return [body]
    return [{**body, "message": {**body["message"], "search_response": [item]}} for item in items]


def _faults(noted: dict[str, Any], body: Any) -> Iterator[str]:
    path = "/registry/" + noted["path"].partition("/registry/")[2]
    name = _release(path, noted["reg_type"], body)
    if path not in document(name)["paths"]:
        # A registry type that lacks an operation refuses it; in whose words, no file of its own says.
        name = SOCIAL
    if path not in document(name)["paths"]:
        return
    yield from (f"{noted['who']} {noted['path']} ({name}): {one[:300]}" for one in _held(noted, name, path, body))


def _held(noted: dict[str, Any], name: str, path: str, body: Any) -> Iterator[str]:
    """Yield what a file of the release holds against one message."""
    if not isinstance(body, dict):
        yield "not an object"
        return
    if noted["status"] not in {200, 202}:  # some systems accept with 202 what they answer later
        yield from _error_faults(noted["status"], body)
        return
    header = body.get("header")
    is_asked = noted["who"] in {"request", "callback"}
    if isinstance(header, dict) and header.get("is_msg_encrypted") is True:
        kind = "MsgHeader_V1.0.0" if noted["who"] == "request" else "MsgCallbackHeader_V1.0.0"
        yield from released_faults(name, f"/components/schemas/{kind}", header)
        yield from released_faults(name, "/components/schemas/EncryptedMessage", body.get("message"))
    elif is_asked:
        yield from request_faults(name, path, body)
    else:
        yield from response_faults(name, path, body, "200" if name.startswith("ess") else "default")


def _error_faults(status: int, body: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a refusal: it is an HTTP error with a code, or an acknowledgement that says `ERR`."""
    responses = "/components/responses"
    if "errors" in body:
        found = released_faults(SOCIAL, f"{responses}/HttpErrorResponse/content/application~1json/schema", body)
        codes = [error.get("code") for error in body["errors"] if isinstance(error, dict)] if not found else []
    else:
        found = released_faults(SOCIAL, f"{responses}/Response/content/application~1json/schema", body)
        said = body.get("message")
        said = said if isinstance(said, dict) else {}
        codes = [said["error"].get("code")] if isinstance(said.get("error"), dict) else []
        if said.get("ack_status") != "ERR":
            codes = []
    yield from found
    if not codes or not set(codes) <= CODES:
        yield f"HTTP {status} without an error of the standard"


CODES: Final = frozenset((*ErrorCode, *HeaderReason))


def _release(path: str, stated: str, body: Any) -> str:
    """Return the file of the release that a message is of."""
    for part, name in OF_PATH.items():
        if part in path:
            return FILES[RegType.EMPLOYMENT] if "check-enrollment" in path else name
    reg_type = normal_reg_type(_told(body) or stated)
    if reg_type is None or reg_type in FILES:
        return FILES[reg_type] if reg_type is not None else SOCIAL
    # Events of our own types are told in words of our own, which only civil registration's schema leaves open.
    is_event = path.endswith(("subscribe", "notify"))
    return FILES[RegType.CIVIL] if is_event and reg_type is not RegType.SOCIAL else SOCIAL


def _told(body: Any) -> str:
    """Return the registry type that a message names first, wherever that stands."""
    if isinstance(body, list):
        return next(filter(None, map(_told, body)), "")
    if not isinstance(body, dict):
        return ""
    said = body.get("reg_type")
    return said if isinstance(said, str) else next(filter(None, map(_told, body.values())), "")


def _skeleton(value: Any) -> Any:
    """Return a message without what no schema looks at: values of free texts and numbers."""
    if isinstance(value, dict):
        return {name: _skeleton(one) for name, one in sorted(value.items())}
    if isinstance(value, list):
        shapes = {json.dumps(_skeleton(one)) for one in value}
        return sorted(shapes)
    if isinstance(value, str):
        return (
            value
            if len(value) < 24 and value.isascii() and not any(c.isdigit() or c.isspace() for c in value)
            else "text"
        )
    return type(value).__name__

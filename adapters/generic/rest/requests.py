"""Requests of a manifest, compiled: from what is to be asked to a method, an address, headers and a body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import orjson

from adapters.generic.asking.placeholders import OF_ONE, Template, placeholder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.generic.rest.options import RestRequest, Scalar
    from adapters.reading import Reader

_STEPS: Final = frozenset({".", ".."})
"""Segments by which an address leads elsewhere, also when they are escaped."""


class Message(NamedTuple):
    """A request as it is sent."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None


class Request:
    """One request of a manifest.

    Raises: ValueError when a placeholder stands where none can.
    """

    def __init__(self, reader: Reader, stated: RestRequest, headers: Mapping[str, str]) -> None:
        self._read, self._stated = reader, stated
        self._segments = [(segment, _in_path(segment)) for segment in stated.path.split("/")]
        self._query = Template(stated.query)
        self._body = Template(stated.form if stated.form is not None else stated.body)
        self._headers = Template(_media(stated, headers))
        in_path = {name for _, name in self._segments if name}
        outer = frozenset().union(in_path, self._query.names, self._body.names, self._headers.names)
        if strangers := self._headers.names - {"transaction"}:
            raise ValueError(f"{{{min(strangers)}}} cannot stand in a header")
        self.names, self.each = outer, self._body.each | self._query.each
        self.is_single = "number" in outer
        """Whether it is about one subject at a time."""

    def message(self, values: Mapping[str, Any]) -> Message:
        """Return the request for some values.

        Raises: SourceContractError for a value that cannot stand where the manifest puts it.
        """
        stated = self._stated
        path = "/".join([self._segment(values[name]) if name else segment for segment, name in self._segments])
        body = None
        if stated.form is not None:
            body = self._parameters(self._body.fill(values)).encode()
        elif stated.body is not None:
            body = orjson.dumps(self._body.fill(values))
        query = self._parameters(self._query.fill(values)) if stated.query else ""
        return Message(stated.method, path, query, self._headers.fill(values), body)

    def _segment(self, value: object) -> str:
        text = str(value)
        if text in _STEPS:
            self._read.refuse("path", "a number that cannot stand in an address")
        return quote(text, safe="")

    def _parameters(self, filled: Mapping[str, Any]) -> str:
        pairs = [(name, text) for name, value in filled.items() for text in self._texts(value)]
        return "&".join([f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in pairs])

    def _texts(self, value: Scalar | Sequence[Scalar]) -> list[str]:
        if not isinstance(value, list):
            return [_text(value)]
        texts, sign = [_text(one) for one in value], self._stated.joined_by
        if sign is None:
            return texts
        # INVARIANT: one number never becomes two by what is in it.
        if any(sign in text for text in texts):
            self._read.refuse("query", "a number that cannot stand in a list")
        return [sign.join(texts)] if texts else []


def _in_path(segment: str) -> str | None:
    name = placeholder(segment)
    if name is None and ("{" in segment or "}" in segment):
        raise ValueError("a placeholder is a whole segment of the path")
    if name is not None and name not in OF_ONE:
        raise ValueError(f"{{{name}}} cannot stand in the path")
    return name


def _media(stated: RestRequest, headers: Mapping[str, str]) -> dict[str, str]:
    sent = {"Accept": "application/json"}
    if stated.form is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    elif stated.body is not None:
        sent["Content-Type"] = "application/json"
    return {**sent, **headers, **stated.headers}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

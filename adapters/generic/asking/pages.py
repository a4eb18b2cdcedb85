"""Answers in pages: bounded in number and in bytes, and never led anywhere by what the registry writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from urllib.parse import urlsplit

from adapters.transport.client import check_status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adapters.ports import Response
    from adapters.reading import Reader

T = TypeVar("T")

MOST_QUERY: Final = 8_000
"""Longest cursor or query of a link that is followed, in characters."""
_LATER: Final = 202
_A_PART: Final = 206
_QUERY: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%|\[\]{}\"<>\\^`-]+")


class Pages:
    """What one call to a registry may bring, all its pages together.

    most: pages. most_bytes: of all their bodies.
    """

    def __init__(self, reader: Reader, most: int, most_bytes: int) -> None:
        self._read, self._left, self._bytes, self._is_paged = reader, most, most_bytes, most > 1

    def take(self, response: Response) -> bytes:
        """Return the body of one more page.

        Raises: SourceError by its status, or when there are too many, or too large ones.
        """
        check_status(response, self._read.source_id)
        if response.status == _LATER or (response.status == _A_PART and not self._is_paged):
            self._read.refuse("status", f"{response.status}: not the whole answer")
        self._left -= 1
        self._bytes -= len(response.body)
        # INVARIANT: what does not fit is refused whole, so that a cut answer never reads as "nobody".
        if self._left < 0:
            self._read.refuse("next", "more pages than the manifest allows")
        if self._bytes < 0:
            self._read.refuse("next", "all pages together are larger than the manifest allows")
        return response.body


class Joined(Generic[T]):
    """What is on all pages together, and how many there are by the registry's word: on every page, on some, or on none.

    total: name of the field that says how many.
    """

    def __init__(self, reader: Reader, total: str) -> None:
        self._read, self._field = reader, total
        self._things: dict[object, T] = {}
        self._total: int | None = None

    @property
    def is_counted(self) -> bool:
        """Whether a page has said how many there are."""
        return self._total is not None

    def take(self, things: Iterable[tuple[str | None, T]], total: int | None) -> None:
        """Add one more page: what is on it, by its ids, and how many it says there are on all of them.

        What moves to another page while we read is still one.
        Raises: SourceContractError for two things under one id; and for another total than before, since what was
            taken away or added meanwhile has moved others, perhaps to a page that is read already.
        """
        for id_, thing in things:
            # INVARIANT: of two things under one id, none is passed over.
            if self._things.setdefault(id_ or id(thing), thing) != thing:
                self._read.refuse("id", "one id, and two that differ")
        if total is not None and self._total not in (None, total):
            self._read.refuse(self._field, "changed between two pages")
        self._total = self._total if total is None else total

    def whole(self) -> Mapping[object, T]:
        """Return everything, once the last page is taken.

        Raises: SourceContractError when not all of it came.
        """
        # INVARIANT: what did not arrive is never counted as not there, whichever page said how many there are.
        if self._total is not None and self._total != len(self._things):
            self._read.refuse(self._field, "not as many as came")
        return self._things


def followed(reader: Reader, stated: object) -> tuple[str, str]:
    """Return the path and the query of a link to the next page; neither host nor path is for us to go to.

    Raises: SourceContractError when it is no link, or has no query.
    """
    text = reader.required("next", reader.text("next", stated))
    try:
        parts = urlsplit(text)
    except ValueError:
        reader.refuse("next", "not a link")
    # INVARIANT: of a link only the query is used. Whoever can write one must not choose whom we send credentials to.
    if len(parts.query) > MOST_QUERY or not _QUERY.fullmatch(parts.query):
        reader.refuse("next", "not a link with a query")
    return parts.path, parts.query

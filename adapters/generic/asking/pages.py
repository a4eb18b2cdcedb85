"""Answers in pages: bounded in number and in bytes, and never led anywhere by what the registry writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from adapters.transport.client import check_status

if TYPE_CHECKING:
    from adapters.ports import Response
    from adapters.reading import Reader

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


class Total:
    """How many there are on all pages, by the registry's word: on every page, on some of them, or on none."""

    def __init__(self, reader: Reader, field: str) -> None:
        self._read, self._field = reader, field
        self._stated: int | None = None

    @property
    def is_stated(self) -> bool:
        """Whether a page has said it."""
        return self._stated is not None

    def say(self, stated: int | None) -> None:
        """Take note of what one more page says.

        Raises: SourceContractError when another one said otherwise: what was taken away or added meanwhile has moved
            others, perhaps to a page that is read already.
        """
        if stated is not None and self._stated not in (None, stated):
            self._read.refuse(self._field, "changed between two pages")
        self._stated = self._stated if stated is None else stated

    def check(self, came: int, expected: str) -> None:
        """Refuse an answer of which not all came.

        Raises: SourceContractError, with what was expected.
        """
        # INVARIANT: what did not arrive is never counted as not there, whichever page said how many there are.
        if self._stated is not None and self._stated != came:
            self._read.refuse(self._field, expected)


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

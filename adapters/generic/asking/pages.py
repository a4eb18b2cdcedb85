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
"""Longest query of a link that is followed, in characters."""
_QUERY: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%|\[\]{}\"<>\\^`-]+")


class Pages:
    """What one call to a registry may bring, all its pages together.

    most: pages. most_bytes: of all their bodies.
    """

    def __init__(self, reader: Reader, most: int, most_bytes: int) -> None:
        self._read, self._left, self._bytes = reader, most, most_bytes

    def take(self, response: Response) -> bytes:
        """Return the body of one more page.

        Raises: SourceError by its status, or when there are too many, or too large ones.
        """
        check_status(response, self._read.source_id)
        self._left -= 1
        self._bytes -= len(response.body)
        # INVARIANT: what does not fit is refused whole, so that a cut answer never reads as "nobody".
        if self._left < 0:
            self._read.refuse("next", "more pages than the manifest allows")
        if self._bytes < 0:
            self._read.refuse("next", "all pages together are larger than the manifest allows")
        return response.body


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

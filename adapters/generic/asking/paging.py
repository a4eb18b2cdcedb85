"""Answers in pages, read to their end: none is lost, none counts twice, and there is a bound to them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from adapters.generic.asking.pages import MOST_QUERY, Pages, followed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from adapters.generic.asking.answered import Paging
    from adapters.generic.asking.json_answers import Answers, Page
    from adapters.ports import Response
    from adapters.reading import Reader
    from standards.identifiers import Identifier

    Send = Callable[[Mapping[str, Any], str | None], Awaitable[Response]]
    """Sends the request with some values for its placeholders, or with the query of a link."""
    Parse = Callable[[bytes], object]

_LINK: Final = re.compile(r"<([^<>]*)>([^<>]*?)(?=,\s*<|$)")
_RELATION: Final = re.compile(r";\s*rel\s*=\s*\"?([^\";]*)", re.IGNORECASE)


class Whole(NamedTuple):
    """An answer, all pages of it."""

    records: list[dict[str, Any]]
    absent: frozenset[Identifier]
    cut: bool = False
    """Whether there are more, which were not read because enough had come."""


class Reading:
    """The reading of one answer.

    enough: so many records are enough, and the answer may be cut there; None: all of them are needed.
    """

    def __init__(
        self, reader: Reader, answers: Answers, parse: Parse, most_bytes: int, *, enough: int | None = None
    ) -> None:
        self._read, self._answers, self._parse, self._enough = reader, answers, parse, enough
        self._paging = answers.stated.pages
        most = self._paging.most if self._paging else 1
        self._pages, self._left = Pages(reader, most, most_bytes), most
        self._records: dict[object, dict[str, Any]] = {}
        self._absent: frozenset[Identifier] = frozenset()
        self._seen: set[str] = set()
        self._came = 0
        self._total: int | None = None

    async def whole(self, send: Send) -> Whole:
        """Return the answer when its last page has come.

        Raises: SourceContractError when pages go round in circles, are too many, or hold other than was promised.
        """
        values, query = self._first(), None
        while True:
            response = await send(values, query)
            page = self._answers.page(self._parse(self._pages.take(response)))
            self._left -= 1
            self._take(page)
            if self._enough is not None and len(self._records) > self._enough:
                return self._whole(cut=True)
            step = self._step(page, response) if self._paging else None
            if step is None:
                break
            if self._enough is not None and self._left == 0:
                return self._whole(cut=True)
            values, query = step
        # INVARIANT: what did not arrive is never counted as not held.
        if page.total is not None and page.total != len(self._records):
            self._read.refuse("total", "not as many records")
        return self._whole(cut=False)

    def _whole(self, *, cut: bool) -> Whole:
        return Whole(list(self._records.values()), self._absent, cut)

    def _first(self) -> dict[str, Any]:
        return {} if self._paging is None else self._values(self._paging, self._paging.first, None)

    def _values(self, paging: Paging, number: int, cursor: str | None) -> dict[str, Any]:
        return {"page": number, "offset": self._came, "page_size": paging.size, "cursor": cursor}

    def _take(self, page: Page) -> None:
        if self._total is not None and page.total != self._total:
            # One that was taken away moves all that follow it, and one of them to a page that is read already.
            self._read.refuse("total", "changed between two pages")
        self._total = page.total
        earlier = frozenset(self._records)
        for place, record in enumerate(page.records):
            key = self._answers.key(record)
            if key is not None:
                # INVARIANT: whoever shares a key with somebody else is not read as "nobody".
                if self._records.setdefault(key, record) != record:
                    self._read.refuse("key", "one key, and two records that differ")
                continue
            try:
                text = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
            except orjson.JSONEncodeError:
                self._read.refuse("found", "a record nested too deep")
            # Two alike on one page are two; on two pages they may be one that has moved.
            if self._paging is not None and text in earlier:
                self._read.refuse("found", "the same record on two pages; the manifest names no `key` of theirs")
            self._records[(text, place) if text in self._records else text] = record
        self._came += len(page.records)
        self._absent |= page.absent

    def _step(self, page: Page, response: Response) -> tuple[dict[str, Any], str | None] | None:
        """Return by what values or link the next page is asked for; None when this was the last."""
        paging = self._paging
        assert paging is not None  # noqa: S101 - only asked where there are pages
        if page.more is False:
            return None
        if paging.by in ("next", "link_header"):
            link = _linked(response) if paging.by == "link_header" else page.next
            if link is None or link == "":
                return None
            query = followed(self._read, link)[1]
            self._once(query)
            return {}, query
        if paging.by == "cursor":
            cursor = self._read.written("next", page.next)
            if cursor is None:
                if page.more:
                    self._read.refuse("next", "missing")
                return None
            if len(cursor) > MOST_QUERY:
                self._read.refuse("next", "a cursor longer than any")
            self._once(cursor)
            return self._values(paging, 0, cursor), None
        is_last = page.more is None and (
            len(self._records) >= page.total if page.total is not None else not page.records
        )
        if is_last or (page.total is not None and not page.records):
            return None  # what is missing of the total is told at the end
        if not page.records:  # and would bring nothing for ever
            self._read.refuse("found", "an empty page, and there should be more")
        number = paging.first + (paging.most - self._left)
        return self._values(paging, number, None), None

    def _once(self, mark: str) -> None:
        if mark in self._seen:
            self._read.refuse("next", "leads back to a page that was read")
        self._seen.add(mark)


def _linked(response: Response) -> str | None:
    """Return the target of the link to the next page in the `Link` header, if there is one."""
    for target, parameters in _LINK.findall(response.headers.get("link", "")):
        relation = _RELATION.search(parameters)
        if relation is not None and "next" in relation[1].lower().split():
            return str(target)
    return None

"""How a described answer seems to come in pages: by the names of parameters, and of what stands beside its records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from adapters.kit.draft.from_samples import step
from adapters.kit.draft.guessing import is_counted
from adapters.kit.draft.shapes import Decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PAGE: Final = ("page", "pageno", "pagenumber", "pageindex")
_SIZE: Final = ("size", "limit", "pagesize", "perpage", "count", "top")
_OFFSET: Final = ("offset", "start", "skip", "startindex")
_CURSOR: Final = ("cursor", "after", "pagetoken", "continuationtoken", "nextcursor")
_NEXT: Final = ("next", "nextcursor", "cursor", "nextpagetoken", "continuationtoken", "nextpage")


def paged(request: Mapping[str, Any], beside: Iterable[str], parameters: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a request says of pages, and of how many records there are; nothing where nothing points to them.

    beside: names of what stands beside the records in an answer.
    """
    stated: dict[str, Any] = {}
    members = {_flat(name): name for name in beside}
    total = next((name for flat, name in members.items() if is_counted(flat)), None)
    if total is not None:
        stated["total"] = step(total)
    taken = {_flat(str(one.get("name", ""))): one for one in parameters if one.get("in") == "query"}
    following = next((members[flat] for flat in _NEXT if flat in members), None)
    pages: dict[str, Any] | None = None
    query: dict[str, Any] = {}
    if page := _one_of(_PAGE, taken):
        first = (page.get("schema") or {}).get("default", (page.get("schema") or {}).get("minimum", 1))
        pages, query[page["name"]] = {"by": "page", "first": 0 if first == 0 else 1}, "{page}"
    elif offset := _one_of(_OFFSET, taken):
        pages, query[offset["name"]] = {"by": "offset"}, "{offset}"
    elif following is not None and (cursor := _one_of(_CURSOR, taken)):
        pages, query[cursor["name"]] = {"by": "cursor", "next": step(following)}, "{cursor}"
    elif following is not None:
        pages = {"by": "next", "next": step(following)}
    if pages is None:
        return stated
    if size := _one_of(_SIZE, taken):
        most = (size.get("schema") or {}).get("maximum")
        pages["size"] = most if isinstance(most, int) and 1 <= most <= 10_000 else 100
        query[size["name"]] = "{page_size}"
    if query:
        stated["query"] = {**(request.get("query") or {}), **query}
    stated["pages"] = Decide(pages, "how it goes on, and which `key` a record has of its own")
    return stated


def _one_of(names: Iterable[str], taken: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((taken[name] for name in names if name in taken), None)


def _flat(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())

"""Whether declared requests can do what the lookups of their manifest promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.generic.asking.placeholders import KNOWN, OF_MANY, OF_ONE, PAGING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.generic.asking.declared import Declared
    from adapters.manifest import Lookup


def requests_by_type(lookup: Lookup, requests: Sequence[Declared]) -> dict[str, Declared]:
    """Return by which of its requests a lookup is asked for each of its identifier types.

    Raises: ValueError when there is none, or more than one.
    """
    chosen: dict[str, Declared] = {}
    for request in requests:
        for type_ in request.asked.by or lookup.by:
            if type_ not in lookup.by:
                raise ValueError(f"a request takes {type_}, which is not in `by` of the lookup")
            if type_ in chosen:
                raise ValueError(f"two requests take {type_}: say by `by` which one does")
            chosen[type_] = request
    if left := [type_ for type_ in lookup.by if type_ not in chosen]:
        raise ValueError(f"no request takes {left[0]}")
    return chosen


def check_request(lookup: Lookup, request: Declared, block: Sequence[str] = ()) -> None:
    """Refuse a request that cannot do what its lookup promises.

    block: the traits by which it looks for candidates.
    Raises: ValueError that says what to change.
    """
    names = request.names | request.each
    types = request.asked.by or lookup.by
    known = KNOWN | {f"{OF_MANY}:{type_}" for type_ in types}
    if block:
        known = (known - OF_ONE - {OF_MANY, "names", "as_of"}) | set(block)
    if strangers := sorted(names - known):
        raise ValueError(f"nothing stands for {{{strangers[0]}}} here; known: {', '.join(sorted(known))}")
    _check_pages(request, names)
    if block:
        if missing := [trait for trait in block if trait not in names]:
            raise ValueError(f"a request for candidates lacks {{{missing[0]}}} of its block")
        if request.tells_nobody or request.asked.not_found:
            raise ValueError("`nobody` and `not_found` are for requests by numbers")
        return
    _check_numbers(request, types)
    if lookup.as_of and "as_of" not in names:
        raise ValueError("`as_of` is promised, and the request lacks {as_of}")
    if request.tells_nobody and not request.is_single:
        raise ValueError("`nobody` is for requests about one subject at a time; of several, use `not_found`")
    if strangers := sorted(set(request.asked.not_found) - set(types)):
        raise ValueError(f"`not_found` names {strangers[0]}, which the request does not take")


def _check_numbers(request: Declared, types: Sequence[str]) -> None:
    of_types = {name for name in request.names if name.startswith(f"{OF_MANY}:")}
    if request.is_single:
        if OF_MANY in request.names or of_types or request.each:
            raise ValueError("{number} and {numbers} exclude each other: one subject at a time, or all together")
        if len(types) > 1 and "type" not in request.names:
            raise ValueError("a request for several identifier types needs {type}; or give each type its own")
        return
    if "type" in request.names:
        raise ValueError("{type} stands beside {number}")
    if request.each:
        if len(types) > 1 and "type" not in request.each:
            raise ValueError("a request for several identifier types needs {type} beside {number}")
        return
    if OF_MANY in request.names and len(types) == 1:
        return
    if missing := sorted({f"{OF_MANY}:{type_}" for type_ in types} - of_types):
        raise ValueError(f"the request asks about nobody: it lacks {{number}}, {{numbers}} or {{{missing[0]}}}")


def _check_pages(request: Declared, names: frozenset[str]) -> None:
    by = request.paged_by
    mark = by if by in PAGING else None
    if mark is not None and mark not in names:
        raise ValueError(f"`pages.by: {by}` needs {{{mark}}} in the request")
    if strangers := sorted((names & PAGING) - {mark}):
        raise ValueError(f"{{{strangers[0]}}} needs `pages.by: {strangers[0]}`")

"""Single: a question to one kind of registry, such as for a birth record, made ready for the path. Pure.

It goes the same way as a question for a household. What differs is settled here, before and after policy is asked:
which records it is about, which registries have a word in it, and that no more is permitted than such a record holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from standards.dci.codes import ResponseEntity, SearchReason
from standards.dci.search import FilterQuery, IdQuery, SearchItem
from standards.dci.shapes import Shape, is_composed, record_types, shape_of
from standards.errors import RequestError
from standards.filters import attributes_of
from standards.identifiers import SHARED_TYPES
from standards.permit import Denial, Permit, Reason

NOTHING_HELD: Final = Denial(Reason.NOTHING_AGREED, "agree an attribute that such a record holds")


class Single(NamedTuple):
    """A question to one kind of registry."""

    item: SearchItem
    """As it is asked: about one person each, for what such a record holds."""
    shape: Shape
    sources: frozenset[str]
    """Registries of that kind: nobody else's word counts."""


def single(item: SearchItem, sources: frozenset[str], searchable: Collection[str]) -> Single | None:
    """Return the question to one kind of registry; None when the answer is to be composed of all.

    sources: registries of the type that the question names. searchable: what one of them can be searched by.
    Raises: RequestError when there is no such record, or it cannot be asked for like this.
    """
    if is_composed(item.reg_type):
        return None
    criteria = SearchReason.SEARCH_CRITERIA_INVALID
    shape = shape_of(item.reg_type, item.reg_record_type)
    if shape is None:
        served = ", ".join(record_types(item.reg_type)) or "none is served"
        raise RequestError(f"reg_record_type does not fit the reg_type: {served}", reason_code=criteria)
    if not sources:
        raise RequestError("no registry of that reg_type is connected here", reason_code=criteria)
    wanted = None
    if item.attributes is not None:
        wanted = item.attributes & shape.names
        if not wanted:
            raise RequestError("no record of that reg_record_type holds any of hearth:attributes", reason_code=criteria)
    if isinstance(item.query, IdQuery) and item.query.identifier.type in SHARED_TYPES:
        raise RequestError("a record of one person is asked for by a number of that person", reason_code=criteria)
    known = shape.names.union(searchable)
    if isinstance(item.query, FilterQuery):
        _refuse_strangers(attributes_of(item.query.filter), known, SearchReason.FILTER_INVALID)
    _refuse_strangers((key.attribute for key in item.sort), known, SearchReason.SORT_INVALID)
    asked = item._replace(response_entity=ResponseEntity.MEMBER, attributes=wanted)
    return Single(asked, shape, sources)


def narrowed(permit: Permit, asked: Single) -> Permit | None:
    """Return the permit for what such a record can hold, on the word of these registries; None when that is nothing."""
    # INVARIANT: narrowing never widens: every form is the permit's own.
    names = asked.shape.names
    forms = {name: form for name, form in permit.forms.items() if name in names}
    if not forms:
        return None
    return permit._replace(
        forms=forms,
        withheld={name: reason for name, reason in permit.withheld.items() if name in names},
        household_names=frozenset(),
        inputs={name: bases for name, bases in permit.inputs.items() if name in forms},
        sources=asked.sources,
    )


def _refuse_strangers(names: Iterable[str], known: frozenset[str], code: SearchReason) -> None:
    if strangers := sorted(set(names) - known):
        raise RequestError(f"records of that reg_record_type do not hold {', '.join(strangers)}", reason_code=code)

"""Answers in JSON, read as a manifest says: records, whom the registry does not hold, and how it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.faults import fault_in
from adapters.generic.mapping.layout import NumberField
from adapters.generic.mapping.numbering import Numbering, compiled
from adapters.generic.mapping.paths import UnexpectedTypeError
from standards.identifiers import Identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.generic.asking.answered import Answered
    from adapters.generic.mapping.paths import Find
    from adapters.reading import Reader

MOST_RECORDS: Final = 50_000
"""On one page: empty ones take three bytes on the way, and two hundred here."""
_ALONE: Final = NumberField(path="@")


class Page(NamedTuple):
    """One page of an answer."""

    records: list[dict[str, Any]]
    absent: frozenset[Identifier]
    """Whom the registry says that it does not hold."""
    total: int | None
    """How many records there are on all pages, by its word."""
    next: object
    """What it says of the next page: a cursor or a link."""
    more: bool | None
    """Whether there are more, by its word; None where it does not say so."""


class Answers:
    """The answers to one request.

    not_found: identifier type -> where the numbers stand that the registry does not hold.
    prefixes: identifier type -> what the registry writes before such a number.
    knows_errors: the manifest says itself what an error looks like, so that nothing else is taken for one.
    Raises: ValueError, naming the path, when one is not a JMESPath.
    """

    def __init__(
        self,
        reader: Reader,
        stated: Answered,
        not_found: Mapping[str, str],
        prefixes: Mapping[str, str],
        *,
        knows_errors: bool = False,
    ) -> None:
        self._read, self.stated, self._knows_errors = reader, stated, knows_errors
        self._found = compiled(stated.found)
        self._total = compiled(stated.total) if stated.total else None
        self._absent = {
            type_: (
                compiled(path),
                Numbering(reader, {type_: _ALONE.model_copy(update={"prefix": prefixes.get(type_, "")})}),
            )
            for type_, path in not_found.items()
        }
        pages = stated.pages
        self._next = compiled(pages.next) if pages and pages.next else None
        self._more = compiled(pages.more) if pages and pages.more else None
        self._key = compiled(pages.key) if pages and pages.key else None

    def page(self, content: object) -> Page:
        """Return what a body, parsed, says.

        Raises: SourceContractError where it does not keep what the manifest promises of it.
        """
        total = None
        if self._total is not None:
            total = self._read.required("total", self._read.whole("total", self._at("total", self._total, content)))
        more = None
        if self._more is not None:
            more = self._read.required("more", self._read.flag("more", self._at("more", self._more, content)))
        following = self._at("next", self._next, content) if self._next is not None else None
        return Page(self._records(content), self._not_found(content), total, following, more)

    def key(self, record: dict[str, Any]) -> str | None:
        """Return a record's own id; None where the manifest names none."""
        if self._key is None:
            return None
        return self._read.required("key", self._read.written("key", self._at("key", self._key, record)))

    def _records(self, content: object) -> list[dict[str, Any]]:
        found = self._at("found", self._found, content)
        if found is None:
            if not self.stated.null_means_none:
                # INVARIANT: an answer without the part that holds records is no answer, and never "nobody".
                self._read.refuse("found", "missing")
            if not self._knows_errors and (code := fault_in(content)) is not None:
                self._read.refuse("found", f"missing, and an error in its place, {code}")
            return []
        records = found if isinstance(found, list) else [found]
        if len(records) > MOST_RECORDS:
            self._read.refuse("found", "more records than anybody asked for")
        return self._read.objects("found", records)

    def _not_found(self, content: object) -> frozenset[Identifier]:
        absent: set[Identifier] = set()
        for type_, (find, numbering) in self._absent.items():
            listed = self._at("not_found", find, content)
            for one in self._read.array("not_found", [] if listed is None else listed):
                numbers, _ = numbering.read(one)
                absent.update(Identifier(type_, number) for number in numbers.values())
        return frozenset(absent)

    def _at(self, field: str, find: Find, content: object) -> object:
        try:
            return find(content)
        except UnexpectedTypeError as error:
            self._read.refuse(field, str(error))

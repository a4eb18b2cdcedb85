"""Search answers of one registry, read as its dialect says: items by reference, the records of an item, its page.

Liberal in form, strict in substance: whatever is not plainly an answer is a refusal that names the field, and silence
about a subject is never "nobody".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from adapters.faults import fault_in, raise_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.generic.dci.dialects import Dialect
    from adapters.reading import Reader

Item = dict[str, Any]


class Page(NamedTuple):
    """Which page of an item's records came, and how many records there are on all."""

    number: int
    total: int | None


class Answers:
    """How one registry's answers are read."""

    def __init__(self, reader: Reader, dialect: Dialect, *, missing_is_nobody: bool) -> None:
        self._read, self._dialect = reader, dialect
        self._holder, self._records = dialect.records_at.split(".")
        self._done = frozenset(word.lower() for word in dialect.done)
        self.missing_is_nobody = missing_is_nobody or dialect.missing_item_means_no_record

    def items(self, answer: dict[str, Any], asked: Sequence[str]) -> Mapping[str, Item]:
        """Return the items of an answer by reference, or why there are none as an error.

        asked: the references of the question; an item of another one is refused.
        """
        items: dict[str, Item] = {}
        found, wanted = self._found(answer), set(asked)
        for item in found:
            reference = item.get("reference_id")
            if type(reference) is not str or reference not in wanted:
                reference = self._reference(item, found, asked)
            if reference in items:
                self._read.refuse("reference_id", "the same twice")
            items[reference] = item
        return items

    def each(self, answer: dict[str, Any], asked: Sequence[str]) -> list[tuple[str, Item]]:
        """Return the items of an answer with their references; one that comes in pages may stand there repeatedly."""
        found = self._found(answer)
        return [(self._reference(item, found, asked), item) for item in found]

    def _found(self, answer: dict[str, Any]) -> list[Item]:
        message = answer.get("message")
        if not isinstance(message, dict) and self._dialect.message_optional and "search_response" in answer:
            message = answer
        stated = message.get("search_response") if isinstance(message, dict) else None
        if not stated:
            self._refuse_faults(answer, stated)
        # A single object where the standard wants an array of one is met in the field.
        return self._read.objects("search_response", [stated] if isinstance(stated, dict) else stated)

    def _reference(self, item: Item, found: Sequence[Item], asked: Sequence[str]) -> str:
        read = self._read
        reference = read.text("reference_id", item.get("reference_id"))
        if reference is None and self._dialect.reference_optional and len(asked) == len(found) == 1:
            return asked[0]
        if read.required("reference_id", reference) not in asked:
            read.refuse("reference_id", "an item that was not asked for")
        return str(reference)

    def _refuse_faults(self, answer: Mapping[str, Any], stated: object) -> None:
        """Raise what an answer without items says went wrong, if it says so."""
        read = self._read
        if (code := fault_in(answer)) is not None:
            raise_fault(code, read.source_id)
        header = answer.get("header")
        status = header.get("status") if isinstance(header, dict) else None
        # A message whose every item is rejected says so here too; its items say why.
        if isinstance(header, dict) and str(status).lower() == "rjct":
            read.refuse("header", f"rjct, {read.shown(header.get('status_reason_code'))}")
        # INVARIANT: an empty answer is one only from a registry known to answer so, and only if nothing else is wrong.
        if stated == [] and self.missing_is_nobody and status is not None and str(status).lower() not in self._done:
            read.refuse("header", f"{read.shown(status)}, and no items")

    def complete(self, items: Mapping[str, Item], asked: Sequence[str]) -> list[Item | None]:
        """Return the items in the order asked; None for one left out, where that is how this registry says nobody."""
        answer = [items.get(reference) for reference in asked]
        if None in answer and not self.missing_is_nobody:
            # INVARIANT: silence about a subject is not the answer that there is nobody by that number.
            self._read.refuse("search_response", "lacks an item that was asked for")
        return answer

    def records(self, item: Item) -> list[dict[str, Any]]:
        """Return the records of one item.

        An item that is rejected, not finished or without records to read is a broken promise: the question
        was one that the manifest says can be asked.
        """
        read = self._read
        if item.get("status") != "succ" and not self.is_done(item):
            status, code = item.get("status"), item.get("status_reason_code")
            read.refuse("item", f"{read.shown(status)}{', ' + read.shown(code) if code else ''}")
        data = item.get(self._holder)
        if (data is None or data == "") and (self._dialect.records_optional or self.total(item) == 0):
            return []
        records = read.record(self._holder, data).get(self._records)
        return read.objects(self._records, self._one_or_none(item, records) if isinstance(records, dict) else records)

    def all_records(self, item: Item) -> list[dict[str, Any]]:
        """Return the records of one item, which are all that there are by its own word.

        Raises: SourceContractError as `records` does.
        """
        records, total = self.records(item), self.total(item)
        if total is not None and total > len(records):
            # INVARIANT: a cut answer never reads as a whole one.
            self._read.refuse("total_count", "more records than came")
        return records

    def _one_or_none(self, item: Item, records: dict[str, Any]) -> object:
        """Return the records that a single object stands for: itself, those of its graph, or none if it is empty."""
        if "@graph" in records:
            return records["@graph"]
        return [] if not records and not self.total(item) else [records]

    def is_done(self, item: Item) -> bool:
        """Tell whether an item says that it is answered."""
        status = self._read.text("status", item.get("status"))
        return status.lower() in self._done if status is not None else self._dialect.status_optional

    def total(self, item: Item) -> int | None:
        """Return how many records there are on all pages, where the registry says so."""
        pagination = item.get("pagination")
        if not isinstance(pagination, dict):
            return None
        count = pagination.get("total_count")
        return count if type(count) is int else self._read.whole("total_count", count)

    def page(self, item: Item) -> Page:
        """Return which page of an item's records this is."""
        pagination = item.get("pagination")
        number = self._read.whole("page_number", pagination.get("page_number")) if isinstance(pagination, dict) else 1
        return Page(1 if number is None else number, self.total(item))

    def merged(self, pages: Mapping[int, Item]) -> Item:
        """Return one item with the records of all its pages, in the order of their numbers."""
        first = pages[min(pages)]
        if len(pages) == 1:
            return first
        records = [record for number in sorted(pages) for record in self.records(pages[number])]
        data = self._read.record(self._holder, first.get(self._holder))
        return first | {self._holder: data | {self._records: records}}

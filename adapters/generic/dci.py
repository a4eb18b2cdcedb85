"""The DCI driver: any registry that speaks the released standard, set up by its manifest alone."""

from __future__ import annotations

from random import getrandbits
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from adapters.client import check_status
from adapters.generic import dci_mapping as mapping
from adapters.generic.dci_query import Searching
from adapters.generic.dci_request import Requests, references
from adapters.ports import SearchAnswer, SourceAnswer
from adapters.reading import Reader
from standards.errors import ConfigurationError, SourceContractError
from standards.identifiers import Identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.manifest import DciLookup, Lookup, Manifest
    from adapters.ports import Deadline, Fetch, Record, SearchFetch, SourceClient

_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
_DONE: Final = frozenset({"succ", "success"})


def _new_id() -> str:
    """Return a UUID of version 4: no two are the same, and nobody needs to be kept from guessing one."""
    return str(UUID(int=getrandbits(128), version=4))


class DciAdapter:
    """Synchronous search of the 2025 release (`registry/sync/search`), many subjects in one message.

    new_id: makes message ids; examples use a fixed one.
    """

    def __init__(self, manifest: Manifest, client: SourceClient, *, new_id: Callable[[], str] = _new_id) -> None:
        """Compile the manifest's paths.

        Raises: ConfigurationError when one of them is not a JMESPath.
        """
        if manifest.dci is None:
            raise ConfigurationError(f"registry {manifest.id}: the DCI driver needs `dci`")
        self.manifest = manifest
        self._client, self._options, self._new_id = client, manifest.dci, new_id
        self._read = Reader(manifest.id)
        self._lookups: dict[str, tuple[Lookup, DciLookup, mapping.Layout]] = {}
        for lookup in manifest.lookups:
            asked = self._options.lookups[lookup.name]
            try:
                self._lookups[lookup.name] = (lookup, asked, mapping.layout(self._read, asked))
            except ValueError as error:
                raise ConfigurationError(f"registry {manifest.id}, lookup {lookup.name}: {error}") from None
        self._requests = Requests(manifest)
        self._searching = Searching(manifest)

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask about everyone in one message; one item each."""
        _, _, layout = self._lookups[request.lookup]
        criteria = [self._requests.by_number(request.lookup, one, request.as_of) for one in request.subjects]
        items = await self._ask(criteria, request.transaction_id, deadline)
        records: dict[Identifier, Record | None] = {}
        for subject, item in zip(request.subjects, items, strict=True):
            found = self._records_of(item) if item is not None else ()
            records[subject] = mapping.one_record(self._read, layout, found, subject, request.names)
        return SourceAnswer(records)

    async def search(self, request: SearchFetch, deadline: Deadline) -> SearchAnswer:
        """Ask for one page of what matches a filter, with the registry's own expression query."""
        offered = self._searching.offered(request)
        _, asked, layout = self._lookups[offered.lookup]
        criteria = self._requests.criteria(asked) | self._searching.criteria(offered, request)
        [item] = await self._ask([orjson.dumps(criteria).decode()], request.transaction_id, deadline)
        if item is None:
            return SearchAnswer((), 0)
        found: list[Identifier] = []
        for record in self._records_of(item):
            own = mapping.numbers_in(self._read, layout, "identifiers", layout.identifiers(record))
            number = next((value for type_, value in own if type_ == offered.search.yields), None)
            found.append(Identifier(offered.search.yields, self._read.required(offered.search.yields, number)))
        return SearchAnswer(tuple(found), self._total(item, request, len(found)))

    async def _ask(self, criteria: list[str], transaction_id: str, deadline: Deadline) -> list[dict[str, Any] | None]:
        """Send one message and return its answer items in the order asked; None for one left out."""
        message_id = self._new_id()
        asked = references(message_id, len(criteria))
        body = self._requests.message(message_id, criteria, transaction_id)
        response = await self._client.send("POST", self._options.path, deadline, headers=_HEADERS, body=body)
        check_status(response, self.manifest.id)
        items = self._items(response.body)
        if strangers := items.keys() - set(asked):
            self._read.refuse("reference_id", f"{len(strangers)} items that were not asked for")
        answer = [items.get(reference) for reference in asked]
        if None in answer and not self._options.missing_item_means_no_record:
            # INVARIANT: silence about a subject is not the answer that there is nobody by that number.
            self._read.refuse("search_response", "lacks an item that was asked for")
        return answer

    def _items(self, body: bytes) -> Mapping[str, dict[str, Any]]:
        """Return the answer's items by reference."""
        read = self._read
        answer = read.json(body)
        header = answer.get("header")
        message = answer.get("message")
        stated = message.get("search_response") if isinstance(message, dict) else None
        # A message whose every item is rejected says so here too; its items say why.
        if not stated and isinstance(header, dict) and header.get("status") == "rjct":
            read.refuse("header", f"rjct, {read.shown(header.get('status_reason_code'))}")
        items: dict[str, dict[str, Any]] = {}
        # A single object where the standard wants an array of one is met in the field.
        for item in read.objects("search_response", [stated] if isinstance(stated, dict) else stated):
            reference = read.required("reference_id", read.text("reference_id", item.get("reference_id")))
            if reference in items:
                read.refuse("reference_id", "the same twice")
            items[reference] = item
        return items

    def _records_of(self, item: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the records of one item.

        An item that is rejected, not finished or without records to read is a broken promise: the question
        was one that the manifest says can be asked.
        """
        read = self._read
        status = item.get("status")
        if status != "succ" and (status := read.text("status", status)) not in _DONE:
            code = item.get("status_reason_code")
            read.refuse("item", f"{read.shown(status)}{', ' + read.shown(code) if code else ''}")
        data = item.get("data")
        if data in (None, "") and self._stated_total(item) == 0:
            return []
        holder = read.record("data", data)
        records = holder.get("reg_records")
        return read.objects("reg_records", [records] if isinstance(records, dict) else records)

    def _stated_total(self, item: Mapping[str, Any]) -> int | None:
        pagination = item.get("pagination")
        if not isinstance(pagination, dict):
            return None
        return self._read.whole("total_count", pagination.get("total_count"))

    def _total(self, item: Mapping[str, Any], request: SearchFetch, on_page: int) -> int:
        total = self._stated_total(item)
        if total is not None:
            return total
        if 0 < on_page < request.page_size or request.page_number == 1 > on_page:
            return (request.page_number - 1) * request.page_size + on_page
        raise SourceContractError(self.manifest.id, "total_count: missing")

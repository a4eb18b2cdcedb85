"""The DCI driver: any registry that speaks a dialect of the standard, set up by its manifest alone."""

from __future__ import annotations

from functools import partial
from random import getrandbits
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from adapters.callbacks import Waiting
from adapters.faults import check_answer
from adapters.generic.dci import mapping
from adapters.generic.dci.answer import Answers
from adapters.generic.dci.asynchronous import HEADERS, Asynchronous
from adapters.generic.dci.query import Searching
from adapters.generic.dci.request import Requests, references
from adapters.generic.dci.trust import Sealing
from adapters.ports import SearchAnswer, SourceAnswer
from adapters.reading import Reader
from standards.errors import ConfigurationError, SourceContractError
from standards.identifiers import Identifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.generic.dci.answer import Item
    from adapters.generic.dci.options import DciLookup
    from adapters.manifest import Lookup, Manifest
    from adapters.ports import Deadline, Fetch, Record, SearchFetch, SourceClient


def new_id() -> str:
    """Return a UUID of version 4: no two are the same, and nobody needs to be kept from guessing one."""
    return str(UUID(int=getrandbits(128), version=4))


class DciAdapter:
    """Search by the registry's own dialect, many subjects in one message; answered at once, or by callback.

    new_id: makes message ids; examples use a fixed one.
    sealing: signs, verifies, encrypts; None where the manifest wants nothing of it.
    waiting: where callbacks arrive; a registry that has none is asked for its answer until it has it.
    address: of this gateway, for callbacks.
    """

    def __init__(
        self,
        manifest: Manifest,
        client: SourceClient,
        *,
        new_id: Callable[[], str] = new_id,
        sealing: Sealing | None = None,
        waiting: Waiting | None = None,
        address: str = "",
    ) -> None:
        """Compile the manifest's paths.

        Raises: ConfigurationError when one of them is not a JMESPath.
        """
        if manifest.dci is None:
            raise ConfigurationError(f"registry {manifest.id}: the DCI driver needs `dci`")
        self.manifest = manifest
        options = manifest.dci
        dialect = options.spoken
        self._client, self._new_id, self._sealing = client, new_id, sealing
        self._path = options.path or dialect.prefix + dialect.sync_search
        self._read = Reader(manifest.id)
        self._answers = Answers(self._read, dialect, missing_is_nobody=options.missing_item_means_no_record)
        self._lookups: dict[str, tuple[Lookup, DciLookup, mapping.Layout]] = {}
        for lookup in manifest.lookups:
            asked = options.lookups[lookup.name]
            try:
                self._lookups[lookup.name] = (lookup, asked, mapping.layout(self._read, asked))
            except ValueError as error:
                raise ConfigurationError(f"registry {manifest.id}, lookup {lookup.name}: {error}") from None
        self._requests = Requests(manifest)
        self._searching = Searching(manifest)
        self._asynchronous: Asynchronous | None = None
        if options.mode == "async":
            waiting = Waiting() if waiting is None else waiting
            self._asynchronous = Asynchronous(manifest, client, self._read, self._answers, sealing, waiting, address)

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask about everyone in one message; one item each."""
        _, _, layout = self._lookups[request.lookup]
        criteria = [self._requests.by_number(request.lookup, one, request.as_of) for one in request.subjects]
        items = await self._ask(criteria, request.transaction_id, deadline)
        records: dict[Identifier, Record | None] = {}
        for subject, item in zip(request.subjects, items, strict=True):
            found = self._answers.all_records(item) if item is not None else ()
            records[subject] = mapping.one_record(self._read, layout, found, subject, request.names)
        return SourceAnswer(records)

    async def search(self, request: SearchFetch, deadline: Deadline) -> SearchAnswer:
        """Ask for one page of what matches a filter, with the registry's own form of query."""
        offered = self._searching.offered(request)
        _, asked, layout = self._lookups[offered.lookup]
        criteria = self._requests.criteria(asked) | self._searching.criteria(offered, request)
        page = request.page_number
        [item] = await self._ask([orjson.dumps(criteria).decode()], request.transaction_id, deadline, page)
        if item is None:
            return SearchAnswer((), 0)
        found: list[Identifier] = []
        for record in self._answers.records(item):
            own = mapping.numbers_in(self._read, layout, "identifiers", layout.identifiers(record))
            number = next((value for type_, value in own if type_ == offered.search.yields), None)
            found.append(Identifier(offered.search.yields, self._read.required(offered.search.yields, number)))
        return SearchAnswer(tuple(found), self._total(item, request, len(found)))

    async def _ask(
        self, criteria: list[str], transaction_id: str, deadline: Deadline, page: int | None = None
    ) -> list[Item | None]:
        """Send one message and return its answer items in the order asked; None for one left out.

        page: the one page that the message asks for; None when it asks for everything.
        """
        message_id = self._new_id()
        asked = references(message_id, len(criteria))
        if self._asynchronous is not None:
            items = await self._asynchronous.ask(
                partial(self._requests.message, message_id, criteria, transaction_id),
                partial(self._enquiry, transaction_id),
                self._requests.stated_transaction(message_id, transaction_id),
                asked,
                deadline,
                page=page,
            )
            return self._answers.complete(items, asked)
        body = self._requests.message(message_id, criteria, transaction_id)
        if self._sealing is not None:
            body = await self._sealing.sealed(body, deadline)
        response = await self._client.send("POST", self._path, deadline, headers=HEADERS, body=body)
        check_answer(response, self.manifest.id)
        answer = self._read.json(response.body)
        if self._sealing is not None:
            answer = await self._sealing.opened(response.body, answer, deadline)
        return self._answers.complete(self._answers.items(answer, asked), asked)

    def _enquiry(self, transaction_id: str, correlation_id: str) -> bytes:
        """Return the message that asks what became of a question."""
        message_id = self._new_id()
        content = {
            "txnstatus_request": {
                "reference_id": f"{message_id}-1",
                "txn_type": "search",
                "attribute_type": "correlation_id",
                "attribute_value": correlation_id,
            }
        }
        return self._requests.other("txn-status", message_id, content, transaction_id)

    def _total(self, item: Item, request: SearchFetch, on_page: int) -> int:
        total = self._answers.total(item)
        if total is not None:
            return total
        if 0 < on_page < request.page_size or request.page_number == 1 > on_page:
            return (request.page_number - 1) * request.page_size + on_page
        raise SourceContractError(self.manifest.id, "total_count: missing")

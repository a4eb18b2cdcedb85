"""Asking a registry that acknowledges a question and calls back with the answer, or keeps it until it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.faults import check_answer, fault_in, raise_fault
from adapters.generic.dci.answer import Item
from adapters.said import unheard
from standards.errors import SourceError, SourceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.callbacks import Expected, Waiting
    from adapters.generic.dci.answer import Answers
    from adapters.generic.dci.trust import Sealing
    from adapters.manifest import Manifest
    from adapters.ports import Deadline, Response, SourceClient
    from adapters.reading import Reader

HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
_UNFINISHED: Final = frozenset({"pdng", "rcvd", "pending", "received"})


class Asynchronous:
    """One registry's way from a question to its answer by acknowledgement and callback.

    address: of this gateway, where callbacks are to be sent.
    """

    def __init__(
        self,
        manifest: Manifest,
        client: SourceClient,
        reader: Reader,
        answers: Answers,
        sealing: Sealing | None,
        waiting: Waiting,
        address: str,
    ) -> None:
        options = manifest.dci
        assert options is not None  # noqa: S101 - only the DCI driver makes one
        self._client, self._read, self._answers, self._sealing = client, reader, answers, sealing
        self._waiting, self._address = waiting, address
        self._callback, self._poll_s = options.callback, options.poll_s
        self._limit = manifest.limits.max_response_bytes
        dialect = options.spoken
        self._search_path = dialect.prefix + dialect.search
        self._status_path = dialect.prefix + dialect.sync_status

    def sender_uri(self, expected: Expected) -> str:
        """Return where the answer to one question is to be sent; empty when the registry does not call back."""
        if self._callback is None or not self._address:
            return ""
        place = f"/callbacks/{expected.secret}" if self._callback.auth == "secret_path" else ""
        return f"{self._address}{place}/registry/on-search"

    async def ask(
        self,
        written: Callable[[str], bytes],
        enquiry: Callable[[str], bytes],
        transaction_id: str,
        asked: Sequence[str],
        deadline: Deadline,
        *,
        page: int | None = None,
    ) -> Mapping[str, Item]:
        """Send one message, and return the items of its answer once all of it is there.

        written: the message for a `sender_uri`. enquiry: the message that asks what became of a correlation id.
        page: the one page that was asked for; None when everything was.
        Raises: SourceError, a timeout of the registry's when nothing whole has come by the deadline.
        """
        async with self._waiting.expect(self._read.source_id, transaction_id, asked, self._limit) as expected:
            body = written(self.sender_uri(expected))
            if self._sealing is not None:
                body = await self._sealing.sealed(body, deadline)
            with unheard():
                response = await self._client.send("POST", self._search_path, deadline, headers=HEADERS, body=body)
            correlation_id = taken(self._read, response)
            await expected.acknowledged(correlation_id)
            gathering = _Gathering(self._read, self._answers, asked, page)
            while not gathering.is_whole:
                arrival = await expected.next(deadline, self._poll_s)
                if arrival is not None:
                    gathering.add(arrival.message)
                elif correlation_id:
                    await self._enquire(enquiry(correlation_id), gathering, deadline)
            expected.is_answered = True
            return gathering.items()

    async def _enquire(self, body: bytes, gathering: _Gathering, deadline: Deadline) -> None:
        """Ask what became of a question, and take the answer if it is there."""
        try:
            if self._sealing is not None:
                body = await self._sealing.sealed(body, deadline)
            response = await self._client.send("POST", self._status_path, deadline, headers=HEADERS, body=body)
            check_answer(response, self._read.source_id)
        except SourceUnavailableError:
            return  # the callback may come all the same
        except SourceError:
            if self._callback is None:
                raise
            return
        answer = self._read.json(response.body)
        if self._sealing is not None:
            answer = await self._sealing.opened(response.body, answer, deadline)
        inner: Any = answer.get("message", answer)
        told = inner.get("txnstatus_response") if isinstance(inner, dict) else None
        state = told.get("txn_status") if isinstance(told, dict) else None
        if isinstance(state, dict) and state.get("search_response"):
            gathering.add({"message": state})


def taken(read: Reader, response: Response) -> str:
    """Return the correlation id of an acknowledgement, whatever its content type; empty where it states none.

    Raises: SourceError when the registry did not take the message, or will say nothing further about it.
    """
    check_answer(response, read.source_id)
    answer = read.json(response.body)
    if (code := fault_in(answer)) is not None:
        raise_fault(code, read.source_id)
    ack = answer
    while isinstance(inner := ack.get("message"), dict):  # samples of the standard wrap it twice
        ack = inner
    status = read.text("ack_status", ack.get("ack_status"))
    if status is None and "correlation_id" not in ack:
        read.refuse("ack_status", "missing")
    if status is not None and status.upper() != "ACK":
        read.refuse("ack_status", f"{read.shown(status)}: nothing will follow")
    stated = ack.get("correlation_id")
    return str(stated) if isinstance(stated, str | int) else ""


class _Gathering:
    """What has come of one answer so far: pages by item, each once, in any order."""

    def __init__(self, reader: Reader, answers: Answers, asked: Sequence[str], page: int | None) -> None:
        self._read, self._answers, self._asked, self._page = reader, answers, asked, page
        self._pages: dict[str, dict[int, Item]] = {}
        self._totals: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._has_ended = False

    def add(self, message: Mapping[str, Any]) -> None:
        """Take one callback.

        Raises: SourceError when it says that something went wrong, or is not what the registry promises.
        """
        whole = dict(message)
        for reference, item in self._answers.each(whole, self._asked):
            if str(item.get("status", "")).lower() in _UNFINISHED:
                continue
            pages = self._pages.setdefault(reference, {})
            page = self._answers.page(item)
            if page.number not in pages:  # the same page twice is the same page
                pages[page.number] = item
                self._counts[reference] = self._counts.get(reference, 0) + self._size(item)
            if page.total is not None:
                # INVARIANT: pages that do not agree on how many there are end nothing early.
                self._totals[reference] = max(page.total, self._totals.get(reference, 0))
        self._has_ended = _is_last(whole.get("header"))

    def _size(self, item: Item) -> int:
        return len(self._answers.records(item)) if self._answers.is_done(item) else 0

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing more is expected."""
        if all(self._has_all(reference) for reference in self._asked):
            return True
        others = [reference for reference in self._asked if reference in self._pages]
        is_nobody = self._answers.missing_is_nobody and self._has_ended
        return is_nobody and all(self._has_all(reference) for reference in others)

    def _has_all(self, reference: str) -> bool:
        pages = self._pages.get(reference)
        if not pages:
            return False
        if self._page is not None:
            return True
        if any(not self._answers.is_done(item) for item in pages.values()):
            return True  # it is refused: there is nothing to wait for
        return self._counts[reference] >= self._totals.get(reference, 0)

    def items(self) -> Mapping[str, Item]:
        """Return every item, whole."""
        return {reference: self._answers.merged(pages) for reference, pages in self._pages.items() if pages}


def _is_last(header: object) -> bool:
    """Tell whether a callback says, or does not deny, that everything asked is answered with it."""
    if not isinstance(header, dict):
        return True
    if str(header.get("status", "")).lower() in _UNFINISHED:
        return False
    asked, done = header.get("total_count"), header.get("completed_count")
    return not (isinstance(asked, int) and isinstance(done, int) and done < asked)

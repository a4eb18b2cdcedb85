"""Search answered later: the callbacks that tell what a search message found, whole or page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mocks.dci_message import Envelope, answer_to
from mocks.dci_query import Page, on_page

if TYPE_CHECKING:
    from mocks.dci import DciRegistry, Found
    from mocks.dci_query import RefusedItemError
    from mocks.registry import Call


def callbacks(
    registry: DciRegistry, message: Envelope, call: Call, correlation_id: str, *, page_size: int | None, now: str
) -> list[dict[str, Any]]:
    """Return the callbacks to a search message: one, or one per page with everything that was found."""
    outcomes = registry.outcomes(message.items)
    pages = [outcomes] if page_size is None else _paged(outcomes, page_size)
    answers = []
    for page in pages:
        told = [(item, outcome) for item, outcome in zip(message.items, page, strict=True) if outcome is not None]
        items = registry.items([item for item, _ in told], [outcome for _, outcome in told], call, now)
        answers.append(_answer(registry, message, items, correlation_id, now))
    return answers


def whole(answers: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the items of all callbacks, as a status enquiry tells them."""
    return [item for answer in answers for item in answer["message"]["search_response"]]


def _answer(
    registry: DciRegistry, message: Envelope, items: Sequence[Mapping[str, Any]], correlation_id: str, now: str
) -> dict[str, Any]:
    return answer_to(message, items, None, now=now, sender=registry.sender_id, correlation_id=correlation_id)


def _paged(outcomes: Sequence[Found | RefusedItemError], size: int) -> list[list[Found | RefusedItemError | None]]:
    """Return the pages; an item that found nothing or is refused is on the first, None where it has no such page."""
    most = max((-(-len(one.matches) // size) for one in outcomes if not isinstance(one, Exception)), default=1)
    return [[_on_page(one, Page(size, number)) for one in outcomes] for number in range(1, max(most, 1) + 1)]


def _on_page(outcome: Found | RefusedItemError, page: Page) -> Found | RefusedItemError | None:
    if isinstance(outcome, Exception):
        return outcome if page.number == 1 else None
    things = on_page(outcome.matches, page)
    return outcome._replace(things=things, page=page) if things or page.number == 1 else None

"""Several calls for one question, some of them at the same time; one that fails ends the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from standards.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

T = TypeVar("T")
Ask = TypeVar("Ask")


async def each(asks: Sequence[Ask], call: Callable[[Ask], Awaitable[T]], most: int) -> list[T]:
    """Return what a call gives for each, in order.

    most: calls under way at the same time.
    Raises: the first SourceError of any of them, when all have ended.
    """
    if len(asks) == 1:
        return [await call(asks[0])]
    places = asyncio.Semaphore(most)

    async def one(ask: Ask) -> T:
        async with places:
            return await call(ask)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(ask)) for ask in asks]
    except ExceptionGroup as failures:
        for error in failures.exceptions:
            if not isinstance(error, SourceError):
                raise error from None  # a defect is told before an outage
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]

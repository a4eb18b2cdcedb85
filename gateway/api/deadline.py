"""How much time a question has: what the consumer says, within what the gateway allows."""

from __future__ import annotations

from typing import Final

from adapters.ports import Deadline
from gateway.settings import Messages
from standards.errors import RequestError

HEADER: Final = "Hearth-Deadline-Ms"


def deadline_of(stated: str | None, settings: Messages) -> Deadline:
    """Return by when registries must have answered; composing and recording keep their share after it.

    stated: milliseconds that the consumer is willing to wait, as its header has them; None when it says nothing.
    Raises: RequestError when that is not a whole number above zero.
    """
    budget_s = settings.deadline_s
    if stated is not None:
        digits = stated.strip()
        if not (digits.isascii() and digits.isdigit()) or not (milliseconds := int(digits[:12])):
            raise RequestError(f"{HEADER} must be a whole number of milliseconds above zero")
        budget_s = min(budget_s, milliseconds / 1000)
    return Deadline.after(budget_s * (1 - settings.compose_share))

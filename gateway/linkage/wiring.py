"""The linker of a gateway, and the review queue on its machine, as the settings have them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.journal import sqlite_url
from gateway.linkage.linker import Linker
from gateway.linkage.model import load_model
from gateway.linkage.reviews import Keeping, ReviewBook

if TYPE_CHECKING:
    from gateway.keys import Keys
    from gateway.settings import Settings


def open_linker(settings: Settings, keys: Keys, now: Callable[[], datetime]) -> Linker:
    """Return the linker that settings describe.

    Raises: ConfigurationError when its model or its database cannot be used.
    """
    return Linker(load_model(settings.linkage.model), open_reviews(settings, keys, now))


def open_reviews(settings: Settings, keys: Keys, now: Callable[[], datetime]) -> ReviewBook:
    """Return the review queue that settings describe.

    Raises: ConfigurationError when its database cannot be used.
    """
    stated, stores = settings.linkage, settings.stores
    keeping = Keeping(stated.review_days, stated.decision_days, stated.max_reviews)
    return ReviewBook(stores.linkage_url or sqlite_url(stores.folder / "linkage.db"), keys, now, keeping)

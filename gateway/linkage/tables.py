"""The tables of linkage reviews, and what may be read out of them."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa

from gateway.linkage.weighing import Reason
from standards.errors import InteropError

METADATA: Final = sa.MetaData()
_DIGEST: Final = sa.String(32)

REVIEWS: Final = sa.Table(
    "linkage_review",
    METADATA,
    sa.Column("review_id", sa.String(40), primary_key=True),
    sa.Column("source_id", sa.String(40), nullable=False),
    sa.Column("opened_at", sa.Float, nullable=False),
    sa.Column("ends_at", sa.Float, nullable=False, index=True),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("levels", sa.Text, nullable=False),
    sa.Column("decided_at", sa.Float),
    sa.Column("decided_by", sa.String(200)),
    sa.Column("sealed", sa.LargeBinary),
)
"""What somebody has to look at, or has decided; `sealed` has the numbers of both, until it is decided."""

PAIRS: Final = sa.Table(
    "linkage_pair",
    METADATA,
    sa.Column("pair", _DIGEST, primary_key=True),
    sa.Column("person", _DIGEST, nullable=False, index=True),
    sa.Column("review_id", sa.String(40), nullable=False, index=True),
)
"""Which pairs a review is of: keyed digests."""


class LinkageStoreError(InteropError):
    """Reviews cannot be read or written."""


class Review(NamedTuple):
    """A pair that somebody has to look at, or has looked at. It names nobody."""

    review_id: str
    source_id: str
    opened_at: float
    ends_at: float
    """When it is forgotten, in seconds since 1970."""
    state: str
    """`open`, `same` or `different`."""
    score: float
    reasons: tuple[Reason, ...]
    decided_at: float | None
    decided_by: str | None

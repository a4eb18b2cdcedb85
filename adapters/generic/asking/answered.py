"""What a manifest tells of an answer in JSON: where its records are, whom it does not hold, how it goes on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from adapters.generic.mapping.expressions import JmesPath
from adapters.model import Model


class Paging(Model):
    """How an answer goes on, when it comes in pages."""

    by: Literal["page", "offset", "cursor", "next", "link_header"] = Field(
        description="`page`: {page} counts up; `offset`: {offset} is how many have come; `cursor`: what the answer "
        "holds at `next` is sent as {cursor}; `next`: it holds there a link to the next page; `link_header`: the Link "
        "header does (RFC 8288). Of a link only the query is used.",
    )
    size: int = Field(default=100, ge=1, le=10_000, description="Records asked for in one page: {page_size}.")
    first: int = Field(default=1, ge=0, le=1, description="Number of the first page, for `by: page`.")
    next: JmesPath | None = Field(
        default=None, description="JMESPath to the cursor or link; nothing there: that was the last page."
    )
    more: JmesPath | None = Field(
        default=None,
        description="JMESPath to whether there are more, for `page`, `offset` and `cursor`. Without it pages are read "
        "until the total is there, or until an empty one comes.",
    )
    key: JmesPath | None = Field(
        default=None,
        description="JMESPath to a record's own id: one that moves to another page while we read is then still one. "
        "Without it an answer that has the same record on two pages is refused.",
    )
    most: int = Field(default=20, ge=1, le=1000, description="Most pages of one answer; with more it is refused.")

    @model_validator(mode="after")
    def _told_where(self) -> Paging:
        if (self.by in ("cursor", "next")) != (self.next is not None):
            raise ValueError("`next` says where the cursor or link is, for `by: cursor` and `by: next`")
        if self.more is not None and self.by not in ("page", "offset", "cursor"):
            raise ValueError("`more` is for `by: page`, `offset` and `cursor`")
        return self


class Asked(Model):
    """Whom a request is about."""

    by: tuple[str, ...] = Field(
        default=(), description="Identifier types that this request takes; default: all that the lookup takes."
    )
    types: dict[str, str] = Field(default={}, description="Identifier type -> the registry's word for it, for {type}.")
    not_found: dict[str, JmesPath] = Field(
        default={}, description="Identifier type -> JMESPath to the list of the numbers that it does not hold."
    )


class Answered(Model):
    """Where an answer holds what."""

    found: JmesPath = Field(
        default="@", description="JMESPath to the list of records in the answer, or to the only one."
    )
    null_means_none: bool = Field(
        default=False, description="Where nothing stands at `found`, nothing was found. Otherwise that is refused."
    )
    total: JmesPath | None = Field(
        default=None, description="JMESPath to the number of records on all pages; with fewer or more it is refused."
    )
    pages: Paging | None = Field(default=None, description="How it comes in pages; null: it comes whole.")

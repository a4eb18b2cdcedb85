"""Dialects of DCI as data: what a registry of each generation, and each product met in the field, does its own way.

Which one a registry speaks is a matter of its manifest. Nothing is guessed from what it sends: every generation calls
itself 1.0.0. The defaults of `Dialect` are the release of 2025 (G4), which needs no further work on any message.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from adapters.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

Generation = Literal["g2", "g3", "g4", "g5"]
Preset = Literal["opencrvs-2024", "opencrvs-1.9", "openspp2", "openg2p-2026", "openimis", "spdci-mockups"]
Path = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~-]+)*$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]


class Dialect(Model):
    """How one registry's messages differ from the release of 2025; a manifest states single ones under `dci.quirks`."""

    # Where it listens.
    prefix: Path = Field(default="/registry", description="What all its paths begin with.")
    sync_search: Path = Field(default="/sync/search", description="Path of synchronous search, below the prefix.")
    search: Path = Field(default="/search", description="Path of asynchronous search, below the prefix.")
    subscribe: Path = Field(default="/subscribe", description="Path of subscriptions, below the prefix.")
    unsubscribe: Path = Field(default="/unsubscribe", description="Path that ends subscriptions, below the prefix.")
    sync_status: Path = Field(default="/sync/txn/status", description="Path of transaction status, below the prefix.")
    # How it wants to be asked.
    criteria: Literal["record_type", "event_type", "both"] = Field(
        default="record_type", description="Which of `reg_record_type` and `reg_event_type` the search criteria carry."
    )
    query_type: Word = Field(default="idtype-value", description="Its word for a question by a number.")
    query_form: Literal["plain", "nested"] = Field(
        default="plain",
        description="plain: `{type, value}`; nested: `{type: idtype-value, value: {id_type, id_value}}`.",
    )
    search_form: Literal["expression", "predicate"] = Field(
        default="expression",
        description="In which form a search without a number is written; `predicate` takes comparisons that must all "
        "hold, and nothing else.",
    )
    consent_place: Literal["inside", "beside"] = Field(
        default="inside", description="Whether `dci.consent` stands in the search criteria or beside them."
    )
    transaction_ids: Literal["text", "number"] = Field(
        default="text", description="number: a whole number made from the transaction id, the same for the same one."
    )
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")] = Field(
        default="eng", description="Language of the answer."
    )
    misspelt: bool = Field(
        default=False, description="Unsubscribing carries `timesstamp` and `sunscription_codes` too, as G3 spells them."
    )
    # How it answers.
    message_optional: bool = Field(
        default=False, description="An answer may lack header and message: then the body is what the message would be."
    )
    records_at: Annotated[str, StringConstraints(pattern=r"^\w+\.\w+$")] = Field(
        default="data.reg_records", description="Where an answer item holds its records."
    )
    done: tuple[Word, ...] = Field(
        default=("succ", "success"), description="Status words of an item that is answered; case does not matter."
    )
    status_optional: bool = Field(default=False, description="An item with records may lack its status.")
    records_optional: bool = Field(
        default=False, description="An item that is answered and holds no records at all says that there is nobody."
    )
    reference_optional: bool = Field(
        default=False, description="The only item of an answer to one question may lack its reference."
    )
    missing_item_means_no_record: bool = Field(
        default=False,
        description="The registry leaves out the answer item of a subject it does not hold. Off, an answer that "
        "lacks an item is refused, so that a broken answer never reads as 'nobody by that number'.",
    )


GENERATIONS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "g2": {"criteria": "event_type", "misspelt": True, "records_optional": True},
        "g3": {"criteria": "event_type", "misspelt": True},
        "g4": {},
        "g5": {},
    }
)
"""What a generation of the standard changes."""

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        # Each lookup states the `reg_type` of its event; whom it does not hold, it leaves out.
        "opencrvs-2024": {
            "criteria": "both",
            "search_form": "predicate",
            "consent_place": "beside",
            "missing_item_means_no_record": True,
        },
        "opencrvs-1.9": {
            "criteria": "both",
            "search_form": "predicate",
            "missing_item_means_no_record": True,
        },
        "openspp2": {"prefix": "/dci_api/v1/registry"},
        # It delivers by WebSub: ask it synchronously, or poll.
        "openg2p-2026": {"prefix": "/dci", "search": "/async/search", "locale": "en"},
        "openimis": {
            "prefix": "/api/api_dci/registry",
            "query_type": "sync",
            "records_at": "registry_data.data",
        },
        # Their prefix is the registry's own (`/sr`, `/crvs`): a quirk of the manifest.
        "spdci-mockups": {
            "transaction_ids": "number",
            "message_optional": True,
            "status_optional": True,
            "reference_optional": True,
            "done": ("succ", "success", "ack"),
        },
    }
)
"""What products met in the field change; GUIDE of the standard's implementers, 13.4."""


def spoken(generation: str, preset: str | None, quirks: Dialect) -> Dialect:
    """Return the dialect of one registry: its generation's, changed by its product's, changed by its own quirks."""
    own = {name: getattr(quirks, name) for name in quirks.model_fields_set}
    return Dialect(**{**GENERATIONS[generation], **(PRESETS[preset] if preset else {}), **own})

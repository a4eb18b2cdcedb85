"""A gateway with one duty switched off: `python -m tests.bench.starter`.

For measuring only. It replaces one part of the wired application, and everything else is the gateway as it is.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from unittest import mock

import gateway.pipeline
import gateway.server
from gateway.journal import SqlJournal
from gateway.settings import load
from gateway.stages.admit import Admission, parsed
from gateway.stages.compose import Composer
from gateway.stages.decide import Decisions
from gateway.stages.deciding import Deciding
from gateway.tokens import TokenOffice
from policies.ledger import SqliteLedger
from standards.identifiers import Identifier
from standards.permit import PersonPermit


def without_token() -> None:
    """Take every caller for the only consumer."""

    async def identified(office: TokenOffice, token: str, scope: str = "") -> Any:
        return next(iter(office._consumers.values()))

    mock.patch.object(TokenOffice, "identified", identified).start()


def without_admit() -> None:
    """Read the first message; of every later one only its id and the number asked about."""
    opening, reading, kept = Admission.open, Admission.questions, list[Any]()

    def first_opened(self: Admission, consumer: Any, body: bytes, *more: Any) -> Any:
        if not kept:
            kept.append(opening(self, consumer, body, *more))
        raw = parsed(body)
        header = kept[0].header._replace(message_id=raw["header"]["message_id"])
        return kept[0]._replace(header=header, raw=raw)

    def first_read(self: Admission, opened: Any, *more: Any) -> Any:
        if len(kept) == 1:
            kept.append(reading(self, opened, *more))
        asked = opened.message["search_request"][0]["search_criteria"]["query"]
        item = kept[1].items[0]
        query = item.query._replace(identifier=Identifier(asked["type"], asked["value"]))
        return kept[1]._replace(items=(item._replace(query=query),))

    mock.patch.object(Admission, "open", first_opened).start()
    mock.patch.object(Admission, "questions", first_read).start()


def without_decide() -> None:
    """Give every question the permit of the first, and everybody the permit of the first person; no ledger."""
    decide, permits, persons = Decisions.decide, list[Any](), list[PersonPermit]()

    def decided(self: Decisions, *arguments: Any, **more: Any) -> Any:
        if not permits:
            permits.append(decide(self, *arguments, **more))
        return permits[0]

    within = Deciding.within

    async def first_within(
        self: Deciding, subjects: Sequence[Mapping[str, str]], places: Any
    ) -> Sequence[PersonPermit]:
        if not persons:
            persons.append((await within(self, subjects, places))[0])
        return persons[:1] * len(subjects)

    async def nobody_anew(self: Deciding, *_: Any) -> list[Any]:
        return []

    mock.patch.object(Decisions, "decide", decided).start()
    mock.patch.object(Deciding, "within", first_within).start()
    mock.patch.object(Deciding, "reconsider", nobody_anew).start()
    mock.patch.object(Deciding, "probed", nobody_anew).start()


def without_compose() -> None:
    """Compose and derive the first household; give its profile for every other."""
    compose, kept = Composer.compose, list[Any]()

    def first_only(self: Composer, *arguments: Any, **more: Any) -> Any:
        if not kept:
            kept.append(compose(self, *arguments, **more))
        return kept[0]

    mock.patch.object(Composer, "compose", first_only).start()


def without_minimise() -> None:
    """Let the whole profile pass."""
    mock.patch.object(gateway.pipeline, "minimise", lambda profile, *_, **__: profile).start()


def without_journal() -> None:
    """Write no entry down; it is still made."""

    async def record(self: SqlJournal, entries: Any) -> None:
        return None

    mock.patch.object(SqlJournal, "record", record).start()


def without_ledger() -> None:
    """Read everybody's consent from memory, where one question has put the first person's."""
    standings, kept = SqliteLedger.standings, list[Any]()

    async def remembered(self: SqliteLedger, subjects: Sequence[Any], *arguments: Any) -> Any:
        if not kept:
            kept.append((await standings(self, subjects, *arguments))[0])
        return kept[:1] * len(subjects)

    mock.patch.object(SqliteLedger, "standings", remembered).start()


def without_collector() -> None:
    """Look for cycles of garbage very rarely."""
    gc.set_threshold(100_000, 50, 50)


def without_nothing() -> None:
    """Leave everything on, as the control of a run."""


WITHOUT: Final[Mapping[str, Callable[[], None]]] = {
    "nothing": without_nothing,
    "token": without_token,
    "admit": without_admit,
    "decide": without_decide,
    "ledger": without_ledger,
    "compose": without_compose,
    "minimise": without_minimise,
    "journal": without_journal,
    "collector": without_collector,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--address-file", type=Path, required=True)
    parser.add_argument("--without", default="nothing")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    for duty in arguments.without.split("+"):
        WITHOUT[duty]()
    gateway.server.serve(
        load(arguments.config), arguments.address_file, until_stdin_closes=True, workers=arguments.workers
    )

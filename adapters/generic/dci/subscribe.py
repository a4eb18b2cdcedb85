"""The events of one registry that speaks DCI: subscribing, and ending that; what happens arrives by callback."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from adapters.generic.dci.asynchronous import HEADERS, taken
from adapters.generic.dci.request import Requests
from adapters.reading import Reader
from adapters.said import unheard
from standards.dci.codes import normal_reg_type
from standards.dci.events import EventKind, wire_event
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.generic.dci.trust import Sealing
    from adapters.manifest import Manifest
    from adapters.ports import Deadline, EventWish, SourceClient
    from adapters.transport.guard import Guarded


class DciEvents:
    """Subscriptions at one registry, within the limits of its guard.

    place: where it calls back, up to the operation's own path; empty in an environment without an address.
    """

    def __init__(
        self,
        manifest: Manifest,
        client: SourceClient,
        guarded: Guarded,
        sealing: Sealing | None,
        place: str,
        *,
        new_id: Callable[[], str],
    ) -> None:
        """Write down what every wish states.

        Raises: ConfigurationError when a kind of event has no word.
        """
        options = manifest.dci
        assert options is not None  # noqa: S101 - only the DCI driver makes one
        self._client, self._guarded, self._sealing, self._place = client, guarded, sealing, place
        self._requests, self._read, self._new_id = Requests(manifest), Reader(manifest.id), new_id
        self._reg_type, self._dialect = options.reg_type, options.spoken
        persons = [lookup for lookup in manifest.lookups if lookup.entity == "person"] or list(manifest.lookups)
        self.identifier_types = options.event_identifiers or persons[0].by
        person = options.lookups[persons[0].name]
        self._types, self._record_type = person.identifier_types, person.reg_record_type
        self._locale = options.locale or self._dialect.locale
        self.kinds = frozenset(options.events)
        reg_type = normal_reg_type(options.reg_type)
        self._words: dict[EventKind, str] = {}
        for kind in options.events:
            word = options.event_words.get(kind) or (wire_event(kind, reg_type) if reg_type else None)
            if word is None:
                raise ConfigurationError(
                    f"registry {manifest.id}: the standard has no word for {kind} of its type; give `dci.event_words`"
                )
            self._words[kind] = word

    async def subscribe(self, wish: EventWish, deadline: Deadline) -> str | None:
        """Ask the registry to tell when something happens; EventSource says more."""
        return await self._guarded.ask(self._subscribe, wish, deadline)

    async def unsubscribe(self, codes: Sequence[str], transaction_id: str, deadline: Deadline) -> str | None:
        """End subscriptions by the registry's own codes."""
        return await self._guarded.ask(self._unsubscribe, (tuple(codes), transaction_id), deadline)

    async def _subscribe(self, wish: EventWish, deadline: Deadline) -> str | None:
        criteria = {
            "version": "1.0.0",
            "reg_type": self._reg_type,
            "reg_event_type": self._words[wish.kind],
            "filter_type": "idtype-value",
            "filter": {"type": self._types.get(wish.subject.type, wish.subject.type), "value": wish.subject.value},
            "notify_record_type": self._record_type,
        }
        request = {
            "reference_id": wish.reference_id,
            "timestamp": datetime.now(UTC).isoformat(),
            "subscribe_criteria": criteria,
            "locale": self._locale,
        }
        content = {"subscribe_request": [request]}
        return await self._send("subscribe", self._dialect.subscribe, content, wish.transaction_id, deadline)

    async def _unsubscribe(self, asked: tuple[tuple[str, ...], str], deadline: Deadline) -> str | None:
        codes, transaction_id = asked
        now = datetime.now(UTC).isoformat()
        content: dict[str, Any] = {"timestamp": now, "subscription_codes": list(codes)}
        if self._dialect.misspelt:
            content |= {"timesstamp": now, "sunscription_codes": list(codes)}
        return await self._send("unsubscribe", self._dialect.unsubscribe, content, transaction_id, deadline)

    async def _send(
        self, action: str, path: str, content: Mapping[str, Any], transaction_id: str, deadline: Deadline
    ) -> str | None:
        sender_uri = f"{self._place}/registry/on-{action}" if self._place else ""
        body = self._requests.other(action, self._new_id(), content, transaction_id, sender_uri)
        if self._sealing is not None:
            body = await self._sealing.sealed(body, deadline)
        with unheard():
            response = await self._client.send(
                "POST", self._dialect.prefix + path, deadline, headers=HEADERS, body=body
            )
        return taken(self._read, response) or None

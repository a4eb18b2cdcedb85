"""Messages to a registry, put together from pieces that never change and the little that does."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from adapters.generic.dci.options import DciLookup, Purpose
    from adapters.manifest import Manifest
    from standards.identifiers import Identifier

_VERSION: Final = "1.0.0"
_CONSENT: Final = "https://schema.spdci.org/common/v1/api-schemas/Consent.jsonld"
_LARGEST: Final = 2**53
"""Beyond this, a number of JSON does not arrive as it was sent everywhere."""


class Requests:
    """The messages to one registry, in its dialect. Pieces and messages are JSON text."""

    def __init__(self, manifest: Manifest) -> None:
        """Write the pieces; the manifest must have DCI options."""
        options = manifest.dci
        assert options is not None  # noqa: S101 - the manifest's model keeps `speaks: dci` and `dci` together
        self._dialect = options.spoken
        self._reg_type, self._as_of_member = options.reg_type, options.as_of_member
        sides = {"sender_id": options.sender_id, "receiver_id": options.receiver_id or manifest.id}
        self._sides = _json(sides)[1:-1]
        self._locale = options.locale or self._dialect.locale
        self._has_numbers = self._dialect.transaction_ids == "number"
        consent = _consent(options.consent) if options.consent else None
        self._inside = {"consent": consent} if consent and self._dialect.consent_place == "inside" else {}
        beside = {"consent": consent} if consent and not self._inside else {}
        self._rest = f",{_json({'locale': self._locale} | beside)[1:-1]}}}"
        self._by_number = {
            lookup.name: {type_: self._numbered(options.lookups[lookup.name], type_) for type_ in lookup.by}
            for lookup in manifest.lookups
        }

    def criteria(self, asked: DciLookup) -> dict[str, Any]:
        """Return what every search of a lookup states."""
        criteria: dict[str, Any] = {"version": _VERSION, "reg_type": asked.reg_type or self._reg_type}
        if self._dialect.criteria != "event_type":
            criteria["reg_record_type"] = asked.reg_record_type
        if self._dialect.criteria != "record_type":
            criteria["reg_event_type"] = asked.reg_event_type
        entity = {"response_entity": asked.response_entity} if asked.response_entity else {}
        return criteria | entity | self._inside

    def by_number(self, lookup: str, subject: Identifier, as_of: date | None) -> str:
        """Return the criteria that find one subject, as of a past day if one is given.

        Raises: KeyError when the lookup is not asked by numbers of the subject's type.
        """
        day = ""
        if as_of is not None and self._as_of_member is not None:
            day = f",{_json(self._as_of_member)}:{_json(as_of.isoformat())}"
        before, after = self._by_number[lookup][subject.type]
        return f"{before}{_text(subject.value)}{after}{day}}}"

    def message(self, message_id: str, criteria: Sequence[str], transaction_id: str, sender_uri: str = "") -> bytes:
        """Return a whole search message; its items are referred to as `references` says.

        sender_uri: where the answer is to be sent, for a registry that calls back.
        """
        id_, now = _text(message_id), _text(datetime.now(UTC).isoformat())
        open_id = id_[:-1]
        rest = f'","timestamp":{now},"search_criteria":'
        items = ",".join(
            [
                f'{{"reference_id":{open_id}-{place}{rest}{one}{self._rest}'
                for place, one in enumerate(criteria, start=1)
            ]
        )
        transaction = self._transaction(transaction_id, id_)
        sides = f'"sender_uri":{_json(sender_uri)},{self._sides}' if sender_uri else self._sides
        return (
            f'{{"header":{{"version":"{_VERSION}","message_id":{id_},"message_ts":{now},"action":"search",'
            f'{sides},"total_count":{len(criteria)},"is_msg_encrypted":false}},"message":{{"transaction_id":'
            f'{transaction},"search_request":[{items}]}}}}'
        ).encode()

    def other(
        self, action: str, message_id: str, content: Mapping[str, Any], transaction_id: str, sender_uri: str = ""
    ) -> bytes:
        """Return a message of another operation than search: what it holds beside its transaction id is `content`."""
        id_, now = _text(message_id), _text(datetime.now(UTC).isoformat())
        sides = f'"sender_uri":{_json(sender_uri)},{self._sides}' if sender_uri else self._sides
        return (
            f'{{"header":{{"version":"{_VERSION}","message_id":{id_},"message_ts":{now},"action":{_json(action)},'
            f'{sides},"total_count":1,"is_msg_encrypted":false}},"message":{{"transaction_id":'
            f"{self._transaction(transaction_id, id_)},{_json(dict(content))[1:-1]}}}}}"
        ).encode()

    def stated_transaction(self, message_id: str, transaction_id: str) -> str:
        """Return the transaction id of a message as text: as the registry will write it in what belongs to it."""
        return str(orjson.loads(self._transaction(transaction_id, _text(message_id))))

    def _transaction(self, transaction_id: str, message_id: str) -> str:
        """Return the transaction id as JSON; without one, a message is a transaction of its own."""
        if self._has_numbers:
            digest = hashlib.sha256((transaction_id or message_id).encode()).digest()
            return str(int.from_bytes(digest[:8]) % _LARGEST)
        return _text(transaction_id) if transaction_id else message_id

    def _numbered(self, asked: DciLookup, type_: str) -> tuple[str, str]:
        """Return the criteria by a number of one type: what stands before the number itself, and what after."""
        word = _json(asked.identifier_types.get(type_, type_))
        start = _json(self.criteria(asked) | {"query_type": self._dialect.query_type})[:-1]
        if self._dialect.query_form == "nested":
            return f'{start},"query":{{"type":"idtype-value","value":{{"id_type":{word},"id_value":', "}}"
        return f'{start},"query":{{"type":{word},"value":', "}"


def references(message_id: str, count: int) -> list[str]:
    """Return the reference ids of a message's items, in their order."""
    return [f"{message_id}-{place}" for place in range(1, count + 1)]


def _consent(purpose: Purpose) -> dict[str, Any]:
    stated = {"code": purpose.code, "text": purpose.text, "ref_uri": purpose.ref_uri}
    return {
        "@context": _CONSENT,
        "@type": "Consent",
        "purpose": {name: value for name, value in stated.items() if value is not None},
    }


def _text(value: str) -> str:
    """Return a text as JSON; one of letters and digits, as most numbers are, without a further call."""
    return f'"{value}"' if value.isalnum() and value.isascii() else _json(value)


def _json(content: Any) -> str:
    return orjson.dumps(content).decode()

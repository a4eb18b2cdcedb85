"""Search messages of the 2025 release, put together from pieces that never change and the little that does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from adapters.manifest import DciLookup, Manifest
    from standards.identifiers import Identifier

_VERSION: Final = "1.0.0"


class Requests:
    """The messages to one registry. Pieces and messages are JSON text."""

    def __init__(self, manifest: Manifest) -> None:
        """Write the pieces; the manifest must have DCI options."""
        options = manifest.dci
        assert options is not None  # noqa: S101 - the manifest's model keeps `speaks: dci` and `dci` together
        self._reg_type, self._as_of_member = options.reg_type, options.as_of_member
        sides = {"sender_id": options.sender_id, "receiver_id": options.receiver_id or manifest.id}
        self._sides = _json(sides)[1:-1]
        self._locale = _json(options.locale)
        self._by_number = {
            lookup.name: {type_: self._numbered(options.lookups[lookup.name], type_) for type_ in lookup.by}
            for lookup in manifest.lookups
        }

    def criteria(self, asked: DciLookup) -> dict[str, Any]:
        """Return what every search of a lookup states."""
        criteria = {"version": _VERSION, "reg_type": self._reg_type, "reg_record_type": asked.reg_record_type}
        return criteria | ({"response_entity": asked.response_entity} if asked.response_entity else {})

    def by_number(self, lookup: str, subject: Identifier, as_of: date | None) -> str:
        """Return the criteria that find one subject, as of a past day if one is given.

        Raises: KeyError when the lookup is not asked by numbers of the subject's type.
        """
        day = ""
        if as_of is not None and self._as_of_member is not None:
            day = f",{_json(self._as_of_member)}:{_json(as_of.isoformat())}"
        return f"{self._by_number[lookup][subject.type]}{_text(subject.value)}}}{day}}}"

    def message(self, message_id: str, criteria: Sequence[str], transaction_id: str) -> bytes:
        """Return a whole message; its items are referred to as `references` says."""
        id_, now = _text(message_id), _text(datetime.now(UTC).isoformat())
        open_id = id_[:-1]
        rest = f'","timestamp":{now},"search_criteria":'
        items = ",".join(
            [
                f'{{"reference_id":{open_id}-{place}{rest}{one},"locale":{self._locale}}}'
                for place, one in enumerate(criteria, start=1)
            ]
        )
        return (
            f'{{"header":{{"version":"{_VERSION}","message_id":{id_},"message_ts":{now},"action":"search",'
            f'{self._sides},"total_count":{len(criteria)},"is_msg_encrypted":false}},"message":{{"transaction_id":'
            f'{_text(transaction_id) if transaction_id else id_},"search_request":[{items}]}}}}'
        ).encode()

    def _numbered(self, asked: DciLookup, type_: str) -> str:
        """Return the criteria by a number of one type up to where the number itself stands."""
        query = {"type": asked.identifier_types.get(type_, type_)}
        whole = _json(self.criteria(asked) | {"query_type": "idtype-value", "query": query})
        return f'{whole.removesuffix("}}")},"value":'


def references(message_id: str, count: int) -> list[str]:
    """Return the reference ids of a message's items, in their order."""
    return [f"{message_id}-{place}" for place in range(1, count + 1)]


def _text(value: str) -> str:
    """Return a text as JSON; one of letters and digits, as most numbers are, without a further call."""
    return f'"{value}"' if value.isalnum() and value.isascii() else _json(value)


def _json(content: Any) -> str:
    return orjson.dumps(content).decode()

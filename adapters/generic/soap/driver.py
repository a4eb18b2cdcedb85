"""The SOAP driver: any registry with a SOAP 1.1 service and a WSDL, set up by its manifest alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from adapters.generic.asking.over_http import example_way, open_way
from adapters.generic.mapping.paths import UnexpectedTypeError
from adapters.generic.mapping.records import Found, Records
from adapters.generic.soap.reply import NoRecord, Replies, found_by
from adapters.generic.soap.request import ANY, Requests, stated
from adapters.generic.soap.wsdl import operation
from adapters.ports import SourceAnswer
from adapters.reading import Reader
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from adapters.generic.soap.options import SoapLookup, SoapOptions
    from adapters.manifest import Lookup, Manifest
    from adapters.ports import Deadline, Fetch, Response, SourceClient
    from standards.identifiers import Identifier

__all__ = ["SoapAdapter", "build", "example_way", "open_way"]


class SoapAdapter:
    """One operation of a SOAP service for each lookup, asked about everyone in one call where it takes many."""

    def __init__(self, manifest: Manifest, client: SourceClient) -> None:
        """Read the WSDL, and write every request once.

        Raises: ConfigurationError when the WSDL cannot be used, or the arguments do not fit it.
        """
        self.manifest, self._client = manifest, client
        self._options = cast("SoapOptions", manifest.soap)
        self._lookups = {lookup.name: _Lookup(manifest, lookup) for lookup in manifest.lookups}

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask about everyone in one call."""
        lookup = self._lookups[request.lookup]
        body = lookup.requests.body(request.subjects, request.as_of, request.transaction_id)
        response = await self._client.send("POST", self._options.path, deadline, headers=lookup.headers, body=body)
        return lookup.answer(response, request.subjects, request.names, request.as_of)


class _Lookup:
    """One lookup, compiled."""

    def __init__(self, manifest: Manifest, lookup: Lookup) -> None:
        options = cast("SoapOptions", manifest.soap)
        asked = options.lookups[lookup.name]
        _check(manifest.id, lookup, asked)
        self._reader = Reader(manifest.id)
        found = operation(options, asked.operation)
        self.records = Records(manifest.id, manifest.records[lookup.name])
        self.requests = Requests(manifest.id, asked, found, lookup.by, self.records.written)
        self.headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{found.action}"'}
        self._replies = Replies(manifest.id, asked, found)
        self._not_found = {type_: found_by(manifest.id, path) for type_, path in asked.not_found.items()}
        self._expected = [
            (path, found_by(manifest.id, path), one, cast("str", stated(one, None, "")))
            for path, one in asked.expected.items()
        ]

    def answer(
        self, response: Response, subjects: Sequence[Identifier], names: frozenset[str], as_of: date | None
    ) -> SourceAnswer:
        """Return what a response says of everyone who was asked about."""
        content = self._replies.content(response)
        if isinstance(content, NoRecord):
            return SourceAnswer(dict.fromkeys(subjects))
        records = self._replies.records(content)
        for path, find, argument, usual in self._expected:
            wanted = usual if as_of is None else stated(argument, as_of, "")
            for record in records:
                found = find(record)
                if found is not None and found != wanted:
                    self._check_expected(path, found, wanted)
        absent = self._absent(content, subjects)
        answer = self.records.answer(Found(records, absent), subjects, names)
        if any(answer.records[subject] is not None for subject in absent):
            self._reader.refuse("records", "hold somebody of whom the answer says that there is nobody")
        return answer

    def _check_expected(self, path: str, found: object, wanted: str | None) -> None:
        for told in _listed(found):
            if self._reader.written(path, told) != wanted:
                self._reader.refuse(path, "not what is expected")

    def _absent(self, content: Any, subjects: Sequence[Identifier]) -> frozenset[Identifier]:
        """Return whom the answer names as unknown; they must be among those asked about."""
        absent: set[Identifier] = set()
        for type_, find in self._not_found.items():
            try:
                numbers = _listed(find(content))
            except UnexpectedTypeError as error:
                self._reader.refuse("not_found", str(error))
            absent |= self.records.as_asked(numbers, type_) if numbers else frozenset()
        if absent - set(subjects):
            self._reader.wrong_subject("not_found")
        return frozenset(absent)


def _listed(found: object) -> list[Any]:
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _check(source_id: str, lookup: Lookup, asked: SoapLookup) -> None:
    """Refuse a lookup whose manifest promises what its request does not ask for.

    Raises: ConfigurationError.
    """
    at = f"registry {source_id}, lookup {lookup.name}"
    if lookup.by_traits is not None:
        raise ConfigurationError(f"{at}: SOAP services are asked by numbers, so `by_traits` needs another driver")
    if lookup.batch > 1 and not asked.is_batched:
        raise ConfigurationError(
            f"{at}: its request takes one number, so set `batch: 1` (or mark what is repeated: `[]`)"
        )
    if lookup.batch > 1 and "no_record" in asked.faults.values():
        raise ConfigurationError(f"{at}: a fault that means `no_record` says so of one number: set `batch: 1`")
    if lookup.as_of and not any(one.carries_the_day for one in asked.arguments.values()):
        raise ConfigurationError(f"{at}: `as_of` needs an argument with `day`, or a `year` with `as_of: ended`")
    taken = {argument.number for argument in asked.arguments.values()}
    if ANY not in taken and (unasked := sorted(set(lookup.by) - taken)):
        raise ConfigurationError(f"{at}: no argument takes a number of type {unasked[0]}")
    if strangers := sorted(set(asked.not_found) - set(lookup.by)):
        raise ConfigurationError(f"{at}: `not_found` names {strangers[0]}, by which nobody is asked about")


def build(manifest: Manifest, client: SourceClient) -> SoapAdapter:
    """Return the adapter, ready to be asked.

    Raises: ConfigurationError.
    """
    return SoapAdapter(manifest, client)

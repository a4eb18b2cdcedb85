"""Resources of a FHIR server, put together by whom they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.generic.mapping.paths import finder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adapters.generic.fhir.bundles import Entry
    from adapters.generic.fhir.options import FhirLookup
    from adapters.reading import Reader

Person = dict[str, Any]
"""One record: the person's own resource, and lists of what refers to it, each under the name of its search."""


class People:
    """How the resources of one lookup are put together.

    Raises: ValueError when a path to a reference is no JMESPath.
    """

    def __init__(self, reader: Reader, lookup: FhirLookup) -> None:
        self._read, self._name = reader, lookup.people
        self._type = lookup.searches[self._name].type or self._name
        self._subjects = {
            name: finder(search.subject) for name, search in lookup.searches.items() if search.subject is not None
        }

    def records(self, found: Mapping[str, Iterable[Entry]]) -> list[Person]:
        """Return one record for each person found.

        Raises: SourceContractError for a resource about anybody else, or about nobody in particular.
        """
        others = [name for name in found if name != self._name]
        people = _Known(self._type)
        records = []
        for entry in found[self._name]:
            person: Person = {self._name: entry.resource}
            for name in others:
                person[name] = []
            people.add(entry, person)
            records.append(person)
        for name in others:
            for entry in found[name]:
                self._whose(people, name, entry.resource)[name].append(entry.resource)
        return records

    def _whose(self, people: _Known, name: str, resource: Mapping[str, Any]) -> Person:
        stated = self._subjects[name](resource)
        reference = stated if isinstance(stated, str) else self._read.record(f"{name} subject", stated).get("reference")
        person = people.by_reference(self._read.text("reference", reference))
        if person is None and isinstance(stated, dict) and isinstance(stated.get("identifier"), dict):
            person = people.by_number(stated["identifier"])
        if person is None:
            self._read.wrong_subject(f"{name} subject")
        return person


class _Known:
    """The people of one answer, by whatever others may refer to them by."""

    def __init__(self, type_: str) -> None:
        self._type = type_
        self._by_url: dict[str, Person] = {}
        self._by_id: dict[str, Person] = {}
        self._by_number: dict[tuple[str, str], Person | None] = {}

    def add(self, entry: Entry, person: Person) -> None:
        resource = entry.resource
        if entry.full_url is not None:
            self._by_url[entry.full_url] = person
        if entry.id is not None:
            self._by_id[f"{self._type}/{entry.id}"] = person
        stated = resource.get("identifier")
        for one in stated if isinstance(stated, list) else [stated]:
            system, value = (one.get("system"), one.get("value")) if isinstance(one, dict) else (None, None)
            if isinstance(system, str) and isinstance(value, str | int):
                key = system, str(value)
                # A number that two of them have names neither.
                self._by_number[key] = None if key in self._by_number else person

    def by_reference(self, reference: str | None) -> Person | None:
        """Return whom a reference names: `Patient/1`, the same with its version, or the address of the resource.

        INVARIANT: the address of a resource on another server names nobody here, though its last parts be the same.
        """
        if reference is None:
            return None
        bare = reference.partition("/_history/")[0]
        person = self._by_id.get(bare) or self._by_url.get(bare)
        if person is None and not self._by_url and "://" in bare:
            # A server that gives no addresses of its own resources can only mean them.
            person = self._by_id.get("/".join(bare.rsplit("/", 2)[1:]))
        return person

    def by_number(self, stated: Mapping[str, Any]) -> Person | None:
        """Return whom a logical reference names: by system and value."""
        return self._by_number.get((str(stated.get("system")), str(stated.get("value"))))

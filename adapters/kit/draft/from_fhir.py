"""Drafts from a FHIR CapabilityStatement: the search for people that its server offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.kit.draft.shapes import Asked, Decide, Seen, Shape
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PEOPLE: Final = ("Patient", "Person")
_FIELDS: Final = (
    Seen("{}.name[0].given[0]", "given_name"),
    Seen("{}.name[0].family", "surname"),
    Seen("{}.gender", "sex", codes=("male", "female", "other", "unknown")),
    Seen("{}.birthDate", "birth_date"),
    Seen("{}.meta.lastUpdated", "last_updated"),
)
"""What FHIR R4 says of people, whoever the server is."""
_SYSTEM: Final = "urn:ns:of-the-number"
_OF_THE_SERVER: Final = frozenset(
    [
        "CapabilityStatement",
        "CodeSystem",
        "ConceptMap",
        "OperationDefinition",
        "SearchParameter",
        "StructureDefinition",
        "Subscription",
        "ValueSet",
    ]
)
"""Types of resources that are about the server itself, and about nobody."""
_SHOWN: Final = 20


def from_capabilities(statement: Mapping[str, Any]) -> Shape:
    """Return the registry behind a server: its people by `identifier`, everything else to be added.

    Raises: ConfigurationError when the statement is none, or its server has no search for people.
    """
    rests = [one for one in statement.get("rest") or () if isinstance(one, dict) and one.get("mode") == "server"]
    resources = {str(one.get("type")): one for rest in rests for one in rest.get("resource") or ()}
    kind = next((one for one in _PEOPLE if one in resources), None)
    if kind is None:
        raise ConfigurationError("the CapabilityStatement has no Patient and no Person: see `fhir` in the guide")
    stated = resources[kind].get("interaction")
    if stated is not None and not any(one.get("code") == "search-type" for one in stated):
        raise ConfigurationError(f"the server reads {kind} by its own id only, and cannot search for people")
    parameters = {one.get("name") for one in resources[kind].get("searchParam") or ()}
    by = {"parameter": "identifier", "system": _SYSTEM}
    asked_by = Decide(by, "by which number people are found, and its namespace; the same stands in `records`")
    search: Any = {"by": {"UIN": asked_by}}
    if "identifier" not in parameters:
        search = Decide(search, "the server lists no `identifier` among its search parameters")
    interactions = {one.get("code") for rest in rests for one in rest.get("interaction") or ()}
    options: dict[str, Any] = {"searches": {kind: search}, "batch": bool(interactions & {"batch", "transaction"})}
    fields = tuple(seen._replace(path=seen.path.format(kind)) for seen in _FIELDS)
    path = f"{kind}.identifier[?system=='{_SYSTEM}'].value | [0]"
    number = Seen(path, "UIN", question="the namespace of the number, as in `by`")
    asked = Asked(kind.lower(), (number, *fields), options, ("UIN",), 50)
    implementation = statement.get("implementation") or {}
    title = str(statement.get("title") or implementation.get("description") or statement.get("name") or "")
    auth = {"kind": "bearer", "token": "env:HEARTH_{ID}_TOKEN"}
    return Shape("fhir", (asked,), title, auth, {}, str(implementation.get("url", "")), _notes(statement, resources))


def _notes(statement: Mapping[str, Any], resources: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the server says that a draft has no place for."""
    notes = ["decide: whether the server counts what it found (`total`); if not, `silence: no_record` of `records`."]
    version = str(statement.get("fhirVersion", ""))
    if version and not version.startswith("4."):
        notes.append(f"decide: the server speaks FHIR {version}; Hearth asks as R4 (4.0) does.")
    others = sorted(set(resources) - set(_PEOPLE) - _OF_THE_SERVER)
    if others:
        notes.append(f"The server also holds {', '.join(others[:_SHOWN])}: add searches as the guide shows.")
    return tuple(notes)

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


def from_capabilities(statement: Mapping[str, Any]) -> Shape:
    """Return the registry behind a server: its people by `identifier`, everything else to be added.

    Raises: ConfigurationError when the statement is none, or its server has no search for people.
    """
    rests = [one for one in statement.get("rest") or () if isinstance(one, dict) and one.get("mode") == "server"]
    resources = {one.get("type"): one for rest in rests for one in rest.get("resource") or ()}
    kind = next((one for one in _PEOPLE if one in resources), None)
    if kind is None:
        raise ConfigurationError("the CapabilityStatement has no Patient and no Person: see `fhir` in the guide")
    parameters = {one.get("name") for one in resources[kind].get("searchParam") or ()}
    system = Decide({"parameter": "identifier", "system": "urn:ns:of-the-number"}, "the namespace of the number")
    search: dict[str, Any] = {"by": {"UIN": Decide(system, "by which number people are found")}}
    if "identifier" not in parameters:
        search = Decide(search, "the server lists no `identifier` among its search parameters")  # type: ignore[assignment]
    interactions = {one.get("code") for rest in rests for one in rest.get("interaction") or ()}
    options: dict[str, Any] = {"searches": {kind: search}, "batch": bool(interactions & {"batch", "transaction"})}
    fields = tuple(seen._replace(path=seen.path.format(kind)) for seen in _FIELDS)
    number = Seen(f"{kind}.identifier[?system=='urn:ns:of-the-number'].value | [0]", "UIN")
    asked = Asked(kind.lower(), (number, *fields), options, ("UIN",), 50)
    auth = {"kind": "bearer", "token": "env:HEARTH_{ID}_TOKEN"}
    where = str((statement.get("implementation") or {}).get("url", ""))
    others = sorted(set(resources) - set(_PEOPLE))
    notes = (
        (f"The server also holds {', '.join(map(str, others[:20]))}: add searches as the guide shows.",)
        if others
        else ()
    )
    return Shape("fhir", (asked,), str(statement.get("title") or statement.get("name") or ""), auth, {}, where, notes)

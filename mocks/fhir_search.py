"""FHIR searches: what a query asks for, and whether a resource answers it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

Resource = dict[str, Any]

DEFAULT_COUNT: Final = 100
MOST_COUNT: Final = 1000
SUBJECT: Final[Mapping[str, tuple[str, ...]]] = {
    "Patient": ("_id",),
    "Encounter": ("patient", "subject"),
    "Immunization": ("patient",),
    "Coverage": ("beneficiary", "patient"),
    "Observation": ("patient", "subject"),
}
"""The parameters that name patients by patient number, per resource type; the first is its own name for them."""
TOKENS: Final[Mapping[str, tuple[str, ...]]] = {"Patient": ("identifier",), "Observation": ("code",)}
"""The parameters that take `system|value`."""
INCLUDED: Final = {f"{kind}:{SUBJECT[kind][0]}": kind for kind in SUBJECT if kind != "Patient"}
"""What `_revinclude` of patients may name."""
_COMMA: Final = re.compile(r"(?<!\\),")


class FhirError(Exception):
    """A request that cannot be answered; `code` is a FHIR issue type, the text holds no value asked for."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text


class Token(NamedTuple):
    """One `system|value`; system None stands for any."""

    system: str | None
    value: str

    def is_in(self, codings: Iterable[Mapping[str, str]], member: str) -> bool:
        """Tell whether one of the identifiers or codings is this one; `member` holds their value."""
        return any(coding[member] == self.value and self.system in {None, coding["system"]} for coding in codings)


class Search(NamedTuple):
    """One search. Every element of `patients` and of `tokens` must hold; within one, any value will do."""

    type: str
    patients: tuple[frozenset[str], ...] = ()
    tokens: tuple[tuple[Token, ...], ...] = ()
    included: tuple[str, ...] = ()
    page_size: int = DEFAULT_COUNT
    page: int = 1

    def takes(self, resource: Resource) -> bool:
        """Tell whether a resource of this type has all the tokens asked for."""
        codings, member = (
            (resource["identifier"], "value")
            if self.type == "Patient"
            else (resource.get("code", {}).get("coding", ()), "code")
        )
        return all(any(token.is_in(codings, member) for token in choice) for choice in self.tokens)


def search_of(type_: str, parameters: Iterable[tuple[str, str]]) -> Search:
    """Read a search from its parameters.

    Raises: FhirError for an unknown type or parameter, and for a search that names nobody.
    """
    if type_ not in SUBJECT:
        raise FhirError(404, "not-supported", "this resource type is not held here")
    patients, tokens, included = [], [], []
    size = {"_count": DEFAULT_COUNT, "_page": 1}
    for name, value in parameters:
        if name in SUBJECT[type_]:
            patients.append(frozenset(part.removeprefix("Patient/") for part in _choices(value)))
        elif name in TOKENS.get(type_, ()):
            tokens.append(tuple(_token(part) for part in _choices(value)))
        elif name == "_revinclude" and type_ == "Patient" and value in INCLUDED:
            included.append(INCLUDED[value])
        elif name in size:
            size[name] = _whole(name, value)
        elif name != "_format":
            raise FhirError(400, "not-supported", f"a search of {type_} takes no such parameter")
    if not patients and (type_ != "Patient" or not tokens):
        raise FhirError(400, "too-costly", f"a search of {type_} names patients")
    page_size = min(size["_count"], MOST_COUNT)
    return Search(type_, tuple(patients), tuple(tokens), tuple(included), page_size, size["_page"])


def _choices(value: str) -> list[str]:
    """Split at commas; a comma after a backslash belongs to the value."""
    parts = [part.strip().replace("\\,", ",") for part in _COMMA.split(value)]
    if not all(parts):
        raise FhirError(400, "value", "a parameter or one of its values is empty")
    return parts


def _token(text: str) -> Token:
    """Read `system|value` or a bare value."""
    system, bar, value = text.rpartition("|")
    return Token(system if bar else None, value)


def _whole(name: str, text: str) -> int:
    """Read a whole number from 1."""
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) >= 1):
        raise FhirError(400, "value", f"{name} is a whole number from 1")
    return int(text)

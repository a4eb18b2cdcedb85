"""Our JSON-LD contexts, built from the catalogue: what every term of our records and extension objects means.

Served under `/contexts/v1/{name}.jsonld`. They are for others to read; Hearth itself never fetches a context.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from standards.attributes import Catalogue, ValueType
from standards.dci.place import OBJECT_TYPES, OTHERS, Container
from standards.dci.shapes import shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from standards.attributes import AttributeDefinition

VOCABULARY: Final = "urn:hearth:v1:"
"""What the prefix `hearth` stands for: names, not addresses, so that every country's Hearth means the same."""
CORE: Final = "https://schema.spdci.org/core/v1/data/"
"""Home of the standard's core classes."""

HOUSEHOLD: Final = "VirtualHousehold"
"""Name of the context of whole records: a household, its members, and everything about them."""

_XSD: Final = {
    ValueType.STRING: "xsd:string",
    ValueType.DATE: "xsd:date",
    ValueType.INTEGER: "xsd:integer",
    ValueType.DECIMAL: "xsd:decimal",
    ValueType.BOOLEAN: "xsd:boolean",
    ValueType.MONEY: "xsd:integer",
}

_CORE_CLASSES: Final = ("Group", "Member", "SRPerson")
_CORE_OBJECTS: Final = ("demographic_info", "name", "group_head_info")
_CORE_LISTS: Final = (
    *("member_identifier", "group_identifier", "identifier", "address", "disability_info"),
    *("member_list", "additional_attributes"),
)
_CORE_TEXTS: Final = ("identifier_type", "identifier_value", "group_type", "value")


def context_names() -> tuple[str, ...]:
    """Return the names of all contexts: one for whole records, and one per extension object."""
    return (HOUSEHOLD, *(type_.partition(":")[2] for type_ in OBJECT_TYPES.values() if ":" in type_))


@lru_cache(maxsize=32)
def context(name: str) -> dict[str, Any]:
    """Return the context document of that name; it is shared, so leave it as it is.

    Raises: KeyError when there is none.
    """
    catalogue = Catalogue.load()
    if name == HOUSEHOLD:
        own = _own_terms(catalogue)
        return {"@context": _prefixes() | _registry_terms(catalogue) | _core_terms() | own}
    type_ = f"hearth:{name}"
    key = {v: k for k, v in OBJECT_TYPES.items()}[type_]
    return {"@context": _prefixes() | {type_: _object_type(type_, key, catalogue)}}


def _prefixes() -> dict[str, Any]:
    return {
        "@version": 1.1,
        "hearth": VOCABULARY,
        "spdci": CORE,
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    }


def _core_terms() -> dict[str, Any]:
    """The standard's own terms that our records use, apart from those the catalogue places."""
    return {
        **{name: f"spdci:{name}" for name in (*_CORE_CLASSES, *_CORE_OBJECTS, *_CORE_TEXTS)},
        **{name: {"@id": f"spdci:{name}", "@container": "@set"} for name in _CORE_LISTS},
        "hearth:form": {"@id": "hearth:form", "@type": "xsd:string"},
        "hearth:relationship_to_head": _code("hearth:relationship_to_head", "Relationship"),
        f"hearth:{HOUSEHOLD}": {"@id": f"hearth:{HOUSEHOLD}"},
    }


def _registry_terms(catalogue: Catalogue) -> dict[str, Any]:
    """Terms of the records of single registries, apart from those that other records have too."""
    terms: dict[str, Any] = {}
    for shape in shapes().values():
        terms.setdefault(shape.type, _plain(shape.type))
        terms.setdefault(shape.others, _plain(shape.others))
        if shape.apart is not None:
            for name in (shape.apart.at, *sorted(shape.apart.beside)):
                terms.setdefault(name, {**_plain(name), "@context": {"@vocab": VOCABULARY}})
        for name, place in shape.places.items():
            definition = catalogue[name]
            for container in _around(place.container):
                terms.setdefault(container.key, _plain(container.key))
                if container.type:
                    terms.setdefault(container.type, _plain(container.type))
            within = OBJECT_TYPES.get(definition.place.rpartition(".")[0])
            if definition.type is not ValueType.IDENTIFIER and within != shape.type:
                terms.setdefault(place.key, _term(_plain(place.key)["@id"], definition))
    del terms[OTHERS]
    return terms


def _around(container: Container) -> Iterator[Container]:
    """Yield an object of a record and those around it, but for the record itself."""
    if container.parent is not None:
        yield container
        yield from _around(container.parent)


def _plain(name: str) -> dict[str, Any]:
    return {"@id": name if ":" in name else f"spdci:{name}"}


def _own_terms(catalogue: Iterable[AttributeDefinition]) -> dict[str, Any]:
    """A term for every attribute that stands in a record itself, and a type for every object of ours."""
    definitions = tuple(catalogue)
    terms: dict[str, object] = {}
    for key, type_ in OBJECT_TYPES.items():
        if ":" in key:
            terms[key] = {"@id": key}
            terms[type_] = _object_type(type_, key, definitions)
    for definition in definitions:
        container, _, term = definition.place.rpartition(".")
        if definition.type is ValueType.IDENTIFIER or (container in OBJECT_TYPES and ":" in container):
            continue
        terms[term] = _term(term if ":" in term else f"spdci:{term}", definition)
    return terms


def _object_type(type_: str, key: str, catalogue: Iterable[AttributeDefinition]) -> dict[str, Any]:
    """A type whose members are terms inside it only: `status` means nothing outside a taxpayer."""
    inside = {
        definition.place.rpartition(".")[2]: _term(f"hearth:{definition.name}", definition)
        for definition in catalogue
        if definition.place.rpartition(".")[0] == key
    }
    return {"@id": type_, "@context": inside}


def _term(iri: str, definition: AttributeDefinition) -> dict[str, Any]:
    if definition.codes:
        return _code(iri, definition.codes)
    if definition.type is ValueType.LIST:
        return {"@id": iri, "@container": "@set", "@context": {"@vocab": VOCABULARY}}
    return {"@id": iri, "@type": _XSD[definition.type]}


def _code(iri: str, directory: str) -> dict[str, Any]:
    """A term whose values are codes: each means a name of ours, since the standard's code lists share no home."""
    return {"@id": iri, "@type": "@vocab", "@context": {"@vocab": f"{VOCABULARY}{directory}:"}}

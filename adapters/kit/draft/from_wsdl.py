"""Drafts from a WSDL 1.1 and what it imports: which operations take a number, and what their answers hold."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from adapters.generic.soap.documents import gathered
from adapters.kit.draft.bounds import MOST_FIELDS, MOST_LOOKUPS, OTHERWISE, Budget, lookup_name
from adapters.kit.draft.guessing import number_type
from adapters.kit.draft.shapes import Asked, Decide, Seen, Shape
from adapters.markup import parsed
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from adapters.markup import Element

_W: Final = "{http://schemas.xmlsoap.org/wsdl/}"
_X: Final = "{http://www.w3.org/2001/XMLSchema}"
_S: Final = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_GROUPS: Final = (f"{_X}sequence", f"{_X}all", f"{_X}choice")
_DEPTH: Final = 5
_BATCH: Final = 50
_DOCUMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.(wsdl|xml)")
_SUFFIXES: Final = (".wsdl", ".xsd", ".xml")
_PATH: Final = re.compile(r"/[^\s?#]*")
_KINDS: Final = {
    **dict.fromkeys(("int", "integer", "long", "short", "nonNegativeInteger", "positiveInteger"), "integer"),
    **dict.fromkeys(("decimal", "double", "float"), "number"),
    "boolean": "boolean",
}
_DATES: Final = ("date", "dateTime")
_TRANSACTION: Final = frozenset(("transactionid", "correlationid", "messageid", "requestid"))


class _Part:
    """An element of a message: its name, how often it may stand there, and what is in it."""

    def __init__(self, name: str, kind: str, *, most: int = 1, is_promised: bool = True) -> None:
        self.name, self.kind, self.most, self.is_promised = name, kind, most, is_promised
        self.codes: tuple[str, ...] = ()
        self.parts: list[_Part] = []
        self.attributes: list[str] = []
        self.has_text = False
        """Whether it has attributes beside a text."""

    @property
    def repeats(self) -> bool:
        """Tell whether it may stand there more than once."""
        return self.most != 1


def from_wsdl(path: Path) -> Shape:
    """Return the registry that a WSDL describes; a lookup for each operation that takes a number of a person.

    What it imports is read from beside it, and becomes part of the draft.
    Raises: ConfigurationError when it is no WSDL 1.1 of a SOAP 1.1 service, or no operation takes a number.
    """
    content: dict[str, Any] = gathered({"soap": {"wsdl": path.name}}, path.parent)
    documents: dict[str, str] = content["soap"]["documents"]
    roots = {name: parsed(text.encode()) for name, text in documents.items()}
    if roots[path.name].tag != f"{_W}definitions":
        raise ConfigurationError(f"{path}: not a WSDL 1.1")
    service = _Service(list(roots.values()))
    found = [(operation, number) for operation in service.operations() if (number := service.number(operation))]
    found.sort(key=lambda one: not one[1][1].repeats)
    if not found:
        raise ConfigurationError(f"{path}: no operation takes a number of a person or household{OTHERWISE}")
    taken: dict[str, Asked] = {}
    for operation, (place, part) in found[:MOST_LOOKUPS]:
        name = lookup_name(operation.get("name", ""), taken)
        taken[name] = service.asked(operation, name, place, part)
    wsdl = path.name if _DOCUMENT.fullmatch(path.name) else "service.wsdl"
    if strangers := [name for name in documents if name != path.name and not name.lower().endswith(_SUFFIXES)]:
        raise ConfigurationError(f"{path}: imports {strangers[0]}, which is called neither .xsd nor .wsdl")
    files = {wsdl if name == path.name else name: text.encode() for name, text in documents.items()}
    kind = Decide("basic", "how it knows us, which no WSDL says; behind X-Road most often `auth: {kind: none}`")
    auth = {"kind": kind, "user": "env:HEARTH_{ID}_USER", "password": "env:HEARTH_{ID}_PASSWORD"}
    options, where = service.options(wsdl)
    return Shape("soap", tuple(taken.values()), roots[path.name].get("name") or "", auth, options, where, files=files)


class _Service:
    """What some documents say of services of SOAP 1.1, together."""

    def __init__(self, roots: list[Element]) -> None:
        self._roots, self._types = roots, _Types(roots)
        self._bindings = {
            one.get("name", ""): _local(one.get("type", ""))
            for one in self._every("binding")
            if one.find(f"{_S}binding") is not None
        }

    def operations(self) -> list[Element]:
        """Return the operations that can be called by SOAP 1.1.

        Raises: ConfigurationError when there is no such service.
        """
        if not self._bindings:
            raise ConfigurationError("the WSDL has no binding of SOAP 1.1, which is what Hearth speaks")
        bound = set(self._bindings.values())
        ports = [one for one in self._every("portType") if one.get("name") in bound]
        return [operation for port in ports for operation in port.findall(f"{_W}operation")]

    def options(self, wsdl: str) -> tuple[dict[str, Any], str]:
        """Return what the driver is told of the whole service, and its address."""
        options: dict[str, Any] = {"wsdl": wsdl}
        found = [
            (service.get("name", ""), port.get("name", ""), address.get("location", ""))
            for service in self._every("service")
            for port in service.findall(f"{_W}port")
            if (address := port.find(f"{_S}address")) is not None
        ]
        if len({service for service, _, _ in found}) > 1:
            names = ", ".join(dict.fromkeys(service for service, _, _ in found))
            options["service"] = Decide(found[0][0], f"which service: {names}")
        ports = [port for service, port, _ in found if service == found[0][0]]
        if len(ports) > 1:
            options["port"] = Decide(ports[0], f"which port: {', '.join(ports)}")
        where = found[0][2] if found else ""
        path = urlsplit(where).path
        if len(path) > 1 and _PATH.fullmatch(path):
            options["path"] = Decide(path, "its path, below what stands in the environment as its address")
        return options, where

    def number(self, operation: Element) -> tuple[str, _Part] | None:
        """Return the place in an operation's request where a number of a person stands, and that part of it."""
        for place, part in _places(self._message(operation, "input"), "", is_repeated=False):
            if _meant(part) is not None:
                return place, part
        return None

    def asked(self, operation: Element, name: str, at: str, number: _Part) -> Asked:
        """Return the lookup of an operation."""
        type_ = _meant(number) or ""
        arguments: dict[str, Any] = {}
        most = 1
        for place, part in _places(self._message(operation, "input"), "", is_repeated=False):
            if place == at:
                arguments[place] = {"number": type_}
            elif part.is_promised:
                arguments[place] = Decide(_constant(part), f"what stands at {place}")
            if place == at and "[]" in place:
                most = _BATCH if number.most < 0 else number.most
        said = self._message(operation, "output")
        found, record = _record(said)
        options: dict[str, Any] = {
            "operation": operation.get("name", ""),
            "arguments": arguments,
            "records": found if record else Decide("@", "where its records are"),
        }
        unknown = next((way for way, part in _ways(said, "") if part.repeats and _is_unknown(part)), None)
        if unknown is not None:
            options["not_found"] = {type_: Decide(unknown, "whether it names there whom it does not hold")}
        fields = tuple(islice(_fields(record, "", _DEPTH), MOST_FIELDS))
        return Asked(name, fields, options, (type_,), most)

    def _message(self, operation: Element, kind: str) -> list[_Part]:
        """Return of what a message consists: the parts of its one element, or those that it lists (rpc)."""
        stated = operation.find(f"{_W}{kind}")
        name = _local(stated.get("message", "")) if stated is not None else ""
        message = next((one for one in self._every("message") if one.get("name") == name), None)
        parts = message.findall(f"{_W}part") if message is not None else []
        if len(parts) == 1 and parts[0].get("element"):
            return self._types.inside(_local(parts[0].get("element", "")))
        return [self._types.part(one) for one in parts]

    def _every(self, kind: str) -> Iterator[Element]:
        for root in self._roots:
            yield from root.findall(f"{_W}{kind}")


def _meant(part: _Part) -> str | None:
    """Return the type of number that a part of a request takes."""
    return number_type(part.name) or (number_type(part.name.removesuffix("s")) if part.repeats else None)


def _places(parts: list[_Part], way: str, *, is_repeated: bool) -> Iterator[tuple[str, _Part]]:
    """Return every place of a request that a value stands at; within what repeats, nothing repeats again."""
    for part in parts:
        place = f"{way}{part.name}" + ("[]" if part.repeats and not is_repeated else "")
        if part.parts:
            if part.is_promised or any(_meant(one) for one in part.parts):
                for inner, one in _places(part.parts, f"{place}.", is_repeated=is_repeated or part.repeats):
                    if part.repeats and one.most == 1:
                        one.most = part.most
                    yield inner, one
        else:
            yield place, part


def _constant(part: _Part) -> dict[str, Any]:
    """Return what stands at a place until somebody has decided."""
    if part.name.lower() in _TRANSACTION:
        return {"transaction": True}
    if part.kind in _DATES:
        return {"day": "as_of_or_today"}
    kind = _KINDS.get(part.kind, "string")
    constants: dict[str, Any] = {"boolean": False, "integer": 0, "number": 0}
    return {"constant": part.codes[0] if part.codes else constants.get(kind, "...")}


def _record(parts: list[_Part]) -> tuple[str, list[_Part]]:
    """Return where the records are in an answer, and of what one consists."""
    for part in parts:
        if part.repeats and part.parts:
            return part.name, part.parts
    for part in parts:
        if any(inner.repeats and inner.parts for inner in part.parts):
            path, record = _record(part.parts)
            return f"{part.name}.{path}", record
    inside = [part for part in parts if part.parts]
    if len(inside) == 1 and not any(number_type(part.name) for part in parts):
        path, record = _record(inside[0].parts)
        return (inside[0].name if path == "@" else f"{inside[0].name}.{path}"), record
    return "@", parts


def _ways(parts: list[_Part], way: str) -> Iterator[tuple[str, _Part]]:
    for part in parts:
        if part.parts and not part.repeats:
            yield from _ways(part.parts, f"{way}{part.name}.")
        elif not part.parts:
            yield f"{way}{part.name}", part


def _is_unknown(part: _Part) -> bool:
    return re.sub(r"[^a-z]", "", part.name.lower()).startswith(("unknown", "notfound", "missing"))


def _fields(parts: list[_Part], way: str, depth: int) -> Iterator[Seen]:
    for part in parts:
        if part.parts and depth and not part.repeats:
            yield from _fields(part.parts, f"{way}{part.name}.", depth - 1)
            continue
        kind = "list" if part.repeats else _KINDS.get(part.kind, "string")
        texts = ("2026-01-31",) if part.kind in _DATES else ()
        path = f"{way}{part.name}" + ("._text" if part.has_text and not part.repeats else "")
        yield Seen(path, part.name, kind, texts, part.codes, part.is_promised and not way)
        for name in part.attributes if not part.repeats else ():
            yield Seen(f"{way}{part.name}.{name}", name)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


class _Types:
    """The types that some documents declare, by their local names."""

    def __init__(self, roots: list[Element]) -> None:
        schemas = [one for root in roots for one in root.iter(f"{_X}schema")]
        self._budget = Budget()
        self._elements = _named(schemas, "element")
        self._complex = _named(schemas, "complexType")
        self._simple = _named(schemas, "simpleType")
        self._groups = _named(schemas, "group")

    def inside(self, name: str) -> list[_Part]:
        """Return of what the element of a message consists."""
        element = self._elements.get(name)
        return [] if element is None else self._parts(self._type_of(element), _DEPTH)

    def part(self, stated: Element, depth: int = _DEPTH) -> _Part:
        """Return what an element, or the part of a message, declares.

        Raises: ConfigurationError when all of them together come to too much.
        """
        self._budget.spend()
        element = self._elements.get(_local(stated.get("ref", "")), stated)
        kind = _local(element.get("type", ""))
        most = stated.get("maxOccurs", "1")
        is_promised = stated.get("minOccurs", "1") != "0" and stated.get("nillable") != "true"
        type_ = self._type_of(element)
        content = type_.find(f"{_X}simpleContent/*") if type_ is not None else None
        if content is not None:
            kind = _local(content.get("base", ""))
        part = _Part(element.get("name", ""), kind, most=int(most) if most.isdigit() else -1, is_promised=is_promised)
        if content is not None:
            part.has_text = content.find(f"{_X}attribute") is not None
            part.attributes = [one.get("name", "") for one in content.findall(f"{_X}attribute")]
        simple = element.find(f"{_X}simpleType")
        simple = simple if simple is not None else self._simple.get(kind)
        base = simple.find(f"{_X}restriction") if simple is not None else None
        if simple is not None and base is not None:
            part.codes = tuple(one.get("value", "") for one in simple.iter(f"{_X}enumeration"))
            part.kind = _local(base.get("base", ""))
        part.parts = self._parts(type_, depth - 1)
        return part

    def _type_of(self, element: Element) -> Element | None:
        inner = element.find(f"{_X}complexType")
        return inner if inner is not None else self._complex.get(_local(element.get("type", "")))

    def _parts(self, type_: Element | None, depth: int) -> list[_Part]:
        if type_ is None or not depth:
            return []
        self._budget.spend()
        base = type_.find(f"{_X}complexContent/{_X}extension")
        parts = self._parts(self._complex.get(_local(base.get("base", ""))), depth - 1) if base is not None else []
        return parts + list(self._within(type_ if base is None else base, depth))

    def _within(self, type_: Element, depth: int) -> Iterator[_Part]:
        """Yield the elements of a type's own groups; those of an element that has a type of its own are not its."""
        for one in type_:
            if one.tag == f"{_X}element":
                yield self.part(one, depth)
            elif one.tag in _GROUPS:
                yield from self._within(one, depth)
            elif one.tag == f"{_X}group" and depth:
                self._budget.spend()
                group = self._groups.get(_local(one.get("ref", "")))
                yield from self._within(group, depth - 1) if group is not None else ()


def _named(schemas: Iterable[Element], kind: str) -> Mapping[str, Element]:
    return {one.get("name", ""): one for schema in schemas for one in schema.findall(f"{_X}{kind}")}

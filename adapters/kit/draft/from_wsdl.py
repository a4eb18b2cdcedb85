"""Drafts from a WSDL 1.1: which operations take a number, and what their answers hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.kit.draft.guessing import number_type
from adapters.kit.draft.shapes import Asked, Decide, Seen, Shape
from adapters.markup import MarkupError, parsed
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adapters.markup import Element

_W: Final = "{http://schemas.xmlsoap.org/wsdl/}"
_X: Final = "{http://www.w3.org/2001/XMLSchema}"
_S: Final = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_GROUPS: Final = (f"{_X}sequence", f"{_X}all", f"{_X}choice")
_DEPTH: Final = 5
_KINDS: Final = {
    **dict.fromkeys(("int", "integer", "long", "short", "nonNegativeInteger", "positiveInteger"), "integer"),
    **dict.fromkeys(("decimal", "double", "float"), "number"),
    "boolean": "boolean",
}
_DATES: Final = ("date", "dateTime")


class _Part:
    """An element of a message: its name, whether it repeats, and what is in it."""

    def __init__(self, name: str, kind: str, *, repeats: bool, is_promised: bool, codes: tuple[str, ...]) -> None:
        self.name, self.kind, self.repeats, self.is_promised, self.codes = name, kind, repeats, is_promised, codes
        self.parts: list[_Part] = []


def from_wsdl(content: bytes, name: str) -> Shape:
    """Return the registry that a WSDL describes; a lookup for each operation that takes a number of a person.

    Raises: ConfigurationError when it is no WSDL, or no operation does.
    """
    try:
        root = parsed(content)
    except MarkupError as error:
        raise ConfigurationError(f"{name}: {error}") from None
    if root.tag != f"{_W}definitions":
        raise ConfigurationError(f"{name}: not a WSDL 1.1")
    types = _Types(root)
    lookups = [
        one for operation in root.iterfind(f"{_W}portType/{_W}operation") if (one := _asked(root, operation, types))
    ]
    if not lookups:
        raise ConfigurationError(
            f"{name}: no operation takes a number of a person or household; see `soap` in the guide"
        )
    address = root.find(f"{_W}service/{_W}port/{_S}address")
    where = address.get("location", "") if address is not None else ""
    auth = {"kind": "basic", "user": "env:HEARTH_{ID}_USER", "password": "env:HEARTH_{ID}_PASSWORD"}
    options = {"wsdl": "service.wsdl"}
    files = {"service.wsdl": content}
    title = root.get("name") or ""
    return Shape("soap", tuple(lookups), title, auth, options, where, files=files)


def _asked(root: Element, operation: Element, types: _Types) -> Asked | None:
    """Return the lookup of an operation; None when it takes no number."""
    name = operation.get("name", "")
    sent, said = (_message(root, operation, kind, types) for kind in ("input", "output"))
    arguments: dict[str, Any] = {}
    by: list[str] = []
    for place, part in _places(sent, ""):
        type_ = number_type(part.name) or (number_type(part.name.removesuffix("s")) if part.repeats else None)
        if type_ is not None and not by:
            by.append(type_)
            arguments[place] = {"number": type_}
        else:
            arguments[place] = Decide({"constant": "..."}, f"what stands at {place}, or take it out")
    if not by:
        return None
    found, record = _record(said)
    options = {
        "operation": name,
        "arguments": arguments,
        "records": found if record else Decide("@", "where its records are"),
    }
    fields = tuple(_fields(record, "", _DEPTH))
    snake = "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name).strip("_").removeprefix("get_")
    is_batched = any("[]" in place for place in arguments)
    return Asked(snake[:40], fields, options, tuple(by), 50 if is_batched else 1)


def _places(parts: list[_Part], way: str) -> Iterator[tuple[str, _Part]]:
    for part in parts:
        place = f"{way}{part.name}" + ("[]" if part.repeats else "")
        if part.parts:
            yield from _places(part.parts, f"{place}.")
        else:
            yield place, part


def _record(parts: list[_Part]) -> tuple[str, list[_Part]]:
    """Return where the records are in an answer, and of what one consists."""
    for part in parts:
        if part.repeats and part.parts:
            return part.name, part.parts
    if len(parts) == 1 and parts[0].parts:
        path, inner = _record(parts[0].parts)
        return (parts[0].name if path == "@" else f"{parts[0].name}.{path}"), inner
    return "@", parts


def _fields(parts: list[_Part], way: str, depth: int) -> Iterator[Seen]:
    for part in parts:
        if part.parts and depth and not part.repeats:
            yield from _fields(part.parts, f"{way}{part.name}.", depth - 1)
            continue
        kind = "list" if part.repeats else _KINDS.get(part.kind, "string")
        texts = ("2026-01-31",) if part.kind in _DATES else ()
        yield Seen(f"{way}{part.name}", part.name, kind, texts, part.codes, part.is_promised and not way)


def _message(root: Element, operation: Element, kind: str, types: _Types) -> list[_Part]:
    stated = operation.find(f"{_W}{kind}")
    message = _local(stated.get("message", "")) if stated is not None else ""
    part = root.find(f"{_W}message[@name='{message}']/{_W}part")
    if part is None:
        return []
    return types.inside(_local(part.get("element", "")))


def _local(name: str) -> str:
    return name.rpartition(":")[2]


class _Types:
    """The types that a WSDL declares in itself; those that it imports are not read."""

    def __init__(self, root: Element) -> None:
        schemas = root.findall(f"{_W}types/{_X}schema")
        self._elements = _named(schemas, "element")
        self._complex = _named(schemas, "complexType")
        self._simple = _named(schemas, "simpleType")

    def inside(self, name: str) -> list[_Part]:
        """Return of what the element of a message consists."""
        element = self._elements.get(name)
        return [] if element is None else self._parts(self._type_of(element), _DEPTH)

    def _type_of(self, element: Element) -> Element | None:
        inner = element.find(f"{_X}complexType")
        return inner if inner is not None else self._complex.get(_local(element.get("type", "")))

    def _parts(self, type_: Element | None, depth: int) -> list[_Part]:
        if type_ is None or not depth:
            return []
        base = type_.find(f".//{_X}extension")
        parts = self._parts(self._complex.get(_local(base.get("base", ""))), depth - 1) if base is not None else []
        for group in type_.iter():
            if group.tag in _GROUPS:
                parts += [self._part(one, depth) for one in group.findall(f"{_X}element")]
        return parts

    def _part(self, stated: Element, depth: int) -> _Part:
        element = self._elements.get(_local(stated.get("ref", "")), stated)
        kind = _local(element.get("type", ""))
        simple = element.find(f"{_X}simpleType")
        simple = simple if simple is not None else self._simple.get(kind)
        codes = [one.get("value", "") for one in simple.iter(f"{_X}enumeration")] if simple is not None else []
        part = _Part(
            element.get("name", ""),
            kind,
            repeats=stated.get("maxOccurs", "1") != "1",
            is_promised=stated.get("minOccurs", "1") != "0" and stated.get("nillable") != "true",
            codes=tuple(codes),
        )
        part.parts = self._parts(self._type_of(element), depth - 1)
        return part


def _named(schemas: list[Element], kind: str) -> Mapping[str, Element]:
    return {one.get("name", ""): one for schema in schemas for one in schema.findall(f"{_X}{kind}")}

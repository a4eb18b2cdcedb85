"""Requests to SOAP services: written once by the codec, with marks where arguments stand, and filled in for each call.

What an argument holds is escaped as text. It can become neither an element nor an attribute.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lxml import etree

from adapters.generic.soap.shapes import TEXT
from adapters.markup import escape
from standards.errors import ConfigurationError, SourceContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from adapters.generic.soap.options import SoapArgument, SoapLookup
    from adapters.generic.soap.wsdl import Operation
    from standards.identifiers import Identifier

ANY: Final = "*"
_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>'
_MARK: Final = re.compile(r"HEARTH(SLOT|OPEN|SHUT)(\d+)X")
_COPIES: Final = 2
"""How often a repeated element is written: what holds both is its parent."""
_CODEC_TEXT: Final = "_value_1"
_ESCAPES: Final = {'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Slot(NamedTuple):
    """Where an argument stands, by its number."""

    argument: int


class Repeated(NamedTuple):
    """What is written again for everybody of some identifier types."""

    parts: tuple[str | Slot, ...]
    types: frozenset[str]


Part = str | Slot | Repeated


class Requests:
    """The requests of one lookup.

    written: a number as the registry writes it.
    Raises: ConfigurationError when the arguments do not fit the WSDL.
    """

    def __init__(
        self,
        source_id: str,
        lookup: SoapLookup,
        operation: Operation,
        types: Sequence[str],
        written: Callable[[Identifier], str],
    ) -> None:
        self._source_id, self._operation, self._written = source_id, operation, written
        self._arguments = list(lookup.arguments.items())
        self._templates: dict[tuple[frozenset[str], bool], tuple[Part, ...]] = {}
        mixed = frozenset(types) if lookup.is_batched else frozenset(types[:1])
        for together in {mixed, *(frozenset({type_}) for type_ in types)}:
            for has_day in (False, True):
                self._template(together, has_day=has_day)

    def body(self, subjects: Sequence[Identifier], as_of: date | None, transaction_id: str) -> bytes:
        """Return the envelope that asks about some people."""
        types = frozenset(subject.type for subject in subjects)
        template = self._templates.get((types, as_of is not None))
        if template is None:
            template = self._template(types, has_day=as_of is not None)
        shared = {
            number: told
            for number, (_, argument) in enumerate(self._arguments)
            if not argument.is_of_subject and (told := stated(argument, as_of, transaction_id)) is not None
        }
        whole = [_DECLARATION]
        for part in template:
            if isinstance(part, Repeated):
                for subject in subjects:
                    if subject.type in part.types:
                        whole += [self._filled(one, shared, subject) for one in part.parts]
            else:
                whole.append(self._filled(part, shared, subjects[0]))
        return "".join(whole).encode()

    def _filled(self, part: str | Slot, shared: Mapping[int, str], subject: Identifier) -> str:
        if isinstance(part, str):
            return part
        text = shared.get(part.argument)
        if text is None:
            argument = self._arguments[part.argument][1]
            text = argument.kind[subject.type] if argument.kind else self._written(subject)
        if text.isalnum():
            return text
        if _NO_XML.search(text):
            raise SourceContractError(self._source_id, "request: a number with a character that XML has none for")
        # INVARIANT: whatever a number holds, it is text of one element.
        return escape(text, _ESCAPES)

    def _template(self, types: frozenset[str], *, has_day: bool) -> tuple[Part, ...]:
        arguments = [
            (number, place, argument)
            for number, (place, argument) in enumerate(self._arguments)
            if (argument.number in (None, ANY) or argument.number in types)
            and (argument.day != "as_of" or has_day)
            and (argument.kind is None or not types - argument.kind.keys())
        ]
        if not any(argument.number for _, _, argument in arguments):
            raise ConfigurationError(f"soap: no argument takes a number of type {', '.join(sorted(types))}")
        given: dict[str, Any] = {}
        groups: dict[str, set[int]] = {}
        for number, place, argument in arguments:
            head, repeats, _ = place.partition("[]")
            if repeats:
                groups.setdefault(head, set()).add(number)
            for copy in range(_COPIES if repeats else 1):
                _put(given, place, _content(number, argument), copy)
        envelope = self._operation.request(given)
        of_groups = {
            group: frozenset(types if one.number == ANY else {one.number or ""})
            for group, numbers in enumerate(groups.values())
            for number, _, one in arguments
            if number in numbers and one.number is not None
        }
        for group, numbers in enumerate(groups.values()):
            self._mark(envelope, group, numbers)
        parts = _cut(etree.tostring(envelope, encoding="unicode"), of_groups)
        self._check(arguments, parts)
        self._templates[types, has_day] = parts
        return parts

    def _mark(self, envelope: Any, group: int, numbers: set[int]) -> None:
        """Put marks around the first copy of what is repeated, and take the second one out."""
        holding = [one for one in envelope.iter() if any(_slot(number) in _texts(one) for number in numbers)]
        parent: Any = holding[0] if holding else ()
        while holding and not all(one is parent or parent in one.iterancestors() for one in holding):
            parent = parent.getparent()
        units = [one for one in parent if _holds(one, holding)]
        if len(units) != _COPIES or units[0].tag != units[1].tag:
            place = self._arguments[min(numbers)][0]
            raise ConfigurationError(f"soap: {place}: the WSDL does not let that element be repeated")
        parent.remove(units[1])
        before = units[0].getprevious()
        if before is None:
            parent.text = (parent.text or "") + f"HEARTHOPEN{group}X"
        else:
            before.tail = (before.tail or "") + f"HEARTHOPEN{group}X"
        units[0].tail = f"HEARTHSHUT{group}X" + (units[0].tail or "")

    def _check(self, arguments: Sequence[tuple[int, str, SoapArgument]], parts: Sequence[Part]) -> None:
        flat = [one for part in parts for one in (part.parts if isinstance(part, Repeated) else (part,))]
        placed = {one.argument for one in flat if isinstance(one, Slot)}
        for number, place, argument in arguments:
            if argument.constant is None and number not in placed:
                raise ConfigurationError(f"soap: {place}: the WSDL's type for it cannot hold a text as it is")


def stated(argument: SoapArgument, as_of: date | None, transaction_id: str) -> str | None:
    """Return what an argument is for everybody asked about; None for nothing, and for what differs between them."""
    if argument.constant is not None:
        return str(argument.constant).lower() if isinstance(argument.constant, bool) else str(argument.constant)
    if argument.year is not None:
        ended = as_of is not None and argument.as_of == "ended"
        return str(min(argument.year, as_of.year - 1) if as_of is not None and ended else argument.year)
    if argument.day is not None:
        day = as_of or (datetime.now(UTC).date() if argument.day == "as_of_or_today" else None)
        return day.isoformat() if day else None
    return transaction_id if argument.transaction else None


def _content(number: int, argument: SoapArgument) -> Any:
    return argument.constant if argument.constant is not None else _slot(number)


def _slot(number: int) -> str:
    return f"HEARTHSLOT{number}X"


def _put(given: dict[str, Any], place: str, content: Any, copy: int) -> None:
    """Put an argument where its place says, in the second of two copies where it is repeated."""
    steps = place.split(".")
    at: dict[str, Any] = given
    for depth, step in enumerate(steps):
        name = step.removesuffix("[]")
        name = _CODEC_TEXT if name == TEXT else name
        is_last = depth == len(steps) - 1
        if step.endswith("[]"):
            listed = at.setdefault(name, [])
            if len(listed) <= copy:
                listed.append(content if is_last else {})
            at = listed[copy]
        elif is_last:
            at[name] = content
        else:
            at = at.setdefault(name, {})
        if not is_last and not isinstance(at, dict):
            raise ConfigurationError(f"soap: {place}: something else already stands at {step}")


def _texts(element: Any) -> tuple[str, ...]:
    return (element.text or "", *element.attrib.values())


def _holds(element: Any, wanted: Sequence[Any]) -> bool:
    return any(one is element or element in one.iterancestors() for one in wanted)


def _cut(text: str, types: Mapping[int, frozenset[str]]) -> tuple[Part, ...]:
    """Return a text as what stands between its marks, and the marks."""
    parts: list[Part] = []
    inner: list[str | Slot] | None = None
    at = 0
    for found in _MARK.finditer(text):
        into: list[Any] = parts if inner is None else inner
        if found.start() > at:
            into.append(text[at : found.start()])
        at = found.end()
        match found[1]:
            case "SLOT":
                into.append(Slot(int(found[2])))
            case "OPEN":
                inner = []
            case _:
                parts.append(Repeated(tuple(inner or ()), types[int(found[2])]))
                inner = None
    parts.append(text[at:])
    return tuple(parts)

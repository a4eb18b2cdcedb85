"""The shape of an answer, as its schema has it: from an XML element to a value, or a refusal that names the element.

Text stays text, except that whole numbers, decimals and truth values become such where the schema says so and nothing
is lost; everything else is the layout's matter. Nothing is guessed, logged or passed over in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.markup import Element

Read = Callable[["Element"], Any]
XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
TEXT: Final = "_text"
"""Under which name the text of an element with attributes stands."""
_TRUE: Final = {"true": True, "1": True, "false": False, "0": False}
_MOST_DIGITS: Final = 15
"""Digits that a number keeps exactly, however it is held."""


class ShapeError(ValueError):
    """An element is not what the schema promises; its text is not shown."""

    def __init__(self, element: str, what: str) -> None:
        super().__init__(what)
        self.element = element


class Child(NamedTuple):
    """An element that may stand in another one."""

    name: str
    """Its member in the value."""
    is_list: bool
    is_required: bool
    read: Read
    is_text: bool = False
    """Whether it is a plain text, so that one without attributes needs no further reading."""


class Form(NamedTuple):
    """What the schema says of one kind of element."""

    children: Mapping[str, Child]
    """Tag -> child."""
    attributes: Mapping[str, tuple[str, bool]]
    """Attribute -> its member in the value, and whether it must be there."""
    text: Read | None
    """How its own text is read; None where it has none."""
    is_open: bool
    """Whether elements that are not named may stand there too."""
    is_lenient: bool


def local(tag: str) -> str:
    """Return the name of an element without its namespace."""
    return tag.rpartition("}")[2]


def is_nil(element: Element) -> bool:
    """Tell whether an element says that it holds nothing."""
    return element.get(f"{XSI}nil") in ("true", "1")


def text(element: Element) -> str | None:
    """Return an element's text."""
    if is_nil(element):
        return None
    if len(element):
        raise ShapeError(local(element.tag), "elements where a text belongs")
    return element.text


def whole(element: Element) -> str | int | None:
    """Return a whole number, or the text where it is written in another way (leading zeros may belong to a number)."""
    written = element.text if not len(element) else text(element)
    if not written or not (written := written.strip()):
        return None
    digits = written[1:] if written[0] == "-" else written
    if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS and (digits[0] != "0" or written == "0"):
        return int(written)
    return written


def decimal(element: Element) -> str | float | int | None:
    """Return a number, or the text where a number would not hold it exactly."""
    written = whole(element)
    if isinstance(written, str):
        before, point, after = written.removeprefix("-").partition(".")
        is_plain = before.isascii() and before.isdigit() and after.isascii() and after.isdigit()
        if point and is_plain and len(before) + len(after) <= _MOST_DIGITS:
            return float(written)
    return written


def flag(element: Element) -> str | bool | None:
    """Return a truth value, in any of the ways that XML Schema has."""
    written = (text(element) or "").strip()
    return _TRUE.get(written, written or None)


def anything(element: Element) -> Any:
    """Return what the schema leaves open: a text, or an object in which all that is no text is a list."""
    if is_nil(element):
        return None
    if not len(element):
        return element.text
    value: dict[str, Any] = {}
    for child in element:
        inner, name = anything(child), local(child.tag)
        if name in value or len(child):
            held = value.setdefault(name, [])
            value[name] = [*held, inner] if isinstance(held, list) else [held, inner]
        else:
            value[name] = inner
    return value


def structure(form: Form) -> Read:
    """Return the reading of an element with children, attributes, or both."""
    if form.text is not None:
        return _text_with_attributes(form, form.text)
    children, attributes, other = form.children, form.attributes, _other(form)
    of_lists = tuple(dict.fromkeys(child.name for child in children.values() if child.is_list))
    required = tuple(dict.fromkeys(child.name for child in children.values() if child.is_required))
    required = () if form.is_lenient else required

    def read(element: Element) -> Any:
        value: dict[str, Any] = {name: [] for name in of_lists} if of_lists else {}
        if attributes:
            _read_attributes(element, attributes, value, is_lenient=form.is_lenient)
        for child in element:
            known = children.get(child.tag) or other(child.tag)
            if known is None:
                continue
            inner = child.text if known.is_text and not len(child) and not child.keys() else known.read(child)
            if known.is_list:
                value[known.name].append(inner)
            elif known.name in value:
                raise ShapeError(known.name, "more than one")
            else:
                value[known.name] = inner
        for name in required:
            if name not in value or value[name] == []:
                raise ShapeError(name, "missing")
        return value

    return read


def _other(form: Form) -> Callable[[str], Child | None]:
    """Return what an element is that the schema does not name as it stands there: None for one to pass over."""
    by_name = {local(tag): child for tag, child in form.children.items()}
    if form.is_lenient:
        return lambda tag: by_name.get(local(tag))

    def other(tag: str) -> None:
        if not form.is_open:
            raise ShapeError(local(tag), "not in the WSDL")

    return other


def _text_with_attributes(form: Form, own: Read) -> Read:
    attributes = tuple(
        (tag, name, is_required and not form.is_lenient) for tag, (name, is_required) in form.attributes.items()
    )

    def read(element: Element) -> dict[str, Any]:
        value = {TEXT: own(element)}
        for tag, name, is_required in attributes:
            found = element.get(tag)
            if found is not None:
                value[name] = found
            elif is_required:
                raise ShapeError(name, "missing")
        return value

    return read


def _read_attributes(
    element: Element, attributes: Mapping[str, tuple[str, bool]], value: dict[str, Any], *, is_lenient: bool
) -> None:
    for attribute, (name, is_required) in attributes.items():
        found = element.get(attribute)
        if found is not None:
            value[name] = found
        elif is_required and not is_lenient:
            raise ShapeError(name, "missing")

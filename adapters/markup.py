"""XML from registries: read whole, and never more than what stands in it."""

from __future__ import annotations

from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser
from xml.sax.saxutils import escape

__all__ = ["Element", "MarkupError", "begun", "escape", "parsed"]


class MarkupError(ValueError):
    """It is not XML, or declares a document type; nothing of its text is shown."""

    def __init__(self) -> None:
        super().__init__("not XML, or XML with a document type")


class _WithoutDoctype(TreeBuilder):
    """Builds elements, and stops at a document type before anything in it is read."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> NoReturn:
        """Refuse it."""
        # INVARIANT: entities can only be declared inside a document type, so none is ever expanded or fetched.
        raise MarkupError


def parsed(body: bytes) -> Element:
    """Return the outermost element of a document.

    Raises: MarkupError.
    """
    parser = XMLParser(target=_WithoutDoctype())  # noqa: S314 - see `_WithoutDoctype`
    try:
        parser.feed(body)
        return parser.close()
    except (ParseError, LookupError, ValueError):  # LookupError: an encoding that nobody knows
        raise MarkupError from None


def begun(body: bytes, length: int) -> Element | None:
    """Return the outermost element as far as the first bytes of a document tell; None when they do not open it.

    Raises: MarkupError.
    """
    builder = _WithoutDoctype()
    parser = XMLParser(target=builder)  # noqa: S314 - see `_WithoutDoctype`
    try:
        parser.feed(body[:length])
    except (ParseError, LookupError, ValueError):
        raise MarkupError from None
    return builder.close()

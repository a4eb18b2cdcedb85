"""XML from registries: read whole, never more than what stands in it, and within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MOST_TAGS", "Element", "MarkupError", "begun", "escape", "parsed", "walked"]

MOST_TAGS: Final = 250_000
"""Tags of one document. Each may take 300 bytes once it is read, whatever few bytes it was written with."""


_PIECE_BYTES: Final = 65_536


class MarkupError(ValueError):
    """It is not XML, declares a document type, or has too many tags; nothing of its text is shown."""

    def __init__(self, what: str = "not XML, or XML with a document type") -> None:
        super().__init__(what)


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
    if body.count(b"<") > MOST_TAGS:
        raise MarkupError("XML with too many tags")
    parser = XMLParser(target=_WithoutDoctype())  # noqa: S314 - see `_WithoutDoctype`
    try:
        parser.feed(body)
        return parser.close()
    except (ParseError, LookupError, ValueError):  # LookupError: an encoding that nobody knows
        raise MarkupError from None


def walked(body: bytes, begin: Callable[[str, dict[str, str]], None], text: Callable[[str], None] | None) -> None:
    """Read a long document to its end without keeping it; each tag and text that opens is told, and may raise.

    Raises: MarkupError, and whatever `begin` and `text` raise.
    """
    parser = XMLParser(target=_Walker(begin, text))  # noqa: S314 - see `_Walker`
    try:
        for start in range(0, len(body), _PIECE_BYTES):
            parser.feed(body[start : start + _PIECE_BYTES])
        parser.close()
    except (ParseError, LookupError):
        raise MarkupError from None


class _Walker:
    """Hands on what opens, and stops at a document type before anything in it is read."""

    def __init__(self, begin: Callable[[str, dict[str, str]], None], text: Callable[[str], None] | None) -> None:
        self.start = begin
        if text is not None:
            self.data = text

    def doctype(self, name: str, pubid: str | None, system: str | None) -> NoReturn:
        """Refuse it."""
        raise MarkupError

    def close(self) -> None:
        """Keep nothing."""


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

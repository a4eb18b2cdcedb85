"""The WSDL of a registry and all that it imports: gathered from beside the manifest, as texts that travel with it."""

from __future__ import annotations

import posixpath
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from adapters.markup import MarkupError, parsed
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from adapters.markup import Element

MOST_DOCUMENTS: Final = 32
MOST_CHARACTERS: Final = 700_000
"""Of all documents together."""
MOST_PARTS: Final = 100_000
"""Elements that the types of a WSDL may come to, with every group written out wherever it is used."""
_WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_REFERS: Final = {
    f"{_WSDL}import": "location",
    f"{_XSD}import": "schemaLocation",
    f"{_XSD}include": "schemaLocation",
    f"{_XSD}redefine": "schemaLocation",
}
_DEEPEST: Final = 100


def gathered(content: Any, folder: Path, noticing: Callable[[Path], object] = lambda _: None) -> Any:
    """Return what a manifest's file says, with the texts of its WSDL and what that imports under `soap.documents`.

    What is there already stays; content that is no SOAP manifest comes back as it is.
    noticing: told of each document before it is read, also of one that is not there.
    Raises: ConfigurationError when a document is missing, lies elsewhere, or is hostile.
    """
    soap = content.get("soap") if isinstance(content, dict) else None
    if not isinstance(soap, dict) or not isinstance(soap.get("wsdl"), str) or soap.get("documents"):
        return content
    home = folder.resolve()

    def read(name: str) -> str:
        try:
            path = (home / name).resolve()
            noticing(folder / name)
            if not path.is_relative_to(home):
                raise ConfigurationError(f"soap: {name} lies outside the manifest's folder: put it beside the manifest")
            if not path.is_file():  # a pipe would be waited for without end
                raise ConfigurationError(f"soap: {name} cannot be read: it is no file; put it beside the manifest")
            if path.stat().st_size > MOST_CHARACTERS:
                raise ConfigurationError(f"soap: {name} is larger than {MOST_CHARACTERS} bytes")
            return path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise ConfigurationError(f"soap: {name} cannot be read: put it beside the manifest, in UTF-8") from None

    documents = _followed(soap["wsdl"], read)
    return {**content, "soap": {**soap, "documents": documents}}


def packed(path: Path) -> str:
    """Return the text of a manifest that needs no file beside it: as it is, or with its documents written into it.

    Raises: ConfigurationError as `gathered` does, or when it cannot be read.
    """
    yaml = YAML()  # keeps comments and order
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.load(text)
    except Exception as error:  # noqa: BLE001 - the library raises many kinds, and all mean the same here
        raise ConfigurationError(f"{path}: cannot be read ({type(error).__name__})") from None
    whole = gathered(content, path.parent)
    if whole is content:
        return text
    documents: dict[str, str] = whole["soap"]["documents"]
    content["soap"]["documents"] = {name: LiteralScalarString(one) for name, one in documents.items()}
    written = StringIO()
    yaml.width = MOST_CHARACTERS
    yaml.dump(content, written)
    return written.getvalue()


def checked(wsdl: str, documents: Mapping[str, str]) -> None:
    """Accept documents that are whole and harmless.

    Raises: ConfigurationError for a missing one, a document type, an import from elsewhere or in a circle, or too much.
    """

    def read(name: str) -> str:
        if name not in documents:
            raise ConfigurationError(f"soap: {name} is missing: put it beside the manifest, or into soap.documents")
        return documents[name]

    _followed(wsdl, read)


def referred(element: Element, of: str) -> str | None:
    """Return the document that an import or include of the document `of` names, if it names one.

    Raises: ConfigurationError when it would have to be fetched, or lies outside the folder.
    """
    location = element.get(_REFERS[element.tag], "")
    if not location:
        return None
    name = posixpath.normpath(posixpath.join(posixpath.dirname(of), location))
    if ":" in location or "\\" in location or location.startswith("/") or name.startswith(".."):
        raise ConfigurationError(
            f"soap: {of} imports from elsewhere: save that document beside the manifest, and name it by its file"
        )
    return name


def _followed(wsdl: str, read: Callable[[str], str]) -> dict[str, str]:
    """Return every document that can be reached from the WSDL."""
    texts: dict[str, str] = {}
    roots: dict[str, Element] = {}

    def follow(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ConfigurationError(f"soap: {name} imports itself, directly or in a circle: put the circle into one")
        if name in texts:
            return
        if len(texts) >= MOST_DOCUMENTS:
            raise ConfigurationError(f"soap: more than {MOST_DOCUMENTS} documents")
        texts[name] = text = read(name)
        if sum(map(len, texts.values())) > MOST_CHARACTERS:
            raise ConfigurationError(f"soap: the documents are longer than {MOST_CHARACTERS} characters together")
        roots[name] = root = _parsed(name, text)
        for element in root.iter():
            if element.tag in _REFERS and (other := referred(element, name)) is not None:
                follow(other, (*above, name))

    follow(wsdl, ())
    _check_parts(tuple(roots.values()))
    return texts


def _parsed(name: str, text: str) -> Element:
    try:
        root = parsed(text.encode())
    except (MarkupError, UnicodeEncodeError):
        raise ConfigurationError(
            f"soap: {name} is not XML in UTF-8, or declares a document type: take that out"
        ) from None
    if _is_deeper(root, _DEEPEST):
        raise ConfigurationError(f"soap: {name} is nested more than {_DEEPEST} elements deep")
    return root


def _is_deeper(root: Element, most: int) -> bool:
    level = [root]
    for _ in range(most):
        level = [child for element in level for child in element]
        if not level:
            return False
    return True


def _check_parts(roots: Sequence[Element]) -> None:
    """Refuse groups that refer to groups that refer to groups: small to write, endless to write out."""
    groups: dict[str, Element] = {}
    for root in roots:
        for kind in ("group", "attributeGroup"):
            groups.update({f"{kind} {one.get('name')}": one for one in root.iter(_XSD + kind) if one.get("name")})
    sizes: dict[str, int] = {}

    def size(name: str, above: tuple[str, ...]) -> int:
        if name in above or len(above) > _DEEPEST:
            raise ConfigurationError("soap: a group of the schema holds itself")
        if name not in sizes:
            sizes[name] = sum(size(one, (*above, name)) for one in _used(groups[name], groups)) + sum(
                1 for _ in groups[name].iter()
            )
        return sizes[name]

    whole = sum(size(one, ()) for root in roots for one in _used(root, groups))
    if whole > MOST_PARTS:
        raise ConfigurationError(f"soap: the groups of the schema come to more than {MOST_PARTS} elements")


def _used(element: Element, groups: Mapping[str, Element]) -> Iterator[str]:
    """Yield the groups that are referred to below an element; local names decide, as they bound what there is."""
    for kind in ("group", "attributeGroup"):
        for one in element.iter(_XSD + kind):
            name = f"{kind} {one.get('ref', '').rpartition(':')[2]}"
            if name in groups:
                yield name

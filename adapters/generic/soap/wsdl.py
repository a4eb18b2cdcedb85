"""A WSDL, read by zeep: its operations, how their requests are written, and the shape of their answers.

The one module that imports zeep, and it does three things with it: reads WSDL and schemas, writes a request, and says
of what types an answer consists. Nothing is fetched, nothing is sent. Answers are not read by zeep: it takes a value
that it cannot read for none, and writes it to the log.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from zeep import Settings, xsd
from zeep.exceptions import Error as ZeepError
from zeep.wsdl import Document
from zeep.wsdl.bindings import Soap11Binding
from zeep.xsd.elements import AnyAttribute, Choice
from zeep.xsd.elements.indicators import Group, Indicator
from zeep.xsd.types import builtins
from zeep.xsd.types.simple import AnySimpleType

from adapters.generic.soap.documents import checked
from adapters.generic.soap.shapes import (
    XSI,
    Child,
    Form,
    Read,
    anything,
    decimal,
    flag,
    is_nil,
    structure,
    text,
    whole,
)
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adapters.generic.soap.options import SoapOptions
    from adapters.markup import Element

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_ACTION: Final = re.compile(r"[!#-\[\]-~]*")
"""What stands between the quotes of the SOAPAction header: no quote, no backslash, no space, nothing beyond ASCII."""
_HOME: Final = "file:///wsdl/"
"""Where the documents lie as far as zeep knows."""
_SETTINGS: Final = Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)


class _Shelf:
    """All that zeep can load: the documents that came with the manifest."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self._documents = documents

    def load(self, url: str) -> bytes:
        """Return a document.

        Raises: ConfigurationError for what did not come with the manifest.
        """
        # INVARIANT: nothing is ever fetched, from a network or from a disk.
        name = posixpath.normpath(url.removeprefix(_HOME))
        if not url.startswith(_HOME) or name not in self._documents:
            raise ConfigurationError("soap: a document is imported that did not come with the manifest")
        return self._documents[name].encode()


class Operation:
    """One operation of a service."""

    def __init__(self, found: Any, schema: Any, *, is_lenient: bool) -> None:
        self._operation = found
        self.action: str = found.soapaction or ""
        if not _ACTION.fullmatch(self.action):
            raise ConfigurationError(f"soap: operation {found.name} has a soapAction that no header can hold")
        body = found.output.body if found.output is not None else None
        if body is None:
            raise ConfigurationError(f"soap: operation {found.name} has no answer in the WSDL")
        self.is_whole_body = body.qname.text == f"{{{ENVELOPE}}}Body"
        """Whether the answer is what the body holds, and not the one element in it."""
        self.answer_tag: str | None = body.qname.text if found.style == "document" and not is_lenient else None
        """Tag of the answer's element; None where any will do."""
        self.read: Read = _Shapes(schema, is_lenient=is_lenient).of(body.type)

    def request(self, arguments: Mapping[str, Any]) -> Any:
        """Return an envelope with some arguments, as an lxml element.

        Raises: ConfigurationError when they do not fit the WSDL.
        """
        name = self._operation.name
        try:
            return self._operation.create(**arguments).content
        except (ZeepError, TypeError, ValueError, AttributeError, LookupError) as error:
            said = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
            raise ConfigurationError(f"soap: the arguments of {name} do not fit the WSDL: {said}") from None


def operation(options: SoapOptions, name: str) -> Operation:
    """Return an operation of the service that a manifest names.

    Raises: ConfigurationError when the WSDL cannot be used, or does not have it.
    """
    document = _document(options.wsdl, tuple(sorted(options.documents.items())))
    binding = _binding(document, options)
    found = binding._operations.get(name)  # noqa: SLF001 - zeep's own lookup raises without naming those there are
    if found is None:
        raise ConfigurationError(f"soap: there is no operation {name}; there are {', '.join(binding._operations)}")  # noqa: SLF001
    return Operation(found, document.types, is_lenient=options.lenient)


@lru_cache(maxsize=32)
def _document(wsdl: str, documents: tuple[tuple[str, str], ...]) -> Document:
    held = dict(documents)
    checked(wsdl, held)
    try:
        return Document(_HOME + wsdl, cast("Any", _Shelf(held)), settings=_SETTINGS)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a WSDL does to its reader, its author has to mend it
        said = f": {error}" if isinstance(error, ZeepError) else ""
        raise ConfigurationError(f"soap: {wsdl} is no WSDL that can be used ({type(error).__name__}{said})") from None


def _binding(document: Any, options: SoapOptions) -> Soap11Binding:
    services = document.services
    service = services.get(options.service) if options.service else _only("service", services, "soap.service")
    if service is None:
        raise ConfigurationError(f"soap.service: there is no {options.service}; there are {', '.join(services)}")
    ports = {name: port for name, port in service.ports.items() if isinstance(port.binding, Soap11Binding)}
    port = ports.get(options.port) if options.port else _only("SOAP 1.1 port", ports, "soap.port")
    if port is None:
        raise ConfigurationError(f"soap.port: there is no {options.port}; there are {', '.join(ports)}")
    return cast("Soap11Binding", port.binding)


def _only(what: str, named: Mapping[str, Any], key: str) -> Any:
    if len(named) == 1:
        return next(iter(named.values()))
    if not named:
        raise ConfigurationError(f"soap: the WSDL has no {what}")
    raise ConfigurationError(f"{key}: the WSDL has several: choose one of {', '.join(named)}")


class _Shapes:
    """The readings of a schema's types; each is made when it is first met, so that types may hold themselves."""

    def __init__(self, schema: Any, *, is_lenient: bool) -> None:
        self._schema, self._is_lenient = schema, is_lenient
        self._made: dict[int, Read] = {}
        self._types: dict[str, list[Any]] | None = None
        self._by_name: dict[str, Read] = {}

    def of(self, type_: Any) -> Read:
        """Return the reading of an element of a type, or of the type that the element itself names."""
        usual = self._made.get(id(type_))
        if usual is not None:
            return usual
        if isinstance(type_, builtins.Boolean):
            usual = flag
        elif isinstance(type_, builtins.Integer):
            usual = whole
        elif isinstance(type_, builtins.Decimal | builtins.Double | builtins.Float):
            usual = decimal
        elif isinstance(type_, AnySimpleType):
            usual = text
        elif isinstance(type_, xsd.ComplexType):
            return self._complex(type_)
        else:
            usual = anything
        self._made[id(type_)] = usual
        return usual

    def _complex(self, type_: Any) -> Read:
        made: list[Read] = []

        def read(element: Element) -> Any:
            if element.keys():
                if is_nil(element):
                    return None
                named = element.get(f"{XSI}type")
                if named is not None and (other := self._named(named)) is not None:
                    return other(element)
            if not made:
                made.append(structure(self._form(type_)))
            return made[0](element)

        self._made[id(type_)] = read
        return read

    def _named(self, name: str) -> Read | None:
        """Return the reading of a type that an element names; by its local name, where only one type bears it."""
        if self._types is None:
            self._types = defaultdict(list)
            for one in self._schema.types:
                if isinstance(one, xsd.ComplexType) and one.name:
                    self._types[one.name].append(one)
        wanted = name.rpartition(":")[2]
        known = self._types.get(wanted, ())
        if len(known) != 1:  # INVARIANT: nothing is kept of a name that an answer has made up
            return None
        if wanted not in self._by_name:
            self._by_name[wanted] = structure(self._form(known[0]))
        return self._by_name[wanted]

    def _form(self, type_: Any) -> Form:
        children: dict[str, Child] = {}
        own_text: Read | None = None
        is_open = False
        for _, inside in type_.elements_nested:
            if isinstance(inside, xsd.Element):  # the text of an element with attributes
                own_text = self.of(inside.type)
                continue
            for element, is_list, is_required in _elements(inside):
                if not isinstance(element, xsd.Element):
                    is_open = True
                    continue
                before = children.get(element.qname.text)
                read = self.of(element.type)
                children[element.qname.text] = Child(
                    name=element.attr_name,
                    is_list=is_list or before is not None,  # named twice in the schema: it may stand there twice
                    is_required=is_required and (before is None or before.is_required),
                    read=read,
                    is_text=read is text,
                )
        attributes = {
            attribute.qname.text: (name, bool(attribute.required))
            for name, attribute in type_.attributes
            if not isinstance(attribute, AnyAttribute)
        }
        return Form(children, attributes, own_text, is_open, self._is_lenient)


def _elements(indicator: Any, *, is_list: bool = False, is_required: bool = True) -> Iterator[tuple[Any, bool, bool]]:
    """Yield every element inside sequences, choices and groups; if it may be repeated, and if it must be there."""
    is_list = is_list or indicator.max_occurs == "unbounded" or indicator.max_occurs > 1
    is_required = is_required and indicator.min_occurs > 0
    if not isinstance(indicator, Indicator):
        yield indicator, is_list, is_required
        return
    inner = [indicator.child] if isinstance(indicator, Group) else list(cast("Any", indicator))
    for one in inner:
        yield from _elements(one, is_list=is_list, is_required=is_required and not isinstance(indicator, Choice))

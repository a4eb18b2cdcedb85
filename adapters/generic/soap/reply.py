"""Answers of SOAP services: the envelope opened, faults told apart, what it holds as plain objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from adapters.generic.mapping.paths import UnexpectedTypeError, finder
from adapters.generic.soap.shapes import ShapeError, local
from adapters.markup import MarkupError, parsed
from adapters.reading import Reader
from adapters.transport.statuses import check_status
from standards.errors import ConfigurationError, SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.generic.soap.options import FaultMeaning, SoapLookup
    from adapters.generic.soap.wsdl import Operation
    from adapters.markup import Element
    from adapters.ports import Response

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_OURS: Final = f"{{{ENVELOPE}}}"
_WITH_FAULTS: Final = frozenset({400, 500})
"""Statuses under which faults come; SOAP 1.1 sends each with 500."""
_CONTRACT: Final = frozenset({"Client", "VersionMismatch", "MustUnderstand"})


class NoRecord:
    """The registry said by a fault that it holds nobody by that number."""


class Replies:
    """The answers of one lookup."""

    def __init__(self, source_id: str, lookup: SoapLookup, operation: Operation) -> None:
        self._source_id, self._operation, self._faults = source_id, operation, lookup.faults
        self._reader = Reader(source_id)
        self._records = found_by(source_id, lookup.records)

    def content(self, response: Response) -> Any:
        """Return what stands in the answer's element, or NoRecord.

        Raises: SourceError, by the fault or the status; SourceContractError for what the WSDL does not promise.
        """
        if response.status not in _WITH_FAULTS:
            check_status(response, self._source_id)
        holder = self._body(response)
        if holder is None:
            check_status(response, self._source_id)
            self._reader.refuse("body", "not a SOAP 1.1 envelope")
        fault = holder.find(f"{_OURS}Fault")
        if fault is not None:
            return self._of_fault(fault)
        check_status(response, self._source_id)
        try:
            if self._operation.is_whole_body:
                return self._operation.read(holder)
            if len(holder) != 1:
                self._reader.refuse("Body", "not the one element that the WSDL has")
            answer, expected = holder[0], self._operation.answer_tag
            if expected is not None and answer.tag != expected:
                self._reader.refuse("Body", f"not a {local(expected)}")
            return self._operation.read(answer)
        except ShapeError as error:
            self._reader.refuse(error.element, str(error))
        except RecursionError:
            self._reader.refuse("Body", "nested too deep")

    def records(self, content: Any) -> list[Any]:
        """Return the records in an answer."""
        try:
            found = self._records(content)
        except UnexpectedTypeError as error:
            self._reader.refuse("records", str(error))
        if found is None:
            return []
        return found if isinstance(found, list) else [found]

    def _body(self, response: Response) -> Element | None:
        try:
            envelope = parsed(response.body)
        except MarkupError as error:
            if 200 <= response.status <= 299:
                self._reader.refuse("body", str(error))
            return None
        bodies = envelope.findall(f"{_OURS}Body") if envelope.tag == f"{_OURS}Envelope" else []
        return bodies[0] if len(bodies) == 1 else None

    def _of_fault(self, fault: Element) -> NoRecord:
        code = (fault.findtext("faultcode") or "").strip().rpartition(":")[2]
        detail = fault.find("detail")
        first = local(detail[0].tag) if detail is not None and len(detail) else ""
        meaning: FaultMeaning | None = self._faults.get(first) or self._faults.get(code)
        if meaning is None:
            meaning = "contract" if code.partition(".")[0] in _CONTRACT else "down"
        if meaning != "no_record":
            raise_meaning(self._source_id, meaning, f"soap fault {self._reader.shown(code, self._faults)}")
        return NoRecord()


def raise_meaning(source_id: str, meaning: str, detail: str) -> NoReturn:
    """Raise what a fault means: refused, contract, busy or down."""
    match meaning:
        case "refused":
            raise SourceRefusedError(source_id, detail)
        case "contract":
            raise SourceContractError(source_id, detail)
        case "busy":
            raise SourceUnavailableError(source_id, UnavailableReason.SOURCE_BUSY, detail)
    raise SourceUnavailableError(source_id, UnavailableReason.SOURCE_DOWN, detail)


def found_by(source_id: str, path: str) -> Callable[[object], Any]:
    """Return the finder of a path of the manifest.

    Raises: ConfigurationError when it is not a JMESPath.
    """
    try:
        return finder(path)
    except ValueError as error:
        raise ConfigurationError(f"registry {source_id}: {path}: {error}") from None

"""What an answer in JSON says of itself: nobody, an error whatever its status, or an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from adapters.generic.mapping.numbering import compiled
from adapters.generic.mapping.paths import UnexpectedTypeError
from adapters.transport.statuses import check_status
from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.json_bodies import JsonError, parsed
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from adapters.generic.mapping.paths import Find
    from adapters.generic.rest.options import Failure, Nobody
    from adapters.ports import Response
    from adapters.reading import Reader


_PROBLEM: Final = "application/problem+json"
_NO_CONTENT: Final = 204


class Envelope:
    """What tells answers from errors.

    Raises: ValueError, naming the path, when one is not a JMESPath.
    """

    def __init__(self, reader: Reader, failure: Failure | None, nobody: Nobody | None) -> None:
        self._read, self._failure, self._nobody = reader, failure, nobody
        self._code = compiled(failure.path) if failure else None
        self._nobody_code = compiled(nobody.path) if nobody and nobody.path else None

    def is_nobody(self, response: Response) -> bool:
        """Tell whether an answer about one person says that the registry holds nobody by that number."""
        nobody = self._nobody
        if nobody is None or response.status not in nobody.status:
            return False
        if self._nobody_code is None or response.status == _NO_CONTENT:
            return True
        try:
            return _word(self._nobody_code, parsed(response.body)) in nobody.codes
        except JsonError:
            return False

    def check(self, response: Response) -> None:
        """Return when the status is a success, and the answer no problem document.

        Raises: SourceError by the code in the body where the manifest says what that means, else by the status.
        """
        if 200 <= response.status <= 299:
            if response.content_type == _PROBLEM:
                self._read.refuse("Content-Type", "a problem (RFC 9457) under a status of success")
            return
        said = ""
        if self._failure is not None and self._code is not None:
            try:
                code = _word(self._code, parsed(response.body))
            except JsonError:
                code = None
            if code is not None:
                if code in _declared(self._failure):
                    self._raise(code)
                said = f", {self._read.shown(code)}"
        check_status(response, self._read.source_id, said=said)

    def content(self, body: bytes) -> object:
        """Return the JSON of an answer.

        Raises: SourceError when it says that it is an error, or is not JSON.
        """
        content = self._read.parsed(body)
        if self._failure is None or self._code is None:
            return content
        code = _word(self._code, content)
        success = self._failure.success
        if (code not in success) if success else (code is not None):
            self._raise(code)
        return content

    def _raise(self, code: str | None) -> NoReturn:
        failure, source_id = self._failure, self._read.source_id
        assert failure is not None  # noqa: S101 - only called where there is one
        detail = (
            f"error {self._read.shown(code, _declared(failure))}" if code is not None else f"{failure.path}: missing"
        )
        if code in failure.busy:
            raise SourceUnavailableError(source_id, UnavailableReason.SOURCE_BUSY, detail)
        if code in failure.down:
            raise SourceUnavailableError(source_id, UnavailableReason.SOURCE_DOWN, detail)
        if code in failure.refused:
            raise SourceRefusedError(source_id, detail)
        raise SourceContractError(source_id, detail)


def _declared(failure: Failure) -> frozenset[str]:
    """Return the codes of errors that the manifest names."""
    return frozenset((*failure.busy, *failure.down, *failure.refused))


def _word(find: Find, content: object) -> str | None:
    """Return a code as text; None for nothing, false, an empty text or an empty list."""
    try:
        found = find(content)
    except UnexpectedTypeError:
        return "unreadable"
    if found is None or found is False or found in ("", [], {}):
        return None
    return found if isinstance(found, str) else str(found).lower() if isinstance(found, bool | int) else "unreadable"

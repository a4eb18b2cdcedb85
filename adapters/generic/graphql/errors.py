"""Errors in answers of GraphQL: with one of them, whatever else came is no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from adapters.transport.statuses import check_status
from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from adapters.generic.graphql.options import GraphQlErrors
    from adapters.ports import Response
    from adapters.reading import Reader


class Errors:
    """What the errors of one registry mean."""

    def __init__(self, reader: Reader, stated: GraphQlErrors, is_single: bool) -> None:  # noqa: FBT001 - of the query, no switch
        self._read, self._stated = reader, stated
        self._nobody = frozenset(stated.nobody) if is_single else frozenset[str]()
        self._declared = frozenset((*stated.nobody, *stated.refused, *stated.busy, *stated.down))

    def is_nobody(self, response: Response) -> bool:
        """Tell whether an answer without success says that nobody is held by the one number.

        Raises: SourceError by the codes in the body, where they mean something, else by the status.
        """
        if 200 <= response.status <= 299:
            return False
        codes = self._codes_of(response.body)
        if codes and codes <= self._nobody:
            return True
        self._raise_known(codes)
        check_status(response, self._read.source_id, said=self._said(codes))
        return False

    def data(self, body: bytes) -> dict[str, Any] | None:
        """Return the data of an answer; None when its errors say that nobody is held by the one number.

        Raises: SourceError for every other error, however much data came with it.
        """
        content = self._read.record("body", self._read.parsed(body))
        if content.get("errors") not in (None, []):
            # INVARIANT: partial data are no answer: what is missing of them would read as "nothing there".
            codes = _codes(content["errors"])
            if codes and codes <= self._nobody and _is_empty(content.get("data")):
                return None
            self._raise_known(codes)
            raise SourceContractError(self._read.source_id, f"errors{self._said(codes)}")
        return self._read.record("data", content.get("data"))

    def _codes_of(self, body: bytes) -> frozenset[str]:
        try:
            content = self._read.parsed(body)
        except SourceContractError:
            return frozenset()
        return _codes(content.get("errors")) if isinstance(content, dict) else frozenset()

    def _said(self, codes: frozenset[str]) -> str:
        return f", {self._read.shown(min(codes), self._declared)}" if codes else ""

    def _raise_known(self, codes: frozenset[str]) -> None:
        source_id, said = self._read.source_id, f"errors{self._said(codes)}"
        if codes & frozenset(self._stated.refused):
            raise SourceRefusedError(source_id, said)
        if codes & frozenset(self._stated.busy):
            self._unavailable(UnavailableReason.SOURCE_BUSY, said)
        if codes & frozenset(self._stated.down):
            self._unavailable(UnavailableReason.SOURCE_DOWN, said)

    def _unavailable(self, reason: UnavailableReason, said: str) -> NoReturn:
        raise SourceUnavailableError(self._read.source_id, reason, said)


def _is_empty(data: object) -> bool:
    """Tell whether data hold nothing but nulls; otherwise it is a part of somebody that was not found."""
    return data is None or (isinstance(data, dict) and all(map(_is_empty, data.values())))


def _codes(errors: object) -> frozenset[str]:
    """Return the codes of all errors; "" for one without."""
    codes: set[str] = set()
    for error in errors if isinstance(errors, list) else [errors]:
        extensions = error.get("extensions") if isinstance(error, dict) else None
        code = extensions.get("code") if isinstance(extensions, dict) else None
        codes.add(code if isinstance(code, str) else "")
    return frozenset(codes)

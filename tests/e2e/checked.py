"""A client that holds every answer against the schema that the gateway publishes for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.api.views.view import SINGLE
from gateway.client import HearthClient
from standards.dci.codes import DEFAULT_RECORD_TYPE, ResponseEntity, normal_record_type, normal_reg_type
from standards.dci.shapes import is_composed
from tests.answers import Checker, disagreements


class CheckedClient(HearthClient):
    """Whatever passes through it was answered as the agreement in force has it, or the test fails."""

    _listed: list[dict[str, Any]] | None = None
    _checkers: dict[str, Checker] | None = None

    def send(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a DCI message; check the whole of a simple answer, and every item of any."""
        answer = super().send(message)
        asked = {q["reference_id"]: q for q in _questions(message)}
        answered = answer["message"]["search_response"]
        checkers = [
            self._checker(_purpose(asked[i["reference_id"]]), _shape(asked[i["reference_id"]])) for i in answered
        ]
        for item, checker in zip(answered, checkers, strict=True):
            assert checker is not None or item["status"] == "rjct", "answered under no agreement in force"
            if checker is not None:
                assert checker.item_faults(item) == []
            if "data" in item:
                assert list(disagreements(item)) == []
        for checker in set(checkers) - {None}:
            if checker is not None and len(set(checkers)) == 1:
                assert checker.faults(answer) == []
        return answer

    def lookup(self, *args: Any, **said: Any) -> dict[str, Any]:
        """Ask a plain question and check its answer."""
        answer = super().lookup(*args, **said)
        checker = self._checker(said["purpose"], "person" if said.get("person_only") else "household")
        assert checker is not None
        assert checker.faults(answer) == []
        return answer

    def _checker(self, purpose: str | None, shape: str) -> Checker | None:
        """The schema under which such a question is answered now."""
        self._checkers = {} if self._checkers is None else self._checkers
        self._listed = self._listed or self.agreements()
        found = [a for a in self._listed if a["in_force"] and (purpose is None or purpose in a["purposes"])]
        if not found:
            return None
        address = found[-1]["schemas"].get(shape)
        if address is None:
            return None
        if address not in self._checkers:
            self._checkers[address] = Checker(self.schema(address))
        return self._checkers[address]


def _questions(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    asked = message["message"]["search_request"]
    return [q for q in (asked if isinstance(asked, list) else [asked]) if "reference_id" in q]


def _purpose(question: Mapping[str, Any]) -> str | None:
    criteria = question.get("search_criteria", {})
    bases = [part.get(name) for part in (criteria, question) for name in ("consent", "authorize")]
    codes = [b["purpose"].get("code") for b in bases if isinstance(b, dict) and isinstance(b.get("purpose"), dict)]
    return next((str(code) for code in codes if code), None)


def _shape(question: Mapping[str, Any]) -> str:
    criteria = question.get("search_criteria", {})
    reg_type = normal_reg_type(str(criteria.get("reg_type", "")))
    if reg_type is not None and not is_composed(reg_type):
        said = normal_record_type(str(criteria.get("reg_record_type", "")))
        asked = (reg_type, said or DEFAULT_RECORD_TYPE.get(reg_type))
        return next((shape.value for shape, types in SINGLE.items() if types == asked), "")
    wanted = str(criteria.get("response_entity") or criteria.get("reg_record_type") or "")
    is_person = wanted.rpartition(":")[2].lower() in {ResponseEntity.MEMBER.lower(), "person"}
    return "dci-member" if is_person else "dci-group"

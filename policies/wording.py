"""Agreements in words that a lawyer reads: forms, times, bases."""

from __future__ import annotations

from typing import Final

from policies.agreement import LegalBasis
from standards.permit import Form, FormKind, Operator

_COMPARED: Final = {
    Operator.LT: "below",
    Operator.LE: "at most",
    Operator.EQ: "exactly",
    Operator.GE: "at least",
    Operator.GT: "above",
    Operator.IN: "one of",
}
_COARSENED: Final = {
    "year": "only the year",
    "month": "only the month and year",
    "initial": "only the first letter",
    "district": "only the district, in place of the address",
    "region": "only the region, in place of the address",
}
BASES: Final = {
    LegalBasis.CONSENT: "the consent of each person concerned; who has not given it is not asked about",
    LegalBasis.PUBLIC_TASK: "a public task laid down by law; nobody is asked for consent",
    LegalBasis.VITAL_INTEREST: "the protection of somebody's life; nobody is asked for consent",
    LegalBasis.LEGAL_OBLIGATION: "a duty laid down by law; nobody is asked for consent",
    LegalBasis.CONTRACT: "a contract with the person concerned; nobody is asked for consent",
}
_UNITS: Final = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def form_words(form: Form) -> str:
    """Return what a programme learns of an attribute, to follow `is told`."""
    match form.kind:
        case FormKind.BAND:
            return f"only as the band it lies in, with edges at {', '.join(f'{edge:.15g}' for edge in form.edges)}"
        case FormKind.PREDICATE:
            return f"only as yes or no: {question_words(form)}?"
        case FormKind.GENERALISED:
            return f"coarser: {_COARSENED[form.to or '']}"
        case FormKind.MASKED:
            return "masked: its last two characters at most"
        case FormKind.PSEUDONYM:
            return "as a pseudonym that fits no other programme's"
        case _:
            return "exactly, as the registry states it"


def question_words(form: Form) -> str:
    """Return a predicate as a question: `is it below 24000`."""
    threshold = form.threshold if isinstance(form.threshold, (list, tuple)) else [form.threshold]
    numbers = ", ".join(f"{number:.15g}" for number in threshold if isinstance(number, (int, float)))
    return f"is it {_COMPARED[form.operator or Operator.EQ]} {numbers}"


def duration(seconds: float) -> str:
    """Return a time in the largest unit in which it is whole: `7 days`."""
    for unit, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            number = int(seconds // size)
            return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return f"{seconds:.15g} seconds"

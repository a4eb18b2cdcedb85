"""Test cases beside an agreement: given consents and a made-up household, who sees what. Pure but for reading the file.

Beside `uct.yaml` lies `uct.cases.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from policies.agreement import Id, Model, Text
from policies.folder import CASES_SUFFIX
from policies.rehearsal import HOUSEHOLD, Decided, Household, Question, Rehearsed, Surroundings, rehearse
from standards.errors import ConfigurationError
from standards.permit import Reason
from standards.states import Absent, Conflict, Unavailable, Value, Withheld, settled

if TYPE_CHECKING:
    from pathlib import Path

    from policies.agreement import Agreement
    from standards.states import AttributeState

M = TypeVar("M", bound=Model)


class Case(Model):
    """One case: a question, a household, and what is expected."""

    name: Text
    ask: Question = Question()
    household: Household | None = Field(default=None, description="Null: the household of the whole file.")
    consents: Mapping[str, Decided] = Field(default={}, description="Member -> consent, in place of the household's.")
    expect: Mapping[str, Mapping[str, Any]] = Field(
        default={}, description="Member, or `household` -> attribute -> what is told: see `worded`."
    )
    denied: Reason | None = Field(default=None, description="The question is denied for this reason, among others.")
    nothing_else: bool = Field(default=False, description="No other value is told to anybody.")


class Cases(Model):
    """A file of cases."""

    agreement: Id
    household: Household | None = Field(default=None, description="Household of every case that states none.")
    cases: tuple[Case, ...] = Field(min_length=1)


class Result(NamedTuple):
    """What became of one case; no fault means that it holds."""

    name: str
    faults: tuple[str, ...]


def cases_beside(path: Path) -> Path:
    """Return where the test cases of an agreement file lie."""
    return path.with_name(path.stem + CASES_SUFFIX)


def read_cases(path: Path) -> Cases:
    """Return the cases of a file.

    Raises: ConfigurationError that says where the file is wrong and what is.
    """
    return read_model(path, Cases)


def read_household(path: Path) -> Household:
    """Return the made-up household of a file.

    Raises: ConfigurationError that says where the file is wrong and what is.
    """
    return read_model(path, Household)


def read_model(path: Path, model: type[M]) -> M:
    """Return the content of a YAML file as a model.

    Raises: ConfigurationError that says where the file is wrong and what is.
    """
    try:
        return model.model_validate(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, RecursionError) as wrong:
        raise ConfigurationError(f"{path}: cannot be read ({type(wrong).__name__})") from None
    except YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigurationError(f"{path}{where}: not well-formed YAML") from None
    except ValidationError as wrong:
        lines = (f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong.errors(include_url=False))
        raise ConfigurationError("\n".join(lines)) from None
    except ValueError:
        raise ConfigurationError(f"{path}: a day in it does not exist, such as 2026-02-30: correct it") from None


def run(agreement: Agreement, cases: Cases, around: Surroundings) -> tuple[Result, ...]:
    """Try every case against an agreement.

    Raises: ConfigurationError when the cases are of another agreement, or a household is missing or wrong.
    """
    if cases.agreement != agreement.id:
        raise ConfigurationError(f"these cases are of the agreement {cases.agreement}, not of {agreement.id}")
    return tuple(Result(case.name, tuple(_faults(agreement, cases, case, around))) for case in cases.cases)


def worded(state: AttributeState) -> object:
    """Return a state as cases write it.

    A value stands for itself; the rest is `absent`, `withheld: reason`, `unavailable: reason`, `conflict: value`.
    """
    match state:
        case Value(value=value):
            return value
        case Absent():
            return "absent"
        case Withheld(reason=reason):
            return {"withheld": reason.value}
        case Unavailable(reason=reason):
            return {"unavailable": reason.value}
        case Conflict(settled=best):
            return {"conflict": best.value}


def _faults(agreement: Agreement, cases: Cases, case: Case, around: Surroundings) -> Iterator[str]:
    household = case.household or cases.household
    if household is None:
        raise ConfigurationError(f"case `{case.name}`: state a household, here or for the whole file")
    outcome = rehearse(agreement, case.ask, _with_consents(household, case), around)
    denied = [denial.reason for denial in outcome.denials]
    if case.denied is not None:
        if case.denied not in denied:
            yield f"expected the denial {case.denied}, and the question was {_list(denied) or 'permitted'}"
        return
    if denied:
        yield f"the question was denied: {_list(denied)}"
        return
    yield from _unmet(case, outcome)


def _unmet(case: Case, outcome: Rehearsed) -> Iterator[str]:
    told = {(t.who, t.attribute): t.state for t in outcome.told}
    for who, attributes in case.expect.items():
        for name, expected in attributes.items():
            state = told.pop((who, name), None)
            if state is None:
                yield f"{who}.{name}: expected {expected!r}, and it was not asked for"
            elif (found := worded(state)) != _plain(expected):
                yield f"{who}.{name}: expected {expected!r}, found {found!r}"
    if case.nothing_else:
        for (who, name), state in told.items():
            if settled(state) is not None:
                yield f"{who}.{name}: is told, and the case expects that nothing else is"


def _with_consents(household: Household, case: Case) -> Household:
    names = {person.name for person in household.members}
    if strangers := sorted({*case.consents, *case.expect} - names - {HOUSEHOLD}):
        raise ConfigurationError(f"case `{case.name}`: nobody in the household is called {', '.join(strangers)}")
    members = tuple(
        person.model_copy(update={"consent": case.consents[person.name]}) if person.name in case.consents else person
        for person in household.members
    )
    return household.model_copy(update={"members": members})


def _plain(expected: object) -> object:
    return expected.isoformat() if isinstance(expected, (date, datetime)) else expected


def _list(reasons: list[Reason]) -> str:
    return ", ".join(reason.value for reason in reasons)

"""Declared emergencies: whom they count for, until when, and what they can never do."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from policies.emergency import Emergencies, Emergency, problem, read_emergencies, widened
from policies.engine import decide, decide_person
from policies.facts import Facts
from policies.groups import members_of
from policies.ports import Standing, StandingKind
from standards.errors import ConfigurationError
from standards.permit import DisclosureRequest, Permit
from tests.builders import NOW, PLANNER
from tests.unit.policies.builders import CATALOGUE, agreement

HOLDERS = PLANNER.holders()
FLOOD = {
    "id": "flood-2026",
    "title": "Flood at the lake",
    "reference": "Declaration 12/2026",
    "declared_by": "Director of Relief",
    "approved_by": "Data Protection Officer",
    "start": "2026-09-20",
    "end": "2026-10-10",
    "consumers": ["programme"],
    "attributes": ["income_annual"],
}


def emergency(**changes):
    """The flood, otherwise."""
    return Emergency.model_validate(FLOOD | changes)


def permit(**changes) -> Permit:
    """What the programme may ask."""
    made = decide(DisclosureRequest("programme", "eligibility", None), Facts((agreement(**changes),), NOW, CATALOGUE))
    assert isinstance(made, Permit)
    return made


def told(standing, declared=None, **changes):
    """What an emergency leaves of one person's decision."""
    asked = permit(**changes)
    person = decide_person(asked, standing, HOLDERS, members_of(CATALOGUE))
    return widened(person, asked, declared or emergency(), HOLDERS, CATALOGUE)


MISSING, REFUSED = Standing(StandingKind.MISSING), Standing(StandingKind.REFUSED)


def test_it_counts_from_its_first_day_to_its_last():
    """And on no other; nobody has to end it."""
    declared = emergency()
    days = [date(2026, 9, 19), date(2026, 9, 20), date(2026, 10, 10), date(2026, 10, 11)]

    assert [declared.counts("programme", day) for day in days] == [False, True, True, False]
    assert not declared.counts("other", date(2026, 10, 1))


def test_it_counts_for_nobody_until_somebody_else_approved_it():
    """The author alone opens nothing."""
    assert not emergency(approved_by=None).counts("programme", date(2026, 10, 1))
    with pytest.raises(ValidationError, match="somebody else has to approve"):
        emergency(approved_by=" director of RELIEF ")


def test_it_stands_in_for_missing_consent_in_its_scope_only():
    """What it does not name stays withheld, and sources that only hold that are not asked."""
    person = told(MISSING)

    assert person.forms.keys() == {"income_annual"}
    assert person.withheld.keys() >= {"given_name", "household_size"}
    assert (person.emergency, person.basis) == ("flood-2026", "consent+emergency:flood-2026")
    assert person.allows("tax")
    assert not person.allows("land")
    assert "employment_status" in person.refused_attributes["tax"]
    assert "income_annual" not in person.refused_attributes["tax"]


def test_it_never_goes_beyond_the_agreement():
    """An attribute that is not agreed is not told, whatever was declared; an agreed form stays."""
    declared = emergency(attributes=["income_annual", "is_pregnant", "given_name"])
    person = told(MISSING, declared)

    assert person.forms == {name: form for name, form in permit().forms.items() if name != "household_size"}
    assert person.forms["income_annual"] == permit().forms["income_annual"]


def test_who_refused_is_left_alone_unless_the_declaration_says_otherwise():
    """Even then only what it names is read."""
    assert told(REFUSED).forms == {}
    assert told(REFUSED, emergency(overrides_refusal=True)).forms.keys() == {"income_annual"}


def test_who_granted_needs_no_emergency():
    """The answer does not claim one."""
    person = told(Standing(StandingKind.GRANTED, receipt_id="cr-1"))

    assert (person.emergency, person.basis) == (None, "consent:cr-1")


def test_a_refused_registry_is_opened_for_what_is_declared_only():
    """Everything else of it stays refused."""
    refusing = Standing(StandingKind.GRANTED, frozenset({"tax"}))
    person = told(refusing, emergency(overrides_refusal=True))

    assert "income_annual" in person.forms
    assert person.allows("tax")
    assert "employment_status" in person.refused_attributes["tax"]
    assert person.allows("crvs")
    assert "crvs" not in person.refused_attributes


def test_its_area_is_where_people_live():
    """A region or a district; of whom nothing is known does not live there."""
    lake = emergency(area=["PV-1", "PV-203"])

    assert lake.reaches(["PV-1", "PV-101"])
    assert lake.reaches([None, "PV-203"])
    assert not lake.reaches(["PV-2", "PV-201"])
    assert not lake.reaches([])
    assert emergency().reaches([])


def written(folder, **changes):
    """A file with the flood in it."""
    stated = FLOOD | changes
    lines = [f"{name}: {value}" for name, value in stated.items()]
    (folder / f"{stated['id']}.yaml").write_text("\n".join(lines))


def test_a_folder_is_read(tmp_path):
    """Its digest tells when anything in it has changed."""
    assert read_emergencies(None, CATALOGUE, 30) == read_emergencies(tmp_path / "none", CATALOGUE, 30) == Emergencies()
    written(tmp_path)
    before = read_emergencies(tmp_path, CATALOGUE, 30)
    written(tmp_path, end="2026-10-05")
    after = read_emergencies(tmp_path, CATALOGUE, 30)

    assert [e.id for e in before.counting("programme", date(2026, 10, 6))] == ["flood-2026"]
    assert after.counting("programme", date(2026, 10, 6)) == ()
    assert before.digest != after.digest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"end": "2026-10-20"}, "longer than 30 days"),
        ({"end": "2026-09-01"}, "before the first"),
        ({"attributes": "[shoe_size]"}, "no attribute shoe_size"),
        ({"attributes": "[]"}, "attributes"),
        ({"author": "x"}, "author"),
        ({"approved_by": "Director of Relief"}, "somebody else"),
        ({"approved_by": "director  of \uff32elief"}, "somebody else"),
        ({"start": "2026-02-30"}, "days that exist"),
        ({"title": "[" * 9999}, "cannot be read"),
    ],
)
def test_a_wrong_declaration_is_refused(tmp_path, changes, said):
    """With its file and what is wrong."""
    written(tmp_path, **changes)

    with pytest.raises(ConfigurationError, match=said) as raised:
        read_emergencies(tmp_path, CATALOGUE, 30)
    assert "flood-2026.yaml" in str(raised.value)


def test_the_example_in_the_guide_is_a_declaration():
    """What an officer copies can be used."""
    guide = (Path(__file__).parents[3] / "policies" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yml\n(.*?)```", guide, re.DOTALL)
    declared = Emergency.model_validate(YAML(typ="safe", pure=True).load(example))

    assert problem(declared, CATALOGUE, 30) is None
    assert declared.counts("uct", date(2026, 10, 10))


def test_thirty_days_are_thirty_days(tmp_path):
    """The first and the last counted."""
    first = date(2026, 9, 20)
    written(tmp_path, end=(first + timedelta(days=29)).isoformat())
    read_emergencies(tmp_path, CATALOGUE, 30)
    written(tmp_path, end=(first + timedelta(days=30)).isoformat())
    with pytest.raises(ConfigurationError):
        read_emergencies(tmp_path, CATALOGUE, 30)

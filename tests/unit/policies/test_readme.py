"""The page for data-protection officers says what the code does."""

import re
from pathlib import Path

import orjson
import pytest

from gateway.stages.derive import Deriver
from policies.cases import read_cases, run
from policies.diff import FIELDS, diff
from policies.folder import NoticeKind
from policies.forms import apply
from policies.handles import HandleRing
from policies.probes import check_filter
from policies.reading import parse_agreement, read_agreement
from policies.rehearsal import Surroundings
from standards.filters import Comparison
from standards.permit import FormKind, Operator, Reason
from standards.states import WithheldReason
from tests.builders import PLANNER
from tests.unit.policies.builders import CATALOGUE, permit
from tests.unit.policies.test_reading import GOOD

SANDBOX = Path(__file__).parents[3] / "policies" / "sandbox"
README = (Path(__file__).parents[3] / "policies" / "README.md").read_text(encoding="utf-8")


def table(heading):
    """Cells of the table whose first column has this heading, without the heading's row."""
    lines = README[README.index(f"| {heading} |") :].split("\n\n", 1)[0].splitlines()
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_the_example_is_an_agreement():
    """What an officer copies can be used."""
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)

    search = parse_agreement(example, CATALOGUE).search

    assert search is not None
    assert search.max_results == 100


@pytest.mark.parametrize(("name", "stated", "value", "told"), table("attribute"))
def test_the_examples_of_forms_are_true(name, stated, value, told):
    """Each row is tried as it stands."""
    assert apply(agreed(name, stated).forms[name], orjson.loads(value)) == orjson.loads(told)


def agreed(name, stated):
    """An agreement about one attribute."""
    above = GOOD[: GOOD.index("attributes:")]
    return parse_agreement(f"{above}attributes:\n  {name}: {stated}\nmax_age_s: 1\nretention_days: 1\n", CATALOGUE)


@pytest.mark.parametrize(("stated", "compared", "effect"), table("agreed"))
def test_the_examples_of_filters_are_true(stated, compared, effect):
    """Each row is tried as it stands, by yearly income."""
    operator, value = compared.split()
    by_income = Comparison("income_annual", Operator(operator), orjson.loads(value))

    denial = check_filter(by_income, (), permit({}, searchable=agreed("income_annual", stated).forms))

    assert effect == ("searched" if denial is None else "denied")


@pytest.mark.parametrize(("old", "new", "effect"), table("from"))
def test_the_examples_of_widening_are_true(old, new, effect):
    """Each row is compared as it stands, as the form of a yearly income."""
    (change,) = diff(agreed("income_annual", old), agreed("income_annual", new))

    assert change.effect.value == effect


def test_every_key_that_can_widen_is_on_the_page():
    """Beside those that only name the version or word it."""
    named = {key.split(".")[0] for row in table("where") for key in re.findall(r"[\w.*]+", row[0])}

    assert named == FIELDS - {"id", "version", "title"}


def test_every_way_of_not_being_in_force_is_explained():
    """The operator reads one of these words in a notice."""
    rows = README[README.index("| reason | what happened |") :].split("\n\n", 1)[0]

    assert set(re.findall(r"(?m)^\| `(\w+)` \|", rows)) == set(NoticeKind)


def test_the_cases_on_the_page_hold(tmp_path):
    """With the practice agreement they are about, and the derivations of real questions."""
    (text,) = re.findall(r"```yaml cases\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "uct.cases.yaml"
    file.write_text(text, encoding="utf-8")
    around = Surroundings(CATALOGUE, PLANNER.holders(), Deriver(CATALOGUE).derive, HandleRing.first().handles)

    results = run(read_agreement(SANDBOX / "uct.yaml", CATALOGUE), read_cases(file), around)

    assert [result.faults for result in results] == [(), (), ()]


def test_every_form_is_explained():
    """The list of forms is closed, and whole on the page."""
    assert {row[0] for row in table("form")} == set(FormKind)


def test_every_reason_is_explained():
    """Whoever reads a denial or a withheld attribute finds it on the page."""
    denied, withheld = (
        set(re.findall(r"(?m)^\| `(\w+)` \|", rows))
        for rows in re.findall(r"(?s)\| reason \| meaning \|\n(.*?)\n\n", README)
    )

    assert denied == set(Reason)
    assert withheld == set(WithheldReason)

"""The page for data-protection officers says what the code does."""

import re
from pathlib import Path

import orjson
import pytest

from policies.forms import apply
from policies.reading import parse_agreement
from standards.permit import FormKind, Reason
from standards.states import WithheldReason
from tests.unit.policies.builders import CATALOGUE
from tests.unit.policies.test_reading import GOOD

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
    above = GOOD[: GOOD.index("attributes:")]
    agreement = parse_agreement(f"{above}attributes:\n  {name}: {stated}\nmax_age_s: 1\nretention_days: 1\n", CATALOGUE)

    assert apply(agreement.forms[name], orjson.loads(value)) == orjson.loads(told)


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

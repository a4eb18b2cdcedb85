"""What the package's pages promise to list is listed there."""

import re
from pathlib import Path

import pytest

import standards
from standards.states import UnavailableReason, WithheldReason

ROOT = Path(standards.__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEVIATIONS = (ROOT / "dci" / "DEVIATIONS.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("reason", [*UnavailableReason, *WithheldReason])
def test_every_reason_is_explained(reason):
    """Whoever reads a reason in an answer finds its meaning and who acts on it."""
    assert re.search(rf"^\| `{reason}` \| .+ \| .+ \|$", README, re.MULTILINE)


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.py")) + sorted((ROOT / "dci").glob("*.py")), ids=lambda p: p.name)
def test_every_module_is_named(path):
    """The table of files is complete."""
    assert path.name == "__init__.py" or path.name in README


def test_deviations_are_numbered_without_gaps():
    """A number in the code leads to its entry."""
    numbers = [int(found) for found in re.findall(r"^(\d+)\. ", DEVIATIONS, re.MULTILINE)]
    code = "".join(path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py"))

    assert numbers == list(range(1, len(numbers) + 1))
    assert {int(found) for found in re.findall(r"DEVIATION (\d+)", code)} <= set(numbers)

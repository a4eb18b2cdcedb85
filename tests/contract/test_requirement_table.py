"""The table of requirements: every one names tests that there are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.contract.dci_spec import SPEC, needs_dci_spec

pytestmark = pytest.mark.contract

TESTS = Path(__file__).parents[1]
REQUIREMENTS: dict[str, dict[str, Any]] = YAML(typ="safe").load(Path(__file__).with_name("requirements.yaml"))
AREAS = {"OPS", "ENV", "SRCH", "SUB", "TXN", "SPEC", "ERR", "SEC", "OBJ", "CODE", "DEF", "CLI"}


@cache
def names_in(file: str) -> frozenset[str]:
    """The tests of a file, without importing it."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)))


@pytest.mark.parametrize("id", REQUIREMENTS)
def test_a_requirement_names_tests_that_there_are(id: str):
    """Each has a section, a sentence, and at least one test."""
    stated = REQUIREMENTS[id]

    assert set(stated) == {"of", "says", "by"}
    assert stated["says"].endswith(".")
    assert stated["by"], "no test shows it"
    missing = [name for name in stated["by"] if name.partition("::")[2] not in names_in(name.partition("::")[0])]
    assert missing == []


def test_ids_are_counted_by_area():
    """An id never comes twice, and says where in the standard it belongs."""
    counted: dict[str, list[int]] = {}
    for id_ in REQUIREMENTS:
        found = re.fullmatch(r"DCI-([A-Z]+)-(\d\d)", id_)
        assert found is not None, id_
        counted.setdefault(found[1], []).append(int(found[2]))

    assert set(counted) == AREAS
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in counted.values())


@needs_dci_spec
def test_every_decision_of_the_guide_is_of_a_section_that_is_covered():
    """A section of the guide that decides something is named by a requirement."""
    guide = (SPEC.parent / "GUIDE.md").read_text(encoding="utf-8")
    parts = re.split(r"^#{2,3} (?=\d)", guide, flags=re.MULTILINE)[1:]
    deciding = {part.split(maxsplit=1)[0].rstrip(".") for part in parts if "[choice]" in part}
    named = {one.strip() for stated in REQUIREMENTS.values() for one in str(stated["of"]).split(",")}

    assert sorted(one for one in deciding if not any(n == one or n.startswith(f"{one}.") for n in named)) == []

"""The scores of the practice country: nobody is merged wrongly, and households are composed rightly."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.e2e.conftest import HOUSEHOLDS, Country

pytestmark = pytest.mark.e2e


def score(*words: str) -> dict[str, Any]:
    """Run `hearth sandbox score`."""
    result = CliRunner().invoke(app, ["sandbox", "score", *words, "--json"])
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.output))


def test_nobody_in_the_default_population_is_merged_wrongly(tmp_path):
    """2,000 households, seed 7, at every noise level; most are found all the same, and hardly anybody is denied."""
    told = score("--dir", str(tmp_path))

    assert [row["noise"] for row in told["linkage"]] == ["low", "default", "high"]
    assert [(row["wrong"], row["wrong_if_gone"]) for row in told["linkage"]] == [(0, 0)] * 3
    assert [row["recall"] > least for row, least in zip(told["linkage"], (0.85, 0.75, 0.5), strict=True)] == [True] * 3
    assert all(row["missed"] <= 0.02 * row["pairs"] for row in told["linkage"])
    assert told["composition"] is None


def test_households_are_composed_as_people_live(country: Country):
    """A sample, asked about as a programme of the running sandbox."""
    told = score("--dir", str(country.folder), "--households", str(HOUSEHOLDS), "--sample", "25")["composition"]

    assert told["membership"]["households"] == 25
    assert told["membership"]["precision"] > 0.9
    assert told["membership"]["recall"] > 0.85
    values = {row["attribute"]: row for row in told["values"]}
    assert values["birth_date"]["right"] > 0.95
    assert values["given_name"]["right"] + values["given_name"]["spelled"] + values["given_name"]["conflicting"] > 0.95


def test_a_programme_that_is_not_there_is_said(country: Country):
    """With those that are."""
    words = ["sandbox", "score", "--dir", str(country.folder), "--households", "250", "--as", "nobody"]
    result = CliRunner().invoke(app, words)

    assert result.exit_code == 1
    assert "uct" in result.output

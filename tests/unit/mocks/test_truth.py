"""The truth that findings are scored by."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mocks.truth import main, truth
from tests.unit.mocks.countries import country

ROOT = Path(__file__).parents[3]


def test_everybody_has_a_line():
    """In the order of the population, with the numbers and traits that are theirs."""
    population = country()
    lines = list(truth(population))

    assert [line["person"] for line in lines] == list(range(len(population.people)))
    for line, person in zip(lines, population.people, strict=True):
        assert line["numbers"].get("UIN") == person.uin
        assert line["traits"]["birth_date"] == person.birth_date.isoformat()
        assert line["household"] == person.household


def test_households_are_who_lives_there():
    """Of the living, the person among them; of the dead nobody."""
    population = country()
    for line in truth(population):
        person = population.people[line["person"]]
        if person.death_date is None:
            assert person.index in line["members_with"]
            assert line["members_with"] == population.households[person.household].members
        else:
            assert line["members_with"] == []


def test_the_row_of_the_list_is_under_its_number():
    """As the list writes it, and the number is one of the person's."""
    lines = [line for line in truth(country(), "high") if "farmers_list" in line["rows"]]

    assert lines
    for line in lines:
        row = line["rows"]["farmers_list"]
        assert row["LIST_NO"] == line["numbers"]["FARMER_LIST_NO"]
        assert set(row["traits"]) <= set(line["traits"])
    assert any(line["rows"]["farmers_list"]["traits"]["surname"] != line["traits"]["surname"] for line in lines)


def test_the_command_writes_a_file_or_to_its_output(tmp_path):
    """The same lines either way; another seed, another country."""
    where = tmp_path / "truth.jsonl"
    assert main(["--households", "60", "--seed", "3", "--noise", "low", "--file", str(where)]) == 0
    command = [sys.executable, "-m", "mocks.truth", "--households", "60", "--seed", "3", "--noise", "low"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout

    assert said == where.read_bytes()
    assert json.loads(said.splitlines()[0])["person"] == 0
    assert main(["--households", "60", "--seed", "4", "--file", str(tmp_path / "other")]) == 0
    assert (tmp_path / "other").read_bytes() != said


def test_the_row_of_national_id_is_what_that_platform_says():
    """Of everybody with a number there, in its own spelling."""
    population = country()
    for line in truth(population):
        person = population.people[line["person"]]
        row = line["rows"].get("national_id")
        assert (row is None) == (person.uin is None)
        if row is not None:
            traits = row["traits"]
            spelled = (traits["given_name"], traits["second_name"], traits["surname"])
            assert (row["UIN"], spelled) == (person.uin, population.spelling("national_id", person.index))


@pytest.mark.parametrize(
    "arguments", [["--households", "3"], ["--noise", "deafening"], ["--households", "60", "--file", "/nowhere/truth"]]
)
def test_what_cannot_be_told_is_said(arguments, capsys):
    """In words, and with the exit code of a wrong command."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "error" in capsys.readouterr().err

"""The bench's own pure parts: numbers, plans as calls, sums of stacks, lines of the table."""

import pytest

from tests.bench import report
from tests.bench.calls import steps_of
from tests.bench.parts import Line
from tests.bench.people import MOST_MEMBERS, digits, household_id, located, member
from tests.bench.profiling import profile_of
from tests.bench.running import Options


def test_a_plan_becomes_steps():
    """The peers read whom to ask, and after what, from the text of a plan; other lines of it are passed over."""
    plan = "by UIN\n1 crvs.person by UIN|BRN for the person asked about: sex\n2 tax.taxpayer by TIN for everyone in the household after 1: x\n- land not asked"

    first, second = steps_of(plan)

    assert (first.operation, first.is_for_everyone, first.after) == ("crvs.person", False, ())
    assert (second.operation, second.is_for_everyone, second.after) == ("tax.taxpayer", True, (1,))
    with pytest.raises(ValueError, match="cannot take"):
        steps_of("1 water.meter by UIN for the person asked about")


def test_every_number_tells_its_household():
    """Whatever number a registry is asked by, it knows whose it is."""
    for place in range(MOST_MEMBERS):
        somebody = member(place, digits(1234))
        numbers = (somebody.uin, somebody.brn, somebody.member_id, somebody.patient_number, somebody.learner_number)
        assert {located(number) for number in numbers} == {("01234", place)}
    assert located(household_id(digits(1234))) == ("01234", 0)


def test_a_profile_adds_up():
    """Collapsed stacks are summed by function and by the innermost stage."""
    lines = [
        "main (gateway/server.py:1);ask (adapters/transport/client.py:7) 3",
        "main (gateway/server.py:1);write (gateway/journal.py:2) 1",
    ]

    found = profile_of(lines)

    assert found.samples == 4
    assert found.stages[0] == ("fetch: HTTP client", 75.0)
    assert ("main (gateway/server.py)", 100.0) in found.whole


def test_lines_are_written_in_place_of_older_ones_of_their_part(tmp_path, monkeypatch):
    """A part that was not measured keeps its lines; one that was gets new ones, and how they came about."""
    file = tmp_path / "README.md"
    file.write_text("before\n<!-- table -->\n<!-- end of table -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(report, "README", file)

    report.write([Line("cold", "first", "1", "2", holds=False), Line("warm", "kept", "3")], Options())
    report.write([Line("cold", "second", "4", "2", holds=True)], Options())

    text = file.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| `cold` | second | 4 | 2 | yes |" in text
    assert "| `warm` | kept | 3 |  |  |" in text
    assert "first" not in text
    assert text.count("dev.py bench") == 2

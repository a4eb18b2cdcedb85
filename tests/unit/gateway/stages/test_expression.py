"""Expressions: what is refused at start, and what their functions give."""

import logging
import subprocess
import sys

import pytest

from gateway.stages.expression import MAX_DEPTH, MAX_LENGTH, UNKNOWN, Scope, compiled
from standards.errors import ConfigurationError

OF_MEMBERS = {"age": True, "sex": True, "rooms": False}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 +", "does not compile"),
        ("rooms > " + "1" * MAX_LENGTH, "characters"),
        ("(" * (MAX_DEPTH + 1) + "rooms" + ")" * (MAX_DEPTH + 1), "brackets"),
        ("income > 3", "declare: income"),
        ("members.exists(m, m.income > 3)", "declare: income"),
        ("age > 3", "declare: age"),
        ("size(members) > 3", "only as in"),
        ("members.exists(m, m == m)", "only as in"),
        ("members.exists(p, p.age > 3)", "declare: p"),
        ("members == members", "only as in"),
        ("members.exists_one(m, m.age > 3)", "only as in"),
        ("members[0].age > 3", "calls what it may not"),
        ('members.exists(m, m["age"] > 3)', "calls what it may not"),
        ('rooms.matches("a")', "calls what it may not"),
        ("members.exists(m, has(m.age))", "unknown would count as no"),
    ],
)
def test_what_could_mislead_is_refused_at_start(text, why):
    """With the attribute's name, so that the catalogue can be mended."""
    with pytest.raises(ConfigurationError, match=f"of probe in the catalogue .*{why}"):
        compiled("probe", text, OF_MEMBERS)


def test_words_inside_texts_are_no_names():
    """A code may be called like a variable."""
    expression = compiled("probe", 'members.exists(m, m.sex == "members m has(x)")', OF_MEMBERS)

    assert expression.evaluate(Scope({"members": [{"sex": "members m has(x)"}]})) is True


@pytest.mark.parametrize(
    ("text", "settles"),
    [
        ("members.exists(m, m.age > 3)", True),
        ('members.exists(m, (m.age > 3) && m.sex == ")")', True),
        ("members.all(m, m.age > 3)", False),
        ("members.all(m, m.age > 3) && rooms > 3", None),
        ("members.exists(m, m.age > 3) || members.exists(m, m.age < 2)", None),
        ("!members.exists(m, m.age > 3)", None),
        ("size(members.filter(m, m.age > 3))", None),
    ],
)
def test_only_an_expression_that_is_one_question_to_everybody_can_be_settled_by_one(text, settles):
    """True by one of `exists`, false by one of `all`; of nothing else."""
    assert compiled("probe", text, OF_MEMBERS).one_settles is settles


@pytest.mark.parametrize(
    ("text", "known", "result"),
    [
        ("rooms > 3 || rooms < 9", {"rooms": 5}, True),
        ("rooms > 3", {}, UNKNOWN),
        ("rooms > 3", {"rooms": "many"}, UNKNOWN),
        ("rooms / 0 > 3", {"rooms": 5}, UNKNOWN),
        ("1.0 / 0.0", {}, None),
        ("rooms > 3 ? rooms : null", {"rooms": 1}, None),
        ("sum(members.map(m, m.age))", {"members": [{"age": 1}, {"age": 2.5}]}, 3.5),
        ("sum(members.map(m, m.age))", {"members": []}, 0),
        ("sum(members.map(m, m.age))", {"members": [{"age": 1}, {}]}, UNKNOWN),
        ("sum(members.map(m, m.age))", {"members": [{"age": "one"}]}, None),
        ("mean(members.map(m, m.age))", {"members": [{"age": 1}, {"age": 2}]}, 1.5),
        ("mean(members.map(m, m.age))", {"members": []}, None),
        ("least(members.map(m, m.age))", {"members": [{"age": 3}, {"age": 2}]}, 2),
        ("least(members.map(m, m.age))", {"members": []}, None),
        ('years_between("2000-02-29", "2025-02-28")', {}, 24),
        ('years_between("2000-02-29", "2025-03-01")', {}, 25),
        ('years_between("unknown", "2025-03-01")', {}, None),
    ],
)
def test_a_result_is_a_value_none_or_unknown(text, known, result):
    """None where there is no such value, unknown where it hangs on what is missing."""
    assert compiled("probe", text, OF_MEMBERS).evaluate(Scope(known)) == result


def test_nothing_that_goes_wrong_puts_a_value_into_the_log(caplog):
    """The library logs what functions raise, so ours raise nothing."""
    with caplog.at_level(logging.DEBUG):
        for call in ("sum(members.map(m, m.sex))", "mean(members.map(m, m.sex))", "least(members.map(m, m.sex))"):
            compiled("probe", call, OF_MEMBERS).evaluate(Scope({"members": [{"sex": "canary"}, {"sex": 1}]}))
        compiled("probe", "years_between(rooms, today)", OF_MEMBERS).evaluate(Scope({"rooms": "canary", "today": "x"}))

    assert "canary" not in caplog.text


def test_no_terminal_library_is_imported_for_an_expression():
    """CEL's own command line would bring one, and with it a tenth of every start."""
    told = "import sys, gateway.stages.expression as e; print(e.cel.evaluate('1 + 2'), 'prompt_toolkit' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["3", "False"]

"""A path of a manifest is a JMESPath that finds something, and nothing that could eat up a machine."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from adapters.generic.mapping.expressions import MOST_CHARACTERS, expression
from adapters.generic.mapping.layout import ValueField
from adapters.generic.mapping.paths import finder


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "`@` is the whole record"),
        ("a..b", r"from character 3"),
        ("National ID", "double quotes"),
        ("lenght(visits)", "did you mean `length`"),
        ("max(a, b)", "`max` takes 1, not 2"),
        ("not_null()", "takes 1 or more"),
        ("a." * 1_000 + "a", f"at most {MOST_CHARACTERS}"),
        ("[@, @, @, @, @, @, @, @, @, @] | " * 6 + "@", "again and again"),
        ("to_string([" * 5 + "@" + "])" * 5, "4 times"),
        ("join(join(',', @), @)", "what `join` puts between is a text"),
        ("join('" + "x" * 21 + "', @)", "at most 20"),
        ("[@, @, @, @, @, @, @, @, @, @][*].[to_string(@), a, b, c, d, e]", "again and again"),
    ],
)
def test_what_is_none_or_could_explode_is_refused_with_the_reason(path, said):
    """In the manifest, long before a record is read."""
    with pytest.raises(ValueError, match=said):
        expression(path)
    with pytest.raises(ValidationError, match=said):
        ValueField(path=path)


def test_what_an_accepted_expression_writes_stays_within_bounds():
    """The worst that may be written: marks of marks of marks, many times over."""
    record = ['"\\"' * 50] * 100
    size = sum(map(len, record))
    worst = ["to_string([" * 4 + "@" + "])" * 4, "[@, @, @, @, @, @, @][*].join('" + "x" * 20 + "', @)"]

    for path in worst:
        found = finder(path)(record)
        assert len(str(found)) < 200 * size


def test_every_function_of_the_language_may_be_used():
    """Those of the standard, by their own names."""
    for path in ("length(a)", "sort_by(a, &b)[-1].c", "join(', ', a)", "not_null(a, b, c)", "to_number(a)", "keys(@)"):
        assert expression(path).expression == path

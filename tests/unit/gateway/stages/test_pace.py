"""Answers leave at even times."""

import pytest

from gateway.stages.pace import Pace


@pytest.mark.parametrize(
    ("taken_s", "even_time_s", "left_after_s"),
    [(0.0, 0.5, 0.5), (0.1, 0.5, 0.5), (0.5, 0.5, 0.5), (0.51, 0.5, 1.0), (1.2, 0.5, 1.5), (0.3, 0.0, 0.3)],
)
async def test_an_answer_leaves_at_the_next_multiple(taken_s, even_time_s, left_after_s):
    """Without a time stated, at once."""
    moments, slept = [100.0], [0.0]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pace = Pace(lambda: moments[-1], sleep)
    started = pace.start()
    moments.append(100.0 + taken_s)

    await pace.until_even(started, even_time_s)

    assert taken_s + sum(slept) == pytest.approx(left_after_s)

"""How much time a question has."""

import pytest

from gateway.api.deadline import deadline_of
from gateway.settings import Messages
from standards.errors import RequestError

SETTINGS = Messages(deadline_s=4.0, compose_share=0.25)


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [(None, 3.0), ("2000", 1.5), (" 2000 ", 1.5), ("60000", 3.0), ("9" * 40, 3.0), ("1", 0.00075)],
)
def test_the_consumer_s_budget_counts_within_the_gateway_s_own(stated, seconds):
    """Composing keeps its share of either."""
    assert deadline_of(stated, SETTINGS).left_s() == pytest.approx(seconds, abs=0.05)


@pytest.mark.parametrize("stated", ["", "0", "000", "-5", "1.5", "1e3", "2s", "٣", "²", "1 000"])
def test_what_is_no_whole_number_above_zero_is_refused(stated):
    """As a bad request, in words that say what to change."""
    with pytest.raises(RequestError, match="whole number of milliseconds") as caught:
        deadline_of(stated, SETTINGS)
    assert caught.value.reason_code == "err.request.bad"

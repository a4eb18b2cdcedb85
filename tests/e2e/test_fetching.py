"""Time, sharing and outages as programmes and operators see them: hang-ups, two at once, late and old answers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import states
from tests.e2e.fetching import KEEPS_LATE, FetchingCountry, comes, fetching_country

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FetchingCountry]:
    """A sandbox for this file."""
    with fetching_country(tmp_path_factory.mktemp("fetching")) as country:
        yield country


@pytest.fixture
def country(own: FetchingCountry) -> Iterator[FetchingCountry]:
    """The sandbox with nothing remembered, no faults and counters at zero."""
    own.fresh()
    yield own
    own.fresh()


def enrolled(item) -> list[dict[str, Any]]:
    """What is said of everybody's schooling."""
    return [state for (_, name), state in states(item).items() if name == "school_enrolled"]


def test_two_programmes_at_once_cost_the_registries_one_question(country: FetchingCountry):
    """The second one waits for the calls of the first, which is slow to be answered, and both hear the same."""
    item = country.answer("twin-one")
    alone = {registry: country.calls(registry)["by_operation"] for registry in country.content["registries"]}
    assert sum(sum(by_operation.values()) for by_operation in alone.values()) >= 4

    country.fresh()
    country.token("twin-two")  # it costs what the first one's question lasts
    joined = country.metric("hearth_joined_lookups_total")
    country.fault("social", mode="slow", delay_ms=1000, times=1)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(country.answer, "twin-one")
        assert comes(lambda: country.calls("social")["total"] > 0)
        second = pool.submit(country.answer, "twin-two")
        items = [first.result(), second.result()]

    assert {registry: country.calls(registry)["by_operation"] for registry in alone} == alone
    assert country.metric("hearth_joined_lookups_total") > joined
    assert [one["data"]["reg_records"] for one in items] == [item["data"]["reg_records"]] * 2


def test_who_hangs_up_takes_its_calls_along(country: FetchingCountry):
    """The registry's call ends at once, the journal tells who asked about whom, and nothing is left behind."""
    country.answer("twin-one")
    country.forget()
    asked = country.journal(1)[0]["subject"]
    country.fault("social", mode="slow", delay_ms=60_000)
    with pytest.raises(httpx.ReadTimeout):
        country.post("twin-one", timeout_s=0.5)

    assert comes(lambda: country.journal(1)[0]["event"] == "search.abandoned", within_s=2.0)
    (entry,) = country.journal(1)
    assert (entry["consumer"], entry["subject"], entry["answer_digest"]) == ("twin-one", asked, "")
    assert comes(lambda: country.metric("hearth_source_calls_under_way") == 0, within_s=2.0)
    country.mend("social")
    assert country.answer("twin-one")["status"] == "succ"


def test_who_hangs_up_takes_nobody_else_s_calls_along(country: FetchingCountry):
    """The other programme is answered, from the call that the first one had made."""
    country.fault("social", mode="slow", delay_ms=1000, times=1)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(country.post, "twin-one", timeout_s=0.6)
        assert comes(lambda: country.calls("social")["total"] > 0)
        second = pool.submit(country.answer, "twin-two")
        with pytest.raises(httpx.ReadTimeout):
            first.result()

        item = second.result()
    assert item["status"] == "succ"
    assert item["data"]["hearth:sources"]["social"]["outcome"] == "answered"
    assert country.calls("social")["faults_served"] == 1


def test_the_consumer_s_own_time_counts(country: FetchingCountry):
    """A registry that needs longer is a declared hole; the rest is there."""
    country.fault("education", mode="slow", delay_ms=60_000)
    response = country.post("twin-one", deadline_ms=600)
    (item,) = response.json()["message"]["search_response"]

    assert response.elapsed.total_seconds() < 2.0, "the gateway's own deadline is four seconds"
    assert {s["reason"] for s in enrolled(item) if s["state"] == "unavailable"} >= {"source_timeout"}
    assert item["data"]["hearth:sources"]["social"]["outcome"] == "answered"


@pytest.mark.parametrize("stated", ["soon", "0", "-1", "1.5", ""])
def test_a_time_that_is_no_number_is_a_bad_request(country: FetchingCountry, stated):
    """Before any registry is asked."""
    response = country.post("twin-one", deadline_ms=stated)

    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "err.request.bad"
    assert not any(country.calls(registry)["total"] for registry in country.content["registries"])


def test_a_late_answer_serves_the_next_question(country: FetchingCountry):
    """The first question goes without it; the second has it although the registry is asked nothing any more."""
    country.fault(KEEPS_LATE, mode="slow", delay_ms=1200)
    late = country.answer("twin-one", deadline_ms=900)
    assert {s["reason"] for s in enrolled(late) if s["state"] == "unavailable"} >= {"source_timeout"}
    assert comes(lambda: country.metric("hearth_source_calls_under_way") == 0)
    country.mend(KEEPS_LATE)
    asked = country.calls(KEEPS_LATE)["total"]

    known = [s for s in enrolled(country.answer("twin-two")) if s["state"] == "value"]
    assert known
    assert all(s["cached"] for s in known)
    assert country.calls(KEEPS_LATE)["total"] == asked


def test_an_old_answer_stands_in_only_where_agreed_and_says_so(country: FetchingCountry):
    """With the time it is from; another programme has a hole instead, although the record is there."""
    country.answer("forgiving")
    country.fault("education", mode="down")
    item = country.answer("forgiving")

    old = [s for s in enrolled(item) if s["state"] == "value"]
    assert old
    assert all(s["stale"] is True and s["cached"] is True and s["retrieved_at"] for s in old)
    outcome = item["data"]["hearth:sources"]["education"]
    assert (outcome["outcome"], outcome["reason"]) == ("partial", "source_down")
    assert country.metric("hearth_cache_lookups_total") > 0
    country.mend("education")
    country.http.delete(f"{country.content['gateway']}/_sandbox/cache").raise_for_status()
    assert not any("stale" in s for s in states(country.answer("forgiving")).values())


def test_without_a_mandatory_registry_nothing_is_disclosed(country: FetchingCountry):
    """It is named; a programme for which it is not mandatory hears what the others say."""
    country.fault("education", mode="down")
    item = country.answer("strict")

    assert item["status"] == "rjct"
    assert "education" in item["status_reason_message"]
    assert "data" not in item
    assert country.answer("twin-one")["status"] == "succ"
    country.fresh()
    assert country.answer("strict")["status"] == "succ"


def test_the_operator_sees_what_is_kept_and_what_it_spares(country: FetchingCountry):
    """In /ready and in the metrics."""
    country.answer("twin-one")
    before = country.http.get(f"{country.content['gateway']}/ready").json()["cache"]
    country.answer("twin-one")
    after = country.http.get(f"{country.content['gateway']}/ready").json()["cache"]

    assert 0 < after["bytes"] < after["max_bytes"]
    assert after["records"] == before["records"] == country.metric("hearth_cache_records")
    assert after["hits"] > before["hits"]
    assert after["misses"] == before["misses"]

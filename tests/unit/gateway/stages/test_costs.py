"""What a call costs, and the cheapest chain of calls to a number."""

import pytest

from gateway.stages.costs import DOWN_MS, call_cost, cheapest, ways_of
from tests.builders import MANIFESTS, lookup, small_manifest


def hop(id: str, by: str, *gives: str, latency_ms: float = 100.0):
    """A registry that leads from one number to others."""
    return small_manifest(id, lookup(by=[by], identifiers=gives), cost={"latency_ms": latency_ms})


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        ({}, 400.5),
        ({"latency_ms": 0, "load": 1, "sensitivity": 1, "freshness_days": 0}, 150),
        ({"latency_ms": 250, "load": 3, "sensitivity": 4, "freshness_days": 10}, 805),
    ],
)
def test_a_call_is_weighed_in_milliseconds_of_waiting(cost, expected):
    """Waiting, load, what the registry learns, and age add up."""
    assert call_cost(small_manifest("probe", cost=cost)) == expected


def test_being_asked_tells_the_health_registry_most():
    """Of the registries that come with Hearth, the dearest by far are those that learn most."""
    by_cost = sorted(MANIFESTS, key=lambda id_: call_cost(MANIFESTS[id_]))

    assert by_cost[0] == "national_id"
    assert set(by_cost[-3:]) == {"health", "housing", "tax"}


def test_the_sum_over_the_chain_counts():
    """Two cheap calls before a dear one; of equal sums the shorter chain, then the names."""
    cheap = [hop("one", "A", "B", latency_ms=0), hop("two", "B", "C", latency_ms=0)]
    dear = hop("zero", "A", "C", latency_ms=10_000)
    same = [hop("alpha", "A", "C"), hop("beta", "A", "C")]

    for manifests, title in (
        ([dear, *cheap], "one.person then two.person"),
        (same[::-1], "alpha.person"),
        (
            [
                hop("xx", "A", "C", latency_ms=400.5),
                hop("aa", "A", "B", latency_ms=0),
                hop("bb", "B", "C", latency_ms=0),
            ],
            "aa.person then bb.person",
        ),
    ):
        route = cheapest(ways_of(manifests), {"C"}, {"A"})
        assert route is not None
        assert route.title == title


def test_what_is_known_costs_nothing_and_what_is_made_anyway_costs_nothing_more():
    """A route without lookups is free; so is a lookup that is there already."""
    ways = ways_of(
        [hop("one", "A", "B"), hop("two", "B", "C", latency_ms=5_000), hop("near", "A", "C", latency_ms=700)]
    )

    known = cheapest(ways, {"A", "Z"}, {"A"})
    assert known is not None
    assert (known.ways, known.cost) == ((), 0.0)
    free = cheapest(ways, {"C"}, {"A"}, {("one", "person"), ("two", "person")})
    assert free is not None
    assert (free.title, free.cost) == ("one.person then two.person", 0.0)


def test_a_registry_that_is_down_is_the_last_resort():
    """Any detour is cheaper; without one, it is gone through all the same."""
    manifests = [hop("one", "A", "C"), hop("far", "A", "C", latency_ms=90_000)]

    detour = cheapest(ways_of(manifests, {"one"}), {"C"}, {"A"})
    through = cheapest(ways_of(manifests[:1], {"one"}), {"C"}, {"A"})

    assert detour is not None
    assert detour.title == "far.person"
    assert through is not None
    assert through.cost > DOWN_MS


def test_a_crowd_of_registries_is_no_labour():
    """Forty registries that each give a number of their own do not multiply."""
    crowd = [hop(f"r{n:02}", "A", f"N{n}") for n in range(40)]
    route = cheapest(ways_of([*crowd, hop("last", "N39", "C")]), {"C"}, {"A"})

    assert route is not None
    assert route.title == "r39.person then last.person"
    assert cheapest(ways_of(crowd), {"C"}, {"A"}) is None

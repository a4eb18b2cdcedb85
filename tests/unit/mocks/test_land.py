"""The cadastre filters by holder, pages through what it finds, and writes areas in square metres."""

import contextlib
import math
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from yarl import URL

from mocks.cql2 import FilterError, wanted_values
from mocks.faults import Fault
from mocks.land import LandRegistry, feature, outline, page
from mocks.ogc import PARAMETERS, collections, landing_page, openapi
from mocks.ogc_query import ParameterError, Query, query_of
from mocks.registry import Call
from tests.unit.mocks.few_people import few_people, parcel

OWNER = "owner_national_number"
NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)
ITEMS = URL("http://land.test/collections/parcels/items?limit=2")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (f"{OWNER} = '123'", {"123"}),
        (f"{OWNER}='123'", {"123"}),
        (f"  \"{OWNER}\"  IN ( '1' , '2','1') ", {"1", "2"}),
        (f"{OWNER} in ('O''Brien')", {"O'Brien"}),
        (f"{OWNER} = ''", {""}),
    ],
)
def test_filters_that_are_understood(text, values):
    """One comparison with = or IN, with free spacing and doubled quotes."""
    assert wanted_values(text, OWNER) == values


@pytest.mark.parametrize(
    "text",
    [
        "",
        OWNER,
        f"{OWNER} = 123",
        f"{OWNER} = '123",
        f"{OWNER} IN '123'",
        f"{OWNER} IN ()",
        f"{OWNER} IN ('1',)",
        f"{OWNER} IN ('1'",
        f"{OWNER} IN ('1';'2')",
        f"{OWNER} LIKE '1%'",
        f"{OWNER} <> '1'",
        f"NOT {OWNER} = '1'",
        f"{OWNER} = '1' OR {OWNER} = '2'",
        "area_m2 = '1'",
        "'1' = '1'",
    ],
)
def test_filters_that_are_not(text):
    """Every other filter is refused; none is half understood."""
    with pytest.raises(FilterError):
        wanted_values(text, OWNER)


@given(st.frozensets(st.text(), min_size=1))
def test_any_value_can_be_written(values):
    """Whatever a value holds, a filter can ask for it."""
    listed = ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(values))

    assert wanted_values(f"{OWNER} IN ({listed})", OWNER) == values


@given(st.text(alphabet="own'\"=(), \tIN1_"))
def test_no_text_breaks_the_filter(text):
    """Any text is a filter or a FilterError, in time that grows with its length only."""
    with contextlib.suppress(FilterError):
        wanted_values(text, OWNER)


def test_a_request_is_read():
    """Holders, place, time and page come out of the parameters; a limit too large becomes the largest."""
    parameters = MultiDict(
        {
            "filter": f"{OWNER} = '1'",
            "filter-lang": "cql2-text",
            "bbox": "20,-7,22.5,-5",
            "datetime": "2011-03-02T00:00:00Z/..",
            "limit": "5000",
            "offset": "3",
        }
    )

    assert query_of(parameters) == Query(frozenset({"1"}), (20, -7, 22.5, -5), ("2011-03-02", "9999-12-31"), 1000, 3)
    assert query_of(MultiDict()) == Query()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("filter", "1 = 1"),
        ("filter-lang", "cql2-json"),
        ("limit", "0"),
        ("limit", "ten"),
        ("limit", "١"),
        ("offset", "-1"),
        ("bbox", "1,2,3"),
        ("bbox", "3,0,1,0"),
        ("bbox", "nan,0,1,1"),
        ("datetime", "yesterday"),
        ("datetime", ""),
        ("f", "html"),
        ("owner", "1"),
    ],
)
def test_parameters_that_are_refused(name, value):
    """A parameter that is unknown or out of range is refused rather than passed over."""
    with pytest.raises(ParameterError):
        query_of(MultiDict({name: value}))


def test_a_repeated_parameter_is_refused():
    """Two limits contradict each other."""
    with pytest.raises(ParameterError):
        query_of(MultiDict([("limit", "1"), ("limit", "2")]))


def test_a_feature_has_square_metres_and_the_cadastres_words():
    """1.25 ha are 12,500 m2; a tenure code becomes a word; every holder is listed."""
    properties = feature(parcel(2, [0, 2], tenure="3"), ["1", "3"])["properties"]

    assert properties == {
        "parcel_number": "P-000002",
        "owner_national_numbers": ["1", "3"],
        "area_m2": 12_500.0,
        "tenure": "adverse_possession",
        "land_use": "cropland",
        "assessed_value": 12_000,
        "registered_on": "2011-03-02",
        "updated": "2011-03-02T00:00:00Z",
    }


@given(st.floats(0.01, 500), st.floats(-60, 60))
def test_the_outline_encloses_the_area(area_ha, latitude):
    """The ring is closed, runs counterclockwise, and is as large as the parcel but for rounding."""
    ring = outline(parcel(1, [0], area_ha=area_ha, latitude=latitude))
    shrunk = math.cos(math.radians(latitude))
    points = [(x * shrunk * 111_320, y * 111_320) for x, y in ring]
    doubled = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(points))

    assert ring[0] == ring[-1]
    assert len(ring) == 5
    assert doubled / 2 == pytest.approx(area_ha * 10_000, rel=0.01)


def test_pages_lead_to_each_other():
    """Every parcel comes on exactly one page, and the last page has no next."""
    parcels = [parcel(number, [0]) for number in range(1, 6)]
    seen, following = [], [str(ITEMS)]
    while following:
        url = URL(following[0])
        answer = page(parcels, query_of(url.query), lambda _: ["1"], url, NOW)
        seen += [piece["id"] for piece in answer["features"]]
        assert answer["numberMatched"] == 5
        assert answer["numberReturned"] == len(answer["features"])
        following = [link["href"] for link in answer["links"] if link["rel"] == "next"]

    assert seen == [piece.parcel_id for piece in parcels]


def test_the_next_page_keeps_the_filter():
    """A value with a quote, a space or a plus sign survives the way through the link."""
    url = ITEMS.update_query({"filter": f"{OWNER} = 'a+b ''%&'"})
    answer = page([parcel(n, [0]) for n in (1, 2, 3)], query_of(url.query), lambda _: [], url, NOW)

    following = URL(next(link["href"] for link in answer["links"] if link["rel"] == "next"))
    assert query_of(following.query) == Query(frozenset({"a+b '%&"}), limit=2, offset=2)


def test_place_and_time_narrow():
    """A parcel is taken when it touches the box and was registered within the time."""
    piece = parcel(2, [0])

    assert Query(box=(20.9, -6.1, 21.1, -5.9)).takes(outline(piece), "2011-03-02")
    assert not Query(box=(22, -6.1, 23, -5.9)).takes(outline(piece), "2011-03-02")
    assert Query(days=("2011-03-02", "2011-03-02")).takes(outline(piece), "2011-03-02")
    assert not Query(days=("2011-03-03", "9999-12-31")).takes(outline(piece), "2011-03-02")


def held_by(registry, *owners):
    """Return the parcels found by number."""
    return [piece.parcel_id for piece in registry._held_by(frozenset(owners), Call(registry, None))]


def test_parcels_are_found_by_each_holder_once():
    """A parcel of two holders who are both asked about comes once; strangers' parcels do not come."""
    registry = LandRegistry(few_people(parcel(1, [0, 2]), parcel(2, [2]), parcel(3, [1])), {})

    assert held_by(registry, "1000000001") == ["P-000001"]
    assert held_by(registry, "1000000003", "1000000001") == ["P-000001", "P-000002"]
    assert held_by(registry, "9999999999") == []


def test_somebody_elses_parcels_are_not_shared_ones():
    """Under `wrong_person` no parcel of a person asked about comes, not even as a joint one."""
    registry = LandRegistry(few_people(parcel(1, [0, 2]), parcel(2, [2])), {})
    call = Call(registry, Fault("wrong_person"))

    found = registry._held_by(frozenset({"1000000001"}), call)
    assert [piece.parcel_id for piece in found] == ["P-000002"]


def test_a_second_number_finds_nothing():
    """The cadastre knows a person by the number entered with the parcel."""
    registry = LandRegistry(few_people(parcel(2, [2])), {})

    assert held_by(registry, "2000000003") == []


def test_the_service_describes_itself():
    """The links of the landing page lead to what the OpenAPI document names, with the parameters accepted."""
    document = openapi("http://land.test")
    paths = document["paths"]

    for link in landing_page("http://land.test")["links"]:
        path = link["href"].removeprefix("http://land.test")
        assert path in paths or link["rel"] == "service-desc"
    items = paths["/collections/parcels/items"]["get"]
    assert tuple(parameter["name"] for parameter in items["parameters"]) == PARAMETERS
    assert [one["id"] for one in collections("")["collections"]] == ["parcels"]

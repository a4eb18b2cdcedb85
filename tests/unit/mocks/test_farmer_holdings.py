"""Who farms what: mostly holders of fields, in sizes that drift from the cadastre's."""

import pytest

from mocks.farmer_holdings import PER_HECTARE, Farm, holdings
from tests.unit.mocks.countries import country, digest


@pytest.fixture(scope="module")
def population():
    """Return a country large enough to have every kind of farm."""
    return country(2000, 7)


@pytest.fixture(scope="module")
def farmers(population):
    """Return its farmers."""
    return holdings(population)


def test_the_same_country_has_the_same_farmers():
    """They are drawn from the seed alone, and drawing them changes nobody."""
    small = country(60, 3)
    before = digest(small)

    assert repr(holdings(small)) == repr(holdings(small))
    assert digest(small) == before


def test_most_farms_are_parcels_of_the_cadastre(population, farmers):
    """Of fields and pastures held by the farmer, each under one farmer; some farms are in no cadastre."""
    parcels = {one.parcel_id: one for one in population.parcels}
    known = [(one, farm) for one in farmers for farm in one.farms if farm.parcel_id is not None]
    fields = [one for one in population.parcels if one.use in ("cropland", "pasture")]

    assert 0.5 * len(fields) < len(known) < len(fields)
    assert len({farm.parcel_id for _, farm in known}) == len(known) < sum(len(one.farms) for one in farmers)
    for one, farm in known:
        parcel = parcels[farm.parcel_id]
        assert one.person.index in parcel.holders
        assert parcel.use in ("cropland", "pasture")
        assert farm.tenure == parcel.tenure
        assert bool(farm.crops) == (parcel.use == "cropland")


def test_sizes_drift_and_never_far(population, farmers):
    """About half are the cadastre's; no other is off by more than a quarter and the rounding."""
    parcels = {one.parcel_id: one.area_ha for one in population.parcels}
    pairs = [(farm.area_ha, parcels[farm.parcel_id]) for one in farmers for farm in one.farms if farm.parcel_id]
    exact = sum(told == true for told, true in pairs)

    assert 0.45 < exact / len(pairs) < 0.7
    assert all(abs(told - true) <= 0.25 * true + 0.1 for told, true in pairs)


def test_farmers_live_are_grown_and_have_a_number(population, farmers):
    """And nobody of the examples but the one it is about, whose field is the cadastre's."""
    subject = population.casts["complete_household"].subject
    examples = [one for one in farmers if one.person.index in population.example_people]

    assert all(one.person.death_date is None and one.uin and one.person.birth_date.year <= 2008 for one in farmers)
    assert subject in {one.person.index for one in examples}
    for one in examples:
        assert all(farm.parcel_id for farm in one.farms)


@pytest.mark.parametrize(("unit", "size"), [("0", 1.5), ("1", 3.71), ("2", 15000)])
def test_a_size_is_told_in_its_unit(unit, size):
    """Hectares, acres, square metres."""
    assert Farm(1.5, unit, "1", "Mooring", None, None, (), (), None).size == size


def test_all_units_are_met(farmers):
    """A gateway has to convert."""
    assert {farm.unit for one in farmers for farm in one.farms} == set(PER_HECTARE)


def test_the_kind_of_farm_follows_its_size(farmers):
    """From subsistence to commercial."""
    limits = {"1": (0, 2), "2": (2, 5), "3": (5, 10), "5": (10, 1000)}

    assert {one.farm_type for one in farmers} == set(limits)
    for one in farmers:
        low, high = limits[one.farm_type]
        assert low <= one.area_ha < high
        assert one.registered_on <= one.updated_on

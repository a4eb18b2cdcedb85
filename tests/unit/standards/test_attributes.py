"""The attribute catalogue."""

import pytest

from standards.attributes import AttributeDefinition, Catalogue, Derived, Entity, ValueType, checked
from standards.errors import ConfigurationError

CATALOGUE = Catalogue.load()


def definition(name, *, type=ValueType.STRING, inputs=(), **more):
    """Build a definition that only matters by its name and inputs."""
    derived = Derived(tuple(inputs), "1", {}) if inputs else None
    return AttributeDefinition(name, name, Entity.PERSON, type, None, more.get("codes"), 1, name, derived=derived)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("birth_date", "birth_date"),
        ("Birth_Date", "birth_date"),
        ("date_of_birth", "birth_date"),
        ("demographic_info.birth_date", "birth_date"),
        ("demographic_info.person.sex", "sex"),
        ("name.given_name", "given_name"),
        ("demographic_info.address[0].region_code", "region_code"),
        ("address_line_1", "address_line"),
        ("UIN", "uin"),
        ("household_size", "household_size"),
        ("group_size", "registered_size"),
        ("hearth:land.parcel_count", "land_parcel_count"),
        ("taxpayer.status", "taxpayer_status"),
    ],
)
def test_names_aliases_and_wire_paths_are_resolved(said, name):
    """An attribute is found by its name, an alias, its place, or a path through a record that ends in its name."""
    assert CATALOGUE.resolve(said) == name


@pytest.mark.parametrize(
    "said", ["", "nonsense", "status", "type", "a.b.c", "related_person.related_member.sex", "..."]
)
def test_unknown_and_ambiguous_names_are_not_guessed(said):
    """Nothing is resolved that could mean something else, or somebody else."""
    assert CATALOGUE.resolve(said) is None


def test_every_name_resolves_to_itself():
    """No alias or place hides a name."""
    assert [CATALOGUE.resolve(d.name) for d in CATALOGUE] == [d.name for d in CATALOGUE]


def test_every_alias_resolves_to_its_attribute():
    """No two attributes share an alias, and no alias is another's name."""
    assert all(CATALOGUE.resolve(alias) == d.name for d in CATALOGUE for alias in d.aliases)


def test_derived_attributes_come_after_their_inputs():
    """Computing in `derived_order` finds every derived input already computed."""
    order = CATALOGUE.derived_order
    definitions = [CATALOGUE[name] for name in order]

    assert set(order) == {d.name for d in CATALOGUE if d.derived}
    for position, d in enumerate(definitions):
        assert d.derived is not None
        assert not set(d.derived.inputs) & set(order[position:])


def test_the_catalogue_is_read_once():
    """Loading again returns the same object."""
    assert Catalogue.load() is CATALOGUE


def test_the_catalogue_behaves_like_a_collection():
    """It tells its size, its names, and what it does not have."""
    assert len(CATALOGUE) == len(CATALOGUE.names) == len(list(CATALOGUE))
    assert "sex" in CATALOGUE
    assert CATALOGUE.get("nonsense") is None


@pytest.mark.parametrize(
    ("definitions", "said"),
    [
        ([definition("a"), definition("a")], "twice"),
        ([definition("a", inputs=["b"])], "does not define"),
        ([definition("a", inputs=["b"]), definition("b", inputs=["a"])], "circle"),
    ],
)
def test_a_wrong_catalogue_is_refused(definitions, said):
    """A name used twice, an unknown input and a circle stop the start."""
    with pytest.raises(ConfigurationError, match=said):
        Catalogue(definitions)


@pytest.mark.parametrize(
    "entry",
    [
        "{name: a}",
        "{name: a, title: A, entity: planet, type: string, sensitivity: 1, place: a}",
        "{name: a, title: A, entity: person, type: code, sensitivity: 1, place: a}",
        "{name: a, title: A, entity: person, type: code, codes: Nonsense, sensitivity: 1, place: a}",
        "{name: a, title: A, entity: person, type: string, codes: SexCategory, sensitivity: 1, place: a}",
    ],
)
def test_a_wrong_entry_is_refused(tmp_path, entry):
    """An entry without its fields, or with a code directory that does not fit, stops the start."""
    file = tmp_path / "catalogue.yaml"
    file.write_text(f"attributes:\n  - {entry}\n")

    with pytest.raises(ConfigurationError):
        Catalogue.load(file)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("given_name", "Asha", "Asha"),
        ("birth_date", "1990-02-01", "1990-02-01"),
        ("rooms", 2.0, 2),
        ("income_annual", 24000, 24000),
        ("poverty_score", 4, 4.0),
        ("is_disabled", False, False),
        ("sex", "female", "female"),
        ("land_parcels", ({"use": "pasture"},), [{"use": "pasture"}]),
        ("uin", " 12 34 ", "1234"),
    ],
)
def test_values_come_back_in_the_catalogues_type(name, value, kept):
    """A value of the right type is returned in its normal form."""
    result = checked(CATALOGUE[name], value)

    assert result == kept
    assert type(result) is type(kept)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("given_name", 5),
        ("given_name", None),
        ("birth_date", "01.02.1990"),
        ("birth_date", "1990-02-30"),
        ("birth_date", "19900201"),
        ("birth_date", "٢٠٢٠-01-01"),
        ("rooms", True),
        ("rooms", 2.5),
        ("rooms", float("inf")),
        ("rooms", float("nan")),
        ("income_annual", "24000"),
        ("poverty_score", float("nan")),
        ("is_disabled", "yes"),
        ("sex", "Female"),
        ("sex", 1),
        ("land_parcels", "P-1"),
        ("uin", ""),
        ("uin", "1" * 100),
        ("uin", 12),
    ],
)
def test_other_values_are_refused_without_being_shown(name, value):
    """A value of another type is refused by attribute and type; the sentence never holds it."""
    with pytest.raises(ValueError, match=f"{name} is not a value of type {CATALOGUE[name].type}") as refused:
        checked(CATALOGUE[name], value)

    assert len(str(value)) < 3 or str(value) not in str(refused.value)
    assert refused.value.__cause__ is None


def test_lists_of_codes_are_checked_one_by_one():
    """A list of codes holds codes of its directory only."""
    limitations = definition("limitations", type=ValueType.CODES, codes="FunctionalLimitation")

    assert checked(limitations, ["VIS_SS"]) == ["VIS_SS"]
    with pytest.raises(ValueError, match="limitations"):
        checked(limitations, ["blind"])
    with pytest.raises(ValueError, match="limitations"):
        checked(limitations, "VIS_SS")

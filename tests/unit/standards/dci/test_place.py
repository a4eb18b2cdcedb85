"""Placing attribute values in DCI records."""

import pytest

from standards.attributes import AttributeDefinition, Catalogue, Entity, ValueType
from standards.dci.place import OBJECT_TYPES, compile_places, group_record, member_record
from standards.errors import ConfigurationError
from standards.permit import FormKind

PLACES = compile_places(Catalogue.load())


def at(*places):
    """Build a catalogue of attributes at those places."""
    return Catalogue(
        AttributeDefinition(f"a{n}", "A", Entity.PERSON, ValueType.STRING, None, None, 1, place)
        for n, place in enumerate(places)
    )


def test_values_stand_at_their_places():
    """A person's values come to stand where the standard, or our extension, has them."""
    record = member_record(
        {
            "given_name": "Asha",
            "sex": "female",
            "region_code": "PV-1",
            "locality": "Lake Town",
            "marital_status": "M",
            "functional_severity": "3",
            "income_annual": 24000,
            "taxpayer_status": "active",
            "age": 36,
            "vital_status": "alive",
        },
        PLACES,
    )

    assert record == {
        "@type": "Member",
        "demographic_info": {
            "@type": "SRPerson",
            "name": {"given_name": "Asha"},
            "sex": "female",
            "address": [{"region_code": "PV-1", "locality": "Lake Town"}],
            "hearth:vital_status": "alive",
        },
        "marital_status": "M",
        "disability_info": [{"functional_severity": "3"}],
        "hearth:taxpayer": {"@type": "hearth:Taxpayer", "income_annual": 24000, "status": "active"},
        "hearth:age": 36,
    }


def test_identifiers_stand_in_both_lists():
    """A number identifies the member and the person behind it."""
    record = member_record({"uin": "1", "tin": "T2"}, PLACES)
    both = [
        {"identifier_type": "UIN", "identifier_value": "1"},
        {"identifier_type": "TIN", "identifier_value": "T2"},
    ]

    assert record["member_identifier"] == both
    assert record["demographic_info"] == {"@type": "SRPerson", "identifier": both}


def test_nothing_known_leaves_nothing_there():
    """An object that no value is in is not there."""
    assert member_record({}, PLACES) == {"@type": "Member"}


def test_other_forms_never_stand_where_a_value_belongs():
    """A band or a yes/no is an additional attribute that says what form it is in."""
    forms = {"income_annual": FormKind.BAND, "age": FormKind.PREDICATE, "sex": FormKind.VALUE}
    record = member_record({"income_annual": "under 24000", "age": True, "sex": "male"}, PLACES, forms=forms)

    assert record == {
        "@type": "Member",
        "demographic_info": {"@type": "SRPerson", "sex": "male"},
        "additional_attributes": [
            {"name": "income_annual", "value": "under 24000", "hearth:form": "band"},
            {"name": "age", "value": True, "hearth:form": "predicate"},
        ],
    }


def test_a_household_holds_its_members_and_names_its_head():
    """A group record has the household's values, its kind, its head and everyone."""
    members = [member_record({"age": 40}, PLACES, relationship="SELF"), member_record({}, PLACES)]
    record = group_record(
        {"household_size": 2, "household_id": "HH-1", "rooms": 3}, members, PLACES, head=0, context="https://x/y"
    )

    assert record == {
        "@context": "https://x/y",
        "@type": "Group",
        "group_size": 2,
        "group_identifier": [{"identifier_type": "HOUSEHOLD_ID", "identifier_value": "HH-1"}],
        "hearth:dwelling": {"@type": "hearth:Dwelling", "rooms": 3},
        "group_type": "2",
        "group_head_info": {"@type": "Member", "hearth:age": 40, "hearth:relationship_to_head": "SELF"},
        "member_list": members,
    }


def test_a_household_may_have_no_known_head():
    """Without a head nobody is called one; the record may be of another type."""
    record = group_record({}, [], PLACES, type="hearth:VirtualHousehold")

    assert record == {"@type": "hearth:VirtualHousehold", "group_type": "2", "member_list": []}


def test_records_share_nothing():
    """Two records built from the same places do not know of each other."""
    first = member_record({"region_code": "PV-1"}, PLACES)
    member_record({"locality": "Lake Town", "uin": "1"}, PLACES)

    assert first["demographic_info"] == {"@type": "SRPerson", "address": [{"region_code": "PV-1"}]}


def test_every_attribute_has_a_place_of_its_own():
    """Placing every attribute loses none."""
    for entity in Entity:
        names = [d.name for d in Catalogue.load() if d.entity is entity]

        assert sorted(found_in(member_record({name: name for name in names}, PLACES))) == sorted(names)


def found_in(record, key=""):
    """Yield every text of a record that is not a type; the copies of identifiers once."""
    if isinstance(record, dict):
        for inner, value in record.items():
            if inner not in {"@type", "identifier_type", "identifier"}:
                yield from found_in(value)
    elif isinstance(record, list):
        for value in record:
            yield from found_in(value)
    else:
        yield record


def test_extension_objects_have_a_type():
    """Every object of ours says what it is."""
    objects = {d.place.split(".")[0] for d in Catalogue.load() if d.place.startswith("hearth:") and "." in d.place}

    assert objects <= OBJECT_TYPES.keys()


@pytest.mark.parametrize("places", [("a", "a"), ("a.b", "a.b"), ("a[1].b",), ("a.b[X",), ("a.",), ("x[A]", "x[A]")])
def test_a_place_that_cannot_be_used_stops_the_start(places):
    """Two attributes at one place, or a place that cannot be read, are mistakes of the catalogue."""
    with pytest.raises(ConfigurationError):
        compile_places(at(*places))

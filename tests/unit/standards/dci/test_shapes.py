"""Records of single registries: what each holds, and where."""

import pytest

from standards.dci.codes import DEFAULT_RECORD_TYPE, RecordType, RegType
from standards.dci.shapes import (
    as_released,
    entry_of,
    is_composed,
    is_served,
    listed,
    record_types,
    records_of,
    shape_of,
    shapes,
)
from standards.permit import FormKind
from tests.samples import CATALOGUE, sample

EVERY = [pytest.param(shape, id=f"{shape.reg_type}-{shape.record_type}") for shape in shapes().values()]
CIVIL = shapes()[RegType.CIVIL, RecordType.PERSON]
DISABLED = shapes()[RegType.DISABILITY, RecordType.DISABLED_PERSON]
BENEFICIARY = shapes()[RegType.BENEFICIARY, RecordType.BENEFICIARY]


def test_a_birth_record_is_a_person_of_civil_registration():
    """The person is the record itself, in the standard's class; what the standard has as lists is one."""
    values = {"uin": "1", "given_name": "Asha", "birth_place": "Lake Town", "marriage_date": "2010-05-01"}

    assert records_of(CIVIL, values, forms={}) == [
        {
            "@type": "CRVS_Person",
            "identifier": [{"identifier_type": "UIN", "identifier_value": "1"}],
            "name": {"@type": "Name", "given_name": "Asha"},
            "birth_place": {"@type": "Place", "name": "Lake Town"},
            "marriage_date": ["2010-05-01"],
        }
    ]


def test_a_disabled_person_has_a_member_inside():
    """What is said of the person stands in it, the numbers in both places, and the rest beside it."""
    values = {"uin": "1", "sex": "male", "is_disabled": True, "disability_level": "3"}
    number = {"identifier_type": "UIN", "identifier_value": "1"}

    assert records_of(DISABLED, values, forms={}, context="c") == [
        {
            "@context": "c",
            "@type": "PWD_Person",
            "personal_details": {
                "@type": "Member",
                "member_identifier": [number],
                "demographic_info": {"@type": "DRPerson", "identifier": [number], "sex": "male"},
                "is_disabled": True,
            },
            "disability_status_level": "3",
        }
    ]


def test_what_is_told_in_another_form_never_stands_in_the_standard_s_members():
    """A class without `additional_attributes` has them under our prefix."""
    (record,) = records_of(DISABLED, {"birth_date": "1990"}, forms={"birth_date": FormKind.GENERALISED})

    assert record == {
        "@type": "PWD_Person",
        "hearth:additional_attributes": [{"name": "birth_date", "value": "1990", "hearth:form": "generalised"}],
    }


def test_every_enrolment_is_a_record_with_the_same_person():
    """The standard has one day and one standing of enrolment for each."""
    enrolments = [
        {"@type": "Programme", "programme_identifier": "CG-01", "enrollment_status": "1", "hearth:benefits": "x"},
        {"@type": "Programme", "programme_identifier": "OAP-02", "enrollment_date": "2021-04-01"},
    ]
    first, second = records_of(BENEFICIARY, {"uin": "1", "benefit_enrolments": enrolments}, forms={})

    assert first["member"] == second["member"]
    assert first["programme_identifier"] == [{"@type": "Programme", "programme_identifier": "CG-01"}]
    assert (first["enrollment_status"], first["hearth:benefits"]) == ("1", "x")
    assert second["enrollment_date"] == "2021-04-01"
    assert BENEFICIARY.apart is not None
    assert [entry_of(record, BENEFICIARY.apart) for record in (first, second)] == enrolments


@pytest.mark.parametrize("told", [{}, {"benefit_enrolments": []}])
def test_somebody_without_an_enrolment_has_one_record_all_the_same(told):
    """Why there is none stands in its evidence."""
    (record,) = records_of(BENEFICIARY, {"uin": "1", **told}, forms={})

    assert "programme_identifier" not in record
    assert BENEFICIARY.apart is not None
    assert entry_of(record, BENEFICIARY.apart) is None


@pytest.mark.parametrize("shape", EVERY)
def test_every_attribute_has_one_place_of_its_own(shape):
    """In the compiled places as in the words; two in one place would overwrite each other."""
    spots = [(p.path, p.key, p.identifier_type) for p in shape.places.values()]

    assert len(set(spots)) == len(spots)
    assert shape.places.keys() == shape.paths.keys()
    assert shape.names <= CATALOGUE.names


@pytest.mark.parametrize("shape", EVERY)
def test_a_record_holds_every_value_given_to_it(shape):
    """Nothing is lost between a profile and its record."""
    from gateway.show import Values

    values = {name: sample(name) for name in shape.names}
    (record,) = records_of(shape, values, forms={})

    assert Values().of(record, shape) == values


@pytest.mark.parametrize("reg_type", list(RegType))
def test_a_type_without_records_is_not_served(reg_type):
    """What is meant when no record type is named is served wherever anything is."""
    kinds = record_types(reg_type)

    assert all(is_served(reg_type, kind) for kind in kinds)
    assert [kind for kind in RecordType if is_served(reg_type, kind)] == sorted(kinds, key=list(RecordType).index)
    if kinds:
        assert kinds[0] is DEFAULT_RECORD_TYPE[reg_type]
    assert not is_composed(reg_type) or all(shape_of(reg_type, kind) is None for kind in kinds)


def test_a_disability_registry_s_records_are_one_object():
    """As the release has it: none is an empty one, and several are its graph; of the others they are a list."""
    one, other = {"@type": "PWD_Person", "a": 1}, {"@type": "PWD_Person", "a": 2}

    assert [as_released(DISABLED, records) for records in ([], [one], [one, other])] == [
        {},
        one,
        {"@graph": [one, other]},
    ]
    for shape in (DISABLED, CIVIL, None):
        for records in ([], [one], [one, other]):
            assert listed(as_released(shape, records)) == records
    assert listed(None) == []

"""The code lists of the wire."""

import pytest

from standards.dci.codes import DEFAULT_RECORD_TYPE, RecordType, RegType, normal_record_type, normal_reg_type


@pytest.mark.parametrize("reg_type", list(RegType))
def test_every_registry_type_is_its_own_normal_form(reg_type):
    """What we emit, we understand, in any case and without its prefix."""
    for said in (reg_type.value, reg_type.upper(), reg_type.rsplit(":", 1)[-1]):
        assert normal_reg_type(said) is reg_type


@pytest.mark.parametrize(
    ("said", "reg_type"),
    [
        ("civil", RegType.CIVIL),
        ("crvs", RegType.CIVIL),
        ("SOCIAL_REGISTRY", RegType.SOCIAL),
        ("SR", RegType.SOCIAL),
        ("Disability", RegType.DISABILITY),
        ("dr", RegType.DISABILITY),
        ("Farmer", RegType.FARMER),
        ("ns:org:RegistryType:Tax", RegType.TAX),
        ("virtual-household", RegType.VIRTUAL_HOUSEHOLD),
    ],
)
def test_other_spellings_are_understood(said, reg_type):
    """Products and generations spell registry types in their own ways."""
    assert normal_reg_type(said) is reg_type


@pytest.mark.parametrize("said", ["", ":", "nonsense", "ns:hearth:RegistryType:Civil", "NS:HEARTH:x:crvs"])
def test_what_is_unknown_is_nothing(said):
    """An unknown type is not guessed, and our namespace does not speak for registries that DCI defines."""
    assert normal_reg_type(said) is None


@pytest.mark.parametrize(
    ("said", "record_type"),
    [
        ("Group", RecordType.GROUP),
        ("household", RecordType.GROUP),
        ("spdci-extensions-dci:Member", RecordType.MEMBER),
        ("SR_Person", RecordType.MEMBER),
        ("ns:hearth:VirtualHousehold", RecordType.VIRTUAL_HOUSEHOLD),
        ("nonsense", None),
    ],
)
def test_record_types_are_read_by_their_last_segment(said, record_type):
    """Prefixes differ between systems; the last segment counts."""
    assert normal_record_type(said) is record_type


def test_every_record_type_is_its_own_normal_form():
    """What we emit, we understand."""
    assert [normal_record_type(record_type) for record_type in RecordType] == list(RecordType)


def test_default_records_exist_for_what_is_served():
    """A question for a household need not say which records it wants."""
    assert DEFAULT_RECORD_TYPE[RegType.SOCIAL] is RecordType.GROUP
    assert DEFAULT_RECORD_TYPE[RegType.VIRTUAL_HOUSEHOLD] is RecordType.VIRTUAL_HOUSEHOLD

"""Records and codes against the standard's own classes and directories, as they are flattened in `derived/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
import pytest

from standards.codes import CodeDirectories
from standards.dci.place import compile_places, member_record
from standards.dci.shapes import Shape, records_of, shapes
from tests.contract.dci_spec import SPEC, needs_dci_spec
from tests.samples import CATALOGUE, sample

pytestmark = [pytest.mark.contract, needs_dci_spec]

OURS: Final[Mapping[str, str]] = {
    "DisabilityTypeEnum": "DisabilityType",
    "EducationCode": "Education",
    "EmploymentStatusEnum": "EmploymentStatus",
    "FunctionalLimitationType": "FunctionalLimitation",
    "RelationshipTypeEnum": "Relationship",
    "VitalEventTypeEnum": "VitalEventType",
    "ImpairementType": "ImpairmentType",
    "AnimalAssistanceEnum": "AnimalAssistanceType",
    "AssistiveTechnologyEnum": "AssistiveTechnologyType",
    "HousingSupportEnum": "HousingSupportType",
    "MedicalCareEnum": "MedicalCareType",
    "DisabilityOnSet": "DisabilityOnSet",
    "EnrolmentStatus": "EmploymentEnrolmentStatus",
    "EnrollmentStatusEnum": "BenefitEnrolmentStatus",
    "AnimalsEnum": "Livestock",
    "AquaCultureEnum": "Aquaculture",
    "CropEnduseEnum": "CropEndUse",
    "MachineriesEnum": "Machinery",
    "MeasurmentUnitEnum": "MeasurementUnit",
    "InstitutionEnum": "InstitutionType",
}
"""The standard's name of a directory -> ours, where it is not the same without `Enum`."""
NOT_CARRIED: Final = {"TypeEnum": "kinds of biometric data, which never pass through here"}
UNDEFINED: Final = {"LandTenure": {"7"}, "EquipmentSource": {"7"}, "ProgrammeType": {"15", "programme14"}}
"""Codes that the standard lists without saying what they mean."""
AMBIGUOUS: Final = {"LandTenure": "1", "EquipmentSource": "4"}
"""A code that the standard gives two meanings."""

CLASSES: Final[Mapping[str, str]] = {
    "CRVS_Person": "core/Person",
    "PWD_Person": "dr/PWDPerson",
    "Farmer_Person": "fr/Farmer",
    "Beneficiary": "ibr/Beneficiary",
    "Member": "ess/Member",
    "SRPerson": "core/Person",
    "DRPerson": "core/Person",
    "FRPerson": "core/Person",
    "IBRPerson": "core/Person",
    "ESSPerson": "core/Person",
    "FarmInfo": "fr/FarmInfo",
    "Farming_Activities": "fr/FarmingActivities",
    "CropDetails": "fr/CropDetails",
    "Animals": "fr/LivestockDetails",
    "Machineries": "fr/Machineries",
    "Group": "core/Group",
    "Name": "core/Name",
    "Address": "core/Address",
    "Place": "core/Place",
    "Programme": "ibr/Programme",
    "Benefit": "ibr/Benefit",
    "BenefitFrequency": "ibr/BenefitFrequency",
    "DisabilityDetails": "dr/DisabilityDetails",
    "DisabilityInfo": "core/DisabilityInfo",
    "DisabilitySupport": "dr/DisabilitySupport",
    "HumanAssistance": "dr/HumanAssistance",
    "AssistiveTechnology": "dr/AssistiveTechnology",
    "HousingSupport": "dr/HousingSupport",
    "MedicalCare": "dr/MedicalCare",
    "AnimalAssistance": "dr/AnimalAssistance",
}
"""`@type` of what we emit -> the class of the standard that it is."""
NOT_FLATTENED: Final[Mapping[str, frozenset[str]]] = {
    "CRVS_Person": frozenset(
        {"birth_place", "death_place", "marital_status", "marriage_date", "divorce_date"}
        | {"parent1_identifier", "parent2_identifier"}
    ),
    "GeoCoordinates": frozenset({"latitude", "longitude"}),
    "EmploymentInfo": frozenset({"start_date", "end_date", "job_title", "employer", "employment_type"}),
}
"""Members of classes whose files the flattening could not read; they are in the guide."""
BESIDE_THE_PROGRAMME: Final = frozenset(
    {"assistance_unit", "enrollment_date", "enrollment_status", "status_change_date", "benefits"}
)
"""DEVIATION 36: facts of an enrolment that the standard has at the beneficiary, and its samples at the programme."""


@lru_cache(maxsize=2)
def derived(name: str) -> dict[str, Any]:
    """Return one of the flattened files."""
    found: dict[str, Any] = orjson.loads((SPEC / "derived" / name).read_bytes())
    return found


def directories() -> list[str]:
    """Return the names of the standard's code directories."""
    return sorted(derived("code-directories.json")["directories"]) if (SPEC / "derived").is_dir() else []


def our_name(directory: str) -> str:
    """Return what a directory of the standard is called here."""
    return OURS.get(directory, directory.removesuffix("Enum"))


@pytest.mark.parametrize("directory", directories())
def test_every_directory_has_the_standard_s_codes(directory):
    """HEARTH-CODES-01: all that the standard defines, and none that it does not; no code with a meaning left to guess."""
    if directory in NOT_CARRIED:
        return
    name = our_name(directory)
    defined = {
        one["code"] for one in derived("code-directories.json")["directories"][directory]["codes"] if one["label"]
    }

    assert CodeDirectories.load().codes(name).keys() == defined - UNDEFINED.get(name, set())


@pytest.mark.parametrize("directory", directories())
def test_the_standard_s_labels_lead_to_its_codes(directory):
    """HEARTH-CODES-02: a registry that sends the label of a list in place of its code is understood, where we say so."""
    name = our_name(directory)
    if directory in NOT_CARRIED or name == "Relationship":  # where the standard gives one label to several codes
        return
    found = CodeDirectories.load()
    for one in derived("code-directories.json")["directories"][directory]["codes"]:
        meant = found.to_code(name, one["label"] or "")
        # Labels of the standard that are whole clauses are not spelled out here: then they lead nowhere.
        assert meant in {None, one["code"]} or one["code"] in UNDEFINED.get(name, set())
        if meant is not None and one["code"] == AMBIGUOUS.get(name):
            assert "squatting" not in one["label"].lower()
            assert "government" not in one["label"].lower()


def known(type_: str) -> frozenset[str]:
    """Return the members of the class that an `@type` stands for."""
    if type_ in NOT_FLATTENED:
        extra = NOT_FLATTENED[type_]
        return extra | known("SRPerson") if type_ == "CRVS_Person" else extra
    objects = derived("data-objects.json")["objects"]
    entry = objects[CLASSES[type_]]
    names = {one["name"] for one in entry["properties"]}
    if type_ in {"Member", "Group"}:
        names |= {one["name"] for one in objects[f"core/{type_}"]["properties"]}
    return frozenset(names | (BESIDE_THE_PROGRAMME if type_ == "Programme" else set()))


def strangers(node: Any, path: str = "") -> Iterator[str]:
    """Yield every member of an object that its class does not name; ours carry a prefix."""
    if isinstance(node, list):
        for inner in node:
            yield from strangers(inner, path)
    if not isinstance(node, dict):
        return
    type_ = node.get("@type")
    for name, inner in node.items():
        if ":" in name or name.startswith("@"):
            continue
        if isinstance(type_, str) and not type_.startswith("hearth:") and name not in known(type_):
            yield f"{path}/{name}"
        yield from strangers(inner, f"{path}/{name}")


@pytest.mark.parametrize("shape", shapes().values(), ids=lambda shape: f"{shape.reg_type}-{shape.record_type}")
def test_every_member_of_a_record_is_known_to_its_class(shape: Shape):
    """HEARTH-OUT-02: whatever is not the standard's carries our prefix, in the record and in all that is inside it."""
    values = {name: sample(name) for name in shape.names}
    (record,) = records_of(shape, values, forms={}, context="c")

    assert list(strangers(record)) == []
    if not shape.type.startswith("hearth:"):
        assert len(list(strangers({**record, "made_up": 1}))) == 1


def test_every_member_of_a_composed_member_is_known_to_its_class():
    """HEARTH-OUT-02: of the people of a household too."""
    values = {d.name: sample(d.name) for d in CATALOGUE if d.entity == "person"}

    assert list(strangers(member_record(values, compile_places(CATALOGUE)))) == []

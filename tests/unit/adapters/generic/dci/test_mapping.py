"""Records of DCI registries: words for codes, entries of lists, and several records that all count."""

from __future__ import annotations

import orjson
import pytest

from adapters.generic.dci.driver import DciAdapter
from adapters.manifest import DciField, DciLookup, DciOptions, Lookup
from adapters.ports import Deadline, Response
from standards.codes import CodeDirectories
from standards.errors import SourceContractError
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.fakes import InMemoryClient
from tests.unit.adapters.builders import fetch, small_manifest

ASHA = Identifier("UIN", "2000000014")
ENROLMENTS = (
    "records[].{programme_identifier: programme_identifier[0].programme_identifier, "
    "enrollment_date: enrollment_date, enrollment_status: enrollment_status}"
)


async def read(*records, fields, together=False):
    """Return what the driver makes of a registry's records about Asha."""
    manifest = small_manifest(
        speaks="dci",
        lookups=(Lookup(name="person", by=("UIN",), identifiers=("UIN", "OWN"), attributes=tuple(fields)),),
        dci=DciOptions(
            reg_type="ns:org:RegistryType:IBR",
            lookups={
                "person": DciLookup(
                    reg_record_type="Beneficiary", identifiers_path="ids", attributes=fields, together=together
                )
            },
        ),
    )
    item = {
        "reference_id": "m-1",
        "status": "succ",
        "data": {"reg_records": list(records)},
        "pagination": {"page_size": 10, "page_number": 1, "total_count": len(records)},
    }
    body = orjson.dumps({"header": {"status": "succ"}, "message": {"search_response": [item]}})
    client = InMemoryClient([Response(200, "application/json", body)])
    adapter = DciAdapter(manifest, client, new_id=lambda: "m")
    answer = await adapter.fetch(fetch("probe", "person", (ASHA,), tuple(fields)), Deadline.after(3600))
    return answer.records[ASHA]


def number(type_, value):
    """Return an Identifier object."""
    return {"identifier_type": type_, "identifier_value": value}


def enrolment(programme, day, status="1", updated="2024-01-01T00:00:00+00:00", own="B-1", uin=ASHA.value):
    """Return a registry's record of one enrolment."""
    return {
        "ids": [number("UIN", uin), number("OWN", own)],
        "programme_identifier": [{"programme_identifier": programme}],
        "enrollment_date": day,
        "enrollment_status": status,
        "last_updated": updated,
    }


@pytest.mark.parametrize("word", ["male", "MALE", "Male", "m", "boy"])
async def test_a_registry_that_speaks_the_standard_s_codes_needs_no_table(word):
    """The code, the code in another case, its label, and another word for it."""
    field = DciField(path="sex", type="code")
    record = await read({"ids": [number("UIN", ASHA.value)], "sex": word}, fields={"sex": field})

    assert record.values == {"sex": "male"}


async def test_the_registry_s_own_table_goes_first():
    """Where it means something else by a word of the directory, its word counts."""
    field = DciField(path="sex", type="code", codes={"m": "female", "1": "male"})
    told = [
        (await read({"ids": [number("UIN", ASHA.value)], "sex": word}, fields={"sex": field})).values["sex"]
        for word in ("M", "1", "male")
    ]

    assert told == ["female", "male", "male"]


async def test_a_word_that_no_table_knows_is_never_guessed():
    """Its attribute is unusable, and says why."""
    field = DciField(path="sex", type="code")
    record = await read({"ids": [number("UIN", ASHA.value)], "sex": "mal"}, fields={"sex": field})

    assert (record.values, record.unusable) == ({}, {"sex": UnavailableReason.UNMAPPED_CODE})


async def test_entries_of_a_list_come_as_their_class_has_them():
    """With codes for labels, and without what the class does not name."""
    field = DciField(path="jobs", type="list")
    jobs = [{"job_title": "Weaver", "employment_type": "Seasonal", "salary": 900}]
    record = await read({"ids": [number("UIN", ASHA.value)], "jobs": jobs}, fields={"employment_info": field})

    assert record.values == {
        "employment_info": [{"@type": "EmploymentInfo", "job_title": "Weaver", "employment_type": "4"}]
    }


async def test_several_records_that_all_count_are_read_as_one():
    """One for each enrolment: none is lost, and the newest says as of when."""
    record = await read(
        enrolment("CG-01", "2020-01-01", updated="2026-02-02T00:00:00+00:00"),
        enrolment("OAP-02", "2021-01-01", "Suspended"),
        fields={"benefit_enrolments": DciField(path=ENROLMENTS, type="list")},
        together=True,
    )

    assert [(one["programme_identifier"], one["enrollment_status"]) for one in record.values["benefit_enrolments"]] == [
        ("CG-01", "1"),
        ("OAP-02", "4"),
    ]
    assert record.as_of == "2026-02-02T00:00:00+00:00"
    assert record.identifiers == {"UIN": ASHA.value, "OWN": "B-1"}
    assert record.duplicates == ()


async def test_without_it_the_newest_record_alone_counts():
    """As for somebody registered twice."""
    record = await read(
        enrolment("CG-01", "2020-01-01", updated="2026-02-02T00:00:00+00:00"),
        enrolment("OAP-02", "2021-01-01"),
        fields={"benefit_enrolments": DciField(path="programme_identifier", type="list")},
    )

    assert [one["programme_identifier"] for one in record.values["benefit_enrolments"]] == ["CG-01"]


async def test_a_record_of_somebody_else_among_them_is_refused():
    """Every one of them states the number asked about."""
    with pytest.raises(SourceContractError, match="not a number that was asked about"):
        await read(
            enrolment("CG-01", "2020-01-01"),
            enrolment("OAP-02", "2021-01-01", uin="2000000048"),
            fields={"benefit_enrolments": DciField(path=ENROLMENTS, type="list")},
            together=True,
        )


def test_every_word_of_a_directory_leads_where_it_says():
    """Codes first, then labels, then aliases."""
    codes = CodeDirectories({"D": {"codes": {"a": "b", "b": "Other"}, "aliases": {"Other": "a", "c": "a"}}})

    assert codes.words("D") == {"a": "a", "b": "b", "Other": "b", "c": "a"}

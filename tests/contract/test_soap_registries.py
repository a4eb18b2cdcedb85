"""SOAP registries nobody prepared for, by manifest and WSDL alone, against real servers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import date

import pytest
from aiohttp.test_utils import TestServer

from adapters.catalogue import load_manifest
from adapters.examples import as_plain
from adapters.generic.soap.documents import packed
from adapters.ports import Deadline, Fetch
from adapters.reading_manifest import read_manifest
from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.identifiers import identifier
from standards.states import UnavailableReason
from tests.contract.by_manifest import asked, registry
from tests.contract.soap_services import (
    BIRTHS,
    BIRTHS_WSDL,
    PENSIONS,
    PENSIONS_WSDL,
    TYPES,
    TYPES_XSD,
    Service,
    enveloped,
    fault,
)

pytestmark = pytest.mark.contract

_HEAD = """\
title: A register
version: "1.0"
speaks: soap
reg_type: ns:hearth:RegistryType:Probe
legal: {owner: Office, basis: Act, contact: office@example.pv}
connection: {base_url: env:PROBE_URL}
limits: {retries: 0, timeout_s: 5}
"""
PENSIONS_MANIFEST = (
    "id: pensions\n"
    + _HEAD
    + """
lookups:
  - {name: pension, by: [UIN, BRN], batch: 50, identifiers: [UIN], attributes: [given_name, surname, birth_date,
     tax_in_arrears, benefit_amount], as_of: true}
soap:
  wsdl: pensions.wsdl
  path: /ws/pensions
  lookups:
    pension:
      operation: FindPensioners
      arguments:
        "People.Person[].Kind": {kind: {UIN: national, BRN: birth}}
        "People.Person[].Number": {number: "*"}
        "On": {day: as_of}
        WithClosed: {constant: false}
        case: {transaction: true}
      records: Result.Pensioner
      not_found: {UIN: "Result.Unknown[?Kind=='national'].Number", BRN: "Result.Unknown[?Kind=='birth'].Number"}
      expected: {Amount.currency: {constant: PVC}}
      faults: {Busy: busy, NotYours: refused}
records:
  pension:
    identifiers:
      UIN: {path: "Number[?Kind=='national'].Number | [0]"}
      BRN: {path: "Number[?Kind=='birth'].Number | [0]"}
    attributes:
      given_name: {path: Given, required: true}
      surname: {path: Family}
      birth_date: {path: Born, type: date, required: true}
      tax_in_arrears: {path: Pays, type: boolean}
      benefit_amount: {path: Amount._text, type: money, factor: 100}
"""
)
BIRTHS_MANIFEST = (
    "id: births\n"
    + _HEAD
    + """
lookups:
  - {name: birth, by: [BRN], batch: 1, attributes: [given_name, birth_date]}
soap:
  wsdl: births.wsdl
  lookups:
    birth:
      operation: getBirth
      arguments: {number: {number: BRN}}
      records: birth
      faults: {NoSuchBirth: no_record}
records:
  birth:
    identifiers: {BRN: {path: number}}
    attributes:
      given_name: {path: given}
      birth_date: {path: day, type: date}
"""
)


def pensioner(
    *numbers, given="Asha", family="<Family>Moyo</Family>", pays="1", amount='<Amount currency="PVC">12.5</Amount>'
):
    """Return one pensioner, as the service writes them."""
    told = "".join(f"<Number><Kind>{kind}</Kind><Number>{number}</Number></Number>" for kind, number in numbers)
    return (
        f'<Pensioner xmlns="{TYPES}">{told}<Given>{given}</Given>{family}<Born>1950-02-03</Born><Pays>{pays}</Pays>'
        f"{amount}</Pensioner>"
    )


def unknown(kind, number):
    """Return somebody whom the service does not know."""
    return f'<Unknown xmlns="{TYPES}"><Kind>{kind}</Kind><Number>{number}</Number></Unknown>'


def found(*entries):
    """Return an answer of the pension service."""
    inside = "".join(entries)
    return enveloped(f'<FindPensionersResponse xmlns="{PENSIONS}"><Result>{inside}</Result></FindPensionersResponse>')


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the WSDLs that lie beside the manifests."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "types.xsd").write_text(TYPES_XSD, encoding="utf-8")
    (tmp_path / "pensions.wsdl").write_text(PENSIONS_WSDL, encoding="utf-8")
    (tmp_path / "births.wsdl").write_text(BIRTHS_WSDL, encoding="utf-8")
    return tmp_path


@asynccontextmanager
async def running(folder, manifest, answer):
    """Yield a service, and the registry that a manifest makes of it."""
    service = Service(answer)
    async with TestServer(service.application()) as server:
        address = f"http://127.0.0.1:{server.port}/base"
        async with registry(folder, manifest, PROBE_URL=address) as connected:
            yield service, connected


async def test_many_people_of_two_kinds_of_numbers_go_into_one_call(folder):
    """Repeated elements, an attribute, a constant; groups, choices, nil, lists and numbers in the answer."""
    nil = '<Family xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'

    def answer(_):
        return found(
            pensioner(("birth", "B-7"), ("national", "2000000014")),
            pensioner(("national", "2000000022"), given="Juma", family=nil, pays="false", amount="<None>n</None>"),
            unknown("national", "2000000030"),
        )

    async with running(folder, PENSIONS_MANIFEST, answer) as (service, connected):
        said = await asked(connected, "pension", "BRN B-7", "UIN 2000000022", "UIN 2000000030")

    (question,) = service.asked
    assert service.actions == [f'"{PENSIONS}/find"']
    assert question.tag == f"{{{PENSIONS}}}FindPensioners"
    people = question.findall(f"{{{PENSIONS}}}People/{{{PENSIONS}}}Person")
    assert [[part.text for part in one] for one in people] == [
        ["birth", "B-7"],
        ["national", "2000000022"],
        ["national", "2000000030"],
    ]
    assert question.findtext(f"{{{PENSIONS}}}WithClosed") == "false"
    assert question.find(f"{{{PENSIONS}}}On") is None
    assert {subject: as_plain(record) for subject, record in said.items()} == {
        "BRN B-7": {
            "identifiers": {"UIN": "2000000014", "BRN": "B-7"},
            "values": {
                "given_name": "Asha",
                "surname": "Moyo",
                "birth_date": "1950-02-03",
                "tax_in_arrears": True,
                "benefit_amount": 1250,
            },
        },
        "UIN 2000000022": {
            "identifiers": {"UIN": "2000000022"},
            "values": {"given_name": "Juma", "birth_date": "1950-02-03", "tax_in_arrears": False},
        },
        "UIN 2000000030": None,
    }


async def test_a_past_day_and_the_transaction_go_along(folder):
    """The one as an element that otherwise is not there, the other as an attribute."""
    async with running(folder, PENSIONS_MANIFEST, lambda _: found(unknown("national", "1"))) as (service, connected):
        request = Fetch("pensions", "pension", (identifier("UIN", "1"),), frozenset(), "t<1>", date(2024, 2, 29))
        await connected.guarded.fetch(request, Deadline.after(5))

    assert service.asked[0].findtext(f"{{{PENSIONS}}}On") == "2024-02-29"
    assert service.asked[0].get("case") == "t<1>"


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        ((500, fault("Client")), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        ((500, fault("Server")), SourceUnavailableError, UnavailableReason.SOURCE_DOWN),
        ((200, fault("Server.Database")), SourceUnavailableError, UnavailableReason.SOURCE_DOWN),
        ((500, fault("Server", "<Busy/>")), SourceUnavailableError, UnavailableReason.SOURCE_BUSY),
        ((500, fault("NotYours")), SourceRefusedError, UnavailableReason.SOURCE_REFUSED),
        ((500, b"<html>"), SourceUnavailableError, UnavailableReason.SOURCE_DOWN),
        ((403, b""), SourceRefusedError, UnavailableReason.SOURCE_REFUSED),
        ((429, fault("Client")), SourceUnavailableError, UnavailableReason.SOURCE_BUSY),
        (found(), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (found(unknown("national", "2")), SourceContractError, UnavailableReason.WRONG_SUBJECT),
        (found(pensioner(("national", "2"))), SourceContractError, UnavailableReason.WRONG_SUBJECT),
        (
            found(pensioner(("national", "1")), unknown("national", "1")),
            SourceContractError,
            UnavailableReason.SOURCE_CONTRACT,
        ),
        (
            found(pensioner(("national", "1"), amount='<Amount currency="EUR">1</Amount>')),
            SourceContractError,
            UnavailableReason.SOURCE_CONTRACT,
        ),
        (
            found(pensioner(("national", "1"), amount="<Amount>1</Amount>")),
            SourceContractError,
            UnavailableReason.SOURCE_CONTRACT,
        ),
        (
            found(pensioner(("national", "1"), amount="<Wages>1</Wages>")),
            SourceContractError,
            UnavailableReason.SOURCE_CONTRACT,
        ),
        (
            found(pensioner(("national", "1"), family="")),
            SourceContractError,
            UnavailableReason.SOURCE_CONTRACT,
        ),
        (enveloped("<Other/>"), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (enveloped(""), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (
            b'<!DOCTYPE a [<!ENTITY e "Asha Moyo">]>' + found(unknown("national", "&e;")),
            SourceContractError,
            UnavailableReason.SOURCE_CONTRACT,
        ),
    ],
)
async def test_whatever_is_no_answer_is_the_right_error(folder, answer, error, reason):
    """Never "nobody", and never with a word of what the answer said."""
    async with running(folder, PENSIONS_MANIFEST, lambda _: answer) as (_, connected):
        with pytest.raises(error) as caught:
            await asked(connected, "pension", "UIN 1")

    assert caught.value.reason is reason
    assert "Asha" not in str(caught.value)


async def test_a_service_that_does_not_keep_to_its_wsdl_can_be_read_all_the_same(folder):
    """Namespaces, promised elements and unknown ones do not count then; whose record it is still does."""
    lenient = PENSIONS_MANIFEST.replace("  path: /ws/pensions", "  path: /ws/pensions\n  lenient: true")
    odd = pensioner(("national", "1"), family="<Extra>x</Extra>").replace(f' xmlns="{TYPES}"', ' xmlns="urn:other"')
    async with running(folder, lenient, lambda _: found(odd)) as (_, connected):
        said = await asked(connected, "pension", "UIN 1", names=["given_name"])

    assert said["UIN 1"].values == {"given_name": "Asha"}


async def test_an_rpc_service_is_asked_one_by_one_and_says_by_a_fault_that_there_is_nobody(folder):
    """Parts have no namespace there, and the fault's detail is what tells."""

    def answer(question):
        number = question.findtext("number")
        if number == "B-2":
            return 500, fault("Client", f'<b:NoSuchBirth xmlns:b="{BIRTHS}"/>')
        birth = f"<birth><number>{number}</number><given>Asha</given><day>1990-01-02</day></birth>"
        return enveloped(f'<b:getBirthResponse xmlns:b="{BIRTHS}">{birth}</b:getBirthResponse>')

    async with running(folder, BIRTHS_MANIFEST, answer) as (service, connected):
        known = await asked(connected, "birth", "BRN B-1")
        nobody = await asked(connected, "birth", "BRN B-2")

    assert [question.tag for question in service.asked] == [f"{{{BIRTHS}}}getBirth"] * 2
    assert known["BRN B-1"].values == {"given_name": "Asha", "birth_date": "1990-01-02"}
    assert nobody == {"BRN B-2": None}


async def test_a_manifest_that_carries_its_wsdl_needs_no_folder(folder):
    """As it is kept in a database: the same manifest, from one text."""
    path = folder / "manifest.yaml"
    path.write_text(PENSIONS_MANIFEST, encoding="utf-8")

    alone = read_manifest(packed(path), "kept")

    assert alone == load_manifest(path)
    assert alone.soap is not None
    assert alone.soap.documents == {"pensions.wsdl": PENSIONS_WSDL, "schemas/types.xsd": TYPES_XSD}

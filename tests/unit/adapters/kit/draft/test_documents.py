"""Drafts from documents as ministries have them: each loads, says what is left to decide, and names nobody."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import pytest
import xlsxwriter

from adapters.kit.draft.emit import questions
from adapters.kit.draft.reading import shape_asked, shape_from
from adapters.kit.draft.writing import files_of, written
from adapters.reading_manifest import load_manifest
from standards.errors import ConfigurationError

DOCUMENTS = Path(__file__).parent / "documents"
LIST = DOCUMENTS / "vouchers-2026-11-20.csv"
PERSONAL = (
    "2000000014",
    "2000000022",
    "Asha",
    "Moyo",
    "Juma",
    "Okello",
    "1990",
    "1958",
    "PV0199887766",
    "24000",
    "211555",
)
"""What stands in the samples and examples of somebody."""
EVERY = sorted(path.name for path in DOCUMENTS.iterdir() if path.is_file() and path.name != "land-2.0.json")


def drafted(source: Path, folder: Path):
    """Draft a registry's folder; return its manifest, its text and what is left to be decided."""
    written(folder, files_of(folder.name, shape_from(str(source)), {}))
    text = (folder / "manifest.yaml").read_text(encoding="utf-8")
    return load_manifest(folder / "manifest.yaml"), text, " | ".join(question for _, question in questions(text))


def workbook(path: Path) -> Path:
    """Write the list as a workbook."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        for at, line in enumerate(LIST.read_text(encoding="utf-8").splitlines()):
            sheet.write_row(at, 0, line.split(";"))
    path.write_bytes(content.getvalue())
    return path


def json_lines(path: Path) -> Path:
    """Write the list as JSON lines."""
    header, *rows = (line.split(";") for line in LIST.read_text(encoding="utf-8").splitlines())
    path.write_text("".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", EVERY)
def test_a_document_becomes_a_draft_that_loads_and_names_nobody(name, tmp_path):
    """Whatever kind it is; each mark has a line, and nothing of a sample or an example is in any file."""
    manifest, text, asked = drafted(DOCUMENTS / name, tmp_path / "office")

    assert manifest.lookups[0].attributes
    assert text.count("# decide:") == len(questions(text)) + 1 > 6  # the first line says what the mark means
    assert "the body that answers for the data" in asked
    for path in (tmp_path / "office").rglob("*"):
        if path.is_file():
            found = path.read_text(encoding="utf-8")
            assert [one for one in PERSONAL if one in found] == [], path


@pytest.mark.parametrize("make", [workbook, json_lines])
def test_a_list_is_the_same_draft_in_every_form(make, tmp_path):
    """A workbook, or JSON lines, beside the CSV."""
    source = make(tmp_path / {"workbook": "vouchers-1.xlsx", "json_lines": "vouchers-1.jsonl"}[make.__name__])
    manifest, text, _ = drafted(source, tmp_path / "office")
    from_csv, _, _ = drafted(LIST, tmp_path / "other")

    assert manifest.files is not None
    assert manifest.files.format == source.suffix.removeprefix(".")
    assert manifest.files.pattern == f"vouchers-*{source.suffix}"
    stated = manifest.records["row"].attributes
    assert {name: (one.path, one.type) for name, one in stated.items()} == {
        name: (one.path, one.type) for name, one in from_csv.records["row"].attributes.items()
    }
    assert [one for one in PERSONAL if one in text] == []


def test_the_records_of_a_page_are_found_beside_its_links(tmp_path):
    """With its pages, its total, and whom it does not hold; people asked about together come first."""
    manifest, _, asked = drafted(DOCUMENTS / "land-3.0.yaml", tmp_path / "land")
    assert manifest.rest is not None
    (owners,), (parcels,) = (manifest.rest.lookups[name].requests for name in ("owners", "parcels"))

    assert [(one.name, one.batch) for one in manifest.lookups] == [("owners", 100), ("parcels", 1)]
    assert (owners.method, owners.body, owners.found) == ("POST", {"nationalIds": "{numbers}"}, "owners")
    assert owners.not_found == {"UIN": "unknown"}
    assert (parcels.found, parcels.total, parcels.nobody.status) == ("content", "totalElements", (404,))
    assert parcels.query == {"page": "{page}", "size": "{page_size}"}
    assert (parcels.pages.by, parcels.pages.first, parcels.pages.size) == ("page", 0, 100)
    assert manifest.records["parcels"].identifiers["UIN"].path == "owner.nationalId"
    assert "the description has it at another one, https://login.lands.example" in asked
    assert "what several records of one person are" in asked


def test_the_forms_of_openapi_3_1_are_read(tmp_path):
    """Types with null, `const`, `anyOf`, content types with parameters, servers with variables."""
    manifest, text, asked = drafted(DOCUMENTS / "land-3.1.json", tmp_path / "land")
    fields = manifest.records["titles"].attributes

    assert fields["sex"].codes == {"male": "male", "female": "female"}
    assert (fields["land_area_ha"].type, fields["given_name"].required) == ("decimal", False)
    assert manifest.rest.lookups["titles"].requests[0].pages.next == "nextCursor"
    assert manifest.connection.auth.header == "X-Cadastre-Key"
    assert "https://{region}.cadastre.example/api" in text
    assert "tenure: which attribute of the catalogue" in asked


def test_openapi_2_is_refused_with_what_to_do():
    """It is another form, under another name."""
    with pytest.raises(ConfigurationError, match="convert it to OpenAPI 3 first"):
        shape_from(str(DOCUMENTS / "land-2.0.json"))


def test_a_wsdl_brings_what_it_imports(tmp_path):
    """Types of imported schemas, an extension of a type, an amount with its currency; a port of SOAP 1.2 is left out."""
    folder = tmp_path / "pensions"
    manifest, _, asked = drafted(DOCUMENTS / "pensions.wsdl", folder)
    lookup = manifest.soap.lookups["find_pensioners"]

    assert {path.name for path in folder.rglob("*.xsd")} == {"messages.xsd", "common.xsd"}
    assert manifest.lookups[0].batch == 40
    assert lookup.arguments["NationalId[]"].number == "UIN"
    assert (lookup.records, lookup.not_found) == ("Pensioners.Pensioner", {"UIN": "Unknown"})
    assert manifest.records["find_pensioners"].attributes["pension_monthly"].path == "PensionMonthly._text"
    assert manifest.records["find_pensioners"].attributes["sex"].codes == {"M": "male", "F": "female"}
    assert manifest.soap.path == "/services/Pension.v2"
    assert "what stands at Requester" in asked
    assert "IncludeClosed" not in lookup.arguments
    assert "how it knows us, which no WSDL says" in asked


def test_only_what_speaks_soap_1_1_is_drafted(tmp_path):
    """Many servers describe the same operations for plain HTTP too; one of SOAP 1.2 alone is refused."""
    text = (DOCUMENTS / "births-rpc.wsdl").read_text(encoding="utf-8")
    port = text[text.index("<portType") : text.index("<binding")]
    plain = port.replace("BirthPort", "BirthHttpGet") + (
        '<binding name="BirthHttpGet" type="b:BirthHttpGet"><http:binding verb="GET" '
        'xmlns:http="http://schemas.xmlsoap.org/wsdl/http/"/></binding>'
    )
    source = tmp_path / "births.wsdl"
    source.write_text(text.replace("<binding", f"{plain}<binding", 1), encoding="utf-8")
    assert [one.name for one in shape_from(str(source)).lookups] == ["birth"]

    source.write_text(text.replace("/wsdl/soap/", "/wsdl/soap12/"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"no binding of SOAP 1\.1"):
        shape_from(str(source))


def test_a_wsdl_in_rpc_style_is_read_by_the_parts_of_its_messages(tmp_path):
    """There is no element around them."""
    manifest, _, asked = drafted(DOCUMENTS / "births-rpc.wsdl", tmp_path / "births")
    lookup = manifest.soap.lookups["birth"]

    assert (lookup.arguments["brn"].number, lookup.records) == ("BRN", "birth")
    assert manifest.records["birth"].attributes["birth_date"].path == "dateOfBirth"
    assert "what stands at office" in asked


def test_a_wsdl_whose_import_is_not_beside_it_says_so(tmp_path):
    """And where to put it; one in the network is not fetched."""
    shutil.copy(DOCUMENTS / "pensions.wsdl", tmp_path / "pensions.wsdl")
    with pytest.raises(ConfigurationError, match=r"messages\.xsd cannot be read"):
        shape_from(str(tmp_path / "pensions.wsdl"))

    text = (DOCUMENTS / "pensions.wsdl").read_text(encoding="utf-8")
    (tmp_path / "far.wsdl").write_text(text.replace("schemas/messages.xsd", "https://far.example/messages.xsd"))
    with pytest.raises(ConfigurationError, match="save that document beside the manifest"):
        shape_from(str(tmp_path / "far.wsdl"))


def test_what_a_common_fhir_server_says_of_itself_becomes_a_search_for_people(tmp_path):
    """Its title is what it is, not the name of the product; the namespace is to be named in both places."""
    manifest, text, asked = drafted(DOCUMENTS / "hapi-capabilities.json", tmp_path / "health")

    assert manifest.title == "National health record"
    assert manifest.fhir.lookups["patient"].batch is True
    assert asked.count("the namespace of the number") == 1
    assert asked.count("by which number people are found") == 1
    assert "The server also holds Encounter, Immunization, Observation: add" in text
    assert "whether the server counts what it found" in asked


def test_a_fhir_server_that_cannot_search_or_is_of_another_release_says_so(tmp_path):
    """Reading by its own id finds nobody; another release may not fit."""
    statement = json.loads((DOCUMENTS / "hapi-capabilities.json").read_text(encoding="utf-8"))
    patient = next(one for one in statement["rest"][0]["resource"] if one["type"] == "Patient")
    source = tmp_path / "metadata.json"
    source.write_text(json.dumps(statement | {"fhirVersion": "3.0.2"}), encoding="utf-8")
    assert "speaks FHIR 3.0.2" in drafted(source, tmp_path / "old")[1]

    patient["interaction"] = [{"code": "read"}]
    source.write_text(json.dumps(statement), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot search for people"):
        shape_from(str(source))


def test_a_connection_of_graphql_is_read_in_pages(tmp_path):
    """A list of numbers, one number, a number within an input; a field that takes arguments is left out."""
    manifest, text, _ = drafted(DOCUMENTS / "introspection.json", tmp_path / "housing")
    asked = {name: one.requests[0] for name, one in manifest.graphql.lookups.items()}
    many, one, within = asked["residents"], asked["resident"], asked["residents_where"]

    assert (many.answer, many.total, many.pages.size) == ("nodes", "totalCount", 100)
    assert {name: argument.value for name, argument in many.arguments.items()} == {
        "nationalIds": "{numbers}",
        "first": "{page_size}",
        "after": "{cursor}",
    }
    assert (one.answer, one.null_is_nobody) == ("one", True)
    assert within.arguments["where"].value == {"nationalId": "{number}"}
    assert manifest.records["residents"].attributes["rooms"].path == "dwelling.rooms"
    assert "photo" not in text


def test_a_sample_with_a_year_of_seconds_and_a_list_in_an_envelope_is_read(tmp_path):
    """Codes of every record are gathered; where a moment is a number, its form is asked for."""
    manifest, _, asked = drafted(DOCUMENTS / "people.json", tmp_path / "office")

    assert manifest.rest.lookups["person"].requests[0].found == "results"
    assert manifest.records["person"].attributes["sex"].codes == {"F": "female", "M": "male"}
    assert manifest.records["person"].attributes["surname"].path == "name.last"
    assert manifest.records["person"].as_of.date == "unix_s"
    assert "whether it counts seconds" in asked


def test_a_list_that_is_not_written_in_utf_8_says_in_what(tmp_path):
    """Its columns keep their names."""
    source = tmp_path / "liste.csv"
    source.write_bytes("Numéro national;nin;Prénom;Updated on\nx;2000000014;Zoé;31.12.2025\n".encode("cp1252"))
    manifest, _, asked = drafted(source, tmp_path / "office")

    assert manifest.files.encoding == "cp1252"
    assert "it is not UTF-8" in asked
    assert "Num\\u00e9ro national" in asked
    assert manifest.records["row"].as_of.date == "day_first"


@pytest.mark.parametrize("speaks", ["rest", "graphql", "fhir", "ogc", "sql", "files"])
def test_answers_to_questions_load_too(speaks, tmp_path):
    """For every protocol that needs no document of its own."""
    folder = tmp_path / "office"
    written(folder, files_of("office", shape_asked(speaks, ("UIN",), ("given_name",)), {"owner": "Office"}))
    text = (folder / "manifest.yaml").read_text(encoding="utf-8")

    assert load_manifest(folder / "manifest.yaml").speaks == speaks
    assert re.search(r"^  owner: Office$", text, re.MULTILINE)
    assert questions(text)

"""Drafts are manifests already, with what could not be decided marked, and no value of a sample in them."""

from __future__ import annotations

import json
import sqlite3

import pytest

from adapters.kit.draft.emit import questions
from adapters.kit.draft.guessing import calling, date_form, number_type
from adapters.kit.draft.reading import check_called, shape_asked, shape_from
from adapters.kit.draft.writing import files_of, written
from adapters.manifest import OAuth2Auth
from adapters.reading_manifest import read_manifest
from standards.errors import ConfigurationError

OPENAPI = {
    "openapi": "3.0.3",
    "info": {"title": "Pension office"},
    "paths": {
        "/pensioners/{nationalId}": {
            "get": {
                "parameters": [{"name": "nationalId", "in": "path"}],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pensioner"}}}}
                },
            }
        }
    },
    "components": {
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        "schemas": {
            "Pensioner": {
                "required": ["nationalId", "dob"],
                "properties": {
                    "nationalId": {"type": "string"},
                    "dob": {"type": "string", "format": "date"},
                    "gender": {"type": "string", "enum": ["M", "F", "Z"]},
                    "name": {"properties": {"lastName": {"type": "string"}}},
                    "shoeSize": {"type": "integer"},
                },
            }
        },
    },
}


def drafted(shape):
    """Return the text of the drafted manifest."""
    return files_of("office", shape, {})["manifest.yaml"].decode()


def test_an_openapi_document_becomes_a_manifest(tmp_path):
    """Fields by their names and types; what has no word is asked for."""
    source = tmp_path / "api.json"
    source.write_text(json.dumps(OPENAPI), encoding="utf-8")
    text = drafted(shape_from(str(source)))
    manifest = read_manifest(text, "draft")
    fields = manifest.records["pensioners"].attributes

    assert manifest.rest is not None
    assert manifest.rest.lookups["pensioners"].requests[0].path == "/pensioners/{number}"
    assert (fields["surname"].path, fields["birth_date"].required) == ("name.lastName", True)
    assert fields["sex"].codes == {"M": "male", "F": "female"}
    asked = " ".join(question for _, question in questions(text))
    assert "shoeSize: which attribute" in asked
    assert "sex: what these mean" in asked


def test_a_sample_leaves_no_value_behind(tmp_path):
    """Only codes are written down; a date's form is seen, its value is not."""
    source = tmp_path / "list.csv"
    source.write_text("National ID;Birth date;Sex;Surname\n2000000014;31.12.1990;F;Moyo\n", encoding="utf-8")
    text = drafted(shape_from(str(source)))
    layout = read_manifest(text, "draft").records["row"]

    assert layout.attributes["birth_date"].date == "day_first"
    assert layout.identifiers["UIN"].path == '"National ID"'
    assert not [value for value in ("2000000014", "1990", "Moyo") if value in text]


def test_a_table_becomes_a_manifest(tmp_path):
    """With the type of a number that is no text."""
    file = tmp_path / "p.db"
    source = sqlite3.connect(file)
    source.execute("CREATE TABLE people (uin INTEGER, surname TEXT, updated_at TEXT)")
    source.close()
    manifest = read_manifest(drafted(shape_from(f"sqlite:///{file}#people")), "draft")

    assert manifest.sql is not None
    assert manifest.sql.lookups["row"].types == {"uin": "integer"}
    with pytest.raises(ConfigurationError, match="there are people"):
        shape_from(f"sqlite:///{file}#persons")


@pytest.mark.parametrize("speaks", ["rest", "sql", "files", "ogc"])
def test_answers_to_questions_become_a_manifest(speaks):
    """With the least that a protocol needs."""
    manifest = read_manifest(drafted(shape_asked(speaks, ("UIN",), ("given_name",))), "draft")

    assert manifest.speaks == speaks


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    """And a name that is no id is refused."""
    for folder in (tmp_path, tmp_path / "No-Id"):
        with pytest.raises(ConfigurationError):
            written(folder, {})
    written(tmp_path / "office", {"a/b": b"c"})
    assert (tmp_path / "office" / "a" / "b").read_bytes() == b"c"


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (("1990-12-31",), ("iso", None)),
        (("19901231",), ("compact", None)),
        (("31/12/1990",), ("day_first", None)),
        (("12/31/1990",), ("month_first", None)),
        (("01/02/1990",), ("day_first", "whether the day or the month comes first")),
    ],
)
def test_the_form_of_dates_is_seen_and_doubt_is_said(texts, form):
    """By parts that cannot be months."""
    assert date_form(texts) == form


def test_numbers_are_known_by_their_names():
    """And nothing else is one."""
    named = {name: number_type(name) for name in ("nationalId", "tax_id", "HOUSEHOLD_ID", "id", "roof")}

    assert named == {
        "nationalId": "UIN",
        "tax_id": "TIN",
        "HOUSEHOLD_ID": "HOUSEHOLD_ID",
        "id": None,
        "roof": None,
    }


def test_numbers_written_with_signs_are_looked_for_as_they_are_written(tmp_path):
    """Otherwise a list of dashed numbers would hold nobody; of the numbers, only where the dashes stand is kept."""
    source = tmp_path / "list.csv"
    source.write_text("National ID;Scheme\n20-0000001-4;Fund\n20-0000002-2;Fund\n", encoding="utf-8")
    text = drafted(shape_from(str(source)))
    files = read_manifest(text, "draft").files

    assert files is not None
    assert files.lookups["row"].written == {"UIN": ("##-#######-#",)}
    assert [question for _, question in questions(text) if "signs are part of the number" in question]
    assert "0000001" not in text


@pytest.mark.parametrize("number", ["2000000014", "20 Main Road, flat 4b"])
def test_what_needs_no_form_or_has_none_is_given_none(tmp_path, number):
    """Plain numbers are found as they are; other texts are no numbers, and would tell of somebody."""
    source = tmp_path / "list.csv"
    source.write_text(f'National ID;Scheme\n"{number}";Fund\n', encoding="utf-8")
    files = read_manifest(drafted(shape_from(str(source))), "draft").files

    assert files is not None
    assert files.lookups["row"].written == {}


def test_a_registry_that_is_asked_by_a_number_of_its_own_is_drafted_too(tmp_path):
    """Its type is one that nobody else knows, and the draft asks whether the registry gives it out."""
    check_called("HOLDER_NO")
    source = tmp_path / "list.csv"
    source.write_text("Holder;Surname\nH7;Moyo\n", encoding="utf-8")
    with calling({"Holder": "HOLDER_NO"}):
        text = drafted(shape_from(str(source)))
    manifest = read_manifest(text, "draft")

    assert (manifest.issues, manifest.lookups[0].by) == (("HOLDER_NO",), ("HOLDER_NO",))
    assert [question for _, question in questions(text) if "by_traits" in question]


@pytest.mark.parametrize("type_", ["", "holderNo", "NID", "X"])
def test_a_type_that_is_none_is_refused_with_those_there_are(type_):
    """Small letters, and another spelling of a type that has a name here."""
    with pytest.raises(ConfigurationError, match=r"personalCode=UIN.*HOLDER_NO"):
        check_called(type_)


@pytest.mark.parametrize(
    ("token", "path", "is_told"),
    [
        ("https://office.example/api/oauth/token", "/oauth/token", False),
        ("https://office.example/oauth/token", "/oauth/token", True),
    ],
)
def test_a_token_endpoint_that_is_not_below_the_address_is_told(tmp_path, token, path, is_told):
    """Otherwise `/api` would stand before it, and no token would be given."""
    scheme = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": token, "scopes": {}}}}
    parts = {"securitySchemes": {"clients": scheme}}
    source = tmp_path / "api.json"
    servers = [{"url": "https://office.example/api"}]
    source.write_text(json.dumps(OPENAPI | {"components": parts, "servers": servers}), encoding="utf-8")
    text = drafted(shape_from(str(source)))

    auth = read_manifest(text, "draft").connection.auth

    assert isinstance(auth, OAuth2Auth)
    assert auth.token_path == path
    assert any("not below /api" in question for _, question in questions(text)) is is_told

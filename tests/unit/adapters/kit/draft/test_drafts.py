"""Drafts are manifests already, with what could not be decided marked, and no value of a sample in them."""

from __future__ import annotations

import json
import sqlite3

import pytest

from adapters.kit.draft.emit import questions
from adapters.kit.draft.guessing import date_form, number_type
from adapters.kit.draft.reading import shape_asked, shape_from
from adapters.kit.draft.writing import files_of, written
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

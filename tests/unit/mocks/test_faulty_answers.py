"""Bodies are spoiled without breaking their syntax."""

from xml.etree.ElementTree import fromstring

import orjson
import pytest

from mocks.faulty_answers import flood_parts, renamed


def test_renaming_keeps_json_whole():
    """Members are renamed at every depth; everything else stays."""
    body = orjson.dumps({"items": [{"id": 1, "name": "items"}], "more": {"items": None}})

    assert orjson.loads(renamed(body, "application/json", {"items": "things"})) == {
        "things": [{"id": 1, "name": "items"}],
        "more": {"things": None},
    }


def test_renaming_keeps_xml_whole():
    """Elements are renamed with and without prefix; longer names that begin alike stay."""
    body = b'<r:A xmlns:r="urn:x"><r:TIN>1</r:TIN><TIN/><TINY a="TIN"/></r:A>'

    renamed_body = renamed(body, "text/xml", {"TIN": "Number"})

    assert renamed_body == b'<r:A xmlns:r="urn:x"><r:Number>1</r:Number><Number/><TINY a="TIN"/></r:A>'


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_flood_would_parse_if_it_ever_ended(count):
    """What is sent looks like an answer all along."""
    json, xml = flood_parts("application/json"), flood_parts("text/xml")

    assert len(orjson.loads(json.opening + json.filler * count + json.closing)["records"]) == count + 1
    assert len(fromstring((xml.opening + xml.filler * count + xml.closing).decode().partition("?>")[2])) == count

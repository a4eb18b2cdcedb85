"""XML is read whole, and nothing in it is expanded or fetched."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from adapters.markup import MOST_TAGS, MarkupError, parsed

BOMB = (
    '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">'
    '<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]><a>&d;</a>'
)


def test_a_document_is_read_with_its_names_and_texts():
    """Comments, instructions and character data sections are no obstacle."""
    root = parsed(
        b'<?xml version="1.0"?><!-- c --><a xmlns="urn:x"><b year="1">1 &lt; 2</b><b><![CDATA[<!DOCTYPE]]></b></a>'
    )

    assert root.tag == "{urn:x}a"
    assert [(one.tag, one.get("year"), one.text) for one in root] == [
        ("{urn:x}b", "1", "1 < 2"),
        ("{urn:x}b", None, "<!DOCTYPE"),
    ]


@pytest.mark.parametrize(
    "body", [b"<a>" * 1_300_000, b"<a>" * 600_000 + b"</a>" * 600_000, b"<a>" + b"<a/>" * 1_000_000 + b"</a>"]
)
def test_few_bytes_never_become_many(body):
    """Four megabytes of tags would take ninety times as much; they are counted before any is read."""
    start = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(MarkupError, match="too many tags"):
            parsed(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < len(body)
    assert time.monotonic() - start < 5
    assert len(parsed(b"<a>" + b"<b/>" * (MOST_TAGS - 2) + b"</a>")) == MOST_TAGS - 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_other_encodings_are_read(encoding):
    """As the document itself names them."""
    body = f'<?xml version="1.0" encoding="{encoding}"?><a>é</a>'.encode(encoding)

    assert parsed(body).text == "é"


@pytest.mark.parametrize(
    "document",
    [
        "<!DOCTYPE a><a/>",
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
        '<!DOCTYPE a PUBLIC "-//A//B" "http://127.0.0.1:1/a.dtd"><a/>',
        '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]><a/>',
        '<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>',
        BOMB,
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_in_every_encoding(document, encoding):
    """Whatever it declares; nobody looks for it with a search for bytes."""
    with pytest.raises(MarkupError):
        parsed(document.encode(encoding))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Asha Moyo",
        b"<a>",
        b"<a></b>",
        b"<a/><a/>",
        b"<a>&unknown;</a>",
        b"<a b='1' b='2'/>",
        b"<a>\xff\xfe</a>",
        b'<?xml version="1.0" encoding="no-such-code"?><a/>',
    ],
)
def test_what_is_not_xml_is_refused_without_its_text(body):
    """Every way to be wrong is one error."""
    with pytest.raises(MarkupError) as caught:
        parsed(body)

    assert "Asha" not in str(caught.value)
    assert caught.value.__cause__ is None

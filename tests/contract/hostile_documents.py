"""Documents made to break whoever reads them: XML and JSON that grow, nest, refer elsewhere, or mean two things at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tests.contract.hostile import LIMIT

_LAUGHS: Final = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_DEEP: Final = 20_000


def _with_doctype(inside: str, used: str) -> Callable[[bytes, str], bytes]:
    """Return what puts a document type before a document, and uses an entity of it for the name."""
    return lambda good, place: (
        f"<!DOCTYPE e [{inside.replace('ELSEWHERE', place)}]>".encode() + good.replace(b"Asha", used.encode())
    )


XML: Final[dict[str, Callable[[bytes, str], bytes]]] = {
    "a billion laughs": _with_doctype(f'<!ENTITY l0 "ha">{_LAUGHS}', "&l9;"),
    "one long entity, often": _with_doctype(f'<!ENTITY a "{"a" * 20_000}">', "&a;" * 20_000),
    "a file of ours": _with_doctype('<!ENTITY f SYSTEM "file:///etc/passwd">', "&f;"),
    "an address": _with_doctype('<!ENTITY f SYSTEM "ELSEWHERE/x">', "&f;"),
    "an outer document type": lambda good, place: f'<!DOCTYPE e SYSTEM "{place}/x.dtd">'.encode() + good,
    "a public document type": lambda good, place: f'<!DOCTYPE e PUBLIC "-//X" "{place}/x.dtd">'.encode() + good,
    "parameters of entities": _with_doctype('<!ENTITY % p SYSTEM "ELSEWHERE/x"> %p;', "Asha"),
    "an entity that nobody uses": _with_doctype('<!ENTITY a "b">', "Asha"),
    "an entity that nobody declares": lambda good, _: good.replace(b"Asha", b"&nobody;"),
    "elements without end": lambda *_: b"<a>" * _DEEP,
    "elements in elements": lambda *_: b"<a>" * _DEEP + b"</a>" * _DEEP,
    "a name in elements in elements": lambda good, _: good.replace(b"Asha", b"<a>" * _DEEP + b"</a>" * _DEEP),
    "an attribute twice": lambda good, _: good.replace(b"<Person>", b'<Person a="1" a="2">'),
    "a prefix that nobody declares": lambda good, _: good.replace(b"<Person>", b"<x:Person>").replace(
        b"</Person>", b"</x:Person>"
    ),
    "an encoding that nobody knows": lambda good, _: b'<?xml version="1.0" encoding="x-rot13"?>' + good,
    "an encoding that hides its signs": lambda good, _: (
        b'<?xml version="1.0" encoding="utf-7"?>' + good.replace(b"<", b"+ADw-")
    ),
    "another encoding than it says": lambda good, _: b'<?xml version="1.0" encoding="utf-16"?>' + good,
    "two documents": lambda good, _: good + good,
    "a zero byte": lambda good, _: good.replace(b"Asha", b"As\0ha"),
    "a sign that no text has": lambda good, _: good.replace(b"Asha", b"As&#1;ha"),
    "two bodies": lambda good, _: good.replace(b"</e:Body>", b"</e:Body><e:Body/>"),
    "two answers in a body": lambda good, _: re.sub(rb"(<Found.*</Found>)", rb"\1\1", good),
    "the number of somebody else beside the own": lambda good, _: good.replace(
        b"<Name>", b"<Uin>2000000099</Uin><Name>"
    ),
}
"""Name -> what becomes of a right SOAP answer, given an address that nobody may be led to. None of them is an answer."""

XML_AS_IT_IS: Final[dict[str, Callable[[bytes, str], bytes]]] = {
    "an inclusion": lambda good, place: good.replace(
        b"Asha", f'Asha<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{place}"/>'.encode()
    ),
    "a style sheet": lambda good, place: f'<?xml-stylesheet href="{place}/x.xsl"?>'.encode() + good,
    "where a schema is": lambda good, place: good.replace(
        b"<Found ",
        f'<Found xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="urn:probe {place}/x.xsd" '.encode(),
    ),
    "a comment in the number": lambda good, _: good.replace(b"2000000014", b"2000<!-- 99 -->000014"),
    "text as it stands": lambda good, _: good.replace(b"Asha", b"<![CDATA[Asha]]>"),
}
"""The same of what is strange and harmless: it is refused, or read as it is, and nothing is fetched."""

JSON: Final[dict[str, Callable[[bytes], bytes]]] = {
    "lists in lists": lambda _: b"[" * 100_000 + b"]" * 100_000,
    "lists without end": lambda _: b"[" * 100_000,
    "objects in objects": lambda _: b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "a name in lists in lists": lambda good: good.replace(b'"Asha"', b"[" * 100_000 + b"]" * 100_000),
    "a number of many digits": lambda good: good.replace(b'"Asha"', b"9" * 100_000),
    "a number beyond all numbers": lambda good: good.replace(b'"Asha"', b"1e999999"),
    "not a number": lambda good: good.replace(b'"Asha"', b"NaN"),
    "without bounds": lambda good: good.replace(b'"Asha"', b"-Infinity"),
    "half a sign": lambda good: good.replace(b"Asha", b"\\ud800"),
    "no UTF-8": lambda good: good.replace(b"Asha", b"\xff\xfe"),
    "two answers": lambda good: good + good,
    "a comment": lambda good: good.replace(b'"Asha"', b'"Asha" /* Moyo */'),
    "a comma too many": lambda good: good.replace(b'"Asha"', b'"Asha",'),
    "single quotes": lambda good: good.replace(b'"Asha"', b"'Asha'"),
    "a line break in a text": lambda good: good.replace(b"Asha", b"As\nha"),
    "another encoding": lambda good: good.decode().encode("utf-16"),
    "a mark of its encoding": lambda good: b"\xef\xbb\xbf" + good,
    "a list for the number": lambda good: good.replace(b'"2000000014"', b'{"a": "2000000014"}'),
    "true for the number": lambda good: good.replace(b'"2000000014"', b"true"),
    "a number longer than any": lambda good: good.replace(b"2000000014", b"2" * (LIMIT // 2)),
    "an object for the name": lambda good: good.replace(b'"Asha"', b'{"Asha": {"Moyo": []}}'),
}
"""Name -> what becomes of a right JSON answer. None of them is an answer."""

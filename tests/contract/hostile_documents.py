"""Documents made to break whoever reads them: XML, JSON and WSDL that grow, nest, refer elsewhere, or mean two things."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tests.contract.hostile import LIMIT

Files = Callable[[str, str], dict[str, bytes]]
"""From a right WSDL, and an address that nobody may be led to, to the files of one that does harm."""
WSDL_NAME: Final = "probe.wsdl"
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


# -- WSDL ------------------------------------------------------------------------------------------------------------

_IN_TYPES: Final = '<x:schema targetNamespace="urn:probe" elementFormDefault="qualified">'


def _doctyped(inside: str, used: str) -> Files:
    return lambda good, place: {
        WSDL_NAME: f"<!DOCTYPE d [{inside.replace('ELSEWHERE', place)}]>{good.replace('Probe', used, 1)}".encode()
    }


def _typed(types: str, **replaced: str) -> Files:
    """Return what puts further declarations into the schema, and other parts in place of its own."""

    def files(good: str, place: str) -> dict[str, bytes]:
        for old, new in replaced.items():
            good = good.replace(_PARTS[old], new)
        return {WSDL_NAME: good.replace(_IN_TYPES, _IN_TYPES + types.replace("ELSEWHERE", place)).encode()}

    return files


_PARTS: Final = {
    "uin": '<x:element name="Uin" type="x:string" maxOccurs="unbounded"/>',
    "name": '<x:element name="Name" type="x:string"/>',
    "action": "urn:probe/Find",
    "transport": "http://schemas.xmlsoap.org/soap/http",
}


def _beside(name: str, text: Callable[[int], str], count: int) -> Files:
    """Return what includes a document that lies beside it, which includes others."""
    schema = '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">{}</x:schema>'

    def files(good: str, _: str) -> dict[str, bytes]:
        others = {f"{name}{n}.xsd": schema.format(text(n)).encode() for n in range(count)}
        main = good.replace(_IN_TYPES, f'{_IN_TYPES}<x:include schemaLocation="{name}0.xsd"/>')
        return {WSDL_NAME: main.encode(), **others}

    return files


def _written(change: Callable[[str], str | bytes]) -> Files:
    def files(good: str, _: str) -> dict[str, bytes]:
        changed = change(good)
        return {WSDL_NAME: changed if isinstance(changed, bytes) else changed.encode()}

    return files


def _bomb(kind: str, inner: str) -> str:
    groups = "".join(
        f'<x:{kind} name="g{n}">{inner.format(f"""<x:{kind} ref="p:g{n + 1}"/>""" * 10)}</x:{kind}>' for n in range(9)
    )
    return f'{groups}<x:{kind} name="g9">{inner.format("")}</x:{kind}>'


_SEQUENCE: Final = "<x:sequence>{}</x:sequence>"
_EXTENDED: Final = (
    '<x:complexType name="t{}"><x:complexContent><x:extension base="p:t{}"/></x:complexContent></x:complexType>'
)
WSDL: Final[dict[str, Files]] = {
    "a billion laughs": _doctyped(f'<!ENTITY l0 "ha">{_LAUGHS}', "&l9;"),
    "one long entity, often": _doctyped(f'<!ENTITY a "{"a" * 20_000}">', "&a;" * 20_000),
    "a file of ours": _doctyped('<!ENTITY f SYSTEM "file:///etc/passwd">', "&f;"),
    "an address": _doctyped('<!ENTITY f SYSTEM "ELSEWHERE/x">', "&f;"),
    "parameters of entities": _doctyped('<!ENTITY % p SYSTEM "ELSEWHERE/x"> %p;', "Probe"),
    "an outer document type": lambda good, place: {WSDL_NAME: f'<!DOCTYPE d SYSTEM "{place}/x.dtd">{good}'.encode()},
    **{
        f"{what} of {of}": _typed(f'<x:{what} schemaLocation="{location}"/>')
        for what in ("import", "include", "redefine")
        for of, location in {
            "an address": "ELSEWHERE/x.xsd",
            "a file of ours": "file:///etc/passwd",
            "a path of ours": "/etc/passwd",
            "the folder above": "../manifest.yaml",
            "the folder above, in between": "a/../../manifest.yaml",
            "the folder above, escaped": "%2e%2e/manifest.yaml",
            "the folder above, with other slashes": "..\\manifest.yaml",
            "nobody's scheme": "jar:ELSEWHERE/x.jar!/x.xsd",
            "another host": "//127.0.0.1:1/x.xsd",
        }.items()
    },
    "a service of an address": lambda good, place: {
        WSDL_NAME: good.replace("<types>", f'<import namespace="urn:x" location="{place}/x.wsdl"/><types>').encode()
    },
    "an inclusion": _typed('<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="ELSEWHERE/x"/>'),
    "itself": _typed(f'<x:include schemaLocation="{WSDL_NAME}"/>'),
    "a circle": _beside("s", lambda n: f'<x:include schemaLocation="s{(n + 1) % 3}.xsd"/>', 3),
    "a long chain": _beside("s", lambda n: f'<x:include schemaLocation="s{n + 1}.xsd"/>', 40),
    "documents without end": _beside("s", lambda _: f"<!-- {'a' * 100_000} -->" * 20, 1),
    "a text without end": _written(lambda good: good + " " * 5_000_000),
    "elements in elements": _typed("<x:annotation>" * _DEEP + "</x:annotation>" * _DEEP),
    "elements without end": _typed("<x:annotation>" * _DEEP),
    "groups of groups": _typed(_bomb("group", _SEQUENCE)),
    "groups of attributes of groups": _typed(_bomb("attributeGroup", "{}")),
    "a group that holds itself": _typed('<x:group name="g"><x:sequence><x:group ref="p:g"/></x:sequence></x:group>'),
    "types on types without end": _typed(
        "".join(_EXTENDED.format(n, n + 1) for n in range(3000)) + '<x:complexType name="t3000"/>',
        name='<x:element name="Name" type="p:t0"/>',
    ),
    **{
        f"a text that is a {kind} of itself": _typed(
            f'<x:simpleType name="t">{of}</x:simpleType>', name='<x:element name="Name" type="p:t"/>'
        )
        for kind, of in {
            "restriction": '<x:restriction base="p:t"/>',
            "list": '<x:list itemType="p:t"/>',
            "union": '<x:union memberTypes="p:t p:t"/>',
        }.items()
    },
    "an element that must hold itself": _typed(
        '<x:complexType name="T"><x:sequence><x:element name="a" type="p:T"/></x:sequence></x:complexType>',
        uin=_PARTS["uin"] + '<x:element name="a" type="p:T"/>',
    ),
    "a billion times": _typed("", uin=_PARTS["uin"].replace("maxOccurs", 'minOccurs="1000000000" maxOccurs')),
    "a billion sequences": _typed("", uin=f'<x:sequence maxOccurs="1000000000">{_PARTS["uin"]}</x:sequence>'),
    "many times": _typed("", uin=_PARTS["uin"].replace("unbounded", "many")),
    "a type that nobody declares": _typed("", name='<x:element name="Name" type="p:Nobody"/>'),
    "a line break in the action": _typed("", action="x&#13;&#10;X-Evil: 1"),
    "another transport": _typed("", transport="http://schemas.xmlsoap.org/soap/smtp"),
    "no XML": _written(lambda _: "Asha Moyo"),
    "nothing": _written(lambda _: ""),
    "a half": _written(lambda good: good[: len(good) // 2]),
    "two documents": _written(lambda good: good + good),
    "no UTF-8": _written(lambda good: good.replace("Probe", "Pr\xf6be").encode("latin-1")),
    "another encoding than it says": _written(lambda good: f'<?xml version="1.0" encoding="utf-16"?>{good}'),
    "an encoding that hides its signs": _written(
        lambda good: '<?xml version="1.0" encoding="utf-7"?>' + good.replace("<", "+ADw-")
    ),
}
"""Name -> what becomes of a right WSDL and lies beside it, given an address that nobody may be led to. None can be used."""
WSDL_AS_IT_IS: Final[dict[str, Files]] = {
    "the address of the service": _written(lambda good: good.replace("elsewhere.example", "169.254.169.254")),
    "a style sheet": lambda good, place: {WSDL_NAME: f'<?xml-stylesheet href="{place}/x.xsl"?>{good}'.encode()},
    "where a schema is": lambda good, place: {
        WSDL_NAME: good.replace(
            _IN_TYPES,
            f'{_IN_TYPES[:-1]} xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
            f'i:schemaLocation="urn:probe {place}/x.xsd">',
        ).encode()
    },
    "a namespace that is an address": _typed('<x:import namespace="ELSEWHERE/x"/>'),
    "a namespace that many fetch": _typed('<x:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>'),
    "a type that extends itself": _typed(_EXTENDED.format(0, 0), name='<x:element name="Name" type="p:t0"/>'),
    "a pattern that takes for ever": _typed(
        '<x:simpleType name="t"><x:restriction base="x:string"><x:pattern value="(a+)+b"/></x:restriction></x:simpleType>',
        uin=_PARTS["uin"].replace("x:string", "p:t"),
    ),
    "very many types": _typed(
        "".join(f'<x:complexType name="s{n}"><x:sequence/></x:complexType>' for n in range(8000))
    ),
    "very many elements": _typed(
        "",
        name=_PARTS["name"] + "".join(f'<x:element name="e{n}" type="x:string" minOccurs="0"/>' for n in range(9000)),
    ),
    "very many namespaces": _written(
        lambda good: good.replace(
            "<definitions", "<definitions" + "".join(f' xmlns:n{n}="u:{n}"' for n in range(20_000))
        )
    ),
}
"""The same of what is strange and harmless: it is used, in time, and nobody else is asked."""

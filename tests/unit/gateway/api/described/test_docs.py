"""The page at `/docs`: complete, accessible, and loading nothing from elsewhere."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.api.described import docs
from gateway.api.described import examples as openapi_examples
from gateway.api.described.openapi import document
from gateway.api.described.page import ask_call, inline, prose, render, token_call
from gateway.api.described.page_schemas import schema_table, type_words
from gateway.api.state import GATEWAY
from gateway.settings import Settings
from standards.attributes import Catalogue
from standards.dci.search import FilterQuery, IdQuery, SearchItem, SearchMessage
from standards.dci.validate import Leniency, read_search
from standards.identifiers import Identifier

BASE = "http://127.0.0.1:8080"
CATALOGUE = Catalogue.load()
DOCUMENT = document(BASE, CATALOGUE, sandbox=True)
PAGE = render(DOCUMENT)
METHODS = {"get", "post", "put", "patch", "delete"}
ASKED = datetime.fromisoformat(openapi_examples.ASKED_AT)


class Reading(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(PAGE)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if given.get("id"):
            self.ids.append(given["id"])
        for name in ("href", "src", "action", "srcset", "data", "poster"):
            if given.get(name) is not None:
                self.links.append(given[name])
        if tag not in {"meta", "link", "br", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


READ = Reading()


def gateway(*, sandbox: bool = True) -> Any:
    """Return what the description needs of a gateway; a whole one would open its stores."""
    return SimpleNamespace(base_url=BASE, catalogue=CATALOGUE, settings=Settings(sandbox=sandbox))


def answered(handler: Any, path: str) -> web.Response:
    """Return what a handler answers."""
    app = web.Application()
    app[GATEWAY] = gateway()
    response: web.Response = asyncio.run(handler(make_mocked_request("GET", path, app=app)))
    return response


def text_of(response: web.Response) -> str:
    """Return the body of a response as text."""
    assert isinstance(response.body, bytes)
    return response.body.decode()


def queries_of(message: SearchMessage) -> list[IdQuery | FilterQuery]:
    """Return the queries of the questions that were understood."""
    return [item.query for item in message.items if isinstance(item, SearchItem)]


def test_every_attribute_is_on_the_page():
    """The table of attributes holds the whole catalogue, with unit and place."""
    for definition in CATALOGUE:
        row = re.search(rf'<tr id="attribute-{definition.name}">(.*?)</tr>', PAGE, re.DOTALL)
        assert row is not None
        assert f"<code>{definition.place}</code>" in row[1]
        assert definition.unit is None or f"<td>{definition.unit}</td>" in row[1]


def test_every_operation_schema_and_code_list_is_on_the_page():
    """What the document describes, the page shows."""
    for path, item in DOCUMENT["paths"].items():
        assert all(
            f'<span class="method">{method.upper()}</span> <code>{path}</code>' in PAGE
            for method in item.keys() & METHODS
        )
    assert set(DOCUMENT["components"]["schemas"]) <= set(READ.ids)


def test_links_inside_the_page_resolve():
    """Every link to a place of the page leads somewhere, and no place has two."""
    assert {link[1:] for link in READ.links if link.startswith("#")} <= set(READ.ids)
    assert len(set(READ.ids)) == len(READ.ids)


def test_labels_resolve():
    """Every section is labelled by a heading that exists."""
    labels = {given["aria-labelledby"] for _, given in READ.tags if given.get("aria-labelledby")}

    assert labels <= set(READ.ids)


def test_the_page_loads_nothing_from_elsewhere():
    """No link and no source leaves this gateway, and there is no script and no inline style."""
    assert {link for link in READ.links if not link.startswith("#")} == {"docs/style.css", "openapi.json"}
    assert not {tag for tag, _ in READ.tags} & {"script", "style", "iframe", "img", "form", "object"}
    assert not [name for _, given in READ.tags for name in given if name == "style" or name.startswith("on")]


def test_the_stylesheet_loads_nothing():
    """The stylesheet refers to no file and no address."""
    sheet = text_of(answered(docs.style, "/docs/style.css"))

    assert not re.search(r"url\(|@import|https?:|//", sheet)
    assert sheet.count("{") == sheet.count("}")


def test_the_page_is_well_formed():
    """Every element is closed where it was opened."""
    assert READ.open == []


def test_headings_go_down_one_step_at_a_time():
    """A reader who jumps from heading to heading misses no level, and there is one first heading."""
    levels = [int(tag[1]) for tag, _ in READ.tags if re.fullmatch(r"h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_page_has_its_landmarks_and_language():
    """Header, navigation, content and footer are there once, and the language is told."""
    tags = [tag for tag, _ in READ.tags]

    assert [tags.count(tag) for tag in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    assert ("html", {"lang": "en"}) in READ.tags


def test_table_headers_say_what_they_head():
    """Every header cell has a scope, and every table has headers for its columns and rows."""
    assert all(given.get("scope") in {"col", "row"} for tag, given in READ.tags if tag == "th")


def test_what_scrolls_can_be_reached_without_a_mouse():
    """Wide tables and long lines sit in regions with a name that the keyboard reaches."""
    regions = [given for tag, given in READ.tags if tag == "pre" or given.get("class") == "scroll"]

    assert regions
    assert all(
        given.get("tabindex") == "0" and given.get("role") == "region" and given.get("aria-label") for given in regions
    )


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_stands_out_from_its_ground(mode):
    """Text, quiet text and links have a contrast of 4.5 to 1 at least in both modes, on both grounds."""
    sheet = text_of(answered(docs.style, "/docs/style.css"))
    blocks = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[0 if mode == "light" else 1]))

    for ground in ("paper", "raised"):
        assert all(_contrast(colours[c], colours[ground]) >= 4.5 for c in ("ink", "quiet", "link", "focus"))


def _contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, as WCAG defines it."""
    lights = sorted(_luminance(colour) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_shell_lines_make_a_message_that_is_understood():
    """What the page says to send is a whole message once the shell has put the values in."""
    written = ask_call(BASE).partition("<<MESSAGE\n")[2].removesuffix("\nMESSAGE")
    now = "2026-03-04T09:15:00Z"
    for name, value in {"$NOW": now, "$$": "4711", "$SENDER_ID": "uct.programmes.pv", "$UIN": "1000000001"}.items():
        written = written.replace(name, value)
    message = read_search(json.loads(written), now=ASKED + timedelta(seconds=1), leniency=Leniency())

    assert "$" not in written
    assert queries_of(message) == [IdQuery(Identifier("UIN", "1000000001"))]
    assert f"{BASE}/oauth2/client/token" in token_call(BASE)


def test_text_of_the_document_cannot_become_markup():
    """Whatever a title or a description holds, the page shows it as text."""
    assert inline("`<b>` & <script>") == "<code>&lt;b&gt;</code> &amp; &lt;script&gt;"
    assert prose("one\n\n- `a`: <i>\n- b") == "<p>one</p>\n<ul><li><code>a</code>: &lt;i&gt;</li><li>b</li></ul>"


def test_the_address_of_the_gateway_is_shown_as_text():
    """An address with odd characters stays an address."""
    page = render(document("http://x/<script>", CATALOGUE, sandbox=False))

    assert "<script" not in page


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "anything"),
        ({"$ref": "#/components/schemas/Record"}, "Record"),
        ({"const": False}, "false"),
        ({"enum": ["a", "b", "c"]}, "a, b or c"),
        ({"enum": list("abcdefghijklmnopqrstuvwxyz")}, "one of 26 codes: a, b ..."),
        ({"type": "array", "items": {"type": "string"}}, "array of string"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object of integer"),
        ({"type": ["string", "number"], "maxLength": 9}, "string or number (at most 9 characters)"),
        ({"type": "string", "pattern": "^a$"}, "string matching ^a$"),
        ({"oneOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]}, "string or integer (from 0)"),
    ],
)
def test_types_are_told_in_words(schema, words):
    """People read what a value is without reading JSON Schema."""
    assert "".join(word.text for word in type_words(schema)) == words


def test_an_object_without_a_name_is_opened_where_it_stands():
    """Members of members have a row, with the path to them."""
    inner = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}
    table_ = schema_table("A", {"type": "object", "properties": {"a": {"type": "array", "items": inner}}})

    assert [(row.name, row.is_required) for row in table_.variants[0].rows] == [("a", False), ("a[].b", True)]


def test_the_page_may_do_nothing_in_a_browser():
    """The page comes with a policy that forbids all but our stylesheet."""
    response = answered(docs.page, "/docs")

    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert text_of(response) == PAGE


def test_machines_get_the_document():
    """The document is served as JSON, as it was built."""
    response = answered(docs.openapi, "/openapi.json")

    assert response.headers["Content-Type"] == "application/json"
    assert orjson.loads(text_of(response)) == orjson.loads(orjson.dumps(DOCUMENT))

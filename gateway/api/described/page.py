"""The published description as one page for people: made from the OpenAPI document and nothing else. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.api.described import examples, plain
from gateway.api.described.answer import code_schema_name
from gateway.api.described.openapi import ATTRIBUTES
from gateway.api.described.page_schemas import Word, schema_table, type_words
from gateway.api.described.reasons import REASON_TABLES
from gateway.api.described.schemas import MEANINGS

METHODS: Final = ("get", "post", "put", "patch", "delete")
SENSITIVITY: Final[Mapping[int, str]] = {
    1: "administrative",
    2: "personal",
    3: "confidential",
    4: "special category",
}
NAMES: Final = "AttributeName"
"""Schema whose codes the page shows as the table of attributes."""
_CODE: Final = re.compile(r"`([^`]+)`")


class Example(NamedTuple):
    """One example of a body."""

    title: str
    text: str


class Body(NamedTuple):
    """A request body or an answer."""

    status: str
    about: str
    content_type: str
    type: tuple[Word, ...]
    examples: tuple[Example, ...]


class Operation(NamedTuple):
    """One method of one path."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    access: str
    parameters: tuple[tuple[str, str, tuple[Word, ...]], ...]
    request: tuple[Body, ...]
    answers: tuple[Body, ...]


def render(document: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI document of ours, whole HTML."""
    base_url = document["servers"][0]["url"]
    schemas = document["components"]["schemas"]
    reasons = [table.name for table in REASON_TABLES]
    codes = [name for name, schema in schemas.items() if MEANINGS in schema and name not in reasons]
    return _PAGE.render(
        info=document["info"],
        base_url=base_url,
        token_call=token_call(base_url),
        ask_call=ask_call(base_url),
        plain_call=plain_call(base_url),
        operations=list(_operations(document)),
        attributes=document[ATTRIBUTES],
        names=NAMES,
        sensitivity=SENSITIVITY,
        code_schema_name=code_schema_name,
        reasons=[(name, schemas[name]["description"].partition("\n")[0], schemas[name][MEANINGS]) for name in reasons],
        codes=[(name, schemas[name]["description"], schemas[name][MEANINGS]) for name in codes],
        schemas=[schema_table(name, schemas[name]) for name in schemas if name not in {*reasons, *codes, NAMES}],
    )


def token_call(base_url: str) -> str:
    """Return the shell lines that get an access token."""
    return f"""\
TOKEN=$(curl --silent --show-error --fail-with-body \\
  --data grant_type=client_credentials \\
  --data-urlencode "client_id=$CLIENT_ID" \\
  --data-urlencode "client_secret=$CLIENT_SECRET" \\
  {base_url}/oauth2/client/token |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')"""


def ask_call(base_url: str) -> str:
    """Return the shell lines that ask for one household."""
    message = examples.search_request("$NOW", message_id="$NOW-$$", sender_id="$SENDER_ID", uin="$UIN")
    return f"""\
NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ)
curl --silent --show-error \\
  --header "Authorization: Bearer $TOKEN" \\
  --header "Content-Type: application/json" \\
  --data @- {base_url}/registry/sync/search <<MESSAGE
{_pretty(message)}
MESSAGE"""


def plain_call(base_url: str) -> str:
    """Return the shell lines that ask the same in the plain shape."""
    asked = plain.lookup_request()
    asked["subject"]["value"] = "$UIN"
    return f"""\
curl --silent --show-error \\
  --header "Authorization: Bearer $TOKEN" \\
  --header "Content-Type: application/json" \\
  --data @- {base_url}/v1/households/lookup <<QUESTION
{_pretty(asked)}
QUESTION"""


def prose(text: str) -> Markup:
    """Return a description as HTML: paragraphs, lists of lines that begin with a hyphen, and `code`."""
    blocks = []
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        if all(line.startswith("- ") for line in lines):
            points = Markup("").join(Markup("<li>{}</li>").format(inline(line[2:])) for line in lines)
            blocks.append(Markup("<ul>{}</ul>").format(points))
        else:
            blocks.append(Markup("<p>{}</p>").format(inline(block)))
    return Markup("\n").join(blocks)


def inline(text: str) -> Markup:
    """Return a sentence as HTML: `code` is marked, everything else is text."""
    # Escaping leaves backticks alone, so what stands between them is already safe.
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped in this line


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    shown: set[str] = set()
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield _operation(document, path, item, method, shown)


def _operation(
    document: Mapping[str, Any], path: str, item: Mapping[str, Any], method: str, shown: set[str]
) -> Operation:
    """Return one operation.

    shown: examples that the page has already; they are not shown again, and this one's are added.
    """
    operation = item[method]
    request = operation.get("requestBody")
    answers = [(status, _resolved(document, answer)) for status, answer in operation["responses"].items()]
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        access=_access(operation["security"]),
        parameters=tuple(
            (p["name"], p.get("description", ""), type_words(p["schema"])) for p in item.get("parameters", ())
        ),
        request=(_body("", request, shown),) if request else (),
        answers=tuple(_body(status, answer, shown) for status, answer in answers),
    )


def _body(status: str, body: Mapping[str, Any], shown: set[str]) -> Body:
    (content_type, content), *_ = body["content"].items()
    new = []
    for example in content.get("examples", {}).values():
        text = _pretty(example["value"])
        if text not in shown and int(status or 0) < 300:
            shown.add(text)
            new.append(Example(example["summary"], text))
    about = str(body.get("description", "")).partition("\n")[0]
    return Body(status, about, content_type, type_words(content["schema"]), tuple(new))


def _resolved(document: Mapping[str, Any], answer: Mapping[str, Any]) -> Mapping[str, Any]:
    name = answer.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = document["components"]["responses"][name] if name else answer
    return found


def _access(security: list[Mapping[str, Any]]) -> str:
    schemes = {name for requirement in security for name in requirement}
    if "clientCredentials" in schemes:
        return "An access token."
    return "Client id and secret." if "clientBasic" in schemes else "Everybody."


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(prose=prose, inline=inline)
    return environment


_PAGE: Final = _environment().get_template("docs.html")

"""The GraphQL driver: any registry with a GraphQL endpoint, set up by its manifest alone.

INVARIANT: the text of a query depends on the manifest and on which attributes are wanted, and on nothing else.
Numbers and traits are variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from adapters.generic.asking.answered import Answered, Paging
from adapters.generic.asking.declared import DeclaredAdapter
from adapters.generic.asking.json_answers import Answers
from adapters.generic.asking.over_http import example_way, open_way
from adapters.generic.asking.paging import Reading, Whole
from adapters.generic.asking.placeholders import Template
from adapters.generic.graphql.errors import Errors
from adapters.generic.graphql.selection import Selections
from adapters.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.generic.graphql.options import GraphQlOptions, GraphQlRequest
    from adapters.generic.mapping.layout import RecordLayout
    from adapters.manifest import Lookup, Manifest
    from adapters.ports import Deadline, Response, SourceClient

__all__ = ["GraphQlDeclared", "build", "example_way", "open_way"]

_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
_IS_LIST: Final = {"list": True, "one": False}
_MOST_TEXTS: Final = 256
"""Sets of attributes whose queries are kept; agreements are fewer, and a further one only costs its writing."""


class GraphQlDeclared:
    """One query of a manifest, and the reading of its answers.

    Raises: ValueError that says what of it cannot be.
    """

    def __init__(self, manifest: Manifest, lookup: Lookup, stated: GraphQlRequest) -> None:
        options = cast("GraphQlOptions", manifest.graphql)
        reader, layout = Reader(manifest.id), manifest.records[lookup.name]
        self.asked, self._stated, self._read = stated, stated, reader
        self._path, self._most_bytes = options.path, manifest.limits.max_response_bytes
        self._traits = lookup.by_traits.traits if lookup.by_traits else {}
        key = stated.pages.key if stated.pages else None
        self._selections = Selections(layout, stated.select, [key] if key else [])
        self._selections.text(frozenset(self._traits), self._traits)
        self._texts: dict[frozenset[str], str] = {}
        self._variables = Template({name: one.value for name, one in stated.arguments.items()})
        self._answers = _answers(reader, stated, layout)
        self.names, self.each = self._variables.names, self._variables.each
        self.is_single = "number" in self.names
        self.tells_nobody = stated.null_is_nobody or (bool(options.errors.nobody) and self.is_single)
        self._errors = Errors(reader, options.errors, self.is_single)
        self.is_selective = True
        self.paged_by = "cursor" if stated.pages else None
        if strangers := self.names & {"names", "page", "offset"}:
            raise ValueError(f"nothing stands for {{{min(strangers)}}} in a GraphQL query")

    async def whole(
        self,
        client: SourceClient,
        values: Mapping[str, Any],
        wanted: frozenset[str],
        deadline: Deadline,
        *,
        enough: int | None = None,
    ) -> Whole | None:
        """Return the answer, all pages of it; None when it says that it holds nobody by the one number."""
        query = self._text(wanted)

        async def send(page: Mapping[str, Any], _: str | None) -> Response:
            variables = self._variables.fill({**values, **page})
            body = orjson.dumps({"query": query, "variables": variables})
            response = await client.send("POST", self._path, deadline, headers=_HEADERS, body=body)
            if self._errors.is_nobody(response):
                raise _NobodyError
            return response

        reading = Reading(self._read, self._answers, self._content, self._most_bytes, enough=enough)
        try:
            return await reading.whole(send)
        except _NobodyError:
            return None

    def _content(self, body: bytes) -> object:
        data = self._errors.data(body)
        if data is None:
            raise _NobodyError
        *above, last = self._stated.field.split(".")
        holder: Any = data
        for name in above:
            holder = self._read.record(name, holder.get(name))
        if last not in holder:
            self._read.refuse(last, "missing")
        if holder[last] is None and self._stated.null_is_nobody:
            raise _NobodyError
        found = holder[last]
        if self._stated.answer in _IS_LIST and isinstance(found, list) != _IS_LIST[self._stated.answer]:
            self._read.refuse(last, f"not what `answer: {self._stated.answer}` says")
        if self._stated.answer in ("nodes", "edges"):
            self._check_connection(self._read.record(last, found))
        if self._stated.answer == "edges":
            # Not left to a path: it would pass over an edge without its node, and somebody would be missing.
            return {**found, "nodes": [edge.get("node") for edge in self._read.objects("edges", found.get("edges"))]}
        return found

    def _check_connection(self, connection: Mapping[str, Any]) -> None:
        """Refuse a connection that has more than it gives, where nobody asks for more."""
        info = self._read.record("pageInfo", connection.get("pageInfo"))
        is_more = self._read.required("hasNextPage", self._read.flag("hasNextPage", info.get("hasNextPage")))
        if is_more and self._stated.pages is None:
            self._read.refuse("hasNextPage", "there is more, and the manifest has no `pages`")

    def _text(self, names: frozenset[str]) -> str:
        text = self._texts.get(names)
        if text is None:
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            text = self._texts[names] = self._written(names)
        return text

    def _written(self, names: frozenset[str]) -> str:
        stated = self._stated
        record = self._selections.text(names, self._traits)
        beside = f"{' '.join(_beside(stated))} pageInfo {{ hasNextPage endCursor }}"
        inside = {
            "list": record,
            "one": record,
            "nodes": f"{beside} nodes {{ {record} }}",
            "edges": f"{beside} edges {{ node {{ {record} }} }}",
        }[stated.answer]
        declared = ", ".join(f"${name}: {one.type}" for name, one in stated.arguments.items())
        passed = ", ".join(f"{name}: ${name}" for name in stated.arguments)
        *above, last = stated.field.split(".")
        text = f"{last}({passed}) {{ {inside.strip()} }}"
        for name in reversed(above):
            text = f"{name} {{ {text} }}"
        return f"query Hearth({declared}) {{ {text} }}"


def _beside(stated: GraphQlRequest) -> list[str]:
    """Return what is selected beside the records: the total, and the lists of whom it does not hold."""
    texts = []
    for path in (*([stated.total] if stated.total else []), *stated.not_found.values()):
        *above, last = path.split(".")
        text = last
        for name in reversed(above):
            text = f"{name} {{ {text} }}"
        texts.append(text)
    return texts


def _answers(reader: Reader, stated: GraphQlRequest, layout: RecordLayout) -> Answers:
    if stated.not_found and stated.answer not in ("nodes", "edges"):
        raise ValueError("`not_found` stands beside `nodes` or `edges`")
    found = "@" if stated.answer in ("list", "one") else "nodes"
    pages = None
    if stated.pages is not None:
        pages = Paging(
            by="cursor",
            size=stated.pages.size,
            next="pageInfo.endCursor",
            more="pageInfo.hasNextPage",
            key=stated.pages.key,
            most=stated.pages.most,
        )
    prefixes = {type_: field.prefix for type_, field in layout.identifiers.items()}
    return Answers(reader, Answered(found=found, total=stated.total, pages=pages), stated.not_found, prefixes)


class _NobodyError(Exception):
    """The registry says that it holds nobody by the number; never leaves this file."""


def build(manifest: Manifest, way: SourceClient) -> DeclaredAdapter:
    """Return the adapter, ready to be asked.

    Raises: ConfigurationError when the queries cannot do what the lookups promise.
    """
    options = cast("GraphQlOptions", manifest.graphql)

    def requests(lookup: Lookup) -> list[GraphQlDeclared]:
        return [GraphQlDeclared(manifest, lookup, one) for one in options.lookups[lookup.name].requests]

    return DeclaredAdapter(manifest, way, requests, options.at_once)

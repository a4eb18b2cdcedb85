"""A GraphQL endpoint small enough to read: it runs one query with variables against plain functions."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

_TOKEN = re.compile(r'[_A-Za-z]\w*|\$\w+|"[^"]*"|-?\d+|[{}():!\[\]]')


class QueryError(Exception):
    """The query asks for what the schema does not have."""


class Query:
    """A parsed query: the variables that it declares, and what it selects."""

    def __init__(self, text):
        self._tokens = _TOKEN.findall(text)
        assert "".join(self._tokens) == re.sub(r"[\s,]", "", text), "a sign that is no GraphQL"
        assert self._next() == "query"
        self._next()
        self.declared = self._declared() if self._peek() == "(" else {}
        self.selection = self._selection()
        assert not self._tokens

    def _peek(self):
        return self._tokens[0] if self._tokens else None

    def _next(self):
        return self._tokens.pop(0)

    def _declared(self):
        declared: dict[str, str] = {}
        self._next()
        while self._peek() != ")":
            name, _ = self._next().removeprefix("$"), self._next()
            type_ = ""
            while not (self._peek() == ")" or self._peek().startswith("$")):
                type_ += self._next()
            declared[name] = type_
        self._next()
        return declared

    def _selection(self):
        assert self._next() == "{"
        fields: dict[str, Any] = {}
        while self._peek() != "}":
            name, arguments = self._next(), {}
            if self._peek() == "(":
                self._next()
                while self._peek() != ")":
                    argument, _ = self._next(), self._next()
                    arguments[argument] = self._next()
                self._next()
            fields[name] = (arguments, self._selection() if self._peek() == "{" else None)
        self._next()
        if not fields:
            raise QueryError("an empty selection")
        return fields


def selected(value, selection, variables):
    """Return what is selected of a value; functions are fields with arguments."""
    if callable(value):
        raise QueryError("arguments are missing")
    if value is None:
        return None
    if isinstance(value, list):
        return [selected(one, selection, variables) for one in value]
    if (selection is None) == isinstance(value, dict):
        raise QueryError("an object needs a selection, and a scalar takes none")
    if selection is None:
        return value
    told = {}
    for name, (arguments, inner) in selection.items():
        if name not in value:
            raise QueryError(f"there is no field {name}")
        found = value[name]
        if callable(found):
            found = found(**{key: variables.get(one.removeprefix("$")) for key, one in arguments.items()})
        told[name] = selected(found, inner, variables)
    return told


class Endpoint:
    """Answers queries, and remembers them."""

    def __init__(self, root):
        self.root = root
        self.queries: list[str] = []
        self.variables: list[dict[str, Any]] = []

    async def answer(self, request):
        asked = json.loads(await request.read())
        self.queries.append(asked["query"])
        self.variables.append(asked["variables"])
        try:
            query = Query(asked["query"])
            assert asked["variables"].keys() <= query.declared.keys()
            return web.json_response({"data": selected(self.root, query.selection, asked["variables"])})
        except QueryError as error:
            return web.json_response(
                {"errors": [{"message": str(error), "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}]}, status=400
            )

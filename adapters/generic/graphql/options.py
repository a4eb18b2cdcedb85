"""What a manifest tells the driver of registries that speak GraphQL: which field is asked, with what arguments."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from adapters.generic.asking.answered import Asked
from adapters.generic.mapping.expressions import JmesPath
from adapters.model import Model

FieldName = Annotated[str, StringConstraints(pattern=r"^[_A-Za-z][_0-9A-Za-z]*$")]
FieldPath = Annotated[str, StringConstraints(pattern=r"^[_A-Za-z][_0-9A-Za-z]*(\.[_A-Za-z][_0-9A-Za-z]*)*$")]
TypeName = Annotated[str, StringConstraints(pattern=r"^\[?\[?[_A-Za-z][_0-9A-Za-z]*!?\]?!?\]?!?$")]
Selection = Annotated[str, StringConstraints(pattern=r'^[_A-Za-z][\w\s{}():,"\[\].!-]*$')]


class GraphQlArgument(Model):
    """One argument, always sent as a variable."""

    type: TypeName = Field(description="Its type in the registry's schema.", examples=["[ID!]!"])
    value: Any = Field(
        description="JSON with placeholders for whole values: {number} and {type} of one subject, {numbers} of all, "
        "{numbers:UIN} of one type, {as_of}, {cursor}, {page_size}, {transaction}; for candidates the traits."
    )


class GraphQlPaging(Model):
    """How a connection goes on: by `pageInfo { hasNextPage endCursor }`."""

    size: int = Field(default=100, ge=1, le=10_000, description="Entries asked for in one page: {page_size}.")
    key: JmesPath | None = Field(
        default=None, description="JMESPath to an entry's own id: one that moves while we read is then still one."
    )
    most: int = Field(default=20, ge=1, le=1000, description="Most pages of one answer; with more it is refused.")


class GraphQlRequest(Asked):
    """One query: a field, its arguments, and how its answer is built. What is selected follows from `records`."""

    field: FieldPath = Field(
        description="The field that is asked, with those above it: `registry.dwellings`; arguments go to the last."
    )
    arguments: dict[FieldName, GraphQlArgument] = Field(
        min_length=1, description="Argument -> its type, and what is sent in it."
    )
    answer: Literal["list", "one", "nodes", "edges"] = Field(
        default="list",
        description="What the field gives: a list of records, a single one, or a connection with `nodes` or `edges`.",
    )
    null_is_nobody: bool = Field(
        default=False, description="For `answer: one`: null means that the registry holds nobody by that number."
    )
    total: FieldPath | None = Field(
        default=None,
        description="Of a connection: the field beside `nodes` or `edges` that counts the records on all pages.",
    )
    pages: GraphQlPaging | None = Field(
        default=None, description="How a connection goes on; null: it comes whole, and is refused if there is more."
    )
    select: dict[FieldName, Selection] = Field(
        default={},
        description="Member of a record -> how it is selected, where its paths do not say so: "
        '`roof: "roof(year: 2025) { kind }"`.',
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> GraphQlRequest:
        is_connection = self.answer in ("nodes", "edges")
        if not is_connection and (self.total is not None or self.pages is not None):
            raise ValueError("`total` and `pages` are of connections: `answer: nodes` or `edges`")
        if self.null_is_nobody and self.answer != "one":
            raise ValueError("`null_is_nobody` is for `answer: one`")
        for name, text in self.select.items():
            if not _is_nested(text):
                raise ValueError(f"`select` of {name}: braces do not match")
        return self


def _is_nested(text: str) -> bool:
    """Tell whether every brace of a selection closes one of its own, so that it never ends what it stands in."""
    depth = 0
    for sign in text:
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return depth == 0


class GraphQlLookup(Model):
    """How one lookup is asked."""

    requests: tuple[GraphQlRequest, ...] = Field(
        min_length=1,
        description="What is asked. Each identifier type of the lookup is taken by one of them; of a lookup "
        "`by_traits`, there is one for each of its `blocks`, in their order.",
    )


class GraphQlErrors(Model):
    """What the codes of errors (`extensions.code`) mean; whatever is in no list breaks the registry's promise."""

    busy: tuple[str, ...] = Field(
        default=("RATE_LIMITED", "TOO_MANY_REQUESTS"), description="Codes that mean: try again later."
    )
    down: tuple[str, ...] = Field(
        default=("SERVICE_UNAVAILABLE", "INTERNAL_SERVER_ERROR"), description="Codes that mean: out of order."
    )
    refused: tuple[str, ...] = Field(
        default=("UNAUTHENTICATED", "FORBIDDEN"), description="Codes that mean: it will not answer this gateway."
    )
    nobody: tuple[str, ...] = Field(
        default=(),
        description="Codes that mean nobody is held by the number, where one subject at a time is asked for.",
    )


class GraphQlOptions(Model):
    """What the GraphQL driver needs to know."""

    path: Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~-]+)*/?$")] = Field(
        default="/graphql", description="Path of the endpoint below the base address."
    )
    errors: GraphQlErrors = Field(default=GraphQlErrors(), description="What its codes of errors mean.")
    at_once: int = Field(
        default=8,
        ge=1,
        le=64,
        description="Queries under way at the same time for one question, where one subject is asked for at a time.",
    )
    lookups: dict[str, GraphQlLookup] = Field(description="Lookup name -> how it is asked.")

"""What a manifest tells the driver of registries that speak JSON over HTTP: what is sent, and where the answer is."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from adapters.generic.asking.answered import Answered, Asked
from adapters.generic.mapping.expressions import JmesPath
from adapters.model import Model
from adapters.transport.connection import HeaderName, HeaderText

Path = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/{}:@-]*$")]
Scalar = str | int | bool
_NO_CONTENT: Final = 204


class Failure(Model):
    """How the body of an answer says that it is none, whatever its status."""

    path: JmesPath = Field(description="JMESPath to the error or status code.")
    success: tuple[str, ...] = Field(
        default=(), description="Codes that mean success; without any, whatever stands there is an error."
    )
    busy: tuple[str, ...] = Field(default=(), description="Codes that mean: try again later.")
    down: tuple[str, ...] = Field(default=(), description="Codes that mean: out of order, in maintenance.")
    refused: tuple[str, ...] = Field(default=(), description="Codes that mean: it will not answer this gateway.")


class Nobody(Model):
    """How an answer about one person says that the registry holds nobody by that number."""

    status: tuple[int, ...] = Field(
        default=(404,),
        min_length=1,
        description="HTTP statuses that may mean it; 204 has no content, and means it alone.",
    )
    path: JmesPath | None = Field(
        default=None,
        description="JMESPath to a code in such an answer. Give it where you can: a wrong address answers 404 too.",
    )
    codes: tuple[str, ...] = Field(default=(), description="Codes there that mean it.")

    @model_validator(mode="after")
    def _codes_somewhere(self) -> Nobody:
        if (self.path is None) != (not self.codes):
            raise ValueError("`path` and `codes` go together")
        if self.path is None and any(status < 400 and status != _NO_CONTENT for status in self.status):
            raise ValueError("a status below 400, but for 204, means nobody only with a code: give `path` and `codes`")
        return self


class RestRequest(Asked, Answered):
    """One request, and where its answer holds what.

    Placeholders stand for whole values: {number} and {type} of one subject, {numbers} of all, {numbers:UIN} of one
    type, {names} the registry's own names of the fields wanted, {as_of} the day asked for, {page}, {page_size},
    {offset}, {cursor}, {transaction}; in the requests of candidates the traits, such as {surname}.
    """

    method: Literal["GET", "POST", "PUT"] = Field(default="GET", description="HTTP method of the request.")
    path: Path = Field(
        description="Below the base address; a whole segment may be {number} or {type}: then one subject is asked for "
        "at a time.",
        examples=["/people/{number}/income"],
    )
    query: dict[str, Scalar] = Field(
        default={}, description="Parameter -> constant or placeholder; one without a value is left out."
    )
    joined_by: Literal[",", ";", "|", " "] | None = Field(
        default=",", description="What stands between the entries of a list in a parameter; null: it is repeated."
    )
    body: Any = Field(
        default=None,
        description="JSON body. A list of one entry in which {number} stands has one such entry for each subject: "
        '`people: [{idType: "{type}", id: "{number}"}]`.',
    )
    form: dict[str, Scalar] | None = Field(default=None, description="Parameters of a form, instead of a JSON body.")
    headers: dict[HeaderName, HeaderText] = Field(
        default={}, description="Header -> constant, or {transaction}. Credentials belong to `connection`."
    )
    nobody: Nobody | None = Field(
        default=None, description="How it says that it holds nobody, for requests about one subject at a time."
    )
    error: Failure | None = Field(default=None, description="How an answer says that it is an error.")

    @model_validator(mode="after")
    def _one_body(self) -> RestRequest:
        if self.body is not None and self.form is not None:
            raise ValueError("`body` and `form` exclude each other")
        if self.method == "GET" and (self.body is not None or self.form is not None):
            raise ValueError("`method: GET` has no body")
        return self


class RestLookup(Model):
    """How one lookup is asked."""

    requests: tuple[RestRequest, ...] = Field(
        min_length=1,
        description="What is sent. Each identifier type of the lookup is taken by one of them; of a lookup "
        "`by_traits`, there is one for each of its `blocks`, in their order.",
    )


class RestOptions(Model):
    """What the REST driver needs to know."""

    headers: dict[HeaderName, HeaderText] = Field(default={}, description="Constant headers of every request.")
    at_once: int = Field(
        default=8,
        ge=1,
        le=64,
        description="Requests under way at the same time for one question, where one subject is asked for at a time.",
    )
    lookups: dict[str, RestLookup] = Field(description="Lookup name -> how it is asked.")

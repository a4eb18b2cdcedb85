"""Who asked about a citizen, and what citizens dispute, as the published description has it. Pure."""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from gateway.api.described.calls import call, errors, path_parameter
from gateway.api.described.request import Schema, ref, thing
from gateway.api.native.trail_bodies import TrailDisputed, TrailPerson, TrailSpoken, TrailUsage

TAG: Final = ("Trail", "Who asked about a citizen, and what that citizen disputes, through a citizens' portal.")

_PERSON: Final = {"numbers": [{"type": "UIN", "value": "2904417738"}, {"type": "TIN", "value": "TIN-443-118-20"}]}
_BODIES: Final = (TrailPerson, TrailUsage, TrailSpoken, TrailDisputed)
_TEXT: Final[Schema] = {"type": "string"}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}

_FIND: Final = """\
The newest first, in pages: `next` is the `before` of the next one. The portal states every number that it knows to be \
the citizen's, and answers for who has signed in; each number finds what was asked by it, and most questions are found \
by the national number, the birth registration number or the social registry's. Entries name kinds of facts and never \
a value, and what was told of a household is told of all of it. Reading is an entry of the journal too.

The names are those of Estonia's data tracker (`findUsage`, `usagePeriod`, `heartbeat`; `logtime`, `action`, \
`receiver`), except that the number stands in the body: addresses are logged on the way."""

_DISPUTE: Final = """\
It is passed on to the body that answers for the registry, and its state is told here: `received`, `forwarded`, \
`answered`, `closed`. Neither a text nor the right value is taken; the registry looks at its own record, which it \
finds by the one number that is kept, sealed, until the dispute is closed. What is disputed already is \
answered with 200."""


def trail_schemas() -> dict[str, Schema]:
    """Return name -> schema of everything said about trails."""
    _, whole = models_json_schema(
        [(model, "validation") for model in _BODIES], ref_template="#/components/schemas/Trail_{model}"
    )
    bodies = {_named(name): _renamed(schema) for name, schema in whole["$defs"].items()}
    coded = thing("A code and its title.", {"code": _TEXT, "title": _TEXT}, ("code", "title"))
    titled = thing("A name and its title.", {"id": _TEXT, "title": _TEXT}, ("id", "title"))
    fact = thing("A kind of fact.", {"name": _TEXT, "title": _TEXT}, ("name", "title"))
    return {
        **bodies,
        "TrailEntry": thing(
            "One thing that was done: a question, or with `kind: record` something about what is kept here.",
            {
                "entry": {"type": "integer", "description": "Number of the journal's entry."},
                "kind": {"enum": ["question", "record"]},
                "logtime": _MOMENT,
                "action": _TEXT | {"description": "What happened, in whole sentences of the language asked for."},
                "receiver": thing(
                    "Who asked.",
                    {
                        "code": _TEXT,
                        "name": _TEXT | {"description": "Title of the programme."},
                        "system": _TEXT | {"description": "Name its messages bear."},
                    },
                    ("code", "name", "system"),
                ),
                "role": {
                    "enum": ["subject", "household", "search"],
                    "description": "subject: asked about by a number of their own; household: read as part of one; "
                    "search: read because of a search that named nobody.",
                },
                "purpose": coded,
                "legal_basis": thing(
                    "What made it lawful.",
                    {"code": _TEXT, "reference": _TEXT, "text": _TEXT},
                    ("code", "reference", "text"),
                ),
                "outcome": {
                    "enum": ["told", "nothing_told", "refused", "not_answered", "not_given", "ended"],
                },
                "facts": {"type": "array", "items": fact, "description": "Kinds of facts that were told."},
                "registries": {
                    "type": "array",
                    "items": thing(
                        "A registry that was asked.",
                        {"id": _TEXT, "title": _TEXT, "heard": {"type": "boolean"}},
                        ("id", "title", "heard"),
                    ),
                },
                "emergencies": {"type": "array", "items": titled},
                "event": _TEXT | {"description": "Of a record: the journal's event."},
                "reference": _TEXT | {"description": "Handle to ask about this by."},
            },
            ("entry", "kind", "logtime", "action", "receiver", "reference"),
        ),
        "TrailPage": thing(
            "A page of a trail.",
            {
                "locale": _TEXT | {"description": "The language that is spoken."},
                "usage": {"type": "array", "items": ref("TrailEntry")},
                "next": {"type": ["integer", "null"]},
            },
            ("locale", "usage", "next"),
        ),
        "TrailPeriod": thing(
            "Times of the oldest and the newest entry; null for a journal without any.",
            {name: {"type": ["string", "null"], "format": "date-time"} for name in ("since", "until")},
            ("since", "until"),
        ),
        "TrailHeartbeat": thing(
            "Whether trails can be told, and whether notices and disputes keep up.",
            {"status": {"enum": ["up", "down"]}, "following": _TEXT, "serverTime": _MOMENT},
            ("status", "following", "serverTime"),
        ),
        "TrailWatch": thing(
            "A wish to be told. The portal keeps its name beside the citizen: notices bear nothing else.",
            {"watch_id": _TEXT},
            ("watch_id",),
        ),
        "TrailWatchEnded": thing("The wish has ended.", {"ended": {"const": True}}, ("ended",)),
        "TrailNotices": thing(
            "What a portal has still to tell, oldest first; one for each answer and person.",
            {
                "locale": _TEXT,
                "notices": {
                    "type": "array",
                    "items": thing(
                        "Somebody asked.",
                        {
                            "notice_id": _TEXT,
                            "watch_id": _TEXT,
                            "usage": {"type": "array", "items": ref("TrailEntry")},
                        },
                        ("notice_id", "watch_id", "usage"),
                    ),
                },
            },
            ("locale", "notices"),
        ),
        "TrailNoticeDelivered": thing(
            "A notice that is due no more.",
            {"notice_id": _TEXT, "delivered": {"const": True}},
            ("notice_id", "delivered"),
        ),
        "TrailDispute": thing(
            "A dispute as its person sees it.",
            {
                "dispute_id": _TEXT,
                "opened_at": _MOMENT,
                "changed_at": _MOMENT,
                "registry": thing(
                    "From which the fact is.",
                    {"id": _TEXT, "title": _TEXT, "owner": _TEXT | {"description": "Who has to answer."}},
                    ("id", "title", "owner"),
                ),
                "fact": fact,
                "reason": ref("TrailDisputeReason"),
                "state": {"enum": ["received", "forwarded", "answered", "closed"]},
                "answer": {"enum": ["corrected", "confirmed", "not_found", None]},
                "text": _TEXT | {"description": "How far it has got, in the language asked for."},
            },
            ("dispute_id", "opened_at", "changed_at", "registry", "fact", "reason", "state", "answer", "text"),
        ),
        "TrailDisputes": thing(
            "Everything that a person disputes, oldest first.",
            {"locale": _TEXT, "disputes": {"type": "array", "items": ref("TrailDispute")}},
            ("locale", "disputes"),
        ),
    }


def trail_paths() -> dict[str, Any]:
    """Return path -> operations."""
    disputed = _PERSON | {"registry": "tax", "attribute": "income_annual", "reason": "outdated"}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200}}
    locale = {"name": "locale", "in": "query", "schema": {"type": "string", "default": "eng"}}
    notices = _call("trailNotices", "What a portal has still to tell", "The portal asks now and then.", "TrailNotices")
    notices["responses"] |= errors([400])
    opened = _call("dispute", "Dispute a fact", _DISPUTE, "TrailDispute", "TrailDisputed", disputed, status="201")
    opened["responses"]["200"] = opened["responses"]["201"]
    return {
        "/v1/trail/findUsage": {
            "post": _call("findUsage", "Who asked about a citizen", _FIND, "TrailPage", "TrailUsage", _PERSON),
        },
        "/v1/trail/usagePeriod": {
            "get": _call("usagePeriod", "Over which time the trail goes", "Of the whole journal.", "TrailPeriod"),
        },
        "/v1/trail/heartbeat": {
            "get": _call("heartbeat", "Whether trails can be told", "For the portal's own watch.", "TrailHeartbeat"),
        },
        "/v1/trail/watch": {
            "post": _call(
                "watch",
                "Tell me when somebody asks",
                "From now on, one notice for each answer, refused questions included; no answer waits for it.",
                "TrailWatch",
                "TrailPerson",
                _PERSON,
                status="201",
            ),
        },
        "/v1/trail/unwatch": {
            "post": _call(
                "unwatch",
                "Tell me no more",
                "What was still to be told is dropped.",
                "TrailWatchEnded",
                "TrailPerson",
                _PERSON,
            ),
        },
        "/v1/trail/notices": {"get": notices | {"parameters": [limit, locale]}},
        "/v1/trail/notices/{notice_id}/delivered": {
            "parameters": [path_parameter("notice_id", "Name of a notice.")],
            "post": _call("trailNoticeDelivered", "A citizen was told", "It is due no more.", "TrailNoticeDelivered"),
        },
        "/v1/trail/disputes": {
            "post": opened,
        },
        "/v1/trail/disputes/search": {
            "post": _call(
                "disputes", "What a citizen disputes", "Oldest first.", "TrailDisputes", "TrailSpoken", _PERSON
            ),
        },
        "/v1/trail/disputes/{dispute_id}/close": {
            "parameters": [path_parameter("dispute_id", "Name of a dispute of the citizen's own.")],
            "post": _call(
                "closeDispute",
                "Close a dispute",
                "Answered or not; the number that was kept for it is removed.",
                "TrailDispute",
                "TrailSpoken",
                _PERSON,
            ),
        },
    }


def _named(model: str) -> str:
    return model if model.startswith("Trail") else f"Trail{model}"


def _renamed(schema: Any) -> Any:
    """Return a schema whose references bear the names of the document."""
    if isinstance(schema, dict):
        return {
            key: f"#/components/schemas/{_named(value.rsplit('_', 1)[-1])}" if key == "$ref" else _renamed(value)
            for key, value in schema.items()
        }
    return [_renamed(one) for one in schema] if isinstance(schema, list) else schema


def _call(
    operation: str,
    summary: str,
    about: str,
    answer: str,
    body: str | None = None,
    example: dict[str, Any] | None = None,
    *,
    status: str = "200",
) -> dict[str, Any]:
    return call(TAG[0], operation, summary, about, ref(answer), body, example, status=status)

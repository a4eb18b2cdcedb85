"""The operations of the standard beside the synchronous search, as the published description has them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gateway.api.described.calls import call, path_parameter
from gateway.api.described.operation_schemas import examples
from gateway.api.described.request import ref
from standards.dci.operations import OPERATIONS

TAG: Final = (
    "Operations",
    "Answers that come later, subscriptions, what became of a message, and the questions of one registry type.",
)
CALLBACKS: Final = ("Callbacks", "Where connected registries bring what they were asked for, and what happened.")

PREFIX: Final = path_parameter(
    "registry",
    "A registry: `crvs`, `sr` or `social`, `fr`, `ibr`, `dr`, `ess`, or the id of a connected one. It says for whom a "
    "question is that names no `reg_type`, and has the operations of its interface alone.",
)
_SECRET: Final = path_parameter("secret", "A part that nobody can guess, given to one registry for one question.")
_REFUSALS: Final = (400, 401, 403, 404, 413, 415, 429, 500, 503)


class _Described(NamedTuple):
    id: str
    summary: str
    about: str
    body: str
    answer: str


_LATER: Final = (
    " The response is an acknowledgement; the answer is delivered to `sender_uri`, at a host that is registered, again "
    "and again until it is taken, under one `Idempotency-Key`."
)
_ONE: Final = (
    " Who it is, is said by `eq`; a number without a kind is a UIN. What is not known because a registry did not "
    "answer, or may not be told, is refused and never a no."
)

_OPERATIONS: Final[Mapping[str, _Described]] = {
    "search": _Described(
        "search",
        "Ask, and be answered later",
        f"The same questions as `sync/search`.{_LATER}",
        "SearchRequest",
        "Acknowledgement",
    ),
    "subscribe": _Described(
        "subscribe",
        "Be told when something happens",
        f"A death, a birth, an enrolment, or any change of what may be known.{_LATER}",
        "SubscribeRequest",
        "Acknowledgement",
    ),
    "unsubscribe": _Described(
        "unsubscribe",
        "Be told no more",
        f"By the codes of `on-subscribe`.{_LATER}",
        "UnsubscribeRequest",
        "Acknowledgement",
    ),
    "sync/txn/status": _Described(
        "syncStatus",
        "What became of a message",
        "Of a search, a subscription or its end, by any of its names; only of the sender's own. Records are not told.",
        "StatusRequest",
        "StatusAnswer",
    ),
    "txn/status": _Described(
        "status",
        "What became of a message, told later",
        f"As `sync/txn/status`.{_LATER}",
        "StatusRequest",
        "Acknowledgement",
    ),
    "sync/disabled": _Described(
        "disabled",
        "Whether somebody is disabled",
        f"By the disability registry.{_ONE}",
        "DisabledRequest",
        "DisabledAnswer",
    ),
    "sync/get-disability-details": _Described(
        "disabilityDetails",
        "Which impairments somebody has",
        f"By the disability registry.{_ONE}",
        "DisabledRequest",
        "DisabilityAnswer",
    ),
    "sync/get-disability-support": _Described(
        "disabilitySupport",
        "Which support somebody receives",
        f"By the disability registry; `reg_records` is an array of arrays, as the standard has it.{_ONE}",
        "DisabledRequest",
        "DisabilityAnswer",
    ),
    "sync/enrolled": _Described(
        "enrolled",
        "Whether somebody is enrolled",
        f"By the beneficiary registry, in one programme or in any.{_ONE}",
        "EnrolledRequest",
        "EnrolledAnswer",
    ),
    "sync/enrollment/updates": _Described(
        "enrolmentUpdates",
        "Push enrolments",
        "Refused for each beneficiary: this gateway keeps no records. What was kept of the people is dropped.",
        "EnrolmentUpdates",
        "UpdatesAnswer",
    ),
    "sync/check-enrollment": _Described(
        "checkEnrolment",
        "How somebody stands with the employment services",
        f"In the words of the standard; `header.action` is spelt `enrollementstatus`.{_ONE}",
        "EnrolledRequest",
        "EmploymentAnswer",
    ),
}


def operation_paths() -> dict[str, Any]:
    """Return path -> operations, each alone and under the prefix of a registry."""
    paths: dict[str, Any] = {}
    shown = examples()
    for path, described in _OPERATIONS.items():
        paths[f"/registry/{path}"] = {"post": _post(path, described, described.id, shown.get(described.body))}
        prefixed = _post(path, described, f"{described.id}ByRegistry", None)
        paths[f"/{{registry}}/registry/{path}"] = {"parameters": [PREFIX], "post": prefixed}
    return paths


def callback_paths() -> dict[str, Any]:
    """Return path -> operations of what registries send."""
    paths: dict[str, Any] = {}
    for path in (one.path for one in OPERATIONS.values() if one.is_callback):
        name = "".join(part.capitalize() for part in path.replace("/", "-").split("-"))
        about = "A registry's own message, in any of the dialects that its manifest names; proved as its manifest says."
        for place, id_, parameters in (
            ("", f"received{name}", []),
            ("/callbacks/{secret}", f"received{name}BySecret", [_SECRET]),
            ("/{registry}", f"received{name}ByRegistry", [PREFIX]),
        ):
            post = call(
                CALLBACKS[0], id_, f"Take {path}", about, ref("Acknowledgement"), "CallbackMessage", refusals=(500,)
            )
            for status in ("400", "401", "403", "404", "413", "503"):
                post["responses"][status] = _acknowledged(f"Not taken ({status}): the acknowledgement says why.")
            post["security"] = [{"clientCredentials": []}, {}]
            paths[f"{place}/registry/{path}"] = {**({"parameters": parameters} if parameters else {}), "post": post}
    return paths


def _post(path: str, described: _Described, id_: str, example: Mapping[str, Any] | None) -> dict[str, Any]:
    served = OPERATIONS[path]
    post = call(
        TAG[0],
        id_,
        described.summary,
        described.about,
        ref(described.answer),
        described.body,
        example,
        scopes=[served.scope],
        refusals=_REFUSALS,
    )
    if not served.is_sync:
        post["responses"]["400"] = _acknowledged("The message cannot be processed; `error` says why.")
        post["responses"]["404"] = _acknowledged(
            "The registry of the prefix has no such operation; or nothing is here."
        )
    return post


def _acknowledged(about: str) -> dict[str, Any]:
    both = {"anyOf": [ref("Acknowledgement"), ref("HttpErrorResponse")]}
    return {"description": about, "content": {"application/json": {"schema": both}}}


WEBINAR: Final = ("2023", "The methods of the 2023 demonstration, for systems that were built for it.")


_WEBINAR: Final = (
    (
        "getHouseholdByUIN",
        "getHouseholdByUin",
        "A household by a number",
        "Each member, beside the head.",
        "WebinarLookup",
    ),
    (
        "search",
        "webinarSearch",
        "Households by conditions",
        "By poverty score, size and region.",
        "WebinarSearch",
    ),
    (
        "getPovertyScore",
        "getPovertyScore",
        "The poverty score of one household",
        "By a number.",
        "WebinarLookup",
    ),
)


def webinar_paths() -> dict[str, Any]:
    """Return path -> operations of the methods of 2023."""
    about = (
        " One question in a message, asked and recorded like any other; the `signature` is not read, so that senders "
        "who have to sign cannot ask so. Where more values come from stands in `hearth:evidence`."
    )
    shown = examples()
    return {
        f"/{name}": {
            "post": call(
                WEBINAR[0],
                id_,
                summary,
                said + about,
                ref("WebinarAnswer"),
                body,
                shown[body],
                scopes=["registry.sync.search"],
                refusals=_REFUSALS,
            )
        }
        for name, id_, summary, said, body in _WEBINAR
    }

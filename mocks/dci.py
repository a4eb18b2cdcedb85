"""The DCI side of a registry: tokens, and one answer item for each item of a search message (release of 2025).

A registry that speaks DCI subclasses `DciRegistry` and describes each kind of record it answers with by a `Kind`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, Final, NamedTuple

from aiohttp import web

from mocks.dci_message import answer_to, envelope, header_refusal, is_moment, moment
from mocks.dci_query import Attribute, Page, RefusedItemError, expression, on_page, ordered, page, predicate
from mocks.population import REFERENCE_DATE
from mocks.registry import Call, Indexed, Operation, Registry, json_answer, same, stand_ins

TOKEN_LIFETIME_S: Final = 3600
IDTYPE_VALUE: Final = "idtype-value"


class Kind(NamedTuple):
    """One kind of record: who there is, by what they are found, and how one is shown."""

    record_type: str
    everybody: Callable[[], Sequence[Any]]
    """All there are, in the default order."""
    by_number: Mapping[str, Callable[[str], Sequence[Any]]]
    """Per identifier type, who has a number of it."""
    attributes: Mapping[str, Attribute]
    record: Callable[[Any], dict[str, Any]]
    record_on: Callable[[Any, date], dict[str, Any] | None] | None = None
    """How one was shown on a past day, None before it came to be; for kinds that keep history."""


class Found(NamedTuple):
    """What one request item found: who is on the page asked for, and how many there are in all."""

    kind: Kind
    things: Sequence[Indexed]
    page: Page
    total: int
    day: date | None = None
    """The past day asked about, in `pv:as_of`."""


class DciRegistry(Registry):
    """A registry that answers `POST /registry/sync/search`; its tokens come from `POST /oauth2/client/token`."""

    speaks = "dci"
    secrets = ("CLIENT_ID", "CLIENT_SECRET")
    spoiled_names: ClassVar[Mapping[str, str]] = {"reg_records": "records", "reference_id": "ref"}
    default_entity: ClassVar[str]

    def __init__(self, population: Any, credentials: Mapping[str, str]) -> None:
        super().__init__(population, credentials)
        self._tokens: dict[str, float] = {}
        self.kinds: Mapping[str, Kind] = self.described()

    def described(self) -> Mapping[str, Kind]:
        """Return the kinds of record by response entity, in lower case."""
        raise NotImplementedError

    def operations(self) -> Iterable[Operation]:
        """Return the one business operation."""
        yield Operation("POST", "/registry/sync/search", self.search, "search")

    def pages(self) -> Iterable[web.RouteDef]:
        """Return the token endpoint."""
        yield web.post("/oauth2/client/token", self.token)

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the 401 of a call without a token that was issued here and still lives."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._tokens.get(token.strip(), 0.0) > time.monotonic():
            return None
        return _errors(401, "err.request.unauthorized", "a bearer token of this registry is needed")

    async def token(self, request: web.Request) -> web.Response:
        """Issue an access token to a client that knows its secret."""
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return _errors(400, "err.request.bad", "grant_type must be client_credentials")
        given = (form.get("client_id"), form.get("client_secret"))
        known = (self.credentials["CLIENT_ID"], self.credentials["CLIENT_SECRET"])
        if not all(isinstance(one, str) and same(one, other) for one, other in zip(given, known, strict=True)):
            return _errors(401, "err.request.unauthorized", "the client or its secret is unknown")
        now = time.monotonic()
        self._tokens = {token: end for token, end in self._tokens.items() if end > now}
        token = secrets.token_urlsafe(24)
        self._tokens[token] = now + TOKEN_LIFETIME_S
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": str(TOKEN_LIFETIME_S)}
        return json_answer(answer)

    async def search(self, request: web.Request, call: Call) -> web.Response:
        """Answer a search message, item by item."""
        try:
            message = envelope(await request.read())
        except ValueError as problem:
            return _errors(400, "err.request.bad", str(problem))
        call.asked(len(message.items))
        refused = header_refusal(message)
        outcomes = [] if refused else self._outcomes(message.items)
        if call.wrong_person:
            outcomes = self._mistaken(outcomes)
        now = moment()
        items = [self._item(item, outcome, now) for item, outcome in zip(message.items, outcomes, strict=False)]
        return json_answer(answer_to(message, items, refused, now=now, sender=f"{self.name}.registries.pv"))

    def _outcomes(self, items: Sequence[Mapping[str, Any]]) -> list[Found | RefusedItemError]:
        outcomes: list[Found | RefusedItemError] = []
        seen: set[str] = set()
        for item in items:
            try:
                outcomes.append(self._found(item, seen))
            except RefusedItemError as refusal:
                outcomes.append(refusal)
        return outcomes

    def _found(self, item: Mapping[str, Any], seen: set[str]) -> Found:
        if item["reference_id"] in seen:
            raise RefusedItemError("rjct.reference_id.duplicate", "reference_id occurs twice in the message")
        seen.add(item["reference_id"])
        if not is_moment(item.get("timestamp")):
            raise RefusedItemError("rjct.timestamp.invalid", "timestamp is a moment with its offset from UTC")
        criteria = item.get("search_criteria")
        if not isinstance(criteria, dict):
            raise _unusable("an item has search_criteria")
        if criteria.get("reg_type", self.reg_type) != self.reg_type:
            raise _unusable("this is a registry of another type")
        kind = self._kind(criteria)
        wanted = page(criteria.get("pagination"))
        day = self._day(kind, criteria)
        things = self._matches(kind, criteria.get("query_type"), criteria.get("query"))
        if day is not None and kind.record_on is not None:
            things = [thing for thing in things if kind.record_on(thing, day) is not None]
        if criteria.get("sort") is not None:
            things = ordered(things, criteria["sort"], kind.attributes)
        return Found(kind, on_page(things, wanted), wanted, len(things), day)

    @staticmethod
    def _day(kind: Kind, criteria: Mapping[str, Any]) -> date | None:
        """Return the past day asked about, if one is."""
        said = criteria.get("pv:as_of")
        if said is None:
            return None
        try:
            day = date.fromisoformat(said) if isinstance(said, str) else None
        except ValueError:
            day = None
        if day is None or day > REFERENCE_DATE or kind.record_on is None or criteria.get("query_type") != IDTYPE_VALUE:
            raise _unusable("pv:as_of is a past day, for records that keep history, found by a number")
        return day

    def _kind(self, criteria: Mapping[str, Any]) -> Kind:
        entity = criteria.get("response_entity") or criteria.get("reg_record_type") or self.default_entity
        kind = self.kinds.get(str(entity).rsplit(":", 1)[-1].lower())
        if kind is None:
            raise _unusable("this registry has no records of that type")
        return kind

    def _matches(self, kind: Kind, query_type: Any, query: Any) -> Sequence[Any]:
        if query_type == IDTYPE_VALUE:
            type_ = query.get("type") if isinstance(query, dict) else None
            value = query.get("value") if isinstance(query, dict) else None
            finder = kind.by_number.get(type_.rsplit(":", 1)[-1]) if isinstance(type_, str) else None
            if finder is None or not isinstance(value, str) or not value:
                raise _unusable("this registry finds nobody by an identifier of that type")
            return finder(value)
        if query_type == "predicate" or (query_type == "expression" and isinstance(query, list)):
            test = predicate(query, kind.attributes)
        elif query_type == "expression":
            test = expression(query, kind.attributes)
        else:
            raise _unusable("query_type is idtype-value, predicate or expression")
        return [thing for thing in kind.everybody() if test(thing)]

    def _mistaken(self, outcomes: Sequence[Found | RefusedItemError]) -> list[Found | RefusedItemError]:
        """Put other people or households in the place of all that were found."""
        others: dict[tuple[str, int], Any] = {}
        for kind in self.kinds.values():
            meant = {
                thing.index: thing
                for outcome in outcomes
                if isinstance(outcome, Found) and outcome.kind is kind
                for thing in outcome.things
            }
            strangers = stand_ins(list(meant.values()), kind.everybody(), lambda _: True)
            record_type = kind.record_type
            others |= {(record_type, index): other for index, other in zip(meant, strangers, strict=True)}
        return [
            outcome._replace(things=self._strangers(outcome, others)) if isinstance(outcome, Found) else outcome
            for outcome in outcomes
        ]

    @staticmethod
    def _strangers(outcome: Found, others: Mapping[tuple[str, int], Any]) -> list[Any]:
        found = (others[outcome.kind.record_type, thing.index] for thing in outcome.things)
        return [other for other in found if other is not None]

    def _item(self, item: Mapping[str, Any], outcome: Found | RefusedItemError, now: str) -> dict[str, Any]:
        answer: dict[str, Any] = {"reference_id": item["reference_id"], "timestamp": now}
        if isinstance(outcome, RefusedItemError):
            refusal = {"status": "rjct", "status_reason_code": outcome.code, "status_reason_message": str(outcome)}
            return answer | refusal
        return answer | {
            "status": "succ",
            "data": {
                "version": "1.0.0",
                "reg_type": self.reg_type,
                "reg_record_type": outcome.kind.record_type,
                "reg_records": list(_shown(outcome)),
            },
            "pagination": {
                "page_size": outcome.page.size,
                "page_number": outcome.page.number,
                "total_count": outcome.total,
            },
            "locale": "eng",
        }


def _shown(found: Found) -> Iterator[dict[str, Any]]:
    for thing in found.things:
        on_day = found.kind.record_on
        record = found.kind.record(thing) if found.day is None or on_day is None else on_day(thing, found.day)
        if record is not None:
            yield record


def _unusable(message: str) -> RefusedItemError:
    return RefusedItemError("rjct.search_criteria.invalid", message)


def _errors(status: int, code: str, message: str) -> web.Response:
    return json_answer({"errors": [{"code": code, "message": message}]}, status=status)

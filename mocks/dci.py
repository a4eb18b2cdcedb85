"""The DCI side of a registry: tokens, and one answer item for each item of a search message (release of 2025).

A registry that speaks DCI subclasses `DciRegistry` and describes each kind of record it answers with by a `Kind`.
What it answers later, and what it tells of its own accord, is in `dci_later.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from aiohttp import web

from mocks.dci_later import Later
from mocks.dci_message import answer_to, envelope, header_refusal, is_moment, moment
from mocks.dci_query import Attribute, Page, RefusedItemError, expression, on_page, ordered, page, predicate
from mocks.dci_tokens import Tokens, errors
from mocks.dialects import Dialect
from mocks.later_controls import controls
from mocks.registry import Call, Indexed, Operation, Registry, json_answer, stand_ins
from mocks.signing import Signer
from mocks.speaking import GOOD, spoken
from mocks.speech_controls import speech_controls

if TYPE_CHECKING:
    from mocks.people import Person

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
    matches: Sequence[Indexed] = ()
    """All that were found, on whatever page."""


class DciRegistry(Registry):
    """A registry that answers `POST /registry/sync/search`; its tokens come from `POST /oauth2/client/token`."""

    speaks = "dci"
    secrets = ("CLIENT_ID", "CLIENT_SECRET", "CALLBACK_TOKEN")
    spoiled_names: ClassVar[Mapping[str, str]] = {"reg_records": "records", "reference_id": "ref"}
    default_entity: ClassVar[str]

    def __init__(self, population: Any, credentials: Mapping[str, str]) -> None:
        super().__init__(population, credentials)
        self.tokens = Tokens(credentials)
        self.kinds: Mapping[str, Kind] = self.described()
        self.dialect: Dialect = GOOD
        self.signer = Signer()
        self.later = Later(self, self.credentials.get("CALLBACK_TOKEN", ""))

    def described(self) -> Mapping[str, Kind]:
        """Return the kinds of record by response entity, in lower case."""
        raise NotImplementedError

    def operations(self) -> Iterable[Operation]:
        """Return the business operations: search at once, and all that is answered later."""
        yield from spoken(self, "sync/search", self.search, "search")
        yield from self.later.operations()

    def pages(self) -> Iterable[web.RouteDef]:
        """Return the token endpoint, the published key, and what a test may tell the asynchronous side."""
        yield web.post("/oauth2/client/token", self.token)
        yield web.get("/.well-known/jwks.json", self._jwks)
        yield from controls(self.later)
        yield from speech_controls(self)

    def things_of(self, kind: Kind, person: Person) -> Sequence[Any]:
        """Return what this registry has of a person among the things of a kind."""
        finder = kind.by_number.get("UIN")
        return () if finder is None or person.uin is None else finder(person.uin)

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the 401 of a call without a token that was issued here and still lives."""
        refusal = self.tokens.refusal(request)
        if refusal is None or self.dialect is GOOD:
            return refusal
        return json_answer(self.dialect.failed(refusal.status, {"message": "unauthorized"}), status=refusal.status)

    async def _open(self, app: web.Application) -> None:
        await super()._open(app)
        await self.later.open()

    async def _close(self, app: web.Application) -> None:
        await super()._close(app)
        await self.later.close()

    async def token(self, request: web.Request) -> web.Response:
        """Issue an access token to a client that knows its secret."""
        return await self.tokens.issue(request)

    async def _jwks(self, request: web.Request) -> web.Response:
        return json_answer(self.signer.published())

    async def search(self, request: web.Request, call: Call) -> web.Response:
        """Answer a search message, item by item."""
        try:
            message = envelope(await request.read())
        except ValueError as problem:
            return errors(400, "err.request.bad", str(problem))
        call.asked(len(message.items))
        refused, now = header_refusal(message), moment()
        items = [] if refused else self.items(message.items, self.outcomes(message.items), call, now)
        return json_answer(answer_to(message, items, refused, now=now, sender=self.sender_id))

    @property
    def sender_id(self) -> str:
        """Return the name by which this registry signs its messages."""
        return f"{self.name}.registries.pv"

    def items(
        self, asked: Sequence[Mapping[str, Any]], outcomes: Sequence[Found | RefusedItemError], call: Call, now: str
    ) -> list[dict[str, Any]]:
        """Return the answer items for what was found, about other people under `wrong_person`."""
        told = self._mistaken(outcomes) if call.wrong_person else outcomes
        return [self._item(item, outcome, now) for item, outcome in zip(asked, told, strict=True)]

    def outcomes(self, items: Sequence[Mapping[str, Any]]) -> list[Found | RefusedItemError]:
        """Return what each request item found, or why it is refused."""
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
        return Found(kind, on_page(things, wanted), wanted, len(things), day, things)

    def _day(self, kind: Kind, criteria: Mapping[str, Any]) -> date | None:
        """Return the past day asked about, if one is."""
        said = criteria.get("pv:as_of")
        if said is None:
            return None
        try:
            day = date.fromisoformat(said) if isinstance(said, str) else None
        except ValueError:
            day = None
        by_number = criteria.get("query_type") == IDTYPE_VALUE
        if day is None or day > self.population.today or kind.record_on is None or not by_number:
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

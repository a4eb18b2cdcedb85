"""What holds for every declared request, whatever a number holds and however an answer comes in pages."""

from __future__ import annotations

from urllib.parse import parse_qs, parse_qsl, unquote

import orjson
from hypothesis import assume, given
from hypothesis import strategies as st

from adapters.generic.rest.driver import build
from adapters.generic.rest.options import RestRequest
from adapters.generic.rest.requests import Request
from adapters.manifest import Lookup
from adapters.ports import Deadline, Fetch, Response
from adapters.reading import Reader
from standards.errors import SourceContractError
from standards.identifiers import Identifier, normal_value
from tests.unit.adapters.builders import small_manifest

READ = Reader("probe")
NUMBERS = st.text(min_size=1, max_size=30).map(normal_value).filter(bool)
VALUES = st.lists(NUMBERS, min_size=1, max_size=4, unique=True)


def message(numbers, **stated):
    """Return the request about some people."""
    entries = [{"number": number, "type": "NIN"} for number in numbers]
    values = {"numbers": numbers, "entries": entries} | entries[0]
    return Request(READ, RestRequest(path="/people", **stated), {}).message(values)


@given(NUMBERS)
def test_a_number_stays_one_segment_of_a_path(number):
    """Nothing that it holds leads elsewhere."""
    try:
        sent = Request(READ, RestRequest(path="/people/{number}/income", query={"year": 2025}), {}).message(
            {"number": number}
        )
    except SourceContractError:
        assert number in {".", ".."}
        return
    first, people, segment, last = sent.path.split("/")
    assert (first, people, last, sent.query) == ("", "people", "income", "year=2025")
    assert unquote(segment) == number
    assert segment.isascii()
    assert not set(segment) & set("?#/;\\ \r\n")


@given(VALUES, st.sampled_from([None, ",", ";", "|", " "]))
def test_numbers_stay_values_of_a_query(numbers, joined_by):
    """Repeated or joined: nobody else is asked about, and no parameter is added."""
    try:
        sent = message(numbers, query={"nin": "{numbers}", "limit": 5}, joined_by=joined_by)
    except SourceContractError:
        assert any(joined_by in number for number in numbers)
        return
    told = parse_qs(sent.query, strict_parsing=True)
    assert told.keys() == {"nin", "limit"}
    stated = told["nin"] if joined_by is None else told["nin"][0].split(joined_by)
    assert stated == numbers
    assert sent.query.isascii()
    assert not set(sent.query) & set("# \r\n")


@given(VALUES)
def test_numbers_stay_values_of_a_body(numbers):
    """In JSON and in forms."""
    body = {"all": "{numbers}", "each": [{"kind": "{type}", "id": "{number}"}], "fixed": "}"}
    sent = message(numbers, method="POST", body=body)
    assert orjson.loads(sent.body or b"") == {
        "all": numbers,
        "each": [{"kind": "NIN", "id": number} for number in numbers],
        "fixed": "}",
    }
    form = message(numbers, method="POST", form={"nin": "{numbers}", "all": True}, joined_by=None)
    told = parse_qsl((form.body or b"").decode(), strict_parsing=True)
    assert told == [*(("nin", number) for number in numbers), ("all", "true")]


class Paged:
    """A registry that gives records in pages, `given` of them at most, and may play one trick."""

    def __init__(self, records, given, trick, at):
        self.records, self.given, self.trick, self.at = records, given, trick, at
        self.asked = 0

    async def send(self, method, path, deadline, *, params=None, headers=None, body=None):
        query = dict(parse_qsl(path.partition("?")[2]))
        self.asked += 1
        start = int(query.get("offset") or query.get("after") or 0)
        if "page" in query:
            start = (int(query["page"]) - 1) * self.given
        records = list(self.records)
        if self.trick == "inserted" and self.asked > self.at:
            records.insert(0, {"id": "new", "nin": "1", "amount": 1000})
        if self.trick == "removed" and self.asked > self.at:
            records = records[1:]
        page = records[start : start + self.given]
        if self.trick == "lost" and self.asked == self.at:
            page = page[1:]
        if self.trick == "doubled" and self.asked == self.at:
            page = [*page, *page[:1]]
        is_more = start + self.given < len(records)
        following = str(start + self.given) if is_more else None
        content = {"rows": page, "total": len(records), "more": is_more, "next": following}
        if following:
            content["link"] = f"https://other.example/elsewhere?after={following}"
        return Response(200, "application/json", orjson.dumps(content))


WAYS = {
    "page": ({"page": "{page}"}, {"by": "page"}),
    "page_more": ({"page": "{page}"}, {"by": "page", "more": "more"}),
    "offset": ({"offset": "{offset}"}, {"by": "offset"}),
    "cursor": ({"after": "{cursor}"}, {"by": "cursor", "next": "next"}),
    "cursor_more": ({"after": "{cursor}"}, {"by": "cursor", "next": "next", "more": "more"}),
    "next": ({}, {"by": "next", "next": "link"}),
}


def paged_manifest(way, total, key, size):
    """Return the manifest of a registry that adds up what it pays to one person."""
    query, pages = WAYS[way]
    return small_manifest(
        lookups=(Lookup(name="person", by=("UIN",), attributes=("income_annual",)),),
        rest={
            "lookups": {
                "person": {
                    "requests": [
                        {
                            "path": "/rows",
                            "query": {"nin": "{numbers}"} | query,
                            "found": "rows",
                            "total": "total" if total else None,
                            "pages": pages | {"size": size, "most": 40, "key": "id" if key else None},
                        }
                    ]
                }
            }
        },
        records={
            "person": {
                "several": "together",
                "silence": "no_record",
                "identifiers": {"UIN": {"path": "nin"}},
                "attributes": {"income_annual": {"path": "amount", "type": "money", "combine": "sum"}},
            }
        },
    )


@given(
    way=st.sampled_from(sorted(WAYS)),
    amounts=st.lists(st.integers(1, 99), max_size=12),
    given_at_once=st.integers(1, 5),
    trick=st.sampled_from([None, "lost", "doubled", "inserted", "removed"]),
    at=st.integers(1, 3),
    total=st.booleans(),
    key=st.booleans(),
)
async def test_pages_never_lose_nor_double_a_record(way, amounts, given_at_once, trick, at, total, key):
    """However they come, all records count once; where somebody cannot tell, the answer is refused."""
    records = [{"id": f"r{n}", "nin": "1", "amount": amount} for n, amount in enumerate(amounts)]
    # A page that lacks a record or has one twice, and a record taken away, show only by the total that is stated.
    assume(trick in (None, "inserted") or total)
    client = Paged(records, given_at_once, trick, at)
    adapter = build(paged_manifest(way, total, key, given_at_once), client)
    subject = Identifier("UIN", "1")
    request = Fetch("probe", "person", (subject,), frozenset({"income_annual"}))
    try:
        answer = await adapter.fetch(request, Deadline.after(20))
    except SourceContractError:
        assert trick is not None
        return
    record = answer.records[subject]
    told = record.values["income_annual"] if record else 0
    allowed = {sum(amounts), sum(amounts) + 1000} if trick == "inserted" else {sum(amounts)}
    assert told in allowed

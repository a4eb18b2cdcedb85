"""The REST driver against registries nobody prepared for, each connected by the text of a manifest alone."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from pydantic import ValidationError

from standards.errors import SourceContractError, SourceError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason
from tests.contract.registries import connected, manifest_of

pytestmark = pytest.mark.contract

ONE_BY_ONE = """
speaks: rest
lookups:
  - {name: income, by: [TIN], attributes: [income_annual, tax_in_arrears, employer_name, taxpayer_status]}
rest:
  at_once: 3
  lookups:
    income:
      requests:
        - path: /taxpayers/{number}/income
          query: {year: 2025}
          found: taxpayer
          nobody: {status: [404], path: error.code, codes: [NO_SUCH_TAXPAYER]}
records:
  income:
    identifiers: {TIN: {path: tin, prefix: "PV-"}}
    as_of: {path: assessed, date: unix_s}
    attributes:
      income_annual: {path: income.cents, type: money, factor: 0.01, decimals: 0}
      tax_in_arrears: {path: arrears, type: boolean, codes: {J: "true", N: "false"}}
      employer_name: {path: employer, nothing: ["-", n/a]}
      taxpayer_status: {path: status, type: code, codes: {A: active, C: ceased}}
"""
PERSONS = {f"PV-{n}": {"tin": f"PV-{n}", "income": {"cents": n * 100_000}, "arrears": "N", "employer": "-",
                       "status": "A", "assessed": 1_700_000_000} for n in range(1, 40)}  # fmt: skip


async def taxpayer(request):
    """Answer about one taxpayer."""
    await asyncio.sleep(0)
    held = PERSONS.get(request.path.split("/")[3])
    if held is None:
        return web.json_response({"error": {"code": "NO_SUCH_TAXPAYER"}}, status=404)
    return web.json_response({"taxpayer": held})


async def test_people_are_asked_about_one_by_one_in_the_path():
    """The number with its prefix stands in the path; amounts, flags and codes come out in the catalogue's form."""
    async with connected(ONE_BY_ONE, taxpayer) as registry:
        told = await registry.fetch("TIN 7", "TIN 99")

    record = told["TIN 7"]
    assert record.identifiers == {"TIN": "7"}
    assert record.values == {"income_annual": 7000, "tax_in_arrears": False, "taxpayer_status": "active"}
    assert record.as_of == "2023-11-14T22:13:20+00:00"
    assert told["TIN 99"] is None
    assert sorted(request.path_qs for request in registry.server.asked) == [
        "/api/taxpayers/PV-7/income?year=2025",
        "/api/taxpayers/PV-99/income?year=2025",
    ]


async def test_no_more_are_under_way_than_is_declared():
    """Twenty people, three at once."""
    gate = asyncio.Event()
    arrived = asyncio.Semaphore(0)

    async def slowly(request):
        arrived.release()
        await gate.wait()
        return await taxpayer(request)

    async with connected(ONE_BY_ONE, slowly) as registry:
        asking = asyncio.ensure_future(registry.fetch(*(f"TIN {n}" for n in range(1, 21))))
        for _ in range(3):
            await arrived.acquire()
        gate.set()
        told = await asking

    assert all(told.values())
    assert registry.server.most_at_once == 3


async def holds_nobody(request):
    """Answer that nobody is a taxpayer."""
    return web.json_response({"error": {"code": "NO_SUCH_TAXPAYER"}}, status=404)


@pytest.mark.parametrize(
    "number", ["7/../9", "../9", "7?x=1", "7#a", "7%2F9", "7;DROP", "'OR'1'='1", '"}', "Ü7", "7&TIN=9", "7\u200b9"]
)
async def test_a_hostile_number_stays_one_segment_of_the_path(number):
    """Whatever it holds, nobody else is asked about and no other address."""
    async with connected(ONE_BY_ONE, holds_nobody) as registry:
        told = await registry.fetch(f"TIN {number}")

    [asked] = registry.server.asked
    assert told == {f"TIN {number}": None}
    assert asked.raw_path.count("/") == "/api/taxpayers/x/income".count("/")
    assert asked.match_info["tail"] == f"taxpayers/PV-{number}/income"
    assert dict(asked.query) == {"year": "2025"}


@pytest.mark.parametrize("number", [".", ".."])
async def test_a_number_that_would_lead_up_the_path_is_not_sent(number):
    """Servers follow such a segment even when it is escaped."""
    async with connected(ONE_BY_ONE.replace('{path: tin, prefix: "PV-"}', "{path: tin}"), holds_nobody) as registry:
        with pytest.raises(SourceContractError, match="cannot stand in an address"):
            await registry.fetch(f"TIN {number}")
    assert registry.server.asked == []


async def test_a_record_about_somebody_else_is_refused():
    """Also when that somebody was asked about too, by another call."""

    async def confused(request):
        return web.json_response({"taxpayer": PERSONS["PV-2"]})

    async with connected(ONE_BY_ONE, confused) as registry:
        with pytest.raises(SourceContractError) as caught:
            await registry.fetch("TIN 1", "TIN 2")
    assert caught.value.reason is UnavailableReason.WRONG_SUBJECT


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, "<html>no such page</html>", SourceContractError),
        (404, '{"error": {"code": "NO_SUCH_ROUTE"}}', SourceContractError),
        (200, "{}", SourceContractError),
        (200, '{"taxpayer": null}', SourceContractError),
        (200, '{"taxpayer": []}', SourceContractError),
        (200, '{"taxpayer": 7}', SourceContractError),
        (200, "", SourceContractError),
        (403, "{}", SourceRefusedError),
        (503, "", SourceUnavailableError),
        (302, "", SourceContractError),
    ],
)
async def test_nothing_but_its_own_word_means_nobody(status, body, error):
    """A wrong address, an empty answer, an outage: all are errors."""

    async def broken(request):
        return web.Response(status=status, text=body, headers={"Location": "/elsewhere"})

    async with connected(ONE_BY_ONE, broken) as registry:
        with pytest.raises(error):
            await registry.fetch("TIN 1")
    assert len(registry.server.asked) == 1


BATCH = """
speaks: rest
lookups:
  - name: person
    by: [UIN, BRN]
    identifiers: [UIN, BRN]
    attributes: [given_name, surname, birth_date, sex, phone_number]
    kin: true
rest:
  headers: {X-Partner: hearth}
  lookups:
    person:
      requests:
        - method: POST
          path: /people/_query
          headers: {X-Request-Id: "{transaction}"}
          types: {UIN: NIN, BRN: BIRTH_NO}
          body:
            criteria: [{kind: "{type}", id: "{number}"}]
            fields: "{names}"
            limit: 500
          found: data.people
          not_found: {UIN: data.missing.nin, BRN: data.missing.birth}
          total: data.count
          error: {path: status.code, success: ["0"], busy: [E-LOAD], down: [E-MAINT], refused: [E-AUTH]}
records:
  person:
    identifiers: {UIN: {path: nin}, BRN: {path: birth_no}}
    as_of: {path: changed}
    attributes:
      given_name: {path: full_name, words: all_but_last, case: title}
      surname: {path: full_name, words: last, case: title}
      birth_date: {path: born, type: date, date: day_first, calendar: ethiopian, required: true}
      sex: {path: sex, type: code, codes: {F: "2", M: "1"}}
      phone_number: {path: "phones[].number", type: list}
    kin:
      - {relation: PRN, path: mother, identifiers: {UIN: {path: nin}}, birth_date: {path: born}}
      - {relation: CHILD, path: children, identifiers: {UIN: {path: "@"}}}
"""
ASHA = {
    "nin": "100", "birth_no": "B-1", "full_name": "ASHA  LENKA MOYO", "born": "1/1/2000", "sex": "f",
    "changed": "2026-02-01T08:00:00Z", "phones": [{"number": "+1 55"}], "mother": {"nin": "50", "born": "1980-01-02"},
    "children": ["201", "202"],
}  # fmt: skip


def people(*found, missing=None, count=None, code="0"):
    """Return an answer of the batch registry."""
    data = {"people": list(found), "missing": missing or {"nin": [], "birth": []}}
    return web.json_response(
        {"status": {"code": code}, "data": data | {"count": len(found) if count is None else count}}
    )


async def test_one_body_asks_about_people_by_numbers_of_several_types():
    """Each subject is one entry of the list; only the fields wanted are asked for; the answer says who is missing."""

    async def answer(request):
        return people(ASHA, missing={"nin": [999], "birth": ["B-9"]})

    async with connected(BATCH, answer) as registry:
        told = await registry.fetch("UIN 100", "BRN B-9", "UIN 999", "BRN B-1", transaction_id="t-1")

    assert told["UIN 999"] is told["BRN B-9"] is None
    record = told["UIN 100"]
    assert record == told["BRN B-1"]
    assert record.values == {
        "given_name": "Asha Lenka", "surname": "Moyo", "birth_date": "2007-09-12", "sex": "2", "phone_number": ["+1 55"],
    }  # fmt: skip
    assert [(link.relation, dict(link.identifiers), link.birth_date) for link in record.links] == [
        ("PRN", {"UIN": "50"}, "1980-01-02"),
        ("CHILD", {"UIN": "201"}, None),
        ("CHILD", {"UIN": "202"}, None),
    ]
    body = json.loads(registry.server.bodies[0])
    assert body == {
        "criteria": [
            {"kind": "NIN", "id": "100"},
            {"kind": "BIRTH_NO", "id": "B-9"},
            {"kind": "NIN", "id": "999"},
            {"kind": "BIRTH_NO", "id": "B-1"},
        ],
        "fields": ["birth_no", "born", "changed", "children", "full_name", "mother", "nin", "phones", "sex"],
        "limit": 500,
    }
    [asked] = registry.server.asked
    assert (asked.headers["X-Partner"], asked.headers["X-Request-Id"]) == ("hearth", "t-1")


async def test_only_the_fields_wanted_are_asked_for_and_a_promise_about_others_is_not_missed():
    """`required` counts for what was asked for."""

    async def answer(request):
        return people({key: ASHA[key] for key in ("nin", "birth_no", "changed", "sex")})

    async with connected(BATCH, answer) as registry:
        told = await registry.fetch("UIN 100", names=["sex"])

    assert told["UIN 100"].values == {"sex": "2"}
    fields = json.loads(registry.server.bodies[0])["fields"]
    assert fields == ["birth_no", "changed", "children", "mother", "nin", "sex"]


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (people(), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (people(ASHA, count=2), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (people(ASHA, missing={"nin": ["100"]}), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (people(ASHA, missing={"nin": ["555"]}), SourceContractError, UnavailableReason.WRONG_SUBJECT),
        (people(ASHA | {"nin": "101"}), SourceContractError, UnavailableReason.WRONG_SUBJECT),
        (people(ASHA | {"born": "31/13/2000"}), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (people(ASHA, code="E-LOAD"), SourceUnavailableError, UnavailableReason.SOURCE_BUSY),
        (people(ASHA, code="E-MAINT"), SourceUnavailableError, UnavailableReason.SOURCE_DOWN),
        (people(ASHA, code="E-AUTH"), SourceRefusedError, UnavailableReason.SOURCE_REFUSED),
        (people(ASHA, code="E-17"), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
        (people(ASHA, code=""), SourceContractError, UnavailableReason.SOURCE_CONTRACT),
    ],
)  # fmt: skip
async def test_an_answer_that_is_not_what_was_promised_is_refused(answer, error, reason):
    """Somebody left out, a total that does not hold, error codes with status 200, a stranger, a day that is none."""

    async def same(request):
        return web.Response(body=answer.body, content_type="application/json")

    async with connected(BATCH, same) as registry:
        with pytest.raises(error) as caught:
            await registry.fetch("UIN 100")
    assert caught.value.reason is reason
    assert "100" not in str(caught.value)


SEPARATE = """
speaks: rest
lookups:
  - {name: pupil, by: [LEARNER_NUMBER, UIN], identifiers: [LEARNER_NUMBER, UIN], attributes: [school_name], as_of: true}
rest:
  lookups:
    pupil:
      requests:
        - by: [LEARNER_NUMBER]
          path: /pupils
          query: {no: "{numbers}", on: "{as_of}"}
          found: items
          pages: {by: next, next: links.next, key: id}
        - by: [UIN]
          path: /pupils
          query: {nid: "{numbers}", on: "{as_of}"}
          joined_by: null
          found: items
          null_means_none: true
          pages: {by: next, next: links.next, key: id}
records:
  pupil:
    silence: no_record
    identifiers: {LEARNER_NUMBER: {path: no}, UIN: {path: nid}}
    attributes:
      school_name: {path: school}
"""


async def test_types_can_have_requests_of_their_own_and_lists_be_joined_or_repeated():
    """A parameter without a value is left out; whom a registry leaves out it does not hold, if it was said so."""

    async def answer(request):
        if "no" in request.query:
            return web.json_response({"items": [{"id": 1, "no": "L1", "nid": "9", "school": "Hill"}], "links": {}})
        return web.json_response({"items": None, "links": {}})

    async with connected(SEPARATE, answer) as registry:
        told = await registry.fetch("LEARNER_NUMBER L1", "UIN 5", "LEARNER_NUMBER L2", "UIN 6")

    assert told["LEARNER_NUMBER L1"].values == {"school_name": "Hill"}
    assert [told[key] for key in ("LEARNER_NUMBER L2", "UIN 5", "UIN 6")] == [None, None, None]
    assert sorted(request.raw_path for request in registry.server.asked) == [
        "/api/pupils?nid=5&nid=6",
        "/api/pupils?no=L1%2CL2",
    ]


async def test_a_number_with_the_separator_in_it_never_becomes_two():
    """It cannot be asked about, and nobody else is."""

    async def answer(request):
        return web.json_response({"items": [], "links": {}})

    async with connected(SEPARATE, answer) as registry:
        with pytest.raises(SourceContractError) as caught:
            await registry.fetch("LEARNER_NUMBER L1,L2")
        told = await registry.fetch("UIN 5,6&nid=7")
    assert "L1" not in str(caught.value)
    assert told == {"UIN 5,6&nid=7": None}
    assert [list(request.query.items()) for request in registry.server.asked] == [[("nid", "5,6&nid=7")]]


async def test_next_links_are_followed_on_our_own_way_only():
    """Of a link only the query is used, whatever host it names; the day asked for stays in it by the registry's word."""
    pages = {
        None: ([{"id": 1, "no": "L1", "school": "Hill"}], "https://evil.example/steal?cursor=2"),
        "2": ([{"id": 2, "no": "L2", "school": "Dale"}, {"id": 1, "no": "L1", "school": "Hill"}], None),
    }

    async def answer(request):
        items, following = pages[request.query.get("cursor")]
        return web.json_response({"items": items, "links": {"next": following}})

    async with connected(SEPARATE, answer) as registry:
        told = await registry.fetch("LEARNER_NUMBER L1", "LEARNER_NUMBER L2")

    assert {key: record.values["school_name"] for key, record in told.items()} == {
        "LEARNER_NUMBER L1": "Hill",
        "LEARNER_NUMBER L2": "Dale",
    }
    assert told["LEARNER_NUMBER L1"].duplicates == ()
    assert [request.path_qs for request in registry.server.asked][1] == "/api/pupils?cursor=2"


async def test_links_that_lead_in_a_circle_are_refused():
    """There is an end to it, and it is no answer."""

    async def answer(request):
        return web.json_response({"items": [], "links": {"next": "/pupils?cursor=2"}})

    async with connected(SEPARATE, answer) as registry:
        with pytest.raises(SourceContractError, match="leads back"):
            await registry.fetch("LEARNER_NUMBER L1")
    assert len(registry.server.asked) == 2


PAGED = """
speaks: rest
lookups:
  - {{name: grants, by: [UIN], attributes: [income_annual]}}
rest:
  lookups:
    grants:
      requests:
        - path: /grants
          query: {{nin: "{{numbers}}", {parameters}}}
          found: rows
          {more}
          pages: {{size: 2, most: 6, {pages}}}
records:
  grants:
    several: together
    silence: no_record
    identifiers: {{UIN: {{path: nin}}}}
    attributes:
      income_annual: {{path: amount, type: money, combine: sum}}
"""
KINDS = {
    "page": ('page: "{page}", size: "{page_size}"', "total: total", "by: page, key: id"),
    "page_more": ('page: "{page}", size: "{page_size}"', "", "by: page, more: more"),
    "page_until_empty": ('page: "{page}", size: "{page_size}"', "", "by: page"),
    "offset": ('offset: "{offset}", size: "{page_size}"', "total: total", "by: offset"),
    "cursor": ('after: "{cursor}", size: "{page_size}"', "", "by: cursor, next: cursor"),
    "link_header": ('size: "{page_size}"', "", "by: link_header"),
}


class Grants:
    """Seven grants of two people, in pages of at most two, in every way of paging at once."""

    def __init__(self, rows=None, most=2):
        self.rows = rows or [{"id": n, "nin": "1" if n % 2 else "2", "amount": 10**n} for n in range(7)]
        self.most = most

    async def answer(self, request):
        query = request.query
        page, size = int(query.get("page", 1)), min(int(query.get("size", 2)), self.most)
        start = int(query.get("offset") or query.get("after") or (page - 1) * size)
        rows = self.rows[start : start + size]
        end = start + size
        is_more = end < len(self.rows)
        body = {"rows": rows, "total": len(self.rows), "more": is_more, "cursor": str(end) if is_more else None}
        link = f'<https://other.example/x?offset={end}>; rel="next", <https://other.example/x?offset=0>; rel=first'
        return web.json_response(body, headers={"Link": link} if is_more else {})


@pytest.mark.parametrize("kind", KINDS)
async def test_every_way_of_paging_reads_each_record_once(kind):
    """The sums are those of all records."""
    parameters, more, pages = KINDS[kind]
    text = PAGED.format(parameters=parameters, more=more, pages=pages)
    async with connected(text, Grants().answer) as registry:
        told = await registry.fetch("UIN 1", "UIN 2", "UIN 3")

    assert told["UIN 1"].values == {"income_annual": 10 + 1000 + 100_000}
    assert told["UIN 2"].values == {"income_annual": 1 + 100 + 10_000 + 1_000_000}
    assert told["UIN 3"] is None


@pytest.mark.parametrize("kind", KINDS)
async def test_more_pages_than_declared_are_refused(kind):
    """The answer is never cut."""
    parameters, more, pages = KINDS[kind]
    text = PAGED.format(parameters=parameters, more=more, pages=pages).replace("most: 6", "most: 2")
    async with connected(text, Grants().answer) as registry:
        with pytest.raises(SourceError, match="more pages"):
            await registry.fetch("UIN 1", "UIN 2")


async def test_a_registry_that_gives_fewer_a_page_than_asked_for_loses_nothing():
    """Its own limit counts, not the number that we asked for."""
    parameters, more, pages = KINDS["offset"]
    async with connected(PAGED.format(parameters=parameters, more=more, pages=pages).replace("most: 6", "most: 9"),
                         Grants(most=1).answer) as registry:  # fmt: skip
        told = await registry.fetch("UIN 1", "UIN 2")
    assert told["UIN 1"].values == {"income_annual": 101_010}


async def test_the_same_record_on_two_pages_counts_once_or_is_refused():
    """With a key it is one, and then the total does not hold; without a key nobody can tell."""
    moved = [{"id": n, "nin": "1", "amount": 5} for n in (0, 1, 1, 3)]
    for kind, said in (("page", "total"), ("page_until_empty", "same record")):
        parameters, more, pages = KINDS[kind]
        async with connected(PAGED.format(parameters=parameters, more=more, pages=pages),
                             Grants(moved).answer) as registry:  # fmt: skip
            with pytest.raises(SourceContractError, match=said):
                await registry.fetch("UIN 1")


async def test_two_records_under_one_key_are_refused_and_not_passed_over():
    """Else whoever shares a key with somebody else would read as nobody."""
    parameters, more, pages = KINDS["page_more"]
    text = PAGED.format(parameters=parameters, more=more, pages=f"{pages}, key: id")
    for rows in ([("a", "1"), ("a", "2")], [("a", "1"), ("b", "1"), ("a", "2")]):
        held = [{"id": id_, "nin": nin, "amount": 5} for id_, nin in rows]
        async with connected(text, Grants(held).answer) as registry:
            with pytest.raises(SourceContractError, match="key: one key, and two records"):
                await registry.fetch("UIN 1", "UIN 2")


async def test_links_may_stand_in_several_header_lines():
    """Whichever comes last: none of them is lost, and with it no page."""
    parameters, more, pages = KINDS["link_header"]
    lines = [("Link", '</x?offset=2>; rel="next"'), ("Link", "</x?offset=0>; rel=first"), ("Link", "</x>; rel=help")]

    async def answer(request):
        is_first = "offset" not in request.query
        rows = [{"id": 0, "nin": "1", "amount": 5}] if is_first else [{"id": 1, "nin": "2", "amount": 7}]
        response = web.json_response({"rows": rows})
        for name, line in lines if is_first else lines[1:]:
            response.headers.add(name, line)
        return response

    async with connected(PAGED.format(parameters=parameters, more=more, pages=pages), answer) as registry:
        told = await registry.fetch("UIN 1", "UIN 2")
    assert [told[one].values["income_annual"] for one in ("UIN 1", "UIN 2")] == [5, 7]


async def test_a_cursor_longer_than_any_is_not_sent_back():
    """What a registry writes decides how much it is told, within bounds."""
    parameters, more, pages = KINDS["cursor"]

    async def answer(request):
        return web.json_response({"rows": [], "cursor": "x" * 100_000})

    async with connected(PAGED.format(parameters=parameters, more=more, pages=pages), answer) as registry:
        with pytest.raises(SourceContractError, match="next: a cursor longer than any"):
            await registry.fetch("UIN 1")
    assert len(registry.server.asked) == 1


SILENT = """
speaks: rest
lookups:
  - {name: person, by: [UIN], attributes: [given_name]}
rest:
  lookups:
    person: {requests: [{path: /people, query: {nin: "{numbers}"}, found: people, null_means_none: true}]}
records:
  person: {silence: no_record, identifiers: {UIN: {path: nin}}, attributes: {given_name: {path: first}}}
"""


@pytest.mark.parametrize(
    ("body", "status", "content_type", "said"),
    [
        ({"people": []}, 202, "application/json", "status: 202"),
        ({"people": []}, 206, "application/json", "status: 206"),
        ({"type": "about:blank", "title": "Broken", "status": 500}, 200, "application/problem+json", "a problem"),
        ({"people": [], "title": "Broken"}, 200, "application/problem+json; charset=utf-8", "a problem"),
        ({"type": "about:blank", "title": "Broken", "status": 500}, 200, "application/json", "an error in its place"),
        ({"error": {"code": "Asha Moyo"}}, 200, "application/json", "an error in its place, unnamed error"),
        ({"errors": [{"code": "ERR_DOWN"}], "people": None}, 200, "application/json", "in its place, ERR_DOWN"),
        ({"error": "Asha Moyo"}, 200, "text/html", "an error in its place"),
    ],
)
async def test_an_error_under_a_status_of_success_is_not_nobody(body, status, content_type, said):
    """Though the manifest lets it say so by silence; nor is what comes later, or in parts."""

    async def answer(request):
        return web.Response(body=json.dumps(body).encode(), status=status, headers={"Content-Type": content_type})

    async with connected(SILENT, answer) as registry:
        with pytest.raises(SourceContractError, match=said) as caught:
            await registry.fetch("UIN 1")
    assert "Asha" not in str(caught.value)


async def test_where_the_manifest_says_what_an_error_is_nothing_else_is_one():
    """Some state one beside every answer, with a code that means success."""

    async def answer(request):
        return web.json_response({"people": None, "error": {"code": int(request.query["nin"]) - 1, "text": "fine"}})

    stated = "null_means_none: true, error: {path: error.code, success: ['0']}"
    async with connected(SILENT.replace("null_means_none: true", stated), answer) as registry:
        assert await registry.fetch("UIN 1") == {"UIN 1": None}
        with pytest.raises(SourceContractError, match="error"):
            await registry.fetch("UIN 2")


@pytest.mark.parametrize("body", [{"people": []}, {"people": None}, {}, {"people": [], "error": None}])
async def test_silence_is_nobody_where_the_manifest_says_so(body):
    """So that the refusals above are about the error, and nothing else."""

    async def answer(request):
        return web.json_response(body)

    async with connected(SILENT, answer) as registry:
        assert await registry.fetch("UIN 1") == {"UIN 1": None}


async def test_more_records_than_anybody_asked_for_are_not_looked_into():
    """They are counted first: two bytes of each would take two hundred."""

    async def answer(request):
        return web.Response(body=b'{"people": [' + b"{}," * 60_000 + b"{}]}", content_type="application/json")

    async with connected(SILENT, answer) as registry:
        with pytest.raises(SourceContractError, match="more records than anybody asked for"):
            await registry.fetch("UIN 1")


@pytest.mark.parametrize("nobody", ["{status: [204]}", "{status: [204, 404], path: error.code, codes: [X]}"])
async def test_no_content_can_mean_nobody_where_the_manifest_says_so(nobody):
    """It cannot hold a code; everywhere else it is no answer."""

    async def answer(request):
        return web.Response(status=204)

    stated = ONE_BY_ONE[ONE_BY_ONE.index("nobody: ") : ONE_BY_ONE.index("\nrecords")]
    async with connected(ONE_BY_ONE.replace(stated, f"nobody: {nobody}"), answer) as registry:
        assert await registry.fetch("TIN 7") == {"TIN 7": None}
    async with connected(ONE_BY_ONE, answer) as registry:
        with pytest.raises(SourceContractError, match="not JSON"):
            await registry.fetch("TIN 7")


@pytest.mark.parametrize(
    "headers", ['{Content-Length: "0"}', "{Host: x}", "{transfer-encoding: chunked}", '{X-A: "a\\r\\nX-B: c"}']
)
def test_a_manifest_sets_no_header_by_which_messages_are_told_apart(headers):
    """Nor one that is two; it is found when the manifest is read."""
    with pytest.raises(ValidationError):
        manifest_of(
            SILENT.replace("  lookups:\n    person: {req", f"  headers: {headers}\n  lookups:\n    person: {{req")
        )


TRAITS = """
speaks: rest
issues: [FARMER_ID]
lookups:
  - name: seek
    identifiers: [FARMER_ID]
    by_traits:
      most: 3
      blocks: [[surname, birth_date], [name_sound, birth_year]]
      traits:
        surname: {path: last}
        given_name: {path: first}
        birth_date: {path: born, type: date, date: compact}
        sex: {path: sex, type: code, codes: {V: "2", M: "1"}}
  - {name: farm, by: [FARMER_ID], attributes: [land_area_ha]}
rest:
  lookups:
    seek:
      requests:
        - path: /farmers
          query: {last: "{surname}", born: "{birth_date}", page: "{page}"}
          found: rows
          pages: {by: page, size: 2}
        - method: POST
          path: /farmers/_like
          form: {sound: "{name_sound}", year: "{birth_year}"}
          found: rows
    farm:
      requests:
        - path: /farms/{number}
records:
  seek:
    identifiers: {FARMER_ID: {path: no}}
  farm:
    identifiers: {FARMER_ID: {path: no}}
    attributes:
      land_area_ha: {path: m2, type: decimal, factor: 0.0001, decimals: 4}
"""


def farmer(number, **more):
    """Return a farmer."""
    return {"no": number, "first": "Asha", "last": "Moyo", "born": "19900203", "sex": "V"} | more


async def test_candidates_are_looked_for_by_the_first_block_that_is_known():
    """In the registry's own spelling, in pages until there are enough; the second block takes what is made of traits."""

    async def answer(request):
        if request.method == "POST":
            return web.json_response({"rows": [farmer("F9", sex="?")]})
        page = int(request.query["page"])
        rows = [farmer(f"F{n}") for n in (2 * page - 1, 2 * page)]
        return web.json_response({"rows": rows if request.query["last"] == "Moyo" and page < 9 else []})

    async with connected(TRAITS, answer) as registry:
        known = {"surname": "Moyo", "birth_date": "1990-02-03", "given_name": "Asha"}
        told = await registry.candidates(known, {**known, "surname": "Banda & O'Neil"}, {"surname": "Moyo"})

    [many, none, unknown] = told.found
    assert [dict(one.identifiers) for one in many] == [{"FARMER_ID": "F1"}, {"FARMER_ID": "F2"}, {"FARMER_ID": "F3"}]
    assert many[0].traits == {"surname": "Moyo", "given_name": "Asha", "birth_date": "1990-02-03", "sex": "2"}
    assert (none, unknown) == ((), ())
    assert told.cut == (True, False, True)
    hostile = [request for request in registry.server.asked if request.query.get("last") == "Banda & O'Neil"]
    assert [request.query["born"] for request in hostile] == ["19900203"]


async def test_traits_made_of_others_are_asked_for():
    """The sound of a surname, and the year of a birth date."""

    async def answer(request):
        return web.json_response({"rows": [farmer("F9", sex="?")]})

    text = TRAITS.replace(
        "blocks: [[surname, birth_date], [name_sound, birth_year]]", "blocks: [[name_sound, birth_year]]"
    )
    text = text.replace(text[text.index("        - path: /farmers\n") : text.index("        - method: POST")], "")
    async with connected(text, answer) as registry:
        told = await registry.candidates({"surname": "Moyo", "birth_date": "1990-02-03"})

    assert registry.server.bodies == [b"sound=MY&year=1990"]
    assert told.cut == (False,)
    assert "sex" not in told.found[0][0].traits

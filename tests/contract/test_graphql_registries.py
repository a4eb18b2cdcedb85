"""The GraphQL driver against registries nobody prepared for, each connected by the text of a manifest alone."""

from __future__ import annotations

import json

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.generic.graphql.options import GraphQlRequest
from standards.errors import ConfigurationError, SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason
from tests.contract.registries import connected
from tests.contract.small_graphql import Endpoint

pytestmark = pytest.mark.contract

HOUSING = """
speaks: graphql
lookups:
  - name: dwelling
    by: [UIN]
    attributes: [locality, address_line, land_area_ha, land_tenure, phone_number]
graphql:
  path: /graphql
  lookups:
    dwelling:
      requests:
        - field: registry.dwellings
          arguments:
            where: {type: "DwellingFilter!", value: {resident: {in: "{numbers}"}}}
            first: {type: Int, value: "{page_size}"}
            after: {type: String, value: "{cursor}"}
          answer: ANSWER
          total: totalCount
          pages: {size: 2, key: id}
records:
  dwelling:
    silence: no_record
    identifiers: {UIN: {path: resident.nin}}
    as_of: {path: surveyed}
    attributes:
      locality: {path: place.village}
      address_line: {path: "place.lines[0].text"}
      land_area_ha: {path: "rooms[?kind=='plot'].m2 | [0]", type: decimal, factor: 0.0001}
      land_tenure: {path: tenure, type: code, codes: {OWNED: "1"}}
      phone_number: {path: "phones[].number", type: list}
"""


def dwelling(n, **more):
    """Return a dwelling as the registry holds it."""
    return {
        "id": f"d{n}", "resident": {"nin": str(n)}, "surveyed": "2026-01-01", "tenure": "OWNED",
        "place": {"village": f"V{n}", "lines": [{"text": "1 Hill"}], "secret": "s"},
        "rooms": [{"kind": "room", "m2": 9}, {"kind": "plot", "m2": 500}], "phones": [{"number": "+1"}],
    } | more  # fmt: skip


class Housing(Endpoint):
    """Five dwellings, as a connection."""

    def __init__(self, dwellings=None, wrong_total=0):
        self.held = [dwelling(n) for n in range(1, 6)] if dwellings is None else dwellings
        self.wrong_total = wrong_total
        super().__init__({"registry": {"dwellings": self.dwellings}})

    def dwellings(self, where, first=None, after=None):
        wanted = set(where["resident"]["in"])
        found = [one for one in self.held if one["resident"]["nin"] in wanted]
        start = int(after or 0)
        page = found[start : start + (first or 100)]
        is_more = start + len(page) < len(found)
        return {
            "totalCount": len(found) + self.wrong_total,
            "pageInfo": {"hasNextPage": is_more, "endCursor": str(start + len(page)) if page else None},
            "nodes": page,
            "edges": [{"node": one, "cursor": "x"} for one in page],
        }


@pytest.mark.parametrize("form", ["nodes", "edges"])
async def test_a_connection_is_read_to_its_end(form):
    """Numbers go as variables; the selection follows from the paths; pages are asked for until there are no more."""
    endpoint = Housing()
    async with connected(HOUSING.replace("ANSWER", form), endpoint.answer) as registry:
        told = await registry.fetch("UIN 1", "UIN 2", "UIN 3", "UIN 4", "UIN 9")

    assert told["UIN 9"] is None
    assert told["UIN 3"].values == {
        "locality": "V3", "address_line": "1 Hill", "land_area_ha": 0.05, "land_tenure": "1", "phone_number": ["+1"],
    }  # fmt: skip
    assert told["UIN 3"].as_of == "2026-01-01"
    assert endpoint.variables == [
        {"where": {"resident": {"in": ["1", "2", "3", "4", "9"]}}, "first": 2},
        {"where": {"resident": {"in": ["1", "2", "3", "4", "9"]}}, "first": 2, "after": "2"},
    ]
    assert len(set(endpoint.queries)) == 1
    assert "secret" not in endpoint.queries[0]


async def test_only_what_is_wanted_is_selected():
    """Of a record, the numbers, its date and the attributes asked for."""
    endpoint = Housing()
    async with connected(HOUSING.replace("ANSWER", "nodes"), endpoint.answer) as registry:
        told = await registry.fetch("UIN 1", names=["locality"])

    assert told["UIN 1"].values == {"locality": "V1"}
    selected = "id place { village } resident { nin } surveyed"
    connection = f"totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {selected} }}"
    arguments = "where: $where, first: $first, after: $after"
    declared = "$where: DwellingFilter!, $first: Int, $after: String"
    query = f"query Hearth({declared}) {{ registry {{ dwellings({arguments}) {{ {connection} }} }} }}"
    assert endpoint.queries == [query]


@given(number=st.text(min_size=1, max_size=20).filter(lambda text: "".join(text.split())))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_hostile_number_stays_a_variable(number):
    """Whatever it is, the text of the query is the same, and the number one value."""
    endpoint = Housing([])
    async with connected(HOUSING.replace("ANSWER", "nodes"), endpoint.answer) as registry:
        told = await registry.fetch(f"UIN {number}", names=["locality"])

    assert set(told.values()) == {None}
    assert endpoint.variables[0]["where"] == {"resident": {"in": [number]}}
    assert number not in endpoint.queries[0] or len(number) < 3


def answering(content, status=200):
    """Return a handler that always answers the same."""

    async def answer(request):
        return web.Response(text=content if isinstance(content, str) else json.dumps(content), status=status)

    return answer


def connection(*nodes, **more):
    """Return an answer with a connection."""
    page = {"totalCount": len(nodes), "pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": list(nodes)}
    return {"data": {"registry": {"dwellings": page | more}}}


@pytest.mark.parametrize(
    ("content", "status", "error", "reason"),
    [
        (connection(dwelling(1)) | {"errors": [{"message": "1 is odd"}]}, 200, SourceContractError, "source_contract"),
        ({"errors": [{"extensions": {"code": "FORBIDDEN"}}], "data": None}, 200, SourceRefusedError, "source_refused"),
        ({"errors": [{"extensions": {"code": "RATE_LIMITED"}}]}, 429, SourceUnavailableError, "source_busy"),
        ({"errors": [{"extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, 200, SourceUnavailableError, "source_down"),
        ({"errors": {"extensions": 7}}, 200, SourceContractError, "source_contract"),
        (connection(dwelling(1)) | {"errors": {}}, 200, SourceContractError, "source_contract"),
        (connection(dwelling(1)) | {"errors": ""}, 200, SourceContractError, "source_contract"),
        ({"data": None}, 200, SourceContractError, "source_contract"),
        ({"data": {"registry": None}}, 200, SourceContractError, "source_contract"),
        ({"data": {"registry": {}}}, 200, SourceContractError, "source_contract"),
        ({"data": {"registry": {"dwellings": None}}}, 200, SourceContractError, "source_contract"),
        (connection(None), 200, SourceContractError, "source_contract"),
        (connection(dwelling(1), totalCount=2), 200, SourceContractError, "source_contract"),
        (connection(dwelling(1), totalCount=None), 200, SourceContractError, "source_contract"),
        (connection(dwelling(1), pageInfo=None), 200, SourceContractError, "source_contract"),
        (connection(dwelling(1), pageInfo={"hasNextPage": True}), 200, SourceContractError, "source_contract"),
        (connection(dwelling(2)), 200, SourceContractError, "wrong_subject"),
        (connection(dwelling(1, id=None)), 200, SourceContractError, "source_contract"),
        ("<html>", 200, SourceContractError, "source_contract"),
        ("", 502, SourceUnavailableError, "source_down"),
    ],
)
async def test_an_answer_that_is_not_whole_is_refused(content, status, error, reason):
    """Partial data with errors, a part that is missing, a total that does not hold, somebody else."""
    async with connected(HOUSING.replace("ANSWER", "nodes"), answering(content, status)) as registry:
        with pytest.raises(error) as caught:
            await registry.fetch("UIN 1")
    assert caught.value.reason == UnavailableReason(reason)
    assert "odd" not in str(caught.value)


async def test_pages_without_end_are_refused():
    """A cursor that comes again leads round in a circle."""
    page = {"hasNextPage": True, "endCursor": "2"}
    async with connected(
        HOUSING.replace("ANSWER", "nodes"), answering(connection(dwelling(1), pageInfo=page))
    ) as registry:
        with pytest.raises(SourceContractError, match="leads back"):
            await registry.fetch("UIN 1")
    assert len(registry.server.asked) == 2


async def test_a_connection_that_is_not_paged_must_be_whole():
    """What is not asked for page by page is refused when there is more."""
    text = HOUSING.replace("ANSWER", "nodes").replace("pages: {size: 2, key: id}", "")
    text = text.replace('            after: {type: String, value: "{cursor}"}\n', "").replace('"{page_size}"', "2")
    async with connected(text, Housing().answer) as registry:
        assert (await registry.fetch("UIN 1"))["UIN 1"] is not None
        with pytest.raises(SourceContractError, match="there is more"):
            await registry.fetch("UIN 1", "UIN 2", "UIN 3")


SINGLE = """
speaks: graphql
issues: [BENEFICIARY_ID]
lookups:
  - {name: person, by: [BENEFICIARY_ID], attributes: [given_name]}
  - name: seek
    identifiers: [BENEFICIARY_ID]
    by_traits:
      most: 2
      blocks: [[surname, birth_date]]
      traits: {surname: {path: name.family}, birth_date: {path: born, type: date}}
graphql:
  path: /api
  errors: {nobody: [NOT_FOUND]}
  lookups:
    person:
      requests:
        - {field: person, answer: one, null_is_nobody: true, arguments: {no: {type: "ID!", value: "{number}"}}}
    seek:
      requests:
        - field: people
          arguments:
            by: {type: PersonFilter!, value: {family: "{surname}", born: "{birth_date}"}}
records:
  person:
    identifiers: {BENEFICIARY_ID: {path: no, prefix: "B-"}}
    attributes: {given_name: {path: name.given}}
  seek:
    identifiers: {BENEFICIARY_ID: {path: no, prefix: "B-"}}
"""


async def test_one_by_one_null_or_a_code_may_mean_nobody():
    """Where the manifest says so, and nowhere else."""

    async def answer(request):
        number = json.loads(await request.read())["variables"]["no"]
        if number == "B-404":
            return web.json_response({"errors": [{"extensions": {"code": "NOT_FOUND"}}], "data": {"person": None}})
        held = {"no": number, "name": {"given": "Asha"}} if number == "B-1" else None
        return web.json_response({"data": {"person": held}})

    async with connected(SINGLE, answer) as registry:
        told = await registry.fetch("BENEFICIARY_ID 1", "BENEFICIARY_ID 2", "BENEFICIARY_ID 404")

    assert told["BENEFICIARY_ID 1"].values == {"given_name": "Asha"}
    assert [told["BENEFICIARY_ID 2"], told["BENEFICIARY_ID 404"]] == [None, None]


@pytest.mark.parametrize(
    "content",
    [
        {"errors": [{"extensions": {"code": "NOT_FOUND"}}], "data": {"person": {"no": "B-1", "name": None}}},
        {"errors": [{"extensions": {"code": "NOT_FOUND"}}, {"message": "x"}], "data": {"person": None}},
        {"data": {"person": []}},
        {"data": {"person": [{"no": "B-1", "name": {"given": "Asha"}}]}},
    ],
)
async def test_a_part_that_is_not_found_is_not_a_person_who_is_not_held(content):
    """Nor is a list where one record was promised."""
    async with connected(SINGLE, answering(content)) as registry:
        with pytest.raises(SourceContractError, match=r"errors, |person: not what `answer: one` says"):
            await registry.fetch("BENEFICIARY_ID 1")


async def test_candidates_are_looked_for_by_variables():
    """Of them the number and the traits are selected."""
    endpoint = Endpoint({
        "people": lambda by: [
            {"no": f"B-{n}", "name": {"family": by["family"], "given": "x"}, "born": by["born"]} for n in range(3)
        ]
    })  # fmt: skip
    async with connected(SINGLE, endpoint.answer) as registry:
        registry.lookup = "seek"
        told = await registry.candidates({"surname": 'Mo"yo}', "birth_date": "1990-02-03"}, {"surname": "Moyo"})

    assert [dict(one.identifiers) for one in told.found[0]] == [{"BENEFICIARY_ID": "0"}, {"BENEFICIARY_ID": "1"}]
    assert told.found[0][0].traits == {"surname": 'Mo"yo}', "birth_date": "1990-02-03"}
    assert told.cut == (True, True)
    assert "given" not in endpoint.queries[0]


@pytest.mark.parametrize("text", ["roof { kind } } others { id", "roof }", "roof { kind"])
def test_a_selection_ends_nothing_but_what_it_begins(text):
    """Else it could ask for something beside the records."""
    with pytest.raises(ValidationError, match="braces do not match"):
        GraphQlRequest.model_validate(
            {"field": "people", "arguments": {"n": {"type": "ID!", "value": "{number}"}}, "select": {"roof": text}}
        )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("place.village", '"sort_by(place, &x)[0].y"', "select"),
        ("{numbers}", "{names}", "names"),
        ("{numbers}", "all", "asks about nobody"),
        ("{cursor}", "{page}", "page"),
        ('"{cursor}"', "null", "cursor"),
        ('"{cursor}"', "{after: '{cursor}', 1: 2}", "is JSON, and this is none"),
    ],
)
async def test_a_query_that_cannot_be_is_found_at_start(old, new, said):
    """With what to change."""
    text = HOUSING.replace("ANSWER", "nodes").replace(old, new)
    with pytest.raises(ConfigurationError, match=said):
        async with connected(text, answering({})):
            pass

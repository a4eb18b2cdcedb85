"""Dialects by configuration: what is asked in each, and what of each is understood."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from adapters.generic.dci.dialects import GENERATIONS, PRESETS, Dialect, spoken
from adapters.ports import Deadline, Response, SearchFetch
from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.filters import Any_, Comparison, Every
from standards.permit import Operator
from standards.states import UnavailableReason
from tests.fakes import InMemoryClient
from tests.unit.adapters.builders import fetch, manifest_of
from tests.unit.adapters.generic.dci.dialects import (
    ASHA,
    JUMA,
    answer,
    dialect_manifest,
    driver,
    one_item,
    person,
    whole,
)

LONG = Deadline.after(3600)
BIRTH = {"reg_event_type": "birth"}


async def asked(manifest, *subjects, transaction_id="txn-1"):
    """Return path and message of a question, which is answered with nobody."""
    subjects = subjects or (ASHA,)
    items = [one_item(f"m-{place}", registry_data={"data": []}) for place in range(1, len(subjects) + 1)]
    client = InMemoryClient([answer(whole(*items))])
    await driver(manifest, client).fetch(fetch(subjects=subjects)._replace(transaction_id=transaction_id), LONG)
    [sent] = client.sent
    return sent.path, orjson.loads(sent.body or b"")


async def told(body, manifest=None, subjects=(ASHA,), **response):
    """Return what the driver makes of an answer: given names, or None for nobody, in the order asked."""
    given = body if isinstance(body, Response) else answer(body, **response)
    adapter = driver(manifest or dialect_manifest(), InMemoryClient([given]))
    records = (await adapter.fetch(fetch(subjects=subjects, names=("given_name",)), LONG)).records
    return [record and record.values["given_name"] for record in records.values()]


def test_without_a_word_everything_is_as_the_release_has_it():
    """The newest two generations are the default; quirks outrank the product, and that the generation."""
    assert spoken("g4", None, Dialect()) == spoken("g5", None, Dialect()) == Dialect()
    assert spoken("g2", None, Dialect()).criteria == "event_type"
    assert spoken("g2", "opencrvs-2024", Dialect()).criteria == "both"
    assert spoken("g2", "opencrvs-2024", Dialect(criteria="record_type")).criteria == "record_type"


@pytest.mark.parametrize("stated", [*GENERATIONS.values(), *PRESETS.values()])
def test_every_bundle_names_options_that_there_are(stated):
    """And means something by them."""
    assert set(stated) <= set(Dialect.model_fields)
    assert Dialect(**stated) == Dialect() if not stated else Dialect(**stated) != Dialect()


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "/registry/sync/search"),
        ({"path": "/sr/sync/search"}, "/sr/sync/search"),
        ({"quirks": Dialect(prefix="/sr")}, "/sr/sync/search"),
        ({"preset": "openspp2"}, "/dci_api/v1/registry/sync/search"),
        ({"preset": "openg2p-2026"}, "/dci/sync/search"),
        ({"preset": "openimis"}, "/api/api_dci/registry/sync/search"),
    ],
)
async def test_each_product_listens_at_its_own_path(options, path):
    """A single path outranks the dialect's."""
    assert (await asked(dialect_manifest(**options)))[0] == path


@pytest.mark.parametrize(
    ("options", "carried"),
    [
        ({"dialect": "g2"}, {"reg_event_type"}),
        ({"dialect": "g3"}, {"reg_event_type"}),
        ({"dialect": "g4"}, {"reg_record_type"}),
        ({"dialect": "g5"}, {"reg_record_type"}),
        ({"preset": "opencrvs-1.9"}, {"reg_event_type", "reg_record_type"}),
    ],
)
async def test_criteria_carry_what_the_generation_carries(options, carried):
    """An event, a kind of record, or both."""
    _, body = await asked(dialect_manifest(BIRTH, **options))
    criteria = body["message"]["search_request"][0]["search_criteria"]

    assert {name for name in criteria if name in {"reg_event_type", "reg_record_type"}} == carried
    assert criteria.get("reg_event_type", "birth") == "birth"


async def test_a_lookup_may_have_a_registry_type_of_its_own():
    """A product of 2024 keeps births and deaths under different ones."""
    lookup = BIRTH | {"reg_type": "ocrvs:registry_type:birth"}
    _, body = await asked(dialect_manifest(lookup, preset="opencrvs-2024"))

    assert body["message"]["search_request"][0]["search_criteria"]["reg_type"] == "ocrvs:registry_type:birth"


async def test_the_legacy_form_of_a_query_holds_whatever_it_is_given():
    """`{type, value: {id_type, id_value}}`; nothing breaks out of it."""
    manifest = dialect_manifest(quirks=Dialect(query_form="nested", query_type="idtype"))
    _, body = await asked(manifest, ASHA._replace(value='9"}}'))
    criteria = body["message"]["search_request"][0]["search_criteria"]

    assert criteria["query_type"] == "idtype"
    assert criteria["query"] == {"type": "idtype-value", "value": {"id_type": "UIN", "id_value": '9"}}'}}


async def test_a_transaction_may_be_a_number_and_stays_the_same():
    """Made from the id, so that both messages of one transaction belong together, and no two others do."""
    manifest = dialect_manifest(preset="spdci-mockups")
    numbers = [
        (await asked(manifest, transaction_id=id_))[1]["message"]["transaction_id"] for id_ in ("a", "a", "b", "")
    ]

    assert all(type(number) is int and number >= 0 for number in numbers)
    assert numbers[0] == numbers[1]
    assert len(set(numbers)) == 3


@pytest.mark.parametrize(("place", "inside"), [("inside", True), ("beside", False)])
async def test_a_consent_stands_where_the_registry_looks_for_it(place, inside):
    """In the criteria by the release, beside them by others; none where none is stated."""
    stated = {"code": "eligibility", "ref_uri": "https://gateway.example/purposes"}
    manifest = dialect_manifest(consent=stated, quirks=Dialect(consent_place=place))
    item = (await asked(manifest, ASHA, JUMA))[1]["message"]["search_request"][1]
    found = item["search_criteria"] if inside else item

    assert found["consent"]["purpose"] == stated
    assert "consent" not in (item if inside else item["search_criteria"])
    assert "consent" not in str((await asked(dialect_manifest()))[1])


async def test_the_locale_is_the_registry_s():
    """Two letters for a product that takes no others."""
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "eng"),
        ({"preset": "openg2p-2026"}, "en"),
        ({"locale": "fra"}, "fra"),
    ]
    for options, locale in cases:
        _, body = await asked(dialect_manifest(**options))
        assert body["message"]["search_request"][0]["locale"] == locale


# -- answers


@pytest.mark.parametrize(
    "header", [{"action": "search"}, {"status": "success"}, {"sender_id": "hearth", "receiver_id": "probe"}, {}]
)
async def test_what_a_header_says_besides_does_not_matter(header):
    """Actions, statuses and ids that others would not write."""
    assert await told(whole(one_item("m-1", person()), **header)) == ["Asha"]


@pytest.mark.parametrize("status", ["succ", "success", "SUCC", "Success"])
async def test_words_for_success_are_understood(status):
    """In any case."""
    assert await told(whole(one_item("m-1", person(), status=status))) == ["Asha"]


async def test_ack_is_success_only_where_it_is_known_to_be():
    """Elsewhere it may mean that the question has arrived, and nothing else."""
    body = whole(one_item("m-1", person(), status="ack"))

    assert await told(body, dialect_manifest(preset="spdci-mockups")) == ["Asha"]
    with pytest.raises(SourceContractError, match="item: ack"):
        await told(body)


async def test_records_may_lie_elsewhere():
    """As one product has it; the usual place is then empty."""
    item = {"reference_id": "m-1", "status": "success", "registry_data": {"data": [person()]}}
    manifest = dialect_manifest(preset="openimis")

    assert await told(whole(item), manifest) == ["Asha"]
    with pytest.raises(SourceContractError):
        await told(whole(one_item("m-1", person())), manifest)


@pytest.mark.parametrize(
    ("records", "expected"),
    [([person()], ["Asha"]), (person(), ["Asha"]), ({"@graph": [person()]}, ["Asha"]), ({}, [None]), ([], [None])],
)
async def test_records_are_an_array_an_object_or_a_graph(records, expected):
    """Generations and registry types differ."""
    assert await told(whole(one_item("m-1") | {"data": {"reg_records": records}})) == expected


async def test_a_message_without_its_envelope_is_taken_only_from_whom_it_is_expected():
    """Nothing is guessed."""
    bare = {"transaction_id": 1, "correlation_id": "c", "search_response": {"data": {"reg_records": [person()]}}}

    assert await told(bare, dialect_manifest(preset="spdci-mockups")) == ["Asha"]
    with pytest.raises(SourceContractError):
        await told(bare)


async def test_an_item_without_reference_answers_the_only_question_and_no_other():
    """Of two questions nobody could say which one it is."""
    manifest = dialect_manifest(preset="spdci-mockups")
    item = {"status": "succ", "data": {"reg_records": [person()]}}

    assert await told(whole(item), manifest) == ["Asha"]
    with pytest.raises(SourceContractError, match="reference_id"):
        await told(whole(item), manifest, subjects=(ASHA, JUMA))
    with pytest.raises(SourceContractError, match="reference_id"):
        await told(whole(item))


async def test_more_records_than_came_are_no_answer():
    """A cut answer never reads as whole."""
    item = one_item("m-1", person(), pagination={"page_size": 1, "page_number": 1, "total_count": 2})

    with pytest.raises(SourceContractError, match="more records than came"):
        await told(whole(item))


# -- nobody, and faults that look like it


@pytest.mark.parametrize("preset", ["opencrvs-2024", "opencrvs-1.9"])
async def test_whom_a_known_product_leaves_out_it_does_not_hold(preset):
    """All of them, or one of two."""
    manifest = dialect_manifest(BIRTH, preset=preset)

    assert await told(whole(), manifest) == [None]
    assert await told(whole(one_item("m-1", person())), manifest, subjects=(ASHA, JUMA)) == ["Asha", None]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"header": {"status": "succ"}},
        {"header": {"status": "rjct"}, "message": {"search_response": []}},
        {"header": {"status": "pdng"}, "message": {"search_response": []}},
        {"header": {"status": "succ"}, "message": {}},
        {"header": {"status": "succ"}, "message": {"search_response": None}},
        {"header": {"status": "succ"}, "message": {"search_response": ""}},
        {"error": {"code": 500, "message": "down"}, "message": {"search_response": []}},
        {"errors": [{"code": "err.service.unavailable"}], "message": {"search_response": []}},
    ],
)
@pytest.mark.parametrize("preset", [None, "opencrvs-2024", "spdci-mockups"])
async def test_a_fault_is_never_nobody(body, preset):
    """Also not from a product that leaves out whom it does not hold."""
    manifest = dialect_manifest(BIRTH, preset=preset)
    with pytest.raises((SourceContractError, SourceUnavailableError)):
        await told(body, manifest)


ERRORS = [
    ({"errors": [{"code": "err.request.forbidden", "message": "Asha"}]}, SourceRefusedError, "err.request.forbidden"),
    ({"message": {"ack_status": "ERR", "error": {"code": "err.signature.invalid"}}}, SourceRefusedError, "signature"),
    ({"error": {"code": 429, "message": "Asha"}}, SourceUnavailableError, "429"),
    ({"type": "about:blank", "title": "Down", "status": 503}, SourceUnavailableError, "503"),
    ({"error": "Asha Moyo"}, SourceContractError, "unnamed error"),
    ({"errors": [{"code": "REQ-VAL-001", "message": "Asha"}]}, SourceContractError, "REQ-VAL-001"),
    ({"error": {"code": "2000000014"}}, SourceContractError, "unnamed error"),
]


@pytest.mark.parametrize(("body", "error", "code"), ERRORS)
async def test_an_error_in_place_of_an_answer_says_who_must_act(body, error, code):
    """Whatever form it has; its text is never shown."""
    with pytest.raises(error, match=code) as caught:
        await told(body)

    assert "Asha" not in str(caught.value)
    assert ASHA.value not in str(caught.value)


@pytest.mark.parametrize(("body", "_error", "code"), [one for one in ERRORS if "unnamed" not in one[2]])
async def test_a_status_decides_and_the_code_is_shown(body, _error, code):
    """Of an error that comes with the status it deserves."""
    with pytest.raises(SourceContractError, match="status 422") as caught:
        await told(body, status=422)

    assert code in caught.value.detail


async def test_a_plain_text_says_no_more_than_its_status():
    """It may quote anything."""
    with pytest.raises(SourceUnavailableError) as caught:
        await told(Response(503, "text/plain", b"Asha Moyo is not here"))

    assert caught.value.detail == "status 503"


async def test_an_error_beside_an_acknowledgement_is_no_error():
    """Some products state one with every acknowledgement; a code of 5xx means that it may pass."""
    with pytest.raises(SourceContractError, match="search_response"):
        await told({"message": {"ack_status": "ACK", "correlation_id": "c", "error": {"code": "err.request.bad"}}})
    with pytest.raises(SourceUnavailableError) as caught:
        await told({"error": {"code": 503}})
    assert caught.value.reason is UnavailableReason.SOURCE_DOWN


# -- searches as predicates


def predicating():
    """Return the driver of a social registry that takes predicates only, and its client."""
    manifest = manifest_of("social")
    options = manifest.dci.model_copy(update={"quirks": Dialect(search_form="predicate")})
    client = InMemoryClient(lambda _: answer(whole(one_item("m-1"))))
    return driver(manifest.model_copy(update={"dci": options}), client), client


async def test_a_search_may_be_written_as_a_predicate():
    """Entries that must all hold; a list of candidates has commas between."""
    adapter, client = predicating()
    poor = Comparison("poverty_score", Operator.LT, 30)
    here = Comparison("region_code", Operator.IN, ("PV-1", "PV-2"))
    await adapter.search(SearchFetch("social", Every((poor, Every((here,))))), LONG)
    criteria = orjson.loads(client.sent[0].body)["message"]["search_request"][0]["search_criteria"]

    assert criteria["query_type"] == "predicate"
    assert [entry["expression1"] for entry in criteria["query"]] == [
        {"attribute_name": "poverty_score", "operator": "lt", "attribute_value": 30},
        {"attribute_name": "region_code", "operator": "in", "attribute_value": "PV-1,PV-2"},
    ]


async def test_what_a_predicate_cannot_say_is_not_asked():
    """Alternatives would be read as conditions."""
    adapter, client = predicating()
    either = Any_((Comparison("poverty_score", Operator.LT, 30), Comparison("poverty_score", Operator.GT, 90)))
    with pytest.raises(SourceContractError, match="no such search"):
        await adapter.search(SearchFetch("social", either), LONG)

    assert client.sent == []


# -- what does not go together


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dialect": "g2"}, "reg_event_type"),
        ({"mode": "async"}, "callback"),
        ({"events": ("death",)}, "callback"),
        ({"callback": {"auth": "bearer"}}, "token"),
        ({"callback": {"auth": "signature"}}, "trust.answers"),
        ({"trust": {"answers": "required"}}, "jwks_path"),
        ({"quirks": {"sync_search": "no path"}}, "sync_search"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    """With what to change."""
    with pytest.raises(ValidationError, match=words):
        dialect_manifest(**options)

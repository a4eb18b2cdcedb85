"""Reading one question of a search message."""

from datetime import date
from typing import Any

import pytest

from standards.dci.codes import RecordType, RegType, ResponseEntity, SearchReason
from standards.dci.search import Page, RejectedItem, SearchItem, SortKey
from tests.unit.standards.dci.messages import NOW, question, read_one


def test_the_standards_example_is_read():
    """A question with everything the standard offers is read whole."""
    item = read_one(
        question(
            reg_record_type="Group",
            response_entity="Group",
            sort=[{"attribute_name": "poverty_score", "sort_order": "desc"}, {"attribute_name": "UIN"}],
            pagination={"page_size": 10, "page_number": 2},
            consent={"@type": "Consent", "purpose": {"code": "eligibility"}},
            authorize={"purpose": {"code": "other"}},
        )
        | {"locale": "eng"}
    )

    assert item.timestamp == NOW
    assert item.sort == (SortKey("poverty_score", is_descending=True), SortKey("uin"))
    assert item.page == Page(10, 2)
    assert item.purpose == "eligibility"
    assert item.consent["@type"] == "Consent"
    assert item.locale == "eng"
    assert (item.explain, item.attributes) == (False, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pagination", {"page_size": 3}),
        ("sort", [{"attribute_name": "age"}]),
        ("consent", {"purpose": {"code": "p"}}),
        ("authorize", {"purpose": {"code": "p"}}),
    ],
)
def test_what_belongs_into_the_criteria_may_stand_beside_them(name, value):
    """Several systems put these members one level up; the inner one wins where both are there."""
    plain = read_one(question())
    beside = read_one(question() | {name: value})
    inside = read_one(question(**{name: value}) | {name: {"page_size": 99, "attribute_name": "sex"}})

    assert beside == inside
    assert beside != plain


@pytest.mark.parametrize("name", ["sort", "pagination", "consent", "authorize", "response_entity", "locale"])
@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_empty_placeholders_count_as_left_out(name, nothing):
    """An empty string where an object or array belongs says nothing."""
    assert read_one(question() | {"search_criteria": question()["search_criteria"] | {name: nothing}}) == read_one(
        question()
    )


@pytest.mark.parametrize("timestamp", [None, "", "2026-03-04T09:15:00", "yesterday", 5])
def test_a_timestamp_needs_its_offset(timestamp):
    """A question without a moment that everyone reads alike is rejected."""
    assert read_one(question() | {"timestamp": timestamp}).code is SearchReason.TIMESTAMP_INVALID


@pytest.mark.parametrize(
    ("said", "reg_type"),
    [
        ("ns:org:RegistryType:Social", RegType.SOCIAL),
        ("SOCIAL_REGISTRY", RegType.SOCIAL),
        ("sr", RegType.SOCIAL),
        ("CRVS", RegType.CIVIL),
        ("ns:hearth:RegistryType:VirtualHousehold", RegType.VIRTUAL_HOUSEHOLD),
    ],
)
def test_registry_types_are_read_by_their_last_segment(said, reg_type):
    """Spellings of other generations and products are understood."""
    assert read_one(question(reg_type=said)).reg_type is reg_type


@pytest.mark.parametrize("said", [None, "", "nonsense", 5, "ns:hearth:RegistryType:Social"])
def test_an_unknown_registry_is_rejected(said):
    """Without a registry type there is nothing to ask, unless the endpoint has a default."""
    assert read_one(question(reg_type=said)).code is SearchReason.SEARCH_CRITERIA_INVALID


def test_an_endpoint_may_have_a_default_registry():
    """A missing registry type is the endpoint's; a wrong one stays wrong."""
    assert read_one(question(reg_type=None), default_reg_type=RegType.SOCIAL).reg_type is RegType.SOCIAL
    assert read_one(question(reg_type="nonsense"), default_reg_type=RegType.SOCIAL).code


@pytest.mark.parametrize(
    ("criteria", "entity", "record_type"),
    [
        ({}, ResponseEntity.GROUP, RecordType.GROUP),
        ({"response_entity": "member"}, ResponseEntity.MEMBER, RecordType.MEMBER),
        ({"response_entity": "Household"}, ResponseEntity.GROUP, RecordType.GROUP),
        ({"reg_record_type": "spdci-extensions-dci:Member"}, ResponseEntity.MEMBER, RecordType.MEMBER),
        ({"reg_record_type": "SRPerson"}, ResponseEntity.MEMBER, RecordType.MEMBER),
        ({"result_record_type": "Group"}, ResponseEntity.GROUP, RecordType.GROUP),
        ({"response_entity": "Group", "reg_record_type": "Member"}, ResponseEntity.GROUP, RecordType.GROUP),
        (
            {"reg_type": "ns:hearth:RegistryType:VirtualHousehold"},
            ResponseEntity.GROUP,
            RecordType.VIRTUAL_HOUSEHOLD,
        ),
    ],
)
def test_what_is_wanted_is_said_in_several_ways(criteria, entity, record_type):
    """The response entity decides, else the record type, else a household is wanted."""
    item = read_one(question(**criteria))

    assert (item.response_entity, item.reg_record_type) == (entity, record_type)


def test_the_collection_of_an_expression_says_what_is_wanted():
    """Where nothing else does, the record kind named beside the expression counts."""
    query = {"value": {"expression": {"collection": "Member", "query": {"age": {"$lt": 5}}}}}

    assert read_one(question(query_type="expression", query=query)).response_entity is ResponseEntity.MEMBER


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        ({"response_entity": "Planet"}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"response_entity": 5}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"reg_record_type": "Planet"}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"reg_record_type": "Beneficiary"}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"consent": "yes"}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"consent": {"purpose": {"code": 5}}}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"authorize": []}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"locale": "EN/GB"}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"locale": "en"}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"hearth:attributes": ["nonsense"]}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"hearth:attributes": {"sex": True}}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"hearth:attributes": [5]}, SearchReason.SEARCH_CRITERIA_INVALID),
        ({"sort": [{"attribute_name": "nonsense"}]}, SearchReason.SORT_INVALID),
        ({"sort": [{"attribute_name": "age", "sort_order": "up"}]}, SearchReason.SORT_INVALID),
        ({"sort": [5]}, SearchReason.SORT_INVALID),
        ({"sort": "age"}, SearchReason.SORT_INVALID),
        ({"sort": [{"attribute_name": "age"}] * 9}, SearchReason.SORT_INVALID),
        ({"pagination": {}}, SearchReason.PAGINATION_INVALID),
        ({"pagination": {"page_size": 0}}, SearchReason.PAGINATION_INVALID),
        ({"pagination": {"page_size": -5}}, SearchReason.PAGINATION_INVALID),
        ({"pagination": {"page_size": 2.5}}, SearchReason.PAGINATION_INVALID),
        ({"pagination": {"page_size": 10, "page_number": 0}}, SearchReason.PAGINATION_INVALID),
        ({"pagination": {"page_size": 10, "page_number": "two"}}, SearchReason.PAGINATION_INVALID),
        ({"pagination": 10}, SearchReason.PAGINATION_INVALID),
    ],
)
def test_a_wrong_criterion_is_rejected_by_its_code(criteria, code):
    """Each fault of a question has the standard's code for it, and a sentence."""
    item = read_one(question(**criteria))

    assert item.code is code
    assert item.message


def test_a_question_without_criteria_is_rejected():
    """The criteria are the question."""
    assert read_one(question() | {"search_criteria": "text"}).code is SearchReason.SEARCH_CRITERIA_INVALID


@pytest.mark.parametrize(("said", "page"), [("10", Page(10, 1)), (10.0, Page(10, 1)), (10_000, Page(500, 1))])
def test_page_sizes_are_whole_and_bounded(said, page):
    """Numeric strings count as numbers, and nobody gets more than the endpoint allows."""
    assert read_one(question(pagination={"page_size": said, "page_number": ""})).page == page


@pytest.mark.parametrize(
    ("said", "locale"), [("en", "eng"), ("FR", "fra"), ("EN/GB", "eng"), ("pt-BR", "por"), ("swa", "swa")]
)
def test_known_partners_may_write_two_letters(said, locale):
    """With that leniency, two letters become the three that answers carry."""
    assert read_one(question(locale=said), two_letter_locales=True).locale == locale


def test_extensions_are_read():
    """Our own criteria narrow the answer and ask for the plan; names may be aliases."""
    criteria: dict[str, Any] = {"hearth:attributes": ["gender", "birth_date"], "hearth:explain": True}

    item = read_one(question(**criteria))

    assert isinstance(item, SearchItem)
    assert item.attributes == frozenset({"sex", "birth_date"})
    assert item.explain


def test_a_past_day_may_be_asked_about():
    """An ISO date, with a question by number; today is what is meant without one."""
    assert read_one(question(**{"hearth:as_of": "2024-02-29"})).as_of == date(2024, 2, 29)
    assert read_one(question()).as_of is None


@pytest.mark.parametrize(
    "day", ["2023-02-29", "20240229", "2024-02", "2024-02-29T00:00:00Z", 2024, True, ["2024-02-29"]]
)
def test_a_day_that_is_none_is_refused(day):
    """And never read as another one."""
    refused = read_one(question(**{"hearth:as_of": day}))

    assert isinstance(refused, RejectedItem)
    assert refused.code == SearchReason.SEARCH_CRITERIA_INVALID


def test_a_search_that_names_nobody_is_about_today():
    """Registries are searched for how things are now."""
    query = {
        "type": "ns:org:QueryType:expression",
        "value": {"expression": {"collection": "Group", "query": {"poverty_score": {"$lt": 30}}}},
    }
    search: dict[str, Any] = {"query_type": "expression", "query": query, "hearth:as_of": "2024-02-29"}

    assert isinstance(read_one(question(**search)), RejectedItem)
    assert isinstance(read_one(question(**{k: v for k, v in search.items() if k != "hearth:as_of"})), SearchItem)


def test_a_purpose_may_stand_in_the_authorization():
    """Without a purpose in the consent, that of the authorization counts."""
    assert read_one(question(consent={}, authorize={"purpose": {"code": "p"}})).purpose == "p"
    assert read_one(question()).purpose is None

"""Subscription messages: read liberally, each fault with its code, and the words for events and frequencies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from standards.attributes import Catalogue
from standards.dci.codes import RecordType, RegType, ResponseEntity, SubscribeReason
from standards.dci.events import STATED_BY, EventKind, kinds_of, normal_event, wire_event
from standards.dci.frequency import WORDS, read_frequency
from standards.dci.subscribe import Unwanted, Wanted, read_subscribe, read_unsubscribe
from standards.errors import MalformedMessageError
from standards.identifiers import Identifier

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)


def request(**criteria: Any) -> dict[str, Any]:
    """One request; a criterion of None is left out."""
    stated = {
        "reg_type": "ns:org:RegistryType:Civil",
        "reg_event_type": "spdci-common:RegistryEventType:Death",
        "filter_type": "idtype-value",
        "filter": {"type": "UIN", "value": "847951632"},
        "notify_record_type": "spdci-extensions-dci:Person",
    } | criteria
    asked = {name: value for name, value in stated.items() if value is not None}
    return {"reference_id": "ref-1", "timestamp": NOON.isoformat(), "subscribe_criteria": asked}


def read(*requests: Any, default: RegType | None = None) -> Any:
    """Read requests, and return the one there is, or all."""
    _, found = read_subscribe({"transaction_id": "t", "subscribe_request": list(requests)}, default=default)
    return found[0] if len(found) == 1 else found


def test_the_sample_of_the_guide_is_read():
    """Registry type, kind, person and record type; told as it happens."""
    found = read(request())

    assert isinstance(found, Wanted)
    assert (found.reg_type, found.kind, found.subject) == (
        RegType.CIVIL,
        EventKind.DEATH,
        Identifier("UIN", "847951632"),
    )
    assert (found.record_type, found.response_entity) == (RecordType.PERSON, ResponseEntity.MEMBER)
    assert found.schedule is None


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("spdci-common:RegistryEventType:LiveBirth", EventKind.LIVE_BIRTH),
        ("ns:org:RegistryEventType:LiveBirth", EventKind.LIVE_BIRTH),
        ("live_birth", EventKind.LIVE_BIRTH),
        ("birth", EventKind.LIVE_BIRTH),
        ("BIRTH", EventKind.LIVE_BIRTH),
        ("DEATH", EventKind.DEATH),
        ("death", EventKind.DEATH),
        ("REGISTER", EventKind.REGISTER),
        ("NewHouseHoldMember", EventKind.NEW_HOUSEHOLD_MEMBER),
        ("enrollement", EventKind.ENROLMENT),
        ("enrollement_status_change", EventKind.ENROLMENT_STATUS_CHANGE),
        ("enrolment_status_change", EventKind.ENROLMENT_STATUS_CHANGE),
        ("SEARCH", None),
        ("", None),
    ],
)
def test_every_spelling_met_of_an_event_is_known(word, kind):
    """GUIDE 5.5."""
    assert normal_event(word) is kind


@pytest.mark.parametrize("reg_type", RegType)
def test_what_is_emitted_for_an_event_is_read_as_that_event(reg_type):
    """In the one spelling that the release of that type allows."""
    for kind in kinds_of(reg_type):
        assert normal_event(wire_event(kind, reg_type) or "") is kind


def test_every_kind_of_event_says_what_it_tells_and_in_words_of_the_catalogue():
    """An attribute that nobody knows would let nobody be told."""
    assert set(STATED_BY) == set(EventKind)
    catalogue = Catalogue.load()
    for kind, names in STATED_BY.items():
        assert not names or any(catalogue.resolve(name) for name in names), kind


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        ({"reg_event_type": None}, SubscribeReason.NOTIFY_TYPES_INVALID),
        ({"reg_event_type": 5}, SubscribeReason.NOTIFY_TYPES_INVALID),
        ({"reg_event_type": "enrolment"}, SubscribeReason.NOTIFY_TYPES_INVALID),
        ({"reg_type": "ns:org:RegistryType:Nothing"}, SubscribeReason.NOTIFY_DETAILS_INVALID),
        ({"notify_record_type": "Horse"}, SubscribeReason.NOTIFY_DETAILS_INVALID),
        ({"filter_type": "expression"}, SubscribeReason.NOTIFY_DETAILS_INVALID),
        ({"filter": None}, SubscribeReason.NOTIFY_DETAILS_INVALID),
        ({"filter": {"type": "UIN", "value": ""}}, SubscribeReason.PERSON_ID_INVALID),
        ({"filter": {"type": "UIN", "value": True}}, SubscribeReason.PERSON_ID_INVALID),
        ({"locale": "en"}, SubscribeReason.NOTIFY_DETAILS_INVALID),
        ({"frequency": {"frequency": "sometimes"}}, SubscribeReason.NOTIFY_DETAILS_INVALID),
        ({"frequency": {"frequency": "daily", "end_time": "2026-01-01"}}, SubscribeReason.NOTIFY_DETAILS_INVALID),
        ({"authorize": {"purpose": {"code": 7}}}, SubscribeReason.NOTIFY_DETAILS_INVALID),
    ],
)
def test_a_fault_is_told_in_its_code_without_a_value(criteria, code):
    """Nothing of the message is repeated."""
    found = read(request(**criteria))

    assert isinstance(found, Unwanted)
    assert found.code is code
    assert "847951632" not in found.message


def test_liberal_forms_are_read():
    """The single object, the wrapped number, the missing types, the empty texts of the samples."""
    wrapped = {"type": "idtype-value", "value": {"id_type": "UIN", "id_value": 847951632}}
    loose = request(reg_type="", filter_type="", filter=wrapped, notify_record_type="", frequency="", locale="")
    _, (found,) = read_subscribe({"transaction_id": "t", "subscribe_request": loose}, default=None)

    assert isinstance(found, Wanted)
    assert (found.reg_type, found.record_type) == (RegType.CIVIL, RecordType.PERSON)
    assert found.subject == Identifier("UIN", "847951632")


def test_an_enrolment_is_that_of_the_type_asked_for():
    """Two types have such events; the endpoint's default decides where the request does not."""
    found = read(
        request(reg_type=None, reg_event_type="enrolment", notify_record_type=None), default=RegType.EMPLOYMENT
    )

    assert found.reg_type is RegType.EMPLOYMENT


def test_one_fault_spoils_one_request():
    """The others are taken; the same reference twice is a fault of the second."""
    first, second, third = read(request(), request(), {"reference_id": "ref-3"})

    assert isinstance(first, Wanted)
    assert second.code is SubscribeReason.REFERENCE_ID_DUPLICATE
    assert third.code is SubscribeReason.TIMESTAMP_INVALID


@pytest.mark.parametrize(
    ("message", "total"),
    [({"subscribe_request": []}, 0), ({"subscribe_request": [{}]}, 2), ({"transaction_id": 1}, 1), ({}, 1)],
)
def test_a_message_without_requests_is_refused_as_a_whole(message, total):
    """There is no item that could say so."""
    with pytest.raises(MalformedMessageError):
        read_subscribe({"transaction_id": "t"} | message, default=None, total_count=total)


def test_the_codes_of_an_unsubscribe_are_read_under_every_spelling():
    """Older peers misspell them, or send one."""
    said = {"transaction_id": "t", "timesstamp": NOON.isoformat(), "sunscription_codes": ["a", "b", "a"]}

    assert read_unsubscribe(said).codes == ("a", "b")
    assert read_unsubscribe(said).timestamp == NOON
    assert read_unsubscribe({"transaction_id": "t", "subscription_codes": "a"}).codes == ("a",)
    with pytest.raises(MalformedMessageError):
        read_unsubscribe({"transaction_id": "t", "subscription_codes": []})


@pytest.mark.parametrize(
    ("line", "next_"),
    [
        ("0 0 0 5,15 * ? *", "2026-03-05T00:00:00+00:00"),
        ("daily", "2026-03-05T00:00:00+00:00"),
        ("weekly", "2026-03-09T00:00:00+00:00"),
        ("monthly", "2026-04-01T00:00:00+00:00"),
        ("0 30 8-10/2 ? * MON-FRI", "2026-03-05T08:30:00+00:00"),
        ("0 0/15 * * * ?", "2026-03-04T12:15:00+00:00"),
        ("5 * * * * ? 2027", "2027-01-01T00:00:05+00:00"),
        ("0 0 0 29 FEB ? *", "2028-02-29T00:00:00+00:00"),
        ("0 0 0 1 1 ? 2020", None),
    ],
)
def test_a_schedule_names_its_next_moment(line, next_):
    """Strictly after the one given."""
    schedule = read_frequency(line)

    assert schedule is not None
    found = schedule.after(NOON)
    assert (found.isoformat() if found else None) == next_
    assert found is None or schedule.after(found) != found


@pytest.mark.parametrize("word", ["real-time", "REALTIME", "immediate"])
def test_some_words_mean_as_it_happens(word):
    """Then there is no schedule."""
    assert read_frequency(word) is None


@pytest.mark.parametrize(
    "line", ["* * *", "60 * * * * ?", "0 0 0 L * ?", "0 5-1 * * * ?", "0 0 0 1/0 * ?", "x" * 200, "0 0 0 ² * ?"]
)
def test_what_is_no_cron_line_is_refused(line):
    """Rather than read as another."""
    with pytest.raises(ValueError, match="cron line"):
        read_frequency(line)


def test_every_word_stands_for_a_line():
    """A word that stood for none would refuse what is documented."""
    assert all(read_frequency(word) is not None for word in WORDS)

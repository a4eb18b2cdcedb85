"""What registries say of subscriptions and events, in every form that is met."""

from __future__ import annotations

from typing import Any

import pytest

from standards.dci.events import EventKind
from standards.dci.notified import read_notify, read_on_subscribe, read_on_unsubscribe
from standards.errors import MalformedMessageError
from standards.identifiers import Identifier

ASHA, JUMA, NEEMA = (Identifier("UIN", number) for number in ("1", "2", "3"))


def person(number: str, **more: Any) -> dict[str, Any]:
    """A record in the released shape."""
    return {"identifier": [{"identifier_type": "UIN", "identifier_value": number}], **more}


def event(kind: str, records: Any, **more: Any) -> dict[str, Any]:
    """A notification with one event."""
    data = {"reg_event_type": kind, "reg_records": records}
    return {"transaction_id": "t", "notify_event": [{"reference_id": "e", "data": data, **more}]}


def only(message: dict[str, Any]) -> Any:
    """The one event of a notification."""
    _, (found,) = read_notify(message, told_at="2026-05-01")
    return found


@pytest.mark.parametrize(
    "records",
    [
        person("1", death_date="2026-04-30"),
        [person("1", death_date="2026-04-30")],
        {"identifier": [{"name": "UIN", "identifier": "1"}], "deathDate": "2026-04-30T00:00:00Z"},
        {"person": person("1", death_date="2026-04-30")},
        {
            "member_identifier": {"identifier_type": "ns:x:NID", "identifier_value": 1},
            "demographic_info": {"death_date": "2026-04-30"},
        },
    ],
)
def test_whom_an_event_is_about_is_found_in_every_shape(records):
    """And its day."""
    found = only(event("DEATH", records))

    assert (found.kind, found.numbers, found.on) == (EventKind.DEATH, {ASHA}, "2026-04-30")


def test_a_death_happens_to_one_and_a_birth_to_all():
    """Whoever else a record names is concerned by births and marriages, and never by a death."""
    kin = person("3", parent1=person("1"), parent2=person("2"))

    assert only(event("Death", kin)).concerned == {NEEMA}
    assert only(event("Death", kin)).others == {ASHA, JUMA}
    assert only(event("LiveBirth", kin)).concerned == {ASHA, JUMA, NEEMA}


def test_parents_are_known_by_the_members_that_the_release_has_for_them():
    """`parent1_identifier` holds a number without a person around it."""
    child = person("3", parent1_identifier={"identifier_type": "UIN", "identifier_value": "1"})

    assert only(event("LiveBirth", child)).concerned == {NEEMA, ASHA}
    assert only(event("Death", child)).concerned == {NEEMA}


def test_an_event_without_a_day_has_that_of_its_timestamp():
    """Or that of its arrival."""
    assert only(event("marriage", person("1"), timestamp="2026-04-01T23:00:00+00:00")).on == "2026-04-01"
    assert only(event("marriage", person("1"))).on == "2026-05-01"


def test_events_that_say_nothing_to_us_are_passed_over():
    """Of an unknown kind, or about nobody."""
    _, found = read_notify(
        {"notify_event": [{"data": {"reg_event_type": "alert", "reg_records": person("1")}}]}, told_at="d"
    )
    assert found == ()
    _, found = read_notify({"notify_event": {"data": {"reg_event_type": "Death", "reg_records": {}}}}, told_at="d")
    assert found == ()


def test_a_notification_without_events_is_refused():
    """There is nothing to acknowledge."""
    with pytest.raises(MalformedMessageError):
        read_notify({"transaction_id": "t"}, told_at="d")


def test_a_record_of_any_depth_is_read_in_bounded_time():
    """Nesting beyond what records have is not followed."""
    deep: dict[str, Any] = person("9")
    for _ in range(50):
        deep = {"person": deep}

    _, found = read_notify(event("Death", deep), told_at="d")
    assert found == ()


def test_the_answer_to_a_wish_is_read():
    """Code and status, also where the status is left out; a refusal with its reason."""
    said = {
        "transaction_id": "t",
        "correlation_id": "c",
        "subscribe_response": [
            {"reference_id": "a", "status": "succ", "subscriptions": [{"code": "S-1", "status": "subscribe"}]},
            {"reference_id": "b", "subscriptions": {"subscription_code": "S-2"}},
            {"reference_id": "c", "status": "rjct", "status_reason_code": "rjct.event.already_subscribed"},
            {"reference_id": "d", "status": "pdng"},
        ],
    }

    found = read_on_subscribe(said)
    assert [(a.is_taken, a.is_pending, a.codes) for a in found.answers] == [
        (True, False, ("S-1",)), (True, False, ("S-2",)), (False, False, ()), (False, True, ()),
    ]  # fmt: skip
    assert found.answers[2].reason == "rjct.event.already_subscribed"
    with pytest.raises(MalformedMessageError):
        read_on_subscribe({"transaction_id": "t"})


def test_the_answer_to_an_end_is_read():
    """Which codes have ended."""
    said = {"transaction_id": "t", "status": "succ", "subscription_status": [{"code": "S-1", "status": "unsubscribe"}]}

    (answer,) = read_on_unsubscribe(said).answers
    assert (answer.is_taken, answer.codes) == (True, ("S-1",))

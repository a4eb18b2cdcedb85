"""What a new version changes, and which of its changes need a second person."""

from typing import Any

import pytest

from policies.agreement import Agreement
from policies.diff import FIELDS, Effect, diff, widens
from tests.unit.policies.builders import agreement

W, N, R = Effect.WIDENS, Effect.NARROWS, Effect.REWORDS
PURPOSE = {"title": "Eligibility", "legal_basis": "consent", "reference": "Act, section 1"}
CONSUMER = {"id": "programme", "title": "Programme", "client_id": "programme", "sender_id": "programme.pv"}
BASE: dict[str, Any] = {
    "attributes": {
        "given_name": "value",
        "birth_date": {"form": "generalised", "to": "month"},
        "income_annual": {"form": "band", "edges": [100, 200]},
    },
    "mandatory": ["crvs"],
    "search": {"attributes": ["given_name"], "max_results": 10, "totals": "rounded", "min_group_size": 5},
    "even_time_ms": 500,
    "probes": {"income_annual": {"answers": 10, "thresholds": 2}},
    "bulk": {"max_questions": 100},
    "events": {"kinds": ["death", "divorce"], "min_interval_s": 600},
    "stale_if_error_s": 10,
    "purposes": {"eligibility": PURPOSE | {"quota": {"per_day": 10, "per_month": 100}}},
}


def purpose(**changes):
    """The one purpose, changed; its quota stays."""
    return {"purposes": {"eligibility": BASE["purposes"]["eligibility"] | changes}}


def events(**changes):
    """The right to be told of events, changed."""
    return {"events": BASE["events"] | changes}


def attributes(**changes):
    """The attributes, some changed; None takes one away."""
    changed = BASE["attributes"] | changes
    return {"attributes": {name: form for name, form in changed.items() if form is not None}}


def searching(**changes):
    """The right to search, changed."""
    return {"search": BASE["search"] | changes}


def probing(**bounds):
    """The bounds on thresholds on an income."""
    return {"probes": {"income_annual": bounds}}


CHANGES = [
    # what changes, where, and what that does
    ({"title": "Another"}, "title", R),
    ({"consumer": CONSUMER | {"title": "Another"}}, "consumer.title", R),
    ({"consumer": CONSUMER | {"client_id": "other"}}, "consumer.client_id", W),
    ({"consumer": CONSUMER | {"sender_id": "other"}}, "consumer.sender_id", W),
    ({"consumer": CONSUMER | {"callback_hosts": ["a.pv"]}}, "consumer.callback_hosts", W),
    ({"consumer": CONSUMER | {"sender_uris": ["a.pv"]}}, "consumer.sender_uris", W),
    ({"start": "2025-12-31"}, "start", W),
    ({"start": "2026-01-02"}, "start", N),
    ({"end": "2027-01-01"}, "end", W),
    ({"end": "2026-12-30"}, "end", N),
    (purpose(legal_basis="public_task"), "purposes.eligibility.legal_basis", W),
    (purpose(title="Marketing"), "purposes.eligibility.title", W),
    (purpose(reference="No act"), "purposes.eligibility.reference", W),
    (purpose(quota={"per_day": 11, "per_month": 100}), "purposes.eligibility.quota.per_day", W),
    (purpose(quota={"per_day": 9, "per_month": 100}), "purposes.eligibility.quota.per_day", N),
    (purpose(quota={"per_day": 10}), "purposes.eligibility.quota.per_month", W),
    ({"purposes": BASE["purposes"] | {"audit": PURPOSE}}, "purposes", W),
    ({"household": {"rule": "kin@1"}}, "household", W),
    ({"household": None}, "household", N),
    (attributes(surname="value"), "attributes.surname", W),
    (attributes(given_name=None), "attributes.given_name", N),
    (attributes(given_name={"form": "generalised", "to": "initial"}), "attributes.given_name", N),
    (attributes(birth_date="value"), "attributes.birth_date", W),
    (attributes(birth_date={"form": "generalised", "to": "year"}), "attributes.birth_date", N),
    (attributes(income_annual={"form": "band", "edges": [100]}), "attributes.income_annual", N),
    (attributes(income_annual={"form": "band", "edges": [100, 150, 200]}), "attributes.income_annual", W),
    (attributes(income_annual={"form": "band", "edges": [100, 300]}), "attributes.income_annual", W),
    ({"max_age_s": 3601}, "max_age_s", W),
    ({"max_age_s": 3599}, "max_age_s", N),
    ({"stale_if_error_s": 11}, "stale_if_error_s", W),
    ({"stale_if_error_s": 0}, "stale_if_error_s", N),
    ({"retention_days": 31}, "retention_days", W),
    ({"retention_days": 29}, "retention_days", N),
    ({"mandatory": []}, "mandatory", W),
    ({"mandatory": ["crvs", "tax"]}, "mandatory", N),
    ({"search": None}, "search", N),
    (searching(attributes=["given_name", "sex"]), "search.attributes", W),
    (searching(max_results=11), "search.max_results", W),
    (searching(totals="exact"), "search.totals", W),
    (searching(totals="hidden"), "search.totals", N),
    (searching(min_group_size=4), "search.min_group_size", W),
    (searching(min_group_size=6), "search.min_group_size", N),
    ({"even_time_ms": 0}, "even_time_ms", W),
    ({"even_time_ms": 250}, "even_time_ms", W),
    ({"even_time_ms": 750}, "even_time_ms", W),
    ({"even_time_ms": 1000}, "even_time_ms", N),
    (probing(answers=11, thresholds=2), "probes.income_annual.answers", W),
    (probing(answers=9, thresholds=2), "probes.income_annual.answers", N),
    (probing(answers=10), "probes.income_annual.thresholds", W),
    (probing(answers=10, thresholds=2, search_values=5), "probes.income_annual.search_values", W),
    ({"bulk": None}, "bulk", N),
    ({"bulk": {"max_questions": 101}}, "bulk.max_questions", W),
    ({"events": None}, "events", N),
    (events(kinds=["death", "divorce", "change"]), "events.kinds", W),
    (events(kinds=["death"]), "events.kinds", N),
    (events(min_interval_s=60), "events.min_interval_s", W),
    (events(min_interval_s=6000), "events.min_interval_s", N),
    (events(max_subscriptions=20_000), "events.max_subscriptions", W),
    ({"past": True}, "past", W),
    ({"hide_withheld": True}, "hide_withheld", N),
]


@pytest.mark.parametrize(("change", "where", "effect"), CHANGES, ids=[f"{w} {e}" for _, w, e in CHANGES])
def test_one_change_is_named_with_its_place_and_effect(change, where, effect):
    """And it is the only one."""
    (found,) = diff(agreement(**BASE), agreement(**BASE | change, version="1.1"))

    assert (found.where, found.effect) == (where, effect)
    assert widens([found]) is (effect is W)


@pytest.mark.parametrize(("change", "where", "effect"), CHANGES, ids=[f"{w} {e}" for _, w, e in CHANGES])
def test_a_change_taken_back_has_the_opposite_effect(change, where, effect):
    """What widened narrows, and the other way round, unless both directions tell something new."""
    (found,) = diff(agreement(**BASE | change), agreement(**BASE))

    assert found.where == where
    if effect is not W:
        assert found.effect is {N: W, R: R}[effect]


def test_the_same_terms_under_a_new_number_change_nothing():
    """Only the version differs."""
    assert diff(agreement(**BASE), agreement(**BASE, version="2.0")) == ()


def test_a_first_version_widens():
    """Before it, nothing was allowed."""
    assert widens(diff(None, agreement()))


def test_every_key_of_an_agreement_is_compared():
    """A key that is added to the model has to be thought about here."""
    assert set(Agreement.model_fields) == FIELDS

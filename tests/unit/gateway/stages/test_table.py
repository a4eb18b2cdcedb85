"""Tables: what is told apart before anybody is asked about, and for how long it is kept."""

import pytest

from gateway.stages import table
from gateway.stages.claims import Weighing
from gateway.stages.identity import issuers_of
from gateway.stages.plan import Planner
from gateway.stages.table import Tables
from standards.states import Unavailable, UnavailableReason
from tests.builders import CATALOGUE, REGISTERED, lookup, small_manifest

CRVS = small_manifest("crvs", lookup(by=["UIN"], identifiers=("UIN", "BRN"), attributes=("sex", "birth_place")))
SOCIAL = small_manifest("social", lookup(by=["UIN"], attributes=("sex", "is_disabled")))
MANIFESTS = [CRVS, SOCIAL]
PLANNER = Planner(MANIFESTS, CATALOGUE)
CRVS_KEY, SOCIAL_KEY = ("crvs", "person"), ("social", "person")
HELD = {
    "sex": (CRVS_KEY, SOCIAL_KEY),
    "birth_place": (CRVS_KEY,),
    "is_disabled": (SOCIAL_KEY,),
    "brn": (CRVS_KEY,),
}


def tables(past=None) -> Tables:
    """Tables over these two registries; `past` is what can be told of a past day."""
    weighing = {d.name: Weighing.of(d) for d in CATALOGUE}
    return Tables(CATALOGUE, weighing, issuers_of(MANIFESTS), HELD, past or {})


def plan(*names: str):
    """The plan of a question for these attributes."""
    return PLANNER.plan(frozenset(names), "UIN", REGISTERED)


def test_what_one_lookup_settles_is_told_from_what_several_may_state():
    """Numbers stand apart: whom a number belongs to has more words on it than those of its holders."""
    found = tables().of(plan("sex", "birth_place", "is_disabled", "brn"), is_past=False)

    assert found.alone == ((CRVS_KEY, ("birth_place",)), (SOCIAL_KEY, ("is_disabled",)))
    assert [(shared.keys, shared.names) for shared in found.shared] == [((CRVS_KEY, SOCIAL_KEY), ("sex",))]
    assert [(number.name, number.type, number.keys) for number in found.numbers] == [("brn", "BRN", (CRVS_KEY,))]
    assert found.of_household == ()


def test_who_is_not_asked_has_no_word():
    """A lookup counts only where the plan asks it; what nobody is asked for has its reason from the start."""
    found = tables().of(plan("is_disabled", "rooms"), is_past=False)

    assert found.alone == ((SOCIAL_KEY, ("is_disabled",)),)
    assert found.of_household == (("rooms", (), Unavailable(UnavailableReason.NO_SOURCE)),)


def test_of_a_past_day_only_those_count_who_can_tell_of_it():
    """The others are no source of that day."""
    found = tables(past={"sex": (CRVS_KEY,)}).of(plan("sex", "birth_place", "is_disabled"), is_past=True)

    assert found.alone == ((CRVS_KEY, ("sex",)),)
    assert found.unasked["is_disabled"] == Unavailable(UnavailableReason.NOT_AS_OF, "social")


def test_a_table_is_kept_with_its_plan(monkeypatch: pytest.MonkeyPatch):
    """The same plan has the same table; a plan made anew has another one, and many plans do not fill the memory."""
    monkeypatch.setattr(table, "KEPT_AT_MOST", 2)
    kept, first, second = tables(), plan("sex"), plan("birth_place")

    assert kept.of(first, is_past=False) is kept.of(first, is_past=False)
    assert kept.of(first, is_past=False) is not kept.of(first._replace(why=()), is_past=False)
    assert kept.of(second, is_past=False).alone == ((CRVS_KEY, ("birth_place",)),)
    assert len(kept._kept) <= 2

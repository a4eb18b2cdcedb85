"""Saying where every value of an answer came from."""

from datetime import UTC, datetime

import pytest

from standards.dci.evidence import evidence_extension, household_evidence, merged_sources, sources_part
from standards.household import Evidence, HouseholdProfile, Member, Outcome, SourceOutcome
from standards.states import (
    Absent,
    Conflict,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
    WithheldReason,
)

NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
AT = "2026-03-04T09:15:00.000+00:00"
NATIONAL_ID = Provenance("national_id", NOW, "2025-03-04")
SOCIAL = Provenance("social", NOW, cached=True)
DERIVED = Provenance("derived", NOW, derived_from=("birth_date",))


def profile(attributes=None, *, subject=0, unheard=(), sources=None, household=None):
    """Build a household of two, whose head has those attributes."""
    members = (
        Member(0, {"UIN": "secret"}, "SELF", (Evidence("registered", "social", "SELF"),), attributes or {}),
        Member(1, {}, "CHILD", (Evidence("kin", "crvs", "CHILD", of=0),), {}),
    )
    return HouseholdProfile(
        "registered-or-kin@1", subject, members, household or {}, sources or {}, unheard=tuple(unheard)
    )


def states(attributes):
    """Return the states that the evidence of a member shows."""
    return household_evidence(profile(attributes), 0)["members"][0]["attributes"]


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (
            Value("Asha", NATIONAL_ID),
            {"state": "value", "source": "national_id", "retrieved_at": AT, "as_of": "2025-03-04", "cached": False},
        ),
        (
            Value("Asha", NATIONAL_ID._replace(stand_in=True)),
            {
                "state": "value",
                "source": "national_id",
                "retrieved_at": AT,
                "as_of": "2025-03-04",
                "cached": False,
                "stand_in": True,
            },
        ),
        (Absent(SOCIAL), {"state": "absent", "source": "social", "retrieved_at": AT, "cached": True}),
        (
            Value(36, DERIVED),
            {
                "state": "value",
                "source": "derived",
                "retrieved_at": AT,
                "cached": False,
                "derived_from": ("birth_date",),
            },
        ),
        (Withheld(WithheldReason.CONSENT_REFUSED), {"state": "withheld", "reason": "consent_refused"}),
        (Unavailable(UnavailableReason.NO_SOURCE), {"state": "unavailable", "reason": "no_source"}),
        (
            Unavailable(UnavailableReason.SOURCE_CLOSED, "tax", "2026-10-01T05:00:00+00:00"),
            {
                "state": "unavailable",
                "reason": "source_closed",
                "source": "tax",
                "until": "2026-10-01T05:00:00+00:00",
            },
        ),
        (
            Unavailable(UnavailableReason.SOURCE_TIMEOUT, "tax"),
            {"state": "unavailable", "reason": "source_timeout", "source": "tax"},
        ),
        (
            Conflict(Value("female", NATIONAL_ID), (Value("male", SOCIAL), Value("other", NATIONAL_ID))),
            {
                "state": "conflict",
                "source": "national_id",
                "retrieved_at": AT,
                "as_of": "2025-03-04",
                "cached": False,
                "differing": [
                    {"value": "male", "source": "social"},
                    {"value": "other", "source": "national_id", "as_of": "2025-03-04"},
                ],
            },
        ),
    ],
)
def test_each_state_is_shown_with_what_belongs_to_it(state, shown):
    """The five states of an attribute have five forms."""
    assert states({"x": state}) == {"x": shown}


def test_the_value_itself_stands_in_the_record_only():
    """Evidence says where a value came from, and never repeats it."""
    assert "Asha" not in str(states({"given_name": Value("Asha", NATIONAL_ID)}))


def test_attributes_of_one_record_share_their_origin():
    """Equal origins are one object, so that a large answer stays cheap."""
    shown = states({"a": Value(1, NATIONAL_ID), "b": Value(2, NATIONAL_ID), "c": Absent(NATIONAL_ID)})

    assert shown["a"] is shown["b"]
    assert shown["c"]["state"] == "absent"


def test_members_say_why_they_are_members():
    """Each member has a number, a relationship and the word it rests on; identifiers are not among them."""
    entry = household_evidence(profile(), 0)

    assert entry["members"] == [
        {
            "member": 0,
            "asked": True,
            "relationship": "SELF",
            "evidence": [{"basis": "registered", "source": "social", "relation": "SELF"}],
            "attributes": {},
        },
        {
            "member": 1,
            "asked": False,
            "relationship": "CHILD",
            "evidence": [{"basis": "kin", "source": "crvs", "relation": "CHILD", "of": 0}],
            "attributes": {},
        },
    ]
    assert "secret" not in str(entry)


@pytest.mark.parametrize(("unheard", "complete"), [((), True), (("social",), False)])
def test_an_incomplete_member_list_says_so(unheard, complete):
    """While a source that knows members is unheard, the list may be incomplete."""
    entry = household_evidence(profile(unheard=unheard), 3)

    assert (entry["record"], entry["complete"], entry["unheard"]) == (3, complete, unheard)


def test_a_record_of_one_person_shows_that_person_only():
    """Asked for a member, the evidence leaves the household and the others out."""
    extension = evidence_extension([profile(household={"rooms": Absent(SOCIAL)})], members=[1])
    (entry,) = extension["hearth:evidence"]

    assert [m["member"] for m in entry["members"]] == [1]
    assert "attributes" not in entry


def test_the_extension_is_made_of_prefixed_members():
    """A consumer who knows only the standard can leave everything of it unread."""
    asked = [profile(household={"rooms": Absent(SOCIAL)}, sources={"tax": SourceOutcome(Outcome.ANSWERED, 1)})]

    plain, explained = evidence_extension(asked), evidence_extension(asked, plan="Fetch(tax)")

    assert plain.keys() == {"hearth:evidence", "hearth:sources"}
    assert plain["hearth:evidence"][0]["attributes"]["rooms"]["state"] == "absent"
    assert explained["hearth:plan"] == "Fetch(tax)"


def test_sources_say_what_became_of_them():
    """A source that did not answer has a reason."""
    part = sources_part(
        {
            "tax": SourceOutcome(Outcome.UNAVAILABLE, 1, reason=UnavailableReason.SOURCE_TIMEOUT),
            "land": SourceOutcome(Outcome.ANSWERED, 2, 3),
        }
    )

    assert part == {
        "tax": {"outcome": "unavailable", "calls": 1, "cached": 0, "reason": "source_timeout"},
        "land": {"outcome": "answered", "calls": 2, "cached": 3},
    }


def test_sources_of_several_records_are_added_up():
    """Over several households counts add, and unlike outcomes make a partial one."""
    down = SourceOutcome(Outcome.UNAVAILABLE, 1, reason=UnavailableReason.SOURCE_DOWN)
    answered = SourceOutcome(Outcome.ANSWERED, 1, 2)
    idle = SourceOutcome(Outcome.NOT_ASKED)
    several = [
        profile(sources={"tax": answered, "land": answered, "health": idle, "crvs": idle}),
        profile(sources={"tax": down, "land": answered, "health": answered, "crvs": idle}),
    ]

    assert merged_sources(several) == {
        "tax": SourceOutcome(Outcome.PARTIAL, 2, 2, UnavailableReason.SOURCE_DOWN),
        "land": SourceOutcome(Outcome.ANSWERED, 2, 4),
        "health": answered,
        "crvs": idle,
    }
    assert merged_sources([]) == {}


def test_nothing_found_has_empty_evidence():
    """No record, no evidence."""
    assert evidence_extension([]) == {"hearth:evidence": [], "hearth:sources": {}}


def test_what_is_no_state_is_a_mistake():
    """A wrong object is reported by its type, never by its content."""
    with pytest.raises(TypeError, match="tuple"):
        states({"x": ("Asha",)})

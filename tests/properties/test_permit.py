"""What holds for every profile and every permit."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policies.engine import decide, decide_person, readable
from policies.minimise import UNDISCLOSED, minimise
from policies.ports import Standing, StandingKind
from standards.household import HouseholdProfile
from standards.permit import Form, FormKind, Operator, Permit, PersonPermit
from standards.states import (
    Absent,
    Conflict,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
    WithheldReason,
    settled,
)
from tests.unit.policies.builders import CATALOGUE, NOW, VALUE, agreement, facts, profile, request

SOURCES = ("crvs", "health", "social", "tax")
NAMES = {
    "uin": st.integers(10**9, 10**10 - 1).map(str),
    "given_name": st.sampled_from(["Asha", "Baraka", "Çağla"]),
    "birth_date": st.dates().map(str),
    "income_annual": st.integers(0, 100_000),
    "is_pregnant": st.booleans(),
    "locality": st.just("Lake Town"),
    "sub_region_code": st.just("PV-101"),
    "age": st.integers(0, 110),
}
HOUSEHOLD_NAMES = {"poverty_score": st.floats(0, 100), "household_income": st.integers(0, 100_000)}
COARSE: dict[str, Any] = {
    "uin": {"form": "masked"},
    "given_name": {"form": "generalised", "to": "initial"},
    "birth_date": {"form": "generalised", "to": "year"},
    "income_annual": {"form": "band", "edges": [10_000, 50_000]},
    "household_income": {"form": "predicate", "operator": "lt", "threshold": 24_000},
    "locality": {"form": "generalised", "to": "district"},
}
ALL_NAMES = sorted({*NAMES, *HOUSEHOLD_NAMES})


PROVENANCES = st.sampled_from([Provenance(source_id, NOW) for source_id in SOURCES])
NOT_VALUES = st.sampled_from(
    [
        *(Absent(Provenance(source_id, NOW)) for source_id in SOURCES),
        *(Unavailable(reason, source_id) for reason in UnavailableReason for source_id in SOURCES),
        Withheld(WithheldReason.INPUT_WITHHELD),
    ]
)


def states(values):
    """Any of the five states, with values drawn from these."""
    claims = st.builds(Value, values, PROVENANCES)
    conflicts = st.builds(Conflict, claims, st.lists(claims, min_size=1, max_size=3).map(tuple))
    return claims | conflicts | NOT_VALUES


def attributes(names):
    """States of some of these attributes, beside one that no agreement names."""
    unknown = {"surname": states(st.just("Secret"))}
    return st.fixed_dictionaries({}, optional={name: states(values) for name, values in (names | unknown).items()})


OF_MEMBERS = st.lists(attributes(NAMES), min_size=1, max_size=3)
OF_HOUSEHOLD = attributes(HOUSEHOLD_NAMES)


@dataclass
class Case:
    """One decided question, and the profile that was composed for it."""

    permit: Permit
    persons: dict[int, PersonPermit]
    profile: HouseholdProfile

    def answer(self) -> HouseholdProfile:
        """What leaves."""
        return minimise(self.profile, self.permit, self.persons)


@st.composite
def profiles(draw):
    """Households of one to three members."""
    members = draw(OF_MEMBERS)
    subject = draw(st.none() | st.integers(1, len(members)))
    return profile(*members, subject=subject, **draw(OF_HOUSEHOLD))


SOME_SOURCES = st.frozensets(st.sampled_from(SOURCES), min_size=1)
STANDINGS = (
    st.sampled_from([None, *map(Standing, StandingKind)])
    | st.builds(Standing, st.just(StandingKind.GRANTED), SOME_SOURCES)
)  # fmt: skip
"""Everything that a person may have decided, and nothing."""

AGREED = st.lists(st.sampled_from(ALL_NAMES), min_size=1, unique=True)
ASKED = st.none() | st.frozensets(st.sampled_from([*ALL_NAMES, "surname", "rooms"]))
HOLDERS = st.fixed_dictionaries(dict.fromkeys([*NAMES, "poverty_score"], SOME_SOURCES))


@st.composite
def cases(draw, *, coarse=True):
    """Questions, as the engine decides them for every member."""
    agreed = draw(AGREED)
    forms = {name: COARSE[name] if coarse and name in COARSE and draw(st.booleans()) else "value" for name in agreed}
    basis = draw(st.sampled_from(["consent", "public_task"]))
    purposes = {"eligibility": {"title": "Eligibility", "legal_basis": basis, "reference": "Act"}}
    terms = agreement(attributes=forms, purposes=purposes, hide_withheld=draw(st.booleans()))
    asked = draw(ASKED)
    permit = decide(request(attributes=None if asked is None else asked | {agreed[0]}), facts(terms))
    assert isinstance(permit, Permit)
    composed = draw(profiles())
    holders = draw(HOLDERS)
    persons = {
        m.number: decide_person(permit, draw(STANDINGS), holders) for m in composed.members if draw(st.booleans())
    }
    return Case(permit, persons, composed)


def everything(answer):
    """Every attribute that an answer holds, with whose it is: a member's number, or None for the household."""
    yield from ((None, name, state) for name, state in answer.attributes.items())
    for member in answer.members:
        yield from ((member.number, name, state) for name, state in member.attributes.items())


def known(state):
    """Every value that a state tells."""
    if isinstance(state, Conflict):
        return [state.settled.value, *(claim.value for claim in state.differing)]
    return [state.value] if isinstance(state, Value) else []


@given(cases())
def test_nothing_outside_the_permit_leaves(case):
    """Whatever was composed, values leave only under permitted names, of permitted people, in the permitted form."""
    answer = case.answer()

    for number, name, state in everything(answer):
        assert name in case.permit.forms or name in case.permit.withheld
        if known(state):
            assert name in case.permit.forms
            if number is not None:
                assert name in case.persons[number].forms
    assert all(member.identifiers == {} for member in answer.members)
    assert "Secret" not in repr(answer)


@given(cases())
def test_exact_values_do_not_leave_in_coarser_forms(case):
    """What is agreed as a band, a predicate, a year or a mask never shows a value that a source stated."""
    exact = {
        (number, name): set(map(str, known(state)))
        for number, name, state in everything(case.profile)
        if case.permit.forms.get(name, VALUE).kind is not FormKind.VALUE
    }

    for number, name, state in everything(case.answer()):
        assert exact.get((number, name), set()).isdisjoint(map(str, known(state)))


@given(cases())
def test_every_name_of_the_permit_is_answered(case):
    """Nothing is silently missing: for each member every personal name, for the household every other."""
    answer = case.answer()
    named = {*case.permit.forms, *case.permit.withheld}

    assert set(answer.attributes) == named & case.permit.household_names
    assert all(set(member.attributes) == named - case.permit.household_names for member in answer.members)
    assert [member.number for member in answer.members] == [member.number for member in case.profile.members]


@given(cases(coarse=False))
def test_minimising_twice_changes_nothing(case):
    """The second lock can be turned again."""
    once = case.answer()

    assert minimise(once, case.permit, case.persons) == once


@given(cases(), st.data())
def test_one_members_answer_does_not_depend_on_the_others(case, data):
    """What others have decided, and what is said of them, changes nothing (outages that hiding imitates apart)."""
    chosen = data.draw(st.sampled_from(case.profile.members)).number
    permit = case.permit._replace(hide_withheld=False)
    alone = case.profile._replace(members=tuple(m for m in case.profile.members if m.number == chosen))

    together = minimise(case.profile, permit, case.persons)
    apart = minimise(alone, permit, {n: p for n, p in case.persons.items() if n == chosen})

    assert [m for m in together.members if m.number == chosen] == list(apart.members)


@given(cases(), st.sets(st.sampled_from(ALL_NAMES)))
def test_narrowing_never_adds_and_widening_never_removes(case, fewer):
    """With fewer names permitted, the answer tells a part of what it told, and nothing else."""
    narrow = case.permit._replace(forms={n: f for n, f in case.permit.forms.items() if n in fewer})
    persons = {
        number: person._replace(forms={n: f for n, f in person.forms.items() if n in fewer})
        for number, person in case.persons.items()
    }

    wide_answer = {(number, name): known(state) for number, name, state in everything(case.answer())}
    narrow_answer = {
        (number, name): known(state) for number, name, state in everything(minimise(case.profile, narrow, persons))
    }

    assert {key for key in narrow_answer if key[1] in narrow.forms} <= wide_answer.keys()
    for (number, name), told in narrow_answer.items():
        assert told == (wide_answer[number, name] if name in fewer else [])


@given(cases())
def test_hidden_refusals_cannot_be_told_from_absence(case):
    """Nothing says withheld, and everything absent is the same."""
    answer = minimise(case.profile, case.permit._replace(hide_withheld=True), case.persons)
    found = [state for _, _, state in everything(answer)]

    assert not any(isinstance(state, Withheld) for state in found)
    assert {state for state in found if isinstance(state, Absent)} <= {Absent(Provenance(UNDISCLOSED, NOW))}


@given(cases(), st.sampled_from(SOURCES))
def test_refusing_a_source_only_takes_away(case, source):
    """One refusal more never shows more, and nothing of that source is left."""
    granted = Standing(StandingKind.GRANTED)
    holders = dict.fromkeys(ALL_NAMES, frozenset({source, "other"}))
    permit = case.permit._replace(legal_basis="consent", hide_withheld=False)
    numbers = [member.number for member in case.profile.members]

    full = minimise(case.profile, permit, dict.fromkeys(numbers, decide_person(permit, granted, holders)))
    less_person = decide_person(permit, granted._replace(refused_sources=frozenset({source})), holders)
    less = minimise(case.profile, permit, dict.fromkeys(numbers, less_person))

    told = {(number, name): known(state) for number, name, state in everything(full)}
    for number, name, state in everything(less):
        assert all(value in told[number, name] for value in known(state))
        value = settled(state)
        assert value is None or value.provenance.source_id != source


@given(st.sets(st.sampled_from(sorted(CATALOGUE.names)), min_size=1), st.sets(st.sampled_from(sorted(CATALOGUE.names))))
def test_readable_grows_with_the_names_and_holds_no_derived_one(some, more):
    """Sources are asked for base attributes only, and asking for more never reads less."""
    few = readable(dict.fromkeys(some, VALUE), CATALOGUE)
    many = readable(dict.fromkeys(some | more, VALUE), CATALOGUE)

    assert few <= many
    assert all(CATALOGUE[name].derived is None for name in many)
    assert {name for name in some if CATALOGUE[name].derived is None} <= few
    assert readable({"age": Form(FormKind.PREDICATE, operator=Operator.LT, threshold=5)}, CATALOGUE) == {"birth_date"}

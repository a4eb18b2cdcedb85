"""The laws of agreement and consent, over generated agreements, consents and households."""

from datetime import date
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from policies.agreement import Agreement
from policies.breadth import tells_no_more
from policies.diff import diff, widens
from policies.forms import apply
from policies.handles import HandleKey, HandleRing
from policies.rehearsal import HOUSEHOLD, Household, Question, Surroundings, rehearse
from standards.permit import Form, FormKind, Operator
from standards.states import Conflict, Value
from tests.unit.policies.builders import CATALOGUE, agreement

SOURCES = ("crvs", "health", "social", "tax")
RING = HandleRing([HandleKey("k1", b"a" * 32, date(2020, 1, 1))])
HANDLES = RING.handles("programme", date(2026, 6, 1))

# -- forms

EDGES = st.lists(st.integers(0, 40), min_size=1, max_size=5, unique=True).map(sorted).map(tuple)
BANDS = EDGES.map(lambda edges: Form(FormKind.BAND, edges=edges))
PREDICATES = st.one_of(
    st.builds(
        lambda operator, number: Form(FormKind.PREDICATE, operator=operator, threshold=number),
        st.sampled_from([o for o in Operator if o is not Operator.IN]),
        st.integers(0, 40),
    ),
    st.lists(st.integers(0, 40), min_size=1, max_size=3).map(
        lambda numbers: Form(FormKind.PREDICATE, operator=Operator.IN, threshold=tuple(numbers))
    ),
)
WHOLE = Form(FormKind.VALUE)
OF_NUMBERS = st.just(WHOLE) | BANDS | PREDICATES
OF_DATES = st.sampled_from([WHOLE, *(Form(FormKind.GENERALISED, to=to) for to in ("year", "month"))])
OF_NAMES = st.sampled_from([WHOLE, Form(FormKind.MASKED), Form(FormKind.GENERALISED, to="initial")])
OF_IDS = st.sampled_from([WHOLE, Form(FormKind.MASKED), Form(FormKind.PSEUDONYM, to="uin")])
KINDS = st.sampled_from(
    [
        (OF_NUMBERS, st.integers(-5, 50)),
        (OF_DATES, st.dates(date(2000, 1, 1), date(2003, 12, 31)).map(str)),
        (OF_NAMES, st.sampled_from(["Asha", "asha", "Aminata", "Baraka", "Barakat"])),
        (OF_IDS, st.integers(10**9, 10**9 + 300).map(str)),
    ]
)


@given(KINDS, st.data())
def test_what_tells_no_more_can_be_worked_out_from_what_told_more(kind, data):
    """Two values that looked alike in the old form never differ in the new one."""
    forms, values = kind
    new, old = data.draw(forms), data.draw(forms)
    assume(tells_no_more(new, old))
    one, other = data.draw(values), data.draw(values)
    assume(apply(old, one, HANDLES) == apply(old, other, HANDLES))

    assert apply(new, one, HANDLES) == apply(new, other, HANDLES)


@given(KINDS, st.data())
def test_the_order_of_forms_is_an_order(kind, data):
    """Each form tells no more than itself and than the value; what tells no more than less tells no more than more."""
    forms, _ = kind
    one, two, three = data.draw(forms), data.draw(forms), data.draw(forms)

    assert tells_no_more(one, one)
    assert tells_no_more(one, WHOLE)
    assert one == WHOLE or not tells_no_more(WHOLE, one)
    if tells_no_more(one, two) and tells_no_more(two, three):
        assert tells_no_more(one, three)


@given(BANDS, PREDICATES)
def test_a_question_that_bands_answer_is_the_only_one_that_does_not_widen(band, predicate):
    """Any other tells two numbers of one band apart; whole numbers, since the edges are."""
    tells_apart = any(
        apply(band, n) == apply(band, n + 1) and apply(predicate, n) != apply(predicate, n + 1) for n in range(-2, 44)
    )

    assert tells_no_more(predicate, band) is not tells_apart


# -- agreements, consents, households

FORMS: dict[str, list[Any]] = {
    "uin": ["value", {"form": "masked"}, {"form": "pseudonym"}],
    "given_name": ["value", {"form": "generalised", "to": "initial"}],
    "birth_date": ["value", {"form": "generalised", "to": "year"}, {"form": "generalised", "to": "month"}],
    "income_annual": [
        "value",
        {"form": "band", "edges": [10, 20, 30]},
        {"form": "band", "edges": [20]},
        {"form": "predicate", "operator": "lt", "threshold": 20},
        {"form": "predicate", "operator": "ge", "threshold": 25},
    ],
    "is_pregnant": ["value"],
    "poverty_score": ["value", {"form": "band", "edges": [10.0, 50.0]}],
}
VALUES = {
    "uin": st.integers(10**9, 10**10 - 1).map(str),
    "given_name": st.sampled_from(["Asha", "Baraka", "Çağla"]),
    "birth_date": st.dates(date(1950, 1, 1), date(2020, 1, 1)).map(str),
    "income_annual": st.integers(0, 50),
    "is_pregnant": st.booleans(),
    "surname": st.just("Secret"),
}
PURPOSE = {"title": "Eligibility", "legal_basis": "consent", "reference": "Act"}


@st.composite
def agreements(draw, version="1.0"):
    """Agreements that differ in whatever can widen or narrow."""
    names = draw(st.lists(st.sampled_from(sorted(FORMS)), min_size=1, unique=True))
    attributes = {name: draw(st.sampled_from(FORMS[name])) for name in names}
    searchable = [name for name, form in attributes.items() if form == "value"]
    purpose = PURPOSE | {"legal_basis": draw(st.sampled_from(["consent", "public_task"]))}
    return agreement(
        version=version,
        attributes=attributes,
        purposes=draw(st.sampled_from([{"eligibility": purpose}, {"eligibility": purpose, "audit": purpose}])),
        start=draw(st.sampled_from(["2026-01-01", "2026-05-01"])),
        end=draw(st.sampled_from(["2026-05-31", "2026-12-31"])),
        household=draw(st.sampled_from([{"rule": "kin@1"}, None]))
        if "poverty_score" not in names
        else {"rule": "kin@1"},
        past=draw(st.booleans()),
        bulk=draw(st.sampled_from([None, {"max_questions": 10}, {"max_questions": 100}])),
        events=draw(
            st.sampled_from([None, {"kinds": ["death"]}, {"kinds": ["death", "change"], "min_interval_s": 60}])
        ),
        search={"attributes": searchable, "max_results": 10} if searchable and draw(st.booleans()) else None,
        hide_withheld=draw(st.booleans()),
    )


SAID = st.sampled_from(SOURCES)
CONSENTS = st.sampled_from(["granted", "refused", "missing", "objected"]) | st.lists(
    SAID, min_size=1, max_size=2, unique=True
).map(lambda refused: {"refused_sources": refused})


@st.composite
def people(draw, name):
    """A member whom registries know something about."""
    known = {
        attribute: {"value": draw(values), "from": draw(SAID)}
        for attribute, values in VALUES.items()
        if draw(st.booleans())
    }
    return {"name": name, "consent": draw(CONSENTS), "knows": known}


@st.composite
def households(draw):
    """Households of one to three."""
    members = [draw(people(f"member_{number}")) for number in range(draw(st.integers(1, 3)))]
    return {"members": members, "facts": {"poverty_score": {"value": draw(st.floats(0, 100)), "from": "social"}}}


QUESTIONS = st.builds(
    Question,
    purpose=st.sampled_from(["eligibility", "audit", "other"]),
    attributes=st.none() | st.lists(st.sampled_from([*FORMS, "surname"]), min_size=1, unique=True).map(tuple),
    on=st.sampled_from([date(2026, 4, 1), date(2026, 5, 15), date(2026, 9, 1)]),
    search_by=st.none() | st.lists(st.sampled_from(sorted(FORMS)), min_size=1, max_size=2, unique=True).map(tuple),
    bulk=st.none() | st.sampled_from([5, 50, 500]),
    past=st.booleans(),
)
HOLDERS = st.fixed_dictionaries(dict.fromkeys([*VALUES, "poverty_score"], st.frozensets(SAID, min_size=1)))


def outcome(agreed, asked, of, holders):
    """What a question tells of a household: None when it is denied, or (who, attribute) -> the values told."""
    around = Surroundings(CATALOGUE, holders, lambda profile, _names, _now: profile, RING.handles)
    rehearsed = rehearse(agreed, asked, Household.model_validate(of), around)
    if rehearsed.denials:
        return None
    told = {}
    for one in rehearsed.told:
        if isinstance(one.state, Value | Conflict):
            best = one.state if isinstance(one.state, Value) else one.state.settled
            told[one.who, one.attribute] = best.value
    return told


@st.composite
def successors(draw):
    """A version and the next one, which takes a few of its terms from elsewhere."""
    old, other = draw(agreements()), draw(agreements())
    changed = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=3, unique=True))
    stated = old.model_dump() | {key: other.model_dump()[key] for key in changed} | {"version": "1.1"}
    if "attributes" in changed:
        swapped = draw(st.sets(st.sampled_from(sorted(FORMS))))
        both = old.model_dump()["attributes"], other.model_dump()["attributes"]
        stated["attributes"] = {n: f for n, f in both[0].items() if n not in swapped} | {
            n: f for n, f in both[1].items() if n in swapped
        } or both[0]
    return old, Agreement.model_validate(stated)


TERMS = ["attributes", "purposes", "start", "end", "household", "past", "bulk", "search", "hide_withheld"]


@given(successors(), QUESTIONS, households(), HOLDERS)
def test_a_version_that_does_not_widen_never_tells_more(versions, asked, of, holders):
    """Whatever is asked about whomever: no question is permitted that was denied, and no value that was not told."""
    old, new = versions
    assume(not widens(diff(old, new)))
    assume(asked.on >= new.start)  # until then the older version holds
    before, after = outcome(old, asked, of, holders), outcome(new, asked, of, holders)

    if before is None:
        assert after is None
    assert set(after or {}) <= set(before or {})


@given(agreements(), QUESTIONS, households(), HOLDERS)
def test_nothing_outside_the_permit_leaves(agreed, asked, of, holders):
    """Promise 1: only agreed names, only those asked for, never in a finer form than agreed."""
    told = outcome(agreed, asked, of, holders) or {}

    assert {name for _, name in told} <= set(agreed.attributes)
    assert asked.attributes is None or {name for _, name in told} <= set(asked.attributes)
    assert "Secret" not in told.values()
    known = {(m["name"], n): s["value"] for m in of["members"] for n, s in m["knows"].items()}
    known[HOUSEHOLD, "poverty_score"] = of["facts"]["poverty_score"]["value"]
    handles = RING.handles("programme", asked.on)
    for (who, name), value in told.items():
        assert value == apply(agreed.forms[name], known[who, name], handles)


@given(agreements(), QUESTIONS, households(), HOLDERS, st.data())
def test_one_persons_decision_changes_nothing_about_another(agreed, asked, of, holders, data):
    """Each member is decided alone; the household's own facts go by the person asked about, who is first."""
    changed = data.draw(st.integers(0, len(of["members"]) - 1))
    other = {**of, "members": [dict(member) for member in of["members"]]}
    other["members"][changed]["consent"] = data.draw(CONSENTS)
    name = of["members"][changed]["name"]

    one, two = (outcome(agreed, asked, h, holders) for h in (of, other))

    assert (one is None) == (two is None)
    mine = {name, HOUSEHOLD} if changed == 0 else {name}
    assert {k: v for k, v in (one or {}).items() if k[0] not in mine} == {
        k: v for k, v in (two or {}).items() if k[0] not in mine
    }


@given(agreements(), QUESTIONS, households(), HOLDERS, st.randoms())
def test_the_order_of_anything_changes_nothing(agreed, asked, of, holders, random):
    """Neither of the other members, nor of what is agreed, asked for or known."""
    first, *rest = of["members"]
    random.shuffle(rest)
    turned = {
        "members": [{**m, "knows": dict(reversed(list(m["knows"].items())))} for m in (first, *rest)],
        "facts": of["facts"],
    }
    names = None if asked.attributes is None else tuple(reversed(asked.attributes))
    backwards = agreed.model_copy(update={"attributes": dict(reversed(list(agreed.attributes.items())))})

    again = outcome(backwards, asked.model_copy(update={"attributes": names}), turned, holders)

    assert again == outcome(agreed, asked, of, holders)


@given(agreements(), QUESTIONS, households(), HOLDERS, st.data())
def test_granting_never_removes_and_refusing_never_adds(agreed, asked, of, holders, data):
    """The more a person grants, the more is told, and none of it changes its value."""
    who = data.draw(st.integers(0, len(of["members"]) - 1))

    def deciding(consent):
        members = [dict(member) for member in of["members"]]
        members[who]["consent"] = consent
        return outcome(agreed, asked, {**of, "members": members}, holders) or {}

    some = data.draw(st.lists(SAID, min_size=1, max_size=3, unique=True))
    more, less, none = deciding("granted"), deciding({"refused_sources": some}), deciding("refused")

    assert less.items() <= more.items()
    assert none.items() <= less.items()

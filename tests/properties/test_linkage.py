"""What holds of linkage for any two people: it is symmetric, more agreement never costs, and silence says nothing."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ports import Candidate
from gateway.linkage.comparing import LEVELS, Level, Trait, compare
from gateway.linkage.features import features_of
from gateway.linkage.judging import Known, Outcome, judge
from gateway.linkage.weighing import scored
from standards.names import sound_key
from tests.unit.gateway.linkage.people import ASHA, MODEL, population

NAMES = st.one_of(
    st.none(),
    st.sampled_from(["Asha", "Ásha", "Acha", "Neema", "Barwani", "Berwani", "Kimaro", "A.", "", "-", "12", "Dos Reis"]),
    st.text(max_size=12),
)
DATES = st.one_of(
    st.none(),
    st.sampled_from(["1980-03-04", "1980-04-03", "1980-01-01", "1980", "1981-03-04", "x", 1980]),
    st.dates().map(str),
)
TRAITS = st.fixed_dictionaries(
    {
        "given_name": NAMES,
        "second_name": NAMES,
        "surname": NAMES,
        "sex": st.sampled_from([None, "female", "male", "unknown"]),
        "birth_date": DATES,
        "locality": NAMES,
        "sub_region_code": st.sampled_from([None, "PV-101", "PV-102"]),
        "region_code": st.sampled_from([None, "PV-1", "PV-2"]),
        "kin_numbers": st.lists(st.sampled_from(["5555", "6666"]), max_size=2),
        "phone_number": st.lists(st.sampled_from(["+1", "+2"]), max_size=2),
    }
)
NUMBERS = st.dictionaries(
    st.sampled_from(["UIN", "BRN", "HOUSEHOLD_ID"]), st.sampled_from(["1111", "2222"]), max_size=2
)
CANDIDATES = st.lists(TRAITS, max_size=6).map(
    lambda found: [Candidate({"LIST_NO": str(place)}, traits) for place, traits in enumerate(found)]
)
PEOPLE = st.tuples(NUMBERS, TRAITS)


@given(PEOPLE, PEOPLE)
def test_comparing_is_symmetric(one, other):
    """Whoever of two comes first, they agree just so far; and so does the score."""
    first, second = features_of(*one), features_of(*other)
    levels = compare(first, second)

    assert levels == compare(second, first)
    assert scored(levels, first, MODEL)[0] == pytest.approx(scored(levels, second, MODEL)[0])
    assert all(level in (*LEVELS[trait], Level.MISSING) for trait, level in levels.items())


@given(PEOPLE)
def test_everybody_agrees_with_themselves(person):
    """In everything that is known of them."""
    features = features_of(*person)

    best = {LEVELS[trait][0] for trait in Trait} | {Level.MISSING, Level.YEAR, Level.SAME_DISTRICT, Level.SAME_REGION}
    assert set(compare(features, features).values()) <= best


@given(st.data(), TRAITS)
def test_more_agreement_never_lowers_the_score(data, traits):
    """In any trait, with the others as they are, for rare names and for common ones."""
    features = features_of({}, ASHA | {"surname": traits["surname"] or "Tau"})
    levels = {trait: data.draw(st.sampled_from((*LEVELS[trait], Level.MISSING)), trait) for trait in Trait}
    trait = data.draw(st.sampled_from(Trait), "changed")

    scores = [scored(levels | {trait: level}, features, MODEL)[0] for level in LEVELS[trait]]

    assert scores == sorted(scores, reverse=True)


@given(PEOPLE, PEOPLE, st.sampled_from(Trait))
def test_a_missing_trait_neither_helps_nor_harms(one, other, trait):
    """The score is that of the other traits."""
    levels = compare(features_of(*one), features_of(*other))
    score, reasons = scored(levels | {trait: Level.MISSING}, features_of(*one), MODEL)

    rest = [reason.weight for reason in reasons if reason.trait != trait]
    assert score == pytest.approx(MODEL.prior_bits + sum(rest), abs=0.01)


@given(PEOPLE, CANDIDATES, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_candidates_never_matters(person, candidates, rng, cut):
    """Nor does a candidate that came twice."""
    known = Known(*person)
    shuffled = [*candidates, *candidates[:1]]
    rng.shuffle(shuffled)

    assert judge(known, shuffled, MODEL, cut=cut) == judge(known, candidates, MODEL, cut=cut)


@given(PEOPLE, CANDIDATES)
def test_a_list_that_was_cut_matches_nobody_without_a_rule_and_never_reads_as_nobody(person, candidates):
    """What was not brought may be the person."""
    verdict = judge(Known(*person), candidates, MODEL, cut=True)

    assert verdict.outcome is not Outcome.NONE
    assert verdict.outcome is Outcome.AMBIGUOUS or verdict.rule is not None


@given(PEOPLE, CANDIDATES, st.booleans())
def test_a_match_is_one_of_the_candidates_and_stands_out(person, candidates, cut):
    """By a rule that it alone fulfils, or by threshold and margin; nothing else is ever merged."""
    verdict = judge(Known(*person), candidates, MODEL, cut=cut)

    if verdict.outcome is not Outcome.MATCH:
        assert verdict.identifiers == {}
        return
    assert verdict.identifiers in [candidate.identifiers for candidate in candidates]
    assert verdict.rival is None or verdict.score >= verdict.rival
    if verdict.rule is None:
        assert verdict.score >= MODEL.thresholds.match
        assert verdict.rival is None or verdict.score - verdict.rival >= MODEL.margin


@given(st.text(alphabet=st.characters(categories=["N", "P", "S", "Z", "C"]), max_size=8), NAMES)
def test_empty_keys_never_match(nothing, name):
    """What holds no letter agrees with nothing, itself included."""
    if sound_key(nothing):
        return
    one, other = features_of({}, {"surname": nothing}), features_of({}, {"surname": name})

    for levels in (compare(one, one), compare(one, other)):
        assert levels[Trait.SURNAME] in (Level.MISSING, Level.EXACT, Level.TRANSLITERATED, Level.DIFFERS)
        assert levels[Trait.SURNAME] is not Level.SOUNDS_ALIKE


@given(PEOPLE, CANDIDATES)
def test_no_reason_holds_a_value(person, candidates):
    """Traits, levels and weights are told, and nothing that somebody could be known by."""
    verdict = judge(Known(*person), candidates, MODEL, cut=False)

    for reason in verdict.reasons:
        assert reason.trait in set(Trait)
        assert reason.level in set(Level)
        assert isinstance(reason.weight, float)


@pytest.mark.parametrize("seed", range(3))
def test_nobody_gets_the_row_of_a_person_with_another_number(seed):
    """Whoever knows a number of the same kind that differs is never merged, in a whole population."""
    rng = Random(seed)
    people = rng.sample(population(300, seed), 40)
    candidates = [Candidate({"LIST_NO": str(p["person"]), **p["numbers"]}, p["traits"]) for p in people]

    for person in people:
        verdict = judge(Known(person["numbers"], person["traits"]), candidates, MODEL, cut=False)
        assert verdict.identifiers.get("LIST_NO", str(person["person"])) == str(person["person"])

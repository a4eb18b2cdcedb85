"""Learning: m and u as they are in the data, with labels and without, and thresholds that merge nobody wrongly."""

import orjson
import pytest

from gateway.linkage.comparing import Level, Trait
from gateway.linkage.evaluating import evaluate
from gateway.linkage.learning import How, learn
from gateway.linkage.truth import read_truth, truth_of
from standards.errors import MalformedMessageError
from tests.unit.gateway.linkage.people import MODEL, population

SIZE = 600
HOW = How(pairs=10_000)
"""Fewer pairs by chance than learning takes by default: enough for shares of one in ten."""


@pytest.fixture(scope="module")
def truth():
    """A population, and the list of every third."""
    return truth_of(population(SIZE), "list")


@pytest.fixture(scope="module")
def labelled(truth):
    """What is learned where it is known whose row is whose."""
    return learn([truth], MODEL, HOW, "a test", "7")


@pytest.fixture(scope="module")
def unlabelled(truth):
    """What is learned without it."""
    return learn([truth], MODEL, HOW._replace(is_labelled=False), "a test", "7")


def test_counting_finds_what_the_list_does(labelled):
    """Half of the rows err, in one of four traits; sexes agree by chance every other time."""
    birth, sex = labelled.traits[Trait.BIRTH_DATE].levels, labelled.traits[Trait.SEX].levels

    assert birth[Level.EXACT].m == pytest.approx(0.875, abs=0.05)
    assert birth[Level.YEAR].m + birth[Level.SWAPPED].m + birth[Level.CLOSE].m > 0.06
    assert sex[Level.EXACT].u == pytest.approx(0.5, abs=0.02)
    assert labelled.traits[Trait.SURNAME].levels[Level.EXACT].u == pytest.approx(1 / 13, abs=0.02)
    assert labelled.prior == pytest.approx(1 / SIZE, rel=0.01)
    assert (labelled.version, labelled.learned_from) == ("7", "a test")


def test_without_labels_it_comes_to_much_the_same(labelled, unlabelled):
    """EM finds how often people agree with themselves, from lists alone."""
    for trait in (Trait.BIRTH_DATE, Trait.SURNAME, Trait.GIVEN_NAME, Trait.SEX):
        counted, estimated = (model.traits[trait].levels[Level.EXACT].m for model in (labelled, unlabelled))
        assert estimated == pytest.approx(counted, abs=0.1), trait


def test_a_trait_that_was_never_compared_keeps_its_odds(labelled):
    """Nothing is learned of what the list does not hold."""
    assert labelled.traits[Trait.CONTACT] == MODEL.traits[Trait.CONTACT]


def test_nobody_is_merged_wrongly_where_it_was_learned_and_elsewhere(labelled, unlabelled):
    """The threshold stands a margin above the best wrong pair; most people are found all the same."""
    populations = [truth_of(population(SIZE, seed), "list") for seed in (3, 4)]
    for people in populations:
        score = evaluate(people, labelled)
        assert score.wrong == score.wrong_if_gone == 0
        assert score.pairs == SIZE // 3
        assert score.recall > 0.6
        assert score.found + score.ambiguous + score.missed + score.wrong == score.pairs
    assert evaluate(populations[1], unlabelled).wrong == 0


def test_the_lower_threshold_leaves_hardly_anybody_out(labelled, truth):
    """Who is in the list and not matched is put before an officer, and not told to be missing."""
    assert evaluate(truth, labelled).missed <= 5


def test_learning_again_gives_the_same(truth, labelled):
    """The same data and seed, the same model."""
    assert learn([truth], MODEL, HOW, "a test", "7") == labelled


def test_from_few_people_no_low_threshold_is_learned():
    """Where hardly any wrong pair was seen, an even chance is not enough all the same."""
    few = truth_of(population(30), "list")

    assert learn([few], MODEL, HOW._replace(pairs=500), "a test", "7").thresholds.match >= 10


def test_somebody_whose_row_is_gone_is_not_given_a_twin_s():
    """Evaluation takes everybody's own row out once: a model that merges by family traits alone is caught."""
    asha = {
        "given_name": "Hassan",
        "surname": "Barwani",
        "sex": "male",
        "birth_date": "1980-03-14",
        "locality": "Shoal",
    }
    twins = [
        {
            "person": place,
            "household": 1,
            "numbers": {"UIN": f"{place}"},
            "traits": asha | {"given_name": name},
            "rows": {"list": {"LIST_NO": f"L-{place}", "traits": asha | {"given_name": name}}},
            "members_with": [],
        }
        for place, name in enumerate(("Hassan", "Hussein"))
    ]
    truth, careless = truth_of(twins, "list"), MODEL.model_copy(update={"doubts": ()})

    assert (evaluate(truth, MODEL).found, evaluate(truth, MODEL).wrong_if_gone) == (2, 0)
    assert (evaluate(truth, careless).wrong, evaluate(truth, careless).wrong_if_gone) == (0, 2)


def test_what_is_judged_is_not_given_away():
    """The list's own number among the person's is taken out; what national ID states comes before the truth."""
    line = {
        "person": 1,
        "household": 1,
        "numbers": {"UIN": "1", "FARMER_LIST_NO": "FL-1", "HOUSEHOLD_ID": "HH-1"},
        "traits": {"surname": "True"},
        "rows": {
            "list": {"LIST_NO": "FL-1", "traits": {"surname": "Listed"}},
            "national_id": {"UIN": "1", "traits": {"surname": "Stated"}},
        },
        "members_with": [1, 2],
    }
    other = {"person": 2, "household": 1, "numbers": {"UIN": "2"}, "traits": {}, "rows": {}, "members_with": [1, 2]}
    first, second = truth_of([line, other], "list").people

    assert first.known.identifiers == {"UIN": "1", "HOUSEHOLD_ID": "HH-1"}
    assert first.known.traits == {"surname": "Stated", "kin_numbers": [{"UIN": "2"}]}
    assert first.rows == ({"LIST_NO": "FL-1"},)
    assert second.known.traits["kin_numbers"] == [{"UIN": "1", "FARMER_LIST_NO": "FL-1"}]


def test_a_file_of_truth_is_read_line_by_line(tmp_path):
    """What is wrong is said with its line; a registry that is not in it, with those that are."""
    file = tmp_path / "truth.jsonl"
    file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in population(6)))
    assert len(read_truth(file, "list").listed) == 2

    with pytest.raises(MalformedMessageError, match="there are rows of list"):
        read_truth(file, "tax")
    file.write_bytes(b'{"person": 1}\n')
    for row in (b"5", b'{"LIST_NO": "1"}', b"[5]"):
        file.write_bytes(b'{"person": 1, "numbers": {}, "traits": {}, "rows": {"list": ' + row + b"}}\n")
        with pytest.raises(MalformedMessageError, match="line 1"):
            read_truth(file, "list")
    file.write_bytes(b'{"person": 1}\n')
    with pytest.raises(MalformedMessageError, match="line 1"):
        read_truth(file, "list")
    with pytest.raises(MalformedMessageError, match="cannot be read"):
        read_truth(tmp_path / "none", "list")

"""An agreement in words: every key of the file is explained, and what it says is what the file says."""

import pytest

from policies.agreement import Agreement
from policies.explain import explain
from policies.wording import duration, form_words
from standards.permit import Form, FormKind, Operator
from tests.unit.policies.builders import CATALOGUE, agreement

FULL = agreement(
    consumer={
        "id": "programme", "title": "Programme", "client_id": "programme", "sender_id": "programme.pv",
        "callback_hosts": ["programme.pv"],
    },
    purposes={
        "eligibility": {
            "title": "Eligibility", "legal_basis": "consent", "reference": "Act, section 1",
            "quota": {"per_day": 1, "per_month": 100},
        }
    },
    search={"attributes": ["given_name"], "max_results": 10},
    bulk={"max_questions": 500},
    events={"kinds": ["death", "change"], "min_interval_s": 7200},
    mandatory=["crvs"],
    stale_if_error_s=60,
    past=True,
    hide_withheld=True,
)  # fmt: skip


def clauses(agreed):
    """Place -> sentence."""
    return {clause.where: clause.sentence for clause in explain(agreed, CATALOGUE)}


def test_every_key_of_an_agreement_has_a_clause():
    """A lawyer who reads the explanation has read the file; the title and id stand in the first sentence."""
    said = {where.split(".")[0] for where in clauses(FULL)}

    assert said >= set(Agreement.model_fields) - {"id", "title", "end", "stale_if_error_s"}
    first, *_ = clauses(FULL).values()
    assert "`grant`: Grant" in first


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("start", "from 2026-01-01 to 2026-12-31, both days included"),
        ("purposes.eligibility.legal_basis", "who has not given it is not asked about"),
        ("purposes.eligibility.quota", "At most 1 question a day and 100 questions a month (UTC)"),
        ("attributes.income_annual", "only as the band it lies in, with edges at 100"),
        ("attributes.household_size", "computed here from"),
        ("max_age_s", "older than 1 hour serves an answer. While a registry is out, a record 1 minute older may"),
        ("retention_days", "for 30 days"),
        ("mandatory", "crvs"),
        ("search", "by given_name, for at most 10 results"),
        ("bulk", "up to 500 questions in one job"),
        ("events", "subscribe to death, change of people that it names"),
        ("events", "every 2 hours at most"),
        ("past", "how things were"),
        ("hide_withheld", "as if there were nothing"),
        ("consumer.callback_hosts", "programme.pv"),
    ],
)
def test_a_clause_says_what_the_file_says(where, words):
    """In plain language."""
    assert words in clauses(FULL)[where]


def test_what_is_not_given_is_said_too():
    """Silence of a file is explained as what it means."""
    said = clauses(agreement(household=None, attributes={"given_name": "value"}))

    assert "may not be asked for" in said["household"]
    assert "only about people" in said["search"]
    assert "may not ask in bulk" in said["bulk"]
    assert "only how things are today" in said["past"]
    assert "not limited" in said["purposes.eligibility.quota"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (Form(FormKind.VALUE), "exactly"),
        (Form(FormKind.BAND, edges=(0.5, 1000000)), "edges at 0.5, 1000000"),
        (Form(FormKind.PREDICATE, operator=Operator.LT, threshold=24000), "yes or no: is it below 24000?"),
        (Form(FormKind.PREDICATE, operator=Operator.IN, threshold=(1, 2)), "is it one of 1, 2?"),
        (Form(FormKind.GENERALISED, to="district"), "only the district"),
        (Form(FormKind.MASKED), "last two characters"),
        (Form(FormKind.PSEUDONYM, to="uin"), "fits no other programme"),
    ],
)
def test_every_form_has_words(form, words):
    """To follow `is told`."""
    assert words in form_words(form)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(86400, "1 day"), (604800, "7 days"), (5400, "90 minutes"), (1, "1 second"), (1.5, "1.5 seconds")],
)
def test_a_time_is_told_in_the_largest_whole_unit(seconds, words):
    """Nobody reads 604800 as a week."""
    assert duration(seconds) == words

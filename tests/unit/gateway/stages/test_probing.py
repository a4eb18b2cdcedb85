"""Through the whole path: what was told bit by bit is counted, and what is not told any more is not read either."""

from typing import Any

import orjson
import pytest
import sqlalchemy as sa
import structlog

from gateway.cache import MemoryCache
from gateway.pipeline import Answer, answer
from gateway.stages.decide import Decisions
from gateway.stages.probing import Bounds, Probing
from policies.agreement import Agreement
from policies.book import AgreementSet
from policies.counters import QuestionCounter
from policies.probe_counts import ProbeCounts
from standards.dci.codes import ResponseEntity
from standards.dci.search import FilterQuery, IdQuery
from standards.filters import Comparison, Every
from standards.permit import Operator
from tests.builders import ASHA, CATALOGUE, JUMA, KEY, PLANNER, World, item, question, uin
from tests.unit.policies.builders import agreement as agreed


@pytest.fixture
def counter(tmp_path):
    """A file of counts."""
    made = QuestionCounter(f"sqlite:///{tmp_path / 'counters.db'}")
    yield made
    made.close()


def agreement(threshold: int = 24_000, **changes: Any) -> Agreement:
    """Names and whether an income lies below a threshold, by law."""
    purposes = {"eligibility": {"title": "E", "legal_basis": "vital_interest", "reference": "Act"}}
    attributes = {
        "given_name": "value",
        "poverty_score": "value",
        "income_annual": {"form": "predicate", "operator": "lt", "threshold": threshold},
    }
    return agreed(purposes=purposes, attributes=attributes, **changes)


class Counts(ProbeCounts):
    """Counts that know how often they were asked."""

    weighed = 0

    def weigh(self, *args: Any, **more: Any) -> Any:
        """Weigh, and note it."""
        self.weighed += 1
        return super().weigh(*args, **more)


class Guarded:
    """A gateway with a probe guard that takes one threshold, three answers and two values of searches."""

    def __init__(self, counter: QuestionCounter, *agreements: Agreement, **more: Any) -> None:
        self.noticed: list[tuple[str, str]] = []
        self.world = World(None, *agreements, **more)
        self.counts = Counts(counter.engine, KEY, 30)
        holders = PLANNER.holders()
        probing = Probing(self.counts, holders, Bounds(3, 1, 2), lambda *of: self.noticed.append(of))
        decisions = Decisions(AgreementSet(agreements), self.world.ledger, CATALOGUE, holders, probing=probing)
        self.world.rooms = self.world.rooms._replace(decisions=decisions)

    async def ask(self, **changes: Any) -> Answer:
        """Ask about Asha's household, or whatever else."""
        asked = item(**{"query": IdQuery(uin(ASHA)), "purpose": "eligibility", **changes})
        return await answer(question(asked, "programme"), self.world.rooms)


def income(answered: Answer) -> dict[str, Any]:
    """The state of Asha's income."""
    evidence = orjson.loads(answered.item)["data"]["hearth:evidence"][0]
    return dict(evidence["members"][0]["attributes"]["income_annual"])


async def test_what_is_not_told_any_more_is_not_read_and_is_noted(counter):
    """The registry is not asked, the journal names the attribute, and log and figures name nobody."""
    await Guarded(counter, agreement(24_000)).ask()
    guarded = Guarded(counter, agreement(12_000))

    with structlog.testing.capture_logs() as logged:
        answered = await guarded.ask()

    assert income(answered) == {"state": "withheld", "reason": "probed_too_often"}
    assert "tax" not in guarded.world.asked
    assert "probe guard: income_annual not told" in answered.entry.plan.splitlines()
    assert "income_annual" not in answered.entry.released
    assert {tuple(sorted(line)) for line in logged if line["event"] == "probe_noticed"} == {
        ("attribute", "consumer", "event", "log_level")
    }
    assert set(guarded.noticed) == {("programme", "income_annual")}


async def test_what_was_told_before_is_told_again_without_a_look(counter):
    """The same threshold of the same day costs nothing new, not even time."""
    guarded = Guarded(counter, agreement(), cache=MemoryCache(KEY, 1_000_000))
    first = await guarded.ask()
    weighed = guarded.counts.weighed

    again = await guarded.ask(explain=True)

    assert income(first)["state"] == income(again)["state"] == "value"
    assert guarded.counts.weighed == weighed


async def test_where_the_agreement_hides_why_it_looks_absent(counter):
    """As if the tax office knew nothing."""
    await Guarded(counter, agreement(24_000)).ask()

    answered = await Guarded(counter, agreement(12_000, hide_withheld=True)).ask()

    assert income(answered)["state"] == "absent"
    assert b"probed_too_often" not in answered.item


async def test_an_agreement_states_bounds_of_its_own(counter):
    """For one attribute, in place of those of the settings."""
    for threshold in (1, 2, 3):
        wider = agreement(threshold, probes={"income_annual": {"thresholds": 2}})
        state = income(await Guarded(counter, wider).ask())
        assert state["state"] == ("value" if threshold < 3 else "withheld")


@pytest.mark.parametrize(
    ("entity", "reasons"),
    [(ResponseEntity.MEMBER, [None]), (ResponseEntity.GROUP, ["probed_too_often"] * 2)],
    ids=["alone", "in the household"],
)
async def test_everybody_has_a_budget_of_their_own(counter, entity, reasons):
    """What was told about Asha alone is not counted for her husband; what was told of both is."""
    await Guarded(counter, agreement(24_000)).ask(response_entity=entity)
    other = await Guarded(counter, agreement(12_000)).ask(query=IdQuery(uin(JUMA)), response_entity=entity)
    evidence = orjson.loads(other.item)["data"]["hearth:evidence"][0]

    states = [m["attributes"]["income_annual"] for m in evidence["members"][: len(reasons)]]
    assert [state.get("reason") for state in states] == reasons


async def test_what_cannot_be_counted_is_not_told(counter):
    """The question is denied, whole; searches too."""
    search = {"attributes": ["poverty_score"], "max_results": 10}
    guarded = Guarded(counter, agreement(search=search))
    with counter.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE probe"))

    by_number = await guarded.ask()
    by_filter = await guarded.ask(query=FilterQuery(Comparison("poverty_score", Operator.LT, 30), ""))

    for answered in (by_number, by_filter):
        assert answered.status == "rjct"
        assert b"undecided" in answered.item
        assert b"reg_records" not in answered.item


async def test_a_search_by_too_many_values_is_denied(counter):
    """Whatever stands beside them in the filter; a value of before may be used again."""
    guarded = Guarded(counter, agreement(search={"attributes": ["poverty_score"], "max_results": 10}))

    async def search(*values: float) -> str:
        parts = tuple(Comparison("poverty_score", Operator.LT, value) for value in values)
        return (await guarded.ask(query=FilterQuery(Every(parts), ""))).item.decode()

    assert "reg_records" in await search(30)
    assert "reg_records" in await search(30, 40)
    denied = await search(30, 35)

    assert "probed_too_often" in denied
    assert "poverty_score" in denied
    assert "35" not in denied.split("status_reason_message")[1]
    assert "reg_records" in await search(40)
    assert guarded.noticed == [("programme", "poverty_score")]

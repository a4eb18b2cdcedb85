"""Attacks on what an agreement keeps back: each works against a gateway without its guard, and fails against it.

The attacker is a programme with every right that its agreements give, and with patience: it asks whatever may be asked,
as often as it likes, and works out the rest. What it must not learn is finer than what it was promised.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import date, timedelta
from itertools import cycle
from typing import Any

import orjson
import pytest

from adapters.ports import GroupMember, Record
from gateway.cache import MemoryCache
from gateway.pipeline import answer
from gateway.show import Values
from gateway.stages.decide import Decisions
from gateway.stages.pace import Pace
from gateway.stages.paging import Paging
from gateway.stages.probing import Bounds, Probing
from gateway.stages.recall import Recall, Remembered
from gateway.stages.search import Finding
from policies.agreement import Agreement
from policies.book import AgreementSet
from policies.counters import QuestionCounter
from policies.ledger import MemoryLedger
from policies.probe_counts import ProbeCounts
from policies.receipts import Consent, Decision
from standards.dci.search import FilterQuery, IdQuery, Page, SortKey
from standards.filters import Comparison, Every
from standards.identifiers import Identifier
from standards.permit import Operator
from tests.builders import (
    ASHA,
    CATALOGUE,
    HOUSEHOLD,
    JUMA,
    KEY,
    NEEMA,
    NOW,
    PLANNER,
    Truth,
    World,
    family,
    item,
    question,
    uin,
)
from tests.fakes import StillClock

INCOME = 9_000
"""Of Asha, in a year."""
CEILING = 32_768
BOUNDS = Bounds(answers=8, thresholds=3, search_values=6)

guarded = pytest.mark.parametrize("is_guarded", [True, False], ids=["guarded", "unguarded"])


class Blind(Decisions):
    """Policy that lets every filter pass."""

    async def too_fine(self, permit: Any, item: Any) -> None:
        """Look at nothing."""


class RegistryPages(Paging):
    """The registry's own pages and totals, less whoever is hidden on the page."""

    async def page(self, name: Any, find: Any, each: Any, permit: Any, page: Page | None, spread: int) -> Any:
        """Return what the registry put there."""
        wanted = page or Page(10)
        finding: Finding = await find(wanted, permit.max_results)
        read = [d for d in await each(finding.subjects, finding) if d is not None]
        return finding._replace(total=(finding.total or 0) - sum(d.is_hidden for d in read)), read


class RecallsForAnybody(Recall):
    """Answers remembered under the question alone."""

    def __init__(self, answers: MemoryCache) -> None:
        super().__init__(answers)
        self._last: Remembered | None = None

    def find(self, consumer: Any, item: Any, terms: Any) -> Remembered | None:
        """Return what was answered last."""
        return self._last

    def keep(self, consumer: Any, item: Any, remembered: Remembered, gathered: Any, size: int) -> None:
        """Keep the last answer."""
        self._last = remembered


@pytest.fixture
async def attacked(tmp_path, is_guarded) -> AsyncIterator[Callable[..., World]]:
    """Makes a gateway under attack, with its guard or without."""
    counter = QuestionCounter(f"sqlite:///{tmp_path / 'counters.db'}")

    def made(
        *agreements: Agreement, ledger: MemoryLedger | None = None, truth: Truth | None = None, **more: Any
    ) -> World:
        world = World(truth, *agreements, ledger=ledger, **more)
        noticed: list[tuple[str, str]] = []
        guard = Probing(ProbeCounts(counter.engine, KEY, 30), PLANNER.holders(), BOUNDS, lambda *n: noticed.append(n))
        kind = Decisions if is_guarded else Blind
        decisions = kind(
            AgreementSet(agreements), world.ledger, CATALOGUE, PLANNER.holders(), probing=guard if is_guarded else None
        )
        paging = Paging() if is_guarded else RegistryPages()
        world.rooms = world.rooms._replace(decisions=decisions, paging=paging)
        world.noticed = noticed  # type: ignore[attr-defined] # for the tests alone
        return world

    yield made
    counter.close()


def agreement(number: int = 0, attributes: dict[str, Any] | None = None, **changes: Any) -> Agreement:
    """One of many agreements of one programme, each for a purpose of its own."""
    stated: dict[str, Any] = {
        "id": f"grant-{number}",
        "version": "1.0",
        "consumer": {"id": "uct", "title": "Programme", "client_id": "uct", "sender_id": "uct.programmes.pv"},
        "title": "Grant",
        "start": "2026-01-01",
        "end": "2027-12-31",
        "purposes": {f"purpose_{number}": {"title": "P", "legal_basis": "vital_interest", "reference": "Act"}},
        "household": {"rule": "registered-or-kin@1"},
        "attributes": attributes or {"income_annual": {"form": "predicate", "operator": "lt", "threshold": 1}},
        "max_age_s": 3600,
        "retention_days": 30,
    }
    return Agreement.model_validate(stated | changes)


def below(threshold: int, name: str = "income_annual") -> dict[str, Any]:
    """One question about an income."""
    return {name: {"form": "predicate", "operator": "lt", "threshold": threshold}}


async def ask(world: World, **changes: Any) -> dict[str, Any]:
    """Ask as the programme; the item as it is sent."""
    answered = await answer(question(item(**changes), "uct"), world.rooms)
    return dict(orjson.loads(answered.item))


async def told(world: World, name: str, subject: Identifier, **changes: Any) -> bool | None:
    """Whether one attribute of Asha, or of the household, holds; None when it is not told."""
    given = await ask(world, query=IdQuery(subject), **changes)
    record, values = given["data"]["reg_records"][0], Values()
    said = [part[name] for part in map(values.of, (record, record["member_list"][0])) if part.get(name) is not None]
    evidence = given["data"]["hearth:evidence"][0]
    states = {**evidence["attributes"], **evidence["members"][0]["attributes"]}
    if said:
        return bool(said[0])
    assert states[name] == {"state": "withheld", "reason": "probed_too_often"}
    return None


async def halved(
    is_below: Callable[[int], Awaitable[bool | None]], low: int = 0, high: int = CEILING
) -> tuple[int, int]:
    """Search for a number by halves, until it is found or nothing is answered any more: where it must lie."""
    while high - low > 1:
        middle = (low + high) // 2
        said = await is_below(middle)
        if said is None:
            break
        low, high = (low, middle) if said else (middle, high)
    return low, high


def parents_and_child() -> Truth:
    """Asha, Juma and Neema, of all of whom it is known what they earn."""
    truth = family()
    (group,) = truth["social", "group"]
    truth["social", "group"] = [group._replace(members=group.members[:3])]
    return truth


@guarded
@pytest.mark.parametrize(
    ("name", "value", "subjects"),
    [
        ("income_annual", 9_000, [uin(ASHA)]),
        (
            "income_annual",
            9_000,
            [Identifier("MEMBER_ID", ASHA["MEMBER_ID"]), Identifier("TIN", "T00000001"), uin(ASHA)],
        ),
        ("household_income", 13_000, [uin(ASHA), uin(JUMA), uin(NEEMA), HOUSEHOLD]),
    ],
    ids=["one number", "many numbers", "by each member"],
)
async def test_an_income_is_not_found_by_halves(attacked, is_guarded, name, value, subjects):
    """Each threshold comes under an agreement of its own, is asked of another process, and by another number.

    Whether the attribute is asked for alone or with everything else makes no difference.
    """
    turns, subsets, worlds = cycle(subjects), cycle([None, frozenset({name})]), []

    async def is_below(threshold: int) -> bool | None:
        world = attacked(agreement(threshold, below(threshold, name)), truth=parents_and_child())
        worlds.append(world)
        return await told(world, name, next(turns), purpose=f"purpose_{threshold}", attributes=next(subsets))

    low, high = await halved(is_below)

    assert low <= value < high
    if is_guarded:
        assert high - low == CEILING // 2**BOUNDS.thresholds
        assert set(worlds[-1].noticed) == {("uct", name)}
        assert "tax" not in worlds[-1].asked or subjects[0] != uin(ASHA) or name != "income_annual"
    else:
        assert high - low == 1


@guarded
async def test_a_new_version_every_day_climbs_no_further(attacked, is_guarded):
    """Versions replace each other; what was told under them adds up."""
    versions = [
        agreement(0, below(1000 * n), version=f"{n}.0", start=NOW.date() + timedelta(days=n)) for n in range(1, 16)
    ]
    said = []
    for day in range(1, 16):
        world = attacked(*versions, clock=StillClock(NOW + timedelta(days=day)))
        said.append(await told(world, "income_annual", uin(ASHA), purpose="purpose_0"))

    is_known_exactly = said == [1000 * n > INCOME for n in range(1, 16)]
    assert is_known_exactly is not is_guarded
    assert sum(one is not None for one in said) == (BOUNDS.thresholds if is_guarded else 15)


@guarded
async def test_one_threshold_asked_day_by_day_is_answered_so_many_times(attacked, is_guarded):
    """Else the day on which somebody's income passed it would be told. The same day over costs nothing."""
    said = []
    for day in range(12):
        world = attacked(agreement(0, below(24_000)), clock=StillClock(NOW + timedelta(days=day)))
        said += [await told(world, "income_annual", uin(ASHA), purpose="purpose_0") for _ in range(3)]

    assert sum(one is not None for one in said) == 3 * (BOUNDS.answers if is_guarded else 12)


SCORE = 23.5
"""The poverty score of Asha's household."""


def village() -> Truth:
    """Asha's household among three others, by poverty score."""
    truth = family()
    (ashas,) = truth["social", "group"]
    others = [
        Record(
            {"HOUSEHOLD_ID": f"HH-00001{n}"},
            {"poverty_score": score, "registered_size": 1},
            "2026-04-04",
            members=(GroupMember("SELF", {"MEMBER_ID": f"SM000001{n}"}),),
        )
        for n, score in enumerate((10.0, 20.0, 30.0))
    ]
    truth["social", "group"] = [*others[:2], ashas, others[2]]
    truth["social", "member"] += [
        Record({"MEMBER_ID": f"SM000001{n}"}, {"given_name": "Zawadi", "sex": "female"}, "2026-04-04") for n in range(3)
    ]
    return truth


async def neighbours() -> MemoryLedger:
    """Everybody in the village consents, but Asha."""
    ledger = MemoryLedger(KEY)
    for n in range(3):
        other = Identifier("MEMBER_ID", f"SM000001{n}")
        await ledger.record(Consent(other, "purpose_0", Decision.GRANTED, other, date(2026, 1, 2)))
    return ledger


def by_score(
    form: Any = "value", *, basis: str = "consent", attributes: Iterable[str] = (), **search: Any
) -> Agreement:
    """An agreement to search by poverty score."""
    return agreement(
        0,
        {"poverty_score": form, "given_name": "value", **dict.fromkeys(attributes, "value")},
        purposes={"purpose_0": {"title": "P", "legal_basis": basis, "reference": "Act"}},
        search={"attributes": ["poverty_score"], "max_results": 100} | search,
        probes={"poverty_score": {"search_values": 1000}},
    )


async def found(world: World, threshold: float, number: int = 1, size: int = 50, **changes: Any) -> dict[str, Any]:
    """Search for households below a score."""
    return await ask(
        world,
        query=FilterQuery(Comparison("poverty_score", Operator.LT, threshold), ""),
        purpose="purpose_0",
        page=Page(size, number),
        **changes,
    )


@guarded
async def test_a_filter_narrows_no_further_than_the_band(attacked, is_guarded):
    """Every score is tried; only the agreed edges are answered."""
    world = attacked(by_score({"form": "band", "edges": [20, 40]}, basis="vital_interest"), truth=village())

    async def is_below(score: int) -> bool | None:
        given = await found(world, score)
        if given["status"] == "rjct":
            assert "agreed edge: 20, 40" in given["status_reason_message"]
            return None
        return any(
            record["group_identifier"][0]["identifier_value"] == HOUSEHOLD.value
            for record in given["data"]["reg_records"]
            if record.get("group_identifier")
        ) or len(given["data"]["reg_records"]) == sum(one < score for one in (10, 20, 30, SCORE)) > sum(
            one < score for one in (10, 20, 30)
        )

    said = {score: await is_below(score) for score in range(1, 64)}
    low = max((score for score, is_so in said.items() if is_so is False), default=0)
    high = min((score for score, is_so in said.items() if is_so), default=64)

    assert (low, high) == ((20, 40) if is_guarded else (23, 24))


@guarded
async def test_many_agreements_search_no_finer_than_a_few(attacked, is_guarded):
    """Each has a threshold of its own to search by; who is found below which is told as if asked."""
    others = sorted((10, 20, 30))

    async def is_below(score: int) -> bool | None:
        form = {"form": "predicate", "operator": "lt", "threshold": score}
        stated = agreement(score, {"poverty_score": form, "given_name": "value"})
        searching = {"attributes": ["poverty_score"], "max_results": 100}
        world = attacked(
            Agreement.model_validate(stated.model_dump(mode="json") | {"search": searching}), truth=village()
        )
        filter_ = FilterQuery(Comparison("poverty_score", Operator.LT, score), "")
        given = await ask(world, query=filter_, purpose=f"purpose_{score}")
        if given["status"] == "rjct":
            assert "probed_too_often" in given["status_reason_message"]
            return None
        return bool(given["pagination"]["total_count"] > sum(other < score for other in others))

    low, high = await halved(is_below, 0, 64)

    assert low <= SCORE < high
    assert high - low == (64 // 2**BOUNDS.thresholds if is_guarded else 1)


@guarded
async def test_an_order_by_what_is_told_as_a_band_is_refused(attacked, is_guarded):
    """A place between two others would tell the score."""
    agreed = by_score({"form": "band", "edges": [20, 40]}, basis="vital_interest")
    given = await found(attacked(agreed, truth=village()), 40, sort=(SortKey("poverty_score"),))

    assert (given["status"] == "rjct") is is_guarded


@guarded
async def test_a_total_counts_nobody_who_is_hidden(attacked, is_guarded):
    """A household that keeps its score back is looked for by halves, in the difference of total and records."""

    async def counts_her(score: int) -> bool:
        world = attacked(by_score(), truth=village(), ledger=await neighbours())
        totals = [(await found(world, score, n, 1)) for n in range(1, 5)]
        shown = sum(len(one["data"]["reg_records"]) for one in totals)
        return bool(totals[0]["pagination"]["total_count"] > shown)

    bits = [await counts_her(score) for score in range(18, 30)]

    assert any(bits) is not is_guarded
    if not is_guarded:
        assert bits.index(True) + 18 == 24


@guarded
async def test_no_page_has_a_hole(attacked, is_guarded):
    """With one record on a page, a hole between two others tells the score of whoever is missing there."""
    world = attacked(by_score(), truth=village(), ledger=await neighbours())
    pages = [await found(world, 100, number, 1) for number in range(1, 6)]
    shown = [len(page["data"]["reg_records"]) for page in pages]

    assert shown == ([1, 1, 1, 0, 0] if is_guarded else [1, 1, 0, 1, 0])


@guarded
async def test_an_error_counts_nobody_who_is_hidden(attacked, is_guarded):
    """The bound of the agreement is met by those who are shown, so nobody tips it over from hiding."""
    statuses = []
    for score in (20, 22, 25, 31):
        world = attacked(by_score(max_results=3), truth=village(), ledger=await neighbours())
        statuses.append((await found(world, score))["status"])

    assert statuses == ["succ"] * (4 if is_guarded else 3) + ([] if is_guarded else ["rjct"])


@guarded
async def test_a_search_that_names_one_person_shows_nobody(attacked, is_guarded):
    """Whether somebody with these facts is there is answered like whether there is anybody at all."""
    agreed = by_score(basis="vital_interest", attributes=["uin"], min_group_size=3 if is_guarded else 1)
    agreed = agreed.model_copy(
        update={"search": agreed.search.model_copy(update={"attributes": ("poverty_score", "uin")})}  # type: ignore[union-attr]
    )
    answers = []
    for number in (ASHA["UIN"], "9999999999"):
        filter_ = Every((Comparison("poverty_score", Operator.GE, 0), Comparison("uin", Operator.IN, (number,))))
        given = await ask(attacked(agreed, truth=village()), query=FilterQuery(filter_, ""), purpose="purpose_0")
        answers.append(given)

    assert (answers[0] == answers[1]) is is_guarded


@guarded
async def test_what_another_programme_was_told_is_not_recalled(attacked, is_guarded):
    """Two programmes put one question in the same words; what the one may know is composed, kept and given again."""
    other = {"id": "other", "title": "Other", "client_id": "other", "sender_id": "other.pv"}
    cache = MemoryCache(KEY, 10_000_000)
    world = attacked(
        agreement(0, {"given_name": "value", "income_annual": "value"}),
        agreement(1, {"given_name": "value"}, consumer=other, purposes=agreement(0).purposes),
        cache=cache,
    )
    if not is_guarded:
        world.rooms = world.rooms._replace(recall=RecallsForAnybody(cache))
    for _ in range(3):
        assert b'"income_annual":9000' in orjson.dumps(await ask(world, purpose="purpose_0"))

    answered = await answer(question(item(purpose="purpose_0"), "other"), world.rooms)

    assert (b'"income_annual":9000' in answered.item) is not is_guarded


@guarded
async def test_an_answer_about_who_refused_leaves_when_one_about_who_is_unknown_does(attacked, is_guarded):
    """Time is made of work: what was asked of registries. Refusals are compared with absence, source by source."""
    secrets = {"income_annual": "tax", "land_area_ha": "land", "school_enrolled": "education", "insured": "health"}
    told_apart = 0
    for name, source in secrets.items():
        agreed = agreement(
            0,
            {"given_name": "value", name: "value"},
            purposes={"purpose_0": {"title": "P", "legal_basis": "consent", "reference": "Act"}},
            hide_withheld=True,
            even_time_ms=1000 if is_guarded else 0,
        )
        seen = []
        for has_refused in (True, False):
            ledger = MemoryLedger(KEY)
            for person in (ASHA, JUMA, NEEMA):
                me = uin(person)
                sources = frozenset({source}) if has_refused else None
                await ledger.record(Consent(me, "purpose_0", Decision.GRANTED, me, date(2026, 1, 2)))
                if has_refused:
                    await ledger.record(Consent(me, "purpose_0", Decision.REFUSED, me, date(2026, 1, 3), sources))
            truth = {key: ([] if key[0] == source else records) for key, records in family().items()}
            world = attacked(agreed, ledger=ledger, truth=truth)
            left = await leaving(world)
            seen.append((left, await ask(world, query=IdQuery(uin(ASHA)), purpose="purpose_0")))
            assert (source in world.asked) is not has_refused  # nothing is asked to make up for what is not
        (refused_at, refused), (unknown_at, unknown) = seen
        assert refused == unknown
        told_apart += refused_at != unknown_at

    assert told_apart == (0 if is_guarded else len(secrets))


async def leaving(world: World) -> float:
    """When an answer leaves, where every call to a registry takes 30 ms."""
    slept = [0.0]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    world.rooms = world.rooms._replace(pace=Pace(lambda: 0.03 * sum(world.asked.values()), sleep))
    await ask(world, query=IdQuery(uin(ASHA)), purpose="purpose_0")
    return 0.03 * sum(world.asked.values()) + sum(slept)

"""People looked up at a registry that knows none of their numbers: what is planned, asked, believed, and told."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from textwrap import dedent

import pytest

from adapters.generic.mapping.layout import ValueField
from adapters.generic.mapping.traits import TraitsOptions
from adapters.ports import Candidate, Deadline, GroupMember, Record, TraitAnswer, TraitFetch
from adapters.terms import WEEKDAYS, Hours, Window
from gateway.cache import MemoryCache
from gateway.linkage.judging import Known, Outcome, Verdict
from gateway.linkage.weighing import Reason
from gateway.stages.calls import Calls, Terms
from gateway.stages.compose import Composer
from gateway.stages.derive import Deriver
from gateway.stages.fetch import Fetcher, Gathered
from gateway.stages.household import Found
from gateway.stages.people import Person
from gateway.stages.plan import Planner
from standards.identifiers import Identifier
from standards.permit import PersonPermit
from standards.rules import BoundaryRule
from standards.states import Absent, Unavailable, UnavailableReason, Value, Withheld
from tests.builders import CATALOGUE, KEY, NEVER, NOW, REGISTERED, lookup, permitting, record, small_manifest
from tests.fakes import InMemoryRegistry, StillClock, connected
from tests.unit.policies.builders import VALUE

TRAITS = {name: ValueField(path=name) for name in ("given_name", "surname", "birth_date")}
WHO = lookup(
    "who",
    by=(),
    by_traits=TraitsOptions(blocks=(("birth_date", "surname"), ("birth_year", "name_sound")), traits=TRAITS),
    identifiers=("LIST_NO",),
)
LIST = small_manifest(
    "list",
    WHO,
    lookup("entry", by=["LIST_NO"], attributes=("land_area_ha",), identifiers=("LIST_NO",), no_identifier_means_no_record=True),
    issues=("LIST_NO",),
)  # fmt: skip
FACTS = small_manifest("facts", lookup(by=["UIN"], identifiers=("UIN",), attributes=("given_name", "surname")))
BIRTHS = small_manifest("births", lookup(by=["UIN"], identifiers=("UIN",), attributes=("birth_date",)))
GROUPS = small_manifest(
    "groups", lookup("group", by=["UIN"], entity="group", members=True, identifiers=("HOUSEHOLD_ID",))
)
MANIFESTS = (LIST, FACTS, BIRTHS, GROUPS)
PLANNER = Planner(MANIFESTS, CATALOGUE)
LAND = frozenset({"land_area_ha"})
OPEN = PersonPermit({"land_area_ha": VALUE}, {})
ASHA, JUMA = Identifier("UIN", "1"), Identifier("UIN", "2")
NAMES = {"1": ("Asha", "Moyo", "1990-02-01"), "2": ("Juma", "Moyo", "1988-05-05")}


class LinkableList(InMemoryRegistry):
    """A list that is looked up by traits; everybody on it is a candidate."""

    cut = False

    def __init__(self, rows: Mapping[str, tuple[str, str, str]], area: float = 2.0) -> None:
        entries = [record({"land_area_ha": area}, LIST_NO=number) for number in rows]
        super().__init__(LIST, {"entry": entries})
        self.rows = rows
        self.looked_for: list[TraitFetch] = []

    async def candidates(self, request: TraitFetch, deadline: Deadline) -> TraitAnswer:
        self.looked_for.append(request)
        self._fail("who")
        found = tuple(
            Candidate({"LIST_NO": number}, dict(zip(TRAITS, row, strict=True))) for number, row in self.rows.items()
        )
        return TraitAnswer((found,) * len(request.wanted), (self.cut,) * len(request.wanted))


class SameName:
    """Who bears the same names is the same; two of them are ambiguous, and whoever is another one for officers is out.

    hangs: nobody comes to know whether they have decided anything.
    """

    def __init__(
        self, *, is_reviewed: bool = False, different: frozenset[str] = frozenset(), hangs: bool = False
    ) -> None:
        self.settled: list[Known] = []
        self.shadows: list[SameName] = []
        self.different, self.is_reviewed, self.hangs = different, is_reviewed or bool(different), hangs

    def beside(self) -> SameName:
        self.shadows.append(SameName())
        return self.shadows[-1]

    async def decided_on(self, source_id: str, people: Sequence[Known]) -> Sequence[bool]:
        if self.hangs:
            await asyncio.Event().wait()
        return [self.is_reviewed] * len(people)

    async def settle(self, source_id: str, known: Known, candidates: Sequence[Candidate], *, cut: bool) -> Verdict:
        self.settled.append(known)
        left = [c for c in candidates if c.identifiers["LIST_NO"] not in self.different]
        same = [c for c in left if c.traits["given_name"] == known.traits.get("given_name")]
        reasons = (Reason("given_name", "exact", 4.0),)
        if len(same) == 1 and not cut:
            return Verdict(Outcome.MATCH, same[0].identifiers, 17.25, None, reasons, None, self.is_reviewed)
        outcome = Outcome.AMBIGUOUS if same or cut else Outcome.NONE
        return Verdict(outcome, {}, 0.0, None, reasons, None, self.is_reviewed)


def country(rows: Mapping[str, tuple[str, str, str]], members: Sequence[str] = ("1",)) -> dict[str, InMemoryRegistry]:
    """The list, and the registries that know names and births."""
    facts = [record({"given_name": g, "surname": s}, UIN=n) for n, (g, s, _) in NAMES.items()]
    births = [record({"birth_date": b}, UIN=n) for n, (_, _, b) in NAMES.items()]
    group = Record({"HOUSEHOLD_ID": "H"}, {}, members=tuple(GroupMember("", {"UIN": n}) for n in members))
    return {
        "list": LinkableList(rows),
        "facts": InMemoryRegistry(FACTS, {"person": facts}),
        "births": InMemoryRegistry(BIRTHS, {"person": births}),
        "groups": InMemoryRegistry(GROUPS, {"group": [group]}),
    }


def the_list(of: Mapping[str, InMemoryRegistry]) -> LinkableList:
    """The list among a country's registries."""
    found = of["list"]
    assert isinstance(found, LinkableList)
    return found


async def gather(
    of: Mapping[str, InMemoryRegistry],
    rule: BoundaryRule | None = None,
    permit: PersonPermit = OPEN,
    settling: SameName | None = None,
    cache: MemoryCache | None = None,
    names: frozenset[str] = LAND,
    later_s: float = 0,
    stale_s: float = 0,
    deadline: Deadline = NEVER,
) -> Gathered:
    """Ask about Asha's land, so much later."""
    registries, now = connected(of), StillClock(NOW)
    now.move(later_s)
    kept = MemoryCache(KEY, 0) if cache is None else cache
    calls = Calls(registries, kept, now, max_stale_s=stale_s, settling=settling or SameName())
    return await Fetcher(registries, calls, now).fetch(
        lambda _: PLANNER.plan(names, "UIN", rule, linkage=True),
        ASHA,
        permitting(permit),
        max_age_s=3600,
        deadline=deadline,
        transaction_id="t",
        stale_if_error_s=stale_s,
    )


def told(gathered: Gathered, person: int = 0) -> object:
    """What comes of it about the land of somebody."""
    composer = Composer(MANIFESTS, CATALOGUE, Deriver(CATALOGUE))
    profile = composer.compose(gathered.plan, gathered, LAND, NOW)
    return profile.members[person].attributes["land_area_ha"]


def rows(*numbers: str) -> dict[str, tuple[str, str, str]]:
    """The list's entries of these people."""
    return {f"L{number}": NAMES[number] for number in numbers}


def entries(**areas: float) -> dict[str, list[Record]]:
    """What the list holds by its numbers."""
    return {"entry": [record({"land_area_ha": area}, LIST_NO=number) for number, area in areas.items()]}


class TestThePlan:
    def test_traits_are_read_first_then_the_list_is_asked_by_them(self):
        """And then by its own number."""
        text = PLANNER.plan(LAND, "UIN", REGISTERED, linkage=True).text()

        assert text == dedent("""\
            by UIN, household registered@1
            1 groups.group by UIN for the person asked about: who belongs to it
            2 facts.person by UIN for everyone in the household: given_name, surname
            3 births.person by UIN for everyone in the household: birth_date
            4 list.who by given_name+surname+birth_date for everyone in the household after 2, 3: LIST_NO
            5 list.entry by LIST_NO for everyone in the household after 4: land_area_ha""")

    def test_every_choice_is_explained(self):
        """Why it is looked up by name at all, and what is read for that alone."""
        why = PLANNER.plan(LAND, "UIN", None, linkage=True).why

        assert "2 births.person states birth_date, to look people up by" in why
        assert (
            "3 list.who knows no number of anybody: people are looked up there by birth_date, given_name and surname; "
            "gives LIST_NO of whoever is surely the same"
        ) in why

    def test_nobody_is_looked_up_without_the_right(self):
        """Then the registry cannot be asked, and nothing is read for it."""
        plan = PLANNER.plan(LAND, "UIN", None)

        assert plan.steps == ()
        assert plan.unreachable == LAND
        assert plan.reads == LAND

    def test_a_number_is_preferred(self):
        """Whoever can be asked by one is, and nobody is looked up by name."""
        sure = small_manifest("sure", lookup(by=["UIN"], attributes=("land_area_ha",)))
        plan = Planner((*MANIFESTS, sure), CATALOGUE).plan(LAND, "UIN", None, linkage=True)

        assert [step.key for step in plan.steps] == [("sure", "person")]

    def test_a_list_that_the_traits_do_not_narrow_is_not_asked(self):
        """Without birth dates nobody is found there."""
        plan = Planner((LIST, FACTS), CATALOGUE).plan(LAND, "UIN", None, linkage=True)

        assert plan.steps == ()

    def test_what_is_read_to_look_people_up_is_not_brought_home(self):
        """It is in no profile, so it can never leave."""
        assert PLANNER.plan(LAND, "UIN", None, linkage=True).reads == LAND


class TestLookingUp:
    async def test_a_match_is_asked_about_by_the_list_s_own_number(self):
        """The value comes from the list; the evidence says on what it rests; names stay where they are."""
        of = country(rows("1", "2"))
        gathered = await gather(of)

        state = told(gathered)
        assert isinstance(state, Value)
        assert (state.value, state.provenance.source_id) == (2.0, "list")
        assert [s.value for s in of["list"].asked[0].subjects] == ["L1"]
        (evidence,) = [e for e in gathered.people[0].evidence if e.basis == "linked"]
        assert (evidence.source_id, evidence.score, evidence.detail) == ("list", 17.2, "given_name exact")

    async def test_the_list_is_told_the_traits_it_compares_and_no_number(self):
        """Nor anything of the others in the household; whoever decides knows these."""
        of, settling = country(rows("1", "2"), members=("1", "2")), SameName()
        await gather(of, REGISTERED, settling=settling)

        (asked,) = the_list(of).looked_for
        assert [dict(wanted) for wanted in asked.wanted] == [
            dict(zip(TRAITS, NAMES[number], strict=True)) for number in ("1", "2")
        ]
        assert settling.settled[0].traits["kin_numbers"] == [{"UIN": "2"}]

    async def test_nobody_alike_is_no_record(self):
        """Where the list is complete, nothing there is known to be nothing."""
        gathered = await gather(country(rows("2")))

        assert isinstance(told(gathered), Absent)

    async def test_two_alike_are_left_open(self):
        """Nobody is merged, and nothing is said not to be there."""
        two = rows("1") | {"L9": NAMES["1"]}
        of = country(two)
        gathered = await gather(of)

        assert told(gathered) == Unavailable(UnavailableReason.AMBIGUOUS_IDENTITY, "list")
        assert of["list"].asked == []

    async def test_a_cut_list_of_candidates_is_not_nobody(self):
        """The right one may be among those that did not come."""
        of = country(rows("2"))
        the_list(of).cut = True

        assert told(await gather(of)) == Unavailable(UnavailableReason.AMBIGUOUS_IDENTITY, "list")

    async def test_one_entry_is_never_two_people_s(self):
        """Father and son of one name: whose it is, nobody knows."""
        of = country({"L1": NAMES["1"]}, members=("1", "2"))
        of["facts"].records = {"person": [record({"given_name": "Asha", "surname": "Moyo"}, UIN=n) for n in "12"]}
        gathered = await gather(of, REGISTERED)

        assert [p.identifiers["UIN"] for p in gathered.people] == ["1", "2"]
        for person in (0, 1):
            assert told(gathered, person) == Unavailable(UnavailableReason.AMBIGUOUS_IDENTITY, "list")

    async def test_a_linked_number_makes_nobody_the_same(self):
        """It is asked by, and forgotten: no crosswalk, no merging, no attribute."""
        gathered = await gather(country(rows("1")))
        person = gathered.people[0]

        assert person.linked == {"LIST_NO": "L1"}
        assert ("LIST_NO", "L1") not in person.every_number()
        assert "LIST_NO" not in {number.type for number in person.known_by()}

    @pytest.mark.parametrize("silent", ["facts", "births"])
    async def test_with_less_known_than_there_is_nobody_is_looked_up(self, silent):
        """An outage of whoever states a name is no reason to look for another one."""
        of = country(rows("1"))
        of[silent].failing = {"person": UnavailableReason.SOURCE_DOWN}
        gathered = await gather(of)

        assert the_list(of).looked_for == []
        assert told(gathered) == Unavailable(UnavailableReason.IDENTIFIER_UNAVAILABLE, "list")

    @pytest.mark.parametrize(
        "reason",
        [UnavailableReason.SOURCE_DOWN, UnavailableReason.SOURCE_SUSPENDED, UnavailableReason.SOURCE_CONTRACT],
    )
    async def test_a_list_that_cannot_be_looked_through_says_why_itself(self, reason):
        """It is no "no"; and no number is wanting that anybody else could give."""
        of = country(rows("1"))
        of["list"].failing = {"who": reason}

        assert told(await gather(of)) == Unavailable(reason, "list")

    async def test_a_list_that_is_closed_says_when_it_opens(self):
        """As it would where it is asked by a number."""
        nights = Hours(timezone="UTC", windows=(Window(days=WEEKDAYS, opens="01:00", closes="05:00"),))
        of = country(rows("1"))
        of["list"].manifest = LIST.model_copy(update={"hours": nights})
        of["list"].failing = {"who": UnavailableReason.SOURCE_DOWN}

        opens = "2026-10-01T01:00:00+00:00"
        assert told(await gather(of)) == Unavailable(UnavailableReason.SOURCE_CLOSED, "list", opens)

    async def test_who_may_not_be_asked_about_is_not_looked_up(self):
        """A refusal of the list keeps names from it too."""
        of = country(rows("1"))
        gathered = await gather(of, permit=OPEN._replace(refused_sources=frozenset({"list"})))

        assert the_list(of).looked_for == []
        assert not isinstance(told(gathered), Value)

    async def test_what_a_person_keeps_back_is_not_read_to_look_them_up(self):
        """Without the birth date, the list cannot be narrowed, so nobody is looked for."""
        of = country(rows("1"))
        kept = OPEN._replace(refused_attributes={"births": frozenset({"birth_date"})})
        await gather(of, permit=kept)

        assert of["births"].asked == []
        assert the_list(of).looked_for == []

    async def test_who_keeps_back_all_that_the_list_holds_is_not_looked_up(self):
        """It is told no name to learn what nobody may read."""
        of = country(rows("1"))
        gathered = await gather(of, permit=OPEN._replace(refused_attributes={"list": LAND}))

        assert the_list(of).looked_for == []
        assert isinstance(told(gathered), Withheld)

    async def test_a_trait_in_words_that_nobody_understands_is_not_nothing(self):
        """Somebody of whom less is known than is stated may be missed, and is not said to be missing."""
        of = country(rows("2"))
        unread = {"given_name": UnavailableReason.UNMAPPED_CODE}
        of["facts"].records = {"person": [record({"surname": "Moyo"}, UIN="1", unusable=unread)]}
        gathered = await gather(of)

        assert the_list(of).looked_for == []
        assert told(gathered) == Unavailable(UnavailableReason.IDENTIFIER_UNAVAILABLE, "list")

    async def test_a_record_found_by_linkage_gives_nobody_a_number(self):
        """Whatever else the list knows of whoever bears its number."""
        of = country(rows("1"))
        of["list"].records = {"entry": [record({"land_area_ha": 2.0}, LIST_NO="L1", TIN="T1")]}
        gathered = await gather(of)

        assert isinstance(told(gathered), Value)
        assert gathered.people[0].every_number() == {("UIN", "1")}

    async def test_a_record_of_another_number_than_the_person_s_is_somebody_else_s(self):
        """Names agree, and the list itself says that it is not Asha."""
        of = country(rows("1"))
        of["list"].records = {"entry": [record({"land_area_ha": 2.0}, LIST_NO="L1", UIN="7")]}

        assert told(await gather(of)) == Unavailable(UnavailableReason.AMBIGUOUS_IDENTITY, "list")

    async def test_what_was_read_by_a_number_an_officer_gave_is_forgotten_with_the_person(self):
        """As it is with a number that the gateway found itself."""
        for is_reviewed in (False, True):
            of, cache = country(rows("1")), MemoryCache(KEY, 10_000_000)
            await gather(of, cache=cache, settling=SameName(is_reviewed=is_reviewed))
            await cache.forget([ASHA])

            assert len(cache) == 0

    async def test_a_match_is_remembered_briefly_what_is_open_is_not(self):
        """An officer's decision counts for the next question."""
        cache = MemoryCache(KEY, 10_000_000)
        sure, open_ = country(rows("1")), country(rows("1") | {"L9": NAMES["1"]})
        for _ in range(2):
            await gather(sure, cache=cache)
        assert len(the_list(sure).looked_for) == 1

        await cache.clear()
        for _ in range(2):
            await gather(open_, cache=cache)
        assert len(the_list(open_).looked_for) == 2

    @pytest.mark.parametrize("on_the_list", [("1",), ("2",)], ids=["the same", "nobody"])
    async def test_what_an_officer_decided_is_looked_up_anew(self, on_the_list):
        """It may be decided otherwise, and that holds from the next question on."""
        of, cache = country(rows(*on_the_list)), MemoryCache(KEY, 10_000_000)
        for _ in range(2):
            await gather(of, cache=cache, settling=SameName(is_reviewed=True))

        assert len(the_list(of).looked_for) == 2

    @pytest.mark.parametrize("is_silent", [False, True], ids=["heard", "silent"])
    async def test_a_match_of_before_an_officer_decided_is_not_believed(self, is_silent):
        """Nor what was read by its number; a list that is silent by then leaves it open, however old a word may be."""
        of, cache = country(rows("1")), MemoryCache(KEY, 10_000_000)
        assert isinstance(told(await gather(of, cache=cache, stale_s=600)), Value)
        if is_silent:
            of["list"].failing = dict.fromkeys(("who", "entry"), UnavailableReason.SOURCE_DOWN)

        decided = SameName(different=frozenset({"L1"}))
        state = told(await gather(of, cache=cache, settling=decided, stale_s=600, later_s=301 if is_silent else 0))

        assert isinstance(state, Unavailable if is_silent else Absent)

    async def test_a_match_is_not_believed_while_nobody_knows_what_officers_decided(self):
        """A database that hangs costs a question no more than a part of its time."""
        of, cache = country(rows("1")), MemoryCache(KEY, 10_000_000)
        await gather(of, cache=cache)
        by = Deadline.after(1.0)

        assert isinstance(told(await gather(of, cache=cache, settling=SameName(hangs=True), deadline=by)), Value)
        assert len(the_list(of).looked_for) == 2

    async def test_an_answer_that_rests_on_a_match_is_composed_anew(self):
        """It would be given again without a look at what officers decided since."""
        of, cache = country(rows("1")), MemoryCache(KEY, 10_000_000)
        await gather(of, cache=cache)
        gathered = await gather(of, cache=cache)

        assert (len(the_list(of).looked_for), len(of["list"].asked)) == (1, 1)
        assert gathered.kept is None

    async def test_what_was_read_by_a_number_before_the_match_may_be_another_one_s(self):
        """Lists are numbered anew: the number that was Juma's is Asha's by now, and what is kept under it is his."""
        of, cache = country(rows("1", "2"), members=("1", "2")), MemoryCache(KEY, 10_000_000)
        the_list(of).records = entries(L1=2.0, L2=9.0)
        await gather(of, REGISTERED, cache=cache)
        the_list(of).rows = {"L1": NAMES["2"], "L2": NAMES["1"]}
        the_list(of).records = entries(L1=9.0, L2=2.0)

        state = told(await gather(of, cache=cache, later_s=60))
        assert isinstance(state, Value)
        assert state.value == 2.0

        asked = len(of["list"].asked)
        await gather(of, cache=cache, later_s=90)
        assert len(of["list"].asked) == asked

    async def test_with_other_things_known_somebody_is_looked_for_anew(self):
        """What was found without the household is no answer to a question that knows it, nor the other way round."""
        of, cache, settling = country(rows("1", "2"), members=("1", "2")), MemoryCache(KEY, 10_000_000), SameName()
        for rule in (None, REGISTERED, None, REGISTERED):
            await gather(of, rule, cache=cache, settling=settling)

        kin = [who.traits["kin_numbers"] for who in settling.settled]
        assert kin == [[], [{"UIN": "2"}], [{"UIN": "1"}]]

    async def test_a_call_under_way_is_shared_only_by_those_who_know_the_same(self):
        """Two questions at once, one with the household and one without, are two."""
        of, settling = country(rows("1", "2"), members=("1", "2")), SameName()
        registries, now = connected(of), StillClock(NOW)
        calls = Calls(registries, MemoryCache(KEY, 0), now, settling=settling)
        errands = []
        for others in ([], [{"UIN": "2"}], [{"UIN": "2"}]):
            errand = calls.errand(("list", "who"), (ASHA,), frozenset(), Terms(3600), NEVER)
            named = dict(zip(TRAITS, NAMES["1"], strict=True))
            errand.known = {ASHA: Known({"UIN": "1"}, {**named, "kin_numbers": others})}
            errands.append(errand)
        await asyncio.gather(*map(calls.carry_out, errands))

        assert [who.traits["kin_numbers"] for who in settling.settled] == [[], [{"UIN": "2"}]]
        await calls.close()


@pytest.mark.parametrize("is_beside", [False, True], ids=["a canary", "a shadow"])
async def test_what_only_a_shadow_heard_is_nobody_s_work(is_beside):
    """Who somebody is there is settled by itself; a canary's word is in answers."""
    of, settling, now = country(rows("1")), SameName(), StillClock(NOW)
    registries = connected(of)
    calls = Calls(registries, MemoryCache(KEY, 0), now, settling=settling).over(registries, is_beside=is_beside)
    errand = calls.errand(("list", "who"), (ASHA,), frozenset(), Terms(3600), NEVER)
    errand.known = {ASHA: Known({"UIN": "1"}, dict(zip(TRAITS, NAMES["1"], strict=True)))}
    await calls.carry_out(errand)

    settled = [len(one.settled) for one in (settling, *settling.shadows)]
    assert settled == ([0, 1] if is_beside else [1])


async def test_the_order_of_arrival_decides_nothing():
    """Whoever answers first, the same is looked for and found."""
    outcomes = set()
    for slow in ("facts", "births"):
        of = country(rows("1", "2"), members=("1", "2"))
        of[slow].turns = 20
        gathered = await gather(of, REGISTERED)
        outcomes.add(repr([told(gathered, person) for person in (0, 1)]))

    assert len(outcomes) == 1


@pytest.mark.parametrize("turns", [0, 40], ids=["early", "late"])
async def test_numbers_heard_by_chance_play_no_part_in_who_somebody_is(turns):
    """The same is known of somebody whether a registry that does not matter here has answered already or not."""
    taxes = small_manifest("taxes", lookup(by=["UIN"], identifiers=("UIN", "TIN"), attributes=("occupation",)))
    of = country(rows("1"))
    of["facts"].turns = 20
    of["taxes"] = InMemoryRegistry(taxes, {"person": [record({"occupation": "x"}, UIN="1", TIN="T1")]}, turns=turns)
    registries, now, settling = connected(of), StillClock(NOW), SameName()
    calls = Calls(registries, MemoryCache(KEY, 0), now, settling=settling)
    planner = Planner((*MANIFESTS, taxes), CATALOGUE)
    await Fetcher(registries, calls, now).fetch(
        lambda _: planner.plan(LAND | {"occupation"}, "UIN", None, linkage=True),
        ASHA,
        permitting(OPEN),
        max_age_s=3600,
        deadline=NEVER,
        transaction_id="t",
    )

    assert [dict(known.identifiers) for known in settling.settled] == [{"UIN": "1"}]


@pytest.mark.parametrize("has_linked", [False, True], ids=["before", "after"])
def test_a_number_that_linkage_found_is_asked_by_only_after_it_and_after_the_person_s_own(has_linked):
    """Else it would depend on who answers first by which number somebody is asked about."""
    person = Person(0, Found({"UIN": "1"}, "SELF", ()))
    person.linked = {"LIST_NO": "L1"}
    plan = PLANNER.plan(LAND, "UIN", None, linkage=True)
    by_list_no = next(step for step in plan.steps if step.lookup == "entry")
    early = plan.steps[0]._replace(by=("LIST_NO",))
    both = by_list_no._replace(by=("LIST_NO", "UIN"))

    asked = person.number_for(by_list_no if has_linked else early, plan, {})
    assert asked == (Identifier("LIST_NO", "L1") if has_linked else None)
    assert person.number_for(both, plan, {}) == ASHA


@pytest.mark.parametrize("on_the_list", [("1", "2"), ("2",)], ids=["listed", "not listed"])
@pytest.mark.parametrize("down", [c for n in (1, 2, 3) for c in itertools.combinations(("list", "facts", "births"), n)])
async def test_an_outage_never_changes_what_comes_of_it(down, on_the_list):
    """For every set of silent registries it is the same, or unknown: never nobody, never somebody else."""
    whole = told(await gather(country(rows(*on_the_list))))
    of = country(rows(*on_the_list))
    for name in down:
        of[name].failing = dict.fromkeys(
            [lookup.name for lookup in of[name].manifest.lookups], UnavailableReason.SOURCE_DOWN
        )
    state = told(await gather(of))

    assert isinstance(state, Unavailable) or state == whole

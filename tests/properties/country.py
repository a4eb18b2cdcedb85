"""Small countries by chance: a few people, what each registry knows of them, and who refused what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from hypothesis import strategies as st

from adapters.ports import GroupMember, Link, Record
from gateway.cache import MemoryCache
from gateway.pipeline import Disclosure, disclose
from policies.agreement import Agreement
from policies.groups import GROUPS, members_of, refused_of
from policies.ledger import MemoryLedger
from policies.receipts import Consent, Decision
from standards.errors import SourceError
from standards.identifiers import Identifier
from standards.permit import DisclosureRequest, Permit
from standards.states import (
    Absent,
    AttributeState,
    Conflict,
    Provenance,
    Unavailable,
    UnavailableReason,
    Value,
    Withheld,
)
from tests.builders import CATALOGUE, KEY, MANIFESTS, NOW, PLANNER, RULES, Truth, World, item, question
from tests.unit.policies.builders import agreement

CANARY = "planted"
"""Stands in every text that no agreement of these tests names."""
NAMES = (
    *("uin", "brn", "tin", "patient_number", "given_name", "birth_date", "vital_status", "income_annual"),
    *("land_area_ha", "school_enrolled", "education_level", "is_disabled", "insured", "household_id", "poverty_score"),
    *("age", "household_size", "household_income", "income_per_head", "total_land_ha", "children_out_of_school"),
    *("children_under_18", "has_disabled_member"),
)
"""What agreements of these tests may name: facts with one holder and with three, numbers, and what is computed."""
TOTALS = ("household_size", "household_income", "total_land_ha", "children_out_of_school", "has_disabled_member")
"""What hangs on everybody in the household."""
LOOKUPS = tuple((m.id, k.name) for m in MANIFESTS.values() for k in m.lookups)
REASONS = (UnavailableReason.SOURCE_DOWN, UnavailableReason.SOURCE_TIMEOUT, UnavailableReason.SOURCE_CONTRACT)

_MOSTLY: st.SearchStrategy[bool] = st.sampled_from([True, True, True, False])
_BORN = st.sampled_from(["1950-01-01", "1990-02-01", "2013-06-01", "2024-03-01"])
_CALLED = st.sampled_from(["Asha", "Juma"])
_VALUES: dict[tuple[str, str], dict[str, st.SearchStrategy[Any]]] = {
    ("crvs", "person"): {
        "given_name": _CALLED,
        "birth_date": _BORN,
        "vital_status": st.sampled_from(["alive", "dead"]),
        "birth_place": st.just(CANARY),
    },
    ("national_id", "identity"): {
        "given_name": _CALLED,
        "birth_date": _BORN,
        "vital_status": st.sampled_from(["alive", "dead"]),
        "address_line": st.just(CANARY),
    },
    ("tax", "taxpayer"): {"income_annual": st.integers(0, 3), "employer_name": st.just(CANARY)},
    ("land", "holdings"): {"land_area_ha": st.sampled_from([0.5, 1.25])},
    ("education", "learner"): {
        "school_enrolled": st.booleans(),
        "education_level": st.sampled_from(["1", "2"]),
        "school_name": st.just(CANARY),
    },
    ("health", "patient"): {},
    ("health", "chart"): {"insured": st.booleans(), "insurance_scheme": st.just(CANARY)},
    ("social", "member"): {
        "given_name": _CALLED,
        "birth_date": _BORN,
        "is_disabled": st.booleans(),
        "education_level": st.sampled_from(["1", "2"]),
        "surname": st.just(CANARY),
    },
}
_TAKES = {
    ("crvs", "person"): ("UIN", "BRN"),
    ("national_id", "identity"): ("UIN", "TIN"),
    ("tax", "taxpayer"): ("TIN",),
    ("land", "holdings"): ("UIN",),
    ("education", "learner"): ("LEARNER_NUMBER", "BRN"),
    ("health", "patient"): ("UIN", "PATIENT_NUMBER"),
    ("health", "chart"): ("PATIENT_NUMBER",),
    ("social", "member"): ("MEMBER_ID", "UIN"),
}
"""Lookup -> the types of numbers that its records state."""
_STYLES = {
    "UIN": "100000000{}",
    "BRN": "B1990-00000{}",
    "TIN": "T0000000{}",
    "LEARNER_NUMBER": "L000000{}",
    "PATIENT_NUMBER": "PT000000{}",
    "MEMBER_ID": "SM000000{}",
}


class Country(NamedTuple):
    """What is true, in numbers and in records; who asks is asked about person 0."""

    numbers: tuple[Mapping[str, str], ...]
    """Of every person, by their index."""
    truth: Truth
    asked: Identifier

    def who(self, numbers: Mapping[str, str]) -> int:
        """Return whose numbers these are."""
        return next(n for n, own in enumerate(self.numbers) if own.items() & numbers.items())


@st.composite
def countries(draw: st.DrawFn, most: int = 4, *, are_kin: bool = False) -> Country:
    """A few people; every registry knows some of them, and some things about each.

    are_kin: whoever civil registration knows is tied there to everybody else who can be.
    """
    count = draw(st.integers(1, most))
    numbers = [
        {t: style.format(n) for t, style in _STYLES.items() if draw(_MOSTLY) or (n == 0 and t == "UIN")}
        for n in range(count)
    ]
    in_group = [n for n in range(count) if "MEMBER_ID" in numbers[n] and draw(st.booleans())]
    truth: Truth = {key: [] for key in LOOKUPS}
    for key, values in _VALUES.items():
        for n, own in enumerate(numbers):
            stated = {t: own[t] for t in _TAKES[key] if t in own}
            if bool(stated) and draw(_MOSTLY) and (key[1] != "chart" or "PATIENT_NUMBER" in own):
                known = {name: draw(of) for name, of in values.items() if draw(_MOSTLY)}
                links = draw(_links(n, numbers, are_kin=are_kin)) if key == ("crvs", "person") else ()
                truth[key].append(Record(stated, known, "2026-01-01", links=links))
    if in_group:
        roles = ["SELF", *draw(st.lists(st.sampled_from(["SPS", "CHILD", "PRN"]), min_size=3, max_size=3))]
        listed = [
            GroupMember(role, {t: v for t, v in numbers[n].items() if t in {"MEMBER_ID", "UIN"}})
            for role, n in zip(roles, in_group, strict=False)
        ]
        score = {"poverty_score": 20.0, "registered_size": len(in_group)}
        truth["social", "group"].append(
            Record({"HOUSEHOLD_ID": "HH-000001"}, score, "2026-01-01", members=tuple(listed))
        )
    askable = [Identifier(t, v) for t, v in numbers[0].items()]
    if in_group:
        askable.append(Identifier("HOUSEHOLD_ID", "HH-000001"))
    return Country(tuple(numbers), truth, draw(st.sampled_from(askable)))


@st.composite
def _links(draw: st.DrawFn, n: int, numbers: list[dict[str, str]], *, are_kin: bool) -> tuple[Link, ...]:
    links = []
    for other, own in enumerate(numbers):
        stated = {t: v for t, v in own.items() if t in {"UIN", "BRN"}}
        if other != n and stated and (are_kin or draw(st.booleans())):
            links.append(Link(draw(st.sampled_from(["SPS", "CHILD", "PRN"])), stated, draw(st.none() | _BORN)))
    return tuple(links)


@st.composite
def agreements(
    draw: st.DrawFn, consumer: str = "programme", basis: str = "public_task", rules: Iterable[str] = RULES
) -> Agreement:
    """An agreement about some attributes, as they are, under any of some boundary rules."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True) | st.just(list(TOTALS)))
    return agreement(
        id=f"of-{consumer}",
        consumer={"id": consumer, "title": "T", "client_id": consumer, "sender_id": f"{consumer}.pv"},
        purposes={"eligibility": {"title": "T", "legal_basis": basis, "reference": "R"}},
        household={"rule": draw(st.sampled_from(sorted(rules)))},
        attributes=dict.fromkeys(names, "value"),
    )


OF_KIN = [title for title, rule in RULES.items() if rule.kin and not rule.registered]
"""Boundary rules under which civil registration alone says who belongs together."""
TELL_OF_MEMBERS = [("social", "group"), ("crvs", "person")]
FAILURES = (
    st.dictionaries(st.sampled_from(LOOKUPS), st.sampled_from(REASONS))
    | st.builds(
        lambda sources, why: {key: why for key in LOOKUPS if key[0] in sources},
        st.frozensets(st.sampled_from(sorted(MANIFESTS))),
        st.sampled_from(REASONS),
    )
    | st.dictionaries(st.sampled_from(TELL_OF_MEMBERS), st.sampled_from(REASONS), min_size=1)
)
"""Lookup -> why it gives no answer: single lookups, whole registries, or those that tell who belongs together."""


class Refused(NamedTuple):
    """What somebody refused who granted everything else."""

    sources: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def at(self, source_id: str) -> frozenset[str]:
        """Return the attributes that must not be read from a source."""
        parts = [(None, group) for group in self.groups]
        return refused_of(parts, _OF_GROUPS, _HOLDERS).get(source_id, frozenset())


_OF_GROUPS = members_of(CATALOGUE)
_HOLDERS = PLANNER.holders()
GROUP_REFUSALS = st.one_of(
    st.just(Refused()),
    st.just(Refused(groups=frozenset({"identity"}))),  # by which households of kin are drawn
    st.builds(Refused, groups=st.frozensets(st.sampled_from(sorted(GROUPS)), min_size=1, max_size=2)),
)
"""What a person decided who lets every registry be asked."""
REFUSALS = st.one_of(
    st.none(),
    st.builds(Refused, sources=st.frozensets(st.sampled_from(sorted(MANIFESTS)), min_size=1, max_size=2)),
    GROUP_REFUSALS,
)
"""What a person decided: granted nothing (None), or everything but what is refused."""


async def ledger(country: Country, refused: Iterable[Refused | None], kept: MemoryLedger | None = None) -> MemoryLedger:
    """A ledger in which everybody decided so, under every number there is of them; or one in which they do so now."""
    kept = kept or MemoryLedger(KEY)
    for numbers, parts in zip(country.numbers, refused, strict=False):
        for type_, value in numbers.items():
            who = Identifier(type_, value)
            if parts is None:
                await kept.record(Consent(who, "eligibility", Decision.REFUSED, who, date(2026, 1, 1)))
                continue
            await kept.record(Consent(who, "eligibility", Decision.GRANTED, who, date(2026, 1, 1)))
            said = Consent(who, "eligibility", Decision.REFUSED, who, date(2026, 1, 2))
            if parts.sources:
                await kept.record(said._replace(sources=parts.sources))
            if parts.groups:
                await kept.record(said._replace(groups=parts.groups))
    return kept


def memory() -> MemoryCache:
    """A cache whose time stands still."""
    return MemoryCache(KEY, 10_000_000, NOW.timestamp)


async def told(world: World, country: Country, agreed: Agreement) -> Disclosure | SourceError | None:
    """What the pipeline discloses about the person asked about; nobody, or an outage, as a value."""
    request = DisclosureRequest(agreed.consumer.id, "eligibility", country.asked)
    permit = world.rooms.decisions.decide(request, NOW)
    assert isinstance(permit, Permit)
    try:
        return await disclose(country.asked, question(item(), agreed.consumer.id), permit, world.rooms)
    except SourceError as error:
        return error


Fact = tuple[object, ...]
States = dict[tuple[str, str], Fact]
"""Whose (a person's index, or `household`) and which attribute -> its state, comparable."""


def states(country: Country, disclosure: Disclosure) -> States:
    """Every state of a disclosure, by the person it is about."""
    found = {("household", name): plain(state) for name, state in disclosure.profile.attributes.items()}
    for person, member in zip(disclosure.gathered.people, disclosure.profile.members, strict=True):
        whose = str(country.who(person.identifiers))
        found.update({(whose, name): plain(state) for name, state in member.attributes.items()})
    return found


def plain(state: AttributeState) -> Fact:
    """A state without its origin; of a conflict the settled side, since a lesser word may go missing unnoticed.

    A stand-in that a manifest declares is labelled as one, and nothing is concluded from it: it counts as unknown.
    """
    match state:
        case (
            Value(provenance=Provenance(stand_in=True)) | Conflict(settled=Value(provenance=Provenance(stand_in=True)))
        ):
            return ("unavailable",)
        case Value(value=value) | Conflict(settled=Value(value=value)):
            return ("value", value)
        case Absent():
            return ("absent",)
        case Withheld(reason=reason):
            return ("withheld", str(reason))
        case Unavailable():
            return ("unavailable",)

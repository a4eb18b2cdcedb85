"""How rightly households are composed: what a programme is told about some, held against the truth. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateway.linkage.comparing import Level, name_level
from gateway.linkage.features import features_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Fact = Mapping[str, Any]
"""One attribute of an answer in the plain shape: `state`, and `value` where there is one."""

NAMES: Final = frozenset({"given_name", "second_name", "surname", "locality"})
SCORED: Final = (
    *("given_name", "surname", "sex", "birth_date"),
    *("vital_status", "locality", "sub_region_code", "region_code"),
)
"""Attributes that the truth has, and that are asked for where the agreement gives them as they are."""
OUTCOMES: Final = ("right", "spelled", "stale", "conflicting", "unavailable", "withheld", "absent")
"""What may become of an attribute: `spelled` is the right name in another spelling, `stale` what is not true (any
more), `absent` that no registry knows it."""


class Membership(NamedTuple):
    """How rightly members were found."""

    households: int
    refused: int
    """Households about which nothing is told, mostly for want of consent."""
    living: int
    """People who truly live in the others."""
    told: int
    """Members told."""
    right: int
    """Members who truly live there; one who is not named counts as long as somebody who does is left."""
    unnamed: int
    """Members about whom nothing is told by which they could be known."""

    def as_row(self) -> dict[str, Any]:
        """Return it with precision and recall."""
        shares = {
            "precision": self.right / self.told if self.told else 1.0,
            "recall": self.right / self.living if self.living else 1.0,
        }
        return {**self._asdict(), **{name: round(share, 5) for name, share in shares.items()}}


class Composed(NamedTuple):
    """How rightly households were composed."""

    membership: Membership
    values: Mapping[str, Counter[str]]
    """Attribute -> outcome -> members."""

    def as_rows(self) -> list[dict[str, Any]]:
        """Return the share of every outcome, by attribute."""
        return [
            {"attribute": name, "members": found.total(), **{o: round(found[o] / found.total(), 5) for o in OUTCOMES}}
            for name, found in self.values.items()
            if found
        ]


def composed(
    answers: Iterable[tuple[Sequence[Mapping[str, Any]], Mapping[str, Any] | None]], names: Sequence[str]
) -> Composed:
    """Hold answers against the truth; what is told in another form than the value is not counted.

    answers: the living members of each household as lines of truth, and what was told of it in the plain shape; None
        where nothing was.
    names: attributes that were asked for.
    """
    counts, values = Counter[str](), {name: Counter[str]() for name in names}
    for living, answer in answers:
        counts["households"] += 1
        if answer is None:
            counts["refused"] += 1
            continue
        members = [member["attributes"] for member in answer["household"]["members"]]
        pairs = _named(members, living)
        named = [truth for _, truth in pairs if truth is not None]
        unnamed = len(members) - len(pairs)
        counts.update(living=len(living), told=len(members), unnamed=unnamed)
        counts["right"] += len(named) + min(unnamed, len(living) - len(named))
        for facts, truth in pairs:
            for name in names if truth is not None else ():
                fact = facts.get(name, {})
                if truth is not None and "form" not in fact and (true := truth["traits"].get(name)) is not None:
                    values[name][_outcome(name, fact, true)] += 1
    return Composed(Membership(*(counts[field] for field in Membership._fields)), values)


def _named(
    members: Sequence[Mapping[str, Fact]], living: Sequence[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Fact], Mapping[str, Any] | None]]:
    """Return every member who can be known, with the line of truth; None for somebody who does not live there.

    By the national number; without one by the birth date, which within one household is nearly as good.
    """
    left, found = list(living), []
    for facts in sorted(members, key=lambda one: _value(one, "uin") is None):
        number, day = _value(facts, "uin"), _value(facts, "birth_date")
        if number is None and day is None:
            continue
        truth = next(
            (
                one
                for one in left
                if (one["numbers"].get("UIN") == number if number is not None else one["traits"]["birth_date"] == day)
            ),
            None,
        )
        if truth is not None:
            left.remove(truth)
        found.append((facts, truth))
    return found


def _value(facts: Mapping[str, Fact], name: str) -> Any:
    fact = facts.get(name, {})
    return None if "form" in fact else fact.get("value")


def _outcome(name: str, fact: Fact, true: object) -> str:
    state = fact.get("state", "absent")
    if state == "conflict":
        return "conflicting"
    if state != "value":
        return str(state)
    told = fact.get("value")
    if told == true:
        return "right"
    return "spelled" if name in NAMES and _sounds_so(str(told), str(true)) else "stale"


def _sounds_so(told: str, true: str) -> bool:
    one, other = (features_of({}, {"surname": text}).surname for text in (told, true))
    return name_level(one, other) not in (Level.DIFFERS, Level.MISSING)

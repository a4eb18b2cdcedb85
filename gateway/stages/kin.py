"""Kin: from what civil registration said, the relatives within reach of a boundary rule. Pure.

Ties are followed in rounds, nearest people first, so that somebody who is reached on two ways counts as the nearer of
both, and a circle (cousins who married, a husband of two wives) ends where it closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.ports import Link
from standards.dates import years_between
from standards.identifiers import Identifier
from standards.rules import BoundaryRule, Tie

if TYPE_CHECKING:
    from gateway.stages.calls import Heard

ADULT: Final = "adult"
"""Role of the person asked about, when grown."""
MINOR: Final = "minor"
"""Role of the person asked about, when under age."""

_NEXT: Final[Mapping[tuple[str, str], tuple[str, Tie]]] = {
    (ADULT, "SPS"): ("spouse", Tie.SPOUSE),
    (ADULT, "CHILD"): ("child", Tie.CHILDREN),
    (ADULT, "PRN"): ("elder", Tie.ELDERS),
    (MINOR, "SPS"): ("spouse", Tie.SPOUSE),
    (MINOR, "CHILD"): ("child", Tie.CHILDREN),
    (MINOR, "PRN"): ("parent", Tie.PARENTS),
    ("spouse", "SPS"): ("co-spouse", Tie.SPOUSE),
    ("spouse", "CHILD"): ("child", Tie.CHILDREN),
    ("co-spouse", "CHILD"): ("child", Tie.CHILDREN),
    ("child", "CHILD"): ("grandchild", Tie.CHILDREN),
    ("elder", "PRN"): ("grandparent", Tie.GRANDPARENTS),
    ("parent", "CHILD"): ("sibling", Tie.SIBLINGS),
    ("parent", "SPS"): ("stepparent", Tie.SPOUSE),
    ("parent", "PRN"): ("grandparent", Tie.GRANDPARENTS),
    ("stepparent", "CHILD"): ("sibling", Tie.SIBLINGS),
}
"""Role of somebody, and relation of the next: that one's role, and the tie a rule must follow for it. A way never goes
down to a child and up again, which would lead to the homes of former partners."""
_UNDER_AGE: Final = frozenset({"child", "sibling", "grandchild"})
_RANKS: Final = {
    role: rank
    for rank, role in enumerate(
        ("spouse", "co-spouse", "parent", "stepparent", "child", "sibling", "grandchild", "elder", "grandparent")
    )
}
_EXTENDED: Final = "EXT"
"""What everybody else is to the head, as far as the tables below go."""
_TO_THE_ASKED: Final = {
    ADULT: "SELF",
    MINOR: "SELF",
    "spouse": "SPS",
    "child": "CHILD",
    "grandchild": "GRNDCHILD",
    "sibling": "SIB",
    "elder": "PRN",
    "grandparent": "GRPRN",
}
_TO_A_PARENT: Final = {
    MINOR: "CHILD",
    "sibling": "CHILD",
    "parent": "SPS",
    "stepparent": "SPS",
    "child": "GRNDCHILD",
    "spouse": "INLAW",
}
_TO_A_GRANDPARENT: Final = {MINOR: "GRNDCHILD", "sibling": "GRNDCHILD", "grandparent": "SPS"}


class Relative(NamedTuple):
    """Somebody within reach; the first of a tree is the person asked about."""

    numbers: Mapping[str, str]
    role: str
    relation: str
    """What this one is to the one the tie leads from, DCI Relationship code."""
    of: int
    """Place in the tree of the one the tie leads from."""
    depth: int
    birth_date: str | None
    is_dead: bool


class Tree(NamedTuple):
    """Everybody within reach, the dead ones too, since ways lead over them."""

    relatives: tuple[Relative, ...]
    waiting: tuple[int, ...]
    """Places of those whose own ties the rule follows, and of whom nothing was asked yet."""
    unheard: tuple[int, ...]
    """Places of those whose own ties the rule follows, and could not be obtained."""
    undated: tuple[int, ...] = ()
    """Places of those with a tie of which nobody knows whether the rule follows it, for want of a birth date."""

    @property
    def is_whole(self) -> bool:
        """Tell whether nobody else can be within reach."""
        return not (self.waiting or self.unheard or self.undated)

    def relationships(self) -> tuple[int | None, Mapping[int, str]]:
        """Return the place of the head, and place -> relationship to the head of everybody alive."""
        living = [n for n, r in enumerate(self.relatives) if not r.is_dead or n == 0]
        if self.relatives[0].role == ADULT:
            return 0, self._by_role(living, _TO_THE_ASKED)
        parents = [n for n in living if self.relatives[n].role in {"parent", "stepparent"}]
        if parents:
            head = parents[0]
            return head, {n: self._to_parent(n, head) for n in living}
        elders = [n for n in living if self.relatives[n].role == "grandparent"]
        if elders:
            return elders[0], {**self._by_role(living, _TO_A_GRANDPARENT), elders[0]: "SELF"}
        if any(self.relatives[n].role in {"spouse", "child"} for n in living):
            return 0, self._by_role(living, _TO_THE_ASKED)  # young, and with a family of their own
        # Children who live without a grown person: the eldest heads the household.
        head = min(living, key=lambda n: (self.relatives[n].birth_date or "9999", n))
        return head, {n: "SELF" if n == head else "SIB" for n in living}

    def _by_role(self, places: Iterable[int], words: Mapping[str, str]) -> dict[int, str]:
        return {n: words.get(self.relatives[n].role, _EXTENDED) for n in places}

    def _to_parent(self, place: int, head: int) -> str:
        one = self.relatives[place]
        if place == head:
            return "SELF"
        if one.role == "grandparent":
            return "PRN" if one.of == head else "INLAW"
        return _TO_A_PARENT.get(one.role, _EXTENDED)


def reach(
    rule: BoundaryRule,
    asked: Mapping[str, str],
    kin: Heard,
    words: Mapping[Identifier, Heard],
    today: date,
) -> Tree:
    """Return everybody within reach of `asked`.

    kin: what was said about the person asked about; with a record.
    words: number -> what was said about the people found since.
    """
    return _Growing(rule, words, today).grown(asked, kin)


class _Growing:
    """One tree in the making."""

    def __init__(self, rule: BoundaryRule, words: Mapping[Identifier, Heard], today: date) -> None:
        self.rule, self.words, self.today = rule, words, today
        self.relatives: list[Relative] = []
        self.known: dict[tuple[str, str], list[int]] = {}
        self.of_age: set[tuple[str, str]] = set()
        """Numbers of those who are too old for the tie that leads to them."""
        self.undated: list[tuple[int, Mapping[str, str]]] = []
        """Whose tie it is that leads to somebody of whom that is unknown, and the numbers of that one."""

    def grown(self, asked: Mapping[str, str], kin: Heard) -> Tree:
        birth_date = _text(kin, "birth_date")
        role = MINOR if birth_date and self._is_under_age(birth_date) else ADULT
        numbers = {**(kin.record.identifiers if kin.record else {}), **asked}
        self._add(Relative(numbers, role, "", 0, 0, birth_date, is_dead=False))
        # Somebody of unknown age counts as grown, so that nobody is asked about who may be no kin under the rule.
        hangs = birth_date is None and kin.record is not None and any(map(self._hangs_on_age, kin.record.links))
        waiting, unheard = [], []
        level = [0]
        for depth in range(1, self.rule.depth + 1):
            ways = []
            for place in level:
                word = kin if place == 0 else self._word(place)
                if word is None:
                    waiting.append(place)
                elif word.reason is not None:
                    unheard.append(place)
                elif word.record is not None:
                    ways += list(self._ways(place, word.record.links))
            # In an order of their own, so that the order in which a registry names people decides nothing.
            met = [self._meet(way[1], depth) for way in sorted(ways, key=_order)]
            level = [place for place in met if place is not None and self._leads_on(place)]
        return Tree(tuple(self.relatives), tuple(waiting), tuple(unheard), (0,) * hangs + tuple(self._undated()))

    def _hangs_on_age(self, link: Link) -> bool:
        """Tell whether a tie of the person asked about leads elsewhere when that one is under age."""
        ways = {_NEXT.get((role, link.relation)) for role in (ADULT, MINOR)}
        return len(ways) > 1 and any(way is not None and way[1] in self.rule.ties for way in ways)

    def _undated(self) -> Iterator[int]:
        """Yield whose ties lead to people of unknown age, of whom no other tie tells."""
        for place, numbers in self.undated:
            if not any(number in self.known or number in self.of_age for number in numbers.items()):
                yield place

    def _ways(self, place: int, links: Sequence[Link]) -> Iterator[tuple[int, Relative]]:
        """Yield who is one tie away: position among the parents, and the relative."""
        role = self.relatives[place].role
        for position, link in enumerate(links):
            step = _NEXT.get((role, link.relation))
            if step is None or step[1] not in self.rule.ties:
                continue
            there = step[0]
            born = link.birth_date
            if there in _UNDER_AGE and not born:
                self.undated.append((place, link.identifiers))
                continue
            if there in _UNDER_AGE and born and not self._is_under_age(born):
                self.of_age.update(link.identifiers.items())
                continue
            yield (
                position if there == "parent" else 0,
                Relative(link.identifiers, there, link.relation, place, 0, born, is_dead=False),
            )

    def _meet(self, one: Relative, depth: int) -> int | None:
        """Take somebody in; None when the person is known already."""
        met = {place for number in one.numbers.items() for place in self.known.get(number, ())}
        for place in sorted(met):
            known = self.relatives[place]
            if all(known.numbers.get(type_, value) == value for type_, value in one.numbers.items()):
                self.relatives[place] = known._replace(
                    numbers={**one.numbers, **known.numbers}, birth_date=known.birth_date or one.birth_date
                )
                self._index(place)
                return None
        place = self._add(one._replace(depth=depth))
        if (word := self._word(place)) is not None and word.record is not None:
            known = self.relatives[place]
            self.relatives[place] = known._replace(
                numbers={**word.record.identifiers, **known.numbers},
                birth_date=known.birth_date or _text(word, "birth_date"),
                is_dead=_text(word, "vital_status") == "dead",
            )
            self._index(place)
        return place

    def _add(self, one: Relative) -> int:
        self.relatives.append(one)
        self._index(len(self.relatives) - 1)
        return len(self.relatives) - 1

    def _index(self, place: int) -> None:
        for number in self.relatives[place].numbers.items():
            places = self.known.setdefault(number, [])
            if place not in places:
                places.append(place)

    def _word(self, place: int) -> Heard | None:
        """Return what was said about somebody found on the way; the number that sorts first speaks."""
        numbers = sorted(Identifier(*number) for number in self.relatives[place].numbers.items())
        return next((self.words[number] for number in numbers if number in self.words), None)

    def _leads_on(self, place: int) -> bool:
        one = self.relatives[place]
        return one.depth < self.rule.depth and any(
            role == one.role and tie in self.rule.ties for (role, _), (_, tie) in _NEXT.items()
        )

    def _is_under_age(self, birth_date: str) -> bool:
        return years_between(date.fromisoformat(birth_date), self.today) < self.rule.child_until_age


def _order(way: tuple[int, Relative]) -> tuple[object, ...]:
    position, one = way
    return (
        _RANKS[one.role],
        one.of,
        position,
        one.birth_date or "9999",
        -len(one.numbers),
        sorted(one.numbers.items()),
    )


def _text(heard: Heard, name: str) -> str | None:
    value = heard.record.values.get(name) if heard.record else None
    return value if isinstance(value, str) else None


def relationships_by_ties(
    count: int,
    ties: Iterable[tuple[object, str, object]],
    born: Sequence[str | None],
    asked: int,
    head: int | None,
    child_until_age: int,
    today: date,
) -> Mapping[int, str]:
    """Return place -> relationship to the head, DCI Relationship code, of those whom kin ties lead to.

    ties: of somebody, the relation of another to that one, and the other; members as their places below `count`,
        people outside the household as anything else.
    born: birth dates by place.
    head: None when no registry names one; then a grown person asked about is it, or the parent of a child.
    """
    parents: dict[object, set[object]] = {}
    spouses: dict[object, set[object]] = {}
    for one, relation, other in ties:
        if relation == "PRN":
            parents.setdefault(one, set()).add(other)
        elif relation == "CHILD":
            parents.setdefault(other, set()).add(one)
        elif relation == "SPS":
            spouses.setdefault(one, set()).add(other)
            spouses.setdefault(other, set()).add(one)
    if head is None:
        head = _head(parents, born, asked, count, child_until_age, today)
    if head is None:
        return {}
    nothing: set[object] = set()

    def parents_of(people: Iterable[object]) -> set[object]:
        return {parent for one in people for parent in parents.get(one, nothing)}

    partners, own = spouses.get(head, nothing), parents.get(head, nothing)
    couple = {head, *partners}
    siblings = {one for one, theirs in parents.items() if theirs & own}
    children = {one for one, theirs in parents.items() if theirs & couple}
    theirs_too = parents_of(partners)
    ranked: tuple[tuple[str, set[object]], ...] = (
        ("SELF", {head}),
        ("SPS", partners),
        ("CHILD", children),
        ("PRN", own),
        ("SIB", siblings),
        ("GRNDCHILD", {one for one, theirs in parents.items() if theirs & children}),
        ("GRPRN", parents_of(own)),
        ("NEPHEW", {one for one, theirs in parents.items() if theirs & (siblings - {head})}),
        ("INLAW", theirs_too | {one for one, theirs in parents.items() if theirs & theirs_too}),
        ("INLAW", {spouse for one in (*siblings, *children) for spouse in spouses.get(one, nothing)}),
    )
    return {
        place: code
        for place in range(count)
        if (code := next((code for code, people in ranked if place in people), "")) != ""
    }


def _head(
    parents: Mapping[object, set[object]],
    born: Sequence[str | None],
    asked: int,
    count: int,
    child_until_age: int,
    today: date,
) -> int | None:
    """Return who heads a household of which no registry says it; None where nobody's age tells."""
    birth_date = born[asked]
    if birth_date is None:
        return 0 if count == 1 else None
    if years_between(date.fromisoformat(birth_date), today) >= child_until_age:
        return asked
    here = sorted(place for place in parents.get(asked, ()) if isinstance(place, int))
    if here:
        return here[0]
    return min((place for place in range(count) if born[place]), key=lambda place: (str(born[place]), place))

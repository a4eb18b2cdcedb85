"""How well a model links a list whose truth is known: precision, recall, what was left open, what was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.linkage.blocking import Listed
from gateway.linkage.judging import Outcome, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.linkage.judging import Verdict
    from gateway.linkage.model import LinkageModel
    from gateway.linkage.truth import Person, Truth


class Score(NamedTuple):
    """How well a list was linked."""

    people: int
    rows: int
    pairs: int
    """People who do stand in the list."""
    matched: int
    """People to whom a row was given."""
    wrong: int
    """Of those, people to whom somebody else's row was given: silent wrong merges."""
    found: int
    """People to whom their own row was given."""
    ambiguous: int
    """People in the list of whom it was left open."""
    needless: int
    """People who do not stand in it, of whom it was left open."""
    missed: int
    """People in the list of whom it was said that they are not."""
    wrong_if_gone: int
    """People in the list to whom somebody else's row would be given if their own were taken out of it."""

    @property
    def precision(self) -> float:
        """Return the share of the rows given that were given to the right person."""
        return self.found / self.matched if self.matched else 1.0

    @property
    def recall(self) -> float:
        """Return the share of people in the list who were given their own row."""
        return self.found / self.pairs if self.pairs else 1.0

    @property
    def ambiguous_share(self) -> float:
        """Return the share of people in the list of whom it was left open."""
        return self.ambiguous / self.pairs if self.pairs else 0.0

    def told(self) -> dict[str, Any]:
        """Return the score as JSON."""
        shares = {name: round(getattr(self, name), 5) for name in ("precision", "recall", "ambiguous_share")}
        return {**self._asdict(), **shares}


def evaluate(truth: Truth, model: LinkageModel) -> Score:
    """Look for everybody in the list, by the path that a question takes, and count."""
    return counted(judged(truth, model), len(truth.listed), sum(given_anothers(truth, model)))


def given_anothers(truth: Truth, model: LinkageModel) -> Iterator[bool]:
    """Give of everybody in the list whether somebody else's row would be given to them, were their own not in it.

    Twins, namesakes and relatives are alone with the person then, and no better candidate stands beside them.
    """
    listed = Listed(truth.listed, model.unsaid)
    for person in truth.people:
        if person.rows:
            own = [dict(row) for row in person.rows]
            others = [c for c in listed.candidates(person.known) if dict(c.identifiers) not in own]
            yield judge(person.known, others, model, cut=False).outcome is Outcome.MATCH


def judged(truth: Truth, model: LinkageModel) -> Iterator[tuple[Person, Verdict]]:
    """Give everybody with the verdict about them."""
    listed = Listed(truth.listed, model.unsaid)
    for person in truth.people:
        yield person, judge(person.known, listed.candidates(person.known), model, cut=False)


def counted(verdicts: Iterable[tuple[Person, Verdict]], rows: int, wrong_if_gone: int = 0) -> Score:
    """Count verdicts against the truth."""
    counts = dict.fromkeys(Score._fields, 0) | {"rows": rows, "wrong_if_gone": wrong_if_gone}
    for person, verdict in verdicts:
        is_there = bool(person.rows)
        counts["people"] += 1
        counts["pairs"] += is_there
        if verdict.outcome is Outcome.MATCH:
            is_own = dict(verdict.identifiers) in [dict(row) for row in person.rows]
            counts["matched"] += 1
            counts["found" if is_own else "wrong"] += 1
        elif verdict.outcome is Outcome.AMBIGUOUS:
            counts["ambiguous" if is_there else "needless"] += 1
        elif is_there:
            counts["missed"] += 1
    return Score(**counts)

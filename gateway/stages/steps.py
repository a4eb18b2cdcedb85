"""A plan is data: steps with what they wait for, a text form, and the reasons for every choice."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from standards.rules import BoundaryRule
from standards.states import UnavailableReason

SILENCE = frozenset(
    {
        UnavailableReason.SOURCE_DOWN,
        UnavailableReason.SOURCE_TIMEOUT,
        UnavailableReason.SOURCE_BUSY,
        UnavailableReason.SOURCE_CLOSED,
        UnavailableReason.IDENTIFIER_UNAVAILABLE,
    }
)
"""Reasons for which another registry's word may stand in: the better one could not be heard. One that answered
wrongly, refused, or holds nothing was heard."""


class Who(StrEnum):
    """Whom a step asks about."""

    ASKED = "the person asked about"
    FOUND = "kin found on the way"
    AGAIN = "the person asked about, whose number nobody knows"
    GROUP = "the household"
    EVERYONE = "everyone in the household"


class Step(NamedTuple):
    """One call to one registry, made when the steps it comes after have ended."""

    number: int
    source_id: str
    lookup: str
    by: tuple[str, ...]
    """Identifier types it may ask by, the preferred one first."""
    who: Who
    names: frozenset[str]
    """Attributes wanted from it."""
    yields: tuple[str, ...]
    """Identifier types wanted from it by later steps or by the answer."""
    after: tuple[int, ...]
    instead_of: tuple[int, ...] = ()
    """Steps it stands in for; they are among those it comes after. It asks only about people for whom one of them
    met with `SILENCE`. Empty for every step that is made anyway."""
    stands_in: tuple[frozenset[str], ...] = ()
    """For each of these steps the attributes that are wanted when it is silent."""
    traits: tuple[str, ...] = ()
    """Attributes it asks by, where its registry knows no number of anybody; `by` is empty then."""

    @property
    def key(self) -> tuple[str, str]:
        """Return the lookup's name within the country: source and lookup."""
        return self.source_id, self.lookup

    def text(self, whom: Who) -> str:
        """Return the step in one line."""
        waits = [n for n in self.after if n not in self.instead_of]
        spared = "; ".join(
            f"if {number} is silent: {', '.join(sorted(names))}"
            for number, names in zip(self.instead_of, self.stands_in, strict=True)
        )
        wanted = ", ".join((*sorted(self.names), *self.yields)) or "who belongs to it"
        return (
            f"{self.number} {self.source_id}.{self.lookup} by {'|'.join(self.by) or '+'.join(self.traits)} for {whom}"
            f"{' after ' + ', '.join(map(str, waits)) if waits else ''}"
            f"{', ' + spared if spared else ': ' + wanted}"
        )


class Plan(NamedTuple):
    """Every step of one shape of question, in the order of their numbers."""

    asked_by: str
    rule: BoundaryRule | None
    steps: tuple[Step, ...]
    reads: frozenset[str]
    """Base attributes the steps bring home."""
    not_asked: Mapping[str, str]
    """Registry -> why no step asks it."""
    earlier: tuple[tuple[tuple[str, str], ...], ...]
    """For every step the lookups that have ended when it starts: where it may take numbers from."""
    waves_behind: tuple[int, ...]
    """For every step how many waves wait for it: what is left of the time is shared with them."""
    unreachable: frozenset[str] = frozenset()
    """Attributes that no registry can be asked for, starting from this kind of number."""
    second_look: Step | None = None
    """Taken when every step that finds the household answers that it knows nobody by the number given: the registry
    that issues these numbers tells whether it is a second one. It is among the steps once it has been taken."""
    why: tuple[str, ...] = ()
    """One sentence for every choice."""
    tellers: frozenset[str] | None = None
    """Registries whose word counts, for a question to one kind of registry: the others are asked for numbers only.
    None: everybody's."""

    def looking_again(self, step: Step) -> Plan:
        """Return the plan with the second look among its steps."""
        earlier, waves_behind = (*self.earlier, ()), (*self.waves_behind, 1)
        return self._replace(steps=(*self.steps, step), earlier=earlier, waves_behind=waves_behind)

    def text(self) -> str:
        """Return the plan for people and tests: one line a step."""
        return "\n".join(
            [
                f"by {self.asked_by}, household {self.rule.title if self.rule else 'not asked for'}"
                + (f", told by {', '.join(sorted(self.tellers))} alone" if self.tellers is not None else ""),
                *(step.text(step.who if self.rule else Who.ASKED) for step in self.steps),
                *(f"- {source} not asked: {why}" for source, why in sorted(self.not_asked.items())),
            ]
        )

    def explained(self) -> str:
        """Return the text with its explanation below it, for who asked to have the question explained."""
        return f"{self.text()}\n{self.explain()}" if self.why else self.text()

    def explain(self) -> str:
        """Return one line for every choice: why this registry, why this way, why not another."""
        return "\n".join(f"# {sentence}" for sentence in self.why)

"""Circle: the rounds of questions that find the people around the person asked about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from gateway.stages.calls import Heard
from gateway.stages.household import Found
from gateway.stages.identity import Issuers
from gateway.stages.kin import reach
from gateway.stages.people import Person
from gateway.stages.steps import Plan, Step, Who
from standards.identifiers import Identifier
from standards.permit import PersonPermit
from standards.states import UnavailableReason

Ask = Callable[[Step, Mapping[Identifier, Person]], Awaitable[dict[Identifier, Heard]]]
"""Asks by some numbers, each with the person whose permit counts."""
DecidePeople = Callable[[Sequence[Mapping[str, str]]], Awaitable[Sequence[PersonPermit]]]
Key = tuple[str, str]


class Circle(NamedTuple):
    """What the rounds need of the question they belong to."""

    asked: Person
    issuers: Issuers
    ask: Ask
    decide: DecidePeople
    today: date

    async def follow(self, plan: Plan, kin: Heard | None) -> tuple[dict[Identifier, Heard], list[Person]]:
        """Ask about kin, round by round, as far as the rule reaches.

        Returns number -> what was said of the people found on the way, and these people.
        """
        words: dict[Identifier, Heard] = {}
        met: list[Person] = []
        step = next((s for s in plan.steps if s.who is Who.FOUND), None)
        if step is None or plan.rule is None or kin is None or kin.record is None:
            return words, met
        closed = Heard(None, kin.provenance, UnavailableReason.NO_IDENTIFIER)
        for _ in range(plan.rule.depth - 1):
            tree = reach(plan.rule, self.asked.numbers(self.issuers), kin, words, self.today)
            room = plan.rule.max_members - len(met)
            new = [Person(0, Found(tree.relatives[place].numbers, "", ())) for place in tree.waiting[:room]]
            if not new:
                break
            # INVARIANT: no source is asked about a person without a permit for that person and that source.
            for person, permit in zip(new, await self.decide([p.identifiers for p in new]), strict=True):
                person.permit = permit
            met += new
            askable: dict[Identifier, Person] = {}
            for person in new:
                number = person.number_for(step, plan, self.issuers)
                if number is not None and person.permit is not None and person.permit.allows(step.source_id):
                    askable[number] = person
                else:
                    words.update(dict.fromkeys(person.known_by(), closed))
            for number, heard in (await self.ask(step, askable)).items():
                askable[number].heard[step.key] = heard
                words.update(dict.fromkeys(askable[number].known_by(), heard))
        return words, met

    def is_unknown(self, plan: Plan, group: Mapping[Key, Heard]) -> Step | None:
        """Return the second look of a plan, if every registry that tells of households knows nobody by the number."""
        step, asked = plan.second_look, self.asked
        if step is None or asked.permit is None or not asked.permit.allows(step.source_id):
            return None
        keys = [plan.steps[number - 1].key for number in step.after]
        said = [heard for key in keys if (heard := group.get(key, asked.heard.get(key))) is not None]
        if not said or any(heard.record is not None or heard.reason is not None for heard in said):
            return None
        return step

    async def look_again(self, plan: Plan, step: Step, group: dict[Key, Heard]) -> None:
        """Find out whether the number asked by is the second one of somebody known by another; ask by that one."""
        asked = self.asked
        given = Identifier(plan.asked_by, asked.identifiers[plan.asked_by])
        deciding = [plan.steps[number - 1] for number in step.after]
        for other in await self._others(step, given):
            taken = {s.key: (await self.ask(s, {other: asked}))[other] for s in deciding if other.type in s.by}
            if any(heard.record is not None for heard in taken.values()):
                for key, heard in taken.items():
                    (group if key in group else asked.heard)[key] = heard
                asked.identifiers[other.type] = other.value
                asked.aliases |= {given}
                return

    async def _others(self, step: Step, given: Identifier) -> list[Identifier]:
        """Return the further numbers that the issuer gave for the birth on which this one rests.

        None of which anything else may be known than of the number given: who refused under one number has refused.
        """
        entry = (await self.ask(step, {given: self.asked}))[given]
        stated = entry.record.identifiers if entry.record is not None else {}
        births = {Identifier(t, stated[t]): self.asked for t in step.by if t != given.type and t in stated}
        if not births:
            return []
        records = [heard.record for heard in (await self.ask(step, births)).values() if heard.record is not None]
        values = {n[given.type] for r in records for n in (r.identifiers, *r.duplicates) if given.type in n}
        if given.value not in values:
            return []
        others = [Identifier(given.type, value) for value in sorted(values - {given.value})]
        permits = await self.decide([{other.type: other.value} for other in others]) if others else ()
        mine = self.asked.permit
        return [
            other
            for other, permit in zip(others, permits, strict=True)
            if mine is not None
            and (permit.forms, permit.withheld, permit.refused_sources, permit.refused_attributes)
            == (mine.forms, mine.withheld, mine.refused_sources, mine.refused_attributes)
        ]

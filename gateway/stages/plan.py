"""Plan: from what may be known back to whom to ask, by which number, in which order.

A plan names no person: it depends on the agreement and on the kind of number the question carries, so one plan
serves every question of that shape. It has two stretches. The first finds the household and asks only about the
person asked about; the second asks about everyone in it, all in one message to each registry.

Plans are data (`steps.py`), drafted (`draft.py`) along the cheapest ways (`costs.py`), and kept here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from adapters.manifest import Manifest
from gateway.stages.costs import Way, ways_of
from gateway.stages.draft import Draft
from gateway.stages.steps import SILENCE, Plan, Step, Who
from policies.engine import readable
from standards.attributes import Catalogue
from standards.dci.codes import RegType, normal_reg_type
from standards.permit import Form
from standards.rules import BoundaryRule

__all__ = ["KEPT_AT_MOST", "OTHER", "SILENCE", "Counts", "Plan", "Planner", "Step", "Who"]

OTHER: Final = "number of another kind"
"""Stands in plans for every identifier type that no registry knows."""
KEPT_AT_MOST: Final = 1024
"""Plans kept; consumers choose their attributes, so their number has no bound of its own."""
_NOBODY: Final[frozenset[str]] = frozenset()

Agreed = tuple[str, str]
"""Id and version of an agreement."""


class Counts(NamedTuple):
    """What became of requests for plans since the start, and how many are kept now."""

    compiled: int
    reused: int
    dropped: int
    kept: int


class _Shape(NamedTuple):
    """What a plan depends on."""

    agreed: Agreed | None
    names: frozenset[str]
    asked_by: str
    rule: BoundaryRule | None
    down: frozenset[str]
    tellers: frozenset[str] | None
    linkage: bool


class _Compiled(NamedTuple):
    forms: Mapping[str, Form] | None
    plan: Plan


class Planner:
    """Makes plans over one set of registries, and keeps those last used; built anew when a manifest changes.

    silent: names the registries that are known to be down right now.
    """

    def __init__(
        self,
        manifests: Iterable[Manifest],
        catalogue: Catalogue,
        silent: Callable[[], frozenset[str]] = frozenset,
        *,
        kept_at_most: int = KEPT_AT_MOST,
    ) -> None:
        self._manifests = tuple(manifests)
        self._catalogue, self._silent, self._kept_at_most = catalogue, silent, kept_at_most
        lookups = [lookup for m in self._manifests for lookup in m.lookups if not lookup.boundary]
        self._types = frozenset(t for lookup in lookups for t in (*lookup.by, *lookup.identifiers))
        self._sources: dict[RegType, frozenset[str]] = {}
        for manifest in self._manifests:
            if (reg_type := normal_reg_type(manifest.reg_type)) is not None:
                self._sources[reg_type] = self._sources.get(reg_type, _NOBODY) | {manifest.id}
        self._kept: OrderedDict[_Shape, _Compiled] = OrderedDict()
        self._compiled = self._reused = self._dropped = 0

    def holders(self) -> Mapping[str, frozenset[str]]:
        """Return for every attribute the registries that hold it."""
        held: dict[str, set[str]] = {}
        for manifest in self._manifests:
            for lookup in manifest.lookups:
                if lookup.boundary:
                    continue
                for name in (*lookup.attributes, *self._identifier_names(lookup.identifiers)):
                    held.setdefault(name, set()).add(manifest.id)
        return {name: frozenset(sources) for name, sources in held.items()}

    def sources_of(self, reg_type: RegType) -> frozenset[str]:
        """Return the registries of a type."""
        return self._sources.get(reg_type, _NOBODY)

    def searchable(self, sources: frozenset[str]) -> frozenset[str]:
        """Return what one of these registries at least can be searched by, for people."""
        searches = (s for m in self._manifests if m.id in sources for s in m.searches if s.entity == "person")
        return frozenset(name for search in searches for name in search.attributes)

    def silent(self) -> frozenset[str]:
        """Return the registries that are known to be down right now: asked for once, it holds for a whole question."""
        return self._silent()

    def plan_agreed(
        self,
        agreed: Agreed,
        forms: Mapping[str, Form],
        asked_by: str,
        rule: BoundaryRule | None,
        down: frozenset[str] = _NOBODY,
        tellers: frozenset[str] | None = None,
        *,
        linkage: bool = False,
    ) -> Plan:
        """Return the plan for a question under an agreement.

        forms: what may be given, and how; the plan reads it and what it is made of, and nothing else.
        down: registries that are known to be down.
        tellers: registries whose word counts; the others are asked for numbers only. None: everybody's.
        linkage: whether people may be looked up by their traits where a registry knows no number of theirs.
        """
        shape = _Shape(agreed, frozenset(forms), self._known(asked_by), rule, down, tellers, linkage)
        # An agreement that was changed without a new version is told by its forms; equal ones are the same objects,
        # so that comparing them costs next to nothing.
        kept = self._find(shape, forms)
        if kept is None:
            kept = self._keep(shape, _Compiled(dict(forms), self._draft(shape, readable(forms, self._catalogue))))
        return kept.plan

    def plan(
        self,
        reads: frozenset[str],
        asked_by: str,
        rule: BoundaryRule | None,
        down: frozenset[str] = _NOBODY,
        tellers: frozenset[str] | None = None,
        *,
        linkage: bool = False,
    ) -> Plan:
        """Return the plan for a question of this shape.

        reads: base attributes to bring home (permitted ones, and the inputs of permitted derived ones).
        asked_by: identifier type of the question.
        down: registries that are known to be down.
        tellers: registries whose word counts; the others are asked for numbers only. None: everybody's.
        linkage: whether people may be looked up by their traits where a registry knows no number of theirs.
        """
        shape = _Shape(None, reads, self._known(asked_by), rule, down, tellers, linkage)
        kept = self._find(shape, None) or self._keep(shape, _Compiled(None, self._draft(shape, reads)))
        return kept.plan

    def keep_only(self, agreed: frozenset[Agreed]) -> None:
        """Forget the plans of every other version of an agreement."""
        for shape in [s for s in self._kept if s.agreed is not None and s.agreed not in agreed]:
            del self._kept[shape]
            self._dropped += 1

    @property
    def counts(self) -> Counts:
        """Return how often a plan was made and how often one was there already, for the operator."""
        return Counts(self._compiled, self._reused, self._dropped, len(self._kept))

    def _known(self, asked_by: str) -> str:
        # Whatever a consumer writes for a type may be personal, and a plan is journalled.
        return asked_by if asked_by in self._types else OTHER

    def _find(self, shape: _Shape, forms: Mapping[str, Form] | None) -> _Compiled | None:
        kept = self._kept.get(shape)
        if kept is None or kept.forms != forms:
            return None
        self._reused += 1
        self._kept.move_to_end(shape)
        return kept

    def _keep(self, shape: _Shape, compiled: _Compiled) -> _Compiled:
        self._compiled += 1
        self._kept[shape] = compiled
        if len(self._kept) > self._kept_at_most:
            self._kept.popitem(last=False)
            self._dropped += 1
        return compiled

    def _draft(self, shape: _Shape, reads: frozenset[str]) -> Plan:
        ways = ways_of(self._manifests, shape.down)
        if shape.tellers is not None:
            # INVARIANT: of whom a question is not, only numbers are learned: no fact comes along from another registry.
            ways = tuple(way if way.manifest.id in shape.tellers else _for_numbers(way) for way in ways)
        draft = Draft(
            ways,
            self._catalogue,
            reads,
            shape.asked_by,
            shape.rule,
            shape.down,
            shape.tellers,
            linkage=shape.linkage,
        )
        return draft.plan([m.id for m in self._manifests])

    def _identifier_names(self, types: Iterable[str]) -> Iterable[str]:
        return (type_.lower() for type_ in types if type_.lower() in self._catalogue)


def _for_numbers(way: Way) -> Way:
    return way._replace(lookup=way.lookup.model_copy(update={"attributes": ()}))

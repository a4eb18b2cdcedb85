"""Tiers: how far a registry may be relied on, computed by public rules (adapters/README.md) and never declared."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from adapters.catalogue import MANIFEST, find_manifests, load_manifest
from adapters.kit.readiness import READINESS, load_readiness
from adapters.kit.report import PROBE, load_report
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from adapters.kit.readiness import Readiness
    from adapters.kit.report import ProbeReport
    from adapters.manifest import Manifest

_Read = TypeVar("_Read")
COVERED: Final = 0.99
"""Share of the records that must state the number by which the registry is asked first."""


class Tier(StrEnum):
    """The tiers, from nothing to everything."""

    NONE = "none"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"


class Rating(NamedTuple):
    """Where a registry stands."""

    tier: Tier
    lacking: tuple[str, ...]
    """What the next tier asks for and is not there; empty for platinum."""

    @property
    def text(self) -> str:
        """Return it in words: `silver; gold asks for: ...`."""
        every = list(Tier)
        if self.tier is every[-1]:
            return self.tier.value
        return f"{self.tier.value}; {every[every.index(self.tier) + 1].value} asks for: {'; '.join(self.lacking)}"


class Facts(NamedTuple):
    """What a rating rests on."""

    manifest: Manifest
    readiness: Readiness | None
    probe: ProbeReport | None
    now: datetime | None

    def answered(self, rule: str) -> bool:
        """Tell whether a rule of the readiness list is done or exempt."""
        return self.readiness is not None and self.readiness.status(rule) != "todo"


class Rule(NamedTuple):
    """One condition of a tier."""

    tier: Tier
    wording: str
    """What is lacking, where it does not hold."""
    holds: Callable[[Facts], bool]


def _is_probed(facts: Facts) -> bool:
    return facts.probe is not None and facts.probe.passed and facts.probe.holds(facts.manifest, facts.now)


def _is_proven(facts: Facts) -> bool:
    manifest = facts.manifest
    # An interface of REST registries with certificates of both sides says so itself.
    return getattr(manifest.connection, "is_mutual", False) or (
        manifest.dci is not None and manifest.dci.trust.answers == "required"
    )


def _tells_of_time(facts: Facts) -> bool:
    manifest = facts.manifest
    return any(lookup.as_of for lookup in manifest.lookups) or bool(manifest.dci and manifest.dci.events)


def _is_covered(facts: Facts) -> bool:
    first = next((lookup.by[0] for lookup in facts.manifest.lookups if lookup.by), None)
    declared = facts.manifest.coverage.get(first or "", 0.0)
    seen = facts.probe.coverage.get(first or "", declared) if facts.probe else declared
    return declared >= COVERED and seen >= COVERED


RULES: Final = (
    Rule(Tier.BRONZE, "readiness.yaml answers every rule", lambda f: f.readiness is not None),
    Rule(Tier.BRONZE, "owner, legal basis and contact are named", lambda f: f.answered("owner_named")),
    Rule(Tier.BRONZE, "every lookup has an example", lambda f: f.answered("examples")),
    Rule(
        Tier.SILVER,
        "every rule of readiness.yaml is done or exempt",
        lambda f: f.readiness is not None and not f.readiness.todo,
    ),
    Rule(Tier.GOLD, "a probe of this schema passed in the last 180 days", _is_probed),
    Rule(Tier.GOLD, "`freshness` is declared", lambda f: f.manifest.freshness is not None),
    Rule(Tier.GOLD, "`hours` are declared", lambda f: f.manifest.hours is not None),
    Rule(Tier.GOLD, "`capacity` is declared", lambda f: f.manifest.capacity is not None),
    Rule(Tier.PLATINUM, "answers are signed, or both sides show certificates", _is_proven),
    Rule(Tier.PLATINUM, "it tells of events, or of past days (`as_of`)", _tells_of_time),
    Rule(Tier.PLATINUM, "`coverage` of the number it is asked by is 99 % or more, and seen so", _is_covered),
)
"""The conditions of the tiers; a tier has those of every lower one too."""


def tier(
    manifest: Manifest, readiness: Readiness | None, probe: ProbeReport | None, now: datetime | None = None
) -> Rating:
    """Return where a registry stands, and what the next tier asks for."""
    facts = Facts(manifest, readiness, probe, now)
    reached = Tier.NONE
    for one in (Tier.BRONZE, Tier.SILVER, Tier.GOLD, Tier.PLATINUM):
        lacking = tuple(rule.wording for rule in RULES if rule.tier is one and not rule.holds(facts))
        if lacking:
            return Rating(reached, lacking)
        reached = one
    return Rating(reached, ())


class Described(NamedTuple):
    """One registry's folder, read."""

    manifest: Manifest
    readiness: Readiness | None
    probe: ProbeReport | None
    rating: Rating


def described(folder: Path) -> Described:
    """Return what a registry's folder says of it; read again only once a file of it has changed.

    Raises: ConfigurationError when its manifest is none; a readiness list or a report that is none counts as missing.
    """
    return _described(folder.resolve(), tuple(_stamp(folder / name) for name in (MANIFEST, READINESS, PROBE)))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stated = path.stat()
    except OSError:
        return 0, 0
    return stated.st_mtime_ns, stated.st_size


@lru_cache(maxsize=256)
def _described(folder: Path, _stamps: tuple[tuple[int, int], ...]) -> Described:
    manifest = load_manifest(folder / MANIFEST)
    readiness, probe = _or_none(load_readiness, folder / READINESS), _or_none(load_report, folder / PROBE)
    return Described(manifest, readiness, probe, tier(manifest, readiness, probe))


def in_folder(folder: Path) -> tuple[Readiness | None, ProbeReport | None]:
    """Return the readiness list and the probe report of a folder; either is None when it is not there, or is none."""
    return _in_folder(folder.resolve(), tuple(_stamp(folder / name) for name in (READINESS, PROBE)))


@lru_cache(maxsize=256)
def _in_folder(folder: Path, _stamps: tuple[tuple[int, int], ...]) -> tuple[Readiness | None, ProbeReport | None]:
    return _or_none(load_readiness, folder / READINESS), _or_none(load_report, folder / PROBE)


def all_described(folders: Iterable[Path]) -> Mapping[str, Described]:
    """Return every registry below the folders by its id.

    Raises: ConfigurationError for a manifest that is none.
    """
    return {one.manifest.id: one for path in find_manifests(folders) for one in (described(path.parent),)}


def _or_none(load: Callable[[Path], _Read | None], path: Path) -> _Read | None:
    try:
        return load(path)
    except ConfigurationError:
        return None

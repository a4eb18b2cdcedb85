"""Tiers are computed from what is there, and say what is lacking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.kit.changes import schema_digest
from adapters.kit.findings import Finding
from adapters.kit.readiness import RULES as READINESS_RULES
from adapters.kit.readiness import Readiness
from adapters.kit.report import ProbeReport
from adapters.kit.tiers import RULES, Tier, described, tier
from adapters.manifest import Manifest
from tests.unit.adapters.builders import manifest_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WHOLE = {
    "freshness": {"max_lag_h": 24},
    "hours": {"timezone": "UTC", "windows": [{"days": ["mon"], "opens": "00:00", "closes": "24:00"}]},
    "capacity": {"calls_per_s": 50},
    "coverage": {"UIN": 0.995},
}


def manifest(**parts):
    """Return the manifest of civil registration with everything declared, and some parts replaced."""
    stated = manifest_of("crvs").model_dump(mode="json", by_alias=True) | WHOLE | parts
    return Manifest.model_validate(stated)


def signed():
    """Return it with signed answers."""
    dci = manifest().model_dump(mode="json", by_alias=True)["dci"]
    dci["trust"] = {"answers": "required", "jwks_path": "/.well-known/jwks.json"}
    return manifest(dci=dci)


def ready(**answers):
    """Return a readiness list with everything done but for some rules."""
    return Readiness.model_validate(dict.fromkeys(READINESS_RULES, "done") | answers)


def report(about, *findings, **parts):
    """Return a report about a manifest."""
    stated = {
        "registry": about.id,
        "title": about.title,
        "version": about.version,
        "schema_digest": schema_digest(about),
        "at": NOW - timedelta(days=1),
        "calls": 20,
        "findings": findings or (Finding("unknown number", True, "nobody"),),
    }
    return ProbeReport(**(stated | parts))


def test_the_tiers_are_reached_one_after_the_other():
    """Each asks for what the one below asked for, and more."""
    poor = Manifest.model_validate(
        manifest().model_dump(mode="json", by_alias=True) | {"hours": None, "freshness": None, "capacity": None}
    )
    rated = [
        tier(poor, None, None, NOW),
        tier(poor, ready(dated="todo"), None, NOW),
        tier(poor, ready(), None, NOW),
        tier(manifest(), ready(), report(manifest()), NOW),
        tier(signed(), ready(), report(signed(), coverage={"UIN": 0.99}), NOW),
    ]

    assert [one.tier for one in rated] == list(Tier)
    assert rated[0].lacking == ("readiness.yaml answers every rule", *(rule.wording for rule in RULES[1:3]))
    assert rated[1].lacking == ("every rule of readiness.yaml is done or exempt",)
    assert "`hours` are declared" in rated[2].lacking
    assert rated[3].lacking == ("answers are signed, or both sides show certificates",)
    assert rated[4].lacking == ()


@pytest.mark.parametrize(
    "probe",
    [
        None,
        report(manifest(), Finding("batch", False, "cut")),
        report(manifest(), at=NOW - timedelta(days=181)),
        report(manifest(), schema_digest="sha256:other"),
    ],
    ids=["none", "failed", "old", "of another mapping"],
)
def test_gold_rests_on_a_probe_of_this_mapping_that_passed_of_late(probe):
    """Not on any other."""
    rating = tier(manifest(), ready(), probe, NOW)

    assert rating.tier is Tier.SILVER
    assert rating.lacking == ("a probe of this schema passed in the last 180 days",)


@pytest.mark.parametrize(("declared", "seen"), [(0.98, 1.0), (1.0, 0.98)])
def test_coverage_is_declared_and_seen(declared, seen):
    """One of the two is not enough."""
    stated = signed().model_copy(update={"coverage": {"UIN": declared}})
    rating = tier(stated, ready(), report(stated, coverage={"UIN": seen}), NOW)

    assert rating.tier is Tier.GOLD
    assert len(rating.lacking) == 1


def test_a_folder_is_read_again_once_it_has_changed(tmp_path):
    """And a readiness list that is none counts as missing."""
    folder = tmp_path / "crvs"
    folder.mkdir()
    from adapters.catalogue import FOLDER

    (folder / "manifest.yaml").write_bytes((FOLDER / "crvs" / "manifest.yaml").read_bytes())
    (folder / "readiness.yaml").write_text("no list\n", encoding="utf-8")
    assert described(folder).rating.tier is Tier.NONE

    (folder / "readiness.yaml").write_bytes((FOLDER / "crvs" / "readiness.yaml").read_bytes())
    assert described(folder).rating.tier is Tier.SILVER

"""Tiers are computed from what is there, and say what is lacking."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from adapters.catalogue import FOLDER
from adapters.kit.changes import schema_digest
from adapters.kit.findings import Finding
from adapters.kit.readiness import RULES as READINESS_RULES
from adapters.kit.readiness import Readiness
from adapters.kit.report import HOLDS_FOR, ProbeReport
from adapters.kit.tiers import COVERED, RULES, Tier, all_described, described, tier
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


def test_the_readme_says_of_every_registry_what_is_computed():
    """One line for each, no other; and it is still a page."""
    text = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\d+/\d+) \| (\w+) \|$", text, re.MULTILINE)

    assert rows == [
        (id_, one.manifest.speaks.value, one.readiness.progress if one.readiness else "", one.rating.tier.value)
        for id_, one in all_described((FOLDER,)).items()
    ]
    assert len(text.splitlines()) <= 120


def test_the_guide_says_what_each_tier_asks_for():
    """Every rule of the code is named there by what it looks at, and the tiers are those of the code."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    table = text[text.index("### Tiers") :].split("###", 2)[1]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))

    assert list(rows) == [one.value for one in Tier if one is not Tier.NONE]
    for rule in RULES:
        for named in re.findall(r"`(\w+)`", rule.wording):
            assert f"`{named}`" in rows[rule.tier.value] or named == "as_of"
    assert f"{HOLDS_FOR.days} days" in rows["gold"]
    assert f"{COVERED:.0%}".replace("%", " %") in rows["platinum"]


def test_what_a_tier_lacks_is_said_in_a_sentence():
    """By the tier, the next one, and what that asks for."""
    assert tier(signed(), ready(), report(signed(), coverage={"UIN": 0.99}), NOW).text == "platinum"
    assert tier(manifest(), ready(), None, NOW).text == (
        "silver; gold asks for: a probe of this schema passed in the last 180 days"
    )


def test_a_folder_is_read_again_once_it_has_changed(tmp_path):
    """And a readiness list that is none counts as missing."""
    folder = tmp_path / "crvs"
    folder.mkdir()
    (folder / "manifest.yaml").write_bytes((FOLDER / "crvs" / "manifest.yaml").read_bytes())
    (folder / "readiness.yaml").write_text("no list\n", encoding="utf-8")
    assert described(folder).rating.tier is Tier.NONE

    (folder / "readiness.yaml").write_bytes((FOLDER / "crvs" / "readiness.yaml").read_bytes())
    assert described(folder).rating.tier is Tier.SILVER

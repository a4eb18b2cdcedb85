"""What changed between two manifests, and what may not change silently."""

from __future__ import annotations

import pytest

from adapters.kit.changes import changes, schema_digest, silent_change
from adapters.manifest import Manifest
from adapters.terms import Limits
from tests.unit.adapters.builders import manifest_of

CRVS = manifest_of("crvs")


def changed(**parts):
    """Return the manifest of civil registration with some parts replaced, checked anew."""
    return Manifest.model_validate(CRVS.model_dump(mode="json", by_alias=True) | parts)


def test_nothing_changed_is_nothing():
    """Same digest, no line."""
    assert changes(CRVS, changed()) == ()
    assert schema_digest(CRVS) == schema_digest(changed())
    assert silent_change(CRVS, changed()) is None


def test_the_order_of_lookups_is_no_change():
    """They are found by their names."""
    social = manifest_of("social")
    turned = social.model_copy(update={"lookups": tuple(reversed(social.lookups))})

    assert changes(social, turned) == ()


@pytest.mark.parametrize(
    "parts",
    [
        {"limits": {"timeout_s": 9.0}},
        {"cache_s": 1.0, "negative_cache_s": 1.0},
        {"legal": {"owner": "Another office", "basis": "Act", "contact": "it@example.pv"}},
        {"freshness": {"max_lag_h": 1}},
        {"coverage": {"UIN": 0.5}},
    ],
)
def test_terms_may_be_mended_without_a_new_version(parts):
    """They change nothing of what the registry's word means."""
    after = changed(**parts)

    assert changes(CRVS, after)
    assert silent_change(CRVS, after) is None
    assert schema_digest(CRVS) == schema_digest(after)


@pytest.mark.parametrize("version", ["1.2", "1.1", "0.9"])
def test_a_changed_mapping_needs_a_greater_version(version):
    """The refusal names what changed, and the least version that will do."""
    dci = CRVS.model_dump(mode="json")["dci"]
    dci["lookups"]["person"]["attributes"]["sex"]["codes"] = {"m": "male"}
    after = changed(dci=dci, version=version)

    found = {change.where for change in changes(CRVS, after) if change.is_schema}
    told = silent_change(CRVS, after)

    assert "dci.lookups.person.attributes.sex.codes.m" in found
    assert "dci.lookups.person.attributes.sex.codes.female" in found
    assert told is not None
    assert 'raise it to "1.3" or above' in told
    assert silent_change(CRVS, after.model_copy(update={"version": "1.10"})) is None


def test_a_change_says_what_kind_it_is():
    """Added, removed or changed, with both sides."""
    after = changed(limits={**Limits().model_dump(), "pace_per_s": 5.0}, issues=[])
    found = {change.where: change for change in changes(CRVS, after)}

    assert found["limits.pace_per_s"].kind == "added"
    assert found["issues"].kind == "changed"
    assert (found["issues"].before, found["issues"].after) == (["BRN"], [])

"""What changed between two manifests of one registry, and whether a changed meaning hides under the same version."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.manifest import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adapters.manifest import Manifest

SCHEMA: Final = (
    "id",
    "speaks",
    "reg_type",
    "environment",
    "lookups",
    "searches",
    "records",
    "authority",
    "stands_in_for",
    "issues",
    "xroad",
    "options",
    *(protocol.value for protocol in Protocol),
)
"""Parts that decide what its word means. What is not here (limits, lifetimes, legal terms, contacts, address,
capacity, hours, freshness, coverage, cost) may be mended without a new version."""


class Change(NamedTuple):
    """One difference between two manifests."""

    where: str
    """Path of keys and positions: `records.person.attributes.sex.codes.F`."""
    kind: str
    """`added`, `removed` or `changed`."""
    before: Any
    after: Any
    is_schema: bool
    """Whether it changes what the registry's word means."""


def changes(before: Manifest, after: Manifest) -> tuple[Change, ...]:
    """Return every difference between two manifests of one registry, in the order of the manifest's parts.

    Lookups and searches are compared by name and by what they find, so that their order is no difference.
    """
    old, new = _plain(before), _plain(after)
    return tuple(
        change._replace(is_schema=part in SCHEMA)
        for part in [*old, *(part for part in new if part not in old)]
        for change in _differences(part, old.get(part), new.get(part))
    )


def schema_digest(manifest: Manifest) -> str:
    """Return a digest of what the registry's word means: equal for two manifests that map the same."""
    plain = _plain(manifest)
    stated = {part: plain[part] for part in SCHEMA if part in plain}
    text = json.dumps(stated, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def silent_change(before: Manifest, after: Manifest) -> str | None:
    """Return why `after` may not take the place of `before` under the version it bears; None when it may.

    A new meaning needs a new version, and a greater one: whoever keeps what was said under the old one has to know.
    """
    changed = [change.where for change in changes(before, after) if change.is_schema]
    if not changed or _number(after) > _number(before):
        return None
    shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
    major, minor = _number(before)
    return (
        f"registry {after.id}: the mapped schema changed ({shown}), but the version went from {before.version} to "
        f'{after.version}: raise it to "{major}.{minor + 1}" or above'
    )


def _number(manifest: Manifest) -> tuple[int, int]:
    major, minor = manifest.version.split(".")
    return int(major), int(minor)


def _plain(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest as plain values, defaults included, in which order means nothing where it means nothing."""
    plain = manifest.model_dump(mode="json")
    plain["lookups"] = {lookup["name"]: lookup for lookup in plain["lookups"]}
    plain["searches"] = {f"{one['entity']} by {one['yields']}": one for one in plain["searches"]}
    return plain


def _differences(where: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_mappings(where, before, after)
    elif before is None or after is None:
        yield Change(where, "added" if before is None else "removed", before, after, is_schema=False)
    else:
        yield Change(where, "changed", before, after, is_schema=False)


def _of_mappings(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in [*before, *(key for key in after if key not in before)]:
        inner = f"{where}.{key}"
        if key not in after:
            yield Change(inner, "removed", before[key], None, is_schema=False)
        elif key not in before:
            yield Change(inner, "added", None, after[key], is_schema=False)
        else:
            yield from _differences(inner, before[key], after[key])

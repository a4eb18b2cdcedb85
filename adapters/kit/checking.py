"""The check of a registry's folder: what is wrong with it, line by line.

Whether its manifest is valid, its readiness list complete, its examples come out as written and, where the environment
has its address, whether a call about nobody is answered.
"""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from adapters.catalogue import MANIFEST, load_manifest
from adapters.examples import differences, load_examples, replay
from adapters.kit.draft.emit import questions
from adapters.kit.findings import Finding
from adapters.kit.readiness import READINESS, load_readiness
from adapters.kit.standing import read_first, standing_findings
from adapters.kit.tiers import described
from adapters.kit.watching import opened
from adapters.manifest import OAuth2Auth
from adapters.ports import Deadline, Fetch, LinkableAdapter, TraitFetch
from adapters.reading_manifest import Places
from standards.attributes import Catalogue
from standards.codes import CodeDirectories
from standards.errors import ConfigurationError, SourceError
from standards.identifiers import GROUP_TYPES, PERSON_TYPES, PLACE_TYPES, Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from adapters.generic.dci.options import DciField
    from adapters.generic.mapping.layout import ValueField
    from adapters.manifest import Manifest
    from adapters.ports import RegistryAdapter
    from standards.states import JsonValue

    Steps = tuple[str | int, ...]

NOBODY: Final = "0000000000"
"""A number that no registry gives out."""
_NO_TRAITS: Final[Mapping[str, str]] = {"string": "Nobody At All", "date": "1850-01-01"}
_KNOWN_TYPES: Final = (*PERSON_TYPES, *GROUP_TYPES, *PLACE_TYPES)
_CALL_S: Final = 10.0


def check(folder: Path, environment: Mapping[str, str]) -> list[Finding]:
    """Return everything found about the registry of one folder."""
    try:
        manifest = load_manifest(folder / MANIFEST)
    except ConfigurationError as error:
        return [Finding("manifest", False, line) for line in str(error).splitlines()]
    return [
        *_manifest_findings(folder, manifest),
        *_open_questions(folder),
        _readiness_finding(folder),
        *_example_findings(folder, manifest),
        Finding("tier", True, described(folder).rating.text),
        *_call_findings(manifest, environment),
    ]


def check_manifest(manifest: Manifest, environment: Mapping[str, str]) -> list[Finding]:
    """Return what is found of a manifest that lies in no folder: what it means, and one call."""
    wrong = [Finding("manifest", False, one) for one in catalogue_differences(manifest)]
    return [*(wrong or [_sum(manifest)]), *_call_findings(manifest, environment)]


def catalogue_differences(manifest: Manifest) -> list[str]:
    """Return where a manifest and the attribute catalogue do not agree."""
    return [text for _, text in _differences(manifest)]


def _differences(manifest: Manifest) -> Iterator[tuple[Steps, str]]:
    """Yield the same with the keys and positions that lead there."""
    catalogue = Catalogue.load()
    named = [(("lookups", at, "attributes"), n) for at, one in enumerate(manifest.lookups) for n in one.attributes]
    named += [(("searches", at, "attributes"), n) for at, one in enumerate(manifest.searches) for n in one.attributes]
    yield from ((steps, _not_there(name, catalogue)) for steps, name in named if name not in catalogue)
    for at, lookup in enumerate(manifest.lookups):
        strangers = {*lookup.by, *lookup.identifiers} - {*_KNOWN_TYPES, *manifest.issues}
        for type_ in sorted(strangers):
            if close := get_close_matches(type_, _KNOWN_TYPES, n=1, cutoff=0.6):
                text = f"{type_}: no identifier type; did you mean {close[0]}? If not, name it under `issues`"
                yield ("lookups", at), text
    for steps, name, field in _fields(manifest):
        definition = catalogue.get(name)
        if definition is None:
            continue
        if definition.type != field.type:
            yield (*steps, "type"), f"{name}: {field.type} here, {definition.type} in the catalogue"
        if definition.codes:
            yield from (
                ((*steps, "codes"), text) for text in _unknown_codes(name, definition.codes, field.codes.values())
            )


def _fields(manifest: Manifest) -> Iterator[tuple[Steps, str, DciField | ValueField]]:
    """Return every attribute that a manifest maps, with where and how."""
    for key, dci in manifest.dci.lookups.items() if manifest.dci else ():
        yield from ((("dci", "lookups", key, "attributes", name), name, one) for name, one in dci.attributes.items())
    for key, layout in manifest.records.items():
        yield from ((("records", key, "attributes", name), name, one) for name, one in layout.attributes.items())
    for at, lookup in enumerate(manifest.lookups):
        traits = lookup.by_traits.traits if lookup.by_traits else {}
        yield from ((("lookups", at, "by_traits", "traits", name), name, one) for name, one in traits.items())


def _not_there(name: str, catalogue: Catalogue) -> str:
    close = get_close_matches(name, catalogue.names, n=1, cutoff=0.7)
    return f"{name}: not in standards/catalogue.yaml" + (f"; did you mean {close[0]}?" if close else "")


def _unknown_codes(name: str, directory: str, codes: Iterable[str]) -> list[str]:
    known = CodeDirectories.load().codes(directory)
    there_are = f"there are {', '.join(sorted(known))}" if len(known) <= 20 else "see standards/codes.yaml"
    return [f"{name}: {directory} has no code {code}; {there_are}" for code in sorted(set(codes) - known.keys())]


def _manifest_findings(folder: Path, manifest: Manifest) -> list[Finding]:
    findings = []
    if manifest.id != folder.resolve().name:
        findings.append(Finding("manifest", False, f"the folder must bear its id, {manifest.id}"))
    differences = list(_differences(manifest))
    places = Places((folder / MANIFEST).read_text(encoding="utf-8-sig")) if differences else None
    findings += [
        Finding("manifest", False, f"{folder / MANIFEST}{places.of(steps)}: {text}")
        for steps, text in differences
        if places
    ]
    return findings or [_sum(manifest)]


def _open_questions(folder: Path) -> list[Finding]:
    """Return what a draft left to be decided, and is still marked so."""
    found = questions((folder / MANIFEST).read_text(encoding="utf-8"))
    remedy = "Settle it, then delete the comment."
    return [Finding("to decide", False, f"line {line}: {question}", remedy) for line, question in found]


def _sum(manifest: Manifest) -> Finding:
    held = {name for lookup in manifest.lookups for name in lookup.attributes}
    text = f"{manifest.id} {manifest.version}: {len(manifest.lookups)} lookups, {len(held)} attributes"
    return Finding("manifest", True, text)


def _readiness_finding(folder: Path) -> Finding:
    try:
        readiness = load_readiness(folder / READINESS)
    except ConfigurationError as error:
        return Finding("readiness", False, str(error))
    if readiness.todo:
        return Finding("readiness", False, f"still to do: {', '.join(readiness.todo)}")
    return Finding("readiness", True, f"{readiness.progress} rules done or exempt")


def _example_findings(folder: Path, manifest: Manifest) -> list[Finding]:
    try:
        examples = load_examples(folder, manifest)
    except ConfigurationError as error:
        return [Finding("examples", False, str(error))]
    shown = {example.lookup for example in examples}
    findings = [
        Finding("examples", False, f"none of lookup {lookup.name}")
        for lookup in manifest.lookups
        if lookup.name not in shown and lookup.by_traits is None  # that one brings candidates, and no attributes
    ]
    for example in examples:
        try:
            wrong = differences(example, asyncio.run(replay(manifest, example)))
        except (SourceError, ConfigurationError) as error:
            wrong = [str(error)]
        findings += [Finding(f"example {example.name}", False, one) for one in wrong]
        if not wrong:
            people = f"{len(example.subjects)} subjects of {example.lookup}"
            findings.append(Finding(f"example {example.name}", True, people))
    return findings


def _call_findings(manifest: Manifest, environment: Mapping[str, str]) -> list[Finding]:
    address = manifest.connection.base_url.removeprefix("env:")
    if not environment.get(address):
        return [Finding("test call", None, f"not tried: {address} is not set")]
    if (why := needs_gateway(manifest)) is not None:
        return [Finding("test call", None, f"not tried: {why}, which needs a running gateway")]
    try:
        return asyncio.run(_called(manifest, environment))
    except ConfigurationError as error:
        return [Finding("test call", False, str(error))]
    except Exception as error:  # noqa: BLE001 - a defect of the registry's adapter is a finding, and no end
        return [Finding("test call", False, f"a defect of its adapter: {type(error).__name__}")]


def needs_gateway(manifest: Manifest) -> str | None:
    """Return why a registry cannot be asked from here; None when it can."""
    auth, dci = manifest.connection.auth, manifest.dci
    if isinstance(auth, OAuth2Auth) and auth.method == "private_key_jwt":
        return "it gives tokens for the gateway's signature"
    if dci is not None and dci.trust.sign is not None:
        return "its questions are signed by the gateway"
    if dci is not None and dci.mode == "async" and dci.poll_s is None:
        return "it answers by callback"
    return None


async def _called(manifest: Manifest, environment: Mapping[str, str]) -> list[Finding]:
    """Ask about nobody, and look how a list or a database stands."""
    async with opened(manifest, environment) as (adapter, _):
        await read_first(adapter)
        try:
            known = await _call(manifest, adapter, Deadline.after(_CALL_S))
            said = Finding("test call", True, "answered" if not known else "answered, and knows nobody's number")
        except SourceError as error:
            said = Finding("test call", False, str(error))
        return [said, *await standing_findings(manifest, adapter)]


async def _call(manifest: Manifest, adapter: RegistryAdapter, deadline: Deadline) -> bool:
    """Tell whether the registry knows nobody's number."""
    lookup = next((one for one in manifest.lookups if one.by), None)
    if lookup is None:
        return await _knows_by_traits(manifest, adapter, deadline)
    nobody = Identifier(lookup.by[0], NOBODY)
    request = Fetch(manifest.id, lookup.name, (nobody,), frozenset(lookup.attributes), "check")
    answer = await adapter.fetch(request, deadline)
    return answer.records[nobody] is not None


async def _knows_by_traits(manifest: Manifest, adapter: RegistryAdapter, deadline: Deadline) -> bool:
    """Look for somebody of a name and a day that nobody has."""
    if not isinstance(adapter, LinkableAdapter):
        raise ConfigurationError(f"registry {manifest.id}: nobody can be looked for by traits there")
    lookup = manifest.lookups[0]
    traits = lookup.by_traits.traits if lookup.by_traits else {}
    known: dict[str, JsonValue] = {
        name: _NO_TRAITS[field.type] for name, field in traits.items() if field.type in _NO_TRAITS
    }
    answer = await adapter.candidates(TraitFetch(manifest.id, lookup.name, (known,), "check"), deadline)
    return bool(answer.found[0])

"""The test kit of a registry: `python -m adapters.check adapters/<name>`.

Says, line by line, whether its manifest is valid, its readiness list complete, its examples come out as written
and, where the environment has its address, whether a call about nobody is answered.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.catalogue import MANIFEST, connect, load_manifest
from adapters.client import open_session
from adapters.examples import differences, load_examples, replay
from adapters.manifest import OAuth2Auth
from adapters.ports import Deadline, Fetch
from adapters.readiness import load_readiness
from standards.attributes import Catalogue
from standards.codes import CodeDirectories
from standards.errors import ConfigurationError, SourceError
from standards.identifiers import Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adapters.manifest import Manifest

READINESS: Final = "readiness.yaml"
_NOBODY: Final = "0000000000"
_CALL_S: Final = 10.0


class Finding(NamedTuple):
    """One line of a check; `is_good` is None for what could not be tried."""

    what: str
    is_good: bool | None
    text: str


def check(folder: Path, environment: Mapping[str, str]) -> list[Finding]:
    """Return everything found about the registry of one folder."""
    try:
        manifest = load_manifest(folder / MANIFEST)
    except ConfigurationError as error:
        return [Finding("manifest", False, str(error))]
    return [
        *_manifest_findings(folder, manifest),
        _readiness_finding(folder),
        *_example_findings(folder, manifest),
        _call_finding(manifest, environment),
    ]


def catalogue_differences(manifest: Manifest) -> list[str]:
    """Return where a manifest and the attribute catalogue do not agree."""
    catalogue = Catalogue.load()
    named = [name for lookup in manifest.lookups for name in lookup.attributes]
    named += [name for search in manifest.searches for name in search.attributes]
    wrong = [f"{name}: not in standards/catalogue.yaml" for name in named if name not in catalogue]
    for lookup in manifest.dci.lookups.values() if manifest.dci else ():
        for name, field in lookup.attributes.items():
            definition = catalogue.get(name)
            if definition is None:
                continue
            if definition.type != field.type:
                wrong.append(f"{name}: {field.type} here, {definition.type} in the catalogue")
            if definition.codes:
                wrong += _unknown_codes(name, definition.codes, field.codes.values())
    return wrong


def _unknown_codes(name: str, directory: str, codes: Iterable[str]) -> list[str]:
    known = CodeDirectories.load().codes(directory)
    return [f"{name}: {directory} has no code {code}" for code in sorted(set(codes) - known.keys())]


def _manifest_findings(folder: Path, manifest: Manifest) -> list[Finding]:
    findings = []
    if manifest.id != folder.resolve().name:
        findings.append(Finding("manifest", False, f"the folder must bear its id, {manifest.id}"))
    findings += [Finding("manifest", False, wrong) for wrong in catalogue_differences(manifest)]
    held = {name for lookup in manifest.lookups for name in lookup.attributes}
    text = f"{manifest.id} {manifest.version}: {len(manifest.lookups)} lookups, {len(held)} attributes"
    return findings or [Finding("manifest", True, text)]


def _readiness_finding(folder: Path) -> Finding:
    try:
        readiness = load_readiness(folder / READINESS)
    except ConfigurationError as error:
        return Finding("readiness", False, str(error))
    if readiness.todo:
        return Finding("readiness", False, f"still to do: {', '.join(readiness.todo)}")
    return Finding("readiness", True, f"{len(readiness.root)} rules answered")


def _example_findings(folder: Path, manifest: Manifest) -> list[Finding]:
    try:
        examples = load_examples(folder, manifest)
    except ConfigurationError as error:
        return [Finding("examples", False, str(error))]
    shown = {example.lookup for example in examples}
    findings = [
        Finding("examples", False, f"none of lookup {lookup.name}")
        for lookup in manifest.lookups
        if lookup.name not in shown
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


def _call_finding(manifest: Manifest, environment: Mapping[str, str]) -> Finding:
    address = manifest.connection.base_url.removeprefix("env:")
    if not environment.get(address):
        return Finding("test call", None, f"not tried: {address} is not set")
    if (why := _needs_gateway(manifest)) is not None:
        return Finding("test call", None, f"not tried: {why}, which needs a running gateway")
    try:
        known = asyncio.run(_call(manifest, environment))
    except (SourceError, ConfigurationError) as error:
        return Finding("test call", False, str(error))
    return Finding("test call", True, "answered" if not known else "answered, and knows nobody's number")


def _needs_gateway(manifest: Manifest) -> str | None:
    """Return why a registry cannot be asked from here; None when it can."""
    auth, dci = manifest.connection.auth, manifest.dci
    if isinstance(auth, OAuth2Auth) and auth.method == "private_key_jwt":
        return "it gives tokens for the gateway's signature"
    if dci is not None and dci.trust.sign is not None:
        return "its questions are signed by the gateway"
    if dci is not None and dci.mode == "async" and dci.poll_s is None:
        return "it answers by callback"
    return None


async def _call(manifest: Manifest, environment: Mapping[str, str]) -> bool:
    lookup = manifest.lookups[0]
    nobody = Identifier(lookup.by[0], _NOBODY)
    request = Fetch(manifest.id, lookup.name, (nobody,), frozenset(lookup.attributes), "check")
    async with open_session() as session:
        guarded = connect((manifest,), session, environment)[manifest.id].guarded
        answer = await guarded.fetch(request, Deadline.after(_CALL_S))
    return answer.records[nobody] is not None


def main(arguments: Sequence[str]) -> int:
    """Check every folder named; 0 when nothing is wrong, 1 when something is, 2 when none is named."""
    if not arguments or any(one.startswith("-") for one in arguments):
        sys.stderr.write(f"{__doc__}\nusage: python -m adapters.check FOLDER...\n")
        return 2
    marks = {True: "ok  ", False: "FAIL", None: "--  "}
    is_good = True
    for argument in arguments:
        for finding in check(Path(argument), os.environ):
            is_good = is_good and finding.is_good is not False
            sys.stdout.write(f"{marks[finding.is_good]}  {argument}  {finding.what}: {finding.text}\n")
    return 0 if is_good else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""A bundle: the files of one version of a registry as they are submitted, with the digest that everybody signs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from adapters.catalogue import references
from adapters.generic.soap.documents import packed
from adapters.manifest import Protocol
from adapters.reading_manifest import read_manifest
from standards.errors import ConfigurationError, MalformedMessageError

if TYPE_CHECKING:
    from adapters.manifest import Manifest

MANIFEST: Final = "manifest.yaml"
MOST_FILES: Final = 100
MOST_BYTES: Final = 1_000_000
"""Of all files together."""
_NAME: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_-]{0,59}/)?[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_KINDS: Final = (".yaml", ".yml", ".json", ".xml", ".wsdl", ".xsd", ".csv", ".txt", ".md", ".pub")

Files = Mapping[str, str]
"""Name below the registry's folder -> text."""


def digest_of(files: Files) -> str:
    """Return the SHA-256 of a bundle, in hex: of its names and texts as sorted, compact JSON."""
    return hashlib.sha256(orjson.dumps(dict(files), option=orjson.OPT_SORT_KEYS)).hexdigest()


def checked(files: Files, others: Collection[str] = ()) -> Manifest:
    """Return the manifest of a bundle that may be registered.

    others: ids of registries that are here.
    Raises: MalformedMessageError that says what to change.
    """
    if MANIFEST not in files:
        raise MalformedMessageError(f"files: {MANIFEST} is missing")
    if len(files) > MOST_FILES or sum(len(text.encode()) for text in files.values()) > MOST_BYTES:
        raise MalformedMessageError(f"files: at most {MOST_FILES} of {MOST_BYTES} bytes together; leave some out")
    for name in files:
        if name.endswith(".py"):
            raise MalformedMessageError(
                "files: code cannot be uploaded. Describe the registry in its manifest, by the driver of its "
                "protocol; where no driver will do, the adapter is part of an installation of Hearth"
            )
        if _NAME.fullmatch(name) is None or not name.endswith(_KINDS):
            kinds = ", ".join(_KINDS)
            raise MalformedMessageError(f"files: names are NAME or FOLDER/NAME and end with one of {kinds}")
    try:
        manifest = read_manifest(files[MANIFEST], MANIFEST)
    except ConfigurationError as wrong:
        raise MalformedMessageError(str(wrong)) from None
    if manifest.speaks is not Protocol.DCI and manifest.driven is None:
        spoken = manifest.speaks.value
        raise MalformedMessageError(
            f"{MANIFEST}: `speaks: {spoken}` without `{spoken}` would need code of its own, which cannot be uploaded: "
            f"add `{spoken}` and `records`, which tell the driver how it is asked and read"
        )
    # INVARIANT: one registry's credentials never go to another: what is submitted names its own references only.
    prefix = f"HEARTH_{manifest.id.upper()}_"
    named = set(references(manifest))
    theirs = [f"HEARTH_{id_.upper()}_" for id_ in others if id_.startswith(f"{manifest.id}_")]
    if strangers := sorted(n for n in named if not n.startswith(prefix) or n.startswith(tuple(theirs))):
        raise MalformedMessageError(
            f"{MANIFEST}: references of this registry begin with {prefix}, and with no other registry's id; rename "
            f"{', '.join(strangers)}"
        )
    return manifest


def read_folder(folder: Path) -> Files:
    """Return the files of a registry's folder as they are submitted; one level of folders below it.

    Raises: ConfigurationError when there is no manifest, or a file is no text.
    """
    if not (folder / MANIFEST).is_file():
        raise ConfigurationError(f"{folder}: there is no {MANIFEST} in it")
    found = {}
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.name.startswith(".") or path.suffix == ".pyc" or path.name == "__init__.py":
            continue
        try:
            found[name] = packed(path) if name == MANIFEST else path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as wrong:
            raise ConfigurationError(f"{path}: cannot be read as text ({type(wrong).__name__})") from None
    return found


def write_folder(files: Files, folder: Path) -> None:
    """Write a bundle below a folder that is there.

    Raises: ConfigurationError, before anything is written, when a name leads elsewhere.
    """
    # INVARIANT: whoever sent it, nothing is written beside the folder.
    if any(_NAME.fullmatch(name) is None for name in files):
        raise ConfigurationError("files: a name among them is none of a registry's folder: nothing was written")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

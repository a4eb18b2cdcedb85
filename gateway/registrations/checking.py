"""The check of a submission: the registry kit's own, run by the gateway over the files as they were submitted."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from adapters.kit.checking import check
from gateway.registrations.bundle import Files, write_folder

Findings = tuple[tuple[str, bool | None, str], ...]
"""What was looked at, whether it is good (None: could not be tried), in words."""
Check = Callable[[str, Files], Awaitable[Findings]]
"""From the id of a registry and its files to the findings."""


def checking(environment: Mapping[str, str]) -> Check:
    """Return the check, with the references of manifests looked up in an environment."""

    def look(id_: str, files: Files) -> Findings:
        with tempfile.TemporaryDirectory(prefix="registration-") as place:
            folder = Path(place) / id_
            folder.mkdir()
            write_folder(files, folder)
            found = check(folder, environment)
            return tuple((one.what, one.is_good, one.text.replace(f"{folder}/", "")) for one in found)

    one_at_a_time = asyncio.Semaphore(1)  # each takes a thread for as long as its registry is silent

    async def checked(id_: str, files: Files) -> Findings:
        async with one_at_a_time:
            return await asyncio.to_thread(look, id_, files)

    return checked


def has_passed(findings: Findings) -> bool:
    """Tell whether nothing is wrong; a test call that could not be tried is not."""
    return bool(findings) and all(is_good is not False for _, is_good, _ in findings)

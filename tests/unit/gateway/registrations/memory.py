"""Registrations in memory, for what only reads them."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.registrations.bundle import Files
from gateway.registrations.store import Registration
from gateway.registrations.tables import RegistrationsError


class MemoryRegistrations:
    """A RegistrationStore whose content a test sets."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], tuple[Registration, Files]] = {}
        self.number = 0
        self.is_broken = False
        self.meanings: dict[tuple[str, str], str] = {}

    def put(self, one: Registration, files: Mapping[str, str]) -> None:
        """Keep a version, in place of what is known of it."""
        self.kept[one.registry, one.version] = (one, files)
        self.number += 1

    def revision(self) -> int:
        if self.is_broken:
            raise RegistrationsError("broken")
        return self.number

    def all(self) -> tuple[Registration, ...]:
        return tuple(one for one, _ in self.kept.values())

    def files(self, registry: str, version: str) -> Files:
        return self.kept[registry, version][1]

    def meaning(self, registry: str, version: str) -> str | None:
        if self.is_broken:
            raise RegistrationsError("broken")
        return self.meanings.get((registry, version))

    def mean(self, registry: str, version: str, manifest: str) -> None:
        self.meanings[registry, version] = manifest

"""What a driver is: from a manifest and a way to the registry, to an adapter. One table names them all."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, Protocol, cast, runtime_checkable

from adapters.manifest import Protocol as Speaks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.generic.files.way import ListState
    from adapters.manifest import Manifest
    from adapters.ports import RegistryAdapter
    from adapters.transport.client import Session
    from adapters.transport.tokens import Signing

_OVER_HTTP: Final = "adapters.generic.asking.over_http"
DRIVERS: Final[Mapping[Speaks, str]] = {
    Speaks.REST: "adapters.generic.rest.driver",
    Speaks.GRAPHQL: "adapters.generic.graphql.driver",
    Speaks.SOAP: "adapters.generic.soap.driver",
    Speaks.FHIR: "adapters.generic.fhir.driver",
    Speaks.OGC: "adapters.generic.ogc.driver",
    Speaks.SQL: "adapters.generic.sql.driver",
    Speaks.FILES: "adapters.generic.files.driver",
}
"""Protocol -> module of its driver; imported when a manifest needs it, so that nobody pays for what nobody speaks."""


class Way(Protocol):
    """The way to one registry: a SourceClient for what speaks HTTP; for others, what their driver says."""

    async def close(self) -> None:
        """Let go of what only this registry uses."""
        ...


@runtime_checkable
class ListWay(Protocol):
    """The way to a registry that is a list: it is read whether somebody asks or not, and stands some way."""

    def begin(self, is_off: Callable[[], bool]) -> None:
        """Look for the list from now on, in the background, but for as long as the registry is switched off."""
        ...

    def state(self) -> ListState:
        """Return how the list stands."""
        ...


class DriverModule(Protocol):
    """What the module of a driver exports."""

    def open_way(
        self, manifest: Manifest, session: Session, environment: Mapping[str, str], signing: Signing | None
    ) -> Way:
        """Return the way to the registry; nothing is sent yet.

        Raises: ConfigurationError when a reference of the manifest is missing.
        """
        ...

    def build(self, manifest: Manifest, way: object) -> RegistryAdapter:
        """Return the adapter.

        Raises: ConfigurationError when the manifest promises what the driver cannot do.
        """
        ...

    def example_way(self, manifest: Manifest, answers: object) -> object:
        """Return a way that gives the prepared answers of an example, see adapters/examples.py."""
        ...


def driver(speaks: Speaks) -> DriverModule:
    """Return the driver of a protocol.

    Raises: KeyError for one without.
    """
    return cast("DriverModule", importlib.import_module(DRIVERS[speaks]))

"""What all drivers over HTTP share: the way there, and the way that an example gives instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.generic.xroad.layer import through
from adapters.transport.client import HttpSourceClient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.examples import Replay
    from adapters.generic.xroad.layer import ThroughSecurityServer
    from adapters.manifest import Manifest
    from adapters.ports import Response
    from adapters.transport.client import Session
    from adapters.transport.tokens import Signing


def open_way(
    manifest: Manifest, session: Session, environment: Mapping[str, str], signing: Signing | None
) -> HttpSourceClient | ThroughSecurityServer:
    """Return the client of a registry over HTTP, through its security server where it has one.

    Raises: ConfigurationError when a reference is missing.
    """
    return through(HttpSourceClient(session, manifest, environment, signing=signing), manifest)


def example_way(manifest: Manifest, answers: Sequence[Response]) -> Replay:
    """Return a way that gives prepared answers, one per call."""
    from adapters.examples import Replay  # examples know the catalogue, which knows the drivers

    return Replay(answers)

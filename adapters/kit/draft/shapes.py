"""What is known of a registry before it has a manifest, from whatever source: lookups and the fields of records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Seen(NamedTuple):
    """One field of a record, as the registry describes or shows it."""

    path: str
    """As the manifest will name it: a JMESPath, or a column."""
    name: str
    """Its own name, without the way to it."""
    kind: str = "string"
    """string, integer, number, boolean or list."""
    texts: tuple[str, ...] = ()
    """A few values, to guess forms from; they may be of real people, so that none is ever written into a draft."""
    codes: tuple[str, ...] = ()
    """Values that the description lists as all there are."""
    required: bool = False
    question: str = ""
    """What is to be looked at about it, for a number."""


class Asked(NamedTuple):
    """One way of asking it."""

    name: str
    fields: tuple[Seen, ...]
    options: Mapping[str, Any]
    """What the driver is told of this lookup; `Decide` where it is not known."""
    by: tuple[str, ...] = ()
    """Types of the numbers that it takes, where the source tells."""
    batch: int = 1
    is_listed: bool = False
    """Whether a question about one person may bring several records."""


class Shape(NamedTuple):
    """One registry."""

    speaks: str
    lookups: tuple[Asked, ...]
    title: str = ""
    auth: Mapping[str, Any] = {}
    options: Mapping[str, Any] = {}
    """What the driver is told of the whole registry."""
    address: str = ""
    """Where it is, if its description says so: for a comment, as addresses are references."""
    notes: tuple[str, ...] = ()
    files: Mapping[str, bytes] = {}
    """Further files of the registry's folder: a WSDL."""


class Decide(NamedTuple):
    """A value of a draft that somebody who knows the registry has to look at."""

    value: Any
    question: str

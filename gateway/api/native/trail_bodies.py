"""What a portal says of a citizen who asks: the bodies of `/v1/trail`, and what must be right in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, Field, StrictStr

from adapters.manifest import Manifest
from gateway.api.native.consent_bodies import Body, Number
from gateway.trail.book import Range
from gateway.trail.disputes import DisputeReason
from standards.errors import MalformedMessageError
from standards.identifiers import SHARED_TYPES, UIN, Identifier, identifier

LANGUAGE = r"^[a-z]{3}$"


class TrailPerson(Body):
    """Whom a call is about: every number that the portal knows to be the citizen's."""

    numbers: tuple[Number, ...] = Field(min_length=1, max_length=20)


class TrailUsage(TrailPerson):
    """Which part of a trail is wanted."""

    since: AwareDatetime | None = Field(default=None, description="From this moment on.")
    until: AwareDatetime | None = Field(default=None, description="Before this moment.")
    before: int | None = Field(default=None, ge=1, description="The next page: `next` of the page before.")
    limit: int = Field(default=50, ge=1, le=200, description="Most entries of one page.")
    kinds: tuple[Literal["question", "record"], ...] = Field(
        default=("question",),
        min_length=1,
        description="question: somebody asked; record: something was done with what is kept here about the person.",
    )
    locale: StrictStr = Field(default="eng", pattern=LANGUAGE, description="ISO 639-3; English for one not spoken.")


class TrailDisputed(TrailPerson):
    """A fact that a citizen disputes. There is no place for a text or a value: neither is kept."""

    registry: StrictStr = Field(min_length=1, max_length=40, description="The registry that the fact is from.")
    attribute: StrictStr = Field(min_length=1, max_length=60, description="Which kind of fact.")
    reason: DisputeReason
    locale: StrictStr = Field(default="eng", pattern=LANGUAGE)


class TrailSpoken(TrailPerson):
    """Whom a call is about, and in which language it is answered."""

    locale: StrictStr = Field(default="eng", pattern=LANGUAGE)


def numbers_of(stated: TrailPerson) -> tuple[Identifier, ...]:
    """Return the numbers of one person in their normal form, each once.

    Raises: MalformedMessageError for a number that several people bear: it would tell of somebody else.
    """
    found = []
    for number in stated.numbers:
        try:
            one = identifier(number.type, number.value)
        except ValueError as error:
            raise MalformedMessageError(f"numbers: {error}") from None
        # INVARIANT: nobody finds what is somebody else's: a household's number would lead to all who were ever in it.
        if one.type in SHARED_TYPES:
            raise MalformedMessageError("numbers: a trail is one person's; state numbers that nobody else bears")
        found.append(one)
    return tuple(dict.fromkeys(found))


def range_of(stated: TrailUsage) -> Range:
    """Return which part of a trail is wanted."""
    if stated.since is not None and stated.until is not None and stated.since >= stated.until:
        raise MalformedMessageError("since, until: the time ends before it begins")
    since, until = (_utc(moment) for moment in (stated.since, stated.until))
    return Range(since, until, stated.before, stated.limit, frozenset(stated.kinds))


def number_for(manifest: Manifest, numbers: tuple[Identifier, ...]) -> Identifier:
    """Return the one number that a registry is told: one that it finds people by, if there is any.

    Raises: MalformedMessageError when it could not find the person.
    """
    taken = [type_ for lookup in manifest.lookups if lookup.entity == "person" for type_ in lookup.by]
    ranked = {type_: rank for rank, type_ in reversed(list(enumerate([*taken, UIN])))}
    known = sorted((ranked[n.type], n) for n in numbers if n.type in ranked)
    if not known:
        raise MalformedMessageError(f"numbers: state one that this registry finds people by: {', '.join(taken)}")
    return known[0][1]


def registry_of(stated: TrailDisputed, manifests: Mapping[str, Manifest]) -> Manifest:
    """Return the registry that a disputed fact is from.

    Raises: MalformedMessageError when there is none of that name, or it holds no such fact.
    """
    manifest = manifests.get(stated.registry)
    if manifest is None:
        raise MalformedMessageError(f"registry: one of {', '.join(sorted(manifests))}")
    held = sorted({name for lookup in manifest.lookups for name in lookup.attributes})
    if stated.attribute not in held:
        raise MalformedMessageError(f"attribute: {manifest.id} holds {', '.join(held)}")
    return manifest


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)

"""Declared emergencies: for a time, some attributes may be read without consent, by some programmes, in some area.

An emergency never goes beyond an agreement: it stands in for the consent of the people concerned and for nothing else.
It ends by itself, whoever is affected is told afterwards, and every answer under it names it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from policies.agreement import Code, Id, Model, Text
from policies.engine import readable
from standards.errors import ConfigurationError
from standards.states import WithheldReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from standards.attributes import Catalogue
    from standards.permit import Permit, PersonPermit

PLACES: Final = ("region_code", "sub_region_code")
"""Attributes by which it is told whether somebody lives in the area."""


class Emergency(Model):
    """One emergency, declared by one person and approved by another."""

    id: Id
    title: Text
    reference: Text = Field(description="The declaration, and the law behind it.")
    declared_by: Text
    approved_by: Text | None = Field(default=None, description="Somebody else; until then it does not count.")
    start: date = Field(description="First day on which it counts.")
    end: date = Field(description="Last day on which it counts; it ends by itself.")
    consumers: tuple[Id, ...] = Field(min_length=1, description="Client ids of the programmes that it is for.")
    attributes: tuple[Code, ...] = Field(min_length=1, description="What may be known without consent.")
    area: tuple[Text, ...] | None = Field(
        default=None, description="Codes of regions and districts; null: the whole country."
    )
    overrides_refusal: bool = Field(default=False, description="Whether it counts for people who refused, too.")

    @model_validator(mode="after")
    def _two_people(self) -> Emergency:
        if self.approved_by is not None and _same_name(self.approved_by, self.declared_by):
            raise ValueError("approved_by is the person who declared it: somebody else has to approve")
        if self.end < self.start:
            raise ValueError("the last day lies before the first")
        return self

    def counts(self, consumer_id: str, on: date) -> bool:
        """Tell whether it counts for a programme on a day."""
        # INVARIANT: an emergency ends by itself; nobody has to remember to end it.
        return self.approved_by is not None and self.start <= on <= self.end and consumer_id in self.consumers

    def reaches(self, places: Iterable[object]) -> bool:
        """Tell whether somebody who lives there is in the area; of whom nothing is known, is not."""
        return self.area is None or not set(self.area).isdisjoint(p for p in places if isinstance(p, str))


def _same_name(one: str, other: str) -> bool:
    return _spelled(one) == _spelled(other)


def _spelled(name: str) -> str:
    # INVARIANT: nobody becomes two people by another spelling of one name: case, spaces, forms of a letter.
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def problem(emergency: Emergency, catalogue: Catalogue, max_days: int) -> str | None:
    """Return what is wrong with an emergency whose shape is right; None, when it can count."""
    if emergency.end - emergency.start >= timedelta(days=max_days):
        return f"it lasts longer than {max_days} days: declare a shorter one, and a new one when it goes on"
    if unknown := sorted(name for name in emergency.attributes if name not in catalogue):
        return f"the catalogue has no attribute {', '.join(unknown)}"
    return None


class Emergencies(NamedTuple):
    """Every emergency there is, those that have ended included."""

    all: tuple[Emergency, ...] = ()
    digest: str = ""
    """Differs when any of them does."""
    files: Mapping[str, str] = {}
    """Id -> name of the file that declares it."""

    def counting(self, consumer_id: str, on: date) -> tuple[Emergency, ...]:
        """Return those that count for a programme on a day."""
        return tuple(e for e in self.all if e.counts(consumer_id, on))


def read_emergencies(folder: Path | None, catalogue: Catalogue, max_days: int) -> Emergencies:
    """Return the emergencies of a folder, one YAML file each; none, where there is no folder.

    Raises: ConfigurationError that names the file and what is wrong in it.
    """
    found: dict[str, Emergency] = {}
    files: dict[str, str] = {}
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.yaml")) if folder is not None and folder.is_dir() else ():
        try:
            content = path.read_bytes()
            emergency = Emergency.model_validate(YAML(typ="safe", pure=True).load(content.decode()))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ConfigurationError(f"{path.name}: {f'{where}: ' if where else ''}{first['msg']}") from None
        except (OSError, YAMLError, ValueError, RecursionError) as error:  # ValueError: not UTF-8, or 2026-02-30
            said = "write it as YAML in UTF-8, with days that exist"
            raise ConfigurationError(f"{path.name}: cannot be read ({type(error).__name__}): {said}") from None
        wrong = problem(emergency, catalogue, max_days)
        if wrong is not None or emergency.id in found:
            raise ConfigurationError(f"{path.name}: {wrong or f'there is another emergency {emergency.id}'}")
        found[emergency.id], files[emergency.id] = emergency, path.name
        digest.update(hashlib.sha256(content).digest())
    return Emergencies(tuple(found.values()), digest.hexdigest() if found else "", files)


_BY_CONSENT: Final = frozenset({WithheldReason.CONSENT_MISSING, WithheldReason.CONSENT_ENDED})
_BY_REFUSAL: Final = frozenset({WithheldReason.CONSENT_REFUSED, WithheldReason.INPUT_WITHHELD})


def widened(
    person: PersonPermit,
    permit: Permit,
    emergency: Emergency,
    holders: Mapping[str, frozenset[str]],
    catalogue: Catalogue,
) -> PersonPermit:
    """Return what may be read and told of one person when an emergency stands in for the person's consent.

    Never more than the agreement allows: only what consent kept back comes back, and only what the emergency names.
    """
    lifted = _BY_CONSENT | _BY_REFUSAL if emergency.overrides_refusal else _BY_CONSENT
    # INVARIANT: requested and agreed is the frame of every permit; an emergency stays within it.
    gained = {
        name: permit.forms[name]
        for name, reason in person.withheld.items()
        if name in permit.forms and name in emergency.attributes and reason in lifted
    }
    if not gained:
        return person
    reads = readable(gained, catalogue)
    held: dict[str, set[str]] = {}
    for name, sources in holders.items():
        for source in sources:
            held.setdefault(source, set()).add(name)
    refused_sources: set[str] = set()
    refused_attributes: dict[str, frozenset[str]] = {}
    for source, names in held.items():
        was_open = person.allows(source)
        before = names - person.refused_attributes.get(source, frozenset()) if was_open else set()
        closed = names - before - reads
        if closed == names:
            refused_sources.add(source)
        elif closed:
            refused_attributes[source] = frozenset(closed)
    return person._replace(
        forms={**person.forms, **gained},
        withheld={name: reason for name, reason in person.withheld.items() if name not in gained},
        refused_sources=frozenset(refused_sources),
        refused_attributes=refused_attributes,
        basis=f"{person.basis}+emergency:{emergency.id}",
        emergency=emergency.id,
    )

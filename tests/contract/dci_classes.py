"""The classes and code lists of the standard, as a judge of records: which member has no place, which code is none.

They are read where `dci_spec` finds the published files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from tests.contract.dci_spec import SPEC

_FOLDERS = {"spdcicore": "core", "common": "core", "ibr": "ibr", "spdciIBR": "ibr"}
"""Folder of a prefix that a range or a superclass is written with; any other stays in the folder of its class."""
_DIRECTORIES = {
    "EnrollementStatusEnum": "EnrollmentStatusEnum",
    "ImpairmentType": "ImpairementType",
    "RelationshipEnum": "RelationshipTypeEnum",
    "AssistanceUnitEnum": "AssistanceUnit",
    "EducationCodeEnum": "EducationCode",
    "EquipementSource": "EquipmentSource",
}
"""Code lists that the classes call by another name than their own."""


@lru_cache(maxsize=1)
def _objects() -> Mapping[str, Any]:
    loaded: dict[str, Any] = json.loads((SPEC / "derived" / "data-objects.json").read_bytes())["objects"]
    # The file of this class is nested otherwise than the others, so that its properties were not found.
    named = {"start_date": "", "end_date": "", "job_title": "", "employer": "", "employment_type": "EmploymentType"}
    jobs = [{"name": name, "range": range_, "list": False} for name, range_ in named.items()]
    loaded["ess/EmploymentInfo"] = loaded["ess/EmploymentInfo"] | {"properties": jobs}
    return loaded


@lru_cache(maxsize=1)
def _codes() -> Mapping[str, frozenset[str]]:
    lists = json.loads((SPEC / "derived" / "code-directories.json").read_bytes())["directories"]
    return {name: frozenset(str(one["code"]) for one in entry["codes"]) for name, entry in lists.items()}


def strangers(record: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield the members and codes of a record that its class, such as `dr/PWDPerson`, has no place for.

    Members under a prefix, such as `pv:`, are the country's own and may hold anything.
    """
    known = properties(name)
    for member, value in record.items():
        if member.startswith("@") or ":" in member:
            continue
        if member not in known:
            yield f"{name}.{member}"
            continue
        range_ = known[member]["range"]
        for one in value if isinstance(value, list) else [value]:
            yield from _misfits(one, name, member, range_)


def properties(name: str) -> dict[str, Any]:
    """Return the properties of a class with those it inherits."""
    entry = _objects()[name]
    own = {one["name"]: one for one in reversed(entry["properties"])}
    above = entry["subclass_of"]
    return own if above is None else properties(_class(above, name)) | own


def _misfits(value: Any, name: str, member: str, range_: str) -> Iterator[str]:
    if isinstance(value, dict):
        inner = _class(range_, name)
        if inner in _objects():
            yield from strangers(value, inner)
        return
    bare = range_.rsplit(":", 1)[-1]
    listed = _codes().get(_DIRECTORIES.get(bare, bare))
    if listed is not None and value not in listed:
        yield f"{name}.{member}: no code of {bare}"


def _class(range_: str, name: str) -> str:
    """Return the key of the class that a range or a superclass names, as seen from a class."""
    prefix, _, bare = range_.partition(":")
    own = f"{_FOLDERS.get(prefix, name.split('/', maxsplit=1)[0])}/{_SPELLED.get(bare, bare)}"
    return own if own in _objects() else f"core/{bare}"


_SPELLED = {"beneficiary": "Beneficiary", "programme": "Programme", "livestockDetails": "LivestockDetails"}

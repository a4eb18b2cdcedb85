"""Whom records name beside their subject: kin, and the members of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.fields import Fields
from adapters.generic.mapping.dates import day_reader
from adapters.generic.mapping.numbering import Numbering, compiled
from adapters.generic.mapping.paths import UnexpectedTypeError
from adapters.generic.mapping.values import fields
from adapters.ports import GroupMember, Link

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.generic.mapping.layout import KinLayout, MembersLayout
    from adapters.reading import Reader

    Find = Callable[[object], object]

_RELATIONSHIP: Final = "relationship"
_NAMES: Final = frozenset({_RELATIONSHIP})


class Kin:
    """Kin of one kind.

    Raises: ValueError, naming the path, when one is not a JMESPath.
    """

    def __init__(self, reader: Reader, layout: KinLayout) -> None:
        self._reader, self._relation = reader, layout.relation
        self._find = compiled(layout.path)
        self._numbers = Numbering(reader, layout.identifiers, f"{layout.relation} ")
        born = layout.birth_date
        self._born: Find | None = compiled(born.path) if born else None
        self._day = day_reader(born.date, born.calendar) if born else day_reader()

    def read(self, record: dict[str, Any]) -> list[Link]:
        """Return everybody whom a record names as such kin with a number; without one, nobody can be found."""
        links: list[Link] = []
        for one in listed(self._reader, self._relation, self._find, record):
            numbers, _ = self._numbers.read(one)
            if numbers:
                born = self._day(self._reader, f"{self._relation} birth date", self._born(one)) if self._born else None
                links.append(Link(self._relation, numbers, born))
        return links


class Members:
    """Members of a group.

    Raises: ValueError, naming the path, when one is not a JMESPath.
    """

    def __init__(self, reader: Reader, layout: MembersLayout) -> None:
        self._reader = reader
        self._find = compiled(layout.path)
        self._numbers = Numbering(reader, layout.identifiers, "member ")
        stated = {_RELATIONSHIP: layout.relationship} if layout.relationship else {}
        self._relationship: Fields = fields(reader, stated, prefix="member ")

    def read(self, record: dict[str, Any]) -> tuple[GroupMember, ...]:
        """Return the members whom a record names; a relationship that is not understood is left open."""
        members: list[GroupMember] = []
        for one in listed(self._reader, "members", self._find, record):
            numbers, _ = self._numbers.read(one)
            if not numbers:
                self._reader.refuse("member", "without a number")
            values, _ = self._relationship.read(self._reader.record("member", one), _NAMES)
            relationship = values.get(_RELATIONSHIP)
            members.append(GroupMember(relationship if isinstance(relationship, str) else "", numbers))
        return tuple(members)


def listed(reader: Reader, label: str, find: Find, record: object) -> Sequence[object]:
    """Return what a path leads to, as a list; a single thing is a list of one, and nothing an empty one."""
    try:
        found = find(record)
    except UnexpectedTypeError as error:
        reader.refuse(label, str(error))
    if found is None:
        return ()
    return found if isinstance(found, list) else (found,)

"""How the columns of tables and lists write numbers of people, where that is not Hearth's own form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, StringConstraints

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHARACTER: Final = "#"
Form = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f#]*#[^\x00-\x1f\x7f]*$", max_length=200)]
Forms = Annotated[tuple[Form, ...], Field(min_length=1, max_length=10)]
WRITTEN: Final = (
    "Type of number -> how its column writes it, where that is not Hearth's own form: `###-###`. `#` is one letter or "
    "digit of the number, all else stands as it is; where several ways are in use, all are looked for."
)


class Written:
    """How one column writes a number that Hearth holds without what stands between its characters."""

    def __init__(self, forms: Sequence[str]) -> None:
        self.forms = tuple(forms)
        self._read = [
            re.compile("".join(r"([^\W_])" if one == _CHARACTER else re.escape(one) for one in form)) for form in forms
        ]

    def spelled(self, number: str) -> list[str]:
        """Return every way in which the column may write a number; none when it cannot hold it."""
        found = []
        for form in self.forms:
            if form.count(_CHARACTER) == len(number):
                characters = iter(number)
                found.append("".join(next(characters) if one == _CHARACTER else one for one in form))
        return found

    def is_strange(self, value: object) -> bool:
        """Tell whether what a column holds is neither written so, nor as Hearth would: letters and digits alone."""
        plain = self.plain(value)
        return isinstance(plain, str) and any(not one.isalnum() for one in plain.strip())

    def plain(self, value: object) -> object:
        """Return what a column holds as Hearth would; what is written in no such way stays as it is."""
        if isinstance(value, str):
            for form in self._read:
                if (held := form.fullmatch(value.strip())) is not None:
                    return "".join(held.groups())
        return value


def plain_row(row: Mapping[str, Any], written: Mapping[str, Written]) -> dict[str, Any]:
    """Return a row with its numbers as Hearth writes them."""
    return {name: written[name].plain(value) if name in written else value for name, value in row.items()}

"""What a manifest tells about a registry that does not know the number: by which traits its people are looked up."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pydantic import Field

from adapters.generic.mapping.layout import ValueField
from adapters.model import Model

MADE_OF: Final = {"birth_year": "birth_date", "name_sound": "surname"}
"""Trait that is no attribute of the catalogue -> the one that it is made of."""


class TraitsOptions(Model):
    """How candidates are looked for, when all that is known of a person is a name, a birth date, a place."""

    blocks: tuple[tuple[str, ...], ...] = Field(
        min_length=1,
        description="Which traits together narrow the registry's people down to candidates, the narrowest first: "
        "`[birth_date, surname]`. Traits are attributes of the catalogue; `birth_year` and `name_sound` (the phonetic "
        "key of the surname) are further ones.",
    )
    traits: dict[str, ValueField] = Field(
        min_length=2, description="Attribute of the catalogue -> where a candidate's record states it."
    )
    most: int = Field(default=100, ge=1, le=10_000, description="Most candidates of one person that are looked at.")

    @property
    def read(self) -> tuple[str, ...]:
        """Return the attributes of the catalogue that have to be known of whoever is looked for, in their order."""
        of_blocks = (trait for block in self.blocks for trait in block)
        return tuple(dict.fromkeys(MADE_OF.get(trait, trait) for trait in (*self.traits, *of_blocks)))

    def narrowed_by(self, known: Collection[str]) -> bool:
        """Tell whether candidates can be looked for by these attributes: all those of one block are among them."""
        return any(all(MADE_OF.get(trait, trait) in known for trait in block) for block in self.blocks)

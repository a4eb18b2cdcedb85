"""What a manifest tells the driver of registries that are a database: tables, columns, types; never a text of SQL."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from adapters.generic.mapping.written import WRITTEN, Forms
from adapters.model import Model

Named = Annotated[str, StringConstraints(pattern=r'^[^\x00-\x1f\x7f"`\[\]]{1,63}$')]
"""Name of a table, view, schema or column as the database spells it; the dialect quotes it."""
ColumnType = Literal["text", "integer", "decimal", "date", "timestamp", "boolean", "uuid"]
Fixed = str | int | bool | None


class SqlLookup(Model):
    """How one lookup is asked: one select by the columns that `records` name for its numbers."""

    table: Named = Field(description="Table or view that holds the records.")
    database_schema: Named | None = Field(
        default=None, alias="schema", description="Its schema; default: the search path of the role."
    )
    types: dict[Named, ColumnType] = Field(
        default={},
        description="Types of the columns that are compared with something and are no texts: `{tin: integer}`.",
    )
    where: dict[Named, Fixed | tuple[Fixed, ...]] = Field(
        default={}, description="What always holds for a row that counts: a value, null, or a list of values."
    )
    newest: Named | None = Field(
        default=None,
        description="Column by which a subject's rows are ordered, the newest first: only the first "
        "`rows_per_subject` of them are read. Without it, more rows than that are refused.",
    )
    written: dict[str, Forms] = Field(default={}, description=WRITTEN)
    rows_per_subject: int = Field(default=1, ge=1, le=10_000, description="Most rows that one subject has.")


class SqlOptions(Model):
    """What the sql driver needs to know. The address is a URL: `sqlite:///file.db`, `postgresql://host/database`."""

    lookups: dict[str, SqlLookup] = Field(description="Lookup name -> how it is asked.")
    role: Literal["reads_only", "may_write"] = Field(
        default="reads_only",
        description="Whether a database role that could write is refused. Statements read only either way.",
    )

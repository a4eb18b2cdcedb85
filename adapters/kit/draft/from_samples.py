"""Drafts from what records look like: a CSV, a JSON record, a table of a database."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from adapters.kit.draft.guessing import number_type
from adapters.kit.draft.shapes import Asked, Decide, Seen, Shape
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_ROWS: Final = 200
_TEXTS: Final = 12
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SQL_TYPES: Final = (("INT", "integer"), ("REAL", "number"), ("NUM", "number"), ("DEC", "number"), ("BOOL", "boolean"))


def from_csv(text: str, name: str) -> Shape:
    """Return a registry that drops lists like this one into a folder.

    Raises: ConfigurationError when it has no row that names columns.
    """
    try:
        dialect: Any = csv.Sniffer().sniff(text[:4096], ",;\t|")
    except csv.Error:
        dialect = csv.excel
    rows = csv.DictReader(io.StringIO(text), dialect=dialect)
    columns = rows.fieldnames or ()
    if len(columns) < 2:
        raise ConfigurationError(f"{name}: no row that names columns, separated by , ; tab or |")
    fields = tuple(_of_rows(columns, [row for row, _ in zip(rows, range(_ROWS), strict=False)]))
    stem = re.sub(r"[0-9].*", "", Path(name).stem)
    options: dict[str, Any] = {
        "pattern": Decide(f"{stem}*.csv", "how the names of the drops look; `dated_name: true` if they hold the day"),
        "delimiter": dialect.delimiter,
        "max_age_h": Decide(36, "after how many hours a list is too old to be believed"),
    }
    numbers = _first_number(fields)
    return Shape("files", (Asked("row", fields, {"rows_per_subject": 1}, numbers, 50),), options=options)


def from_json(content: Any, name: str) -> Shape:
    """Return a registry that answers records like this one over HTTP.

    content: a record, a list of records, or an object with a list of records in it.
    Raises: ConfigurationError when there is no record.
    """
    found, record = _record(content)
    if record is None:
        raise ConfigurationError(f"{name}: neither a record nor a list of records")
    fields = tuple(_of_record(record))
    request: dict[str, Any] = {
        "path": Decide("/people/{number}", "where one person's record is asked for"),
        "found": found,
        "nobody": Decide({"status": [404]}, "how it says that it holds nobody by that number"),
    }
    asked = Asked("person", fields, {"requests": [request]}, _first_number(fields), 1)
    return Shape("rest", (asked,), auth=_KEY)


def from_table(url: str) -> Shape:
    """Return a registry that is a table of a database: `sqlite:///file.db#table`.

    Raises: ConfigurationError when there is no such file or table.
    """
    address, _, table = url.partition("#")
    path = Path(address.removeprefix("sqlite:///"))
    if not address.startswith("sqlite:///") or not table or not path.is_file():
        raise ConfigurationError(f"{address}: name a table as sqlite:///file.db#table, of a file that is there")
    source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    source.row_factory = sqlite3.Row
    try:
        known = [row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
        if table not in known:
            raise ConfigurationError(f"{address}: there is no {table}; there are {', '.join(sorted(known))}")
        quoted = '"' + table.replace('"', '""') + '"'
        types = {row["name"]: row["type"] for row in source.execute(f"PRAGMA table_info({quoted})")}
        rows = [dict(row) for row in source.execute(f"SELECT * FROM {quoted} LIMIT {_ROWS}")]  # noqa: S608 - quoted
    except sqlite3.Error as error:
        raise ConfigurationError(f"{address}: not read ({type(error).__name__})") from None
    finally:
        source.close()
    fields = tuple(
        seen._replace(kind=_sql_kind(types[seen.name]))
        for seen in _of_rows(list(types), [{key: "" if v is None else str(v) for key, v in r.items()} for r in rows])
    )
    typed = {one.name: "integer" for one in fields if number_type(one.name) and one.kind == "integer"}
    options: dict[str, Any] = {"table": table}
    if typed:
        options["types"] = typed
    options["rows_per_subject"] = Decide(1, "most rows that one person has; `newest: column` takes the last ones")
    return Shape("sql", (Asked("row", fields, options, _first_number(fields), 50),), address=f"sqlite:///{path.name}")


def step(name: str) -> str:
    """Return a name as a step of a JMESPath."""
    return name if _NAME.fullmatch(name) else json.dumps(name)


def first_number(fields: Sequence[Seen]) -> tuple[str, ...]:
    """Return the type of the first number among fields; nothing when there is none."""
    return _first_number(fields)


def _first_number(fields: Sequence[Seen]) -> tuple[str, ...]:
    return tuple(type_ for one in fields if (type_ := number_type(one.name)) is not None)[:1]


def _of_rows(columns: Iterable[str], rows: Sequence[Mapping[str, str | None]]) -> Iterator[Seen]:
    for column in columns:
        texts = [text for row in rows if (text := (row.get(column) or "").strip())]
        yield Seen(step(column), column, texts=_few(texts), required=bool(rows) and len(texts) == len(rows))


def _few(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))[:_TEXTS]


def _record(content: Any) -> tuple[str, Mapping[str, Any] | None]:
    """Return where the records are, and one of them."""
    if isinstance(content, list):
        return "@", next((one for one in content if isinstance(one, dict)), None)
    if not isinstance(content, dict):
        return "@", None
    lists = {
        key: value for key, value in content.items() if isinstance(value, list) and value and isinstance(value[0], dict)
    }
    if len(lists) == 1 and not any(number_type(key) for key in content):
        key, value = next(iter(lists.items()))
        return step(key), value[0]
    return "@", content


def _of_record(record: Mapping[str, Any], way: str = "") -> Iterator[Seen]:
    for key, value in record.items():
        path = f"{way}{step(key)}"
        if isinstance(value, dict):
            yield from _of_record(value, f"{path}.")
        elif isinstance(value, list):
            yield Seen(path, key, "list")
        elif isinstance(value, bool):
            yield Seen(path, key, "boolean")
        elif isinstance(value, int | float):
            yield Seen(path, key, "integer" if isinstance(value, int) else "number", texts=())
        else:
            yield Seen(path, key, texts=(value,) if isinstance(value, str) and value else ())


def _sql_kind(declared: str) -> str:
    return next((kind for word, kind in _SQL_TYPES if word in declared.upper()), "string")


_KEY: Final[Mapping[str, Any]] = {
    "kind": Decide("api_key", "how it knows us: none, api_key, basic, bearer, oauth2"),
    "header": "X-API-Key",
    "key": "env:HEARTH_{ID}_KEY",
}

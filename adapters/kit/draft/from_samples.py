"""Drafts from what records look like: lists (CSV, workbook, JSON lines), JSON records, a table of a database."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from adapters.generic.files.errors import DropError
from adapters.generic.files.options import FilesOptions
from adapters.generic.files.workbook import sheet_rows
from adapters.kit.draft.bounds import DEEPEST, MOST_FIELDS, OTHERWISE, is_value
from adapters.kit.draft.guessing import number_type
from adapters.kit.draft.shapes import Asked, Decide, Seen, Shape
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_ROWS: Final = 200
_TEXTS: Final = 12
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYED: Final = "the keys of an object are values, of people perhaps: give a record whose keys are names"
_SQL_TYPES: Final = (("INT", "integer"), ("REAL", "number"), ("NUM", "number"), ("DEC", "number"), ("BOOL", "boolean"))
_LIST: Final = {"rows_per_subject": 1}
_FORM: Final = re.compile(r"[#./ -]{3,40}")
_MOST_FORMS: Final = 10
_WORKBOOK: Final = FilesOptions(
    lookups={}, pattern="*", format="xlsx", max_age_h=1, max_bytes=100_000_000, max_rows=1_000_000
)
"""How a sample is read: as a registry's own list is, and bounded."""


def from_csv(content: bytes, name: str) -> Shape:
    """Return a registry that drops lists like this one into a folder.

    Raises: ConfigurationError when it has no row that names columns.
    """
    text, encoding = _decoded(content, name)
    try:
        dialect: Any = csv.Sniffer().sniff(text[:4096], ",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        rows = csv.DictReader(io.StringIO(text), dialect=dialect)
        columns, few = rows.fieldnames or (), list(islice(rows, _ROWS))
    except csv.Error as error:
        raise ConfigurationError(f"{name}: not CSV ({type(error).__name__})") from None
    options: dict[str, Any] = {"delimiter": dialect.delimiter}
    if encoding != "utf-8":
        options["encoding"] = Decide(encoding, "in which encoding it is written; it is not UTF-8")
    return _of_list(columns, few, name, ".csv", options)


def from_workbook(content: bytes, name: str) -> Shape:
    """Return a registry that drops workbooks like this one into a folder.

    Raises: ConfigurationError when it is none, or its first row names no columns.
    """
    try:
        every = (cells for cells in sheet_rows(io.BytesIO(content), _WORKBOOK) if any(cell != "" for cell in cells))
        first, *rest = islice(every, _ROWS + 1)
    except (DropError, ValueError) as error:
        said = f": {error}" if isinstance(error, DropError) else ""
        raise ConfigurationError(f"{name}: no workbook with a list on its first sheet{said}") from None
    columns = [str(cell).strip() for cell in first]
    rows = [dict(zip(columns, map(str, cells), strict=False)) for cells in rest]
    return _of_list(columns, rows, name, ".xlsx", {"format": "xlsx"})


def from_json_lines(content: bytes, name: str) -> Shape:
    """Return a registry that drops lists with one JSON record a line into a folder.

    Raises: ConfigurationError when a line is no record.
    """
    records = []
    for at, line in enumerate(islice(content.splitlines(), _ROWS), 1):
        try:
            one = orjson.loads(line) if line.strip() else None
        except orjson.JSONDecodeError:
            raise ConfigurationError(f"{name}: line {at} is not JSON") from None
        if one is not None:
            records.append(one)
    if not records or not all(isinstance(one, dict) for one in records):
        raise ConfigurationError(f"{name}: not one record a line")
    fields = tuple(_of_records(records, name))
    return _dropped(fields, name, ".jsonl", {"format": "jsonl"})


def from_json(content: Any, name: str) -> Shape:
    """Return a registry that answers records like this one over HTTP.

    content: a record, a list of records, or an object with a list of records in it.
    Raises: ConfigurationError when there is no record.
    """
    found, records = _found(content, 2)
    if not records:
        raise ConfigurationError(f"{name}: neither a record nor a list of records")
    fields = tuple(_of_records(records, name))
    request: dict[str, Any] = {
        "path": Decide("/people/{number}", "where one person's record is asked for"),
        "found": found,
        "nobody": Decide({"status": [404]}, "how it says that it holds nobody by that number"),
    }
    asked = Asked("person", fields, {"requests": [request]}, first_number(fields), 1)
    return Shape("rest", (asked,), auth=_KEY)


def from_table(url: str) -> Shape:
    """Return a registry that is a table of a database: `sqlite:///file.db#table`.

    Raises: ConfigurationError when there is no such file or table.
    """
    address, _, named = url.partition("#")
    path = Path(address.removeprefix("sqlite:///"))
    if not address.startswith("sqlite:///") or not named or not path.is_file():
        raise ConfigurationError(f"{address}: name a table as sqlite:///file.db#table, of a file that is there")
    source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    source.row_factory = sqlite3.Row
    try:
        known = [row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
        if named not in known:
            raise ConfigurationError(f"{address}: there is no {named}; there are {', '.join(sorted(known))}")
        quoted = '"' + named.replace('"', '""') + '"'
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
    options: dict[str, Any] = {"table": named}
    if typed:
        options["types"] = typed
    options["rows_per_subject"] = Decide(1, "most rows that one person has; `newest: column` takes the last ones")
    options |= _spelled(fields)
    return Shape("sql", (Asked("row", fields, options, first_number(fields), 50),), address=f"sqlite:///{path.name}")


def step(name: str) -> str:
    """Return a name as a step of a JMESPath."""
    return name if _NAME.fullmatch(name) else json.dumps(name)


def first_number(fields: Sequence[Seen]) -> tuple[str, ...]:
    """Return the type of the first number among fields; nothing when there is none."""
    return tuple(type_ for one in fields if (type_ := number_type(one.name)) is not None)[:1]


def _decoded(content: bytes, name: str) -> tuple[str, str]:
    """Return a text, and the encoding that it seems to be written in."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[tuple[str, str], ...] = (("utf-16", "utf-16"),)
    else:
        encodings = (("utf-8-sig", "utf-8"), ("cp1252", "cp1252"), ("latin-1", "latin-1"))
    for encoding, named in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, named
    raise ConfigurationError(f"{name}: no text")


def _of_list(
    columns: Sequence[str], rows: Sequence[Mapping[str, str | None]], name: str, suffix: str, options: Mapping[str, Any]
) -> Shape:
    columns = [column for column in columns if column.strip()]
    if len(columns) < 2:
        raise ConfigurationError(f"{name}: no row that names columns, separated by , ; tab or |")
    # INVARIANT: no value of a person becomes the name of a column, and so part of a draft.
    if any(is_value(column) for column in columns) or len(set(columns)) < len(columns):
        raise ConfigurationError(
            f"{name}: its first row does not name the columns, each once (it may be a person's): give it one that does"
        )
    if not any(number_type(column) for column in columns):
        raise ConfigurationError(
            f"{name}: its first row names no column with a number of a person or household{OTHERWISE}"
        )
    return _dropped(tuple(_of_rows(columns, rows)), name, suffix, options)


def _dropped(fields: tuple[Seen, ...], name: str, suffix: str, form: Mapping[str, Any]) -> Shape:
    stem = re.sub(r"[0-9*?\[\]].*", "", Path(name).stem)
    options: dict[str, Any] = {
        "pattern": Decide(
            f"{stem}*{suffix}", "how the names of the drops look; `dated_name: true` if they hold the day"
        ),
        **form,
        "max_age_h": Decide(36, "after how many hours a list is too old to be believed"),
    }
    listed = {**_LIST, **_spelled(fields)}
    return Shape("files", (Asked("row", fields, listed, first_number(fields), 50),), options=options)


def _spelled(fields: Sequence[Seen]) -> dict[str, Any]:
    """Return how columns write numbers of people, where signs stand between their letters and digits."""
    forms: dict[str, tuple[str, ...]] = {}
    for one in fields:
        type_ = number_type(one.name)
        # INVARIANT: of a number, only where its signs stand is written down.
        seen = tuple(dict.fromkeys(re.sub(r"[^\W_]", "#", text) for text in one.texts))
        if type_ is not None and any(form.strip("#") for form in seen) and all(map(_FORM.fullmatch, seen)):
            forms.setdefault(type_, seen[:_MOST_FORMS])
    asked = "delete it where these signs are part of the number for every registry; add further ways it is written"
    return {"written": Decide(forms, asked)} if forms else {}


def _of_rows(columns: Iterable[str], rows: Sequence[Mapping[str, str | None]]) -> Iterator[Seen]:
    for column in islice(columns, MOST_FIELDS):
        texts = [text for row in rows if (text := str(row.get(column) or "").strip())]
        yield Seen(step(column), column, texts=_few(texts), required=bool(rows) and len(texts) == len(rows))


def _few(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))[:_TEXTS]


def _found(content: Any, depth: int) -> tuple[str, list[dict[str, Any]]]:
    """Return where the records are, and a few of them."""
    if isinstance(content, list):
        return "@", [one for one in content if isinstance(one, dict)][:_ROWS]
    if not isinstance(content, dict) or not content:
        return "@", []
    if any(number_type(key) for key in content):
        return "@", [content]
    lists = [key for key, value in content.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(lists) == 1:
        return step(lists[0]), _found(content[lists[0]], 0)[1]
    for key, value in content.items() if depth else ():
        if isinstance(value, dict):
            path, records = _found(value, depth - 1)
            if path != "@" and records:
                return f"{step(key)}.{path}", records
    return "@", [content]


def _of_records(records: Sequence[Mapping[str, Any]], name: str) -> Iterator[Seen]:
    """Return the fields of records, each once, with a few of the texts that stand there."""
    if _is_keyed(records[0]):
        raise ConfigurationError(f"{name}: {_KEYED}")
    seen: dict[str, Seen] = {}
    for record in records:
        for one in _of_record(record, name, "", DEEPEST):
            before = seen.get(one.path)
            texts = _few((*(before.texts if before else ()), *one.texts))
            kind = one.kind if before is None or before.kind == "integer" else before.kind
            seen[one.path] = one._replace(texts=texts, kind=kind)
            if len(seen) >= MOST_FIELDS:
                break
    yield from seen.values()


def _is_keyed(record: Mapping[str, Any]) -> bool:
    """Tell whether an object seems to hold records under keys that are values: all its members are built alike."""
    shapes = {frozenset(value) if isinstance(value, dict) else None for value in record.values()}
    return len(record) > 1 and len(shapes) == 1 and None not in shapes


def _of_record(record: Mapping[str, Any], source: str, way: str, depth: int) -> Iterator[Seen]:
    for key, value in record.items():
        # INVARIANT: nobody's number that serves as a key is written into a draft.
        if is_value(key):
            raise ConfigurationError(f"{source}: {_KEYED}")
        path = f"{way}{step(key)}"
        if isinstance(value, dict) and depth:
            yield from _of_record(value, source, f"{path}.", depth - 1)
        elif isinstance(value, list | dict):
            yield Seen(path, key, "list")
        elif isinstance(value, bool):
            yield Seen(path, key, "boolean")
        elif isinstance(value, int | float):
            yield Seen(path, key, "integer" if isinstance(value, int) else "number")
        else:
            yield Seen(path, key, texts=(value,) if isinstance(value, str) and value else ())


def _sql_kind(declared: str) -> str:
    return next((kind for word, kind in _SQL_TYPES if word in declared.upper()), "string")


_KEY: Final[Mapping[str, Any]] = {
    "kind": Decide("api_key", "how it knows us: none, api_key, basic, bearer, oauth2"),
    "header": "X-API-Key",
    "key": "env:HEARTH_{ID}_KEY",
}

"""The rows of a list that was dropped: CSV, workbook or JSON lines, read whole or refused."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import orjson
from python_calamine import CalamineError, CalamineWorkbook

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from adapters.generic.files.options import FilesOptions

_LONGEST_LINE: Final = 1_000_000
_EXACT: Final = 10**15
"""From here on a workbook rounds numbers: of a person's number, the last digits would be wrong."""
_DIGITS: Final = re.compile(r"\d+")


class DropError(Exception):
    """A list that cannot be used; its text names rows and columns, and never what stands in them."""


def rows(file: BinaryIO, options: FilesOptions, columns: Sequence[str]) -> Generator[dict[str, Any]]:
    """Return some columns of every row.

    Raises: DropError, also after rows that were good: nothing counts before the end is reached.
    """
    encoding = "utf-8-sig" if options.encoding == "utf-8" else options.encoding
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        match options.format:
            case "csv":
                yield from _counted(_csv(text, options, columns), options)
            case "jsonl":
                yield from _counted(_json_lines(text, columns), options)
            case "xlsx":
                yield from _counted(_workbook(file, options, columns), options)
    except UnicodeError:
        raise DropError(f"not written in {options.encoding}") from None
    except csv.Error:
        raise DropError("not CSV: a quote that is not closed, or a cell that is too long") from None
    finally:
        text.detach()  # the file itself is its opener's


_WORKBOOK: Final = "xl/workbook.xml"
_REFERENCE: Final = re.compile(rb"""\sr(?:ef)?=["'](?:[A-Z]+\d+:)?([A-Z]{0,9})(\d{1,18})["']""")
"""A row, a cell, or the last corner of a range, as a sheet names it."""
_MOST_LETTERS: Final = 2
"""Of a column's name: 702 columns."""


def _counted(read: Iterator[dict[str, Any]], options: FilesOptions) -> Iterator[dict[str, Any]]:
    count = 0
    for row in read:
        count += 1
        if count > options.max_rows:
            raise DropError(f"more than {options.max_rows} rows")
        yield row
    if count < options.least_rows:
        raise DropError(f"{count} rows, and at least {options.least_rows} are promised")


def _csv(text: io.TextIOWrapper, options: FilesOptions, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    places: list[int] | None = None
    width = count = 0
    stated: int | None = None
    for at, cells in enumerate(csv.reader(_lines(text), delimiter=options.delimiter, strict=True), start=1):
        if at < options.header_row or not cells:
            continue
        if places is None:
            width, places = len(cells), _places(cells, columns)
            continue
        if stated is not None:
            raise DropError(f"row {at}: after the last line, which says how many rows there are")
        if options.trailer is not None and cells[0].startswith(options.trailer):
            stated = _stated(cells, options.trailer)
            continue
        if len(cells) != width:
            raise DropError(f"row {at}: {len(cells)} cells, and the header has {width}")
        count += 1
        yield {name: cells[place] for name, place in zip(columns, places, strict=True)}
    if places is None:
        raise DropError("no header row")
    if options.trailer is not None and stated != count:
        raise DropError("its last line does not say that there are so many rows: it was cut")


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Return the lines of a text.

    Raises: DropError when the last one does not end, as when a file is cut.
    """
    line = "\n"
    while following := text.readline(_LONGEST_LINE):
        if len(following) >= _LONGEST_LINE:
            raise DropError(f"a line has more than {_LONGEST_LINE} characters")
        line = following
        yield line
    if not line.endswith(("\n", "\r")):
        raise DropError("its last line does not end: it was cut, or is still being written")


def _stated(cells: Sequence[str], trailer: str) -> int | None:
    """Return how many rows the last line says there are."""
    numbers = _DIGITS.findall(" ".join(cells).removeprefix(trailer))
    return int(numbers[0]) if len(numbers) == 1 and len(numbers[0]) <= 12 else None


def _workbook(file: BinaryIO, options: FilesOptions, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    content = io.BytesIO(file.read())
    try:
        with zipfile.ZipFile(content) as packed:
            unpacked = sum(one.file_size for one in packed.infolist())
            if unpacked > options.max_bytes:
                raise DropError(f"a workbook that unpacks to more than {options.max_bytes} bytes")
            _check_extent(packed, options)
        content.seek(0)
        book = CalamineWorkbook.from_filelike(content)
        sheet = book.get_sheet_by_name(options.sheet) if options.sheet else book.get_sheet_by_index(0)
        every = sheet.iter_rows()
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError, IndexError):
        raise DropError("not a workbook, or without that sheet") from None
    places: list[int] | None = None
    for at, cells in enumerate(every, start=1):
        if at < options.header_row or all(cell == "" for cell in cells):
            continue
        if places is None:
            places = _places([str(one) for one in cells], columns)
            continue
        yield {name: _cell(at, name, cells[place]) for name, place in zip(columns, places, strict=True)}
    if places is None:
        raise DropError("no header row")


def _check_extent(packed: zipfile.ZipFile, options: FilesOptions) -> None:
    """Refuse a workbook with a cell far out: the library makes room for everything up to it, whatever it holds.

    Raises: DropError.
    """
    if _WORKBOOK not in packed.namelist():
        raise DropError("not a workbook (xlsx)")
    for one in packed.infolist():
        if not one.filename.lower().endswith((".xml", ".bin")):
            continue
        for column, row in _REFERENCE.findall(packed.read(one)):
            if int(row) > options.max_rows + options.header_row + 1 or len(column) > _MOST_LETTERS:
                raise DropError("a workbook with a cell far beyond the rows and columns that a list has")


def _cell(at: int, name: str, value: Any) -> Any:
    if isinstance(value, float) and abs(value) >= _EXACT:
        raise DropError(f"row {at}: {name}: the workbook has rounded a number; its column must be text")
    return value if isinstance(value, str | int | float | bool) else value.isoformat()


def _json_lines(text: io.TextIOWrapper, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for at, line in enumerate(_lines(text), start=1):
        if not line.strip():
            continue
        try:
            stated = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise DropError(f"row {at}: not JSON") from None
        if not isinstance(stated, dict):
            raise DropError(f"row {at}: not an object")
        if missing := [name for name in columns if name not in stated]:
            raise DropError(f"row {at}: lacks {missing[0]}; write null for nothing")
        yield {name: stated[name] for name in columns}


def _places(header: Iterable[str], columns: Sequence[str]) -> list[int]:
    """Return where each column stands."""
    names = [name.strip() for name in header]
    for name in columns:
        if names.count(name) != 1:
            raise DropError(f"the header has {'no' if name not in names else 'more than one'} column {name}")
    return [names.index(name) for name in columns]

"""The rows of a list that was dropped: CSV, workbook or JSON lines, read whole or refused."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import orjson

from adapters.generic.files.errors import DropError
from adapters.generic.files.workbook import ERRORS, sheet_rows

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from adapters.generic.files.options import FilesOptions

_LONGEST_LINE: Final = 1_000_000
_LONGEST_ROW: Final = 2_000_000
_EXACT: Final = 10**15
"""From here on numbers are rounded that are no text: of a person's number, the last digits would be wrong."""
_DEEPEST: Final = 20
_DIGITS: Final = re.compile(r"\d+")


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
    lines = _Lines(text)
    for at, cells in enumerate(csv.reader(lines, delimiter=options.delimiter, strict=True), start=1):
        lines.begin_row()
        if at < options.header_row or not any(cells):  # spreadsheets write rows of empty cells behind their last one
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


class _Lines:
    """The lines of a text, each no longer than a line may be, and so many for one row as there is room for."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._last, self._of_row = text, "\n", 0

    def begin_row(self) -> None:
        """Count anew: a row of quoted cells may go over several lines."""
        self._of_row = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        """Return the next line.

        Raises: DropError when it is none, or when the last one does not end, as when a file is cut.
        """
        line = self._text.readline(_LONGEST_LINE)
        if not line:
            if not self._last.endswith(("\n", "\r")):
                raise DropError("its last line does not end: it was cut, or is still being written")
            raise StopIteration
        self._of_row += len(line)
        if len(line) >= _LONGEST_LINE or self._of_row >= _LONGEST_ROW:
            raise DropError(f"a line has more than {_LONGEST_LINE} characters, or a row more than {_LONGEST_ROW}")
        if "\x00" in line:
            raise DropError("a line holds a zero byte: it is no text, or was not written to its end")
        self._last = line
        return line


def _stated(cells: Sequence[str], trailer: str) -> int | None:
    """Return how many rows the last line says there are."""
    numbers = _DIGITS.findall(" ".join(cells).removeprefix(trailer))
    return int(numbers[0]) if len(numbers) == 1 and len(numbers[0]) <= 12 else None


def _workbook(file: BinaryIO, options: FilesOptions, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    places: list[int] | None = None
    for at, cells in enumerate(sheet_rows(file, options), start=1):
        if at < options.header_row or all(cell == "" for cell in cells):
            continue
        if places is None:
            places = _places([str(one) for one in cells], columns)
            continue
        yield {name: _cell(at, name, cells[place]) for name, place in zip(columns, places, strict=True)}
    if places is None:
        raise DropError("no header row")


def _cell(at: int, name: str, value: Any) -> Any:
    if isinstance(value, float) and abs(value) >= _EXACT:
        raise DropError(f"row {at}: {name}: the workbook has rounded a number; its column must be text")
    if isinstance(value, str) and value in ERRORS:
        raise DropError(f"row {at}: {name}: a formula came to an error there")
    if isinstance(value, timedelta):
        return str(value)
    return value if isinstance(value, str | int | float | bool) else value.isoformat()


def _json_lines(text: io.TextIOWrapper, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    lines = _Lines(text)
    for at, line in enumerate(lines, start=1):
        lines.begin_row()
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
        if rounded := [name for name in columns if isinstance(stated[name], float) and abs(stated[name]) >= _EXACT]:
            raise DropError(f"row {at}: {rounded[0]}: a number too long to be exact: it must be text")
        if deep := [name for name in columns if _is_deep(stated[name])]:
            raise DropError(f"row {at}: {deep[0]}: lists or objects within more than {_DEEPEST} others")
        yield {name: stated[name] for name in columns}


def _is_deep(value: object) -> bool:
    """Tell whether lists and objects lie in each other deeper than a record has any reason to."""
    level = [value]
    for _ in range(_DEEPEST + 1):
        level = [
            inner
            for one in level
            if isinstance(one, list | dict)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _places(header: Iterable[str], columns: Sequence[str]) -> list[int]:
    """Return where each column stands."""
    names = [name.strip() for name in header]
    for name in columns:
        if names.count(name) != 1:
            raise DropError(f"the header has {'no' if name not in names else 'more than one'} column {name}")
    return [names.index(name) for name in columns]

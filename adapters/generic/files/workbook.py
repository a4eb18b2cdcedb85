"""The rows of a workbook, unpacked and looked over first: the library that reads it trusts what it reads.

It makes room for every cell up to the last one, whatever a sheet holds, and a process that has no such room ends. So
it is given a workbook that was packed anew, of the parts that rows come from, once all of them are known to be small.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from python_calamine import CalamineError, CalamineWorkbook

from adapters.generic.files.errors import DropError
from adapters.markup import MarkupError, walked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.generic.files.options import FilesOptions

_MOST_BYTES: Final = 300_000_000
"""What the parts of a workbook may come to; a list that is longer is dropped as CSV or JSON lines."""
_MOST_COLUMNS: Final = 702
_MOST_CELLS: Final = 20_000_000
"""Rows times columns, up to the last cell of a sheet: what the library makes room for, some 30 bytes each."""
_LONGEST_TEXT: Final = 131_072
"""Characters of a text that many cells may share; a cell of a CSV is no longer either."""
_MOST_OF_CONTENTS: Final = 1_000_000
"""Bytes of the table of contents of the archive."""
_PARTS: Final = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|xl/[^/]+\.xml|xl/_rels/[^/]+\.rels|xl/worksheets/[^/]+\.xml"
)
"""The parts that rows come from: no theme, drawing, macro or anything of another format."""
_WORKBOOK: Final = "xl/workbook.xml"
_CELL: Final = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
_ERROR: Final = re.compile(rb"""(<(?:[\w.-]+:)?c(?:\s[^<>]*)?\st\s*=\s*)(["'])e\2""")
ERRORS: Final = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})
"""What a cell says whose formula came to nothing."""
_ROW: Final = re.compile(r"[1-9]\d{0,6}")
_END: Final = b"PK\x05\x06"
_END_OF_LARGE: Final = b"PK\x06\x07"
_END_BYTES: Final = 22
_FAR: Final = "a workbook with a cell far beyond the rows and columns that a list has"
_NONE: Final = "not a workbook, or without that sheet"


def sheet_rows(file: BinaryIO, options: FilesOptions) -> Iterator[Sequence[Any]]:
    """Return every row of the sheet that the manifest names, or of the first.

    Raises: DropError.
    """
    packed = _small(_read(file), options)
    try:
        book = CalamineWorkbook.from_filelike(packed)
        sheet = book.get_sheet_by_name(options.sheet) if options.sheet else book.get_sheet_by_index(0)
        return sheet.iter_rows()
    except (CalamineError, OSError, ValueError, IndexError):
        raise DropError(_NONE) from None
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # a defect of the library, which is no Exception
            raise DropError(_NONE) from None
        raise


def _read(file: BinaryIO) -> bytes:
    content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise DropError(f"a workbook of more than {_MOST_BYTES} bytes")
    return content


def _small(content: bytes, options: FilesOptions) -> io.BytesIO:
    """Return a workbook with only the parts that rows come from, none of them larger than it may be.

    Raises: DropError.
    """
    _check_contents(content)
    most = min(options.max_bytes, _MOST_BYTES)
    made = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(made, "w") as anew:
            parts = {one.filename: one for one in packed.infolist() if _PARTS.fullmatch(one.filename)}
            if _WORKBOOK not in parts:
                raise DropError("not a workbook (xlsx)")
            # What an archive says of its parts is what is read of them, be they longer or not.
            if sum(one.file_size for one in parts.values()) > most:
                raise DropError(f"a workbook that unpacks to more than {most} bytes")
            for name, one in parts.items():
                part = packed.read(one)
                looked_at = _Part(options)
                looked_at.check(part)
                # The library reads an error as an empty cell, and so as nothing: here it becomes a text of its own.
                anew.writestr(name, _ERROR.sub(rb"\1\2str\2", part) if looked_at.has_errors else part)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        raise DropError(_NONE) from None
    made.seek(0)
    return made


def _check_contents(content: bytes) -> None:
    """Refuse an archive whose table of contents alone would fill the memory.

    Raises: DropError.
    """
    at = content.rfind(_END)
    if at < 0 or len(content) < at + _END_BYTES:
        raise DropError(_NONE)
    size = int.from_bytes(content[at + 12 : at + 16], "little")
    if size > _MOST_OF_CONTENTS or content[max(0, at - 20) : at].startswith(_END_OF_LARGE):
        raise DropError("a workbook of too many parts")


class _Part:
    """One part of a workbook, read only to see how far its cells go and how long its texts are."""

    def __init__(self, options: FilesOptions) -> None:
        self._most_rows = options.max_rows + options.header_row + 1
        self.has_errors = False
        """Whether formulas came to an error in it."""
        self._row = self._column = self._rows = self._columns = self._text = 0

    def check(self, part: bytes) -> None:
        """Refuse what is not plain XML, or reaches too far.

        Raises: DropError.
        """
        is_shared = b"<sst" in part[:2000] or b":sst" in part[:2000]
        try:
            walked(part, self._begin, self._characters if is_shared else None)
        except MarkupError:
            raise DropError(_NONE) from None
        if self._rows > self._most_rows or self._columns > _MOST_COLUMNS or self._rows * self._columns > _MOST_CELLS:
            raise DropError(_FAR)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition("}")[2]
        if name == "c":
            self._cell(attributes.get("r"))
            self.has_errors = self.has_errors or attributes.get("t") == "e"
        elif name == "row":
            stated = attributes.get("r")
            if stated is not None and not _ROW.fullmatch(stated):
                raise DropError(_FAR)
            self._row, self._column = (int(stated) if stated else self._row + 1), 0
            self._rows = max(self._rows, self._row)
        elif name == "si":
            self._text = 0

    def _cell(self, stated: str | None) -> None:
        if stated is None:
            self._column += 1
        else:
            place = _CELL.fullmatch(stated)
            if place is None:
                raise DropError(_FAR)
            self._column = 0
            for letter in place[1]:
                self._column = 26 * self._column + ord(letter) - 64
            self._rows = max(self._rows, int(place[2]))
        self._columns = max(self._columns, self._column)

    def _characters(self, text: str) -> None:
        self._text += len(text)
        if self._text > _LONGEST_TEXT:
            raise DropError(f"a workbook with a text of more than {_LONGEST_TEXT} characters")

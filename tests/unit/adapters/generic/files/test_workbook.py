"""Workbooks as an enemy would make them: none may cost memory, time or the process, whatever it says of itself."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from datetime import timedelta

import pytest
import xlsxwriter

from adapters.generic.files.errors import DropError
from adapters.generic.files.options import FilesOptions
from adapters.generic.files.rows import rows

SHEET = "xl/worksheets/sheet1.xml"
SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def options(**changes):
    """Return what a manifest says of a workbook."""
    return FilesOptions.model_validate({"pattern": "x", "format": "xlsx", "max_age_h": 1, "lookups": {}, **changes})


def read(content, **changes):
    """Return two columns of a workbook."""
    return list(rows(io.BytesIO(content), options(**changes), ("uin", "name")))


def workbook(*lines, more=()):
    """Return a workbook with a header, some rows and further sheets."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        for name in (None, *more):
            sheet = book.add_worksheet(name)
            for at, line in enumerate((("uin", "name"), *lines)):
                sheet.write_row(at, 0, line if name is None else [f"{name} {one}" for one in line])
    return content.getvalue()


def altered(content, parts):
    """Return a workbook with some of its parts replaced, or others added."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        for name in dict.fromkeys([*before.namelist(), *parts]):
            after.writestr(name, parts[name] if name in parts else before.read(name))
    return made.getvalue()


def of_cells(text, begin='<?xml version="1.0"?>'):
    """Return a workbook whose sheet holds the header, and then what is given as XML."""
    header = "".join(f'<c r="{r}1" t="inlineStr"><is><t>{t}</t></is></c>' for r, t in (("A", "uin"), ("B", "name")))
    sheet = f'{begin}<worksheet xmlns="{SPACE}"><sheetData><row r="1">{header}</row>{text}</sheetData></worksheet>'
    return altered(workbook(), {SHEET: sheet.encode()})


def cell(place, text="1", kind="inlineStr"):
    """Return one cell as XML, its place as it is written."""
    return f'<c {place} t="{kind}"><is><t>{text}</t></is></c>'


FAR = [
    of_cells(f"<row>{cell(place)}</row>")
    for place in ('r="XFD1048576"', "r='XFD2'", 'r = "XFD2"', 'r="xfd2"', 'r="&#88;FD2"', 'r="A99999999999999999999999"')
] + [
    of_cells(f'<row r="{row}">{cell(place)}</row>')
    for row, place in (("99999999999999999999999", 'r="A2"'), ("4294967295", ""), ("0", ""), ("-1", ""))
] + [
    of_cells(f'<row r="1000000">{"<c/>" * 800}</row>'),
    of_cells('<row r="1000000"><c r="ZZ1000000"><v>1</v></c></row>'),
    of_cells(f'<!-- <row r="1"/> --><row r="900000">{"<c/>" * 300}</row>'),
]  # fmt: skip


@pytest.mark.parametrize("content", FAR)
def test_a_workbook_with_a_cell_far_out_is_refused(content):
    """The library would make room for seventeen thousand million cells, and take the process along."""
    with pytest.raises(DropError, match="far beyond"):
        read(content)


def test_what_is_refused_would_have_ended_the_process():
    """So that nobody takes the look before the reading for a nicety."""
    code = (
        "import sys, io, resource, python_calamine as c; resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31)); "
        "c.CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read())).get_sheet_by_index(0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], input=FAR[0], capture_output=True, check=False, timeout=60)
    assert ran.returncode < 0


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (of_cells("", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'), "not a workbook"),
        (of_cells("", '<!DOCTYPE x SYSTEM "file:///etc/passwd">'), "not a workbook"),
        (of_cells("<row>"), "not a workbook"),
        (altered(workbook(), {"xl/worksheets/sheet1.xml": b" " * 400_000_000}), "unpacks to more"),
        (altered(workbook(), {f"xl/worksheets/s{n}.xml": b"<x/>" for n in range(20_000)}), "of too many parts"),
        (
            altered(workbook(("1", "a")), {"xl/sharedStrings.xml": f'<sst xmlns="{SPACE}"><si><t>'.encode()
             + b"a" * 200_000 + b"</t></si></sst>"}),
            "a text of more than",
        ),
        (altered(workbook(("1", "a")), {"xl/workbook.xml": b"\xff\xfe<workbook/>"}), "not a workbook"),
        (workbook(("1", "a"))[:-30], "not a workbook"),
        (b"PK\x05\x06" + b"\0" * 18, "not a workbook"),
        (altered(workbook(), {SHEET: b"<x/>"})[:-22] + b"PK\x06\x07" + b"\0" * 16 + b"PK\x05\x06" + b"\0" * 18, "too many"),
    ],
)  # fmt: skip
def test_a_workbook_that_is_a_trap_is_refused(content, why):
    """Before anything of it is unfolded, and in words of what is wrong."""
    with pytest.raises(DropError, match=why):
        read(content)


def test_a_workbook_that_lies_about_its_size_is_refused():
    """What its archive says of a part is all that is ever unpacked of it."""
    content = bytearray(of_cells("<row>" + cell('r="A2"', "x" * 5000) + "</row>"))
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.find(mark)
        while place >= 0:
            length = int.from_bytes(content[place + at + 4 : place + at + 6], "little")
            name = content[place + (30 if at == 22 else 46) :][:length]
            if name == SHEET.encode():
                content[place + at : place + at + 4] = (100).to_bytes(4, "little")
            place = content.find(mark, place + 4)
    with pytest.raises(DropError):
        read(bytes(content))


def test_what_a_workbook_brings_along_is_not_read():
    """Macros, pictures, and a sheet of another format behind the first."""
    table = b"<office:document-content/>"
    content = altered(
        workbook(("1", "a")), {"xl/vbaProject.bin": b"x", "content.xml": table, "xl/media/a.xml": b"<!DOCTYPE x><x/>"}
    )
    assert read(content) == [{"uin": "1", "name": "a"}]


def test_of_several_sheets_one_is_read():
    """The first, or the one that is named."""
    content = workbook(("1", "a"), more=("Other",))
    assert read(content) == [{"uin": "1", "name": "a"}]
    with pytest.raises(DropError, match="no column uin"):
        read(content, sheet="Other")


def test_cells_of_every_kind_become_values():
    """The result of a formula, and of a length of time its text; an error in a cell is no value of anybody's."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["uin", "name"])
        sheet.write_formula(1, 0, "=1+1", None, 2)
        sheet.write_formula(1, 1, '="a"', None, "a")
        sheet.write(2, 0, "3")
        sheet.write(2, 1, timedelta(hours=30), book.add_format({"num_format": "[h]:mm:ss"}))
    assert read(content.getvalue()) == [{"uin": 2.0, "name": "a"}, {"uin": "3", "name": "1 day, 6:00:00"}]
    failed = of_cells(f'<row>{cell("")}<c t="e"><v>#REF!</v></c></row>')
    with pytest.raises(DropError, match="row 2: name: a formula came to an error"):
        read(failed)

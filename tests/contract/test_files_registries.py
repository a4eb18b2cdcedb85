"""Lists that nobody prepared for, connected by a manifest alone: CSV, workbooks, JSON lines; in a folder, over SFTP."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import sys
import time
from pathlib import Path

import asyncssh
import pytest
import structlog
import xlsxwriter

from adapters.generic.files.place import MOST_ENTRIES
from adapters.kit.checking import check_manifest
from adapters.said import listen
from standards.errors import (
    ConfigurationError,
    SourceContractError,
    SourceRefusedError,
    SourceUnavailableError,
)
from standards.states import UnavailableReason
from tests.contract.sftp_server import PASSWORD, USER, line_to, sftp_server
from tests.contract.tables import asked, connected, who

pytestmark = pytest.mark.contract

MANIFEST = """
id: grants
title: Grants of a neighbouring country
version: "1.0"
speaks: files
reg_type: ns:hearth:RegistryType:Grants
legal: {owner: Office, basis: Act 9, contact: it@grants.example}
connection: {base_url: env:GRANTS_URL}
limits: {timeout_s: 20, retries: 0}
authority: {surname: 5, annual_income_minor: 5}
issues: [LIST_NO]
lookups:
  - {name: grants, by: [UIN, LIST_NO], identifiers: [UIN, LIST_NO], attributes: [surname, annual_income_minor]}
  - name: people
    identifiers: [LIST_NO]
    by_traits:
      blocks: [[birth_date, surname], [birth_year, name_sound]]
      most: 2
      traits:
        surname: {path: '"Family name"'}
        birth_date: {path: born, type: date, date: day_first}
files:
  pattern: grants-*
  settle_s: 0
  look_s: 0.001
  max_age_h: 48
  lookups: {grants: {rows_per_subject: 2}, people: {rows_per_subject: 2}}
records:
  grants:
    identifiers: {UIN: {path: uin, prefix: "PV"}, LIST_NO: {path: no}}
    attributes:
      surname: {path: '"Family name"'}
      annual_income_minor: {path: paid, type: money, factor: 100, combine: sum}
    several: together
  people:
    identifiers: {LIST_NO: {path: no}}
"""
COLUMNS = ("uin", "no", "Family name", "born", "paid", "remark")
GRANTS = (
    ("PV100", "L1", "Moyo", "03.02.1980", "12.5", "none"),
    ("PV200", "L2", "Okafor; Ada", "31.12.1991", "7", 'said "no"\nand left'),
    ("PV100", "L1", "Moyo", "03.02.1980", "2.5", ""),
    ("", "L3", "Мойо", "14.07.1980", "", ""),
    ("PV400", "L4", "Mayo", "not known", "1", ""),
)


def csv_of(rows=GRANTS, *, columns=COLUMNS, delimiter=",", encoding="utf-8"):
    """Return a list as CSV."""
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in (columns, *rows)]
    return "".join(delimiter.join(row) + "\r\n" for row in quoted).encode(encoding)


def workbook_of(rows=GRANTS, *, sheet="Sheet1", above=0, numbers=False):
    """Return a list as a workbook; `numbers` writes what looks like one as one, as people do."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_numbers": numbers}) as book:
        page = book.add_worksheet(sheet)
        for at, row in enumerate((COLUMNS, *rows)):
            page.write_row(at + above, 0, row)
    return content.getvalue()


def lines_of(rows=GRANTS):
    """Return a list as JSON lines."""
    return "".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in rows).encode()


def drop(folder, content, name="grants-1.csv", *, age_h=1.0):
    """Put a list into a folder at once, as if it had been written some time ago."""
    made = folder.parent / f"being-written-{name}"
    made.write_bytes(content)
    at = time.time() - 3600 * age_h
    os.utime(made, (at, at))
    made.replace(folder / name)


@pytest.fixture
def folder(tmp_path):
    """Give the folder that lists are dropped into."""
    made = tmp_path / "drops"
    made.mkdir()
    return made


@pytest.fixture
async def grants(folder, tmp_path):
    """Give what connects the list; every registry is closed afterwards."""
    opened = []

    def connect(*changes, url=None, environment=()):
        text = MANIFEST
        for before, after in changes:
            assert before in text
            text = text.replace(before, after, 1)
        opened.append(connected(tmp_path, text, {"GRANTS_URL": url or folder.as_uri(), **dict(environment)}))
        return opened[-1]

    yield connect
    for registry in opened:
        await registry.close()


def _nameless():
    """Return the open files of this process that SQLite made for what does not fit into memory."""
    held = [one for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    places = {one: str(one.readlink()) for one in held}
    return [one for one in held if "etilqs" in places[one] and places[one].endswith("(deleted)")]


def adapter_of(registry):
    """Return the adapter of a registry, for what only its operators ask."""
    return registry.guarded.__dict__["_adapter"]


async def _until(holds):
    """Return when something holds that happens in the background."""
    while not holds():  # noqa: ASYNC110 - it tells nobody of itself
        await asyncio.sleep(0.01)


async def _for_a_while():
    """Let the loop and its threads go on, as long as several looks would take."""
    for _ in range(20):
        await asyncio.to_thread(lambda: None)


async def surname(registry, number="UIN 100"):
    """Return the surname that stands behind a number."""
    record = (await asked(registry, "grants", [number], ["surname"]))[number]
    return record and record.values.get("surname")


async def test_the_rows_that_an_answer_rests_on_are_noted_for_evidence(folder, grants):
    """As JSON that whoever holds the list can write again; nobody's rows are an answer too."""
    drop(folder, csv_of())
    registry, said = grants(), []
    for number in ("UIN 100", "UIN 100", "UIN 999"):
        heard = listen()
        await asked(registry, "grants", [number], ["surname"])
        said.append([one.digest for one in heard])

    assert said[0] == said[1]
    assert said[2] == [hashlib.sha256(b"[]").digest()]
    assert len(said[0]) == 1
    assert said[0] != said[2]


class TestFormats:
    async def test_a_row_becomes_a_record(self, folder, grants):
        """Several rows count together; whoever is not in the list is nobody; the age of the drop is told."""
        drop(folder, csv_of())
        registry = grants()
        answer = await asked(
            registry, "grants", ["UIN 100", "LIST_NO L2", "UIN 999"], ["surname", "annual_income_minor"]
        )

        assert answer["UIN 100"].values == {"surname": "Moyo", "annual_income_minor": 1500}
        assert answer["UIN 100"].identifiers == {"UIN": "100", "LIST_NO": "L1"}
        assert answer["LIST_NO L2"].values == {"surname": "Okafor; Ada", "annual_income_minor": 700}
        assert answer["UIN 999"] is None
        assert answer["UIN 100"].as_of.endswith("+00:00")
        assert adapter_of(registry).state() == (5, answer["UIN 100"].as_of, pytest.approx(1, abs=0.1), None, None)

    @pytest.mark.parametrize(
        ("content", "options"),
        [
            (csv_of(delimiter=";"), 'delimiter: ";"'),
            (csv_of(delimiter="\t"), 'delimiter: "\\t"'),
            (b"\xef\xbb\xbf" + csv_of(), "encoding: utf-8"),
            (csv_of(encoding="utf-16"), "encoding: utf-16"),
            (csv_of(encoding="cp1251"), "encoding: cp1251"),
            (b"List of grants\r\n\r\n" + csv_of(), "header_row: 3"),
            (csv_of() + b'"#rows","5"\r\n', 'trailer: "#rows"'),
            (csv_of() + b"#rows: 5\n", 'trailer: "#rows"'),
            (csv_of() + b",,,,,\r\n,,,,,\r\n", "format: csv"),
            (csv_of() + b",,,,,\r\n#rows,5,,,,\r\n,,,,,\r\n", 'trailer: "#rows"'),
            (lines_of(), "format: jsonl"),
            (workbook_of(), "format: xlsx"),
            (workbook_of(above=2), "format: xlsx, header_row: 3"),
            (workbook_of(sheet="Paid"), "format: xlsx, sheet: Paid"),
            (workbook_of(numbers=True), "format: xlsx"),
        ],
    )
    async def test_the_same_list_in_any_form(self, folder, grants, content, options):
        """Delimiters, encodings, byte order marks, rows above the header, workbooks, JSON lines."""
        drop(folder, content)
        registry = grants(("  settle_s: 0\n", "".join(f"  {one}\n" for one in ["settle_s: 0", *options.split(", ")])))

        assert await surname(registry) == "Moyo"
        assert await surname(registry, "LIST_NO L3") == "Мойо"
        assert await surname(registry, "UIN 5") is None

    @pytest.mark.parametrize(
        ("content", "options", "why"),
        [
            (b"", "format: csv", "no header row"),
            (csv_of()[:-1].rstrip(), "format: csv", "last line does not end"),
            (csv_of()[:-9], "format: csv", "cells, and the header has 6"),
            (csv_of().replace(b'"none"', b'"none","more"'), "format: csv", "row 2: 7 cells, and the header has 6"),
            (csv_of(columns=("uin2", *COLUMNS[1:])), "format: csv", "no column uin"),
            (csv_of(columns=(*COLUMNS[:5], "uin")), "format: csv", "more than one column uin"),
            (csv_of(encoding="cp1251"), "format: csv", "not written in utf-8"),
            (csv_of(()), "format: csv", "0 rows, and at least 1"),
            (csv_of(), "least_rows: 6", "5 rows, and at least 6"),
            (csv_of(), "max_rows: 4", "more than 4 rows"),
            (csv_of(), "max_bytes: 100", "larger than 100 bytes"),
            (csv_of(), 'trailer: "#rows"', "it was cut"),
            (csv_of() + b"#rows,4\n", 'trailer: "#rows"', "it was cut"),
            (csv_of() + b"#rows,5\n" + csv_of()[50:], 'trailer: "#rows"', r"after the last line|not CSV"),
            (csv_of().replace(b'"none"', b'"none'), "format: csv", "a quote that is not closed|cells, and the header"),
            (csv_of().replace(b"Moyo", b"Mo\x00yo"), "format: csv", "a line holds a zero byte"),
            (csv_of(encoding="utf-16"), "encoding: latin-1", "a line holds a zero byte"),
            (csv_of() + b'"PV9","' + b"x" * 200_000 + b'","","","",""\n', "format: csv", "a cell that is too long"),
            (csv_of() + b'"PV9\n' + b'","\n' * 600_000, "format: csv", "or a row more than"),
            (b"uin;no;Family name;born;paid\nPV1;L1;Moyo;;\n", "format: csv", "no column"),
            (csv_of() + csv_of(delimiter=";")[50:], "format: csv", "cells, and the header has 6|not CSV"),
            (csv_of().replace(b'"L1"', b'"' + b"9" * 200 + b'"'), "format: csv", "LIST_NO: not a number"),
            (b"x" * 1_100_000 + b"\n", "format: csv", "a line has more than"),
            (lines_of() + b"[1]\n", "format: jsonl", "row 6: not an object"),
            (lines_of() + b'{"uin": 1}\n', "format: jsonl", "row 6: lacks Family name"),
            (lines_of() + b"{\n", "format: jsonl", "row 6: not JSON"),
            (lines_of()[:-1], "format: jsonl", "last line does not end"),
            (
                lines_of().replace(b'"L4"', b"[" * 300 + b"]" * 300),
                "format: jsonl",
                "row 5: no: lists or objects within",
            ),
            (lines_of().replace(b'"L4"', b"[" * 90_000 + b"]" * 90_000), "format: jsonl", "row 5: not JSON"),
            (lines_of().replace(b'"L4"', b"12345678901234567890123"), "format: jsonl", "row 5: no: a number too long"),
            (b"PK nothing", "format: xlsx", "not a workbook"),
            (workbook_of(), "format: xlsx, sheet: Other", "not a workbook, or without that sheet"),
            (workbook_of(), "format: xlsx, max_bytes: 6000", "unpacks to more"),
            (
                workbook_of([(1234567890123456, *row[1:]) for row in GRANTS]),
                "format: xlsx",
                "row 2: uin: the workbook has",
            ),
        ],
    )
    async def test_a_list_that_is_not_whole_is_refused(self, folder, grants, content, options, why):
        """Its operators are told where; nobody is told what stands there."""
        drop(folder, content)
        registry = grants(("  settle_s: 0\n", "".join(f"  {one}\n" for one in ["settle_s: 0", *options.split(", ")])))
        with pytest.raises(SourceContractError, match=why) as caught:
            await surname(registry)

        assert not any(word in str(caught.value) for word in ("Moyo", "PV100", "999", "1234567890123456"))

    async def test_a_number_that_is_written_otherwise_is_found(self, folder, grants):
        """By the forms that the manifest names, several of them, and as Hearth would write it."""
        spelled = {"PV100": "100-200", "PV200": "300 400", "PV400": "56"}
        drop(folder, csv_of([(spelled.get(row[0], row[0]), *row[1:]) for row in GRANTS]))
        registry = grants(
            ("grants: {rows_per_subject: 2}", 'grants: {rows_per_subject: 2, written: {UIN: ["###-###", "### ###"]}}'),
            (', prefix: "PV"', ""),
        )
        names = [await surname(registry, f"UIN {number}") for number in ("100200", "300400", "56", "5-6", "100-200")]
        assert names == ["Moyo", "Okafor; Ada", "Mayo", None, None]

    async def test_a_number_that_is_written_in_no_known_way_refuses_the_list(self, folder, grants):
        """Whoever it is of would seem not to stand in it."""
        drop(folder, csv_of([("100.200", *GRANTS[0][1:]), *GRANTS[1:]]))
        registry = grants(
            ("grants: {rows_per_subject: 2}", 'grants: {rows_per_subject: 2, written: {UIN: ["###-###"]}}'),
            (', prefix: "PV"', ""),
        )
        with pytest.raises(SourceContractError, match="uin: a number is written in none of the ways") as caught:
            await surname(registry, "UIN 100200")

        assert "100.200" not in str(caught.value)

    @pytest.mark.parametrize("blank", ["", "  ", "XX7"])
    async def test_a_row_that_nobody_can_be_named_for_refuses_the_list(self, folder, grants, blank):
        """Whoever it is of would seem not to stand in it; the last good list serves, and operators are told what to do."""
        nameless = csv_of([*GRANTS[:3], (blank, "", *GRANTS[3][2:])])
        drop(folder, nameless, age_h=3)
        registry = grants()
        with pytest.raises(SourceContractError, match="1 rows state no number"):
            await surname(registry, "UIN 999")
        drop(folder, csv_of(), "grants-2.csv", age_h=2)
        await adapter_of(registry).look()
        drop(folder, nameless, "grants-3.csv", age_h=1)
        with structlog.testing.capture_logs() as logged:
            state = await adapter_of(registry).look()

        assert state.rows == 5
        assert state.trouble == (
            "1 rows state no number for `grants`, and 0 may: whoever they are of would seem not to be held; complete them, "
            "or raise `files.lookups.grants.rows_without_number`"
        )
        assert [one["reason"] for one in logged] == [state.trouble]
        assert await surname(registry, "UIN 400") == "Mayo"

    @pytest.mark.parametrize("most", [0, 1])
    async def test_rows_that_are_nobody_s_may_be_declared(self, folder, grants, most):
        """Such as a line of totals: so many are passed over, in every lookup that says so."""
        drop(folder, csv_of([*GRANTS, ("", "", "Total", "", "23", "")]))
        may = f"rows_without_number: {most}"
        registry = grants(
            ("{rows_per_subject: 2}, people", f"{{rows_per_subject: 2, {may}}}, people"),
            ("people: {rows_per_subject: 2}", "people: {rows_per_subject: 2, rows_without_number: 1}"),
        )
        if most:
            with structlog.testing.capture_logs() as logged:
                assert await surname(registry, "UIN 999") is None
            assert await surname(registry) == "Moyo"
            assert logged[0]["detail"].endswith(", 1 without a number for grants, 1 without a number for people")
        else:
            with pytest.raises(SourceContractError, match="rows_without_number"):
                await surname(registry)

    async def test_nobody_is_looked_for_in_a_list_with_rows_that_cannot_be_named(self, folder, grants):
        """Their names may be those of whoever is looked for, and would bring no candidate."""
        drop(folder, csv_of([("PV100", "", "Moyo", "03.02.1980", "1", "")]))
        with pytest.raises(SourceContractError, match="1 rows state no number for `people`"):
            await who(grants(), "people", {"surname": "Moyo", "birth_date": "1980-02-03"})

    async def test_a_row_about_several_people_is_found_by_the_number_of_each(self, folder, grants):
        """As a record of any other registry would be."""
        drop(folder, lines_of([(["PV100", "PV300"], *GRANTS[0][1:]), *GRANTS[1:2]]))
        registry = grants(("  settle_s: 0\n", "  settle_s: 0\n  format: jsonl\n"))

        assert [await surname(registry, f"UIN {number}") for number in (100, 300, 200, 999)] == [
            *("Moyo", "Moyo", "Okafor; Ada"),
            None,
        ]

    async def test_more_rows_of_one_than_promised_are_refused(self, folder, grants):
        """They may be a mistake, and are no answer."""
        drop(folder, csv_of((*GRANTS, GRANTS[0])))
        with pytest.raises(SourceContractError, match="more rows"):
            await surname(grants())


class TestDrops:
    async def test_a_newer_drop_replaces_the_older_one_whole(self, folder, grants):
        """From one question to the next, without a restart."""
        drop(folder, csv_of(), age_h=3)
        registry = grants()
        assert await surname(registry) == "Moyo"
        drop(folder, csv_of([("PV100", "L1", "Banda", "01.01.1980", "1", "")]), "grants-2.csv", age_h=2)
        await adapter_of(registry).look()

        assert await surname(registry) == "Banda"
        assert await surname(registry, "UIN 400") is None

    async def test_a_bad_drop_never_replaces_the_good_one(self, folder, grants):
        """It is reported; once it is repaired it is taken."""
        drop(folder, csv_of(), age_h=3)
        registry = grants()
        assert await surname(registry) == "Moyo"
        drop(folder, csv_of()[:-20], "grants-2.csv", age_h=2)
        state = await adapter_of(registry).look()
        assert state.trouble is not None
        assert state.rows == 5
        assert await surname(registry) == "Moyo"
        drop(folder, csv_of([("PV100", "L1", "Banda", "01.01.1980", "1", "")]), "grants-2.csv", age_h=1)
        state = await adapter_of(registry).look()

        assert state.trouble is None
        assert await surname(registry) == "Banda"

    async def test_at_the_start_the_last_good_drop_serves(self, folder, grants):
        """A gateway that is started after a bad night asks the list of the night before."""
        drop(folder, csv_of(), age_h=30)
        drop(folder, b"nothing", "grants-2.csv", age_h=6)
        registry = grants()

        assert await surname(registry) == "Moyo"
        assert adapter_of(registry).state().trouble == "the header has no column Family name"

    async def test_a_list_is_read_before_anybody_asks(self, folder, grants):
        """And each newer one when it is dropped; while the registry is switched off, nothing is looked at."""
        drop(folder, csv_of(), age_h=3)
        registry = grants()
        assert registry.list_state().rows is None
        registry.guarded.is_suspended = True
        registry.begin()
        registry.begin()
        await _for_a_while()
        assert registry.list_state().rows is None
        registry.guarded.is_suspended = False
        await _until(lambda: registry.list_state().rows == 5)
        drop(folder, csv_of(GRANTS[:2]), "grants-2.csv", age_h=2)
        await _until(lambda: registry.list_state().rows == 2)
        await registry.close()
        assert not [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]

    async def test_a_refusal_is_forgotten_with_the_next_good_drop(self, folder, grants):
        """The drop that was refused may lie there for long; its operators look at what is newer than the list."""
        drop(folder, csv_of(), age_h=5)
        drop(folder, b"nothing", "grants-2.csv", age_h=4)
        registry = grants()
        state = await adapter_of(registry).look()
        assert (state.rows, state.trouble) == (5, "the header has no column Family name")
        assert state.refused_as_of > state.as_of
        drop(folder, csv_of(GRANTS[:2]), "grants-3.csv", age_h=3)
        state = await adapter_of(registry).look()

        assert state[0] == 2
        assert (state.trouble, state.refused_as_of) == (None, None)

    async def test_a_list_of_a_day_to_come_is_not_taken(self, folder, grants):
        """Its name is a mistake, and would hold off every other one until then; however many there are."""
        years = [time.gmtime().tm_year + more for more in range(1, 8)]
        today = time.strftime("%Y-%m-%d", time.gmtime())
        for year in years:
            drop(folder, csv_of([("PV100", "L1", "Banda", "", "1", "")]), f"grants-{year}-12-31.csv", age_h=0)
        drop(folder, csv_of(), f"grants-{today}.csv")
        registry = grants(("settle_s: 0", "settle_s: 0\n  dated_name: true"))

        assert await surname(registry) == "Moyo"
        assert "has not come" in registry.list_state().trouble
        assert registry.list_state().refused_as_of == f"{years[-1]}-12-31"
        for year in years:
            (folder / f"grants-{year}-12-31.csv").unlink()
        assert (await adapter_of(registry).look()).trouble is None

    async def test_a_folder_of_very_many_files_is_not_one_of_lists(self, folder, grants):
        """Whatever they are; the list that is there already serves."""
        drop(folder, csv_of())
        registry = grants()
        assert await surname(registry) == "Moyo"
        for at in range(MOST_ENTRIES + 1):
            (folder / f"other-{at}").symlink_to("nowhere")
        state = await adapter_of(registry).look()

        assert state.trouble == f"more than {MOST_ENTRIES} files in the folder"
        assert await surname(registry) == "Moyo"

    async def test_an_outage_is_logged_once(self, folder, grants, caplog):
        """When it begins, and when it ends; a list that is refused is logged once too, without its name."""
        drop(folder, csv_of())
        drop(folder, b"nothing", "grants-Moyo\nMoyo.csv", age_h=0.5)
        registry = grants()
        with structlog.testing.capture_logs() as logged:
            for there in (True, False, False, True):
                away = folder.with_name("away")
                if folder.exists() is not there:
                    (folder if folder.exists() else away).rename(away if folder.exists() else folder)
                await adapter_of(registry).look()

        assert [one["event"] for one in logged] == [
            "list_refused",
            "list_replaced",
            "list_out_of_reach",
            "list_in_reach",
        ]
        assert "Moyo" not in str(logged)

    async def test_a_list_that_is_overwritten_or_removed_still_serves(self, folder, grants):
        """What is asked is a sealed copy, so that half a new file is never read."""
        drop(folder, csv_of())
        registry = grants(("look_s: 0.001", "look_s: 600"))
        assert await surname(registry) == "Moyo"
        (folder / "grants-1.csv").write_bytes(b"half of a n")
        assert await surname(registry) == "Moyo"
        (folder / "grants-1.csv").unlink()
        assert await surname(registry) == "Moyo"

    async def test_a_list_that_is_too_old_says_nothing(self, folder, grants):
        """The registry is unavailable then, and nobody is absent from it."""
        drop(folder, csv_of(), age_h=49)
        registry = grants()
        for number in ("UIN 100", "UIN 999"):
            with pytest.raises(SourceUnavailableError, match="too old"):
                await surname(registry, number)

    async def test_no_list_is_not_an_empty_list(self, folder, grants, tmp_path):
        """Neither where none lies, nor where the folder is gone; links are not followed."""
        (tmp_path / "elsewhere").write_bytes(csv_of())
        (folder / "grants-9.csv").symlink_to(tmp_path / "elsewhere")
        for url in (None, (tmp_path / "gone").as_uri()):
            with pytest.raises(SourceUnavailableError) as caught:
                await surname(grants(url=url))
            assert caught.value.reason is UnavailableReason.SOURCE_DOWN

    async def test_what_is_still_being_written_is_not_read(self, folder, grants):
        """Its size changes between two looks; the older drop serves meanwhile."""
        drop(folder, csv_of(), age_h=3)
        registry = grants(("settle_s: 0", "settle_s: 0.05"))
        assert await surname(registry) == "Moyo"
        with (folder / "grants-2.csv").open("wb") as writing:
            writing.write(csv_of()[:100])
            writing.flush()
            looking = asyncio.ensure_future(adapter_of(registry).look())
            await asyncio.sleep(0.01)
            writing.write(csv_of()[100:150])
            writing.flush()
            state = await looking

        assert state.trouble is None
        assert await surname(registry) == "Moyo"

    async def test_a_mark_says_that_a_list_is_whole(self, folder, grants):
        """An unmarked one is not looked at, however new it is."""
        drop(folder, csv_of(), age_h=3)
        drop(folder, b"", "grants-1.csv.done", age_h=3)
        drop(folder, b"half", "grants-2.csv", age_h=1)
        registry = grants(("settle_s: 0", "complete: marker"))

        assert await surname(registry) == "Moyo"
        assert adapter_of(registry).state().trouble is None

    async def test_a_day_in_the_name_dates_the_list(self, folder, grants):
        """It counts for which is the newest, for the age, and for what records hold as of."""
        today, before = (
            time.strftime("%Y-%m-%d", time.gmtime()),
            time.strftime("%Y%m%d", time.gmtime(time.time() - 86400)),
        )
        drop(folder, csv_of(), f"grants-{today}.csv", age_h=5)
        drop(folder, csv_of([("PV100", "L1", "Banda", "", "1", "")]), f"grants-{before}.csv", age_h=0)
        drop(folder, b"", "grants-undated.csv", age_h=0)
        registry = grants(("settle_s: 0", "settle_s: 0\n  dated_name: true"))
        record = (await asked(registry, "grants", ["UIN 100"], ["surname"]))["UIN 100"]

        assert (record.values["surname"], record.as_of) == ("Moyo", today)

    @pytest.mark.skipif(sys.platform != "linux", reason="what a process has open is read from /proc")
    async def test_nothing_is_kept_in_clear(self, folder, grants):
        """What does not fit into memory lies in a file without a name, and says nothing to whoever reads it."""
        name = "Canarybird " + "x" * 900
        drop(folder, csv_of([(f"PV{at}", f"N{at}", name, "03.02.1980", "1", "") for at in range(25_000)]))
        registry = grants()
        assert await surname(registry, "UIN 24999") == name
        nameless = _nameless()

        assert nameless
        assert sum(one.stat().st_size for one in nameless) > 1_000_000
        assert not any(word in one.read_bytes() for one in nameless for word in (b"Canarybird", b"PV24999"))

    async def test_the_loop_is_free_while_a_list_is_read(self, folder, grants):
        """Other questions are answered meanwhile; one about this list waits no longer than it may."""
        drop(folder, csv_of([(f"PV{at}", f"N{at}", "Moyo", "03.02.1980", "1", "") for at in range(30_000)]))
        registry = grants(("timeout_s: 20", "timeout_s: 0.02"))
        with pytest.raises(SourceUnavailableError) as caught:
            await surname(registry)
        assert caught.value.reason is UnavailableReason.SOURCE_TIMEOUT
        await adapter_of(registry).look()

        assert await surname(registry) == "Moyo"

    async def test_a_check_reads_the_list_before_it_asks(self, folder, grants):
        """However long that takes; and says how the list stands, and why a newer one is not used."""
        drop(folder, csv_of([(f"PV{at}", f"N{at}", "Moyo", "03.02.1980", "1", "") for at in range(30_000)]), age_h=3)
        drop(folder, b"nothing", "grants-2.csv", age_h=2)
        manifest = grants(("timeout_s: 20", "timeout_s: 0.05")).manifest
        found = {
            one.what: one for one in await asyncio.to_thread(check_manifest, manifest, {"GRANTS_URL": folder.as_uri()})
        }

        assert found["test call"].is_good
        assert not found["list"].is_good
        assert found["list"].text.startswith("30000 rows as of ")
        assert found["list"].text.endswith(" is refused: the header has no column Family name")

    async def test_closing_stops_what_is_being_read(self, folder, grants):
        """No thread is left behind."""
        drop(folder, csv_of([(f"PV{at}", f"N{at}", "Moyo", "03.02.1980", "1", "") for at in range(30_000)]))
        registry = grants(("timeout_s: 20", "timeout_s: 0.02"))
        with pytest.raises(SourceUnavailableError):
            await surname(registry)
        await registry.close()


class TestCandidates:
    async def test_all_blocks_bring_candidates(self, folder, grants):
        """By birth date and name in any script, and by year and sound; a trait that cannot be read is left out."""
        drop(folder, csv_of())
        registry = grants()
        answer = await who(registry, "people", {"surname": "MOYO", "birth_date": "1980-02-03"}, {"surname": "Okafor"})

        assert [dict(one.identifiers) for one in answer.found[0]] == [{"LIST_NO": "L1"}, {"LIST_NO": "L3"}]
        assert answer.found[0][1].traits == {"surname": "Мойо", "birth_date": "1980-07-14"}
        assert answer.found[1] == ()
        assert answer.cut == (False, True)

    async def test_a_row_of_which_no_trait_can_be_read_has_a_number_all_the_same(self, folder, grants):
        """It is found by that, and the list is none with rows that nobody can be named for."""
        drop(folder, csv_of([*GRANTS, ("PV500", "L5", "Dube", "not known", "1", "")]))
        registry = grants(
            ("surname: {path: '\"Family name\"'}\n        birth", "surname: {path: born, type: date}\n        birth")
        )

        assert await surname(registry, "LIST_NO L5") == "Dube"

    async def test_more_than_are_looked_at_are_cut(self, folder, grants):
        """And said to be, so that the right one may be missing."""
        drop(folder, csv_of([("", f"L{at}", "Moyo", "03.02.1980", "1", "") for at in range(5)]))
        answer = await who(grants(), "people", {"surname": "Moyo", "birth_date": "1980-02-03"})

        assert (len(answer.found[0]), answer.cut) == (2, (True,))


SFTP = (
    "  lookups: {grants: {",
    "  sftp: {user: env:GRANTS_USER, host_key: env:GRANTS_HOST_KEY, password: env:GRANTS_PASSWORD}\n  lookups: {grants: {",
)


class TestSftp:
    @pytest.mark.parametrize("proof", ["password", "key"])
    async def test_a_list_is_fetched(self, folder, grants, proof):
        """By password or by key, from the server with the pinned key."""
        drop(folder, csv_of())
        async with sftp_server(folder) as server:
            environment = {"GRANTS_USER": USER, "GRANTS_HOST_KEY": f"[127.0.0.1]:1 {server.host_key}"}
            environment["GRANTS_PASSWORD"] = PASSWORD if proof == "password" else server.key
            change = (SFTP[0], SFTP[1].replace("password: env", f"{proof}: env"))
            registry = grants(change, url=f"sftp://127.0.0.1:{server.port}/", environment=environment)

            assert await surname(registry) == "Moyo"
            drop(folder, csv_of([("PV100", "L1", "Banda", "01.01.1980", "1", "")]), "grants-2.csv", age_h=0.5)
            await adapter_of(registry).look()
            assert await surname(registry) == "Banda"
        await adapter_of(registry).look()
        assert "cannot be reached" in adapter_of(registry).state().trouble
        assert await surname(registry) == "Banda"

    async def test_a_workbook_is_fetched_too(self, folder, grants):
        """Through the same sealed file."""
        drop(
            folder, workbook_of([(f"PV{at}", f"N{at}", f"Moyo{at}", "", "", "") for at in range(9000)]), "grants-1.xlsx"
        )
        async with sftp_server(folder) as server:
            environment = {"GRANTS_USER": USER, "GRANTS_HOST_KEY": server.host_key, "GRANTS_PASSWORD": PASSWORD}
            registry = grants(
                *(SFTP, ("settle_s: 0", "settle_s: 0\n  format: xlsx")),
                url=f"sftp://127.0.0.1:{server.port}/",
                environment=environment,
            )
            assert await surname(registry, "UIN 8999") == "Moyo8999"

    async def test_names_that_are_no_text_hold_nobody_up(self, folder, grants, tmp_path):
        """Nor do links out of the folder, other folders, or names with a line end."""
        drop(folder, csv_of(), "grants-\n1.csv")
        (folder / os.fsdecode(b"grants-\xff.csv")).write_bytes(b"half of a n")
        os.utime(folder / os.fsdecode(b"grants-\xff.csv"), (1, 1))
        (folder / "grants-9").mkdir()
        (tmp_path / "elsewhere").write_bytes(csv_of([("PV100", "L1", "Banda", "", "1", "")]))
        (folder / "grants-8.csv").symlink_to(tmp_path / "elsewhere")
        async with sftp_server(folder) as server:
            environment = {"GRANTS_USER": USER, "GRANTS_HOST_KEY": server.host_key, "GRANTS_PASSWORD": PASSWORD}
            registry = grants(SFTP, url=f"sftp://127.0.0.1:{server.port}/", environment=environment)
            assert await surname(registry) == "Moyo"
            assert registry.list_state().trouble is None

    async def test_a_list_without_end_is_given_up(self, folder, grants):
        """No more is fetched than it was said to hold."""
        drop(folder, csv_of())

        class Endless(asyncssh.SFTPServer):
            """Says what a file holds, and then sends more and more of it."""

            def read(self, file_obj, offset, size):
                return b"x" * size

        async with sftp_server(folder, Endless) as server:
            environment = {"GRANTS_USER": USER, "GRANTS_HOST_KEY": server.host_key, "GRANTS_PASSWORD": PASSWORD}
            registry = grants(SFTP, url=f"sftp://127.0.0.1:{server.port}/", environment=environment)
            with pytest.raises(SourceUnavailableError, match="shorter or longer"):
                await surname(registry)

    @pytest.mark.parametrize("when", ["__init__", "scandir", "open", "read"])
    async def test_a_server_that_falls_silent_holds_nobody_up(self, folder, grants, monkeypatch, when):
        """Nor keeps the next look from happening, which finds it talking again."""
        drop(folder, csv_of())
        monkeypatch.setattr("adapters.generic.files.sftp._SILENT_S", 0.2)

        def fall_silent(self, *arguments, **more):
            line.is_silent = line.is_silent or falls
            return getattr(super(Falling, self), when)(*arguments, **more)

        class Falling(asyncssh.SFTPServer):
            """Does the same, and its line falls silent meanwhile."""

        setattr(Falling, when, fall_silent)
        async with sftp_server(folder, Falling) as server, line_to(server) as line:
            falls = True
            environment = {"GRANTS_USER": USER, "GRANTS_HOST_KEY": server.host_key, "GRANTS_PASSWORD": PASSWORD}
            patience = ("timeout_s: 20", "timeout_s: 1")
            registry = grants(SFTP, patience, url=f"sftp://127.0.0.1:{line.port}/", environment=environment)
            async with asyncio.timeout(15):
                state = await adapter_of(registry).look()
            assert state.trouble.startswith("the server cannot be reached")
            falls = line.is_silent = False
            assert (await adapter_of(registry).look()).trouble is None
            assert await surname(registry) == "Moyo"

    async def test_another_server_is_not_talked_to(self, folder, grants):
        """Whoever took its place learns neither password nor name."""
        drop(folder, csv_of())
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        async with sftp_server(folder) as server:
            environment = {"GRANTS_USER": USER, "GRANTS_HOST_KEY": other, "GRANTS_PASSWORD": PASSWORD}
            registry = grants(SFTP, url=f"sftp://127.0.0.1:{server.port}/", environment=environment)
            with pytest.raises(SourceRefusedError, match="pinned host key"):
                await surname(registry)

    async def test_a_wrong_password_is_a_refusal(self, folder, grants):
        """Trying again would not help."""
        async with sftp_server(folder) as server:
            environment = {"GRANTS_USER": USER, "GRANTS_HOST_KEY": server.host_key, "GRANTS_PASSWORD": "wrong"}
            registry = grants(SFTP, url=f"sftp://127.0.0.1:{server.port}/", environment=environment)
            with pytest.raises(SourceRefusedError, match="does not let us in"):
                await surname(registry)

    @pytest.mark.parametrize(
        ("environment", "url", "remedy"),
        [
            ({"GRANTS_HOST_KEY": "nonsense"}, "sftp://h/", "is no public key"),
            ({}, "sftp://somebody@h/", "without a user"),
            ({}, "file:///drops", "go together"),
        ],
    )
    def test_what_is_wrong_is_said_at_the_start(self, grants, environment, url, remedy):
        """With what to write instead."""
        key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        known = {"GRANTS_USER": USER, "GRANTS_HOST_KEY": key, "GRANTS_PASSWORD": "x", **environment}
        with pytest.raises(ConfigurationError, match=remedy):
            grants(SFTP, url=url, environment=known)

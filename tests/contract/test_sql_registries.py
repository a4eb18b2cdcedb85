"""Databases that nobody prepared for, connected by a manifest alone: SQLite always, PostgreSQL where one answers."""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from datetime import date
from functools import partial

import pytest
import sqlalchemy as sa
import structlog

from adapters.generic.sql.way import Bounded, Database, address
from adapters.kit.checking import check_manifest
from adapters.ports import Deadline
from adapters.reading_manifest import load_manifest
from adapters.said import listen
from standards.errors import (
    ConfigurationError,
    SourceContractError,
    SourceError,
    SourceRefusedError,
    SourceUnavailableError,
)
from standards.filters import Any_, Comparison, Every, Not
from standards.permit import Operator
from standards.states import UnavailableReason
from tests.contract.tables import TIME_S, asked, connected, found, who
from tests.databases import postgresql
from tests.silence import Line

pytestmark = pytest.mark.contract

MANIFEST = """
id: pensions
title: Pension fund of a neighbouring country
version: "1.0"
speaks: sql
reg_type: ns:hearth:RegistryType:Pensions
legal: {owner: Fund, basis: Act 7, contact: it@fund.example}
connection: {base_url: env:PENSIONS_URL}
limits: {timeout_s: 10, retries: 0, max_response_bytes: 20000, max_in_flight: 4}
authority: {formal_employment: 1, annual_income_minor: 2, sex: 5, birth_date: 5, surname: 5}
issues: [BOOK]
lookups:
  - {name: insured, by: [TIN, BOOK], identifiers: [TIN, BOOK],
     attributes: [formal_employment, annual_income_minor, sex, birth_date, surname]}
  - {name: paid, by: [TIN], identifiers: [TIN], attributes: [annual_income_minor]}
  - {name: last, by: [TIN], identifiers: [TIN], attributes: [annual_income_minor]}
  - name: people
    identifiers: [BOOK]
    by_traits:
      blocks: [[birth_date, surname], [birth_year, sex]]
      most: 3
      traits:
        surname: {path: '"Family name"'}
        birth_date: {path: born, type: date}
        sex: {path: sex, type: code, codes: {M: "1", F: "2"}}
searches:
  - {entity: person, yields: TIN, attributes: {annual_income_minor: wage, sex: sex, birth_date: born, surname: Family name,
     formal_employment: employed}}
sql:
  lookups:
    insured: {table: Insured Persons, types: {tin: integer, wage: decimal, employed: boolean, born: date},
      where: {cancelled: null, status: [A, B]}}
    people: {table: Insured Persons, types: {tin: integer, wage: decimal, employed: boolean, born: date},
      where: {cancelled: null, status: [A, B]}}
    paid: {table: payments, types: {tin: integer}, rows_per_subject: 3}
    last: {table: payments, types: {tin: integer}, newest: paid_on, rows_per_subject: 1}
records:
  insured:
    identifiers: {TIN: {path: tin}, BOOK: {path: book, prefix: "PB-"}}
    attributes:
      formal_employment: {path: employed, type: boolean, codes: {"1": "true", "0": "false"}}
      annual_income_minor: {path: wage, type: money, factor: 1200}
      sex: {path: sex, type: code, codes: {M: "1", F: "2"}}
      birth_date: {path: born, type: date}
      surname: {path: '"Family name"'}
    as_of: {path: changed}
  paid:
    identifiers: {TIN: {path: tin}}
    attributes: {annual_income_minor: {path: amount, type: money, factor: 100, combine: sum}}
    as_of: {path: paid_on}
    several: together
  last:
    identifiers: {TIN: {path: tin}}
    attributes: {annual_income_minor: {path: amount, type: money, factor: 100}}
    as_of: {path: paid_on}
  people:
    identifiers: {BOOK: {path: book, prefix: "PB-"}}
"""
INSURED = [
    (1001, "PB-77A", "true", "250.25", "M", "1980-02-03", "Moyo", None, "A", "2026-05-01"),
    (1002, "PB-78A", "false", None, "F", "1980-07-09", "MOYO", None, "B", "2026-05-02"),
    (1003, "PB-79A", "true", "90", "X", "1991-01-01", "Okafor", "2026-01-01", "A", "2026-05-03"),
    (1004, "PB-80A", None, "40", "F", "1980-11-30", "Dube", None, "C", "2026-05-03"),
    (1005, None, None, "55.5", "X", None, "", None, "A", None),
]
PAYMENTS = [(1001, 10, "2026-01-31"), (1001, 20, "2026-02-28"), (1001, 5, "2025-12-31")]
EVERY_PAYMENT = [(1002, amount, f"2026-01-{amount:02}") for amount in range(1, 6)]
COLUMNS = ["tin", "book", "employed", "wage", "sex", "born", "Family name", "cancelled", "status", "changed"]


def _fill(engine, *, texts):
    """Make the tables of the fund; `texts` where the database knows no dates."""
    day = sa.Text() if texts else sa.Date()
    metadata = sa.MetaData()
    types = dict.fromkeys(COLUMNS, sa.Text()) | {
        "tin": sa.BigInteger(),
        "wage": sa.Numeric(12, 2, asdecimal=False),
        "employed": sa.Boolean(),
        "born": day,
        "changed": day,
        "cancelled": day,
    }
    people = sa.Table("Insured Persons", metadata, *(sa.Column(name, types[name]) for name in COLUMNS))
    payments = sa.Table(
        *("payments", metadata, sa.Column("tin", sa.BigInteger()), sa.Column("amount", sa.Integer())),
        sa.Column("paid_on", day),
    )
    metadata.create_all(engine)

    def typed(row):
        return {
            name: None
            if value is None
            else value == "true"
            if name == "employed"
            else float(value)
            if name == "wage"
            else date.fromisoformat(value)
            if name in ("born", "changed", "cancelled") and not texts
            else value
            for name, value in zip(COLUMNS, row, strict=True)
        }

    with engine.begin() as connection:
        connection.execute(people.insert(), [typed(row) for row in INSURED])
        connection.execute(
            payments.insert(),
            [
                {"tin": tin, "amount": amount, "paid_on": at if texts else date.fromisoformat(at)}
                for tin, amount, at in [*PAYMENTS, *EVERY_PAYMENT]
            ],
        )


@contextmanager
def _sqlite(folder):
    file = folder / "fund.db"
    engine = sa.create_engine(f"sqlite:///{file}")
    _fill(engine, texts=True)
    engine.dispose()
    yield f"sqlite:///{file}"


@contextmanager
def _reader_of_postgresql():
    """Give the URL of a role that may only read; it is removed afterwards."""
    with postgresql() as url:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        _fill(engine, texts=False)
        role = f"hearth_reader_{secrets.token_hex(4)}"
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'only-reads'")
            connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        try:
            reader = engine.url.set(drivername="postgresql", username=role, password="only-reads")
            yield reader.render_as_string(hide_password=False), engine
        finally:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"DROP OWNED BY {role}")
                connection.exec_driver_sql(f"DROP ROLE {role}")
            engine.dispose()


@contextmanager
def _view(url, select):
    """Give the name of a view, made by the owner of the database for one test."""
    name = f"made_{secrets.token_hex(4)}"
    owner = url if url.startswith("sqlite") else OWNERS[url]
    engine = sa.create_engine(owner, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        execute = connection.connection.cursor().execute  # as it is written, with all its signs
        execute(f"CREATE VIEW {name} AS {select}")
        if engine.dialect.name != "sqlite":
            execute(f"GRANT SELECT ON {name} TO PUBLIC")
        try:
            yield name
        finally:
            execute(f"DROP VIEW {name}")
    engine.dispose()


OWNERS: dict[str, str] = {}
"""Address of a reader -> that of the owner of the same database."""


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def url(request, tmp_path_factory):
    """Give the address of the fund's database, as a ministry would write it."""
    if request.param == "sqlite":
        with _sqlite(tmp_path_factory.mktemp("fund")) as made:
            yield made
        return
    with _reader_of_postgresql() as (made, engine):
        OWNERS[made] = engine.url.render_as_string(hide_password=False)
        yield made


@pytest.fixture
async def fund(url, tmp_path):
    """Give the fund, connected by nothing but its manifest."""
    registry = connected(tmp_path, MANIFEST, {"PENSIONS_URL": url})
    yield registry
    await registry.close()


class TestLookups:
    async def test_a_row_becomes_a_record(self, fund):
        """Typed columns, a column with a space in its name, a prefix, a factor, a date."""
        names = ["formal_employment", "annual_income_minor", "sex", "birth_date", "surname"]
        answer = await asked(fund, "insured", ["TIN 1001"], names)

        record = answer["TIN 1001"]
        assert record.identifiers == {"TIN": "1001", "BOOK": "77A"}
        assert record.values == {
            "formal_employment": True,
            "annual_income_minor": 300300,
            "sex": "1",
            "birth_date": "1980-02-03",
            "surname": "Moyo",
        }
        assert record.as_of == "2026-05-01"

    async def test_many_are_asked_at_once_by_both_numbers(self, fund):
        """One select for each type of number; whoever has no row is not held."""
        answer = await asked(fund, "insured", ["BOOK 77A", "TIN 1002", "TIN 9999", "BOOK 0"], ["sex"])

        assert answer["BOOK 77A"].values == {"sex": "1"}
        assert answer["TIN 1002"].values == {"sex": "2"}
        assert answer["TIN 9999"] is None
        assert answer["BOOK 0"] is None

    async def test_rows_that_do_not_count_are_nobody(self, fund):
        """What the manifest fixes always holds: not cancelled, of certain states."""
        answer = await asked(fund, "insured", ["TIN 1003", "TIN 1004"], ["sex"])

        assert answer == {"TIN 1003": None, "TIN 1004": None}

    async def test_an_unknown_code_is_not_guessed(self, fund):
        """It makes its attribute unusable, and nothing else."""
        record = (await asked(fund, "insured", ["TIN 1005"], ["sex", "annual_income_minor"]))["TIN 1005"]

        assert record.unusable == {"sex": UnavailableReason.UNMAPPED_CODE}
        assert record.values == {"annual_income_minor": 66600}

    @pytest.mark.parametrize(
        "value", ["01001", "1001X", "1" * 30, "1001;DROP", "\x001001", "\ud800", "'", "-", "%", "*"]
    )
    async def test_a_number_that_a_column_cannot_hold_is_nobody_s(self, fund, value):
        """0042 is another number of a person than 42, and what is no number is in no column of numbers."""
        assert await asked(fund, "insured", [f"TIN {value}", f"BOOK {value}"], ["sex"]) == {
            f"TIN {value}": None,
            f"BOOK {value}": None,
        }

    async def test_several_rows_count_together(self, fund):
        """The sum of all, as of the latest of them."""
        record = (await asked(fund, "paid", ["TIN 1001"], ["annual_income_minor"]))["TIN 1001"]

        assert record.values == {"annual_income_minor": 3500}
        assert record.as_of == "2026-02-28"

    async def test_more_rows_than_promised_are_refused(self, fund):
        """They may be cut or a mistake; neither is an answer."""
        with pytest.raises(SourceContractError, match="more rows"):
            await asked(fund, "paid", ["TIN 1002"], ["annual_income_minor"])

    async def test_of_a_history_only_the_newest_rows_are_read(self, fund):
        """The database sorts, so that a long history costs nothing."""
        answer = await asked(fund, "last", ["TIN 1001", "TIN 1002"], ["annual_income_minor"])

        assert answer["TIN 1001"].values == {"annual_income_minor": 2000}
        assert answer["TIN 1002"].values == {"annual_income_minor": 500}

    async def test_a_number_that_is_written_otherwise_is_found(self, url, tmp_path):
        """By the forms that the manifest names; the column is compared as it is, so that its index serves."""
        text = MANIFEST.replace("insured: {table", 'insured: {written: {BOOK: ["PB-##?#", "PB-###"]}, table').replace(
            'BOOK: {path: book, prefix: "PB-"}}\n    attributes', "BOOK: {path: book}}\n    attributes"
        )
        registry = connected(tmp_path, text, {"PENSIONS_URL": url})
        numbers = ["BOOK 77A", "BOOK 7", "TIN 1002", "BOOK PB-77A"]
        answer = await asked(registry, "insured", numbers, ["sex"])
        await registry.close()

        assert {number: record and record.values["sex"] for number, record in answer.items()} == {
            "BOOK 77A": "1",
            "BOOK 7": None,
            "TIN 1002": "2",
            "BOOK PB-77A": None,
        }
        assert answer["TIN 1002"].identifiers == {"TIN": "1002", "BOOK": "78A"}

    @pytest.mark.parametrize("value", ["1e400", "-1e400", "1e308"])
    async def test_a_number_without_measure_is_no_value(self, url, tmp_path, value):
        """Neither infinity nor what overflows in the catalogue's unit becomes somebody's income."""
        literal = value if url.startswith("sqlite") else f"'{value.replace('1e400', 'Infinity')}'::float8"
        with _view(url, f"SELECT tin, {literal} AS amount, '2026-01-01' AS paid_on FROM \"Insured Persons\"") as view:
            text = MANIFEST.replace("paid: {table: payments", f"paid: {{table: {view}")
            registry = connected(tmp_path, text, {"PENSIONS_URL": url})
            try:
                record = (await asked(registry, "paid", ["TIN 1001"], ["annual_income_minor"]))["TIN 1001"]
            except SourceContractError as error:
                assert "annual_income_minor" in str(error)  # noqa: PT017 - either way is right
            else:
                assert "annual_income_minor" not in record.values
            await registry.close()

    async def test_names_are_never_read_as_sql(self, url, tmp_path):
        """Whatever a column is called, it is the name of a column."""
        odd = "x'; DROP TABLE payments; -- 100% :one %s ?"
        with _view(url, f'SELECT tin, 5 AS "{odd}", \'2026-01-01\' AS paid_on FROM "Insured Persons"') as view:
            text = MANIFEST.replace("paid: {table: payments", f"paid: {{table: {view}").replace(
                "  paid:\n    identifiers: {TIN: {path: tin}}\n    attributes: {annual_income_minor: {path: amount",
                "  paid:\n    identifiers: {TIN: {path: tin}}\n    attributes: {annual_income_minor: {path: '\""
                + odd.replace("'", "''")
                + "\"'",
            )
            registry = connected(tmp_path, text, {"PENSIONS_URL": url})
            record = (await asked(registry, "paid", ["TIN 1001"], ["annual_income_minor"]))["TIN 1001"]
            assert record.values == {"annual_income_minor": 500}
            assert (await asked(registry, "last", ["TIN 1001"], ["annual_income_minor"]))["TIN 1001"] is not None
            await registry.close()

    async def test_a_type_that_is_none_of_its_column_s_breaks_the_contract(self, url, tmp_path):
        """Or finds nobody, where the database compares anything with anything."""
        registry = connected(tmp_path, MANIFEST.replace("{tin: integer}", "{tin: uuid}", 1), {"PENSIONS_URL": url})
        with pytest.raises(SourceError) if not url.startswith("sqlite") else nullcontext():
            assert await asked(registry, "paid", [f"TIN {'0' * 32}"], ["annual_income_minor"]) == {
                f"TIN {'0' * 32}": None
            }
        await registry.close()

    async def test_more_bytes_than_allowed_are_refused(self, url, tmp_path):
        """A row of a megabyte spoils nothing but its own answer."""
        text = MANIFEST.replace("max_response_bytes: 20000", "max_response_bytes: 20")
        registry = connected(tmp_path, text, {"PENSIONS_URL": url})
        with pytest.raises(SourceContractError, match="larger"):
            await asked(registry, "insured", ["TIN 1001"], ["surname", "birth_date", "sex"])
        await registry.close()


class TestSearch:
    @pytest.mark.parametrize(
        ("filter", "expected"),
        [
            (Comparison("annual_income_minor", Operator.GE, 66600), ["1001", "1005"]),
            (Not(Comparison("annual_income_minor", Operator.GE, 66601)), ["1005"]),
            (Comparison("sex", Operator.EQ, "2"), ["1002"]),
            (Not(Comparison("sex", Operator.EQ, "2")), ["1001"]),
            (Comparison("sex", Operator.IN, ["1", "2"]), ["1001", "1002"]),
            (Comparison("birth_date", Operator.LT, "1980-07-09"), ["1001"]),
            (Comparison("birth_date", Operator.EQ, "1980-07-09"), ["1002"]),
            (Comparison("formal_employment", Operator.EQ, False), ["1002"]),
            (Not(Comparison("formal_employment", Operator.EQ, False)), ["1001"]),
            (Comparison("surname", Operator.EQ, "Moyo"), ["1001"]),
            (Not(Comparison("surname", Operator.EQ, "Moyo")), ["1002"]),
            (Comparison("surname", Operator.EQ, "'; DROP TABLE payments; --"), []),
            (Comparison("annual_income_minor", Operator.EQ, "many"), []),
            (
                Any_(
                    (
                        Comparison("sex", Operator.EQ, "2"),
                        Every(
                            (
                                Comparison("sex", Operator.EQ, "1"),
                                Comparison("birth_date", Operator.GT, "1970-01-01"),
                            )
                        ),
                    )
                ),
                ["1001", "1002"],
            ),
        ],
    )
    async def test_a_filter_is_pushed_down(self, fund, filter, expected):
        """What has no value, or one that is not known, matches neither a comparison nor its opposite."""
        assert await found(fund, filter) == (expected, len(expected))

    async def test_pages_neither_repeat_nor_skip(self, fund):
        """Sorted as asked, ties by number; the total counts all pages."""
        everybody = Not(Comparison("annual_income_minor", Operator.EQ, 1))
        pages = [
            await found(fund, everybody, sort=(("annual_income_minor", True),), page_size=1, page_number=page)
            for page in (1, 2, 3)
        ]

        assert pages == [(["1001"], 2), (["1005"], 2), ([], 2)]

    async def test_what_is_not_offered_is_refused(self, fund):
        """Order among texts depends on the database, so nobody is found by it."""
        for wrong in (Comparison("surname", Operator.LT, "N"), Comparison("roof", Operator.EQ, "tin"), Every(())):
            with pytest.raises(SourceContractError):
                await found(fund, wrong)


class TestEvidence:
    async def test_the_rows_that_an_answer_rests_on_are_noted(self, fund):
        """Whoever asks the same of the same rows has the same digest; nobody's rows are an answer too."""
        said = []
        for number in ("TIN 1001", "TIN 1001", "TIN 1002", "TIN 9999"):
            heard = listen()
            await asked(fund, "insured", [number], ["sex"])
            said.append(tuple(heard))
        heard = listen()
        await who(fund, "people", {"surname": "moyo", "birth_date": "1980-02-03", "sex": "2"})
        said.append(tuple(heard))

        assert [len(one) for one in said] == [1] * 5
        assert said[0] == said[1]
        assert len(set(said)) == 4


class TestCandidates:
    async def test_all_blocks_bring_candidates(self, fund):
        """By full birth date and name in any case, and by year and sex; each person once."""
        known = {"surname": "moyo", "birth_date": "1980-02-03", "sex": "2"}
        answer = await who(fund, "people", known)

        assert [dict(one.identifiers) for one in answer.found[0]] == [{"BOOK": "77A"}, {"BOOK": "78A"}]
        assert answer.found[0][0].traits == {"surname": "Moyo", "birth_date": "1980-02-03", "sex": "1"}
        assert answer.cut == (False,)

    async def test_whoever_cannot_be_looked_for_may_be_missing(self, fund):
        """Nothing was asked, so that nothing found means nothing."""
        answer = await who(fund, "people", {"surname": "Moyo"}, {"surname": "x", "birth_date": "1980-02-03"})

        assert answer == ((((), ())), (True, False))

    async def test_whoever_may_stand_in_a_row_without_a_number_may_be_missing(self, url, tmp_path):
        """The row can bring no candidate, and is somebody's all the same; of others nothing is left open by it."""
        nameless = "CASE WHEN tin = 1002 THEN NULL ELSE book END AS book"
        rest = 'tin, sex, born, employed, wage, "Family name", cancelled, status, changed'
        with _view(url, f'SELECT {nameless}, {rest} FROM "Insured Persons"') as view:
            text = MANIFEST.replace("people: {table: Insured Persons", f"people: {{table: {view}")
            registry = connected(tmp_path, text, {"PENSIONS_URL": url})
            theirs, other = (
                {"surname": "Moyo", "birth_date": "1980-07-09"},
                {"surname": "x", "birth_date": "1980-02-03"},
            )
            answer = await who(registry, "people", theirs, other)
            await registry.close()

        assert answer == (((), ()), (True, False))


class TestWhatGoesWrong:
    async def test_a_table_that_is_missing_is_a_broken_contract(self, url, tmp_path):
        """Its name is shown to nobody, a code is."""
        registry = connected(tmp_path, MANIFEST.replace("table: payments", "table: paymnts"), {"PENSIONS_URL": url})
        with pytest.raises(SourceContractError, match=r"42P01|SQLITE_ERROR"):
            await asked(registry, "paid", ["TIN 1001"], ["annual_income_minor"])
        await registry.close()

    async def test_an_error_holds_no_value_and_no_statement(self, url, tmp_path):
        """Nothing that the driver writes into its errors comes along."""
        registry = connected(tmp_path, MANIFEST.replace("path: changed", "path: chanjed"), {"PENSIONS_URL": url})
        with pytest.raises(SourceError) as caught:
            await asked(registry, "insured", ["BOOK 77A"], ["annual_income_minor"])
        await registry.close()

        assert not any(word in str(caught.value) for word in ("77A", "SELECT", "chanjed", "Insured"))

    async def test_a_database_that_is_away_is_down(self, tmp_path):
        """Both kinds; the guard tries again."""
        for url in (f"sqlite:///{tmp_path}/none.db", "postgresql://nobody@127.0.0.1:1/none"):
            registry = connected(tmp_path, MANIFEST, {"PENSIONS_URL": url})
            with pytest.raises(SourceUnavailableError) as caught:
                await asked(registry, "insured", ["TIN 1001"], ["sex"])
            assert caught.value.reason is UnavailableReason.SOURCE_DOWN
            await registry.close()

    async def test_a_file_that_is_no_database_breaks_the_contract(self, tmp_path):
        """Trying again would not help."""
        (tmp_path / "x.db").write_bytes(b"not a database at all, " * 100)
        registry = connected(tmp_path, MANIFEST, {"PENSIONS_URL": f"sqlite:///{tmp_path}/x.db"})
        with pytest.raises(SourceContractError, match="SQLITE_NOTADB"):
            await asked(registry, "insured", ["TIN 1001"], ["sex"])
        await registry.close()

    @pytest.mark.parametrize(
        ("address", "remedy"),
        [
            ("mysql://host/db", "the kinds are postgresql and sqlite"),
            ("nonsense", "not the URL of a database"),
            ("sqlite://", "name the file"),
            ("sqlite:///:memory:", "name the file"),
        ],
    )
    def test_an_address_that_is_none_says_what_to_write(self, tmp_path, address, remedy):
        """Without showing the address, which may hold a password."""
        with pytest.raises(ConfigurationError, match=remedy):
            connected(tmp_path, MANIFEST, {"PENSIONS_URL": address})

    @pytest.mark.parametrize(
        ("before", "after", "remedy"),
        [
            ('BOOK: {path: book, prefix: "PB-"}}\n    attributes', "TIN2: {path: tin}}\n    attributes", "BOOK"),
            ("{TIN: {path: tin}, BOOK", "{TIN: {path: 'max(tin)'}, BOOK", "name one column"),
            ("wage: decimal, ", "", "state the type of wage"),
            ("where: {cancelled: null", "where: {cancelled: 5", "state its type"),
            ("[birth_year, sex]", "[name_sound, sex]", "knows no sounds"),
            ("paid: {table", 'paid: {written: {TIN: ["#-#"]}, table', "for texts"),
            ("insured: {table", 'insured: {written: {BOOK: ["#-#"]}, table', "take `prefix` out"),
            ("insured: {table", 'insured: {written: {UIN: ["#-#"]}, table', "no column for it"),
            ("[birth_year, sex]", "[place, sex]", "place, which no trait states"),
        ],
    )
    def test_a_manifest_that_no_table_can_keep_says_what_to_change(self, tmp_path, before, after, remedy):
        """At start, not at the first question."""
        assert before in MANIFEST
        with pytest.raises(ConfigurationError, match=remedy):
            connected(tmp_path, MANIFEST.replace(before, after, 1), {"PENSIONS_URL": f"sqlite:///{tmp_path}/x.db"})


SLOW = """
WITH RECURSIVE n(tin) AS (SELECT 1 UNION ALL SELECT tin + 1 FROM n WHERE tin < 400000000)
SELECT count(*) AS tin, 1 AS amount, '2026-01-01' AS paid_on FROM n
"""


class TestSqlite:
    async def test_a_value_that_is_too_large_never_gets_into_memory(self, tmp_path):
        """SQLite itself refuses to make it, whatever a view says; other columns are read all the same."""
        with _sqlite(tmp_path) as url:
            huge = "SELECT tin, amount, hex(zeroblob(200000000)) AS paid_on FROM payments"
            with _view(url, huge) as view:
                text = MANIFEST.replace("paid: {table: payments", f"paid: {{table: {view}")
                registry = connected(tmp_path, text, {"PENSIONS_URL": url})
                with pytest.raises(SourceContractError, match="larger than the manifest allows"):
                    await asked(registry, "paid", ["TIN 1001"], ["annual_income_minor"])
                assert await asked(registry, "insured", ["TIN 1001"], ["sex"])
                await registry.close()

    async def test_a_database_that_somebody_else_writes_is_busy(self, tmp_path):
        """After a wait as long as a try may take; then it is tried again."""
        with _sqlite(tmp_path) as url:
            text = MANIFEST.replace("timeout_s: 10", "timeout_s: 0.3")
            registry = connected(tmp_path, text, {"PENSIONS_URL": url})
            writing = sqlite3.connect(tmp_path / "fund.db", isolation_level=None)
            writing.execute("BEGIN EXCLUSIVE")
            with pytest.raises(SourceUnavailableError):
                await asked(registry, "insured", ["TIN 1001"], ["sex"])
            writing.execute("ROLLBACK")
            writing.close()
            assert (await asked(registry, "insured", ["TIN 1001"], ["sex"]))["TIN 1001"].values == {"sex": "1"}
            await registry.close()

    async def test_the_file_is_opened_for_reading_only(self, tmp_path):
        """No statement could write, whatever it were; even a file that nobody may write is asked."""
        with _sqlite(tmp_path) as url:
            (tmp_path / "fund.db").chmod(0o400)
            before = (tmp_path / "fund.db").read_bytes()
            registry = connected(tmp_path, MANIFEST, {"PENSIONS_URL": url})
            assert (await asked(registry, "insured", ["TIN 1001"], ["sex"]))["TIN 1001"].values == {"sex": "1"}
            await registry.close()

            assert (tmp_path / "fund.db").read_bytes() == before

    async def test_a_file_that_is_replaced_is_read_anew(self, tmp_path):
        """A registry whose file is written anew every night needs no restart."""
        with _sqlite(tmp_path) as url:
            registry = connected(tmp_path, MANIFEST, {"PENSIONS_URL": url})
            assert (await asked(registry, "insured", ["TIN 1001"], ["sex"]))["TIN 1001"].values == {"sex": "1"}
            (tmp_path / "new.db").write_bytes((tmp_path / "fund.db").read_bytes())
            changing = sqlite3.connect(tmp_path / "new.db")
            changing.execute("UPDATE \"Insured Persons\" SET sex = 'F'")
            changing.commit()
            changing.close()
            (tmp_path / "new.db").replace(tmp_path / "fund.db")

            assert (await asked(registry, "insured", ["TIN 1001"], ["sex"]))["TIN 1001"].values == {"sex": "2"}
            await registry.close()

    async def test_a_statement_ends_with_its_question(self, tmp_path):
        """One that would take minutes ends at the deadline, and its thread is free again."""
        with _sqlite(tmp_path) as url:
            making = sqlite3.connect(tmp_path / "fund.db")
            making.execute(f"CREATE VIEW slow AS {SLOW}")
            making.commit()
            making.close()
            text = MANIFEST.replace("paid: {table: payments", "paid: {table: slow").replace(
                "timeout_s: 10", "timeout_s: 0.3"
            )
            registry = connected(tmp_path, text.replace("max_in_flight: 4", "max_in_flight: 1"), {"PENSIONS_URL": url})
            with pytest.raises(SourceUnavailableError) as caught:
                await asked(registry, "paid", ["TIN 1001"], ["annual_income_minor"])
            assert caught.value.reason is UnavailableReason.SOURCE_TIMEOUT
            await asked(registry, "insured", ["TIN 1001"], ["sex"])  # the one connection there is
            await registry.close()


def _written(folder, text):
    """Return where a manifest is written down."""
    path = folder / "manifest.yaml"
    path.write_text(text, encoding="utf-8")
    return path


async def _until(holds):
    """Return when something holds that only the database knows."""
    while not holds():  # noqa: ASYNC110 - it tells nobody of itself
        await asyncio.sleep(0.01)


class TestPostgresql:
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("interval '30 hours'", "1 day, 6:00:00"),
            ("inet '10.1.2.3'", "10.1.2.3"),
            ("bytea '\\x4d6f'", "4d6f"),
            ("'a'::\"char\"", "a"),
            ("int4range(1, 5)", "[1, 5)"),
            ("timestamptz '2026-01-01 00:00:00+00'", "2026-01-01"),
            ("NULL", None),
            ("''", None),
        ],
    )
    async def test_a_value_of_any_type_is_text_or_nothing(self, tmp_path, column, value):
        """Whatever the driver makes of it; none ends in an answer that cannot be written."""
        with _reader_of_postgresql() as (url, engine):
            with engine.connect() as connection:
                connection.exec_driver_sql(
                    f"CREATE VIEW odd AS SELECT 1001::bigint tin, NULL book, true employed, 1 wage, 'M' sex, "
                    f"current_date born, {column} AS \"Family name\", NULL cancelled, 'A' status, current_date changed"
                )
                connection.exec_driver_sql(f"GRANT SELECT ON odd TO {sa.make_url(url).username}")
            text = MANIFEST.replace("insured: {table: Insured Persons", "insured: {table: odd")
            registry = connected(tmp_path, text, {"PENSIONS_URL": url})
            record = (await asked(registry, "insured", ["TIN 1001"], ["surname"]))["TIN 1001"]
            await registry.close()
        told = record.values.get("surname")
        assert told is None if value is None else str(told).startswith(value)

    async def test_a_database_that_was_started_anew_is_found_again(self, tmp_path):
        """Its connections were closed, and nobody was told: nobody who asks notices."""
        with _reader_of_postgresql() as (url, engine):
            registry = connected(tmp_path, MANIFEST, {"PENSIONS_URL": url})
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(asked(registry, "insured", ["TIN 1001"], ["sex"]))
            for _ in range(3):
                with engine.connect() as connection:
                    ended = connection.exec_driver_sql(
                        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                        "WHERE application_name = 'hearth' AND datname = current_database()"
                    ).all()
                assert ended
                assert (await asked(registry, "insured", ["TIN 1001"], ["sex"]))["TIN 1001"].values == {"sex": "1"}
            await registry.close()

    async def test_a_connection_that_is_lost_again_is_an_outage(self, tmp_path):
        """It is tried once more, and no more."""
        with _reader_of_postgresql() as (url, engine):
            with engine.connect() as connection:
                connection.exec_driver_sql(
                    "CREATE FUNCTION gone() RETURNS text LANGUAGE sql SECURITY DEFINER VOLATILE "
                    "AS 'SELECT pg_terminate_backend(pg_backend_pid())::text'"
                )
                connection.exec_driver_sql("CREATE VIEW going AS SELECT 1001 tin, 1 amount, gone() paid_on")
                connection.exec_driver_sql(f"GRANT SELECT ON going TO {sa.make_url(url).username}")
            text = MANIFEST.replace("paid: {table: payments", "paid: {table: going")
            registry = connected(tmp_path, text, {"PENSIONS_URL": url})
            with pytest.raises(SourceUnavailableError) as caught:
                await asked(registry, "paid", ["TIN 1001"], ["annual_income_minor"])
            assert caught.value.reason is UnavailableReason.SOURCE_DOWN
            assert await asked(registry, "insured", ["TIN 1001"], ["sex"])
            await registry.close()

    async def test_a_table_that_somebody_has_locked_is_late(self, tmp_path):
        """The wait for a lock counts like the statement; the connection is good again afterwards."""
        with _reader_of_postgresql() as (url, engine):
            text = MANIFEST.replace("timeout_s: 10", "timeout_s: 0.3")
            registry = connected(tmp_path, text, {"PENSIONS_URL": url})
            await asked(registry, "insured", ["TIN 1001"], ["sex"])
            with engine.connect().execution_options(isolation_level="READ COMMITTED") as locking, locking.begin():
                locking.exec_driver_sql("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE")
                with pytest.raises(SourceUnavailableError) as caught:
                    await asked(registry, "paid", ["TIN 1001"], ["annual_income_minor"])
                assert caught.value.reason is UnavailableReason.SOURCE_TIMEOUT
            assert await asked(registry, "paid", ["TIN 1001"], ["annual_income_minor"])
            await registry.close()

    async def test_many_questions_share_few_connections(self, tmp_path):
        """More than there are places wait for one, and the database never sees more connections than promised."""
        with _reader_of_postgresql() as (url, engine):
            registry = connected(
                tmp_path, MANIFEST.replace("max_in_flight: 4", "max_in_flight: 2"), {"PENSIONS_URL": url}
            )
            async with asyncio.TaskGroup() as group:
                asking = [group.create_task(asked(registry, "insured", ["TIN 1001"], ["sex"])) for _ in range(30)]
            with engine.connect() as connection:
                query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hearth'"
                held = connection.exec_driver_sql(f"{query} AND datname = current_database()").scalar_one()
            await registry.close()

            assert all(one.result()["TIN 1001"].values == {"sex": "1"} for one in asking)
            assert held == 2

    async def test_a_role_that_could_write_to_one_column_is_told(self, tmp_path):
        """In the log, once; and where the manifest says that it is known, the registry is asked all the same."""
        with _reader_of_postgresql() as (url, engine):
            with engine.connect() as connection:
                connection.exec_driver_sql(f"GRANT UPDATE (amount) ON payments TO {sa.make_url(url).username}")
            text = MANIFEST.replace("sql:\n  lookups", "sql:\n  role: may_write\n  lookups")
            registry = connected(tmp_path, text, {"PENSIONS_URL": url})
            with structlog.testing.capture_logs() as logged:
                for _ in range(3):
                    await asked(registry, "insured", ["TIN 1001"], ["sex"])
            await registry.close()
            findings = await asyncio.to_thread(check_manifest, registry.manifest, {"PENSIONS_URL": url})
            strict = await asyncio.to_thread(
                check_manifest, load_manifest(_written(tmp_path, MANIFEST)), {"PENSIONS_URL": url}
            )

        assert logged == [
            {"event": "role_may_write", "log_level": "warning", "source": "pensions", "detail": "payments"}
        ]
        assert ("role", None, "may write to payments, as the manifest says") in [one[:3] for one in findings]
        assert ("role", False, "may write to payments") in [one[:3] for one in strict]

    async def test_a_role_that_could_write_is_refused(self, tmp_path):
        """Its grants are its owner's mistake; what it may do is named."""
        with _reader_of_postgresql() as (url, engine):
            with engine.connect() as connection:
                role = sa.make_url(url).username
                connection.exec_driver_sql(f'GRANT UPDATE ON "Insured Persons" TO {role}')
            registry = connected(tmp_path, MANIFEST, {"PENSIONS_URL": url})
            with pytest.raises(SourceRefusedError, match="may write to Insured Persons"):
                await asked(registry, "insured", ["TIN 1001"], ["sex"])
            await registry.close()

            told = connected(
                tmp_path,
                MANIFEST.replace("sql:\n  lookups", "sql:\n  role: may_write\n  lookups"),
                {"PENSIONS_URL": url},
            )
            assert (await asked(told, "insured", ["TIN 1001"], ["sex"]))["TIN 1001"].values == {"sex": "1"}
            await told.close()

    async def test_a_password_may_be_a_reference_of_its_own(self, tmp_path):
        """So that the address can be told to anybody."""
        with _reader_of_postgresql() as (url, _):
            made = sa.make_url(url)
            bare = made.set(username=None, password=None).render_as_string()
            text = MANIFEST.replace(
                "base_url: env:PENSIONS_URL",
                "base_url: env:PENSIONS_URL, auth: {kind: basic, user: env:PENSIONS_USER, password: env:PENSIONS_PASSWORD}",
            )
            environment = {"PENSIONS_URL": bare, "PENSIONS_USER": made.username, "PENSIONS_PASSWORD": made.password}
            registry = connected(tmp_path, text, environment)
            assert (await asked(registry, "insured", ["TIN 1001"], ["sex"]))["TIN 1001"].values == {"sex": "1"}
            await registry.close()

    async def test_what_a_view_tries_to_write_is_refused(self, tmp_path):
        """The transaction is read only, whatever the role may do."""
        with _reader_of_postgresql() as (url, engine):
            with engine.connect() as connection:
                connection.exec_driver_sql("CREATE TABLE asked (tin bigint)")
                connection.exec_driver_sql(
                    "CREATE FUNCTION spy() RETURNS bigint LANGUAGE sql SECURITY DEFINER VOLATILE "
                    "AS 'INSERT INTO asked VALUES (1) RETURNING 1001::bigint'"
                )
                connection.exec_driver_sql("CREATE VIEW spied AS SELECT spy() tin, 1 amount, current_date paid_on")
                connection.exec_driver_sql(f"GRANT SELECT ON spied TO {sa.make_url(url).username}")
            registry = connected(
                tmp_path, MANIFEST.replace("paid: {table: payments", "paid: {table: spied"), {"PENSIONS_URL": url}
            )
            with pytest.raises(SourceRefusedError, match="25006"):
                await asked(registry, "paid", ["TIN 1001"], ["annual_income_minor"])
            await registry.close()

    async def test_a_statement_ends_on_the_server_when_nobody_waits_any_more(self, tmp_path):
        """Cancelled, it leaves nothing running behind."""
        with _reader_of_postgresql() as (url, engine):
            with engine.connect() as connection:
                connection.exec_driver_sql("CREATE VIEW slow AS SELECT 1001 tin, 1 amount, pg_sleep(600)::text paid_on")
                connection.exec_driver_sql(f"GRANT SELECT ON slow TO {sa.make_url(url).username}")
            text = MANIFEST.replace("paid: {table: payments", "paid: {table: slow").replace(
                "timeout_s: 10", "timeout_s: 300"
            )
            registry = connected(tmp_path, text, {"PENSIONS_URL": url})

            def running():
                query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hearth' AND state = 'active' "
                with engine.connect() as connection:
                    return connection.exec_driver_sql(f"{query} AND datname = current_database()").scalar_one()

            asking = asyncio.ensure_future(asked(registry, "paid", ["TIN 1001"], ["annual_income_minor"]))
            await _until(running)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await _until(lambda: not running())
            await registry.close()

    @pytest.mark.parametrize("is_known", [True, False], ids=["in a statement", "while connecting"])
    async def test_a_database_that_falls_silent_holds_nobody(self, is_known):
        """Whoever asks leaves at the deadline; connections are given up behind them, soon, and found again."""
        one = Bounded(sa.select(sa.literal(1).label("one")), 1)
        with postgresql() as url, Line(url) as line:
            way = Database("fund", address(line.url, None, None), places=2, most_bytes=1000, timeout_s=2)
            if is_known:
                assert await way.read([one], Deadline.after(TIME_S)) == [[{"one": 1}]]
            line.go_silent()
            loop = asyncio.get_running_loop()
            start = loop.time()
            for ask in (partial(way.read, [one]), partial(way.read, [one]), way.writable):
                with pytest.raises(SourceUnavailableError) as caught:
                    await ask(Deadline.after(0.2))
                assert caught.value.reason is UnavailableReason.SOURCE_TIMEOUT
            assert loop.time() - start < 1.5

            await way.close()
            assert loop.time() - start < 6.0
            assert asyncio.all_tasks() == {asyncio.current_task()}
            line.resume()
            assert await way.read([one], Deadline.after(TIME_S)) == [[{"one": 1}]]
            await way.close()

    async def test_a_wrong_password_is_a_refusal(self, tmp_path):
        """Where the server checks none, the role that is not there is down all the same."""
        with _reader_of_postgresql() as (url, _):
            stranger = sa.make_url(url).set(username="hearth_nobody").render_as_string(hide_password=False)
            registry = connected(tmp_path, MANIFEST, {"PENSIONS_URL": stranger})
            with pytest.raises(SourceError) as caught:
                await asked(registry, "insured", ["TIN 1001"], ["sex"])
            assert "hearth_nobody" not in str(caught.value)
            await registry.close()


async def test_a_forked_process_opens_connections_of_its_own(url, monkeypatch):
    """Two processes never speak through one connection, and neither closes the other's."""
    way = Database("fund", address(url, None, None), places=2, most_bytes=1000, timeout_s=5)
    one = Bounded(sa.select(sa.literal(1).label("one")), 1)
    assert await way.read([one], Deadline.after(TIME_S)) == [[{"one": 1}]]
    of_the_parent = way.__dict__["_engine"]
    here = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: here + 1)

    assert await way.read([one], Deadline.after(TIME_S)) == [[{"one": 1}]]
    assert of_the_parent is not way.__dict__["_engine"]
    assert of_the_parent.pool.checkedin() == 1  # untouched: it is the parent's to close
    await way.close()
    await of_the_parent.dispose()


@pytest.mark.parametrize(
    ("url", "driver"), [("postgresql://h/d", "psycopg"), ("sqlite:////d", "aiosqlite")], ids=["postgresql", "sqlite"]
)
def test_the_driver_is_there_before_the_first_question(url, driver):
    """Loading it takes as long as some questions have, and keeps everybody waiting."""
    told = (
        "import sys; from adapters.generic.sql.way import Database, address; "
        f"Database('fund', address({url!r}, None, None), places=1, most_bytes=1, timeout_s=1); "
        f"sys.exit({driver!r} not in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", told], check=False, timeout=60).returncode == 0

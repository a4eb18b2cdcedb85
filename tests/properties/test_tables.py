"""Tables and lists: no value ever changes a statement, filters mean what they say, and two drops are never mixed."""

from __future__ import annotations

import asyncio
import io
from contextlib import suppress

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from adapters.generic.files.options import FilesLookup, FilesOptions
from adapters.generic.files.place import Entry
from adapters.generic.files.way import Contents, Drops
from adapters.generic.mapping.layout import ValueField
from adapters.generic.sql.options import SqlLookup
from adapters.generic.sql.search import Offered
from adapters.generic.sql.selects import Table
from adapters.manifest import Search
from adapters.ports import Deadline, SearchFetch
from standards.filters import Any_, Comparison, Every, Not, holds
from standards.permit import Operator

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["' OR 1=1 --", '"; DROP TABLE t; --', "%", "_", "\\", ":a", "{0}", "$1", "\x00"]
)
NAMES = st.text(
    st.characters(blacklist_categories=["Cc", "Cs"], blacklist_characters='"`[]'), min_size=1, max_size=20
).filter(lambda name: name.strip() and not name.lower().startswith("sqlite_"))
DIALECTS = (postgresql.dialect(), sqlite.dialect())
FIELDS = {
    "sex": ValueField(path="sex", type="code", codes={"M": "1", "F": "2"}),
    "income": ValueField(path="income", type="money", factor=100),
    "married": ValueField(path="married", type="boolean", codes={"J": "true", "N": "false"}),
    "surname": ValueField(path="surname", nothing=("n/a",)),
    "born": ValueField(path="born", type="date"),
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "sex": st.sampled_from([None, "M", "F", "f", "X"]),
            "income": st.none() | st.integers(-3, 3),
            "married": st.sampled_from([None, "J", "N", "?"]),
            "surname": st.sampled_from([None, "", "  ", "n/a", "Moyo", "moyo", "Dube"]),
            "born": st.sampled_from([None, "1980-01-01", "1980-06-30", "1991-12-31"]),
        }
    ),
    max_size=6,
)
WANTED = {
    "sex": st.sampled_from(["1", "2", "3", 1]),
    "income": st.integers(-3, 3).map(lambda n: n * 100) | st.sampled_from([50, True, "x"]),
    "married": st.booleans() | st.just("true"),
    "surname": st.sampled_from(["Moyo", "Dube", "", 5]) | TEXTS,
    "born": st.sampled_from(["1980-01-01", "1980-06-30", "2000-01-01"]),
}
ORDER = [Operator.LT, Operator.LE, Operator.GT, Operator.GE]


@st.composite
def comparisons(draw):
    """One attribute against a value, or several."""
    name = draw(st.sampled_from(sorted(FIELDS)))
    operators = [Operator.EQ, Operator.IN, *(ORDER if name in ("income", "born") else [])]
    operator = draw(st.sampled_from(operators))
    value = draw(st.lists(WANTED[name], max_size=3) if operator is Operator.IN else WANTED[name])
    return Comparison(name, operator, value)


FILTERS = st.recursive(
    comparisons(),
    lambda part: (
        part.map(Not)
        | st.lists(part, max_size=3).map(tuple).flatmap(lambda parts: st.sampled_from([Every(parts), Any_(parts)]))
    ),
    max_leaves=6,
)


def written(statement):
    """Return a statement as each database gets it, without the values."""
    return [str(statement.compile(dialect=dialect)) for dialect in DIALECTS]


def searched(table):
    """Return what the rows of a table are searched by."""
    search = Search(entity="person", attributes=dict.fromkeys(FIELDS, "x"), yields="TIN")
    return Offered(search, table, FIELDS, "no")


def known(row):
    """Return what is known of the person in a row, as the gateway reads it."""

    def lookup(name):
        value = row[name]
        match name:
            case "sex":
                value = {"M": "1", "F": "2"}.get((value or "").upper())
            case "income":
                value = None if value is None else value * 100
            case "married":
                value = {"J": True, "N": False}.get(value)
            case "surname":
                value = None if value is None or value.strip() in ("", "n/a") else value.strip()
        return value is not None, value

    return lookup


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_no_number_changes_a_statement(numbers):
    """Whatever stands in a number goes into a parameter; the text is the one that harmless numbers have."""
    table = Table(SqlLookup(table="people"), ["no", "name"])
    asked, harmless = (table.by_numbers("no", of, ["no", "name"]) for of in ([[one] for one in numbers], [["1"]]))

    assert harmless is not None
    assert asked is None or written(asked.statement) == written(harmless.statement)


@given(TEXTS)
def test_no_value_of_a_filter_changes_a_statement(value):
    """The same of searches."""
    offered = searched(Table(SqlLookup(table="people"), ["no", *FIELDS]))
    asked, harmless = (
        offered.selects(SearchFetch("x", Comparison("surname", Operator.EQ, text)))[1].statement
        for text in (value, "Moyo")
    )

    assert written(asked) == written(harmless) or "\x00" in value


@given(NAMES, NAMES, NAMES, TEXTS)
def test_names_and_values_are_never_read_as_anything_else(name, key, other, value):
    """A table of whatever name finds exactly the rows that hold the number, and stays what it was."""
    if key.lower() == other.lower() or "\x00" in value:
        return
    table = Table(SqlLookup(table=name, rows_per_subject=5), [key, other])
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    made = sa.Table(name, sa.MetaData(), sa.Column(key, sa.Text), sa.Column(other, sa.Text))
    rows = [{key: value, other: "a"}, {key: value + "x", other: "b"}, {key: None, other: "c"}]
    with engine.begin() as connection:
        made.create(connection)
        connection.execute(made.insert(), rows)
        asked = table.by_numbers(key, [[value]], [other])
        found = connection.execute(asked.statement).scalars().all() if asked else []
        left = connection.execute(sa.select(sa.func.count()).select_from(made)).scalar_one()
    engine.dispose()

    assert found == ["a"]
    assert left == 3


@given(ROWS, FILTERS)
@example([{**dict.fromkeys(FIELDS), "surname": ""}], Comparison("surname", Operator.EQ, ""))
@example([{**dict.fromkeys(FIELDS), "surname": "  "}], Comparison("surname", Operator.EQ, "  "))
@example([{**dict.fromkeys(FIELDS), "surname": "n/a"}], Comparison("surname", Operator.IN, ["n/a", "Moyo"]))
@settings(max_examples=200)
def test_a_search_finds_exactly_those_for_whom_the_filter_holds(rows, filter):
    """What the database decides is what the gateway would have decided on the same rows."""
    lookup = SqlLookup(table="people", types={"income": "integer"})
    offered = searched(Table(lookup, ["no", *FIELDS]))
    made = sa.Table(
        *("people", sa.MetaData(), sa.Column("no", sa.Integer)),
        *(sa.Column(name, sa.Integer if name == "income" else sa.Text) for name in FIELDS),
    )
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    count, page = offered.selects(SearchFetch("x", filter, page_size=50))
    with engine.begin() as connection:
        made.create(connection)
        if rows:
            connection.execute(made.insert(), [{"no": at, **row} for at, row in enumerate(rows)])
        found = connection.execute(page.statement.limit(page.most)).scalars().all()
        total = connection.execute(count.statement).scalar_one()
    engine.dispose()

    assert found == [at for at, row in enumerate(rows) if holds(filter, known(row)) is True]
    assert total == len(found)


class Dropped:
    """A place where the same list is dropped again and again, each time with another number in all its rows."""

    def __init__(self):
        self.number = 0

    async def look(self):
        """Return the list that lies there now."""
        return [Entry("list.csv", len(self._content()), float(self.number))]

    async def bring(self, entry):
        """Return it."""
        return io.BytesIO(self._content())

    def _content(self):
        return ("key,number\n" + "".join(f"{key},{self.number:04}\n" for key in range(40))).encode()


@given(st.lists(st.sampled_from(["drop", "look", "ask"]), min_size=3, max_size=25))
@settings(max_examples=30)
def test_what_is_asked_at_once_is_read_of_one_drop(steps):
    """However often the list is replaced meanwhile; and a later question never gets an earlier drop."""

    async def run():
        place = Dropped()
        options = FilesOptions(
            lookups={"x": FilesLookup()}, pattern="*.csv", max_age_h=10**6, settle_s=0, look_s=0.0001
        )
        contents = Contents(("key", "number"), lambda row: [("key", row["key"])], dict)
        drops = Drops("x", place, options, contents, clock=lambda: 0.0)
        keys = [("key", str(key)) for key in range(40)]
        asking, looking = [], []
        for step in steps:
            if step == "drop":
                place.number += 1
            elif step == "look":
                looking.append(asyncio.ensure_future(drops.look()))
            else:
                asking.append(asyncio.ensure_future(drops.find(keys, 2, Deadline.after(30))))
            await asyncio.sleep(0)
        found = await asyncio.gather(*asking, return_exceptions=True)
        with suppress(Exception):
            await asyncio.gather(*looking)
        await drops.close()
        return found

    seen = []
    for answer in asyncio.run(run()):
        if isinstance(answer, Exception):
            continue  # a list that changed while it was read is not used
        numbers = {row["number"] for rows in answer.of_keys for _, row in rows}
        assert len(numbers) == 1
        assert all(len(rows) == 1 for rows in answer.of_keys)
        seen.append(numbers.pop())
    assert seen == sorted(seen)


@pytest.mark.parametrize("name", ['a"b', "a`b", "a[b", "a\nb", "", "x" * 64])
def test_a_name_that_could_end_its_quotes_is_no_name(name):
    """The manifest refuses it before any dialect has to quote it."""
    with pytest.raises(ValueError, match="pattern"):
        SqlLookup(table=name)

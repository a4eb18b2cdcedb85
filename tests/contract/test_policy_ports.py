"""What every agreement book and every consent ledger promises, wherever they are kept."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import orjson
import pytest
import sqlalchemy as sa

from policies.book import AgreementSet
from policies.folder import AgreementFolder
from policies.ledger import MemoryLedger, SqliteLedger
from policies.notices import Notice
from policies.ports import AgreementBook, ConsentStore, StandingKind
from policies.receipts import Capacity, Consent, Decision
from policies.signed import read_unverified
from standards.errors import ConfigurationError
from standards.identifiers import identifier
from tests.unit.policies.builders import CATALOGUE, agreement

pytestmark = pytest.mark.contract

KEY = b"a key of thirty-two bytes or so.."
NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "folder"])
def book(request, tmp_path) -> AgreementBook:
    """Each agreement book in turn, with two versions of one agreement."""
    versions = [agreement(), agreement(version="1.1", start="2026-07-01", end="2026-08-31")]
    if request.param == "memory":
        return AgreementSet(versions)
    for version in versions:
        # JSON is YAML too.
        (tmp_path / f"{version.version}.yaml").write_text(version.model_dump_json(by_alias=True))
    return AgreementFolder.load(tmp_path, CATALOGUE)


@pytest.mark.parametrize(
    ("day", "version"),
    [("2025-12-31", None), ("2026-06-30", "1.0"), ("2026-07-01", "1.1"), ("2026-09-01", None)],
)
def test_a_book_tells_what_holds_on_a_day(book, day, version):
    """The newest version that has started holds, until it ends; both ways of asking agree."""
    found = book.in_force("programme", date.fromisoformat(day))

    assert (found and found.version) == version
    assert book.for_purpose("programme", "eligibility", date.fromisoformat(day)) == found
    assert book.for_purpose("programme", "audit", date.fromisoformat(day)) is None


def test_a_book_tells_every_version_and_every_consumer(book):
    """Versions that have ended are among them."""
    assert [known.version for known in book.versions("programme")] == ["1.0", "1.1"]
    assert [known.sender_id for known in book.consumers()] == ["programme.pv"]


@pytest.fixture(params=["memory", "sqlite in memory", "sqlite file"])
def ledger(request, tmp_path):
    """Each ledger in turn, empty."""
    if request.param == "memory":
        yield MemoryLedger(KEY)
        return
    sql = SqliteLedger.open(tmp_path / "consent.db" if request.param == "sqlite file" else None, KEY)
    yield sql
    sql.close()


def decided(number, decision="granted", **changes):
    """A decision of the person with that number."""
    who = identifier("UIN", number)
    return Consent(who, "eligibility", Decision(decision), who, date(2026, 1, 5))._replace(**changes)


def line(number, decision="granted", sources=None, type_="UIN"):
    """A line of a consents file."""
    who = {"type": type_, "value": number}
    stated = {"subject": who, "purpose": "eligibility", "decision": decision, "sources": sources, "given_by": who}
    return orjson.dumps(stated | {"given_on": "2026-01-05", "until": "2027-12-31"})


async def kinds(ledger: ConsentStore, *people, purpose="eligibility", consumer_id="uct", at=NOW):
    """Where these people stand."""
    return [found.kind.value for found in await ledger.standings(people, purpose, consumer_id, at)]


async def test_who_has_decided_nothing_is_missing(ledger):
    """One standing for each person, even for one without any number."""
    assert await kinds(ledger) == []
    assert await kinds(ledger, {"UIN": "1234567890"}, {}) == ["missing", "missing"]


async def test_a_decision_counts_at_once_for_its_purpose(ledger):
    """Standings come in the order asked, whatever the spelling of the number."""
    receipt_id = await ledger.record(decided("1234567890"))
    await ledger.record(decided("1111111111", "refused"))

    people = ({"UIN": "1111111111"}, {"NID": "1234 567890", "TIN": "T00000001"}, {"UIN": "2222222222"})
    assert await kinds(ledger, *people) == ["refused", "granted", "missing"]
    assert await kinds(ledger, *people, purpose="audit") == ["missing"] * 3
    (standing,) = await ledger.standings([{"UIN": "1234567890"}], "eligibility", "uct", NOW)
    assert standing.receipt_id == receipt_id


async def test_the_newest_decision_wins(ledger):
    """Withdrawing and granting again on one day ends with the last word, though two of the three are alike."""
    for decision in ("granted", "refused", "granted"):
        await ledger.record(decided("1234567890", decision))
        assert await kinds(ledger, {"UIN": "1234567890"}) == [decision]


async def test_decisions_under_all_numbers_of_a_person_count(ledger):
    """A refusal given under the birth number stands against a grant given under the other."""
    await ledger.record(decided("1234567890"))
    await ledger.record(
        decided("1234567890", "refused", subject=identifier("BRN", "B2011-004812"), given_on=date(2026, 2, 1))
    )

    assert await kinds(ledger, {"UIN": "1234567890", "BRN": "B2011-004812"}) == ["refused"]


async def test_a_grant_ends_and_a_source_can_be_refused(ledger):
    """Expired is missing; a refused source leaves the rest."""
    await ledger.record(decided("1234567890", until=date(2026, 9, 29)))
    await ledger.record(decided("1111111111"))
    kept_back = await ledger.record(decided("1111111111", "refused", sources=frozenset({"health", "tax"})))

    expired, partial = await ledger.standings([{"UIN": "1234567890"}, {"UIN": "1111111111"}], "eligibility", "uct", NOW)

    assert expired.kind is StandingKind.MISSING
    assert (partial.kind, partial.refused_sources) == (StandingKind.GRANTED, {"health", "tax"})
    assert partial.keeping == (kept_back,)


async def test_a_decision_may_be_about_one_consumer(ledger):
    """Another consumer does not profit."""
    await ledger.record(decided("1234567890", consumer_id="uct"))

    assert await kinds(ledger, {"UIN": "1234567890"}) == ["granted"]
    assert await kinds(ledger, {"UIN": "1234567890"}, consumer_id="other") == ["missing"]


async def test_a_person_sees_everything_decided(ledger):
    """All purposes, oldest first."""
    first = await ledger.record(decided("1234567890"))
    second = await ledger.record(decided("1234567890", "refused", purpose="audit", sources=frozenset({"tax"})))
    await ledger.record(decided("1111111111"))

    receipts = await ledger.receipts({"UIN": "1234567890"})

    assert [(r.receipt_id, r.purpose, r.decision, r.sources) for r in receipts] == [
        (first, "eligibility", Decision.GRANTED, None),
        (second, "audit", Decision.REFUSED, frozenset({"tax"})),
    ]
    assert receipts[0].given_on == date(2026, 1, 5)


async def test_a_file_is_imported_once(ledger):
    """Importing it again changes nothing, not even what was decided in between."""
    lines = [line("1234567890"), b"", line("1111111111", "refused"), line("PT0000001", type_="MEMBER_ID")]
    assert await ledger.import_lines(lines) == 3
    await ledger.record(decided("1234567890", "refused"))

    assert await ledger.import_lines(lines) == 0
    assert await kinds(ledger, {"UIN": "1234567890"}, {"MEMBER_ID": "PT0000001"}) == ["refused", "granted"]


async def test_the_last_line_of_a_day_wins_in_a_file(ledger):
    """Also when it says the same as an earlier one."""
    assert await ledger.import_lines([line("1234567890", d) for d in ("granted", "refused", "granted")]) == 3

    assert await kinds(ledger, {"UIN": "1234567890"}) == ["granted"]


async def test_a_wrong_line_stops_the_whole_import(ledger):
    """Half a file is no state that anybody decided on."""
    with pytest.raises(ConfigurationError, match="line 2"):
        await ledger.import_lines([line("1234567890"), "{}"])

    assert await kinds(ledger, {"UIN": "1234567890"}) == ["missing"]


async def test_ten_thousand_people_are_kept_and_asked_at_once(ledger):
    """A country's worth in one import, a payroll in one question."""
    numbers = [f"{n:010}" for n in range(10_000)]
    assert await ledger.import_lines([line(n, "refused" if n.endswith("7") else "granted") for n in numbers]) == 10_000

    found = await kinds(ledger, *({"UIN": n} for n in numbers[:3_000]))
    assert found == ["refused" if n.endswith("7") else "granted" for n in numbers[:3_000]]


async def test_a_file_outlives_the_process_and_holds_nothing_in_clear(tmp_path):
    """Numbers of the subject and of who decided are not in the file, nor beside it."""
    path = tmp_path / "consent.db"
    ledger = SqliteLedger.open(path, KEY)
    await ledger.record(decided("1234567890", given_by=identifier("UIN", "9876543210")))
    everything = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    ledger.close()

    assert b"1234567890" not in everything
    assert b"9876543210" not in everything
    again = SqliteLedger.open(path, KEY)
    assert await kinds(again, {"UIN": "1234567890"}) == ["granted"]
    again.close()
    other_key = SqliteLedger.open(path, b"another key" * 3)
    assert await kinds(other_key, {"UIN": "1234567890"}) == ["missing"]
    other_key.close()


async def test_a_decision_that_cannot_be_kept_raises(tmp_path):
    """Nobody is told that a withdrawal counts when it does not."""
    path = tmp_path / "consent.db"
    ledger = SqliteLedger.open(path, KEY)
    ledger.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE consent_receipt")
    connection.close()

    with pytest.raises(Exception, match="no such table"):
        await ledger.record(decided("1234567890"))
    ledger.close()


async def test_every_decision_is_a_signed_record(ledger):
    """In the order of recording; found by its name, and by nobody else's number."""
    granted = await ledger.record(decided("1234567890"))
    withdrawn = await ledger.record(decided("1234567890", "withdrawn", withdraws=granted, given_on=date(2026, 3, 1)))

    signed = [read_unverified(one) for one in await ledger.signed({"UIN": "1234567890"})]
    assert [one["receipt_id"] for one in signed] == [granted, withdrawn]
    assert await ledger.signed({"UIN": "1111111111"}) == ()
    receipt, text = await ledger.find(granted)
    assert (receipt.receipt_id, read_unverified(text)) == (granted, signed[0])
    assert await ledger.find("cr-0") is None
    assert await kinds(ledger, {"UIN": "1234567890"}) == ["refused"]


async def test_everything_that_is_stated_is_kept(ledger):
    """Groups, capacity, relation, the day of majority, and of which type the guardian's number is."""
    child, mother = identifier("UIN", "1234567890"), identifier("BRN", "B1990-000001")
    given = decided(
        child.value,
        sources=frozenset({"tax"}),
        groups=frozenset({"income", "land"}),
        given_by=mother,
        capacity=Capacity.GUARDIAN,
        relation="PRN",
        majority_on=date(2032, 6, 1),
        consumer_id="uct",
        until=date(2027, 1, 1),
    )
    receipt_id = await ledger.record(given)
    (receipt,) = await ledger.receipts({"UIN": child.value})

    assert receipt == ledger.pseudonyms.receipt(given, "other salt")._replace(receipt_id=receipt_id)
    assert (receipt.groups, receipt.giver_type, receipt.majority_on) == ({"income", "land"}, "BRN", date(2032, 6, 1))


async def test_who_narrows_is_to_be_forgotten(ledger):
    """Refusals, withdrawals and objections; a grant takes nothing away. Each is told once to who goes on."""
    await ledger.record(decided("1111111111"))
    assert (await ledger.gone(0))[1] == ()
    for decision in ("refused", "withdrawn", "objected"):
        await ledger.record(decided("1234567890", decision))
    after, gone = await ledger.gone(0)

    assert gone == (identifier("UIN", "1234567890"),) * 3
    assert (await ledger.gone(after)) == (after, ())
    await ledger.import_lines([line("2222222222", "refused")])
    assert (await ledger.gone(after))[1] == (identifier("UIN", "2222222222"),)

    after = (await ledger.gone(0))[0]
    await ledger.leave_word([identifier("UIN", "3333333333")])
    await ledger.leave_word([])
    assert (await ledger.gone(after))[1] == (identifier("UIN", "3333333333"),)


async def test_objections_are_looked_for_only_where_there_are_any(ledger):
    """And stand beside what was consented to."""
    named = ledger.names({"UIN": "1234567890"})
    is_at_once = ledger.stamp() is not None
    assert ledger.has_objections("eligibility") is not is_at_once
    await ledger.record(decided("1234567890"))
    await ledger.record(decided("1234567890", "objected"))

    assert ledger.has_objections("eligibility")
    (objected,) = await ledger.standings_under([named], "eligibility", "uct", NOW, objections=True)
    (consented,) = await ledger.standings_under([named], "eligibility", "uct", NOW)
    assert (objected.kind, consented.kind) == (StandingKind.OBJECTED, StandingKind.GRANTED)


async def test_what_a_question_carries_counts_before_anything_else_of_its_day(ledger):
    """And is not kept."""
    carried = ledger.carried(decided("1234567890", given_on=date(2026, 5, 1)), "t-1")
    named = ledger.names({"UIN": "1234567890"})

    async def stands():
        return await ledger.standings_under([named], "eligibility", "uct", NOW, carried={carried.person: [carried]})

    assert [s.kind for s in await stands()] == [StandingKind.GRANTED]
    assert await kinds(ledger, {"UIN": "1234567890"}) == ["missing"]
    await ledger.record(decided("1234567890", "refused", given_on=date(2026, 5, 1)))
    assert [s.kind for s in await stands()] == [StandingKind.REFUSED]


def test_several_processes_make_one_ledger(tmp_path):
    """Whoever is first: nobody is refused because another one was making the same table."""
    for number in range(10):
        url = f"sqlite:///{tmp_path / f'consent-{number}.db'}"
        with ThreadPoolExecutor(8) as together:
            made = [
                together.submit(SqliteLedger, sa.create_engine(url, connect_args={"timeout": 30}), KEY)
                for _ in range(8)
            ]
        ledgers = [one.result() for one in made]
        assert [ledger.check() for ledger in ledgers] == [0] * 8
        for ledger in ledgers:
            ledger.close()


async def test_a_stamp_tells_that_somebody_decided(tmp_path):
    """Also in another process; reading changes nothing."""
    one, other = (SqliteLedger.open(tmp_path / "consent.db", KEY) for _ in range(2))
    before = one.stamp()
    await one.standings([{"UIN": "1234567890"}], "eligibility", "uct", NOW)
    assert one.stamp() == before
    await other.record(decided("1234567890", "refused"))

    assert one.stamp() != before
    assert await kinds(one, {"UIN": "1234567890"}) == ["refused"]
    assert (await one.gone(0))[1] == (identifier("UIN", "1234567890"),)
    one.close()
    other.close()


async def test_nothing_in_the_file_can_be_changed_or_removed(tmp_path):
    """Not by a slip of an operator; and what was changed around that is found."""
    path = tmp_path / "consent.db"
    ledger = SqliteLedger.open(path, KEY)
    await ledger.record(decided("1234567890", "refused"))
    connection = sqlite3.connect(path)
    for statement in ("UPDATE consent_receipt SET decision = 'granted'", "DELETE FROM consent_receipt"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    assert ledger.check() == 1
    connection.rollback()
    connection.execute("DROP TRIGGER consent_receipt_no_update")
    connection.execute("UPDATE consent_receipt SET decision = 'granted'")
    connection.commit()
    connection.close()

    with pytest.raises(ConfigurationError, match="than what was signed"):
        ledger.check()
    ledger.close()


async def test_a_file_of_another_version_is_refused(tmp_path):
    """Rather than read as if it had no refusals."""
    with sqlite3.connect(tmp_path / "consent.db") as connection:
        connection.execute("CREATE TABLE consent_receipt (sequence INTEGER PRIMARY KEY, receipt_id TEXT, person TEXT)")
    connection.close()

    with pytest.raises(ConfigurationError, match="cannot be used"):
        SqliteLedger.open(tmp_path / "consent.db", KEY)


async def test_notices_are_owed_until_they_are_delivered(tmp_path):
    """Durable, each once, and found by the person's pseudonym."""
    ledger = SqliteLedger.open(tmp_path / "consent.db", KEY)
    notice = Notice("p1", "flood", "uct", "eligibility", ("given_name",), NOW.isoformat(), "c-1")
    await ledger.notices.owe([notice, notice._replace(person="p2")])
    await ledger.notices.owe([notice])
    await ledger.notices.owe([])
    ledger.close()
    ledger = SqliteLedger.open(tmp_path / "consent.db", KEY)

    assert ledger.notices.due() == (notice, notice._replace(person="p2"))
    assert ledger.notices.due(["p1"]) == (notice,)
    assert [ledger.notices.delivered([notice.notice_id], NOW) for _ in range(2)] == [1, 0]
    assert ledger.notices.due(["p1"]) == ()
    ledger.close()


def test_a_ledger_s_file_is_its_owner_s_alone(tmp_path):
    """Whoever makes it: a gateway, the practice country or a command."""
    ledger = SqliteLedger.open(tmp_path / "consent.db", KEY)
    ledger.close()

    assert (tmp_path / "consent.db").stat().st_mode & 0o777 == 0o600


def test_what_one_event_loop_was_told_is_not_told_to_the_next(tmp_path):
    """Though the first has ended in the middle of its turn."""
    ledger, other = (SqliteLedger.open(tmp_path / "consent.db", KEY) for _ in range(2))

    async def stamp() -> object:
        return ledger.stamp()

    try:
        first = asyncio.run(stamp())
        asyncio.run(other.record(decided("1234567890")))
        assert asyncio.run(stamp()) != first
    finally:
        ledger.close()
        other.close()

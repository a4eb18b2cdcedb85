"""Search for auditors: exact, in pages, and itself on record, without a value in clear."""

from datetime import timedelta

import orjson
import pytest

from gateway.journal import SqlJournal, read, verify
from gateway.journal.search import Terms, search
from gateway.keys import open_keys
from standards.errors import JournalError
from standards.identifiers import identifier
from tests.builders import NOW, entry

ASKED, MEMBER = identifier("UIN", "1234567890"), identifier("UIN", "1111111111")


@pytest.fixture
def keys(tmp_path):
    """A gateway's keys."""
    return open_keys(tmp_path / "keys")


@pytest.fixture
async def filled(disk, keys):
    """Ten days, two consumers in turn, one subject, who has a member on every third day."""
    journal = SqlJournal(disk.url)
    journal.open()
    for day in range(10):
        await journal.record(
            [
                entry(
                    at=NOW + timedelta(days=day),
                    consumer="uct" if day % 2 else "cct",
                    purpose="eligibility" if day < 5 else "audit",
                    subject=keys.pseudonym_of(ASKED) if day != 4 else "",
                    members=(keys.pseudonym_of(MEMBER),) if day % 3 == 0 else (),
                    correlation=f"{day}",
                )
            ]
        )
    journal.close()
    return disk


@pytest.fixture
def find(filled, keys):
    """Search as an auditor does; what was found, by the day."""

    def found(before=None, most=50, **terms):
        page = search(filled.url, Terms(**terms), keys, by="auditor", now=NOW, before=before, most=most)
        return [int(said["correlation"]) for _, said in page.found if "correlation" in said], page.before

    return found


@pytest.mark.parametrize(
    ("terms", "days"),
    [
        ({}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"consumer": "uct"}, [9, 7, 5, 3, 1]),
        ({"consumer": "uc"}, []),
        ({"purpose": "audit"}, [9, 8, 7, 6, 5]),
        ({"consumer": "cct", "purpose": "eligibility"}, [4, 2, 0]),
        ({"since": NOW + timedelta(days=7)}, [9, 8, 7]),
        ({"until": NOW + timedelta(days=2)}, [1, 0]),
        ({"since": NOW + timedelta(days=3), "until": NOW + timedelta(days=5)}, [4, 3]),
        ({"subject": ASKED}, [9, 8, 7, 6, 5, 3, 2, 1, 0]),
        ({"subject": MEMBER}, [9, 6, 3, 0]),
        ({"subject": MEMBER, "consumer": "uct"}, [9, 3]),
        ({"subject": identifier("BRN", "1234567890")}, []),
        ({"subject": identifier("UIN", "0000000000")}, []),
    ],
)
def test_terms_narrow_the_search(find, terms, days):
    """All of them hold at once; people are found as the one asked about and as a member, newest first."""
    assert find(**terms) == (days, None)


def test_pages_cover_everything_once(find):
    """Searches that come in between, themselves entries, change nothing."""
    pages, before = [], None
    while True:
        days, before = find(before=before, most=2, consumer="uct")
        pages.append(days)
        if before is None:
            break

    assert pages == [[9, 7], [5, 3], [1]]


def test_a_search_is_on_record(filled, find, keys):
    """Who, for what, how much was found; the person as a pseudonym, and no value anywhere."""
    find(subject=ASKED, consumer="uct", since=NOW)
    ((_, said),) = read(filled.url, newest=1)

    assert said["event"] == "journal.searched"
    assert said["by"] == "auditor"
    assert said["subject"] == keys.pseudonym_of(ASKED)
    assert said["detail"] == {"consumer": "uct", "found": "5", "since": NOW.isoformat(), "subject_type": "UIN"}
    assert ASKED.value not in orjson.dumps(said).decode()
    assert verify(filled.url) == 11


def test_whoever_is_searched_for_can_find_that(filled, find, keys):
    """A search about a person is an entry about that person."""
    find(subject=MEMBER)
    page = search(filled.url, Terms(subject=MEMBER), keys, by="auditor", now=NOW, before=None, most=1)

    assert [said["event"] for _, said in page.found] == ["journal.searched"]


def test_a_term_that_the_journal_does_not_know_is_not_kept_in_clear(filled, find):
    """Somebody may have typed a name there."""
    find(consumer="Maria Santos")
    ((_, said),) = read(filled.url, newest=1)

    assert "Maria" not in orjson.dumps(said).decode()
    assert said["detail"]["consumer"].startswith("unknown: ")


def test_a_search_that_cannot_be_recorded_tells_nothing(filled, find):
    """Auditors leave a trace as everybody does."""
    filled.run("CREATE TRIGGER full BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'full'); END")

    with pytest.raises(JournalError, match="could not be recorded"):
        find(consumer="uct")

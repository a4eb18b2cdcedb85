"""A folder of agreements while the gateway runs: what is taken in, what waits, and what never replaces the last good."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policies.agreement import in_force
from policies.approvals import Operators, approvals_beside, approve, digest_of, read_approvals
from policies.folder import AgreementFolder, NoticeKind
from policies.reading import parse_agreement
from standards.errors import ConfigurationError
from tests.unit.policies.builders import CATALOGUE
from tests.unit.policies.test_reading import GOOD

JUNE = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEYS = {name: Ed25519PrivateKey.generate() for name in ("author", "approver", "stranger")}
OPERATORS = Operators({name: KEYS[name].public_key() for name in ("author", "approver")})

NARROWER = GOOD.replace('"1.0"', '"1.1"').replace("[100, 200]", "[100]")
WIDER = GOOD.replace('"1.0"', '"1.1"').replace("retention_days: 30", "retention_days: 31")


def open_book(folder, operators=None, **more):
    """The book of a folder in June."""
    return AgreementFolder.load(folder, CATALOGUE, operators, today=lambda: JUNE, **more)


def versions(book):
    """What holds in June."""
    return [a.version for a in in_force(book.versions("programme"), JUNE)]


def kinds(book):
    """Why what is not in force is not."""
    return [notice.kind for notice in book.notices]


def sign(path, *names, as_=None):
    """Have operators approve what a file says."""
    content = path.read_bytes()
    for name in names:
        beside = approvals_beside(path)
        agreement = parse_agreement(content.decode(), CATALOGUE)
        beside.write_bytes(approve(agreement, content, as_ or name, KEYS[name], NOW, read_approvals(beside)))


def test_a_new_version_holds_as_soon_as_the_folder_is_read_again(tmp_path):
    """Other files in the folder do not count, test cases included; what was asked for before stays as it was."""
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("not an agreement")
    (tmp_path / "a.cases.yaml").write_text("agreement: grant")
    book = open_book(tmp_path)
    before = book.current
    assert not book.refresh()

    (tmp_path / "b.yaml").write_text(NARROWER)

    assert book.refresh()
    assert not book.refresh()
    assert versions(book) == ["1.1"]
    assert versions(before) == ["1.0"]
    assert book.current is not before


def test_all_wrong_files_of_a_folder_are_named_at_start(tmp_path):
    """One start shows all mistakes."""
    (tmp_path / "a.yaml").write_text("id: grant")
    (tmp_path / "b.yaml").write_text("[]")

    with pytest.raises(ConfigurationError, match=r"(?s)a\.yaml:1:1.*b\.yaml:1:1"):
        open_book(tmp_path)
    with pytest.raises(ConfigurationError, match="no such folder"):
        open_book(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "bad", ["id: grant", "[", "", "\x00", "[" * 9999, NARROWER.replace("given_name: value", "shoe: value")]
)
def test_a_bad_file_never_replaces_a_good_one(tmp_path, bad):
    """The last good stays, and the next good one is taken in."""
    (tmp_path / "a.yaml").write_text(GOOD)
    book = open_book(tmp_path)

    (tmp_path / "a.yaml").write_text(bad)
    book.refresh()

    assert versions(book) == ["1.0"]
    assert kinds(book) == [NoticeKind.UNREADABLE]
    assert book.notices[0].file == "a.yaml"
    (tmp_path / "a.yaml").write_text(NARROWER)
    book.refresh()
    assert versions(book) == ["1.1"]
    assert book.notices == ()


def test_a_file_that_cannot_be_read_for_a_moment_is_read_again(tmp_path, monkeypatch):
    """Although it has not changed meanwhile; nobody has to touch it for a narrowing to act."""
    (tmp_path / "a.yaml").write_text(GOOD)
    book = open_book(tmp_path)
    (tmp_path / "b.yaml").write_text(NARROWER)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", lambda _: (_ for _ in ()).throw(OSError(24, "too many open files")))
        book.refresh()
        assert (versions(book), kinds(book)) == (["1.0"], [NoticeKind.UNREADABLE])

    assert book.refresh()
    assert (versions(book), kinds(book)) == (["1.1"], [])


def test_a_bad_file_does_not_keep_another_programme_from_being_narrowed(tmp_path):
    """Each file is taken in by itself."""
    other = GOOD.replace("id: grant", "id: other").replace("programme", "another")
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "o.yaml").write_text(other)
    book = open_book(tmp_path)

    (tmp_path / "o.yaml").write_text("id: other")
    (tmp_path / "b.yaml").write_text(NARROWER)
    book.refresh()

    assert versions(book) == ["1.1"]
    assert book.for_purpose("another", "eligibility", JUNE) is not None


def test_a_version_in_use_cannot_be_edited(tmp_path):
    """Journal entries name the version, so it must go on saying the same; a comment changes nothing."""
    (tmp_path / "a.yaml").write_text(GOOD)
    book = open_book(tmp_path)
    before = book.current
    assert all(known.forms for known in book.agreements)  # what is worked out later is no change either

    (tmp_path / "a.yaml").write_text("# a comment\n" + GOOD)
    book.refresh()
    assert (book.current, book.notices) == (before, ())
    (tmp_path / "a.yaml").write_text(GOOD.replace("[100, 200]", "[100]"))
    book.refresh()

    assert book.current is before
    assert kinds(book) == [NoticeKind.CHANGED]
    assert "grant 1.0 was changed while in use" in book.notices[0].sentence


def test_removing_the_newest_version_does_not_bring_the_older_one_back(tmp_path):
    """It would widen by taking something away; removing every version ends the agreement."""
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(NARROWER)
    book = open_book(tmp_path)

    (tmp_path / "b.yaml").unlink()
    book.refresh()
    assert versions(book) == ["1.1"]
    assert kinds(book) == [NoticeKind.REMOVED]
    (tmp_path / "a.yaml").unlink()
    book.refresh()

    assert versions(book) == []


@pytest.mark.parametrize("returning", [GOOD, NARROWER.replace("[100]", "[100, 200]")])
def test_removing_everything_first_does_not_bring_the_older_terms_back(tmp_path, returning):
    """Neither as the older version, approved as it once was, nor under the number of the newer one."""
    (tmp_path / "a.yaml").write_text(GOOD)
    sign(tmp_path / "a.yaml", "author", "approver")
    (tmp_path / "b.yaml").write_text(NARROWER)
    book = open_book(tmp_path, OPERATORS)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).unlink()
    assert book.refresh()
    assert versions(book) == []

    (tmp_path / "a.yaml").write_text(GOOD)
    if returning != GOOD:
        (tmp_path / "b.yaml").write_text(returning)
    book.refresh()

    (back,) = in_force(book.agreements, JUNE)
    assert back == parse_agreement(NARROWER, CATALOGUE)
    assert kinds(book) == [NoticeKind.REMOVED if returning == GOOD else NoticeKind.CHANGED]


@pytest.mark.parametrize("version", ["1.05", "01.5", "1.\u0665", "1." + "9" * 5000])
def test_no_version_has_two_names(tmp_path, version):
    """A copy of the wide first version is not slipped in beside the narrow one; other files are taken in."""
    (tmp_path / "b.yaml").write_text(GOOD)
    sign(tmp_path / "b.yaml", "author", "approver")
    (tmp_path / "c.yaml").write_text(NARROWER.replace('"1.1"', '"1.5"'))
    book = open_book(tmp_path, OPERATORS)

    (tmp_path / "a.yaml").write_text(GOOD.replace('"1.0"', f'"{version}"'))
    (tmp_path / "d.yaml").write_text(NARROWER.replace('"1.1"', '"1.10"'))

    assert book.refresh()
    assert versions(book) == ["1.10"]
    assert kinds(book) == [NoticeKind.UNREADABLE]
    assert "without leading zeros" in book.notices[0].sentence


def test_a_folder_that_is_gone_for_a_moment_ends_nothing(tmp_path):
    """A share that is not mounted is no decision about anybody."""
    folder = tmp_path / "agreements"
    folder.mkdir()
    (folder / "a.yaml").write_text(GOOD)
    book = open_book(folder)

    folder.rename(tmp_path / "elsewhere")

    assert not book.refresh()
    assert versions(book) == ["1.0"]


def test_what_contradicts_stays_out_and_the_rest_comes_in(tmp_path):
    """Two agreements for one purpose on one day: the older one stays, and other changes are not held up."""
    (tmp_path / "a.yaml").write_text(GOOD)
    book = open_book(tmp_path)

    (tmp_path / "b.yaml").write_text(NARROWER)
    (tmp_path / "c.yaml").write_text(GOOD.replace("id: grant", "id: rival"))
    book.refresh()

    assert versions(book) == ["1.1"]
    assert kinds(book) == [NoticeKind.CONTRADICTORY]
    assert "both cover the purpose eligibility" in book.notices[0].sentence


def test_a_version_that_is_there_twice_counts_once(tmp_path):
    """The second file is named."""
    (tmp_path / "a.yaml").write_text(GOOD)
    book = open_book(tmp_path)

    (tmp_path / "b.yaml").write_text(GOOD)
    book.refresh()

    assert [(n.file, n.kind) for n in book.notices] == [("b.yaml", NoticeKind.CONTRADICTORY)]
    assert versions(book) == ["1.0"]


def test_what_this_gateway_cannot_serve_is_not_taken_in(tmp_path):
    """At start it is an error, later a notice."""
    (tmp_path / "a.yaml").write_text(GOOD)

    def fits(agreement):
        return None if agreement.version == "1.0" else "names a rule that is not defined"

    book = open_book(tmp_path, fits=fits)
    (tmp_path / "b.yaml").write_text(NARROWER)
    book.refresh()

    assert versions(book) == ["1.0"]
    assert "grant@1.1 names a rule" in book.notices[0].sentence
    with pytest.raises(ConfigurationError, match="names a rule"):
        open_book(tmp_path, fits=fits)


# -- approvals


def test_a_first_version_waits_for_two_people(tmp_path):
    """The gateway starts, says so, and lets nobody ask under it."""
    file = tmp_path / "a.yaml"
    file.write_text(GOOD)
    book = open_book(tmp_path, OPERATORS)
    assert (versions(book), kinds(book)) == ([], [NoticeKind.UNAPPROVED])
    assert "approved by nobody" in book.notices[0].sentence

    sign(file, "author")
    book.refresh()
    assert versions(book) == []
    assert "approved by author only" in book.notices[0].sentence
    sign(file, "approver")
    book.refresh()

    assert (versions(book), book.notices) == (["1.0"], ())


def approved(tmp_path):
    """A book with version 1.0 approved."""
    (tmp_path / "a.yaml").write_text(GOOD)
    sign(tmp_path / "a.yaml", "author", "approver")
    return open_book(tmp_path, OPERATORS)


def test_narrowing_acts_at_once_and_widening_waits(tmp_path):
    """Nobody has to sign a version that only takes away; the last good stays while a wider one waits."""
    book = approved(tmp_path)
    (tmp_path / "b.yaml").write_text(WIDER)
    book.refresh()
    assert versions(book) == ["1.0"]
    assert "grant@1.1 widens over 1.0 (retention_days)" in book.notices[0].sentence

    (tmp_path / "c.yaml").write_text(NARROWER.replace('"1.1"', '"1.2"'))
    book.refresh()

    assert versions(book) == ["1.2"]
    assert kinds(book) == [NoticeKind.UNAPPROVED]
    # Signed too late: what is wider than a newer, narrower version does not come back under its number.
    sign(tmp_path / "b.yaml", "author", "approver")
    book.refresh()
    assert versions(book) == ["1.2"]


def test_one_person_is_never_two(tmp_path):
    """Neither by signing twice, nor under another's name, nor with a key that the settings do not know."""
    book = approved(tmp_path)
    file = tmp_path / "b.yaml"
    file.write_text(WIDER)
    for names, alias in ((("author", "author"), None), (("author",), "approver"), (("stranger",), None)):
        sign(file, *names, as_=alias)
        book.refresh()
        assert versions(book) == ["1.0"], names
    shared = KEYS["author"].public_key()
    with pytest.raises(ConfigurationError, match="two operators have one key"):
        Operators({"one": shared, "two": shared})


def test_an_approval_is_of_every_byte(tmp_path):
    """A change after signing needs signing again, and so does another version with the same approvals beside it."""
    book = approved(tmp_path)
    file = tmp_path / "b.yaml"
    file.write_text(WIDER)
    sign(file, "author", "approver")
    file.write_text(WIDER.replace("retention_days: 31", "retention_days: 3100"))
    book.refresh()
    assert versions(book) == ["1.0"]

    file.write_text(WIDER)
    book.refresh()

    assert versions(book) == ["1.1"]


@pytest.mark.parametrize("field", ["agreement", "version", "digest", "by", "at", "signature"])
def test_a_tampered_approval_counts_for_nothing(tmp_path, field):
    """Whichever field is changed."""
    file = tmp_path / "a.yaml"
    file.write_text(GOOD)
    sign(file, "author")
    (good,) = read_approvals(approvals_beside(file))
    agreement, digest = parse_agreement(GOOD, CATALOGUE), digest_of(file.read_bytes())
    assert OPERATORS.approvers(agreement, digest, (good,)) == ("author",)
    other = {
        "agreement": "other", "version": "9.9", "digest": "0" * 64, "by": "approver",
        "at": datetime(2027, 1, 1, tzinfo=UTC), "signature": "AAAA",
    }  # fmt: skip

    bad = good.model_copy(update={field: other[field]})

    assert OPERATORS.approvers(agreement, digest, (bad,)) == ()


def test_an_approvals_file_that_cannot_be_read_approves_nothing(tmp_path):
    """And the notice says what to do."""
    (tmp_path / "a.yaml").write_text(GOOD)
    approvals_beside(tmp_path / "a.yaml").write_text("[{}]")

    book = open_book(tmp_path, OPERATORS)

    assert versions(book) == []
    assert "not a list of approvals" in book.notices[0].sentence


def test_an_approval_that_is_taken_away_does_not_end_a_version_in_force(tmp_path):
    """To end it, write a version with an early end; after a restart it would have to be signed again."""
    book = approved(tmp_path)
    approvals_beside(tmp_path / "a.yaml").unlink()
    book.refresh()

    assert versions(book) == ["1.0"]
    assert versions(open_book(tmp_path, OPERATORS)) == []


def test_the_file_of_a_version_is_known_by_its_digest(tmp_path):
    """Of every version in the folder, so that evidence can name the very bytes that were in force."""
    (tmp_path / "one.yaml").write_text(GOOD)
    book = AgreementFolder.load(tmp_path, CATALOGUE)
    (agreement,) = book.agreements

    assert book.digest_of(agreement.id, agreement.version) == hashlib.sha256(GOOD.encode()).hexdigest()
    assert book.digest_of(agreement.id, "9.9") == ""

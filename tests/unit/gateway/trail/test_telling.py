"""What a person reads: titles, whole sentences, and nothing that the entry does not say."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.trail.telling import QUESTIONS, Found, Titles, told
from gateway.trail.words import ENGLISH, LOCALES, sentences
from policies.agreement import LegalBasis
from standards.attributes import Catalogue
from tests.builders import entry, sandbox_agreement

UCT = sandbox_agreement("uct")
CATALOGUE = {definition.name: definition.title for definition in Catalogue.load()}


class _Agreements:
    def versions(self, consumer_id: str):
        return [UCT] if consumer_id == "uct" else []


TITLES = Titles(
    _Agreements(),
    CATALOGUE.get,
    {"crvs": "Civil registration", "tax": "Revenue authority"}.get,
    {"flood-1": "Flood at the lake"}.get,
    {"uct": "uct.programmes.pv"}.get,
)


def read(is_given: bool = True, **changes: Any) -> dict[str, Any]:
    """What somebody under the first pseudonym reads of an entry."""
    return told(Found(7, entry(**changes)._asdict(), is_given), {"0" * 32}, TITLES, ENGLISH)


def test_a_question_is_told_in_sentences():
    """Who, why, what kinds of facts, on which basis, from which offices, and which of them could not be heard."""
    said = read(outcomes={"crvs": "answered", "tax": "unavailable", "land": "not_asked"})

    assert said["action"] == (
        "Unconditional Cash Transfer asked about you, for this purpose: Decide whether a household is eligible for the "
        "cash transfer, and for which amount. About the people concerned, these kinds of facts were told: Given name. "
        "It was told only as far as the people concerned had agreed. (Social Protection Act of Poveria, section 12 "
        "(practice country)) These offices were asked: Civil registration, Revenue authority. These could not be heard: "
        "Revenue authority."
    )
    assert [one["id"] for one in said["registries"]] == ["crvs", "tax"]
    assert said["facts"] == [{"name": "given_name", "title": CATALOGUE["given_name"]}]


@pytest.mark.parametrize(
    ("changes", "role", "outcome"),
    [
        ({}, "subject", "told"),
        ({"subject": "9" * 32}, "household", "told"),
        ({"subject": ""}, "search", "told"),
        ({"released": ()}, "subject", "nothing_told"),
        ({"is_given": False}, "subject", "not_given"),
        ({"event": "search.denied", "agreement": "", "released": ()}, "subject", "refused"),
        ({"event": "search.rejected", "agreement": "", "released": ()}, "subject", "refused"),
        ({"event": "search.unanswered", "agreement": "", "released": ()}, "subject", "not_answered"),
        ({"event": "search.abandoned", "agreement": "", "released": ()}, "subject", "ended"),
    ],
)
def test_every_outcome_and_every_way_of_being_found_has_words(changes, role, outcome):
    """And only what left is called told."""
    said = read(**changes)

    assert (said["role"], said["outcome"]) == (role, outcome)
    assert bool(said["facts"]) == (outcome == "told")
    assert ENGLISH.outcomes[outcome].split("{")[0] in said["action"]


def test_an_emergency_is_named():
    """With its title, beside the basis of the purpose."""
    said = read(agreement=f"{UCT.name}+emergency:flood-1")

    assert said["emergencies"] == [{"id": "flood-1", "title": "Flood at the lake"}]
    assert "under a declared emergency: Flood at the lake." in said["action"]


def test_what_nobody_agreed_is_not_quoted():
    """The journal holds a digest of a purpose that no agreement names; nobody reads it."""
    said = read(event="search.denied", agreement="", purpose="not agreed: 12ab", released=())

    assert "12ab" not in str(said)
    assert said["purpose"] == {"code": "", "title": "one that nobody has allowed"}
    assert said["legal_basis"]["code"] == "none"


def test_a_programme_without_agreement_is_told_by_its_name():
    """Also when its agreements have been removed."""
    said = read(consumer="gone", purpose="eligibility", agreement="gone@1.0")

    assert said["receiver"] == {"code": "gone", "name": "gone", "system": ""}
    assert said["legal_basis"]["code"] == "none"


def test_an_auditor_s_search_is_told():
    """An entry about the journal itself has other members than a question."""
    note = {
        "at": "2026-09-30T12:00:00+00:00",
        "event": "journal.searched",
        "by": "anna",
        "subject": "0" * 32,
        "detail": {},
    }
    said = told(Found(3, note), {"0" * 32}, TITLES, ENGLISH)

    assert (said["kind"], said["receiver"]["code"]) == ("record", "anna")
    assert said["action"].startswith("anna searched")


@pytest.mark.parametrize("locale", sorted(LOCALES))
def test_a_language_has_every_sentence(locale):
    """Whatever can happen is said in it, with the same blanks as in English."""
    words = LOCALES[locale]
    for name in ("asked", "outcomes", "bases", "records", "disputes", "answers"):
        mine, english = getattr(words, name), getattr(ENGLISH, name)
        assert mine.keys() == english.keys()
        assert all(_blanks(mine[key]) == _blanks(english[key]) for key in mine)
    assert {basis.value for basis in LegalBasis} <= words.bases.keys()
    assert not QUESTIONS & words.records.keys()


def _blanks(text: str) -> set[str]:
    return {part.split("}")[0] for part in text.split("{")[1:]}


def test_a_language_that_nobody_speaks_is_english():
    """And the answer says so."""
    assert sentences("xyz") == ("eng", ENGLISH)

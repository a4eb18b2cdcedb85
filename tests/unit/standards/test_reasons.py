"""Every reason in three voices."""

import pytest

from standards.permit import Reason
from standards.reasons import DENIED, UNAVAILABLE, WITHHELD, WORDS
from standards.states import UnavailableReason, WithheldReason

TRADE = (
    "agreement",
    "basis",
    "source",
    "registry",
    "permit",
    "identifier",
    "attribute",
    "purpose",
    "derived",
    "subject",
)


@pytest.mark.parametrize(
    ("reasons", "words"), [(Reason, DENIED), (WithheldReason, WITHHELD), (UnavailableReason, UNAVAILABLE)]
)
def test_every_reason_has_words(reasons, words):
    """The table is whole, and holds nothing else."""
    assert set(words) == set(reasons)


@pytest.mark.parametrize("reason", WORDS, ids=str)
def test_each_voice_says_something_of_its_own(reason):
    """The citizen reads whole sentences without a term of the trade."""
    words = WORDS[reason]

    assert len({words.consumer, words.citizen, words.auditor}) == 3
    assert words.citizen.endswith(".")
    assert words.citizen[0].isupper()
    assert not [term for term in TRADE if term in words.citizen.lower().replace("your agreement", "")]


@pytest.mark.parametrize("reason", [*DENIED, *WITHHELD], ids=str)
def test_a_refusal_tells_the_programme_what_to_do(reason):
    """After a semicolon: obtain, agree, ask, conclude."""
    _, _, remedy = WORDS[reason].consumer.partition("; ")

    assert remedy

"""The sentences of the trail, one table for each language. Pure; another language is another table.

Plain words, no term of the trade; `{...}` is filled in with titles, which stay in the language they were written in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

DEFAULT: Final = "eng"


class Sentences(NamedTuple):
    """Everything that the trail says, in one language."""

    asked: Mapping[str, str]
    """How somebody was found -> the sentence about the question; `{who}`, `{why}`."""
    outcomes: Mapping[str, str]
    """What became of it -> the sentence about that; `{what}`."""
    bases: Mapping[str, str]
    """Legal basis -> the sentence about it; `{reference}`."""
    emergency: str
    registries: str
    unheard: str
    unknown_purpose: str
    records: Mapping[str, str]
    """Journal event that is no question -> what was done with what is kept here; `{who}`."""
    other: str
    """What is said of an event that the table does not have."""
    disputes: Mapping[str, str]
    """State of a dispute -> what that means; `{registry}`, `{answer}`."""
    answers: Mapping[str, str]
    """What a registry says to a dispute."""
    and_: str


ENGLISH: Final = Sentences(
    asked=MappingProxyType(
        {
            "subject": "{who} asked about you, for this purpose: {why}.",
            "household": "{who} asked about a household, and your record was read for it, for this purpose: {why}.",
            "search": "{who} searched for people or households, and your record was among those read, for this "
            "purpose: {why}.",
        }
    ),
    outcomes=MappingProxyType(
        {
            "told": "About the people concerned, these kinds of facts were told: {what}.",
            "nothing_told": "No fact about anybody was told.",
            "refused": "The question was refused, and nothing was told.",
            "not_answered": "No office could be heard, and nothing was told.",
            "not_given": "An answer was ready and did not leave, so nothing was told.",
            "ended": "They ended the question before there was an answer, and nothing was told.",
        }
    ),
    bases=MappingProxyType(
        {
            "consent": "It was told only as far as the people concerned had agreed. ({reference})",
            "public_task": "The law gives them this task; no agreement of yours is needed. ({reference})",
            "vital_interest": "It protects somebody's life or health; no agreement of yours is needed. ({reference})",
            "legal_obligation": "The law obliges them to ask; no agreement of yours is needed. ({reference})",
            "contract": "A contract with you rests on it. ({reference})",
            "none": "Nothing that is agreed allows this question.",
        }
    ),
    emergency="Some of it was told without asking for agreement, under a declared emergency: {emergency}.",
    registries="These offices were asked: {which}.",
    unheard="These could not be heard: {which}.",
    unknown_purpose="one that nobody has allowed",
    records=MappingProxyType(
        {
            "consent.granted": "You agreed to something, through {who}.",
            "consent.refused": "You refused something, through {who}.",
            "consent.withdrawn": "You took an agreement back, through {who}.",
            "consent.objected": "You objected to something, through {who}.",
            "consent.lifted": "You took an objection back, through {who}.",
            "consent.read": "{who} read what you have decided.",
            "consent.exported": "{who} exported what you have decided.",
            "consent.notices_read": "{who} read what you have still to be told about emergencies.",
            "trail.read": "{who} read this list of who asked about you.",
            "trail.watched": "You asked to be told when somebody asks about you, through {who}.",
            "trail.unwatched": "You asked not to be told any more when somebody asks about you, through {who}.",
            "trail.notices_read": "{who} fetched the word that somebody had asked about you.",
            "dispute.received": "You disputed a fact, through {who}.",
            "dispute.forwarded": "A dispute of yours was passed on to the office that keeps the fact.",
            "dispute.shown": "{who} looked at a dispute of yours.",
            "dispute.answered": "{who} recorded the answer to a dispute of yours.",
            "dispute.closed": "A dispute of yours was closed, through {who}.",
            "dispute.read": "{who} read what you dispute.",
            "subscription.added": "{who} asked to be told when something happens to you.",
            "subscription.removed": "{who} is not told any more when something happens to you.",
            "subscription.looked": "We looked, for {who}, whether something about you has changed; nothing was told.",
            "event.withheld": "Something happened to you, and {who} was not told of it.",
            "search.shadowed": "We tried, beside a question of {who}, how an office's new connection works; nothing "
            "of it was told.",
            "search.rehearsed": "{who} tried a draft of an agreement on practice data.",
            "journal.searched": "{who} searched the record of questions for you, to check it.",
        }
    ),
    other="{who} did something with what is kept here about you.",
    disputes=MappingProxyType(
        {
            "received": "We have your dispute, and will pass it on to {registry}.",
            "forwarded": "Your dispute was passed on to {registry}. They have to answer it.",
            "answered": "{registry} has answered: {answer}",
            "closed": "This dispute is closed. {answer}",
        }
    ),
    answers=MappingProxyType(
        {
            "corrected": "The fact was wrong, and they have corrected it.",
            "confirmed": "They have checked it, and say that the fact is right.",
            "not_found": "They keep nothing of the kind about you.",
        }
    ),
    and_=", ",
)

LOCALES: Final[Mapping[str, Sentences]] = MappingProxyType({DEFAULT: ENGLISH})
"""Language by its three letters (ISO 639-3) -> its sentences."""


def sentences(locale: str) -> tuple[str, Sentences]:
    """Return the language that is spoken, and its sentences: the one asked for, or English."""
    return (locale, LOCALES[locale]) if locale in LOCALES else (DEFAULT, ENGLISH)


def listed(titles: Sequence[str], words: Sentences) -> str:
    """Return titles as one text, each once."""
    return words.and_.join(dict.fromkeys(titles))

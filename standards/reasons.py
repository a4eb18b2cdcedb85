"""What every reason means, in three voices: for the programme that asks, for the person concerned, for an auditor.

One table, so that the same thing is said wherever a reason is shown. The programme's words say what to obtain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from standards.permit import Reason
from standards.states import UnavailableReason, WithheldReason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum


class Words(NamedTuple):
    """One reason, in the words of each who reads it."""

    consumer: str
    """For the programme: what happened, and what to obtain or do."""
    citizen: str
    """For the person concerned, without a term of the trade."""
    auditor: str
    """For whoever checks afterwards: which rule decided, over what."""


DENIED: Final[Mapping[StrEnum, Words]] = {
    Reason.NO_AGREEMENT: Words(
        "the programme has never had a data-sharing agreement; conclude one",
        "They may not ask about anybody here, and were told nothing about you.",
        "no version of any agreement names this consumer",
    ),
    Reason.AGREEMENT_NOT_IN_FORCE: Words(
        "its agreements have all ended or not yet started; renew one, or wait for its first day",
        "Their permission to ask had ended or not yet begun. They were told nothing about you.",
        "of each of the consumer's agreements, the newest version that has started does not hold on this day",
    ),
    Reason.PURPOSE_MISSING: Words(
        "the question does not say why it is asked; state the code of an agreed purpose",
        "They did not say why they asked, and were told nothing about you.",
        "no purpose in the question, and more than one agreed",
    ),
    Reason.PURPOSE_NOT_AGREED: Words(
        "no agreement in force names this purpose; agree it, or ask for one that is agreed",
        "They asked for a reason that nobody has allowed, and were told nothing about you.",
        "no agreement that holds on this day names the purpose stated",
    ),
    Reason.HOUSEHOLD_NOT_AGREED: Words(
        "the agreement has no rule by which a household is found; agree one",
        "They may not ask about whole households, and were told nothing about you.",
        "the agreement's household rule is null",
    ),
    Reason.PAST_NOT_AGREED: Words(
        "a question about a past day is not agreed; agree that right, or ask about today",
        "They asked how things were on an earlier day, which they may not. They were told nothing about you.",
        "the question is about a past day and the agreement does not give the right to it",
    ),
    Reason.SEARCH_NOT_AGREED: Words(
        "a search that names nobody is not agreed, or not by these attributes, or has no filter; agree it, or ask by "
        "a number",
        "They searched for people without naming anybody, which they may not, or not in this way.",
        "the agreement gives no right to search, or not by everything that was filtered and sorted by",
    ),
    Reason.BULK_NOT_AGREED: Words(
        "a job of many questions is not agreed, or not of so many; agree it, or ask in ordinary messages",
        "They asked about many people at once, which they may not. They were told nothing about you.",
        "the agreement gives no right to bulk questions, or for fewer of them",
    ),
    Reason.NOTHING_AGREED: Words(
        "none of the attributes asked for is in the agreement; agree them, or ask for others",
        "Nothing of what they asked for may be told to them. They were told nothing about you.",
        "the intersection of requested and agreed attributes is empty",
    ),
    Reason.QUOTA_USED_UP: Words(
        "as many questions as agreed have been asked for this purpose; ask again in the next period, or agree more",
        "They had asked as often as they may, and were told nothing more.",
        "the count of questions for agreement and purpose had reached its limit for the day or month, UTC",
    ),
    Reason.PROBED_TOO_OFTEN: Words(
        "searches have compared this attribute with as many different values as they may; search by a value used "
        "before, wait until the oldest no longer counts, or agree more",
        "They had searched with too many different limits, and were shown nothing more.",
        "the distinct filter values of this consumer on the attribute had reached their limit within the window",
    ),
    Reason.UNDECIDED: Words(
        "a rule could not be applied: the gateway has a fault, and denies; tell its operator",
        "Something failed here, so they were told nothing about you.",
        "a rule raised an error or could not read its facts; silence is not a permit",
    ),
}

WITHHELD: Final[Mapping[StrEnum, Words]] = {
    WithheldReason.NOT_IN_AGREEMENT: Words(
        "asked for by name, and not in the agreement; agree it first",
        "They asked for this and may not know it. It was not told.",
        "requested, and not among the agreement's attributes; no source was asked",
    ),
    WithheldReason.CONSENT_MISSING: Words(
        "consent is the legal basis, and the person has given none, or it has expired; obtain it from this person",
        "You had not agreed to this, or your agreement had run out. It was not told.",
        "basis consent, and no receipt that grants it on this day; no source was asked about this person",
    ),
    WithheldReason.CONSENT_REFUSED: Words(
        "the person has refused, or refused every registry that holds it; only the person can change that",
        "You said no to this. It was not told.",
        "a receipt that refuses, wholly or for every source that holds it, is the newest; none of these was asked",
    ),
    WithheldReason.CONSENT_ENDED: Words(
        "consent had been given, and ended by itself: the person has died, or has come of age; obtain it anew from "
        "whoever may give it now",
        "The permission once given for this has ended. It was not told.",
        "a grant that counted no longer: the subject has died, or a guardian's grant ended at majority",
    ),
    WithheldReason.OBJECTED: Words(
        "the person has objected to this use, which the legal basis allows; only the person can change that",
        "You objected to this. It was not told.",
        "basis public task, and an objection of the person stands; nothing was read under it",
    ),
    WithheldReason.INPUT_WITHHELD: Words(
        "it is computed from something that is withheld; obtain what is missing there",
        "It would have been worked out from something that is kept back. It was not told.",
        "derived, and an input of it is withheld",
    ),
    WithheldReason.PROBED_TOO_OFTEN: Words(
        "so many answers or thresholds were told about this person that another would give the value away; ask with a "
        "threshold used before, wait until the oldest no longer counts, or agree more",
        "They had asked about this so often that they could have worked it out. It was not told again.",
        "the answers or distinct thresholds of consumer, subject and attribute had reached their limit in the window",
    ),
}

UNAVAILABLE: Final[Mapping[StrEnum, Words]] = {
    UnavailableReason.SOURCE_DOWN: Words(
        "the registry cannot be reached, or reports a fault of its own; ask again later",
        "An office's computer could not be reached, so this was not told.",
        "no connection, or a fault of the source's own",
    ),
    UnavailableReason.SOURCE_TIMEOUT: Words(
        "the registry did not answer in time; ask again",
        "An office took too long to answer, so this was not told.",
        "no answer within the source's share of the deadline",
    ),
    UnavailableReason.SOURCE_BUSY: Words(
        "the registry is asked too much already; ask again later",
        "An office was too busy to answer, so this was not told.",
        "the source's limit was reached, here or there",
    ),
    UnavailableReason.SOURCE_CLOSED: Words(
        "the registry is closed at this hour, as its owner announced; ask again when it has opened",
        "An office's computer is switched off at this hour, so this was not told.",
        "no answer outside the hours that the source's manifest declares",
    ),
    UnavailableReason.SOURCE_REFUSED: Words(
        "the registry refuses to answer this gateway; its operators have to settle that",
        "An office did not want to answer us, so this was not told.",
        "the source refused the gateway's credentials or the request",
    ),
    UnavailableReason.SOURCE_SUSPENDED: Words(
        "the registry is switched off here, by its owner or by the operator; ask again when it is back",
        "An office has stopped answering us for now, so this was not told.",
        "the source was suspended when the question was answered",
    ),
    UnavailableReason.SOURCE_CONTRACT: Words(
        "the registry answered something other than it promises; its operators have to settle that",
        "An office gave an answer we could not read, so this was not told.",
        "the answer does not fit the source's manifest",
    ),
    UnavailableReason.WRONG_SUBJECT: Words(
        "the registry answered about somebody else; what it said was dropped",
        "An office answered about somebody else. We threw that away and told nothing.",
        "the number in the answer is not the number asked by",
    ),
    UnavailableReason.AMBIGUOUS_IDENTITY: Words(
        "one number leads to two people, and its issuer does not say which; have the issuer correct it",
        "Your number is also on somebody else's record, so this was not told. The office that issued it can put it "
        "right.",
        "a number is shared by people whose other facts contradict each other",
    ),
    UnavailableReason.UNMAPPED_CODE: Words(
        "the registry used a code that nobody has translated yet; tell the operator of this gateway",
        "An office used a code that we do not know, so this was not told.",
        "a code of the source is not in its manifest's table",
    ),
    UnavailableReason.NO_IDENTIFIER: Words(
        "no number is known by which the registry could be asked about this person",
        "We know no number of yours by which that office could find you.",
        "no identifier of a type that the source takes was found",
    ),
    UnavailableReason.IDENTIFIER_UNAVAILABLE: Words(
        "the registry that knows the number needed could not be heard; ask again later",
        "The office that knows your number could not be reached, so this was not told.",
        "the source that yields the identifier needed was unavailable",
    ),
    UnavailableReason.INPUT_UNAVAILABLE: Words(
        "it is computed from something that could not be obtained; ask again later",
        "It would have been worked out from something that we could not get.",
        "derived, and an input of it is unavailable or unknown",
    ),
    UnavailableReason.MEMBERSHIP_INCOMPLETE: Words(
        "it counts the whole household, and not every member may be known; ask again later",
        "We could not be sure who lives in your household, so this was not told.",
        "derived over all members while a source of membership was unheard",
    ),
    UnavailableReason.NO_SOURCE: Words(
        "no connected registry holds it",
        "No office that we can ask keeps this.",
        "no manifest declares the attribute",
    ),
    UnavailableReason.NOT_AS_OF: Words(
        "the question is about a past day, and the registry tells only how things are now",
        "They asked about an earlier day, and that office only knows how things are now.",
        "the source declares no history for this attribute",
    ),
}

WORDS: Final[Mapping[StrEnum, Words]] = {**DENIED, **WITHHELD, **UNAVAILABLE}
"""Every reason there is."""

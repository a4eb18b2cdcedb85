"""What every code in an answer means, in a sentence, for the published description of the interface."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from standards.dci.codes import ErrorCode, HeaderReason, SearchReason, Status
from standards.permit import Reason
from standards.reasons import DENIED, UNAVAILABLE, WITHHELD
from standards.states import UnavailableReason, WithheldReason


class ReasonTable(NamedTuple):
    """One closed list of codes."""

    name: str
    """Of the schema that lists the codes."""
    about: str
    meanings: Mapping[str, str]


def table(name: str, about: str, codes: type[StrEnum], meanings: Mapping[StrEnum, str]) -> ReasonTable:
    """Return the table of an enum, in the enum's order.

    Raises: KeyError when a code of the enum is not explained.
    """
    return ReasonTable(name, about, {code.value: meanings[code] for code in codes})


ERROR_CODES: Final = table(
    "ErrorCode",
    "Why a request as a whole was refused: `errors[].code` of an HTTP error.",
    ErrorCode,
    {
        ErrorCode.BAD: "the request is not whole or not well formed; the message says what to change",
        ErrorCode.UNAUTHORIZED: "there is no valid access token, or it has ended, or the credentials are wrong",
        ErrorCode.FORBIDDEN: "the client that the token speaks for may not do this",
        ErrorCode.NOT_FOUND: "there is nothing at this address",
        ErrorCode.TIMEOUT: "the request did not arrive whole in time",
        ErrorCode.TOO_MANY_REQUESTS: "more requests than agreed; ask again later",
        ErrorCode.VERSION_NOT_SUPPORTED: "this version of the standard is not served",
        ErrorCode.SENDER_ID_INVALID: "the sender is not known",
        ErrorCode.SENDER_URI_INVALID: "the sender's address for answers is not one it registered",
        ErrorCode.RECEIVER_ID_INVALID: "the message is addressed to another system",
        ErrorCode.SIGNATURE_MISSING: "this sender signs its messages, and this one carries no signature",
        ErrorCode.SIGNATURE_INVALID: "the signature does not verify; the message says what does not hold",
        ErrorCode.ENCRYPTION_INVALID: "encrypted messages are not taken",
        ErrorCode.SERVICE_UNAVAILABLE: "the gateway cannot answer now; nothing is known, which is not a no",
    },
)

HEADER_REASONS: Final = table(
    "HeaderReason",
    "Why a message was refused in the header of its answer: `header.status_reason_code`; HTTP says 200.",
    HeaderReason,
    {
        HeaderReason.VERSION_INVALID: "the version is not 1.0.0",
        HeaderReason.MESSAGE_ID_DUPLICATE: "a message with this id was received before",
        HeaderReason.MESSAGE_TS_INVALID: "the time of the message is no timestamp with offset, or too far from now",
        HeaderReason.ACTION_INVALID: "the action does not fit the operation",
        HeaderReason.ACTION_NOT_SUPPORTED: "the action is not served",
        HeaderReason.TOTAL_COUNT_INVALID: "the total is not the number of questions",
        HeaderReason.TOTAL_COUNT_LIMIT_EXCEEDED: "the message holds more questions than allowed",
        HeaderReason.TOO_MANY_ERRORS: "too many of the questions are wrong",
    },
)

SEARCH_REASONS: Final = table(
    "SearchReason",
    "Why one question was refused: `search_response[].status_reason_code`; the other questions are answered.",
    SearchReason,
    {
        SearchReason.REFERENCE_ID_INVALID: "the question has no reference of at most 99 characters",
        SearchReason.REFERENCE_ID_DUPLICATE: "another question of the message has the same reference",
        SearchReason.TIMESTAMP_INVALID: "the time of the question is no timestamp with offset",
        SearchReason.SEARCH_CRITERIA_INVALID: (
            "the criteria cannot be used, or policy denies the question; the message then begins with the reason "
            "(see DenialReason) and says what to obtain"
        ),
        SearchReason.FILTER_INVALID: "a condition names an unknown attribute or operator, or a value of another type",
        SearchReason.SORT_INVALID: "the results cannot be sorted by this attribute",
        SearchReason.PAGINATION_INVALID: "the page size or the page number is not a whole positive number",
        SearchReason.TOO_MANY_RECORDS: "there are more results than the agreement allows; narrow the filter",
    },
)

DENIAL_REASONS: Final = table(
    "DenialReason",
    "Why policy denies a question as a whole; it stands first in the item's `status_reason_message`.",
    Reason,
    {reason: words.consumer for reason, words in DENIED.items()},
)

WITHHELD_REASONS: Final = table(
    "WithheldReason",
    "Why an attribute may not be given: `reason` of the state `withheld`. No registry was asked for it.",
    WithheldReason,
    {reason: words.consumer for reason, words in WITHHELD.items()},
)

UNAVAILABLE_REASONS: Final = table(
    "UnavailableReason",
    "Why an attribute could not be obtained: `reason` of the state `unavailable`. It never means no.",
    UnavailableReason,
    {reason: words.consumer for reason, words in UNAVAILABLE.items()},
)

STATUSES: Final = table(
    "Status",
    "What became of a message, or of one question.",
    Status,
    {
        Status.RECEIVED: "received",
        Status.PENDING: "being worked on",
        Status.SUCCEEDED: "answered, which includes that nobody was found",
        Status.REJECTED: "not answered; the reason stands beside it",
    },
)

REASON_TABLES: Final = (
    ERROR_CODES,
    HEADER_REASONS,
    SEARCH_REASONS,
    DENIAL_REASONS,
    WITHHELD_REASONS,
    UNAVAILABLE_REASONS,
)
"""In the order in which somebody who was refused looks for the cause: from the outside in."""

"""Every status, action, reason code, registry type and record type that goes over the wire, as enums.

The lists of statuses, actions and reason codes are closed by the standard; registry and record types are open, and
the ones under `ns:hearth:` are ours, for registries that DCI has no interface for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """What became of a message or an item."""

    RECEIVED = "rcvd"
    PENDING = "pdng"
    SUCCEEDED = "succ"
    REJECTED = "rjct"


class AckStatus(StrEnum):
    """What becomes of a message that is answered later."""

    ACK = "ACK"
    """Accepted; a callback will follow."""
    NACK = "NACK"
    """Accepted; nothing further follows."""
    ERR = "ERR"
    """It cannot be processed."""


class Action(StrEnum):
    """What a message does, in its header."""

    SEARCH = "search"
    ON_SEARCH = "on-search"
    SUBSCRIBE = "subscribe"
    ON_SUBSCRIBE = "on-subscribe"
    UNSUBSCRIBE = "unsubscribe"
    ON_UNSUBSCRIBE = "on-unsubscribe"
    NOTIFY = "notify"
    TXN_STATUS = "txn-status"
    TXN_ON_STATUS = "txn-on-status"
    ENROLMENT_STATUS = "enrollementstatus"
    """Of ESS `check-enrollment`, in the standard's own spelling."""


class QueryType(StrEnum):
    """In which form a query is written."""

    IDTYPE_VALUE = "idtype-value"
    PREDICATE = "predicate"
    EXPRESSION = "expression"
    GRAPHQL = "graphql"
    """In the standard for some registries; not served here (DEVIATIONS.md, 3)."""


class ResponseEntity(StrEnum):
    """Whether the answer holds households or single people."""

    GROUP = "Group"
    MEMBER = "Member"


class ErrorCode(StrEnum):
    """Message level: in an acknowledgement's `error`, and in the `errors` of an HTTP error body."""

    BAD = "err.request.bad"
    UNAUTHORIZED = "err.request.unauthorized"
    FORBIDDEN = "err.request.forbidden"
    NOT_FOUND = "err.request.not_found"
    TIMEOUT = "err.request.timeout"
    TOO_MANY_REQUESTS = "err.request.too_many_requests"
    VERSION_NOT_SUPPORTED = "err.version.not_supported"
    SENDER_ID_INVALID = "err.sender_id.invalid"
    SENDER_URI_INVALID = "err.sender_uri.invalid"
    RECEIVER_ID_INVALID = "err.receiver_id.invalid"
    SIGNATURE_MISSING = "err.signature.missing"
    SIGNATURE_INVALID = "err.signature.invalid"
    ENCRYPTION_INVALID = "err.encryption.invalid"
    SERVICE_UNAVAILABLE = "err.service.unavailable"


class HeaderReason(StrEnum):
    """Header level: `header.status_reason_code` of an answer whose whole message was refused."""

    VERSION_INVALID = "rjct.version.invalid"
    MESSAGE_ID_DUPLICATE = "rjct.message_id.duplicate"
    MESSAGE_TS_INVALID = "rjct.message_ts.invalid"
    ACTION_INVALID = "rjct.action.invalid"
    ACTION_NOT_SUPPORTED = "rjct.action.not_supported"
    TOTAL_COUNT_INVALID = "rjct.total_count.invalid"
    TOTAL_COUNT_LIMIT_EXCEEDED = "rjct.total_count.limit_exceeded"
    TOO_MANY_ERRORS = "rjct.errors.too_many"


class SearchReason(StrEnum):
    """Item level: `status_reason_code` of one search_response."""

    REFERENCE_ID_INVALID = "rjct.reference_id.invalid"
    REFERENCE_ID_DUPLICATE = "rjct.reference_id.duplicate"
    TIMESTAMP_INVALID = "rjct.timestamp.invalid"
    SEARCH_CRITERIA_INVALID = "rjct.search_criteria.invalid"
    FILTER_INVALID = "rjct.filter.invalid"
    SORT_INVALID = "rjct.sort.invalid"
    PAGINATION_INVALID = "rjct.pagination.invalid"
    TOO_MANY_RECORDS = "rjct.search.too_many_records_found"


class SubscribeReason(StrEnum):
    """Item level: `status_reason_code` of one subscribe_response."""

    REFERENCE_ID_INVALID = "rjct.reference_id.invalid"
    REFERENCE_ID_DUPLICATE = "rjct.reference_id.duplicate"
    TIMESTAMP_INVALID = "rjct.timestamp.invalid"
    NOTIFY_TYPES_INVALID = "rjct.notify_types.invalid"
    NOTIFY_DETAILS_INVALID = "rjct.notify_details.invalid"
    PERSON_ID_INVALID = "rjct.person_id.invalid"
    ALREADY_SUBSCRIBED = "rjct.event.already_subscribed"


class UnsubscribeReason(StrEnum):
    """`status_reason_code` of an unsubscribe answer."""

    REFERENCE_ID_INVALID = "rjct.reference_id.invalid"
    REFERENCE_ID_DUPLICATE = "rjct.reference_id.duplicate"
    TIMESTAMP_INVALID = "rjct.timestamp.invalid"
    SUBSCRIPTION_CODE_INVALID = "rjct.subscription_code.invalid"
    REQUESTER_INVALID = "rjct.requester.invalid"
    ALREADY_UNSUBSCRIBED = "rjct.event.already_unsubscribed"


class RegType(StrEnum):
    """Which registry is asked."""

    CIVIL = "ns:org:RegistryType:Civil"
    SOCIAL = "ns:org:RegistryType:Social"
    DISABILITY = "ns:org:RegistryType:DR"
    FARMER = "ns:org:RegistryType:FR"
    BENEFICIARY = "ns:org:RegistryType:IBR"
    EMPLOYMENT = "ns:org:RegistryType:ESS"
    NATIONAL_ID = "ns:hearth:RegistryType:NationalID"
    TAX = "ns:hearth:RegistryType:Tax"
    LAND = "ns:hearth:RegistryType:Land"
    EDUCATION = "ns:hearth:RegistryType:Education"
    HEALTH = "ns:hearth:RegistryType:Health"
    SOCIAL_INSURANCE = "ns:hearth:RegistryType:SocialInsurance"
    PAYMENTS = "ns:hearth:RegistryType:Payments"
    VIRTUAL_HOUSEHOLD = "ns:hearth:RegistryType:VirtualHousehold"


class RecordType(StrEnum):
    """Which kind of record is wanted, or given."""

    PERSON = "spdci-extensions-dci:Person"
    GROUP = "Group"
    MEMBER = "Member"
    DISABLED_PERSON = "spdci-extensions-dci:DisabledPerson"
    FARMER = "spdci-extensions-dci:Farmer"
    BENEFICIARY = "Beneficiary"
    VIRTUAL_HOUSEHOLD = "hearth:VirtualHousehold"
    IDENTITY = "hearth:Identity"
    TAXPAYER = "hearth:Taxpayer"
    LAND_HOLDING = "hearth:LandHolding"
    ENROLMENT = "hearth:Enrolment"
    HEALTH_SUMMARY = "hearth:HealthSummary"


DEFAULT_RECORD_TYPE: Final = {
    RegType.CIVIL: RecordType.PERSON,
    RegType.SOCIAL: RecordType.GROUP,
    RegType.DISABILITY: RecordType.DISABLED_PERSON,
    RegType.FARMER: RecordType.FARMER,
    RegType.BENEFICIARY: RecordType.BENEFICIARY,
    RegType.EMPLOYMENT: RecordType.BENEFICIARY,
    RegType.NATIONAL_ID: RecordType.IDENTITY,
    RegType.TAX: RecordType.TAXPAYER,
    RegType.LAND: RecordType.LAND_HOLDING,
    RegType.EDUCATION: RecordType.ENROLMENT,
    RegType.HEALTH: RecordType.HEALTH_SUMMARY,
    RegType.VIRTUAL_HOUSEHOLD: RecordType.VIRTUAL_HOUSEHOLD,
}
"""What a message asks for when it does not say."""

_OWN_PREFIX: Final = "ns:hearth:"


def _key(word: str) -> str:
    return word.rsplit(":", 1)[-1].strip().replace("_", "").replace("-", "").casefold()


_REG_TYPES: Final = {_key(reg_type): reg_type for reg_type in RegType} | {
    "crvs": RegType.CIVIL,
    "civilregistration": RegType.CIVIL,
    "sr": RegType.SOCIAL,
    "socialregistry": RegType.SOCIAL,
    "disability": RegType.DISABILITY,
    "disabilityregistry": RegType.DISABILITY,
    "farmer": RegType.FARMER,
    "farmerregistry": RegType.FARMER,
    "beneficiary": RegType.BENEFICIARY,
    "employment": RegType.EMPLOYMENT,
}

_RECORD_TYPES: Final = {_key(record_type): record_type for record_type in RecordType} | {
    "household": RecordType.GROUP,
    "srperson": RecordType.MEMBER,
    "socialperson": RecordType.MEMBER,
    "pwdperson": RecordType.DISABLED_PERSON,
}


def normal_reg_type(reg_type: str) -> RegType | None:
    """Return the registry type that a wire string means, by its last segment in any case; None if unknown.

    Our own namespace stands for our own types only: `ns:hearth:RegistryType:Civil` is nothing.
    """
    found = _REG_TYPES.get(_key(reg_type))
    own = reg_type.strip().casefold().startswith(_OWN_PREFIX)
    return None if found is not None and own and not found.startswith(_OWN_PREFIX) else found


def normal_record_type(record_type: str) -> RecordType | None:
    """Return the record type that a wire string means, by its last segment in any case; None if unknown."""
    return _RECORD_TYPES.get(_key(record_type))

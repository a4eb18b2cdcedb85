"""What portals and offices say of people's decisions: the bodies of `/v1/consents`, and what must be right in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from gateway.bootstrap import Gateway
from gateway.settings import Consumer
from gateway.stages.admit import parsed
from policies.consent import comes_of_age
from policies.groups import GROUPS
from policies.receipts import Capacity, Channel, Consent, Decision, Presence
from standards.errors import MalformedMessageError
from standards.identifiers import GROUP_TYPES, MAX_LENGTH, MRN, Identifier, identifier

M = TypeVar("M", bound="Body")
_SHARED: Final = frozenset({MRN, *GROUP_TYPES})


class Body(BaseModel):
    """A request body: refuses members it does not know, and quotes nothing of what was sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Number(Body):
    """One number of a person."""

    type: StrictStr = Field(min_length=1, max_length=MAX_LENGTH, examples=["UIN"])
    value: StrictStr = Field(min_length=1, max_length=MAX_LENGTH)


class Seen(Body):
    """What an officer saw of the person who decided."""

    kind: Presence
    reference: StrictStr | None = Field(default=None, max_length=100, description="Kept as a keyed digest.")


class Mandate(Body):
    """Under which a proxy decides for an adult."""

    reference: StrictStr = Field(min_length=1, max_length=100, description="Kept as a keyed digest.")
    until: date = Field(description="Its last day; no grant under it outlasts it.")


class Assisted(Body):
    """What every decision says of who took it: the officer, when the client is an office."""

    officer: StrictStr | None = Field(
        default=None, min_length=1, max_length=100, description="Who assisted; an office names the person."
    )
    presence: Seen | None = Field(default=None, description="What the officer saw; an office always says.")


class Decided(Assisted):
    """A decision of a person, or for one."""

    subject: Number
    purpose: StrictStr = Field(min_length=1, max_length=100)
    decision: Literal["granted", "refused", "objected"] = "granted"
    sources: tuple[StrictStr, ...] | None = Field(default=None, min_length=1, description="Null: every registry.")
    groups: tuple[StrictStr, ...] | None = Field(default=None, min_length=1, description="Null: every group.")
    consumer: StrictStr | None = Field(default=None, max_length=100, description="Null: whoever has an agreement.")
    until: date | None = Field(default=None, description="Last day of a grant; null: the operator's default.")
    given_by: Number | None = Field(default=None, description="Who decided; null: the person.")
    capacity: Capacity = Capacity.SELF
    relation: StrictStr | None = Field(default=None, max_length=20, description="Of a guardian to the child; DCI code.")
    birth_date: date | None = Field(default=None, description="The person's; a guardian states it. It is not kept.")
    mandate: Mandate | None = None
    notice: StrictStr | None = Field(default=None, max_length=300, description="Privacy notice that was shown.")
    language: StrictStr | None = Field(default=None, pattern=r"^[a-z]{3}$")


class About(Body):
    """Whom a call is about."""

    subject: Number


class Withdrawn(Assisted):
    """A receipt is taken back."""

    subject: Number
    given_by: Number | None = Field(default=None, description="Who withdraws; null: the person.")
    capacity: Capacity = Capacity.SELF


def read_body(model: type[M], body: bytes) -> M:
    """Return a body, whole and well formed.

    Raises: MalformedMessageError that names the member at fault, and quotes nothing of it.
    """
    try:
        parsed(body)
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part in _members(Body))
        raise MalformedMessageError(f"{where or 'the body'}: {_FAULTS.get(first['type'], first['msg'])}") from None


_FAULTS: Final = {"extra_forbidden": "this member is not known here", "missing": "is missing"}


def _members(model: type[BaseModel]) -> set[str]:
    """Return the members of every body: names of ours, which an error may quote."""
    return {*model.model_fields, *(name for inner in model.__subclasses__() for name in _members(inner))}


def number_of(stated: Number) -> Identifier:
    """Return the number of one person in its normal form."""
    try:
        found = identifier(stated.type, stated.value)
    except ValueError as error:
        raise MalformedMessageError(f"subject: {error}") from None
    if found.type in _SHARED:
        raise MalformedMessageError("a decision is one person's: state a number that nobody else bears")
    return found


def giver_of(stated: Number | None, capacity: Capacity, subject: Identifier) -> Identifier:
    """Return who decides for the subject."""
    given_by = subject if stated is None else number_of(stated)
    # INVARIANT: adults decide for themselves; for somebody else only a guardian or a proxy does, and says so.
    if (given_by == subject) != (capacity is Capacity.SELF):
        raise MalformedMessageError(
            "given_by, capacity: the person decides as self, everybody else as guardian or proxy"
        )
    return given_by


def attested_by(stated: Assisted, client: Consumer) -> dict[str, Any]:
    """Return who saw the person decide, as fields of a Consent."""
    if client.role == "portal":
        if stated.officer is not None or stated.presence is not None:
            raise MalformedMessageError("officer, presence: a portal has no officers; it asserts who signed in")
        return {"channel": Channel.PORTAL, "attested_by": client.client_id}
    if stated.officer is None or stated.presence is None:
        raise MalformedMessageError("officer, presence: an office names who assisted, and what that officer saw")
    return {
        "channel": Channel.OFFICE,
        "attested_by": f"{client.client_id}:{stated.officer}",
        "presence": stated.presence.kind,
        "reference": stated.presence.reference,
    }


def consent_of(stated: Decided, gateway: Gateway, client: Consumer, now: datetime) -> Consent:
    """Return the decision that a body states.

    Raises: MalformedMessageError when it is not one that this person may make, or names what there is not.
    """
    settings, today = gateway.settings.consents, now.date()
    subject = number_of(stated.subject)
    _check_scope(stated, gateway)
    attested = attested_by(stated, client)
    if stated.mandate is not None:
        attested["reference"] = stated.mandate.reference
    return Consent(
        subject=subject,
        purpose=stated.purpose,
        decision=Decision(stated.decision),
        given_by=giver_of(stated.given_by, stated.capacity, subject),
        given_on=today,
        sources=None if stated.sources is None else frozenset(stated.sources),
        until=_last_day(stated, today, settings.grant_days),
        consumer_id=stated.consumer,
        groups=None if stated.groups is None else frozenset(stated.groups),
        capacity=stated.capacity,
        relation=stated.relation,
        majority_on=_majority(stated, today, settings.age_of_majority),
        mandate_until=_mandate_until(stated, today),
        notice=stated.notice,
        language=stated.language,
        given_at=now.astimezone(UTC),
        **attested,
    )


def _majority(stated: Decided, today: date, age: int) -> date | None:
    """Return when a child comes of age for whom a guardian decides; None when nobody else decides."""
    if stated.birth_date is not None and stated.birth_date > today:
        raise MalformedMessageError("birth_date: the day has not come yet")
    majority = None if stated.birth_date is None else comes_of_age(stated.birth_date, age)
    if stated.capacity is not Capacity.GUARDIAN:
        if stated.capacity is Capacity.SELF and majority is not None and majority > today:
            raise MalformedMessageError("birth_date: a guardian decides for a child")
        return None
    if majority is None or stated.relation is None:
        raise MalformedMessageError("a guardian states birth_date of the child, and relation to it")
    if majority <= today:
        raise MalformedMessageError("birth_date: who has come of age decides without a guardian")
    return majority


def _mandate_until(stated: Decided, today: date) -> date | None:
    if (stated.mandate is not None) != (stated.capacity is Capacity.PROXY):
        raise MalformedMessageError("mandate: a proxy states the mandate, and nobody else has one")
    if stated.mandate is None:
        return None
    if stated.mandate.until < today:
        raise MalformedMessageError("mandate.until: the mandate has ended")
    return stated.mandate.until


def _last_day(stated: Decided, today: date, grant_days: int) -> date | None:
    if stated.decision != Decision.GRANTED.value:
        if stated.until is not None:
            raise MalformedMessageError("until: a refusal or an objection holds until the person decides otherwise")
        return None
    until = stated.until or today + timedelta(days=grant_days)
    if until < today:
        raise MalformedMessageError("until: the last day lies in the past")
    return until


def _check_scope(stated: Decided, gateway: Gateway) -> None:
    """Refuse a decision about what there is not: nobody could tell later what it was about."""
    known = {m.id for m in gateway.manifests}
    if stated.sources is not None and not set(stated.sources) <= known:
        raise MalformedMessageError(f"sources: the registries connected here are {', '.join(sorted(known))}")
    if stated.groups is not None and not set(stated.groups) <= GROUPS:
        raise MalformedMessageError(f"groups: the groups of attributes are {', '.join(sorted(GROUPS))}")
    agreements = gateway.book.agreements
    if not any(stated.purpose in agreement.purposes for agreement in agreements):
        raise MalformedMessageError("purpose: no agreement names a purpose of this code")
    if stated.consumer is not None and stated.consumer not in {a.consumer.id for a in agreements}:
        raise MalformedMessageError("consumer: no programme of this name has an agreement")

"""What the rules are told: the question's surroundings, read beforehand, so that the rules stay pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from policies.agreement import in_force

if TYPE_CHECKING:
    from datetime import datetime

    from policies.agreement import Agreement
    from standards.attributes import Catalogue
    from standards.permit import DisclosureRequest


class Facts(NamedTuple):
    """The facts of one decision."""

    agreements: tuple[Agreement, ...]
    """Every version of every agreement of the consumer, those that have ended included."""
    now: datetime
    """The moment of the decision, with offset; agreements must hold on its date in that offset."""
    catalogue: Catalogue
    searched: frozenset[str] | None = None
    """What a search without identifier filters and sorts by; None when the question names its subject."""
    together: int | None = None
    """How many questions a job asks, this one among them; None for an ordinary message."""


def holding(request: DisclosureRequest, facts: Facts) -> tuple[Agreement, ...]:
    """Return the consumer's own agreements that hold now."""
    own = (a for a in facts.agreements if a.consumer.id == request.consumer_id)
    return in_force(own, facts.now.date())


def applicable(request: DisclosureRequest, facts: Facts) -> Agreement | None:
    """Return the agreement that holds now and names the purpose of the question."""
    return next((a for a in holding(request, facts) if request.purpose in a.purposes), None)

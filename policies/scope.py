"""The rules on what an agreement covers: its term, households, searching, jobs, attributes.

Each is silent when an earlier one has spoken about what it would look into, so that a denial names causes only.
"""

from __future__ import annotations

from policies.facts import Facts, applicable, holding
from standards.permit import Denial, DisclosureRequest, Reason


def check_agreement(request: DisclosureRequest, facts: Facts) -> Denial | None:
    """Deny a consumer that has never had an agreement."""
    if any(a.consumer.id == request.consumer_id for a in facts.agreements):
        return None
    return Denial(Reason.NO_AGREEMENT, "conclude a data-sharing agreement for this consumer")


def check_term(request: DisclosureRequest, facts: Facts) -> Denial | None:
    """Deny a consumer whose agreements have all ended or not yet started."""
    if holding(request, facts) or check_agreement(request, facts):
        return None
    return Denial(Reason.AGREEMENT_NOT_IN_FORCE, "renew the agreement, or wait until its first day")


def check_household(request: DisclosureRequest, facts: Facts) -> Denial | None:
    """Deny the question for a household under an agreement that has no rule to find one by."""
    agreement = applicable(request, facts)
    if agreement is None or agreement.household is not None or not request.needs_household:
        return None
    return Denial(Reason.HOUSEHOLD_NOT_AGREED, "agree the rule by which households are found")


def check_search(request: DisclosureRequest, facts: Facts) -> Denial | None:
    """Deny a search without identifier that the agreement does not allow, by all that it filters and sorts by."""
    agreement = applicable(request, facts)
    if agreement is None or facts.searched is None:
        return None
    if agreement.search is None:
        return Denial(Reason.SEARCH_NOT_AGREED, "agree the right to search, or ask for a person or household by number")
    if not facts.searched:
        return Denial(Reason.SEARCH_NOT_AGREED, "name at least one attribute to search by")
    agreed = agreement.search.attributes
    if facts.searched <= set(agreed):
        return None
    return Denial(Reason.SEARCH_NOT_AGREED, f"search by nothing but what is agreed: {', '.join(agreed)}")


def check_bulk(request: DisclosureRequest, facts: Facts) -> Denial | None:
    """Deny a job that the agreement does not allow, or that asks more than it allows."""
    agreement = applicable(request, facts)
    if agreement is None or facts.together is None:
        return None
    if agreement.bulk is None:
        return Denial(Reason.BULK_NOT_AGREED, "agree the right to ask in bulk, or ask in ordinary messages")
    if facts.together <= agreement.bulk.max_questions:
        return None
    return Denial(Reason.BULK_NOT_AGREED, f"ask at most {agreement.bulk.max_questions} questions in one job")


def check_attributes(request: DisclosureRequest, facts: Facts) -> Denial | None:
    """Deny a question of whose attributes none is agreed."""
    agreement = applicable(request, facts)
    if agreement is None or request.attributes is None or request.attributes & agreement.forms.keys():
        return None
    return Denial(Reason.NOTHING_AGREED, "ask for at least one attribute of the agreement")

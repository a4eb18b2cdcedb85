"""The rules on why a question is asked."""

from __future__ import annotations

from policies.facts import Facts, holding
from standards.permit import Denial, DisclosureRequest, Reason


def check_purpose_stated(request: DisclosureRequest, facts: Facts) -> Denial | None:
    """Deny a question that does not say why it is asked."""
    if request.purpose:
        return None
    return Denial(Reason.PURPOSE_MISSING, "state the code of a purpose that the agreement names")


def check_purpose_agreed(request: DisclosureRequest, facts: Facts) -> Denial | None:
    """Deny a purpose that none of the consumer's agreements names; silent when there is none to look into."""
    agreements = holding(request, facts)
    if not request.purpose or not agreements or any(request.purpose in a.purposes for a in agreements):
        return None
    codes = ", ".join(sorted({code for a in agreements for code in a.purposes}))
    return Denial(Reason.PURPOSE_NOT_AGREED, f"agree this purpose, or ask for one that is agreed: {codes}")

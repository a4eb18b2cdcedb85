"""The decision: a permit only when every rule is silent. This is the only file that makes permits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from policies.agreement import Agreement
from policies.consent import counts_for, withheld_by_consent
from policies.facts import Facts, applicable
from policies.fit import PLACES
from policies.groups import refused_of
from policies.ports import Standing
from policies.purpose import check_purpose_agreed, check_purpose_stated
from policies.scope import check_agreement, check_attributes, check_bulk, check_household, check_search, check_term
from standards.attributes import Catalogue, Entity
from standards.errors import ConfigurationError
from standards.permit import Denial, DisclosureRequest, Form, FormKind, Permit, PersonPermit, ProbeLimits, Reason
from standards.states import WithheldReason

Rule = Callable[[DisclosureRequest, Facts], Denial | None]

RULES: Final[tuple[Rule, ...]] = (
    check_agreement,
    check_term,
    check_purpose_stated,
    check_purpose_agreed,
    check_household,
    check_search,
    check_bulk,
    check_attributes,
)
"""Every rule is asked, in this order; a denial carries all reasons."""

_NO_GROUPS: Final[Mapping[str, frozenset[str]]] = {}

_UNDECIDED: Final = Denial(Reason.UNDECIDED, "tell the operator of this gateway: a rule could not be applied")


def decide(request: DisclosureRequest, facts: Facts, rules: Sequence[Rule] = RULES) -> Permit | tuple[Denial, ...]:
    """Return what the question may disclose, or every reason against it.

    Raises: ConfigurationError when there are no rules: silence of nobody is not a permit.
    """
    if not rules:
        raise ConfigurationError("there are no rules to decide by: leave policies.engine.RULES as they are")
    denials = tuple(d for rule in rules if (d := _ask(rule, request, facts)) is not None)
    agreement = applicable(request, facts) if not denials else None
    household = agreement.household if agreement is not None else None
    if agreement is None or (household is None and request.needs_household):
        # INVARIANT: no permit without an agreement, even if the rules given did not look for one.
        return denials or (_UNDECIDED,)
    return _permit(request, facts, agreement, household.rule if household is not None else "")


def _ask(rule: Rule, request: DisclosureRequest, facts: Facts) -> Denial | None:
    # INVARIANT: a rule that raises yields a denial, whatever it raises.
    try:
        return rule(request, facts)
    except Exception:  # noqa: BLE001 - see above; the exception may hold anything, so it goes nowhere
        return _UNDECIDED


def _permit(request: DisclosureRequest, facts: Facts, agreement: Agreement, household_rule: str) -> Permit:
    asked = agreement.forms.keys() if request.attributes is None else request.attributes
    forms = {name: form for name, form in agreement.forms.items() if name in asked}
    withheld = dict.fromkeys(sorted(asked - forms.keys()), WithheldReason.NOT_IN_AGREEMENT)
    inputs = {name: frozenset(_bases(name, form, facts.catalogue)) for name, form in forms.items()}
    return Permit(
        consumer_id=request.consumer_id,
        purpose=request.purpose,
        legal_basis=agreement.purposes[request.purpose].legal_basis,
        agreement_id=agreement.id,
        agreement_version=agreement.version,
        household_rule=household_rule,
        forms=forms,
        withheld=withheld,
        max_age_s=agreement.max_age_s,
        decided_at=facts.now,
        household_names=frozenset(n for n in (*forms, *withheld) if _is_of_household(n, facts.catalogue)),
        inputs={name: bases for name, bases in inputs.items() if bases != {name}},
        hide_withheld=agreement.hide_withheld,
        allows_past=agreement.past,
        allows_linkage=agreement.linkage,
        stale_if_error_s=agreement.stale_if_error_s,
        mandatory=frozenset(agreement.mandatory),
        per_day=agreement.purposes[request.purpose].quota.per_day,
        per_month=agreement.purposes[request.purpose].quota.per_month,
        **_search_terms(agreement if facts.searched is not None else None),
        even_time_s=agreement.even_time_ms / 1000,
        probe_limits={n: ProbeLimits(**terms.model_dump()) for n, terms in agreement.probes.items()},
    )


def _search_terms(agreement: Agreement | None) -> dict[str, Any]:
    """Return what a permit says of searching; nothing, when the question is no search."""
    if agreement is None or agreement.search is None:
        return {}
    terms = agreement.search
    return {
        "max_results": terms.max_results,
        "searchable": {name: agreement.forms[name] for name in terms.attributes},
        "totals": terms.totals,
        "min_group_size": terms.min_group_size,
    }


UNDECIDED: Final = PersonPermit({}, {})
"""Of somebody about whom nothing was decided: nothing may be read, and nothing given."""


def decide_person(
    permit: Permit,
    standing: Standing | None,
    holders: Mapping[str, frozenset[str]],
    groups: Mapping[str, frozenset[str]] = _NO_GROUPS,
) -> PersonPermit:
    """Return what may be read and disclosed of one person.

    standing: what the person has decided; None when nothing is known. It counts where consent is the legal basis, and
    where it is an objection and the basis allows one.
    holders: base attribute -> every source that could state it.
    groups: attribute group -> its attributes.
    """
    if permit.sources is not None:
        holders = {name: held & permit.sources for name, held in holders.items()}
    refused = refused_of(standing.refused_parts, groups, holders) if standing and standing.refused_parts else {}
    withheld = withheld_by_consent(permit, standing, holders, refused)
    counts = counts_for(permit, standing)
    receipt = f":{standing.receipt_id}" if standing is not None and counts and standing.receipt_id else ""
    return PersonPermit(
        forms={name: form for name, form in permit.forms.items() if name not in withheld},
        withheld={**permit.withheld, **withheld},
        refused_sources=standing.refused_sources if standing is not None and counts else frozenset(),
        basis=f"{permit.legal_basis}{receipt}",
        refused_attributes=refused if counts else {},
        keeping=standing.keeping if standing is not None and counts else (),
    )


def narrowed(one: PersonPermit, other: PersonPermit) -> PersonPermit:
    """Return what two decisions about one person both permit: somebody with two numbers may have decided twice."""
    withheld = {**other.withheld, **one.withheld}
    forms = {n: form for n, form in one.forms.items() if n in other.forms and n not in withheld}
    # What only one of them permits is withheld for the reason the other gives.
    merged = dict(one.refused_attributes)
    for source, names in other.refused_attributes.items():
        merged[source] = merged.get(source, frozenset()) | names
    refused_sources = one.refused_sources | other.refused_sources
    keeping = tuple(sorted({*one.keeping, *other.keeping}))
    return one._replace(
        forms=forms,
        withheld=withheld,
        refused_sources=refused_sources,
        refused_attributes=merged,
        keeping=keeping,
    )


def readable(forms: Mapping[str, Form], catalogue: Catalogue) -> frozenset[str]:
    """Return the base attributes that must be read to give these: the names, and what derived ones are made of.

    Derived attributes are not among them: no source holds them.
    """
    return frozenset(base for name, form in forms.items() for base in _bases(name, form, catalogue))


def _bases(name: str, form: Form, catalogue: Catalogue) -> set[str]:
    if form.kind is FormKind.GENERALISED and form.to in PLACES:
        return {PLACES[form.to]}
    definition = catalogue.get(name)
    if definition is None or definition.derived is None:
        return {name}
    return {base for part in definition.derived.inputs for base in _bases(part, _WHOLE, catalogue)}


_WHOLE: Final = Form(FormKind.VALUE)


def _is_of_household(name: str, catalogue: Catalogue) -> bool:
    definition = catalogue.get(name)
    return definition is None or definition.entity is Entity.HOUSEHOLD

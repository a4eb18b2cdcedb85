"""An agreement in plain language, clause by clause, each with the place in the file that it explains. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from policies.agreement import LegalBasis
from policies.wording import BASES, duration, form_words
from standards.attributes import Entity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.agreement import Agreement, Purpose
    from standards.attributes import AttributeDefinition, Catalogue


class Clause(NamedTuple):
    """What one place of an agreement means."""

    where: str
    """Dotted path: `purposes.eligibility`."""
    sentence: str


def explain(agreement: Agreement, catalogue: Catalogue) -> tuple[Clause, ...]:
    """Return an agreement in sentences, in the order in which a lawyer asks: who, why, what, how, until when."""
    return tuple(_clauses(agreement, catalogue))


def _clauses(agreement: Agreement, catalogue: Catalogue) -> Iterator[Clause]:
    who = agreement.consumer
    yield Clause(
        "version", f"This is version {agreement.version} of the agreement `{agreement.id}`: {agreement.title}."
    )
    yield Clause(
        "consumer",
        f"It lets {who.title} ask, through the system that logs in as `{who.client_id}` and signs as "
        f"`{who.sender_id}`. Nobody else may use it.",
    )
    if who.callback_hosts:
        yield Clause(
            "consumer.callback_hosts", f"Results may be sent to {', '.join(who.callback_hosts)}, nowhere else."
        )
    yield Clause("start", f"It holds from {agreement.start} to {agreement.end}, both days included.")
    for code, purpose in agreement.purposes.items():
        yield from _purpose(f"purposes.{code}", code, purpose)
    rule = agreement.household
    yield Clause(
        "household",
        f"A household is found by the rule {rule.rule}, which the gateway's settings define."
        if rule is not None
        else "Households may not be asked for.",
    )
    for name in agreement.attributes:
        definition, how = catalogue[name], form_words(agreement.forms[name])
        told = f"{definition.title} of {_whose(definition)} is told {how}.{_made(definition)}"
        yield Clause(f"attributes.{name}", told)
    yield Clause("attributes", "Nothing that is not listed is ever told, nor is any registry asked for it.")
    yield from _limits(agreement)


def _whose(definition: AttributeDefinition) -> str:
    return "the household" if definition.entity is Entity.HOUSEHOLD else "each person"


def _made(definition: AttributeDefinition) -> str:
    if definition.derived is None:
        return ""
    return f" It is computed here from {', '.join(definition.derived.inputs)}; what is read for it is not told by it."


def _purpose(where: str, code: str, purpose: Purpose) -> Iterator[Clause]:
    yield Clause(where, f"Purpose `{code}`: {purpose.title}. By law: {purpose.reference}.")
    yield Clause(f"{where}.legal_basis", f"Its legal basis is {BASES[LegalBasis(purpose.legal_basis)]}.")
    bounds = [
        f"{most} {'question' if most == 1 else 'questions'} a {unit}"
        for most, unit in ((purpose.quota.per_day, "day"), (purpose.quota.per_month, "month"))
        if most is not None
    ]
    said = (
        f"At most {' and '.join(bounds)} (UTC) may be asked for it."
        if bounds
        else "Its questions are not limited in number."
    )
    yield Clause(f"{where}.quota", said)


def _limits(agreement: Agreement) -> Iterator[Clause]:
    age = f"No registry's record older than {duration(agreement.max_age_s)} serves an answer."
    if agreement.stale_if_error_s:
        age += f" While a registry is out, a record {duration(agreement.stale_if_error_s)} older may, and is labelled."
    yield Clause("max_age_s", age)
    kept = f"{agreement.retention_days} {'day' if agreement.retention_days == 1 else 'days'}"
    yield Clause("retention_days", f"The programme may keep what it was told for {kept}.")
    if agreement.mandatory:
        yield Clause("mandatory", f"Nothing is told unless these could be heard: {', '.join(agreement.mandatory)}.")
    search = agreement.search
    yield Clause(
        "search",
        f"It may look for people and households that it cannot name, by {', '.join(search.attributes)}, for at most "
        f"{search.max_results} results of one search."
        if search is not None
        else "It may ask only about people and households that it can name by a number.",
    )
    bulk = agreement.bulk
    yield Clause(
        "bulk",
        f"It may ask up to {bulk.max_questions} questions in one job."
        if bulk is not None
        else "It may not ask in bulk: only in messages that are answered at once.",
    )
    events = agreement.events
    yield Clause(
        "events",
        f"It may subscribe to {', '.join(kind.replace('_', ' ') for kind in events.kinds)} of people that it names, "
        f"and is told what it could also ask for; where a registry tells of no events, we look every "
        f"{duration(events.min_interval_s)} at most."
        if events is not None
        else "It is told nothing that it has not asked for: it may not subscribe to events.",
    )
    yield Clause(
        "past",
        "It may ask how things were on a past day." if agreement.past else "It may ask only how things are today.",
    )
    yield Clause(
        "linkage",
        "Where a registry knows no number of a person, the person may be looked up there by name, birth date and "
        "place; none of that is told to the programme unless it may know it anyway."
        if agreement.linkage
        else "Nobody is looked up by name: registries that know no number of a person are not asked.",
    )
    yield Clause(
        "hide_withheld",
        "What is kept back looks to the programme as if there were nothing."
        if agreement.hide_withheld
        else "The programme sees that something is kept back, and why.",
    )
    yield from _guard(agreement)


def _guard(agreement: Agreement) -> Iterator[Clause]:
    """Yield what keeps the programme from working out what it is not told."""
    yield Clause(
        "even_time_ms",
        f"Answers leave only at whole multiples of {agreement.even_time_ms} ms, whatever was done for them."
        if agreement.even_time_ms
        else "Answers leave as soon as they are ready.",
    )
    units = (
        ("answers", "answers about one person"),
        ("thresholds", "different thresholds about one person"),
        ("search_values", "different values in searches"),
    )
    for name, terms in sorted(agreement.probes.items()):
        said = [f"{most} {unit}" for key, unit in units if (most := getattr(terms, key)) is not None]
        yield Clause(f"probes.{name}", f"Of `{name}`, at most {', '.join(said) or 'as usual'} within the usual time.")
    if not agreement.probes:
        yield Clause("probes", "How often a threshold may be asked about one person is as this gateway usually allows.")
    if agreement.search is not None:
        totals = {
            "exact": "as it is",
            "rounded": "as the next multiple of 10",
            "hidden": "not, but for whether there is a further page",
        }
        yield Clause("search.totals", f"How many a search finds is told {totals[agreement.search.totals]}.")
        if (least := agreement.search.min_group_size) > 1:
            yield Clause("search.min_group_size", f"A search that finds fewer than {least} shows nobody.")

"""Respond: a minimised profile becomes records in the standard's shape, with its evidence beside them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.stages.plan import Plan
from standards.attributes import Catalogue
from standards.dci.codes import ResponseEntity
from standards.dci.evidence import evidence_extension
from standards.dci.place import compile_places, group_record, member_record
from standards.dci.search import Page, SearchItem, answered_item, rejected_item
from standards.dci.shapes import Shape, as_released, records_of, shape_of
from standards.errors import MandatorySourceError, SourceError, SourceUnavailableError
from standards.household import HouseholdProfile, Outcome
from standards.permit import Denial, FormKind, Permit
from standards.states import AttributeState, Conflict, JsonValue, Value


class Responder:
    """Builds items of answers.

    context: address of the JSON-LD context that explains our members of a record.
    """

    def __init__(self, catalogue: Catalogue, context: str) -> None:
        self._places = compile_places(catalogue)
        self._context = context

    def answered(
        self,
        item: SearchItem,
        profiles: Sequence[HouseholdProfile],
        permit: Permit,
        now: datetime,
        *,
        plan: Plan | None = None,
        total: int | None = None,
        note: str | None = None,
        found_by: str = "",
    ) -> dict[str, object]:
        """Return the item of a question that was answered.

        profiles: what may leave, one for each record.
        plan: shown when the question asked for an explanation.
        found_by: how a search found them, told before the plan.
        total: records found over all pages, when the question was a search.
        """
        forms = {name: form.kind for name, form in permit.forms.items() if form.kind is not FormKind.VALUE}
        as_member = item.response_entity is ResponseEntity.MEMBER
        shape = shape_of(item.reg_type, item.reg_record_type)
        if shape is None:
            build = self._member if as_member else self._group
            records = [build(profile, forms) for profile in profiles]
        else:
            told = [(profile, self._single(profile, shape, forms)) for profile in profiles]
            records = [record for _, some in told for record in some]
            # Every record has its entry in the evidence, also where several are about one person.
            profiles = [profile for profile, some in told for _ in some]
        silent = sorted({s for p in profiles for s, o in p.sources.items() if o.outcome in _HOLES})
        said = [f"not obtained from {', '.join(silent)}: see hearth:evidence"] if silent else []
        shown = [p.subject or 0 for p in profiles] if as_member else None
        return answered_item(
            item.reference_id,
            now=now,
            reg_type=item.reg_type,
            reg_record_type=item.reg_record_type,
            records=as_released(shape, records),
            page=item.page or Page(max(1, len(profiles))),
            total=len(profiles) if total is None else total,
            locale=item.locale,
            extensions=evidence_extension(
                profiles, members=shown, plan="\n".join(filter(None, (found_by, plan.explained()))) if plan else None
            ),
            message="; ".join([*said, *([note] if note else [])]) or None,
        )

    def _group(self, profile: HouseholdProfile, forms: Mapping[str, FormKind]) -> dict[str, object]:
        members = [
            member_record(_shown(m.attributes), self._places, forms=forms, relationship=m.relationship)
            for m in profile.members
        ]
        heads = [m.number for m in profile.members if m.relationship == "SELF"]
        return group_record(
            _shown(profile.attributes),
            members,
            self._places,
            head=heads[0] if len(heads) == 1 else None,
            forms=forms,
            context=self._context,
        )

    def _single(
        self, profile: HouseholdProfile, shape: Shape, forms: Mapping[str, FormKind]
    ) -> list[dict[str, object]]:
        person = profile.members[profile.subject or 0]
        return records_of(shape, _shown(person.attributes), forms=forms, context=self._context)

    def _member(self, profile: HouseholdProfile, forms: Mapping[str, FormKind]) -> dict[str, object]:
        person = profile.members[profile.subject or 0]
        return member_record(_shown(person.attributes), self._places, forms=forms, context=self._context)


_HOLES = frozenset({Outcome.UNAVAILABLE, Outcome.PARTIAL})


def denied(item: SearchItem, denials: Sequence[Denial], now: datetime) -> dict[str, object]:
    """Return the item of a question that policy denied: every reason, and what to obtain."""
    text = "; ".join(f"{d.reason}: {d.remedy}" for d in denials)
    return rejected_item(item.reference_id, "rjct.search_criteria.invalid", text, now=now, locale=item.locale)


def unanswered(item: SearchItem, error: SourceError, now: datetime) -> dict[str, object]:
    """Return the item of a question for which no registry could be heard: nothing is known, which is not a "no".

    The standard's closed list has no code for it, so the item carries none.
    """
    what = "nothing is known"
    if isinstance(error, MandatorySourceError):
        what = "the agreement discloses nothing without it"
    until = error.until if isinstance(error, SourceUnavailableError) else None
    again = f"ask again after {until}" if until is not None else "ask again"
    text = f"not obtained from {error.source_id} ({error.reason}): {what}, {again}"
    return rejected_item(item.reference_id, None, text, now=now, locale=item.locale)


def _shown(attributes: Mapping[str, AttributeState]) -> dict[str, JsonValue]:
    shown: dict[str, JsonValue] = {}
    for name, state in attributes.items():
        if type(state) is Value:
            shown[name] = state.value
        elif type(state) is Conflict:
            shown[name] = state.settled.value
    return shown

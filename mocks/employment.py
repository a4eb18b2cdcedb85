"""The employment services: who seeks work, how they stand on the register, and what they did before, asked in DCI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar, Final

from aiohttp import web

from mocks.chance import stream
from mocks.dci import DciRegistry, Kind
from mocks.dci_message import stamp
from mocks.dci_query import Attribute, RefusedItemError
from mocks.employment_files import ACTIVE, NUMBER_TYPE, REINSTATED, WORDS, Job, SeekerFile, registered, seeker_files
from mocks.people import Person
from mocks.population import Population
from mocks.registry import Call, Operation
from mocks.rolls import Roll, member, numbers
from mocks.speaking import spoken
from mocks.specials import Special, answer_to_special, asked_about, refusal_of, served, stamped

REGISTER: Final = "JS-10"
"""The programme that everybody on the register is enrolled in."""
_CHECKS: Final = "enrollementstatus"
"""The action of `sync/check-enrollment`, in the release's own spelling."""


class EmploymentRegistry(DciRegistry):
    """Job seekers as members with their employment, and as beneficiaries of the register; standing told in words."""

    name = "employment"
    reg_type = "ns:org:RegistryType:ESS"
    default_entity = "member"
    spoiled_names: ClassVar[Mapping[str, str]] = {**DciRegistry.spoiled_names, "enrolled_status": "standing"}

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        self.roll = Roll(seeker_files(population), NUMBER_TYPE)
        self._rng = stream(population.seed, "employment numbers")
        super().__init__(population, credentials)

    def described(self) -> Mapping[str, Kind]:
        """Return both kinds of record of the same people."""
        attributes = {
            "employment_status": Attribute("text", lambda one: one.employment_status),
            "unemployment_reason": Attribute("text", lambda one: one.reason),
            "enrollment_status": Attribute("text", lambda one: one.status),
            "occupation": Attribute("text", lambda one: one.occupation),
            "registration_date": Attribute("date", lambda one: one.registered_on.isoformat()),
            "sex": Attribute("text", lambda one: one.person.sex),
            "birth_date": Attribute("date", lambda one: one.person.birth_date.isoformat()),
            "region_code": Attribute(
                "text", lambda one: self.population.households[one.person.household].address.region
            ),
            "UIN": Attribute("text", lambda one: one.uin),
            NUMBER_TYPE: Attribute("text", lambda one: one.number),
        }
        as_member = Kind(
            record_type="spdci-extensions-dci:Member",
            everybody=lambda: self.roll.entries,
            by_number={type_: self.roll.by(type_) for type_ in (NUMBER_TYPE, "UIN")},
            attributes=attributes,
            record=self._member,
        )
        return {
            "member": as_member,
            "beneficiary": as_member._replace(record_type="Beneficiary", record=self._beneficiary),
        }

    def operations(self) -> Iterable[Operation]:
        """Return search and the question how somebody stands."""
        yield from super().operations()
        yield from spoken(self, "sync/check-enrollment", served("enrolled_criteria", self.checked), "check")

    def things_of(self, kind: Kind, person: Person) -> Sequence[Any]:
        """Return a person's file."""
        return self.roll.of(person)

    def holds(self, person: Person) -> bool:
        """Tell whether a person has a file here."""
        return bool(self.roll.of(person))

    def enrol(self, person: Person, day: date) -> SeekerFile:
        """Put a person on the register from a day on; one who is on it already is reinstated unless active."""
        known = next(iter(self.roll.of(person)), None)
        if known is not None:
            if known.status != ACTIVE:
                self.change(person, REINSTATED, day)
            return self.roll.of(person)[0]
        number = self.roll.fresh_number(self._rng, "JS-", 6)
        file = registered(self._rng, len(self.roll.entries), person, number, day)
        self.roll.add(file)
        return file

    def change(self, person: Person, status: str, day: date) -> bool:
        """Give a person on the register another status from a day on; tells whether they are on it."""
        known = next(iter(self.roll.of(person)), None)
        if known is not None:
            self.roll.replace(known, replace(known, status=status, changed_on=day))
        return known is not None

    def checked(self, question: Special, call: Call) -> web.Response:
        """Answer how a person stands on the register; nothing about those who are not on it."""
        call.asked(1)
        why: dict[str, str] = {}
        items: list[dict[str, Any]] = []
        try:
            if (code := refusal_of(question, _CHECKS)) is not None:
                why["code"] = code
            else:
                value, programme = asked_about(question)
                people = call.about([file.person for file in self.roll.by_any(value)])
                files = [file for person in people if person is not None for file in self.roll.of(person)]
                standing = files if programme in (None, REGISTER) else []
                items = [stamped(question) | {"enrolled_status": WORDS[file.status]} for file in standing]
        except RefusedItemError as refusal:
            why["message"] = str(refusal)
        content = {"enrolled_response": items}
        return answer_to_special(question, content, action="txn-on-status", sender=self.sender_id, **why)

    def _member(self, file: SeekerFile) -> dict[str, Any]:
        shown = member(self.population, self.name, file.person, numbers(NUMBER_TYPE, file), "ESSPerson")
        shown |= {
            "employment_status": file.employment_status,
            "occupation": file.occupation,
            "employment_info": [_job(job) for job in file.jobs],
            "pv:enrolment_status": file.status,
            "registration_date": stamp(file.registered_on),
            "last_updated": stamp(file.changed_on or file.registered_on),
        }
        if file.reason is not None:
            shown["unemployment_reason"] = file.reason
        if file.person.schooling is not None and file.person.schooling.level:
            shown["education_level"] = file.person.schooling.level
        return shown

    def _beneficiary(self, file: SeekerFile) -> dict[str, Any]:
        record: dict[str, Any] = {
            "@type": "Beneficiary",
            "assistance_unit": "1",
            "member": self._member(file),
            "programme_identifier": [
                {
                    "@type": "Programme",
                    "programme_identifier": REGISTER,
                    "programme_name": "Job seekers' register",
                    "programme_type": "14",
                    "implementing_institution": "Poveria Employment Service",
                    "institution_type": "1",
                    "social_protection_functions": ["7"],
                }
            ],
            "enrollment_date": file.registered_on.isoformat(),
            "enrollment_status": file.status,
        }
        return record if file.changed_on is None else record | {"status_change_date": [file.changed_on.isoformat()]}


def _job(job: Job) -> dict[str, str]:
    told = {
        "@type": "EmploymentInfo",
        "job_title": job.title,
        "employer": job.employer,
        "employment_type": job.type,
        "start_date": job.started_on.isoformat(),
    }
    return told if job.ended_on is None else told | {"end_date": job.ended_on.isoformat()}
